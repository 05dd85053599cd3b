//! ORCA (Shen et al., ICML 2023): the embedder first learns to bring the embedded target close to the
//! embedded source, as datasets with labels. The distance is in [`transport`](crate::transfer::objectives::transport).

use super::{Method, Role, settings};
use crate::suite::task::TargetKind;
use crate::transfer::error::TransferError;
use crate::transfer::objectives::transport::{Distance, TransportSettings};
use crate::transfer::stages::{Request, Training, embedder};

/// ORCA.
pub const METHOD: Method = Method {
    name: "orca",
    title: "ORCA",
    phrase: "ORCA",
    role: Role::Baseline,
    what: "Trains the embedder first, to minimise the optimal transport dataset distance between \
           embedded source and embedded target; then fine-tunes everything.",
    citation: "Shen et al., ICML 2023",
    reads_source: true,
    settings: Some(settings::complete::<TransportSettings>),
    defined_for: |kind| {
        if kind == TargetKind::Labels {
            Ok(())
        } else {
            Err("its distance is taken between classes")
        }
    },
    stage1: Some(stage1),
    ..Method::FINE_TUNING
};

/// The embedder on the distance.
fn stage1<'a>(request: &Request<'a>) -> Result<Training<'a>, TransferError> {
    let settings: TransportSettings = METHOD.read_settings(request.settings)?;
    let (source, set) = (&request.source.network.embedder, &request.source_set);
    let distance = Distance::new(source, set.clone(), &settings, request.seed)?;
    Ok(Training {
        objective: Box::new(distance),
        trains: embedder,
        batch: settings.target_batch,
    })
}

//! ORCA's stage 1: the embedder alone, on a distance between embedded source and embedded target.

use super::{METHOD, TransportSettings};
use crate::transfer::error::TransferError;
use crate::transfer::objectives::embedding::{Apart, Between};
use crate::transfer::objectives::transport::Distance;
use crate::transfer::request::{Request, Training, embedder};

/// The embedder on the OTDD.
pub(super) fn stage1<'a>(request: &Request<'a>) -> Result<Option<Training<'a>>, TransferError> {
    let settings: TransportSettings = METHOD.read_settings(request.settings)?;
    let (source, set) = (&request.source.network.embedder, &request.source_set);
    let distance = Distance::new(source, set.clone(), &settings, request.seed)?;
    Ok(Some(Training {
        objective: Box::new(distance),
        trains: embedder,
        batch: settings.target_batch,
    }))
}

/// The embedder on a distance that knows no classes, of so many source samples and of a target batch; `setting` names
/// both numbers in errors.
pub(in crate::transfer::methods) fn aligned<'a>(
    request: &Request<'a>,
    between: Between,
    setting: &'static str,
    [samples, batch]: [usize; 2],
) -> Result<Option<Training<'a>>, TransferError> {
    if samples < 2 || batch < 2 || request.source_set.len() < 2 {
        return Err(TransferError::Setting {
            setting,
            expected: "at least 2 of both, and a source set that has them".into(),
            found: format!("{batch} and {}", samples.min(request.source_set.len())),
        });
    }
    let (source, set) = (&request.source.network.embedder, &request.source_set);
    let distance = Apart::new(source, set.clone(), between, samples, request.seed)?;
    Ok(Some(Training {
        objective: Box::new(distance),
        trains: embedder,
        batch,
    }))
}

//! ORCA's stage 1.

use super::{METHOD, TransportSettings};
use crate::transfer::error::TransferError;
use crate::transfer::objectives::transport::Distance;
use crate::transfer::request::{Request, Training, embedder};

/// The embedder on the distance.
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

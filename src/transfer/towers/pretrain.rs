//! Pretraining of two towers: full fine-tuning of fresh ones by the same losses and the same loop of epochs as every
//! transfer. What comes out is a model of its own, whose scale is −ln τ.

use super::{Captioned, Work};
use crate::model::adapters::{Nothing, Settings, Tuning};
use crate::model::two_tower::{TwoTower, TwoTowerConfig};
use crate::suite::pretraining::Pretrain;
use crate::transfer::epochs::Event;
use crate::transfer::error::TransferError;
use crate::transfer::records::EpochRecord;
use crate::transfer::snapshot::Checkpointer;

/// A pretraining.
pub struct Pretraining<'a> {
    /// All settings.
    pub recipe: &'a Pretrain,
    /// Fresh towers, on the plain device.
    pub towers: &'a TwoTower,
    /// Their shape.
    pub config: &'a TwoTowerConfig,
    /// Training, validation and test part.
    pub parts: &'a [Captioned; 3],
}

/// Trained towers and their record.
pub struct TrainedTowers {
    /// The towers of the selected epoch, untracked.
    pub towers: TwoTower,
    /// The selected epoch.
    pub selected: usize,
    /// Every epoch.
    pub course: Vec<EpochRecord>,
}

impl<'a> Pretraining<'a> {
    fn work(&self) -> Work<'a> {
        Work {
            train: &self.recipe.train,
            pairs: &self.recipe.pairs,
            towers: self.towers,
            config: self.config,
            parts: self.parts,
            seed: self.recipe.seed,
        }
    }

    /// Refuses a recipe that pairs cannot be trained by, before anything is written.
    ///
    /// # Errors
    /// [`TransferError::Setting`].
    pub fn check(&self) -> Result<(), TransferError> {
        super::check(&self.work())
    }
}

/// Pretrains towers, resuming from the checkpointer's snapshot if it has one.
///
/// # Errors
/// Settings that pairs cannot be trained by, and what the [training loop](crate::transfer::epochs::run) ends with.
pub fn pretrain(
    request: &Pretraining,
    checkpointer: &mut dyn Checkpointer<Tuning>,
    progress: &mut dyn FnMut(Event) -> bool,
) -> Result<TrainedTowers, TransferError> {
    let trained = request
        .work()
        .trained(Settings::Whole(Nothing {}), checkpointer, progress)?;
    let towers = match trained.tuning {
        Tuning::Whole(whole) => whole.into_towers(),
        // Nothing else was asked for.
        _ => request.towers.clone(),
    };
    Ok(TrainedTowers {
        towers,
        selected: trained.selected,
        course: trained.course,
    })
}

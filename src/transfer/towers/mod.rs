//! Transfers of a model of two towers: to retrieval between pictures and captions (HarMA and what it is compared with), and to
//! classes by their texts (MmAP and what it is compared with).
//!
//! What trains is a [`Tuning`] beside the towers (or, of full fine-tuning, a copy of them); the towers themselves stay
//! equal byte for byte. All methods share data, losses and the loop of epochs, and differ in their tuning alone. Pretraining is
//! full fine-tuning of towers that nobody has trained.
//!
//! ```text
//! captions ──► supply ──► epochs ──► contrast
//! pictures     batches,   the one    losses of a batch,
//! and ids      metric     loop       by GradCache in parts
//!
//! classes  ──► joint: batches of one task or several, cross-entropy over texts of classes, by the same loop
//! ```

mod captions;
mod classes;
mod contrast;
mod fitted;
mod joint;
mod pretrain;
mod supply;
#[cfg(test)]
mod tests;

pub use captions::{Captioned, Tokens};
pub use classes::{ClassTokens, Named};
pub use fitted::{Fitted, fit};
pub use joint::{Joint, JointRequest, TrainedJoint, learn, similarity};
pub use pretrain::{Pretraining, TrainedTowers, pretrain};
pub use supply::{Vectors, mean_recall, vectors};

use super::epochs::{self, Event};
use super::error::TransferError;
use super::methods::Method;
use super::records::EpochRecord;
use super::snapshot::Checkpointer;
use super::stages::fine_tuning;
use crate::model::adapters::{Settings, Tuning};
use crate::model::two_tower::{TwoTower, TwoTowerConfig};
use crate::suite::definition::Transfer;
use crate::suite::pairs::PairSettings;
use crate::suite::training::TrainSettings;
use contrast::Contrast;
use supply::Pairs;

/// One transfer of two towers to a set of pictures with captions.
pub struct TowerRequest<'a> {
    /// All settings.
    pub settings: &'a Transfer,
    /// The pretrained towers, on the plain device.
    pub towers: &'a TwoTower,
    /// Their shape.
    pub config: &'a TwoTowerConfig,
    /// Training, validation and test part.
    pub parts: &'a [Captioned; 3],
    /// Seed of everything random.
    pub seed: u64,
}

/// A trained tuning and its record.
pub struct TrainedTuning {
    /// The tuning of the selected epoch, untracked.
    pub tuning: Tuning,
    /// The selected epoch.
    pub selected: usize,
    /// Every epoch.
    pub course: Vec<EpochRecord>,
}

/// Runs a transfer, resuming from the checkpointer's snapshot if it has one.
///
/// # Errors
/// [`TransferError::Undefined`] where the method trains no two towers, and what the [training loop](epochs::run) ends with.
pub fn transfer(
    method: &'static Method,
    request: &TowerRequest,
    checkpointer: &mut dyn Checkpointer<Tuning>,
    progress: &mut dyn FnMut(Event) -> bool,
) -> Result<TrainedTuning, TransferError> {
    let settings = request.settings;
    let work = Work {
        train: &settings.train,
        pairs: &settings.pairs,
        towers: request.towers,
        config: request.config,
        parts: request.parts,
        seed: request.seed,
    };
    work.trained(method.tuning(settings)?, checkpointer, progress)
}

/// What a training of towers works with, a transfer's or a pretraining's.
struct Work<'a> {
    train: &'a TrainSettings,
    pairs: &'a PairSettings,
    towers: &'a TwoTower,
    config: &'a TwoTowerConfig,
    parts: &'a [Captioned; 3],
    seed: u64,
}

impl Work<'_> {
    /// Trains a tuning of these settings, resuming from the checkpointer's snapshot if it has one.
    fn trained(
        &self,
        tuned: Settings,
        checkpointer: &mut dyn Checkpointer<Tuning>,
        progress: &mut dyn FnMut(Event) -> bool,
    ) -> Result<TrainedTuning, TransferError> {
        check(self)?;
        let start = self.pairs.temperature;
        let tuning = Tuning::new(self.config, self.towers, tuned, start, self.seed)?;
        let supply = Pairs::new(self);
        let objective = Box::new(Contrast::new(self));
        let stage = fine_tuning(self.train, &supply, objective, |_| true, self.seed);
        let from = checkpointer.load()?;
        let first = Vec::new();
        let done = epochs::run(tuning, &supply, stage, from, first, checkpointer, progress)?;
        Ok(TrainedTuning {
            tuning: done.network,
            selected: done.selected,
            course: done.course,
        })
    }
}

/// Refuses settings that pairs cannot be trained by.
fn check(work: &Work) -> Result<(), TransferError> {
    work.train.check(work.parts[0].pairs().as_ref())?;
    let wrong = |setting, expected: &str, found: String| {
        Err(TransferError::Setting {
            setting,
            expected: expected.into(),
            found,
        })
    };
    if work.train.label_smoothing > 0.0 {
        let expected = "0 for pairs of pictures and captions, which have no classes";
        return wrong(
            "label_smoothing",
            expected,
            work.train.label_smoothing.to_string(),
        );
    }
    if work.train.recompute {
        let expected = "false for pairs of pictures and captions: micro_batch has their activations in memory in parts";
        return wrong("recompute", expected, "true".into());
    }
    if let Some((setting, expected, found)) = work.pairs.conflict() {
        return wrong(setting, expected, found);
    }
    let early_matching = work.pairs.early_matching;
    let [images, texts] = [&work.towers.image, &work.towers.text].map(|of| of.encoder.steps());
    if early_matching > 0.0 && images != texts {
        let expected = "0 for towers of unequal numbers of blocks: a block of one is matched with the same of the other";
        let found = format!("{early_matching} for {images} and {texts} blocks");
        return wrong("pairs.early_matching", expected, found);
    }
    Ok(())
}

//! Batches of pairs, and the metric that judges a tuning: one minus the mean recall of a part.

use super::Work;
use super::captions::{Captioned, Tokens};
use crate::dataset::loader::{Batch, Order, batches};
use crate::dataset::{Dataset, DatasetError};
use crate::feature::towers;
use crate::measure::retrieval::{Retrieval, Rule, retrieval};
use crate::model::adapters::Tuning;
use crate::model::two_tower::TwoTower;
use crate::transfer::epochs::{Part, Supply};
use crate::transfer::error::TransferError;
use burn::tensor::{DType, Device};
use ndarray::{Array2, Axis};
use std::sync::Arc;

/// The pairs of a transfer.
pub struct Pairs<'a> {
    towers: &'a TwoTower,
    parts: &'a [Captioned; 3],
    pairs: Arc<dyn Dataset>,
    order: Order,
    seed: u64,
    device: Device,
}

impl<'a> Pairs<'a> {
    /// Those of a training.
    pub(super) fn new(work: &Work<'a>) -> Self {
        let train = work.train;
        Self {
            towers: work.towers,
            parts: work.parts,
            pairs: work.parts[0].pairs(),
            order: Order {
                batch: train.batch,
                shuffle: None,
                drop_last: true,
                augment: train.augmentation().unmixed(),
            },
            seed: work.seed,
            device: work.towers.place().0,
        }
    }
}

impl Supply<Tuning> for Pairs<'_> {
    /// Pictures; labels are the numbers of their captions.
    type Batch = Batch;

    fn steps(&self) -> usize {
        self.order.batches(self.pairs.len())
    }

    fn epoch(&self, number: usize) -> Box<dyn Iterator<Item = Result<Batch, DatasetError>> + '_> {
        let order = Order {
            shuffle: Some((self.seed, number)),
            ..self.order
        };
        Box::new(batches(self.pairs.clone(), order).into_iter())
    }

    fn judge(&self, tuning: &Tuning, part: Part) -> Result<f64, TransferError> {
        let part = match part {
            Part::Valid => &self.parts[1],
            Part::Test => &self.parts[2],
        };
        let found = vectors(self.towers, tuning, part, &self.device)?;
        Ok(1.0 - mean_recall(&found.retrieval(part)?))
    }
}

/// Vectors of length one of a part.
#[derive(Debug, Clone)]
pub struct Vectors {
    /// Of pictures `[N, E]`.
    pub images: Array2<f32>,
    /// Of captions `[C, E]`, equal texts embedded once.
    pub texts: Array2<f32>,
}

impl Vectors {
    /// Who finds whom.
    ///
    /// # Errors
    /// Vectors that are not finite, or zero throughout.
    pub fn retrieval(&self, part: &Captioned) -> Result<Retrieval, TransferError> {
        Ok(retrieval(
            self.images.view(),
            self.texts.view(),
            &part.owner,
        )?)
    }
}

/// Mean of the six recalls, in [0, 1]; of ties the wrong ones come first.
pub fn mean_recall(found: &Retrieval) -> f64 {
    found.mean_recall(Rule::Pessimistic)
}

/// Vectors of a part by the tuned towers.
///
/// # Errors
/// Those of reading a picture.
pub fn vectors(
    pretrained: &TwoTower,
    tuning: &Tuning,
    part: &Captioned,
    device: &Device,
) -> Result<Vectors, TransferError> {
    let (_, dtype) = pretrained.place();
    let images = towers::of_images_by(part.pictures.clone(), device, |x| {
        let x = x.cast(dtype);
        tuning.image_embeds(pretrained, x).cast(DType::F32)
    })?;
    let Tokens { ids, row } = &part.tokens;
    let texts = towers::of_texts_by(ids.view(), device, |ids, _| {
        tuning.text_embeds(pretrained, ids)
    });
    Ok(Vectors {
        images,
        texts: texts.select(Axis(0), row),
    })
}

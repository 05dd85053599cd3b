//! The losses of a batch of pairs and their gradients at a tuning: contrastive and adaptive triplet, each with its weight,
//! of the cosines of all pictures with all captions of the batch; experimental and off by default, the contrastive loss also
//! of what earlier blocks say. With `micro_batch` the activations of a part are in memory
//! at a time and the gradients are still those of the whole batch ([`cached`]).

use super::Work;
use super::captions::Tokens;
use crate::dataset::loader::Batch;
use crate::model::adapters::Tuning;
use crate::model::state::{constant, untracked};
use crate::model::two_tower::TwoTower;
use crate::suite::pairs::PairSettings;
use crate::transfer::error::TransferError;
use crate::transfer::objectives::cached::{self, Vectors};
use crate::transfer::objectives::pairs::{SameImage, Triplet, adaptive_triplet, contrastive};
use crate::transfer::objectives::{Objective, Step};
use crate::transfer::readings::{MOST, Reading};
use crate::transfer::records::Stage1Record;
use crate::transfer::step::placed;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Int, Tensor};

/// The losses of pairs.
pub struct Contrast<'a> {
    /// The towers on the plain device, and as constants on the tracked one.
    plain: &'a TwoTower,
    tracked: TwoTower,
    tokens: &'a Tokens,
    owner: &'a [usize],
    settings: PairSettings,
    micro_batch: usize,
    device: Device,
    dtype: DType,
}

/// Some pairs of a batch.
struct Part {
    pixels: Tensor<4>,
    ids: Tensor<2, Int>,
}

impl<'a> Contrast<'a> {
    /// The losses of a training's first part.
    pub(super) fn new(work: &Work<'a>) -> Self {
        let (device, dtype) = work.towers.place();
        let train = &work.parts[0];
        Self {
            plain: work.towers,
            tracked: constant(work.towers.clone()),
            tokens: &train.tokens,
            owner: &train.owner,
            settings: work.pairs.clone(),
            micro_batch: work.train.micro_batch,
            device,
            dtype,
        }
    }

    /// The batch in parts that are in memory at once.
    fn parts(&self, batch: Batch) -> Vec<Part> {
        let [count, c, h, w] = batch.shape;
        let at_once = match self.micro_batch {
            0 => count,
            some => some.min(count),
        };
        let size = c * h * w;
        let parts = batch.labels.chunks(at_once.max(1));
        parts
            .zip(batch.values.chunks(at_once.max(1) * size))
            .map(|(captions, values)| Part {
                pixels: placed(
                    values.to_vec(),
                    [captions.len(), c, h, w],
                    &self.device,
                    self.dtype,
                ),
                ids: self.tokens.tensor(captions, &self.device),
            })
            .collect()
    }

    /// Pictures and texts of a part as vectors, with those of earlier blocks behind where they are asked for.
    fn embedded(
        &self,
        tuning: &Tuning,
        towers: &TwoTower,
        pixels: Tensor<4>,
        ids: Tensor<2, Int>,
    ) -> Vectors {
        match self.settings.early_matching > 0.0 {
            true => [
                tuning.early_image_embeds(towers, pixels),
                tuning.early_text_embeds(towers, ids),
            ],
            false => [
                tuning.image_embeds(towers, pixels),
                tuning.text_embeds(towers, ids),
            ],
        }
    }

    /// The losses of vectors of pictures and texts, pair by pair.
    pub(super) fn loss(
        &self,
        tuning: &Tuning,
        [images, texts]: Vectors,
        same: &SameImage,
    ) -> Result<Tensor<1>, TransferError> {
        let PairSettings {
            contrastive: one,
            triplet: two,
            margin,
            gamma,
            same_image,
            early_matching,
            ..
        } = self.settings;
        // What earlier blocks say stands behind.
        let width = self.plain.image.projection.weight.dims()[0];
        let blocks = images.dims()[1] / width;
        let scores = |block: usize| {
            let [images, texts] =
                [&images, &texts].map(|of| of.clone().narrow(1, block * width, width));
            images.matmul(texts.transpose())
        };
        let mut terms = Vec::new();
        for block in 1..blocks {
            let loss = contrastive(scores(block), tuning.temperature(), same)?;
            terms.push(loss.mul_scalar(early_matching));
        }
        let scores = scores(0);
        if one > 0.0 {
            let loss = contrastive(scores.clone(), tuning.temperature(), same)?;
            terms.push(loss.mul_scalar(one));
        }
        if two > 0.0 {
            let settings = Triplet {
                margin,
                gamma,
                same_image,
            };
            terms.push(adaptive_triplet(scores, same, settings)?.mul_scalar(two));
        }
        let sum = terms.into_iter().reduce(|a, b| a + b);
        sum.ok_or_else(|| TransferError::Setting {
            setting: "pairs",
            expected: "a positive weight of one loss at least".into(),
            found: "both 0".into(),
        })
    }
}

impl Objective<Tuning, Batch> for Contrast<'_> {
    fn gradients(
        &mut self,
        tuning: &Tuning,
        batch: Batch,
        _: &mut Step,
    ) -> Result<(Reading, GradientsParams), TransferError> {
        let owners = batch.labels.iter().map(|&text| self.owner[text] as i64);
        let same = SameImage::of(owners.collect());
        let parts = self.parts(batch);
        let tracked = |part: &Part| {
            let pixels = Tensor::from_inner(part.pixels.clone());
            self.embedded(tuning, &self.tracked, pixels, part.ids.clone())
        };
        let (loss, grads) = match parts.as_slice() {
            [whole] => {
                let loss = self.loss(tuning, tracked(whole), &same)?;
                let value = untracked(loss.clone());
                (value, GradientsParams::from_grads(loss.backward(), tuning))
            }
            parts => {
                let now = tuning.valid();
                let plain = |part: &Part| {
                    self.embedded(&now, self.plain, part.pixels.clone(), part.ids.clone())
                };
                let loss = |vectors| self.loss(tuning, vectors, &same);
                cached::gradients(tuning, parts, plain, tracked, loss)?
            }
        };
        let temperature = untracked(tuning.temperature());
        let row = Tensor::cat(vec![loss, temperature], 0);
        Ok((Reading::Device(Box::new(row)), grads))
    }

    fn record(&self, _: [f64; MOST], _: &mut Stage1Record) {}

    fn after_step(&mut self, tuning: Tuning, _: f64) -> Tuning {
        match self.settings.least_temperature {
            least if least > 0.0 => tuning.with_temperature_at_least(least),
            _ => tuning,
        }
    }
}

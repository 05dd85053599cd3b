//! Classes as texts: a set of pictures with named classes as two towers learn and judge it. A class is its texts' mean
//! direction, a picture belongs to the class with the largest cosine, and what is minimised is the cross-entropy of
//! cosines times the model's own factor, e^`logit_scale`, which stays as pretrained.

use crate::dataset::{Dataset, DatasetError};
use crate::feature::towers as feature;
use crate::measure::MeasureError;
use crate::model::ModelError;
use crate::model::adapters::Tuning;
use crate::model::two_tower::{TwoTower, unit_rows};
use crate::transfer::error::TransferError;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use ndarray::Array2;
use std::sync::Arc;

/// Texts of classes as token ids, as many of every class.
#[derive(Debug, Clone)]
pub struct ClassTokens {
    /// `[K·M, T]`, all texts of the first class first.
    pub ids: Array2<i64>,
    /// Number of classes K.
    pub classes: usize,
    /// Tokens of the longest text with its start and end.
    pub longest: usize,
}

impl ClassTokens {
    /// Refuses a tuning whose own tokens would push the end of a text out of the context.
    ///
    /// # Errors
    /// [`ModelError::Config`] with both numbers.
    pub fn check(&self, tuning: &Tuning) -> Result<(), ModelError> {
        let (own, context) = (tuning.text_tokens(), self.ids.ncols());
        if self.longest + own <= context {
            return Ok(());
        }
        let expected = format!(
            "at most {}, as the longest text of a class has {} of the {context} tokens of a text; fewer tokens of the method, \
             or a shorter template",
            context.saturating_sub(self.longest),
            self.longest
        );
        Err(ModelError::config(
            "tokens that a tuning puts into texts",
            expected,
            own,
        ))
    }

    /// Vectors `[K·M, E]` by plain towers.
    fn vectors(&self, tuning: &Tuning, towers: &TwoTower, device: &Device) -> Tensor<2> {
        let found = feature::of_texts_by(self.ids.view(), device, |ids| {
            tuning.text_embeds(towers, ids)
        });
        let shape = [found.nrows(), found.ncols()];
        let data = TensorData::new(found.iter().copied().collect::<Vec<f32>>(), shape);
        let dtype = towers.logit_scale.val().dtype();
        Tensor::from_data(data.convert_dtype(dtype), (device, dtype))
    }

    /// The ids as a tensor on the plain device.
    fn tensor(&self, device: &Device) -> Tensor<2, Int> {
        let shape = [self.ids.nrows(), self.ids.ncols()];
        let ids = self.ids.iter().copied().collect::<Vec<i64>>();
        Tensor::from_data(TensorData::new(ids, shape), device)
    }
}

/// A set of pictures whose classes have names.
#[derive(Clone)]
pub struct Named {
    /// Name of the set.
    pub name: String,
    /// Training, validation and test part, at the model's input size.
    pub parts: [Arc<dyn Dataset>; 3],
    /// Names in templates.
    pub templated: ClassTokens,
    /// Names alone, `"{}."`.
    pub bare: ClassTokens,
}

impl Named {
    /// The texts that a tuning takes.
    pub fn tokens(&self, tuning: &Tuning) -> &ClassTokens {
        if tuning.bare_names() {
            &self.bare
        } else {
            &self.templated
        }
    }

    /// The same with another training part.
    #[must_use]
    pub fn with_training(&self, training: Arc<dyn Dataset>) -> Self {
        let [_, valid, test] = self.parts.clone();
        Self {
            parts: [training, valid, test],
            ..self.clone()
        }
    }

    /// Directions of the classes `[K, E]` by a tuning of `towers`, both plain or both tracked.
    ///
    /// # Errors
    /// Texts without room for the tuning's own tokens.
    pub fn directions(
        &self,
        tuning: &Tuning,
        towers: &TwoTower,
        device: &Device,
    ) -> Result<Tensor<2>, ModelError> {
        let tokens = self.tokens(tuning);
        tokens.check(tuning)?;
        let vectors = match towers.logit_scale.val().is_autodiff() {
            true => tuning.text_embeds(towers, tokens.tensor(device)),
            // As many at once as memory is for.
            false => tokens.vectors(tuning, towers, device),
        };
        let [rows, width] = vectors.dims();
        let each = rows / tokens.classes.max(1);
        if each == 1 {
            return Ok(vectors);
        }
        let means = vectors.reshape([tokens.classes, each, width]).mean_dim(1);
        Ok(unit_rows(means.reshape([tokens.classes, width]).into()).primal)
    }

    /// Which pictures of a part a tuning of `towers` gives another class than theirs; of equal scores the first class
    /// counts.
    ///
    /// # Errors
    /// Those of reading a picture; vectors that are not finite.
    pub fn wrong(
        &self,
        towers: &TwoTower,
        tuning: &Tuning,
        part: &Arc<dyn Dataset>,
    ) -> Result<Vec<bool>, TransferError> {
        let (device, dtype) = towers.place();
        // Directions of texts, unless the tuning has scores of its own.
        let classes = match tuning.has_scores() {
            true => None,
            false => Some(self.directions(tuning, towers, &device)?.transpose()),
        };
        let scores = feature::of_images_by(part.clone(), &device, |x| {
            let vectors = tuning.image_embeds(towers, x.cast(dtype));
            let scores = match &classes {
                Some(classes) => vectors.matmul(classes.clone()),
                None => tuning.class_scores(vectors),
            };
            scores.cast(DType::F32)
        })?;
        let mut wrong = Vec::with_capacity(scores.nrows());
        for (index, row) in scores.outer_iter().enumerate() {
            if let Some(column) = row.iter().position(|score| !score.is_finite()) {
                return Err(MeasureError::NotFinite {
                    what: "scores of classes by their texts",
                    row: index,
                    column,
                    value: f64::from(row[column]),
                }
                .into());
            }
            let mut best = 0;
            for (class, score) in row.iter().enumerate() {
                if *score > row[best] {
                    best = class;
                }
            }
            wrong.push(best != part.label(index));
        }
        Ok(wrong)
    }

    /// Share of pictures of a part that get another class than theirs.
    ///
    /// # Errors
    /// As [`wrong`](Self::wrong).
    pub fn error(
        &self,
        towers: &TwoTower,
        tuning: &Tuning,
        part: &Arc<dyn Dataset>,
    ) -> Result<f64, TransferError> {
        let wrong = self.wrong(towers, tuning, part)?;
        let count = wrong.iter().filter(|wrong| **wrong).count();
        Ok(count as f64 / wrong.len().max(1) as f64)
    }

    /// Pictures of some samples and their labels.
    ///
    /// # Errors
    /// Those of reading a sample.
    pub fn batch(
        set: &dyn Dataset,
        rows: std::ops::Range<usize>,
        device: &Device,
        dtype: DType,
    ) -> Result<(Tensor<4>, Vec<usize>), DatasetError> {
        let [c, h, w] = set.shape();
        let size = c * h * w;
        let mut values = vec![0.0; rows.len() * size];
        for (row, out) in rows.clone().zip(values.chunks_mut(size.max(1))) {
            set.read(row, out)?;
        }
        let labels = rows.clone().map(|row| set.label(row)).collect();
        let pixels = crate::transfer::step::placed(values, [rows.len(), c, h, w], device, dtype);
        Ok((pixels, labels))
    }
}

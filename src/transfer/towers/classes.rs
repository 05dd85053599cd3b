//! Classes as texts: a set of pictures with named classes as two towers learn and judge it. A class is its texts' mean
//! direction, a picture belongs to the class with the largest cosine, and what is minimised is the cross-entropy of
//! cosines times the model's own factor, e^`logit_scale`, which stays as pretrained.

use crate::dataset::{Dataset, DatasetError};
use crate::feature::samples_at_once;
use crate::feature::towers as feature;
use crate::measure::MeasureError;
use crate::model::ModelError;
use crate::model::adapters::Tuning;
use crate::model::two_tower::{TwoTower, unit_rows};
use crate::transfer::error::TransferError;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use ndarray::{Array2, s};
use std::ops::Range;
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

    /// M: texts of a class.
    pub fn each(&self) -> usize {
        self.ids.nrows() / self.classes.max(1)
    }

    /// Directions `[classes.len(), E]` of some classes: the mean of their texts' vectors, of length one.
    fn directions(
        &self,
        tuning: &Tuning,
        towers: &TwoTower,
        device: &Device,
        classes: Range<usize>,
    ) -> Tensor<2> {
        let (each, count) = (self.each(), classes.len());
        let rows = s![classes.start * each..classes.end * each, ..];
        let ids: Vec<i64> = self.ids.slice(rows).iter().copied().collect();
        let data = TensorData::new(ids, [count * each, self.ids.ncols()]);
        let ids = Tensor::<2, Int>::from_data(data, device);
        if each == 1 {
            return tuning.name_embeds(towers, ids, classes);
        }
        let vectors = tuning.text_embeds(towers, ids);
        let width = vectors.dims()[1];
        let means = vectors.reshape([count, each, width]).mean_dim(1);
        unit_rows(means.reshape([count, width]).into()).primal
    }
}

/// `0..count` in spans of at most `at_once`.
pub fn spans(count: usize, at_once: usize) -> impl Iterator<Item = Range<usize>> {
    let at_once = at_once.max(1);
    (0..count)
        .step_by(at_once)
        .map(move |first| first..(first + at_once).min(count))
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

    /// Directions of the classes `[K, E]` by a tuning of `towers`, both plain or both tracked; of plain ones as many at once
    /// as memory is for.
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
        let at_once = match towers.logit_scale.val().is_autodiff() {
            true => tokens.classes,
            // A text is some 77 tokens: an activation of so many of width 512 is that of one picture.
            false => samples_at_once(tokens.ids.ncols() * 512) / tokens.each().max(1),
        };
        let parts = spans(tokens.classes, at_once);
        let parts = parts.map(|classes| self.directions_of(tuning, towers, device, classes));
        Ok(Tensor::cat(parts.collect::<Result<_, _>>()?, 0))
    }

    /// The same of some classes.
    ///
    /// # Errors
    /// As [`directions`](Self::directions).
    pub fn directions_of(
        &self,
        tuning: &Tuning,
        towers: &TwoTower,
        device: &Device,
        classes: Range<usize>,
    ) -> Result<Tensor<2>, ModelError> {
        let tokens = self.tokens(tuning);
        tokens.check(tuning)?;
        Ok(tokens.directions(tuning, towers, device, classes))
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
        rows: Range<usize>,
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

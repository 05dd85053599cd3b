//! The zero-shot classifier: the class whose text lies nearest to the image.
//!
//! Source: Radford et al., *Learning transferable visual models from natural language supervision*, ICML 2021, and the
//! notebook beside it. The embeddings of a class's M texts are scaled to length one, averaged and scaled again; logits
//! are scale · cosine with every class, probabilities their softmax. The scale is exp(`logit_scale`) of the checkpoint,
//! 100 in OpenAI's; it moves probabilities and no prediction.

use ndarray::{Array2, ArrayView2, Axis, s};
use rayon::prelude::*;
use serde::Serialize;

use crate::measure::about::{About, Better, Unit};
use crate::measure::linalg::product::product;
use crate::measure::samples::{Real, check_finite, directions};
use crate::measure::sampling::noise::balanced;
use crate::measure::{Groups, MeasureError, Samples};

/// Images whose logits one task computes.
const BLOCK: usize = 256;

/// Classes as directions.
#[derive(Debug, Clone, PartialEq)]
pub struct TextClassifier {
    classes: Array2<f64>,
    scale: f64,
}

/// What the classifier does to labelled images.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ZeroShot {
    /// Share of images predicted wrongly, in `[0, 1]`.
    pub error: f64,
    /// Its 95 % interval, by whole groups.
    pub interval: [f64; 2],
    /// Mean over the classes with images of their errors.
    pub balanced_error: f64,
    /// Its 95 % interval, by whole groups.
    pub balanced_interval: [f64; 2],
    /// Error of every class; `None` for one without an image.
    pub class_errors: Vec<Option<f64>>,
    /// The predicted class of every image, the first of equals.
    pub predictions: Vec<usize>,
    /// Images whose highest logit two classes or more share, as where classes have one text.
    pub tied: usize,
}

impl TextClassifier {
    /// Makes a classifier of embeddings `[K·M, E]` of texts, all M of the first class first, and the factor of cosines.
    ///
    /// # Errors
    /// [`MeasureError::TooFew`] without a class or a column, [`MeasureError::Shape`] unless every class has as many texts,
    /// [`MeasureError::NotFinite`], [`MeasureError::ZeroVector`] for a text or a class without a direction,
    /// [`MeasureError::Parameter`] for a scale that is not positive.
    pub fn new<A: Real>(
        texts: ArrayView2<'_, A>,
        classes: usize,
        scale: f64,
    ) -> Result<Self, MeasureError> {
        MeasureError::at_least("classes", 1, classes)?;
        MeasureError::at_least("columns of text embeddings", 1, texts.ncols())?;
        MeasureError::at_least("text embeddings", classes, texts.nrows())?;
        let templates = texts.nrows() / classes;
        MeasureError::same("text embeddings", templates * classes, texts.nrows())?;
        if !(scale.is_finite() && scale > 0.0) {
            return Err(MeasureError::parameter(
                "logit scale",
                "a positive number",
                scale,
            ));
        }
        let unit = pointing("text embeddings", texts)?;
        let mut means = Array2::zeros((classes, texts.ncols()));
        for (mut mean, rows) in means
            .outer_iter_mut()
            .zip(unit.axis_chunks_iter(Axis(0), templates))
        {
            mean.assign(&(rows.sum_axis(Axis(0)) / templates as f64));
        }
        // What cancels but for rounding points nowhere.
        let cancelled = |row: &ndarray::ArrayView1<'_, f64>| row.dot(row).sqrt() < 1e-9;
        if let Some(row) = means.outer_iter().position(|row| cancelled(&row)) {
            let what = "means of the texts of a class";
            return Err(MeasureError::ZeroVector { what, row });
        }
        Ok(Self {
            classes: directions(means.view()).unit,
            scale,
        })
    }

    /// A direction of length one for every class, `[K, E]`.
    pub fn directions(&self) -> ArrayView2<'_, f64> {
        self.classes.view()
    }

    /// Number of classes `K`.
    pub fn classes(&self) -> usize {
        self.classes.nrows()
    }

    /// Probabilities `[N, K]` of image embeddings `[N, E]`.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] for another width, [`MeasureError::NotFinite`], [`MeasureError::ZeroVector`].
    pub fn probabilities<A: Real>(
        &self,
        images: ArrayView2<'_, A>,
    ) -> Result<Array2<f32>, MeasureError> {
        let mut out = Array2::zeros((images.nrows(), self.classes()));
        let blocks = self.blocks(images, |cosines| {
            for mut row in cosines.outer_iter_mut() {
                let most = row.fold(f64::NEG_INFINITY, |most, v| most.max(*v));
                row.mapv_inplace(|v| (self.scale * (v - most)).exp());
                let sum = row.sum();
                row.mapv_inplace(|v| v / sum);
            }
            cosines.mapv(|v| v as f32)
        })?;
        for (mut part, found) in out.axis_chunks_iter_mut(Axis(0), BLOCK).zip(blocks) {
            part.assign(&found);
        }
        Ok(out)
    }

    /// Predictions for labelled image embeddings, and their errors; intervals are those of whole groups, as the
    /// linear probe's.
    ///
    /// # Errors
    /// As [`TextClassifier::probabilities`]; [`MeasureError::TooFew`] without an image, [`MeasureError::Shape`] for
    /// other numbers of classes or groups.
    pub fn report<A: Real>(
        &self,
        images: &Samples<'_, A>,
        groups: &Groups,
    ) -> Result<ZeroShot, MeasureError> {
        MeasureError::at_least("images", 1, images.len())?;
        MeasureError::same("classes of labels", self.classes(), images.classes())?;
        MeasureError::same("groups of images", images.len(), groups.len())?;
        let best = self.blocks(images.features(), |cosines| {
            let best = |row: ndarray::ArrayView1<'_, f64>| {
                let most = row.fold(f64::NEG_INFINITY, |most, v| most.max(*v));
                let mut equal = row.iter().enumerate().filter(|(_, v)| **v == most);
                let first = equal.next().map_or(0, |(class, _)| class);
                (first, equal.next().is_some())
            };
            cosines.outer_iter().map(best).collect::<Vec<_>>()
        })?;
        let best = best.concat();
        let predictions: Vec<usize> = best.iter().map(|(class, _)| *class).collect();
        let labels = images.labels();
        let pairs = labels.iter().zip(&predictions);
        let wrong: Vec<bool> = pairs.map(|(label, found)| label != found).collect();
        let mut counts = vec![(0usize, 0usize); self.classes()];
        for (&label, &wrong) in labels.iter().zip(&wrong) {
            counts[label].0 += 1;
            counts[label].1 += usize::from(wrong);
        }
        let share = |(all, wrong): (usize, usize)| (all > 0).then(|| wrong as f64 / all as f64);
        let hits = wrong.iter().filter(|wrong| **wrong).count();
        let error = hits as f64 / wrong.len() as f64;
        Ok(ZeroShot {
            error,
            interval: groups.error_interval(&wrong),
            balanced_error: balanced(labels, &wrong, |_| true).unwrap_or(error),
            balanced_interval: groups
                .balanced_interval(labels, &wrong)
                .unwrap_or([0.0, 1.0]),
            class_errors: counts.into_iter().map(share).collect(),
            predictions,
            tied: best.iter().filter(|(_, tied)| *tied).count(),
        })
    }

    /// What `of` makes of the cosines of every block of images, in order.
    fn blocks<A: Real, T: Send>(
        &self,
        images: ArrayView2<'_, A>,
        of: impl Fn(&mut Array2<f64>) -> T + Sync,
    ) -> Result<Vec<T>, MeasureError> {
        MeasureError::same(
            "columns of image embeddings",
            self.classes.ncols(),
            images.ncols(),
        )?;
        check_finite("image embeddings", images)?;
        let n = images.nrows();
        (0..n.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let from = block * BLOCK;
                let rows = images.slice(s![from..(from + BLOCK).min(n), ..]);
                let unit = pointing("image embeddings", rows).map_err(|e| e.rows_later(from))?;
                let mut cosines = Array2::zeros((unit.nrows(), self.classes()));
                product(unit.view(), self.classes.t(), false, cosines.view_mut());
                Ok(of(&mut cosines))
            })
            .collect()
    }
}

/// Rows of length one; each must have a direction.
fn pointing<A: Real>(
    what: &'static str,
    rows: ArrayView2<'_, A>,
) -> Result<Array2<f64>, MeasureError> {
    check_finite(what, rows)?;
    let found = directions(rows);
    match found.left_out.first() {
        Some(&row) => Err(MeasureError::ZeroVector { what, row }),
        None => Ok(found.unit),
    }
}

/// Share of images that the classifier gets wrong.
pub const ERROR: About = About {
    name: "zero-shot-error",
    older: &[],
    title: "zero-shot error",
    unit: Unit::Share,
    better: Better::Lower,
    range: [0.0, 1.0],
    values: "0 to 1",
    what: "Share of images whose nearest class text is not their class's: what the two towers know without training.",
    computed: "Cosine of the image with the mean of the class's texts, all scaled to length one; the nearest class counts.",
    limits: "It depends on the names and templates as much as on the towers: other words give another error.",
    citation: "Radford et al., Learning transferable visual models from natural language supervision, ICML 2021",
};

/// The same with all classes weighing alike.
pub const BALANCED_ERROR: About = About {
    name: "zero-shot-balanced-error",
    title: "balanced zero-shot error",
    what: "Mean over classes of the zero-shot errors: what the error would be if all classes were equally frequent.",
    computed: "As the zero-shot error, whose predictions it counts; classes without an image are left out.",
    limits: "A class of few images weighs as much as one of many, and so does its noise.",
    ..ERROR
};

/// What is said of the classifier's numbers, in the order of tables.
pub const ALL: &[About] = &[ERROR, BALANCED_ERROR];

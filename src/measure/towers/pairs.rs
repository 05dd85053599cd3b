//! Paired embeddings: image `i` and text `i` belong together. All measures see directions alone.
//!
//! Sources: the gap is Liang et al., *Mind the gap: understanding the modality gap in multi-modal contrastive
//! representation learning*, NeurIPS 2022: ‖mean(x) − mean(y)‖ of embeddings of length one. Alignment and uniformity are
//! Wang & Isola, *Understanding contrastive representation learning through alignment and uniformity on the
//! hypersphere*, ICML 2020, with α = 2 and t = 2: alignment = mean ‖xᵢ − yᵢ‖² over the pairs, uniformity = log mean
//! exp(−2‖a − b‖²) over all i < j of a set. The joint set is both sets together, pairs of both kinds in it.

use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::geometry::uniformity;
use crate::measure::modality_gap::modality_gap;
use crate::measure::samples::{Real, check_finite, directions};

/// Embeddings of images and texts, of length one, pair by pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    images: Array2<f64>,
    texts: Array2<f64>,
    rows: Vec<usize>,
    left_out: Vec<usize>,
}

impl Pairs {
    /// Checks embeddings `[N, E]` of images and of texts and scales them to length one. Pairs of which one is zero
    /// throughout have no direction: they are left out and named.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] for other numbers of rows or columns, [`MeasureError::TooFew`] without a column or a pair
    /// that is not zero, [`MeasureError::NotFinite`].
    pub fn new<A: Real, B: Real>(
        images: ArrayView2<'_, A>,
        texts: ArrayView2<'_, B>,
    ) -> Result<Self, MeasureError> {
        MeasureError::same("text embeddings", images.nrows(), texts.nrows())?;
        MeasureError::same("columns of text embeddings", images.ncols(), texts.ncols())?;
        MeasureError::at_least("columns of embeddings", 1, images.ncols())?;
        check_finite("image embeddings", images)?;
        check_finite("text embeddings", texts)?;
        let zero = |row: &usize| {
            images.row(*row).iter().all(|&v| v.into() == 0.0)
                || texts.row(*row).iter().all(|&v| v.into() == 0.0)
        };
        let (left_out, rows): (Vec<usize>, Vec<usize>) = (0..images.nrows()).partition(zero);
        MeasureError::at_least("pairs that are not zero", 1, rows.len())?;
        Ok(Self {
            images: directions(images.select(Axis(0), &rows).view()).unit,
            texts: directions(texts.select(Axis(0), &rows).view()).unit,
            rows,
            left_out,
        })
    }

    /// Number of pairs, without those left out.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no pair: never, by construction.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Which rows of the input the pairs are, ascending.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// The rows of the input that were left out, because one of the two is zero throughout.
    pub fn left_out(&self) -> &[usize] {
        &self.left_out
    }

    /// The pairs that `kept` says of, by their place among the pairs; `None` without one.
    pub fn part(&self, kept: impl Fn(usize) -> bool) -> Option<Self> {
        let places: Vec<usize> = (0..self.len()).filter(|&place| kept(place)).collect();
        (!places.is_empty()).then(|| Self {
            images: self.images.select(Axis(0), &places),
            texts: self.texts.select(Axis(0), &places),
            rows: places.iter().map(|&place| self.rows[place]).collect(),
            left_out: self.left_out.clone(),
        })
    }

    /// ‖xᵢ − yᵢ‖² of every pair.
    fn distances(&self) -> impl Iterator<Item = f64> {
        let both = self.images.outer_iter().zip(self.texts.outer_iter());
        both.map(|(x, y)| (&x - &y).mapv(|d| d * d).sum())
    }
}

/// A measure of paired embeddings.
#[derive(Debug, Clone, Copy)]
pub struct TowerMeasure {
    /// What is said of it.
    pub about: About,
    /// Its value.
    ///
    /// # Errors
    /// [`MeasureError`] where it is not defined.
    pub value: fn(&Pairs) -> Result<f64, MeasureError>,
}

/// Distance of the two mean directions.
pub const GAP: TowerMeasure = TowerMeasure {
    about: About {
        name: "tower-gap",
        older: &[],
        title: "gap between the towers",
        unit: Unit::Number(3),
        better: Better::Neither,
        range: [0.0, 2.0],
        values: "0 to 2",
        what: "How far image embeddings lie from text embeddings on the unit sphere, in mean.",
        computed: "Norm of the difference of the two means of embeddings scaled to length one.",
        limits: "It sees means alone: pairs may agree better at a larger gap, and a smaller one need not help.",
        citation: "Liang et al., Mind the gap: understanding the modality gap in multi-modal contrastive representation learning, NeurIPS 2022",
    },
    value: |pairs| Ok(modality_gap(pairs.images.view(), pairs.texts.view())?.norm),
};

/// Mean squared distance of the pairs.
pub const ALIGNMENT: TowerMeasure = TowerMeasure {
    about: About {
        name: "tower-alignment",
        title: "alignment between the towers",
        better: Better::Lower,
        range: [0.0, 4.0],
        values: "0 to 4",
        what: "How near an image's embedding is to its text's on the unit sphere.",
        computed: "Mean squared distance of the pairs, embeddings scaled to length one (α = 2); 2 − 2 · mean cosine.",
        limits: "It holds the gap of the means in it and is lowest where all embeddings are one point.",
        citation: "Wang and Isola, Understanding contrastive representation learning through alignment and uniformity on the hypersphere, ICML 2020",
        ..GAP.about
    },
    value: |pairs| {
        let mean = pairs.distances().sum::<f64>() / pairs.len() as f64;
        Ok(mean.clamp(0.0, 4.0))
    },
};

/// Uniformity of the image embeddings.
pub const IMAGE_UNIFORMITY: TowerMeasure = TowerMeasure {
    about: About {
        name: "image-uniformity",
        title: "uniformity of images",
        range: [-8.0, 0.0],
        values: "−8 to 0",
        what: "How evenly image embeddings spread over the unit sphere.",
        computed: "Logarithm of the mean of exp(−2d²) over all pairs of images, embeddings scaled to length one (t = 2).",
        limits: "It knows no texts: embeddings without any meaning can be the most uniform of all.",
        ..ALIGNMENT.about
    },
    value: |pairs| uniformity(pairs.images.view()),
};

/// Uniformity of the text embeddings.
pub const TEXT_UNIFORMITY: TowerMeasure = TowerMeasure {
    about: About {
        name: "text-uniformity",
        title: "uniformity of texts",
        what: "How evenly text embeddings spread over the unit sphere.",
        computed: "Logarithm of the mean of exp(−2d²) over all pairs of texts, embeddings scaled to length one (t = 2).",
        limits: "It knows no images, and a text that stands with several of them is as many equal points.",
        ..IMAGE_UNIFORMITY.about
    },
    value: |pairs| uniformity(pairs.texts.view()),
};

/// Uniformity of both sets as one.
pub const JOINT_UNIFORMITY: TowerMeasure = TowerMeasure {
    about: About {
        name: "joint-uniformity",
        title: "uniformity of both towers",
        what: "How evenly the embeddings of both towers together spread over the unit sphere.",
        computed: "Logarithm of the mean of exp(−2d²) over all pairs of the 2N embeddings scaled to length one (t = 2).",
        limits: "Two narrow cones far apart count as spread in half of their pairs: read it with the gap.",
        ..IMAGE_UNIFORMITY.about
    },
    value: |pairs| {
        let both = [pairs.images.view(), pairs.texts.view()];
        let both = concatenate(Axis(0), &both).expect("both sets have the same columns");
        uniformity(both.view())
    },
};

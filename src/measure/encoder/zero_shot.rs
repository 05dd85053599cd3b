//! What an encoder of images says beside the texts of its own CLIP: the zero-shot error, and how far images lie from the
//! texts of their classes. They see features through the projection into the common space, so that a fine-tuned encoder is
//! set against the texts as they were: what a transfer did to what both towers knew together.

use super::measure::{Cost, Extent, Input, Measure, Noise};
use crate::measure::samples::Samples;
use crate::measure::towers::{Pairs, TextClassifier, pairs, zero_shot};
use crate::measure::{Groups, MeasureError};
use ndarray::{Array2, ArrayView2, Axis};

/// Texts of classes, and the way of features to them.
#[derive(Debug, Clone)]
pub struct Texts {
    projection: Array2<f64>,
    classifier: TextClassifier,
}

impl Texts {
    /// A projection `[E, D]` of features into the space in which the classes' texts are.
    ///
    /// # Errors
    /// [`MeasureError::Shape`] unless both have E columns or rows.
    pub fn new(
        projection: ArrayView2<'_, f32>,
        classifier: TextClassifier,
    ) -> Result<Self, MeasureError> {
        let width = classifier.directions().ncols();
        MeasureError::same("rows of the projection", width, projection.nrows())?;
        Ok(Self {
            projection: projection.mapv(f64::from),
            classifier,
        })
    }

    /// Features `[N, D]` in the common space, `[N, E]`.
    fn project(&self, features: ArrayView2<'_, f32>) -> Result<Array2<f64>, MeasureError> {
        let width = self.projection.ncols();
        MeasureError::same("columns of features", width, features.ncols())?;
        Ok(features.mapv(f64::from).dot(&self.projection.t()))
    }
}

/// Test images in the common space, computed once.
struct Projected(Array2<f64>);

fn projected(input: &Input<'_>) -> Result<std::sync::Arc<Projected>, MeasureError> {
    let texts = input.texts()?;
    input.once(|| texts.project(input.test().features()).map(Projected))
}

fn error(input: &Input<'_>) -> Result<f64, MeasureError> {
    let (texts, images) = (input.texts()?, projected(input)?);
    let test = input.test();
    let samples = Samples::new(images.0.view(), test.labels(), test.classes())?;
    let report = texts
        .classifier
        .report(&samples, &Groups::singletons(test.len()))?;
    Ok(report.error)
}

/// Every image with the text of its class.
fn paired(input: &Input<'_>) -> Result<Pairs, MeasureError> {
    let (texts, images) = (input.texts()?, projected(input)?);
    let test = input.test();
    MeasureError::same(
        "classes of labels",
        texts.classifier.classes(),
        test.classes(),
    )?;
    let own = texts.classifier.directions().select(Axis(0), test.labels());
    Pairs::new(images.0.view(), own.view())
}

/// Share of images whose nearest class text is not their class's.
pub const ZERO_SHOT_ERROR: Measure = Measure {
    about: zero_shot::ERROR,
    noise: Noise::None,
    cost: Cost::Linear,
    in_run: Extent::All,
    value: error,
};

/// Distance of the images' mean direction from that of their texts.
pub const TOWER_GAP: Measure = Measure {
    about: pairs::GAP.about,
    noise: Noise::None,
    cost: Cost::Linear,
    in_run: Extent::All,
    value: |input| (pairs::GAP.value)(&paired(input)?),
};

/// Mean squared distance of images from the texts of their classes.
pub const TOWER_ALIGNMENT: Measure = Measure {
    about: pairs::ALIGNMENT.about,
    noise: Noise::None,
    cost: Cost::Linear,
    in_run: Extent::All,
    value: |input| (pairs::ALIGNMENT.value)(&paired(input)?),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::encoder::OF_TEXTS;

    #[test]
    fn images_at_their_texts_are_right_and_aligned() {
        let eye = Array2::<f32>::eye(3);
        let classifier = TextClassifier::new(eye.view(), 3, 100.0).expect("valid");
        // Features are twice as wide; the projection takes their first half.
        let projection = Array2::from_shape_fn((3, 6), |(i, j)| f32::from(u8::from(i == j)));
        let texts = Texts::new(projection.view(), classifier).expect("valid");
        let features = Array2::from_shape_fn((6, 6), |(i, j)| {
            if j == i % 3 {
                2.0
            } else {
                0.1 * (j / 3) as f32
            }
        });
        let labels = [0, 1, 2, 0, 1, 0];
        let samples = Samples::new(features.view(), &labels, 3).expect("valid");
        let input = Input::new(samples, samples).texts_of(&texts);
        let of = |measure: &Measure| (measure.value)(&input).expect("defined");
        assert!((of(&ZERO_SHOT_ERROR) - 1.0 / 6.0).abs() < 1e-12);
        // Five of six images lie on their text; the sixth at √2.
        assert!((of(&TOWER_ALIGNMENT) - 2.0 / 6.0).abs() < 1e-12);
        assert!(of(&TOWER_GAP) > 0.0);
        let without = Input::new(samples, samples);
        assert!(OF_TEXTS.iter().all(|m| (m.value)(&without).is_err()));
    }
}

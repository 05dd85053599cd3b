//! Vectors of both towers of a CLIP for a batch or a whole set: images and texts in their common space.

use super::extract::forward;
use super::{FeatureError, samples_at_once};
use crate::dataset::Dataset;
use crate::model::Pass;
use crate::model::two_tower::TwoTower;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use ndarray::{Array2, ArrayView2, Axis};
use std::ops::Range;
use std::sync::Arc;

/// What both towers together can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TowerOutput {
    /// Images in the common space, of length one `[N, E]`.
    ImageEmbeds,
    /// Texts in the common space, of length one `[M, E]`.
    TextEmbeds,
    /// e^scale times the cosine of every image with every text `[N, M]`.
    LogitsPerImage,
}

impl TowerOutput {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ImageEmbeds, Self::TextEmbeds, Self::LogitsPerImage];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ImageEmbeds => "image_embeds",
            Self::TextEmbeds => "text_embeds",
            Self::LogitsPerImage => "logits_per_image",
        }
    }

    /// Whether it needs images.
    pub fn of_images(self) -> bool {
        self != Self::TextEmbeds
    }

    /// Whether it needs texts.
    pub fn of_texts(self) -> bool {
        self != Self::ImageEmbeds
    }
}

/// Rows of a tensor `[N, E]`, in single precision.
fn rows(x: Tensor<2>) -> Array2<f32> {
    let [count, width] = x.dims();
    let values = x.cast(DType::F32).into_data().try_to_vec();
    Array2::from_shape_vec((count, width), values.unwrap_or_default()).unwrap_or_default()
}

/// Vectors `[N, E]` of samples `[N, C, H, W]` row-major, as many at once as memory is for.
pub fn of_pixels(towers: &TwoTower, values: &[f32], [_, c, h, w]: [usize; 4]) -> Array2<f32> {
    let (device, dtype) = towers.place();
    let size = (c * h * w).max(1);
    let parts = values.chunks(samples_at_once(size) * size).map(|part| {
        let data = TensorData::new(part.to_vec(), [part.len() / size, c, h, w]);
        let x = Tensor::<4>::from_data(data.convert_dtype(dtype), (&device, dtype));
        rows(towers.image_embeds(x, &mut Pass::eval()).primal)
    });
    stacked(parts.collect())
}

/// Vectors `[N, E]` of the pictures of a set, in its order.
///
/// # Errors
/// Those of reading a sample.
pub fn of_images(
    towers: &TwoTower,
    set: Arc<dyn Dataset>,
    device: &Device,
) -> Result<Array2<f32>, FeatureError> {
    let (_, dtype) = towers.place();
    of_images_by(set, device, |x| {
        let x = x.cast(dtype);
        towers
            .image_embeds(x, &mut Pass::eval())
            .primal
            .cast(DType::F32)
    })
}

/// Rows `[N, E]` that `run` gives for the pictures of a set, in its order; `run` takes `[b, C, H, W]`.
///
/// # Errors
/// Those of reading a sample.
pub fn of_images_by(
    set: Arc<dyn Dataset>,
    device: &Device,
    run: impl Fn(Tensor<4>) -> Tensor<2>,
) -> Result<Array2<f32>, FeatureError> {
    forward(set, device, run)
}

/// Vectors `[M, E]` of texts as token ids `[M, T]`, which the model has been asked whether it can take
/// ([`TwoTower::check_ids`]).
pub fn of_texts(towers: &TwoTower, ids: ArrayView2<'_, i64>) -> Array2<f32> {
    let (device, _) = towers.place();
    of_texts_by(ids, &device, |ids, _| {
        towers.text_embeds(ids, &mut Pass::eval()).primal
    })
}

/// Rows `[M, E]` that `run` gives for texts as token ids `[M, T]`, as many at once as memory is for; beside the ids of some
/// texts it is told which they are.
pub fn of_texts_by(
    ids: ArrayView2<'_, i64>,
    device: &Device,
    run: impl Fn(Tensor<2, Int>, Range<usize>) -> Tensor<2>,
) -> Array2<f32> {
    let length = ids.ncols();
    // A text is some 77 tokens: an activation of so many of width 512 is that of one picture.
    let at_once = samples_at_once(length * 512);
    let chunks = ids.axis_chunks_iter(Axis(0), at_once).enumerate();
    let parts = chunks.map(|(chunk, part)| {
        let first = chunk * at_once;
        let values: Vec<i64> = part.iter().copied().collect();
        let data = TensorData::new(values, [part.nrows(), length]);
        let ids = Tensor::<2, Int>::from_data(data, device);
        rows(run(ids, first..first + part.nrows()))
    });
    stacked(parts.collect())
}

fn stacked(parts: Vec<Array2<f32>>) -> Array2<f32> {
    let views: Vec<_> = parts.iter().map(Array2::view).collect();
    ndarray::concatenate(Axis(0), &views).unwrap_or_default()
}

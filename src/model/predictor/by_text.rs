//! The predictor of a CLIP without training: a class is a text, and its logit the scaled cosine of the image with it
//! (zero-shot classification, Radford et al., ICML 2021).

use super::predict;
use crate::model::dual::Dual;
use crate::model::layers::Linear;
use crate::model::pass::Pass;
use crate::model::two_tower::unit_rows;
use burn::module::{Module, Param};
use burn::tensor::Tensor;

/// Classes by their texts.
#[derive(Module, Debug)]
pub struct ByText {
    /// Features to the space that images and texts share: `[E, D]`.
    pub projection: Linear,
    /// A direction of length one for every class: `[K, E]`.
    pub classes: Param<Tensor<2>>,
    /// Factor on cosines.
    #[module(skip)]
    pub scale: f64,
}

impl ByText {
    /// Features `[B, D]` → logits `[B, K]`.
    pub(super) fn forward(&self, features: Dual<2>, pass: &Pass) -> Dual<2> {
        let images = unit_rows(predict(&self.projection, features, pass));
        let classes = pass.parameter(&self.classes).transpose();
        images.matmul(classes).mul_scalar(self.scale)
    }
}

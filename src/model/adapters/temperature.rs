//! The temperature τ of the contrastive loss, which every tuning has as a parameter `[1]` of its own: the model's
//! `logit_scale` stays as it was pretrained.

use crate::model::ModelError;
use crate::model::layers::Init;
use crate::model::state::untracked;
use burn::module::Param;
use burn::tensor::Tensor;

/// Where τ starts in the released code of HarMA, as CLIP's does (Radford et al., ICML 2021).
pub const START: f64 = 0.07;

/// τ at its start.
///
/// # Errors
/// [`ModelError::Config`] unless it is a positive number in single precision.
pub(super) fn starting(at: f64, init: &Init) -> Result<Param<Tensor<1>>, ModelError> {
    let single = at as f32;
    if single.is_normal() && single > 0.0 {
        return Ok(init.constant(single, [1]));
    }
    Err(ModelError::config("temperature", "a positive number", at))
}

/// τ of at least `least`, under its id and tracked as before.
pub(super) fn at_least(temperature: Param<Tensor<1>>, least: f64) -> Param<Tensor<1>> {
    temperature.map(|value| {
        let (tracked, asks) = (value.is_autodiff(), value.is_require_grad());
        let value = untracked(value).clamp_min(least);
        if tracked {
            Tensor::from_inner(value).set_require_grad(asks)
        } else {
            value
        }
    })
}

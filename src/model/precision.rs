//! Products in bf16: the weights of linear layers are kept as bf16 numbers and their inputs are rounded likewise; sums,
//! and everything between products (attention, normalisation, activation), stay in single precision.
//!
//! For features alone: nothing is derived from such a model. A product has 2⁻⁹ of relative error an operand; what that
//! does to features and to measures of them is in `docs/benchmarks.md`.

use super::device;
pub use super::ops::Unit;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{DType, Device, Tensor};

/// Whether a model asked for in this float type is this on the device: a card has bf16 itself.
pub fn rounds_products(device: &Device, dtype: DType) -> bool {
    dtype == DType::BF16 && !device::queues(device)
}

/// The float type that parameters are loaded in: single precision where products are rounded behind it.
pub fn held(device: &Device, dtype: DType) -> DType {
    match rounds_products(device, dtype) {
        true => DType::F32,
        false => dtype,
    }
}

/// The module with the weights of its linear layers as bf16 numbers.
pub fn round_products<M: Module>(module: M) -> M {
    module.map(&mut Rounding::default())
}

/// Finds linear layers by the type of what holds a parameter.
#[derive(Default)]
struct Rounding {
    containers: Vec<String>,
}

impl ModuleMapper for Rounding {
    fn enter_module(&mut self, _: &str, container: &str) {
        self.containers.push(container.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.containers.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let linear = self.containers.iter().any(|name| name == "Struct:Linear");
        if D == 2 && linear {
            return param.map(|value| value.cast(DType::BF16));
        }
        param
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::layers::{Init, Linear};
    use crate::model::{Pass, state};
    use burn::tensor::TensorData;
    use rand::SeedableRng;

    #[test]
    fn weights_of_linear_layers_and_no_others() {
        let device = Device::flex();
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(3);
        let mut init = Init {
            device: &device,
            dtype: DType::F32,
            rng: Some(&mut rng),
        };
        let exact = Linear::as_torch(40, 24, true, &mut init);
        let rounded = round_products(exact.clone());
        assert_eq!(rounded.weight.val().dtype(), DType::BF16);
        assert_eq!(rounded.bias.as_ref().unwrap().val().dtype(), DType::F32);
        assert_eq!(state::size(&rounded), state::size(&exact));
        let values: Vec<f32> = (0..2 * 3 * 40).map(|i| (i as f32).sin()).collect();
        let x = Tensor::<3>::from_data(TensorData::new(values, [2, 3, 40]), &device);
        let of = |layer: &Linear| {
            let y = layer.forward(x.clone().into(), &Pass::eval()).primal;
            assert_eq!((y.dims(), y.dtype()), ([2, 3, 24], DType::F32));
            y.into_data().try_to_vec::<f32>().unwrap()
        };
        let (want, found) = (of(&exact), of(&rounded));
        let largest = want.iter().fold(0.0f32, |a, v| a.max(v.abs()));
        let error = want.iter().zip(&found).map(|(a, b)| (a - b).abs());
        let error = error.fold(0.0, f32::max) / largest;
        assert!(error > 0.0 && error < 1e-2, "{error}");
    }
}

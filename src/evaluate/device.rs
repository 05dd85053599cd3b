//! The linear probe's iterations in single precision on a burn device. Checked on the flex CPU device here
//! and on a GPU by `tests/parity/devices.rs`.

use crate::measure::probe::{Accelerator, BlockSums, Loaded};
use burn::tensor::{Device, Tensor, TensorData};
use ndarray::Array2;

/// A burn device, as the probe takes it
/// ([`ProbeParams::accelerator`](crate::measure::probe::ProbeParams::accelerator)).
#[derive(Debug, Clone)]
pub struct BurnDevice(pub Device);

struct OnBurn {
    /// Features `[n, D + 1]` and one-hot labels `[n, K]`, block by block.
    blocks: Vec<(Tensor<2>, Tensor<2>)>,
    device: Device,
}

fn tensor(values: Array2<f32>, device: &Device) -> Tensor<2> {
    let shape = [values.nrows(), values.ncols()];
    let values = values.into_raw_vec_and_offset().0;
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Accelerator for BurnDevice {
    fn load(&self, blocks: &mut dyn Iterator<Item = [Array2<f32>; 2]>) -> Box<dyn Loaded> {
        let device = self.0.clone();
        let blocks = blocks.map(|[x, y]| (tensor(x, &device), tensor(y, &device)));
        Box::new(OnBurn {
            blocks: blocks.collect(),
            device: self.0.clone(),
        })
    }
}

impl Loaded for OnBurn {
    fn evaluate(&self, weights: Array2<f32>) -> Option<Vec<BlockSums>> {
        let (width, classes) = weights.dim();
        let w = tensor(weights, &self.device);
        let block = |(x, y): &(Tensor<2>, Tensor<2>)| {
            let z = x.clone().matmul(w.clone());
            let max = z.clone().max_dim(1);
            let e = (z.clone() - max.clone()).exp();
            let sum = e.clone().sum_dim(1);
            let losses = max + sum.clone().log() - (z * y.clone()).sum_dim(1);
            let p = e / sum;
            let squares = (p.clone() * p.clone()).sum();
            let gradient = (p - y.clone()).transpose().matmul(x.clone());
            // One transfer back, not three.
            let parts = vec![
                gradient.reshape([classes * width]),
                losses.sum().reshape([1]),
                squares.reshape([1]),
            ];
            let found = Tensor::<1>::cat(parts, 0).into_data();
            let mut gradient = found.try_to_vec::<f32>().ok()?;
            let squares = gradient.pop()?;
            let loss = gradient.pop()?;
            Some(BlockSums {
                gradient,
                loss,
                squares,
            })
        };
        self.blocks.iter().map(block).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Samples;
    use crate::measure::probe::ProbeParams;

    #[test]
    fn a_device_reaches_the_same_optimum() {
        // Ten overlapping classes.
        let y: Vec<usize> = (0..3000).map(|i| (i * 7 + i / 11) % 10).collect();
        let x = Array2::from_shape_fn((3000, 21), |(i, j)| {
            let noise = (((i * 37 + j * 101 + i * j) as f64) * 0.618_033_98).fract() - 0.5;
            let shared = (i as f64 * 0.37).sin() * 3.0;
            (noise + shared + 0.2 * ((y[i] * (j + 3)) as f64).sin() + j as f64) as f32
        });
        for classes in [10, 2] {
            let y: Vec<usize> = y.iter().map(|y| y % classes).collect();
            let train = Samples::new(x.view(), &y, classes).expect("valid");
            let fit = |params: ProbeParams| {
                let params = params.check().expect("valid");
                params.fit::<_, f32>(&train, None).expect("fits").1
            };
            let (host, device) = (
                fit(ProbeParams::new()),
                fit(ProbeParams::new().accelerator(BurnDevice(Device::flex()))),
            );
            assert!(device.converged);
            assert!((host.value - device.value).abs() < 1e-9 * host.value);
        }
    }
}

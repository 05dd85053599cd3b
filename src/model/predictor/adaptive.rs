//! Adaptive average pooling as a matrix: output i of n is the mean of the inputs ⌊i·m/n⌋ to
//! ⌈(i+1)·m/n⌉ of m, PyTorch's rule. As a product it runs on every device, in every float type,
//! and on tangents.

use burn::tensor::{DType, Device, Tensor, TensorData};

/// `[inputs, outputs]`, columns sum to one.
pub fn matrix(inputs: usize, outputs: usize, device: &Device, dtype: DType) -> Tensor<2> {
    let mut values = vec![0.0f64; inputs * outputs];
    for out in 0..outputs {
        let first = out * inputs / outputs;
        let end = ((out + 1) * inputs).div_ceil(outputs);
        for input in first..end {
            values[input * outputs + out] = 1.0 / (end - first) as f64;
        }
    }
    Tensor::from_data(TensorData::new(values, [inputs, outputs]), (device, dtype))
}

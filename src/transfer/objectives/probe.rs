//! A fixed linear probe of the pretrained encoder's source features: MoNA's outer loss `probe` is its cross-entropy on
//! the features after the simulated steps. What the encoder may lose is then measured by the very reader of figure 3.
//!
//! The probe is that of [`measure::encoder::probe`](crate::measure::probe): multinomial logistic regression on
//! standardised features, Σ log loss + ‖W‖²/(2C). Scaling and probe together are one affine map of the features.

use super::source::SourceSampler;
use super::transport::of_samples;
use crate::dataset::{Dataset, subset};
use crate::measure::Samples;
use crate::measure::probe::ProbeParams;
use crate::measure::probe::scaling::Scaling;
use crate::model::{Dual, Network, Pass};
use crate::transfer::error::TransferError;
use crate::transfer::loss::cross_entropy;
use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::Array2;
use std::sync::Arc;

/// A fitted probe as one affine map.
#[derive(Debug, Clone)]
pub struct SourceProbe {
    /// `[D, K]`, on the plain device.
    weight: Tensor<2>,
    /// `[1, K]`.
    bias: Tensor<2>,
}

impl SourceProbe {
    /// Fits on the features of `samples` samples of `set`, balanced over classes, through embedder and encoder of
    /// `source`; its columns are the classes of `sampler`'s batches. The same settings give the same bits.
    ///
    /// # Errors
    /// [`TransferError::Setting`] where a class of those batches has no sample among the chosen ones,
    /// [`TransferError::Measure`] what the probe refuses, and what the set refuses to read.
    pub fn new(
        source: &Network,
        set: Arc<dyn Dataset>,
        sampler: &SourceSampler,
        (c, samples): (f64, usize),
        seed: u64,
    ) -> Result<Self, TransferError> {
        let plain = source.valid();
        let classes = set.classes().len();
        let set = subset::cap(set, samples, seed);
        let run = |x: Tensor<4>| plain.features(x, &mut Pass::eval()).primal;
        let place = plain.place();
        let (rows, labels) = of_samples(set, &place, &run)?;
        let samples = Samples::new(rows.view(), &labels, classes)?;
        Self::fit(&samples, sampler.classes(), c, &place)
    }

    /// Fits on `samples`; column k of the probe is the class `columns[k]` of theirs.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn fit(
        samples: &Samples<'_, f64>,
        columns: &[usize],
        c: f64,
        (device, dtype): &(Device, DType),
    ) -> Result<Self, TransferError> {
        let scaling = Scaling::of(samples.features(), true);
        let scaled = scaling.apply(samples.features());
        let scaled = Samples::new(scaled.view(), samples.labels(), samples.classes())?;
        let params = ProbeParams::new().c(c).standardize(false).check()?;
        let (probe, ..) = params.fit(&scaled, None::<&Samples<'_, f64>>)?;
        // x → (x − m)/s by what it makes of zeros and of ones.
        let width = samples.dim();
        let shift = scaling.apply(Array2::<f64>::zeros((1, width)).view());
        let slope = scaling.apply(Array2::<f64>::ones((1, width)).view()) - &shift;
        // Two classes have one row, which is that of the second.
        let (fitted, rows) = (probe.classes(), probe.weights().nrows());
        let free = fitted.len() - rows;
        let mut weight = vec![0.0; width * columns.len()];
        let mut bias = vec![0.0; columns.len()];
        for (k, class) in columns.iter().enumerate() {
            let Some(place) = fitted.iter().position(|known| known == class) else {
                return Err(TransferError::Setting {
                    setting: "mona.probe_samples",
                    expected: format!("enough for each of {} source classes", columns.len()),
                    found: format!("{}, none of class {class}", samples.len()),
                });
            };
            let Some(row) = place.checked_sub(free) else {
                continue;
            };
            bias[k] = probe.intercepts()[row];
            for (d, w) in probe.weights().row(row).iter().enumerate() {
                weight[d * columns.len() + k] = w * slope[[0, d]];
                bias[k] += w * shift[[0, d]];
            }
        }
        let tensor = |values, shape| {
            let data = TensorData::new(values, shape).convert_dtype(*dtype);
            Tensor::<2>::from_data(data, (device, *dtype))
        };
        Ok(Self {
            weight: tensor(weight, [width, columns.len()]),
            bias: tensor(bias, [1, columns.len()]),
        })
    }

    /// Mean cross-entropy of features `[B, D]`, tracked or not, with their columns; one element.
    pub fn loss(&self, features: Tensor<2>, labels: &[usize]) -> Tensor<1> {
        let tracked = features.device().is_autodiff();
        let placed = |value: &Tensor<2>| {
            if tracked {
                Tensor::from_inner(value.clone())
            } else {
                value.clone()
            }
        };
        let logits = features.matmul(placed(&self.weight)) + placed(&self.bias);
        cross_entropy(Dual::from(logits), labels, 0.0).primal
    }
}

//! What a target task minimises: one loss a kind of task, on outputs that may carry a tangent.
//!
//! Every loss is a mean over the samples of a batch, so parts of a batch add up to the whole when
//! each counts by its share of the samples. Outputs are the predictor's: logits for the losses of
//! labels and masks, numbers for the others. Targets are constants; their norms are taken in double
//! precision.

use super::TransferError;
use super::loss::cross_entropy;
use crate::model::Dual;
use crate::suite::parts::PredictorSpec;
pub use crate::suite::task::TaskLoss;
use burn::tensor::{Tensor, TensorData};

/// The truth about a batch of B samples.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a> {
    /// One class a sample, `[B]`.
    Labels(&'a [usize]),
    /// Samples mixed of two: both classes, and the share of the first.
    Mixed {
        /// Class of the sample itself, `[B]`.
        labels: &'a [usize],
        /// Class of the other, `[B]`.
        partners: &'a [usize],
        /// Share of the first, in [0, 1].
        share: f64,
    },
    /// Zeros and ones `[B, K]`, row-major.
    MultiHot(&'a [f32]),
    /// Numbers `[B, n]`, row-major; a sample of several channels holds them one after the other.
    Dense(&'a [f32]),
}

impl Targets<'_> {
    fn name(&self) -> &'static str {
        match self {
            Self::Labels(_) => "labels",
            Self::Mixed { .. } => "mixed labels",
            Self::MultiHot(_) => "multi-hot targets",
            Self::Dense(_) => "dense targets",
        }
    }
}

impl TaskLoss {
    /// The name, as a manifest writes it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CrossEntropy { .. } => "cross-entropy",
            Self::MultiLabel { .. } => "multi-label",
            Self::RelativeL2 {} => "relative-l2",
            Self::Mse {} => "mse",
            Self::Nrmse { .. } => "nrmse",
            Self::BinaryCrossEntropy { .. } => "binary-cross-entropy",
        }
    }

    /// Checks the settings against each other and against what the predictor gives.
    ///
    /// # Errors
    /// [`TransferError::Setting`].
    pub fn check(&self, spec: &PredictorSpec) -> Result<(), TransferError> {
        let setting = |setting, expected: &str, found: String| {
            let expected = expected.into();
            Err(TransferError::Setting {
                setting,
                expected,
                found,
            })
        };
        use PredictorSpec::{Classification, Dense1d, Dense2d, MultiLabel};
        match (self, spec) {
            (Self::CrossEntropy { .. }, Classification { .. })
            | (Self::MultiLabel { .. }, MultiLabel { .. }) => {}
            (Self::CrossEntropy { .. }, _) => {
                return setting("loss", "a classification predictor", spec.name().into());
            }
            (Self::MultiLabel { .. }, _) => {
                return setting("loss", "a multi-label predictor", spec.name().into());
            }
            (_, Classification { .. } | MultiLabel { .. }) => {
                return setting("loss", "a dense predictor", spec.name().into());
            }
            (_, Dense1d { .. } | Dense2d { .. }) => {}
        }
        match (*self, spec) {
            (Self::CrossEntropy { smoothing }, _) if !(0.0..1.0).contains(&smoothing) => setting(
                "loss.smoothing",
                "a share from 0 to below 1",
                smoothing.to_string(),
            ),
            (Self::MultiLabel { pos_weight } | Self::BinaryCrossEntropy { pos_weight }, _)
                if !(pos_weight > 0.0 && pos_weight.is_finite()) =>
            {
                setting(
                    "loss.pos_weight",
                    "a positive number",
                    pos_weight.to_string(),
                )
            }
            (
                Self::Nrmse { channels: found },
                Dense1d { channels, .. } | Dense2d { channels, .. },
            ) if found != *channels => {
                setting("loss.channels", &channels.to_string(), found.to_string())
            }
            _ => Ok(()),
        }
    }

    /// The loss of a batch: outputs `[B, K]` for labels, else `[B, n]`; one number, with its
    /// tangent if the outputs have one.
    ///
    /// # Errors
    /// [`TransferError::Targets`] for targets of another kind or number, for a label that is no
    /// class, for numbers that the loss does not take (NaN, a mask outside of `[0, 1]`, zeros where
    /// their norm divides), and for a batch without samples or outputs.
    pub fn loss(&self, outputs: Dual<2>, targets: &Targets<'_>) -> Result<Dual<1>, TransferError> {
        let [batch, width] = outputs.dims();
        if batch * width == 0 {
            return Err(self.refuse("samples with outputs", format!("[{batch}, {width}]")));
        }
        match (*self, targets) {
            (Self::CrossEntropy { smoothing }, Targets::Labels(labels)) => {
                self.same_count(batch, labels.len())?;
                match labels.iter().enumerate().find(|&(_, &l)| l >= width) {
                    Some((row, label)) => {
                        let expected = format!("classes below {width}");
                        Err(self.refuse(expected, format!("{label} in row {row}")))
                    }
                    None => Ok(cross_entropy(outputs, labels, smoothing)),
                }
            }
            (
                Self::CrossEntropy { .. },
                Targets::Mixed {
                    labels,
                    partners,
                    share,
                },
            ) => {
                let of = |labels| self.loss(outputs.clone(), &Targets::Labels(labels));
                let (own, other) = (of(labels)?, of(partners)?);
                let (own, other) = (own.mul_scalar(*share), other.mul_scalar(1.0 - *share));
                Ok(own + other)
            }
            (Self::MultiLabel { pos_weight }, Targets::MultiHot(t)) => {
                self.numbers(t, [batch, width], "0 or 1", |v| v == 0.0 || v == 1.0)?;
                Ok(binary(outputs, t, pos_weight))
            }
            (Self::BinaryCrossEntropy { pos_weight }, Targets::Dense(t)) => {
                let inside = |v| (0.0..=1.0).contains(&v);
                self.numbers(t, [batch, width], "numbers in [0, 1]", inside)?;
                Ok(binary(outputs, t, pos_weight))
            }
            (Self::Mse {}, Targets::Dense(t)) => {
                self.numbers(t, [batch, width], "finite numbers", f32::is_finite)?;
                let share = 1.0 / (batch * width) as f64;
                let squares = difference(outputs, t).square();
                Ok(squares.linear(|s| s.sum().mul_scalar(share)))
            }
            (Self::RelativeL2 {}, Targets::Dense(t)) => self.relative(outputs, t, 1),
            (Self::Nrmse { channels }, Targets::Dense(t)) => self.relative(outputs, t, channels),
            (Self::CrossEntropy { .. }, _) => Err(self.refuse("labels", targets.name())),
            (Self::MultiLabel { .. }, _) => Err(self.refuse("multi-hot targets", targets.name())),
            _ => Err(self.refuse("dense targets", targets.name())),
        }
    }

    /// Mean over samples and channels of ‖p − t‖₂ / ‖t‖₂, in which RMSE over root mean square is
    /// the same.
    fn relative(
        &self,
        outputs: Dual<2>,
        t: &[f32],
        channels: usize,
    ) -> Result<Dual<1>, TransferError> {
        let [batch, width] = outputs.dims();
        self.numbers(t, [batch, width], "finite numbers", f32::is_finite)?;
        if channels == 0 || width % channels != 0 {
            let expected = format!("{channels} channels of equal length");
            return Err(self.refuse(expected, format!("{width} numbers a sample")));
        }
        let (length, parts) = (width / channels, batch * channels);
        let mut weights = Vec::with_capacity(parts);
        for (part, values) in t.chunks(length).enumerate() {
            let squares: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
            if squares == 0.0 {
                let (row, channel) = (part / channels, part % channels);
                let found = format!("only 0 in row {row}, channel {channel}");
                return Err(self.refuse("numbers other than 0", found));
            }
            weights.push(1.0 / (squares.sqrt() * parts as f64));
        }
        let weights = constant(weights, [parts, 1], &outputs);
        let error = difference(outputs, t).reshape([parts, length]);
        let norms = error.square().sum_dim(1).sqrt();
        Ok(norms.linear(|n| (n * weights.clone()).sum()))
    }

    fn same_count(&self, expected: usize, found: usize) -> Result<(), TransferError> {
        if expected == found {
            return Ok(());
        }
        Err(self.refuse(format!("{expected} of them"), found))
    }

    fn numbers(
        &self,
        t: &[f32],
        [batch, width]: [usize; 2],
        expected: &str,
        allowed: impl Fn(f32) -> bool,
    ) -> Result<(), TransferError> {
        self.same_count(batch * width, t.len())?;
        match t.iter().position(|&v| !allowed(v)) {
            Some(i) => {
                let (row, column) = (i / width, i % width);
                let found = format!("{} in row {row}, column {column}", t[i]);
                Err(self.refuse(expected, found))
            }
            None => Ok(()),
        }
    }

    fn refuse(&self, expected: impl ToString, found: impl ToString) -> TransferError {
        TransferError::Targets {
            loss: self.name(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }
}

/// Numbers that do not move, beside `like`.
fn constant(values: Vec<f64>, shape: [usize; 2], like: &Dual<2>) -> Tensor<2> {
    let data = TensorData::new(values, shape);
    Tensor::from_data(data, (&like.device(), like.dtype()))
}

fn difference(outputs: Dual<2>, t: &[f32]) -> Dual<2> {
    let values = t.iter().map(|&v| f64::from(v)).collect();
    let t = constant(values, outputs.dims(), &outputs);
    outputs - t.into()
}

/// Mean of w·t·softplus(−z) + (1 − t)·softplus(z): no digit is lost however sure the logits are.
fn binary(logits: Dual<2>, t: &[f32], pos_weight: f64) -> Dual<1> {
    let (shape, share) = (logits.dims(), 1.0 / t.len() as f64);
    let weights = |of: &dyn Fn(f64) -> f64| {
        let values = t.iter().map(|&v| share * of(f64::from(v))).collect();
        Dual::from(constant(values, shape, &logits))
    };
    let (positive, negative) = (weights(&|t| pos_weight * t), weights(&|t| 1.0 - t));
    let below = logits.clone().mul_scalar(-1.0).softplus();
    let loss = positive * below + negative * logits.softplus();
    loss.linear(Tensor::sum)
}

#[cfg(test)]
#[path = "task_loss_tests.rs"]
mod tests;

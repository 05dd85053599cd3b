//! Standardisation: subtract a mean and divide by a standard deviation, per group of values.
//!
//! A sample `C × H × W` is cut into equal contiguous groups: with three groups an image is
//! normalised per colour channel, with eight an EMG window per electrode, with one a spectrogram
//! as a whole. Target sets fit the statistics on their training part. Images for models of ours use
//! constants; for other models they stay pixels in `0..=1` here, and the model's own preprocessing
//! follows ([`super::pictured`]).

use super::{Dataset, DatasetError, sample_len};
use crate::suite::preprocess::{CIFAR100_MEAN, CIFAR100_STD};

/// `(x − mean) / std`, one pair per group.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalise {
    mean: Vec<f32>,
    std: Vec<f32>,
}

impl Normalise {
    /// The preprocessing of the CIFAR source model, for pixels scaled to `0..=1`.
    pub fn cifar() -> Self {
        Self {
            mean: CIFAR100_MEAN.to_vec(),
            std: CIFAR100_STD.to_vec(),
        }
    }

    /// Nothing: values stay what they are.
    pub fn none(groups: usize) -> Self {
        Self {
            mean: vec![0.0; groups],
            std: vec![1.0; groups],
        }
    }

    /// From constants; a standard deviation that is not a positive number becomes 1, so that a
    /// constant group stays finite.
    pub fn new(mean: &[f32], std: &[f32]) -> Self {
        let std = std
            .iter()
            .map(|&s| if s.is_finite() && s > 1e-12 { s } else { 1.0 })
            .collect::<Vec<_>>();
        let groups = mean.len().min(std.len());
        Self {
            mean: mean[..groups].to_vec(),
            std: std[..groups].to_vec(),
        }
    }

    /// Population mean and standard deviation of every sample of `data`, in `groups` groups.
    ///
    /// Streams over the set; sums are kept in `f64`.
    ///
    /// # Errors
    /// Those of reading a sample, or `Unsatisfiable` if `groups` does not divide the sample.
    pub fn fit(data: &dyn Dataset, groups: usize) -> Result<Self, DatasetError> {
        let values = sample_len(data);
        if groups == 0 || !values.is_multiple_of(groups) {
            return Err(DatasetError::Unsatisfiable {
                set: "normalisation".into(),
                what: "number of groups".into(),
                expected: format!("a divisor of {values}"),
                found: groups.to_string(),
            });
        }
        let per_group = values / groups;
        let (mut sum, mut square) = (vec![0f64; groups], vec![0f64; groups]);
        let mut sample = vec![0f32; values];
        for index in 0..data.len() {
            data.read(index, &mut sample)?;
            for (group, part) in sample.chunks_exact(per_group).enumerate() {
                for &x in part {
                    sum[group] += f64::from(x);
                    square[group] += f64::from(x) * f64::from(x);
                }
            }
        }
        let count = (data.len() * per_group).max(1) as f64;
        let mean: Vec<f32> = sum.iter().map(|s| (s / count) as f32).collect();
        let std: Vec<f32> = sum
            .iter()
            .zip(&square)
            .map(|(s, q)| (q / count - (s / count).powi(2)).max(0.0).sqrt() as f32)
            .collect();
        Ok(Self::new(&mean, &std))
    }

    /// Mean per group.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// Standard deviation per group.
    pub fn std(&self) -> &[f32] {
        &self.std
    }

    /// Normalises one sample in place; its length is a multiple of the number of groups.
    pub fn apply(&self, sample: &mut [f32]) {
        let per_group = (sample.len() / self.mean.len().max(1)).max(1);
        for ((part, &mean), &std) in sample
            .chunks_exact_mut(per_group)
            .zip(&self.mean)
            .zip(&self.std)
        {
            let scale = 1.0 / std;
            for x in part {
                *x = (*x - mean) * scale;
            }
        }
    }

    /// The normalised value of `raw` in every group, for instance of a black background.
    pub fn of(&self, raw: f32) -> Vec<f32> {
        self.mean
            .iter()
            .zip(&self.std)
            .map(|(&mean, &std)| (raw - mean) / std)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::InMemory;
    use super::*;

    #[test]
    fn fitted_statistics_whiten_their_own_set() {
        let data: Vec<f32> = (0..24).map(|i| (i * i % 17) as f32 + 3.0).collect();
        let set = InMemory::new([2, 2, 3], vec!["only".into()], vec![0, 0], data.clone()).unwrap();
        let normalise = Normalise::fit(&set, 2).unwrap();
        let mut all = Vec::new();
        for i in 0..2 {
            let mut sample = data[i * 12..(i + 1) * 12].to_vec();
            normalise.apply(&mut sample);
            all.extend_from_slice(&sample[..6]);
        }
        let mean: f32 = all.iter().sum::<f32>() / 12.0;
        let variance: f32 = all.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 12.0;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4);
    }

    #[test]
    fn constant_groups_stay_finite_and_bad_groups_are_refused() {
        let set = InMemory::new([1, 1, 4], vec!["only".into()], vec![0], vec![5.0; 4]).unwrap();
        let normalise = Normalise::fit(&set, 1).unwrap();
        let mut sample = vec![5.0; 4];
        normalise.apply(&mut sample);
        assert_eq!(sample, vec![0.0; 4]);
        assert!(Normalise::fit(&set, 3).is_err());
        assert!(Normalise::fit(&set, 0).is_err());
    }
}

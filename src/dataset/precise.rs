//! Standardisation in double precision, for samples that single precision cannot hold: time stamps, counts and
//! units of 1e-50 keep nothing there, and would be learnt from as noise. Needed where rounding moves a
//! value by more than a thousandth of its channel's deviation, or makes it infinite.

use crate::files::{Fault, Stored};

/// Rounding by more than this share of a channel's deviation is too much.
const SHARE: f64 = 1e-3;

/// Mean and standard deviation of every channel.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Standard {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

/// What is known of a channel while its values come by.
#[derive(Clone, Copy, Default)]
struct Channel {
    first: Option<f64>,
    /// Sum of the distances to the first value, over their number.
    off: f64,
    least: f64,
    most: f64,
    rounding: f64,
    square: f64,
}

impl Standard {
    /// Over some rows of an array `[N, C, …]`; `None` where single precision holds the values.
    ///
    /// # Errors
    /// Those of reading a row.
    pub fn fit(data: &Stored, rows: &[usize], channels: usize) -> Result<Option<Self>, Fault> {
        let values = data.layout().row_len();
        if !data.layout().element.is_wide() || channels == 0 || values == 0 || rows.is_empty() {
            return Ok(None);
        }
        let each = values / channels;
        let count = (each * rows.len()) as f64;
        let (mut all, mut row) = (vec![Channel::default(); channels], vec![0.0; values]);
        for &index in rows {
            data.read_row_double(index, &mut row)?;
            for (channel, values) in all.iter_mut().zip(row.chunks_exact(each)) {
                for &value in values {
                    let first = *channel.first.get_or_insert(value);
                    channel.off += (value - first) / count;
                    channel.least = channel.least.min(value - first);
                    channel.most = channel.most.max(value - first);
                    let rounding = (value - f64::from(value as f32)).abs();
                    channel.rounding = channel.rounding.max(rounding);
                }
            }
        }
        let mean = |c: &Channel| c.first.unwrap_or(0.0) + c.off;
        // Distances as shares of the largest: their squares neither over- nor underflow.
        let reach = |c: &Channel| (c.most - c.off).max(c.off - c.least);
        if all.iter().all(|c| c.rounding == 0.0) {
            return Ok(None);
        }
        for &index in rows {
            data.read_row_double(index, &mut row)?;
            for (channel, values) in all.iter_mut().zip(row.chunks_exact(each)) {
                let (mean, reach) = (mean(channel), reach(channel));
                if reach > 0.0 {
                    let squares = values.iter().map(|v| ((v - mean) / reach).powi(2));
                    channel.square += squares.sum::<f64>();
                }
            }
        }
        let deviation = |c: &Channel| reach(c) * (c.square / count).sqrt();
        // Rounding of sums is no deviation: scikit-learn's rule for constant columns.
        let varies = |c: &Channel| deviation(c) > count * f64::EPSILON * mean(c).abs();
        let beyond = |c: &Channel| {
            c.rounding.is_infinite() || (varies(c) && c.rounding > SHARE * deviation(c))
        };
        let finite = |c: &Channel| mean(c).is_finite() && deviation(c).is_finite();
        if !all.iter().all(finite) || !all.iter().any(beyond) {
            return Ok(None);
        }
        let scale = |c: &Channel| if varies(c) { deviation(c) } else { 1.0 };
        Ok(Some(Self {
            mean: all.iter().map(mean).collect(),
            deviation: all.iter().map(scale).collect(),
        }))
    }

    /// Standardises a sample; both hold as many values, a multiple of the number of channels.
    pub fn apply(&self, sample: &[f64], out: &mut [f32]) {
        let each = (sample.len() / self.mean.len().max(1)).max(1);
        let parts = sample.chunks_exact(each).zip(out.chunks_exact_mut(each));
        for ((values, out), (mean, scale)) in parts.zip(self.mean.iter().zip(&self.deviation)) {
            for (value, out) in values.iter().zip(out) {
                *out = ((value - mean) / scale) as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::npy;
    use std::sync::Arc;

    /// Twenty samples of two channels of three values; channel 1 is well behaved.
    fn stored(of: impl Fn(usize) -> f64) -> Stored {
        let value = |i: usize| {
            if i % 6 < 3 {
                of(i * 5 % 17)
            } else {
                (i % 7) as f64
            }
        };
        let bytes = (0..120).flat_map(|i| value(i).to_le_bytes());
        let all: Vec<u8> = npy::header("<f8", &[20, 2, 1, 3])
            .into_iter()
            .chain(bytes)
            .collect();
        npy::stored(Arc::new(all)).expect("an array")
    }

    #[test]
    fn what_single_precision_cannot_hold_is_standardised_in_double() {
        let rows: Vec<usize> = (0..20).collect();
        let within = |of: fn(usize) -> f64| Standard::fit(&stored(of), &rows, 2).expect("reads");
        assert_eq!(within(|i| i as f64 / 3.0), None);
        assert_eq!(within(|_| 0.1), None);
        assert_eq!(within(|i| 1e4 + i as f64), None);
        let beyond: [fn(usize) -> f64; 5] = [
            |i| 1.7e9 + i as f64,
            |i| 1e-50 * i as f64,
            |i| 1e39 * i as f64,
            |i| 1e300 * i as f64,
            |i| -3e14 + 5.0 * i as f64,
        ];
        for (case, of) in beyond.into_iter().enumerate() {
            let data = stored(of);
            let standard = Standard::fit(&data, &rows, 2)
                .expect("reads")
                .expect("beyond");
            let (mut wide, mut out, mut all) = (vec![0.0; 6], vec![0f32; 6], Vec::new());
            for row in 0..20 {
                data.read_row_double(row, &mut wide).expect("reads");
                standard.apply(&wide, &mut out);
                all.extend_from_slice(&out[..3]);
            }
            let mean = all.iter().sum::<f32>() / 60.0;
            let square = all.iter().map(|v| v * v).sum::<f32>() / 60.0;
            assert!(
                mean.abs() < 1e-5 && (square - 1.0).abs() < 1e-4,
                "case {case}: {mean}, {square}"
            );
        }
    }
}

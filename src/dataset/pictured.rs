//! A model's own preprocessing, done to pictures: bytes in, the numbers that its checkpoint was
//! trained on out.

use std::sync::Arc;

use super::pil;
use super::wrapper::Wrapper;
use super::{Dataset, DatasetError, Splits, check_request, sample_len};
use crate::suite::preprocess::{Crop, CropRule, Preprocess};

/// A preprocessing that was checked against the channels of its pictures.
#[derive(Debug, Clone)]
pub struct Lens {
    how: Preprocess,
    /// The number that stands for every byte, per channel: `table[channel][byte]`.
    table: Vec<[f32; 256]>,
}

impl Lens {
    /// Checks mean and deviation; `set` names the pictures in errors.
    ///
    /// # Errors
    /// `Unsatisfiable` if they have neither one number nor one a channel, or are no numbers to divide
    /// by.
    pub fn new(how: &Preprocess, channels: usize, set: &str) -> Result<Self, DatasetError> {
        let wrong = |what: &str, expected: String, found: String| DatasetError::Unsatisfiable {
            set: set.into(),
            what: format!("{what} of the model's preprocessing"),
            expected,
            found,
        };
        let each = |what: &str, values: &[f32]| match values {
            [one] => Ok(vec![*one; channels]),
            all if all.len() == channels => Ok(all.to_vec()),
            all => Err(wrong(
                what,
                format!("{channels} numbers, one a channel of its pictures"),
                format!("{all:?}"),
            )),
        };
        let (mean, std) = (each("mean", &how.mean)?, each("std", &how.std)?);
        let usable = |s: &f32| s.is_finite() && *s != 0.0;
        if !std.iter().all(usable) || !mean.iter().all(|m| m.is_finite()) {
            let found = format!("mean {mean:?}, std {std:?}");
            let expected = "finite numbers, the deviation not 0".into();
            return Err(wrong("mean and std", expected, found));
        }
        let table = mean.iter().zip(&std).map(|(mean, std)| {
            std::array::from_fn(|byte| {
                let scaled = (byte as f64 * how.scale - how.offset) as f32;
                (scaled - mean) / std
            })
        });
        Ok(Self {
            table: table.collect(),
            how: how.clone(),
        })
    }

    /// What it does.
    pub fn how(&self) -> &Preprocess {
        &self.how
    }

    /// Prepares one picture: `planes` are bytes `channels × size`, `out` is `channels ×` its
    /// [`Preprocess::output`].
    ///
    /// # Errors
    /// `Unsatisfiable` if a slice has another length.
    pub fn apply(
        &self,
        planes: &[u8],
        size: [usize; 2],
        out: &mut [f32],
    ) -> Result<(), DatasetError> {
        let (channels, to) = (self.table.len(), self.how.output(size));
        for (what, expected, found) in [
            ("input values", channels * size[0] * size[1], planes.len()),
            ("output values", channels * to[0] * to[1], out.len()),
        ] {
            if expected != found || expected == 0 {
                return Err(DatasetError::Unsatisfiable {
                    set: "preprocessing".into(),
                    what: what.into(),
                    expected: expected.max(1).to_string(),
                    found: found.to_string(),
                });
            }
        }
        let resized = self.how.resized(size);
        let mut bytes = pil::resize(planes, size, resized, self.how.interpolation);
        if let Some(crop) = self.how.crop {
            bytes = middle(&bytes, resized, &crop);
        }
        let area = to[0] * to[1];
        for ((table, plane), target) in self
            .table
            .iter()
            .zip(bytes.chunks_exact(area))
            .zip(out.chunks_exact_mut(area))
        {
            for (value, &byte) in target.iter_mut().zip(plane) {
                *value = table[usize::from(byte)];
            }
        }
        Ok(())
    }
}

/// The middle of every plane.
fn middle(planes: &[u8], from: [usize; 2], crop: &Crop) -> Vec<u8> {
    let (to, rule) = (crop.size, crop.rule);
    if from == to {
        return planes.to_vec();
    }
    // First row (or column) of the middle, negative where the filling comes first.
    let first = [0, 1].map(|axis| start(from[axis], to[axis], rule));
    let [height, width] = from;
    let mut out = Vec::with_capacity(planes.len() / (height * width).max(1) * to[0] * to[1]);
    let fill = crop.fill.iter().cycle();
    for (plane, fill) in planes.chunks_exact((height * width).max(1)).zip(fill) {
        for row in 0..to[0] as i64 {
            let row = usize::try_from(row + first[0]).ok().filter(|r| *r < height);
            for column in 0..to[1] as i64 {
                let column = usize::try_from(column + first[1]).ok();
                let pixel = row.zip(column.filter(|c| *c < width));
                out.push(pixel.map_or(*fill, |(r, c)| plane[r * width + c]));
            }
        }
    }
    out
}

/// Where a middle of `to` begins in `from`.
fn start(from: usize, to: usize, rule: CropRule) -> i64 {
    let over = from as i64 - to as i64;
    match rule {
        // Both pad half of what lacks, rounded down, in front.
        _ if over < 0 => -(-over / 2),
        CropRule::Torchvision => (over as f64 / 2.0).round_ties_even() as i64,
        CropRule::Transformers => over / 2,
    }
}

/// A set of pictures, in pixels of `0..=1`, whose samples are prepared as they are read.
pub struct Pictured {
    inner: Arc<dyn Dataset>,
    lens: Lens,
}

impl Pictured {
    /// Prepares every sample of `inner` by `how`; `set` names the pictures in errors.
    ///
    /// # Errors
    /// Those of [`Lens::new`].
    pub fn new(inner: Arc<dyn Dataset>, how: &Preprocess, set: &str) -> Result<Self, DatasetError> {
        let lens = Lens::new(how, inner.shape()[0], set)?;
        Ok(Self { inner, lens })
    }

    /// All three parts; `set` names them in errors.
    ///
    /// # Errors
    /// Those of [`Lens::new`].
    pub fn splits(splits: &Splits, how: &Preprocess, set: &str) -> Result<Splits, DatasetError> {
        let lens = Lens::new(how, splits.train.shape()[0], set)?;
        Ok(splits.map(|inner| {
            Arc::new(Self {
                inner,
                lens: lens.clone(),
            })
        }))
    }
}

impl Wrapper for Pictured {
    fn inner(&self) -> &dyn Dataset {
        self.inner.as_ref()
    }

    fn wrapped_shape(&self) -> [usize; 3] {
        let [channels, height, width] = self.inner.shape();
        let [height, width] = self.lens.how.output([height, width]);
        [channels, height, width]
    }

    fn read_wrapped(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("pictures", self, index, out.len())?;
        let mut sample = vec![0.0; sample_len(self.inner.as_ref())];
        self.inner.read(index, &mut sample)?;
        // Pixels were bytes, or are drawn by the program: rounding gives the byte back.
        let bytes: Vec<u8> = sample.iter().map(|x| (x * 255.0).round() as u8).collect();
        let [_, height, width] = self.inner.shape();
        self.lens.apply(&bytes, [height, width], out)
    }
}

#[cfg(test)]
#[path = "pictured_tests.rs"]
mod tests;

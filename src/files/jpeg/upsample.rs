//! Channels at the picture's size: libjpeg's "fancy" upsampling, a triangle filter where a channel has
//! half the samples, repetition elsewhere.

use super::frame::{Component, Frame};
use super::idct;
use crate::files::{Fault, fault};

/// A channel's samples at the size of the picture, row by row.
pub fn whole(frame: &Frame, component: &Component) -> Result<Vec<u8>, Fault> {
    let (stride, plane) = plane(component);
    let [height, width] = component.samples;
    let row = |at: usize| &plane[at * stride..at * stride + width];
    let [across, down] =
        [0, 1].map(|axis| frame.most[axis] as f64 / component.sampling[axis] as f64);
    let mut out = Vec::with_capacity(frame.height * frame.width);
    let mut line = Vec::with_capacity(2 * width);
    for y in 0..frame.height {
        line.clear();
        // The nearer and the farther of the two rows between which this one lies; at the edge the
        // nearer is both.
        let (near, far) = match y % 2 {
            0 => (y / 2, (y / 2).saturating_sub(1)),
            _ => (y / 2, (y / 2 + 1).min(height - 1)),
        };
        match (across, down) {
            (1.0, 1.0) => line.extend_from_slice(row(y)),
            (2.0, 1.0) if width > 2 => between(row(y), &mut line),
            (1.0, 2.0) => {
                let bias = if y % 2 == 0 { 1 } else { 2 };
                let sum =
                    |(a, b): (&u8, &u8)| ((3 * u16::from(*a) + u16::from(*b) + bias) >> 2) as u8;
                line.extend(row(near).iter().zip(row(far)).map(sum));
            }
            (2.0, 2.0) if width > 2 => {
                let sum = |(a, b): (&u8, &u8)| 3 * u16::from(*a) + u16::from(*b);
                let sums: Vec<u16> = row(near).iter().zip(row(far)).map(sum).collect();
                between_sums(&sums, &mut line);
            }
            _ if across.fract() == 0.0 && down.fract() == 0.0 => {
                let from = row(y / down as usize);
                line.extend(
                    from.iter()
                        .flat_map(|s| std::iter::repeat_n(*s, across as usize)),
                );
            }
            _ => {
                let found = format!("{:?} of {:?}", component.sampling, frame.most);
                return fault("JPEG sampling", "a divisor of the largest", found);
            }
        }
        out.extend_from_slice(&line[..frame.width]);
    }
    Ok(out)
}

/// All samples of a channel, padding included, and how many a row has.
fn plane(component: &Component) -> (usize, Vec<u8>) {
    let [rows, columns] = component.padded;
    let stride = 8 * columns;
    let mut plane = vec![0; 8 * rows * stride];
    let quant = component.quant.unwrap_or([1; 64]);
    for (at, block) in component.coefficients.iter().enumerate() {
        let first = at / columns * 8 * stride + at % columns * 8;
        for (row, samples) in idct::samples(block, &quant).chunks_exact(8).enumerate() {
            plane[first + row * stride..][..8].copy_from_slice(samples);
        }
    }
    (stride, plane)
}

/// Twice as many samples, each ¾ of the nearer and ¼ of the farther.
fn between(row: &[u8], line: &mut Vec<u8>) {
    let last = row.len() - 1;
    for (i, &x) in row.iter().enumerate() {
        let x3 = 3 * u16::from(x);
        let left = if i == 0 {
            x
        } else {
            ((x3 + u16::from(row[i - 1]) + 1) >> 2) as u8
        };
        let right = if i == last {
            x
        } else {
            ((x3 + u16::from(row[i + 1]) + 2) >> 2) as u8
        };
        line.extend([left, right]);
    }
}

/// The same of sums of two rows, four times as large.
fn between_sums(sums: &[u16], line: &mut Vec<u8>) {
    let last = sums.len() - 1;
    for (i, &x) in sums.iter().enumerate() {
        let left = if i == 0 {
            4 * x + 8
        } else {
            3 * x + sums[i - 1] + 8
        };
        let right = if i == last {
            4 * x + 7
        } else {
            3 * x + sums[i + 1] + 7
        };
        line.extend([(left >> 4) as u8, (right >> 4) as u8]);
    }
}

//! Resizing of 8-bit pictures as PIL does it, which torchvision, timm and `transformers` call: to the
//! last grey level.
//!
//! Output pixel `i` sits at `centre = (i + ½) · scale` in input units. Its weights are the filter around
//! that centre, widened by the scale when shrinking and normalised to sum to one, then rounded to
//! fixed point. Rows and columns are filtered one after the other; each pass rounds to whole grey levels
//! and keeps them in 0…255, so that their order shows: along rows first, unless that leaves much more to
//! do than the other order (PIL since 13; before, along rows first always). A pass that changes nothing
//! is left out. The nearest pixel is taken without any filter.

use crate::suite::preprocess::Interpolation;

/// Binary digits after the point of a weight.
const DIGITS: u32 = 32 - 8 - 2;

/// The weights of one axis: output `i` is `Σ_k weights[i][k] · input[first[i] + k]`.
struct Axis {
    first: Vec<usize>,
    weights: Vec<Vec<i32>>,
}

/// Half-width of a filter and its value at `x`.
fn filter(interpolation: Interpolation, x: f64) -> f64 {
    let x = x.abs();
    let sinc = |x: f64| match x {
        0.0 => 1.0,
        x => (x * std::f64::consts::PI).sin() / (x * std::f64::consts::PI),
    };
    match interpolation {
        Interpolation::Nearest => 0.0,
        Interpolation::Bilinear => (1.0 - x).max(0.0),
        Interpolation::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        Interpolation::Bicubic if x < 2.0 => (((x - 5.0) * x + 8.0) * x - 4.0) * -0.5,
        Interpolation::Bicubic => 0.0,
        Interpolation::Lanczos if x < 3.0 => sinc(x) * sinc(x / 3.0),
        Interpolation::Lanczos => 0.0,
        Interpolation::Hamming if x == 0.0 => 1.0,
        Interpolation::Hamming if x < 1.0 => {
            sinc(x) * (0.54 + 0.46 * (x * std::f64::consts::PI).cos())
        }
        Interpolation::Hamming => 0.0,
        // The box is open below; see [`Axis::new`], which asks with the sign.
        Interpolation::Box => 1.0,
    }
}

fn support(interpolation: Interpolation) -> f64 {
    match interpolation {
        Interpolation::Nearest => 0.0,
        Interpolation::Box => 0.5,
        Interpolation::Bilinear | Interpolation::Hamming => 1.0,
        Interpolation::Bicubic => 2.0,
        Interpolation::Lanczos => 3.0,
    }
}

impl Axis {
    fn new(from: usize, to: usize, interpolation: Interpolation) -> Self {
        let scale = from as f64 / to as f64;
        let wide = scale.max(1.0);
        let support = support(interpolation) * wide;
        let step = 1.0 / wide;
        let (mut first, mut weights) = (Vec::with_capacity(to), Vec::with_capacity(to));
        for i in 0..to {
            let centre = (i as f64 + 0.5) * scale;
            // casts truncate toward zero and saturate at 0, as the reference's do
            let low = (centre - support + 0.5) as usize;
            let high = ((centre + support + 0.5) as usize).min(from);
            let mut raw: Vec<f64> = (low..high)
                .map(|j| {
                    let x = (j as f64 - centre + 0.5) * step;
                    if interpolation == Interpolation::Box && !(x > -0.5 && x <= 0.5) {
                        return 0.0;
                    }
                    filter(interpolation, x)
                })
                .collect();
            let total: f64 = raw.iter().sum();
            if total != 0.0 {
                raw.iter_mut().for_each(|w| *w /= total);
            }
            let fixed = |w: &f64| {
                let half = if *w < 0.0 { -0.5 } else { 0.5 };
                (half + w * f64::from(1 << DIGITS)) as i32
            };
            first.push(low);
            weights.push(raw.iter().map(fixed).collect());
        }
        Self { first, weights }
    }
}

/// A sum in fixed point as a grey level.
fn level(sum: i32) -> u8 {
    (sum >> DIGITS).clamp(0, 255) as u8
}

/// Resizes planes `[height, width]` of bytes, one after the other, to another size. A size of zero
/// gives nothing.
pub fn resize(
    planes: &[u8],
    from: [usize; 2],
    to: [usize; 2],
    interpolation: Interpolation,
) -> Vec<u8> {
    if from.contains(&0) || to.contains(&0) {
        return Vec::new();
    }
    if from == to {
        return planes.to_vec();
    }
    if interpolation == Interpolation::Nearest {
        return nearest(planes, from, to);
    }
    let ([height, width], [rows, columns]) = (from, to);
    let lost = [height as i64 - rows as i64, width as i64 - columns as i64];
    if lost[0] > 0 && lost[0] > 2 * lost[1] {
        let narrow = along_columns(planes, from, rows, interpolation);
        along_rows(&narrow, width, columns, interpolation)
    } else {
        let narrow = along_rows(planes, width, columns, interpolation);
        along_columns(&narrow, [height, columns], rows, interpolation)
    }
}

/// What a sum begins with, so that cutting it rounds it.
const START: i32 = 1 << (DIGITS - 1);

/// Lines of `width` pixels to lines of `to`.
fn along_rows(planes: &[u8], width: usize, to: usize, interpolation: Interpolation) -> Vec<u8> {
    if width == to {
        return planes.to_vec();
    }
    let axis = Axis::new(width, to, interpolation);
    let mut out = Vec::with_capacity(planes.len() / width * to);
    for line in planes.chunks_exact(width) {
        out.extend(axis.first.iter().zip(&axis.weights).map(|(&first, w)| {
            let terms = w.iter().zip(&line[first..]);
            level(terms.fold(START, |sum, (w, &x)| sum + w * i32::from(x)))
        }));
    }
    out
}

/// Planes of `[height, width]` to planes of `to` lines.
fn along_columns(
    planes: &[u8],
    [height, width]: [usize; 2],
    to: usize,
    interpolation: Interpolation,
) -> Vec<u8> {
    if height == to {
        return planes.to_vec();
    }
    let axis = Axis::new(height, to, interpolation);
    let mut out = Vec::with_capacity(planes.len() / height * to);
    let mut sums = vec![START; width];
    for plane in planes.chunks_exact(height * width) {
        for (&first, weights) in axis.first.iter().zip(&axis.weights) {
            sums.fill(START);
            let lines = plane[first * width..].chunks_exact(width);
            for (weight, line) in weights.iter().zip(lines) {
                for (sum, &x) in sums.iter_mut().zip(line) {
                    *sum += weight * i32::from(x);
                }
            }
            out.extend(sums.iter().map(|&sum| level(sum)));
        }
    }
    out
}

/// The pixel at the place, positions added up step by step as the reference does.
fn nearest(planes: &[u8], from: [usize; 2], to: [usize; 2]) -> Vec<u8> {
    let places = |from: usize, to: usize| -> Vec<usize> {
        let step = from as f64 / to as f64;
        let mut at = step * 0.5;
        let mut all = Vec::with_capacity(to);
        for _ in 0..to {
            all.push((at as usize).min(from - 1));
            at += step;
        }
        all
    };
    let (rows, columns) = (places(from[0], to[0]), places(from[1], to[1]));
    let mut out = Vec::with_capacity(planes.len() / (from[0] * from[1]) * to[0] * to[1]);
    for plane in planes.chunks_exact(from[0] * from[1]) {
        for &row in &rows {
            let line = &plane[row * from[1]..(row + 1) * from[1]];
            out.extend(columns.iter().map(|&column| line[column]));
        }
    }
    out
}

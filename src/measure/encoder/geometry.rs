//! Alignment and uniformity: are the features of one class close, and are all features spread?
//!
//! Source: Wang & Isola, *Understanding contrastive representation learning through alignment and
//! uniformity on the hypersphere*, ICML 2020, with α = 2 and t = 2. Features are scaled to the
//! unit sphere; over pairs i < j, align = mean ‖fᵢ − fⱼ‖² of equal labels ∈ [0, 4] and uniform =
//! log mean exp(−2‖fᵢ − fⱼ‖²) ∈ [−8, 0]. Lower is better for both. All N(N−1)/2 pairs are taken,
//! in blocks of scalar products, in double precision.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2, s};
use rayon::prelude::*;
use serde::Serialize;

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Input, Measure, Noise};
use crate::measure::linalg::product::product;
use crate::measure::samples::{Directions, Real, Samples, directions};

/// Rows per block of scalar products.
const BLOCK: usize = 256;
/// Wang & Isola's t.
const T: f64 = 2.0;

/// What the features' geometry is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Geometry {
    /// Mean squared distance over pairs of one class, in `[0, 4]`; `None` without such a pair.
    pub align: Option<f64>,
    /// Log of the mean of exp(−2d²) over all pairs, in `[−8, 0]`.
    pub uniform: f64,
    /// Pairs of one class.
    pub same_pairs: u64,
    /// All pairs.
    pub pairs: u64,
    /// Samples left out, because all their features are zero: they have no place on the sphere.
    pub left_out: Vec<usize>,
}

#[derive(Default, Clone, Copy)]
struct Sums {
    kernel: f64,
    same: f64,
    same_pairs: u64,
}

/// Alignment and uniformity of labelled features `[N, D]`; time O(N²·D), memory O(N·D).
///
/// # Errors
/// [`MeasureError::TooFew`] without a feature or below two samples that are not zero throughout.
pub fn geometry<A: Real>(samples: &Samples<'_, A>) -> Result<Geometry, MeasureError> {
    MeasureError::at_least("samples", 2, samples.len())?;
    MeasureError::at_least("features", 1, samples.dim())?;
    let Directions {
        unit,
        kept,
        left_out,
    } = directions(samples.features());
    let n = kept.len();
    MeasureError::at_least("samples that are not zero", 2, n)?;
    let labels: Vec<usize> = kept.iter().map(|&row| samples.labels()[row]).collect();
    let total = all_pairs(unit.view(), &labels);
    let pairs = n as u64 * (n as u64 - 1) / 2;
    Ok(Geometry {
        align: (total.same_pairs > 0).then(|| total.same / total.same_pairs as f64),
        uniform: (total.kernel / pairs as f64).ln(),
        same_pairs: total.same_pairs,
        pairs,
        left_out,
    })
}

/// Uniformity alone, of rows of unit length `[N, D]`.
///
/// # Errors
/// [`MeasureError::TooFew`] below two rows.
pub(in crate::measure) fn uniformity(unit: ArrayView2<'_, f64>) -> Result<f64, MeasureError> {
    let n = unit.nrows();
    MeasureError::at_least("samples that are not zero", 2, n)?;
    let pairs = n as u64 * (n as u64 - 1) / 2;
    let total = all_pairs(unit, &vec![0; n]);
    Ok((total.kernel / pairs as f64).ln())
}

/// Sums over all pairs of rows of unit length with their labels.
fn all_pairs(unit: ArrayView2<'_, f64>, labels: &[usize]) -> Sums {
    let n = labels.len();
    let blocks = n.div_ceil(BLOCK);
    let range = |b: usize| b * BLOCK..((b + 1) * BLOCK).min(n);
    // Collected in order and added in order: the same bits for any number of threads.
    let rows: Vec<Sums> = (0..blocks)
        .into_par_iter()
        .map(|i| {
            let mut sums = Sums::default();
            for j in i..blocks {
                tile(unit, labels, range(i), range(j), &mut sums);
            }
            sums
        })
        .collect();
    rows.iter().fold(Sums::default(), |a, b| Sums {
        kernel: a.kernel + b.kernel,
        same: a.same + b.same,
        same_pairs: a.same_pairs + b.same_pairs,
    })
}

fn tile(
    unit: ArrayView2<'_, f64>,
    labels: &[usize],
    rows: std::ops::Range<usize>,
    columns: std::ops::Range<usize>,
    sums: &mut Sums,
) {
    let mut products = Array2::zeros((rows.len(), columns.len()));
    let (left, right) = (
        unit.slice(s![rows.clone(), ..]),
        unit.slice(s![columns.clone(), ..]),
    );
    product(left, right.t(), false, products.view_mut());
    for (i, row) in rows.zip(products.outer_iter()) {
        for (j, &cosine) in columns.clone().zip(row) {
            if j <= i {
                continue;
            }
            // ‖a − b‖² = 2 − 2⟨a, b⟩ on the sphere; rounding must not leave [0, 4].
            let square = (2.0 - 2.0 * cosine).clamp(0.0, 4.0);
            // The exponent lies in [−8, 0]: the sum needs no shift by the maximum.
            sums.kernel += (-T * square).exp();
            if labels[i] == labels[j] {
                sums.same += square;
                sums.same_pairs += 1;
            }
        }
    }
}

/// Both numbers of an input, computed once.
fn sphere(input: &Input<'_>) -> Result<Arc<Geometry>, MeasureError> {
    input.once(|| geometry(input.test()))
}

/// Mean squared distance of pairs of one class on the sphere.
pub const ALIGNMENT: Measure = Measure {
    about: About {
        name: "alignment",
        older: &["align"],
        title: "alignment",
        unit: Unit::Number(3),
        better: Better::Lower,
        range: [0.0, 4.0],
        values: "0 to 4",
        what: "How near features of one class are to each other on the unit sphere.",
        computed: "Mean squared distance over all pairs of one class, features scaled to length one (α = 2).",
        limits: "It is lowest where all features are one point, so it says little without uniformity.",
        citation: "Wang and Isola, Understanding contrastive representation learning through alignment and uniformity on the hypersphere, ICML 2020",
    },
    noise: Noise::Jackknife,
    cost: Cost::Pairs,
    in_run: Extent::All,
    value: |input| {
        sphere(input)?.align.ok_or(MeasureError::TooFew {
            what: "pairs of one class",
            expected: 1,
            found: 0,
        })
    },
};

/// Log mean Gaussian potential of all pairs on the sphere.
pub const UNIFORMITY: Measure = Measure {
    about: About {
        name: "uniformity",
        older: &["uniform"],
        title: "uniformity",
        range: [-8.0, 0.0],
        values: "−8 to 0",
        what: "How evenly features spread over the unit sphere, whatever their classes.",
        computed: "Logarithm of the mean of exp(−2d²) over all pairs, features scaled to length one (t = 2).",
        limits: "It knows no labels: features without any meaning can be the most uniform of all.",
        ..ALIGNMENT.about
    },
    value: |input| Ok(sphere(input)?.uniform),
    ..ALIGNMENT
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use ndarray::array;

    #[test]
    fn the_closed_form_is_met() {
        let bytes = std::fs::read(fixture::path("geometry/io.safetensors")).expect("fixture");
        let file = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        let floats = |name: &str| -> Vec<f64> {
            let data = file.tensor(name).expect("tensor").data();
            data.as_chunks::<8>()
                .0
                .iter()
                .map(|b| f64::from_le_bytes(*b))
                .collect()
        };
        let labels: Vec<usize> = file
            .tensor("labels")
            .expect("tensor")
            .data()
            .chunks(8)
            .map(|b| usize::from(b[0]))
            .collect();
        let x = Array2::from_shape_vec((40, 16), floats("features")).expect("shape");
        let (align, uniform) = (floats("align")[0], floats("uniform")[0]);
        let double =
            geometry(&Samples::new(x.view(), &labels, 4).expect("valid")).expect("geometry");
        let x = x.mapv(|v| v as f32);
        let single =
            geometry(&Samples::new(x.view(), &labels, 4).expect("valid")).expect("geometry");
        for (found, limit) in [(double, 1e-10), (single, 1e-5)] {
            let errors = [
                (found.align.expect("pairs") - align).abs(),
                (found.uniform - uniform).abs(),
            ];
            println!(
                "geometry: align off by {:.1e}, uniform by {:.1e} (limit {limit:e})",
                errors[0], errors[1]
            );
            assert!(errors.iter().all(|&e| e < limit));
        }
    }

    #[test]
    fn blocks_are_the_same_as_one_pair_at_a_time() {
        let n = 2 * BLOCK + 17;
        let x = Array2::from_shape_fn((n, 3), |(i, j)| ((i * (j + 2)) as f64).sin() + 0.1);
        let labels: Vec<usize> = (0..n).map(|i| i % 5).collect();
        let found =
            geometry(&Samples::new(x.view(), &labels, 5).expect("valid")).expect("geometry");
        let unit = directions(x.view()).unit;
        let (mut kernel, mut same, mut count) = (0.0, 0.0, 0u64);
        for i in 0..n {
            for j in i + 1..n {
                let d = (&unit.row(i) - &unit.row(j)).mapv(|v| v * v).sum();
                kernel += (-2.0 * d).exp();
                if labels[i] == labels[j] {
                    same += d;
                    count += 1;
                }
            }
        }
        let pairs = (n * (n - 1) / 2) as f64;
        assert!((found.uniform - (kernel / pairs).ln()).abs() < 1e-12);
        assert!((found.align.expect("pairs") - same / count as f64).abs() < 1e-12);
        assert_eq!((found.same_pairs, found.pairs as f64), (count, pairs));
    }

    #[test]
    fn the_extremes_are_reached_and_nothing_beyond() {
        let x = array![[1e-200, 0.0], [1e200, 0.0], [-3.0, 0.0]];
        let g = geometry(&Samples::new(x.view(), &[0, 0, 1], 2).expect("valid")).expect("geometry");
        assert_eq!(g.align, Some(0.0));
        let lone =
            geometry(&Samples::new(x.view(), &[0, 1, 2], 3).expect("valid")).expect("geometry");
        assert_eq!(lone.align, None);
        let zero = array![[1.0, 0.0], [0.0, 0.0]];
        assert_eq!(
            geometry(&Samples::new(zero.view(), &[0, 0], 1).expect("valid")),
            Err(MeasureError::TooFew {
                what: "samples that are not zero",
                expected: 2,
                found: 1
            })
        );
    }

    #[test]
    fn rows_of_zeros_are_left_out_and_named() {
        let x = Array2::from_shape_fn((40, 3), |(i, j)| ((i * (j + 2)) as f64).sin() + 0.1);
        let labels: Vec<usize> = (0..40).map(|i| i % 4).collect();
        let (mut holes, zero) = (x.clone(), [0, 17, 39]);
        zero.iter().for_each(|&row| holes.row_mut(row).fill(-0.0));
        let rest: Vec<usize> = (0..40).filter(|i| !zero.contains(i)).collect();
        let fewer = x.select(ndarray::Axis(0), &rest);
        let own: Vec<usize> = rest.iter().map(|&i| labels[i]).collect();
        let of = |x: &Array2<f64>, labels: &[usize]| {
            geometry(&Samples::new(x.view(), labels, 4).expect("valid")).expect("geometry")
        };
        let found = of(&holes, &labels);
        assert_eq!(found.left_out, zero);
        assert_eq!(
            Geometry {
                left_out: Vec::new(),
                ..found
            },
            of(&fewer, &own)
        );
    }
}

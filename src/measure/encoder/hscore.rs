//! H-score: how much of the features' variance, in units of itself, lies between the classes?
//!
//! Source: Bao et al., *An information-theoretic approach to transferability in task transfer
//! learning*, ICIP 2019: H = tr(cov(f)⁺ cov(E[f | y])), from 0 (no class differs in mean) to
//! min(K − 1, rank). Higher is better. With as few samples as features every class is a direction
//! of its own and H = K − 1, whatever the features. Ibrahim et al., *Newer is not always better:
//! rethinking transferability metrics*, 2021, therefore take Σ_α = (1 − α)Σ + α (tr Σ/D) I and
//! H_α = tr(Σ_α⁻¹ (1 − α) cov(E[f | y])), with the α of Ledoit & Wolf, *A well-conditioned
//! estimator for large-dimensional covariance matrices*, J. Multivar. Anal. 2004.
//!
//! As in published code, cov is over N − 1, and Ledoit and Wolf's Σ over N, as scikit-learn's.

use serde::Serialize;

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Measure, Noise};
use crate::measure::linalg::rows::{Present, Rows};
use crate::measure::linalg::spectrum::{Spectrum, spectrum};
use crate::measure::samples::{Real, Samples};

/// The features' covariance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariance {
    /// As it is: Bao et al.'s H-score.
    #[default]
    Sample,
    /// Shrunk towards a multiple of the identity, by as much as the samples say: Ibrahim et al.'s.
    LedoitWolf,
}

/// How far features separate the classes in mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Hscore {
    /// H, in `[0, min(K − 1, rank)]` without shrinkage; higher is better.
    pub value: f64,
    /// α, in `[0, 1]`; 0 for the sample covariance.
    pub shrinkage: f64,
    /// Rank of the covariance.
    pub rank: usize,
    /// Classes that occur.
    pub classes: usize,
}

/// H-score of features `[N, D]`; time O(N·D·min(N, D)), memory O(min(N, D)² + K·D). Features that
/// are constant have an H-score of 0.
///
/// # Errors
/// [`MeasureError::TooFew`] below two samples or without a feature, [`MeasureError::Numerical`]
/// if LAPACK does not converge.
pub fn hscore<A: Real>(
    samples: &Samples<'_, A>,
    covariance: Covariance,
) -> Result<Hscore, MeasureError> {
    let (n, d) = samples.features().dim();
    MeasureError::at_least("samples", 2, n)?;
    MeasureError::at_least("features", 1, d)?;
    let present = Present::new(samples.labels());
    let rows = Rows::centred(samples.features());
    let spectrum = spectrum(&rows, &present, true)?;
    let alpha = match covariance {
        Covariance::Sample => 0.0,
        Covariance::LedoitWolf => {
            let fourth = rows.squares().iter().map(|s| s * s).sum();
            ledoit_wolf(&spectrum, fourth, n as f64, d as f64)
        }
    };
    // The mean of a class is V S Uᵀ1_c / n_c. Along each direction, in units of F's variance there
    // (σ²/(N − 1), or that of Σ_α), its square is what the class adds, n_c/(N − 1) times.
    let (samples, features) = (n as f64, d as f64);
    let ridge = alpha * spectrum.trace / samples / features;
    let mut value = 0.0;
    for (&square, loads) in spectrum.squares.iter().zip(spectrum.loads.outer_iter()) {
        let weight = match covariance {
            Covariance::Sample => 1.0,
            Covariance::LedoitWolf => {
                let between = (1.0 - alpha) * square / (samples - 1.0);
                between / ((1.0 - alpha) * square / samples + ridge)
            }
        };
        for (&load, &count) in loads.iter().zip(&present.counts) {
            value += weight * load * load / count as f64;
        }
    }
    Ok(Hscore {
        value,
        shrinkage: alpha,
        rank: spectrum.squares.len(),
        classes: present.len(),
    })
}

/// Ledoit and Wolf's α, for Σ = FᵀF/N and `fourth` = Σ ‖fᵢ‖⁴ of centred rows.
fn ledoit_wolf(spectrum: &Spectrum, fourth: f64, n: f64, d: f64) -> f64 {
    if d == 1.0 {
        return 0.0;
    }
    let (trace, norm) = (spectrum.trace / n, spectrum.norm / n / n);
    // How far Σ is from (tr Σ/D) I, and how far the samples' own Σ scatter around it.
    let distance = norm - trace * trace / d;
    let scatter = (fourth / n - norm) / n;
    if distance > 0.0 && scatter > 0.0 {
        (scatter / distance).min(1.0)
    } else {
        0.0
    }
}

/// H-score of the test features, with Ledoit and Wolf's covariance.
pub const H_SCORE: Measure = Measure {
    about: About {
        name: "h-score",
        older: &["hscore"],
        title: "H-score",
        unit: Unit::Number(3),
        better: Better::Higher,
        range: [0.0, f64::INFINITY],
        values: "0 to about K − 1",
        what: "How much of the features' variance, in units of itself, lies between the classes.",
        computed: "Trace of the inverse covariance times the covariance of class means, the covariance shrunk by Ledoit and Wolf's share.",
        limits: "It grows with the number of classes K and sees their means alone.",
        citation: "Bao et al., An information-theoretic approach to transferability in task transfer learning, ICIP 2019; shrunk: Ibrahim et al., Newer is not always better, ECML PKDD 2022",
    },
    noise: Noise::Jackknife,
    cost: Cost::Decomposition,
    in_run: Extent::Balanced,
    value: |input| Ok(hscore(input.test(), Covariance::LedoitWolf)?.value),
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::references::{normal, rotation};
    use ndarray::{Array2, array};

    fn score(x: &Array2<f64>, labels: &[usize], covariance: Covariance) -> Hscore {
        let samples = Samples::new(x.view(), labels, 12).expect("valid");
        hscore(&samples, covariance).expect("runs")
    }

    #[test]
    fn the_range_is_reached_and_not_left() {
        // Points that are their class's mean: all variance is between, in one direction.
        let x = array![[0.0, 0.0], [1.0, 2.0], [3.0, 6.0], [0.0, 0.0], [1.0, 2.0]];
        let found = score(&x, &[0, 1, 2, 0, 1], Covariance::Sample);
        assert!((found.value - 1.0).abs() < 1e-12 && found.rank == 1);
        // More features than samples: every class is a direction of its own.
        let few = score(
            &normal(1, 20, 50),
            &[0, 1, 2, 3].repeat(5),
            Covariance::Sample,
        );
        assert!((few.value - 3.0).abs() < 1e-9 && few.rank == 19, "{few:?}");
        let shrunk = score(
            &normal(1, 20, 50),
            &[0, 1, 2, 3].repeat(5),
            Covariance::LedoitWolf,
        );
        assert!(shrunk.value < 1.0 && shrunk.shrinkage > 0.5, "{shrunk:?}");
        let one = score(&normal(2, 30, 4), &[3; 30], Covariance::Sample);
        assert!(one.value.abs() < 1e-12 && one.classes == 1);
        let constant = score(
            &Array2::from_elem((6, 3), 0.1),
            &[0, 1, 2, 0, 1, 2],
            Covariance::LedoitWolf,
        );
        assert_eq!((constant.value, constant.rank), (0.0, 0));
    }

    #[test]
    fn rotation_scale_and_names_of_classes_do_not_matter() {
        let labels: Vec<usize> = (0..90).map(|i| (i * i) % 5).collect();
        let renamed: Vec<usize> = labels.iter().map(|l| 11 - 2 * l).collect();
        let x = normal(3, 90, 7);
        let moved = x.dot(&rotation(4, 7)) * 1e-3 + 0.2;
        for covariance in [Covariance::Sample, Covariance::LedoitWolf] {
            let (a, b) = (
                score(&x, &labels, covariance),
                score(&moved, &renamed, covariance),
            );
            assert!((a.value - b.value).abs() < 1e-9 && a.value > 0.0);
            assert!((a.shrinkage - b.shrinkage).abs() < 1e-9);
        }
    }
}

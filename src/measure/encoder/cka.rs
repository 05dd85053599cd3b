//! Linear CKA: do two representations of the same samples agree, up to rotation and scale?
//!
//! Source: Kornblith et al., *Similarity of neural network representations revisited*, ICML 2019.
//! With centred features X `[N, D₁]`, Y `[N, D₂]`: CKA = ‖XᵀY‖² / (‖XᵀX‖·‖YᵀY‖) ∈ [0, 1], 1 for
//! equal representations. Of independent ones it is 0 only for N ≫ D; with few samples it is
//! large whatever they are. The **debiased** value, in [−1, 1], uses the unbiased estimator HSIC₁ of
//! Song et al., *Supervised feature selection via dependence estimation*, ICML 2007, in its
//! numerator and under its root: 0 on average of independent representations, at any N ≥ 4.
//!
//! In feature space, with aᵢ = ‖xᵢ‖², bᵢ = ‖yᵢ‖² of centred rows, N(N−3)·HSIC₁ is
//! ‖XᵀY‖² − N/(N−2) Σ aᵢbᵢ + Σ aᵢ Σ bᵢ / ((N−1)(N−2)): no N × N matrix, memory O((D₁ + D₂)²).

use ndarray::{Array2, ArrayView2};
use serde::Serialize;

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Measure, Noise};
use crate::measure::linalg::rows::Rows;
use crate::measure::samples::{Real, check_finite};

/// An HSIC₁(X, X) below so much of ‖XᵀX‖² is rounding: the debiased value is 0/0.
const NOISE: f64 = 1e-12;

/// How far two representations agree.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Cka {
    /// CKA, in `[0, 1]`, biased upwards where there are few samples.
    pub biased: f64,
    /// CKA of unbiased estimators, in `[−1, 1]`; `None` below four samples, or where the samples
    /// of one side are all equally far from each other.
    pub debiased: Option<f64>,
    /// Samples compared.
    pub samples: usize,
}

/// Linear CKA of features `[N, D₁]` and `[N, D₂]` of the same samples, row by row; time
/// O(N·(D₁ + D₂)²), memory O((D₁ + D₂)²).
///
/// ```
/// use modalign::measure::cka::cka;
/// use ndarray::array;
///
/// let x = array![[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [-1.0, 4.0], [2.0, -2.0]];
/// // Turned by a right angle and scaled: the same representation.
/// let y = x.dot(&array![[0.0, 3.0], [-3.0, 0.0]]);
/// let found = cka(x.view(), y.view())?;
/// assert!((found.biased - 1.0).abs() < 1e-12);
/// assert!((found.debiased.expect("four samples or more") - 1.0).abs() < 1e-12);
/// # Ok::<(), modalign::measure::MeasureError>(())
/// ```
///
/// # Errors
/// [`MeasureError::Shape`] for unequal numbers of rows, [`MeasureError::TooFew`] below two samples
/// and on a side without a feature that varies, [`MeasureError::NotFinite`].
pub fn cka<A: Real, B: Real>(
    x: ArrayView2<'_, A>,
    y: ArrayView2<'_, B>,
) -> Result<Cka, MeasureError> {
    same_samples(&[x], &[y])?;
    let first = Side::new(x, "first features that vary")?;
    Ok(first.with(&Side::new(y, "second features that vary")?))
}

/// Linear CKA of every one of `xs` with every one of `ys`, as of the layers of two encoders: `[xs.len(), ys.len()]`; `None` where
/// one of them does not vary (a class token before the first block). What a side brings to each pair is computed once.
///
/// ```
/// use modalign::measure::cka::cka_of_all;
/// use ndarray::array;
///
/// let x = array![[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [-1.0, 4.0], [2.0, -2.0]];
/// let y = x.mapv(|v: f64| v.max(0.0));
/// let still = x.mapv(|_| 1.0);
/// let found = cka_of_all(&[x.view(), y.view()], &[x.view(), still.view()])?;
/// let biased = found.mapv(|cka| cka.map(|cka| cka.biased));
/// assert!(biased[[0, 0]].is_some_and(|equal| (equal - 1.0).abs() < 1e-12));
/// assert!(biased[[1, 0]] < biased[[0, 0]] && biased[[0, 1]].is_none());
/// # Ok::<(), modalign::measure::MeasureError>(())
/// ```
///
/// # Errors
/// [`MeasureError::Shape`] for unequal numbers of rows, [`MeasureError::TooFew`] below two samples,
/// [`MeasureError::NotFinite`].
pub fn cka_of_all<A: Real, B: Real>(
    xs: &[ArrayView2<'_, A>],
    ys: &[ArrayView2<'_, B>],
) -> Result<Array2<Option<Cka>>, MeasureError> {
    same_samples(xs, ys)?;
    let first: Vec<_> = xs.iter().map(|x| Side::new(*x, "").ok()).collect();
    let second: Vec<_> = ys.iter().map(|y| Side::new(*y, "").ok()).collect();
    Ok(Array2::from_shape_fn((xs.len(), ys.len()), |(i, j)| {
        Some(first[i].as_ref()?.with(second[j].as_ref()?))
    }))
}

/// Refuses features of different samples, of too few, and those that are not numbers.
fn same_samples<A: Real, B: Real>(
    xs: &[ArrayView2<'_, A>],
    ys: &[ArrayView2<'_, B>],
) -> Result<(), MeasureError> {
    let n = xs.first().map_or(0, ArrayView2::nrows);
    for x in xs {
        MeasureError::same("rows of the first features", n, x.nrows())?;
    }
    for y in ys {
        MeasureError::same("rows of the second features", n, y.nrows())?;
    }
    MeasureError::at_least("samples", 2, n)?;
    xs.iter()
        .try_for_each(|x| check_finite("first features", *x))?;
    ys.iter()
        .try_for_each(|y| check_finite("second features", *y))
}

/// What features bring to every pair that they are in.
struct Side<'a, A: Real> {
    rows: Rows<'a, A>,
    /// ‖XᵀX‖².
    own: f64,
    /// ‖xᵢ‖² of every row.
    squares: Vec<f64>,
}

impl<'a, A: Real> Side<'a, A> {
    /// Of features `[N, D]`, at least one of which varies: `varying` names those.
    fn new(x: ArrayView2<'a, A>, varying: &'static str) -> Result<Self, MeasureError> {
        let rows = Rows::centred(x);
        let own = square(&rows.gram());
        MeasureError::at_least(varying, 1, usize::from(own > 0.0))?;
        Ok(Self {
            squares: rows.squares(),
            rows,
            own,
        })
    }

    fn with<B: Real>(&self, other: &Side<'_, B>) -> Cka {
        let both = square(&self.rows.cross(&other.rows));
        let (xx, yy) = (self.own, other.own);
        Cka {
            biased: (both / xx.sqrt() / yy.sqrt()).clamp(0.0, 1.0),
            debiased: debiased(xx, yy, both, &self.squares, &other.squares),
            samples: self.rows.len(),
        }
    }
}

fn debiased(xx: f64, yy: f64, xy: f64, a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() < 4 {
        return None;
    }
    let n = a.len() as f64;
    let hsic = |product: f64, a: &[f64], b: &[f64]| {
        let rows: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        let sums = a.iter().sum::<f64>() * b.iter().sum::<f64>();
        product - n / (n - 2.0) * rows + sums / ((n - 1.0) * (n - 2.0))
    };
    let (hx, hy) = (hsic(xx, a, a), hsic(yy, b, b));
    let defined = hx > NOISE * xx && hy > NOISE * yy;
    // A cosine of U-centred kernels: rounding must not leave [−1, 1].
    defined.then(|| (hsic(xy, a, b) / hx.sqrt() / hy.sqrt()).clamp(-1.0, 1.0))
}

fn square(matrix: &Array2<f64>) -> f64 {
    matrix.iter().map(|v| v * v).sum()
}

/// Debiased linear CKA with the reference.
pub const CKA: Measure = Measure {
    about: About {
        name: "cka",
        older: &[],
        title: "CKA",
        unit: Unit::Number(3),
        better: Better::Neither,
        range: [-1.0, 1.0],
        values: "−1 to 1",
        what: "How far the representation agrees with the reference's, up to rotation and scale: 1 is equal, about 0 unrelated.",
        computed: "Linear centred kernel alignment with unbiased estimators in numerator and root, so that few samples do not raise it.",
        limits: "Directions weigh by their variance: a change in few strong directions counts more than one in many weak ones.",
        citation: "Kornblith et al., Similarity of neural network representations revisited, ICML 2019; unbiased: Song et al., ICML 2007",
    },
    noise: Noise::None,
    cost: Cost::Linear,
    in_run: Extent::Balanced,
    value: |input| {
        let found = cka(input.test().features(), input.agreeing()?)?;
        found.debiased.ok_or(MeasureError::TooFew {
            what: "samples at unequal distances",
            expected: 4,
            found: found.samples.min(3),
        })
    },
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::references::{normal, rotation};
    use ndarray::array;

    #[test]
    fn a_representation_agrees_with_itself_rotated_scaled_and_moved() {
        let x = normal(1, 90, 12);
        let moved = x.dot(&rotation(2, 12)) * 1e-7 + 3.0;
        for y in [x.clone(), moved] {
            let found = cka(x.view(), y.view()).expect("runs");
            assert!((found.biased - 1.0).abs() < 1e-9, "{found:?}");
            assert!((found.debiased.expect("defined") - 1.0).abs() < 1e-9);
        }
        // And so does any other pair.
        let y = normal(3, 90, 5) + x.slice(ndarray::s![.., ..5]);
        let plain = cka(x.view(), y.view()).expect("runs");
        let turned = cka(x.dot(&rotation(4, 12)).view(), (&y * -40.0).view()).expect("runs");
        let swapped = cka(y.view(), x.view()).expect("runs");
        for other in [turned, swapped] {
            assert!((plain.biased - other.biased).abs() < 1e-12);
            let both = plain.debiased.zip(other.debiased).expect("defined");
            assert!((both.0 - both.1).abs() < 1e-12);
        }
    }

    #[test]
    fn layers_have_the_values_of_their_pairs() {
        let xs = [normal(1, 40, 6), normal(2, 40, 9)];
        let ys = [
            xs[0].dot(&rotation(3, 6)),
            normal(4, 40, 3),
            Array2::ones((40, 2)),
        ];
        let found = cka_of_all(
            &xs.each_ref().map(Array2::view),
            &ys.each_ref().map(Array2::view),
        );
        let found = found.expect("runs");
        assert_eq!(found.dim(), (2, 3));
        for (at, found) in found.indexed_iter() {
            let alone = cka(xs[at.0].view(), ys[at.1].view()).ok();
            assert_eq!(*found, alone);
            assert_eq!(found.is_none(), at.1 == 2);
        }
        let other = [normal(1, 41, 6)];
        let refused = cka_of_all(
            &xs.each_ref().map(Array2::view),
            &other.each_ref().map(Array2::view),
        );
        assert!(matches!(refused, Err(MeasureError::Shape { .. })));
    }

    #[test]
    fn independence_is_zero_without_bias_only() {
        let (x, y) = (normal(5, 60, 50), normal(6, 60, 40));
        let found = cka(x.view(), y.view()).expect("runs");
        assert!(found.biased > 0.3, "{found:?}");
        assert!(found.debiased.expect("defined").abs() < 0.1, "{found:?}");
        let (x, y) = (normal(7, 4000, 6), normal(8, 4000, 6));
        let found = cka(x.view(), y.view()).expect("runs");
        assert!(found.biased < 0.02 && found.debiased.expect("defined").abs() < 0.01);
    }

    #[test]
    fn what_is_not_defined_is_not_a_number() {
        let x = array![[1.0, 0.0], [0.0, 1.0], [2.0, 5.0]];
        assert_eq!(cka(x.view(), x.view()).expect("runs").debiased, None);
        // Corners of a simplex: all equally far, nothing left after U-centring.
        let simplex = Array2::<f64>::eye(6);
        let found = cka(simplex.view(), simplex.view()).expect("runs");
        assert!((found.biased - 1.0).abs() < 1e-12 && found.debiased.is_none());
        let constant = Array2::from_elem((3, 4), 0.1f32);
        assert_eq!(
            cka(x.view(), constant.view()),
            Err(MeasureError::TooFew {
                what: "second features that vary",
                expected: 1,
                found: 0
            })
        );
        assert!(matches!(
            cka(x.view(), normal(1, 4, 2).view()),
            Err(MeasureError::Shape {
                expected: 3,
                found: 4,
                ..
            })
        ));
    }
}

//! Source error at equal target error: how much more or less of the source a method keeps than a curve of encoders
//! that reaches the same target error. The curve is what one can have without the method, by interpolating the
//! parameters of plain fine-tuning (WiSE-FT, Wortsman et al., CVPR 2022).
//!
//! The definition is ours. Points of the curve, one an α, are means over seeds of target and source error; between
//! neighbours both are linear. A method is set against the *least* α at which the curve reaches the method's mean
//! target error: an interpolation goes from the pretrained encoder no farther than it has to. This choice looks at
//! target errors alone, so the noise of source errors cannot favour a place on the curve. Where no α reaches the
//! target error, or the pretrained end of the curve is below it, there is no difference: nothing is extrapolated.
//!
//! With slope b = Δy/Δx of the segment and w the place on it, the difference over one seed and its samples is, to first order,
//! (y − (1 − w) yᵢ − w yᵢ₊₁) − b (x − (1 − w) xᵢ − w xᵢ₊₁): where the curve is steep, the noise of target errors counts
//! b-fold. Its mean over seeds is the difference exactly. Three sources of noise are joined as in [`paired`](super::paired): seeds
//! (Student's t), test samples of the source, and those of the target. One seed gives no p.

use super::flips::sign_flip;
use super::mean;
use super::paired::{Difference, Draws, Sampled, of_training, shape};
use super::tail::{half_width, p_of};
use super::verdict::LEVEL;
use crate::measure::MeasureError;

/// What encoders of one kind, one a seed, reach on the target.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// Which test samples every seed gets wrong.
    Marks(Vec<Vec<bool>>),
    /// A metric known once a seed: the choice of test samples is not in its noise.
    Numbers(Vec<f64>),
}

/// Encoders of one kind, one a seed.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoders {
    /// On the target.
    pub target: Target,
    /// Which test samples of the source every seed's probe gets wrong.
    pub source: Vec<Vec<bool>>,
}

/// A method against the curve.
#[derive(Debug, Clone, PartialEq)]
pub struct AtEqualTarget {
    /// The least α at which the curve reaches the method's target error.
    pub alpha: f64,
    /// Source error of the curve there.
    pub source: f64,
    /// Source error of the method less that of the curve.
    pub difference: Difference,
}

/// Why there is no such place on the curve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// No α reaches so low a target error.
    Below,
    /// The pretrained end of the curve has a lower target error.
    Above,
}

impl Outside {
    /// In words, of a method.
    pub fn why(self) -> &'static str {
        match self {
            Self::Below => "its target error is below the whole curve",
            Self::Above => "its target error is above the curve's pretrained end",
        }
    }
}

/// A place on a curve: `share` of the way from point `at` to the next.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    at: usize,
    share: f64,
}

/// The first place at which a curve through `xs` comes down to `x`.
fn reached(xs: &[f64], x: f64) -> Result<Place, Outside> {
    if xs.first().is_none_or(|first| *first < x) {
        return Err(Outside::Above);
    }
    let down = |at: &usize| xs[*at] >= x && xs[at + 1] <= x && xs[*at] > xs[at + 1];
    let at = (0..xs.len() - 1).find(down).ok_or(Outside::Below)?;
    Ok(Place {
        at,
        share: (xs[at] - x) / (xs[at] - xs[at + 1]),
    })
}

impl Target {
    /// What every seed reaches.
    fn of_seeds(&self) -> Vec<f64> {
        match self {
            Self::Marks(marks) => marks.iter().map(|seed| rate(seed)).collect(),
            Self::Numbers(numbers) => numbers.clone(),
        }
    }
}

impl Encoders {
    fn seeds(&self) -> usize {
        self.source.len()
    }

    /// Mean target and source error over seeds.
    fn means(&self) -> (f64, f64) {
        let source: Vec<f64> = self.source.iter().map(|seed| rate(seed)).collect();
        (mean(&self.target.of_seeds()), mean(&source))
    }
}

fn rate(marks: &[bool]) -> f64 {
    marks.iter().filter(|mark| **mark).count() as f64 / marks.len().max(1) as f64
}

/// `own − (1 − share) a − share b`.
fn apart(own: f64, a: f64, b: f64, share: f64) -> f64 {
    own - (1.0 - share) * a - share * b
}

/// The same of the marks of every seed, times `by`.
fn marks_apart(
    own: &[Vec<bool>],
    [a, b]: [&[Vec<bool>]; 2],
    share: f64,
    by: f64,
) -> Result<Vec<Vec<f64>>, MeasureError> {
    let number = |mark: bool| f64::from(u8::from(mark));
    let mut rows = Vec::with_capacity(own.len());
    for (own, (a, b)) in own.iter().zip(a.iter().zip(b)) {
        shape("samples of the curve", own.len(), a.len())?;
        shape("samples of the curve", own.len(), b.len())?;
        let one = |i: usize| by * apart(number(own[i]), number(a[i]), number(b[i]), share);
        rows.push((0..own.len()).map(one).collect());
    }
    Ok(rows)
}

/// Sets a method against a curve of encoders by α, of the same seeds and test samples; `source` and `target` say
/// which samples belong together. The curve's first point is the pretrained encoder.
///
/// # Errors
/// [`MeasureError::TooFew`] without a seed, a sample, a replicate or two points; [`MeasureError::Shape`] if seeds,
/// samples or groups do not pair up.
pub fn at_equal_target(
    method: &Encoders,
    curve: &[(f64, Encoders)],
    source: &Draws,
    target: &Draws,
) -> Result<Result<AtEqualTarget, Outside>, MeasureError> {
    MeasureError::at_least("points of a curve", 2, curve.len())?;
    MeasureError::at_least("pairs of seeds", 1, method.seeds())?;
    for encoders in curve.iter().map(|(_, encoders)| encoders).chain([method]) {
        shape("seeds of the curve", method.seeds(), encoders.seeds())?;
        let known = encoders.target.of_seeds().len();
        shape("seeds of the target", method.seeds(), known)?;
    }
    let means: Vec<(f64, f64)> = curve.iter().map(|(_, point)| point.means()).collect();
    let (x, _) = method.means();
    let place = match reached(&means.iter().map(|mean| mean.0).collect::<Vec<_>>(), x) {
        Ok(place) => place,
        Err(outside) => return Ok(Err(outside)),
    };
    let [(from, a), (to, b)] = [&curve[place.at], &curve[place.at + 1]];
    let [(xa, ya), (xb, yb)] = [means[place.at], means[place.at + 1]];
    let slope = (yb - ya) / (xb - xa);
    Ok(Ok(AtEqualTarget {
        alpha: from + place.share * (to - from),
        source: ya + place.share * (yb - ya),
        difference: difference(method, [a, b], place.share, slope, [source, target])?,
    }))
}

/// The difference on the segment from `ends[0]` to `ends[1]` at `share` of the way, whose slope is `slope`.
fn difference(
    method: &Encoders,
    ends: [&Encoders; 2],
    share: f64,
    slope: f64,
    [source, target]: [&Draws; 2],
) -> Result<Difference, MeasureError> {
    let rows = marks_apart(&method.source, ends.map(|end| &end.source[..]), share, 1.0)?;
    let on_source = Sampled::new(&rows, source)?;
    let on_target = match (&method.target, &ends[0].target, &ends[1].target) {
        (Target::Marks(own), Target::Marks(a), Target::Marks(b)) => {
            let rows = marks_apart(own, [a, b], share, -slope)?;
            Some(Sampled::new(&rows, target)?)
        }
        _ => None,
    };
    let [own, a, b] = [method, ends[0], ends[1]].map(|e| e.target.of_seeds());
    let of_seed =
        |(s, on_source): (usize, &f64)| on_source - slope * apart(own[s], a[s], b[s], share);
    let of_seeds: Vec<f64> = on_source.of_seeds.iter().enumerate().map(of_seed).collect();
    let found = mean(&of_seeds);
    // One more sample for either side, as for a difference of rates.
    let least = |n: usize| 2f64.sqrt() / (n as f64 + 2.0);
    let mut sources = vec![on_source.of_sampling(least(on_source.n))];
    sources.extend(
        on_target
            .iter()
            .map(|t| t.of_sampling(slope.abs() * least(t.n))),
    );
    sources.extend(of_training(&of_seeds, on_source.n));
    let half = half_width(&sources, LEVEL);
    let mut ends = [found - half, found + half];
    for sampled in [Some(&on_source), on_target.as_ref()].into_iter().flatten() {
        if let Some([low, high]) = sampled.bootstrap {
            let shift = found - sampled.mean();
            ends = [ends[0].min(low + shift), ends[1].max(high + shift)];
        }
    }
    // One group says nothing of others.
    let groups = on_source.groups.len();
    let several = groups > 1 && on_target.as_ref().is_none_or(|t| t.groups.len() > 1);
    let seeds = of_seeds.len();
    let mixed = p_of(found, &sources).filter(|_| seeds > 1 && several);
    let flips = sign_flip(&on_source.whole(source.groups));
    Ok(Difference {
        mean: found,
        interval: several.then(|| ends.map(|end| end.clamp(-1.0, 1.0))),
        p: mixed.map(|mixed| mixed.max(flips)),
        seeds,
        samples: on_source.n,
        groups,
    })
}

#[cfg(test)]
#[path = "equal_target_tests.rs"]
mod tests;

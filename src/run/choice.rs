//! Which of the settings that were tried is chosen, from what they reach on validation parts alone. The choice
//! follows from the records of the cells and nothing else, so every process and every later look finds the same.

use super::cell::{Cell, Tuned};
use super::folder::RunFolder;
use crate::suite::task::{Metric, TargetKind};
use crate::suite::tuning::{Criterion, Selection};

/// What became of one trial: a setting with one seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trial {
    /// It was scored.
    Scored(Scores),
    /// It ended in an error.
    Failed,
    /// It is not over.
    Open,
}

/// Scores on validation parts; smaller is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scores {
    /// What judges the target.
    pub metric: Metric,
    /// That metric on the target's validation part.
    pub target: f64,
    /// Probe error on the surrogate's validation part; `None` of an encoder that takes no images.
    pub source: Option<f64>,
}

impl From<&Tuned> for Scores {
    fn from(tuned: &Tuned) -> Self {
        Self {
            metric: tuned.outcome.metric,
            target: tuned.outcome.valid,
            source: tuned.source_valid,
        }
    }
}

impl Cell<'_> {
    /// What became of it as a trial.
    pub fn trial(&self, folder: &RunFolder) -> Trial {
        match self.tuned(folder) {
            Some(tuned) => Trial::Scored((&tuned).into()),
            None if self.failure(folder).is_some() => Trial::Failed,
            None => Trial::Open,
        }
    }
}

/// Floating-point room at the bound.
const ROOM: f64 = 1e-9;

/// The place of the settings that are chosen; `trials` has the seeds of every setting, the suite's own first.
/// Settings of which a seed failed cannot be chosen; where all have, the suite's own stay. `None` while a
/// trial is not over.
pub fn choose(rule: &Selection, trials: &[Vec<Trial>]) -> Option<usize> {
    if trials.iter().flatten().any(|trial| *trial == Trial::Open) {
        return None;
    }
    let means: Vec<Option<Scores>> = trials.iter().map(|seeds| mean(seeds)).collect();
    let targets = means.iter().flatten().map(|scores| scores.target);
    let best = targets.min_by(f64::total_cmp);
    let fits = |scores: &Scores| {
        rule.within == 0.0 || best.is_none_or(|best| scores.target <= bound(rule, scores, best))
    };
    // A tie goes to the other metric, then to the place.
    let order = |scores: &Scores| match (rule.metric, scores.source) {
        (Criterion::Source, Some(source)) => [source, scores.target],
        (_, source) => [scores.target, source.unwrap_or(0.0)],
    };
    let fitting = means.iter().enumerate();
    let fitting = fitting.filter_map(|(place, scores)| Some((place, (*scores).filter(fits)?)));
    let chosen = fitting.min_by(|(_, a), (_, b)| {
        let ([a1, a2], [b1, b2]) = (order(a), order(b));
        a1.total_cmp(&b1).then(a2.total_cmp(&b2))
    });
    Some(chosen.map_or(0, |(place, _)| place))
}

/// The largest target metric that the rule allows beside the best: points of a share, percent of a field's.
fn bound(rule: &Selection, scores: &Scores, best: f64) -> f64 {
    let within = rule.within / 100.0;
    match scores.metric.needs() {
        TargetKind::Labels | TargetKind::MultiHot | TargetKind::Pairs => best + within + ROOM,
        TargetKind::Dense => best * (1.0 + within) + ROOM,
    }
}

/// Mean scores over seeds; `None` where one failed or none was asked for.
fn mean(seeds: &[Trial]) -> Option<Scores> {
    let scored = seeds.iter().map(|trial| match trial {
        Trial::Scored(scores) => Some(*scores),
        Trial::Failed | Trial::Open => None,
    });
    let scored: Vec<Scores> = scored.collect::<Option<_>>()?;
    let count = scored.len() as f64;
    let source: Option<Vec<f64>> = scored.iter().map(|scores| scores.source).collect();
    Some(Scores {
        metric: scored.first()?.metric,
        target: scored.iter().map(|scores| scores.target).sum::<f64>() / count,
        source: source.map(|all| all.iter().sum::<f64>() / count),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(metric: Metric, target: f64, source: Option<f64>) -> Trial {
        Trial::Scored(Scores {
            metric,
            target,
            source,
        })
    }

    /// One seed a setting: target and source errors.
    fn one(settings: &[(f64, f64)]) -> Vec<Vec<Trial>> {
        let trial =
            |&(target, source): &(f64, f64)| vec![scored(Metric::Error, target, Some(source))];
        settings.iter().map(trial).collect()
    }

    fn rule(metric: Criterion, within: f64) -> Selection {
        Selection { metric, within }
    }

    const SOURCE: Criterion = Criterion::Source;
    const TARGET: Criterion = Criterion::Target;

    #[test]
    fn the_source_error_is_smallest_among_settings_near_the_best_target_error() {
        let settings = one(&[(0.24, 0.43), (0.23, 0.45), (0.239, 0.42), (0.30, 0.38)]);
        // 0.24 is exactly one point away, which counts; 0.30 is seven.
        assert_eq!(choose(&rule(SOURCE, 1.0), &settings), Some(2));
        assert_eq!(choose(&rule(SOURCE, 0.5), &settings), Some(1));
        assert_eq!(choose(&rule(SOURCE, 7.0), &settings), Some(3));
        assert_eq!(choose(&rule(SOURCE, 0.0), &settings), Some(3), "no bound");
        assert_eq!(choose(&rule(TARGET, 1.0), &settings), Some(1));
        let settings = one(&[(0.24, 0.40), (0.23, 0.45)]);
        assert_eq!(choose(&rule(SOURCE, 1.0), &settings), Some(0), "inclusive");
    }

    #[test]
    fn ties_go_to_the_other_metric_then_to_the_suites_own_settings_then_to_the_grid() {
        let frozen = one(&[(0.40, 0.3), (0.395, 0.3), (0.395, 0.3)]);
        assert_eq!(choose(&rule(SOURCE, 1.0), &frozen), Some(1));
        let same = one(&[(0.4, 0.3), (0.4, 0.3), (0.4, 0.3)]);
        for metric in [SOURCE, TARGET] {
            assert_eq!(choose(&rule(metric, 1.0), &same), Some(0));
        }
        let by_source = one(&[(0.4, 0.35), (0.4, 0.3)]);
        assert_eq!(choose(&rule(TARGET, 1.0), &by_source), Some(1));
    }

    #[test]
    fn settings_with_a_failed_seed_are_not_chosen_and_open_ones_keep_the_choice_open() {
        let mut settings = one(&[(0.2, 0.4), (0.2, 0.3)]);
        settings[1].push(Trial::Failed);
        let again = settings[0][0];
        settings[0].push(again);
        assert_eq!(choose(&rule(SOURCE, 1.0), &settings), Some(0));
        settings[0][1] = Trial::Open;
        assert_eq!(choose(&rule(SOURCE, 1.0), &settings), None);
        let failed = vec![vec![Trial::Failed]; 3];
        assert_eq!(choose(&rule(SOURCE, 1.0), &failed), Some(0));
        // The best target error is that of settings that can be chosen.
        let mut settings = one(&[(0.30, 0.4), (0.305, 0.3), (0.1, 0.2)]);
        settings[2].push(Trial::Failed);
        assert_eq!(choose(&rule(SOURCE, 1.0), &settings), Some(1));
    }

    #[test]
    fn seeds_are_averaged() {
        let of = |values: [f64; 2]| values.map(|v| scored(Metric::Error, 0.2, Some(v))).to_vec();
        let settings = [of([0.1, 0.6]), of([0.3, 0.3])];
        assert_eq!(choose(&rule(SOURCE, 1.0), &settings), Some(1));
    }

    #[test]
    fn every_metric_is_smallest_at_its_best_and_fields_are_bounded_relatively() {
        // Mean average precision 0.52, 0.515 and 0.50: as kept, one minus it.
        let shares = |metric| {
            [(0.48, 0.40), (0.485, 0.35), (0.50, 0.30)]
                .map(|(target, source)| vec![scored(metric, target, Some(source))])
        };
        for metric in [
            Metric::OneMinusMeanAveragePrecision,
            Metric::OneMinusMacroF1,
            Metric::OneMinusAuroc,
            Metric::Error,
        ] {
            assert_eq!(choose(&rule(SOURCE, 1.0), &shares(metric)), Some(1));
            assert_eq!(choose(&rule(TARGET, 1.0), &shares(metric)), Some(0));
        }
        // Of an error of 4 Å one percent is 0.04 Å; a point would be 0.01.
        let fields = |metric| {
            [(4.0, 0.40), (4.03, 0.35), (4.05, 0.30)]
                .map(|(target, source)| vec![scored(metric, target, Some(source))])
        };
        for metric in [Metric::Mae8, Metric::RelativeL2, Metric::Nrmse] {
            assert_eq!(choose(&rule(SOURCE, 1.0), &fields(metric)), Some(1));
        }
    }

    #[test]
    fn an_encoder_that_takes_no_images_is_chosen_by_its_target() {
        let settings: Vec<Vec<Trial>> = [0.3, 0.2, 0.25]
            .map(|target| vec![scored(Metric::Error, target, None)])
            .to_vec();
        assert_eq!(choose(&rule(SOURCE, 0.0), &settings), Some(1));
    }
}

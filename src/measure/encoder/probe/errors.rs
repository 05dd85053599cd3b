//! The probe's two errors as measures of an encoder.

use crate::measure::MeasureError;
use crate::measure::about::{About, Better, Unit};
use crate::measure::encoder::measure::{Cost, Extent, Learner, Measure, Noise, Rate};
use crate::measure::sampling::noise::balanced;

/// Share of test samples that the linear probe gets wrong.
pub const PROBE_ERROR: Measure = Measure {
    about: About {
        name: "probe-error",
        older: &[],
        title: "probe error",
        unit: Unit::Share,
        better: Better::Lower,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "Share of test samples that a linear classifier on the frozen features gets wrong: how much of the knowledge about the classes hyperplanes can read.",
        computed: "Multinomial logistic regression on standardised features with penalty ‖W‖² / 2C, solved to its optimum; C is chosen on a validation part.",
        limits: "It sees what is linearly separable alone, and with few training samples it is also an error of learning.",
        citation: "Alain and Bengio, Understanding intermediate layers using linear classifier probes, ICLR workshop 2017; as a measure of kept source knowledge: Ma et al., ICML 2024",
    },
    noise: Noise::Predictions(Learner::Probe, Rate::Wrong),
    cost: Cost::Linear,
    in_run: Extent::All,
    value: |input| {
        let wrong = input.probe_wrong()?;
        let hits = wrong.iter().filter(|wrong| **wrong).count();
        Ok(hits as f64 / wrong.len() as f64)
    },
};

/// The same with all classes weighing alike.
pub const BALANCED_ERROR: Measure = Measure {
    about: About {
        name: "balanced-error",
        older: &[],
        title: "balanced probe error",
        what: "Mean over classes of the probe's errors: what its error would be if all classes were equally frequent.",
        computed: "As the probe error, whose predictions it counts; classes without a test sample are left out.",
        limits: "A class of few test samples weighs as much as one of many, and so does its noise.",
        ..PROBE_ERROR.about
    },
    noise: Noise::Predictions(Learner::Probe, Rate::WrongByClass),
    value: |input| {
        let wrong = input.probe_wrong()?;
        balanced(input.test().labels(), wrong, |_| true).ok_or(MeasureError::TooFew {
            what: "test samples",
            expected: 1,
            found: 0,
        })
    },
    ..PROBE_ERROR
};

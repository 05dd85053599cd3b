//! The learning rate as a function of the step: linear warm-up, then a decay.

use crate::suite::training::Decay;

/// Learning rates of a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// The base learning rate.
    pub base: f64,
    /// Number of steps of linear warm-up.
    pub warmup: usize,
    /// Shape after the warm-up.
    pub decay: Decay,
    /// Number of steps in all.
    pub total: usize,
}

impl Schedule {
    /// The learning rate of `step`, counted from 0.
    pub fn at(&self, step: usize) -> f64 {
        self.base * self.decay.factor(step, self.warmup, self.total)
    }
}

impl Decay {
    /// Factor on the base learning rate at `step` (from 0) of `total` with `warmup` steps.
    pub fn factor(self, step: usize, warmup: usize, total: usize) -> f64 {
        if step < warmup {
            return (step + 1) as f64 / warmup as f64;
        }
        let span = total.saturating_sub(warmup).max(1) as f64;
        let along = ((step - warmup) as f64 / span).min(1.0);
        match self {
            Self::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * along).cos()),
            Self::Linear => 1.0 - along,
            Self::Constant => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warms_up_then_decays_to_nothing() {
        for decay in [Decay::Cosine, Decay::Linear] {
            assert_eq!(decay.factor(0, 10, 110), 0.1);
            assert_eq!(decay.factor(9, 10, 110), 1.0);
            assert_eq!(decay.factor(10, 10, 110), 1.0);
            assert!((decay.factor(60, 10, 110) - 0.5).abs() < 1e-12);
            assert!(decay.factor(110, 10, 110).abs() < 1e-12);
        }
        assert_eq!(Decay::Constant.factor(1000, 0, 10), 1.0);
    }
}

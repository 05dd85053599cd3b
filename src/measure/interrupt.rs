//! A wish to stop that reaches long computations: whoever runs a measure for a person who may change their mind lends
//! a flag, and the long loops (descent of t-SNE, L-BFGS, Sinkhorn, branch and bound) look at it once a step.
//!
//! The flag belongs to the thread that computes, so no measure has a parameter for it. A measure that is stopped
//! answers with [`MeasureError::Interrupted`] and never with a number.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::MeasureError;

thread_local! {
    static ASKED: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Runs `work`, which ends early once `stop` is set.
pub fn heeding<T>(stop: Arc<AtomicBool>, work: impl FnOnce() -> T) -> T {
    let before = ASKED.replace(Some(stop));
    let done = work();
    ASKED.set(before);
    done
}

/// Whether someone asked this thread's computation to stop.
pub fn asked() -> bool {
    ASKED.with_borrow(|flag| {
        flag.as_ref()
            .is_some_and(|stop| stop.load(Ordering::Relaxed))
    })
}

/// Fails once someone asked to stop.
pub(crate) fn check() -> Result<(), MeasureError> {
    if asked() {
        Err(MeasureError::Interrupted)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::Samples;
    use crate::measure::otdd::{OtddParams, Source};
    use crate::measure::probe::ProbeParams;
    use crate::measure::references::normal;
    use crate::measure::tsne::TsneParams;

    #[test]
    fn long_measures_stop_when_they_are_asked_to_and_only_then() {
        let (x, labels) = (normal(3, 60, 4), [0, 1, 2].repeat(20));
        let samples = Samples::new(x.view(), &labels, 3).expect("valid");
        let probe = ProbeParams::new().check().expect("valid");
        let map = TsneParams::new().iterations(20).check().expect("valid");
        let otdd = OtddParams::new().check().expect("valid");
        let all = || {
            [
                probe.fit(&samples, None::<&Samples<'_, f64>>).err(),
                map.run(x.view()).err(),
                Source::new(&samples, &otdd)
                    .and_then(|source| source.distance(&samples))
                    .err(),
            ]
        };
        let stop = Arc::new(AtomicBool::new(true));
        let stopped = heeding(stop.clone(), all);
        assert!(
            stopped
                .into_iter()
                .all(|e| e == Some(MeasureError::Interrupted))
        );
        stop.store(false, Ordering::Relaxed);
        assert_eq!(heeding(stop.clone(), all), [None, None, None]);
        stop.store(true, Ordering::Relaxed);
        assert_eq!(all(), [None, None, None], "the flag was lent, not kept");
    }
}

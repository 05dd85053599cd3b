//! What a run tells of its progress. The run itself prints nothing.

use super::error::RunError;
#[cfg(feature = "train")]
use crate::transfer::epochs::Event;

/// Receives the progress of a run.
pub trait Progress {
    /// A stage begins, with a first guess of its steps.
    fn begin(&mut self, title: &str, steps: usize);
    /// Number of steps done, and in total; `false` asks the run to stop.
    fn step(&mut self, done: usize, total: usize) -> bool;
    /// The stage ended.
    fn end(&mut self);
    /// A stage was not needed.
    fn skip(&mut self, note: &str);
    /// Something that must be known of the results.
    fn tell(&mut self, note: &str) {
        let _ = note;
    }
}

/// Receives it and shows nothing.
#[cfg(test)]
pub struct Quiet;

#[cfg(test)]
impl Progress for Quiet {
    fn begin(&mut self, _: &str, _: usize) {}
    fn step(&mut self, _: usize, _: usize) -> bool {
        true
    }
    fn end(&mut self) {}
    fn skip(&mut self, _: &str) {}
}

/// What a training tells: its steps, to whoever receives the progress.
#[cfg(feature = "train")]
pub fn steps(progress: &mut dyn Progress) -> impl FnMut(Event) -> bool {
    |event| match event {
        Event::Step(done, total) => progress.step(done, total),
        Event::Epoch(_) => true,
    }
}

/// Turns a wish to stop into the error that ends a run.
pub fn check_interrupt(yes: bool) -> Result<(), RunError> {
    if yes {
        Ok(())
    } else {
        Err(RunError::Interrupted)
    }
}

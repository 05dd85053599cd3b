//! What a run tells whoever watches it. The run itself prints nothing.

use super::error::RunError;

/// A watcher of a run.
pub trait Progress {
    /// A stage begins, with a first guess of its steps.
    fn begin(&mut self, title: &str, steps: usize);
    /// So many steps of so many are done; `false` asks the run to stop.
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

/// Nobody watches.
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

/// Turns a watcher's wish to stop into the error that ends a run.
pub fn check_interrupt(yes: bool) -> Result<(), RunError> {
    if yes {
        Ok(())
    } else {
        Err(RunError::Interrupted)
    }
}

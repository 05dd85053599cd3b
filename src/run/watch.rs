//! What a run tells whoever watches it. The run itself prints nothing.

/// A watcher of a run.
pub trait Watch {
    /// A stage begins, with a first guess of its steps.
    fn begin(&mut self, title: &str, steps: usize);
    /// So many steps of so many are done; `false` asks the run to stop.
    fn step(&mut self, done: usize, total: usize) -> bool;
    /// The stage ended.
    fn end(&mut self);
    /// A stage was not needed.
    fn skip(&mut self, note: &str);
}

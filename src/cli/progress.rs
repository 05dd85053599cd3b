//! Progress on stderr: a bar with steps and time left on a terminal, nothing elsewhere.

use super::signals::check_interrupt;
use super::words::clean;
use crate::run::progress::Progress;
use indicatif::{ProgressBar, ProgressStyle};

/// One stage of a command: a title and a bar.
pub struct Stage {
    bar: ProgressBar,
}

impl Stage {
    /// Starts a stage of `steps` steps.
    pub fn new(title: &str, steps: usize) -> Self {
        let bar = ProgressBar::new(steps as u64);
        let template = "{msg:<44} [{bar:28}] {pos:>5}/{len:<5} {elapsed:>4} elapsed, {eta:>4} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(title.to_string());
        Self { bar }
    }

    /// Starts a stage without steps: a sign of life and the time so far. It leaves no line.
    pub fn waiting(title: &str) -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}  {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(title.to_string());
        if !bar.is_hidden() {
            bar.enable_steady_tick(std::time::Duration::from_millis(120));
        }
        Self { bar }
    }

    /// Ends the stage and takes its line away.
    pub fn clear(self) {
        self.bar.finish_and_clear();
    }

    /// Starts a stage of as yet unknown bytes.
    #[cfg(feature = "train")]
    pub fn bytes(title: &str) -> Self {
        let stage = Self::new(title, 0);
        let template = "{msg:<44} [{bar:28}] {bytes:>11} of {total_bytes:<11} {eta:>4} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            stage.bar.set_style(style.progress_chars("=> "));
        }
        stage
    }

    /// Moves to `done` steps.
    pub fn set(&self, done: usize, total: usize) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
    }

    /// Prints a line above the bar (on a terminal).
    #[cfg(feature = "train")]
    pub fn say(&self, line: &str) {
        self.bar.println(line);
    }

    /// Ends the stage, leaving its line.
    pub fn finish(self) {
        self.bar.finish();
    }
}

/// Bars of downloads, one file after the other.
#[cfg(feature = "train")]
#[derive(Default)]
pub struct Downloads {
    current: Option<(String, Stage)>,
}

#[cfg(feature = "train")]
impl Downloads {
    /// A file has so many bytes so far; another file than before gets a bar of its own.
    pub fn at(&mut self, file: &str, done: u64, total: Option<u64>) {
        if self.current.as_ref().is_none_or(|(known, _)| known != file) {
            self.finish();
            let stage = Stage::bytes(&format!("downloading {file}"));
            self.current = Some((file.into(), stage));
        }
        if let Some((_, stage)) = &self.current {
            stage.set(done as usize, total.unwrap_or(done) as usize);
        }
    }

    /// Ends the last file's bar.
    pub fn finish(&mut self) {
        if let Some((_, stage)) = self.current.take() {
            stage.finish();
        }
    }
}

/// Bars for a run: one after the other, with the number of the stage.
pub struct Bars {
    current: Option<Stage>,
    count: usize,
}

impl Bars {
    /// No stage yet.
    pub fn new() -> Self {
        Self {
            current: None,
            count: 0,
        }
    }

    /// A stage without steps.
    pub fn note(&mut self, text: &str) {
        self.begin(text, 1);
        self.step(1, 1);
        self.end();
    }
}

impl Progress for Bars {
    fn begin(&mut self, title: &str, steps: usize) {
        self.count += 1;
        self.current = Some(Stage::new(&format!("{:>2} {title}", self.count), steps));
    }

    fn step(&mut self, done: usize, total: usize) -> bool {
        if let Some(stage) = &self.current {
            stage.set(done, total);
        }
        check_interrupt()
    }

    fn end(&mut self) {
        if let Some(stage) = self.current.take() {
            stage.finish();
        }
    }

    fn skip(&mut self, note: &str) {
        self.note(note);
    }

    fn tell(&mut self, note: &str) {
        eprintln!("{}", clean(note));
    }
}

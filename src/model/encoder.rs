//! The encoder f, of whichever architecture: a list of steps (blocks), so that a pass can be run
//! whole or step by step (activation recomputation), and what comes after them.

pub use super::architecture::Encoder;
use super::dual::Dual;
use super::pass::Pass;
use super::tokens::Tokens;
use super::windows::Windows;

/// What an encoder gives when its stages are asked for.
pub struct Encoded {
    /// Output of every stage (Swin: after merging, without the final norm) or layer (RoBERTa).
    pub stages: Vec<Tokens>,
    /// Last tokens `[B, T, D]`, after the final norm where there is one.
    pub last: Tokens,
}

impl Encoder {
    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.blocks().steps()
    }

    /// Runs step `index`; also says whether it ends a stage.
    pub fn step(&self, index: usize, x: Tokens, pass: &mut Pass) -> (Tokens, bool) {
        self.blocks().step(index, x, pass)
    }

    /// What comes after the last step.
    pub fn finish(&self, x: Tokens, pass: &Pass) -> Tokens {
        self.blocks().finish(x, pass)
    }

    /// All steps: embedded tokens to last tokens `[B, T, D]`.
    pub fn encode(&self, mut x: Tokens, pass: &mut Pass) -> Tokens {
        for index in 0..self.steps() {
            x = self.step(index, x, pass).0;
        }
        self.finish(x, pass)
    }

    /// The same, keeping every stage's output.
    pub fn stages(&self, mut x: Tokens, pass: &mut Pass) -> Encoded {
        let mut stages = Vec::new();
        for index in 0..self.steps() {
            let (next, ends) = self.step(index, x, pass);
            if ends {
                stages.push(next.clone());
            }
            x = next;
        }
        Encoded {
            last: self.finish(x, pass),
            stages,
        }
    }

    /// All steps: embedded tokens to last tokens, and the features `[B, D]` that the embedded tokens and those behind every
    /// step have, chosen as the last ones are and without the last norm.
    pub fn layers(&self, mut x: Tokens, pass: &mut Pass) -> (Vec<Dual<2>>, Tokens) {
        let mut layers = vec![self.blocks().pooled(&x)];
        for index in 0..self.steps() {
            x = self.step(index, x, pass).0;
            layers.push(self.blocks().pooled(&x));
        }
        (layers, self.finish(x, pass))
    }

    /// The feature of every sample `[B, D]`, as the encoder pools its last tokens.
    pub fn features(&self, x: Tokens, pass: &mut Pass) -> Dual<2> {
        self.encode(x, pass).pool()
    }

    /// Whose windows it has; `None` without windows.
    pub fn windows(&self) -> Option<Windows> {
        self.blocks().windows()
    }
}

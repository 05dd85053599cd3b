//! The encoder f, of whichever architecture: a list of steps (blocks), so that a pass can be run
//! whole or step by step (activation recomputation), and a last norm.

use super::dual::Dual;
use super::pass::Pass;
use super::roberta::RobertaEncoder;
use super::swin::SwinEncoder;
use super::tokens::Tokens;
use burn::module::Module;

/// An encoder: embedded tokens in, features out.
#[derive(Module, Debug)]
pub enum Encoder {
    /// Windowed attention over a token grid that is merged between stages.
    Swin(SwinEncoder),
    /// Full attention over a sequence.
    Roberta(RobertaEncoder),
}

/// What an encoder gives when its stages are asked for.
pub struct Encoded {
    /// Output of every stage (Swin: after merging, without the final norm) or layer (RoBERTa).
    pub stages: Vec<Tokens>,
    /// Last tokens `[B, T, D]`, after the final norm where there is one.
    pub last: Tokens,
}

impl Encoder {
    /// How many steps the encoder has.
    pub fn steps(&self) -> usize {
        match self {
            Self::Swin(swin) => swin.steps(),
            Self::Roberta(roberta) => roberta.steps(),
        }
    }

    /// Runs step `index`; also says whether it ends a stage.
    pub fn step(&self, index: usize, x: Tokens, pass: &mut Pass) -> (Tokens, bool) {
        match self {
            Self::Swin(swin) => {
                let (values, grid, ends) = swin.step(index, x.values, x.grid, pass);
                (Tokens::new(values, grid), ends)
            }
            Self::Roberta(roberta) => {
                let values = roberta.step(index, &x, pass);
                (x.with(values), true)
            }
        }
    }

    /// What comes after the last step.
    pub fn finish(&self, x: Tokens, pass: &Pass) -> Tokens {
        match self {
            Self::Swin(swin) => {
                let values = swin.finish(x.values.clone(), pass);
                x.with(values)
            }
            Self::Roberta(_) => x,
        }
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

    /// The feature of every sample: the mean of its last tokens, `[B, D]`.
    pub fn features(&self, x: Tokens, pass: &mut Pass) -> Dual<2> {
        self.encode(x, pass).pool()
    }
}

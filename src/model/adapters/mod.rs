//! What is trained of frozen towers, beside them or between their layers ([`Inserted`](super::pass::Inserted)): it is
//! saved alone, and leaves the backbone equal byte for byte. [`Tuning`] is any of it, one kind a file.

pub mod biases;
pub mod bottleneck;
pub mod context;
pub mod feature_adapter;
pub mod files;
pub mod harma;
pub mod linear_probe;
pub mod low_rank;
pub mod maple;
pub mod mmap;
pub mod projections;
pub mod prompts;
pub mod settings;
mod temperature;
pub mod tuning;
pub mod untouched;
pub mod visual_prompts;
pub mod whole;

#[cfg(test)]
mod tests;

pub use biases::Biases;
pub use bottleneck::{Bottleneck, BottleneckSettings};
pub use context::{Context, ContextSettings};
pub use feature_adapter::{FeatureAdapter, FeatureAdapterSettings};
pub use harma::{Form, Harma, HarmaShape, Share};
pub use linear_probe::{LinearProbe, LinearProbeSettings};
pub use low_rank::{LowRank, LowRankSettings, Scope};
pub use maple::{Maple, MapleSettings};
pub use mmap::{Mmap, Prompt, PromptShape};
pub use projections::Projections;
pub use prompts::Prompts;
pub use settings::{Nothing, Settings};
pub use tuning::{Tuning, constant};
pub use untouched::Untouched;
pub use visual_prompts::{VisualPromptSettings, VisualPrompts};
pub use whole::Whole;

use super::ModelError;
use super::two_tower::TwoTowerConfig;

/// Refuses prompts that leave a text no room for its start, its end and a word.
fn room(tokens: usize, towers: &TwoTowerConfig) -> Result<(), ModelError> {
    let context = towers.text.max_position_embeddings;
    if tokens.saturating_add(3) <= context {
        return Ok(());
    }
    let most = context.saturating_sub(3);
    let expected = format!("at most {most}: texts have {context} tokens");
    Err(ModelError::config("tokens of prompts", expected, tokens))
}

/// Refuses a number of tokens or layers that is none.
fn some_tokens(what: &str, count: usize) -> Result<(), ModelError> {
    super::limits::sizes(&[(what, count, 4096)])
}

/// Refuses a deviation of initial values that is none.
fn deviation(std: f32) -> Result<(), ModelError> {
    if std > 0.0 && std.is_finite() {
        return Ok(());
    }
    Err(ModelError::config(
        "std of prompts",
        "a positive number",
        std,
    ))
}

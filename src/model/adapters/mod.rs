//! What is trained of frozen towers, beside them or between their layers ([`Inserted`](super::pass::Inserted)): it is
//! saved alone, and leaves the backbone equal byte for byte. [`Tuning`] is any of it, one kind a file.

pub mod bottleneck;
pub mod feature_adapter;
pub mod files;
pub mod harma;
pub mod low_rank;
pub mod mmap;
pub mod projections;
pub mod settings;
mod temperature;
pub mod tuning;
pub mod untouched;
pub mod whole;

#[cfg(test)]
mod tests;

pub use bottleneck::{Bottleneck, BottleneckSettings};
pub use feature_adapter::{FeatureAdapter, FeatureAdapterSettings};
pub use harma::{Form, Harma, HarmaShape, Share};
pub use low_rank::{LowRank, LowRankSettings, Scope};
pub use mmap::{Prompt, PromptShape, Prompts};
pub use projections::Projections;
pub use settings::{Nothing, Settings};
pub use tuning::{Tuning, constant};
pub use untouched::Untouched;
pub use whole::Whole;

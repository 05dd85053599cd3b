//! What is trained beside frozen towers: it stands between their layers ([`Inserted`](super::pass::Inserted)), is saved
//! alone, and leaves the backbone equal byte for byte.

pub mod files;
pub mod harma;
pub mod mmap;

pub use harma::{Form, Harma, HarmaShape, Share};
pub use mmap::{Prompt, PromptShape, Prompts};

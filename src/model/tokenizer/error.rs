//! What can be wrong with a tokenizer and with texts for it.

use std::path::PathBuf;

/// An error of a tokenizer.
#[derive(Debug, thiserror::Error)]
pub enum TokenizerError {
    /// No file that a tokenizer can be made of.
    #[error(
        "{path}: expected a tokenizer: {wanted}; found none of them; copy them from where the weights were \
         published",
        wanted = wanted.join(", or ")
    )]
    Missing {
        /// The folder.
        path: PathBuf,
        /// The files that were looked for, any of which would do.
        wanted: Vec<String>,
    },
    /// The operating system refused.
    #[error("{path}: {}", crate::files::said(source))]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A file is not what its format says.
    #[error("{path}: {what}: expected {expected}, found {found}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Which property is wrong.
        what: String,
        /// What is demanded.
        expected: String,
        /// What the file has.
        found: String,
    },
    /// Another number of tokens than the model's table has.
    #[error(
        "{path}: vocabulary: expected {expected} tokens, which the model's table has, found {found}: this tokenizer \
         belongs to another model"
    )]
    Vocabulary {
        /// The tokenizer's file.
        path: PathBuf,
        /// Tokens of the model.
        expected: usize,
        /// Tokens of the tokenizer.
        found: usize,
    },
    /// A text of which nothing is left.
    #[error("texts: text {number}: expected something to encode, found {found}")]
    Empty {
        /// Its place, from 1.
        number: usize,
        /// The text.
        found: String,
    },
    /// A setting that cannot be.
    #[error("{what}: expected {expected}, found {found}")]
    Setting {
        /// Its name.
        what: &'static str,
        /// What is possible.
        expected: String,
        /// What was asked.
        found: String,
    },
}

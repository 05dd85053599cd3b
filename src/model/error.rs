//! What can be wrong with a model: its description, its weights or the device it should run on.

use std::path::{Path, PathBuf};

/// An error of the model room.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file is absent.
    #[error("missing model file {path}; {hint}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What to do about it.
        hint: String,
    },
    /// The operating system refused.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
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
    /// A name that no model was found under.
    #[error(
        "no model {name:?}; tried:\n  {}\n  a model is a folder with config.json and weights, a \
         weights file, or a Hugging Face name: org/name or name, with @revision if not main",
        tried.join("\n  ")
    )]
    Unresolved {
        /// What was asked for.
        name: String,
        /// Where it was looked for, and what was found there.
        tried: Vec<String>,
    },
    /// A checkpoint that is an object which only running its pickle would make.
    #[error(
        "{path}: PyTorch checkpoint: expected a dictionary or a module that holds tensors, found an \
         object of {}; nothing of it was run; where it was made, save the state dict alone with \
         torch.save(model.state_dict(), \"weights.pth\"), or as safetensors",
        names.join(", ")
    )]
    Foreign {
        /// The checkpoint.
        path: PathBuf,
        /// The classes and functions that it names.
        names: Vec<String>,
    },
    /// Tensor names that tell no architecture, and no description beside them.
    #[error(
        "{path}: names of tensors: expected a Swin's as timm or Microsoft name them \
         (patch_embed.proj.weight, layers.0.blocks.0…) or a ViT's as timm does \
         (patch_embed.proj.weight, blocks.0.attn.qkv.weight…), perhaps behind a prefix, which tell the \
         architecture, or a {config} that describes the model; found {}",
        shown(names)
    )]
    Names {
        /// The weights file.
        path: PathBuf,
        /// Where a description was looked for.
        config: PathBuf,
        /// The names.
        names: Vec<String>,
    },
    /// The weights do not fit the architecture.
    #[error(
        "{path}: weights do not fit the architecture{}",
        list(missing, unexpected, shapes)
    )]
    Mismatch {
        /// The weights file.
        path: PathBuf,
        /// Tensors that the architecture needs and the file lacks.
        missing: Vec<String>,
        /// Tensors that the file has and the architecture does not know.
        unexpected: Vec<String>,
        /// Tensors with another shape than the architecture's.
        shapes: Vec<String>,
    },
    /// A configuration that no model can be built from.
    #[error("{what}: expected {expected}, found {found}")]
    Config {
        /// The setting.
        what: String,
        /// What is possible.
        expected: String,
        /// What was asked.
        found: String,
    },
    /// A tokenizer, or texts for it.
    #[error(transparent)]
    Tokenizer(#[from] super::TokenizerError),
    /// A device that this build does not have.
    #[error("device {asked:?} is not available: this build has {compiled}; {hint}")]
    Device {
        /// The device asked for.
        asked: String,
        /// The devices compiled in.
        compiled: String,
        /// How to get it.
        hint: String,
    },
    /// A device that failed in the middle of work.
    #[error(
        "device {device}: {what}; finished parts are on disk and the same command continues there (the driver said: {said})"
    )]
    Fault {
        /// The device.
        device: String,
        /// What happened, as far as it can be told.
        what: &'static str,
        /// The words of the driver or runtime.
        said: String,
    },
}

impl ModelError {
    /// A setting that cannot be.
    pub(crate) fn config(
        what: impl Into<String>,
        expected: impl ToString,
        found: impl ToString,
    ) -> Self {
        Self::Config {
            what: what.into(),
            expected: expected.to_string(),
            found: found.to_string(),
        }
    }

    /// A setting that cannot be is the fault of the file that it stands in.
    pub(super) fn in_file(self, path: &Path) -> Self {
        match self {
            Self::Config {
                what,
                expected,
                found,
            } => Self::Malformed {
                path: path.into(),
                what,
                expected,
                found,
            },
            other => other,
        }
    }
}

/// The first names, how many there are and what they share.
fn shown(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    let mut text = match names.len() {
        0 => return "no tensors".into(),
        1 => first.join(", "),
        count => format!("{count} tensors: {}", first.join(", ")),
    };
    if names.len() > first.len() {
        text.push_str(", …");
    }
    let shared = names[0]
        .split_once('.')
        .map(|(start, _)| format!("{start}."));
    if let Some(shared) = shared.filter(|s| names.iter().all(|name| name.starts_with(s.as_str()))) {
        text.push_str(&format!(" (all start with {shared})"));
    }
    text
}

/// Lists what does not fit, at most eight of a kind.
fn list(missing: &[String], unexpected: &[String], shapes: &[String]) -> String {
    let mut text = String::new();
    for (title, names) in [
        ("missing", missing),
        ("unexpected", unexpected),
        ("wrong shape", shapes),
    ] {
        if names.is_empty() {
            continue;
        }
        text.push_str(&format!("\n  {title} ({}): ", names.len()));
        text.push_str(&names.iter().take(8).cloned().collect::<Vec<_>>().join(", "));
        if names.len() > 8 {
            text.push_str(", …");
        }
    }
    if !unexpected.is_empty() && missing.is_empty() && shapes.is_empty() {
        text.push_str("\n  --ignore PATTERN leaves tensors out by name; * stands for anything");
    }
    text
}

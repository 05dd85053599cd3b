//! How weights are opened: under the names of their file, or under those of a model, which is looked
//! for in a checkpoint and under prefixes.

use super::choose::Sought;
use super::dress::{self, Dressed, Wishes};
use super::source::Source;
use super::{Entry, Format, Weights, header, sniff, torch};
use crate::model::family::Families;
use crate::model::{ModelError, Opening};
use std::path::Path;
use std::sync::OnceLock;

/// The tensors of one file, before names are looked at.
pub(super) struct Found {
    pub entries: Vec<(String, Entry)>,
    /// The keys that led to them.
    pub key: Option<String>,
    /// The part of an asked key that is a prefix of names.
    pub prefix: Option<String>,
    pub foreign: Vec<String>,
    pub notes: Vec<String>,
}

/// Reads the table of a file's tensors.
pub(super) fn found(
    source: &Source,
    part: usize,
    format: Format,
    sought: Sought,
) -> Result<Found, ModelError> {
    if format != Format::Safetensors {
        let state = torch::state_dict(source, part, format, sought)?;
        return Ok(Found {
            entries: state.entries,
            key: state.key,
            prefix: state.prefix,
            foreign: state.foreign,
            notes: state.notes,
        });
    }
    let prefix = match sought {
        Sought::Model(_, Some(key)) => Some(key.to_string()),
        _ => None,
    };
    Ok(Found {
        entries: header::entries(source, part)?,
        key: None,
        prefix,
        foreign: Vec::new(),
        notes: Vec::new(),
    })
}

impl Weights {
    /// Opens and checks a safetensors file or a PyTorch checkpoint, told apart by content; no
    /// tensor is read yet. Names are those of the file; of a checkpoint, those of its root or of
    /// the usual keys.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let source = Source::open(path)?;
        let format = sniff::format(&source)?;
        let found = found(&source, 0, format, Sought::Tensors)?;
        Ok(Self::bare(path, vec![source], format, found))
    }

    /// Opens the weights of a model: of a checkpoint the state dict is found, what wrappers put
    /// before and into names is taken off, and what is no part of the model is left out.
    pub fn of_model(
        path: &Path,
        opening: &Opening,
        family: Option<Families>,
    ) -> Result<Self, ModelError> {
        if path.extension().is_some_and(|e| e == "json") {
            return Self::sharded(path, opening, family);
        }
        Self::model_in(Source::open(path)?, opening, family)
    }

    /// Checks a safetensors file that is part of the program; `name` stands for its path in errors, `family` are those of
    /// its tensors' names.
    pub fn embedded(
        name: &str,
        bytes: &'static [u8],
        family: Option<Families>,
    ) -> Result<Self, ModelError> {
        Self::model_in(Source::embedded(name, bytes), &Opening::default(), family)
    }

    fn model_in(
        source: Source,
        opening: &Opening,
        family: Option<Families>,
    ) -> Result<Self, ModelError> {
        let format = sniff::format(&source)?;
        let sought = Sought::Model(family, opening.key.as_deref());
        let found = found(&source, 0, format, sought)?;
        let path = source.path.clone();
        Self::dressed(&path, vec![source], format, found, opening, family)
    }

    /// Weights under the names of their files.
    fn bare(path: &Path, parts: Vec<Source>, format: Format, found: Found) -> Self {
        Self {
            path: path.into(),
            parts,
            format,
            key: found.key,
            prefix: None,
            entries: found.entries.into_iter().collect(),
            left_out: Vec::new(),
            foreign: found.foreign,
            notes: found.notes,
            stages_only: false,
            digest: OnceLock::new(),
        }
    }

    /// Weights under the names of their model.
    pub(super) fn dressed(
        path: &Path,
        parts: Vec<Source>,
        format: Format,
        mut found: Found,
        opening: &Opening,
        family: Option<Families>,
    ) -> Result<Self, ModelError> {
        let wishes = Wishes {
            key: found.prefix.as_deref(),
            ignore: &opening.ignore,
            family,
        };
        let entries = std::mem::take(&mut found.entries);
        let Dressed {
            entries,
            prefix,
            left_out,
            stages_only,
            mut notes,
        } = dress::dress(path, entries, &wishes)?;
        found.entries = entries;
        found.notes.append(&mut notes);
        Ok(Self {
            prefix,
            left_out,
            stages_only,
            ..Self::bare(path, parts, format, found)
        })
    }
}

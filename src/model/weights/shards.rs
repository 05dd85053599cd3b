//! Weights of several files behind an index, and the file to take from a model folder.

use super::choose::Sought;
use super::open::{Found, found};
use super::source::{Source, malformed};
use super::{Format, Weights, sniff};
use crate::files::checksum;
use crate::model::family::Families;
use crate::model::{ModelError, Opening};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// The names of weights in a model folder, the best first.
pub(in crate::model) const NAMES: [&str; 4] = [
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
];
/// Extensions of a single file with another name.
const EXTENSIONS: [&str; 7] = ["safetensors", "pth", "pt", "bin", "ckpt", "tar", "pkl"];
/// The largest index that is read.
const LARGEST_INDEX: u64 = 64 << 20;

/// What we need of an index.
#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The shards that an index names, by tensor; each is checked to be a plain name.
pub(in crate::model) fn weight_map(path: &Path) -> Result<BTreeMap<String, String>, ModelError> {
    let source = Source::open(path)?;
    let wrong = |expected: &str, found| malformed(path, "index of shards", expected, found);
    if source.size > LARGEST_INDEX {
        let expected = format!("at most {LARGEST_INDEX} bytes");
        return Err(wrong(&expected, format!("{} bytes", source.size)));
    }
    let text = source.start(LARGEST_INDEX)?;
    let index: Index = serde_json::from_slice(&text)
        .map_err(|e| wrong("JSON with a weight_map of tensors to files", e.to_string()))?;
    for file in index.weight_map.values() {
        let mut components = Path::new(file).components();
        let plain = matches!(
            (components.next(), components.next()),
            (Some(Component::Normal(name)), None) if name == file.as_str()
        );
        // A backslash is a separator elsewhere, and an index is the same everywhere.
        if !plain || file.contains(['\\', '\0']) {
            return Err(wrong(
                "names of files in its own folder",
                format!("{file:?}"),
            ));
        }
    }
    if index.weight_map.is_empty() {
        return Err(wrong("at least one tensor", "none".into()));
    }
    Ok(index.weight_map)
}

/// The weights file of a folder by the field's names, else the only one there is.
pub(in crate::model) fn find(folder: &Path) -> Result<PathBuf, ModelError> {
    // Also follows links, so that a dangling one does not count.
    if let Some(path) = NAMES.iter().map(|n| folder.join(n)).find(|p| p.exists()) {
        return Ok(path);
    }
    let entries = std::fs::read_dir(folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => ModelError::Missing {
            path: folder.into(),
            hint: "a model folder was expected there".into(),
        },
        _ => ModelError::Io {
            path: folder.into(),
            source,
        },
    })?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.sort();
    let weights = |path: &&PathBuf| {
        let extension = path.extension().unwrap_or_default();
        let named = EXTENSIONS.iter().any(|e| extension.eq_ignore_ascii_case(e));
        // `.pth.tar` is a name of checkpoints; `.tar` is also one of archives of anything.
        let archive = extension.eq_ignore_ascii_case("tar")
            && Source::open(path).is_ok_and(|source| sniff::format(&source).is_err());
        path.is_file() && named && !archive
    };
    let mut candidates = files.iter().filter(weights);
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Ok(only.clone()),
        (first, _) => {
            let names: Vec<_> = files
                .iter()
                .filter_map(|path| Some(path.file_name()?.to_string_lossy()))
                .take(20)
                .collect();
            let found = if names.is_empty() {
                "nothing".into()
            } else {
                names.join(", ")
            };
            Err(ModelError::Missing {
                path: folder.join(NAMES[0]),
                hint: format!(
                    "looked for {}, then for {} *.{}; the folder has {found}",
                    NAMES.join(", "),
                    if first.is_some() {
                        "exactly one"
                    } else {
                        "one"
                    },
                    EXTENSIONS.join(", *."),
                ),
            })
        }
    }
}

impl Weights {
    /// Opens the weights of a model folder: `model.safetensors`, its index,
    /// `pytorch_model.bin`, its index, or the only file with an extension of weights.
    pub fn in_folder(folder: &Path) -> Result<Self, ModelError> {
        Self::of_model(&find(folder)?, &Opening::default(), None)
    }

    /// Opens the shards that an index names (`*.index.json` with a `weight_map`); every tensor of
    /// the index must be in its shard, and no shard may hold others.
    pub(super) fn sharded(
        path: &Path,
        opening: &Opening,
        family: Option<Families>,
    ) -> Result<Self, ModelError> {
        let map = weight_map(path)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let files: BTreeSet<&String> = map.values().collect();
        let mut parts = Vec::new();
        let mut format = Format::Safetensors;
        let mut all = Found {
            entries: Vec::new(),
            key: None,
            prefix: opening.key.clone(),
            foreign: Vec::new(),
            notes: Vec::new(),
        };
        for (part, file) in files.into_iter().enumerate() {
            let source = Source::open(&folder.join(file))?;
            format = sniff::format(&source)?;
            let own = found(&source, part, format, Sought::Tensors)?;
            let elsewhere = |name: &&String| map.get(*name) != Some(file);
            let mut names = own.entries.iter().map(|(name, _)| name);
            if let Some(name) = names.find(elsewhere) {
                let expected = format!("the tensors that {} lists", path.display());
                return Err(malformed(
                    &source.path,
                    "shard",
                    &expected,
                    format!("also {name}"),
                ));
            }
            all.key = all.key.or(own.key);
            all.entries.extend(own.entries);
            all.foreign.extend(own.foreign);
            all.notes.extend(own.notes);
            parts.push(source);
        }
        let present: BTreeSet<&String> = all.entries.iter().map(|(name, _)| name).collect();
        let missing: Vec<String> = map
            .iter()
            .filter(|(name, _)| !present.contains(name))
            .map(|(name, file)| format!("{name} (in {file})"))
            .collect();
        if !missing.is_empty() {
            return Err(ModelError::Mismatch {
                path: path.into(),
                missing,
                unexpected: vec![],
                shapes: vec![],
            });
        }
        Self::dressed(path, parts, format, all, opening, family)
    }
}

/// SHA-256 of the only file, or of the lines that `sha256sum` prints for several.
pub(super) fn digest(parts: &[Source]) -> String {
    let lines = |part: &Source| {
        let name = part.path.file_name().unwrap_or_default();
        format!("{}  {}\n", part.sha256(), name.to_string_lossy())
    };
    match parts {
        [only] => only.sha256(),
        several => checksum::sha256(several.iter().map(lines).collect::<String>().as_bytes()),
    }
}

impl Source {
    /// SHA-256 of the bytes, in hexadecimal; says so if they can no longer be read.
    fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        let read = self.blocks(0..self.size, |block| {
            hash.update(block);
            Ok(())
        });
        match read {
            Ok(()) => checksum::hex(&hash.finalize()),
            Err(e) => format!("unknown: {e}"),
        }
    }
}

//! PyTorch checkpoints: the zip archives and streams of `torch.save`, and pickles of NumPy arrays.
//! Their pickles are read as data by [`crate::files::pickle`], which executes nothing: other
//! objects beside the weights are passed over, and only what the state dict needs must be readable.

use super::archive::Archive;
use super::choose::{self, Choice, Sought};
use super::sniff::Format;
use super::source::{Source, malformed};
use super::storage;
use super::tensor::{Place as Elements, Tensor};
use super::view::{Bytes, View};
use super::{Entry, Place, legacy};
use crate::files::pickle::Pickle;
use crate::model::ModelError;
use std::collections::HashMap;
use std::sync::Arc;

/// Most names of foreign classes that are kept.
const MOST_NAMES: usize = 32;

/// The state dict of a checkpoint.
pub(super) struct StateDict {
    pub entries: Vec<(String, Entry)>,
    /// The keys that it was under, joined by dots; `None` at the root.
    pub key: Option<String>,
    /// The part of the asked key that is a prefix of names.
    pub prefix: Option<String>,
    /// Classes and functions that the file names and that were not called.
    pub foreign: Vec<String>,
    /// What is to be told of the choice.
    pub notes: Vec<String>,
}

/// Where storages lie, whatever the container.
enum Storages<'a> {
    Archive(Box<Archive<'a>>),
    Stream(HashMap<String, Bytes>),
}

impl Storages<'_> {
    fn get(&mut self, key: &str) -> Result<Option<Bytes>, ModelError> {
        match self {
            Self::Archive(archive) => archive.storage(key),
            Self::Stream(storages) => Ok(storages.get(key).cloned()),
        }
    }

    fn big_endian(&self) -> bool {
        match self {
            Self::Archive(archive) => archive.big_endian,
            Self::Stream(_) => false,
        }
    }
}

/// Finds the state dict of a checkpoint; no tensor is read yet.
pub(super) fn state_dict(
    source: &Source,
    part: usize,
    format: Format,
    sought: Sought,
) -> Result<StateDict, ModelError> {
    let (bytes, at, mut storages) = match format {
        Format::TorchZip => {
            let (archive, text) = Archive::open(source)?;
            (text.bytes, text.at, Storages::Archive(Box::new(archive)))
        }
        _ => {
            let mut stream = legacy::open(source)?;
            stream.bytes.truncate(stream.pickle.end);
            let bytes = stream.bytes.split_off(stream.pickle.start);
            let at = Some(stream.pickle.start as u64);
            (bytes, at, Storages::Stream(stream.storages))
        }
    };
    let wrong = |fault: crate::files::Fault| {
        malformed(&source.path, &fault.what, &fault.expected, fault.found)
    };
    let (pickle, _) = Pickle::keep(&bytes).map_err(|fault| {
        let expected = format!("a pickle as torch.save writes it: {}", fault.expected);
        let found = format!("{} ({})", fault.found, fault.what);
        malformed(&source.path, "PyTorch checkpoint", &expected, found)
    })?;
    let root = pickle.root();
    let Choice {
        dictionary,
        prefix,
        mut notes,
    } = match choose::choose(root, sought) {
        Ok(choice) => choice,
        // An object that only its own code could open.
        Err(_) if root.object().is_some() => {
            return Err(ModelError::Foreign {
                path: source.path.clone(),
                names: vec![root.kind()],
            });
        }
        Err(fault) => return Err(wrong(fault)),
    };
    let key = (!dictionary.path.is_empty()).then(|| dictionary.key());
    // Only arrays have a byte order of their own.
    if dictionary
        .tensors
        .iter()
        .any(|(_, tensor)| tensor.big_endian.is_some())
    {
        notes.push("the weights are arrays of NumPy".into());
    }
    let mut entries = Vec::with_capacity(dictionary.tensors.len());
    for (name, tensor) in dictionary.tensors {
        let entry = entry(source, part, (&bytes, at), &mut storages, &name, tensor)?;
        entries.push((name, entry));
    }
    for (name, class) in dictionary.foreign {
        entries.push((name, Entry::foreign(part, class)));
    }
    let ours = |name: &&&str| !name.starts_with("torch.") && !name.starts_with("collections.");
    let foreign = pickle.foreign();
    let foreign = foreign.iter().filter(ours).take(MOST_NAMES);
    Ok(StateDict {
        entries,
        key,
        prefix,
        foreign: foreign.map(|name| name.to_string()).collect(),
        notes,
    })
}

/// The place of a tensor in its file.
fn entry(
    source: &Source,
    part: usize,
    (pickle, at): (&[u8], Option<u64>),
    storages: &mut Storages,
    name: &str,
    tensor: Tensor,
) -> Result<Entry, ModelError> {
    let wrong = |expected: String, found: String| {
        malformed(&source.path, &format!("tensor {name}"), &expected, found)
    };
    let bytes = match tensor.place {
        Elements::Storage(key) => match storages.get(&key)? {
            Some(bytes) => bytes,
            None => {
                return Ok(Entry::foreign(
                    part,
                    format!("one whose storage {key:?} is not there"),
                ));
            }
        },
        Elements::Pickle(range) => match at {
            Some(at) => Bytes::File(at + range.start as u64..at + range.end as u64),
            None => Bytes::Made(pickle.get(range).unwrap_or_default().into()),
        },
        Elements::Made(bytes) => Bytes::Made(Arc::clone(&bytes)),
    };
    let view = View {
        bytes,
        offset: tensor.offset,
        strides: tensor.strides,
        width: storage::width(tensor.dtype),
        big_endian: tensor.big_endian.unwrap_or(storages.big_endian()),
    };
    let span = view.span(&tensor.shape).and_then(|span| {
        let elements = span.checked_add(view.offset)?;
        elements.checked_mul(view.width as u64)
    });
    if span.is_none_or(|span| span > view.bytes.size()) {
        return Err(wrong(
            format!(
                "shape {:?} of {} within its storage",
                tensor.shape, tensor.dtype
            ),
            format!("a storage of {} bytes", view.bytes.size()),
        ));
    }
    let place = match view.range(&tensor.shape) {
        Some(range) => Place::Range(range),
        None => Place::View(Box::new(view)),
    };
    Ok(Entry {
        part,
        shape: tensor.shape,
        dtype: tensor.dtype,
        place,
    })
}

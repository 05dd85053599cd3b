//! PyTorch checkpoints: the zip archives and legacy streams of `torch.save`, read by
//! `pytorch-reader`, which parses the pickle as data and executes nothing.
//!
//! Training scripts save more than a state dict; it is found under the keys that they use. A file
//! that holds other objects than tensors, containers, numbers and strings is refused by name.

use super::pickle;
use super::sniff::Format;
use super::source::{Source, malformed};
use super::{Entry, Place};
use crate::model::ModelError;
use pytorch_reader::{DType, PickleValue, PytorchError, PytorchReader};
use safetensors::Dtype;
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};

/// Where training scripts keep the state dict, the exponential moving average last.
const KEYS: [&str; 5] = [
    "model",
    "state_dict",
    "module",
    "model_state_dict",
    "model_ema",
];
/// What `DataParallel` and `torch.compile` put before every name.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];
/// A legacy stream: magic number, protocol, system, the object, the storages' keys.
const LEGACY_PICKLES: usize = 5;

/// The state dict of a checkpoint.
pub(super) struct StateDict {
    pub entries: Vec<(String, Entry)>,
    /// The key that it was under; `None` at the root.
    pub key: Option<&'static str>,
}

/// Finds the state dict of a checkpoint; no tensor is read yet.
pub(super) fn state_dict(
    source: &Source,
    part: usize,
    format: Format,
) -> Result<StateDict, ModelError> {
    refuse_foreign(source, format)?;
    let wrong = |e| reader_error(source, e);
    let expected = "a state dict: a dictionary of named tensors";
    let root = PytorchReader::read_pickle_data(&source.path, None).map_err(wrong)?;
    let PickleValue::Dict(root) = root else {
        let found = match root {
            PickleValue::Unsupported(name) => name,
            PickleValue::List(items) => format!("a list of {}", items.len()),
            _ => "a single value".into(),
        };
        return Err(malformed(
            &source.path,
            "PyTorch checkpoint",
            expected,
            found,
        ));
    };
    let key = if root.values().any(is_tensor) {
        None
    } else {
        let holds = |key: &&&str| root.get(**key).is_some_and(holds_tensors);
        match KEYS.iter().find(holds) {
            Some(key) => Some(*key),
            None => {
                let expected = format!("{expected}, at the root or under {}", KEYS.join(", "));
                let found = describe_keys(&root);
                return Err(malformed(
                    &source.path,
                    "PyTorch checkpoint",
                    &expected,
                    found,
                ));
            }
        }
    };
    let reader = match key {
        Some(key) => PytorchReader::with_top_level_key(&source.path, key),
        None => PytorchReader::new(&source.path),
    }
    .map_err(wrong)?;
    let entries = reader.into_tensors().into_iter().map(|(name, tensor)| {
        let entry = Entry {
            part,
            shape: tensor.shape().to_vec(),
            dtype: dtype(tensor.dtype()),
            place: Place::Torch(tensor),
        };
        (name, entry)
    });
    Ok(StateDict {
        entries: entries.collect(),
        key,
    })
}

/// Takes off the prefixes that stand before every name.
pub(super) fn without_prefixes(mut entries: Vec<(String, Entry)>) -> Vec<(String, Entry)> {
    while let Some(prefix) = PREFIXES.iter().find(|prefix| {
        !entries.is_empty() && entries.iter().all(|(name, _)| name.starts_with(**prefix))
    }) {
        for (name, _) in &mut entries {
            name.drain(..prefix.len());
        }
    }
    entries
}

/// Refuses checkpoints whose pickle names classes or functions beyond tensors and containers.
fn refuse_foreign(source: &Source, format: Format) -> Result<(), ModelError> {
    let file = File::open(&source.path).map_err(|e| source.io(e))?;
    let file = BufReader::new(file);
    let scanned = match format {
        Format::TorchZip => archived_pickle(source, file)?,
        _ => scan_stream(file),
    };
    let names = scanned.map_err(|e| {
        let expected = "a pickle as torch.save writes it";
        let found = match e.kind() {
            io::ErrorKind::UnexpectedEof => "its end within a value: the file is cut off".into(),
            _ => e.to_string(),
        };
        malformed(&source.path, "PyTorch checkpoint", expected, found)
    })?;
    if names.is_empty() {
        return Ok(());
    }
    Err(ModelError::Foreign {
        path: source.path.clone(),
        names,
    })
}

/// The foreign names in `data.pkl` of a zip archive.
fn archived_pickle(
    source: &Source,
    file: BufReader<File>,
) -> Result<io::Result<Vec<String>>, ModelError> {
    let wrong = |found: String| {
        let expected = "a whole zip archive with a data.pkl, as torch.save writes it";
        malformed(&source.path, "PyTorch checkpoint", expected, found)
    };
    let mut archive = zip::ZipArchive::new(file)
        .map_err(|e| wrong(format!("{e} (file of {} bytes)", source.size)))?;
    let name = archive
        .file_names()
        .filter(|name| *name == "data.pkl" || name.ends_with("/data.pkl"))
        .min_by_key(|name| name.len())
        .map(str::to_string)
        .ok_or_else(|| wrong("none".into()))?;
    let member = archive.by_name(&name).map_err(|e| wrong(e.to_string()))?;
    Ok(pickle::foreign(&mut BufReader::new(member), 1))
}

/// The foreign names in a legacy checkpoint, or in one pickle that stands alone.
fn scan_stream(mut file: BufReader<File>) -> io::Result<Vec<String>> {
    use io::{BufRead, Seek};
    // The magic number is the first value of a checkpoint: PROTO 2, LONG1 of 10 bytes.
    let magic = file.fill_buf()?.windows(10).take(64).any(|w| {
        w == [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19] || w == b"1195470371"
    });
    file.rewind()?;
    pickle::foreign(&mut file, if magic { LEGACY_PICKLES } else { 1 })
}

fn reader_error(source: &Source, error: PytorchError) -> ModelError {
    match error {
        PytorchError::Io(e) if e.raw_os_error().is_some() => source.io(e),
        other => malformed(
            &source.path,
            "PyTorch checkpoint",
            "what torch.save(model.state_dict(), …) writes",
            other.to_string(),
        ),
    }
}

fn is_tensor(value: &PickleValue) -> bool {
    matches!(value, PickleValue::Unsupported(name) if name == "torch.Tensor")
}

/// Whether a dictionary holds tensors, however deep.
fn holds_tensors(value: &PickleValue) -> bool {
    fn any(value: &PickleValue) -> bool {
        match value {
            PickleValue::Dict(items) => items.values().any(any),
            PickleValue::List(items) => items.iter().any(any),
            other => is_tensor(other),
        }
    }
    matches!(value, PickleValue::Dict(_)) && any(value)
}

/// Names the keys of a dictionary, at most twelve.
fn describe_keys(root: &HashMap<String, PickleValue>) -> String {
    let mut keys: Vec<&str> = root.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let more = if keys.len() > 12 { ", …" } else { "" };
    keys.truncate(12);
    format!("a dictionary of {}{more}", keys.join(", "))
}

fn dtype(dtype: DType) -> Dtype {
    match dtype {
        DType::F64 => Dtype::F64,
        DType::F32 => Dtype::F32,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        DType::I64 => Dtype::I64,
        DType::I32 => Dtype::I32,
        DType::I16 => Dtype::I16,
        DType::I8 => Dtype::I8,
        DType::U64 => Dtype::U64,
        DType::U32 => Dtype::U32,
        DType::U16 => Dtype::U16,
        DType::U8 => Dtype::U8,
        DType::Bool => Dtype::BOOL,
    }
}

//! Checkpoints in one stream: those of PyTorch before 1.6 (magic number, protocol, system, the
//! object, the storages' keys, then the storages), and pickles that stand alone.

use super::Dtype;
use super::source::{Source, malformed};
use super::storage;
use super::view::Bytes;
use crate::files::Fault;
use crate::files::pickle::Pickle;
use crate::model::ModelError;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

/// Bytes that the pickles are looked for in at first.
const WINDOW: u64 = 4 << 20;
/// The largest pickles before storages.
const LARGEST: u64 = 256 << 20;
/// The magic number, the first value of a stream, as protocol 2 and as protocols 0 and 1 write it.
const MAGIC: [&[u8]; 2] = [
    &[0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19],
    b"119547037146038801333356",
];

/// A stream that was looked through.
pub(super) struct Stream {
    /// The beginning of the file.
    pub bytes: Vec<u8>,
    /// Where in it the object's pickle stands.
    pub pickle: Range<usize>,
    /// Where the storages are, by key.
    pub storages: HashMap<String, Bytes>,
}

/// Reads the pickles of a stream and finds its storages.
pub(super) fn open(source: &Source) -> Result<Stream, ModelError> {
    let start = source.start(32)?;
    let magic = MAGIC
        .iter()
        .any(|magic| start.windows(magic.len()).any(|w| w == *magic));
    let most = if magic {
        source.size.min(LARGEST)
    } else {
        source.size
    };
    let mut window = WINDOW.min(most);
    loop {
        let bytes = source.start(window)?;
        match pickles(&bytes, magic) {
            Ok((pickle, keys, end)) => {
                let storages = storages(source, &bytes, &pickle, &keys, end)?;
                return Ok(Stream {
                    bytes,
                    pickle,
                    storages,
                });
            }
            Err(_) if window < most => window = window.saturating_mul(8).min(most),
            Err(fault) => {
                let expected = format!("a pickle as torch.save writes it: {}", fault.expected);
                let found = format!("{} ({})", fault.found, fault.what);
                return Err(malformed(
                    &source.path,
                    "PyTorch checkpoint",
                    &expected,
                    found,
                ));
            }
        }
    }
}

/// Where the object's pickle stands, the keys of the storages in their order, and where the
/// pickles end.
fn pickles(bytes: &[u8], magic: bool) -> Result<(Range<usize>, Vec<String>, usize), Fault> {
    if !magic {
        let (_, end) = Pickle::keep(bytes)?;
        return Ok((0..end, Vec::new(), end));
    }
    let mut at = 0;
    for _ in 0..3 {
        at += Pickle::keep(&bytes[at..])?.1;
    }
    let (_, length) = Pickle::keep(&bytes[at..])?;
    let object = at..at + length;
    let (keys, length) = Pickle::keep(&bytes[object.end..])?;
    let keys = keys.root().items()?;
    let keys: Result<_, _> = keys.into_iter().map(|key| key.text()).collect();
    Ok((object.clone(), keys?, object.end + length))
}

/// The only storage of a stream that stands within a pickle: where its elements are, and their
/// type. So does `pickle.dump` write tensors.
pub(super) fn storage_within(bytes: &[u8]) -> Option<(Range<usize>, Dtype)> {
    let (object, keys, end) = pickles(bytes, true).ok()?;
    let (pickle, _) = Pickle::keep(&bytes[object]).ok()?;
    let storage = storage::storage(pickle.root().persistent()?)?;
    let dtype = storage.dtype?;
    if keys != [storage.key] {
        return None;
    }
    let count = u64::from_le_bytes(*bytes.get(end..)?.first_chunk()?);
    let size = usize::try_from(count)
        .ok()?
        .checked_mul(storage::width(dtype))?;
    let range = end + 8..(end + 8).checked_add(size)?;
    (range.end <= bytes.len()).then_some((range, dtype))
}

/// Storages follow each other: a count of elements in eight bytes, then the elements.
fn storages(
    source: &Source,
    bytes: &[u8],
    pickle: &Range<usize>,
    keys: &[String],
    end: usize,
) -> Result<HashMap<String, Bytes>, ModelError> {
    let wrong = |expected: &str, found: String| {
        malformed(&source.path, "PyTorch checkpoint", expected, found)
    };
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let (object, _) = Pickle::keep(&bytes[pickle.clone()])
        .map_err(|e| wrong(&e.expected.clone(), e.found.clone()))?;
    let mut widths = BTreeMap::new();
    for id in object.persistent() {
        if let Some(storage) = storage::storage(id) {
            widths.insert(storage.key, storage.width);
        }
    }
    let mut found = HashMap::new();
    let mut at = end as u64;
    for key in keys {
        // Elements of a type that nobody knows: what follows cannot be found, and is missing if
        // it is needed.
        let Some(&width) = widths.get(key) else { break };
        let mut count = [0; 8];
        if at.saturating_add(8) > source.size {
            return Err(wrong(
                "the storage of every tensor",
                format!("the end of the file before storage {key:?}: it is cut off"),
            ));
        }
        source.read_into(at, &mut count).map_err(|e| source.io(e))?;
        let size = u64::from_le_bytes(count).saturating_mul(width as u64);
        let range = at + 8..(at + 8).saturating_add(size);
        if range.end > source.size {
            return Err(wrong(
                &format!("{size} bytes of storage {key:?}"),
                format!("{}: the file is cut off", source.size - range.start),
            ));
        }
        at = range.end;
        found.insert(key.clone(), Bytes::File(range));
    }
    Ok(found)
}

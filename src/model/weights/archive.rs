//! The zip archives of `torch.save` (PyTorch 1.6 and later): the pickle, and where the storages
//! beside it lie. Members are stored by PyTorch; archives that were packed again are deflated.

use super::source::{Source, malformed};
use super::view::{Bytes, Cursor};
use crate::model::ModelError;
use std::io::{BufReader, Read};
use zip::{CompressionMethod, ZipArchive};

/// The largest deflated pickle that is inflated.
const LARGEST_PICKLE: u64 = 256 << 20;
/// More bytes than this never come out of one deflated byte.
const MOST_INFLATED: u64 = 1032;

/// An archive whose directory was read.
pub(super) struct Archive<'a> {
    source: &'a Source,
    archive: ZipArchive<BufReader<Cursor<'a>>>,
    /// What stands before `data.pkl` in names.
    root: String,
    /// Whether storages have the most significant byte first.
    pub big_endian: bool,
}

/// A pickle, and where in the file it stands if it is not deflated.
pub(super) struct Text {
    pub bytes: Vec<u8>,
    pub at: Option<u64>,
}

impl<'a> Archive<'a> {
    /// Reads the directory and the pickle.
    pub fn open(source: &'a Source) -> Result<(Self, Text), ModelError> {
        let wrong = |found: String| {
            let expected = "a whole zip archive with a data.pkl, as torch.save writes it";
            malformed(&source.path, "PyTorch checkpoint", expected, found)
        };
        let archive = ZipArchive::new(BufReader::new(Cursor::new(source)))
            .map_err(|e| wrong(format!("{e} (file of {} bytes)", source.size)))?;
        let root = archive
            .file_names()
            .filter_map(|name| name.strip_suffix("data.pkl"))
            .filter(|root| root.is_empty() || root.ends_with('/'))
            .min_by_key(|root| root.len())
            .map(str::to_string)
            .ok_or_else(|| {
                let mut names: Vec<&str> = archive.file_names().take(4).collect();
                names.sort_unstable();
                wrong(if names.is_empty() {
                    "an empty archive".into()
                } else {
                    format!("an archive of {}", names.join(", "))
                })
            })?;
        let mut own = Self {
            source,
            archive,
            root,
            big_endian: false,
        };
        let text = own.text("data.pkl")?;
        let text = text.ok_or_else(|| wrong("no data.pkl".into()))?;
        own.big_endian = match own.text("byteorder")? {
            None => false,
            Some(order) => match order.bytes.trim_ascii() {
                b"little" => false,
                b"big" => true,
                other => {
                    let found = String::from_utf8_lossy(&other[..other.len().min(16)]);
                    return Err(wrong(format!("the byte order {found:?}")));
                }
            },
        };
        Ok((own, text))
    }

    /// The bytes of a member, read whole.
    fn text(&mut self, name: &str) -> Result<Option<Text>, ModelError> {
        let Some(bytes) = self.place(name)? else {
            return Ok(None);
        };
        let source = self.source;
        let mut text = Text {
            bytes: Vec::new(),
            at: None,
        };
        if let Bytes::File(range) = &bytes {
            text.at = Some(range.start);
            source.blocks(range.clone(), |block| {
                text.bytes.extend_from_slice(block);
                Ok(())
            })?;
            return Ok(Some(text));
        }
        let wrong = |found: String| {
            let expected = format!("a {name} of at most {LARGEST_PICKLE} bytes");
            malformed(&source.path, "PyTorch checkpoint", &expected, found)
        };
        let member = self
            .archive
            .by_name(&format!("{}{name}", self.root))
            .map_err(|e| wrong(e.to_string()))?;
        member
            .take(LARGEST_PICKLE + 1)
            .read_to_end(&mut text.bytes)
            .map_err(|e| wrong(e.to_string()))?;
        if text.bytes.len() as u64 > LARGEST_PICKLE {
            return Err(wrong("more".into()));
        }
        Ok(Some(text))
    }

    /// Where the storage of that key lies.
    pub fn storage(&mut self, key: &str) -> Result<Option<Bytes>, ModelError> {
        self.place(&format!("data/{key}"))
    }

    fn place(&mut self, name: &str) -> Result<Option<Bytes>, ModelError> {
        let source = self.source;
        let wrong = |expected: &str, found: String| {
            malformed(&source.path, &format!("zip member {name}"), expected, found)
        };
        let Some(index) = self.archive.index_for_name(&format!("{}{name}", self.root)) else {
            return Ok(None);
        };
        let member = self
            .archive
            .by_index_raw(index)
            .map_err(|e| wrong("a whole member", e.to_string()))?;
        if member.encrypted() {
            return Err(wrong("no encryption", "an encrypted member".into()));
        }
        let start = member.data_start();
        let (packed, size) = (member.compressed_size(), member.size());
        let end = start.saturating_add(packed);
        if end > source.size {
            let expected = format!("within the {} bytes of the file", source.size);
            return Err(wrong(&expected, format!("{start} to {end}")));
        }
        match member.compression() {
            CompressionMethod::Stored => Ok(Some(Bytes::File(start..end))),
            CompressionMethod::Deflated if size <= packed.saturating_mul(MOST_INFLATED) => {
                Ok(Some(Bytes::Deflated(start..end, size)))
            }
            CompressionMethod::Deflated => {
                let expected = format!("at most {MOST_INFLATED} times its {packed} bytes");
                Err(wrong(&expected, format!("{size} bytes")))
            }
            other => Err(wrong("stored or deflated", other.to_string())),
        }
    }
}

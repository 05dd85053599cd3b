//! What a file is, by its first bytes. Names lie: web pages and Git LFS pointers are saved as
//! `.safetensors` every day, and half of all `.bin` files are zip archives.

use super::source::{Source, malformed};
use crate::model::ModelError;
use std::path::Path;

/// Bytes that are looked at: a tar archive says so at 257.
const WINDOW: u64 = 512;

/// The container of a weights file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A safetensors file.
    Safetensors,
    /// PyTorch 1.6 or later: a zip archive.
    TorchZip,
    /// PyTorch before 1.6: pickles, then raw storages.
    TorchLegacy,
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Safetensors => "safetensors",
            Self::TorchZip => "PyTorch checkpoint (zip)",
            Self::TorchLegacy => "PyTorch checkpoint (legacy)",
        })
    }
}

/// The container of a file, or an error that says what the file is instead.
pub(super) fn format(source: &Source) -> Result<Format, ModelError> {
    let start = source.start(WINDOW)?;
    let refused = |found: String| {
        let expected = "a safetensors file or a PyTorch checkpoint";
        Err(malformed(&source.path, "weights", expected, found))
    };
    if start.starts_with(b"version https://git-lfs") {
        return refused(format!(
            "a Git LFS pointer, not the file{}; run `git lfs pull` in its repository",
            pointer_size(&start).map_or(String::new(), |n| format!(" of {n} bytes"))
        ));
    }
    if is_page(&start) {
        return refused("an HTML page: whatever fetched it got a web page, not the file".into());
    }
    if start.get(257..262) == Some(b"ustar") {
        return refused(
            "a tar archive; if it is a checkpoint of PyTorch before 0.1.10, load it with \
             torch.load and save it again with torch.save"
                .into(),
        );
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Ok(Format::TorchZip);
    }
    // Eight bytes of length, then the header's JSON. Checked before pickles, because a length's
    // lowest byte may be a pickle's first.
    if start.get(8) == Some(&b'{') || named(&source.path, "safetensors") {
        return Ok(Format::Safetensors);
    }
    // PROTO, or the texts that protocols 0 and 1 start with.
    if matches!(start.first(), Some(0x80 | b'(' | b'}' | b']' | b'c')) || has_magic(&start) {
        return Ok(Format::TorchLegacy);
    }
    let shown: Vec<String> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
    refused(format!(
        "{} bytes that start with {}",
        source.size,
        shown.join(" ")
    ))
}

fn named(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

fn is_page(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(start).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    text.starts_with("<!doctype html") || text.starts_with("<html")
}

/// The size that a Git LFS pointer names.
fn pointer_size(start: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(start).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("size "))?;
    line.trim().parse().ok()
}

/// The number that opens a legacy checkpoint, as text (protocols 0 and 1).
fn has_magic(start: &[u8]) -> bool {
    let magic = b"119547037146038801333356";
    start.windows(magic.len()).take(64).any(|w| w == magic)
}

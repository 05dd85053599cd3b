//! Splits as A. Karpathy passed them on (`dataset_flickr8k.json`, `dataset_flickr30k.json`, `dataset_coco.json`):
//! `{"images": [{"filename", "filepath"?, "split", "sentences": [{"raw"}]}]}`, whatever else stands there.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Captions;
use crate::dataset::DatasetError;
use crate::dataset::files::{io, malformed};
use crate::dataset::texts::{Record, some, whole};

/// A file of this layout.
pub struct Split {
    /// The set that the file says it is of (`flickr8k`).
    pub dataset: Option<String>,
    /// A row a picture.
    pub rows: Vec<Record>,
}

#[derive(Deserialize)]
struct Layout {
    dataset: Option<String>,
    images: Option<Vec<Picture>>,
}

#[derive(Deserialize)]
struct Picture {
    filename: Option<String>,
    filepath: Option<String>,
    split: Option<String>,
    sentences: Option<Vec<Sentence>>,
}

#[derive(Deserialize)]
struct Sentence {
    raw: String,
}

/// What is in a file of this layout; `None` if it has another one.
///
/// # Errors
/// Those of reading; `Malformed` if it speaks of sentences and has another layout, and with the entry for a picture without a name, without sentences or
/// with a blank one.
pub fn read(file: &Path) -> Result<Option<Split>, DatasetError> {
    let bytes = whole(file)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if !bytes.trim_ascii_start().starts_with(b"{") {
        return Ok(None);
    }
    let layout: Layout = match serde_json::from_slice(bytes) {
        Ok(layout) => layout,
        Err(e) if bytes.windows(KEY.len()).any(|part| part == KEY) => {
            return Err(malformed(file, "JSON", EXPECTED, e.to_string()));
        }
        // Objects one a line, or other people's JSON.
        Err(_) => return Ok(None),
    };
    let Some(images) = layout.images else {
        return Ok(None);
    };
    if images.iter().all(|image| image.sentences.is_none()) {
        return Ok(None);
    }
    let record = |(at, image): (usize, Picture)| {
        let place = format!("entry {} of images", at + 1);
        let lacks = |what: &str| malformed(file, &*place, what, "none");
        let name = image.filename.ok_or_else(|| lacks("a “filename”"))?;
        let texts = image.sentences.unwrap_or_default();
        if texts.is_empty() {
            return Err(lacks("“sentences”, at least one"));
        }
        let texts = texts.iter().map(|text| some(file, &*place, &text.raw));
        Ok(Record {
            name: match image.filepath.as_deref() {
                Some(folder) if !folder.is_empty() => format!("{folder}/{name}"),
                _ => name,
            },
            texts: texts.collect::<Result<_, _>>()?,
            part: image.split,
        })
    };
    let rows = images.into_iter().enumerate().map(record);
    Ok(Some(Split {
        dataset: layout.dataset,
        rows: rows.collect::<Result<_, _>>()?,
    }))
}

/// What tells the layout from others.
const KEY: &[u8] = b"\"sentences\"";
pub const EXPECTED: &str = "{“images”: [{“filename”, “split”, “sentences”: [{“raw”}]}]}";

/// The one file of this layout in a folder; `None` if there is none.
///
/// # Errors
/// `Malformed` if there are several; what is wrong with a file, if no other is one.
pub fn beside(place: &Path) -> Result<Option<Captions>, DatasetError> {
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(place).map_err(io(place))? {
        let path = entry.map_err(io(place))?.path();
        if path.extension().is_some_and(|ending| ending == "json") && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let (mut found, mut wrong) = (Vec::new(), None);
    for file in files {
        match read(&file) {
            Ok(Some(Split { rows, .. })) => found.push(Captions { file, rows }),
            Ok(None) => {}
            Err(error) => wrong = wrong.or(Some(error)),
        }
    }
    if let [first, second, ..] = found.as_slice() {
        let both = format!("{} and {}", first.file.display(), second.file.display());
        return Err(malformed(place, "files of captions", "one of them", both));
    }
    match (found.pop(), wrong) {
        (None, Some(error)) => Err(error),
        (found, _) => Ok(found),
    }
}

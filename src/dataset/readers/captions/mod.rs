//! Pictures of one's own with captions: reader `captions`.
//!
//! A folder holds pictures, at any depth, and one file of captions: `captions.csv`, `.tsv`, `.jsonl` or `.json` with a column (a
//! key) of pictures and one of texts ([`crate::dataset::pairs`]), or a split as Karpathy passed them on ([`karpathy`]). A
//! column `split` says which part a picture is of; without it the parts are drawn by a fixed seed, and that is told. Pictures
//! are prepared as the reader [`images`](super::images) prepares them. Sets that are published in that layout are readers of
//! their own ([`published`]).

mod karpathy;
mod published;

pub use published::{COCO, FLICKR8K, FLICKR30K};

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use super::descriptor::{About, Data, Input, Reader, folder};
use super::images::{Broken, Folder, digest_flat};
use crate::dataset::files::{io, malformed};
use crate::dataset::pairs::{Assigned, Captioned, Columns, owners, parts_of};
use crate::dataset::texts::{self, Record};
use crate::dataset::{DatasetError, Display, Splits};
use crate::files::checksum::Algorithm;
use crate::suite::preprocess::Preprocess;
use crate::suite::task::TargetKind;

/// What files of captions are called, the first that is there counts.
const FILES: [&str; 4] = [
    "captions.csv",
    "captions.tsv",
    "captions.jsonl",
    "captions.json",
];
/// The column of parts.
const SPLIT: &str = "split";

/// The reader `captions`.
pub const READER: Reader = Reader {
    name: "captions",
    title: "Folder of pictures with captions",
    what: "Pictures of one's own and a file of their captions, captions.csv, .jsonl or .json, or a split of Karpathy's",
    display: Some(Display::Image),
    input: Input::Prepared,
    target: TargetKind::Pairs,
    unit: None,
    data: Data::User {
        about: About {
            modality: "images and text",
            citation: "whoever took the pictures and wrote the captions",
            licence: "that of the pictures and captions",
        },
        digests: |root, spec| {
            let place = folder(root, spec)?;
            let file = Captions::find(&place)?.file;
            let mut bytes = BufReader::new(File::open(&file).map_err(io(&file))?);
            let sha256 = Algorithm::Sha256.of(&mut bytes).map_err(io(&file))?;
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            Ok(vec![
                (format!("{}/", spec.name), digest_flat(&place)?),
                (format!("{}/{name}", spec.name), sha256),
            ])
        },
    },
    open: |asked| {
        let place = asked.folder()?;
        open(&place, Captions::find(&place)?, asked.how)
    },
};

/// A file of captions that was read.
struct Captions {
    file: PathBuf,
    rows: Vec<Record>,
}

impl Captions {
    /// The file of captions of a folder.
    fn find(place: &Path) -> Result<Self, DatasetError> {
        let missing = || DatasetError::Missing {
            set: "captions".into(),
            path: place.into(),
            hint: format!(
                "expected a folder of pictures with one of {} in it (columns image and caption, perhaps split), or a \
                 split of Karpathy's (https://cs.stanford.edu/people/karpathy/deepimagesent/)",
                FILES.join(", ")
            ),
        };
        if !place.is_dir() {
            return Err(missing());
        }
        let called = FILES.map(|name| place.join(name));
        let called: Vec<&PathBuf> = called.iter().filter(|path| path.is_file()).collect();
        match called.as_slice() {
            [file] => Self::read(file),
            [] => karpathy::beside(place)?.ok_or_else(missing),
            several => {
                let names: Vec<_> = several
                    .iter()
                    .filter_map(|path| path.file_name()?.to_str())
                    .collect();
                Err(malformed(
                    place,
                    "files of captions",
                    "one of them",
                    names.join(", "),
                ))
            }
        }
    }

    fn read(file: &Path) -> Result<Self, DatasetError> {
        let json = file.extension().is_some_and(|ending| ending == "json");
        if json && let Some(split) = karpathy::read(file)? {
            return Ok(Self {
                file: file.into(),
                rows: split.rows,
            });
        }
        let [image, text] = Columns::default().named(file)?;
        let split = texts::columns(file)?.contains(&SPLIT.to_string());
        Ok(Self {
            rows: texts::records(file, [&image, &text], split.then_some(SPLIT))?,
            file: file.into(),
        })
    }
}

/// Opens the three parts of a folder with these captions, its pictures prepared by `how`.
fn open(place: &Path, captions: Captions, how: &Preprocess) -> Result<Splits, DatasetError> {
    let Captions { file, rows } = captions;
    let pictures = Folder::flat(place, &[&file], how, Broken::Refuse)?;
    let parts = parts_of(&file, &rows)?;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let matched = owners(&file, pictures.whole.as_ref(), &names, false)?;
    let assigned = matched.owner.into_iter().zip(rows).zip(parts).enumerate();
    let assigned = assigned.filter_map(|(row, ((owner, record), part))| {
        Some(Assigned {
            file: &file,
            row: row + 1,
            owner: owner?,
            texts: record.texts,
            part,
        })
    });
    let notes = pictures.notes.into_iter().chain(matched.notes);
    let splits = Captioned::splits(&file, pictures.whole, assigned.collect())?;
    Ok(splits.noted(notes))
}

#[cfg(test)]
mod tests;

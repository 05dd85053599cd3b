//! Images with captions: a folder of pictures, and a file that says which texts belong to which of them.
//!
//! A table or JSON has a column (a key) for the picture's path below the folder and one for the text; a picture may have
//! several rows, and in JSON a list of texts (as RSICD and RSITMD are passed on). A name without its folders is enough where it is one picture's alone, and that is told.
//!
//! [`captions_of`] makes the same two lists of any set whose samples have captions, and [`distinct`] says which texts differ,
//! so that a text tower reads each once.

mod captioned;
mod owners;

pub(super) use captioned::{Assigned, Captioned, parts_of};
pub(super) use owners::owners;

use super::images::{Broken, Folder};
use super::texts;
use super::{Dataset, DatasetError, files::malformed};
use crate::suite::preprocess::Preprocess;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// What columns of pictures are called, the best first.
const IMAGES: [&str; 7] = [
    "image",
    "file_name",
    "filename",
    "file",
    "path",
    "image_path",
    "filepath",
];
/// What columns of texts are called, the best first.
const TEXTS: [&str; 6] = ["caption", "text", "sentence", "captions", "title", "raw"];

/// Images and their captions.
pub struct Pairs {
    /// Every picture of the folder.
    pub images: Arc<dyn Dataset>,
    /// The captions, in the order of their file.
    pub texts: Vec<String>,
    /// The picture of every caption.
    pub owner: Vec<usize>,
    /// What was left out or inferred.
    pub notes: Vec<String>,
}

/// The captions of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captions {
    /// All captions, in the order of the samples, then of each sample's captions.
    pub texts: Vec<String>,
    /// The sample of every caption, as long as `texts`.
    pub owner: Vec<usize>,
}

/// All captions of a set with the sample that each belongs to; none where its target is no captions. A text that
/// several samples have stands once for each.
pub fn captions_of(set: &dyn Dataset) -> Captions {
    let mut all = Captions::default();
    for index in 0..set.len() {
        let own = set.captions(index);
        all.texts.extend_from_slice(own);
        all.owner.extend(std::iter::repeat_n(index, own.len()));
    }
    all
}

/// Every text once, in the order in which they first occur, and the place among those of each of `texts`.
pub fn distinct(texts: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut once: Vec<String> = Vec::new();
    let mut of = Vec::with_capacity(texts.len());
    for text in texts {
        of.push(*places.entry(text).or_insert_with(|| {
            once.push(text.clone());
            once.len() - 1
        }));
    }
    (once, of)
}

/// Which columns of the file count, where it is not known by their names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Columns<'c> {
    /// Of pictures.
    pub image: Option<&'c str>,
    /// Of texts.
    pub text: Option<&'c str>,
}

impl Columns<'_> {
    /// The names of the columns (keys) of pictures and of texts in `file`: those that are said, else the best known.
    ///
    /// # Errors
    /// Those of reading; `Malformed` with the names that there are where none is known.
    pub(super) fn named(&self, file: &Path) -> Result<[String; 2], DatasetError> {
        let names = texts::columns(file)?;
        let named = |asked: Option<&str>, known: &[&str], what: &str| match asked {
            Some(name) => Ok(name.to_owned()),
            None => known
                .iter()
                .find(|name| names.iter().any(|own| own == *name))
                .map(|name| (*name).to_owned())
                .ok_or_else(|| {
                    let expected = format!(
                        "a column of {what}: {}, or the one that is said",
                        known.join(", ")
                    );
                    malformed(file, "columns", expected, names.join(", "))
                }),
        };
        Ok([
            named(self.image, &IMAGES, "pictures")?,
            named(self.text, &TEXTS, "texts")?,
        ])
    }
}

impl Pairs {
    /// Opens the pictures of `folder`, prepared by `how`, and the captions in `file`.
    ///
    /// # Errors
    /// Those of the folder and of the file; a caption whose picture is not there, with the number of its row.
    pub fn open(
        folder: &Path,
        file: &Path,
        columns: Columns<'_>,
        how: &Preprocess,
        broken: Broken,
    ) -> Result<Self, DatasetError> {
        let found = Folder::open(folder, how, broken)?;
        let (images, mut notes) = (found.whole, found.notes);
        let [of_image, of_text] = columns.named(file)?;
        let rows = texts::records(file, [&of_image, &of_text], None)?;
        let skipped = broken == Broken::Skip;
        let paths: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let matched = owners(file, images.as_ref(), &paths, skipped)?;
        notes.extend(matched.notes);
        if matched.without > 0 {
            notes.push(format!(
                "{} of {} pictures have no caption: they are found wrongly, and ask for none",
                matched.without,
                images.len()
            ));
        }
        let kept = matched.owner.iter().zip(rows);
        let (owner, texts) = kept
            .filter_map(|(owner, row)| Some(((*owner)?, row.texts)))
            .flat_map(|(owner, texts)| texts.into_iter().map(move |text| (owner, text)))
            .unzip();
        Ok(Self {
            images,
            texts,
            owner,
            notes,
        })
    }
}

#[cfg(test)]
mod tests;

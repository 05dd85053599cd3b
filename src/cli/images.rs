//! Images for a model, as they stand on the command line: a dataset by its reader's name or a folder of
//! pictures, prepared as the model's own files say.

use super::error::CliError;
use super::words::clean;
use crate::dataset::images::{Broken, Folder};
use crate::dataset::readers::{self, Data, Input};
use crate::dataset::{self, Dataset, Reader};
use crate::model::{Architecture, Model, preprocess};
use crate::suite::dataset::DatasetSpec;
use crate::suite::preprocess::{Origin, Preprocess};
use std::path::Path;
use std::sync::Arc;

/// What was asked for.
pub struct Asked<'a> {
    /// The flag that asked.
    pub flag: &'a str,
    /// Its value: `SET[:split]` or `DIR[:split]`.
    pub images: &'a str,
    /// Folder with the datasets' files.
    pub data: Option<&'a Path>,
    /// What is done with broken pictures of a folder.
    pub broken: Broken,
    /// Side of the pictures, if not what the model's files say.
    pub side: Option<usize>,
}

/// A set that was opened for a model.
pub struct Set {
    /// Its samples.
    pub set: Arc<dyn Dataset>,
    /// How its pictures are prepared.
    pub how: Preprocess,
    /// Side in pixels of the square input that it was opened for.
    pub side: usize,
}

impl Asked<'_> {
    /// The reader that is named, and the part.
    fn reader(&self) -> Option<(&'static Reader, &str)> {
        let (name, split) = self.images.split_once(':').unwrap_or((self.images, "test"));
        Some((Reader::named(name)?, split))
    }

    /// The folder that is named, and the part if one is.
    fn folder(&self) -> Option<(&Path, Option<&str>)> {
        let whole = Path::new(self.images);
        if whole.is_dir() {
            return Some((whole, None));
        }
        let (folder, split) = self.images.rsplit_once(':')?;
        let folder = Path::new(folder);
        folder.is_dir().then_some((folder, Some(split)))
    }

    /// Whether it is a dataset or a folder, rather than a tensor.
    pub fn is_set(&self) -> bool {
        self.reader().is_some() || self.folder().is_some()
    }

    fn wrong(&self, expected: String, found: &str) -> CliError {
        CliError::Usage {
            what: self.flag.into(),
            expected,
            found: format!("{found:?}"),
        }
    }
}

/// Opens what was asked for, for the model called `name`; tells on stderr what was done otherwise than
/// one may think.
pub fn open_set(asked: &Asked, name: &str, model: &Model) -> Result<Set, CliError> {
    let channels = model.network.embedder.channels();
    open_for(asked, name, &model.config, channels)
}

/// The same for a model of this architecture, whose embedder takes so many channels.
pub fn open_for(
    asked: &Asked,
    name: &str,
    config: &Architecture,
    channels: usize,
) -> Result<Set, CliError> {
    let side = config.image_size().ok_or_else(|| CliError::Usage {
        what: asked.flag.into(),
        expected: "a model of images".into(),
        found: format!("model_type {}", config.name()),
    })?;
    let found = preprocess::of(name, config, asked.side)?;
    let how = found.how;
    let mut notes = found.notes;
    // Pictures of one's own are named by their folder.
    let by_folder = |reader: &Reader| reader.input == Input::Prepared && !reader.is_published();
    let reader = asked.reader().filter(|(reader, _)| !by_folder(reader));
    let (set, pictures) = match (reader, asked.folder()) {
        (None, None) => {
            let expected = format!("a folder of pictures, or one of {}", readers::names());
            return Err(asked.wrong(expected, asked.images));
        }
        (Some((reader, split)), _) => {
            // One's own arrays lie in DIR/data.
            let name = if matches!(reader.data, Data::User { .. }) {
                "data"
            } else {
                reader.name
            };
            let spec = DatasetSpec::new(name, reader.title, reader.name);
            let opened = dataset::open_for(&spec, asked.data, 0, &how, side)?;
            notes.extend_from_slice(opened.notes());
            let set = match split {
                "train" => opened.splits.train,
                "valid" => opened.splits.valid,
                "test" => opened.splits.test,
                other => return Err(asked.wrong("split train, valid or test".into(), other)),
            };
            let own = how.origin == Origin::Own;
            (
                set,
                reader.input == Input::Prepared || reader.is_pictures() && !own,
            )
        }
        (None, Some((folder, split))) => (in_folder(asked, folder, split, &how, &mut notes)?, true),
    };
    if pictures {
        eprintln!("pictures: {}", clean(&how.words()));
    }
    notes.iter().for_each(|note| eprintln!("{}", clean(note)));
    let found = set.shape()[0];
    if found != channels {
        let expected = format!("a set of {channels} channels, as the model's embedder has");
        return Err(asked.wrong(expected, &format!("{} with {found}", asked.images)));
    }
    Ok(Set { set, how, side })
}

/// A folder of pictures: all of it, or a part.
fn in_folder(
    asked: &Asked,
    folder: &Path,
    split: Option<&str>,
    how: &Preprocess,
    notes: &mut Vec<String>,
) -> Result<Arc<dyn Dataset>, CliError> {
    let found = Folder::open(folder, how, asked.broken)?;
    let set = match split {
        None | Some("all") => {
            notes.extend(found.notes);
            found.whole
        }
        Some(part @ ("train" | "valid" | "val" | "test")) => {
            let splits = found.splits(folder)?;
            notes.extend(splits.notes);
            match part {
                "train" => splits.train,
                "test" => splits.test,
                _ => splits.valid,
            }
        }
        Some(other) => {
            let expected = "split train, valid, test or all".into();
            return Err(asked.wrong(expected, other));
        }
    };
    if set.classes().is_empty() {
        notes.push("pictures lie in no folders of classes: no labels".into());
    }
    Ok(set)
}

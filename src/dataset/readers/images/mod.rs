//! Folders of pictures, `DIR/class/*.jpg`: reader `images`, laid out and read as torchvision's
//! `ImageFolder` does.
//!
//! Classes are the sub-folders in sorted order, each walked to its depths. `DIR/train/class/*` with
//! `valid` (or `val`) and `test` beside it are parts; without such folders a fifth of every class tests
//! and a tenth of the rest validates, the same for every seed. Pictures are decoded as they are read,
//! on the threads that load; at opening their headers alone are looked at, so that a file that is no
//! picture is refused by name before anything is computed.

mod decode;
mod digest;
mod parts;
pub(super) mod tree;

pub use decode::{Header, MOST_PIXELS, Picture, decode, header};
pub(super) use digest::digest_of;
pub use digest::{digest, digest_flat};
pub use tree::is_picture;

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::descriptor::{About, Data, Input, Reader, folder};
use crate::dataset::files::malformed;
use crate::dataset::pictured::Lens;
use crate::dataset::{Dataset, DatasetError, Display, Splits, Subset, check_request};
use crate::suite::preprocess::Preprocess;
use crate::suite::task::TargetKind;
use parts::parts;
use tree::Tree;

/// Red, green and blue.
const CHANNELS: usize = 3;

/// The reader `images`.
pub const READER: Reader = Reader {
    name: "images",
    title: "Folder of pictures",
    what: "Pictures of one's own in folders of classes, DIR/class/*.jpg (png, webp, bmp, ppm)",
    display: Some(Display::Image),
    input: Input::Prepared,
    target: TargetKind::Labels,
    unit: None,
    data: Data::User {
        about: About {
            modality: "images",
            citation: "whoever took the pictures",
            licence: "that of the pictures",
        },
        digests: |root, spec| {
            let sha256 = digest(&folder(root, spec)?)?;
            Ok(vec![(format!("{}/", spec.name), sha256)])
        },
    },
    open: |asked| {
        let place = asked.folder()?;
        Folder::open(&place, asked.how, Broken::Refuse)?.splits(&place)
    },
};

/// What is done with a file that is called a picture and cannot be read as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// It is an error.
    Refuse,
    /// It is left out, and counted. Every picture is decoded once to know.
    Skip,
}

impl Broken {
    /// As `--skip-broken` says.
    pub fn skipped(skip: bool) -> Self {
        if skip { Self::Skip } else { Self::Refuse }
    }
}

/// A folder that was looked through.
pub struct Folder {
    /// Every picture, in torchvision's order; no class where pictures lie in the folder itself.
    pub whole: Arc<dyn Dataset>,
    /// Rows of `whole` that train, validate and test.
    rows: [Vec<usize>; 3],
    /// Whether the folder itself says which part a picture is of.
    pub given: bool,
    /// What was left out or done otherwise than one may think.
    pub notes: Vec<String>,
    /// Where parts come from that the folder does not have.
    pub cuts: Vec<String>,
}

/// The pictures of a folder.
struct Pictures {
    files: Vec<tree::Entry>,
    classes: Vec<String>,
    lens: Lens,
    size: [usize; 2],
}

impl Folder {
    /// Looks through the folder `root`; its pictures are prepared by `how`.
    ///
    /// # Errors
    /// `Missing` if it is no folder; `Malformed` for a file that is no picture, a class without any,
    /// or pictures of several sizes where `how` gives them none.
    pub fn open(root: &Path, how: &Preprocess, broken: Broken) -> Result<Self, DatasetError> {
        Self::of(root, tree::walk(root)?, None, how, broken)
    }

    /// Looks through the folder `root` for pictures at any depth, of no class; `known` are files that are no pictures and
    /// of which nothing need be told.
    ///
    /// # Errors
    /// Those of [`Folder::open`], but for classes.
    pub fn flat(
        root: &Path,
        known: &[&Path],
        how: &Preprocess,
        broken: Broken,
    ) -> Result<Self, DatasetError> {
        Self::of(root, tree::flat(root, known)?, None, how, broken)
    }

    /// Looks at the pictures of `tree`, which are named below `root`. Labels are those of the classes `among`, if they are
    /// said: all of the tree's are among them. Parts are cut by the tree's own, so they do not depend on these.
    ///
    /// # Errors
    /// Those of [`Folder::open`]; `Malformed` for a class that is not among them.
    pub(super) fn of(
        root: &Path,
        tree: Tree,
        among: Option<Vec<String>>,
        how: &Preprocess,
        broken: Broken,
    ) -> Result<Self, DatasetError> {
        let Tree {
            classes,
            mut files,
            given,
            mut notes,
        } = tree;
        let lens = Lens::new(how, CHANNELS, &root.display().to_string())?;
        let looked: Vec<Result<Header, DatasetError>> = files
            .par_iter()
            .map(|file| match broken {
                Broken::Refuse => header(&file.path),
                Broken::Skip => decode(&file.path).map(|picture| picture.header),
            })
            .collect();
        let mut headers = Vec::with_capacity(files.len());
        let mut kept = Vec::with_capacity(files.len());
        let mut left_out: Vec<String> = Vec::new();
        for (file, looked) in files.drain(..).zip(looked) {
            match (looked, broken) {
                (Ok(found), _) => {
                    headers.push(found);
                    kept.push(file);
                }
                (Err(error), Broken::Refuse) => return Err(error),
                (Err(error), Broken::Skip) => left_out.push(error.to_string()),
            }
        }
        if !left_out.is_empty() {
            let count = left_out.len();
            notes.push(format!("{count} broken pictures left out:"));
            notes.extend(left_out);
        }
        notes.extend(decode::remarks(&kept, &headers));
        let Some(size) = common_size(root, how, &kept, &headers)? else {
            return Err(malformed(root, "pictures", "at least one", "none"));
        };
        let mut cuts = Vec::new();
        let rows = parts(&kept, given, &mut cuts);
        let classes = match among {
            Some(all) => relabelled(root, &mut kept, &classes, all)?,
            None => classes,
        };
        let whole = Arc::new(Pictures {
            files: kept,
            classes,
            lens,
            size,
        });
        Ok(Self {
            whole,
            rows,
            given,
            notes,
            cuts,
        })
    }

    /// The three parts, with the notes of the folder and of where they come from.
    ///
    /// # Errors
    /// `Malformed` if one is empty, or there are no classes.
    pub fn splits(&self, root: &Path) -> Result<Splits, DatasetError> {
        if self.whole.classes().is_empty() {
            let expected = "folders of classes with pictures in them, DIR/class/*.jpg";
            return Err(malformed(root, "layout", expected, "pictures alone"));
        }
        let [train, valid, test] = &self.rows;
        for (part, rows) in [("training", train), ("validation", valid), ("test", test)] {
            if rows.is_empty() {
                let what = format!("pictures of the {part} part");
                return Err(malformed(root, what, "three or more of a class", "none"));
            }
        }
        let part = |rows: &Vec<usize>| -> Result<Arc<dyn Dataset>, DatasetError> {
            Ok(Arc::new(Subset::new(self.whole.clone(), rows.clone())?))
        };
        let notes = self.notes.iter().chain(&self.cuts).cloned();
        Ok(Splits::new(part(train)?, part(valid)?, part(test)?).noted(notes))
    }
}

/// Numbers pictures of `own` classes by those of `all`.
fn relabelled(
    root: &Path,
    files: &mut [tree::Entry],
    own: &[String],
    all: Vec<String>,
) -> Result<Vec<String>, DatasetError> {
    let number = |class: &String| {
        let found = all.iter().position(|other| other == class);
        found.ok_or_else(|| malformed(root, "class", format!("one of {}", all.join(", ")), class))
    };
    let numbers = own.iter().map(number).collect::<Result<Vec<_>, _>>()?;
    files
        .iter_mut()
        .for_each(|file| file.label = numbers[file.label]);
    Ok(all)
}

/// The size that all pictures have in the end; `None` without pictures.
fn common_size(
    root: &Path,
    how: &Preprocess,
    files: &[tree::Entry],
    headers: &[Header],
) -> Result<Option<[usize; 2]>, DatasetError> {
    for (file, header) in files.iter().zip(headers) {
        let [height, width] = how.resized(header.size);
        if height.saturating_mul(width) > MOST_PIXELS {
            let expected = format!("at most {MOST_PIXELS} pixels");
            let what = "picture, resized as the model's preprocessing says";
            let found = format!("{height} × {width}");
            return Err(malformed(&root.join(&file.id), what, expected, found));
        }
    }
    let sizes = files.iter().zip(headers);
    let mut sizes = sizes.map(|(file, header)| (file, how.output(header.size)));
    let Some((_, size)) = sizes.next() else {
        return Ok(None);
    };
    match sizes.find(|(_, other)| *other != size) {
        None => Ok(Some(size)),
        Some((file, other)) => Err(malformed(
            &root.join(&file.id),
            "size after the model's preprocessing, which has no common size",
            format!("{} × {} as the first picture", size[0], size[1]),
            format!("{} × {}", other[0], other[1]),
        )),
    }
}

impl Dataset for Pictures {
    fn shape(&self) -> [usize; 3] {
        [CHANNELS, self.size[0], self.size[1]]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.files.len()
    }

    fn label(&self, index: usize) -> usize {
        self.files[index].label
    }

    fn id(&self, index: usize) -> Option<String> {
        self.files.get(index).map(|file| file.id.clone())
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("pictures", self, index, out.len())?;
        let path = &self.files[index].path;
        let picture = decode(path)?;
        if self.lens.how().output(picture.header.size) != self.size {
            // Its header was looked at when the folder was opened.
            let [h, w] = picture.header.size;
            let expected = "the size that it had at first";
            return Err(malformed(path, "picture", expected, format!("{h} × {w}")));
        }
        self.lens.apply(&picture.planes, picture.header.size, out)
    }
}

#[cfg(test)]
mod tests;

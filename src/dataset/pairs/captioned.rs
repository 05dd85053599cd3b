//! Pictures with captions as a dataset in three parts.
//!
//! A picture is a sample, its captions are its target, and all of them are in one part. Parts are what the file says; where it
//! says nothing, of ten pictures one tests and one validates, the same for every seed. Pictures without a caption are left out,
//! and counted.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use crate::dataset::files::malformed;
use crate::dataset::part::Part;
use crate::dataset::subset::{SPLIT_SEED, hold_out};
use crate::dataset::texts::Record;
use crate::dataset::{Dataset, DatasetError, Splits, Subset, TargetShape};

/// Share of all pictures that tests, where no part is given.
const TEST_SHARE: f64 = 0.1;
/// Share of the rest that validates: as many.
const VALID_SHARE: f64 = 1.0 / 9.0;

/// A picture with texts of a row of a file.
pub struct Assigned<'f> {
    /// The file, for errors.
    pub file: &'f Path,
    /// The row in it, from 1.
    pub row: usize,
    /// The picture.
    pub owner: usize,
    /// Its texts.
    pub texts: Vec<String>,
    /// Its part, where the file has parts.
    pub part: Option<Part>,
}

/// Pictures with their captions.
pub struct Captioned {
    images: Arc<dyn Dataset>,
    captions: Vec<Vec<String>>,
}

/// The part that a word means; `restval` is what Karpathy's splits add to the training part.
fn part_of(word: &str) -> Option<Part> {
    match word.to_lowercase().as_str() {
        "train" | "training" | "restval" => Some(Part::Train),
        "valid" | "val" | "validation" => Some(Part::Valid),
        "test" | "testing" => Some(Part::Test),
        _ => None,
    }
}

/// The parts of rows by the words of the file; `None` for all where it has none.
///
/// # Errors
/// `Malformed` with the row for a word that means no part, or for a row without one where others have it.
pub fn parts_of(file: &Path, rows: &[Record]) -> Result<Vec<Option<Part>>, DatasetError> {
    if rows.iter().all(|row| row.part.is_none()) {
        return Ok(vec![None; rows.len()]);
    }
    let part = |(at, row): (usize, &Record)| {
        let word = row.part.as_deref().unwrap_or_default();
        part_of(word).map(Some).ok_or_else(|| {
            let expected = "train, val (or valid), test, or restval, which trains";
            let what = format!("split in row {}", at + 1);
            malformed(file, what, expected, format!("{word:?}"))
        })
    };
    rows.iter().enumerate().map(part).collect()
}

impl Captioned {
    /// The three parts of `images` with the captions of `rows`; `place` is where they come from, for errors.
    ///
    /// # Errors
    /// `Malformed` for a picture in two parts, with the row, and for a part without pictures.
    pub fn splits(
        place: &Path,
        images: Arc<dyn Dataset>,
        rows: Vec<Assigned<'_>>,
    ) -> Result<Splits, DatasetError> {
        let count = images.len();
        let mut captions: Vec<Vec<String>> = vec![Vec::new(); count];
        let mut parts: Vec<Option<Part>> = vec![None; count];
        let (mut seen, mut twice) = (HashSet::new(), 0);
        for row in rows {
            let known = &mut parts[row.owner];
            if known.is_some() && *known != row.part {
                let id = images.id(row.owner).unwrap_or_default();
                let what = format!("split in row {}", row.row);
                let expected = "one part for all captions of a picture";
                return Err(malformed(
                    row.file,
                    what,
                    expected,
                    format!("a second one of {id}"),
                ));
            }
            *known = row.part;
            for text in row.texts {
                twice += usize::from(!seen.insert((row.owner, text.clone())));
                captions[row.owner].push(text);
            }
        }
        let with: Vec<usize> = (0..count).filter(|&i| !captions[i].is_empty()).collect();
        let mut notes = Vec::new();
        if let Some(first) = (0..count).find(|&i| captions[i].is_empty()) {
            notes.push(format!(
                "pictures without a caption, left out: {} of {count} (the first is {})",
                count - with.len(),
                images.id(first).unwrap_or_default()
            ));
        }
        if twice > 0 {
            notes.push(format!(
                "captions that a picture has more than once, kept: {twice}"
            ));
        }
        let given = with.iter().any(|&i| parts[i].is_some());
        let rows = if given {
            [Part::Train, Part::Valid, Part::Test].map(|part| {
                with.iter()
                    .copied()
                    .filter(|&i| parts[i] == Some(part))
                    .collect()
            })
        } else {
            notes.push(
                "no split is given: of ten pictures one tests and one validates, drawn by a fixed seed"
                    .into(),
            );
            cut(&with)
        };
        let whole: Arc<dyn Dataset> = Arc::new(Self { images, captions });
        let part = |name: &str, rows: Vec<usize>| -> Result<Arc<dyn Dataset>, DatasetError> {
            if rows.is_empty() {
                let what = format!("pictures of the {name} part");
                let expected = if given {
                    "at least one in each of train, val and test; without a split they are drawn"
                } else {
                    "three pictures with captions or more"
                };
                return Err(malformed(place, what, expected, "none"));
            }
            Ok(Arc::new(Subset::new(whole.clone(), rows)?))
        };
        let [train, valid, test] = rows;
        Ok(Splits::new(
            part("training", train)?,
            part("validation", valid)?,
            part("test", test)?,
        )
        .noted(notes))
    }
}

/// Pictures that train, validate and test: 8 : 1 : 1.
fn cut(pictures: &[usize]) -> [Vec<usize>; 3] {
    let held = |rows: &[usize], share: f64| -> (Vec<usize>, Vec<usize>) {
        let (kept, held) = hold_out(&vec![0; rows.len()], share, SPLIT_SEED);
        let pick = |places: Vec<usize>| places.into_iter().map(|place| rows[place]).collect();
        (pick(kept), pick(held))
    };
    let (rest, test) = held(pictures, TEST_SHARE);
    let (train, valid) = held(&rest, VALID_SHARE);
    [train, valid, test]
}

impl Dataset for Captioned {
    fn shape(&self) -> [usize; 3] {
        self.images.shape()
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn id(&self, index: usize) -> Option<String> {
        self.images.id(index)
    }

    fn captions(&self, index: usize) -> &[String] {
        self.captions.get(index).map_or(&[], Vec::as_slice)
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Captions
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        self.images.read(index, out)
    }
}

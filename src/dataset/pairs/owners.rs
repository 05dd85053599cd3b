//! Which picture a row of a file of captions means.
//!
//! A path below the folder is one picture; a name without folders is enough where it is one picture's alone; and where there is
//! none of that name, one whose ending alone differs, as of pictures that were converted (RSITMD's are TIFF, which is not
//! read). Whatever is not the first is counted and told.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::dataset::files::malformed;
use crate::dataset::{Dataset, DatasetError};

/// The pictures of rows.
pub struct Matched {
    /// The picture of every row; `None` where there is none and that is skipped.
    pub owner: Vec<Option<usize>>,
    /// Pictures that no row means.
    pub without: usize,
    /// How pictures were found, where not by their paths, and what was skipped.
    pub notes: Vec<String>,
}

/// Pictures by a name that several may share.
type ByName<'n> = HashMap<&'n str, Vec<usize>>;
/// Makes a name of a path.
type Name = fn(&str) -> &str;

/// Without the folders.
fn short(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Without the ending.
fn stem(path: &str) -> &str {
    match path.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.contains('/') => stem,
        _ => path,
    }
}

/// Finds the picture of every path of `file` among the ids of `images`; `skipped` leaves out rows without one, which are
/// else an error.
///
/// # Errors
/// `Malformed` with the row (from 1): no such picture, or a name that several have; no row with a picture.
pub fn owners(
    file: &Path,
    images: &dyn Dataset,
    paths: &[&str],
    skipped: bool,
) -> Result<Matched, DatasetError> {
    let ids: Vec<String> = (0..images.len())
        .map(|i| images.id(i).unwrap_or_default())
        .collect();
    let by = |name: Name| {
        let mut all = ByName::new();
        for (i, id) in ids.iter().enumerate() {
            all.entry(name(id)).or_default().push(i);
        }
        all
    };
    let ways: [(ByName<'_>, Name); 4] = [
        (by(|id| id), |path| path),
        (by(short), |path| path),
        (by(stem), stem),
        (by(|id| stem(short(id))), stem),
    ];
    let mut counts = [0; 4];
    let (mut owner, mut absent) = (Vec::with_capacity(paths.len()), 0);
    for (row, path) in paths.iter().enumerate() {
        let path = path.replace('\\', "/");
        let path = path.trim_start_matches("./");
        let what = || format!("row {}", row + 1);
        let found = ways.iter().enumerate().find_map(|(way, (all, name))| {
            let found = all.get(name(path))?;
            Some((way, found.as_slice()))
        });
        owner.push(match found {
            Some((way, [one])) => {
                counts[way] += 1;
                Some(*one)
            }
            Some((_, several)) => {
                let expected = "the path of one picture below the folder";
                let found = format!("{path:?}, a name of {}", several.len());
                return Err(malformed(file, what(), expected, found));
            }
            None if skipped => {
                absent += 1;
                None
            }
            None => {
                let expected = "a picture of the folder (where a command reads it, --skip-broken leaves out captions without \
                                one; of a suite's set, take the row out)";
                return Err(malformed(file, what(), expected, format!("{path:?}")));
            }
        });
    }
    let mut notes = Vec::new();
    let [_, by_name, endings, both] = counts;
    if by_name + both > 0 {
        notes.push(format!(
            "{} captions find their pictures by their names alone, without folders",
            by_name + both
        ));
    }
    if endings + both > 0 {
        notes.push(format!(
            "{} captions find their pictures under another ending than {} says",
            endings + both,
            file.display()
        ));
    }
    if absent > 0 {
        notes.push(format!(
            "{absent} captions left out: their pictures are not there or broken"
        ));
    }
    let captioned: HashSet<usize> = owner.iter().flatten().copied().collect();
    if captioned.is_empty() {
        let expected = "at least one whose picture is there";
        return Err(malformed(file, "captions", expected, "none"));
    }
    Ok(Matched {
        owner,
        without: images.len() - captioned.len(),
        notes,
    })
}

//! Images with captions: a folder of pictures, and a file that says which texts belong to which of them.
//!
//! A table or JSON has a column (a key) for the picture's path below the folder and one for the text; a picture may have
//! several rows, and in JSON a list of texts (as RSICD and RSITMD are passed on). A name without its folders is enough where it is one picture's alone, and that is told.

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

/// Which columns of the file count, where it is not known by their names.
#[derive(Debug, Clone, Copy, Default)]
pub struct Columns<'c> {
    /// Of pictures.
    pub image: Option<&'c str>,
    /// Of texts.
    pub text: Option<&'c str>,
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
        let of_image = named(columns.image, &IMAGES, "pictures")?;
        let of_text = named(columns.text, &TEXTS, "texts")?;
        let rows = texts::records(file, &of_image, &of_text)?;
        let skipped = broken == Broken::Skip;
        let paths: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let matched = owners(file, images.as_ref(), &paths, skipped)?;
        notes.extend(matched.notes);
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

/// The picture of every row.
struct Matched {
    /// `None` where a broken picture was left out.
    owner: Vec<Option<usize>>,
    notes: Vec<String>,
}

fn owners(
    file: &Path,
    images: &dyn Dataset,
    paths: &[&str],
    skipped: bool,
) -> Result<Matched, DatasetError> {
    let ids: Vec<String> = (0..images.len())
        .map(|i| images.id(i).unwrap_or_default())
        .collect();
    let whole: HashMap<&str, usize> = ids
        .iter()
        .enumerate()
        .map(|(i, id)| (id.as_str(), i))
        .collect();
    let mut short: HashMap<&str, Vec<usize>> = HashMap::new();
    for (i, id) in ids.iter().enumerate() {
        short
            .entry(id.rsplit('/').next().unwrap_or(id))
            .or_default()
            .push(i);
    }
    let (mut owner, mut by_name, mut absent) = (Vec::with_capacity(paths.len()), 0, 0);
    for (row, path) in paths.iter().enumerate() {
        let path = path.replace('\\', "/");
        let path = path.trim_start_matches("./");
        let found = match (whole.get(path), short.get(path)) {
            (Some(i), _) => Some(*i),
            (None, Some(all)) if all.len() == 1 => {
                by_name += 1;
                Some(all[0])
            }
            (None, Some(all)) => {
                let what = format!("row {}", row + 1);
                let expected = "the path of one picture below the folder";
                return Err(malformed(
                    file,
                    what,
                    expected,
                    format!("{path:?}, a name of {}", all.len()),
                ));
            }
            (None, None) => None,
        };
        if found.is_none() {
            if !skipped {
                let what = format!("row {}", row + 1);
                let expected =
                    "a picture of the folder (--skip-broken leaves out captions without one)";
                return Err(malformed(file, what, expected, format!("{path:?}")));
            }
            absent += 1;
        }
        owner.push(found);
    }
    let mut notes = Vec::new();
    if by_name > 0 {
        notes.push(format!(
            "{by_name} captions find their pictures by their names alone, without folders"
        ));
    }
    if absent > 0 {
        notes.push(format!(
            "{absent} captions left out: their pictures are not there or broken"
        ));
    }
    if owner.iter().all(Option::is_none) {
        return Err(malformed(
            file,
            "captions",
            "at least one whose picture is there",
            "none",
        ));
    }
    let captioned: std::collections::HashSet<usize> = owner.iter().flatten().copied().collect();
    let without = images.len() - captioned.len();
    if without > 0 {
        notes.push(format!(
            "{without} of {} pictures have no caption: they are found wrongly, and ask for none",
            images.len()
        ));
    }
    Ok(Matched { owner, notes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let home = tempfile::tempdir().expect("a folder");
        for (place, picture) in [
            ("a/one.png", "photo.png"),
            ("b/two.jpg", "420.jpg"),
            ("b/one.png", "tall.png"),
        ] {
            let path = home.path().join(place);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            let from = crate::fixture::path("preprocess/pictures").join(picture);
            std::fs::copy(from, path).expect("copied");
        }
        home
    }

    fn open(
        home: &tempfile::TempDir,
        name: &str,
        text: &str,
        broken: Broken,
    ) -> Result<Pairs, DatasetError> {
        let file = home.path().join(name);
        std::fs::write(&file, text).expect("written");
        let pictures = home.path();
        Pairs::open(
            pictures,
            &file,
            Columns::default(),
            &Preprocess::guess(32),
            broken,
        )
    }

    #[test]
    fn captions_meet_their_pictures() {
        let home = folder();
        let csv = "image,caption\na/one.png,first\n./b/two.jpg,second\na/one.png,first again\n";
        let pairs = open(&home, "c.csv", csv, Broken::Refuse).expect("pairs");
        let ids: Vec<_> = pairs
            .owner
            .iter()
            .map(|i| pairs.images.id(*i).expect("a name"))
            .collect();
        assert_eq!(ids, ["a/one.png", "b/two.jpg", "a/one.png"]);
        assert_eq!(pairs.texts, ["first", "second", "first again"]);
        assert!(
            pairs
                .notes
                .iter()
                .any(|note| note.contains("1 of 3 pictures have no caption"))
        );
        let list = r#"[{"image": "b/one.png", "caption": ["one", "two"]}, {"image": "a/one.png", "caption": "three"}]"#;
        let pairs = open(&home, "c.json", list, Broken::Refuse).expect("pairs");
        assert_eq!(pairs.texts, ["one", "two", "three"]);
        assert_eq!(pairs.owner[0], pairs.owner[1]);
        let lines = "{\"file_name\": \"two.jpg\", \"text\": \"by its name\"}\n";
        let pairs = open(&home, "c.jsonl", lines, Broken::Refuse).expect("pairs");
        assert_eq!(
            pairs.images.id(pairs.owner[0]).as_deref(),
            Some("b/two.jpg")
        );
        assert!(
            pairs
                .notes
                .iter()
                .any(|note| note.contains("by their names alone"))
        );
    }

    #[test]
    fn captions_without_one_picture_are_refused() {
        let home = folder();
        for (csv, part) in [
            ("image,caption\nc.png,none\n", "row 1"),
            ("image,caption\none.png,two of this name\n", "a name of 2"),
            ("picture,caption\na/one.png,x\n", "column of pictures"),
            ("image,words\na/one.png,x\n", "column of texts"),
            ("image,caption\na/one.png,\n", "blank"),
        ] {
            let told = open(&home, "c.csv", csv, Broken::Refuse)
                .err()
                .expect("refused")
                .to_string();
            assert!(told.contains(part), "{told}");
        }
        let csv = "image,caption\nc.png,none\na/one.png,one\n";
        let pairs = open(&home, "c.csv", csv, Broken::Skip).expect("pairs");
        assert_eq!(pairs.texts, ["one"]);
        assert!(open(&home, "c.csv", "image,caption\nc.png,none\n", Broken::Skip).is_err());
    }
}

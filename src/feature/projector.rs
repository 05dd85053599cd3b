//! Feature sets for TensorBoard's embedding projector: a folder of `NAME.tsv` (vectors, one sample a line,
//! no header), `metadata.tsv` (a header and one line a sample: id, class, label) and `projector_config.pbtxt`,
//! which names them. `tensorboard --logdir FOLDER` shows it; <https://projector.tensorflow.org> loads
//! the two kinds of TSV by hand.
//!
//! Nothing in a file can break a line: what is a control character or changes the direction of text in
//! a cell becomes U+FFFD, long cells are cut, formulas are defused. The same sets give the same bytes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use super::{FeatureError, FeatureSet};
use crate::files::defuse;
use crate::strata;

/// The file that names the others; a folder with one is an earlier export.
pub const CONFIG: &str = "projector_config.pbtxt";
/// More samples than a browser shows.
pub const MOST_SAMPLES: usize = 100_000;
/// More numbers than a browser loads (some 300 MB of text).
pub const MOST_VALUES: usize = 1 << 25;
/// Characters of a cell.
const MOST_CHARACTERS: usize = 200;

/// One set of the export.
#[derive(Debug, Clone)]
pub struct Embedding {
    /// What the projector calls it.
    pub name: String,
    /// Features, labels, class names, perhaps ids.
    pub set: FeatureSet,
}

impl Embedding {
    /// A set, or `samples` of it, balanced over its classes and chosen by `seed`: of sets with the
    /// same labels the same samples.
    ///
    /// # Errors
    /// [`FeatureError::TooLarge`] above [`MOST_SAMPLES`] or [`MOST_VALUES`].
    pub fn new(
        name: &str,
        set: FeatureSet,
        samples: Option<usize>,
        seed: u64,
    ) -> Result<Self, FeatureError> {
        let part = samples.filter(|&n| n < set.len());
        let part = part.and_then(|n| set.select(&strata::balanced(set.labels(), n, seed)));
        let set = part.unwrap_or(set);
        let values = set.len().saturating_mul(set.dim());
        for (found, most, unit) in [
            (set.len(), MOST_SAMPLES, "samples"),
            (values, MOST_VALUES, "numbers"),
        ] {
            if found > most {
                return Err(FeatureError::TooLarge {
                    what: name.into(),
                    most,
                    unit,
                    found,
                });
            }
        }
        Ok(Self {
            name: name.into(),
            set,
        })
    }
}

/// Writes the sets into `folder` as one export, in place of an earlier one. Sets of the same samples
/// share their metadata.
///
/// # Errors
/// [`FeatureError::Malformed`] for a folder with anything else in it, [`FeatureError::Io`].
pub fn write(folder: &Path, embeddings: &[Embedding]) -> Result<(), FeatureError> {
    prepare(folder)?;
    let mut config = String::new();
    let mut metadata: Vec<(String, String)> = Vec::new();
    let mut taken = vec!["metadata".to_owned()];
    for Embedding { name, set } in embeddings {
        let stem = stem(name, &mut taken);
        let vectors = format!("{stem}.tsv");
        write_vectors(&folder.join(&vectors), set)?;
        let text = metadata_of(set);
        let known = metadata.iter().find(|(_, known)| *known == text);
        let named = match known {
            Some((file, _)) => file.clone(),
            None => {
                let file = match metadata.is_empty() {
                    true => "metadata.tsv".to_owned(),
                    false => format!("{stem}.metadata.tsv"),
                };
                put(&folder.join(&file), text.as_bytes())?;
                metadata.push((file.clone(), text));
                file
            }
        };
        // Writing to a String cannot fail.
        let _ = write!(
            config,
            "embeddings {{\n  tensor_name: \"{}\"\n  tensor_path: \"{vectors}\"\n  metadata_path: \"{named}\"\n}}\n",
            quoted(name)
        );
    }
    put(&folder.join(CONFIG), config.as_bytes())
}

/// Makes the folder, or takes that of an earlier export.
fn prepare(folder: &Path) -> Result<(), FeatureError> {
    let io = |source| FeatureError::io(folder, source);
    std::fs::create_dir_all(folder).map_err(io)?;
    let mut entries = std::fs::read_dir(folder).map_err(io)?;
    match entries.next().is_none() || folder.join(CONFIG).is_file() {
        true => Ok(()),
        false => Err(FeatureError::malformed(
            folder,
            "folder",
            "an empty one, or an earlier export for the projector",
            "other files",
        )),
    }
}

/// A file name made of `name` that none of `taken` is, which it joins.
fn stem(name: &str, taken: &mut Vec<String>) -> String {
    let plain = |c: char| {
        let kept = c.is_ascii_alphanumeric() || "-_".contains(c);
        if kept { c } else { '-' }
    };
    let plain: String = name.chars().take(80).map(plain).collect();
    let plain = if plain.is_empty() { "vectors" } else { &plain };
    let numbered = (2..).map(|number| format!("{plain}-{number}"));
    let mut names = std::iter::once(plain.to_owned()).chain(numbered);
    let free = |name: &String| !taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    let found = names.find(free).unwrap_or_default();
    taken.push(found.clone());
    found
}

fn write_vectors(path: &Path, set: &FeatureSet) -> Result<(), FeatureError> {
    let write = |file: &mut File| -> std::io::Result<()> {
        let mut out = BufWriter::new(file);
        for row in set.features().rows() {
            for (place, value) in row.iter().enumerate() {
                let gap = if place > 0 { "\t" } else { "" };
                write!(out, "{gap}{value}")?;
            }
            out.write_all(b"\n")?;
        }
        out.flush()
    };
    crate::files::atomic::write_with(path, write).map_err(|source| FeatureError::io(path, source))
}

fn metadata_of(set: &FeatureSet) -> String {
    let mut text = String::from("sample\tclass\tlabel\n");
    for (row, &label) in set.labels().iter().enumerate() {
        let id = set
            .ids()
            .map_or_else(|| row.to_string(), |ids| cell(&ids[row]));
        let class = cell(&set.class_names()[label]);
        let _ = writeln!(text, "{id}\t{class}\t{label}");
    }
    text
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), FeatureError> {
    crate::files::atomic::write(path, bytes).map_err(|source| FeatureError::io(path, source))
}

/// Whether a character could end a cell or reorder the text around it.
fn unruly(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{061C}'
        )
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Text as a cell.
fn cell(text: &str) -> String {
    let mut characters = text.chars().map(|c| if unruly(c) { '\u{FFFD}' } else { c });
    let mut kept: String = characters.by_ref().take(MOST_CHARACTERS).collect();
    if characters.next().is_some() {
        kept.push('…');
    }
    match kept.is_empty() {
        true => "-".into(),
        false => defuse(kept),
    }
}

/// Text as a string of a protocol buffer's text format.
fn quoted(text: &str) -> String {
    cell(text).replace('\\', "\\\\").replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    fn set(names: &[&str], ids: Option<&[&str]>) -> FeatureSet {
        let features = Array2::from_shape_fn((4, 3), |(i, j)| i as f32 / 3.0 - j as f32);
        let names = names.iter().map(ToString::to_string).collect();
        let set = FeatureSet::new(features, vec![0, 1, 0, 1], names).unwrap();
        match ids {
            Some(ids) => set
                .with_ids(ids.iter().map(ToString::to_string).collect())
                .unwrap(),
            None => set,
        }
    }

    fn embedding(name: &str, set: FeatureSet) -> Embedding {
        Embedding::new(name, set, None, 0).unwrap()
    }

    #[test]
    fn vectors_and_metadata_have_a_line_a_sample_and_numbers_come_back_exactly() {
        let home = tempfile::tempdir().unwrap();
        let made = set(&["cat", "dog"], Some(&["a.png", "b", "c", "d"]));
        let other = set(&["cat", "fox"], None);
        let sets = [("one", &made), ("metadata", &made), ("ONE", &other)];
        let sets = sets.map(|(name, set)| embedding(name, set.clone()));
        write(home.path(), &sets).unwrap();
        let read = |name: &str| std::fs::read_to_string(home.path().join(name)).unwrap();
        let vectors = read("one.tsv");
        let numbers: Vec<f32> = vectors
            .split_whitespace()
            .map(|v| v.parse().unwrap())
            .collect();
        assert_eq!(numbers, made.features().iter().copied().collect::<Vec<_>>());
        assert_eq!(vectors.lines().count(), 4);
        assert_eq!(
            read("metadata.tsv"),
            "sample\tclass\tlabel\na.png\tcat\t0\nb\tdog\t1\nc\tcat\t0\nd\tdog\t1\n"
        );
        let config = read(CONFIG);
        for part in [
            "tensor_name: \"one\"\n  tensor_path: \"one.tsv\"\n  metadata_path: \"metadata.tsv\"",
            "tensor_path: \"metadata-2.tsv\"\n  metadata_path: \"metadata.tsv\"",
            "tensor_path: \"ONE-2.tsv\"\n  metadata_path: \"ONE-2.metadata.tsv\"",
        ] {
            assert!(config.contains(part), "{config}");
        }
        assert!(read("ONE-2.metadata.tsv").contains("\n1\tfox\t1\n"));
        write(home.path(), &sets[..1]).unwrap();
        assert_eq!(read("one.tsv"), vectors, "an earlier export is replaced");
    }

    #[test]
    fn hostile_cells_stay_in_their_cells() {
        let evil = "a\tb\nc\r\u{202e}d\u{2028}</script>";
        let long = "x".repeat(10_000);
        let made = set(&[evil, "=cmd()"], Some(&["", &long, "\"\\", "+1"]));
        let text = metadata_of(&made);
        assert_eq!(text.lines().count(), 5);
        assert!(text.lines().all(|line| line.split('\t').count() == 3));
        assert!(text.lines().all(|line| line.chars().count() < 420));
        assert!(!text.contains(['\r', '\u{202e}', '\u{2028}']));
        assert!(text.contains("\t'=cmd()\t") && text.contains("\n'+1\t"));
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &[embedding("../\"} x {\n\\", made)]).unwrap();
        let config = std::fs::read_to_string(home.path().join(CONFIG)).unwrap();
        assert!(config.contains(r#"tensor_name: "../\"} x {"#) && config.lines().count() == 5);
        assert!(home.path().join("------x----.tsv").is_file(), "{config}");
    }

    #[test]
    fn large_sets_are_refused_or_sampled_in_balance() {
        let rows = MOST_SAMPLES + 1;
        let large = || {
            let labels = (0..rows).map(|i| usize::from(i % 10 == 0)).collect();
            FeatureSet::unnamed(Array2::zeros((rows, 1)), labels).unwrap()
        };
        let error = Embedding::new("x", large(), None, 0)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("at most 100000 samples, found 100001; --samples N"),
            "{error}"
        );
        let part = Embedding::new("x", large(), Some(100), 0).unwrap().set;
        assert_eq!(part.labels().iter().filter(|&&l| l == 1).count(), 50);
        let wide =
            FeatureSet::unnamed(Array2::zeros((2, MOST_VALUES / 2 + 1)), vec![0, 1]).unwrap();
        assert!(matches!(
            Embedding::new("x", wide, None, 0),
            Err(FeatureError::TooLarge {
                unit: "numbers",
                ..
            })
        ));
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("thesis.txt"), "x").unwrap();
        let error = write(home.path(), &[embedding("a", set(&["a", "b"], None))]).unwrap_err();
        assert!(error.to_string().contains("other files"), "{error}");
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}

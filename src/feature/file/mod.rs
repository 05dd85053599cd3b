//! Feature sets as files: `.safetensors` and `.npz`; a single array as `.npy`.
//!
//! The first two hold `features [N, D]` (floats), `labels [N]` (integers), optional `class_names` and
//! optional `ids`. In safetensors the two lists of strings are JSON lists in the header's
//! `__metadata__`; in npz they are unicode arrays. Without class names, classes are named by
//! their numbers. A `.npy` file holds features alone; its labels are another file ([`Contents`]).
//! Reading allocates in proportion to the file and never to what a header promises
//! (deflated npz members: up to [`MAX_MEMBER`]); writing is atomic (temporary file in the same
//! folder, fsync, rename, fsync of the folder) and the same set gives the same bytes.
//!
//! To export from PyTorch: `safetensors.torch.save_file({"features": f, "labels": y}, path)`.

pub mod array;
mod arrays;
mod contents;
mod npz;
mod safetensors;

pub use arrays::{Arrays, write_arrays};
pub use contents::Contents;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use zip::result::ZipError;

use super::{FeatureError, FeatureSet};

/// Inflated npz members above this many bytes are refused (16 GiB).
pub const MAX_MEMBER: u64 = 1 << 34;

enum Format {
    Safetensors,
    Npz,
}

fn format_of(path: &Path) -> Result<Format, FeatureError> {
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    match ending.as_str() {
        "safetensors" => Ok(Format::Safetensors),
        "npz" => Ok(Format::Npz),
        _ => Err(FeatureError::UnknownFormat {
            path: path.to_owned(),
            found: ending,
        }),
    }
}

/// Reads a feature set; the file's ending decides the format.
///
/// # Errors
/// [`FeatureError`] with the path: unreadable, malformed, or a set that is not valid.
pub fn read(path: &Path) -> Result<FeatureSet, FeatureError> {
    Contents::read(path)?.set()
}

/// Writes a feature set atomically; the file's ending decides the format.
///
/// # Errors
/// [`FeatureError`] with the path. An existing file is left as it was.
pub fn write(path: &Path, set: &FeatureSet) -> Result<(), FeatureError> {
    let format = format_of(path)?;
    save(path, |file| match format {
        Format::Safetensors => Ok(safetensors::write(file, set)?),
        Format::Npz => npz::write(file, set),
    })
}

/// Writes a file atomically, with errors that name it.
fn save(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), ZipError>,
) -> Result<(), FeatureError> {
    crate::atomic::write_with(path, write).map_err(|e| {
        FeatureError::io(
            path,
            match e {
                ZipError::Io(e) => e,
                e => std::io::Error::other(e),
            },
        )
    })
}

/// Names in a line, however many there are.
fn few(names: &[impl AsRef<str>]) -> String {
    const MOST: usize = 12;
    let shown: Vec<&str> = names.iter().take(MOST).map(AsRef::as_ref).collect();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match shown.is_empty() {
        true => "nothing".into(),
        false => shown.join(", ") + &more,
    }
}

fn write_features(out: &mut impl Write, set: &FeatureSet) -> std::io::Result<()> {
    set.features()
        .iter()
        .try_for_each(|v| out.write_all(&v.to_le_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::npy;
    use ndarray::{Array2, array};

    fn example() -> FeatureSet {
        FeatureSet::new(
            array![[1.0, 2.5], [-3.0, 4.0], [0.0, 1e-8]],
            vec![1, 0, 1],
            vec!["cat".into(), "größe".into()],
        )
        .and_then(|s| s.with_ids(vec!["a".into(), "b".into(), "</script>".into()]))
        .expect("valid")
    }

    #[test]
    fn both_formats_return_what_was_written_and_the_same_bytes() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["f.safetensors", "f.npz"] {
            let path = folder.path().join(name);
            write(&path, &example()).expect("writes");
            let first = std::fs::read(&path).expect("bytes");
            assert_eq!(read(&path).expect("reads"), example());
            write(&path, &example()).expect("overwrites");
            assert_eq!(
                std::fs::read(&path).expect("bytes"),
                first,
                "{name}: same set, same bytes"
            );
        }
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("folder").count(),
            2,
            "no temporary is left"
        );
        let empty =
            FeatureSet::new(Array2::zeros((0, 4)), vec![], vec!["a".into()]).expect("empty");
        let path = folder.path().join("e.npz");
        write(&path, &empty).expect("writes");
        assert_eq!(read(&path).expect("reads"), empty);
    }

    #[test]
    fn every_truncation_and_every_flipped_byte_is_survived() {
        let folder = tempfile::tempdir().expect("folder");
        for name in ["f.safetensors", "f.npz"] {
            let path = folder.path().join(name);
            write(&path, &example()).expect("writes");
            let good = std::fs::read(&path).expect("bytes");
            let bad = folder.path().join(format!("bad-{name}"));
            for end in 0..good.len() {
                std::fs::write(&bad, &good[..end]).expect("writes");
                assert!(read(&bad).is_err(), "{name} cut to {end}");
            }
            for at in 0..good.len() {
                let mut bytes = good.clone();
                bytes[at] ^= 0xff;
                std::fs::write(&bad, &bytes).expect("writes");
                // Some bytes are padding or names; what matters is that nothing panics.
                if let Err(e) = read(&bad) {
                    assert!(e.to_string().contains("bad-f"), "{e}");
                }
            }
        }
    }

    #[test]
    fn nan_weights_missing_parts_and_unknown_endings_are_named() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("f.safetensors");
        write(&path, &example()).expect("writes");
        let mut bytes = std::fs::read(&path).expect("bytes");
        let end = bytes.len();
        bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        std::fs::write(&path, &bytes).expect("writes");
        let error = read(&path).expect_err("NaN").to_string();
        assert!(error.contains("row 2, column 1"), "{error}");
        let said = |path: &str| read(Path::new(path)).expect_err("refused").to_string();
        assert!(said("x.csv").contains(".npy or .safetensors, found \"csv\""));
        assert!(matches!(
            write(Path::new("x.npy"), &example()),
            Err(FeatureError::UnknownFormat { .. })
        ));
        assert!(matches!(
            read(&folder.path().join("none.npz")),
            Err(FeatureError::Io { .. })
        ));
    }
    #[test]
    fn a_single_array_is_features_or_labels_and_finds_its_classes_elsewhere() {
        let folder = tempfile::tempdir().expect("folder");
        let [features, labels] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
        array::write_matrix(&features, array![[1.0, 2.0], [3.0, 4.0]].view()).expect("writes");
        let bytes = [npy::header("|i1", &[2]), vec![1, 0]].concat();
        std::fs::write(&labels, bytes).expect("writes");
        let contents = Contents::read(&features).expect("reads");
        let none = contents.clone().set().expect_err("no labels").to_string();
        assert!(
            none.contains("labels: expected an array labels [N]"),
            "{none}"
        );
        let contents = contents.with_labels(&labels).expect("reads");
        let set = contents.clone().set().expect("valid");
        assert_eq!((set.labels(), set.dim()), (&[1, 0][..], 2));
        let beyond = contents.set_of(&["only".into()]).expect_err("label");
        assert!(
            beyond
                .to_string()
                .contains("row 0: expected a class below 1")
        );
        let bytes = [npy::header("|i1", &[1]), vec![255]].concat();
        std::fs::write(&labels, bytes).expect("writes");
        let said = array::labels(&labels).expect_err("negative").to_string();
        assert!(
            said.contains("row 0: expected a class, from 0, found -1"),
            "{said}"
        );
        assert!(Contents::read(&labels).is_err(), "one side is no matrix");
    }
}

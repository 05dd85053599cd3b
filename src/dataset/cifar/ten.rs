//! CIFAR-10 in the official binary version (Krizhevsky 2009): the surrogate source set. Every
//! `data_batch_*.bin` that is present is training data, a tenth of each class held out for
//! validation; `test_batch.bin` is the test part.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::files::{Place, io, names};
use super::super::{Dataset, DatasetError, Normalise, Splits};
use super::{Cifar, Records, split};

const PLACE: Place = Place {
    set: "CIFAR-10",
    folders: &["cifar10", "cifar-10-batches-bin"],
    hint: "get https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz, unpack it and pass \
           --data DIR with DIR/cifar10/test_batch.bin (or DIR/cifar-10-batches-bin/…)",
};

/// Opens the three parts.
pub(in crate::dataset) fn open(data_dir: Option<&Path>) -> Result<Splits, DatasetError> {
    let test_path = PLACE.find(data_dir, &["test_batch.bin"])?;
    let folder = test_path.parent().unwrap_or(Path::new("")).to_path_buf();
    let classes = names(&PLACE.find(data_dir, &["batches.meta.txt"])?, 10)?;
    let batches = training_batches(&folder)?;
    let norm = Normalise::cifar();
    let make = |paths: &[PathBuf]| -> Result<Arc<dyn Dataset>, DatasetError> {
        let records = Records::open(paths, &[10])?;
        Ok(Arc::new(Cifar::new(records, 0, classes.clone(), &norm)))
    };
    let test = make(&[test_path])?;
    split(make(&batches)?, test)
}

/// `data_batch_*.bin` of the folder, by name.
fn training_batches(folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
    let mut batches = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io(folder))? {
        let path = entry.map_err(io(folder))?.path();
        let is_batch = path
            .file_name()
            .and_then(|n| n.to_str())
            .is_some_and(|name| name.starts_with("data_batch_") && name.ends_with(".bin"));
        if is_batch {
            batches.push(path);
        }
    }
    if batches.is_empty() {
        return Err(PLACE.missing(&folder.join("data_batch_1.bin")));
    }
    batches.sort();
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::super::tests::write;
    use super::*;

    #[test]
    fn absent_files_say_where_and_how() {
        let message =
            |dir: Option<&Path>| open(dir).err().map(|e| e.to_string()).unwrap_or_default();
        let without = message(None);
        assert!(
            without.contains("test_batch.bin") && without.contains("--data DIR"),
            "{without}"
        );
        let dir = tempfile::tempdir().unwrap();
        assert!(message(Some(dir.path())).contains("cifar10"));
        let folder = dir.path().join("cifar-10-batches-bin");
        std::fs::create_dir(&folder).unwrap();
        write(&folder.join("test_batch.bin"), &[&[0]]);
        assert!(message(Some(dir.path())).contains("batches.meta.txt"));
        let names: String = (0..10).map(|i| format!("name {i}\n")).collect();
        std::fs::write(folder.join("batches.meta.txt"), format!("{names}\n")).unwrap();
        assert!(message(Some(dir.path())).contains("data_batch_1.bin"));
        let records: Vec<Vec<u8>> = (0..40).map(|i| vec![i % 10]).collect();
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        write(&folder.join("data_batch_2.bin"), &records);
        let splits = open(Some(dir.path())).unwrap();
        assert_eq!(
            (splits.train.len(), splits.valid.len(), splits.test.len()),
            (30, 10, 1)
        );
    }
}

//! CIFAR-10 (Krizhevsky 2009): the surrogate source set. Of the official binary version every
//! `data_batch_*.bin` that is present is training data, a tenth of each class held out for
//! validation; `test_batch.bin` is the test part. Without them the official archive is read, with
//! all five batches; without that the python version, folder or archive, with all five as well.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::descriptor::{Data, Input, Reader};
use super::python::{Parts, Pickled};
use super::{Cifar, FORMS, Records, Source, first, with_validation};
use crate::dataset::files::{Place, io, names};
use crate::dataset::{Dataset, DatasetError, Display, Normalise, Splits};
use crate::suite::task::TargetKind;

const PLACE: Place = Place::of("cifar10");

/// The reader `cifar10`.
pub const READER: Reader = Reader {
    name: "cifar10",
    title: "CIFAR-10",
    what: "Photographs, 3 × 32 × 32, of ten classes",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root, &asked.normalise(Normalise::cifar())),
};

const PYTHON: Pickled = Pickled {
    batches: &[
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ],
    meta: "batches.meta",
    names: "label_names",
    labels: &[("labels", 10)],
    archive: ["cifar-10-python.tar.gz", "cifar-10-batches-py"],
};

/// Opens the three parts; pixels of `0..=1` go through `norm`.
pub(super) fn open(root: &Path, norm: &Normalise) -> Result<Splits, DatasetError> {
    let missing = PLACE.find(root, &["test_batch.bin"]).err();
    let forms: [super::Form<'_, Parts>; 4] = [
        (FORMS[0], &|| binary(root)),
        (FORMS[1], &|| packed(root)),
        (FORMS[2], &|| PYTHON.unpacked(&PLACE, root)),
        (FORMS[3], &|| PYTHON.packed(&PLACE, root)),
    ];
    let missing = missing.unwrap_or_else(|| PLACE.missing(Path::new("data_batch_1.bin")));
    let ((mut batches, classes), form) = first(&forms, missing)?;
    let test = batches.split_off(batches.len().saturating_sub(1));
    let make = |sources: Vec<Source>| -> Result<Arc<dyn Dataset>, DatasetError> {
        let records = Records::open(sources, &[10])?;
        Ok(Arc::new(Cifar::new(records, 0, classes.clone(), norm)))
    };
    let test = make(test)?;
    let note = format!(
        "read from the {form}, {} of 5 training batches",
        batches.len()
    );
    Ok(with_validation(make(batches)?, test)?.noted([note]))
}

/// The files of the binary version, the test batch last.
fn binary(root: &Path) -> Result<Option<Parts>, DatasetError> {
    let Ok(test) = PLACE.find(root, &["test_batch.bin"]) else {
        return Ok(None);
    };
    let folder = test.parent().unwrap_or(Path::new("")).to_path_buf();
    let classes = names(&PLACE.find(root, &["batches.meta.txt"])?, 10)?;
    let mut batches = training_batches(&folder)?;
    batches.push(test);
    let batches: Result<Vec<_>, _> = batches.iter().map(|path| Source::map(path)).collect();
    Ok(Some((batches?, classes)))
}

/// The same of the official archive.
fn packed(root: &Path) -> Result<Option<Parts>, DatasetError> {
    let Ok(archive) = PLACE.find(root, &["cifar-10-binary.tar.gz"]) else {
        return Ok(None);
    };
    let member = |name: &str| format!("cifar-10-batches-bin/{name}");
    let mut wanted: Vec<String> = (1..=5)
        .map(|batch| member(&format!("data_batch_{batch}.bin")))
        .collect();
    wanted.push(member("test_batch.bin"));
    wanted.push(member("batches.meta.txt"));
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut batches = Source::members(&archive, &wanted)?;
    let Some(meta) = batches.pop() else {
        return Err(PLACE.missing(&archive));
    };
    let classes = meta.names(10)?;
    Ok(Some((batches, classes)))
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
        let message = |dir: &Path| {
            open(dir, &Normalise::cifar())
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default()
        };
        let without = message(Path::new("absent"));
        assert!(
            without.contains("test_batch.bin") && without.contains("DIR/cifar-10-batches-py"),
            "{without}"
        );
        let dir = tempfile::tempdir().unwrap();
        assert!(message(dir.path()).contains("cifar10"));
        let folder = dir.path().join("cifar-10-batches-bin");
        std::fs::create_dir(&folder).unwrap();
        write(&folder.join("test_batch.bin"), &[&[0]]);
        assert!(message(dir.path()).contains("batches.meta.txt"));
        let names: String = (0..10).map(|i| format!("name {i}\n")).collect();
        std::fs::write(folder.join("batches.meta.txt"), format!("{names}\n")).unwrap();
        assert!(message(dir.path()).contains("data_batch_1.bin"));
        let records: Vec<Vec<u8>> = (0..40).map(|i| vec![i % 10]).collect();
        let records: Vec<&[u8]> = records.iter().map(Vec::as_slice).collect();
        write(&folder.join("data_batch_2.bin"), &records);
        let splits = open(dir.path(), &Normalise::cifar()).unwrap();
        assert_eq!(
            (splits.train.len(), splits.valid.len(), splits.test.len()),
            (30, 10, 1)
        );
    }
    #[test]
    fn the_official_archive_is_read_without_unpacking() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("cifar10")).unwrap();
        let place = dir.path().join("records.bin");
        let all: Vec<Vec<u8>> = (0..20).map(|i| vec![i % 10]).collect();
        let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
        write(&place, &all);
        let records = std::fs::read(&place).unwrap();
        let names: String = (0..10).map(|i| format!("name {i}\n")).collect();
        let files: Vec<(String, &[u8])> = (1..=5)
            .map(|b| (format!("data_batch_{b}.bin"), &records[..]))
            .chain([("test_batch.bin".into(), &records[..3073])])
            .chain([("batches.meta.txt".into(), names.as_bytes())])
            .map(|(name, bytes)| (format!("cifar-10-batches-bin/{name}"), bytes))
            .collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (n.as_str(), *b)).collect();
        let tar = crate::files::tar::write::archive(&files);
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        std::io::Write::write_all(&mut gz, &tar).unwrap();
        let archive = dir.path().join("cifar10/cifar-10-binary.tar.gz");
        std::fs::write(&archive, gz.finish().unwrap()).unwrap();
        let splits = open(dir.path(), &Normalise::cifar()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(lengths, [90, 10, 1]);
        // what a browser unpacks half-way keeps its name
        std::fs::write(&archive, &tar).unwrap();
        assert_eq!(
            open(dir.path(), &Normalise::cifar()).unwrap().train.len(),
            90
        );
        std::fs::write(&archive, &tar[1..]).unwrap();
        let said = open(dir.path(), &Normalise::cifar())
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains("tar header"), "{said}");
    }
}

//! CIFAR-100: all hundred fine classes, or cut into the 80 that the source model learns and the 20
//! that it never sees: of every coarse class the first fine class in label order is held out.
//!
//! Which classes these are is derived from the records themselves (every record carries both
//! labels) and checked to be consistent over both files.

use std::path::Path;
use std::sync::Arc;

use super::super::descriptor::{Data, Input, Reader};
use super::python::{Parts, Pickled};
use super::{Cifar, FORMS, Records, Source, first, with_validation};
use crate::dataset::files::{Place, malformed, names};
use crate::dataset::spherical::{Projection, Rotation, Spherical};
use crate::dataset::{Dataset, DatasetError, Display, Normalise, Splits, Subset};
use crate::suite::task::TargetKind;

const PLACE: Place = Place::of("cifar100");

/// The reader `cifar100`.
pub const HUNDRED: Reader = Reader {
    name: "cifar100",
    title: "CIFAR-100",
    what: "Photographs, 3 × 32 × 32, of a hundred classes",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| whole(asked.root, &asked.normalise(Normalise::cifar())),
};

/// The reader `cifar100-source`.
pub const SOURCE: Reader = Reader {
    name: "cifar100-source",
    title: "CIFAR-100, 80 source classes",
    what: "Photographs, 3 × 32 × 32, of the 80 classes that a source model learns",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| source(asked.root, &asked.normalise(Normalise::cifar())),
};

/// The reader `cifar100-heldout`.
pub const HELDOUT: Reader = Reader {
    name: "cifar100-heldout",
    title: "CIFAR-100, 20 held-out classes",
    what: "Photographs, 3 × 32 × 32, of the first fine class of each of the 20 coarse classes",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| heldout(asked.root, &asked.normalise(Normalise::cifar())),
};

/// The reader `cifar100-heldout-spherical`.
pub const HELDOUT_SPHERICAL: Reader = Reader {
    name: "cifar100-heldout-spherical",
    title: "CIFAR-100, 20 held-out classes on the sphere",
    what: "Photographs of the 20 held-out classes projected on the sphere, 3 × 60 × 60",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| {
        let norm = asked.normalise(Normalise::cifar());
        heldout_spherical(asked.root, asked.seed, &norm)
    },
};
/// Classes that the two label bytes count: coarse, fine.
const LIMITS: [u8; 2] = [20, 100];
const FINE: usize = 1;

/// All hundred classes, in fine-label order.
pub(super) fn whole(root: &Path, norm: &Normalise) -> Result<Splits, DatasetError> {
    let whole = Whole::open(root, norm)?;
    Ok(with_validation(whole.train, whole.test)?.noted([whole.note]))
}

/// The 80 source classes, relabelled `0..80` in fine-label order.
pub(super) fn source(root: &Path, norm: &Normalise) -> Result<Splits, DatasetError> {
    let whole = Whole::open(root, norm)?;
    let heldout = whole.heldout()?;
    let rest: Vec<usize> = (0..100).filter(|fine| !heldout.contains(fine)).collect();
    whole.part(&rest)
}

/// The 20 held-out classes, relabelled `0..20` in coarse-label order.
pub(super) fn heldout(root: &Path, norm: &Normalise) -> Result<Splits, DatasetError> {
    let whole = Whole::open(root, norm)?;
    let heldout = whole.heldout()?;
    whole.part(&heldout)
}

/// The held-out classes on the sphere, 3 × 60 × 60, every sample under its own random rotation.
pub(super) fn heldout_spherical(
    root: &Path,
    seed: u64,
    norm: &Normalise,
) -> Result<Splits, DatasetError> {
    let black = norm.of(0.0);
    let projection = Arc::new(Projection::new(30));
    Spherical::splits(
        &heldout(root, norm)?,
        &projection,
        Rotation::Uniform,
        &black,
        seed,
    )
}

const PYTHON: Pickled = Pickled {
    batches: &["train", "test"],
    meta: "meta",
    names: "fine_label_names",
    labels: &[("coarse_labels", LIMITS[0]), ("fine_labels", LIMITS[1])],
    archive: ["cifar-100-python.tar.gz", "cifar-100-python"],
};

/// The files of the binary version: training, then test.
fn binary(root: &Path) -> Result<Option<Parts>, DatasetError> {
    let Ok(train) = PLACE.find(root, &["train.bin", "train_25000_balanced.bin"]) else {
        return Ok(None);
    };
    let test = PLACE.find(root, &["test.bin"])?;
    let classes = names(&PLACE.find(root, &["fine_label_names.txt"])?, 100)?;
    Ok(Some((
        vec![Source::map(&train)?, Source::map(&test)?],
        classes,
    )))
}

/// The same of the official archive.
fn packed(root: &Path) -> Result<Option<Parts>, DatasetError> {
    let Ok(archive) = PLACE.find(root, &["cifar-100-binary.tar.gz"]) else {
        return Ok(None);
    };
    let wanted = ["train.bin", "test.bin", "fine_label_names.txt"];
    let wanted = wanted.map(|name| format!("cifar-100-binary/{name}"));
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let mut sources = Source::members(&archive, &wanted)?;
    let Some(meta) = sources.pop() else {
        return Err(PLACE.missing(&archive));
    };
    let classes = meta.names(100)?;
    Ok(Some((sources, classes)))
}

/// Both files with all hundred classes.
struct Whole {
    train: Arc<Cifar>,
    test: Arc<Cifar>,
    train_path: std::path::PathBuf,
    test_path: std::path::PathBuf,
    /// In which form the files are.
    note: String,
}

impl Whole {
    fn open(root: &Path, norm: &Normalise) -> Result<Self, DatasetError> {
        let missing = PLACE.find(root, &["train.bin"]).err();
        let missing = missing.unwrap_or_else(|| PLACE.missing(Path::new("test.bin")));
        let forms: [super::Form<'_, Parts>; 4] = [
            (FORMS[0], &|| binary(root)),
            (FORMS[1], &|| packed(root)),
            (FORMS[2], &|| PYTHON.unpacked(&PLACE, root)),
            (FORMS[3], &|| PYTHON.packed(&PLACE, root)),
        ];
        let ((mut sources, classes), form) = first(&forms, missing)?;
        let (Some(test), Some(train)) = (sources.pop(), sources.pop()) else {
            return Err(PLACE.missing(Path::new("test.bin")));
        };
        let (train_path, test_path) = (train.path.clone(), test.path.clone());
        let make = |source: Source| -> Result<Arc<Cifar>, DatasetError> {
            let records = Records::open(vec![source], &LIMITS)?;
            Ok(Arc::new(Cifar::new(records, FINE, classes.clone(), norm)))
        };
        let name = train_path.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            note: format!("read from the {form}, training from {name}"),
            train: make(train)?,
            test: make(test)?,
            train_path,
            test_path,
        })
    }

    /// The first fine class of every coarse class, in coarse order.
    fn heldout(&self) -> Result<Vec<usize>, DatasetError> {
        let mut coarse_of = [None; 100];
        for (path, set) in [
            (&self.train_path, &self.train),
            (&self.test_path, &self.test),
        ] {
            for index in 0..set.len() {
                let labels = set.records.record(index).0;
                let (coarse, fine) = (labels[0], usize::from(labels[FINE]));
                if *coarse_of[fine].get_or_insert(coarse) != coarse {
                    return Err(malformed(
                        path,
                        format!("coarse label of record {index} (fine class {fine})"),
                        coarse_of[fine].unwrap_or(coarse).to_string(),
                        coarse.to_string(),
                    ));
                }
            }
        }
        (0..LIMITS[0])
            .map(|coarse| {
                coarse_of
                    .iter()
                    .position(|&c| c == Some(coarse))
                    .ok_or_else(|| {
                        let expected = format!("records of coarse class {coarse}");
                        malformed(&self.train_path, "coarse classes", expected, "none")
                    })
            })
            .collect()
    }

    /// The fine classes `keep` of both files.
    fn part(&self, keep: &[usize]) -> Result<Splits, DatasetError> {
        let train = Subset::of_classes(self.train.clone(), keep)?;
        let test = Subset::of_classes(self.test.clone(), keep)?;
        let splits = with_validation(Arc::new(train), Arc::new(test))?;
        Ok(splits.noted([self.note.clone()]))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::write;
    use super::*;

    fn folder(train: &[[u8; 2]], test: &[[u8; 2]]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("cifar100");
        std::fs::create_dir(&folder).unwrap();
        for (name, records) in [("train.bin", train), ("test.bin", test)] {
            let records: Vec<&[u8]> = records.iter().map(|r| r.as_slice()).collect();
            write(&folder.join(name), &records);
        }
        let names: String = (0..100).map(|i| format!("fine {i}\n")).collect();
        std::fs::write(folder.join("fine_label_names.txt"), names).unwrap();
        dir
    }

    /// Two records per fine class; fine `f` belongs to coarse `19 − f % 20`.
    fn records() -> Vec<[u8; 2]> {
        (0..200)
            .map(|i| [19 - (i % 20) as u8, (i % 100) as u8])
            .collect()
    }

    #[test]
    fn the_first_fine_class_of_each_coarse_class_is_held_out() {
        let dir = folder(&records(), &records());
        let held = heldout(dir.path(), &Normalise::cifar()).unwrap();
        assert_eq!(held.test.classes().len(), 20);
        // coarse 0 holds fine 19, 39, …
        assert_eq!(held.test.classes()[0], "fine 19");
        assert_eq!(held.test.len(), 40);
        let rest = source(dir.path(), &Normalise::cifar()).unwrap();
        assert_eq!(rest.train.classes().len(), 80);
        assert!(
            rest.train
                .classes()
                .iter()
                .all(|c| !held.test.classes().contains(c))
        );
        assert_eq!(rest.train.len() + rest.valid.len(), 160);
        let form = "read from the binary version, training from train.bin";
        assert_eq!([&held.notes, &rest.notes], [&[form], &[form]]);
        let sphere = heldout_spherical(dir.path(), 0, &Normalise::cifar()).unwrap();
        assert_eq!(sphere.notes, [form]);
        let all = whole(dir.path(), &Normalise::cifar()).unwrap();
        assert_eq!(
            (all.train.len(), all.valid.len(), all.test.len()),
            (100, 100, 200)
        );
        assert_eq!(all.test.classes().len(), 100);
    }

    #[test]
    fn contradictory_coarse_labels_are_refused() {
        let mut wrong = records();
        wrong[150][0] = 3;
        let dir = folder(&records(), &wrong);
        let message = heldout(dir.path(), &Normalise::cifar())
            .err()
            .unwrap()
            .to_string();
        assert!(message.contains("record 150"), "{message}");
        let dir = folder(&records()[..10], &records()[..10]);
        assert!(heldout(dir.path(), &Normalise::cifar()).is_err());
    }
}

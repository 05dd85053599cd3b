//! The door to all readers: a suite's entry becomes three capped parts, as they are read or as a
//! model takes them.

use std::path::Path;

use super::pictured::Pictured;
use super::readers::Input;
use super::store::Store;
use super::{
    Asked, Dataset, DatasetError, Display, Reader, Resized, Splits, TargetShape, cap, class_counts,
};
use crate::suite::dataset::DatasetSpec;
use crate::suite::preprocess::{Origin, Preprocess};

/// Opens the dataset of a suite's entry.
///
/// `data_dir` holds the files of the real sets, one folder each ([`Store::at`] where none is
/// named); the demo readers need none.
/// `seed` fixes which samples a cap keeps, the demo data and the rotations on the sphere. It does
/// not move samples between training, validation and test parts of real sets.
///
/// `spec.train`, `spec.valid` and `spec.test` cap the parts, balanced over classes; 0 keeps what
/// the reader has. The demo readers make as many samples as they are asked for. Notes of the reader
/// ([`Splits::notes`]) begin with the entry's name.
///
/// # Errors
/// `Unsatisfiable` for a reader that there is not; `Missing` with the place and the source of an
/// absent file; `Malformed` for a file that breaks its format; `Io` for what the system refuses.
pub fn open(
    spec: &DatasetSpec,
    data_dir: Option<&Path>,
    seed: u64,
) -> Result<Splits, DatasetError> {
    let how = Preprocess::own(PICTURE_SIDE);
    read(Reader::of(spec)?, spec, data_dir, seed, &how)
}

/// Side of the pictures of a folder where no model says it.
const PICTURE_SIDE: usize = 224;

/// A set, opened for a model.
pub struct Opened {
    /// Its parts as the model takes them.
    pub splits: Splits,
    /// Its parts as they are read.
    pub original: Splits,
    /// How a sample, as it is read, is displayed.
    pub display: Display,
}

impl Opened {
    /// What the reader inferred, left out, or does otherwise than one may think.
    pub fn notes(&self) -> &[String] {
        &self.original.notes
    }
}

/// Opens the dataset of a suite's entry for a model of inputs `side × side`: pictures are prepared as
/// `how` says, everything else is resized.
///
/// # Errors
/// Those of [`open`], and `Unsatisfiable` if `how` does not fit the channels of the pictures.
pub fn open_for(
    spec: &DatasetSpec,
    data_dir: Option<&Path>,
    seed: u64,
    how: &Preprocess,
    side: usize,
) -> Result<Opened, DatasetError> {
    let reader = Reader::of(spec)?;
    let original = read(reader, spec, data_dir, seed, how)?;
    let splits = match reader.input {
        Input::Prepared => original.clone(),
        Input::Pictures if how.origin != Origin::Own => {
            Pictured::splits(&original, how, &spec.name)?
        }
        Input::Pictures | Input::Resized => Resized::splits(original.clone(), side),
    };
    Ok(Opened {
        display: reader.display(original.train.shape()),
        splits,
        original,
    })
}

/// The parts as they are read, capped.
fn read(
    reader: &Reader,
    spec: &DatasetSpec,
    data_dir: Option<&Path>,
    seed: u64,
    how: &Preprocess,
) -> Result<Splits, DatasetError> {
    let whole = (reader.open)(&Asked {
        root: Store::at(data_dir).root(),
        spec,
        seed,
        how,
        pixels: how.origin != Origin::Own,
    })?;
    let mut notes = whole.notes;
    if reader.digests().is_some() {
        notes.extend(untrained(whole.train.as_ref(), whole.test.as_ref()));
    }
    let notes = notes.iter();
    Ok(Splits {
        train: cap(whole.train, spec.train, seed),
        valid: cap(whole.valid, spec.valid, seed),
        test: cap(whole.test, spec.test, seed),
        notes: notes.map(|note| format!("{}: {note}", spec.name)).collect(),
    })
}

/// Tells of classes that occur in the test part alone.
fn untrained(train: &dyn Dataset, test: &dyn Dataset) -> Option<String> {
    if train.target_shape() != TargetShape::Class {
        return None;
    }
    let counts = class_counts(train).into_iter().zip(class_counts(test));
    let alone = counts.zip(train.classes());
    let alone: Vec<String> = alone
        .filter(|((trained, tested), _)| *trained == 0 && *tested > 0)
        .map(|(_, name)| format!("{name:?}"))
        .collect();
    let (first, more) = (alone.first()?, alone.len() - 1);
    let others = match more {
        0 => "occurs".into(),
        more => format!("and {more} more classes occur"),
    };
    Some(format!(
        "{first} {others} in the test part alone: nothing can learn it"
    ))
}

#[cfg(test)]
mod tests {
    use super::super::READERS;
    use super::*;

    fn spec(reader: &str, train: usize) -> DatasetSpec {
        DatasetSpec {
            train,
            valid: 11,
            test: 12,
            ..DatasetSpec::new("set", "Set", reader)
        }
    }

    #[test]
    fn real_sets_without_data_say_what_is_missing_and_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        for reader in READERS.iter().filter(|reader| !reader.is_procedural()) {
            let error = open(&spec(reader.name, 0), Some(empty.path()), 0).err();
            let Some(DatasetError::Missing { path, hint, .. }) = error else {
                panic!("{reader:?}: {error:?}");
            };
            assert!(hint.contains("https://"), "{hint}");
            if !["images", "domains", "captions"].contains(&reader.name) {
                assert!(hint.contains("--data DIR"), "{hint}");
                let of_files = reader.name == "npy" || reader.digests().is_none();
                assert!(path.extension().is_some() || !of_files, "{path:?}");
            }
        }
    }

    #[test]
    fn demo_sets_have_as_many_samples_as_asked_for() {
        for reader in READERS.iter().filter(|reader| reader.is_procedural()) {
            let splits = open(&spec(reader.name, 30), None, 7).unwrap();
            let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
            assert_eq!(lengths, [30, 11, 12], "{}", reader.name);
            assert_eq!(splits.train.unit(), reader.unit);
        }
    }

    #[test]
    fn models_of_ours_see_the_constants_of_old_to_the_last_bit_and_others_their_own() {
        let spec = spec("demo-surrogate", 10);
        let own = open_for(&spec, None, 7, &Preprocess::own(32), 32).unwrap();
        let foreign = Preprocess::guess(32);
        let raw = open_for(&spec, None, 7, &foreign, 32).unwrap();
        let sample = |set: &Splits| {
            let mut out = vec![0.0f32; 3 * 32 * 32];
            set.train.read(3, &mut out).unwrap();
            out
        };
        let (ours, pixels) = (sample(&own.splits), sample(&raw.original));
        assert!(pixels.iter().all(|x| (0.0..=1.0).contains(x)));
        let old = |x: &f32| (x - 0.387) * (1.0f32 / 0.230);
        let same = |(a, b): (&f32, f32)| a.to_bits() == b.to_bits();
        assert!(ours.iter().zip(pixels.iter().map(old)).all(same));
        for (place, value) in sample(&raw.splits).into_iter().enumerate() {
            let channel = place / (32 * 32);
            let byte = (pixels[place] * 255.0).round() / 255.0;
            let want = (byte - foreign.mean[channel]) / foreign.std[channel];
            assert!((value - want).abs() < 1e-5);
        }
        // Signals know nothing of it.
        let emg = super::tests::spec("demo-emg", 10);
        let [a, b] = [&Preprocess::own(32), &foreign].map(|how| {
            let set = open_for(&emg, None, 7, how, 32).unwrap().splits.train;
            let mut out = vec![0.0; set.shape().iter().product()];
            set.read(3, &mut out).unwrap();
            out
        });
        assert_eq!(a, b);
    }

    #[test]
    fn pictures_of_another_size_are_resized_as_the_model_says() {
        let how = Preprocess::guess(48);
        let spec = spec("demo-unseen", 10);
        let opened = open_for(&spec, None, 7, &how, 32).unwrap();
        assert_eq!(opened.splits.test.shape(), [3, 48, 48]);
        assert_eq!(opened.original.test.shape(), [3, 32, 32]);
        let mut out = vec![0.0; 3 * 48 * 48];
        opened.splits.test.read(0, &mut out).unwrap();
        let folder = "images";
        let error = open(&super::tests::spec(folder, 0), None, 0).err().unwrap();
        assert!(error.to_string().contains("ImageFolder"));
    }

    #[test]
    fn a_class_that_only_tests_is_told_and_notes_begin_with_the_name() {
        let home = tempfile::tempdir().unwrap();
        let write = |name: &str, descr: &str, shape: &[usize], bytes: Vec<u8>| {
            let file = [crate::files::npy::header(descr, shape), bytes].concat();
            std::fs::write(home.path().join(name), file).unwrap();
        };
        let labels = |labels: Vec<u8>| (labels.len(), labels);
        let given = [
            ("", labels((0..40).map(|i| i % 2).collect())),
            ("test_", labels(vec![0, 1, 7])),
        ];
        for (part, (count, labels)) in given {
            let x = (0..count * 4).flat_map(|v| (v as f32).to_le_bytes());
            write(
                &format!("{part}x.npy"),
                "<f4",
                &[count, 1, 1, 4],
                x.collect(),
            );
            write(&format!("{part}y.npy"), "|u1", &[count], labels);
        }
        let mut spec = DatasetSpec::new("mine", "Mine", "npy");
        spec.path = Some(home.path().into());
        let notes = open(&spec, None, 0).unwrap().notes;
        let told = r#"mine: "class 7" occurs in the test part alone: nothing can learn it"#;
        assert_eq!(notes, [told]);
        std::fs::remove_file(home.path().join("test_x.npy")).unwrap();
        let notes = open(&spec, None, 0).unwrap().notes;
        assert_eq!(notes, ["mine: no test_x.npy: a fifth of every class tests"]);
    }
}

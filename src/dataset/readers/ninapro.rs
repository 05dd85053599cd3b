//! NinaPro DB5 as NAS-Bench-360 publishes it: surface EMG of 16 electrodes in windows of 52 samples
//! at 200 Hz (260 ms), 18 movements.
//!
//! `ninapro_{train,val,test}.npy` hold windows `[N, 52, 16]`, `label_{…}.npy` a class each; filtering
//! and rectifying were done by the publisher. A sample is 1 × 16 × 52: electrodes are rows, time runs
//! along the columns. The three parts are the published ones; windows are read from the file's map.
//! Electrodes are standardised by mean and deviation of the training windows, as those of the other
//! armband ([`super::emg_myo`]): volts of another amplifier are no discrepancy.

use std::path::Path;
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, labels_of, map, npy_rows, refused};
use crate::dataset::rows::{Arrange, Rows, Targets, numbered};
use crate::dataset::{Dataset, DatasetError, Display, Normalise, Splits};
use crate::files::npy;
use crate::suite::task::TargetKind;

const ELECTRODES: usize = 16;
const WINDOW: usize = 52;
const MOVEMENTS: usize = 18;

const PLACE: Place = Place::of("ninapro");

/// The reader `ninapro`.
pub const READER: Reader = Reader {
    name: "ninapro",
    title: "NinaPro DB5",
    what: "Windows of sixteen electrodes, 1 × 16 × 52, of 18 movements",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let part = |name: &str| -> Result<Rows, DatasetError> {
        let path = PLACE.find(root, &[&format!("ninapro_{name}.npy")])?;
        let label_path = PLACE.find(root, &[&format!("label_{name}.npy")])?;
        let data = npy_rows(&path, &[0, WINDOW, ELECTRODES])?;
        let bytes = map(&label_path)?;
        let labels = npy::parse(&bytes).map_err(refused(&label_path))?;
        let labels = labels_of(&label_path, &labels, MOVEMENTS)?;
        let arrange = Arrange::Transpose {
            time: WINDOW,
            channels: ELECTRODES,
        };
        Rows::new(
            label_path,
            [1, ELECTRODES, WINDOW],
            numbered(MOVEMENTS),
            (data, arrange),
            Targets::Labels(labels),
        )
    };
    let norm = Normalise::fit(&part("train")?, ELECTRODES)?;
    let normalised = |name: &str| -> Result<Arc<dyn Dataset>, DatasetError> {
        Ok(Arc::new(part(name)?.normalised(norm.clone())))
    };
    let note = "the published windows carry no number of their repetition: every window counts as its \
                own sample, though neighbours overlap";
    let [train, valid, test] = [
        normalised("train")?,
        normalised("val")?,
        normalised("test")?,
    ];
    Ok(Splits::new(train, valid, test).noted([note.into()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::class_counts;
    use crate::files::fuzz;

    /// `count` windows whose value is 100 · time + electrode, labels 0, 1, …
    fn write(root: &Path, name: &str, count: usize) -> [Vec<u8>; 2] {
        let folder = root.join("ninapro");
        std::fs::create_dir_all(&folder).unwrap();
        let mut data = npy::header("<f8", &[count, WINDOW, ELECTRODES]);
        for at in 0..count * WINDOW * ELECTRODES {
            let value = 100 * (at / ELECTRODES % WINDOW) + at % ELECTRODES;
            data.extend((value as f64).to_le_bytes());
        }
        let mut labels = npy::header("<i8", &[count]);
        labels.extend((0..count as i64).flat_map(|l| (l % 18).to_le_bytes()));
        std::fs::write(folder.join(format!("ninapro_{name}.npy")), &data).unwrap();
        std::fs::write(folder.join(format!("label_{name}.npy")), &labels).unwrap();
        [data, labels]
    }

    #[test]
    fn electrodes_are_rows_and_parts_the_published_ones() {
        let dir = tempfile::tempdir().unwrap();
        for (name, count) in [("train", 20), ("val", 3), ("test", 4)] {
            write(dir.path(), name, count);
        }
        let splits = open(dir.path()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!((lengths, splits.test.shape()), ([20, 3, 4], [1, 16, 52]));
        assert_eq!(class_counts(splits.train.as_ref())[..3], [2, 2, 1]);
        assert!(splits.train.unit().is_none());
        assert!(splits.notes[0].contains("every window counts as its own sample"));
        let mut out = vec![0.0; WINDOW * ELECTRODES];
        splits.test.read(3, &mut out).unwrap();
        // an electrode holds 0, 100 … 5100 and its number, in every window
        let std = 100.0 * ((52.0f32 * 52.0 - 1.0) / 12.0).sqrt();
        let expected = |time: f32| (100.0 * time - 2550.0) / std;
        for (place, time) in [
            (0, 0.0),
            (1, 1.0),
            (WINDOW + 3, 3.0),
            (16 * WINDOW - 1, 51.0),
        ] {
            assert!((out[place] - expected(time)).abs() < 1e-4, "{place}");
        }
        assert!(splits.train.read(20, &mut out).is_err());
    }

    #[test]
    fn other_shapes_labels_and_lengths_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["train", "val", "test"] {
            write(dir.path(), name, 2);
        }
        let place = |name: &str| dir.path().join("ninapro").join(name);
        let said = |name: &str, bytes: &[u8]| {
            let good = std::fs::read(place(name)).unwrap();
            std::fs::write(place(name), bytes).unwrap();
            let said = open(dir.path()).err().unwrap().to_string();
            std::fs::write(place(name), good).unwrap();
            said
        };
        let [data, labels] = write(dir.path(), "val", 2);
        assert!(said("ninapro_val.npy", &data[..data.len() - 1]).contains("array data"));
        let turned = npy::header("<f8", &[2, ELECTRODES, WINDOW]);
        let turned = [turned, data[128..].to_vec()].concat();
        assert!(said("ninapro_val.npy", &turned).contains("[N, 52, 16]"));
        let mut beyond = labels.clone();
        let last = beyond.len() - 8;
        beyond[last] = 18;
        assert!(said("label_val.npy", &beyond).contains("0..=17"));
        let more = [npy::header("<i8", &[3]), vec![0; 24]].concat();
        assert!(said("label_val.npy", &more).contains("number of labels"));
        let objects = [npy::header("|O", &[2]), b"\x80\x02].".to_vec()].concat();
        assert!(said("ninapro_val.npy", &objects).contains("Python objects"));
    }

    #[test]
    fn no_flip_makes_ninapro_panic() {
        let dir = tempfile::tempdir().unwrap();
        let [data, _] = write(dir.path(), "train", 2);
        fuzz::rounds(&data, 100, |bytes, root| {
            for name in ["train", "val", "test"] {
                write(root, name, 2);
            }
            std::fs::write(root.join("ninapro/ninapro_train.npy"), bytes).unwrap();
            let splits = open(root)?;
            let mut out = vec![0.0; WINDOW * ELECTRODES];
            (0..2).try_for_each(|i| splits.train.read(i, &mut out))
        });
    }
}

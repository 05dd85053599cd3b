//! ECG5000 of the UCR archive: heartbeats of 140 values, each of mean 0 and deviation 1, as 1 × 1 ×
//! 140, or folded to 1 × 10 × 14 for encoders of images.
//!
//! Two tasks stand on the same files. *Five classes*: `ECG5000_TEST.ts` tests if it is there; if
//! not, 40 % of the 500 training beats do. *Normal or not* (class 1 against 2–5): the 500 training
//! beats train, the 4,500 others test, from `ECG5000_TEST.ts` or from the raw file that knows two
//! classes of them alone. In both a fifth of what trains, class by class, validates. Folding puts
//! the beat into ten rows of 14 values, time running along the rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, io, malformed, refused};
use crate::dataset::subset::{SPLIT_SEED, hold_out};
use crate::dataset::{Dataset, DatasetError, Display, InMemory, Splits, Subset, labels};
use crate::files::ts::{self, Series};
use crate::suite::task::TargetKind;

/// Values of a beat.
const LENGTH: usize = 140;
const CLASSES: usize = 5;
/// Share of the 500 beats that tests where no test file is there.
const TEST_SHARE: f64 = 0.4;
/// Share of what trains that validates.
const VALID_SHARE: f64 = 0.2;

const PLACE: Place = Place::of("ecg5000");

/// The reader `ecg5000`.
pub const FIVE: Reader = Reader {
    name: "ecg5000",
    title: "ECG5000",
    what: "Heartbeats, 1 × 1 × 140, of five classes",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root, Question::Class, false),
};

/// The reader `ecg5000-folded`.
pub const FIVE_FOLDED: Reader = Reader {
    name: "ecg5000-folded",
    title: "ECG5000, folded",
    what: "Heartbeats folded to 1 × 10 × 14 for encoders of images, of five classes",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root, Question::Class, true),
};

/// The reader `ecg5000-normal`.
pub const NORMAL: Reader = Reader {
    name: "ecg5000-normal",
    title: "ECG5000, normal or not",
    what: "Heartbeats, 1 × 1 × 140, normal or not",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root, Question::Normal, false),
};

/// The reader `ecg5000-normal-folded`.
pub const NORMAL_FOLDED: Reader = Reader {
    name: "ecg5000-normal-folded",
    title: "ECG5000, normal or not, folded",
    what: "Heartbeats folded to 1 × 10 × 14 for encoders of images, normal or not",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root, Question::Normal, true),
};

/// What is asked of a beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// Which of five classes.
    Class,
    /// Whether it is normal.
    Normal,
}

/// Opens the three parts; `folded` gives 1 × 10 × 14.
fn open(root: &Path, question: Question, folded: bool) -> Result<Splits, DatasetError> {
    let path = PLACE.find(root, &["ECG5000_TRAIN.ts"])?;
    let beats = read(&path)?;
    let (test, note) = match (PLACE.find(root, &["ECG5000_TEST.ts"]), question) {
        (Ok(path), _) => (Some(read(&path)?), None),
        (Err(_), Question::Class) => {
            let share = "no ECG5000_TEST.ts: 40 % of the published training beats test";
            (None, Some(share))
        }
        (Err(_), Question::Normal) => {
            let path = PLACE.find(root, &["ecg5000_other4500_binary.f32"])?;
            let other = "no ECG5000_TEST.ts: tests on the raw file of the same beats";
            (Some(raw(&path)?), Some(other))
        }
    };
    let set = |series: Series| -> Result<Arc<dyn Dataset>, DatasetError> {
        let shape = if folded { [1, 10, 14] } else { [1, 1, LENGTH] };
        let (classes, labels) = match question {
            Question::Class => {
                let names = (1..=CLASSES).map(|c| format!("class {c}")).collect();
                (names, series.labels)
            }
            Question::Normal => {
                let other = series.labels.iter().map(|&l| usize::from(l > 0)).collect();
                (vec!["normal".to_string(), "other".to_string()], other)
            }
        };
        let set = InMemory::new(shape, classes, labels, series.values)?;
        Ok(Arc::new(set))
    };
    let beats = set(beats)?;
    let (rest, test) = match test {
        Some(test) => ((0..beats.len()).collect(), set(test)?),
        None => {
            let (rest, tested) = hold_out(&labels(beats.as_ref()), TEST_SHARE, SPLIT_SEED);
            let test: Arc<dyn Dataset> = Arc::new(Subset::new(beats.clone(), tested)?);
            (rest, test)
        }
    };
    let rest: Arc<dyn Dataset> = Arc::new(Subset::new(beats, rest)?);
    let (kept, held) = hold_out(&labels(rest.as_ref()), VALID_SHARE, SPLIT_SEED);
    let splits = Splits::new(
        Arc::new(Subset::new(rest.clone(), kept)?),
        Arc::new(Subset::new(rest, held)?),
        test,
    );
    Ok(splits.noted(note.map(String::from)))
}

fn read(path: &Path) -> Result<Series, DatasetError> {
    let text = std::fs::read_to_string(path).map_err(io(path))?;
    let series = ts::parse(&text).map_err(refused(path))?;
    if series.length != LENGTH {
        let found = series.length.to_string();
        return Err(malformed(
            path,
            "values of a beat",
            LENGTH.to_string(),
            found,
        ));
    }
    let expected: Vec<String> = (1..=CLASSES).map(|c| c.to_string()).collect();
    if series.classes != expected {
        let found = series.classes.join(" ");
        return Err(malformed(path, "classes", "1 2 3 4 5", found));
    }
    Ok(series)
}

/// Beats as raw floats, and a byte for each beside them: 0 normal, 1 other.
fn raw(path: &Path) -> Result<Series, DatasetError> {
    let mut beside = PathBuf::from(path);
    beside.set_extension("labels.u8");
    let values = std::fs::read(path).map_err(io(path))?;
    let bytes = std::fs::read(&beside).map_err(io(&beside))?;
    if values.len() != bytes.len() * LENGTH * 4 || bytes.is_empty() {
        let expected = format!(
            "{} bytes for {} labels",
            bytes.len() * LENGTH * 4,
            bytes.len()
        );
        let found = format!("{} bytes", values.len());
        return Err(malformed(path, "file size", expected, found));
    }
    let values: Vec<f32> = values
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let what = format!("value {} of beat {}", at % LENGTH, at / LENGTH);
        return Err(malformed(
            path,
            what,
            "a finite number",
            values[at].to_string(),
        ));
    }
    if let Some(at) = bytes.iter().position(|&b| b > 1) {
        let what = format!("label of beat {at}");
        return Err(malformed(&beside, what, "0 or 1", bytes[at].to_string()));
    }
    Ok(Series {
        classes: Vec::new(),
        length: LENGTH,
        values,
        labels: bytes.into_iter().map(usize::from).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::class_counts;
    use crate::files::fuzz;

    fn text(count: usize) -> String {
        let mut out = String::from(
            "@problemName ECG5000\n@univariate true\n@classLabel true 1 2 3 4 5\n@data\n",
        );
        for beat in 0..count {
            let values: Vec<String> = (0..LENGTH)
                .map(|t| (t * (beat + 1) % 97).to_string())
                .collect();
            out += &format!("{}:{}\n", values.join(","), beat % 5 + 1);
        }
        out
    }

    fn folder() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("ecg5000");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("ECG5000_TRAIN.ts"), text(50)).unwrap();
        let values: Vec<u8> = (0..7 * LENGTH)
            .flat_map(|v| (v as f32).to_le_bytes())
            .collect();
        std::fs::write(folder.join("ecg5000_other4500_binary.f32"), values).unwrap();
        let labels = folder.join("ecg5000_other4500_binary.labels.u8");
        std::fs::write(labels, [0, 1, 0, 0, 1, 1, 1]).unwrap();
        dir
    }

    #[test]
    fn both_questions_have_three_parts_and_a_beat_folds_along_time() {
        let dir = folder();
        let data = dir.path();
        let five = open(data, Question::Class, false).unwrap();
        let lengths = |s: &Splits| [&s.train, &s.valid, &s.test].map(|part| part.len());
        assert_eq!(lengths(&five), [20, 10, 20]);
        assert_eq!(class_counts(five.test.as_ref()), [4; 5]);
        let two = open(data, Question::Normal, true).unwrap();
        assert_eq!(
            (lengths(&two), two.test.shape()),
            ([40, 10, 7], [1, 10, 14])
        );
        assert_eq!(class_counts(two.test.as_ref()), [3, 4]);
        let mut out = vec![0.0; LENGTH];
        two.test.read(1, &mut out).unwrap();
        assert_eq!((out[0], out[14]), (140.0, 154.0));
        // with the archive's own test file
        std::fs::write(dir.path().join("ecg5000/ECG5000_TEST.ts"), text(60)).unwrap();
        let whole = open(data, Question::Class, false).unwrap();
        assert_eq!(lengths(&whole), [40, 10, 60]);
        assert!(five.notes[0].contains("40 %") && two.notes[0].contains("raw file"));
        assert!(whole.notes.is_empty());
    }

    #[test]
    fn short_files_and_foreign_labels_are_refused() {
        let dir = folder();
        let data = dir.path();
        let raw = dir.path().join("ecg5000/ecg5000_other4500_binary.f32");
        let good = std::fs::read(&raw).unwrap();
        for bytes in [&good[1..], &[&good[..], &[0]].concat()] {
            std::fs::write(&raw, bytes).unwrap();
            let said = open(data, Question::Normal, false)
                .err()
                .unwrap()
                .to_string();
            assert!(said.contains("7 labels"), "{said}");
        }
        let nan = [&f32::NAN.to_le_bytes()[..], &good[4..]].concat();
        std::fs::write(&raw, nan).unwrap();
        assert!(open(data, Question::Normal, false).is_err());
        std::fs::write(&raw, &good).unwrap();
        let labels = dir
            .path()
            .join("ecg5000/ecg5000_other4500_binary.labels.u8");
        std::fs::write(labels, [0, 1, 0, 2, 1, 1, 1]).unwrap();
        let said = open(data, Question::Normal, false)
            .err()
            .unwrap()
            .to_string();
        assert!(said.contains("beat 3"), "{said}");
        let train = dir.path().join("ecg5000/ECG5000_TRAIN.ts");
        std::fs::write(&train, text(50).replace("1 2 3 4 5", "5 4 3 2 1")).unwrap();
        assert!(open(data, Question::Class, false).is_err());
    }

    #[test]
    fn no_flip_makes_a_heartbeat_panic() {
        fuzz::rounds(text(10).as_bytes(), 60, |bytes, root| {
            let folder = root.join("ecg5000");
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("ECG5000_TRAIN.ts"), bytes).unwrap();
            open(root, Question::Class, false)
        });
    }
}

//! Surface EMG of wrist gestures from a Myo armband (8 electrodes, 200 Hz), as windows
//! 1 × 8 × 52: electrodes are rows, time runs along the columns (260 ms).
//!
//! `index.csv` lists the recordings, `recordings.i8` holds rows of nine bytes: eight signed
//! electrode values and the label of that moment, which alternates between rest (0) and the
//! recording's gesture every five seconds. Rest is left out, since it would be half of the data;
//! seven gestures remain. A *repetition* is a maximal run of one gesture label; windows start at
//! its first row and then every [`HOP`] rows and never leave it, so all labels in a window agree.
//!
//! Session 2 is the test part, so the armband was taken off and put on again in between. Of
//! session 1 the last repetition of every recording is the validation part, the others are
//! training: no window of one part shares a row with a window of another. Other sessions are not
//! used. Electrodes are standardised with the statistics of the training windows.

use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, malformed, map, names};
use crate::dataset::table::Table;
use crate::dataset::{Dataset, DatasetError, Display, Normalise, Splits, check_request};
use crate::suite::task::TargetKind;

/// Electrodes of the armband.
pub const ELECTRODES: usize = 8;
/// Rows (samples in time) of a window, as in NinaPro DB5's usual setting.
pub const WINDOW: usize = 52;
/// Rows from one window to the next: half a window.
pub const HOP: usize = 26;
/// Bytes of a row.
const ROW: usize = ELECTRODES + 1;

const PLACE: Place = Place::of("emg-myo");

/// The reader `emg-myo`.
pub const READER: Reader = Reader {
    name: "emg-myo",
    title: "EMG gestures (Myo armband)",
    what: "Windows of eight electrodes, 1 × 8 × 52, of seven wrist gestures",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: Some("repetition"),
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Windows of one part.
pub struct EmgWindows {
    bytes: Arc<Mmap>,
    classes: Arc<Vec<String>>,
    /// Byte offset of the first row, label (gesture − 1) and repetition of every window.
    windows: Vec<(usize, usize, usize)>,
    norm: Normalise,
}

impl EmgWindows {
    /// Byte range of window `index` in the recordings, for checks of disjointness.
    pub fn byte_range(&self, index: usize) -> std::ops::Range<usize> {
        let start = self.windows[index].0;
        start..start + WINDOW * ROW
    }
}

impl Dataset for EmgWindows {
    fn shape(&self) -> [usize; 3] {
        [1, ELECTRODES, WINDOW]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.windows.len()
    }

    fn label(&self, index: usize) -> usize {
        self.windows[index].1
    }

    fn group(&self, index: usize) -> usize {
        self.windows[index].2
    }

    fn unit(&self) -> Option<&'static str> {
        READER.unit
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, out.len())?;
        let rows = &self.bytes[self.byte_range(index)];
        for (time, row) in rows.chunks_exact(ROW).enumerate() {
            for (electrode, &byte) in row[..ELECTRODES].iter().enumerate() {
                out[electrode * WINDOW + time] = f32::from(byte.cast_signed());
            }
        }
        self.norm.apply(out);
        Ok(())
    }
}

/// The three parts, as their own type (see [`parts`]).
pub struct EmgParts {
    /// Session 1 without the last repetition of every recording.
    pub train: EmgWindows,
    /// The last repetition of every recording of session 1.
    pub valid: EmgWindows,
    /// Session 2.
    pub test: EmgWindows,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let EmgParts { train, valid, test } = parts(root, HOP)?;
    Ok(Splits::new(
        Arc::new(train),
        Arc::new(valid),
        Arc::new(test),
    ))
}

/// Opens the three parts with windows every `hop` rows.
///
/// # Errors
/// `Missing`, `Malformed` (offsets beyond the file, labels other than 0 and the recording's
/// gesture) or `Unsatisfiable` (hop 0).
pub fn parts(root: &Path, hop: usize) -> Result<EmgParts, DatasetError> {
    if hop == 0 {
        return Err(DatasetError::Unsatisfiable {
            set: PLACE.set.into(),
            what: "hop between windows".into(),
            expected: "at least 1 row".into(),
            found: "0".into(),
        });
    }
    let path = PLACE.find(root, &["recordings.i8"])?;
    let table = Table::read(&PLACE.find(root, &["index.csv"])?)?;
    let gestures = names(&PLACE.find(root, &["gesture_names.txt"])?, 8)?;
    let classes = Arc::new(gestures[1..].to_vec());
    let bytes = Arc::new(map(&path)?);
    let mut ranges = Vec::with_capacity(table.rows.len());

    let (mut train, mut valid, mut test) = (Vec::new(), Vec::new(), Vec::new());
    let mut seen = 0;
    for row in 0..table.rows.len() {
        let session: u32 = table.get(row, "session")?;
        let gesture: usize = table.get(row, "gesture")?;
        let start: usize = table.get(row, "byte_offset")?;
        let length: usize = table.get(row, "n_bytes")?;
        if gesture >= gestures.len() {
            return Err(malformed(
                &path,
                format!("gesture of recording {row}"),
                "0..=7",
                gesture.to_string(),
            ));
        }
        let recording = start
            .checked_add(length)
            .and_then(|end| bytes.get(start..end))
            .filter(|_| length.is_multiple_of(ROW))
            .ok_or_else(|| {
                malformed(
                    &path,
                    format!("recording {row}"),
                    format!("whole rows of {ROW} bytes within {} bytes", bytes.len()),
                    format!("{length} bytes from offset {start}"),
                )
            })?;
        ranges.push((start, start + length));
        let repetitions = repetitions(&path, row, recording, gesture)?;
        for (number, run) in repetitions.iter().enumerate() {
            seen += 1;
            let part = match session {
                1 if number + 1 == repetitions.len() && number > 0 => &mut valid,
                1 => &mut train,
                2 => &mut test,
                _ => continue,
            };
            let last = (run.end - run.start).checked_sub(WINDOW);
            for first in last.into_iter().flat_map(|last| (0..=last).step_by(hop)) {
                part.push((start + (run.start + first) * ROW, gesture - 1, seen));
            }
        }
    }
    // recordings that overlap would put the same rows in two parts
    ranges.sort_unstable();
    if let Some(pair) = ranges.windows(2).find(|pair| pair[1].0 < pair[0].1) {
        let found = format!(
            "one up to byte {} and one from byte {}",
            pair[0].1, pair[1].0
        );
        return Err(malformed(&path, "recordings", "no overlap", found));
    }
    let part = |windows, norm: &Normalise| EmgWindows {
        bytes: bytes.clone(),
        classes: classes.clone(),
        windows,
        norm: norm.clone(),
    };
    let raw = part(train.clone(), &Normalise::new(&[0.0], &[1.0]));
    let norm = Normalise::fit(&raw, ELECTRODES)?;
    Ok(EmgParts {
        train: part(train, &norm),
        valid: part(valid, &norm),
        test: part(test, &norm),
    })
}

/// Maximal runs of rows labelled with the recording's gesture; none in a recording of rest.
fn repetitions(
    path: &Path,
    recording: usize,
    bytes: &[u8],
    gesture: usize,
) -> Result<Vec<std::ops::Range<usize>>, DatasetError> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (row, values) in bytes.chunks_exact(ROW).enumerate() {
        let label = usize::from(values[ELECTRODES]);
        if label != 0 && label != gesture {
            return Err(malformed(
                path,
                format!("label in row {row} of recording {recording}"),
                format!("0 or {gesture}"),
                label.to_string(),
            ));
        }
        if label == 0 {
            continue;
        }
        match runs.last_mut() {
            Some(run) if run.end == row => run.end += 1,
            _ => runs.push(row..row + 1),
        }
    }
    Ok(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "participant,session,gesture,gesture_name,byte_offset,n_bytes\n";

    /// One recording per session: three repetitions of 100 rows of gesture 2 between rests.
    fn folder(edit: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("emg_myo");
        std::fs::create_dir(&folder).unwrap();
        let mut bytes = Vec::new();
        for row in 0..1400u32 {
            let label = if row % 200 >= 100 && row % 700 < 600 {
                2
            } else {
                0
            };
            bytes.extend((0..8).map(|e| (row * 7 + e * row % 13) as u8));
            bytes.push(label);
        }
        edit(&mut bytes);
        std::fs::write(folder.join("recordings.i8"), &bytes).unwrap();
        let rows = "7,1,2,extension,0,6300\n7,2,2,extension,6300,6300\n";
        std::fs::write(folder.join("index.csv"), format!("{HEADER}{rows}")).unwrap();
        let names: String = (0..8).map(|i| format!("gesture {i}\n")).collect();
        std::fs::write(folder.join("gesture_names.txt"), names).unwrap();
        dir
    }

    #[test]
    fn repetitions_are_windowed_and_kept_apart() {
        let dir = folder(|_| ());
        let EmgParts { train, valid, test } = parts(dir.path(), HOP).unwrap();
        // a run of 100 rows holds windows at 0 and 26 (48 is the last possible start)
        assert_eq!((train.len(), valid.len()), (4, 2));
        assert!(test.len() >= 4);
        assert_eq!(train.classes().len(), 7);
        assert!((0..train.len()).all(|i| train.label(i) == 1));
        for i in 0..train.len() {
            for j in 0..valid.len() {
                let (a, b) = (train.byte_range(i), valid.byte_range(j));
                assert!(a.end <= b.start || b.end <= a.start);
            }
        }
        let mut out = vec![0.0; ELECTRODES * WINDOW];
        train.read(0, &mut out).unwrap();
        assert!(out.iter().all(|x| x.is_finite()));
    }

    #[test]
    fn foreign_labels_and_short_files_are_refused() {
        let refused = |edit: &dyn Fn(&mut Vec<u8>)| {
            let dir = folder(edit);
            parts(dir.path(), HOP)
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default()
        };
        let message = refused(&|bytes| bytes[ROW * 5 + 8] = 3);
        assert!(
            message.contains("row 5") && message.contains("0 or 2"),
            "{message}"
        );
        let dir = folder(|_| ());
        let rows = format!("{HEADER}7,1,2,extension,0,6300\n7,2,2,extension,6291,6300\n");
        std::fs::write(dir.path().join("emg_myo/index.csv"), rows).unwrap();
        let message = parts(dir.path(), HOP).err().unwrap().to_string();
        assert!(message.contains("no overlap"), "{message}");
        let message = refused(&|bytes| bytes.truncate(bytes.len() - 1));
        assert!(message.contains("recording 1"), "{message}");
        let dir = folder(|_| ());
        assert!(parts(dir.path(), 0).is_err());
        assert!(
            parts(Path::new("absent"), HOP)
                .err()
                .unwrap()
                .to_string()
                .contains("recordings.i8")
        );
    }

    #[test]
    fn no_flip_makes_the_armband_panic() {
        for file in ["recordings.i8", "index.csv"] {
            let good = std::fs::read(folder(|_| ()).path().join("emg_myo").join(file)).unwrap();
            crate::files::fuzz::rounds(&good, 100, |bytes, _| {
                let dir = folder(|_| ());
                std::fs::write(dir.path().join("emg_myo").join(file), bytes).unwrap();
                let EmgParts { train, .. } = parts(dir.path(), HOP)?;
                let mut out = vec![0.0; ELECTRODES * WINDOW];
                (0..train.len()).try_for_each(|i| train.read(i, &mut out))
            });
        }
    }
}

//! PhysioNet 2017 (Clifford et al. 2017): 8,528 single-lead electrocardiograms at 300 Hz in windows
//! of 1,000 samples, 1 × 1 × 1000: normal, atrial fibrillation, other rhythm, noise.
//!
//! Read from `challenge2017.pkl` of NAS-Bench-360 (`{"data": arrays, "label": letters}`, a pickle that
//! is not executed), or from PhysioNet's own `training2017/*.mat` with `REFERENCE.csv`. Every record
//! is standardised by itself. Windows start every 500 samples for normal rhythm, 83 for fibrillation,
//! 250 for other and 25 for noise, as published, so that rare classes weigh more; the last window
//! ends before the record's last sample.
//!
//! Records are split by class: a fifth tests, a tenth of the rest validates. No record stands in
//! two parts.

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, io, malformed, map, refused};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use crate::dataset::{Dataset, DatasetError, Display, Splits, check_request};
use crate::files::array::Owner;
use crate::files::element::Element;
use crate::files::pickle::Pickle;
use crate::files::{Layout, Stored, mat};
use crate::suite::task::TargetKind;

const WINDOW: usize = 1000;
/// Names and letters of the classes, and samples from one window to the next.
const CLASSES: [(&str, &str, usize); 4] = [
    ("normal", "N", 500),
    ("atrial fibrillation", "A", 83),
    ("other rhythm", "O", 250),
    ("noise", "~", 25),
];
const TEST_SHARE: f64 = 0.2;
/// Samples of the longest record that is believed: five minutes; the longest has one.
const LONGEST: usize = 5 * 60 * 300;

const PLACE: Place = Place::of("ecg2017");

/// The reader `ecg2017`.
pub const READER: Reader = Reader {
    name: "ecg2017",
    title: "PhysioNet 2017 ECG",
    what: "Windows of electrocardiograms, 1 × 1 × 1000, of four rhythms",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: Some("record"),
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// A record: its samples, their mean and deviation.
struct Record {
    samples: Stored,
    mean: f32,
    std: f32,
}

/// Windows of some records.
struct Windows {
    records: Arc<Vec<Record>>,
    labels: Arc<Vec<usize>>,
    classes: Arc<Vec<String>>,
    /// Record and first sample of every window.
    windows: Vec<(usize, usize)>,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let (path, (samples, labels)) = match PLACE.find(root, &["challenge2017.pkl"]) {
        Ok(path) => (path.clone(), pickled(&path)?),
        Err(missing) => match PLACE.find(root, &["REFERENCE.csv"]) {
            Ok(path) => (path.clone(), recorded(&path)?),
            Err(_) => return Err(missing),
        },
    };
    let records = samples
        .into_par_iter()
        .enumerate()
        .map(|(number, samples)| Record::new(&path, number, samples));
    let records = Arc::new(records.collect::<Result<Vec<_>, _>>()?);
    let labels = Arc::new(labels);
    let classes: Vec<String> = CLASSES.iter().map(|c| c.0.to_string()).collect();
    let classes = Arc::new(classes);
    let (rest, test) = hold_out(&labels, TEST_SHARE, SPLIT_SEED);
    let of_rest: Vec<usize> = rest.iter().map(|&record| labels[record]).collect();
    let (train, valid) = hold_out(&of_rest, VALID_SHARE, SPLIT_SEED);
    let part = |chosen: Vec<usize>| -> Arc<dyn Dataset> {
        let windows = chosen.into_iter().flat_map(|record| {
            let last = records[record].samples.len().saturating_sub(WINDOW);
            let starts = (0..last).step_by(CLASSES[labels[record]].2);
            starts.map(move |start| (record, start))
        });
        Arc::new(Windows {
            windows: windows.collect(),
            records: records.clone(),
            labels: labels.clone(),
            classes: classes.clone(),
        })
    };
    let within = |chosen: Vec<usize>| -> Vec<usize> {
        chosen.into_iter().map(|place| rest[place]).collect()
    };
    let short = records.iter().filter(|r| r.samples.len() <= WINDOW).count();
    let note = (short > 0).then(|| {
        let all = records.len();
        format!("{short} of {all} records have {WINDOW} samples or fewer and give no window")
    });
    let [train, valid, test] = [within(train), within(valid), test].map(part);
    Ok(Splits::new(train, valid, test).noted(note))
}

impl Record {
    fn new(path: &Path, number: usize, samples: Stored) -> Result<Self, DatasetError> {
        let what = || format!("samples of record {number}");
        if samples.len() > LONGEST || samples.is_empty() {
            let expected = format!("1 to {LONGEST}");
            return Err(malformed(path, what(), expected, samples.len().to_string()));
        }
        let mut values = vec![0.0; samples.len()];
        samples.read_flat(0, &mut values).map_err(refused(path))?;
        let count = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
        let square = values.iter().map(|&v| (f64::from(v) - mean).powi(2));
        let std = (square.sum::<f64>() / count).sqrt();
        if !std.is_finite() {
            return Err(malformed(path, what(), "finite numbers", "others"));
        }
        Ok(Self {
            samples,
            mean: mean as f32,
            // a flat line stays flat
            std: if std > 1e-12 { std as f32 } else { 1.0 },
        })
    }
}

fn label(path: &Path, number: usize, letter: &str) -> Result<usize, DatasetError> {
    let place = CLASSES.iter().position(|class| class.1 == letter);
    place.ok_or_else(|| {
        malformed(
            path,
            format!("label of record {number}"),
            "N, A, O or ~",
            letter,
        )
    })
}

/// Records and labels of the pickle.
fn pickled(path: &Path) -> Result<(Vec<Stored>, Vec<usize>), DatasetError> {
    let wrong = refused(path);
    let map = Arc::new(map(path)?);
    let owner: Owner = map.clone();
    let pickle = Pickle::parse(&map).map_err(&wrong)?;
    let root = pickle.root();
    let data = root.get("data").and_then(|v| v.items()).map_err(&wrong)?;
    let letters = root.get("label").map_err(&wrong)?;
    let letters = if letters.is_array() {
        letters.array().and_then(|a| a.to_strings())
    } else {
        letters
            .items()
            .and_then(|l| l.into_iter().map(|v| v.text()).collect())
    };
    let letters: Vec<String> = letters.map_err(&wrong)?;
    if letters.len() != data.len() {
        let (expected, found) = (data.len().to_string(), letters.len().to_string());
        return Err(malformed(path, "number of labels", expected, found));
    }
    let samples = data.into_iter().map(|v| v.stored(&owner, 0));
    let samples = samples.collect::<Result<Vec<_>, _>>().map_err(&wrong)?;
    let labels = letters.iter().enumerate();
    let labels = labels.map(|(number, letter)| label(path, number, letter));
    Ok((samples, labels.collect::<Result<_, _>>()?))
}

/// Records beside PhysioNet's list, a table of names and letters without a header; kept as 16 bits.
fn recorded(list: &Path) -> Result<(Vec<Stored>, Vec<usize>), DatasetError> {
    let text = std::fs::read_to_string(list).map_err(io(list))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let folder = list.parent().unwrap_or(Path::new(""));
    let one = |(number, line): (usize, &&str)| {
        let (name, letter) = line.split_once(',').unwrap_or((line, ""));
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain {
            return Err(malformed(
                list,
                format!("row {number}"),
                "a record's name",
                name,
            ));
        }
        let label = label(list, number, letter.trim())?;
        let path = folder.join(format!("{name}.mat"));
        let wrong = refused(&path);
        let mut variable = mat::open(&path, "val").map_err(&wrong)?;
        let count: usize = variable.shape.iter().product();
        if count > LONGEST || variable.shape.first() != Some(&1) {
            let found = format!("{:?}", variable.shape);
            return Err(malformed(
                &path,
                "shape of val",
                format!("[1, ≤ {LONGEST}]"),
                found,
            ));
        }
        let mut values = vec![0.0; count];
        variable.read(&mut values).map_err(&wrong)?;
        let whole = |v: &f32| f32::from(*v as i16) == *v;
        if let Some(value) = values.iter().find(|value| !whole(value)) {
            let found = value.to_string();
            return Err(malformed(
                &path,
                "values of val",
                "whole numbers of 16 bits",
                found,
            ));
        }
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|&v| (v as i16).to_le_bytes())
            .collect();
        let layout = Layout {
            element: Element::parse("<i2").map_err(&wrong)?,
            fortran: false,
            shape: vec![count],
        };
        let range = 0..bytes.len();
        Ok((
            Stored::new(Arc::new(bytes), range, layout).map_err(&wrong)?,
            label,
        ))
    };
    let both: Result<Vec<_>, DatasetError> = lines.par_iter().enumerate().map(one).collect();
    Ok(both?.into_iter().unzip())
}

impl Dataset for Windows {
    fn shape(&self) -> [usize; 3] {
        [1, 1, WINDOW]
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.windows.len()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[self.windows[index].0]
    }

    fn group(&self, index: usize) -> usize {
        self.windows[index].0
    }

    fn unit(&self) -> Option<&'static str> {
        READER.unit
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, out.len())?;
        let (record, start) = self.windows[index];
        let record = &self.records[record];
        let read = record.samples.read_flat(start, out);
        read.map_err(refused(Path::new(PLACE.set)))?;
        out.iter_mut()
            .for_each(|v| *v = (*v - record.mean) / record.std);
        Ok(())
    }
}

#[cfg(test)]
#[path = "ecg2017_tests.rs"]
mod tests;

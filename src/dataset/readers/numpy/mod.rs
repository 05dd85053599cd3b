//! Arrays of one's own that `numpy.save` wrote: reader `npy`.
//!
//! The folder is the `path` of the suite's entry NAME, else `DATA/NAME`. It holds `x.npy [N, C, H, W]` (any numbers; signals
//! have H = 1), `y.npy [N]` (classes: whole numbers from 0 of any type, or text) and, if the classes have names,
//! `classes.txt` (one a line: the first names class 0, a blank line names none). Classes are those that
//! occur, in `y.npy` or `test_y.npy`. With `test_x.npy` and `test_y.npy` beside them
//! those are the test part; else a fifth of every class is, the same for every seed. A tenth of what is left, class
//! by class, validates. Samples are standardised per channel by mean and deviation of the training
//! part (in double precision where single cannot hold them), and read from the files' maps: nothing but
//! labels is in memory.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::descriptor::{About, Data, Input, Reader, folder};
use crate::dataset::files::{io, malformed, map, npy_rows, refused};
use crate::dataset::precise::Standard;
use crate::dataset::rows::{Arrange, Rows, Targets};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use crate::dataset::{Dataset, DatasetError, Normalise, Splits, Subset};
use crate::files::checksum::Algorithm;
use crate::files::column::Column;
use crate::files::{Fault, lines_by_position, npy};
use crate::suite::dataset::DatasetSpec;
use crate::suite::task::TargetKind;

/// Share of every class that tests, where no test part is given.
const TEST_SHARE: f64 = 0.2;
/// A file of class names is no longer than this.
const MOST_NAMES: u64 = 1 << 20;
/// More classes than anything here can match or draw.
const MOST_CLASSES: usize = 10_000;

/// The reader `npy`.
pub const READER: Reader = Reader {
    name: "npy",
    title: "NumPy arrays",
    what: "Arrays of one's own: x.npy [N, C, H, W] and y.npy [N], of classes",
    display: None,
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::User {
        about: About {
            modality: "as the arrays",
            citation: "whoever made the arrays",
            licence: "that of the arrays",
        },
        digests,
    },
    open: |asked| open(&asked.folder()?, &asked.spec.name),
};

/// The files that there are in the set's folder, whose bytes make it what it is.
fn files(folder: &Path) -> Vec<PathBuf> {
    let all = ["x.npy", "y.npy", "classes.txt", "test_x.npy", "test_y.npy"];
    let paths = all.map(|file| folder.join(file));
    paths.into_iter().filter(|path| path.is_file()).collect()
}

fn digests(root: &Path, spec: &DatasetSpec) -> Result<Vec<(String, String)>, DatasetError> {
    let digest = |path: PathBuf| {
        let mut bytes = BufReader::new(File::open(&path).map_err(io(&path))?);
        let sha256 = Algorithm::Sha256.of(&mut bytes).map_err(io(&path))?;
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        Ok((format!("{}/{file}", spec.name), sha256))
    };
    files(&folder(root, spec)?)
        .into_iter()
        .map(digest)
        .collect()
}

/// Opens the three parts of the set `name`.
fn open(folder: &Path, name: &str) -> Result<Splits, DatasetError> {
    let (x, y) = (folder.join("x.npy"), folder.join("y.npy"));
    if let Some(absent) = [&x, &y].into_iter().find(|path| !path.is_file()) {
        return Err(DatasetError::Missing {
            set: name.into(),
            path: absent.clone(),
            hint: format!(
                "write it with numpy.save (https://numpy.org/doc/stable/reference/generated/numpy.save.html) \
                 and pass --data DIR with DIR/{name}/x.npy [N, C, H, W] and DIR/{name}/y.npy [N]"
            ),
        });
    }
    let given = match folder.join("test_x.npy") {
        path if path.is_file() => Some((path, folder.join("test_y.npy"))),
        _ => None,
    };
    let has_test = given.is_some();
    let names = class_names(folder)?;
    let mut sides = vec![(y.clone(), column(&y)?)];
    if let Some((_, y)) = &given {
        sides.push((y.clone(), column(y)?));
    }
    let (mut sides, classes) = classes(sides, names)?;
    let test_labels = (sides.len() > 1)
        .then(|| sides.pop())
        .flatten()
        .unwrap_or_default();
    let labels = sides.pop().unwrap_or_default();
    let classes = Arc::new(classes);
    let (rest, test) = match given {
        Some(_) => ((0..labels.len()).collect(), Vec::new()),
        None => hold_out(&labels, TEST_SHARE, SPLIT_SEED),
    };
    let of_rest: Vec<usize> = rest.iter().map(|&row| labels[row]).collect();
    let (kept, held) = hold_out(&of_rest, VALID_SHARE, SPLIT_SEED);
    let rows = |places: Vec<usize>| -> Vec<usize> { places.iter().map(|&p| rest[p]).collect() };
    let (kept, held) = (rows(kept), rows(held));

    let raw = samples(&x, labels.clone(), classes.clone(), None)?;
    let shape = raw.shape();
    let exact = Standard::fit(raw.data(), &kept, shape[0]).map_err(refused(&x))?;
    let exact = exact.map(Arc::new);
    let part = |set: &Arc<dyn Dataset>, rows| Ok(Arc::new(Subset::new(set.clone(), rows)?) as _);
    let norm = match &exact {
        Some(_) => Normalise::new(&[0.0], &[1.0]),
        None => Normalise::fit(&Subset::new(Arc::new(raw), kept.clone())?, shape[0])?,
    };
    let standardised = |rows: Rows| match &exact {
        Some(standard) => rows.standardised(standard.clone()),
        None => rows.normalised(norm.clone()),
    };
    let whole = samples(&x, labels, classes.clone(), Some(shape))?;
    let whole: Arc<dyn Dataset> = Arc::new(standardised(whole));
    let splits = Splits::new(
        part(&whole, kept)?,
        part(&whole, held)?,
        match given {
            None => part(&whole, test)?,
            Some((x, _)) => {
                let rows = samples(&x, test_labels, classes, Some(shape))?;
                Arc::new(standardised(rows))
            }
        },
    );
    for (part, set) in [
        ("training", &splits.train),
        ("validation", &splits.valid),
        ("test", &splits.test),
    ] {
        if set.is_empty() {
            let what = format!("samples of the {part} part");
            let expected = "three or more of a class in x.npy (a fifth of each tests, a tenth of the rest validates)";
            return Err(malformed(folder, what, expected, "none"));
        }
    }
    let cut = "no test_x.npy: a fifth of every class tests";
    Ok(splits.noted((!has_test).then(|| cut.into())))
}

/// Rows of `[N, C, H, W]`, of the shape `like` where one is known already.
fn samples(
    path: &Path,
    labels: Vec<usize>,
    classes: Arc<Vec<String>>,
    like: Option<[usize; 3]>,
) -> Result<Rows, DatasetError> {
    let stored = npy::stored(Arc::new(map(path)?)).map_err(refused(path))?;
    let shape = stored.layout().shape.clone();
    let (&[_, c, h, w], false) = (shape.as_slice(), shape.contains(&0)) else {
        let expected = "[N, C, H, W], none of them 0 (one channel: x[:, None]; signals: H = 1)";
        return Err(malformed(path, "shape", expected, format!("{shape:?}")));
    };
    let [c, h, w] = like.unwrap_or([c, h, w]);
    let data = npy_rows(path, &[0, c, h, w])?;
    let targets = Targets::Labels(labels);
    Rows::new(
        path.into(),
        [c, h, w],
        classes,
        (data, Arrange::AsIs),
        targets,
    )
}

/// The labels of a file, as it has them.
fn column(path: &Path) -> Result<Column, DatasetError> {
    let fault = |e: Fault| refused(path)(e.of("labels"));
    Column::of_npy(&map(path)?).map_err(fault)
}

/// Labels of all files as classes that occur, numbered without a gap, and the names of these: those of
/// `classes.txt` by position, else the labels' own numbers or texts.
fn classes(
    files: Vec<(PathBuf, Column)>,
    names: Option<Vec<String>>,
) -> Result<(Vec<Vec<usize>>, Vec<String>), DatasetError> {
    let texts = files.iter().filter(|(_, c)| matches!(c, Column::Text(_)));
    if texts.count() % files.len() != 0 {
        let (path, _) = &files[0];
        let expected = "text in y.npy and test_y.npy, or numbers in both";
        return Err(malformed(path, "labels", expected, "text in one of them"));
    }
    // Texts are numbered by the sorted texts of all files.
    let mut sorted = BTreeSet::new();
    for (_, column) in &files {
        if let Column::Text(texts) = column {
            sorted.extend(texts.iter().cloned());
        }
    }
    let by_name = !sorted.is_empty();
    let names = match (names, by_name) {
        (None, true) => Some(sorted.into_iter().collect()),
        (names, _) => names,
    };
    let mut all: Vec<Vec<usize>> = Vec::with_capacity(files.len());
    let mut occurring = BTreeSet::new();
    for (path, column) in files {
        let labels = column
            .labels(names.as_deref())
            .map_err(refused(&path))?
            .numbers;
        if let Some(names) = &names
            && let Some(row) = labels.iter().position(|&label| label >= names.len())
        {
            let count = names.len();
            let expected = format!(
                "a class below {count}: classes.txt has {count} lines, of which the first names class 0"
            );
            let what = format!("labels, row {row}");
            return Err(malformed(&path, what, expected, labels[row].to_string()));
        }
        occurring.extend(labels.iter().copied());
        if !(2..=MOST_CLASSES).contains(&occurring.len()) && all.is_empty() {
            let expected = format!("2 to {MOST_CLASSES}");
            let found = occurring.len().to_string();
            return Err(malformed(&path, "classes that occur", expected, found));
        }
        all.push(labels);
    }
    let name = |&class: &usize| {
        let name = names.as_ref().and_then(|names| names.get(class));
        let name = name.filter(|name| !name.is_empty());
        name.map_or_else(|| format!("class {class}"), Clone::clone)
    };
    let dense: Vec<usize> = occurring.into_iter().collect();
    let place = |label: usize| dense.binary_search(&label).expect("every label occurs");
    let all = all
        .into_iter()
        .map(|labels| labels.into_iter().map(place).collect());
    Ok((all.collect(), dense.iter().map(name).collect()))
}

/// Names in `classes.txt` by position, if there is one.
fn class_names(folder: &Path) -> Result<Option<Vec<String>>, DatasetError> {
    let path = folder.join("classes.txt");
    let size = match path.metadata() {
        Ok(found) => found.len(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(&path)(e)),
    };
    if size > MOST_NAMES {
        let expected = format!("at most {MOST_NAMES} bytes");
        return Err(malformed(&path, "file size", expected, size.to_string()));
    }
    let names = lines_by_position(&std::fs::read_to_string(&path).map_err(io(&path))?);
    if !(1..=MOST_CLASSES).contains(&names.len()) {
        let expected = format!("1 to {MOST_CLASSES}");
        let what = "number of class names";
        return Err(malformed(&path, what, expected, names.len().to_string()));
    }
    Ok(Some(names))
}

#[cfg(test)]
mod tests;

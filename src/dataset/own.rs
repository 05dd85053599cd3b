//! A target of one's own, as NumPy arrays: reader `npy`.
//!
//! `DATA/NAME/` is the folder of the suite's entry NAME. It holds `x.npy [N, C, H, W]` (any numbers; signals
//! have H = 1), `y.npy [N]` (classes: whole numbers from 0 of any type, or text) and, if the classes have names,
//! `classes.txt` (one a line: the first names class 0, a blank line names none). Classes are those that
//! occur, in `y.npy` or `test_y.npy`. With `test_x.npy` and `test_y.npy` beside them
//! those are the test part; else a fifth of every class is, the same for every seed. A tenth of what is left, class
//! by class, validates. Samples are standardised per channel by mean and deviation of the training
//! part (in double precision where single cannot hold them), and read from the files' maps: nothing but
//! labels is in memory.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::files::{io, malformed, map, npy_rows, refused};
use super::precise::Standard;
use super::rows::{Arrange, Known, Rows};
use super::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use super::{Dataset, DatasetError, Normalise, Splits, Subset};
use crate::files::column::Column;
use crate::files::{Fault, lines_by_position, npy};

/// Share of every class that tests, where no test part is given.
const TEST_SHARE: f64 = 0.2;
/// A file of class names is no longer than this.
const MOST_NAMES: u64 = 1 << 20;
/// More classes than anything here can match or draw.
const MOST_CLASSES: usize = 10_000;

/// The files that there are of the set `name`, whose bytes make it what it is.
pub fn files(data_dir: &Path, name: &str) -> Vec<PathBuf> {
    let all = ["x.npy", "y.npy", "classes.txt", "test_x.npy", "test_y.npy"];
    let paths = all.map(|file| data_dir.join(name).join(file));
    paths.into_iter().filter(|path| path.is_file()).collect()
}

/// Opens the three parts.
pub(super) fn open(data_dir: Option<&Path>, name: &str) -> Result<Splits, DatasetError> {
    let mut parts = Path::new(name).components();
    let (Some(Component::Normal(_)), None) = (parts.next(), parts.next()) else {
        return Err(malformed(Path::new(name), "name", "one folder", name));
    };
    let folder = data_dir.unwrap_or(Path::new(".")).join(name);
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
    let names = class_names(&folder)?;
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
    let splits = Splits {
        train: part(&whole, kept)?,
        valid: part(&whole, held)?,
        test: match given {
            None => part(&whole, test)?,
            Some((x, _)) => {
                let rows = samples(&x, test_labels, classes, Some(shape))?;
                Arc::new(standardised(rows))
            }
        },
    };
    for (part, set) in [
        ("training", &splits.train),
        ("validation", &splits.valid),
        ("test", &splits.test),
    ] {
        if set.is_empty() {
            let what = format!("samples of the {part} part");
            let expected = "three or more of a class in x.npy (a fifth of each tests, a tenth of the rest validates)";
            return Err(malformed(&folder, what, expected, "none"));
        }
    }
    Ok(splits)
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
    let known = Known::Labels(labels);
    Rows::new(
        path.into(),
        [c, h, w],
        classes,
        (data, Arrange::AsIs),
        known,
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
    let place = |label: usize| dense.binary_search(&label).unwrap_or_default();
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
mod tests {
    use super::super::class_counts;
    use super::*;
    use crate::files::{fuzz, npy};

    fn array(descr: &str, shape: &[usize], bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
        let mut all = npy::header(descr, shape);
        all.extend(bytes);
        all
    }

    /// `n` samples of 2 × 1 × 3, channel 1 a hundred times channel 0, classes in turn.
    fn x(n: usize) -> Vec<u8> {
        let value = |i: usize| (i / 6 + i % 3) as f32 * if i % 6 < 3 { 1.0 } else { 100.0 };
        let bytes = (0..6 * n).flat_map(|i| value(i).to_le_bytes());
        array("<f4", &[n, 2, 1, 3], bytes)
    }

    fn y(n: usize, classes: usize) -> Vec<u8> {
        let bytes = (0..n).flat_map(|i| ((i % classes) as i64).to_le_bytes());
        array("<i8", &[n], bytes)
    }

    fn write(root: &Path, files: &[(&str, &[u8])]) {
        let folder = root.join("mine");
        std::fs::create_dir_all(&folder).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
    }

    fn error(root: &Path) -> String {
        open(Some(root), "mine").err().expect("refused").to_string()
    }

    #[test]
    fn a_fifth_tests_a_tenth_of_the_rest_validates_and_channels_are_standardised() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &[("x.npy", &x(100)), ("y.npy", &y(100, 4))]);
        let splits = open(Some(home.path()), "mine").unwrap();
        assert_eq!(class_counts(splits.test.as_ref()), [5; 4]);
        assert_eq!(class_counts(splits.valid.as_ref()), [2; 4]);
        assert_eq!(class_counts(splits.train.as_ref()), [18; 4]);
        assert_eq!(splits.train.shape(), [2, 1, 3]);
        assert_eq!(splits.train.classes()[3], "class 3");
        let norm = Normalise::fit(splits.train.as_ref(), 2).unwrap();
        for channel in 0..2 {
            assert!(norm.mean()[channel].abs() < 1e-4);
            assert!((norm.std()[channel] - 1.0).abs() < 1e-4);
        }
        assert_eq!(files(home.path(), "mine").len(), 2);
        let mut seen: Vec<Vec<u8>> = Vec::new();
        for part in [&splits.train, &splits.valid, &splits.test] {
            for row in 0..part.len() {
                let mut sample = [0.0; 6];
                part.read(row, &mut sample).unwrap();
                seen.push(sample.iter().flat_map(|v| v.to_le_bytes()).collect());
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 100, "every sample stands in one part");
    }

    #[test]
    fn a_given_test_part_and_class_names_are_taken() {
        let home = tempfile::tempdir().unwrap();
        let (x6, y6) = (x(6), array("|u1", &[6], [0, 1, 2, 0, 1, 2]));
        let given: [(&str, &[u8]); 5] = [
            ("x.npy", &x(30)),
            ("y.npy", &y(30, 3)),
            ("test_x.npy", &x6),
            ("test_y.npy", &y6),
            ("classes.txt", b"calm\n  <b>storm</b>  \nrain\n\nnever\n\n"),
        ];
        write(home.path(), &given);
        let splits = open(Some(home.path()), "mine").unwrap();
        assert_eq!((splits.test.len(), splits.valid.len()), (6, 3));
        assert_eq!(splits.test.classes(), ["calm", "<b>storm</b>", "rain"]);
        assert_eq!(files(home.path(), "mine").len(), 5);
        let narrow = array("<f4", &[6, 1, 1, 3], vec![0; 72]);
        write(home.path(), &[("test_x.npy", &narrow)]);
        let said = error(home.path());
        assert!(
            said.contains("test_x.npy") && said.contains("2, 1, 3"),
            "{said}"
        );
    }

    #[test]
    fn classes_are_those_that_occur_and_names_stand_by_position() {
        let of = |labels: &[u8]| array("|u1", &[30], (0..30).map(|i| labels[i % labels.len()]));
        for (labels, names, expected) in [
            (&[1, 2, 5][..], None, ["class 1", "class 2", "class 5"]),
            (&[1, 2, 5], Some("a\nb\nc\nd\ne\nf\n"), ["b", "c", "f"]),
            (
                &[0, 1, 2],
                Some("cat\n\nship\n\n"),
                ["cat", "class 1", "ship"],
            ),
            (
                &[2, 0, 3],
                Some("cat\n\nship\nfrog"),
                ["cat", "ship", "frog"],
            ),
        ] {
            let home = tempfile::tempdir().unwrap();
            write(home.path(), &[("x.npy", &x(30)), ("y.npy", &of(labels))]);
            if let Some(names) = names {
                write(home.path(), &[("classes.txt", names.as_bytes())]);
            }
            let splits = open(Some(home.path()), "mine").unwrap();
            assert_eq!(splits.test.classes(), expected, "{names:?}");
            assert_eq!(class_counts(splits.test.as_ref()), [2; 3]);
        }
        // A class that only the test part has is a class, below and above the others' numbers.
        for strange in [1, 9] {
            let home = tempfile::tempdir().unwrap();
            let (x6, y6) = (x(6), array("|u1", &[6], [0, 2, strange, 0, 2, 0]));
            write(home.path(), &[("x.npy", &x(30)), ("y.npy", &of(&[0, 2]))]);
            write(home.path(), &[("test_x.npy", &x6), ("test_y.npy", &y6)]);
            let splits = open(Some(home.path()), "mine").unwrap();
            assert_eq!(splits.test.classes().len(), 3);
            let trained = class_counts(splits.train.as_ref());
            let tested = class_counts(splits.test.as_ref());
            let only = tested
                .iter()
                .zip(&trained)
                .filter(|(t, n)| **t == 1 && **n == 0);
            assert_eq!(only.count(), 1);
        }
        // Text, in sorted order; numbers beside text are refused.
        let home = tempfile::tempdir().unwrap();
        let texts: Vec<String> = (0..30).map(|i| ["wasp", "ant"][i % 2].to_owned()).collect();
        write(
            home.path(),
            &[("x.npy", &x(30)), ("y.npy", &npy::strings(&texts))],
        );
        let splits = open(Some(home.path()), "mine").unwrap();
        assert_eq!(splits.train.classes(), ["ant", "wasp"]);
        write(
            home.path(),
            &[("test_x.npy", &x(6)), ("test_y.npy", &y(6, 2))],
        );
        assert!(error(home.path()).contains("text in one of them"));
    }

    #[test]
    fn doubles_beyond_single_precision_are_standardised_in_double() {
        let plain = |i: usize| ((i * 7) % 23) as f64 + (i % 5) as f64 / 8.0;
        let read = |scale: f64, offset: f64, descr: &str| {
            let home = tempfile::tempdir().unwrap();
            let bytes = (0..120).flat_map(|i| (plain(i) * scale + offset).to_le_bytes());
            let x = array(descr, &[30, 2, 1, 2], bytes);
            write(home.path(), &[("x.npy", &x), ("y.npy", &y(30, 3))]);
            let splits = open(Some(home.path()), "mine").unwrap();
            let mut all = Vec::new();
            for part in [&splits.train, &splits.test] {
                for row in 0..part.len() {
                    let mut sample = [0.0; 4];
                    part.read(row, &mut sample).unwrap();
                    all.extend(sample);
                }
            }
            all
        };
        let expected = read(1.0, 0.0, "<f8");
        for (scale, offset) in [(1.0, 1.7e9), (1e-50, 0.0), (1e39, 0.0), (1e300, 0.0)] {
            let found = read(scale, offset, "<f8");
            let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
            let off = off.fold(0.0, f32::max);
            assert!(off < 1e-4, "{scale} {offset}: off by {off}");
        }
    }

    #[test]
    fn hostile_files_are_refused_with_what_is_wrong() {
        let (good, labels) = (x(30), y(30, 3));
        let nan = array("<f4", &[30, 1, 1, 1], [0xff; 120]);
        let huge = array("<f4", &[1 << 40, 1 << 20, 1, 1], [0; 8]);
        let zero = array("<f4", &[0, 1 << 40, 1, 1], []);
        let wild = array(
            "<i8",
            &[30],
            (0..30i64).flat_map(|_| i64::MAX.to_le_bytes()),
        );
        let below = array("<i8", &[30], (0..30i64).flat_map(|i| (-i).to_le_bytes()));
        let half = array("<f8", &[30], (0..30).flat_map(|_| 0.5f64.to_le_bytes()));
        let pickled = array("|O", &[1], *b"\x80\x04N.");
        let many = "c\n".repeat(MOST_CLASSES + 1);
        let cases: [(&str, &[u8], &str); 12] = [
            (
                "x.npy",
                &array("<f4", &[30, 6], vec![0; 720]),
                "[N, C, H, W]",
            ),
            ("x.npy", &x(29), "number of labels: expected 29, found 30"),
            ("x.npy", &good[..good.len() - 1], "npy"),
            ("x.npy", &nan, "finite numbers"),
            ("x.npy", &huge, "npy"),
            ("x.npy", &zero, "[N, C, H, W], none of them 0"),
            ("x.npy", &pickled, "Python objects"),
            (
                "y.npy",
                &wild,
                "classes that occur: expected 2 to 10000, found 1",
            ),
            (
                "y.npy",
                &below,
                "labels, row 1: expected a class, from 0, found -1",
            ),
            (
                "y.npy",
                &half,
                "labels, row 0: expected a class, a whole number from 0, found 0.5",
            ),
            (
                "classes.txt",
                b"one\n",
                "labels, row 1: expected a class below 1",
            ),
            ("classes.txt", many.as_bytes(), "1 to 10000"),
        ];
        for (file, bytes, said) in cases {
            let home = tempfile::tempdir().unwrap();
            write(home.path(), &[("x.npy", &good), ("y.npy", &labels)]);
            write(home.path(), &[(file, bytes)]);
            let error = error(home.path());
            // With too few names it is the labels that do not fit.
            let named = said.ends_with("below 1");
            let blamed = if named { "y.npy" } else { file };
            assert!(
                error.contains(blamed) && error.contains(said),
                "{said}: {error}"
            );
        }
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &[("x.npy", &x(2)), ("y.npy", &y(2, 2))]);
        assert!(error(home.path()).contains("three or more of a class"));
        for name in ["..", "", "/etc", "a/b"] {
            assert!(open(Some(home.path()), name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn no_flip_makes_an_own_set_panic() {
        let labels = y(30, 3);
        for (file, good) in [("x.npy", x(30)), ("y.npy", labels.clone())] {
            fuzz::rounds(&good, 60, |bytes, root| {
                write(
                    root,
                    &[("x.npy", &x(30)), ("y.npy", &labels), (file, bytes)],
                );
                open(Some(root), "mine")?.train.read(0, &mut [0.0; 6])
            });
        }
    }
}

//! Batches that Python pickled in many ways (`tests/fixtures/cifar/make_batches.py`) give the same
//! records, and both published forms of a set the same samples in the same order.

use super::super::{hundred, ten::open as ten, tests::write};
use super::*;
use crate::dataset::{Dataset, Normalise, Splits};
use crate::files::fuzz;

const HUNDRED: Pickled = Pickled {
    batches: &["train", "test"],
    meta: "meta",
    names: "fine_label_names",
    labels: &[("coarse_labels", 20), ("fine_labels", 100)],
    archive: ["cifar-100-python.tar.gz", "cifar-100-python"],
};

fn stream(name: &str) -> Vec<u8> {
    let path = crate::fixture::path(&format!("cifar/{name}.pkl.gz"));
    gzip::inflate(std::fs::File::open(path).unwrap(), 1 << 20).unwrap()
}

fn records(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    HUNDRED.records(Pickle::parse(bytes)?.root())
}

#[test]
fn whoever_pickled_a_batch_its_records_are_the_same() {
    let pixel = |i: usize, p: usize| ((i * 7 + p / 1024 * 50 + p % 11) % 256) as u8;
    let record = |i: usize, labels: [u8; 2]| {
        labels
            .into_iter()
            .chain((0..PIXELS).map(move |p| pixel(i, p)))
    };
    let expected: Vec<u8> = record(0, [3, 0]).chain(record(1, [19, 99])).collect();
    let each = |name: &str, protocols: &[u8]| -> Vec<String> {
        protocols.iter().map(|p| format!("{name}_{p}")).collect()
    };
    let all = [
        each("bytes", &[0, 1, 2, 3, 4, 5]),
        each("text", &[0, 1, 2, 3, 4, 5]),
        each("numpy1", &[2, 3]),
        each("numpy_integers", &[2, 4, 5]),
        each("arrays", &[2, 4, 5]),
        each("fortran", &[2, 4, 5]),
        each("planes", &[4]),
        each("wide", &[4]),
        each("tuples", &[4]),
        vec!["python2".into()],
    ];
    for name in all.concat() {
        match records(&stream(&name)) {
            Ok(found) => assert!(found == expected, "{name}"),
            Err(e) => panic!("{name}: {e}"),
        }
    }
    for (name, words) in [
        ("floats", "whole numbers from 0 to 255"),
        ("shape", "[N, 3072] or [N, 3, 32, 32], found [2, 32, 32, 3]"),
        (
            "negative",
            "pixels of record 0: expected 0 to 255, found -1",
        ),
        (
            "label",
            "fine_labels: label of record 1: expected 0..=99, found 100",
        ),
        ("count", "number of fine_labels: expected 2, found 1"),
        ("keys", "the key \"coarse_labels\""),
        ("call", "system"),
    ] {
        let said = records(&stream(&format!("refused_{name}")))
            .unwrap_err()
            .to_string();
        assert!(said.contains(words), "{name}: {said}");
    }
    assert!(!Path::new("/tmp/a-pickle-was-executed").exists());
}

/// A pickle of Python 2, with `records` in the binary version's layout.
fn batch(records: &[u8], labels: &[&str]) -> Vec<u8> {
    let short = |text: &str| [&[b'U', text.len() as u8], text.as_bytes()].concat();
    let rows: Vec<&[u8]> = records.chunks_exact(labels.len() + PIXELS).collect();
    let mut out = b"\x80\x02}(".to_vec();
    out.extend(short("data"));
    out.extend(
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01M",
    );
    out.extend((rows.len() as u16).to_le_bytes());
    out.extend(
        b"M\x00\x0c\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xff",
    );
    out.extend(b"J\xff\xff\xff\xffK\x00tb\x89T");
    out.extend(((rows.len() * PIXELS) as u32).to_le_bytes());
    rows.iter().for_each(|row| out.extend(&row[labels.len()..]));
    out.extend(b"tb");
    for (at, key) in labels.iter().enumerate() {
        out.extend(short(key));
        out.extend(b"](");
        rows.iter().for_each(|row| out.extend([b'K', row[at]]));
        out.push(b'e');
    }
    out.extend(b"u.");
    out
}

fn meta(key: &str, count: usize) -> Vec<u8> {
    let mut out = [b"\x80\x02}U", &[key.len() as u8][..], key.as_bytes(), b"]("].concat();
    (0..count).for_each(|c| {
        out.extend([
            b'U',
            3,
            b'0' + (c / 100) as u8,
            b'0' + (c / 10 % 10) as u8,
            b'0' + (c % 10) as u8,
        ])
    });
    out.extend(b"es.");
    out
}

/// `count` records whose pixels are their number.
fn binary(labels: impl Fn(usize) -> Vec<u8>, count: usize) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records");
    let labels: Vec<Vec<u8>> = (0..count).map(labels).collect();
    let labels: Vec<&[u8]> = labels.iter().map(Vec::as_slice).collect();
    write(&path, &labels);
    std::fs::read(path).unwrap()
}

type Files = Vec<(String, Vec<u8>)>;

/// The files of both forms of CIFAR-10: batch `b` has 20 + b records.
fn both() -> (Files, Files) {
    let (mut bin, mut py) = (Vec::new(), Vec::new());
    for number in 1..=6usize {
        let records = binary(|i| vec![((i * 3 + number) % 10) as u8], 20 + number);
        let name = if number == 6 {
            "test_batch".into()
        } else {
            format!("data_batch_{number}")
        };
        py.push((name.clone(), batch(&records, &["labels"])));
        bin.push((format!("{name}.bin"), records));
    }
    let names: String = (0..10).map(|c| format!("{c:03}\n")).collect();
    bin.push(("batches.meta.txt".into(), names.into_bytes()));
    py.push(("batches.meta".into(), meta("label_names", 10)));
    (bin, py)
}

fn folder(root: &Path, name: &str, files: &Files) {
    std::fs::create_dir_all(root.join(name)).unwrap();
    for (file, bytes) in files {
        std::fs::write(root.join(name).join(file), bytes).unwrap();
    }
}

fn packed(prefix: &str, files: &Files, reverse: bool) -> Vec<u8> {
    let mut named: Vec<(String, &[u8])> = files
        .iter()
        .map(|(n, b)| (format!("{prefix}/{n}"), b.as_slice()))
        .collect();
    if reverse {
        named.reverse();
    }
    let named: Vec<(&str, &[u8])> = named.iter().map(|(n, b)| (n.as_str(), *b)).collect();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gz, &tar::write::archive(&named)).unwrap();
    gz.finish().unwrap()
}

/// Labels, pixels and class names of every part.
fn contents(splits: &Splits) -> Vec<(Vec<usize>, Vec<f32>, Vec<String>)> {
    let part = |set: &dyn Dataset| {
        let mut pixels = vec![0.0; set.len() * PIXELS];
        for (i, out) in pixels.chunks_exact_mut(PIXELS).enumerate() {
            set.read(i, out).unwrap();
        }
        let labels = (0..set.len()).map(|i| set.label(i)).collect();
        (labels, pixels, set.classes().to_vec())
    };
    [&splits.train, &splits.valid, &splits.test]
        .map(|set| part(set.as_ref()))
        .into()
}

#[test]
fn both_forms_give_the_same_samples_in_the_same_order_wherever_they_lie() {
    let (bin, py) = both();
    let home = tempfile::tempdir().unwrap();
    folder(home.path(), "cifar10", &bin);
    let splits = ten(home.path(), &Normalise::cifar()).unwrap();
    assert_eq!(
        splits.notes,
        ["read from the binary version, 5 of 5 training batches"]
    );
    let expected = contents(&splits);
    assert_eq!(
        expected.iter().map(|p| p.0.len()).sum::<usize>(),
        21 + 22 + 23 + 24 + 25 + 26
    );
    assert_eq!(expected[2].2[9], "009");
    for place in [
        "cifar-10-batches-py",
        "cifar10/cifar-10-batches-py",
        "cifar10",
    ] {
        let home = tempfile::tempdir().unwrap();
        folder(home.path(), place, &py);
        let splits = ten(home.path(), &Normalise::cifar()).unwrap();
        assert!(contents(&splits) == expected, "{place}");
        assert!(splits.notes[0].starts_with("read from the Python version"));
        // a file that is missing there is named
        std::fs::remove_file(home.path().join(place).join("data_batch_4")).unwrap();
        let said = ten(home.path(), &Normalise::cifar())
            .err()
            .unwrap()
            .to_string();
        assert!(
            said.contains("missing file") && said.contains("data_batch_4"),
            "{said}"
        );
    }
    for (place, reverse) in [("", false), ("cifar10/", true)] {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("cifar10")).unwrap();
        let path = home.path().join(format!("{place}cifar-10-python.tar.gz"));
        std::fs::write(&path, packed("cifar-10-batches-py", &py, reverse)).unwrap();
        assert!(
            contents(&ten(home.path(), &Normalise::cifar()).unwrap()) == expected,
            "{place}"
        );
        let few = py[1..].to_vec();
        std::fs::write(&path, packed("cifar-10-batches-py", &few, reverse)).unwrap();
        let said = ten(home.path(), &Normalise::cifar())
            .err()
            .unwrap()
            .to_string();
        assert!(
            said.contains("a file cifar-10-batches-py/data_batch_1"),
            "{said}"
        );
    }
    // the binary version is preferred, a half one gives way
    let home = tempfile::tempdir().unwrap();
    folder(home.path(), "cifar10", &bin);
    folder(
        home.path(),
        "cifar-10-batches-py",
        &vec![("test_batch".into(), b"rubbish".to_vec())],
    );
    assert!(contents(&ten(home.path(), &Normalise::cifar()).unwrap()) == expected);
    folder(home.path(), "cifar-10-batches-py", &py);
    std::fs::remove_file(home.path().join("cifar10/batches.meta.txt")).unwrap();
    assert!(contents(&ten(home.path(), &Normalise::cifar()).unwrap()) == expected);
}

#[test]
fn the_hundred_classes_come_from_either_form_too() {
    let labels = |i: usize| vec![19 - (i % 20) as u8, (i % 100) as u8];
    let (train, test) = (binary(labels, 300), binary(labels, 100));
    let keys = ["coarse_labels", "fine_labels"];
    let py = vec![
        ("train".to_string(), batch(&train, &keys)),
        ("test".to_string(), batch(&test, &keys)),
        ("meta".to_string(), meta("fine_label_names", 100)),
    ];
    let names: String = (0..100).map(|c| format!("{c:03}\n")).collect();
    let bin = vec![
        ("train.bin".to_string(), train),
        ("test.bin".to_string(), test),
        ("fine_label_names.txt".to_string(), names.into_bytes()),
    ];
    let home = tempfile::tempdir().unwrap();
    folder(home.path(), "cifar100", &bin);
    let expected = contents(&hundred::whole(home.path(), &Normalise::cifar()).unwrap());
    let held = contents(&hundred::heldout(home.path(), &Normalise::cifar()).unwrap());
    let home = tempfile::tempdir().unwrap();
    folder(home.path(), "cifar-100-python", &py);
    assert!(contents(&hundred::whole(home.path(), &Normalise::cifar()).unwrap()) == expected);
    assert!(contents(&hundred::heldout(home.path(), &Normalise::cifar()).unwrap()) == held);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("cifar-100-python.tar.gz");
    std::fs::write(path, packed("cifar-100-python", &py, false)).unwrap();
    assert!(contents(&hundred::whole(home.path(), &Normalise::cifar()).unwrap()) == expected);
    let said = hundred::whole(Path::new("absent"), &Normalise::cifar())
        .err()
        .unwrap()
        .to_string();
    assert!(said.contains("cifar-100-python.tar.gz"), "{said}");
}

#[test]
fn no_flip_makes_a_pickled_batch_panic() {
    for name in [
        "python2",
        "bytes_2",
        "text_5",
        "numpy_integers_4",
        "fortran_2",
    ] {
        fuzz::rounds(&stream(name), 100, |bytes, _| records(bytes));
    }
    let (_, py) = both();
    let few: Files = py.iter().map(|(n, b)| (n.clone(), b.clone())).collect();
    fuzz::rounds(
        &packed("cifar-10-batches-py", &few, false),
        20,
        |bytes, root| {
            std::fs::write(root.join("cifar-10-python.tar.gz"), bytes).unwrap();
            ten(root, &Normalise::cifar())
        },
    );
}

//! Pickles that CPython and NumPy wrote (`tests/fixtures/containers/make_containers.py`), and
//! pickles that no honest program writes.

use super::*;
use crate::files::{fuzz, npy};
use crate::fixture;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(fixture::path(&format!("containers/{name}"))).unwrap()
}

#[test]
fn every_protocol_gives_what_numpy_put_in() {
    let names = (0..6).map(|protocol| format!("arrays_{protocol}.pkl"));
    for name in names.chain(["numpy2.pkl".into()]) {
        let bytes = file(&name);
        let pickle = Pickle::parse(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let root = pickle.root();
        for key in ["images", "again"] {
            let images = root.get(key).unwrap().array().unwrap();
            assert_eq!(images.shape(), [2, 3, 2, 2], "{name}");
            let mut row = [0.0; 12];
            images.read_row(1, &mut row).unwrap();
            assert_eq!((row[0], row[11]), (12.0, 23.0), "{name}");
        }
        let labels = root.get("labels").unwrap().array().unwrap().to_i64();
        assert_eq!(labels.unwrap().into_raw_vec_and_offset().0, [3, -1]);
        let fortran = root.get("fortran").unwrap().array().unwrap();
        assert_eq!(fortran.to_f64().unwrap()[[1, 0]], 3.0);
        let several = root.get("several").unwrap().items().unwrap();
        assert_eq!(several[1].array().unwrap().shape(), [5]);
        let list = root.get("list").unwrap().items().unwrap();
        assert_eq!(list[1].number().unwrap(), 2.5);
        assert_eq!(list[2].text().unwrap(), "größe");
        assert_eq!(list[5].items().unwrap()[1].integer().unwrap(), -(1 << 40));
        assert_eq!(root.get("scalar").unwrap().number().unwrap(), 0.5);
        let names = root.get("names").unwrap().array().unwrap();
        assert_eq!(names.to_strings().unwrap(), ["N", "~"]);
        let error = root.get("image").err().unwrap().to_string();
        assert!(error.contains("images, labels"), "{error}");
    }
    let bytes = file("object.npy");
    let range = npy::object(&bytes).unwrap().unwrap();
    let start = range.start;
    let pickle = Pickle::parse(&bytes[range]).unwrap();
    let owner: crate::files::array::Owner = std::sync::Arc::new(bytes.clone());
    let data = pickle.root().get("data").unwrap().stored(&owner, start);
    let mut row = [0.0; 12];
    data.unwrap().read_row(0, &mut row).unwrap();
    assert_eq!(row[11], 11.0);
}

#[test]
fn nothing_is_executed_and_the_name_is_told() {
    for protocol in [0, 2, 4] {
        let bytes = file(&format!("hostile_{protocol}.pkl"));
        let said = Pickle::parse(&bytes).err().unwrap().to_string();
        assert!(said.contains("system") && said.contains("byte"), "{said}");
    }
    assert!(!std::path::Path::new("/tmp/a-pickle-was-executed").exists());
    let said = |bytes: &[u8]| Pickle::parse(bytes).err().unwrap().to_string();
    assert!(said(b"\x80\x02cbuiltins\neval\n.").contains("builtins.eval"));
    assert!(said(b"\x80\x02)\x81.").contains("NEWOBJ"));
    assert!(said(b"P1\n.").contains("PERSID"));
    assert!(said(b"(i__main__\nX\n.").contains("INST"));
    assert!(said(b"\x80\x05\x97.").contains("NEXT_BUFFER"));
    assert!(said(b"\x80\x06N.").contains("protocol 0 to 5"));
}

#[test]
fn promises_beyond_the_file_cycles_and_copies_of_copies_are_survived() {
    let said = |bytes: &[u8]| Pickle::parse(bytes).err().unwrap().to_string();
    for end in 0..file("arrays_4.pkl").len() {
        assert!(
            Pickle::parse(&file("arrays_4.pkl")[..end]).is_err(),
            "{end}"
        );
    }
    assert!(said(&[b'\x8e', 255, 255, 255, 255, 255, 255, 255, 127]).contains("bytes"));
    // a list within itself
    let cycle = b"]q\x00h\x00a.";
    let pickle = Pickle::parse(cycle).unwrap();
    let inner = pickle.root().items().unwrap()[0];
    assert_eq!(inner.items().unwrap().len(), 1);
    // a hundred thousand lists, each within the last
    let deep = [vec![b']'; 100_000], vec![b'a'; 99_999], b".".to_vec()].concat();
    assert!(Pickle::parse(&deep).is_ok());
    // one text made into bytes over and over
    let mut bomb = b"c_codecs\nencode\nq\x00X\x00\x04\x00\x00".to_vec();
    bomb.extend([b'a'; 1024]);
    bomb.extend(b"q\x01");
    for _ in 0..2000 {
        bomb.extend(b"h\x00h\x01U\x06latin1\x86R");
    }
    bomb.push(b'.');
    assert!(said(&bomb).contains("copies"));
    // an array that promises more than it has
    let shape = b"cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02i8\x85RU\x04abcd\x86R.";
    assert!(said(shape).contains("4 bytes"), "{}", said(shape));
    assert!(said(&vec![b'('; 1 << 23]).contains("marks"));
    assert!(said(&vec![b']'; 1 << 23]).contains("values"));
}

#[test]
fn no_flip_makes_a_pickle_panic() {
    for protocol in 0..6 {
        let good = file(&format!("arrays_{protocol}.pkl"));
        fuzz::rounds(&good, 300, |bytes, _| {
            let pickle = Pickle::parse(bytes)?;
            let root = pickle.root();
            for key in ["images", "labels", "fortran", "names"] {
                let array = root.get(key)?.array()?;
                if let Ok(values) = array.to_f32() {
                    assert!(values.len() <= bytes.len());
                }
                let mut row = vec![0.0; array.layout().row_len().min(1 << 16)];
                let _ = array.read_row(0, &mut row);
            }
            // A damaged list may be empty.
            match root.get("several")?.items()?.first() {
                Some(first) => first.array().map(|_| ()),
                None => Ok(()),
            }
        });
    }
}

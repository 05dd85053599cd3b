use super::*;
use crate::files::fuzz;
use crate::fixture;

const FILES: [&str; 17] = [
    "444",
    "422",
    "420",
    "411",
    "progressive",
    "progressive-444",
    "optimised",
    "restarts",
    "coarse",
    "rgb",
    "grey",
    "grey-progressive",
    "cmyk",
    "one-pixel",
    "narrow",
    "small",
    "turned",
];

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(fixture::path(&format!("preprocess/pictures/{name}.jpg"))).unwrap()
}

#[test]
fn every_grey_level_is_pils() {
    for name in FILES {
        let want = fixture::npz("preprocess/decoded.npz", &format!("{name}.jpg"));
        let bytes = bytes(name);
        assert_eq!(&size(&bytes).unwrap(), &want.shape()[1..], "{name}");
        let got = decode(&bytes).unwrap();
        assert_eq!(got.len(), want.len());
        let apart = got
            .iter()
            .zip(&want)
            .map(|(a, b)| (f64::from(*a) - b).abs());
        let most = apart.fold(0.0, f64::max);
        assert_eq!(most, 0.0, "{name}");
    }
}

#[test]
fn what_is_not_read_is_named() {
    let good = bytes("420");
    let said = |bytes: &[u8]| decode(bytes).unwrap_err().to_string();
    assert!(said(&good[..good.len() - 40]).contains("the file ends before"));
    assert!(said(b"\x89PNG\r\n").contains("FF D8"));
    let frame = good.windows(2).position(|two| two == [0xff, 0xc0]).unwrap();
    let with = |place: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[frame + place] = value;
        said(&bytes)
    };
    assert!(with(1, 0xc9).contains("arithmetic"));
    assert!(with(1, 0xc3).contains("lossless"));
    assert!(with(4, 12).contains("bits a sample"));
    assert!(with(9, 2).contains("channels"));
    // A size for which no bytes can be there.
    let mut huge = good.clone();
    huge[frame + 5..frame + 9].fill(0xff);
    assert!(said(&huge).contains("JPEG blocks"));
}

#[test]
fn a_missing_end_marker_and_bytes_between_segments_are_harmless() {
    let good = bytes("420");
    let want = decode(&good).unwrap();
    assert_eq!(decode(&good[..good.len() - 2]).unwrap(), want);
    let mut wide = good.clone();
    wide.splice(2..2, [0, 1, 2]);
    assert_eq!(decode(&wide).unwrap(), want);
}

#[test]
fn no_flip_makes_a_jpeg_panic() {
    for name in ["420", "progressive", "restarts", "cmyk", "grey-progressive"] {
        fuzz::rounds(&bytes(name), 300, |bytes, _| decode(bytes));
    }
}

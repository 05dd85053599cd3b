//! Files that libsndfile and SciPy wrote (`tests/fixtures/sounds/make_wav.py`) with the values that they
//! read again, and files chunk by chunk as recorders, editors and pipes leave them.

use super::write::{chunk, claiming, file, format};
use super::*;
use crate::files::fuzz;
use crate::fixture;

/// Decodes a whole file.
fn decode(bytes: &[u8]) -> Result<Vec<f32>, Fault> {
    let header = Header::read(bytes)?;
    let range = header.bytes(0..header.frames);
    match bytes.get(range.start as usize..range.end as usize) {
        Some(samples) => header.mixed(samples),
        None => fault("WAV file", format!("{} bytes", range.end), bytes.len()),
    }
}

fn said(bytes: &[u8]) -> String {
    decode(bytes).expect_err("refused").to_string()
}

#[derive(serde::Deserialize)]
struct Expected {
    by: String,
    values: Vec<f64>,
}

#[test]
fn every_coding_gives_the_values_of_libsndfile_and_scipy() {
    let text = std::fs::read_to_string(fixture::path("sounds/wav/expected.json")).unwrap();
    let all: std::collections::BTreeMap<String, Expected> = serde_json::from_str(&text).unwrap();
    assert_eq!(all.len(), 41);
    for (name, expected) in all {
        let bytes = std::fs::read(fixture::path(&format!("sounds/wav/{name}"))).unwrap();
        let found = decode(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(found.len(), expected.values.len(), "{name}");
        for (found, value) in found.iter().zip(&expected.values) {
            let off = (f64::from(*found) - value).abs();
            assert!(off < 1e-7, "{name}: {found} and by {} {value}", expected.by);
        }
        // a part of the frames is a part of the values
        let header = Header::read(&bytes[..]).unwrap();
        let part = header.bytes(2..4);
        let part = header.mixed(&bytes[part.start as usize..part.end as usize]);
        assert_eq!(part.unwrap(), found[2..4], "{name}");
    }
}

const SAMPLES: [i16; 4] = [16_384, -16_384, 8192, 1];

fn data() -> Vec<u8> {
    SAMPLES.iter().flat_map(|s| s.to_le_bytes()).collect()
}

fn fmt() -> Vec<u8> {
    chunk(b"fmt ", &format(1, 1, 8000, 2, 16))
}

fn whole() -> Vec<u8> {
    chunk(b"data", &data())
}

fn expect(what: &str, bytes: &[u8]) {
    let expected = SAMPLES.map(|s| f32::from(s) / 32_768.0);
    match decode(bytes) {
        Ok(found) => assert_eq!(found, expected, "{what}"),
        Err(e) => panic!("{what}: {e}"),
    }
}

#[test]
fn any_chunks_in_any_order_may_stand_around_the_samples() {
    let list = |contents: &[u8]| chunk(b"LIST", contents);
    let with = |before: &[Vec<u8>], between: &[Vec<u8>], after: &[Vec<u8>]| {
        let parts = [before, &[fmt()], between, &[whole()], after].concat();
        file(&parts)
    };
    expect("plain", &with(&[], &[], &[]));
    for length in [0, 1, 2, 7, 602, 603] {
        let bext = chunk(b"bext", &vec![b'd'; length]);
        expect("before", &with(std::slice::from_ref(&bext), &[], &[]));
        expect("between", &with(&[], std::slice::from_ref(&bext), &[]));
        let odd = [bext.clone(), chunk(b"xyz ", &[7; 3]), list(b"INFOx")];
        expect("several", &with(&odd, &odd, &odd));
        // a writer that forgets the pad byte
        let bare = claiming(b"bext", length as u32, &vec![b'd'; length]);
        expect(
            "no pad before",
            &with(std::slice::from_ref(&bare), &[], &[]),
        );
        expect("no pad between", &with(&[], &[bare], &[]));
    }
    expect("rubbish behind", &with(&[], &[], &[vec![0xff; 5]]));
    let longer = chunk(b"fmt ", &[format(1, 1, 8000, 2, 16), vec![0, 0]].concat());
    expect("fmt of 18 bytes", &file(&[longer, whole()]));
    let mut wrong = with(&[], &[], &[]);
    wrong[4..8].fill(0);
    expect("RIFF of 0 bytes", &wrong);
    wrong[4..8].fill(0xff);
    expect("RIFF of 0xFFFFFFFF bytes", &wrong);
}

#[test]
fn lengths_that_a_pipe_leaves_mean_up_to_the_end() {
    for length in [
        0,
        0xffff_ffff,
        0x7fff_ffff,
        0x7fff_f000,
        0x8000_0000,
        0xffff_ff00,
    ] {
        let open = claiming(b"data", length, &data());
        expect(&format!("{length:x}"), &file(&[fmt(), open.clone()]));
        let list = chunk(b"LIST", b"INFOISFT\x05\0\0\0Lavf\0");
        expect("behind LIST", &file(&[fmt(), list, open.clone()]));
        // half a sample at the end is none
        expect("half", &file(&[fmt(), open, vec![9]]));
    }
    let sizes = |samples: u64| {
        let sizes = [
            100u64.to_le_bytes(),
            samples.to_le_bytes(),
            4u64.to_le_bytes(),
        ];
        chunk(b"ds64", &[sizes.concat(), vec![0; 4]].concat())
    };
    for magic in [b"RF64", b"BW64"] {
        for samples in [8, 0, u64::MAX] {
            let open = claiming(b"data", u32::MAX, &data());
            let behind = if samples == 8 {
                chunk(b"bext", &[1; 9])
            } else {
                Vec::new()
            };
            let mut long = file(&[sizes(samples), fmt(), open, behind]);
            long[..4].copy_from_slice(magic);
            expect("ds64", &long);
        }
    }
}

#[test]
fn no_samples_are_no_silence() {
    let empty = claiming(b"data", 0, &[]);
    for behind in [
        Vec::new(),
        chunk(b"LIST", b"INFO"),
        chunk(b"bext", &[0; 603]),
    ] {
        let said = said(&file(&[fmt(), empty.clone(), behind]));
        assert!(said.contains("expected samples"), "{said}");
    }
    // one byte of sixteen bits
    assert!(said(&file(&[fmt(), claiming(b"data", 1, &[7])])).contains("expected samples"));
    assert!(said(&file(&[fmt()])).contains("a chunk “data”, found none"));
    assert!(said(&file(&[])).contains("a chunk “fmt”, found none"));
    assert!(said(&file(&[whole(), fmt()])).contains("“data” before any “fmt”"));
    assert!(said(&file(&[fmt(), fmt(), whole()])).contains("a second one"));
    // cut short: the header says more than there is
    let good = file(&[fmt(), whole()]);
    for end in 0..good.len() {
        assert!(decode(&good[..end]).is_err(), "{end}");
    }
    assert!(said(&file(&[fmt(), claiming(b"data", 10, &data())])).contains("54 bytes"));
    let beyond = claiming(b"LIST", 900, b"INFO");
    assert!(said(&file(&[fmt(), beyond, whole()])).contains("chunk “LIST”: expected 900"));
    assert!(
        said(&file(&[fmt(), chunk(b"\0\x01\x02\x03", &[]), whole()])).contains("a chunk's name")
    );
}

#[test]
fn other_formats_are_refused_by_their_name() {
    let coded = |format: Vec<u8>| said(&file(&[chunk(b"fmt ", &format), chunk(b"data", &[0; 64])]));
    for (tag, name) in [
        (2, "Microsoft ADPCM"),
        (0x11, "IMA ADPCM"),
        (0x55, "MP3"),
        (0x1234, "0x1234"),
    ] {
        assert!(coded(format(tag, 1, 8000, 2, 16)).contains(name), "{name}");
    }
    for (tag, channels, align, bits, words) in [
        (1, 0, 2, 16, "at least one channel"),
        (1, 2, 2, 16, "16 of 16 bits PCM, 2 channels in 2 bytes"),
        (1, 2, 5, 16, "in 5 bytes"),
        (1, 1, 0, 16, "in 0 bytes"),
        (1, 1, 8, 64, "64 of 64 bits PCM"),
        (1, 1, 1, 0, "0 of 0 bits PCM"),
        (1, 1, 2, 8, "8 of 8 bits PCM"),
        (3, 1, 2, 16, "16 of 16 bits float"),
        (7, 1, 2, 16, "bits µ-law"),
    ] {
        let said = coded(format(tag, channels, 8000, align, bits));
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(coded(vec![1, 0, 1, 0]).contains("16 bytes or more, found 4 bytes"));
    let extended = |valid: u16, guid: &[u8]| {
        let more = [22u16.to_le_bytes(), valid.to_le_bytes()].concat();
        [
            format(0xfffe, 1, 8000, 4, 32),
            more,
            vec![4, 0, 0, 0],
            guid.to_vec(),
        ]
        .concat()
    };
    let pcm = b"\x01\0\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71";
    let other = [&pcm[..15], &[0]].concat();
    assert!(coded(extended(24, &other)).contains("a sub-format of PCM or float"));
    assert!(coded(extended(33, pcm)).contains("33 of 32 bits"));
    assert!(coded(format(0xfffe, 1, 8000, 2, 16)).contains("without its sub-format"));
    // 24 bits at the lower end of 32 would be read 256 times too quiet
    let low: Vec<u8> = [5i32, -700_000, 8_388_607]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let low = file(&[chunk(b"fmt ", &extended(24, pcm)), chunk(b"data", &low)]);
    assert!(said(&low).contains("24 valid bits at the upper end of 32"));
    let float = [0.5f32, f32::NAN].map(f32::to_le_bytes).concat();
    let float = file(&[
        chunk(b"fmt ", &format(3, 1, 8000, 4, 32)),
        chunk(b"data", &float),
    ]);
    assert!(said(&float).contains("finite numbers"));
    for (head, name) in [
        (&b"OggS\0\x02\0\0\0\0\0\0\0"[..], "Ogg"),
        (b"fLaC\0\0\0\x22\x10\0\x10\0", "FLAC"),
        (b"ID3\x04\0\0\0\0\0\0\0\0", "MP3"),
        (b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0", "MP3"),
        (b"FORM\0\0\0\0AIFF", "AIFF"),
        (b"\0\0\0\x20ftypM4A ", "MP4"),
        (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", "Wave64"),
        (b"RIFF\0\0\0\0AVI ", "AVI"),
        (b"version https://git-lfs", "Git LFS"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"", "an empty file"),
        (b"RIFF", "RIFF file of another kind, or a part of one"),
        (b"abcdefghijklmnop", "61 62 63 64"),
    ] {
        let said = said(head);
        assert!(
            said.contains("expected a WAV file") && said.contains(name),
            "{said}"
        );
    }
}

#[test]
fn no_flip_makes_a_riff_file_panic() {
    let odd = chunk(b"bext", &[1; 603]);
    let long = [fmt(), odd.clone(), chunk(b"data", &[3; 400]), odd];
    let mut open = file(&[fmt(), claiming(b"data", 0, &[3; 400])]);
    fuzz::rounds(&file(&long), 300, |bytes, _| decode(bytes));
    fuzz::rounds(&open, 300, |bytes, _| decode(bytes));
    open[..4].copy_from_slice(b"RF64");
    fuzz::rounds(&open, 300, |bytes, _| decode(bytes));
    for name in [
        "valid_24_in_32",
        "rifx_pcm_24_3",
        "rf64_double",
        "wavex_alaw",
    ] {
        let good = std::fs::read(fixture::path(&format!("sounds/wav/{name}.wav"))).unwrap();
        fuzz::rounds(&good, 200, |bytes, _| decode(bytes));
    }
}

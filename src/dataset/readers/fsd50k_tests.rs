//! A small FSD50K: three labels of two hundred in use, folders and archives, halves that agree with
//! halving the whole clip.

use super::*;
use crate::dataset::groups;
use crate::files::fuzz;
use ::zip::{ZipWriter, write::SimpleFileOptions};
use std::io::Write;

fn tone(samples: usize) -> Vec<u8> {
    let wave = (0..samples).map(|n| ((n as f32 * 0.05).sin() * 9000.0) as i16 + (n % 97) as i16);
    wav::write::pcm16(RATE, &wave.collect::<Vec<_>>())
}

/// Names and contents.
type Files = Vec<(String, Vec<u8>)>;

/// Files of the set by their path.
fn files() -> Files {
    let names: String = (0..LABELS)
        .map(|l| format!("{l},Label_{l},/m/{l}\n"))
        .collect();
    let dev = "fname,labels,mids,split\n1,\"Label_0,Label_7\",\"/m/0,/m/7\",train\n\
               2,Label_199,/m/199,train\n3,Label_7,/m/7,val\n";
    let eval = "fname,labels,mids\n4,Label_7,/m/7\n";
    let text = |name: &str, text: &str| (format!("FSD50K.ground_truth/{name}"), text.into());
    let clip =
        |part: &str, number, samples| (format!("FSD50K.{part}_audio/{number}.wav"), tone(samples));
    vec![
        text("vocabulary.csv", &names),
        text("dev.csv", dev),
        text("eval.csv", eval),
        clip("dev", 1, 100_000), // chunks at 0, 0.5 and 1 s
        clip("dev", 2, 1000),
        clip("dev", 3, 50_000),
        clip("eval", 4, 60_000),
    ]
}

fn folder(root: &Path, files: &[(String, Vec<u8>)]) {
    for (name, bytes) in files {
        let place = root.join("fsd50k").join(name);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, bytes).unwrap();
    }
}

#[test]
fn folders_and_archives_give_the_same_chunks() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), &files());
    let unpacked = open(dir.path()).unwrap();
    let lengths = |s: &Splits| [&s.train, &s.valid, &s.test].map(|part| part.len());
    assert_eq!(lengths(&unpacked), [4, 1, 1]);
    let clips = groups(unpacked.train.as_ref()).unwrap();
    let clips = clips.iter().max().unwrap() + 1;
    let note = &unpacked.notes[0];
    assert!(
        note.contains(&format!("the 4 chunks of {clips} clips")),
        "{note}"
    );
    let mut hot = vec![0.5; LABELS];
    unpacked.train.read_target(0, &mut hot).unwrap();
    assert_eq!((hot[0], hot[7], hot.iter().sum::<f32>()), (1.0, 1.0, 2.0));

    let packed = tempfile::tempdir().unwrap();
    std::fs::create_dir(packed.path().join("fsd50k")).unwrap();
    for archive in [
        "FSD50K.ground_truth",
        "FSD50K.dev_audio",
        "FSD50K.eval_audio",
    ] {
        let place = packed.path().join("fsd50k").join(format!("{archive}.zip"));
        let mut zip = ZipWriter::new(std::fs::File::create(place).unwrap());
        zip.add_directory(archive, SimpleFileOptions::default())
            .unwrap();
        for (name, bytes) in files().iter().filter(|(n, _)| n.starts_with(archive)) {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
    }
    let packed = open(packed.path()).unwrap();
    assert_eq!(lengths(&packed), [4, 1, 1]);
    let (mut a, mut b) = (vec![0.0; 96 * 102], vec![0.0; 96 * 102]);
    for index in 0..4 {
        unpacked.train.read(index, &mut a).unwrap();
        packed.train.read(index, &mut b).unwrap();
        assert_eq!(a, b);
    }
}

#[test]
fn a_chunk_is_that_of_the_whole_clip_halved() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path(), &files());
    let splits = open(dir.path()).unwrap();
    let sound = wav::decode(&tone(100_000)[..], RATE, LONGEST).unwrap();
    let whole = decimate::halve(&sound);
    let expected = LogMel::new(Default::default()).decibels(&whole[CHUNK_HOP..CHUNK_HOP + CHUNK]);
    let mut out = vec![0.0; 96 * 102];
    splits.train.read(1, &mut out).unwrap();
    // standardised: a line through two points tells the scale
    let (a, b) = (0, 4000);
    let scale = (expected[b] - expected[a]) / (out[b] - out[a]);
    for (x, y) in out.iter().zip(&expected) {
        assert!(((x - out[a]) * scale - (y - expected[a])).abs() < 1e-2);
    }
}

/// Clips as a recorder or a pipe leaves them: an odd chunk in front, no length.
#[test]
fn open_lengths_and_odd_chunks_give_the_same_chunks_packed_or_not() {
    use wav::write::{chunk, claiming, file, format};
    let odd = |bytes: &[u8], length| {
        let fmt = chunk(b"fmt ", &format(1, 1, RATE, 2, 16));
        file(&[
            chunk(b"bext", &[9; 603]),
            fmt,
            claiming(b"data", length, &bytes[44..]),
        ])
    };
    let read = |root: &Path| -> Vec<f32> {
        let splits = open(root).unwrap();
        let mut out = vec![0.0; splits.train.len() * 96 * 102];
        for (index, out) in out.chunks_exact_mut(96 * 102).enumerate() {
            splits.train.read(index, out).unwrap();
        }
        out
    };
    let plain = tempfile::tempdir().unwrap();
    folder(plain.path(), &files());
    let expected = read(plain.path());
    for length in [0, 0xffff_ffff] {
        let mut files = files();
        for (_, bytes) in files.iter_mut().filter(|(name, _)| name.ends_with(".wav")) {
            *bytes = odd(bytes, length);
        }
        let unpacked = tempfile::tempdir().unwrap();
        folder(unpacked.path(), &files);
        assert!(read(unpacked.path()) == expected, "{length:x}");
        let packed = tempfile::tempdir().unwrap();
        folder(packed.path(), &files);
        let archive = packed.path().join("fsd50k/FSD50K.dev_audio.zip");
        let mut zip = ZipWriter::new(std::fs::File::create(archive).unwrap());
        for (name, bytes) in files.iter().filter(|(n, _)| n.starts_with("FSD50K.dev")) {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        std::fs::remove_dir_all(packed.path().join("fsd50k/FSD50K.dev_audio")).unwrap();
        assert!(read(packed.path()) == expected, "{length:x}, packed");
    }
}

#[test]
fn unknown_labels_rates_and_missing_clips_are_refused() {
    let said = |edit: &dyn Fn(&mut Files)| {
        let dir = tempfile::tempdir().unwrap();
        let mut files = files();
        edit(&mut files);
        folder(dir.path(), &files);
        open(dir.path()).err().unwrap().to_string()
    };
    let replace = |file: &mut Vec<u8>, from: &str, to: &str| {
        *file = String::from_utf8_lossy(file).replace(from, to).into_bytes();
    };
    assert!(said(&|f| replace(&mut f[1].1, "Label_199", "Label_x")).contains("Label_x"));
    assert!(said(&|f| replace(&mut f[1].1, "val", "train")).contains("val"));
    assert!(said(&|f| replace(&mut f[0].1, "199,Label_199,/m/199\n", "")).contains("199"));
    assert!(said(&|f| f[3].1 = wav::write::pcm16(8000, &[1; 9])).contains("found 8000"));
    assert!(said(&|f| drop(f.remove(4))).contains("2.wav"));
}

#[test]
fn no_flip_makes_fsd50k_panic() {
    for place in [1, 4] {
        let good = files()[place].1.clone();
        fuzz::rounds(&good, 25, |bytes, root| {
            let mut files = files();
            files[place].1 = bytes.to_vec();
            folder(root, &files);
            let splits = open(root)?;
            let last = splits.train.len() - 1;
            splits.train.read(last, &mut vec![0.0; 96 * 102])
        });
    }
}

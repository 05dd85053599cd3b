//! ESC-10 environmental sounds (Piczak, *ESC: Dataset for Environmental Sound Classification*,
//! ACM MM 2015) as log-mel spectrograms 1 × 96 × 102 of about one second.
//!
//! The clips lie as Ogg Vorbis in an uncompressed tar. It is never extracted: `index.csv` gives
//! name, offset and length of every clip, and each is checked against the tar's own header before
//! its bytes are decoded. 44.1 kHz is halved to 22.05 kHz ([`crate::dataset::audio::decimate`]), the clip
//! cut into chunks of 1.008 s every 0.5 s that lie wholly within it (a shorter clip gives one
//! chunk, padded with zeros), and every chunk takes the clip's label. The chunks of a clip are a group.
//!
//! Short sounds are padded with silence in ESC. A chunk whose root mean square is below
//! [`SILENCE`] is such padding and is dropped, except a clip's loudest one. Folds 1–3 train, fold
//! 4 validates, fold 5 tests: folds keep clips of one source together. Spectrograms are
//! standardised by one mean and one deviation of the training part. They are made once at
//! opening, on all cores, and kept: 39 KB per chunk, about 30 MB for 100 clips.

use std::path::Path;

use rayon::prelude::*;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::audio::{CHUNK, CHUNK_HOP, Clip, LogMel, SHAPE, decimate, vorbis};
use crate::dataset::files::{Place, malformed, map};
use crate::dataset::table::Table;
use crate::dataset::{DatasetError, Display, InMemory, Splits};
use crate::suite::task::TargetKind;

/// Root mean square, in units of full scale, below which a chunk counts as padding (−80 dB).
pub const SILENCE: f32 = 1e-4;
/// Sampling rate of the clips.
const RATE: u32 = 44_100;
/// Samples of the longest clip that is believed: the decoder may make this many and no more.
const LONGEST: usize = 60 * RATE as usize;
const CLASSES: usize = 10;

const PLACE: Place = Place::of("esc10");

/// The reader `esc10`.
pub const READER: Reader = Reader {
    name: "esc10",
    title: "ESC-10",
    what: "Log-mel spectrograms of one-second chunks of clips, 1 × 96 × 102, of ten environmental sounds",
    display: Some(Display::Spectrogram),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: Some("clip"),
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// A recording of a sound.
struct Recording {
    clip: Clip,
    fold: usize,
    samples: usize,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let tar_path = PLACE.find(root, &["esc10_100clips.tar", "esc10.tar"])?;
    let index_path = PLACE.find(root, &["index.csv"])?;
    let (clips, classes) = index(&index_path)?;
    let archive = map(&tar_path)?;
    let transform = LogMel::new(Default::default());
    let spectrograms = clips
        .par_iter()
        .map(|Recording { clip, samples, .. }| {
            let ogg = clip.bytes(&archive, &tar_path)?;
            let sound = vorbis::decode(ogg, RATE, *samples).map_err(|(expected, found)| {
                malformed(&tar_path, format!("sound {}", clip.member), expected, found)
            })?;
            let chunks = chunks(&decimate::halve(&sound));
            Ok(chunks
                .iter()
                .map(|chunk| transform.decibels(chunk))
                .collect::<Vec<_>>())
        })
        .collect::<Result<Vec<_>, DatasetError>>()?;

    let part = |folds: std::ops::RangeInclusive<usize>| {
        let (mut labels, mut data, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (found, spectrograms)) in clips.iter().zip(&spectrograms).enumerate() {
            if folds.contains(&found.fold) {
                groups.extend(std::iter::repeat_n(number, spectrograms.len()));
                labels.extend(std::iter::repeat_n(found.clip.label, spectrograms.len()));
                data.extend(spectrograms.iter().flatten().copied());
            }
        }
        InMemory::new(SHAPE, classes.clone(), labels, data)?.grouped("clip", groups)
    };
    InMemory::standardised([part(1..=3)?, part(4..=4)?, part(5..=5)?])
}

/// The clips and the class names of the index.
fn index(path: &Path) -> Result<(Vec<Recording>, Vec<String>), DatasetError> {
    let table = Table::read(path)?;
    let mut classes = vec![String::new(); CLASSES];
    let mut clips = Vec::with_capacity(table.rows.len());
    for row in 0..table.rows.len() {
        let found = Recording {
            clip: Clip::of(&table, row, path, CLASSES)?,
            fold: table.get(row, "fold")?,
            samples: table.get(row, "n_samples")?,
        };
        let wrong = |what: &str, expected: &str, found: usize| {
            malformed(
                path,
                format!("{what} in row {row}"),
                expected,
                found.to_string(),
            )
        };
        if !(1..=5).contains(&found.fold) {
            return Err(wrong("fold", "1..=5", found.fold));
        }
        if found.samples > LONGEST {
            return Err(wrong("n_samples", "at most one minute", found.samples));
        }
        let name: String = table.get(row, "class_name")?;
        let class = &mut classes[found.clip.label];
        if !class.is_empty() && *class != name {
            let what = format!("class_name in row {row}, label {}", found.clip.label);
            return Err(malformed(path, what, class.as_str(), name));
        }
        *class = name;
        clips.push(found);
    }
    if let Some(class) = classes.iter().position(String::is_empty) {
        let expected = format!("clips of all {CLASSES} classes");
        return Err(malformed(
            path,
            "classes",
            expected,
            format!("none of class {class}"),
        ));
    }
    Ok((clips, classes))
}

/// The chunks of a clip that are not padding, in time order.
fn chunks(sound: &[f32]) -> Vec<Vec<f32>> {
    let starts = (0..)
        .map(|i| i * CHUNK_HOP)
        .take_while(|&start| start == 0 || start + CHUNK <= sound.len());
    let all: Vec<(f32, Vec<f32>)> = starts
        .map(|start| {
            let mut chunk = sound[start..sound.len().min(start + CHUNK)].to_vec();
            chunk.resize(CHUNK, 0.0);
            let power = chunk.iter().map(|x| x * x).sum::<f32>() / CHUNK as f32;
            (power.sqrt(), chunk)
        })
        .collect();
    let loudest = all.iter().map(|(rms, _)| *rms).fold(0.0, f32::max);
    all.into_iter()
        .filter(|(rms, _)| *rms >= SILENCE.min(loudest))
        .map(|(_, chunk)| chunk)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::tar;

    #[test]
    fn padding_is_dropped_but_no_clip_vanishes() {
        let mut sound = vec![0.0; 5 * 22_050];
        assert!(!chunks(&sound).is_empty());
        for (n, x) in sound.iter_mut().take(20_000).enumerate() {
            *x = (n as f32 * 0.1).sin();
        }
        // chunks at 0 and 11,025 hear the sound, the others are padding
        assert_eq!(chunks(&sound).len(), 2);
        assert_eq!(chunks(&sound[..100]).len(), 1);
        assert_eq!(chunks(&sound[..100])[0].len(), CHUNK);
        assert_eq!(chunks(&vec![0.5; 5 * 22_050]).len(), 8);
    }

    #[test]
    fn foreign_and_truncated_archives_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("esc10");
        std::fs::create_dir(&folder).unwrap();
        let mut rows = String::from("member,tar_offset,n_bytes,label,class_name,fold,n_samples\n");
        for label in 0..10 {
            rows += &format!(
                "00{label}/1-1-A.ogg,{},100,{label},class {label},1,1000\n",
                512 + label * 1024
            );
        }
        std::fs::write(folder.join("index.csv"), &rows).unwrap();
        let open = |tar: &[u8]| {
            std::fs::write(folder.join("esc10_100clips.tar"), tar).unwrap();
            super::open(dir.path())
                .err()
                .map(|e| e.to_string())
                .unwrap_or_default()
        };
        assert!(open(&[0; 20_000]).contains("tar header"));
        assert!(open(&[7; 600]).contains("600 bytes"));
        // a proper header in front of rubbish
        let names: Vec<String> = (0..10).map(|l| format!("00{l}/1-1-A.ogg")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &[7; 100][..])).collect();
        let tar = tar::write::archive(&files);
        assert!(open(&tar).contains("Ogg Vorbis"));
        let twice = format!("{rows}000/1-1-A.ogg,512,100,0,class 1,1,1000\n");
        std::fs::write(folder.join("index.csv"), twice).unwrap();
        assert!(open(&tar).contains("label 0: expected class 0, found class 1"));
        std::fs::write(folder.join("index.csv"), rows.replace(",1,1000", ",6,1000")).unwrap();
        assert!(open(&tar).contains("1..=5"));
        std::fs::write(
            folder.join("index.csv"),
            rows.replace(",1,1000", ",1,4000000000"),
        )
        .unwrap();
        assert!(open(&tar).contains("one minute"));
    }

    #[test]
    fn no_flip_makes_environmental_sounds_panic() {
        let tone = std::fs::read(crate::fixture::path("sounds/tone.ogg")).unwrap();
        let names: Vec<String> = (0..10).map(|l| format!("00{l}/tone.ogg")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &tone[..])).collect();
        let tar = tar::write::archive(&files);
        let mut index = String::from("member,tar_offset,n_bytes,label,class_name,fold,n_samples\n");
        let room = tone.len().next_multiple_of(512) + 512;
        for (label, name) in names.iter().enumerate() {
            let (offset, bytes, fold) = (512 + label * room, tone.len(), label % 5 + 1);
            index += &format!("{name},{offset},{bytes},{label},class {label},{fold},4410\n");
        }
        let open = |root: &Path, tar: &[u8], index: &[u8]| {
            std::fs::create_dir_all(root.join("esc10")).unwrap();
            std::fs::write(root.join("esc10/esc10_100clips.tar"), tar).unwrap();
            std::fs::write(root.join("esc10/index.csv"), index).unwrap();
            super::open(root)
        };
        use crate::files::fuzz::rounds;
        rounds(&tar, 15, |bytes, root| open(root, bytes, index.as_bytes()));
        rounds(index.as_bytes(), 15, |bytes, root| open(root, &tar, bytes));
    }
}

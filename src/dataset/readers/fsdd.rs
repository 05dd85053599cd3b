//! Free Spoken Digit Dataset (Jackson et al.): ten spoken digits of six speakers as log-mel
//! spectrograms 1 × 96 × 102 of about one second.
//!
//! Clips are WAV files of 8 kHz in an uncompressed tar that is never extracted; `index.csv` gives
//! name, place, digit and take of each. A clip is centred in 1.01 s: silence around a shorter one,
//! the ends of a longer one cut. Windows of 90 ms every 10 ms, 96 mel bands up to 4 kHz.
//!
//! Split by take, as the set's README says: takes 0–4 of every digit and speaker test. Of the
//! others every fifth (4, 9, 14… modulo 5) validates and the rest train, so no recording stands in
//! two parts and all speakers in each. Standardised by one mean and deviation of the training part.

use std::path::Path;

use rayon::prelude::*;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::audio::{Clip, LogMel, SHAPE, SpectrogramSetting, wav};
use crate::dataset::files::{Place, malformed, map, refused};
use crate::dataset::table::Table;
use crate::dataset::{DatasetError, Display, InMemory, Splits};
use crate::suite::task::TargetKind;

/// Sampling rate of the clips.
const RATE: u32 = 8000;
/// Samples of the longest clip that is believed: ten seconds.
const LONGEST: usize = 10 * RATE as usize;
const DIGITS: usize = 10;

/// Windows of 90 ms every 10 ms.
const SETTING: SpectrogramSetting = SpectrogramSetting {
    rate: RATE,
    n_fft: 720,
    hop: 80,
    bands: SHAPE[1],
};
/// Samples that make exactly as many frames.
const LENGTH: usize = (SHAPE[2] - 1) * SETTING.hop;

const PLACE: Place = Place::of("fsdd");

/// The reader `fsdd`.
pub const READER: Reader = Reader {
    name: "fsdd",
    title: "Free Spoken Digit Dataset",
    what: "Log-mel spectrograms of spoken digits, 1 × 96 × 102",
    display: Some(Display::Spectrogram),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// A recording of a digit.
struct Recording {
    clip: Clip,
    take: usize,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let tar_path = PLACE.find(root, &["fsdd_600.tar", "fsdd.tar"])?;
    let clips = index(&PLACE.find(root, &["index.csv"])?)?;
    let archive = map(&tar_path)?;
    let transform = LogMel::new(SETTING);
    let spectrograms = clips
        .par_iter()
        .map(|Recording { clip, .. }| {
            let bytes = clip.bytes(&archive, &tar_path)?;
            let sound = wav::decode(bytes, RATE, LONGEST)
                .map_err(|fault| fault.of(&format!("sound {}", clip.member)))
                .map_err(refused(&tar_path))?;
            Ok(transform.decibels(&centred(&sound)))
        })
        .collect::<Result<Vec<_>, DatasetError>>()?;
    let classes: Vec<String> = (0..DIGITS).map(|d| d.to_string()).collect();
    let part = |wanted: fn(usize) -> bool| {
        let chosen = clips.iter().zip(&spectrograms);
        let chosen = chosen.filter(|(found, _)| wanted(found.take));
        let (labels, data): (Vec<usize>, Vec<&[f32]>) = chosen
            .map(|(found, s)| (found.clip.label, s.as_slice()))
            .unzip();
        InMemory::new(SHAPE, classes.clone(), labels, data.concat())
    };
    let train = part(|take| take > 4 && take % 5 != 4)?;
    let valid = part(|take| take > 4 && take % 5 == 4)?;
    let test = part(|take| take <= 4)?;
    InMemory::standardised([train, valid, test])
}

fn index(path: &Path) -> Result<Vec<Recording>, DatasetError> {
    let table = Table::read(path)?;
    let mut clips = Vec::with_capacity(table.rows.len());
    for row in 0..table.rows.len() {
        clips.push(Recording {
            clip: Clip::of(&table, row, path, DIGITS)?,
            take: table.get(row, "take")?,
        });
    }
    for (name, wanted) in [("4 or less", true), ("5 or more", false)] {
        if !clips.iter().any(|found| (found.take <= 4) == wanted) {
            return Err(malformed(path, "takes", format!("some of {name}"), "none"));
        }
    }
    Ok(clips)
}

/// The middle of a longer sound, or a shorter one in the middle of silence.
fn centred(sound: &[f32]) -> Vec<f32> {
    let skip = sound.len().saturating_sub(LENGTH) / 2;
    let middle = &sound[skip..(skip + LENGTH).min(sound.len())];
    let mut out = vec![0.0; LENGTH];
    let start = (LENGTH - middle.len()) / 2;
    out[start..start + middle.len()].copy_from_slice(middle);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{fuzz, tar};

    /// Two digits, one speaker, takes 0 to 9; take `t` of digit `d` is a tone.
    fn folder(root: &Path, archive: Option<&[u8]>) -> Vec<u8> {
        let folder = root.join("fsdd");
        std::fs::create_dir_all(&folder).unwrap();
        let mut rows = String::from("member,tar_offset,n_bytes,label,speaker,take\n");
        let mut files = Vec::new();
        let mut at = 512;
        for digit in 0..2u32 {
            for take in 0..10u32 {
                let tone = |n: u32| ((n * (3 + digit) + take) % 50 * 600) as i16;
                let samples: Vec<i16> = (0..400 + take).map(tone).collect();
                let bytes = wav::write::pcm16(RATE, &samples);
                let name = format!("{digit}_x_{take}.wav");
                rows += &format!("{name},{at},{},{digit},x,{take}\n", bytes.len());
                at += bytes.len().next_multiple_of(512) + 512;
                files.push((name, bytes));
            }
        }
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
        let good = tar::write::archive(&files);
        std::fs::write(folder.join("index.csv"), rows).unwrap();
        std::fs::write(folder.join("fsdd_600.tar"), archive.unwrap_or(&good)).unwrap();
        good
    }

    #[test]
    fn takes_are_kept_apart_and_sounds_centred() {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), None);
        let splits = open(dir.path()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(lengths, [8, 2, 10]);
        assert_eq!(splits.test.label(9), 1);
        let middle = centred(&[1.0; 80]);
        let (left, right) = (middle[4000 - 1], middle[LENGTH - 4000]);
        assert_eq!((middle.len(), left, right), (LENGTH, 0.0, 0.0));
        assert_eq!(middle.iter().sum::<f32>(), 80.0);
        assert!(centred(&vec![1.0; LENGTH + 9]).iter().all(|&x| x == 1.0));
    }

    #[test]
    fn foreign_labels_missing_takes_and_rates_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), None);
        let index = dir.path().join("fsdd/index.csv");
        let rows = std::fs::read_to_string(&index).unwrap();
        let said = |rows: String| {
            std::fs::write(&index, rows).unwrap();
            open(dir.path()).err().unwrap().to_string()
        };
        assert!(said(rows.replace(",1,x,3\n", ",10,x,3\n")).contains("0..=9"));
        let few: Vec<&str> = rows.lines().take(4).collect();
        assert!(said(few.join("\n")).contains("5 or more"));
        assert!(said(rows.replace("0_x_0.wav", "0_y_0.wav")).contains("tar header"));
        assert!(said(rows.replace("take", "takes")).contains("a column “take”"));
    }

    #[test]
    fn no_flip_makes_the_spoken_digits_panic() {
        let dir = tempfile::tempdir().unwrap();
        let good = folder(dir.path(), None);
        fuzz::rounds(&good, 60, |bytes, root| {
            folder(root, Some(bytes));
            open(root)
        });
    }
}

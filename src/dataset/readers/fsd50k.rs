//! FSD50K (Fonseca et al. 2022): 51,197 clips of everyday sounds, 200 labels of which a clip has one or
//! more, as log-mel spectrograms 1 × 96 × 102 of about one second.
//!
//! Clips are WAV files of 44.1 kHz in `FSD50K.dev_audio` and `FSD50K.eval_audio`, folders or zip
//! archives of one file (the published ones are split: the error names the command that joins
//! them); `FSD50K.ground_truth` has `vocabulary.csv`, `dev.csv` and `eval.csv`. A clip is cut into
//! chunks of 1.008 s every 0.5 s as in ESC-10 (a shorter one is padded with silence) and each has the
//! clip's labels. Train and val as the ground truth splits dev, eval tests.
//!
//! Opening reads the header of every clip and no sound. Of a chunk its own samples alone are read, halved
//! to 22.05 kHz and transformed; in a packed archive that compresses, the clip is inflated up to them. Spectrograms are standardised by one mean and deviation of
//! [`FITTED`] training chunks evenly spread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::audio::{CHUNK, CHUNK_HOP, LogMel, SHAPE, decimate, wav};
use crate::dataset::files::{Place, malformed, refused};
use crate::dataset::table::Table;
use crate::dataset::tree::Tree;
use crate::dataset::{
    Dataset, DatasetError, Display, Normalise, Splits, Subset, TargetShape, check_request,
    check_target, sample_len,
};
use crate::files::Fault;
use crate::suite::task::TargetKind;

/// Training chunks whose statistics standardise all.
pub const FITTED: usize = 512;
const RATE: u32 = 44_100;
/// Samples of the longest clip that is believed; the longest has 30 s.
const LONGEST: usize = 60 * RATE as usize;
const LABELS: usize = 200;
/// Largest table that is read.
const TABLE: u64 = 16 << 20;
/// Samples beside a chunk that the halving filter sees.
const MARGIN: usize = 128;

const PLACE: Place = Place::of("fsd50k");

/// The reader `fsd50k`.
pub const READER: Reader = Reader {
    name: "fsd50k",
    title: "FSD50K",
    what: "Log-mel spectrograms of one-second chunks of clips, 1 × 96 × 102, with any of 200 sound events",
    display: Some(Display::Spectrogram),
    input: Input::Resized,
    target: TargetKind::MultiHot,
    unit: Some("clip"),
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// A clip: its file, its labels and where its samples are.
struct Clip {
    name: String,
    labels: Vec<usize>,
    sound: wav::Header,
}

/// Chunks of one part's clips.
#[derive(Clone)]
struct Chunks {
    tree: Arc<Tree>,
    classes: Arc<Vec<String>>,
    clips: Arc<Vec<Clip>>,
    /// Clip and first sample (at 22.05 kHz) of every chunk.
    chunks: Arc<Vec<(usize, usize)>>,
    transform: Arc<LogMel>,
    norm: Normalise,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let truth = tree(root, "FSD50K.ground_truth", "vocabulary.csv")?;
    let dev = Arc::new(tree(root, "FSD50K.dev_audio", "")?);
    let eval = Arc::new(tree(root, "FSD50K.eval_audio", "")?);
    let table = |name: &str| Table::parse(&truth.place(name), &truth.bytes(name, TABLE)?);
    let classes = Arc::new(vocabulary(&truth)?);
    let transform = Arc::new(LogMel::new(Default::default()));
    let clips = |name: &str, split: Option<&str>| -> Result<Vec<_>, DatasetError> {
        let (table, place) = (table(name)?, truth.place(name));
        let mut clips = Vec::new();
        for row in 0..table.rows.len() {
            if let Some(split) = split
                && table.get::<String>(row, "split")? != split
            {
                continue;
            }
            let file: u64 = table.get(row, "fname")?;
            let labels: String = table.get(row, "labels")?;
            let label = |name: &str| {
                classes.iter().position(|c| c == name).ok_or_else(|| {
                    let what = format!("label in row {row}");
                    malformed(&place, what, "one of vocabulary.csv", name)
                })
            };
            let labels = labels
                .split(',')
                .map(label)
                .collect::<Result<Vec<_>, _>>()?;
            clips.push((format!("{file}.wav"), labels));
        }
        if clips.is_empty() {
            Err(malformed(
                &place,
                "clips",
                split.map_or("some".into(), |split| format!("some of split {split}")),
                "none",
            ))
        } else {
            Ok(clips)
        }
    };
    let part = |tree: &Arc<Tree>, clips| Chunks::new(tree, &classes, clips, &transform);
    let mut train = part(&dev, clips("dev.csv", Some("train"))?)?;
    let mut valid = part(&dev, clips("dev.csv", Some("val"))?)?;
    let mut test = part(&eval, clips("eval.csv", None)?)?;
    let step = train.len().div_ceil(FITTED).max(1);
    let some: Vec<usize> = (0..train.len()).step_by(step).collect();
    let norm = Normalise::fit(&Subset::new(Arc::new(train.clone()), some)?, 1)?;
    for part in [&mut train, &mut valid, &mut test] {
        part.norm = norm.clone();
    }
    let note = format!(
        "trains on every one of the {} chunks of {} clips in an epoch, where the benchmark draws one chunk a clip",
        train.len(),
        train.clips.len()
    );
    Ok(Splits::new(Arc::new(train), Arc::new(valid), Arc::new(test)).noted([note]))
}

/// A folder of that name, or its archive in one file.
fn tree(root: &Path, name: &str, landmark: &str) -> Result<Tree, DatasetError> {
    let mut folders = PLACE.folders().into_iter().map(|f| root.join(f).join(name));
    if let Some(folder) = folders.find(|path| path.is_dir()) {
        return Ok(Tree::Folder(folder));
    }
    let (whole, zip) = (format!("{name}.whole.zip"), format!("{name}.zip"));
    let path: PathBuf = PLACE.find(root, &[&whole, &zip])?;
    Tree::packed(&path, &format!("{name}/{landmark}")).map(|tree| match tree {
        Tree::Packed(path, zip, prefix) => Tree::Packed(path, zip, format!("{prefix}{name}/")),
        folder => folder,
    })
}

/// Names in `vocabulary.csv`, a table without a header: index, label, identifier.
fn vocabulary(truth: &Tree) -> Result<Vec<String>, DatasetError> {
    let place = truth.place("vocabulary.csv");
    let bytes = truth.bytes("vocabulary.csv", TABLE)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&bytes[..]);
    let mut names = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|e| malformed(&place, "table", "CSV", e.to_string()))?;
        match (
            record.get(0).and_then(|i| i.parse::<usize>().ok()),
            record.get(1),
        ) {
            (Some(index), Some(name)) if row == index => names.push(name.to_owned()),
            _ => {
                let found = record.iter().collect::<Vec<_>>().join(", ");
                return Err(malformed(
                    &place,
                    format!("row {row}"),
                    "index, label, mid",
                    found,
                ));
            }
        }
    }
    match names.len() {
        LABELS => Ok(names),
        other => Err(malformed(
            &place,
            "labels",
            LABELS.to_string(),
            other.to_string(),
        )),
    }
}

impl Chunks {
    fn new(
        tree: &Arc<Tree>,
        classes: &Arc<Vec<String>>,
        clips: Vec<(String, Vec<usize>)>,
        transform: &Arc<LogMel>,
    ) -> Result<Self, DatasetError> {
        let clip = |(name, labels): (String, Vec<usize>)| {
            let sound = tree.stream(&name, |stream| {
                wav::header(stream, RATE, LONGEST).map_err(wrong(&name))
            })?;
            Ok(Clip {
                name,
                labels,
                sound,
            })
        };
        let clips = clips.into_par_iter().map(clip);
        let clips = clips.collect::<Result<Vec<_>, DatasetError>>()?;
        let starts = |(number, clip): (usize, &Clip)| {
            let last = clip.sound.frames.div_ceil(2).saturating_sub(CHUNK);
            (0..=last).step_by(CHUNK_HOP).map(move |s| (number, s))
        };
        Ok(Self {
            tree: tree.clone(),
            classes: classes.clone(),
            chunks: Arc::new(clips.iter().enumerate().flat_map(starts).collect()),
            clips: Arc::new(clips),
            transform: transform.clone(),
            norm: Normalise::new(&[0.0], &[1.0]),
        })
    }
}

/// What is wrong with a clip.
fn wrong(name: &str) -> impl Fn(Fault) -> Fault + '_ {
    move |fault| fault.of(&format!("sound {name}"))
}

impl Dataset for Chunks {
    fn shape(&self) -> [usize; 3] {
        SHAPE
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn len(&self) -> usize {
        self.chunks.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn group(&self, index: usize) -> usize {
        self.chunks[index].0
    }

    fn unit(&self) -> Option<&'static str> {
        READER.unit
    }

    fn scored_by_group(&self) -> bool {
        true
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::MultiHot
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, sample_len(self))?;
        check_target(
            PLACE.set,
            self.target_shape(),
            self.classes.len(),
            out.len(),
        )?;
        out.fill(0.0);
        let (clip, _) = self.chunks[index];
        let labels = &self.clips[clip].labels;
        labels.iter().for_each(|&label| out[label] = 1.0);
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, out.len())?;
        let (clip, start) = self.chunks[index];
        let Clip { name, sound, .. } = &self.clips[clip];
        // with what the halving filter sees beside it
        let from = (2 * start).saturating_sub(MARGIN).min(sound.frames);
        let to = (2 * (start + CHUNK) + MARGIN).min(sound.frames);
        let bytes = self.tree.part(name, sound.bytes(from..to))?;
        let place = self.tree.place(name);
        let sound = sound.mixed(&bytes).map_err(wrong(name));
        let halved = decimate::halve(&sound.map_err(refused(&place))?);
        let skip = (start - from / 2).min(halved.len());
        let mut chunk = halved[skip..halved.len().min(skip + CHUNK)].to_vec();
        chunk.resize(CHUNK, 0.0);
        out.copy_from_slice(&self.transform.decibels(&chunk));
        self.norm.apply(out);
        Ok(())
    }
}

#[cfg(test)]
#[path = "fsd50k_tests.rs"]
mod tests;

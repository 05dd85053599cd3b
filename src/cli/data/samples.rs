//! Samples of a dataset, opened to be looked at.

use crate::cli::error::CliError;
use crate::dataset::{self, Dataset, Splits, Truth};
use crate::figure::sheet::{Tile, View, figure};
use crate::figure::{Format, write_whole};
use crate::manifest::suite::{DatasetSpec, Reader};
use std::path::Path;

/// Tiles of a sheet.
const TILES: usize = 40;
const COLUMNS: usize = 10;
/// Samples of procedural sets that are made.
const MADE: usize = 200;

/// An opened dataset.
pub struct Look {
    splits: Splits,
    view: View,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// What is known about a sample, in words.
    pub truth: &'static str,
    /// Names of classes or labels.
    pub names: Vec<String>,
    /// Its three parts.
    pub parts: Vec<Part>,
}

/// A part of a dataset.
pub struct Part {
    /// `train`, `valid` or `test`.
    pub name: &'static str,
    /// Its samples.
    pub samples: usize,
    /// Samples (or positives) of every class.
    pub classes: Vec<usize>,
}

impl Look {
    /// Opens what a reader reads below `data`.
    pub fn at(reader: Reader, data: &Path) -> Result<Self, CliError> {
        let mut spec = DatasetSpec::new("look", "look", reader);
        if reader.name().starts_with("demo") {
            (spec.train, spec.valid, spec.test) = (MADE, MADE / 4, MADE / 4);
        }
        let splits = dataset::open(&spec, Some(data), 0)?;
        let sets = [
            ("train", &splits.train),
            ("valid", &splits.valid),
            ("test", &splits.test),
        ];
        let parts = sets.into_iter().map(|(name, set)| {
            Ok(Part {
                name,
                samples: set.len(),
                classes: counts(set.as_ref())?,
            })
        });
        Ok(Self {
            view: view(reader, splits.train.shape()),
            shape: splits.train.shape(),
            truth: splits.train.truth().name(),
            names: splits.train.classes().to_vec(),
            parts: parts.collect::<Result<_, CliError>>()?,
            splits,
        })
    }
}

/// How a reader's samples are looked at.
fn view(reader: Reader, [channels, height, _]: [usize; 3]) -> View {
    let name = reader.name();
    let signal = ["emg", "ninapro", "ecg", "satellite", "deepsea"];
    match () {
        () if height == 1 || signal.iter().any(|s| name.contains(s)) => View::Signal,
        () if ["esc", "fsd", "sound"].iter().any(|s| name.contains(s)) => View::Spectrogram,
        () if channels == 3 && !name.contains("darcy") && !name.contains("pde") => View::Image,
        () => View::Map,
    }
}

fn counts(set: &dyn Dataset) -> Result<Vec<usize>, CliError> {
    let mut counts = vec![0; set.classes().len()];
    match set.truth() {
        Truth::Class => (0..set.len()).for_each(|i| counts[set.label(i)] += 1),
        Truth::MultiHot => {
            let mut known = vec![0.0; counts.len()];
            for i in 0..set.len() {
                set.read_truth(i, &mut known)?;
                counts
                    .iter_mut()
                    .zip(&known)
                    .for_each(|(c, k)| *c += usize::from(*k > 0.5));
            }
        }
        Truth::Field(_) => {}
    }
    Ok(counts)
}

/// Draws training samples, class after class; of fields each beside its target.
pub fn sheet(look: &Look, title: &str, path: &Path, format: Format) -> Result<(), CliError> {
    let set = look.splits.train.as_ref();
    let shape = set.shape();
    let mut tiles = Vec::new();
    for index in chosen(set) {
        let mut values = vec![0.0; shape.iter().product()];
        set.read(index, &mut values)?;
        let name = match set.truth() {
            Truth::Class => look
                .names
                .get(set.label(index))
                .cloned()
                .unwrap_or_default(),
            Truth::MultiHot => {
                let mut known = vec![0.0; look.names.len()];
                set.read_truth(index, &mut known)?;
                let positive = look.names.iter().zip(&known).filter(|(_, k)| **k > 0.5);
                positive
                    .map(|(name, _)| name.as_str())
                    .collect::<Vec<_>>()
                    .join(", ")
            }
            Truth::Field(_) => format!("{index}"),
        };
        tiles.push(Tile {
            title: name,
            shape,
            values,
            view: look.view,
        });
        if let Truth::Field(target) = set.truth() {
            let mut values = vec![0.0; target.iter().product()];
            set.read_truth(index, &mut values)?;
            tiles.push(Tile {
                title: format!("{index} → target"),
                shape: target,
                values,
                view: if target[1] == 1 {
                    View::Signal
                } else {
                    View::Map
                },
            });
        }
    }
    let [c, h, w] = shape;
    let note = format!(
        "{} training samples, {c} × {h} × {w}, as the model gets them",
        set.len()
    );
    let drawn = figure(title, &note, &tiles, COLUMNS)?;
    let bytes = match format {
        Format::Svg => drawn.svg()?.into_bytes(),
        Format::Png => drawn.png()?,
    };
    Ok(write_whole(path, &bytes)?)
}

/// Samples to show: as many of every class, until the sheet is full.
fn chosen(set: &dyn Dataset) -> Vec<usize> {
    let count = match set.truth() {
        Truth::Field(_) => TILES / 2,
        _ => TILES,
    };
    if set.truth() != Truth::Class {
        let step = (set.len() / count.max(1)).max(1);
        return (0..set.len()).step_by(step).take(count).collect();
    }
    let classes = set.classes().len().max(1);
    let each = (count / classes.min(count)).max(1);
    let mut of: Vec<Vec<usize>> = vec![Vec::new(); classes];
    (0..set.len()).for_each(|i| of[set.label(i)].push(i));
    // Neighbours are often cut from one recording: spread the picks.
    let spread = |own: Vec<usize>| {
        let step = (own.len() / each).max(1);
        own.into_iter().step_by(step).take(each)
    };
    of.into_iter().flat_map(spread).take(count).collect()
}

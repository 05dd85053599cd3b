//! Samples of a dataset, opened to be displayed.

use crate::cli::error::CliError;
use crate::dataset::preview::{Preview, chosen, previews};
use crate::dataset::{self, Dataset, Display, Reader, Splits, TargetShape};
use crate::figure::sheet::{Tile, figure};
use crate::figure::{Format, write_whole};
use crate::suite::dataset::DatasetSpec;
use std::path::Path;

/// Tiles of a sheet.
const TILES: usize = 40;
const COLUMNS: usize = 10;
/// Samples of procedural sets that are made.
const MADE: usize = 200;

/// An opened dataset.
pub struct OpenedSet {
    splits: Splits,
    display: Display,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// What a sample's target is, in words.
    pub target: &'static str,
    /// What the reader tells.
    pub notes: Vec<String>,
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

impl OpenedSet {
    /// Opens what a reader reads below `data`.
    pub fn at(reader: &Reader, data: &Path) -> Result<Self, CliError> {
        let mut spec = DatasetSpec::new(reader.name, reader.title, reader.name);
        if reader.is_procedural() {
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
            display: reader.display(splits.train.shape()),
            shape: splits.train.shape(),
            target: splits.train.target_shape().name(),
            notes: splits.notes.clone(),
            names: splits.train.classes().to_vec(),
            parts: parts.collect::<Result<_, CliError>>()?,
            splits,
        })
    }
}

fn counts(set: &dyn Dataset) -> Result<Vec<usize>, CliError> {
    let mut counts = vec![0; set.classes().len()];
    match set.target_shape() {
        TargetShape::Class => (0..set.len()).for_each(|i| counts[set.label(i)] += 1),
        TargetShape::MultiHot => {
            let mut targets = vec![0.0; counts.len()];
            for i in 0..set.len() {
                set.read_target(i, &mut targets)?;
                counts
                    .iter_mut()
                    .zip(&targets)
                    .for_each(|(c, k)| *c += usize::from(*k > 0.5));
            }
        }
        TargetShape::Field(_) | TargetShape::Captions => {}
    }
    Ok(counts)
}

/// Draws training samples, class after class; of fields each beside its target.
pub fn sheet(found: &OpenedSet, title: &str, path: &Path, format: Format) -> Result<(), CliError> {
    let set = found.splits.train.as_ref();
    let tile = |s: Preview| Tile {
        title: s.name,
        shape: s.shape,
        values: s.values,
        view: s.display,
    };
    let shown = previews(set, &chosen(set, TILES), found.display)?;
    let tiles: Vec<Tile> = shown.into_iter().map(tile).collect();
    let [c, h, w] = set.shape();
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

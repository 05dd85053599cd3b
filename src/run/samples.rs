//! What people see of the data in a report: small pictures of samples, in `samples/NAME.npy` as bytes
//! `[n, C, H, W]`, and a row each in `pictures.csv`. Of the surrogate every sample that figure 2 shows, of
//! a target some of every class, and the test pictures that a tuning of two towers confuses most. They are for the eye: reduced in size and range, never measured.

use super::error::RunError;
use super::folder::RunFolder;
use super::prepare::Context;
use crate::dataset::preview::{Preview, chosen, previews};
use crate::dataset::{Display, Reader, Splits, labels};
use crate::files::npy;
use crate::strata;
use crate::suite::dataset::DatasetSpec;
use crate::table::SampleRow;

/// Samples of a target that are kept at most.
const OF_A_TARGET: usize = 60;
/// Kept cells of an image or map on a side.
const CELLS: usize = 64;
/// Kept columns of a signal.
const COLUMNS: usize = 256;
/// Kept lines of a signal.
const LINES: usize = 8;

/// The surrogate's test samples that figure 2 shows.
pub fn shown(context: &Context) -> Vec<usize> {
    let measures = &context.suite.measures;
    let test = context.surrogate.test.as_ref();
    let points = match measures.tsne_points {
        0 => test.len(),
        some => some,
    };
    strata::balanced(&labels(test), points, measures.tsne_seed)
}

/// Keeps pictures of the surrogate's samples that figure 2 shows.
pub fn of_surrogate(
    context: &Context,
    original: &Splits,
    table: &mut Vec<SampleRow>,
) -> Result<(), RunError> {
    let spec = &context.suite.surrogate;
    let set = original.test.as_ref();
    let display = Reader::of(spec)?.display(set.shape());
    let found = previews(set, &shown(context), display)?;
    keep(context.folder, spec, (&spec.name, "test"), found, table)
}

/// Keeps pictures of a target's training samples.
pub fn of_target(
    context: &Context,
    spec: &DatasetSpec,
    original: &Splits,
    table: &mut Vec<SampleRow>,
) -> Result<(), RunError> {
    let set = original.train.as_ref();
    let display = Reader::of(spec)?.display(set.shape());
    let found = previews(set, &chosen(set, OF_A_TARGET), display)?;
    keep(context.folder, spec, (&spec.name, "train"), found, table)
}

/// Keeps pictures of the target's test samples that a method's confusions show.
pub fn of_confusions(
    context: &Context,
    (spec, method): (&DatasetSpec, &str),
    original: &Splits,
    shown: &[usize],
    table: &mut Vec<SampleRow>,
) -> Result<(), RunError> {
    let set = original.test.as_ref();
    let display = Reader::of(spec)?.display(set.shape());
    let found = previews(set, shown, display)?;
    // No name of a dataset has a dot.
    let stem = format!("{}.{method}", spec.name);
    keep(context.folder, spec, (&stem, "test"), found, table)
}

/// Samples of one shape and display go into one file.
fn keep(
    folder: &RunFolder,
    spec: &DatasetSpec,
    (stem, part): (&str, &str),
    found: Vec<Preview>,
    table: &mut Vec<SampleRow>,
) -> Result<(), RunError> {
    let mut kinds: Vec<(Display, [usize; 3], Vec<Preview>)> = Vec::new();
    for one in found {
        match kinds
            .iter_mut()
            .find(|k| (k.0, k.1) == (one.display, one.shape))
        {
            Some((.., own)) => own.push(one),
            None => kinds.push((one.display, one.shape, vec![one])),
        }
    }
    for (number, (display, shape, own)) in kinds.into_iter().enumerate() {
        let file = match number {
            0 => format!("samples/{stem}.npy"),
            _ => format!("samples/{stem}-{number}.npy"),
        };
        let (kept, bytes) = reduce(display, shape, &own);
        let mut whole = npy::header("|u1", &[own.len(), kept[0], kept[1], kept[2]]);
        whole.extend(bytes);
        folder.write(&file, &whole)?;
        for (row, one) in own.iter().enumerate() {
            table.push(SampleRow {
                dataset: spec.name.clone(),
                title: spec.title.clone(),
                part: part.into(),
                sample: one.index as u64,
                name: one.name.clone(),
                view: display.name().into(),
                file: file.clone(),
                row: row as u64,
            });
        }
    }
    Ok(())
}

/// Samples made small, each channel's range over all of them as bytes; signals about 128.
fn reduce(display: Display, [c, h, w]: [usize; 3], all: &[Preview]) -> ([usize; 3], Vec<u8>) {
    let to = match display {
        Display::Image => [c.min(3), h.min(CELLS), w.min(CELLS)],
        Display::Map | Display::Spectrogram => [1, h.min(CELLS), w.min(CELLS)],
        // Channels and rows are lines alike.
        Display::Signal => [1, (c * h).min(LINES), w.min(COLUMNS)],
    };
    let [channels, rows, columns] = to;
    let from_rows = if display == Display::Signal { rows } else { h };
    let mut small = Vec::with_capacity(all.len() * channels * rows * columns);
    for one in all {
        for channel in 0..channels {
            for i in 0..rows {
                for j in 0..columns {
                    let lines = i * from_rows / rows..((i + 1) * from_rows).div_ceil(rows);
                    let across = j * w / columns..((j + 1) * w).div_ceil(columns);
                    let at = |i: usize, j: usize| one.values.get((channel * h + i) * w + j);
                    let cells = lines.flat_map(|i| across.clone().filter_map(move |j| at(i, j)));
                    let finite = cells.filter(|v| v.is_finite());
                    let (sum, n) = finite.fold((0.0f32, 0u32), |(s, n), v| (s + v, n + 1));
                    small.push(sum / n.max(1) as f32);
                }
            }
        }
    }
    let area = (rows * columns).max(1);
    let mut ends = vec![(f32::INFINITY, f32::NEG_INFINITY); channels];
    for (place, values) in small.chunks(area).enumerate() {
        let end = &mut ends[place % channels];
        for &v in values {
            *end = (end.0.min(v), end.1.max(v));
        }
    }
    let reach = reach(&small);
    let bytes = small.chunks(area).enumerate().flat_map(|(place, values)| {
        let (mut low, mut high) = ends[place % channels];
        if display == Display::Signal {
            // Zero stays in the middle.
            high = reach;
            low = -high;
        }
        let span = (high - low).max(f32::MIN_POSITIVE);
        values
            .iter()
            .map(move |v| (255.0 * (v - low) / span).round().clamp(0.0, 255.0) as u8)
    });
    (to, bytes.collect())
}

/// What all but the rarest peaks of signals stay within.
fn reach(values: &[f32]) -> f32 {
    let mut sizes: Vec<f32> = values.iter().map(|v| v.abs()).collect();
    sizes.sort_by(f32::total_cmp);
    let place = (0.99 * sizes.len().saturating_sub(1) as f64) as usize;
    sizes.get(place).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(display: Display, shape: [usize; 3], values: Vec<f32>) -> Preview {
        Preview {
            index: 0,
            name: "a".into(),
            shape,
            values,
            display,
        }
    }

    #[test]
    fn images_span_their_channels_and_signals_keep_zero_in_the_middle() {
        let image = one(
            Display::Image,
            [3, 1, 2],
            vec![0.0, 1.0, -1.0, 1.0, 5.0, 5.0],
        );
        let (shape, bytes) = reduce(Display::Image, [3, 1, 2], &[image]);
        assert_eq!((shape, bytes), ([3, 1, 2], vec![0, 255, 0, 255, 0, 0]));
        let signal = one(
            Display::Signal,
            [2, 1, 3],
            vec![0.0, 1.0, 0.5, 0.0, -0.5, -1.0],
        );
        let (shape, bytes) = reduce(Display::Signal, [2, 1, 3], &[signal]);
        assert_eq!(shape, [1, 2, 3]);
        assert_eq!(bytes, [128, 255, 191, 128, 64, 0]);
    }

    #[test]
    fn large_and_strange_samples_become_small_and_plain() {
        let large = one(Display::Map, [2, 100, 500], vec![f32::NAN; 100_000]);
        let (shape, bytes) = reduce(Display::Map, [2, 100, 500], &[large]);
        assert_eq!((shape, bytes.len()), ([1, 64, 64], 64 * 64));
        let long = one(
            Display::Signal,
            [1, 1, 9000],
            (0..9000).map(|v| v as f32).collect(),
        );
        let (shape, bytes) = reduce(Display::Signal, [1, 1, 9000], &[long]);
        assert_eq!(shape, [1, 1, 256]);
        assert!(bytes.is_sorted() && bytes[255] == 255);
        let none = reduce(
            Display::Image,
            [0, 0, 0],
            &[one(Display::Image, [0, 0, 0], vec![])],
        );
        assert!(none.1.is_empty());
    }
}

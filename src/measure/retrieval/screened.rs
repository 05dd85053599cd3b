//! The places of all queries of both directions by cosines, at the speed of one product in single precision.
//!
//! A cosine in single precision is off by at most a bound that follows from the width of vectors; so it says of almost every
//! candidate whether it is above or below the right one, whose own cosine is taken in double precision. Candidates within the
//! bound are compared in double precision too: the places are those of exact comparison, and equal vectors are equal.

use super::distinct::Distinct;
use super::place::Place;
use crate::measure::linalg::product::product;
use crate::simd::{LANES, multiversion};
use ndarray::{Array2, s};
use rayon::prelude::*;

/// Rows and columns of a tile of cosines: large enough that a product spends its time in sums and not in packing, small
/// enough for a core's cache.
const TILE: [usize; 2] = [512, 768];

/// What a query knows of its right candidates.
struct Query {
    /// The best cosine of a right candidate.
    best: f64,
    /// Right candidates with that cosine, ascending.
    equal: Vec<usize>,
}

/// Counts of one side's queries.
#[derive(Clone)]
struct Counts {
    /// Candidates above the right one.
    above: Vec<u32>,
    /// Wrong candidates level with it: all, those before the first and those behind the last right one.
    level: Vec<[u32; 3]>,
}

impl Counts {
    fn none(queries: usize) -> Self {
        Self {
            above: vec![0; queries],
            level: vec![[0; 3]; queries],
        }
    }

    /// Adds those of some queries from the `from`th on.
    fn add(&mut self, from: usize, part: &Self) {
        let above = self.above[from..].iter_mut().zip(&part.above);
        above.for_each(|(all, part)| *all += part);
        for (all, part) in self.level[from..].iter_mut().zip(&part.level) {
            all.iter_mut()
                .zip(part)
                .for_each(|(all, part)| *all += part);
        }
    }

    /// Counts a candidate that single precision does not tell from the right one, by its cosine.
    fn compare(&mut self, at: usize, query: Option<&Query>, candidate: usize, cosine: f64) {
        let Some(Query { best, equal }) = query else {
            return;
        };
        self.above[at] += u32::from(cosine > *best);
        if cosine == *best && equal.binary_search(&candidate).is_err() {
            let [wrong, before, behind] = &mut self.level[at];
            *wrong += 1;
            *before += u32::from(candidate < equal[0]);
            *behind += u32::from(candidate > equal[equal.len() - 1]);
        }
    }

    /// The places.
    fn places(&self, queries: &[Option<Query>]) -> Vec<Option<Place>> {
        let counts = self.above.iter().zip(&self.level);
        let place = |(query, (above, level)): (&Option<Query>, (&u32, &[u32; 3]))| {
            let [wrong, before, behind] = level.map(|count| count as usize);
            query.as_ref().map(|query| Place {
                above: *above as usize,
                wrong,
                right: query.equal.len(),
                before,
                behind,
            })
        };
        queries.iter().zip(counts).map(place).collect()
    }
}

/// Bounds in single precision: above the second a candidate is certainly above, below the first certainly below. Of a
/// query without a right candidate nothing is counted.
fn bounds(queries: &[Option<Query>], off: f64) -> Vec<[f32; 2]> {
    let of = |query: &Option<Query>| match query {
        Some(Query { best, .. }) => [
            ((best - off) as f32).next_down(),
            ((best + off) as f32).next_up(),
        ],
        None => [f32::INFINITY; 2],
    };
    queries.iter().map(of).collect()
}

/// The place of every query of images (none of an image without a caption) and of captions; caption `j` is of image
/// `owner[j]`.
pub fn places(
    images: &Distinct,
    captions: &Distinct,
    owner: &[usize],
) -> (Vec<Option<Place>>, Vec<Option<Place>>) {
    let (rows, columns) = (images.len(), captions.len());
    let exact = |image: usize, caption: usize| dot(images.row(image), captions.row(caption));
    let own: Vec<f64> = (0..columns)
        .into_par_iter()
        .map(|caption| exact(owner[caption], caption))
        .collect();
    let mut of_image = vec![Vec::new(); rows];
    for (caption, &image) in owner.iter().enumerate() {
        of_image[image].push(caption);
    }
    let images_ask: Vec<Option<Query>> = of_image
        .into_iter()
        .map(|right| {
            let best = right
                .iter()
                .map(|&caption| own[caption])
                .fold(f64::NEG_INFINITY, f64::max);
            let equal: Vec<usize> = right
                .into_iter()
                .filter(|&caption| own[caption] == best)
                .collect();
            (!equal.is_empty()).then_some(Query { best, equal })
        })
        .collect();
    let captions_ask: Vec<Option<Query>> = (0..columns)
        .map(|caption| {
            let equal = vec![owner[caption]];
            Some(Query {
                best: own[caption],
                equal,
            })
        })
        .collect();
    // Both vectors are rounded, and every product and sum: (E + 3) units of 2⁻²⁴ times Σ|x||y| ≤ 1.
    let off = (images.width() + 3) as f64 * f64::from(f32::EPSILON) / 2.0;
    let [of_rows, of_columns] = [&images_ask, &captions_ask].map(|queries| bounds(queries, off));
    let (x, y) = (images.single(), captions.single());
    // The cosine of a pair in double precision; that of a caption with its own image is known.
    let cosine = |image: usize, caption: usize| match owner[caption] == image {
        true => own[caption],
        false => exact(image, caption),
    };
    let tile = |at: usize| {
        let across = columns.div_ceil(TILE[1]);
        let (top, left) = ((at / across) * TILE[0], (at % across) * TILE[1]);
        let (below, right) = ((top + TILE[0]).min(rows), (left + TILE[1]).min(columns));
        let mut cosines = Array2::<f32>::zeros((below - top, right - left));
        let (a, b) = (x.slice(s![top..below, ..]), y.slice(s![left..right, ..]));
        product(a, b.t(), false, cosines.view_mut());
        let (low, high): (Vec<f32>, Vec<f32>) = of_columns[left..right]
            .iter()
            .map(|[low, high]| (*low, *high))
            .unzip();
        let (mut by_row, mut by_column) = (Counts::none(below - top), Counts::none(right - left));
        let mut close = Vec::new();
        for (row, values) in cosines.outer_iter().enumerate() {
            let (values, image) = (values.to_slice().unwrap_or_default(), top + row);
            let bounds = of_rows[image];
            close.clear();
            let above = &mut by_column.above;
            by_row.above[row] = screen(values, bounds, &low, &high, above, &mut close);
            let within = |value: f32, low: f32, high: f32| value >= low && value <= high;
            for &column in &close {
                let (value, caption) = (values[column], left + column);
                if within(value, bounds[0], bounds[1]) {
                    let query = images_ask[image].as_ref();
                    by_row.compare(row, query, caption, cosine(image, caption));
                }
                if within(value, low[column], high[column]) {
                    let query = captions_ask[caption].as_ref();
                    by_column.compare(column, query, image, cosine(image, caption));
                }
            }
        }
        ([top, left], [by_row, by_column])
    };
    let none = || [Counts::none(rows), Counts::none(columns)];
    let add = |mut all: [Counts; 2], (from, parts): ([usize; 2], [Counts; 2])| {
        for ((all, from), part) in all.iter_mut().zip(from).zip(&parts) {
            all.add(from, part);
        }
        all
    };
    let tiles = rows.div_ceil(TILE[0]) * columns.div_ceil(TILE[1]);
    let tiles = (0..tiles).into_par_iter().map(tile);
    let [by_image, by_caption] = tiles
        .fold(none, add)
        .reduce(none, |a, b| add(a, ([0, 0], b)));
    (
        by_image.places(&images_ask),
        by_caption.places(&captions_ask),
    )
}

multiversion! {
    /// Counts a row's values above the second of the row's bounds, adds to every column's count whether its value is
    /// above the column's, and lists what lies within the bounds of its row or its column, with its neighbours.
    fn screen(values: &[f32], row: [f32; 2], low: &[f32], high: &[f32], above: &mut [u32], close: &mut Vec<usize>) -> u32 {
        let [least, most] = row;
        let mut of_row = 0;
        let blocks = values.chunks(LANES).zip(low.chunks(LANES)).zip(high.chunks(LANES)).zip(above.chunks_mut(LANES));
        for (block, (((values, low), high), above)) in blocks.enumerate() {
            let mut any = 0;
            for (((value, low), high), above) in values.iter().zip(low).zip(high).zip(above) {
                of_row += u32::from(*value > most);
                *above += u32::from(value > high);
                any |= u32::from(*value >= least) & u32::from(*value <= most);
                any |= u32::from(value >= low) & u32::from(value <= high);
            }
            if any != 0 {
                close.extend((block * LANES..).take(values.len()));
            }
        }
        of_row
    }
}

multiversion! {
    /// Σ x·y, in an order of its own: equal vectors have equal sums.
    fn dot(x: &[f64], y: &[f64]) -> f64 {
        let (heads, rest) = x.as_chunks::<8>();
        let (others, others_rest) = y.as_chunks::<8>();
        let rest: f64 = rest.iter().zip(others_rest).map(|(a, b)| a * b).sum();
        let mut sums = [0.0; 8];
        for (a, b) in heads.iter().zip(others) {
            for at in 0..8 { sums[at] += a[at] * b[at]; }
        }
        sums.iter().sum::<f64>() + rest
    }
}

//! A contact sheet: samples of a dataset as a person sees them, before anything is trained.
//! Images as images, maps (spectrograms, fields) in one hue by brightness, signals as lines.

use super::error::FigureError;
use super::layout::Figure;
use super::palette::{Colour, GRID, HUES, INK, MUTED};
use super::scene::{Scene, Stroke, Text};
use crate::suite::view::View;

/// A sample to show.
#[derive(Debug, Clone)]
pub struct Tile {
    /// Words under it.
    pub title: String,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Its numbers, row-major.
    pub values: Vec<f32>,
    /// How it is displayed.
    pub view: View,
}

/// Side of a tile in CSS pixels.
const SIDE: f64 = 92.0;
/// A tile has no more cells on a side than this.
const MOST_CELLS: usize = 64;
/// Lines of a signal that are drawn.
const MOST_LINES: usize = 8;

/// Draws tiles in rows of `columns`, under a title.
///
/// # Errors
/// [`FigureError::Content`] without tiles.
pub fn figure(
    title: &str,
    note: &str,
    tiles: &[Tile],
    columns: usize,
) -> Result<Figure, FigureError> {
    if tiles.is_empty() {
        return Err(FigureError::Content {
            table: "the set",
            expected: "samples".into(),
            found: "none".into(),
        });
    }
    let columns = columns.max(1);
    let (across, down) = (SIDE + 12.0, SIDE + 26.0);
    let used = columns.min(tiles.len());
    let width = (used as f64 * across - 12.0).max(240.0);
    let rows = tiles.len().div_ceil(columns);
    let mut scene = Scene::new(
        width,
        44.0 + rows as f64 * down,
        format!("Samples of {title}"),
    );
    scene.text((0.0, 13.0), Text::new(title, 13.0).bold().fit(width));
    scene.text((0.0, 29.0), Text::new(note, 10.5).colour(MUTED).fit(width));
    for (i, tile) in tiles.iter().enumerate() {
        let at = (
            (i % columns) as f64 * across,
            42.0 + (i / columns) as f64 * down,
        );
        match tile.view {
            View::Signal => signal(&mut scene, at, tile),
            view => cells(&mut scene, at, tile, view, tiles),
        }
        let text = Text::new(&tile.title, 10.0).colour(INK).fit(SIDE);
        scene.text((at.0, at.1 + SIDE + 12.0), text);
    }
    Figure::new("the set", title, vec![scene], 1)
}

/// Smallest and largest value of a channel over all tiles of one shape: samples stay comparable.
fn range(tiles: &[Tile], like: &Tile, channel: usize) -> (f32, f32) {
    let area = like.shape[1] * like.shape[2];
    let same = tiles
        .iter()
        .filter(|t| t.shape == like.shape && t.view == like.view);
    let values = same.flat_map(|t| t.values.iter().skip(channel * area).take(area));
    let finite = values.filter(|v| v.is_finite());
    let (low, high) = finite.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| {
        (l.min(v), h.max(v))
    });
    if low < high {
        (low, high)
    } else {
        (low.min(0.0), low.min(0.0) + 1.0)
    }
}

fn cells(scene: &mut Scene, (x, y): (f64, f64), tile: &Tile, view: View, tiles: &[Tile]) {
    let [channels, height, width] = tile.shape;
    let (rows, columns) = (height.clamp(1, MOST_CELLS), width.clamp(1, MOST_CELLS));
    let colours = if view == View::Image && channels >= 3 {
        3
    } else {
        1
    };
    let ranges: Vec<(f32, f32)> = (0..colours).map(|c| range(tiles, tile, c)).collect();
    let share = |channel: usize, i: usize, j: usize| {
        let (low, high) = ranges[channel];
        // The mean of what one cell stands for.
        let (i0, i1) = (i * height / rows, ((i + 1) * height).div_ceil(rows));
        let (j0, j1) = (j * width / columns, ((j + 1) * width).div_ceil(columns));
        let at = |i: usize, j: usize| tile.values.get((channel * height + i) * width + j);
        let inside = (i0..i1).flat_map(|i| (j0..j1).filter_map(move |j| at(i, j).copied()));
        let (sum, count) = inside.fold((0.0, 0u32), |(s, n), v| (s + v, n + 1));
        f64::from(((sum / count.max(1) as f32 - low) / (high - low)).clamp(0.0, 1.0))
    };
    let scale = SIDE / rows.max(columns) as f64;
    for i in 0..rows {
        for j in 0..columns {
            let fill = match colours {
                3 => {
                    let byte = |c| (255.0 * share(c, i, j)).round() as u8;
                    Colour::new(byte(0), byte(1), byte(2))
                }
                _ => glow(share(0, i, j)),
            };
            let row = if view == View::Spectrogram {
                rows - 1 - i
            } else {
                i
            };
            let from = (x + j as f64 * scale, y + row as f64 * scale);
            scene.block(from, (from.0 + scale, from.1 + scale), fill);
        }
    }
}

/// Dark blue to pale yellow, brightness rising evenly.
pub fn glow(share: f64) -> Colour {
    const STOPS: [[f64; 3]; 5] = [
        [13.0, 22.0, 58.0],
        [38.0, 72.0, 122.0],
        [52.0, 130.0, 140.0],
        [140.0, 190.0, 120.0],
        [250.0, 240.0, 170.0],
    ];
    let place = share.clamp(0.0, 1.0) * (STOPS.len() - 1) as f64;
    let stop = (place as usize).min(STOPS.len() - 2);
    let part = place - stop as f64;
    let mix = |c: usize| (STOPS[stop][c] * (1.0 - part) + STOPS[stop + 1][c] * part).round() as u8;
    Colour::new(mix(0), mix(1), mix(2))
}

fn signal(scene: &mut Scene, at: (f64, f64), tile: &Tile) {
    let [channels, height, width] = tile.shape;
    let finite = tile.values.iter().filter(|v| v.is_finite());
    let largest = finite.fold(f32::MIN_POSITIVE, |m, v| m.max(v.abs()));
    let value = |line: usize, j: usize| match tile.values.get(line * width + j) {
        Some(v) if v.is_finite() => f64::from(v / largest),
        _ => 0.0,
    };
    let end = (at.0 + SIDE, at.1 + SIDE);
    scene.frame(at, end, Stroke::solid(GRID, 0.75));
    let lines = (channels * height).clamp(1, MOST_LINES);
    traces(scene, at, (SIDE, SIDE), (lines, width), value);
}

/// Lines of `width` values from −1 to 1 below one another in a box; a line may reach into its
/// neighbours' room.
pub(super) fn traces(
    scene: &mut Scene,
    (x, y): (f64, f64),
    (across, down): (f64, f64),
    (lines, width): (usize, usize),
    value: impl Fn(usize, usize) -> f64,
) {
    let room = down / lines.max(1) as f64;
    let reach = 0.5 * room * if lines == 1 { 0.95 } else { 1.4 };
    for line in 0..lines {
        let middle = y + (line as f64 + 0.5) * room;
        let point = |j: usize| {
            let right = across * j as f64 / width.saturating_sub(1).max(1) as f64;
            (
                x + right,
                (middle - value(line, j) * reach).clamp(y, y + down),
            )
        };
        let points: Vec<_> = (0..width).map(point).collect();
        if points.len() > 1 {
            scene.path(points, Stroke::solid(HUES[line % HUES.len()].0, 0.75));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene::Mark;

    fn tile(view: View, shape: [usize; 3], values: Vec<f32>) -> Tile {
        Tile {
            title: "a".into(),
            shape,
            values,
            view,
        }
    }

    #[test]
    fn images_keep_their_colours_and_large_maps_become_few_cells() {
        let red = tile(View::Image, [3, 1, 2], vec![0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let figure = figure("t", "n", &[red], 8).unwrap();
        let fills: Vec<Colour> = figure.panels[0]
            .marks()
            .iter()
            .filter_map(|m| match m {
                Mark::Block { fill, .. } => Some(*fill),
                _ => None,
            })
            .collect();
        assert_eq!(fills, [Colour::new(0, 0, 0), Colour::new(255, 0, 0)]);
        let large = tile(View::Map, [1, 500, 300], vec![1.0; 150_000]);
        let drawn = super::figure("t", "n", &[large], 8).unwrap();
        let blocks = drawn.panels[0]
            .marks()
            .iter()
            .filter(|m| matches!(m, Mark::Block { .. }));
        assert_eq!(blocks.count(), MOST_CELLS * MOST_CELLS);
    }

    #[test]
    fn strange_samples_are_drawn_and_none_is_an_error() {
        for view in [View::Image, View::Map, View::Spectrogram, View::Signal] {
            for (shape, values) in [
                ([1, 1, 1], vec![f32::NAN]),
                ([2, 1, 3], vec![f32::INFINITY; 6]),
                ([3, 2, 2], vec![]),
                ([1, 0, 0], vec![]),
            ] {
                let drawn = figure("t", "n", &[tile(view, shape, values)], 3).unwrap();
                assert!(drawn.svg().unwrap().contains("<svg"));
            }
        }
        assert!(figure("t", "n", &[], 3).is_err());
    }
}

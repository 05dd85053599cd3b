//! Maps of both modalities: pictures and captions of a target's test part through the same towers on one t-SNE map, before
//! and after they are tuned (figure 1 of the HarMA paper shows such maps). All maps of a target start from the
//! components of the untouched towers' vectors, so that they can be compared by eye. They are taken while a cell is
//! measured, because its towers may be discarded afterwards, and kept with its measures.

use super::cell::Cell;
use super::pipeline::map_params;
use super::prepare::Context;
use crate::measure::MeasureError;
use crate::measure::tsne::common_start;
use crate::suite::definition::{DatasetSpec, Suite};
use crate::table::{IMAGE, JointRow, TEXT};
use crate::transfer::methods::{self, PLAIN, Role};
use crate::transfer::towers::{Captioned, Vectors};
use ndarray::{Array2, Axis, concatenate};
use serde::{Deserialize, Serialize};

/// Pictures on a map at most, each with one caption.
const MOST: usize = 200;

/// A map of pictures and captions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Joint {
    /// Which pictures of the test part, in ascending order.
    pub pictures: Vec<usize>,
    /// Where they stand, and then where their captions do.
    pub points: Vec<[f64; 2]>,
    /// Where the map started; kept of the untouched towers alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Vec<[f64; 2]>>,
    /// Final divergence.
    pub kl: f64,
    /// Trustworthiness.
    pub trustworthiness: Option<f64>,
}

impl Joint {
    /// Its points as rows of a table: pictures, then captions.
    pub fn rows(&self, spec: &DatasetSpec, cell: Option<&Cell>) -> Vec<JointRow> {
        let (pictures, captions) = self
            .points
            .split_at(self.points.len().min(self.pictures.len()));
        let of = |kind: &str, points: &[[f64; 2]]| -> Vec<JointRow> {
            let row = |(&pair, &[x, y]): (&usize, &[f64; 2])| JointRow {
                target: spec.name.clone(),
                target_title: spec.title.clone(),
                method: cell.map(|cell| cell.method.name.into()),
                seed: cell.map(|cell| cell.seed),
                kind: kind.into(),
                pair: pair as u64,
                x,
                y,
                kl: Some(self.kl),
                trustworthiness: self.trustworthiness,
            };
            self.pictures.iter().zip(points).map(row).collect()
        };
        [of(IMAGE, pictures), of(TEXT, captions)].concat()
    }
}

/// Whether the report shows the map of a cell: of plain fine-tuning and of proposed methods, else of the suite's first
/// method, with the first seed.
pub fn is_shown(cell: &Cell, suite: &Suite) -> bool {
    let shown = |role: Role, name| role == Role::Proposed || name == PLAIN.name;
    let all = methods::of(&suite.transfer);
    let first = all.first().is_some_and(|first| *first == cell.method);
    let none = !all.iter().any(|method| shown(method.role, method.name));
    cell.seed == suite.transfer.seeds[0]
        && (shown(cell.method.role, cell.method.name) || none && first)
}

/// The map of vectors of a part from a `start`, or from its own components; `None` of too few pictures, and of vectors
/// that no map can be made of: a figure fails no transfer.
pub fn joint(
    context: &Context,
    found: &Vectors,
    part: &Captioned,
    start: Option<&[[f64; 2]]>,
) -> Option<Joint> {
    let (pictures, captions) = chosen(part);
    let images = found.images.select(Axis(0), &pictures);
    let texts = found.texts.select(Axis(0), &captions);
    let both = concatenate(Axis(0), &[images.view(), texts.view()]).ok()?;
    let kept = start.and_then(|start| array(start, both.nrows()));
    let drawn = || -> Result<Joint, MeasureError> {
        let from = match kept.clone() {
            Some(start) => start,
            None => common_start(both.view())?,
        };
        let params = map_params(&context.suite.measures, both.nrows());
        let map = params.check()?.run_from(both.view(), Some(from.view()))?;
        let points = |array: &Array2<f64>| array.rows().into_iter().map(|p| [p[0], p[1]]).collect();
        Ok(Joint {
            points: points(&map.embedding),
            start: kept.is_none().then(|| points(&from)),
            pictures: pictures.clone(),
            kl: map.kl,
            trustworthiness: map.trustworthiness,
        })
    };
    drawn().ok()
}

/// Pictures that have a caption, spread over the part, and the first caption of each.
fn chosen(part: &Captioned) -> (Vec<usize>, Vec<usize>) {
    let mut firsts: Vec<(usize, usize)> = Vec::new();
    for (caption, &picture) in part.owner.iter().enumerate() {
        if firsts.last().is_none_or(|(last, _)| *last != picture) {
            firsts.push((picture, caption));
        }
    }
    let step = firsts.len().div_ceil(MOST).max(1);
    firsts.into_iter().step_by(step).unzip()
}

/// Points as rows, if there are so many.
fn array(points: &[[f64; 2]], rows: usize) -> Option<Array2<f64>> {
    (points.len() == rows).then(|| Array2::from_shape_fn((rows, 2), |(i, j)| points[i][j]))
}

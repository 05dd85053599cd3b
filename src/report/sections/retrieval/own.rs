//! The rows of `retrieval.csv` by model: a method on a target, or the untouched towers. Values of several seeds are shown
//! by their mean with what they range over; a single one by its own interval.

use crate::figure::layout::{distinct, mean};
use crate::report::data::{Line, Table};
use crate::report::grid::Cell;
use crate::report::number::{interval, maybe, plain, whole};
use crate::table::{CellRow, MeasureRow, PRETRAINED, RetrievalRow};

/// The rows of one model on one target.
pub struct Own<'a>(Vec<Line<'a, RetrievalRow>>);

impl<'a> Own<'a> {
    /// Those of a method, or of the untouched towers.
    pub fn of(table: &'a Table<RetrievalRow>, target: &str, method: Option<&str>) -> Self {
        let own = |row: &RetrievalRow| row.target == target && row.method.as_deref() == method;
        Self(table.lines().filter(|line| own(line.row)).collect())
    }

    pub fn all(&self, measure: &str) -> impl Iterator<Item = (Line<'a, RetrievalRow>, f64)> {
        let own = self.0.iter().filter(move |l| l.row.measure == measure);
        own.filter_map(|line| Some((*line, line.row.value?)))
    }

    /// The first row of a measure that has a value.
    pub fn first(&self, measure: &str) -> Option<(Line<'a, RetrievalRow>, f64)> {
        self.all(measure).next()
    }

    /// Mean over seeds.
    pub fn mean(&self, measure: &str) -> Option<f64> {
        mean(&self.all(measure).map(|(_, v)| v).collect::<Vec<f64>>())
    }

    /// Mean over seeds with what they range over, or the interval of a single value.
    pub fn cell(&self, measure: &str, show: impl Fn(f64) -> String) -> Cell {
        let values: Vec<f64> = self.all(measure).map(|(_, v)| v).collect();
        let own = self.first(measure).map(|(line, _)| line.row);
        let ends = own.and_then(|row| row.lower.zip(row.upper));
        spread(&values, ends, show)
    }
}

/// Mean of values over seeds with what they range over, or the interval of a single one.
pub fn spread(values: &[f64], ends: Option<(f64, f64)>, show: impl Fn(f64) -> String) -> Cell {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let (lower, upper) = match values.len() {
        0 | 1 => ends.unzip(),
        _ => (Some(low), Some(high)),
    };
    let bare = |value: f64| show(value).replace("\u{a0}%", "");
    // Values that do not differ as they are shown have no range.
    let one = lower.map(bare) == upper.map(bare);
    Cell {
        value: maybe(mean(values), &show),
        interval: interval(lower, upper, bare).filter(|_| !one),
        best: false,
    }
}

/// Seconds (mean over seeds) and memory (the most of any) of the trainings of a model on a target.
pub fn cost(cells: &[CellRow], target: &str, method: Option<&str>) -> [Cell; 2] {
    let done = || {
        let own = cells.iter().filter(|row| row.target == target);
        own.filter(|row| Some(row.method.as_str()) == method)
    };
    let seconds: Vec<f64> = done().filter_map(|row| row.seconds).collect();
    let memory = done().filter_map(|row| row.memory).max();
    [
        maybe(mean(&seconds), |s| plain(s, 1)).into(),
        maybe(memory, |bytes| whole(bytes / 1_000_000)).into(),
    ]
}

/// A measure of the surrogate through a model tuned on a target, or through the pretrained one: its values over seeds with
/// what they range over.
pub fn on_surrogate(
    measures: &[MeasureRow],
    measure: &str,
    (target, method): (&str, Option<&str>),
    show: impl Fn(f64) -> String,
) -> Cell {
    let own = measures
        .iter()
        .filter(|row| row.measure == measure && row.target.is_none());
    let own: Vec<&MeasureRow> = own
        .filter(|row| match method {
            None => row.encoder == PRETRAINED,
            Some(_) => row.encoder == target && row.method.as_deref() == method,
        })
        .collect();
    let ends = own.first().and_then(|row| row.lower.zip(row.upper));
    let values: Vec<f64> = own.iter().filter_map(|row| row.value).collect();
    spread(&values, ends, show)
}

/// Targets with their titles, and the models of each: none, then its methods.
pub fn models(table: &Table<RetrievalRow>) -> Vec<(&str, &str, Vec<Option<&str>>)> {
    let rows = &table.rows;
    let targets = distinct(
        rows.iter()
            .map(|r| (r.target.as_str(), r.target_title.as_str())),
    );
    let of = |(target, title)| {
        let own = rows.iter().filter(|row| row.target == target);
        let mut found = distinct(own.map(|row| row.method.as_deref()));
        found.sort_by_key(Option::is_some);
        (target, title, found)
    };
    targets.into_iter().map(of).collect()
}

//! The rows of `retrieval.csv` by model: a method on a target, or the untouched towers. Values of several seeds are shown
//! by their mean with what they range over; a single one by its own interval.

use crate::figure::layout::{distinct, mean};
use crate::report::data::{Line, Table};
use crate::report::grid::Cell;
use crate::report::number::{interval, maybe};
use crate::table::RetrievalRow;

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

//! The mean recall by the number of parameters that train, and the zero-shot error on the surrogate by the mean recall.

use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct};
use crate::figure::tuned::{Reached, panels};
use crate::table::{MeasureRow, PARAMETERS, RetrievalRow, Row};

/// Draws the panels of every target.
///
/// # Errors
/// [`FigureError::NotMeasured`] where no method has a mean recall.
pub fn figure(rows: &[RetrievalRow], measures: &[MeasureRow]) -> Result<Figure, FigureError> {
    let mut all = Vec::new();
    for (target, title) in distinct(rows.iter().map(|row| (&row.target, &row.target_title))) {
        let own: Vec<&RetrievalRow> = rows.iter().filter(|row| row.target == *target).collect();
        let models = distinct(own.iter().map(|row| row.method.as_deref()));
        let found = models
            .into_iter()
            .map(|method| reached(&own, target, method, measures));
        all.extend(panels(title, "mean recall on the target, %", found));
    }
    if all.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "retrieval",
            expected: "a tuning with its mean recall and its number of parameters",
            found: format!("{} rows without any", rows.len()),
        });
    }
    let label = "Mean recall by what trains, and the zero-shot error by mean recall";
    Figure::new(RetrievalRow::FILE, label, all, 2)
}

fn reached<'a>(
    own: &[&'a RetrievalRow],
    target: &str,
    method: Option<&'a str>,
    measures: &[MeasureRow],
) -> Reached<'a> {
    let rows = || own.iter().filter(|row| row.method.as_deref() == method);
    let value = |measure: &str, seed: Option<u64>| {
        let mut found = rows().filter(|row| row.measure == measure && row.seed == seed);
        found.find_map(|row| row.value)
    };
    let seeds = distinct(rows().map(|row| row.seed)).into_iter();
    let seeds = seeds
        .filter_map(|seed| Some((seed, value(PARAMETERS, seed)?, value("mean-recall", seed)?)));
    Reached::of(target, method, seeds, measures)
}

//! The error on classes by their texts by the number of parameters that train, and the zero-shot error on the surrogate by
//! the error.

use crate::figure::FigureError;
use crate::figure::layout::{Figure, distinct};
use crate::figure::tuned::{Reached, panels};
use crate::table::{ByTextRow, MeasureRow, Row};

/// Draws the panels of every target.
///
/// # Errors
/// [`FigureError::NotMeasured`] where no method was tuned.
pub fn figure(rows: &[ByTextRow], measures: &[MeasureRow]) -> Result<Figure, FigureError> {
    let mut all = Vec::new();
    for (target, title) in distinct(rows.iter().map(|row| (&row.target, &row.target_title))) {
        let own = || rows.iter().filter(|row| row.target == *target);
        let models = distinct(own().map(|row| row.method.as_deref()));
        let found = models.into_iter().map(|method| {
            let seeds = own().filter(|row| row.method.as_deref() == method);
            let seeds = seeds.map(|row| (row.seed, row.parameters as f64, row.error));
            Reached::of(target, method, seeds, measures)
        });
        all.extend(panels(title, "error on the target, %", found));
    }
    if all.is_empty() {
        return Err(FigureError::NotMeasured {
            figure: "by-texts",
            expected: "a tuning with its error",
            found: format!("{} rows without any", rows.len()),
        });
    }
    let label = "Error by what trains, and the zero-shot error by the error";
    Figure::new(ByTextRow::FILE, label, all, 2)
}

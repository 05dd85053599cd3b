//! Kinds of cells: how each is read from text and held by polars.

use polars::prelude::{Column, NamedFrom, Series};

/// A kind of cell.
pub trait Cell: Sized {
    /// How an error names this kind.
    const EXPECTED: &'static str;
    /// What stands for every cell of a column that the file does not have, if it need not.
    const ABSENT: Option<Self> = None;
    /// Reads the cell, or `None` if it is of another kind.
    fn parse(cell: &str) -> Option<Self>;
    /// A column of such cells, `None` being no value; every text as `text` has it.
    fn column(name: &str, cells: Vec<Option<&Self>>, text: fn(&str) -> String) -> Column;
}

impl Cell for String {
    const EXPECTED: &'static str = "text";
    fn parse(cell: &str) -> Option<Self> {
        Some(cell.to_owned())
    }
    fn column(name: &str, cells: Vec<Option<&Self>>, text: fn(&str) -> String) -> Column {
        let cells = cells.into_iter();
        let texts: Vec<String> = cells
            .map(|cell| cell.map_or("-".into(), |c| text(c)))
            .collect();
        Series::new(name.into(), texts).into()
    }
}

/// A number that is not finite is written as no value.
impl Cell for f64 {
    const EXPECTED: &'static str = "a finite number";
    fn parse(cell: &str) -> Option<Self> {
        let value = cell.trim().parse().ok();
        value.filter(|value: &f64| value.is_finite())
    }
    fn column(name: &str, cells: Vec<Option<&Self>>, _: fn(&str) -> String) -> Column {
        let finite = |cell: Option<&f64>| cell.copied().filter(|value| value.is_finite());
        let numbers: Vec<Option<f64>> = cells.into_iter().map(finite).collect();
        Series::new(name.into(), numbers).into()
    }
}

impl Cell for u64 {
    const EXPECTED: &'static str = "a whole number";
    fn parse(cell: &str) -> Option<Self> {
        cell.trim().parse().ok()
    }
    fn column(name: &str, cells: Vec<Option<&Self>>, _: fn(&str) -> String) -> Column {
        let signed = |cell: &Option<&u64>| cell.map(|value| i64::try_from(*value)).transpose();
        let name = name.into();
        // A seed may be larger than any `i64`.
        match cells.iter().map(signed).collect::<Result<Vec<_>, _>>() {
            Ok(signed) => Series::new(name, signed).into(),
            Err(_) => {
                let counts: Vec<Option<u64>> = cells.into_iter().map(|c| c.copied()).collect();
                Series::new(name, counts).into()
            }
        }
    }
}

impl Cell for bool {
    const EXPECTED: &'static str = "true or false";
    fn parse(cell: &str) -> Option<Self> {
        cell.trim().parse().ok()
    }
    fn column(name: &str, cells: Vec<Option<&Self>>, _: fn(&str) -> String) -> Column {
        let flags: Vec<Option<bool>> = cells.into_iter().map(|cell| cell.copied()).collect();
        Series::new(name.into(), flags).into()
    }
}

/// Optional cells: empty, `-` and `NaN` all say "no value". A text without one is written as `-`.
impl<T: Cell> Cell for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const ABSENT: Option<Self> = Some(None);
    fn parse(cell: &str) -> Option<Self> {
        match cell.trim() {
            "" | "-" | "NaN" | "nan" => Some(None),
            given => T::parse(given).map(Some),
        }
    }
    fn column(name: &str, cells: Vec<Option<&Self>>, text: fn(&str) -> String) -> Column {
        let cells = cells.into_iter().map(|cell| cell.and_then(Option::as_ref));
        T::column(name, cells.collect(), text)
    }
}

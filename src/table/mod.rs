//! Tables as typed rows: one struct a table, one field a column, and the same struct writes and reads the file.
//!
//! This is the whole contract between a run or a comparison and its figures and report. To add a table, declare
//! its row with `table!` in the file of its kind; to add a column, add a field. A new measure needs neither: its
//! values are rows of `measures.csv` ([`MeasureRow`]).
//!
//! Every table is written as CSV, which is what is read again and what people open, and as Parquet with typed
//! columns for data frames (`write`). Reading never guesses (`csv`): a missing column or a cell of another
//! kind is an error that names the place. Columns that are not known are passed over; only those whose cells
//! may be empty may be missing, as older versions did not write all of them.

use std::path::Path;

use polars::prelude::Column;

mod cell;
pub mod csv;
pub mod diff;
#[cfg(test)]
mod diff_tests;
mod error;

use cell::Cell;
use csv::CsvTable;
pub use error::TableError;

/// A typed row of one table.
pub trait Row: Sized {
    /// File name in the `tables` folder.
    const FILE: &'static str;
    /// Names of the columns, in the order in which they are written.
    const COLUMNS: &'static [&'static str];

    /// The rows of a file, in its order.
    ///
    /// # Errors
    /// [`TableError::MissingColumn`], [`TableError::Cell`].
    fn rows(table: &CsvTable) -> Result<Vec<Self>, TableError>;

    /// The rows as columns of polars, every text as `text` has it.
    fn columns(rows: &[Self], text: fn(&str) -> String) -> Vec<Column>;

    /// The rows as an older version wrote them, into other files; `None` if there are none.
    ///
    /// # Errors
    /// [`TableError`].
    fn older(_tables: &Path) -> Result<Option<Vec<Self>>, TableError> {
        Ok(None)
    }

    /// Reads the table from the folder `tables`; `None` if it was never written.
    ///
    /// # Errors
    /// [`TableError`].
    fn read_if_written(tables: &Path) -> Result<Option<Vec<Self>>, TableError> {
        match CsvTable::read(&tables.join(Self::FILE))? {
            Some(found) => Self::rows(&found).map(Some),
            None => Self::older(tables),
        }
    }

    /// Reads the table from the folder `tables`.
    ///
    /// # Errors
    /// [`TableError`]; [`TableError::NotRun`] if it was never written.
    fn read(tables: &Path) -> Result<Vec<Self>, TableError> {
        let not_run = || TableError::NotRun {
            path: tables.join(Self::FILE),
            table: Self::FILE,
        };
        Self::read_if_written(tables)?.ok_or_else(not_run)
    }

    /// Writes the table into the folder `tables`, as CSV and as Parquet, each atomically.
    ///
    /// # Errors
    /// [`TableError::Unwritable`], [`TableError::Io`].
    fn write(rows: &[Self], tables: &Path) -> Result<(), TableError> {
        write::both(rows, &tables.join(Self::FILE))
    }

    /// The bytes of the CSV file that [`write`](Self::write) writes.
    ///
    /// # Errors
    /// [`TableError::Unwritable`].
    fn csv(rows: &[Self]) -> Result<Vec<u8>, TableError> {
        write::csv(rows, Path::new(Self::FILE))
    }
}

/// Takes one column out of a table, typed. `older` are its names in files of older versions.
fn typed<T: Cell>(
    table: &CsvTable,
    column: &'static str,
    older: &[&str],
) -> Result<Vec<T>, TableError> {
    let mut names = std::iter::once(column).chain(older.iter().copied());
    let Some(place) = names.find_map(|name| table.place(name)) else {
        let absent: Option<Vec<T>> = (0..table.height()).map(|_| T::ABSENT).collect();
        return absent.ok_or_else(|| TableError::MissingColumn {
            path: table.path.clone(),
            column,
            found: table.header.join(", "),
        });
    };
    let parse = |(row, cell): (usize, &String)| {
        T::parse(cell).ok_or_else(|| TableError::Cell {
            path: table.path.clone(),
            line: table.lines[row],
            column,
            expected: T::EXPECTED,
            found: cell.chars().take(80).collect(),
        })
    };
    let cells = table.columns[place].iter().enumerate();
    cells.map(parse).collect()
}

/// Declares a row struct together with its writer and reader. `Row in "file" [formerly read]` has the function
/// `read` for folders in which an older version wrote other files; `field: kind [formerly "name"]` also reads the
/// column `name` of older files.
macro_rules! table {
    ($(#[$doc:meta])* $name:ident in $file:literal $([formerly $reader:path])? {
        $($(#[$field_doc:meta])* $field:ident: $kind:ty $([formerly $older:literal])?,)+
    }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $kind,)+
        }

        impl $crate::table::Row for $name {
            const FILE: &'static str = $file;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];

            fn rows(
                table: &$crate::table::csv::CsvTable,
            ) -> Result<Vec<Self>, $crate::table::TableError> {
                $(let mut $field = $crate::table::typed::<$kind>(
                    table, stringify!($field), &[$($older)?],
                )?.into_iter();)+
                let mut rows = Vec::with_capacity(table.height());
                // All columns have the same length, so they end together.
                while let ($(Some($field),)+) = ($($field.next(),)+) {
                    rows.push(Self { $($field),+ });
                }
                Ok(rows)
            }

            $(fn older(
                tables: &std::path::Path,
            ) -> Result<Option<Vec<Self>>, $crate::table::TableError> {
                $reader(tables)
            })?

            fn columns(rows: &[Self], text: fn(&str) -> String) -> Vec<polars::prelude::Column> {
                vec![$(<$kind as $crate::table::cell::Cell>::column(
                    stringify!($field),
                    rows.iter().map(|row| Some(&row.$field)).collect(),
                    text,
                )),+]
            }
        }
    };
}
/// The distinct values of `items`, in order of first appearance.
pub fn distinct<T: PartialEq>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    seen
}

mod by_text;
mod compared;
mod discrepancy;
mod encoders;
pub mod legacy;
mod measures;
pub mod record;
mod results;
mod retrieval;
mod samples;
pub mod simulation;
mod tradeoff;
mod transfers;
mod tuning;
pub mod verdicts;
mod write;
pub use by_text::*;
pub use compared::*;
pub use discrepancy::*;
pub use encoders::*;
pub use measures::*;
pub use results::*;
pub use retrieval::*;
pub use samples::*;
pub use simulation::{ForesightRow, SimulationRow};
pub use tradeoff::*;
pub use transfers::*;
pub use tuning::*;
pub use verdicts::Verdicts;

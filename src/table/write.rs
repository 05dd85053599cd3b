//! Rows as files. CSV is what figures, reports and `modalign runs diff` read, and what people open: names that
//! a spreadsheet would take for formulas are defused. The Parquet file beside it is for data frames: the same
//! rows with typed columns (whole numbers as `i64`, numbers as `f64`, flags as `bool`, text as it was), empty
//! cells as nulls. Both hold no time stamp; the same rows give the same bytes.

use std::path::Path;

use polars::prelude::{
    CsvWriter, DataFrame, ParquetCompression, ParquetWriter, PolarsError, SerWriter,
};

use super::{Row, TableError};
use crate::files::{atomic, defuse};

/// Rows of a row group of the Parquet files.
const GROUP: usize = 1 << 16;

/// Writes rows as the CSV file `path` and as the Parquet file of the same name.
pub fn both<R: Row>(rows: &[R], path: &Path) -> Result<(), TableError> {
    let beside = path.with_extension("parquet");
    put(&beside, parquet(rows).map_err(unwritable(&beside))?)?;
    put(path, csv(rows, path)?)
}

/// The bytes of the CSV file; `path` is named in errors.
pub fn csv<R: Row>(rows: &[R], path: &Path) -> Result<Vec<u8>, TableError> {
    let mut bytes = Vec::new();
    let written = frame(rows, |text| defuse(text.into())).and_then(|mut frame| {
        let mut writer = CsvWriter::new(&mut bytes).include_header(true);
        writer.finish(&mut frame)
    });
    written.map(|()| bytes).map_err(unwritable(path))
}

fn parquet<R: Row>(rows: &[R]) -> Result<Vec<u8>, PolarsError> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(ParquetCompression::Zstd(None))
        .with_row_group_size(Some(GROUP))
        .finish(&mut frame(rows, str::to_owned)?)?;
    Ok(bytes)
}

fn frame<R: Row>(rows: &[R], text: fn(&str) -> String) -> Result<DataFrame, PolarsError> {
    DataFrame::new(rows.len(), R::columns(rows, text))
}

fn unwritable(path: &Path) -> impl Fn(PolarsError) -> TableError {
    move |error| TableError::Unwritable {
        path: path.to_owned(),
        found: error.to_string(),
    }
}

fn put(path: &Path, bytes: Vec<u8>) -> Result<(), TableError> {
    atomic::write(path, &bytes).map_err(|source| TableError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use polars::prelude::{AnyValue, DataType, ParquetReader, SerReader};

    table! {
        /// One column of every kind.
        KindsRow in "kinds.csv" {
            /// Text.
            name: String,
            /// A number.
            error: f64,
            /// A count.
            seed: u64,
            /// A flag.
            certified: bool,
            /// A count that may be absent.
            of: Option<u64>,
            /// A text that may be absent.
            unit: Option<String>,
        }
    }

    fn rows(seed: u64) -> Vec<KindsRow> {
        let row = |name: &str, error: f64, seed: u64, of: Option<u64>| KindsRow {
            name: name.into(),
            error,
            seed,
            certified: of.is_none(),
            of,
            unit: of.map(|_| "clip".into()),
        };
        vec![
            row("=1+1", 0.1 + 0.2, seed, None),
            row("", -2.5, 1, Some(7)),
            row("a,\"b\"\nc\u{202e}", 1e-300, 2, None),
        ]
    }

    #[test]
    fn a_table_reads_back_as_it_was_written() {
        let home = tempfile::tempdir().unwrap();
        KindsRow::write(&rows(5), home.path()).unwrap();
        let mut expected = rows(5);
        expected[0].name = "'=1+1".into();
        assert_eq!(KindsRow::read(home.path()).unwrap(), expected);
        let csv = std::fs::read_to_string(home.path().join("kinds.csv")).unwrap();
        let text = "name,error,seed,certified,of,unit\n'=1+1,0.30000000000000004,5,true,,-\n\"\",-2.5,1,false,7,clip\n";
        assert!(csv.starts_with(text), "{csv}");
        assert_eq!(csv.into_bytes(), KindsRow::csv(&rows(5)).unwrap());
        // What is not finite is no value, and so no number to read.
        let mut rows = rows(5);
        rows[1].error = f64::NAN;
        KindsRow::write(&rows, home.path()).unwrap();
        let error = KindsRow::read(home.path()).unwrap_err().to_string();
        assert!(error.contains("line 3, column `error`"), "{error}");
    }

    #[test]
    fn parquet_has_typed_columns_with_nulls() {
        let mut rows = rows(0);
        rows[2].error = f64::NAN;
        let bytes = parquet(&rows).unwrap();
        let reader = ParquetReader::new(std::io::Cursor::new(bytes));
        let frame = reader.finish().unwrap();
        let (int, text) = (DataType::Int64, DataType::String);
        let flag = DataType::Boolean;
        assert_eq!(
            frame.dtypes(),
            [
                text.clone(),
                DataType::Float64,
                int.clone(),
                flag,
                int,
                text
            ]
        );
        let cell = |column: usize, row| frame.columns()[column].get(row).unwrap();
        assert_eq!(
            cell(0, 0),
            AnyValue::String("=1+1"),
            "no spreadsheet reads it"
        );
        assert_eq!(cell(0, 1), AnyValue::String(""));
        assert_eq!(cell(0, 2), AnyValue::String("a,\"b\"\nc\u{202e}"));
        assert_eq!(cell(1, 0), AnyValue::Float64(0.1 + 0.2), "to the last bit");
        assert_eq!(cell(1, 2), AnyValue::Null, "never NaN");
        assert_eq!(cell(2, 2), AnyValue::Int64(2));
        assert_eq!(cell(4, 0), AnyValue::Null);
        assert_eq!(cell(4, 1), AnyValue::Int64(7));
        assert_eq!(cell(5, 0), AnyValue::String("-"));
    }

    #[test]
    fn the_same_rows_give_the_same_bytes_and_large_seeds_survive() {
        let bytes = parquet(&rows(5)).unwrap();
        assert_eq!(bytes, parquet(&rows(5)).unwrap());
        assert_ne!(bytes, parquet(&rows(6)).unwrap());
        let large = parquet(&rows(u64::MAX)).unwrap();
        let reader = ParquetReader::new(std::io::Cursor::new(large));
        let seed = reader.finish().unwrap().columns()[2]
            .get(0)
            .unwrap()
            .into_static();
        assert_eq!(seed, AnyValue::UInt64(u64::MAX));
        assert!(
            csv::<KindsRow>(&[], Path::new("t"))
                .unwrap()
                .ends_with(b"unit\n")
        );
    }
}

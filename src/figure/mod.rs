//! Figures, drawn from tables alone.
//!
//! This room knows no run, model or dataset: given the `tables` folder of a finished run, every
//! figure can be drawn again, and the same tables give the same bytes. [`crate::table`] holds the rows,
//! one module per figure turns rows into a [`Scene`](scene::Scene), and [`render`] turns a scene
//! into SVG and PNG.
//!
//! | figure | module | table |
//! |---|---|---|
//! | 1, what was done | [`flow`] | `cells.csv`, `probe.csv`, `discrepancy.csv` |
//! | 2, t-SNE maps | [`tsne`] | `tsne.csv` (and `probe.csv` for the errors in its titles) |
//! | 3, distortion | [`probe`] | `probe.csv` |
//! | 4, discrepancy | [`discrepancy`] | `discrepancy.csv` |
//! | 5, training | [`curves`] | `curves.csv` |
//! | 6, aligned against unaligned | [`paired`] | `paired.csv`, `seeds.csv` |
//! | 7, geometry over epochs | [`geometry`] | `geometry.csv` |
//! | 8, agreement of the encoders | [`agreement`] | `cka.csv` |
//! | 9, matched classes | [`matching`] | `matching.csv` |
//! | 10, stage 1 | [`stage1`] | `stage1.csv` |
//!
//! A comparison of encoders (`modalign compare`) has figures of its own, drawn by [`sides`], [`tsne`],
//! [`agreement`] and [`classes`]; [`sides::NUMBERS`] counts them.

pub mod agreement;
mod axis;
pub mod classes;
pub mod curves;
pub mod discrepancy;
pub mod error;
pub mod flow;
pub mod font;
pub mod geometry;
mod labels;
pub mod layout;
mod lines;
pub mod matching;
pub mod methods;
pub mod paired;
pub mod palette;
pub mod picture;
pub mod print;
pub mod probe;
pub mod render;
pub mod scene;
pub mod sheet;
pub mod sides;
pub mod stage1;
pub mod tradeoff;
pub mod tsne;
pub mod verdicts;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::table::{self, Row as _};
pub use error::FigureError;
pub use layout::Figure;
pub use print::Print;

/// The figures this room draws, by number.
pub const NUMBERS: [u8; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

/// A file format of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Scalable, carries its font.
    Svg,
    /// Raster, four device pixels to the CSS pixel.
    Png,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 2] = [Self::Svg, Self::Png];

    /// File name extension, which is also the name on the command line.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

impl Format {
    /// The format that a file name's ending asks for, or what would be one.
    pub fn of_path(path: &Path) -> Result<Self, String> {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
        let format = ending.and_then(|ending| ending.parse().ok());
        format.ok_or_else(|| "a file name that ends in .svg or .png".into())
    }
}

impl std::str::FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL
            .into_iter()
            .find(|format| format.extension() == name);
        found.ok_or_else(|| format!("figure format: expected svg or png, found {name}"))
    }
}

/// Builds figure `number` from the tables in `tables`.
pub fn figure(number: u8, tables: &Path) -> Result<Figure, FigureError> {
    match number {
        1 => flow::figure(
            &optional(table::CellRow::read(tables))?.unwrap_or_default(),
            &optional(table::ProbeRow::read(tables))?.unwrap_or_default(),
            &optional(table::DiscrepancyRow::read(tables))?.unwrap_or_default(),
        ),
        2 => {
            // The map stands without probe errors; a broken probe table must still be told.
            let probes = optional(table::ProbeRow::read(tables))?.unwrap_or_default();
            tsne::figure(&table::TsneRow::read(tables)?, &probes)
        }
        3 => probe::figure(&table::ProbeRow::read(tables)?),
        4 => discrepancy::figure(&table::DiscrepancyRow::read(tables)?),
        5 => curves::figure(&table::CurveRow::read(tables)?),
        6 => {
            let seeds = optional(table::SeedRow::read(tables))?.unwrap_or_default();
            let mut rows = table::PairedRow::read(tables)?;
            let mut answers = optional(table::AnswerRow::read(tables))?.unwrap_or_default();
            let probes = optional(table::ProbeRow::read(tables))?.unwrap_or_default();
            // As the report judges them: the same family, the same marks.
            verdicts::complete(&mut rows, &seeds, &mut answers, &probes);
            paired::figure(&rows, &seeds)
        }
        7 => geometry::figure(&table::GeometryRow::read(tables)?),
        8 => agreement::figure(&table::CkaRow::read(tables)?, 8),
        9 => matching::of_run(&table::MatchingRow::read(tables)?),
        10 => stage1::figure(&table::Stage1Row::read(tables)?),
        11 => tradeoff::figure(
            &table::TargetRow::read(tables)?,
            &table::ProbeRow::read(tables)?,
        ),
        found => Err(FigureError::unknown(found, &NUMBERS)),
    }
}

/// Builds the figure of a number from a folder of tables.
type Builder = fn(u8, &Path) -> Result<Figure, FigureError>;

/// The figures that belong to the tables in `tables`, by number, and what builds one.
fn set(tables: &Path) -> (&'static [u8], Builder) {
    match tables.join(table::DifferenceRow::FILE).exists() {
        true => (&sides::NUMBERS, sides::numbered),
        false => (&NUMBERS, figure),
    }
}

/// Turns "its table was never written" and "that was not measured" into `None`.
pub fn optional<T>(result: Result<T, impl Into<FigureError>>) -> Result<Option<T>, FigureError> {
    match result.map_err(Into::into) {
        Ok(value) => Ok(Some(value)),
        Err(FigureError::Table(table::TableError::NotRun { .. }))
        | Err(FigureError::NotMeasured { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A figure that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its number.
    pub number: u8,
    /// Its file.
    pub path: PathBuf,
    /// Em of its smallest text in points, where its width on paper is known.
    pub smallest_text: Option<f64>,
}

/// Draws figures into `out` as `fig<number>.<format>`, as the report shows them, and returns the
/// paths written.
///
/// Figures named in `only` must have their tables; without `only`, those whose tables were never
/// written are passed over.
pub fn draw(
    tables: &Path,
    out: &Path,
    formats: &[Format],
    only: Option<&[u8]>,
) -> Result<Vec<PathBuf>, FigureError> {
    let drawn = draw_for(tables, out, formats, only, Print::default())?;
    Ok(drawn.into_iter().map(|drawn| drawn.path).collect())
}

/// [`draw`] for another page than the report's.
pub fn draw_for(
    tables: &Path,
    out: &Path,
    formats: &[Format],
    only: Option<&[u8]>,
    print: Print,
) -> Result<Vec<Drawn>, FigureError> {
    std::fs::create_dir_all(out).map_err(|source| FigureError::Io {
        path: out.to_owned(),
        source,
    })?;
    let mut written = Vec::new();
    let (numbers, figure) = set(tables);
    for &number in only.unwrap_or(numbers) {
        let figure = match only {
            Some(_) => figure(number, tables)?,
            None => match optional(figure(number, tables))? {
                Some(figure) => figure,
                None => continue,
            },
        };
        let figure = figure.printed(print);
        for &format in formats {
            let bytes = match format {
                Format::Svg => figure.svg()?.into_bytes(),
                Format::Png => figure.png()?,
            };
            let path = out.join(format!("fig{number}.{}", format.extension()));
            write_whole(&path, &bytes)?;
            written.push(Drawn {
                number,
                path,
                smallest_text: figure.smallest_text(),
            });
        }
    }
    Ok(written)
}

/// Writes a file so that no reader and no crash ever sees half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FigureError> {
    let fault = |source| FigureError::Io {
        path: path.to_owned(),
        source,
    };
    crate::files::atomic::write(path, bytes).map_err(fault)
}

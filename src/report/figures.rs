//! The figures of a report as files. Which there are, and under which numbers, is told by the sections;
//! everything is drawn from a folder of tables, so that it can be drawn again.
//!
//! A figure's file is `fig<number>.<format>`, the number being its place on the page. A figure is asked for by
//! number or by name; names stay when a figure before it is added. When all figures are drawn, files of
//! numbers that have none any more are removed.

use std::path::{Path, PathBuf};

use super::data::Tables;
use super::section::{Drawing, Numbers, Section};
use super::sections::{COMPARISON, SECTIONS};
use crate::figure::{Figure, FigureError, Format, Print, optional, write_whole};
use crate::table::{DifferenceRow, Row as _};

/// A figure that was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Its number on the page.
    pub number: usize,
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub path: PathBuf,
    /// Em of its smallest text in points, where its width on paper is known.
    pub smallest_text: Option<f64>,
}

/// The figures that belong to the tables in a folder, by number.
struct Set {
    numbers: Numbers,
    drawings: Vec<&'static Drawing>,
}

impl Set {
    fn of(tables: &Path) -> Self {
        fn drawings<T>(list: &'static [Section<T>]) -> Set {
            Set {
                numbers: Numbers::of(list),
                drawings: list.iter().filter_map(|s| s.figure.as_ref()).collect(),
            }
        }
        if tables.join(DifferenceRow::FILE).exists() {
            drawings(COMPARISON)
        } else {
            drawings(SECTIONS)
        }
    }

    fn find(&self, asked: &str) -> Result<&'static Drawing, FigureError> {
        let name = self.numbers.name(asked);
        let found = self.drawings.iter().find(|own| Some(own.name) == name);
        found.copied().ok_or_else(|| FigureError::UnknownFigure {
            expected: self.numbers.listed(),
            found: asked.to_owned(),
        })
    }
}

/// Builds the figure that `asked` names, by name or number, from the tables in `tables`.
///
/// # Errors
/// [`FigureError`]: no such figure, a table that is missing or broken, nothing to draw.
pub fn figure(asked: &str, tables: &Path) -> Result<Figure, FigureError> {
    (Set::of(tables).find(asked)?.draw)(&Tables::of(tables))
}

/// Draws figures into `out` as the report shows them and returns the paths written.
///
/// Figures named in `only`, by number or name, must have their tables; without `only`, those whose tables
/// were never written are passed over.
///
/// # Errors
/// As [`figure`], and a file that cannot be written.
pub fn draw(
    tables: &Path,
    out: &Path,
    formats: &[Format],
    only: Option<&[String]>,
) -> Result<Vec<PathBuf>, FigureError> {
    let drawn = draw_for(tables, out, formats, only, Print::default())?;
    Ok(drawn.into_iter().map(|drawn| drawn.path).collect())
}

/// [`draw`] for another page than the report's.
///
/// # Errors
/// As [`draw`].
pub fn draw_for(
    tables: &Path,
    out: &Path,
    formats: &[Format],
    only: Option<&[String]>,
    print: Print,
) -> Result<Vec<Drawn>, FigureError> {
    let set = Set::of(tables);
    let asked = match only {
        Some(names) => names
            .iter()
            .map(|name| set.find(name))
            .collect::<Result<_, _>>()?,
        None => set.drawings.clone(),
    };
    std::fs::create_dir_all(out).map_err(|source| FigureError::Io {
        path: out.to_owned(),
        source,
    })?;
    let tables = Tables::of(tables);
    let mut written = Vec::new();
    for drawing in asked {
        let number = set
            .numbers
            .number(drawing.name)
            .expect("a drawing of the list");
        let file = |format: Format| out.join(format!("fig{number}.{}", format.extension()));
        let figure = (drawing.draw)(&tables);
        let figure = if only.is_some() {
            figure?
        } else if let Some(figure) = optional(figure)? {
            figure
        } else {
            for format in formats {
                remove(&file(*format))?;
            }
            continue;
        };
        let figure = figure.printed(print);
        for &format in formats {
            let bytes = match format {
                Format::Svg => figure.svg()?.into_bytes(),
                Format::Png => figure.png()?,
            };
            let path = file(format);
            write_whole(&path, &bytes)?;
            written.push(Drawn {
                number,
                name: drawing.name,
                path,
                smallest_text: figure.smallest_text(),
            });
        }
    }
    Ok(written)
}

/// Removes a figure of an earlier state, which had another number or other tables.
fn remove(path: &Path) -> Result<(), FigureError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(FigureError::Io {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

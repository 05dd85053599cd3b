//! Figures, drawn from tables alone.
//!
//! This room knows no run, model or dataset: given the `tables` folder of a finished run, every
//! figure can be drawn again, and the same tables give the same bytes. [`crate::table`] holds the rows,
//! one module per figure turns rows into panels ([`Scene`](scene::Scene)), and [`render`] turns a scene
//! into SVG and PNG. Which figures a report has, under which numbers, and what is said of them is told by its
//! sections (`report::sections`).

pub mod agreement;
pub(crate) mod axis;
pub mod classes;
pub mod curves;
pub mod discrepancy;
pub mod error;
pub mod flow;
pub mod font;
pub mod geometry;
pub(crate) mod labels;
pub mod layout;
pub(crate) mod lines;
pub mod matching;
pub mod measures;
pub mod methods;
pub mod paired;
pub mod palette;
mod panels;
pub mod picture;
pub mod print;
pub mod probe;
pub mod render;
pub mod scene;
pub mod sheet;
pub mod stage1;
pub mod tradeoff;
pub mod tsne;

use std::path::Path;

use crate::table;
pub use error::FigureError;
pub use layout::Figure;
pub use print::Print;

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

/// Turns "its table was never written" and "that was not measured" into `None`.
pub fn optional<T>(result: Result<T, impl Into<FigureError>>) -> Result<Option<T>, FigureError> {
    match result.map_err(Into::into) {
        Ok(value) => Ok(Some(value)),
        Err(FigureError::Table(table::TableError::NotRun { .. }))
        | Err(FigureError::NotMeasured { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file so that no reader and no crash ever sees half of it.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FigureError> {
    let fault = |source| FigureError::Io {
        path: path.to_owned(),
        source,
    };
    crate::files::atomic::write(path, bytes).map_err(fault)
}

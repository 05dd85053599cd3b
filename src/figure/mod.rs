//! What figures are made with, from tables alone.
//!
//! This room knows no run, model or dataset: given the `tables` folder of a finished run, every
//! figure can be drawn again, and the same tables give the same bytes. [`crate::table`] holds the rows, a figure turns
//! rows into panels ([`Scene`](scene::Scene)) with axes, lines, labels and palette, and [`render`] turns a scene
//! into SVG and PNG. A figure of the report stands with its section (`report::sections`), which says its number and its
//! caption; here are those that the command line draws too: t-SNE maps ([`tsne`]), heat maps of matched classes
//! ([`matching`]) and sheets of samples ([`sheet`]).

pub(crate) mod axis;
pub mod error;
pub mod font;
pub(crate) mod labels;
pub mod layout;
pub(crate) mod lines;
pub mod matching;
pub mod methods;
pub mod palette;
mod panels;
pub mod picture;
pub mod print;
pub mod render;
pub mod scene;
pub mod sheet;
pub mod tsne;
pub mod tuned;
pub mod values;

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

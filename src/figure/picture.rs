//! Pictures of samples as a run keeps them: bytes `[n, C, H, W]` beside the tables, a row of
//! `pictures.csv` each. Images and maps become JPEG, signals SVG; many of one size become a single file.

use std::collections::HashMap;
use std::path::{Component, Path};

use jpeg_encoder::{ColorType, Encoder};
use ndarray::{Array4, ArrayView3, Axis, Ix4};

use super::error::FigureError;
use super::layout::distinct;
use super::optional;
use super::render;
use super::scene::Scene;
use super::sheet::{glow, traces};
use crate::files::npy;
use crate::table::{Row, SampleRow};

/// A file of pictures may not be larger than this.
const MOST_BYTES: u64 = 256 << 20;
/// Side of a drawn signal in CSS pixels.
const SIDE: (f64, f64) = (96.0, 64.0);
/// Quality of many pictures in one, of 100.
const QUALITY: u8 = 80;
/// Quality of a single one: from 90 on colours keep the resolution of the brightness.
const SINGLE: u8 = 90;

/// Pictures of a run.
#[derive(Debug, Default)]
pub struct Pictures {
    /// What is known about each.
    pub rows: Vec<SampleRow>,
    files: HashMap<String, Array4<u8>>,
}

/// A picture as pages take it.
#[derive(Debug, Clone, PartialEq)]
pub enum Picture {
    /// A JPEG file.
    Jpeg(Vec<u8>),
    /// An SVG element.
    Svg(String),
}

/// Pictures of one size side by side, a JPEG file.
#[derive(Debug, Clone, PartialEq)]
pub struct Sprite {
    /// The file.
    pub jpeg: Vec<u8>,
    /// Pictures in a line.
    pub columns: usize,
    /// Height of a picture.
    pub height: usize,
    /// Width of a picture.
    pub width: usize,
}

impl Pictures {
    /// Reads `pictures.csv` and the files it names; none where a run kept none or was passed on without.
    ///
    /// # Errors
    /// [`FigureError`]: a broken table, a file outside the run's `samples` folder, not what it should be,
    /// or without the row asked for.
    pub fn read(tables: &Path) -> Result<Self, FigureError> {
        let mut rows = optional(SampleRow::read(tables))?.unwrap_or_default();
        let mut files = HashMap::new();
        for name in distinct(rows.iter().map(|row| row.file.clone())) {
            if let Some(array) = read(tables, &name)? {
                files.insert(name, array);
            }
        }
        rows.retain(|row| files.contains_key(&row.file));
        for row in &rows {
            let there = files
                .get(&row.file)
                .map_or(0, |array| array.len_of(Axis(0)));
            if row.row >= there as u64 {
                return Err(FigureError::Content {
                    table: SampleRow::FILE,
                    expected: format!("a row of the {there} in {}", row.file),
                    found: row.row.to_string(),
                });
            }
        }
        Ok(Self { rows, files })
    }

    /// A picture for pages.
    pub fn picture(&self, row: &SampleRow) -> Result<Picture, FigureError> {
        let Some(array) = self.files.get(&row.file) else {
            return Ok(Picture::Svg(String::new()));
        };
        let bytes = array.index_axis(Axis(0), row.row as usize);
        if row.view == "signal" {
            return signal(&row.name, bytes).map(Picture::Svg);
        }
        let (_, height, width) = bytes.dim();
        if height * width == 0 {
            return Ok(Picture::Svg(String::new()));
        }
        let mut pixels = vec![0; 3 * height * width];
        paint(&row.view, bytes, &mut pixels, width);
        jpeg((width, height), &pixels, SINGLE).map(Picture::Jpeg)
    }

    /// The pictures `of` a dataset in one sheet, in the order of the rows; `None` without pictures, or
    /// where they are signals or of several sizes.
    pub fn sprite(&self, dataset: &str) -> Result<Option<Sprite>, FigureError> {
        let own: Vec<&SampleRow> = self.rows.iter().filter(|r| r.dataset == dataset).collect();
        let size = |row: &SampleRow| self.files.get(&row.file).map(|a| (a.dim().2, a.dim().3));
        let Some((height, width)) = own.first().and_then(|row| size(row)) else {
            return Ok(None);
        };
        let odd = |row: &&SampleRow| row.view == "signal" || size(row) != Some((height, width));
        if own.iter().any(odd) || height * width == 0 {
            return Ok(None);
        }
        let columns = (own.len() as f64).sqrt().ceil() as usize;
        let across = columns * width;
        let down = own.len().div_ceil(columns) * height;
        if across.max(down) > usize::from(u16::MAX) {
            return Ok(None); // more than a JPEG holds
        }
        let mut pixels = vec![0u8; 3 * across * down];
        for (place, row) in own.iter().enumerate() {
            let corner = (place / columns * height) * across + place % columns * width;
            let Some(array) = self.files.get(&row.file) else {
                continue;
            };
            let bytes = array.index_axis(Axis(0), row.row as usize);
            paint(&row.view, bytes, &mut pixels[3 * corner..], across);
        }
        Ok(Some(Sprite {
            jpeg: jpeg((across, down), &pixels, QUALITY)?,
            columns,
            height,
            width,
        }))
    }
}

/// Reads one file of pictures, if it is there.
fn read(tables: &Path, name: &str) -> Result<Option<Array4<u8>>, FigureError> {
    let mut parts = Path::new(name).components();
    let plain = parts.next() == Some(Component::Normal("samples".as_ref()))
        && matches!(parts.next(), Some(Component::Normal(_)))
        && parts.next().is_none();
    let wrong = |expected: &str, found: String| FigureError::Content {
        table: SampleRow::FILE,
        expected: expected.into(),
        found,
    };
    if !plain {
        return Err(wrong("a file in the folder samples", name.into()));
    }
    let path = tables.parent().unwrap_or(Path::new(".")).join(name);
    let io = |source| FigureError::Io {
        path: path.clone(),
        source,
    };
    let size = match std::fs::metadata(&path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(error)),
    };
    if size > MOST_BYTES {
        return Err(wrong(
            "at most 256 MiB of pictures",
            format!("{name}: {size} bytes"),
        ));
    }
    let bytes = std::fs::read(&path).map_err(io)?;
    let array = npy::parse(&bytes).and_then(|array| array.to_f32());
    let array = array.map_err(|fault| wrong("pictures", format!("{name}: {fault}")))?;
    let shape = format!("{name}: shape {:?}", array.shape());
    let array = array.into_dimensionality::<Ix4>();
    let array = array.map_err(|_| wrong("pictures [n, C, H, W]", shape))?;
    Ok(Some(array.mapv(|v| v.clamp(0.0, 255.0) as u8)))
}

/// Writes the pixels of an image or map into an RGB picture `across` pixels wide.
fn paint(view: &str, bytes: ArrayView3<u8>, pixels: &mut [u8], across: usize) {
    let (channels, height, width) = bytes.dim();
    for i in 0..height {
        let from = if view == "spectrogram" {
            height - 1 - i
        } else {
            i
        };
        for j in 0..width {
            let rgb = match channels {
                3 => [0, 1, 2].map(|c| bytes[[c, from, j]]),
                0 => [0; 3],
                _ => glow(f64::from(bytes[[0, from, j]]) / 255.0).rgb,
            };
            pixels[3 * (i * across + j)..][..3].copy_from_slice(&rgb);
        }
    }
}

/// An RGB picture as a JPEG file.
fn jpeg(
    (width, height): (usize, usize),
    pixels: &[u8],
    quality: u8,
) -> Result<Vec<u8>, FigureError> {
    let fault = |found: String| FigureError::Render {
        format: "jpeg",
        found,
    };
    let side = |n: usize| u16::try_from(n).map_err(|_| fault(format!("{n} pixels on a side")));
    let mut bytes = Vec::new();
    Encoder::new(&mut bytes, quality)
        .encode(pixels, side(width)?, side(height)?, ColorType::Rgb)
        .map_err(|error| fault(error.to_string()))?;
    Ok(bytes)
}

/// Lines about their middles.
fn signal(name: &str, bytes: ArrayView3<u8>) -> Result<String, FigureError> {
    let (channels, height, width) = bytes.dim();
    let mut scene = Scene::new(SIDE.0, SIDE.1, format!("Signal: {name}"));
    let value = |line: usize, j: usize| {
        (f64::from(bytes[[line / height, line % height, j]]) - 127.5) / 127.5
    };
    traces(
        &mut scene,
        (0.0, 0.0),
        SIDE,
        (channels * height, width),
        value,
    );
    render::inline_svg(&scene)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run folder with two images and a signal.
    fn run(file: &str) -> tempfile::TempDir {
        let run = tempfile::tempdir().unwrap();
        for folder in ["samples", "tables"] {
            std::fs::create_dir(run.path().join(folder)).unwrap();
        }
        let mut images = npy::header("|u1", &[2, 3, 4, 4]);
        images.extend((0..96u8).map(|v| 2 * v));
        std::fs::write(run.path().join("samples/a.npy"), images).unwrap();
        let mut signals = npy::header("|u1", &[1, 1, 2, 5]);
        signals.extend([128, 255, 128, 0, 128, 0, 128, 255, 128, 0]);
        std::fs::write(run.path().join("samples/b.npy"), signals).unwrap();
        let head = "dataset,title,part,sample,name,view,file,row\n";
        let rows = format!(
            "a,A,test,7,cat,image,{file},0\na,A,test,9,dog,image,samples/a.npy,1\nb,B,train,0,fist,signal,samples/b.npy,0\n"
        );
        std::fs::write(
            run.path().join("tables/pictures.csv"),
            format!("{head}{rows}"),
        )
        .unwrap();
        run
    }

    #[test]
    fn images_become_files_and_signals_lines() {
        let run = run("samples/a.npy");
        let found = Pictures::read(&run.path().join("tables")).unwrap();
        let Picture::Jpeg(file) = found.picture(&found.rows[0]).unwrap() else {
            panic!("an image is a JPEG");
        };
        assert_eq!(file[..2], [0xFF, 0xD8]);
        let mut pixels = vec![0; 3 * 16];
        let images = &found.files["samples/a.npy"];
        paint("image", images.index_axis(Axis(0), 0), &mut pixels, 4);
        assert_eq!(pixels[..6], [0, 32, 64, 2, 34, 66], "red, green, blue");
        let Picture::Svg(svg) = found.picture(&found.rows[2]).unwrap() else {
            panic!("a signal is lines");
        };
        assert!(svg.contains("Signal: fist") && svg.matches("<polyline").count() == 2);
        let sprite = found.sprite("a").unwrap().unwrap();
        assert_eq!((sprite.columns, sprite.height, sprite.width), (2, 4, 4));
        assert_eq!(sprite.jpeg[..2], [0xFF, 0xD8]);
        assert_eq!(found.sprite("b").unwrap(), None);
        assert_eq!(found.sprite("none").unwrap(), None);
    }

    #[test]
    fn files_elsewhere_and_rows_that_are_not_there_are_refused() {
        for file in [
            "../a.npy",
            "/etc/passwd",
            "samples/../a.npy",
            "tables/pictures.csv",
        ] {
            let error = Pictures::read(&run(file).path().join("tables")).unwrap_err();
            assert!(error.to_string().contains("folder samples"), "{error}");
        }
        let run = run("samples/b.npy");
        let found = Pictures::read(&run.path().join("tables"));
        assert!(found.is_ok(), "row 0 is there");
        std::fs::write(run.path().join("samples/a.npy"), b"not numpy").unwrap();
        assert!(Pictures::read(&run.path().join("tables")).is_err());
        std::fs::remove_file(run.path().join("samples/a.npy")).unwrap();
        let found = Pictures::read(&run.path().join("tables")).unwrap();
        assert_eq!(found.rows.len(), 2, "what was not passed on is not shown");
        let empty = tempfile::tempdir().unwrap();
        assert!(Pictures::read(empty.path()).unwrap().rows.is_empty());
    }
}

//! Pictures of samples as a run keeps them: bytes `[n, C, H, W]` beside the tables, a row of
//! `pictures.csv` each. Images and maps become PNG, signals SVG; many of one size become a single JPEG.

use std::collections::HashMap;
use std::path::{Component, Path};

use jpeg_encoder::{ColorType, Encoder};
use ndarray::{Array4, ArrayView3, Axis, Ix4};

use super::error::FigureError;
use super::layout::distinct;
use super::optional;
use super::palette::HUES;
use super::render;
use super::scene::{Scene, Stroke};
use super::sheet::glow;
use super::table::{Row, SampleRow};
use crate::container::npy;

/// A file of pictures may not be larger than this.
const MOST_BYTES: u64 = 256 << 20;
/// Side of a drawn signal in CSS pixels.
const SIDE: (f64, f64) = (96.0, 64.0);
/// Quality of a sprite, of 100.
const QUALITY: u8 = 80;

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
    /// A PNG file.
    Png(Vec<u8>),
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
        let mut pixels = vec![0; 3 * height * width];
        paint(&row.view, bytes, &mut pixels, width);
        encode(width, height, &pixels).map(Picture::Png)
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
        let sides = u16::try_from(across).ok().zip(u16::try_from(down).ok());
        let Some((w, h)) = sides else {
            return Ok(None); // more than a JPEG holds
        };
        let mut pixels = vec![0u8; 3 * across * down];
        for (place, row) in own.iter().enumerate() {
            let corner = (place / columns * height) * across + place % columns * width;
            let Some(array) = self.files.get(&row.file) else {
                continue;
            };
            let bytes = array.index_axis(Axis(0), row.row as usize);
            paint(&row.view, bytes, &mut pixels[3 * corner..], across);
        }
        let mut jpeg = Vec::new();
        let encoded = Encoder::new(&mut jpeg, QUALITY).encode(&pixels, w, h, ColorType::Rgb);
        encoded.map_err(|error| FigureError::Render {
            format: "jpeg",
            found: error.to_string(),
        })?;
        Ok(Some(Sprite {
            jpeg,
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

/// An RGB picture as a PNG file.
fn encode(width: usize, height: usize, pixels: &[u8]) -> Result<Vec<u8>, FigureError> {
    let fault = |error: png::EncodingError| FigureError::Render {
        format: "png",
        found: error.to_string(),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().map_err(fault)?;
    writer.write_image_data(pixels).map_err(fault)?;
    writer.finish().map_err(fault)?;
    Ok(bytes)
}

/// Lines about their middles.
fn signal(name: &str, bytes: ArrayView3<u8>) -> Result<String, FigureError> {
    let (channels, height, width) = bytes.dim();
    let lines = (channels * height).max(1);
    let mut scene = Scene::new(SIDE.0, SIDE.1, format!("Signal: {name}"));
    let room = SIDE.1 / lines as f64;
    let reach = 0.5 * room * if lines == 1 { 0.95 } else { 1.4 };
    for line in 0..channels * height {
        let middle = (line as f64 + 0.5) * room;
        let point = |j: usize| {
            let up = (f64::from(bytes[[line / height, line % height, j]]) - 127.5) / 127.5;
            let x = SIDE.0 * j as f64 / width.saturating_sub(1).max(1) as f64;
            (x, (middle - up * reach).clamp(0.0, SIDE.1))
        };
        let points: Vec<_> = (0..width).map(point).collect();
        if points.len() > 1 {
            scene.path(points, Stroke::solid(HUES[line % HUES.len()].0, 0.75));
        }
    }
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
        let Picture::Png(png) = found.picture(&found.rows[0]).unwrap() else {
            panic!("an image is a PNG");
        };
        let mut reader = png::Decoder::new(png.as_slice()).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        reader.next_frame(&mut pixels).unwrap();
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

//! A picture's bytes as planes of red, green and blue: what `PIL.Image.open(path).convert("RGB")` gives,
//! which is torchvision's loader.
//!
//! Grey becomes three equal channels, palettes their colours; transparency is dropped, not blended;
//! of several frames the first is taken; a camera's orientation (EXIF) is not followed, as torchvision
//! does not. The contents say the format, not the file's ending. Channels of 16 bits give their upper
//! eight. Size is known from the header, and bounded, before anything is allocated.

use std::io::Cursor;
use std::path::Path;

use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::tree::Entry;
use crate::dataset::DatasetError;
use crate::dataset::files::{io, malformed};
use crate::files::jpeg;

/// More pixels are no picture to learn from but an attack on the memory; PIL's own limit.
pub const MOST_PIXELS: usize = 178_956_970;
/// Largest file that is read whole.
const MOST_BYTES: u64 = 1 << 30;

/// What a picture's first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Height and width in pixels.
    pub size: [usize; 2],
    /// Its format.
    pub format: ImageFormat,
    /// Whether channels have 16 bits, of which the upper eight are taken.
    pub wide: bool,
}

/// A decoded picture.
pub struct Picture {
    /// What it is.
    pub header: Header,
    /// Bytes `3 × height × width`.
    pub planes: Vec<u8>,
}

/// Reads the header of the picture at `path`.
///
/// # Errors
/// `Malformed` if it is no picture of a known format, or one too large.
pub fn header(path: &Path) -> Result<Header, DatasetError> {
    let bytes = read(path)?;
    header_of(path, &bytes)
}

/// Decodes the picture at `path`.
///
/// # Errors
/// Those of [`header`], and `Malformed` if its data are cut or broken.
pub fn decode(path: &Path) -> Result<Picture, DatasetError> {
    let bytes = read(path)?;
    let header = header_of(path, &bytes)?;
    if header.format == ImageFormat::Jpeg {
        let planes = jpeg::decode(&bytes).map_err(|e| broken(path, header.format, &e))?;
        return Ok(Picture { header, planes });
    }
    let decoder = decoder(path, &bytes, header.format)?;
    let image = DynamicImage::from_decoder(decoder);
    let image = image.map_err(|e| broken(path, header.format, &e))?;
    Ok(Picture {
        planes: planes(&image),
        header,
    })
}

/// What is worth telling of the headers of all pictures.
pub fn remarks(files: &[Entry], headers: &[Header]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut tell = |what: &str, is: &dyn Fn(&Entry, &Header) -> bool| {
        let found = files.iter().zip(headers).filter(|(f, h)| is(f, h));
        let names: Vec<&str> = found.map(|(file, _)| file.id.as_str()).collect();
        if let Some(first) = names.first() {
            notes.push(format!("{what}: {} (the first is {first})", names.len()));
        }
    };
    tell(
        "pictures of 16 bits a channel, read with their upper eight",
        &|_, header| header.wide,
    );
    tell(
        "pictures whose ending is another format's, read as what they are",
        &|file, header| {
            let named = ImageFormat::from_path(&file.path);
            let jfif = ["jpe", "jfif"].map(Some);
            let ending = file.path.extension().map(|e| e.to_ascii_lowercase());
            let is_jfif = jfif.contains(&ending.as_deref().and_then(|e| e.to_str()));
            !(named.is_ok_and(|named| named == header.format)
                || is_jfif && header.format == ImageFormat::Jpeg)
        },
    );
    notes
}

fn read(path: &Path) -> Result<Vec<u8>, DatasetError> {
    let size = std::fs::metadata(path).map_err(io(path))?.len();
    if size == 0 || size > MOST_BYTES {
        let expected = format!("a picture of 1 to {MOST_BYTES} bytes");
        return Err(malformed(path, "file size", expected, format!("{size}")));
    }
    std::fs::read(path).map_err(io(path))
}

fn broken(path: &Path, format: ImageFormat, found: &dyn std::fmt::Display) -> DatasetError {
    let name = format!("{format:?}").to_uppercase();
    malformed(
        path,
        format!("{name} picture"),
        "intact data",
        found.to_string(),
    )
}

fn decoder<'a>(
    path: &Path,
    bytes: &'a [u8],
    format: ImageFormat,
) -> Result<impl ImageDecoder + 'a, DatasetError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    // Of 16 bits and four channels, decoded, with as much beside it.
    limits.max_alloc = Some(16 * MOST_PIXELS as u64);
    reader.limits(limits);
    reader.into_decoder().map_err(|e| broken(path, format, &e))
}

fn header_of(path: &Path, bytes: &[u8]) -> Result<Header, DatasetError> {
    let format = match image::guess_format(bytes) {
        Ok(
            format @ (ImageFormat::Jpeg
            | ImageFormat::Png
            | ImageFormat::WebP
            | ImageFormat::Bmp
            | ImageFormat::Pnm),
        ) => format,
        other => {
            let found = other.map_or("something else".into(), |f| format!("{f:?}"));
            let expected = "a JPEG, PNG, WebP, BMP or PNM picture";
            return Err(malformed(path, "contents", expected, found));
        }
    };
    let (size, wide) = if format == ImageFormat::Jpeg {
        let size = jpeg::size(bytes).map_err(|e| broken(path, format, &e))?;
        (size, false)
    } else {
        let decoder = decoder(path, bytes, format)?;
        let (width, height) = decoder.dimensions();
        let wide = matches!(
            decoder.color_type(),
            ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16
        );
        ([height as usize, width as usize], wide)
    };
    let pixels = size[0].saturating_mul(size[1]);
    if pixels == 0 || pixels > MOST_PIXELS {
        let expected = format!("1 to {MOST_PIXELS} pixels");
        let found = format!("{} × {}", size[0], size[1]);
        return Err(malformed(path, "picture", expected, found));
    }
    Ok(Header { size, format, wide })
}

/// Planes of red, green and blue.
fn planes(image: &DynamicImage) -> Vec<u8> {
    let area = image.width() as usize * image.height() as usize;
    let mut out = vec![0; 3 * area];
    let wide = |values: &[u16]| -> Vec<u8> { values.iter().map(|v| (v >> 8) as u8).collect() };
    let (bytes, channels): (Vec<u8>, usize) = match image {
        DynamicImage::ImageLuma16(i) => (wide(i), 1),
        DynamicImage::ImageLumaA16(i) => (wide(i), 2),
        DynamicImage::ImageRgb16(i) => (wide(i), 3),
        DynamicImage::ImageRgba16(i) => (wide(i), 4),
        DynamicImage::ImageLuma8(i) => (i.to_vec(), 1),
        DynamicImage::ImageLumaA8(i) => (i.to_vec(), 2),
        DynamicImage::ImageRgba8(i) => (i.to_vec(), 4),
        other => (other.to_rgb8().into_raw(), 3),
    };
    for (at, pixel) in bytes.chunks_exact(channels).enumerate().take(area) {
        for channel in 0..3 {
            out[channel * area + at] = pixel[if channels < 3 { 0 } else { channel }];
        }
    }
    out
}

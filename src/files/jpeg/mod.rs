//! JPEG pictures, to the grey level that libjpeg-turbo gives, which PIL, torchvision and OpenCV read
//! with: models were trained on these very numbers, and other decoders differ by up to a few levels.
//!
//! Baseline, extended and progressive Huffman coding with 8 bits a sample; grey, YCbCr, RGB, and CMYK or
//! YCCK as Adobe writes them, converted as PIL does. Arithmetic coding, lossless coding and 12 bits are
//! refused by name. Cut or corrupt data are refused too, where libjpeg fills up with grey.
//!
//! Every block of a picture takes at least one bit, so that what is allocated is bounded by the bytes
//! that exist.

mod colour;
mod frame;
mod huffman;
mod idct;
mod scan;
#[cfg(test)]
mod tests;
mod upsample;

use super::{Fault, fault};
use frame::{Frame, Tables};

/// Height and width in pixels, from the headers alone.
///
/// # Errors
/// Bytes that are no JPEG picture of a kind that is read.
pub fn size(bytes: &[u8]) -> Result<[usize; 2], Fault> {
    let mut tables = Tables::default();
    let mut at = 0;
    while let Some((marker, body, end)) = frame::segment(bytes, at)? {
        if let Some(frame) = tables.take(marker, body, bytes.len())? {
            return Ok([frame.height, frame.width]);
        }
        at = end;
    }
    fault("JPEG", "a frame (SOF0, SOF1 or SOF2)", "none")
}

/// Planes of red, green and blue, `3 × height × width`.
///
/// # Errors
/// Bytes that are no JPEG picture of a kind that is read, or data that are cut or corrupt.
pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, Fault> {
    let (mut tables, mut frame) = (Tables::default(), None::<Frame>);
    let mut at = 0;
    while let Some((marker, body, end)) = frame::segment(bytes, at)? {
        at = end;
        match (marker, &mut frame) {
            (frame::EOI, _) => break,
            (frame::SOS, Some(frame)) => at = scan::scan(bytes, end, body, frame, &tables)?,
            (frame::SOS, None) => return fault("JPEG scan", "a frame before it", "none"),
            _ => {
                if let Some(found) = tables.take(marker, body, bytes.len())? {
                    if frame.is_some() {
                        return fault("JPEG", "one frame", "two");
                    }
                    frame = Some(found);
                }
            }
        }
    }
    let Some(frame) = frame else {
        return fault("JPEG", "a frame (SOF0, SOF1 or SOF2)", "none");
    };
    if frame.components.iter().any(|c| c.quant.is_none()) {
        return fault("JPEG", "data of every channel", "the file ends before");
    }
    let planes: Vec<Vec<u8>> = frame
        .components
        .iter()
        .map(|component| upsample::whole(&frame, component))
        .collect::<Result<_, _>>()?;
    Ok(colour::rgb(planes, tables.colours(&frame)))
}

//! NumPy's `.npy` format, read from bytes that are already bounded.
//!
//! The usual crate allocates what the header promises before it looks at the data; here the
//! promise is checked against the bytes that exist, so that a header of 2^60 elements is an
//! error and not an abort; the header itself is parsed in `header`. Integers, floats and strings are read, in either byte order and either
//! memory order; see NumPy's `numpy.lib.format` for the layout. Arrays of objects are pickles
//! behind a header: [`object`] gives their bytes to [`super::pickle`].

mod header;

use std::ops::Range;

use super::array::{Array, Layout, Owner, Stored};
use super::element::Element;
use super::{Fault, fault};

/// Layout and place of the array in a file of `length` bytes that begins with `bytes`; exactly the
/// promised bytes follow the header.
fn layout(bytes: &[u8], length: usize) -> Result<(Layout, Range<usize>), Fault> {
    let header = header::parse(bytes)?;
    if is_object(&header.descr) {
        return fault("npy element type", "numbers or text", "Python objects");
    }
    let layout = Layout {
        element: Element::parse(&header.descr).map_err(|e| e.of("npy"))?,
        fortran: header.fortran,
        shape: header.shape,
    };
    let range = header.start..length;
    layout.check(range.len()).map_err(|e| e.of("npy"))?;
    Ok((layout, range))
}

/// Parses the header and checks that exactly the promised bytes follow.
///
/// # Errors
/// Whatever is not a whole `.npy` array of numbers or text.
pub fn parse(bytes: &[u8]) -> Result<Array<'_>, Fault> {
    parse_start(bytes, bytes.len())
}

/// The same from the first bytes of a file of `length` bytes: the data need not be there.
pub(crate) fn parse_start(bytes: &[u8], length: usize) -> Result<Array<'_>, Fault> {
    let (layout, range) = layout(bytes, length)?;
    Ok(Array::start_of(layout, &bytes[range.start..]))
}

/// An array of numbers that is read row by row from its owner's bytes.
///
/// # Errors
/// As [`parse`]; text.
pub fn stored(owner: Owner) -> Result<Stored, Fault> {
    let whole = 0..(*owner).as_ref().len();
    stored_in(owner, whole)
}

/// As [`stored`], for an array in `range` of the owner's bytes: a member of an archive.
///
/// # Errors
/// As [`stored`].
pub fn stored_in(owner: Owner, range: Range<usize>) -> Result<Stored, Fault> {
    let Some(bytes) = (*owner).as_ref().get(range.clone()) else {
        return fault("npy", "bytes within the file", format!("{range:?}"));
    };
    let (layout, inner) = layout(bytes, bytes.len())?;
    let place = range.start + inner.start..range.start + inner.end;
    Stored::new(owner, place, layout)
}

/// The pickle behind the header of an array of objects; `None` for other arrays.
///
/// # Errors
/// A malformed header.
pub fn object(bytes: &[u8]) -> Result<Option<Range<usize>>, Fault> {
    let header = header::parse(bytes)?;
    Ok(is_object(&header.descr).then_some(header.start..bytes.len()))
}

/// The shape that the header states, also of an array of objects.
///
/// # Errors
/// A malformed header.
pub fn shape(bytes: &[u8]) -> Result<Vec<usize>, Fault> {
    Ok(header::parse(bytes)?.shape)
}

fn is_object(descr: &str) -> bool {
    matches!(descr, "|O" | "O" | "<O" | "=O")
}

/// The header of a version 1.0 `.npy` file for a row-major array, padded to 64 bytes.
pub fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let mut sides: String = shape.iter().map(|d| format!("{d}, ")).collect();
    if shape.len() > 1 {
        sides.truncate(sides.len() - 2);
    } else {
        sides.truncate(sides.len().saturating_sub(1));
    }
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sides}), }}");
    let padding = 64 - (10 + text.len() + 1) % 64;
    text.extend(std::iter::repeat_n(' ', padding % 64));
    text.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
    out
}

/// A list of strings as the bytes of a `.npy` file (`<U` of the longest).
pub fn strings(items: &[String]) -> Vec<u8> {
    let width = items
        .iter()
        .map(|s| s.chars().count())
        .max()
        .unwrap_or(0)
        .max(1);
    let mut out = header(&format!("<U{width}"), &[items.len()]);
    for item in items {
        let padded = item
            .chars()
            .map(u32::from)
            .chain(std::iter::repeat(0))
            .take(width);
        out.extend(padded.flat_map(u32::to_le_bytes));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_strings_come_back() {
        let mut bytes = header("<f4", &[2, 2]);
        bytes.extend(
            [1.0f32, 2.0, 3.0, -4.5]
                .iter()
                .flat_map(|v| v.to_le_bytes()),
        );
        let array = parse(&bytes).expect("parses").to_f64().expect("floats");
        assert_eq!(array.shape(), [2, 2]);
        assert_eq!(array[[1, 1]], -4.5);
        let names = vec!["a".to_owned(), "größer".to_owned(), String::new()];
        assert_eq!(
            parse(&strings(&names))
                .expect("parses")
                .to_strings()
                .expect("text"),
            names
        );
        let objects = [header("|O", &[1]), b"\x80\x04N.".to_vec()].concat();
        assert_eq!(object(&objects), Ok(Some(objects.len() - 4..objects.len())));
        assert!(parse(&objects).is_err());
    }

    #[test]
    fn no_truncation_and_no_promise_beyond_the_bytes_is_believed() {
        let mut bytes = header("<f8", &[3]);
        bytes.extend([0; 24]);
        assert!(parse(&bytes).is_ok());
        for end in 0..bytes.len() {
            assert!(parse(&bytes[..end]).is_err(), "{end} bytes");
        }
        let huge = [
            header("<f8", &[1 << 60, 1 << 60]),
            header("<f4", &[0, usize::MAX, 2]),
            header("<U0", &[1 << 40]),
        ];
        for bytes in huge {
            assert!(parse(&bytes).is_err());
        }
    }
}

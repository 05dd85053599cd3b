//! NumPy's `.npy` format, read from bytes that are already bounded.
//!
//! The usual crate allocates what the header promises before it looks at the data; here the
//! promise is checked against the bytes that exist, so that a header of 2^60 elements is an
//! error and not an abort. Integers, floats and unicode strings are read, in either byte order
//! and either memory order; see NumPy's `numpy.lib.format` for the layout.

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

/// The element type of an array, with its width in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Float,
    Signed,
    Unsigned,
    Bool,
    /// UTF-32 code points, NUL-padded.
    Text,
}

/// A parsed `.npy` array that still lies in its bytes.
#[derive(Clone)]
pub struct Npy<'a> {
    kind: Kind,
    width: usize,
    big_endian: bool,
    fortran: bool,
    shape: Vec<usize>,
    data: &'a [u8],
    done: Option<&'a Done<'a>>,
}

/// Is told what bytes were read.
pub type Done<'a> = dyn Fn(&[u8]) + 'a;

/// Elements decoded before their bytes are said to be done with.
const BLOCK: usize = 1 << 24;

/// What is wrong with the bytes: the property, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}: expected {expected}, found {found}")]
pub struct NpyError {
    /// Which property.
    pub what: &'static str,
    /// What the format demands.
    pub expected: String,
    /// What the bytes say.
    pub found: String,
}

fn fault<T>(
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> Result<T, NpyError> {
    // A header may be long, and nothing in it is to be trusted: a line of it tells enough.
    let line = |text: String| match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    };
    Err(NpyError {
        what,
        expected: line(expected.to_string()),
        found: line(found.to_string()),
    })
}

/// The text between the value's start for `key` and `end`, in the header's Python literal.
fn field<'h>(
    header: &'h str,
    key: &'static str,
    open: char,
    close: char,
) -> Result<&'h str, NpyError> {
    let found = header.find(&format!("'{key}'")).and_then(|at| {
        let rest = header[at + key.len() + 2..]
            .trim_start()
            .strip_prefix(':')?
            .trim_start();
        let rest = rest.strip_prefix(open)?;
        rest.find(close).map(|end| &rest[..end])
    });
    found.map_or_else(
        || {
            fault(
                "npy header",
                format!("'{key}': {open}…{close}"),
                header.trim(),
            )
        },
        Ok,
    )
}

impl<'a> Npy<'a> {
    /// Parses the header and checks that exactly the promised bytes follow.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NpyError> {
        let magic = b"\x93NUMPY";
        if bytes.len() < 10 || &bytes[..6] != magic {
            return fault(
                "npy magic",
                "\\x93NUMPY",
                format!("{:?}", &bytes[..bytes.len().min(6)]),
            );
        }
        let (start, len): (usize, usize) = match bytes[6] {
            1 => (10, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
            2 | 3 if bytes.len() >= 12 => (
                12,
                u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]) as usize,
            ),
            version => return fault("npy version", "1, 2 or 3", version),
        };
        let Some(header) = bytes.get(start..start.saturating_add(len)) else {
            return fault("npy header length", bytes.len() - start, len);
        };
        let header = String::from_utf8_lossy(header);
        let descr = field(&header, "descr", '\'', '\'')?;
        let (order, rest) = descr.split_at_checked(1).unwrap_or(("", ""));
        let (letter, digits) = rest.split_at_checked(1).unwrap_or(("", ""));
        let size: usize = digits.parse().unwrap_or(0);
        let (kind, width) = match (letter, size) {
            ("f", 2 | 4 | 8) => (Kind::Float, size),
            ("i", 1 | 2 | 4 | 8) => (Kind::Signed, size),
            ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
            ("b", 1) => (Kind::Bool, 1),
            // NumPy writes `<U0` for an array of empty strings.
            ("U", n) if n < 1 << 20 => (Kind::Text, n * 4),
            _ => return fault("npy element type", "f2 f4 f8, i1-i8, u1-u8, b1 or U", descr),
        };
        let big_endian = match order {
            "<" | "|" | "=" => false,
            ">" => true,
            _ => return fault("npy byte order", "<, > or |", descr),
        };
        let fortran = header.contains("'fortran_order': True");
        let mut shape = Vec::new();
        for part in field(&header, "shape", '(', ')')?
            .split(',')
            .map(str::trim)
            .filter(|p| !p.is_empty())
        {
            match part.parse() {
                Ok(n) => shape.push(n),
                Err(_) => return fault("npy shape", "integers", part),
            }
        }
        let data = &bytes[start + len..];
        let promised = shape
            .iter()
            .try_fold(width, |n: usize, &d| n.checked_mul(d));
        // A zero width or a zero side must not hide an absurd other side.
        let sides = shape
            .iter()
            .filter(|&&d| d > 0)
            .try_fold(1usize, |n, &d| n.checked_mul(d));
        match (promised, sides.filter(|&s| s <= isize::MAX as usize)) {
            (Some(n), Some(_)) if n == data.len() && (width > 0 || shape.contains(&0)) => {}
            _ => {
                return fault(
                    "npy data",
                    format!("{shape:?} × {width} bytes"),
                    format!("{} bytes", data.len()),
                );
            }
        }
        Ok(Self {
            kind,
            width,
            big_endian,
            fortran,
            shape,
            data,
            done: None,
        })
    }

    /// Calls `done` with every part of the data once its elements are decoded, so that whoever
    /// mapped a file can give its pages back.
    pub fn releasing(mut self, done: &'a Done<'a>) -> Self {
        self.done = Some(done);
        self
    }

    /// The shape that the header states.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn elements<T>(&self, read: impl Fn([u8; 8]) -> T) -> Result<ArrayD<T>, NpyError> {
        let element = |chunk: &[u8]| {
            // Little-endian, zero-extended to eight bytes, whatever the file has.
            let mut word = [0; 8];
            word[..self.width].copy_from_slice(chunk);
            if self.big_endian {
                word[..self.width].reverse();
            }
            read(word)
        };
        self.shaped(|block, out| out.extend(block.chunks_exact(self.width).map(element)))
    }

    /// The array of what `decode` makes of block after block.
    fn shaped<T>(&self, decode: impl Fn(&[u8], &mut Vec<T>)) -> Result<ArrayD<T>, NpyError> {
        let mut values = Vec::with_capacity(self.data.len().checked_div(self.width).unwrap_or(0));
        for block in self.data.chunks(BLOCK * self.width.max(1)) {
            decode(block, &mut values);
            if let Some(done) = self.done {
                done(block);
            }
        }
        let shape = IxDyn(&self.shape).set_f(self.fortran);
        ArrayD::from_shape_vec(shape, values).or_else(|e| fault("npy shape", "consistent", e))
    }

    /// The array as floats; integers are converted.
    pub fn to_f64(&self) -> Result<ArrayD<f64>, NpyError> {
        match (self.kind, self.width) {
            (Kind::Float, 8) => self.elements(f64::from_le_bytes),
            (Kind::Float, 4) => {
                self.elements(|w| f64::from(f32::from_le_bytes([w[0], w[1], w[2], w[3]])))
            }
            (Kind::Float, _) => self.elements(|w| half(u16::from_le_bytes([w[0], w[1]]))),
            (Kind::Text, _) => fault("npy element type", "numbers", "text"),
            _ => Ok(self.to_i64()?.mapv(|v| v as f64)),
        }
    }

    /// The array as single-precision floats; doubles are rounded.
    pub fn to_f32(&self) -> Result<ArrayD<f32>, NpyError> {
        match (self.kind, self.width) {
            (Kind::Float, 4) if !self.big_endian => self.shaped(|block, out| {
                out.extend(block.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)));
            }),
            (Kind::Float, 4) => self.elements(|w| f32::from_le_bytes([w[0], w[1], w[2], w[3]])),
            (Kind::Float, 8) => self.elements(|w| f64::from_le_bytes(w) as f32),
            _ => Ok(self.to_f64()?.mapv(|v| v as f32)),
        }
    }

    /// The array as integers; floats are refused.
    pub fn to_i64(&self) -> Result<ArrayD<i64>, NpyError> {
        match (self.kind, self.width) {
            (Kind::Signed, 1) => self.elements(|w| i64::from(w[0] as i8)),
            (Kind::Signed, 2) => self.elements(|w| i64::from(i16::from_le_bytes([w[0], w[1]]))),
            (Kind::Signed, 4) => {
                self.elements(|w| i64::from(i32::from_le_bytes([w[0], w[1], w[2], w[3]])))
            }
            // A u64 above i63 turns negative here and is refused as a label.
            (Kind::Signed | Kind::Unsigned | Kind::Bool, _) => self.elements(i64::from_le_bytes),
            (Kind::Float, _) => fault("npy element type", "integers", "floats"),
            (Kind::Text, _) => fault("npy element type", "integers", "text"),
        }
    }

    /// A one-dimensional array of strings.
    pub fn to_strings(&self) -> Result<Vec<String>, NpyError> {
        if self.kind != Kind::Text || self.shape.len() != 1 || self.width == 0 {
            return fault(
                "npy element type",
                "a list of unicode strings",
                format!("{:?} {:?}", self.kind, self.shape),
            );
        }
        let char_of = |c: &[u8]| {
            let mut word = [c[0], c[1], c[2], c[3]];
            if self.big_endian {
                word.reverse();
            }
            char::from_u32(u32::from_le_bytes(word)).unwrap_or(char::REPLACEMENT_CHARACTER)
        };
        let text = |item: &[u8]| {
            let s: String = item.chunks_exact(4).map(char_of).collect();
            s.trim_end_matches('\0').to_owned()
        };
        Ok(self.data.chunks_exact(self.width).map(text).collect())
    }
}

/// IEEE half precision to double.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
    }
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
        let array = Npy::parse(&bytes)
            .expect("parses")
            .to_f64()
            .expect("floats");
        assert_eq!(array.shape(), [2, 2]);
        assert_eq!(array[[1, 1]], -4.5);
        let names = vec!["a".to_owned(), "größer".to_owned(), String::new()];
        assert_eq!(
            Npy::parse(&strings(&names))
                .expect("parses")
                .to_strings()
                .expect("text"),
            names
        );
        assert_eq!(
            (half(0x3c00), half(0xc000), half(1)),
            (1.0, -2.0, 2f64.powi(-24))
        );
    }

    #[test]
    fn no_truncation_and_no_promise_beyond_the_bytes_is_believed() {
        let mut bytes = header("<f8", &[3]);
        bytes.extend([0; 24]);
        assert!(Npy::parse(&bytes).is_ok());
        for end in 0..bytes.len() {
            assert!(Npy::parse(&bytes[..end]).is_err(), "{end} bytes");
        }
        let huge = [
            header("<f8", &[1 << 60, 1 << 60]),
            header("<f4", &[0, usize::MAX, 2]),
            header("<U0", &[1 << 40]),
        ];
        for bytes in huge {
            assert!(Npy::parse(&bytes).is_err());
        }
    }
}

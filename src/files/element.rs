//! Element types of arrays as NumPy names them (`<f4`, `|u1`, `>i8`, `<U3`, `|S1`) and the values
//! of their bytes. Arrays in `.npy` files and in pickles are decoded here alone.

use super::{Fault, fault};

/// What the bytes of an element mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IEEE floating point of 2, 4 or 8 bytes.
    Float,
    /// The upper half of a single: bfloat16, 2 bytes. No NumPy type; safetensors files have it.
    BFloat,
    /// Two's complement of 1, 2, 4 or 8 bytes.
    Signed,
    /// Unsigned of 1, 2, 4 or 8 bytes.
    Unsigned,
    /// One byte.
    Bool,
    /// UTF-32 code points, NUL-padded.
    Text,
    /// Bytes, NUL-padded.
    Bytes,
}

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element {
    /// What they are.
    pub kind: Kind,
    /// Bytes of one.
    pub width: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
}

impl Element {
    /// From NumPy's description with its byte order.
    ///
    /// # Errors
    /// Another type (objects, records, dates, complex numbers) or byte order.
    pub fn parse(descr: &str) -> Result<Self, Fault> {
        let (order, rest) = match descr.as_bytes().first() {
            Some(b'<' | b'|' | b'=' | b'>') => descr.split_at(1),
            _ => ("=", descr),
        };
        let (letter, digits) = rest.split_at_checked(1).unwrap_or(("", ""));
        let size: usize = digits.parse().unwrap_or(0);
        let (kind, width) = match (letter, size) {
            ("f", 2 | 4 | 8) => (Kind::Float, size),
            ("i", 1 | 2 | 4 | 8) => (Kind::Signed, size),
            ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
            ("b", 1) => (Kind::Bool, 1),
            // NumPy writes `<U0` for an array of empty strings.
            ("U", n) if n < 1 << 20 => (Kind::Text, n * 4),
            ("S", n) if n < 1 << 22 => (Kind::Bytes, n),
            _ => {
                let expected = "f2 f4 f8, i1-i8, u1-u8, b1, U or S";
                return fault("element type", expected, words(letter, descr));
            }
        };
        Ok(Self {
            kind,
            width,
            big_endian: order == ">",
        })
    }

    /// Whether elements are numbers (or truth values).
    pub fn is_number(self) -> bool {
        !matches!(self.kind, Kind::Text | Kind::Bytes)
    }

    /// Whether elements are whole numbers (or truth values).
    pub fn is_integer(self) -> bool {
        self.is_number() && !self.is_float()
    }

    /// Whether elements are floating-point numbers.
    pub fn is_float(self) -> bool {
        matches!(self.kind, Kind::Float | Kind::BFloat)
    }

    /// Whether single precision may not hold every value: doubles, and whole numbers of 4 or 8 bytes.
    pub fn is_wide(self) -> bool {
        match self.kind {
            Kind::Float => self.width == 8,
            Kind::Signed | Kind::Unsigned => self.width >= 4,
            _ => false,
        }
    }

    /// The bytes of a number, least significant first, zero-extended.
    fn word(self, bytes: &[u8]) -> [u8; 8] {
        let mut word = [0; 8];
        let width = self.width.min(8);
        word[..width].copy_from_slice(&bytes[..width]);
        if self.big_endian {
            word[..width].reverse();
        }
        word
    }

    /// The value of a whole number; a `u64` above `i64::MAX` turns negative.
    pub(super) fn integer(self, bytes: &[u8]) -> i64 {
        let unsigned = i64::from_le_bytes(self.word(bytes));
        match (self.kind, self.width) {
            (Kind::Signed, 1..=7) => {
                let shift = 64 - 8 * self.width as u32;
                unsigned << shift >> shift
            }
            _ => unsigned,
        }
    }

    /// The value of a number.
    pub fn double(self, bytes: &[u8]) -> f64 {
        let w = self.word(bytes);
        match (self.kind, self.width) {
            (Kind::Float, 8) => f64::from_le_bytes(w),
            (Kind::Float, 4) => f64::from(f32::from_le_bytes([w[0], w[1], w[2], w[3]])),
            (Kind::Float, _) => f64::from(half::f16::from_le_bytes([w[0], w[1]])),
            (Kind::BFloat, _) => f64::from(half::bf16::from_le_bytes([w[0], w[1]])),
            (Kind::Unsigned, 8) => u64::from_le_bytes(w) as f64,
            _ => self.integer(bytes) as f64,
        }
    }

    /// The value of a whole number of any width and sign.
    pub fn whole(self, bytes: &[u8]) -> i128 {
        match (self.kind, self.width) {
            (Kind::Unsigned, 8) => i128::from(u64::from_le_bytes(self.word(bytes))),
            _ => i128::from(self.integer(bytes)),
        }
    }

    /// Decodes numbers into `out`; `bytes` holds as many elements.
    pub(super) fn singles(self, bytes: &[u8], out: &mut [f32]) {
        match (self.kind, self.width, self.big_endian) {
            (Kind::Float, 4, false) => {
                for (value, b) in out.iter_mut().zip(bytes.chunks_exact(4)) {
                    *value = f32::from_le_bytes([b[0], b[1], b[2], b[3]]);
                }
            }
            (Kind::Unsigned | Kind::Bool, 1, _) => {
                for (value, &b) in out.iter_mut().zip(bytes) {
                    *value = f32::from(b);
                }
            }
            _ => {
                for (value, b) in out.iter_mut().zip(bytes.chunks_exact(self.width.max(1))) {
                    *value = self.double(b) as f32;
                }
            }
        }
    }

    /// The text of an element, without its padding.
    pub fn text(self, bytes: &[u8]) -> String {
        let text: String = match self.kind {
            Kind::Bytes => String::from_utf8_lossy(bytes).into_owned(),
            _ => bytes
                .chunks_exact(4)
                .map(|c| {
                    let code = i64::from_le_bytes(Self { width: 4, ..self }.word(c)) as u32;
                    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
                })
                .collect(),
        };
        text.trim_end_matches('\0').to_owned()
    }
}

/// A type that is not read, in words.
fn words(letter: &str, descr: &str) -> String {
    let kind = match letter {
        "c" => "complex numbers",
        "M" => "dates (datetime64)",
        "m" => "time spans (timedelta64)",
        "V" => "bytes without a type, as bfloat16 is saved; save it as float32",
        "O" => "Python objects",
        "f" | "g" => "floats of another width; .astype('float64')",
        _ => return descr.to_owned(),
    };
    format!("{descr}: {kind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_sign_order_and_width() {
        let value = |descr: &str, bytes: &[u8]| Element::parse(descr).unwrap().double(bytes);
        assert_eq!(value("<i2", &[0xfe, 0xff]), -2.0);
        assert_eq!(value(">i2", &[0xff, 0xfe]), -2.0);
        assert_eq!(value("|u1", &[254]), 254.0);
        assert_eq!(value("<u8", &[255; 8]), u64::MAX as f64);
        assert_eq!(value("<f2", &[0x00, 0x3c]), 1.0);
        assert_eq!(value("<f2", &[0x01, 0x00]), 2f64.powi(-24));
        assert_eq!(value("f8", &1.5f64.to_le_bytes()), 1.5);
        assert_eq!(Element::parse("|S3").unwrap().text(b"ab\0"), "ab");
        let mut out = [0.0; 2];
        Element::parse(">f4")
            .unwrap()
            .singles(&[0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0], &mut out);
        assert_eq!(out, [1.0, -2.0]);
        for descr in ["|O", "<c8", "<M8[ns]", "", "<f3", "ü"] {
            assert!(Element::parse(descr).is_err(), "{descr}");
        }
    }
}

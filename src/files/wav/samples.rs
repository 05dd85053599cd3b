//! What the bytes of a sample mean: the chunk `fmt` of a WAV file, and samples as numbers in −1…1.
//!
//! Whole numbers of 1 to 4 bytes (one byte is unsigned), floats of 4 and 8, A-law and µ-law (ITU-T
//! G.711). Where a sample has fewer valid bits than its bytes hold (24 in 32, 20 in 24, 12 in 16) the
//! valid ones are the upper ones, as the format says and as SciPy and libsndfile read; a file that puts
//! them at the bottom would be read 256 times too quiet, so it is refused.

use super::foreign;
use crate::files::{Fault, fault};

/// Numbers that a coding gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Float,
    ALaw,
    MuLaw,
}

/// How samples are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coding {
    kind: Kind,
    /// Samples a second.
    pub rate: u32,
    /// At least one.
    pub channels: usize,
    /// Bytes of a sample.
    pub width: usize,
    /// Bits of it that count.
    valid: u32,
    big_endian: bool,
}

/// The last 14 bytes of a sub-format whose first two are a coding's number: of Microsoft, and of
/// Ambisonic B-format, whose samples are written alike.
const SUBFORMATS: [[u8; 14]; 2] = [
    [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71],
    [
        0, 0, 0x21, 0x07, 0xd3, 0x11, 0x86, 0x44, 0xc8, 0xc1, 0xca, 0, 0, 0,
    ],
];

/// The coding's number in the 16 bytes of a sub-format (a GUID).
fn subformat(guid: &[u8], big_endian: bool) -> Result<u16, Fault> {
    let mut guid = guid.to_vec();
    if big_endian {
        for field in [0..4, 4..6, 6..8] {
            guid[field].reverse();
        }
    }
    match guid.split_at_checked(2) {
        Some((&[low, high], rest)) if SUBFORMATS.iter().any(|known| known == rest) => {
            Ok(u16::from_le_bytes([low, high]))
        }
        _ => {
            let hex: String = guid.iter().map(|b| format!("{b:02x}")).collect();
            fault("WAV chunk “fmt”", "a sub-format of PCM or float", hex)
        }
    }
}

impl Coding {
    /// Reads the chunk `fmt`.
    ///
    /// # Errors
    /// A coding that is not read, by name; fields that contradict each other.
    pub fn parse(format: &[u8], big_endian: bool) -> Result<Self, Fault> {
        let what = "WAV chunk “fmt”";
        let half = |at: usize| -> Option<u16> {
            let bytes = format.get(at..at + 2)?.try_into().ok()?;
            Some(if big_endian {
                u16::from_be_bytes(bytes)
            } else {
                u16::from_le_bytes(bytes)
            })
        };
        let word = |at: usize| -> Option<u32> {
            let bytes = format.get(at..at + 4)?.try_into().ok()?;
            Some(if big_endian {
                u32::from_be_bytes(bytes)
            } else {
                u32::from_le_bytes(bytes)
            })
        };
        let fields = (half(0), half(2), word(4), half(12), half(14));
        let (Some(tag), Some(channels), Some(rate), Some(align), Some(bits)) = fields else {
            let found = format!("{} bytes", format.len());
            return fault(what, "16 bytes or more", found);
        };
        let (mut tag, mut valid) = (tag, u32::from(bits));
        if tag == 0xfffe
            && let Some(sub) = format.get(24..40)
        {
            tag = subformat(sub, big_endian)?;
            let told = u32::from(half(18).unwrap_or_default());
            valid = if told == 0 { valid } else { told };
        }
        let kind = match tag {
            1 => Kind::Integer,
            3 => Kind::Float,
            6 => Kind::ALaw,
            7 => Kind::MuLaw,
            other => {
                let expected = "PCM, floats, A-law or µ-law";
                return fault(what, expected, foreign::coding(other));
            }
        };
        let channels = usize::from(channels);
        if channels == 0 {
            return fault(what, "at least one channel", "none");
        }
        let (align, bits) = (usize::from(align), u32::from(bits));
        let width = align / channels;
        let room = 8 * width as u32;
        let fits = align == width * channels
            && bits.div_ceil(8) as usize <= width
            && (bits > 8 || width == 1)
            && (1..=room).contains(&valid)
            && match kind {
                Kind::Integer => (1..=4).contains(&width) && bits > 0,
                Kind::Float => matches!((bits, width), (32, 4) | (64, 8)),
                Kind::ALaw | Kind::MuLaw => (bits, width) == (8, 1),
            };
        if !fits {
            let expected = "8 to 32 bits PCM, 32 or 64 bits float, 8 bits of A-law or µ-law";
            let of = match kind {
                Kind::Integer => "PCM",
                Kind::Float => "float",
                Kind::ALaw => "A-law",
                Kind::MuLaw => "µ-law",
            };
            let found =
                format!("{valid} of {bits} bits {of}, {channels} channels in {align} bytes");
            return fault(what, expected, found);
        }
        Ok(Self {
            kind,
            rate,
            channels,
            width,
            valid,
            big_endian,
        })
    }

    /// The mean over the channels of every whole frame of `bytes`.
    pub fn mixed(&self, bytes: &[u8]) -> Result<Vec<f32>, Fault> {
        let sound = match (self.kind, self.width) {
            (Kind::Integer, 1) => self.frames(bytes, |[b]| (f32::from(b) - 128.0) / 128.0),
            (Kind::Integer, 2) => self.frames(bytes, |[a, b]| whole([0, 0, a, b])),
            (Kind::Integer, 3) => self.frames(bytes, |[a, b, c]| whole([0, a, b, c])),
            (Kind::Integer, _) => self.frames(bytes, whole),
            (Kind::Float, 4) => self.frames(bytes, f32::from_le_bytes),
            (Kind::Float, _) => self.frames(bytes, |b| f64::from_le_bytes(b) as f32),
            (Kind::ALaw, _) => self.frames(bytes, |[b]| a_law(b)),
            (Kind::MuLaw, _) => self.frames(bytes, |[b]| mu_law(b)),
        };
        if self.kind == Kind::Integer {
            self.check_padding(bytes)?;
        }
        match sound.iter().find(|value| !value.is_finite()) {
            Some(value) => fault("WAV samples", "finite numbers", value),
            None => Ok(sound),
        }
    }

    fn frames<const WIDTH: usize>(
        &self,
        bytes: &[u8],
        value: impl Fn([u8; WIDTH]) -> f32,
    ) -> Vec<f32> {
        let scale = 1.0 / self.channels as f32;
        let one = |mut bytes: [u8; WIDTH]| {
            if self.big_endian {
                bytes.reverse();
            }
            value(bytes) * scale
        };
        let samples = bytes.as_chunks().0.iter().map(|&bytes| one(bytes));
        if self.channels == 1 {
            return samples.collect();
        }
        let samples: Vec<f32> = samples.collect();
        let frames = samples.chunks_exact(self.channels);
        frames.map(|frame| frame.iter().sum()).collect()
    }

    /// Refuses samples whose valid bits are at the bottom of their bytes and not at the top.
    fn check_padding(&self, bytes: &[u8]) -> Result<(), Fault> {
        let room = 8 * self.width as u32;
        if self.valid == room || self.width == 1 {
            return Ok(());
        }
        let value = |sample: &[u8]| {
            let mut word = [0; 4];
            word[..self.width].copy_from_slice(sample);
            if self.big_endian {
                word[..self.width].reverse();
            }
            (i32::from_le_bytes(word) << (32 - room)) >> (32 - room)
        };
        let (padding, limit) = ((1i64 << (room - self.valid)) - 1, 1i64 << (self.valid - 1));
        let (mut used, mut small) = (false, true);
        for sample in bytes.chunks_exact(self.width) {
            let value = i64::from(value(sample));
            used |= value & padding != 0;
            small &= (-limit..limit).contains(&value);
        }
        if used && small {
            let (valid, found) = (
                self.valid,
                "them at the lower end, or another number of bits",
            );
            let expected = format!("{valid} valid bits at the upper end of {room}");
            return fault("WAV samples", expected, found);
        }
        Ok(())
    }
}

/// A whole number of four bytes as a part of the largest.
fn whole(bytes: [u8; 4]) -> f32 {
    (f64::from(i32::from_le_bytes(bytes)) / 2_147_483_648.0) as f32
}

/// ITU-T G.711, A-law: sign, three bits of exponent, four of mantissa; every second bit is turned.
fn a_law(byte: u8) -> f32 {
    let bits = i32::from(byte ^ 0x55);
    let (exponent, mantissa) = (bits >> 4 & 7, bits & 15);
    let size = match exponent {
        0 => (mantissa << 4) + 8,
        _ => ((mantissa << 4) + 0x108) << (exponent - 1),
    };
    let signed = if bits & 0x80 != 0 { size } else { -size };
    signed as f32 / 32_768.0
}

/// ITU-T G.711, µ-law: all bits are turned.
fn mu_law(byte: u8) -> f32 {
    let bits = i32::from(!byte);
    let size = ((((bits & 15) << 3) + 0x84) << (bits >> 4 & 7)) - 0x84;
    let signed = if bits & 0x80 != 0 { -size } else { size };
    signed as f32 / 32_768.0
}

//! WAV files as sounds of one channel in −1…1: what [`crate::files::wav`] reads, with the rate that
//! a set has and a cap on its length. A file of another rate is refused and never resampled in silence;
//! several channels are mixed to their mean.

use std::io::Read;

pub use crate::files::wav::Header;
#[cfg(test)]
pub(crate) use crate::files::wav::write;
use crate::files::{Fault, fault};

/// The header of a sound of `rate` samples a second and at most `longest` samples a channel.
///
/// # Errors
/// Another format, rate or length; damage; no samples.
pub fn header(stream: impl Read, rate: u32, longest: usize) -> Result<Header, Fault> {
    let header = Header::read(stream)?;
    if header.rate != rate {
        let expected = format!("{rate} samples a second");
        let found = format!("{} (resample the file, for instance with sox)", header.rate);
        return fault("sampling rate", expected, found);
    }
    if header.frames > longest {
        let expected = format!("at most {longest} samples");
        return fault("length", expected, header.frames);
    }
    Ok(header)
}

/// Decodes a whole file.
///
/// # Errors
/// As [`header`]; a file that ends before its samples do.
pub fn decode(bytes: &[u8], rate: u32, longest: usize) -> Result<Vec<f32>, Fault> {
    let header = header(bytes, rate, longest)?;
    let range = header.bytes(0..header.frames);
    match bytes.get(range.start as usize..range.end as usize) {
        Some(samples) => header.mixed(samples),
        None => {
            let expected = format!("{} bytes, as its header says", range.end);
            fault(
                "length of the file",
                expected,
                format!("{} bytes", bytes.len()),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_rate_a_longer_sound_and_a_cut_file_are_refused_by_name() {
        let good = write::pcm16(8000, &[16384, -32768, 1]);
        assert_eq!(decode(&good, 8000, 3).unwrap(), [0.5, -1.0, 1.0 / 32768.0]);
        let said =
            |bytes: &[u8], rate, longest| decode(bytes, rate, longest).unwrap_err().to_string();
        assert!(said(&good, 16_000, 3).contains("expected 16000 samples a second, found 8000"));
        assert!(said(&good, 8000, 2).contains("expected at most 2 samples, found 3"));
        let cut = said(&good[..good.len() - 1], 8000, 3);
        assert!(
            cut.contains("50 bytes, as its header says") && cut.contains("49 bytes"),
            "{cut}"
        );
    }

    #[test]
    fn no_flip_makes_a_wav_panic() {
        let good = write::pcm16(8000, &[3; 200]);
        crate::files::fuzz::rounds(&good, 500, |bytes, _| decode(bytes, 8000, 1000));
    }
}

//! WAV files to samples in −1…1: PCM of 8 to 32 bits and 32-bit float, mixed to one channel. `hound`
//! reads the header; samples are taken from their bytes at once, all or a part of them. The rate is
//! checked and never guessed; the length is capped before anything is kept.

use std::cell::Cell;
use std::io::Read;
use std::ops::Range;

use hound::{SampleFormat, WavReader};

/// What was expected and what was found.
type Wrong = (String, String);

/// Where the samples of a file are and how they are written.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Samples a channel.
    pub frames: usize,
    channels: usize,
    format: SampleFormat,
    bits: u16,
    /// Bytes of a sample.
    width: usize,
    /// First byte of the first sample.
    start: u64,
}

/// A stream that counts what is read from it.
struct Counted<'a, R>(R, &'a Cell<u64>);

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(out)?;
        self.1.set(self.1.get() + count as u64);
        Ok(count)
    }
}

impl Header {
    /// The header of a sound of `rate` samples a second and at most `longest` samples a channel.
    ///
    /// # Errors
    /// What was expected and what was found: another format, rate or length, damage.
    pub fn read(stream: impl Read, rate: u32, longest: usize) -> Result<Self, Wrong> {
        let count = Cell::new(0);
        let mut reader = WavReader::new(Counted(stream, &count))
            .map_err(|e| ("a WAV file (PCM or float)".into(), e.to_string()))?;
        let (spec, frames) = (reader.spec(), reader.duration() as usize);
        if spec.sample_rate != rate || spec.channels == 0 {
            let found = format!("{} Hz, {} channels", spec.sample_rate, spec.channels);
            return Err((format!("{rate} samples a second"), found));
        }
        if frames > longest {
            let expected = format!("at most {longest} samples");
            return Err((expected, frames.to_string()));
        }
        let start = count.get();
        // hound keeps to itself how wide a sample is stored: the first one tells
        let first = match spec.sample_format {
            SampleFormat::Int => reader.samples::<i32>().next().map(|s| s.map(drop)),
            SampleFormat::Float => reader.samples::<f32>().next().map(|s| s.map(drop)),
        };
        first.transpose().map_err(damaged)?;
        Ok(Self {
            frames,
            channels: usize::from(spec.channels),
            format: spec.sample_format,
            bits: spec.bits_per_sample,
            width: (count.get() - start) as usize,
            start,
        })
    }

    /// The bytes of some frames in the file.
    pub fn bytes(&self, frames: Range<usize>) -> Range<u64> {
        let at = |frame: usize| self.start + (frame * self.channels * self.width) as u64;
        at(frames.start)..at(frames.end)
    }

    /// The frames whose bytes these are.
    ///
    /// # Errors
    /// Another format, or a number that is not finite.
    pub fn decode(&self, bytes: &[u8]) -> Result<Vec<f32>, Wrong> {
        use SampleFormat::{Float, Int};
        let sound = match (self.format, self.bits, self.width) {
            (Int, 8, 1) => self.mixed(bytes, |[b]| f32::from(b) - 128.0),
            (Int, 16, 2) => self.mixed(bytes, |b| f32::from(i16::from_le_bytes(b))),
            (Int, 24, 3) => self.mixed(bytes, |[a, b, c]| {
                (i32::from_le_bytes([0, a, b, c]) >> 8) as f32
            }),
            (Int, 32, 4) => self.mixed(bytes, |b| i32::from_le_bytes(b) as f32),
            (Float, 32, 4) => self.mixed(bytes, f32::from_le_bytes),
            _ if self.frames == 0 => Vec::new(),
            (format, bits, width) => {
                let expected = "8, 16, 24 or 32 bits PCM or 32 bits float".to_string();
                return Err((expected, format!("{bits} bits {format:?} in {width} bytes")));
            }
        };
        let odd = |value: &&f32| self.format == Float && !value.is_finite();
        match sound.iter().find(odd) {
            None => Ok(sound),
            Some(value) => Err(("finite samples".into(), value.to_string())),
        }
    }

    /// Every frame's mean over its channels, scaled to one.
    fn mixed<const WIDTH: usize>(
        &self,
        bytes: &[u8],
        value: impl Fn([u8; WIDTH]) -> f32,
    ) -> Vec<f32> {
        let full = match self.format {
            SampleFormat::Int => (1u64 << (self.bits - 1)) as f32,
            SampleFormat::Float => 1.0,
        };
        let scale = 1.0 / full / self.channels as f32;
        let samples = bytes.as_chunks().0.iter();
        let samples: Vec<f32> = samples.map(|&bytes| value(bytes) * scale).collect();
        match self.channels {
            1 => samples,
            several => samples
                .chunks_exact(several)
                .map(|f| f.iter().sum())
                .collect(),
        }
    }
}

fn damaged(error: impl ToString) -> Wrong {
    ("intact samples".into(), error.to_string())
}

/// Decodes a sound of `rate` samples a second and at most `longest` samples a channel.
///
/// # Errors
/// What was expected and what was found: another format, rate or length, damage.
pub fn decode(bytes: &[u8], rate: u32, longest: usize) -> Result<Vec<f32>, Wrong> {
    let header = Header::read(bytes, rate, longest)?;
    let range = header.bytes(0..header.frames);
    let samples = bytes.get(range.start as usize..range.end as usize);
    header.decode(samples.ok_or_else(|| damaged(format!("{} bytes", bytes.len())))?)
}

/// Sounds for tests.
#[cfg(test)]
pub(crate) mod write {
    /// A WAV file of 16 bits.
    pub fn pcm16(rate: u32, samples: &[i16]) -> Vec<u8> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut out = std::io::Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut out, spec).unwrap();
        samples
            .iter()
            .for_each(|&s| writer.write_sample(s).unwrap());
        writer.finalize().unwrap();
        out.into_inner()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_width_is_scaled_to_one_and_channels_are_mixed() {
        for (bits, format) in [
            (8, SampleFormat::Int),
            (16, SampleFormat::Int),
            (24, SampleFormat::Int),
            (32, SampleFormat::Int),
            (32, SampleFormat::Float),
        ] {
            let spec = hound::WavSpec {
                channels: 2,
                sample_rate: 8000,
                bits_per_sample: bits,
                sample_format: format,
            };
            let mut file = std::io::Cursor::new(Vec::new());
            let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
            for value in [0.5f32, 0.0, -0.5, -0.5] {
                match format {
                    SampleFormat::Float => writer.write_sample(value).unwrap(),
                    SampleFormat::Int => {
                        let full = (1i64 << (bits - 1)) as f32;
                        writer.write_sample((value * full) as i32).unwrap();
                    }
                }
            }
            writer.finalize().unwrap();
            let bytes = file.into_inner();
            assert_eq!(decode(&bytes[..], 8000, 2).unwrap(), [0.25, -0.5], "{bits}");
            assert!(decode(&bytes[..], 8000, 1).is_err());
            assert!(decode(&bytes[..], 8001, 2).is_err());
            assert!(decode(&bytes[..bytes.len() - 1], 8000, 2).is_err());
        }
        let mut law = write::pcm16(8000, &[1, 2]);
        law[20] = 7; // µ-law
        assert!(decode(&law[..], 8000, 2).is_err());
    }

    #[test]
    fn no_flip_makes_a_wav_panic() {
        let good = write::pcm16(8000, &[3; 200]);
        crate::container::fuzz::rounds(&good, 500, |bytes, _| {
            decode(bytes, 8000, 1000).map_err(|(expected, _)| expected)
        });
    }
}

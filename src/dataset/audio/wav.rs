//! WAV files to samples in −1…1, by `hound`: PCM of 8 to 32 bits and 32-bit float, mixed to one
//! channel. The rate is checked and never guessed; the length is capped before anything is kept.

use std::io::Read;

use hound::{SampleFormat, WavReader};

/// Decodes a sound of `rate` samples a second and at most `longest` samples a channel.
///
/// # Errors
/// What was expected and what was found: another format, rate or length, damage.
pub fn decode(bytes: impl Read, rate: u32, longest: usize) -> Result<Vec<f32>, (String, String)> {
    let mut reader =
        WavReader::new(bytes).map_err(|e| ("a WAV file (PCM or float)".into(), e.to_string()))?;
    let spec = reader.spec();
    if spec.sample_rate != rate || spec.channels == 0 {
        let found = format!("{} Hz, {} channels", spec.sample_rate, spec.channels);
        return Err((format!("{rate} samples a second"), found));
    }
    let channels = usize::from(spec.channels);
    let frames = reader.duration() as usize;
    if frames > longest {
        let expected = format!("at most {longest} samples");
        return Err((expected, frames.to_string()));
    }
    let scale = 1.0 / (1u64 << (spec.bits_per_sample - 1)) as f32 / channels as f32;
    let mut sound = Vec::with_capacity(frames.min(1 << 16));
    let mut sum = 0.0;
    let mut count = 0;
    let mut take = |value: f32| {
        sum += value;
        count += 1;
        if count == channels {
            sound.push(sum);
            (sum, count) = (0.0, 0);
        }
    };
    let damaged = |e: hound::Error| ("intact samples".to_string(), e.to_string());
    match (spec.sample_format, spec.bits_per_sample) {
        (SampleFormat::Int, 8 | 16 | 24 | 32) => {
            for value in reader.samples::<i32>() {
                take(value.map_err(damaged)? as f32 * scale);
            }
        }
        (SampleFormat::Float, 32) => {
            for value in reader.samples::<f32>() {
                let value = value.map_err(damaged)?;
                if !value.is_finite() {
                    return Err(("finite samples".into(), value.to_string()));
                }
                take(value / channels as f32);
            }
        }
        (format, bits) => {
            let expected = "8, 16, 24 or 32 bits PCM or 32 bits float".to_string();
            return Err((expected, format!("{bits} bits {format:?}")));
        }
    }
    Ok(sound)
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

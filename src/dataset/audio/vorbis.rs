//! Ogg Vorbis from memory, by the `lewton` decoder, with limits: a stream may not decode to more
//! than what its index entry promises (and a little for the last block), so a hostile file cannot
//! make the program allocate without bound.

use std::io::Cursor;

use lewton::inside_ogg::OggStreamReader;
use lewton::samples::InterleavedSamples;

/// Samples that a stream may exceed its promise by: the largest Vorbis block.
const SLACK: usize = 8192;

/// Decodes a mono stream of `rate` samples per second to values in about `−1..=1`.
///
/// # Errors
/// A message `(expected, found)` when the stream is broken, has another rate or more than one
/// channel, or decodes to more than `promised` samples, or to fewer by more than a block: a stream
/// that was cut ends without an error of its own.
pub fn decode(ogg: &[u8], rate: u32, promised: usize) -> Result<Vec<f32>, (String, String)> {
    let valid = || "a valid Ogg Vorbis stream".to_string();
    if !ogg.starts_with(b"OggS") {
        return Err((valid(), crate::files::wav::begins(ogg)));
    }
    if ogg.get(28..36) == Some(b"OpusHead") {
        return Err((
            valid(),
            "Opus (convert it, for instance with ffmpeg)".into(),
        ));
    }
    let mut reader =
        OggStreamReader::new(Cursor::new(ogg)).map_err(|e| (valid(), e.to_string()))?;
    let (channels, found) = (
        reader.ident_hdr.audio_channels,
        reader.ident_hdr.audio_sample_rate,
    );
    if channels != 1 || found != rate {
        return Err((
            format!("1 channel at {rate} Hz"),
            format!("{channels} at {found} Hz"),
        ));
    }
    let mut samples = Vec::new();
    while let Some(packet) = reader
        .read_dec_packet_generic::<InterleavedSamples<f32>>()
        .map_err(|e| (valid(), e.to_string()))?
    {
        samples.extend_from_slice(&packet.samples);
        if samples.len() > promised.saturating_add(SLACK) {
            return Err((format!("{promised} samples"), "more".to_string()));
        }
    }
    if samples.len().saturating_add(SLACK) < promised {
        return Err((format!("{promised} samples"), samples.len().to_string()));
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_refused() {
        assert!(decode(b"", 44_100, 10).is_err());
        assert!(decode(b"OggS and nothing else", 44_100, 10).is_err());
        assert!(decode(&[0; 5000], 44_100, 10).is_err());
        let said = |bytes: &[u8]| decode(bytes, 44_100, 10).unwrap_err().1;
        assert_eq!(said(b"RIFF\0\0\0\0WAVEfmt "), "a WAV file");
        assert_eq!(said(b"fLaC\0\0\0\x22"), "FLAC");
        let opus = [&b"OggS\0\x02"[..], &[0; 22], b"OpusHead\x01"].concat();
        assert!(said(&opus).contains("Opus"));
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_no_flip_makes_vorbis_panic() {
        let good = std::fs::read(crate::fixture::path("sounds/tone.ogg")).unwrap();
        let sound = decode(&good, 44_100, 4410).unwrap();
        // the last block is given whole
        assert!((4410..4410 + SLACK).contains(&sound.len()));
        let crossings = sound[..4410].windows(2);
        let crossings = crossings.filter(|w| w[0] < 0.0 && w[1] >= 0.0);
        assert!((99..=100).contains(&crossings.count()));
        assert!(decode(&good, 22_050, 4410).is_err());
        let cut = decode(&good, 44_100, 44_100).unwrap_err();
        assert_eq!(cut.0, "44100 samples");
        crate::files::fuzz::rounds(&good, 200, |bytes, _| {
            decode(bytes, 44_100, 4410).map_err(|(expected, _)| expected)
        });
    }
}

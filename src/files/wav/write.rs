//! WAV files for tests, chunk by chunk.

/// A chunk with its pad byte.
pub fn chunk(name: &[u8; 4], contents: &[u8]) -> Vec<u8> {
    let mut out = claiming(name, contents.len() as u32, contents);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// A chunk that claims a length, without a pad byte.
pub fn claiming(name: &[u8; 4], length: u32, contents: &[u8]) -> Vec<u8> {
    [&name[..], &length.to_le_bytes(), contents].concat()
}

/// The contents of `fmt`: coding, channels, samples a second, bytes of a frame, bits.
pub fn format(tag: u16, channels: u16, rate: u32, align: u16, bits: u16) -> Vec<u8> {
    let bytes = rate.wrapping_mul(u32::from(align));
    let mut out = [tag.to_le_bytes(), channels.to_le_bytes()].concat();
    out.extend([rate.to_le_bytes(), bytes.to_le_bytes()].concat());
    out.extend([align.to_le_bytes(), bits.to_le_bytes()].concat());
    out
}

/// A file of chunks.
pub fn file(chunks: &[Vec<u8>]) -> Vec<u8> {
    let body = [b"WAVE".to_vec(), chunks.concat()].concat();
    claiming(b"RIFF", body.len() as u32, &body)
}

/// A file of 16 bits, one channel.
pub fn pcm16(rate: u32, samples: &[i16]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    file(&[
        chunk(b"fmt ", &format(1, 1, rate, 2, 16)),
        chunk(b"data", &data),
    ])
}

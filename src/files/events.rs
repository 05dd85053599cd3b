//! Event files, as TensorBoard reads them: records of a length, its check sum, bytes and theirs (TFRecord), the bytes being
//! `Event` messages of protocol buffers with one scalar each. What is written here are the four fields that a curve needs.

/// One value of a curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    /// Name of the curve.
    pub tag: String,
    /// Place on it.
    pub step: i64,
    /// Seconds since 1970.
    pub time: f64,
    /// The value.
    pub value: f32,
}

/// The bytes of an event file with these values. The same values give the same bytes.
pub fn file(scalars: &[Scalar]) -> Vec<u8> {
    let mut out = Vec::new();
    let time = scalars.first().map_or(0.0, |scalar| scalar.time);
    let mut version = fixed64(1, time.to_bits());
    version.extend(bytes(3, b"brain.Event:2"));
    record(&version, &mut out);
    for scalar in scalars {
        let mut value = bytes(1, scalar.tag.as_bytes());
        value.push(2 << 3 | 5);
        value.extend(scalar.value.to_le_bytes());
        let mut event = fixed64(1, scalar.time.to_bits());
        event.push(2 << 3);
        event.extend(varint(scalar.step as u64));
        event.extend(bytes(5, &bytes(1, &value)));
        record(&event, &mut out);
    }
    out
}

/// A record around a message.
fn record(message: &[u8], out: &mut Vec<u8>) {
    let length = (message.len() as u64).to_le_bytes();
    out.extend(length);
    out.extend(masked(&length).to_le_bytes());
    out.extend(message);
    out.extend(masked(message).to_le_bytes());
}

/// A field of eight bytes.
fn fixed64(field: u8, bits: u64) -> Vec<u8> {
    let mut out = vec![field << 3 | 1];
    out.extend(bits.to_le_bytes());
    out
}

/// A field of bytes: text or a message.
fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

/// A whole number in groups of seven bits, the lowest first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(low);
            return out;
        }
        out.push(low | 0x80);
    }
}

/// CRC-32C, rotated and shifted as TFRecord has it.
fn masked(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli), bit by bit: event files are small.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), step);
    !bytes.iter().fold(!0, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_those_of_the_standard() {
        // RFC 3720, B.4
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(varint(300), [0xac, 0x02]);
    }

    #[test]
    fn an_event_has_the_bytes_of_its_fields() {
        let scalar = Scalar {
            tag: "a".into(),
            step: 2,
            time: 1.0,
            value: 0.5,
        };
        let out = file(std::slice::from_ref(&scalar));
        // The first record says the version: 8 + 4 + (9 + 2 + 13) + 4 bytes.
        let second = &out[40..];
        assert_eq!(second[..8], 23u64.to_le_bytes());
        let mut message = vec![0x09];
        message.extend(1f64.to_le_bytes());
        message.extend([0x10, 2, 0x2a, 10, 0x0a, 8, 0x0a, 1, b'a', 0x15]);
        message.extend(0.5f32.to_le_bytes());
        assert_eq!(second[12..35], message);
        assert_eq!(out, file(&[scalar]));
    }
}

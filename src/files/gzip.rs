//! gzip streams with a cap on what comes out: as bytes, or into an unnamed temporary file that is
//! mapped, so that what is larger than memory can be read by index.

use std::io::{BufReader, Read, Seek, SeekFrom, Write};

use flate2::read::MultiGzDecoder;
use memmap2::Mmap;

use super::{Fault, fault, read_capped};

/// The inflated stream, without a cap of its own.
pub fn stream(source: impl Read) -> impl Read {
    MultiGzDecoder::new(BufReader::with_capacity(1 << 16, source))
}

/// What is in a stream that is packed once, twice (servers and browsers pack what is packed) or not
/// at all, whatever the file's name says.
pub fn unwrapped(source: impl Read) -> impl Read {
    Unwrapped::of(Unwrapped::of(source))
}

/// A stream whose first bytes were looked at.
type Peeked<R> = std::io::Chain<std::io::Cursor<Vec<u8>>, R>;

/// A stream that is inflated if it begins as gzip does.
enum Unwrapped<R: Read> {
    Unread(Option<R>),
    Plain(Peeked<R>),
    Packed(Box<MultiGzDecoder<BufReader<Peeked<R>>>>),
}

impl<R: Read> Unwrapped<R> {
    fn of(source: R) -> Self {
        Self::Unread(Some(source))
    }
}

impl<R: Read> Read for Unwrapped<R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if let Self::Unread(source) = self
            && let Some(mut source) = source.take()
        {
            let mut magic = Vec::new();
            (&mut source).take(2).read_to_end(&mut magic)?;
            let packed = magic == [0x1f, 0x8b];
            let stream = std::io::Cursor::new(magic).chain(source);
            *self = if packed {
                let stream = BufReader::with_capacity(1 << 16, stream);
                Self::Packed(Box::new(MultiGzDecoder::new(stream)))
            } else {
                Self::Plain(stream)
            };
        }
        match self {
            Self::Unread(_) => Ok(0), // its first read failed
            Self::Plain(stream) => stream.read(out),
            Self::Packed(stream) => stream.read(out),
        }
    }
}

/// Everything that inflates, up to `cap` bytes.
///
/// # Errors
/// A damaged stream or more than `cap` bytes.
pub fn inflate(source: impl Read, cap: u64) -> Result<Vec<u8>, Fault> {
    read_capped(stream(source), cap, "gzip stream")
}

/// A stream of at most `cap` bytes in an unnamed temporary file, mapped read-only. The file is
/// gone when the map is.
///
/// # Errors
/// A damaged, empty or too long stream; no room for the temporary file.
pub fn spill(mut stream: impl Read, cap: u64, what: &str) -> Result<Mmap, Fault> {
    let no_room =
        |e: std::io::Error| Fault::new(what, "room for a temporary file", crate::files::system(&e));
    let mut file = tempfile::tempfile().map_err(no_room)?;
    let mut buffer = vec![0; 1 << 18];
    let mut total = 0u64;
    loop {
        let count = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return fault(what, "intact data", crate::files::system(&e)),
        };
        total += count as u64;
        if total > cap {
            return fault(what, format!("at most {cap} bytes"), "more");
        }
        file.write_all(&buffer[..count]).map_err(no_room)?;
    }
    if total == 0 {
        return fault(what, "data", "0 bytes");
    }
    file.seek(SeekFrom::Start(0)).map_err(no_room)?;
    // SAFETY: the file has no name and belongs to this process alone, so nobody cuts it short.
    unsafe { Mmap::map(&file) }.map_err(no_room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};

    #[test]
    fn a_stream_ends_at_its_cap_and_damage_is_named() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![7; 1 << 20]).unwrap();
        let bytes = encoder.finish().unwrap();
        assert!(bytes.len() < 2000);
        assert_eq!(inflate(&bytes[..], 1 << 20).unwrap().len(), 1 << 20);
        let bomb = inflate(&bytes[..], (1 << 20) - 1).unwrap_err();
        assert!(bomb.to_string().contains("at most 1048575 bytes"), "{bomb}");
        assert!(spill(stream(&bytes[..]), 1000, "x").is_err());
        assert_eq!(
            spill(stream(&bytes[..]), 1 << 20, "x").unwrap().len(),
            1 << 20
        );
        let mut twice = GzEncoder::new(Vec::new(), Compression::fast());
        twice.write_all(&bytes).unwrap();
        for packed in [&bytes[..], &twice.finish().unwrap(), &[7; 1 << 20]] {
            let plain = read_capped(unwrapped(packed), 1 << 20, "x").unwrap();
            assert_eq!(plain, vec![7; 1 << 20]);
        }
        assert!(read_capped(unwrapped(&bytes[..9]), 1 << 20, "x").is_err());
        assert!(read_capped(unwrapped(&[][..]), 9, "x").unwrap().is_empty());
        for end in [0, 1, 10, bytes.len() - 1] {
            assert!(inflate(&bytes[..end], 1 << 20).is_err(), "{end} bytes");
        }
        let mut wrong = bytes.clone();
        // In the checksum: elsewhere a flipped bit may give the same run of sevens.
        let checksum = wrong.len() - 6;
        wrong[checksum] ^= 1;
        assert!(inflate(&wrong[..], 1 << 20).is_err());
    }
}

//! One header of a tar archive (ustar, also GNU's numbers).

use crate::files::{Fault, fault};

/// Bytes of a header and of the unit in which files are stored.
pub const BLOCK: usize = 512;

/// What a header says of its member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Path within the archive.
    pub name: String,
    /// Bytes of the contents.
    pub size: u64,
    /// Whether it is a plain file.
    pub regular: bool,
    /// Its type: `L` and `x` speak of the member that follows.
    pub(super) kind: u8,
}

/// A name without the `./` in front that `tar -c .` writes.
pub(super) fn plain(name: &str) -> String {
    name.trim_start_matches("./").to_owned()
}

/// Whether a file is an AppleDouble file, which holds a Mac's remarks on another.
pub(super) fn is_double(name: &str) -> bool {
    name.rsplit('/')
        .next()
        .is_some_and(|file| file.starts_with("._"))
}

impl Header {
    /// Reads a header block.
    ///
    /// # Errors
    /// A wrong checksum, or a size that is no number.
    pub fn parse(block: &[u8; BLOCK]) -> Result<Self, Fault> {
        // bytes 148..156 hold the sum of all others, with themselves as spaces
        let sum: u64 = block.iter().map(|&b| u64::from(b)).sum();
        let own: u64 = block[148..156].iter().map(|&b| u64::from(b)).sum();
        let sum = sum - own + 8 * u64::from(b' ');
        if octal(&block[148..156]) != Some(sum) {
            return fault("tar header", "its checksum", "another");
        }
        let text = |range: std::ops::Range<usize>| {
            let field = &block[range];
            let end = field.iter().position(|&b| b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).into_owned()
        };
        let mut name = text(0..100);
        if &block[257..263] == b"ustar\0" && block[345] != 0 {
            name = format!("{}/{name}", text(345..500));
        }
        let Some(size) = octal(&block[124..136]) else {
            return fault(format!("tar member {name}"), "a size", "no number");
        };
        let header = Self {
            regular: false,
            name: plain(&name),
            size,
            kind: block[156],
        };
        let regular = header.kind_is_regular() && !name.ends_with('/') && !is_double(&name);
        Ok(Self { regular, ..header })
    }

    pub(super) fn kind_is_regular(&self) -> bool {
        // 7 is a contiguous file, which every system treats as a plain one
        matches!(self.kind, b'0' | b'7' | 0)
    }

    /// Whether it speaks of the member that follows it.
    pub(super) fn is_ahead(&self) -> bool {
        matches!(self.kind, b'L' | b'x')
    }
}

/// A number in octal, or in base 256 behind a set first bit (GNU).
fn octal(field: &[u8]) -> Option<u64> {
    if field[0] == 0x80 {
        let shift = |n: u64, &b: &u8| n.checked_mul(256).map(|n| n | u64::from(b));
        return field[1..].iter().try_fold(0, shift);
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches([' ', '\0']);
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| u64::from_str_radix(text, 8).ok())
        .flatten()
}

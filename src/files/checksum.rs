//! Checksums of bytes and files: SHA-256 wherever we choose, SHA-1 and MD5 where a publisher gives
//! nothing else. Beside the rooms like `atomic`: downloads, manifests, runs and models use it.

use md5::Md5;
use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{self, Read};

/// A hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// SHA-256.
    Sha256,
    /// SHA-1: guards against damage, no longer against malice.
    Sha1,
    /// MD5: likewise.
    Md5,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Sha256 => "SHA-256",
            Self::Sha1 => "SHA-1",
            Self::Md5 => "MD5",
        })
    }
}

impl Algorithm {
    /// Hexadecimal digits of its digests.
    pub fn digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha1 => 40,
            Self::Md5 => 32,
        }
    }

    /// The digest of everything that `bytes` gives, in hexadecimal.
    pub fn of(self, bytes: &mut impl Read) -> io::Result<String> {
        match self {
            Self::Sha256 => stream::<Sha256>(bytes),
            Self::Sha1 => stream::<Sha1>(bytes),
            Self::Md5 => stream::<Md5>(bytes),
        }
    }
}

/// What a file's digest must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checksum {
    /// The hash function.
    pub algorithm: Algorithm,
    /// The digest, in hexadecimal of either case.
    pub hex: String,
}

impl Checksum {
    /// A SHA-256.
    pub fn sha256(hex: impl Into<String>) -> Self {
        Self {
            algorithm: Algorithm::Sha256,
            hex: hex.into(),
        }
    }

    /// Whether a digest of the same algorithm is this one.
    pub fn is(&self, found: &str) -> bool {
        self.hex.eq_ignore_ascii_case(found)
    }
}

fn stream<D: Digest>(bytes: &mut impl Read) -> io::Result<String> {
    let mut hash = D::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match bytes.read(&mut buffer) {
            Ok(0) => return Ok(hex(&hash.finalize())),
            Ok(count) => hash.update(&buffer[..count]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// SHA-256 of bytes at hand, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Bytes in hexadecimal, lower case.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_the_published_ones() {
        // FIPS 180-2 and RFC 1321: the message "abc"
        let of = |algorithm: Algorithm| algorithm.of(&mut &b"abc"[..]).expect("bytes");
        assert_eq!(
            of(Algorithm::Sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            of(Algorithm::Sha1),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(of(Algorithm::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(sha256(b"abc"), of(Algorithm::Sha256));
        for algorithm in [Algorithm::Sha256, Algorithm::Sha1, Algorithm::Md5] {
            assert_eq!(of(algorithm).len(), algorithm.digits());
        }
    }
}

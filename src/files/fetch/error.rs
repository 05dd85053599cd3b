//! What can go wrong with a download.

use crate::files::checksum::Algorithm;
use std::io;
use std::path::PathBuf;

/// An error of a download; every one names the address or the file.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Not an address that can be asked.
    #[error("{url}: expected an http or https address, found {found}")]
    Address {
        /// The address.
        url: String,
        /// What is wrong with it.
        found: String,
    },
    /// No answer.
    #[error("{url}: expected an answer, found {found}")]
    Unreachable {
        /// The address.
        url: String,
        /// The name resolver's, the connection's or the protocol's error.
        found: String,
    },
    /// An answer without the file.
    #[error("{url}: expected HTTP status 200, found {status}")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// A redirect that is not followed.
    #[error("{url}: expected a redirect to http or https that keeps encryption, found {found}")]
    Redirect {
        /// The address.
        url: String,
        /// Where it leads, or how many there were.
        found: String,
    },
    /// The way leads to a host that nothing vouches for.
    #[error(
        "{url}: expected the file from that host, as no checksum is known, found a redirect to {found}"
    )]
    Elsewhere {
        /// The address.
        url: String,
        /// The other host.
        found: String,
    },
    /// A web page in the file's place.
    #[error("{url}: expected a file, found an HTML page")]
    Page {
        /// The address.
        url: String,
    },
    /// Another size than the file has.
    #[error("{url}: expected {expected} bytes, found {found}")]
    Size {
        /// The address.
        url: String,
        /// The size of the file.
        expected: u64,
        /// The size of the answer; of one without an end, what had come.
        found: u64,
    },
    /// More than is allowed.
    #[error("{url}: expected at most {limit} bytes, found {found} or more")]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        limit: u64,
        /// What was announced, or had come.
        found: u64,
    },
    /// Another content than the file has.
    #[error("{url}: expected {algorithm} {expected}, found {found}")]
    Checksum {
        /// The address.
        url: String,
        /// The hash function.
        algorithm: Algorithm,
        /// The digest of the file, in hexadecimal.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// The connection was cut again and again; what came is kept for the next time.
    #[error(
        "{url}: expected {} bytes, found {found} before the connection was cut: {source}; \
         the next attempt continues there",
        expected.map_or("all".into(), |n| n.to_string())
    )]
    Interrupted {
        /// The address.
        url: String,
        /// The size of the file, if it is known.
        expected: Option<u64>,
        /// Bytes that came.
        found: u64,
        /// Why no more came.
        source: io::Error,
    },
    /// The operating system refused to keep the file.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl FetchError {
    /// Whether the same request may succeed a moment later.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Interrupted { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502 | 503 | 504),
            _ => false,
        }
    }
}

//! Reading a file while somebody is told how far it is, and may stop it.

use std::fs::File;
use std::io::Read;

/// Called with the number of bytes of every read; `false` stops the reading.
pub type Progress<'a> = &'a mut dyn FnMut(u64) -> bool;

/// A file whose reads are reported.
pub(super) struct Watched<'a>(pub File, pub Progress<'a>);

impl Read for Watched<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(out)?;
        if (self.1)(count as u64) {
            Ok(count)
        } else {
            Err(std::io::Error::other("stopped"))
        }
    }
}

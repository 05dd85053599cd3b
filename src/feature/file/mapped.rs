//! A features file in memory without a copy of its own: mapped read-only, decoded block by block,
//! and every block's pages given back once they are decoded. So a file of 2 GB costs the 2 GB of
//! the matrix that is made of it, and not twice that.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;

use memmap2::{Advice, Mmap, UncheckedAdvice};

use crate::feature::FeatureError;

/// A file's bytes.
pub(super) struct Mapped(Option<Mmap>);

impl Mapped {
    /// Maps a file; an empty one has no bytes to map.
    pub(super) fn open(path: &Path) -> Result<Self, FeatureError> {
        Self::map(path).map_err(|e| FeatureError::io(path, e))
    }

    /// The same, with the system's own error.
    pub(super) fn map(path: &Path) -> std::io::Result<Self> {
        let file = File::open(path)?;
        let found = file.metadata()?;
        if found.is_dir() {
            return Err(std::io::Error::other("a folder, where a file was expected"));
        }
        if found.len() == 0 {
            return Ok(Self(None));
        }
        // SAFETY: read-only, and private to this process. Its one hazard is another process that
        // cuts the file short meanwhile, which the system answers with SIGBUS; features files are
        // replaced as a whole (`crate::files::atomic`), as NumPy and torch users do too.
        Ok(Self(Some(unsafe { Mmap::map(&file) }?)))
    }

    /// All bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Where `part` begins in the map, if it lies in it.
    fn place(&self, part: &[u8]) -> Option<(&Mmap, usize)> {
        let map = self.0.as_ref()?;
        let offset = (part.as_ptr() as usize).wrapping_sub(map.as_ptr() as usize);
        (offset.saturating_add(part.len()) <= map.len()).then_some((map, offset))
    }

    /// Reads `part` into memory, in order, so that nothing waits for it later (on Linux from 5.14; elsewhere
    /// reading only begins).
    ///
    /// # Errors
    /// The file cannot be read there, or is shorter by now.
    pub(super) fn load(&self, part: &[u8]) -> std::io::Result<()> {
        #[cfg(target_os = "linux")]
        const LOAD: Advice = Advice::PopulateRead;
        #[cfg(not(target_os = "linux"))]
        const LOAD: Advice = Advice::WillNeed;
        /// What touching the bytes would be a signal for.
        const EFAULT: i32 = 14;
        let Some((map, offset)) = self.place(part) else {
            return Ok(());
        };
        match map.advise_range(LOAD, offset, part.len()) {
            Err(e) if e.raw_os_error() == Some(EFAULT) => Err(ErrorKind::UnexpectedEof.into()),
            // Advice that the system does not know.
            _ => Ok(()),
        }
    }

    /// Gives the pages of `part` back to the system: it has been read. Advice; bytes stay valid.
    pub(super) fn release(&self, part: &[u8]) {
        if let Some((map, offset)) = self.place(part) {
            // SAFETY: the pages are those of a file and were never written, so that one that is
            // read again comes from the file as before.
            let _ = unsafe {
                map.unchecked_advise_range(UncheckedAdvice::DontNeed, offset, part.len())
            };
        }
    }
}

//! Zip archives: members by their exact name, with a cap on what comes out.
//!
//! Stored and deflated members of archives in one file are read. Archives split into parts (`.z01`,
//! `.z02`, … `.zip`, as FSD50K is published) are refused with the command that joins them, which is
//! `zip -s 0`.

use std::fs::File;
use std::io::{Cursor, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ::zip::CompressionMethod;
use ::zip::ZipArchive;
use ::zip::read::ZipFile;
use ::zip::result::ZipError;

use super::array::Owner;
use super::{Fault, fault, gzip, read_capped};

/// The archive's bytes, shared.
#[derive(Clone)]
struct Bytes(Owner);

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// An archive whose directory was read; its file is mapped. Members can be read from many threads
/// at once.
#[derive(Clone)]
pub struct Zip {
    archive: ZipArchive<Cursor<Bytes>>,
    bytes: Owner,
}

impl Zip {
    /// Maps the file and reads the directory of the archive.
    ///
    /// # Errors
    /// No zip archive, one part of a split archive, a damaged directory.
    pub fn open(path: &Path) -> Result<Self, Fault> {
        let wrong = |e| Fault::new("zip archive", "a readable file", crate::files::system(&e));
        let file = File::open(path).map_err(wrong)?;
        // SAFETY: read-only and private to this process, as all maps of datasets (dataset/files.rs).
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(wrong)?;
        refuse_split(path, &map)?;
        let bytes: Owner = Arc::new(map);
        let archive = ZipArchive::new(Cursor::new(Bytes(bytes.clone())))
            .map_err(|e| Fault::new("zip archive", "an intact directory", e))?;
        Ok(Self { archive, bytes })
    }

    /// Names of all members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.archive.file_names()
    }

    /// What `read` makes of a member's contents as they come. The stated size is not believed.
    ///
    /// # Errors
    /// No such member; those of `read`.
    pub fn stream<T>(
        &self,
        name: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut archive = self.archive.clone();
        read(&mut entry(&mut archive, name)?)
    }

    /// The contents of a member, up to `cap` bytes.
    ///
    /// # Errors
    /// No such member, more than `cap` bytes, damage.
    pub fn member(&self, name: &str, cap: u64) -> Result<Vec<u8>, Fault> {
        let what = format!("zip member {name}");
        self.stream(name, |stream| read_capped(stream, cap, &what))
    }

    /// A member that is read by index: the archive's own bytes where it is stored, an unnamed
    /// temporary file where it is deflated.
    ///
    /// # Errors
    /// As [`Zip::member`].
    pub fn region(&self, name: &str, cap: u64) -> Result<(Owner, Range<usize>), Fault> {
        let what = format!("zip member {name}");
        let mut archive = self.archive.clone();
        let entry = entry(&mut archive, name)?;
        if entry.compression() == CompressionMethod::Stored {
            let start = entry.data_start();
            let range = start..start.saturating_add(entry.compressed_size());
            if range.end > (*self.bytes).as_ref().len() as u64 || range.end - start > cap {
                let found = format!("{} bytes from byte {start}", entry.compressed_size());
                return fault(what, format!("at most {cap} bytes of the archive"), found);
            }
            return Ok((self.bytes.clone(), range.start as usize..range.end as usize));
        }
        let map = gzip::spill(entry, cap, &what)?;
        let range = 0..map.len();
        Ok((Arc::new(map), range))
    }
}

fn entry<'a>(
    archive: &'a mut ZipArchive<Cursor<Bytes>>,
    name: &str,
) -> Result<ZipFile<'a, Cursor<Bytes>>, Fault> {
    archive.by_name(name).map_err(|e| match e {
        ZipError::FileNotFound => Fault::new("zip archive", format!("a member {name}"), "none"),
        e => Fault::new(format!("zip member {name}"), "readable", e),
    })
}

/// The end record of an archive names the part in which it lies; only part 0 stands alone.
fn refuse_split(path: &Path, whole: &[u8]) -> Result<(), Fault> {
    let bytes = &whole[whole.len().saturating_sub((1 << 16) + 22)..];
    let end = bytes.windows(4).rposition(|w| w == b"PK\x05\x06");
    let part = end.and_then(|at| bytes.get(at + 4..at + 6));
    let numbered = path.extension().is_some_and(|e| {
        let e = e.to_string_lossy().to_lowercase();
        e.len() == 3 && e.starts_with('z') && e[1..].bytes().all(|b| b.is_ascii_digit())
    });
    match part {
        // 0xffff: a 64-bit record follows, which the crate reads
        Some(part) if !numbered && matches!(part, [0, 0] | [255, 255]) => Ok(()),
        None if !numbered => fault("zip archive", "an end record", "none"),
        _ => {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let command = format!("zip -s 0 {name}.zip --out {name}.whole.zip");
            fault(
                "zip archive",
                format!("one file (join the parts, in their folder: {command})"),
                "one part of a split archive",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::zip::{ZipWriter, write::SimpleFileOptions};
    use std::io::Write;

    fn archive(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("set.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        for (name, method) in [
            ("a/stored", CompressionMethod::Stored),
            ("a/deflated", CompressionMethod::Deflated),
        ] {
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(name, options).unwrap();
            zip.write_all(&[5; 5000]).unwrap();
        }
        zip.finish().unwrap();
        path
    }

    #[test]
    fn members_are_capped_and_stored_ones_stay_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path());
        let zip = Zip::open(&path).unwrap();
        for name in ["a/stored", "a/deflated"] {
            assert_eq!(zip.member(name, 5000).unwrap(), [5; 5000]);
            assert!(zip.member(name, 4999).is_err());
            let (owner, range) = zip.region(name, 5000).unwrap();
            assert_eq!((*owner).as_ref()[range], [5; 5000]);
        }
        assert!(zip.member("stored", 5000).is_err());
        assert!(zip.region("a/deflated", 4999).is_err());
    }

    #[test]
    fn a_split_archive_is_refused_with_the_command_that_joins_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path());
        let good = std::fs::read(&path).unwrap();
        let mut bytes = good.clone();
        let end = bytes.len() - 22;
        bytes[end + 4] = 5; // this is part 5
        std::fs::write(&path, bytes).unwrap();
        let said = Zip::open(&path).err().unwrap().to_string();
        assert!(said.contains("zip -s 0 set.zip"), "{said}");
        let part = folder.path().join("set.z01");
        std::fs::write(&part, &good).unwrap();
        assert!(
            Zip::open(&part)
                .err()
                .unwrap()
                .to_string()
                .contains("zip -s 0")
        );
        for end in [0, 10, good.len() - 1] {
            std::fs::write(&path, &good[..end]).unwrap();
            assert!(Zip::open(&path).is_err());
        }
    }
}

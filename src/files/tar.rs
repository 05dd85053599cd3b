//! Tar archives (ustar, also GNU's numbers): regular files by their exact name, from a stream or at
//! a known place. Nothing is ever extracted; links, devices, folders and the `._` files that macOS puts
//! beside every file are passed over. Names that do not fit into a header stand in a member in front
//! of it (GNU's `L`, POSIX's `x`), and so may a size.
//!
//! The `tar` crate serves extraction; the little that is needed here is one header, which the
//! indexed archives of packed sets share.

mod ahead;
mod header;

use std::io::Read;

use super::{Fault, fault};
use ahead::{Ahead, MOST_WORDS};
pub use header::{BLOCK, Header};

/// Walks through an archive: `wanted` says for every regular file whether to read it and up to
/// which size, `found` gets name and bytes. Reading stops after the archive's end, or when `found`
/// answers `false`.
///
/// # Errors
/// A damaged or truncated archive, a wanted member above its cap.
pub fn walk(
    mut stream: impl Read,
    mut wanted: impl FnMut(&str) -> Option<u64>,
    mut found: impl FnMut(&str, Vec<u8>) -> Result<bool, Fault>,
) -> Result<(), Fault> {
    let broken =
        |e: std::io::Error| Fault::new("tar archive", "intact data", crate::files::system(&e));
    let mut block = [0; BLOCK];
    let mut ahead = Ahead::default();
    loop {
        match stream.read(&mut block[..1]) {
            Ok(0) => return Ok(()), // some writers leave the empty blocks at the end out
            Ok(_) => stream.read_exact(&mut block[1..]).map_err(broken)?,
            Err(e) => return Err(broken(e)),
        }
        if block.iter().all(|&b| b == 0) {
            return Ok(());
        }
        let header = Header::parse(&block)?;
        let speaks = header.is_ahead();
        let header = if speaks {
            header
        } else {
            std::mem::take(&mut ahead).apply(header)
        };
        let cap = if speaks {
            Some(MOST_WORDS)
        } else {
            header.regular.then(|| wanted(&header.name)).flatten()
        };
        let padded = header
            .size
            .div_ceil(BLOCK as u64)
            .saturating_mul(BLOCK as u64);
        let mut contents = (&mut stream).take(padded);
        let Some(cap) = cap else {
            let passed = std::io::copy(&mut contents, &mut std::io::sink()).map_err(broken)?;
            if passed < header.size {
                return fault(format!("tar member {}", header.name), header.size, passed);
            }
            continue;
        };
        let what = format!("tar member {}", header.name);
        if header.size > cap {
            return fault(what, format!("at most {cap} bytes"), header.size);
        }
        let mut bytes = Vec::new();
        contents.read_to_end(&mut bytes).map_err(broken)?;
        if (bytes.len() as u64) < header.size {
            return fault(what, format!("{} bytes", header.size), bytes.len());
        }
        bytes.truncate(header.size as usize);
        if speaks {
            ahead.learn(header.kind, &bytes);
            continue;
        }
        if !found(&header.name, bytes)? {
            return Ok(());
        }
    }
}

/// The contents of the regular files `names`, in that order, each of at most `cap` bytes.
///
/// # Errors
/// Those of [`walk`], or the first name that is not there.
pub fn members(stream: impl Read, names: &[&str], cap: u64) -> Result<Vec<Vec<u8>>, Fault> {
    let mut contents: Vec<Option<Vec<u8>>> = vec![None; names.len()];
    let place = |name: &str| names.iter().position(|n| *n == name);
    walk(
        stream,
        |name| place(name).map(|_| cap),
        |name, bytes| {
            if let Some(place) = place(name) {
                contents[place] = Some(bytes);
            }
            Ok(contents.iter().any(Option::is_none))
        },
    )?;
    let present = |(name, bytes): (&&str, Option<Vec<u8>>)| match bytes {
        Some(bytes) => Ok(bytes),
        None => fault("tar archive", format!("a file {name}"), "none of that name"),
    };
    names.iter().zip(contents).map(present).collect()
}

/// Regular files of an archive that is in memory or mapped: name and place of each, without
/// touching their contents.
///
/// # Errors
/// A damaged or truncated archive.
pub fn list(tar: &[u8]) -> Result<Vec<(String, std::ops::Range<usize>)>, Fault> {
    let mut files = Vec::new();
    let mut at = 0;
    let mut ahead = Ahead::default();
    while at < tar.len() {
        let block = tar.get(at..at + BLOCK).and_then(|b| b.try_into().ok());
        let Some(block): Option<&[u8; BLOCK]> = block else {
            return fault(
                "tar archive",
                "a header",
                format!("{} bytes", tar.len() - at),
            );
        };
        if block.iter().all(|&b| b == 0) {
            break;
        }
        let mut header = Header::parse(block)?;
        if !header.is_ahead() {
            header = std::mem::take(&mut ahead).apply(header);
        }
        at += BLOCK;
        let end = usize::try_from(header.size)
            .ok()
            .and_then(|size| at.checked_add(size));
        let Some(end) = end.filter(|&end| end <= tar.len()) else {
            let what = format!("tar member {}", header.name);
            let found = format!("{} bytes", tar.len() - at);
            return fault(what, format!("{} bytes", header.size), found);
        };
        if header.is_ahead() && header.size <= MOST_WORDS {
            ahead.learn(header.kind, &tar[at..end]);
        }
        if header.regular {
            files.push((header.name, at..end));
        }
        at = end.next_multiple_of(BLOCK);
    }
    Ok(files)
}

/// The bytes of the regular file `name` that an index places at `offset`, once the header in front
/// of them agrees.
///
/// # Errors
/// A place beyond the archive, or a header that says otherwise.
pub fn member_at<'a>(
    tar: &'a [u8],
    name: &str,
    offset: usize,
    length: usize,
) -> Result<&'a [u8], Fault> {
    let what = format!("member {name} at byte {offset}");
    let bytes = offset
        .checked_add(length)
        .and_then(|end| tar.get(offset..end));
    let header: Option<&[u8; BLOCK]> = offset
        .checked_sub(BLOCK)
        .and_then(|start| tar.get(start..offset))
        .and_then(|block| block.try_into().ok());
    let (Some(bytes), Some(header)) = (bytes, header) else {
        let expected = format!("a header and {length} bytes");
        return fault(what, expected, format!("a file of {} bytes", tar.len()));
    };
    let expected = format!("a tar header of that regular file with {length} bytes");
    match Header::parse(header) {
        Ok(h) if h.regular && h.name == name && h.size == length as u64 => Ok(bytes),
        Ok(h) => {
            let kind = if h.regular { "file" } else { "no regular file" };
            let found = format!("{:?}, {} bytes, {kind}", h.name, h.size);
            fault(what, expected, found)
        }
        Err(e) => fault(what, expected, format!("none ({e})")),
    }
}

/// Archives for tests.
#[cfg(test)]
pub(crate) mod write {
    use super::BLOCK;

    /// A header of the given type.
    pub fn header(name: &str, size: usize, kind: u8) -> [u8; BLOCK] {
        let mut block = [0; BLOCK];
        block[..name.len()].copy_from_slice(name.as_bytes());
        block[124..136].copy_from_slice(format!("{size:011o}\0").as_bytes());
        block[156] = kind;
        block[257..263].copy_from_slice(b"ustar\0");
        let sum: u64 = block.iter().map(|&b| u64::from(b)).sum::<u64>() + 8 * u64::from(b' ');
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        block
    }

    /// An archive of regular files.
    pub fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, bytes) in files {
            out.extend(header(name, bytes.len(), b'0'));
            out.extend(*bytes);
            out.resize(out.len().next_multiple_of(BLOCK), 0);
        }
        out.resize(out.len() + 2 * BLOCK, 0);
        out
    }
}

#[cfg(test)]
mod tests;

//! Tar archives (ustar, also GNU's numbers): regular files by their exact name, from a stream or at
//! a known place. Nothing is ever extracted; links, devices, folders and the `._` files that macOS puts
//! beside every file are passed over. Names that do not fit into a header stand in a member in front
//! of it (GNU's `L`, POSIX's `x`), and so may a size.
//!
//! The `tar` crate serves extraction; the little that is needed here is one header, which the
//! indexed archives of packed sets share.

use std::io::Read;

use super::{Fault, fault};

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
    kind: u8,
}

/// Most bytes of a member that speaks of the next.
const MOST_WORDS: u64 = 1 << 16;

/// What stands in front of a header: the name and the size that count.
#[derive(Debug, Default)]
struct Ahead {
    name: Option<String>,
    size: Option<u64>,
}

impl Ahead {
    /// Learns from a member of type `kind`.
    fn learn(&mut self, kind: u8, contents: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if kind == b'L' {
            let end = contents.iter().position(|&b| b == 0);
            self.name = Some(text(&contents[..end.unwrap_or(contents.len())]));
            return;
        }
        // records "LENGTH KEY=VALUE\n", whose length counts all of it
        let mut rest = contents;
        while let Some(space) = rest.iter().position(|&b| b == b' ') {
            let length = text(&rest[..space]).parse::<usize>();
            let record = length.ok().and_then(|n| rest.get(space + 1..n));
            let Some(record) = record.and_then(|r| r.strip_suffix(b"\n")) else {
                return;
            };
            match text(record).split_once('=') {
                Some(("path", path)) => self.name = Some(path.to_owned()),
                Some(("size", size)) => self.size = size.parse().ok().or(self.size),
                _ => {}
            }
            rest = &rest[space + 2 + record.len()..];
        }
    }

    /// The header with what was learnt of it.
    fn apply(self, mut header: Header) -> Header {
        if let Some(name) = self.name {
            header.regular = header.kind_is_regular() && !name.ends_with('/');
            header.name = plain(&name);
            header.regular &= !is_double(&header.name);
        }
        header.size = self.size.unwrap_or(header.size);
        header
    }
}

/// A name without the `./` in front that `tar -c .` writes.
fn plain(name: &str) -> String {
    name.trim_start_matches("./").to_owned()
}

/// Whether a file is an AppleDouble file, which holds a Mac's remarks on another.
fn is_double(name: &str) -> bool {
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

    fn kind_is_regular(&self) -> bool {
        // 7 is a contiguous file, which every system treats as a plain one
        matches!(self.kind, b'0' | b'7' | 0)
    }

    /// Whether it speaks of the member that follows it.
    fn is_ahead(&self) -> bool {
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
        |e: std::io::Error| Fault::new("tar archive", "intact data", crate::container::system(&e));
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
        let cap = match speaks {
            true => Some(MOST_WORDS),
            false => header.regular.then(|| wanted(&header.name)).flatten(),
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
mod tests {
    use super::write::{archive, header};
    use super::*;

    #[test]
    fn members_come_by_exact_name_and_nothing_else_does() {
        let files: [(&str, &[u8]); 3] = [("a/x.bin", b"one"), ("../y", b"two"), ("z", &[9; 600])];
        let tar = archive(&files);
        let read = members(&tar[..], &["z", "a/x.bin"], 600).unwrap();
        assert_eq!(read, [vec![9; 600], b"one".to_vec()]);
        assert!(members(&tar[..], &["z"], 599).is_err());
        let absent = members(&tar[..], &["x.bin"], 600).unwrap_err().to_string();
        assert!(absent.contains("a file x.bin"), "{absent}");
        // a link of that name is no file
        let mut link = header("z", 0, b'2').to_vec();
        link.resize(3 * BLOCK, 0);
        assert!(members(&link[..], &["z"], 600).is_err());
        let listed = list(&tar).unwrap();
        assert_eq!(
            (listed.len(), &listed[0]),
            (3, &("a/x.bin".to_string(), 512..515))
        );
        assert!(list(&tar[..700]).is_ok() && list(&tar[..514]).is_err());
        assert_eq!(member_at(&tar, "a/x.bin", 512, 3).unwrap(), b"one");
        assert!(member_at(&tar, "a/x.bin", 512, 4).is_err());
        assert!(member_at(&tar, "a/x.bin", usize::MAX, 4).is_err());
    }

    #[test]
    fn long_names_dots_folders_and_apples_are_understood() {
        let long = format!("{}/file.bin", "folder".repeat(30));
        let member = |name: &str, kind: u8, contents: &[u8]| {
            let mut out = header(name, contents.len(), kind).to_vec();
            out.extend(contents);
            out.resize(out.len().next_multiple_of(BLOCK), 0);
            out
        };
        let record = |key: &str, value: &str| {
            let bare = key.len() + value.len() + 3;
            let length = (1..9)
                .map(|digits| bare + digits)
                .find(|n| n.to_string().len() + bare == *n);
            format!("{} {key}={value}\n", length.unwrap())
        };
        let pax = record("mtime", "1.5") + &record("path", &long) + &record("size", "3");
        let gnu = format!("{long}\0");
        for front in [
            member("././@LongLink", b'L', gnu.as_bytes()),
            member("x", b'x', pax.as_bytes()),
        ] {
            let tar = [
                member("./", b'5', &[]),
                member("./._a.bin", b'0', b"apple"),
                front,
                member(&long[..99], b'0', b"abc"),
                member("./b.bin", b'7', b"bb"),
                vec![0; 1024],
            ]
            .concat();
            let read = members(&tar[..], &[&long, "b.bin"], 10).unwrap();
            assert_eq!(read, [b"abc".to_vec(), b"bb".to_vec()]);
            let names: Vec<String> = list(&tar).unwrap().into_iter().map(|f| f.0).collect();
            assert_eq!(names, [long.clone(), "b.bin".into()]);
            crate::container::fuzz::rounds(&tar, 200, |bytes, _| {
                list(bytes)?;
                members(bytes, &[&long, "b.bin"], 10)
            });
        }
    }

    #[test]
    fn truncated_archives_and_absurd_sizes_are_refused() {
        let tar = archive(&[("first", &[1; 700]), ("last", b"end")]);
        for end in [100, 512, 900, 1600, 2000] {
            assert!(members(&tar[..end], &["last"], 100).is_err(), "{end} bytes");
        }
        let mut absurd = header("last", 0, b'0');
        absurd[124..136].fill(0);
        absurd[124] = 0x80;
        absurd[128..136].copy_from_slice(&(u64::MAX / 2).to_be_bytes());
        absurd[148..156].fill(b' ');
        let sum: u64 = absurd.iter().map(|&b| u64::from(b)).sum();
        absurd[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        assert_eq!(Header::parse(&absurd).unwrap().size, u64::MAX / 2);
        assert!(members(&absurd[..], &["last"], 1 << 20).is_err());
        assert!(members(&absurd[..], &["other"], 1 << 20).is_err());
        assert!(list(&absurd).is_err());
        // found by `make fuzz`: a checksum in base 256, whose field is shorter than a size's
        absurd[148] = 0x80;
        assert!(Header::parse(&absurd).is_err());
    }
}

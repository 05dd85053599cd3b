//! MAT-files of version 5 to 7. Numbers may be stored in a smaller type than the variable's own,
//! and elements may be deflated; both are seen through. Sparse, complex, cell and struct variables
//! are passed over. Version 7.3 is HDF5 and refused here by name.
//!
//! Source: MathWorks, *MAT-File Format*, chapter 1 (Level 5 MAT-files).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::read::ZlibDecoder;

use super::Variable;
use crate::files::element::{Element, Kind};
use crate::files::{Fault, fault};

const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
/// Variables that are looked at; more are no data file.
const MOST_ELEMENTS: usize = 4096;

/// Opens the variable `name` of a MAT-file.
///
/// # Errors
/// No MAT-file of version 5, no such variable, one that is not a matrix of real numbers, damage.
pub(super) fn open(path: &Path, name: &str) -> Result<Variable, Fault> {
    let open = |at: u64| -> Result<File, Fault> {
        let wrong = |e| Fault::new("MAT-file", "a readable file", crate::files::system(&e));
        let mut file = File::open(path).map_err(wrong)?;
        file.seek(SeekFrom::Start(at)).map_err(wrong)?;
        Ok(file)
    };
    let mut file = open(0)?;
    let length = file.metadata().map_or(0, |m| m.len());
    let mut header = [0; 128];
    let whole = file.read_exact(&mut header);
    whole.map_err(|e| {
        Fault::new(
            "MAT-file",
            "a header of 128 bytes",
            crate::files::system(&e),
        )
    })?;
    if header.starts_with(b"MATLAB 7.3") || header.starts_with(b"\x89HDF") {
        return fault("MAT-file", "version 5 to 7", "version 7.3, which is HDF5");
    }
    let big_endian = match &header[126..] {
        b"IM" => false,
        b"MI" => true,
        _ => {
            let found = format!("the bytes {} {}", header[126], header[127]);
            return fault("MAT-file", "its mark IM or MI", found);
        }
    };
    let mut at = 128;
    let mut seen: Vec<String> = Vec::new();
    while at < length && seen.len() < MOST_ELEMENTS {
        let mut stream = Source {
            stream: Box::new(BufReader::with_capacity(1 << 16, open(at)?)),
            big_endian,
        };
        let tag = stream.tag()?;
        at += 8;
        if tag.size > length - at {
            let expected = format!("at most {} bytes", length - at);
            return fault("MAT-file element", expected, tag.size);
        }
        at += tag.size;
        let body = stream.stream.take(tag.size);
        let mut inside = Source {
            stream: Box::new(body),
            big_endian,
        };
        let mut size = tag.size;
        match tag.kind {
            MATRIX => {}
            COMPRESSED => {
                let inflated = BufReader::new(ZlibDecoder::new(inside.stream));
                inside.stream = Box::new(inflated);
                let tag = inside.tag()?;
                if tag.kind != MATRIX {
                    let found = format!("type {}", tag.kind);
                    return fault("deflated MAT-file element", "a matrix", found);
                }
                size = tag.size;
            }
            _ => continue,
        }
        match inside.matrix(size, name)? {
            Ok(variable) => return Ok(variable),
            Err(other) => seen.push(other),
        }
    }
    seen.truncate(12);
    fault("MAT-file", format!("a variable {name}"), seen.join(", "))
}

/// The head of an element.
struct Tag {
    kind: u32,
    size: u64,
    /// Contents of an element of at most four bytes, which stand in the tag itself.
    small: Option<[u8; 4]>,
}

struct Source {
    stream: Box<dyn Read>,
    big_endian: bool,
}

impl Source {
    fn exact<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        let read = self.stream.read_exact(&mut bytes);
        read.map_err(|e| {
            Fault::new(
                "MAT-file element",
                format!("{N} bytes"),
                crate::files::system(&e),
            )
        })?;
        Ok(bytes)
    }

    fn word(&self, bytes: [u8; 4]) -> u32 {
        match self.big_endian {
            true => u32::from_be_bytes(bytes),
            false => u32::from_le_bytes(bytes),
        }
    }

    fn tag(&mut self) -> Result<Tag, Fault> {
        let (first, second) = (self.exact::<4>()?, self.exact::<4>()?);
        let word = self.word(first);
        if word >> 16 != 0 {
            return Ok(Tag {
                kind: word & 0xffff,
                size: u64::from(word >> 16).min(4),
                small: Some(second),
            });
        }
        Ok(Tag {
            kind: word,
            size: self.word(second).into(),
            small: None,
        })
    }

    /// An element of a few bytes, with its type.
    fn short(&mut self, most: u64) -> Result<(u32, Vec<u8>), Fault> {
        let tag = self.tag()?;
        if let Some(small) = tag.small {
            return Ok((tag.kind, small[..tag.size as usize].to_vec()));
        }
        if tag.size > most {
            return fault(
                "MAT-file element",
                format!("at most {most} bytes"),
                tag.size,
            );
        }
        let mut bytes = vec![0; tag.size.next_multiple_of(8) as usize];
        let read = self.stream.read_exact(&mut bytes);
        read.map_err(|e| {
            Fault::new(
                "MAT-file element",
                "its padded contents",
                crate::files::system(&e),
            )
        })?;
        bytes.truncate(tag.size as usize);
        Ok((tag.kind, bytes))
    }

    fn words(&self, bytes: &[u8]) -> Vec<u32> {
        let words = bytes.chunks_exact(4);
        words.map(|w| self.word([w[0], w[1], w[2], w[3]])).collect()
    }

    /// The variable, if it has that name, or the name that it has.
    fn matrix(mut self, size: u64, name: &str) -> Result<Result<Variable, String>, Fault> {
        if size == 0 {
            return Ok(Err("(empty)".into()));
        }
        let (_, flags) = self.short(8)?;
        let flags = self.words(&flags).first().copied().unwrap_or(0);
        let (_, sides) = self.short(64)?;
        let shape: Vec<usize> = self.words(&sides).iter().map(|&d| d as usize).collect();
        let (_, own) = self.short(256)?;
        let own = String::from_utf8_lossy(&own).into_owned();
        if own != name {
            return Ok(Err(own));
        }
        let what = format!("MAT-file variable {name}");
        if !(6..=15).contains(&(flags & 0xff)) || flags & 0x800 != 0 {
            let found = format!("class {}", flags & 0xff);
            return fault(what, "a matrix of real numbers", found);
        }
        let tag = self.tag()?;
        let (kind, width) = match tag.kind {
            1 => (Kind::Signed, 1),
            2 => (Kind::Unsigned, 1),
            3 => (Kind::Signed, 2),
            4 => (Kind::Unsigned, 2),
            5 => (Kind::Signed, 4),
            6 => (Kind::Unsigned, 4),
            7 => (Kind::Float, 4),
            9 => (Kind::Float, 8),
            12 => (Kind::Signed, 8),
            13 => (Kind::Unsigned, 8),
            other => return fault(what, "numbers", format!("type {other}")),
        };
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let bytes = count.and_then(|n| (n as u64).checked_mul(width as u64));
        if bytes != Some(tag.size) || tag.size > size || shape.is_empty() {
            let expected = format!("{shape:?} × {width} bytes within {size} bytes");
            return fault(what, expected, format!("{} bytes", tag.size));
        }
        if let Some(small) = tag.small {
            self.stream = Box::new(std::io::Cursor::new(small));
        }
        Ok(Ok(Variable {
            shape,
            element: Element {
                kind,
                width,
                big_endian: self.big_endian,
            },
            remaining: count.unwrap_or(0),
            stream: self.stream,
        }))
    }
}

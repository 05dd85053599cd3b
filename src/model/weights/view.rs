//! Tensors that do not lie in their file as they are: transposed or expanded views, other byte
//! orders, deflated archives, arrays inside a pickle. They are spelt out row-major, little-endian.

use super::source::{Source, malformed};
use crate::model::ModelError;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::Arc;

/// Where the bytes of a storage are.
#[derive(Debug, Clone)]
pub(super) enum Bytes {
    /// A range of the file.
    File(Range<u64>),
    /// A deflated range of the file, and its size once inflated.
    Deflated(Range<u64>, u64),
    /// Bytes that were made when the file was opened.
    Made(Arc<[u8]>),
}

impl Bytes {
    /// Bytes of the storage.
    pub fn size(&self) -> u64 {
        match self {
            Self::File(range) => range.end.saturating_sub(range.start),
            Self::Deflated(_, size) => *size,
            Self::Made(bytes) => bytes.len() as u64,
        }
    }

    /// The bytes from `from` on, `count` of them.
    fn read(&self, source: &Source, from: u64, count: u64) -> Result<Vec<u8>, ModelError> {
        let short = |found: String| {
            let expected = format!("{count} bytes of a storage");
            malformed(&source.path, "PyTorch checkpoint", &expected, found)
        };
        match self {
            Self::File(range) => {
                let start = range.start.saturating_add(from);
                let mut bytes = Vec::new();
                source.blocks(start..start.saturating_add(count), |block| {
                    bytes.extend_from_slice(block);
                    Ok(())
                })?;
                Ok(bytes)
            }
            Self::Deflated(range, _) => {
                let mut file = Cursor::new(source);
                file.seek(SeekFrom::Start(range.start))
                    .map_err(|e| source.io(e))?;
                let packed = io::BufReader::new(file.take(range.end.saturating_sub(range.start)));
                let mut stream = flate2::bufread::DeflateDecoder::new(packed);
                let skipped = io::copy(&mut (&mut stream).take(from), &mut io::sink())
                    .map_err(|e| short(e.to_string()))?;
                let mut bytes = Vec::new();
                stream
                    .take(count)
                    .read_to_end(&mut bytes)
                    .map_err(|e| short(e.to_string()))?;
                if skipped < from || (bytes.len() as u64) < count {
                    return Err(short(format!("{} bytes", bytes.len())));
                }
                Ok(bytes)
            }
            Self::Made(bytes) => {
                let range = usize::try_from(from)
                    .ok()
                    .zip(usize::try_from(from.saturating_add(count)).ok());
                range
                    .and_then(|(from, to)| bytes.get(from..to))
                    .map(<[u8]>::to_vec)
                    .ok_or_else(|| short(format!("{} bytes", bytes.len())))
            }
        }
    }
}

/// A view of a storage.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub bytes: Bytes,
    /// Elements before the first.
    pub offset: u64,
    /// Elements from one position of every axis to the next.
    pub strides: Vec<u64>,
    /// Bytes of an element.
    pub width: usize,
    /// Whether elements have their most significant byte first.
    pub big_endian: bool,
}

impl View {
    /// Elements of the storage that the view spans, from its first to its last; `None` if they
    /// cannot be counted.
    pub fn span(&self, shape: &[usize]) -> Option<u64> {
        if shape.contains(&0) {
            return Some(0);
        }
        let mut last = 0u64;
        for (&length, &stride) in shape.iter().zip(&self.strides) {
            last = last.checked_add((length as u64 - 1).checked_mul(stride)?)?;
        }
        last.checked_add(1)
    }

    /// The range of the file that holds exactly the view's elements in order, if there is one.
    pub fn range(&self, shape: &[usize]) -> Option<Range<u64>> {
        let Bytes::File(range) = &self.bytes else {
            return None;
        };
        if self.big_endian && self.width > 1 {
            return None;
        }
        let mut stride = 1u64;
        for (&length, &own) in shape.iter().zip(&self.strides).rev() {
            if length != 1 && own != stride && !shape.contains(&0) {
                return None;
            }
            stride = stride.checked_mul(length as u64)?;
        }
        let width = self.width as u64;
        let start = range.start.checked_add(self.offset.checked_mul(width)?)?;
        let end = start.checked_add(stride.checked_mul(width)?)?;
        (end <= range.end).then_some(start..end)
    }

    /// The elements, row-major and little-endian. Their number was checked by the caller.
    pub fn read(&self, source: &Source, shape: &[usize]) -> Result<Vec<u8>, ModelError> {
        let width = self.width;
        let count: usize = shape.iter().product();
        let span = self.span(shape).unwrap_or(u64::MAX);
        let (from, size) = (
            self.offset.saturating_mul(width as u64),
            span.saturating_mul(width as u64),
        );
        if from.saturating_add(size) > self.bytes.size() {
            let expected = format!("a storage of {} bytes", from.saturating_add(size));
            let found = format!("{} bytes", self.bytes.size());
            return Err(malformed(
                &source.path,
                "PyTorch checkpoint",
                &expected,
                found,
            ));
        }
        if count == 0 {
            return Ok(Vec::new());
        }
        let storage = self.bytes.read(source, from, size)?;
        let mut out = Vec::with_capacity(count * width);
        let mut position = vec![0usize; shape.len()];
        let mut at = 0u64;
        for _ in 0..count {
            let start = at as usize * width;
            let element = storage.get(start..start + width).unwrap_or_default();
            if self.big_endian {
                out.extend(element.iter().rev());
            } else {
                out.extend_from_slice(element);
            }
            for axis in (0..shape.len()).rev() {
                position[axis] += 1;
                at += self.strides[axis];
                if position[axis] < shape[axis] {
                    break;
                }
                at -= self.strides[axis] * shape[axis] as u64;
                position[axis] = 0;
            }
        }
        Ok(out)
    }
}

/// A source as a stream that can be read from any place, for readers of archives.
pub(super) struct Cursor<'a> {
    source: &'a Source,
    at: u64,
}

impl<'a> Cursor<'a> {
    pub fn new(source: &'a Source) -> Self {
        Self { source, at: 0 }
    }
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.source.size.saturating_sub(self.at);
        let count = rest.min(buffer.len() as u64) as usize;
        self.source.read_into(self.at, &mut buffer[..count])?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

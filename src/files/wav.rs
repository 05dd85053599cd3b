//! WAV files: the chunks of a RIFF file, walked from its beginning to the samples.
//!
//! hound's reader takes a length field of 0 for silence and stops at a chunk of odd length, and other
//! programs write both. This walker takes any chunks in any order before the samples, with their pad
//! bytes (and without them, where a writer forgot them); RIFF, RIFX (most significant byte first), RF64
//! and BW64. Programs that write into a pipe do not know the length: where they left 0 or a number
//! near 2 or 4 GiB, the samples reach to the end of the file. Nothing is guessed from a file's name.
//!
//! What the bytes of a sample mean says `samples`.
//!
//! Source: Microsoft and IBM, *Multimedia Programming Interface and Data Specifications 1.0* (1991);
//! Microsoft, *Multiple Channel Audio Data and WAVE Files*; EBU Tech 3306 (RF64).

mod foreign;
mod samples;
#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod write;

use std::io::Read;
use std::ops::Range;

use super::{Fault, fault};
use samples::Coding;

/// Lengths from here on are no promise but what pipes leave: 0x7FFFF000 (SoX), 0xFFFFFFFF (FFmpeg).
const OPEN: u64 = 0x7fff_0000;
/// Bytes of a format that are looked at; longer ones are of formats that are not read.
const MOST_FORMAT: u64 = 40;
/// Chunks that a file may have in front of its samples.
const MOST_CHUNKS: usize = 10_000;

/// Where the samples of a file are and how they are written.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Samples a second.
    pub rate: u32,
    /// Channels, at least one.
    pub channels: usize,
    /// Samples a channel, at least one.
    pub frames: usize,
    coding: Coding,
    /// First byte of the first sample.
    start: u64,
}

/// What stands between a chunk's name and its end.
struct Chunk {
    name: [u8; 4],
    length: u64,
}

/// A stream read from its beginning to its end, which knows how far it is.
struct Walker<R> {
    stream: R,
    at: u64,
    big_endian: bool,
}

impl<R: Read> Walker<R> {
    fn word(&self, bytes: [u8; 4]) -> u64 {
        u64::from(if self.big_endian {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    }

    /// Up to `count` bytes: fewer at the end of the stream.
    fn some(&mut self, count: u64) -> Result<Vec<u8>, Fault> {
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(count).read_to_end(&mut bytes);
        read.map_err(|e| Fault::new("WAV file", "intact data", crate::files::system(&e)))?;
        self.at += bytes.len() as u64;
        Ok(bytes)
    }

    /// Passes over `count` bytes; how many there were.
    fn skip(&mut self, count: u64) -> Result<u64, Fault> {
        let passed = std::io::copy(&mut (&mut self.stream).take(count), &mut std::io::sink());
        let passed =
            passed.map_err(|e| Fault::new("WAV file", "intact data", crate::files::system(&e)))?;
        self.at += passed;
        Ok(passed)
    }

    /// The next chunk's name and length; `padded` if the last one was of odd length, so that a pad
    /// byte stands before it unless the writer forgot it. `None` at the end of the stream.
    fn chunk(&mut self, padded: bool) -> Result<Option<Chunk>, Fault> {
        let place = self.at;
        let mut head = self.some(8)?;
        if padded && !head.is_empty() {
            let forgotten = head.get(..4).is_some_and(is_known);
            if !forgotten {
                head.remove(0);
                head.extend(self.some(1)?);
            }
        }
        let head: [u8; 8] = match head.try_into() {
            Ok(head) => head,
            Err(short) if short.is_empty() => return Ok(None),
            Err(short) => {
                let found = format!("{} bytes before the end", short.len());
                return fault(format!("WAV file, byte {place}"), "a chunk", found);
            }
        };
        let [a, b, c, d, length @ ..] = head;
        Ok(Some(Chunk {
            name: [a, b, c, d],
            length: self.word(length),
        }))
    }
}

/// Whether a chunk of that name may stand in a WAV file, as far as names are published.
fn is_known(name: &[u8]) -> bool {
    let names: [&[u8; 4]; 28] = [
        b"fmt ", b"data", b"fact", b"LIST", b"list", b"bext", b"cue ", b"smpl", b"inst", b"JUNK",
        b"junk", b"PAD ", b"FLLR", b"PEAK", b"iXML", b"axml", b"chna", b"cart", b"acid", b"plst",
        b"note", b"labl", b"DISP", b"afsp", b"id3 ", b"ID3 ", b"ds64", b"umid",
    ];
    names.iter().any(|known| known.as_slice() == name)
}

/// Whether four bytes may be a chunk's name at all.
fn is_name(name: &[u8; 4]) -> bool {
    name.iter().all(|byte| (b' '..=b'~').contains(byte)) && name[0] != b' '
}

/// A chunk's name for errors.
fn shown(name: &[u8; 4]) -> String {
    if is_name(name) {
        format!("“{}”", String::from_utf8_lossy(name).trim_end())
    } else {
        format!("bytes {name:02x?}")
    }
}

/// What a sound that was to be of another format is, by its first bytes.
pub(crate) fn begins(bytes: &[u8]) -> String {
    foreign::name(bytes)
}

impl Header {
    /// Reads a file's beginning, up to its samples; up to its end where their length is open.
    ///
    /// # Errors
    /// Another format, by its name; a damaged header; no samples.
    pub fn read(stream: impl Read) -> Result<Self, Fault> {
        let mut walker = Walker {
            stream,
            at: 0,
            big_endian: false,
        };
        let head = walker.some(12)?;
        walker.big_endian = match (head.get(..4), head.get(8..12)) {
            (Some(b"RIFF" | b"RF64" | b"BW64"), Some(b"WAVE")) => false,
            (Some(b"RIFX"), Some(b"WAVE")) => true,
            _ => return fault("sound", "a WAV file", foreign::name(&head)),
        };
        let (mut coding, mut long, mut padded) = (None, None, false);
        for _ in 0..MOST_CHUNKS {
            let place = walker.at;
            let Some(chunk) = walker.chunk(padded)? else {
                let wanted = if coding.is_none() { "fmt" } else { "data" };
                return fault("WAV file", format!("a chunk “{wanted}”"), "none");
            };
            let what = format!("WAV file, byte {place}");
            if !is_name(&chunk.name) {
                return fault(what, "a chunk's name", shown(&chunk.name));
            }
            padded = chunk.length % 2 == 1;
            let mut passed = 0;
            match &chunk.name {
                b"fmt " if coding.is_some() => {
                    return fault(what, "one chunk “fmt”", "a second one");
                }
                b"fmt " => {
                    let format = walker.some(chunk.length.min(MOST_FORMAT))?;
                    passed = format.len() as u64;
                    if passed == chunk.length.min(MOST_FORMAT) {
                        coding = Some(Coding::parse(&format, walker.big_endian)?);
                    }
                }
                b"ds64" => {
                    // RIFF's length, that of the samples, their number
                    let sizes = walker.some(chunk.length.min(16))?;
                    passed = sizes.len() as u64;
                    let of_samples = sizes.get(8..16).and_then(|b| b.try_into().ok());
                    long = of_samples.map(u64::from_le_bytes);
                }
                b"data" => {
                    let Some(coding) = coding else {
                        let found = "“data” before any “fmt”";
                        return fault(what, "a chunk “fmt” in front of the samples", found);
                    };
                    let length = match long {
                        Some(long) if chunk.length == 0xffff_ffff => long,
                        _ => chunk.length,
                    };
                    return Self::of(coding, length, walker);
                }
                _ => {}
            }
            let rest = chunk.length.saturating_sub(passed);
            if walker.skip(rest)? < rest {
                let found = format!("the end of the file at byte {}", walker.at);
                let expected = format!("{} bytes", chunk.length);
                return fault(format!("chunk {}", shown(&chunk.name)), expected, found);
            }
        }
        fault("WAV file", format!("at most {MOST_CHUNKS} chunks"), "more")
    }

    /// The header of samples that begin where `walker` stands and claim `length` bytes.
    fn of(coding: Coding, length: u64, mut walker: Walker<impl Read>) -> Result<Self, Fault> {
        let start = walker.at;
        let length = match length {
            0 => open_length(&mut walker)?,
            OPEN.. => walker.skip(length)?,
            length => length,
        };
        let frame = (coding.channels * coding.width) as u64;
        // a recorder that died may leave a part of a frame at the end
        let frames = usize::try_from(length / frame).unwrap_or(usize::MAX);
        if frames == 0 {
            let found = format!("{length} bytes in the chunk “data”");
            return fault("WAV file", "samples", found);
        }
        Ok(Self {
            rate: coding.rate,
            channels: coding.channels,
            frames,
            coding,
            start,
        })
    }

    /// The bytes of some frames in the file.
    pub fn bytes(&self, frames: Range<usize>) -> Range<u64> {
        let frame = (self.channels * self.coding.width) as u64;
        let at = |number: usize| {
            (number as u64)
                .saturating_mul(frame)
                .saturating_add(self.start)
        };
        at(frames.start)..at(frames.end)
    }

    /// The mean over the channels of every frame whose bytes these are, in −1…1.
    ///
    /// # Errors
    /// A number that is not finite; padding of samples that holds something.
    pub fn mixed(&self, bytes: &[u8]) -> Result<Vec<f32>, Fault> {
        self.coding.mixed(bytes)
    }
}

/// The length of samples that claim none: up to the end of the stream, unless what follows are
/// chunks up to that end. Then there are none.
fn open_length(walker: &mut Walker<impl Read>) -> Result<u64, Fault> {
    let start = walker.at;
    let mut padded = false;
    let chunks = loop {
        match walker.chunk(padded) {
            Ok(None) => break true,
            Ok(Some(chunk)) if is_name(&chunk.name) => {
                if walker.skip(chunk.length)? < chunk.length {
                    break false;
                }
                padded = chunk.length % 2 == 1;
            }
            Ok(Some(_)) | Err(_) => break false,
        }
    };
    walker.skip(u64::MAX)?;
    Ok(if chunks { 0 } else { walker.at - start })
}

//! What a JPEG file's headers say: tables, the frame and its channels.

use super::huffman::Huffman;
use crate::files::{Fault, fault};

/// End of image.
pub const EOI: u8 = 0xd9;
/// Start of scan.
pub const SOS: u8 = 0xda;

/// The order in which coefficients are written: place in the 8 × 8 block of each.
pub const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Steps of quantisation, in the order of the block.
pub type Quant = [u16; 64];

/// A channel of a picture.
pub struct Component {
    /// Its number in the file.
    pub id: u8,
    /// Its samples across and down for every [`Frame::most`] of the picture's.
    pub sampling: [usize; 2],
    /// Which quantisation table.
    pub table: usize,
    /// Samples down and across that are of the picture.
    pub samples: [usize; 2],
    /// Blocks down and across that hold those samples.
    pub blocks: [usize; 2],
    /// Blocks down and across with those that fill up the last unit of interleaved channels.
    pub padded: [usize; 2],
    /// Coefficients of all blocks, padded.
    pub coefficients: Vec<[i16; 64]>,
    /// Its quantisation table as its first scan began; `None` before.
    pub quant: Option<Quant>,
}

/// A picture.
pub struct Frame {
    /// Rows of pixels.
    pub height: usize,
    /// Columns of pixels.
    pub width: usize,
    /// Whether coefficients come in several scans.
    pub progressive: bool,
    /// Largest sampling across and down.
    pub most: [usize; 2],
    /// Interleaved units down and across.
    pub units: [usize; 2],
    /// Its channels.
    pub components: Vec<Component>,
}

/// How channels become red, green and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    /// One channel.
    Grey,
    /// Luma and two chromas.
    YCbCr,
    /// As they are.
    Rgb,
    /// Four inks, inverted.
    Cmyk,
    /// The first three of them as luma and chromas.
    Ycck,
}

/// Tables and remarks before and between scans.
#[derive(Default)]
pub struct Tables {
    /// Quantisation.
    pub quant: [Option<Quant>; 4],
    /// Codes of the first coefficient.
    pub dc: [Option<Huffman>; 4],
    /// Codes of the others.
    pub ac: [Option<Huffman>; 4],
    /// Units between restart markers; 0 for none.
    pub restart: usize,
    jfif: bool,
    /// Adobe's word on the colours.
    adobe: Option<u8>,
}

/// Marker, contents and end.
pub type Segment<'a> = (u8, &'a [u8], usize);

/// The next marker at or after `at`, with its contents; `None` where there is none.
pub fn segment(bytes: &[u8], mut at: usize) -> Result<Option<Segment<'_>>, Fault> {
    if at == 0 && !bytes.starts_with(&[0xff, 0xd8]) {
        return fault("JPEG", "FF D8 at the start", "other bytes");
    }
    loop {
        // Bytes that belong to nothing are passed over, as libjpeg does.
        let Some(found) = bytes
            .get(at..)
            .and_then(|rest| rest.iter().position(|b| *b == 0xff))
        else {
            return Ok(None);
        };
        at += found;
        while bytes.get(at) == Some(&0xff) {
            at += 1;
        }
        let Some(&marker) = bytes.get(at) else {
            return Ok(None);
        };
        at += 1;
        match marker {
            // Stuffing, restarts, start of image: nothing follows them.
            0 | 1 | 0xd0..=0xd8 => {}
            EOI => return Ok(Some((EOI, &[], at))),
            _ => {
                let length = bytes.get(at..at + 2).map(|b| usize::from(be(b)));
                let end = at.saturating_add(length.unwrap_or(0));
                return match (length, bytes.get(at + 2..end)) {
                    (Some(2..), Some(body)) => Ok(Some((marker, body, end))),
                    _ => fault(
                        format!("JPEG segment {marker:02X}"),
                        "whole",
                        "the file ends in it",
                    ),
                };
            }
        }
    }
}

fn be(bytes: &[u8]) -> u16 {
    u16::from(bytes[0]) << 8 | u16::from(bytes[1])
}

impl Tables {
    /// Takes what a segment says; gives the frame if it is one. `bytes` are all that the file has.
    pub fn take(&mut self, marker: u8, body: &[u8], bytes: usize) -> Result<Option<Frame>, Fault> {
        match marker {
            0xc0..=0xc2 => return frame(body, marker == 0xc2, bytes).map(Some),
            0xc4 => self.codes(body)?,
            0xdb => self.steps(body)?,
            0xdd => match body {
                [a, b] => self.restart = usize::from(be(&[*a, *b])),
                _ => return fault("JPEG restart interval", "2 bytes", body.len()),
            },
            0xc3 | 0xc5..=0xc7 | 0xcb | 0xcd..=0xcf => {
                return fault(
                    "JPEG coding",
                    "baseline or progressive",
                    "lossless or hierarchical",
                );
            }
            0xc9 | 0xca | 0xcc => {
                return fault("JPEG coding", "Huffman codes", "arithmetic coding");
            }
            0xdc => return fault("JPEG", "its height in the frame", "its height at the end"),
            0xe0 => self.jfif |= body.starts_with(b"JFIF\0"),
            0xee if body.starts_with(b"Adobe") && body.len() >= 12 => self.adobe = Some(body[11]),
            _ => {}
        }
        Ok(None)
    }

    /// Quantisation tables.
    fn steps(&mut self, mut body: &[u8]) -> Result<(), Fault> {
        while let Some((&head, rest)) = body.split_first() {
            let (wide, table) = (head >> 4, usize::from(head & 15));
            let size = if wide == 0 { 64 } else { 128 };
            let (Some(values), true) = (rest.get(..size), table < 4 && wide < 2) else {
                return fault("JPEG quantisation table", "64 numbers for table 0 to 3", "");
            };
            let mut steps = [0; 64];
            for (i, place) in ZIGZAG.into_iter().enumerate() {
                steps[place] = match wide {
                    0 => u16::from(values[i]),
                    _ => be(&values[2 * i..]),
                };
            }
            self.quant[table] = Some(steps);
            body = &rest[size..];
        }
        Ok(())
    }

    /// Huffman codes.
    fn codes(&mut self, mut body: &[u8]) -> Result<(), Fault> {
        while let Some((&head, rest)) = body.split_first() {
            let (class, table) = (head >> 4, usize::from(head & 15));
            let Some(counts) = rest.get(..16) else {
                return fault("JPEG Huffman table", "16 counts", rest.len());
            };
            let total: usize = counts.iter().map(|&c| usize::from(c)).sum();
            let (Some(symbols), true) = (rest.get(16..16 + total), table < 4 && class < 2) else {
                let found = format!("class {class}, table {table}, {total} symbols");
                return fault("JPEG Huffman table", "table 0 to 3, all symbols", found);
            };
            let codes = Huffman::new(counts, symbols)?;
            match class {
                0 if symbols.iter().any(|s| *s > 15) => {
                    return fault("JPEG Huffman table", "lengths up to 15 bits", "more");
                }
                0 => self.dc[table] = Some(codes),
                _ => self.ac[table] = Some(codes),
            }
            body = &rest[16 + total..];
        }
        Ok(())
    }

    /// How the channels are coded, by libjpeg's rules.
    pub fn colours(&self, frame: &Frame) -> Colours {
        let ids: Vec<u8> = frame.components.iter().map(|c| c.id).collect();
        match (ids.as_slice(), self.adobe) {
            ([_], _) => Colours::Grey,
            ([_, _, _], _) if self.jfif => Colours::YCbCr,
            ([_, _, _], Some(0)) => Colours::Rgb,
            ([_, _, _], Some(_)) => Colours::YCbCr,
            ([b'R', b'G', b'B'], None) => Colours::Rgb,
            ([_, _, _], None) => Colours::YCbCr,
            (_, None | Some(0)) => Colours::Cmyk,
            (_, Some(_)) => Colours::Ycck,
        }
    }
}

/// The frame, with room for its coefficients.
fn frame(body: &[u8], progressive: bool, bytes: usize) -> Result<Frame, Fault> {
    let Some((head, rest)) = body.split_at_checked(6) else {
        return fault("JPEG frame", "at least 6 bytes", body.len());
    };
    let [height, width] = [1, 3].map(|at| usize::from(be(&head[at..])));
    let count = usize::from(head[5]);
    if head[0] != 8 {
        return fault("JPEG bits a sample", "8", head[0]);
    }
    if height == 0 || width == 0 {
        return fault("JPEG size", "1 to 65535", format!("{height} × {width}"));
    }
    if ![1, 3, 4].contains(&count) || rest.len() < 3 * count {
        return fault("JPEG channels", "1, 3 or 4", count);
    }
    let heads: Vec<&[u8]> = rest.chunks_exact(3).take(count).collect();
    let mut most = [1, 1];
    for head in &heads {
        let sampling = [usize::from(head[1] >> 4), usize::from(head[1] & 15)];
        if sampling.iter().any(|s| !(1..=4).contains(s)) || head[2] > 3 {
            let found = format!("{sampling:?}, table {}", head[2]);
            return fault("JPEG channel", "sampling 1 to 4, table 0 to 3", found);
        }
        most = [most[0].max(sampling[0]), most[1].max(sampling[1])];
    }
    let units = [height.div_ceil(8 * most[1]), width.div_ceil(8 * most[0])];
    let mut components = Vec::with_capacity(count);
    let mut total = 0usize;
    for head in heads {
        let sampling = [usize::from(head[1] >> 4), usize::from(head[1] & 15)];
        let samples = [
            (height * sampling[1]).div_ceil(most[1]),
            (width * sampling[0]).div_ceil(most[0]),
        ];
        let padded = [units[0] * sampling[1], units[1] * sampling[0]];
        let blocks = samples.map(|s| s.div_ceil(8));
        total += blocks[0] * blocks[1];
        components.push(Component {
            id: head[0],
            sampling,
            table: usize::from(head[2]),
            samples,
            blocks,
            padded,
            coefficients: Vec::new(),
            quant: None,
        });
    }
    if total > 8 * bytes {
        let expected = format!("at most {} blocks, a bit each", 8 * bytes);
        return fault("JPEG blocks", expected, total);
    }
    Ok(Frame {
        height,
        width,
        progressive,
        most,
        units,
        components,
    })
}

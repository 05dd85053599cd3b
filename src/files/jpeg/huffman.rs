//! Bits of a scan and the codes in them.

use crate::files::{Fault, fault};

/// Bits that are looked up at once.
const LOOK: u32 = 9;

/// A Huffman code.
pub struct Huffman {
    /// Length and symbol by the next bits; length 0 for longer codes.
    table: Vec<(u8, u8)>,
    /// Largest code of every length, left-aligned to 16 bits and exclusive; 0 for none.
    limits: [u32; 17],
    /// What is added to a code of every length to give its place among the symbols.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Huffman {
    /// From how many codes of each length there are and their symbols in order.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Result<Self, Fault> {
        let mut table = vec![(0, 0); 1 << LOOK];
        let (mut limits, mut offsets) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0u32, 0usize);
        for (length, &count) in (1u32..=16).zip(counts) {
            offsets[length as usize] = place as i32 - code as i32;
            for _ in 0..count {
                if length <= LOOK {
                    let first = (code << (LOOK - length)) as usize;
                    let run = 1usize << (LOOK - length);
                    let Some(slots) = table.get_mut(first..first + run) else {
                        return fault("JPEG Huffman table", "codes that fit", "too many");
                    };
                    slots.fill((length as u8, symbols[place]));
                }
                code += 1;
                place += 1;
            }
            if code > 1 << length {
                return fault("JPEG Huffman table", "codes that fit", "too many");
            }
            if count > 0 {
                limits[length as usize] = code << (16 - length);
            }
            code <<= 1;
        }
        Ok(Self {
            table,
            limits,
            offsets,
            symbols: symbols.to_vec(),
        })
    }
}

/// The bits of a scan up to its next marker.
pub struct Bits<'a> {
    bytes: &'a [u8],
    /// Where reading goes on.
    pub at: usize,
    held: u64,
    count: u32,
    /// Zeros that were added after the last bit there is.
    added: u64,
}

impl<'a> Bits<'a> {
    /// From byte `at` on.
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            held: 0,
            count: 0,
            added: 0,
        }
    }

    fn fill(&mut self) {
        while self.count <= 56 {
            let byte = match (self.bytes.get(self.at), self.bytes.get(self.at + 1)) {
                (Some(0xff), Some(0)) => {
                    self.at += 2;
                    0xff
                }
                (Some(0xff), Some(0xff)) => {
                    self.at += 1;
                    continue;
                }
                (Some(0xff), _) | (None, _) => {
                    self.added += 8;
                    0
                }
                (Some(&byte), _) => {
                    self.at += 1;
                    byte
                }
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    /// The next `count` bits, at most 16, without taking them.
    fn peek(&mut self, count: u32) -> u32 {
        if self.count < count {
            self.fill();
        }
        (self.held >> (self.count - count)) as u32 & ((1 << count) - 1)
    }

    /// Takes `count` bits, at most 16.
    pub fn take(&mut self, count: u32) -> u32 {
        if count == 0 {
            return 0;
        }
        let bits = self.peek(count);
        self.count -= count;
        bits
    }

    /// A symbol.
    pub fn symbol(&mut self, code: &Huffman) -> Result<u8, Fault> {
        let next = self.peek(16);
        let (length, symbol) = code.table[(next >> (16 - LOOK)) as usize];
        if length > 0 {
            self.count -= u32::from(length);
            return Ok(symbol);
        }
        for length in LOOK + 1..=16 {
            if next < code.limits[length as usize] {
                let place = (next >> (16 - length)) as i32 + code.offsets[length as usize];
                self.count -= length;
                let symbol = usize::try_from(place).ok();
                if let Some(&symbol) = symbol.and_then(|p| code.symbols.get(p)) {
                    return Ok(symbol);
                }
                break;
            }
        }
        self.check()?;
        fault("JPEG data", "a code of the table", "none that fits")
    }

    /// A number of `size` bits, whose first bit tells the sign.
    pub fn signed(&mut self, size: u32) -> i32 {
        if size == 0 {
            return 0;
        }
        let bits = self.take(size) as i32;
        if bits < 1 << (size - 1) {
            bits - (1 << size) + 1
        } else {
            bits
        }
    }

    /// Refuses what was read beyond the last bit.
    pub fn check(&self) -> Result<(), Fault> {
        if self.added > u64::from(self.count) {
            let found = match self.bytes.get(self.at) {
                None => "the file ends before",
                Some(_) => "a marker before",
            };
            return fault("JPEG data", "all blocks of the scan", found);
        }
        Ok(())
    }
}

//! What each opcode does. Those that would create objects are refused by name.
//!
//! Source: CPython's `pickletools`.

use super::machine::Machine;
use super::{Data, Foreign, MOST_VALUES, Node};
use crate::files::Fault;

impl Machine<'_> {
    /// Does what `op` asks.
    pub(super) fn step(&mut self, op: u8) -> Result<(), Fault> {
        match op {
            0x80 => match self.byte()? {
                0..=5 => Ok(()),
                other => self.wrong("pickle protocol 0 to 5", other),
            },
            0x95 => self.number(8).map(drop),
            b'(' => {
                if self.marks.len() >= MOST_VALUES {
                    return self.wrong(format!("at most {MOST_VALUES} marks"), "more");
                }
                self.marks.push(self.stack.len());
                Ok(())
            }
            b'0' if self.marks.last() == Some(&self.stack.len()) => self.marked().map(drop),
            b'0' => self.pop().map(drop),
            b'1' => self.marked().map(drop),
            b'2' => {
                let id = self.top()?;
                self.push_id(id)
            }
            // numbers
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'I' | b'L' => {
                let line = self.line()?.trim().trim_end_matches('L');
                match (line, line.parse()) {
                    ("00", _) if op == b'I' => self.push(Node::Bool(false)),
                    ("01", _) if op == b'I' => self.push(Node::Bool(true)),
                    (_, Ok(value)) => self.push(Node::Int(value)),
                    _ if self.foreign == Foreign::Keep => self.push(Node::Long),
                    _ => self.wrong("an integer of 64 bits", line),
                }
            }
            b'J' => {
                let value = self.number(4)? as u32 as i32;
                self.push(Node::Int(value.into()))
            }
            b'K' => {
                let value = self.number(1)?;
                self.push(Node::Int(value as i64))
            }
            b'M' => {
                let value = self.number(2)?;
                self.push(Node::Int(value as i64))
            }
            0x8a | 0x8b => self.long(if op == 0x8a { 1 } else { 4 }),
            b'F' => match self.line()?.trim().parse() {
                Ok(value) => self.push(Node::Float(value)),
                Err(e) => self.wrong("a float", e),
            },
            b'G' => {
                let value = self.number(8)?.swap_bytes();
                self.push(Node::Float(f64::from_bits(value)))
            }
            // texts and bytes
            b'X' | 0x8c | 0x8d => {
                let data = self.counted(match op {
                    b'X' => 4,
                    0x8c => 1,
                    _ => 8,
                })?;
                self.text(data)
            }
            b'B' | b'T' | b'C' | b'U' | 0x8e | 0x96 => {
                let data = self.counted(match op {
                    b'B' | b'T' => 4,
                    b'C' | b'U' => 1,
                    _ => 8,
                })?;
                self.push(Node::Bytes(data))
            }
            b'S' => {
                let line = self.line()?;
                let bytes = self.unquote(line)?;
                let data = self.owned(bytes)?;
                self.push(Node::Bytes(data))
            }
            b'V' => {
                let line = self.raw_line()?;
                // raw-unicode-escape: latin1 with escapes
                let line: String = line.iter().copied().map(char::from).collect();
                let text = self.unescape(&line)?;
                let data = self.owned(text.into_bytes())?;
                self.push(Node::Text(data))
            }
            0x98 => Ok(()), // the buffer below is read-only: it is for us
            // collections
            b']' => self.push(Node::List(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            b')' => self.push(Node::Tuple([].into())),
            b'l' => {
                let items = self.marked()?;
                self.push(Node::List(items))
            }
            b't' => {
                let items = self.marked()?;
                self.push(Node::Tuple(items.into_boxed_slice()))
            }
            b'd' => {
                let items = self.marked()?;
                self.push(Node::Dict(Vec::new()))?;
                self.insert(&items)
            }
            0x85..=0x87 => self.some(usize::from(op - 0x84)),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])
            }
            b'e' => {
                let items = self.marked()?;
                self.append(items)
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.insert(&[key, value])
            }
            b'u' => {
                let items = self.marked()?;
                self.insert(&items)
            }
            // memo
            b'p' | b'g' => {
                let line = self.line()?;
                match (line.trim().parse(), op) {
                    (Ok(key), b'p') => self.remember(key),
                    (Ok(key), _) => self.recall(key),
                    _ => self.wrong("a memo's number", line),
                }
            }
            b'q' | b'r' => {
                let key = self.number(if op == b'q' { 1 } else { 4 })?;
                self.remember(key)
            }
            b'h' | b'j' => {
                let key = self.number(if op == b'h' { 1 } else { 4 })?;
                self.recall(key)
            }
            0x94 => self.remember(self.memo.len() as u64),
            // names and calls
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (module, name) = (self.text_of(module)?, self.text_of(name)?);
                self.global(&module, &name)
            }
            b'R' => {
                let (arguments, function) = (self.pop()?, self.pop()?);
                let id = match self.foreign {
                    Foreign::Refuse => self.call(function, arguments)?,
                    Foreign::Keep => self.call_or_keep(function, arguments)?,
                };
                self.push_id(id)
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                match self.foreign {
                    Foreign::Refuse => self.build(object, state),
                    Foreign::Keep => self.build_or_keep(object, state),
                }
            }
            _ if self.foreign == Foreign::Keep => self.keep(op),
            _ => self.refuse(op),
        }
    }

    /// An integer of up to 8 bytes, two's complement.
    fn long(&mut self, width: usize) -> Result<(), Fault> {
        let Data::Raw(range) = self.counted(width)? else {
            return self.wrong("an integer", "none");
        };
        let bytes = &self.input[range];
        if bytes.len() > 8 && self.foreign == Foreign::Keep {
            return self.push(Node::Long);
        }
        if bytes.len() > 8 {
            return self.wrong("an integer of 64 bits", format!("{} bytes", bytes.len()));
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut word = [if negative { 0xff } else { 0 }; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(word)))
    }

    /// Opcodes that create objects, and bytes that are no opcode.
    pub(super) fn refuse(&self, op: u8) -> Result<(), Fault> {
        let name = match op {
            b'i' => "INST",
            b'o' => "OBJ",
            b'P' => "PERSID",
            b'Q' => "BINPERSID",
            0x81 => "NEWOBJ",
            0x92 => "NEWOBJ_EX",
            0x82..=0x84 => "EXT",
            0x8f => "EMPTY_SET",
            0x90 => "ADDITEMS",
            0x91 => "FROZENSET",
            0x97 => "NEXT_BUFFER",
            _ => "unknown",
        };
        self.wrong(
            "arrays, numbers, texts, lists, tuples and dictionaries alone",
            format!("opcode {name} (0x{op:02x})"),
        )
    }
}

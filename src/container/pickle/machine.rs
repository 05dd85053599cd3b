//! The stack machine: opcodes to values. What is called is in [`super::build`].

use std::collections::HashMap;

use super::{Data, Id, MOST_VALUES, Node, Pickle, bytes_of};
use crate::container::{Fault, fault};

pub(super) struct Machine<'a> {
    pub(super) input: &'a [u8],
    at: usize,
    /// Where the current opcode stands.
    op: usize,
    pub(super) nodes: Vec<Node>,
    stack: Vec<Id>,
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// Bytes made by decoding, which together stay in proportion to the file.
    made: usize,
}

pub(super) fn run(input: &[u8]) -> Result<Pickle<'_>, Fault> {
    let mut machine = Machine {
        input,
        at: 0,
        op: 0,
        nodes: vec![Node::None, Node::Bool(false), Node::Bool(true)],
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        made: 0,
    };
    loop {
        machine.op = machine.at;
        let op = machine.byte()?;
        if op == b'.' {
            break;
        }
        machine.step(op)?;
    }
    let root = machine.pop()?;
    Ok(Pickle {
        input,
        nodes: machine.nodes,
        root,
    })
}

impl<'a> Machine<'a> {
    /// A fault at the current opcode.
    pub(super) fn wrong<T>(
        &self,
        expected: impl ToString,
        found: impl ToString,
    ) -> Result<T, Fault> {
        fault(format!("pickle, byte {}", self.op), expected, found)
    }

    fn take(&mut self, count: usize) -> Result<std::ops::Range<usize>, Fault> {
        let end = self.at.checked_add(count);
        match end.filter(|&end| end <= self.input.len()) {
            Some(end) => Ok(std::mem::replace(&mut self.at, end)..end),
            None => {
                let rest = self.input.len() - self.at;
                self.wrong(format!("{count} bytes"), format!("{rest} bytes"))
            }
        }
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        let range = self.take(1)?;
        Ok(self.input[range.start])
    }

    /// An unsigned number of `width` ≤ 8 bytes, least significant first.
    fn number(&mut self, width: usize) -> Result<u64, Fault> {
        let range = self.take(width)?;
        let mut word = [0; 8];
        word[..width].copy_from_slice(&self.input[range]);
        Ok(u64::from_le_bytes(word))
    }

    /// Bytes behind their length of `width` bytes.
    fn counted(&mut self, width: usize) -> Result<Data, Fault> {
        let count = self.number(width)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Data::Raw(self.take(count)?))
    }

    /// The rest of the line, as text.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let line = self.raw_line()?;
        std::str::from_utf8(line).or_else(|e| self.wrong("UTF-8", e))
    }

    fn raw_line(&mut self) -> Result<&'a [u8], Fault> {
        let input = self.input;
        let rest = &input[self.at..];
        let end = rest.iter().take(1 << 20).position(|&b| b == b'\n');
        let Some(end) = end else {
            return self.wrong("a line", "none within a megabyte");
        };
        self.at += end + 1;
        Ok(&rest[..end])
    }

    pub(super) fn add(&mut self, node: Node) -> Result<Id, Fault> {
        if self.nodes.len() >= MOST_VALUES {
            return self.wrong(format!("at most {MOST_VALUES} values"), "more");
        }
        self.nodes.push(node);
        Ok(self.nodes.len() as Id - 1)
    }

    /// Bytes of its own; all of them together stay in proportion to the file.
    pub(super) fn own(&mut self, bytes: Vec<u8>) -> Result<Data, Fault> {
        self.spend(bytes.len())?;
        Ok(Data::Made(bytes.into_boxed_slice()))
    }

    /// Counts bytes that are made from others: a text as bytes, bytes in an array.
    pub(super) fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        self.made = self.made.saturating_add(bytes);
        if self.made > self.input.len().saturating_mul(4) {
            return self.wrong("a file whose contents are used once", "copies of copies");
        }
        Ok(())
    }

    fn push_id(&mut self, id: Id) -> Result<(), Fault> {
        if self.stack.len() >= MOST_VALUES {
            return self.wrong(format!("at most {MOST_VALUES} values"), "more");
        }
        self.stack.push(id);
        Ok(())
    }

    fn push(&mut self, node: Node) -> Result<(), Fault> {
        let id = match node {
            Node::None => 0,
            Node::Bool(value) => 1 + Id::from(value),
            node => self.add(node)?,
        };
        self.push_id(id)
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > floor {
            true => Ok(self.stack.pop().unwrap_or_default()),
            false => self.wrong("a value on the stack", "none"),
        }
    }

    fn top(&mut self) -> Result<Id, Fault> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(id)
    }

    /// Everything above the last mark.
    fn marked(&mut self) -> Result<Vec<Id>, Fault> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => self.wrong("a mark on the stack", "none"),
        }
    }

    fn some(&mut self, count: usize) -> Result<(), Fault> {
        let mut items = (0..count)
            .map(|_| self.pop())
            .collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Node::Tuple(items.into_boxed_slice()))
    }

    fn remember(&mut self, key: u64) -> Result<(), Fault> {
        let id = self.top()?;
        if self.memo.len() >= MOST_VALUES {
            return self.wrong(format!("at most {MOST_VALUES} values"), "more");
        }
        match u32::try_from(key) {
            Ok(key) => drop(self.memo.insert(key, id)),
            Err(_) => return self.wrong("a memo of 32 bits", key),
        }
        Ok(())
    }

    fn recall(&mut self, key: u64) -> Result<(), Fault> {
        let id = u32::try_from(key).ok().and_then(|k| self.memo.get(&k));
        match id.copied() {
            Some(id) => self.push_id(id),
            None => self.wrong("a memo that was written", key),
        }
    }

    fn append(&mut self, mut items: Vec<Id>) -> Result<(), Fault> {
        let id = self.top()?;
        match &mut self.nodes[id as usize] {
            Node::List(list) => list.append(&mut items),
            _ => return self.wrong("a list to append to", self.name(id)),
        }
        Ok(())
    }

    fn insert(&mut self, items: &[Id]) -> Result<(), Fault> {
        let id = self.top()?;
        if !items.len().is_multiple_of(2) {
            return self.wrong("keys with values", format!("{} items", items.len()));
        }
        match &mut self.nodes[id as usize] {
            Node::Dict(dict) => dict.extend(items.chunks_exact(2).map(|kv| (kv[0], kv[1]))),
            _ => return self.wrong("a dictionary to fill", self.name(id)),
        }
        Ok(())
    }

    /// What a value is, for errors.
    pub(super) fn name(&self, id: Id) -> &'static str {
        super::value::name(&self.nodes[id as usize])
    }

    pub(super) fn data<'s>(&'s self, data: &'s Data) -> &'s [u8] {
        bytes_of(self.input, data)
    }

    fn text(&mut self, data: Data) -> Result<(), Fault> {
        if let Err(e) = std::str::from_utf8(self.data(&data)) {
            return self.wrong("UTF-8", e);
        }
        self.push(Node::Text(data))
    }

    fn global(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        let callable = self.callable(module, name)?;
        self.push(Node::Callable(callable))
    }

    fn text_of(&self, id: Id) -> Result<String, Fault> {
        match &self.nodes[id as usize] {
            Node::Text(data) => Ok(String::from_utf8_lossy(self.data(data)).into_owned()),
            _ => self.wrong("a name", self.name(id)),
        }
    }

    fn step(&mut self, op: u8) -> Result<(), Fault> {
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
                let data = self.own(bytes)?;
                self.push(Node::Bytes(data))
            }
            b'V' => {
                let line = self.raw_line()?;
                // raw-unicode-escape: latin1 with escapes
                let line: String = line.iter().copied().map(char::from).collect();
                let text = self.unescape(&line)?;
                let data = self.own(text.into_bytes())?;
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
                let id = self.call(function, arguments)?;
                self.push_id(id)
            }
            b'b' => {
                let state = self.pop()?;
                let object = self.top()?;
                self.build(object, state)
            }
            _ => self.refuse(op),
        }
    }

    /// An integer of up to 8 bytes, two's complement.
    fn long(&mut self, width: usize) -> Result<(), Fault> {
        let Data::Raw(range) = self.counted(width)? else {
            return self.wrong("an integer", "none");
        };
        let bytes = &self.input[range];
        if bytes.len() > 8 {
            return self.wrong("an integer of 64 bits", format!("{} bytes", bytes.len()));
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut word = [if negative { 0xff } else { 0 }; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        self.push(Node::Int(i64::from_le_bytes(word)))
    }

    /// Opcodes that create objects, and bytes that are no opcode.
    fn refuse(&self, op: u8) -> Result<(), Fault> {
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

//! The stack machine: stack, marks, memo and the input under them. What an opcode does is in
//! [`super::opcodes`], what is called in [`super::build`].

use std::collections::HashMap;

use super::{Data, Foreign, Id, MOST_VALUES, Node, Pickle, bytes_of};
use crate::files::{Fault, fault};

pub(super) struct Machine<'a> {
    pub(super) input: &'a [u8],
    at: usize,
    /// Where the current opcode stands.
    op: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) stack: Vec<Id>,
    pub(super) marks: Vec<usize>,
    pub(super) memo: HashMap<u32, Id>,
    /// Bytes made by decoding, which together stay in proportion to the file.
    made: usize,
    pub(super) foreign: Foreign,
}

/// Runs one pickle; also gives its length.
pub(super) fn run(input: &[u8], foreign: Foreign) -> Result<(Pickle<'_>, usize), Fault> {
    let mut machine = Machine {
        input,
        foreign,
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
    let pickle = Pickle {
        input,
        nodes: machine.nodes,
        root,
    };
    Ok((pickle, machine.at))
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

    pub(super) fn byte(&mut self) -> Result<u8, Fault> {
        let range = self.take(1)?;
        Ok(self.input[range.start])
    }

    /// An unsigned number of `width` ≤ 8 bytes, least significant first.
    pub(super) fn number(&mut self, width: usize) -> Result<u64, Fault> {
        let range = self.take(width)?;
        let mut word = [0; 8];
        word[..width].copy_from_slice(&self.input[range]);
        Ok(u64::from_le_bytes(word))
    }

    /// Bytes behind their length of `width` bytes.
    pub(super) fn counted(&mut self, width: usize) -> Result<Data, Fault> {
        let count = self.number(width)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(Data::Raw(self.take(count)?))
    }

    /// The rest of the line, as text.
    pub(super) fn line(&mut self) -> Result<&'a str, Fault> {
        let line = self.raw_line()?;
        std::str::from_utf8(line).or_else(|e| self.wrong("UTF-8", e))
    }

    pub(super) fn raw_line(&mut self) -> Result<&'a [u8], Fault> {
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
    pub(super) fn owned(&mut self, bytes: Vec<u8>) -> Result<Data, Fault> {
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

    pub(super) fn push_id(&mut self, id: Id) -> Result<(), Fault> {
        if self.stack.len() >= MOST_VALUES {
            return self.wrong(format!("at most {MOST_VALUES} values"), "more");
        }
        self.stack.push(id);
        Ok(())
    }

    pub(super) fn push(&mut self, node: Node) -> Result<(), Fault> {
        let id = match node {
            Node::None => 0,
            Node::Bool(value) => 1 + Id::from(value),
            node => self.add(node)?,
        };
        self.push_id(id)
    }

    pub(super) fn pop(&mut self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.len() > floor {
            true => Ok(self.stack.pop().unwrap_or_default()),
            false => self.wrong("a value on the stack", "none"),
        }
    }

    pub(super) fn top(&mut self) -> Result<Id, Fault> {
        let id = self.pop()?;
        self.stack.push(id);
        Ok(id)
    }

    /// Everything above the last mark.
    pub(super) fn marked(&mut self) -> Result<Vec<Id>, Fault> {
        match self.marks.pop() {
            Some(mark) => Ok(self.stack.split_off(mark)),
            None => self.wrong("a mark on the stack", "none"),
        }
    }

    pub(super) fn some(&mut self, count: usize) -> Result<(), Fault> {
        let mut items = (0..count)
            .map(|_| self.pop())
            .collect::<Result<Vec<_>, _>>()?;
        items.reverse();
        self.push(Node::Tuple(items.into_boxed_slice()))
    }

    pub(super) fn remember(&mut self, key: u64) -> Result<(), Fault> {
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

    pub(super) fn recall(&mut self, key: u64) -> Result<(), Fault> {
        let id = u32::try_from(key).ok().and_then(|k| self.memo.get(&k));
        match id.copied() {
            Some(id) => self.push_id(id),
            None => self.wrong("a memo that was written", key),
        }
    }

    pub(super) fn append(&mut self, mut items: Vec<Id>) -> Result<(), Fault> {
        let id = self.top()?;
        match &mut self.nodes[id as usize] {
            Node::List(list) => list.append(&mut items),
            Node::Object(object) => object.items.append(&mut items),
            _ => return self.wrong("a list to append to", self.name(id)),
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, items: &[Id]) -> Result<(), Fault> {
        let id = self.top()?;
        if !items.len().is_multiple_of(2) {
            return self.wrong("keys with values", format!("{} items", items.len()));
        }
        match &mut self.nodes[id as usize] {
            Node::Dict(dict) => dict.extend(items.chunks_exact(2).map(|kv| (kv[0], kv[1]))),
            Node::Object(object) => {
                let pairs = items.chunks_exact(2).map(|kv| (kv[0], kv[1]));
                object.entries.extend(pairs);
            }
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

    pub(super) fn text(&mut self, data: Data) -> Result<(), Fault> {
        if let Err(e) = std::str::from_utf8(self.data(&data)) {
            if self.foreign == Foreign::Keep {
                // lone surrogates, which Python writes as three bytes
                return self.push(Node::Bytes(data));
            }
            return self.wrong("UTF-8", e);
        }
        self.push(Node::Text(data))
    }

    pub(super) fn global(&mut self, module: &str, name: &str) -> Result<(), Fault> {
        match self.callable(module, name) {
            Ok(callable) => self.push(Node::Callable(callable)),
            Err(_) if self.foreign == Foreign::Keep => self.foreign_name(module, name),
            Err(e) => Err(e),
        }
    }

    pub(super) fn text_of(&self, id: Id) -> Result<String, Fault> {
        match &self.nodes[id as usize] {
            Node::Text(data) => Ok(String::from_utf8_lossy(self.data(data)).into_owned()),
            _ => self.wrong("a name", self.name(id)),
        }
    }
}

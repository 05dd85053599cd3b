//! The six functions that a pickle of arrays names, and the state that it sets on what they make.

use super::machine::Machine;
use super::{Callable, Data, Id, Node, Type};
use crate::files::Fault;
use crate::files::array::Layout;
use crate::files::element::Element;

impl Machine<'_> {
    /// The function of that name, if it is one of NumPy's for arrays.
    pub(super) fn callable(&self, module: &str, name: &str) -> Result<Callable, Fault> {
        let module_of_core = module.replacen("numpy._core", "numpy.core", 1);
        match (module_of_core.as_str(), name) {
            ("numpy.core.multiarray", "_reconstruct") => Ok(Callable::Reconstruct),
            ("numpy.core.numeric", "_frombuffer") => Ok(Callable::FromBuffer),
            ("numpy.core.multiarray", "scalar") => Ok(Callable::Scalar),
            ("numpy", "ndarray") => Ok(Callable::Ndarray),
            ("numpy", "dtype") => Ok(Callable::Dtype),
            ("_codecs", "encode") => Ok(Callable::Encode),
            _ => self.wrong(
                "NumPy arrays alone; a pickle is never executed",
                format!("the name {module}.{name}"),
            ),
        }
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id as usize]
    }

    fn tuple(&self, id: Id) -> Result<Vec<Id>, Fault> {
        match self.node(id) {
            // arguments and shapes are short; NumPy has at most 64 axes
            Node::Tuple(items) if items.len() <= 64 => Ok(items.to_vec()),
            _ => self.wrong("a short tuple", self.name(id)),
        }
    }

    fn shape(&self, id: Id) -> Result<Vec<usize>, Fault> {
        let sides = self.tuple(id)?;
        let side = |&id: &Id| match self.node(id) {
            Node::Int(n) => usize::try_from(*n).or_else(|_| self.wrong("a length", n)),
            _ => self.wrong("a length", self.name(id)),
        };
        sides.iter().map(side).collect()
    }

    fn short_text(&self, id: Id) -> Result<String, Fault> {
        match self.node(id) {
            Node::Text(data) | Node::Bytes(data) => {
                let bytes = self.data(data);
                let bytes = &bytes[..bytes.len().min(64)];
                Ok(String::from_utf8_lossy(bytes).into_owned())
            }
            _ => self.wrong("a short text", self.name(id)),
        }
    }

    fn element(&self, id: Id) -> Result<Type, Fault> {
        match self.node(id) {
            Node::Type(element) => Ok(*element),
            _ => self.wrong("an element type", self.name(id)),
        }
    }

    /// Calls `function` with the tuple `arguments`.
    pub(super) fn call(&mut self, function: Id, arguments: Id) -> Result<Id, Fault> {
        let Node::Callable(function) = *self.node(function) else {
            return self.wrong("a function to call", self.name(function));
        };
        let arguments = self.tuple(arguments)?;
        match (function, arguments.as_slice()) {
            (Callable::Reconstruct, &[class, ..]) => match self.node(class) {
                Node::Callable(Callable::Ndarray) => self.add(Node::Blank),
                _ => self.wrong("numpy.ndarray", self.name(class)),
            },
            (Callable::Dtype, &[descr, ..]) => {
                let descr = self.short_text(descr)?;
                let element = match descr.as_str() {
                    "O" | "O8" | "O4" | "|O" => Type::Object,
                    descr => Type::Plain(self.plain(descr)?),
                };
                self.add(Node::Type(element))
            }
            (Callable::FromBuffer, &[data, element, shape, order]) => {
                let fortran = self.short_text(order)? == "F";
                let shape = self.shape(shape)?;
                let element = self.element(element)?;
                let node = self.array(element, shape, fortran, data)?;
                self.add(node)
            }
            (Callable::Scalar, &[element, data]) => {
                let element = self.element(element)?;
                let node = self.array(element, Vec::new(), false, data)?;
                self.add(node)
            }
            (Callable::Encode, &[text, codec]) => {
                let codec = self.short_text(codec)?;
                if codec != "latin1" && codec != "latin-1" {
                    return self.wrong("bytes as latin1", codec);
                }
                self.latin1(text)
            }
            _ => self.wrong(
                format!("the arguments of {}", function.name()),
                format!("{} arguments", arguments.len()),
            ),
        }
    }

    fn plain(&self, descr: &str) -> Result<Element, Fault> {
        Element::parse(descr).or_else(|e| self.wrong(e.expected, e.found))
    }

    /// Protocol 2 writes bytes as a text of their code points.
    fn latin1(&mut self, text: Id) -> Result<Id, Fault> {
        let Node::Text(data) = self.node(text) else {
            return self.wrong("a text", self.name(text));
        };
        let text = String::from_utf8_lossy(self.data(data));
        let bytes: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
        match bytes {
            Ok(bytes) => {
                let data = self.owned(bytes)?;
                self.add(Node::Bytes(data))
            }
            Err(_) => self.wrong("a text of latin1", "other letters"),
        }
    }

    fn array(
        &mut self,
        element: Type,
        shape: Vec<usize>,
        fortran: bool,
        data: Id,
    ) -> Result<Node, Fault> {
        match (element, self.node(data)) {
            (Type::Plain(element), Node::Bytes(bytes) | Node::Text(bytes)) => {
                // a pickle of Python 2 in Python 3's hands: its bytes are texts of latin1
                if let Node::Text(_) = self.node(data) {
                    return self.wrong("an array's bytes", "a text");
                }
                let layout = Layout {
                    element,
                    fortran,
                    shape,
                };
                if let Err(e) = layout.check(self.data(bytes).len()) {
                    return self.wrong(e.expected, e.found);
                }
                let data = match bytes {
                    Data::Raw(range) => Data::Raw(range.clone()),
                    Data::Made(bytes) => {
                        let copy = bytes.to_vec();
                        self.owned(copy)?
                    }
                };
                Ok(Node::Array(Box::new(layout), data))
            }
            (Type::Object, Node::List(items)) => {
                let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
                if count != Some(items.len()) || (fortran && shape.len() > 1) {
                    let found = format!("{} objects", items.len());
                    return self.wrong(format!("{shape:?} objects, row-major"), found);
                }
                let items = items.clone();
                self.spend(4 * items.len())?;
                Ok(Node::Objects(items))
            }
            _ => self.wrong("an array's bytes", self.name(data)),
        }
    }

    /// Sets the state of an array or an element type.
    pub(super) fn build(&mut self, object: Id, state: Id) -> Result<(), Fault> {
        let state = self.tuple(state)?;
        let node = match (self.node(object), state.as_slice()) {
            (Node::Blank, &[_, shape, element, fortran, data]) => {
                let fortran = match self.node(fortran) {
                    Node::Bool(fortran) => *fortran,
                    Node::Int(fortran) => *fortran != 0,
                    _ => return self.wrong("a truth value", self.name(fortran)),
                };
                let (shape, element) = (self.shape(shape)?, self.element(element)?);
                self.array(element, shape, fortran, data)?
            }
            (Node::Type(Type::Object), &[_, _, ..]) => return Ok(()),
            (Node::Type(Type::Plain(element)), &[_, order, sub, names, fields, ..]) => {
                let element = *element;
                let plain = [sub, names, fields]
                    .iter()
                    .all(|&id| matches!(self.node(id), Node::None));
                if !plain {
                    return self.wrong("a plain element type", "records or subarrays");
                }
                let big_endian = match self.short_text(order)?.as_str() {
                    ">" => true,
                    "<" | "|" | "=" => false,
                    other => return self.wrong("a byte order", other),
                };
                Node::Type(Type::Plain(Element {
                    big_endian,
                    ..element
                }))
            }
            _ => {
                let found = format!("a state of {} for {}", state.len(), self.name(object));
                return self.wrong("the state of an array or element type", found);
            }
        };
        self.nodes[object as usize] = node;
        Ok(())
    }

    /// A Python 2 string literal: quotes, `\x41`, `\n`, `\\`, `\'`.
    pub(super) fn unquote(&self, line: &str) -> Result<Vec<u8>, Fault> {
        let line = line.trim();
        let quoted = line
            .strip_prefix('\'')
            .and_then(|rest| rest.strip_suffix('\''))
            .or_else(|| line.strip_prefix('"').and_then(|r| r.strip_suffix('"')));
        let Some(text) = quoted else {
            return self.wrong("a quoted string", line);
        };
        let mut out = Vec::with_capacity(text.len());
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'\\' {
                out.push(byte);
                continue;
            }
            out.push(match bytes.next() {
                Some(b'n') => b'\n',
                Some(b't') => b'\t',
                Some(b'r') => b'\r',
                Some(quote @ (b'\\' | b'\'' | b'"')) => quote,
                Some(b'x') => {
                    let digits = [bytes.next().unwrap_or(0), bytes.next().unwrap_or(0)];
                    let value = std::str::from_utf8(&digits)
                        .ok()
                        .and_then(|d| u8::from_str_radix(d, 16).ok());
                    match value {
                        Some(value) => value,
                        None => return self.wrong("two hexadecimal digits", text),
                    }
                }
                _ => return self.wrong("a known escape", text),
            });
        }
        Ok(out)
    }

    /// Raw unicode escapes: `\u0041` and `\U00000041`.
    pub(super) fn unescape(&self, line: &str) -> Result<String, Fault> {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        while let Some(at) = rest.find('\\') {
            out.push_str(&rest[..at]);
            let digits = match rest.as_bytes().get(at + 1) {
                Some(b'u') => 4,
                Some(b'U') => 8,
                _ => {
                    out.push('\\');
                    rest = &rest[at + 1..];
                    continue;
                }
            };
            let code = rest.get(at + 2..at + 2 + digits);
            let code = code.and_then(|d| u32::from_str_radix(d, 16).ok());
            match code.and_then(char::from_u32) {
                Some(letter) => out.push(letter),
                None => return self.wrong("a unicode escape", rest),
            }
            rest = &rest[at + 2 + digits..];
        }
        out.push_str(rest);
        Ok(out)
    }
}

//! Which classes and functions a pickle names, read off its opcodes without running any.
//!
//! The reader of checkpoints passes over objects that it does not know. A file that holds them is
//! not the plain state dict it is taken for, so they are named and the file is refused. The list
//! is of what may be there; everything else is foreign.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

/// Longest module or class name that is kept; longer ones cannot be on the list.
const LONGEST_NAME: u64 = 512;
/// Most foreign names that are kept.
const MOST_NAMES: usize = 8;

/// Classes and functions of `count` pickles in a row that no plain checkpoint needs, in the order
/// of their first appearance.
pub(super) fn foreign(stream: &mut impl BufRead, count: usize) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for _ in 0..count {
        for (module, name) in globals(stream)? {
            let full = format!("{module}.{name}");
            if !allowed(&module, &name) && !names.contains(&full) {
                names.push(full);
            }
        }
    }
    names.truncate(MOST_NAMES);
    Ok(names)
}

/// Whether a name stands for tensors, containers, numbers or strings.
fn allowed(module: &str, name: &str) -> bool {
    match module {
        "collections" => matches!(name, "OrderedDict" | "Counter"),
        "builtins" | "__builtin__" => matches!(
            name,
            "set"
                | "frozenset"
                | "int"
                | "float"
                | "bool"
                | "str"
                | "bytes"
                | "complex"
                | "list"
                | "dict"
                | "tuple"
                | "bytearray"
                | "long"
                | "unicode"
        ),
        // How protocol 2 spells bytes.
        "_codecs" => name == "encode",
        "torch" => {
            name.ends_with("Storage")
                || DTYPES.contains(&name)
                || matches!(name, "Size" | "device" | "Tensor")
        }
        "torch.cuda" => name.ends_with("Storage"),
        "torch.storage" => matches!(name, "TypedStorage" | "UntypedStorage"),
        "torch._utils" => matches!(
            name,
            "_rebuild_tensor"
                | "_rebuild_tensor_v2"
                | "_rebuild_tensor_v3"
                | "_rebuild_parameter"
                | "_rebuild_parameter_with_state"
        ),
        "torch._tensor" => name == "_rebuild_from_type_v2",
        "torch.nn.parameter" => matches!(name, "Parameter" | "Buffer"),
        "numpy" => matches!(name, "dtype" | "ndarray"),
        "numpy.dtypes" => name.ends_with("DType"),
        "numpy.core.multiarray" | "numpy._core.multiarray" => {
            matches!(name, "scalar" | "_reconstruct")
        }
        _ => false,
    }
}

const DTYPES: [&str; 26] = [
    "float64",
    "float32",
    "float16",
    "bfloat16",
    "double",
    "float",
    "half",
    "int64",
    "int32",
    "int16",
    "int8",
    "uint64",
    "uint32",
    "uint16",
    "uint8",
    "long",
    "int",
    "short",
    "bool",
    "complex64",
    "complex128",
    "complex32",
    "float8_e4m3fn",
    "float8_e5m2",
    "float8_e4m3fnuz",
    "float8_e5m2fnuz",
];

/// What may be a name: a short string, or any other value.
type Value = Option<String>;

/// The two values that were pushed last, the later one second, and the memo. A pickler writes the
/// strings of a `STACK_GLOBAL` right before it; what we do not follow counts as unknown.
#[derive(Default)]
struct State {
    last: [Value; 2],
    memo: HashMap<u32, Value>,
    found: Vec<(String, String)>,
}

impl State {
    fn push(&mut self, value: Value) {
        self.last.swap(0, 1);
        self.last[1] = value;
    }

    fn memoize(&mut self, index: u32) {
        self.memo.insert(index, self.last[1].clone());
    }

    fn fetch(&mut self, index: u32) {
        let value = self.memo.get(&index).cloned().flatten();
        self.push(value);
    }

    /// After an opcode that takes values off the stack.
    fn forget(&mut self) {
        self.last = [None, None];
    }
}

/// Modules and names of the objects that one pickle refers to; reads up to its `STOP`.
fn globals(r: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut state = State::default();
    loop {
        let [opcode] = take(r)?;
        match opcode {
            b'.' => return Ok(state.found),
            // PROTO, FRAME
            0x80 => _ = take::<1>(r)?,
            0x95 => _ = take::<8>(r)?,
            // None, booleans, empty containers, MARK
            b'N' | 0x88 | 0x89 | b')' | b']' | b'}' | 0x8f | b'(' => state.push(None),
            // Numbers
            b'I' | b'L' | b'F' => {
                line(r)?;
                state.push(None);
            }
            b'K' => scalar::<1>(r, &mut state)?,
            b'M' => scalar::<2>(r, &mut state)?,
            b'J' => scalar::<4>(r, &mut state)?,
            b'G' => scalar::<8>(r, &mut state)?,
            // Strings
            b'V' => {
                let text = line(r)?;
                state.push(text);
            }
            0x8c | b'U' => text::<1>(r, &mut state)?,
            b'X' | b'T' => text::<4>(r, &mut state)?,
            0x8d => text::<8>(r, &mut state)?,
            // Bytes and long integers
            b'C' | 0x8a => bytes::<1>(r, &mut state)?,
            b'B' | 0x8b => bytes::<4>(r, &mut state)?,
            0x8e | 0x96 => bytes::<8>(r, &mut state)?,
            // Memo
            b'p' => {
                let index = index(r)?;
                state.memoize(index);
            }
            b'q' => {
                let [index] = take(r)?;
                state.memoize(index.into());
            }
            b'r' => state.memoize(u32::from_le_bytes(take(r)?)),
            0x94 => state.memoize(state.memo.len() as u32),
            b'g' => {
                let index = index(r)?;
                state.fetch(index);
            }
            b'h' => {
                let [index] = take(r)?;
                state.fetch(index.into());
            }
            b'j' => state.fetch(u32::from_le_bytes(take(r)?)),
            b'2' => {
                let top = state.last[1].clone();
                state.push(top);
            }
            // GLOBAL, INST
            b'c' | b'i' => {
                let (module, name) = (line(r)?, line(r)?);
                state.found.push((shown(module), shown(name)));
                state.push(None);
            }
            // STACK_GLOBAL
            0x93 => {
                let [module, name] = std::mem::take(&mut state.last);
                state.found.push((shown(module), shown(name)));
            }
            // EXT1, EXT2, EXT4: classes by number
            0x82 => extension::<1>(r, &mut state)?,
            0x83 => extension::<2>(r, &mut state)?,
            0x84 => extension::<4>(r, &mut state)?,
            // PERSID
            b'P' => {
                line(r)?;
                state.forget();
            }
            // Whatever consumes values: containers, calls, POP, BINPERSID
            b't' | 0x85 | 0x86 | 0x87 | b'l' | 0x91 | b'd' | b'a' | b'e' | 0x90 | b's' | b'u'
            | b'b' | b'R' | 0x81 | 0x92 | b'Q' | b'0' | b'1' | b'o' => state.forget(),
            other => {
                return Err(invalid(format!(
                    "the byte 0x{other:02x}, which is no pickle opcode"
                )));
            }
        }
    }
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn shown(value: Value) -> String {
    value.unwrap_or("(a name that only running the pickle would tell)".into())
}

fn take<const N: usize>(r: &mut impl BufRead) -> io::Result<[u8; N]> {
    let mut buffer = [0; N];
    r.read_exact(&mut buffer)?;
    Ok(buffer)
}

/// A little-endian length of `N` bytes.
fn length<const N: usize>(r: &mut impl BufRead) -> io::Result<u64> {
    let mut buffer = [0; 8];
    buffer[..N].copy_from_slice(&take::<N>(r)?);
    Ok(u64::from_le_bytes(buffer))
}

fn scalar<const N: usize>(r: &mut impl BufRead, state: &mut State) -> io::Result<()> {
    take::<N>(r)?;
    state.push(None);
    Ok(())
}

fn bytes<const N: usize>(r: &mut impl BufRead, state: &mut State) -> io::Result<()> {
    let length = length::<N>(r)?;
    skip(r, length)?;
    state.push(None);
    Ok(())
}

fn text<const N: usize>(r: &mut impl BufRead, state: &mut State) -> io::Result<()> {
    let length = length::<N>(r)?;
    if length > LONGEST_NAME {
        skip(r, length)?;
        state.push(None);
        return Ok(());
    }
    let mut text = vec![0; length as usize];
    r.read_exact(&mut text)?;
    state.push(String::from_utf8(text).ok());
    Ok(())
}

fn skip(r: &mut impl BufRead, length: u64) -> io::Result<()> {
    let skipped = io::copy(&mut r.take(length), &mut io::sink())?;
    if skipped < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// A line without its end; `None` if it is too long for a name or no text.
fn line(r: &mut impl BufRead) -> io::Result<Value> {
    let mut kept = Vec::new();
    r.take(LONGEST_NAME).read_until(b'\n', &mut kept)?;
    if kept.pop_if(|last| *last == b'\n').is_some() {
        kept.pop_if(|last| *last == b'\r');
        return Ok(String::from_utf8(kept).ok());
    }
    loop {
        let buffer = r.fill_buf()?;
        if buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = buffer.iter().position(|b| *b == b'\n');
        let used = end.map_or(buffer.len(), |at| at + 1);
        r.consume(used);
        if end.is_some() {
            return Ok(None);
        }
    }
}

fn index(r: &mut impl BufRead) -> io::Result<u32> {
    let text = line(r)?.unwrap_or_default();
    text.parse()
        .map_err(|_| invalid(format!("the memo index {text:?}")))
}

fn extension<const N: usize>(r: &mut impl BufRead, state: &mut State) -> io::Result<()> {
    let code = length::<N>(r)?;
    state
        .found
        .push(("copyreg".into(), format!("extension {code}")));
    state.push(None);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn foreign_in(pickle: &[u8]) -> Vec<String> {
        foreign(&mut io::BufReader::new(pickle), 1).unwrap()
    }

    #[test]
    fn both_spellings_of_a_global_are_found() {
        assert_eq!(
            foreign_in(b"cposix\nsystem\nX\x02\0\0\0ls\x85R."),
            ["posix.system"]
        );
        let stacked = b"\x80\x04\x8c\x05posix\x94\x8c\x06system\x94\x93)R.";
        assert_eq!(foreign_in(stacked), ["posix.system"]);
        assert_eq!(foreign_in(b"(iposix\nsystem\n."), ["posix.system"]);
        assert_eq!(foreign_in(b"\x82\x07."), ["copyreg.extension 7"]);
    }

    #[test]
    fn names_come_back_from_the_memo() {
        let pickle = b"\x8c\x05posix\x94\x8c\x06system\x94]\x94h\0h\x01\x93.";
        assert_eq!(foreign_in(pickle), ["posix.system"]);
    }

    #[test]
    fn a_name_that_cannot_be_followed_is_foreign() {
        let pickle = b"\x8c\x05posix\x8c\x01x0\x8c\x06system\x93.";
        assert!(foreign_in(pickle)[0].contains("only running the pickle"));
    }

    #[test]
    fn what_checkpoints_hold_is_allowed() {
        let pickle = b"ccollections\nOrderedDict\n)Rctorch._utils\n_rebuild_tensor_v2\n0\
            ctorch\nFloatStorage\n0cnumpy._core.multiarray\nscalar\n0.";
        assert_eq!(foreign_in(pickle), [""; 0]);
    }

    #[test]
    fn lengths_are_not_believed() {
        for pickle in [
            &b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab"[..],
            b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7fab",
            b"cposix",
            b"\x80",
            b"",
            b"\xfe",
        ] {
            assert!(foreign(&mut io::BufReader::new(pickle), 1).is_err());
        }
    }
}

//! The header of a `.npy` file: a Python dictionary literal with `descr`, `fortran_order` and `shape`,
//! read as NumPy reads it (`numpy.lib.format`, `ast.literal_eval`): any spacing, quotes, order of keys and
//! trailing commas, numbers of Python 2 with an `L`, versions 1 to 3. Nothing in it is guessed by
//! searching for text: a header that is not such a literal is refused.

use crate::files::{Fault, fault};

/// Nested lists and tuples deeper than this are refused.
const DEEPEST: usize = 16;

/// A header's contents and where the data begin.
pub(super) struct Header {
    /// The element type, as NumPy names it.
    pub descr: String,
    /// Whether the first axis runs fastest.
    pub fortran: bool,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// First byte of the data.
    pub start: usize,
}

/// A value of the literal.
#[derive(Debug, PartialEq)]
enum Literal {
    None,
    Bool(bool),
    Number(i128),
    Text(String),
    /// A tuple or a list.
    List(Vec<Literal>),
    Dict(Vec<(Literal, Literal)>),
}

/// Reads the header at the beginning of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Result<Header, Fault> {
    let magic = b"\x93NUMPY";
    if bytes.len() < 10 || &bytes[..6] != magic {
        let found = match bytes {
            [] => "an empty file",
            [b'P', b'K', ..] => "a zip archive, as .npz files are",
            [0x80, ..] => "what a pickle begins with",
            _ if bytes.starts_with(magic) => "nothing after it",
            _ => "other bytes",
        };
        return fault("npy magic", "\\x93NUMPY, as numpy.save writes it", found);
    }
    let (start, len): (usize, usize) = match bytes[6] {
        1 => (10, usize::from(u16::from_le_bytes([bytes[8], bytes[9]]))),
        2 | 3 if bytes.len() >= 12 => {
            let len = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
            (12, len as usize)
        }
        version => return fault("npy version", "1, 2 or 3", version),
    };
    let Some(header) = bytes.get(start..start.saturating_add(len)) else {
        return fault("npy header length", bytes.len() - start, len);
    };
    // Versions 1 and 2 are latin1, version 3 is UTF-8.
    let text: String = match bytes[6] {
        3 => String::from_utf8_lossy(header).into_owned(),
        _ => header.iter().map(|&byte| char::from(byte)).collect(),
    };
    let (descr, fortran, shape) = fields(&text)?;
    Ok(Header {
        descr,
        fortran,
        shape,
        start: start + len,
    })
}

/// The three entries of the dictionary.
fn fields(text: &str) -> Result<(String, bool, Vec<usize>), Fault> {
    let expected = "a Python dictionary of descr, fortran_order and shape";
    let wrong = || Fault::new("npy header", expected, text.trim());
    let mut reader = Reader {
        rest: text.trim_matches([' ', '\t', '\n', '\r', '\0']),
    };
    let Some(Literal::Dict(entries)) = reader.value(0).filter(|_| reader.rest.trim().is_empty())
    else {
        return Err(wrong());
    };
    let (mut descr, mut fortran, mut shape) = (None, None, None);
    for (key, value) in entries {
        let Literal::Text(key) = key else {
            return Err(wrong());
        };
        match key.as_str() {
            "descr" => descr = Some(value),
            "fortran_order" => fortran = Some(value),
            "shape" => shape = Some(value),
            _ => return fault("npy header", expected, format!("the key {key:?}")),
        }
    }
    let (Some(descr), Some(fortran), Some(shape)) = (descr, fortran, shape) else {
        return Err(wrong());
    };
    let Literal::Bool(fortran) = fortran else {
        return fault("npy header: fortran_order", "True or False", text.trim());
    };
    let Literal::List(sides) = shape else {
        return fault("npy shape", "a tuple of lengths", text.trim());
    };
    let side = |side: &Literal| match side {
        Literal::Number(n) => usize::try_from(*n).ok(),
        _ => None,
    };
    let sides: Option<Vec<usize>> = sides.iter().map(side).collect();
    let Some(shape) = sides else {
        return fault("npy shape", "a tuple of lengths", text.trim());
    };
    match descr {
        Literal::Text(descr) => Ok((descr, fortran, shape)),
        Literal::List(parts) => fault(
            "npy element type",
            "one type for all elements (DataFrame.to_numpy(), or \
             numpy.lib.recfunctions.structured_to_unstructured)",
            records(&parts),
        ),
        _ => Err(wrong()),
    }
}

/// A structured array in words, with the names of its fields.
fn records(fields: &[Literal]) -> String {
    const MOST: usize = 6;
    let name = |field: &Literal| match field {
        Literal::List(parts) => match parts.first() {
            Some(Literal::Text(name)) => Some(name.clone()),
            // A titled field: its name stands in a pair.
            Some(Literal::List(pair)) => match pair.last() {
                Some(Literal::Text(name)) => Some(name.clone()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    };
    let names: Vec<String> = fields.iter().take(MOST).filter_map(name).collect();
    let more = match fields.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "a structured array (records) with the fields {}{more}",
        names.join(", ")
    )
}

/// What is left of the text.
struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes `token` if it is next.
    fn take(&mut self, token: &str) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The next value; `None` if there is none that is a literal.
    fn value(&mut self, depth: usize) -> Option<Literal> {
        if depth > DEEPEST {
            return None;
        }
        self.skip();
        match self.rest.chars().next()? {
            '{' => self.dict(depth),
            '(' => self.tuple(depth),
            '[' => {
                self.take("[");
                Some(Literal::List(self.items("]", depth)?.0))
            }
            '0'..='9' | '-' | '+' => self.number(),
            _ => self.word(),
        }
    }

    fn dict(&mut self, depth: usize) -> Option<Literal> {
        self.take("{");
        let mut entries = Vec::new();
        loop {
            if self.take("}") {
                return Some(Literal::Dict(entries));
            }
            let key = self.value(depth + 1)?;
            let value = self.take(":").then(|| self.value(depth + 1)).flatten()?;
            entries.push((key, value));
            if !self.take(",") {
                return self.take("}").then_some(Literal::Dict(entries));
            }
        }
    }

    /// A tuple; a single value in brackets without a comma is that value.
    fn tuple(&mut self, depth: usize) -> Option<Literal> {
        self.take("(");
        let (mut items, comma) = self.items(")", depth)?;
        if items.len() == 1 && !comma {
            return items.pop();
        }
        Some(Literal::List(items))
    }

    /// Values up to `end`, and whether there was a comma.
    fn items(&mut self, end: &str, depth: usize) -> Option<(Vec<Literal>, bool)> {
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            if self.take(end) {
                return Some((items, comma));
            }
            items.push(self.value(depth + 1)?);
            if !self.take(",") {
                return self.take(end).then_some((items, comma));
            }
            comma = true;
        }
    }

    fn number(&mut self) -> Option<Literal> {
        let digits = |c: char| !(c.is_ascii_digit() || c == '-' || c == '+');
        let end = self.rest.find(digits).unwrap_or(self.rest.len());
        let number = self.rest[..end].parse().ok()?;
        self.rest = &self.rest[end..];
        // Python 2 writes long numbers as 3L.
        self.rest = self.rest.strip_prefix(['L', 'l']).unwrap_or(self.rest);
        Some(Literal::Number(number))
    }

    /// `True`, `False`, `None` or a text with its prefix.
    fn word(&mut self) -> Option<Literal> {
        for (word, value) in [
            ("True", Literal::Bool(true)),
            ("False", Literal::Bool(false)),
            ("None", Literal::None),
        ] {
            if self.take(word) {
                return Some(value);
            }
        }
        self.rest = self
            .rest
            .strip_prefix(['u', 'b', 'U', 'B'])
            .unwrap_or(self.rest);
        let quote = self
            .rest
            .chars()
            .next()
            .filter(|c| matches!(c, '\'' | '"'))?;
        let mut text = String::new();
        let mut letters = self.rest[1..].char_indices();
        while let Some((at, letter)) = letters.next() {
            if letter == quote {
                self.rest = &self.rest[1 + at + 1..];
                return Some(Literal::Text(text));
            }
            if letter != '\\' {
                text.push(letter);
                continue;
            }
            let (_, escaped) = letters.next()?;
            let digits = match escaped {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                'n' => {
                    text.push('\n');
                    continue;
                }
                't' => {
                    text.push('\t');
                    continue;
                }
                '\\' | '\'' | '"' => {
                    text.push(escaped);
                    continue;
                }
                _ => return None,
            };
            let code: String = letters.by_ref().take(digits).map(|(_, c)| c).collect();
            let code = u32::from_str_radix(&code, 16)
                .ok()
                .filter(|_| code.len() == digits)?;
            text.push(char::from_u32(code)?);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(version: u8, text: &str) -> Vec<u8> {
        let mut all = b"\x93NUMPY".to_vec();
        all.extend([version, 0]);
        match version {
            1 => all.extend((text.len() as u16).to_le_bytes()),
            _ => all.extend((text.len() as u32).to_le_bytes()),
        }
        all.extend(text.as_bytes());
        all
    }

    #[test]
    fn literals_are_read_as_python_reads_them() {
        for text in [
            "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
            "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}\n",
            "{\"shape\":(3,2),\"fortran_order\":True,\"descr\":\"<f4\"}",
            "{ 'fortran_order' :  True ,'shape' : ( 3 ,2 , ) , 'descr' : '<f4' }   \n",
            "{'descr': u'<f4', 'fortran_order': True, 'shape': (3L, 2L)}",
            "{'shape': (3, 2),\n 'fortran_order':\tTrue,\n 'descr': '\\x3cf4'}",
            "{'descr': '>i8', 'descr': '<f4', 'fortran_order': True, 'shape': (3, 2)}",
        ] {
            for version in [1, 2, 3] {
                let header = parse(&bytes(version, text)).expect(text);
                assert_eq!(header.descr, "<f4", "{text}");
                assert_eq!((header.fortran, &header.shape[..]), (true, &[3, 2][..]));
                assert_eq!(header.start, bytes(version, text).len());
            }
        }
        for (shape, sides) in [("()", vec![]), ("(4,)", vec![4]), ("(4L,)", vec![4])] {
            let text = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}}}");
            assert_eq!(parse(&bytes(1, &text)).expect(&text).shape, sides);
        }
        // The old search found the word in a name and read the matrix transposed.
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}";
        assert!(!parse(&bytes(1, text)).expect("reads").fortran);
    }

    #[test]
    fn what_is_no_header_is_refused_in_words() {
        for (text, said) in [
            (
                "{'descr': '<f4', 'fortran_order': True}",
                "descr, fortran_order and shape",
            ),
            (
                "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
                "True or False",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1)}",
                "tuple of lengths",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (-1,)}",
                "tuple of lengths",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1.5,)}",
                "dictionary",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1,)} + {}",
                "dictionary",
            ),
            (
                "{'descr': '<f4', 'fortran_order': True, 'shape': (1,), 'x': 1}",
                "the key \"x\"",
            ),
            ("__import__('os')", "dictionary"),
            ("", "dictionary"),
        ] {
            let error = parse(&bytes(1, text)).err().expect(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
        let deep = format!("{}{}", "(".repeat(4000), ")".repeat(4000));
        assert!(parse(&bytes(2, &deep)).is_err());
    }

    #[test]
    fn a_structured_array_is_named_with_its_fields() {
        for (version, descr, said) in [
            (1, "[('f0', '<f4'), ('f1', '<f4')]", "fields f0, f1"),
            (
                3,
                "[('größe', '<f4', (2,)), (('title', 'b'), '<i8')]",
                "fields größe, b",
            ),
            (1, "[('a', [('b', '<f4')])]", "fields a"),
        ] {
            let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (5,)}}");
            let error = parse(&bytes(version, &text))
                .err()
                .expect("refused")
                .to_string();
            assert!(
                error.contains("structured array") && error.contains(said),
                "{error}"
            );
            assert!(error.contains("DataFrame.to_numpy()"), "{error}");
        }
    }
}

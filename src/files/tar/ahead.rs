//! Members that speak of the one behind them: its name, where it does not fit into a header (GNU's
//! `L`, POSIX's `x`), and its size.

use super::header::{Header, is_double, plain};

/// Most bytes of a member that speaks of the next.
pub(super) const MOST_WORDS: u64 = 1 << 16;

/// What stands in front of a header: the name and the size that count.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    name: Option<String>,
    size: Option<u64>,
}

impl Ahead {
    /// Learns from a member of type `kind`.
    pub fn learn(&mut self, kind: u8, contents: &[u8]) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if kind == b'L' {
            let end = contents.iter().position(|&b| b == 0);
            self.name = Some(text(&contents[..end.unwrap_or(contents.len())]));
            return;
        }
        // records "LENGTH KEY=VALUE\n", whose length counts all of it
        let mut rest = contents;
        while let Some(space) = rest.iter().position(|&b| b == b' ') {
            let length = text(&rest[..space]).parse::<usize>();
            let record = length.ok().and_then(|n| rest.get(space + 1..n));
            let Some(record) = record.and_then(|r| r.strip_suffix(b"\n")) else {
                return;
            };
            match text(record).split_once('=') {
                Some(("path", path)) => self.name = Some(path.to_owned()),
                Some(("size", size)) => self.size = size.parse().ok().or(self.size),
                _ => {}
            }
            rest = &rest[space + 2 + record.len()..];
        }
    }

    /// The header with what was learnt of it.
    pub fn apply(self, mut header: Header) -> Header {
        if let Some(name) = self.name {
            header.regular = header.kind_is_regular() && !name.ends_with('/');
            header.name = plain(&name);
            header.regular &= !is_double(&header.name);
        }
        header.size = self.size.unwrap_or(header.size);
        header
    }
}

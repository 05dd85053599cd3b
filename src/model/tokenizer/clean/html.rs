//! Character references of HTML 5, as Python's `html.unescape` reads them and, where a semicolon ends them, ftfy.

use std::sync::LazyLock;

/// Names of the references, without `&`, and what they stand for, sorted by name.
static NAMED: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let (name, text) = line.split_once('\t')?;
        Some((
            name,
            match text {
                "\\n" => "\n",
                "\\t" => "\t",
                text => text,
            },
        ))
    };
    include_str!("entities.txt")
        .lines()
        .filter_map(line)
        .collect()
});

fn named(name: &str) -> Option<&'static str> {
    let at = NAMED
        .binary_search_by(|(known, _)| (*known).cmp(name))
        .ok()?;
    Some(NAMED[at].1)
}

/// Every reference, also those that no semicolon ends: `html.unescape`.
pub fn unescape(text: &str) -> String {
    replaced(text, |rest| {
        if let Some(digits) = rest.strip_prefix('#') {
            return number(digits);
        }
        // The longest that can be a name: up to 32 of these, and a semicolon.
        let ends = |c: char| "\t\n\u{c} <&#;".contains(c);
        let letters: Vec<(usize, char)> = rest.char_indices().take(34).collect();
        let count = letters.iter().position(|(_, c)| ends(*c));
        let count = count.unwrap_or(letters.len()).min(32);
        if count == 0 {
            return None;
        }
        let after = |count: usize| letters.get(count).map_or(rest.len(), |(at, _)| *at);
        let closed = letters.get(count).is_some_and(|(_, c)| *c == ';');
        let most = count + usize::from(closed);
        let whole = &rest[..after(most)];
        if let Some(text) = named(whole) {
            return Some((text.to_owned(), whole.len()));
        }
        let shorter = (2..most).rev().map(|count| &rest[..after(count)]);
        let mut known = shorter.filter_map(|name| Some((named(name)?, name.len())));
        // Without a match the whole of it is passed over.
        let kept = || (format!("&{whole}"), whole.len());
        Some(known.next().map_or_else(kept, |(text, length)| {
            (format!("{text}{}", &whole[length..]), whole.len())
        }))
    })
}

/// Those that a semicolon ends, and names in capitals alone: ftfy's `unescape_html`.
pub fn terminated(text: &str) -> String {
    replaced(text, |rest| {
        let name = &rest[..rest.bytes().take(26).position(|b| b == b';')?];
        let digits = name.strip_prefix('#');
        let letters = digits.unwrap_or(name);
        let plain = letters.chars().all(|c| c.is_ascii_alphanumeric());
        if !(1..=24).contains(&letters.len()) || !plain {
            return None;
        }
        let length = name.len() + 1;
        if digits.is_some() {
            let (text, used) = number(&rest[1..])?;
            return (used == length && !text.contains(';')).then_some((text, length));
        }
        let whole = &rest[..length];
        if let Some(text) = named(whole) {
            return Some((text.to_owned(), length));
        }
        let small = whole.to_lowercase();
        let alone = format!("&{whole}");
        let capitals = small.to_uppercase() == whole && unescape(&alone) == alone;
        let text = named(&small).filter(|_| capitals)?;
        Some((text.to_uppercase(), length))
    })
}

/// What every `&` begins, replaced: `read` is given what follows it and says what stands for it and for how many
/// of the following bytes.
fn replaced(text: &str, read: impl Fn(&str) -> Option<(String, usize)>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        match read(after) {
            Some((text, length)) => {
                out.push_str(&text);
                rest = &after[length..];
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out + rest
}

/// A numeric reference whose digits (after `#`) begin the text, and the bytes that it has after `&`.
fn number(text: &str) -> Option<(String, usize)> {
    let hexadecimal = text.strip_prefix(['x', 'X']);
    let (digits, radix, head) = hexadecimal.map_or((text, 10, 1), |digits| (digits, 16, 2));
    let count = digits.find(|c: char| !c.is_digit(radix));
    let count = count.unwrap_or(digits.len());
    if count == 0 {
        return None;
    }
    let closed = usize::from(digits[count..].starts_with(';'));
    let value = u32::from_str_radix(&digits[..count], radix).unwrap_or(u32::MAX);
    Some((character(value), head + count + closed))
}

/// What a number stands for: nothing for what is no character, and Windows' characters for codes of control.
fn character(value: u32) -> String {
    const WINDOWS: [u32; 32] = [
        0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160, 0x2039,
        0x152, 0x8d, 0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
        0x2dc, 0x2122, 0x161, 0x203a, 0x153, 0x9d, 0x17e, 0x178,
    ];
    let value = match value {
        0 => 0xfffd,
        0x80..0xa0 => WINDOWS[value as usize - 0x80],
        0x1..=0x8 | 0xb | 0xe..=0x1f | 0x7f | 0xfdd0..=0xfdef => return String::new(),
        _ if value <= 0x10_ffff && value & 0xfffe == 0xfffe => return String::new(),
        other => other,
    };
    char::from_u32(value).unwrap_or('\u{fffd}').to_string()
}

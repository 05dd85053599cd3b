//! What OpenAI does to a text before its byte pairs are looked up: `ftfy.fix_text`, `html.unescape` twice.
//! A `tokenizer.json` does none of it, so that `&amp;`, curly quotes, ligatures, wide letters and control
//! characters get other ids there.
//!
//! Not done is what ftfy guesses: text decoded in the wrong encoding (`cafÃ©`) stays as it is, and so do codes of
//! terminals. Both tables are written by `tests/fixtures/clip-tokenizer/make.py`.

mod html;

use std::collections::HashMap;
use std::sync::LazyLock;

/// Characters that ftfy changes, and what they become: quotes, ligatures, wide and narrow forms, control characters.
static LETTERS: LazyLock<HashMap<char, &'static str>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let (code, to) = line.split_once('\t')?;
        Some((char::from_u32(u32::from_str_radix(code, 16).ok()?)?, to))
    };
    include_str!("letters.txt")
        .lines()
        .filter_map(line)
        .collect()
});

/// The text as OpenAI's tokenizer takes it, but for its spaces and capitals.
pub fn openai(text: &str) -> String {
    // What looks like HTML itself keeps its references for now.
    let plain = !text.contains('<');
    let mut text = text.to_owned();
    // Every change makes the text shorter or takes a character out of the table: this ends.
    loop {
        let whole = if plain {
            html::terminated(&text)
        } else {
            text.clone()
        };
        let fixed = letters(&whole);
        if fixed == text {
            break;
        }
        text = fixed;
    }
    html::unescape(&html::unescape(&text))
}

fn letters(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match LETTERS.get(&letter) {
            Some(other) => out.push_str(other),
            None => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn texts_are_cleaned_as_ftfy_and_pythons_html_do() {
        let cases = fixture::json("clip-tokenizer/clean.json");
        let cases = cases.as_array().unwrap();
        assert!(cases.len() > 100);
        for case in cases {
            let text = case["text"].as_str().unwrap();
            let found = openai(text);
            let found: Vec<&str> = found.split_whitespace().collect();
            assert_eq!(found.join(" "), case["clean"].as_str().unwrap(), "{text:?}");
        }
    }
}

//! What was published of CLIP's byte pairs: how a vocabulary follows from a list of merges (OpenAI's
//! `simple_tokenizer.py`), and the `tokenizer.json` that `transformers` writes of both.

use super::{END, START};
use serde_json::{Map, Value, json};

/// Merges of CLIP's own vocabulary; the published list goes on behind them.
pub const MERGES: usize = 49_152 - 256 - 2;
/// Tokens that are no merges: 256 bytes, each within a word and at its end, start and end of a text.
pub const OTHERS: usize = 2 * 256 + 2;

/// A merge: what stands left and right.
pub type Pair = (String, String);

/// The letters that stand for the 256 bytes, in the order of the vocabulary: those that can be seen come first and
/// are themselves (`bytes_to_unicode`).
fn letters() -> Vec<char> {
    let seen = |byte: &u32| matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
    let themselves = (0..256).filter(seen);
    let unseen = 256 - themselves.clone().count() as u32;
    themselves
        .chain(256..256 + unseen)
        .filter_map(char::from_u32)
        .collect()
}

/// The bytes as tokens: within words, then at their ends.
pub fn pieces() -> Vec<String> {
    let bytes = letters();
    let within = bytes.iter().map(char::to_string);
    let last = bytes.iter().map(|letter| format!("{letter}</w>"));
    within.chain(last).collect()
}

/// The tokenizer of a list of merges alone.
pub fn of_merges(pairs: &[Pair]) -> Value {
    let merged = pairs.iter().map(|(a, b)| format!("{a}{b}"));
    let special = [START, END].map(str::to_owned);
    let all = pieces().into_iter().chain(merged).chain(special);
    let ids: Map<String, Value> = all
        .zip(0..)
        .map(|(t, id): (_, u32)| (t, id.into()))
        .collect();
    let count = (pairs.len() + OTHERS) as u32;
    whole(ids.into(), pairs, [count - 2, count - 1])
}

/// The tokenizer of a vocabulary and merges; `None` unless it has the start and the end of a text.
pub fn of_vocabulary(ids: &Map<String, Value>, pairs: &[Pair]) -> Option<Value> {
    let id = |token: &str| u32::try_from(ids.get(token)?.as_u64()?).ok();
    Some(whole(ids.clone().into(), pairs, [id(START)?, id(END)?]))
}

fn whole(ids: Value, pairs: &[Pair], [start, end]: [u32; 2]) -> Value {
    let special = |id: u32, content: &str, normalized: bool| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": normalized, "special": true,
        })
    };
    let words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";
    json!({
        "version": "1.0",
        "added_tokens": [special(start, START, true), special(end, END, false)],
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "NFC" },
            { "type": "Replace", "pattern": { "Regex": r"\s+" }, "content": " " },
            { "type": "Lowercase" },
        ]},
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": words }, "behavior": "Removed", "invert": true },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        ]},
        "post_processor": {
            "type": "RobertaProcessing", "sep": [END, end], "cls": [START, start],
            "trim_offsets": false, "add_prefix_space": false,
        },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": END, "continuing_subword_prefix": "",
            "end_of_word_suffix": "</w>", "fuse_unk": false, "vocab": ids, "merges": pairs,
        },
    })
}

/// What is wrong: the property, what was expected, what was found.
pub type Wrong = (&'static str, &'static str, String);

/// Refuses a `tokenizer.json` of another kind than byte pairs, or one that drops merges at random.
pub fn check(bytes: &[u8]) -> Result<(), Wrong> {
    let file: Value = serde_json::from_slice(bytes)
        .map_err(|e| ("contents", "the JSON of a tokenizer", e.to_string()))?;
    let model = file.get("model").unwrap_or(&Value::Null);
    // Old files name no kind: byte pairs have merges.
    let pairs = match model.get("type") {
        Some(kind) => kind == "BPE",
        None => model.get("merges").is_some(),
    };
    if !pairs {
        let found = model.get("type").unwrap_or(&Value::Null);
        return Err((
            "model",
            "byte pairs (\"BPE\"), as CLIP has",
            found.to_string(),
        ));
    }
    match model.get("dropout").and_then(Value::as_f64) {
        Some(share) if share != 0.0 => Err(("dropout", "none", share.to_string())),
        _ => Ok(()),
    }
}

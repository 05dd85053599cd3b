//! Where a tokenizer is read from: a folder has `tokenizer.json`, or `vocab.json` and `merges.txt`, or OpenAI's list of
//! merges, which tells its vocabulary. All become the bytes of one `tokenizer.json`.

use super::{TokenizerError, published};
use crate::files::{bounded, gzip};
use std::path::{Path, PathBuf};

/// Largest file that is read, in bytes: CLIP's own have 1 to 4 MB.
const MOST: u64 = 64 << 20;
/// OpenAI's list of merges, and what open_clip ships.
const LISTS: [&str; 2] = ["bpe_simple_vocab_16e6.txt.gz", "bpe_simple_vocab_16e6.txt"];

/// The file that counts, and what it says as a `tokenizer.json`.
pub(super) fn read(
    path: &Path,
    model: Option<usize>,
) -> Result<(PathBuf, Vec<u8>), TokenizerError> {
    if !path.is_dir() {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().to_lowercase());
        let name = name.unwrap_or_default();
        return match name.as_str() {
            "vocab.json" | "merges.txt" => {
                folder(path.parent().unwrap_or(Path::new(".")), model, &["pair"])
            }
            name if name.ends_with(".json") => Ok((path.into(), whole(path)?)),
            _ => list(path, model),
        };
    }
    folder(path, model, &["json", "pair", "list"])
}

fn folder(
    folder: &Path,
    model: Option<usize>,
    kinds: &[&str],
) -> Result<(PathBuf, Vec<u8>), TokenizerError> {
    let is = |name: &str| folder.join(name).is_file();
    let asked = |kind: &str| kinds.contains(&kind);
    if asked("json") && is("tokenizer.json") {
        let path = folder.join("tokenizer.json");
        let bytes = whole(&path)?;
        return Ok((path, bytes));
    }
    if asked("pair") && is("vocab.json") && is("merges.txt") {
        let (vocab, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
        let known = serde_json::from_slice(&whole(&vocab)?).map_err(|e| {
            wrong(
                &vocab,
                "contents",
                "an object of tokens and ids",
                e.to_string(),
            )
        })?;
        let pairs = pairs(&merges, &whole(&merges)?, None)?;
        let tokens = || {
            let expected = format!("{} and {} among the tokens", super::START, super::END);
            wrong(&vocab, "contents", &expected, "others alone".into())
        };
        let tokenizer = published::of_vocabulary(&known, &pairs).ok_or_else(tokens)?;
        let bytes = json(&vocab, &tokenizer)?;
        return Ok((vocab, bytes));
    }
    if asked("list")
        && let Some(name) = LISTS.iter().find(|name| is(name))
    {
        return list(&folder.join(name), model);
    }
    let half = |there: &str, lacks: &str| is(there).then(|| format!("{lacks} beside {there}"));
    let pair = half("vocab.json", "merges.txt").or_else(|| half("merges.txt", "vocab.json"));
    let mut wanted = vec![pair.unwrap_or_else(|| "vocab.json with merges.txt".into())];
    if asked("json") {
        wanted.insert(0, "tokenizer.json".into());
        wanted.push(LISTS.join(" or "));
    }
    Err(TokenizerError::Missing {
        path: folder.into(),
        wanted,
    })
}

/// OpenAI's list of merges, packed or not.
fn list(path: &Path, model: Option<usize>) -> Result<(PathBuf, Vec<u8>), TokenizerError> {
    let most = model.map_or(published::MERGES, |all| {
        all.saturating_sub(published::OTHERS)
    });
    let pairs = pairs(path, &whole(path)?, Some(most))?;
    if let Some(model) = model
        && pairs.len() + published::OTHERS != model
    {
        return Err(TokenizerError::Malformed {
            path: path.into(),
            what: "merges".into(),
            expected: format!("{most}, for the model's {model} tokens"),
            found: pairs.len().to_string(),
        });
    }
    Ok((path.into(), json(path, &published::of_merges(&pairs))?))
}

/// The merges of a list: pairs a line, the first line a title where it is none. At most `most` of them.
fn pairs(
    path: &Path,
    bytes: &[u8],
    most: Option<usize>,
) -> Result<Vec<(String, String)>, TokenizerError> {
    let text = gzip_or_plain(path, bytes)?;
    let text = std::str::from_utf8(&text)
        .map_err(|e| wrong(path, "merges", "text in UTF-8", e.to_string()))?;
    let title = |line: &str| line.starts_with("#version") || line.contains("bpe_simple_vocab");
    let mut lines: Vec<(usize, &str)> = text.split('\n').enumerate().collect();
    if lines.first().is_some_and(|(_, line)| title(line)) {
        lines.remove(0);
    }
    if lines.last().is_some_and(|(_, line)| line.trim().is_empty()) {
        lines.pop();
    }
    lines.truncate(most.unwrap_or(usize::MAX));
    let pair = |(at, line): (usize, &str)| {
        let mut words = line.trim_end_matches('\r').split(' ');
        match (words.next(), words.next(), words.next()) {
            (Some(a), Some(b), None) if !a.is_empty() && !b.is_empty() => {
                Ok((a.to_owned(), b.to_owned()))
            }
            _ => {
                let found = format!("{:?}", line.chars().take(40).collect::<String>());
                let what = format!("merges, line {}", at + 1);
                Err(wrong(
                    path,
                    &what,
                    "two pieces and a space between them",
                    found,
                ))
            }
        }
    };
    lines.into_iter().map(pair).collect()
}

fn gzip_or_plain(path: &Path, bytes: &[u8]) -> Result<Vec<u8>, TokenizerError> {
    crate::files::read_capped(gzip::unwrapped(bytes), MOST, "merges")
        .map_err(|e| wrong(path, &e.what, &e.expected, e.found))
}

fn json(path: &Path, value: &serde_json::Value) -> Result<Vec<u8>, TokenizerError> {
    serde_json::to_vec(value).map_err(|e| wrong(path, "contents", "a vocabulary", e.to_string()))
}

fn whole(path: &Path) -> Result<Vec<u8>, TokenizerError> {
    match bounded::read(path, MOST) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(TokenizerError::Io {
            path: path.into(),
            source: std::io::ErrorKind::NotFound.into(),
        }),
        Err(bounded::Refused::Io { path, source }) => Err(TokenizerError::Io { path, source }),
        Err(bounded::Refused::Malformed {
            path,
            expected,
            found,
        }) => Err(wrong(&path, "file", &expected, found)),
    }
}

fn wrong(path: &Path, what: &str, expected: &str, found: String) -> TokenizerError {
    TokenizerError::Malformed {
        path: path.into(),
        what: what.into(),
        expected: expected.into(),
        found,
    }
}

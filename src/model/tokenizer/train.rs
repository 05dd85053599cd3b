//! A tokenizer of CLIP's kind from texts of one's own: byte pairs (Sennrich, Haddow and Birch, ACL 2016) over words as CLIP
//! cuts them, in the layout of OpenAI's vocabulary (256 bytes, the same at the end of a word, merges, start and end), so
//! that no text is unknown.
//!
//! Words come from the same library and file that encode later: a tokenizer without merges gives the bytes of every word.
//! The trainer of that library numbers tokens in the order of a hash map when words have an ending of their own; this one
//! gives the same file for the same texts, in whichever order and however often they come: every distinct text counts once,
//! and of pairs that are equally frequent the older pieces are merged.

use super::published::{self, OTHERS, Pair};
use super::{END, Tokenizer, TokenizerError, clean};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;

/// Ids of the bytes, within words and at their ends; merges follow.
const BYTES: u32 = 512;
/// Ids of the bytes within words.
const WITHIN: u32 = 256;
/// A pair that occurs less often is not merged: it would be the word that it stands in.
const LEAST: usize = 2;

/// A trained tokenizer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trained {
    /// Its `tokenizer.json`.
    pub json: String,
    /// Number of its tokens: at most as many as were asked for.
    pub vocabulary: usize,
}

/// Trains a tokenizer of at most `vocabulary` tokens; it has fewer where no pair occurs twice any more.
///
/// # Errors
/// [`TokenizerError::Setting`] for a vocabulary without room for a merge.
pub fn train<S: AsRef<str>>(texts: &[S], vocabulary: usize) -> Result<Trained, TokenizerError> {
    if vocabulary <= OTHERS {
        return Err(TokenizerError::Setting {
            what: "vocabulary",
            expected: format!("more than {OTHERS} tokens: bytes, start and end, and merges"),
            found: vocabulary.to_string(),
        });
    }
    let merges = merges(&words(texts)?, vocabulary - OTHERS);
    let json = serde_json::to_string(&published::of_merges(&merges));
    Ok(Trained {
        json: json.expect("a value has string keys") + "\n",
        vocabulary: OTHERS + merges.len(),
    })
}

/// The words of the distinct texts as ids of bytes, and how often each occurs.
fn words<S: AsRef<str>>(texts: &[S]) -> Result<BTreeMap<Vec<u32>, usize>, TokenizerError> {
    let bare = serde_json::to_vec(&published::of_merges(&[])).expect("a value has string keys");
    let bytes = Tokenizer::of_json(Path::new("tokenizer without merges").into(), &bare)?;
    let distinct: BTreeSet<String> = texts
        .iter()
        .map(|text| clean::openai(text.as_ref()))
        .collect();
    let mut words = BTreeMap::new();
    for text in distinct {
        let ids = bytes
            .tokens(&text)
            .map_err(|found| TokenizerError::Malformed {
                path: "captions".into(),
                what: "text".into(),
                expected: "one that a tokenizer of bytes encodes".into(),
                found,
            })?;
        let mut word = Vec::new();
        // Start, end, and whatever a text itself says of them are no bytes.
        for id in ids.into_iter().filter_map(|id| u32::try_from(id).ok()) {
            match id {
                0..WITHIN => word.push(id),
                WITHIN..BYTES => {
                    word.push(id);
                    *words.entry(std::mem::take(&mut word)).or_insert(0) += 1;
                }
                _ => word.clear(),
            }
        }
    }
    Ok(words)
}

/// Two pieces that stand side by side.
type Two = (u32, u32);

/// How often every pair occurs, and in which words.
#[derive(Default)]
struct Counts {
    of: HashMap<Two, usize>,
    places: HashMap<Two, BTreeSet<usize>>,
    /// The most frequent pair last; of equal ones that of the oldest pieces.
    ranked: BTreeSet<(usize, Reverse<Two>)>,
}

impl Counts {
    /// Counts the pairs of a word `times` more, or less where `less`.
    fn count(&mut self, word: &[u32], number: usize, times: usize, less: bool) {
        for pair in word.windows(2).map(|two| (two[0], two[1])) {
            let count = self.of.entry(pair).or_insert(0);
            self.ranked.remove(&(*count, Reverse(pair)));
            *count = if less { *count - times } else { *count + times };
            if *count > 0 {
                self.ranked.insert((*count, Reverse(pair)));
            }
            if !less {
                self.places.entry(pair).or_default().insert(number);
            }
        }
    }
}

/// At most `most` merges, the first to be done first.
fn merges(words: &BTreeMap<Vec<u32>, usize>, most: usize) -> Vec<Pair> {
    let mut pieces = published::pieces();
    let mut known: HashSet<String> = pieces.iter().cloned().collect();
    let mut words: Vec<(Vec<u32>, usize)> = words.iter().map(|(w, n)| (w.clone(), *n)).collect();
    let mut counts = Counts::default();
    for (number, (word, times)) in words.iter().enumerate() {
        counts.count(word, number, *times, false);
    }
    let mut merges = Vec::new();
    while merges.len() < most {
        let Some((count, Reverse(pair))) = counts.ranked.pop_last() else {
            break;
        };
        if count < LEAST {
            break;
        }
        let (left, right) = (&pieces[pair.0 as usize], &pieces[pair.1 as usize]);
        let piece = format!("{left}{right}");
        // Of two pairs that spell the same piece the first is merged: a token has one id.
        if piece == END || !known.insert(piece.clone()) {
            continue;
        }
        merges.push((left.clone(), right.clone()));
        let id = pieces.len() as u32;
        pieces.push(piece);
        for number in counts.places.remove(&pair).unwrap_or_default() {
            let (word, times) = &mut words[number];
            counts.count(word, number, *times, true);
            *word = merged(word, pair, id);
            counts.count(word, number, *times, false);
        }
    }
    merges
}

/// A word with every occurrence of a pair as one piece, from the left.
fn merged(word: &[u32], pair: Two, id: u32) -> Vec<u32> {
    let mut out = Vec::with_capacity(word.len());
    let mut at = 0;
    while at < word.len() {
        if at + 1 < word.len() && (word[at], word[at + 1]) == pair {
            out.push(id);
            at += 2;
        } else {
            out.push(word[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;
    use crate::dataset::open;
    use crate::dataset::pairs::captions_of;
    use crate::suite::dataset::DatasetSpec;

    fn opened(trained: &Trained) -> Tokenizer {
        let path = Path::new("tokenizer.json");
        Tokenizer::parse(path, trained.json.as_bytes(), Some(trained.vocabulary)).unwrap()
    }

    fn captions() -> Vec<String> {
        let spec = DatasetSpec {
            train: 120,
            ..DatasetSpec::new("set", "Set", "demo-captions")
        };
        captions_of(open(&spec, None, 0).unwrap().train.as_ref()).texts
    }

    #[test]
    fn frequent_pairs_are_merged_first_and_equal_ones_by_age() {
        let trained = train(&["low low lower", "LOW lowest", "new"], OTHERS + 4).unwrap();
        let file: serde_json::Value = serde_json::from_str(&trained.json).unwrap();
        let merges: Vec<(String, String)> =
            serde_json::from_value(file["model"]["merges"].clone()).unwrap();
        let pair = |a: &str, b: &str| (a.to_string(), b.to_string());
        // "lo" five times; then "lo" + "w</w>" three times.
        assert_eq!(merges[..2], [pair("l", "o"), pair("lo", "w</w>")]);
        assert_eq!(trained.vocabulary, OTHERS + merges.len());
        let tokenizer = opened(&trained);
        assert_eq!(tokenizer.tokens("low").unwrap().len(), 3);
        assert_eq!(tokenizer.end() as usize, trained.vocabulary - 1);
    }

    #[test]
    fn order_and_repetition_of_texts_change_nothing() {
        let mut texts = captions();
        let first = train(&texts, 800).unwrap();
        texts.reverse();
        let some = texts[..70].to_vec();
        texts.extend(some);
        assert_eq!(train(&texts, 800).unwrap(), first);
        texts.truncate(40);
        assert_ne!(train(&texts, 800).unwrap(), first);
    }

    #[test]
    fn training_captions_have_no_unknown_token_and_come_back() {
        let texts = captions();
        let trained = train(&texts, 700).unwrap();
        let tokenizer = opened(&trained);
        assert_eq!(trained.vocabulary, 700);
        let encoded = tokenizer.encode(&texts, &Settings::default()).unwrap();
        assert!(encoded.cut.is_empty() && encoded.early.is_empty());
        let squeezed = |text: &str| text.replace(char::is_whitespace, "").to_lowercase();
        let mut tokens = 0;
        for (text, (row, end)) in texts
            .iter()
            .zip(encoded.ids.outer_iter().zip(&encoded.ends))
        {
            let ids: Vec<u32> = row.iter().take(*end).skip(1).map(|id| *id as u32).collect();
            assert!(ids.iter().all(|id| i64::from(*id) < tokenizer.start()));
            tokens += ids.len();
            let pieces = ids
                .iter()
                .map(|id| tokenizer.inner.id_to_token(*id).unwrap());
            let spelt: String = pieces.map(|piece| piece.replace("</w>", "")).collect();
            assert_eq!(spelt, squeezed(text));
        }
        let letters: usize = texts.iter().map(|text| squeezed(text).len()).sum();
        assert!(letters > 3 * tokens, "{letters} letters, {tokens} tokens");
        // Nor has any other text.
        let other = ["naïve Привет 你好 🙂 <b>"];
        assert!(
            tokenizer
                .encode(&other, &Settings::default())
                .unwrap()
                .early
                .is_empty()
        );
    }

    #[test]
    fn a_vocabulary_ends_where_nothing_occurs_twice_and_needs_room() {
        let few = train(&["a cat", "a dog"], 2000).unwrap();
        assert!(few.vocabulary < 520, "{}", few.vocabulary);
        opened(&few);
        let none: [&str; 0] = [];
        assert_eq!(train(&none, 600).unwrap().vocabulary, OTHERS);
        let said = train(&["a cat"], OTHERS).unwrap_err().to_string();
        assert!(
            said.contains("vocabulary: expected more than 514"),
            "{said}"
        );
    }
}

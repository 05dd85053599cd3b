//! CLIP's tokenizer: texts to the ids that its text tower takes.
//!
//! Byte pairs are Hugging Face's own (`tokenizers`); what is decided here is which file they are read from
//! (`files`), what happens to a text before ([`Cleaning`]), and the rows that come out: start, tokens, end,
//! padding up to the context length. A text that is too long is cut and its last id is the end, as in OpenAI's
//! `tokenize(truncate=True)`; how many were is told ([`Encoded::told`]).

mod clean;
mod error;
mod files;
mod published;
#[cfg(test)]
mod tests;
mod train;

pub use error::TokenizerError;
pub use train::{Trained, train};

use ndarray::Array2;
use rayon::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// The token that begins every text.
const START: &str = "<|startoftext|>";
/// The token that ends it.
const END: &str = "<|endoftext|>";

/// Rows that a model's table may have beyond its tokens, and one more.
const PADDING: usize = 128;

/// What is done to a text before its byte pairs are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cleaning {
    /// OpenAI's and open_clip's: references of HTML resolved, quotes uncurled, ligatures and wide letters plain.
    OpenAi,
    /// Nothing but what the tokenizer's file says, as in `transformers`.
    None,
}

/// How texts become rows of ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Ids a text: the model's context length.
    pub context: usize,
    /// The id behind the end: 0 as OpenAI and open_clip pad; `transformers` pads with 49407, the end. Causal towers
    /// that read the features at the end do not see it; adapters that look at all tokens do.
    pub pad: i64,
    /// What is done to a text before.
    pub cleaning: Cleaning,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            context: 77,
            pad: 0,
            cleaning: Cleaning::OpenAi,
        }
    }
}

/// Texts as ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The ids `[N, T]`.
    pub ids: Array2<i64>,
    /// Where the first end token of every text is, in `0..T`: its features are read there.
    pub ends: Vec<usize>,
    /// Places of texts that were too long and were cut.
    pub cut: Vec<usize>,
    /// Places of texts that hold the end token themselves: what follows it does not count.
    pub early: Vec<usize>,
}

impl Encoded {
    /// What has to be told of the texts.
    pub fn told(&self) -> Vec<String> {
        let (all, context) = self.ids.dim();
        let line = |places: &[usize], what: String| {
            let first = places.first()?;
            Some(format!(
                "{} of {all} texts {what}; the first is text {}",
                places.len(),
                first + 1
            ))
        };
        let cut = format!("have more than {context} tokens and were cut");
        let early = format!("hold {END} themselves and count up to it");
        [line(&self.cut, cut), line(&self.early, early)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// A tokenizer of CLIP's kind.
#[derive(Debug, Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    path: PathBuf,
    start: i64,
    end: i64,
    vocabulary: usize,
}

impl Tokenizer {
    /// Opens `tokenizer.json`, `vocab.json` with `merges.txt`, or OpenAI's list of merges
    /// (`bpe_simple_vocab_16e6.txt`, also `.gz`), given as a file or as the folder that has it; the first that is
    /// there in this order. `model` is the number of tokens that the model's table has, where that is known: a list
    /// of merges may be longer than a model's share of it.
    ///
    /// # Errors
    /// [`TokenizerError`]: no such file, with all that were looked for; malformed; another kind of tokenizer; another
    /// number of tokens than the model's table has.
    pub fn open(path: &Path, model: Option<usize>) -> Result<Self, TokenizerError> {
        let (path, bytes) = files::read(path, model)?;
        Self::parse(&path, &bytes, model)
    }

    /// From the bytes of a `tokenizer.json`, which `path` names in errors; `model` as in [`Tokenizer::open`].
    ///
    /// # Errors
    /// As [`Tokenizer::open`], of a file that is there.
    pub fn parse(path: &Path, bytes: &[u8], model: Option<usize>) -> Result<Self, TokenizerError> {
        let tokenizer = Self::of_json(path.into(), bytes)?;
        if let Some(model) = model {
            tokenizer.fits(model)?;
        }
        Ok(tokenizer)
    }

    /// From the bytes of a `tokenizer.json`.
    fn of_json(path: PathBuf, bytes: &[u8]) -> Result<Self, TokenizerError> {
        let wrong = |what: &str, expected: &str, found: String| TokenizerError::Malformed {
            path: path.clone(),
            what: what.into(),
            expected: expected.into(),
            found,
        };
        published::check(bytes).map_err(|(what, expected, found)| wrong(what, expected, found))?;
        let inner = guarded(|| {
            let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(|e| e.to_string())?;
            inner.with_padding(None);
            inner.with_truncation(None).map_err(|e| e.to_string())?;
            Ok(inner)
        });
        let inner = inner.map_err(|e| wrong("contents", "a tokenizer", e))?;
        let id = |token: &str| {
            let found = inner.token_to_id(token).map(i64::from);
            found.ok_or_else(|| wrong("tokens", "CLIP's", format!("no {token}")))
        };
        let (start, end) = (id(START)?, id(END)?);
        let all = inner.get_vocab(true);
        let vocabulary = all.values().max().map_or(0, |most| *most as usize + 1);
        let tokenizer = Self {
            start,
            end,
            vocabulary,
            inner,
            path: path.clone(),
        };
        let empty = tokenizer
            .tokens("")
            .map_err(|e| wrong("contents", "a tokenizer", e))?;
        if empty != [start, end] {
            let expected = "a text of nothing as its start and its end";
            return Err(wrong("post_processor", expected, format!("{empty:?}")));
        }
        Ok(tokenizer)
    }

    /// Fails unless there are as many tokens as a model's table has, or fewer by less than 128, to a multiple of which
    /// tables are padded.
    ///
    /// # Errors
    /// [`TokenizerError::Vocabulary`].
    pub fn fits(&self, model: usize) -> Result<(), TokenizerError> {
        let spare = model.checked_sub(self.vocabulary);
        if spare.is_some_and(|spare| spare < PADDING) {
            return Ok(());
        }
        Err(TokenizerError::Vocabulary {
            path: self.path.clone(),
            expected: model,
            found: self.vocabulary,
        })
    }

    /// Id of the token that begins a text.
    pub fn start(&self) -> i64 {
        self.start
    }

    /// Id of the token that ends a text.
    pub fn end(&self) -> i64 {
        self.end
    }

    /// One more than the largest id.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Encodes texts as rows of `settings.context` ids, in parallel, the same for any number of threads.
    ///
    /// # Errors
    /// [`TokenizerError::Empty`] with the number of a text of which nothing is left,
    /// [`TokenizerError::Setting`] for a context below 3 or a padding id beyond the vocabulary.
    pub fn encode<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        settings: &Settings,
    ) -> Result<Encoded, TokenizerError> {
        let Settings { context, pad, .. } = *settings;
        let setting = |what, expected: String, found: String| TokenizerError::Setting {
            what,
            expected,
            found,
        };
        if context < 3 {
            let expected = "at least 3: start, a token, end".into();
            return Err(setting("context length", expected, context.to_string()));
        }
        if usize::try_from(pad).is_ok_and(|pad| pad >= self.vocabulary) || pad < 0 {
            let expected = format!("an id below {}", self.vocabulary);
            return Err(setting("padding id", expected, pad.to_string()));
        }
        let all: Vec<Vec<i64>> = texts
            .par_iter()
            .enumerate()
            .map(|(at, text)| self.checked(at, text.as_ref(), settings.cleaning))
            .collect::<Result<_, _>>()?;
        let mut encoded = Encoded {
            ids: Array2::from_elem((texts.len(), context), pad),
            ends: Vec::with_capacity(texts.len()),
            cut: Vec::new(),
            early: Vec::new(),
        };
        for (at, (tokens, mut row)) in all.iter().zip(encoded.ids.outer_iter_mut()).enumerate() {
            row.iter_mut()
                .zip(tokens)
                .for_each(|(id, token)| *id = *token);
            let last = tokens.len().min(context) - 1;
            if tokens.len() > context {
                row[last] = self.end;
                encoded.cut.push(at);
            }
            let end = row.iter().position(|id| *id == self.end).unwrap_or(last);
            if end < last {
                encoded.early.push(at);
            }
            encoded.ends.push(end);
        }
        Ok(encoded)
    }

    /// The ids of text number `at`, refused if it has none between start and end.
    fn checked(&self, at: usize, text: &str, how: Cleaning) -> Result<Vec<i64>, TokenizerError> {
        let tokens = match how {
            Cleaning::OpenAi => self.tokens(&clean::openai(text)),
            Cleaning::None => self.tokens(text),
        };
        let tokens = tokens.map_err(|found| TokenizerError::Malformed {
            path: self.path.clone(),
            what: "contents".into(),
            expected: format!("a tokenizer that encodes text {}", at + 1),
            found,
        })?;
        match tokens.len() > 2 {
            true => Ok(tokens),
            false => Err(TokenizerError::Empty {
                number: at + 1,
                found: format!("{text:?}"),
            }),
        }
    }

    /// Start, tokens and end of a text, however many; or what the library says.
    fn tokens(&self, text: &str) -> Result<Vec<i64>, String> {
        guarded(|| {
            let encoding = self.inner.encode_fast(text, true);
            let encoding = encoding.map_err(|e| e.to_string())?;
            Ok(encoding.get_ids().iter().map(|id| i64::from(*id)).collect())
        })
    }
}

/// What the library does or says: it panics on some files that no CLIP has, such as a pattern that matches nothing.
fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err("a fault of the tokenizers library on this file".into()))
}

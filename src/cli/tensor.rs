//! A tensor of a file as input of a model: which of the model's inputs it is, whether it fits, and
//! its batches.

use super::error::CliError;
use super::tensor_file::TensorFile;
use crate::feature::outputs::Input;
use crate::feature::samples_at_once;
use crate::model::{Embedder, Model};

fn usage(what: &str, expected: String, found: String) -> CliError {
    CliError::Usage {
        what: what.into(),
        expected,
        found,
    }
}

/// Reads the tensor `text` as an input of `model`: rank 4 samples, rank 2 ids, rank 3 tokens for
/// the encoder (or signals, where the embedder takes such). `mask` goes with ids; `flag` is the
/// argument that names the tensor.
pub fn read_input(
    flag: &str,
    text: &str,
    mask: Option<&str>,
    model: &Model,
) -> Result<Input, CliError> {
    let file = TensorFile::open(flag, text)?;
    let (name, shape) = (&file.name, file.shape.clone());
    let found = file.described();
    if mask.is_some() && shape.len() != 2 {
        let expected = "token ids [N, T] beside --mask".into();
        return Err(usage(flag, expected, found));
    }
    let embedder = &model.network.embedder;
    let width = model.config.shape().token_width();
    match (embedder, shape.as_slice()) {
        (Embedder::Ids(_) | Embedder::Text(_), &[count, length]) => {
            let [longest, words] = embedder.tables().unwrap_or_default();
            if length > longest {
                let expected = format!("at most {longest} tokens a row, the model's positions");
                return Err(usage(flag, expected, found));
            }
            if file.is_truth() {
                let expected = "ids, as integers".into();
                return Err(usage(flag, expected, format!("{name} of truth values")));
            }
            let values = file.ints()?;
            if let Some(bad) = values.iter().find(|v| **v < 0 || **v >= words as i64) {
                let expected = format!("ids from 0 to {}, the vocabulary", words - 1);
                return Err(usage(flag, expected, format!("{bad} in {name}")));
            }
            if let Embedder::Text(texts) = embedder {
                if mask.is_some() {
                    let expected = "no --mask: tokens of this tower see those before them alone";
                    return Err(usage("--mask", expected.into(), "one".into()));
                }
                let mut rows = values.chunks(length.max(1));
                if let Some(row) = rows.position(|row| texts.end().of(row).is_none()) {
                    let expected = format!(
                        "a token that ends the text in every row ({:?})",
                        texts.end()
                    );
                    return Err(usage(
                        flag,
                        expected,
                        format!("none in row {row} of {name}"),
                    ));
                }
            }
            let keep = mask
                .map(|mask| read_mask(mask, [count, length]))
                .transpose()?;
            Ok(Input::Ids(values, keep, [count, length]))
        }
        (Embedder::Patches(_) | Embedder::Positioned(_), &[n, c, h, w])
            if c == embedder.channels() =>
        {
            Ok(Input::Samples(file.floats()?, [n, c, h, w]))
        }
        (Embedder::Patches1d(patches), &[n, c, l] | &[n, c, 1, l])
            if c == patches.channels() && l <= patches.longest() =>
        {
            Ok(Input::Samples(file.floats()?, [n, c, 1, l]))
        }
        // A text's feature is that of the token that ends it, which tokens do not tell.
        (_, &[n, t, c]) if c == width && !matches!(embedder, Embedder::Text(_)) => {
            let longest = model.config.shape().longest().unwrap_or(usize::MAX);
            if t > longest {
                let expected = format!("at most {longest} tokens a row, the model's positions");
                return Err(usage(flag, expected, found));
            }
            let grid = grid(model, t).ok_or_else(|| {
                let expected = match embedder.before() {
                    0 => "a square number of tokens".into(),
                    before => format!("a square number of tokens behind {before} before them"),
                };
                usage(flag, expected, found.clone())
            })?;
            Ok(Input::Embedded(file.floats()?, [n, t, c], grid))
        }
        _ => {
            let own = match embedder {
                Embedder::Patches(_) | Embedder::Positioned(_) => {
                    format!("[N, {}, H, W] samples", embedder.channels())
                }
                Embedder::Patches1d(patches) => format!(
                    "[N, {}, L] signals, L at most {}",
                    patches.channels(),
                    patches.longest()
                ),
                Embedder::Ids(_) => "[N, T] token ids".into(),
                Embedder::Text(_) => {
                    let expected = "[N, T] token ids, without empty axes".into();
                    return Err(usage(flag, expected, found));
                }
            };
            let expected = format!("{own} or [N, T, {width}] tokens, without empty axes");
            Err(usage(flag, expected, found))
        }
    }
}

/// Whether the predictor of `model` can say something of `input`.
pub fn check_predictor(input: &Input, model: &Model) -> Result<(), CliError> {
    let tokens = match (input, &model.network.embedder) {
        (Input::Samples(_, [_, _, _, length]), Embedder::Patches1d(patches)) => {
            length.div_ceil(patches.stack())
        }
        (Input::Samples(..), _) => return Ok(()),
        (Input::Ids(_, _, [_, length]), _) => *length,
        (Input::Embedded(_, [_, tokens, _], _), _) => *tokens,
    };
    match model.network.predictor.fewest_tokens() {
        fewest if tokens < fewest => Err(usage(
            "--outputs logits",
            format!("at least {fewest} tokens a row, for the length of the predictor's signals"),
            tokens.to_string(),
        )),
        _ => Ok(()),
    }
}

/// How `tokens` tokens lie: in a square for images, in a row for sequences.
fn grid(model: &Model, tokens: usize) -> Option<[usize; 2]> {
    if model.config.image_size().is_none() {
        return Some([1, tokens]);
    }
    let tokens = tokens.checked_sub(model.network.embedder.before())?;
    let side = tokens.isqrt();
    (side > 0 && side * side == tokens).then_some([side, side])
}

/// Reads a mask of zeros and ones, of truth values, integers or floats.
fn read_mask(text: &str, shape: [usize; 2]) -> Result<Vec<f32>, CliError> {
    let file = TensorFile::open("--mask", text)?;
    if file.shape != shape {
        let expected = format!("the shape of the ids, {shape:?}");
        return Err(usage("--mask", expected, file.described()));
    }
    let values: Vec<f32> = if file.is_whole() {
        file.ints()?.into_iter().map(|v| v as f32).collect()
    } else {
        file.floats()?
    };
    match values.iter().find(|v| **v != 0.0 && **v != 1.0) {
        Some(bad) => {
            let expected = "1 for tokens and 0 for padding".into();
            Err(usage("--mask", expected, format!("{bad} in {}", file.name)))
        }
        None => Ok(values),
    }
}

/// Cuts an input into batches.
pub fn batches_of(input: Input, model: &Model) -> Vec<Input> {
    match input {
        Input::Samples(values, [_, c, h, w]) => {
            let size = c * h * w;
            let parts = values.chunks(samples_at_once(size) * size);
            parts
                .map(|p| Input::Samples(p.to_vec(), [p.len() / size, c, h, w]))
                .collect()
        }
        Input::Embedded(values, [_, t, c], grid) => {
            let size = t * c;
            let parts = values.chunks(samples_at_once(size) * size);
            parts
                .map(|p| Input::Embedded(p.to_vec(), [p.len() / size, t, c], grid))
                .collect()
        }
        Input::Ids(ids, keep, [_, length]) => {
            let size = samples_at_once(length * model.config.features()) * length;
            let mut masks = keep.iter().flat_map(|k| k.chunks(size));
            ids.chunks(size)
                .map(|p| {
                    let keep = masks.next().map(<[f32]>::to_vec);
                    Input::Ids(p.to_vec(), keep, [p.len() / length, length])
                })
                .collect()
        }
    }
}

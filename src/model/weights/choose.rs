//! Which of a checkpoint's dictionaries is the state dict. `--key` says so; else the one that holds
//! most tensors of an architecture that we know, and of several the first by [`stand::rank`], which
//! is told; else, where no names are known, the root if it holds tensors, or a usual key.

use super::stand::{self, KEYS, Stand};
use super::tensor::Tensor;
use super::tree::{self, Dictionary};
use crate::files::Fault;
use crate::files::pickle::Value;
use crate::model::family::Families;
use crate::model::weights::Dtype;

/// What is looked for in a checkpoint.
#[derive(Clone, Copy)]
pub(super) enum Sought<'o> {
    /// Any tensors, under their own names.
    Tensors,
    /// A model, perhaps of that family, perhaps under that key.
    Model(Option<Families>, Option<&'o str>),
}

/// A state dict and how it was found.
pub(super) struct Choice {
    pub dictionary: Dictionary,
    /// The rest of the asked key: a prefix of tensor names, without its last dot.
    pub prefix: Option<String>,
    /// What is to be told.
    pub notes: Vec<String>,
}

/// A bare number (a step, an accuracy) or bytes (the state of a generator) is no parameter.
fn is_parameter((_, tensor): &(String, Tensor)) -> bool {
    !bare(&tensor.shape, tensor.dtype)
}

/// Whether a tensor of that shape and type is a bare number or bytes.
pub(super) fn bare(shape: &[usize], dtype: Dtype) -> bool {
    shape.is_empty() || dtype == Dtype::U8
}

fn known(dictionary: &Dictionary, family: Option<Families>) -> usize {
    let names: Vec<&str> = dictionary.tensors.iter().map(|(n, _)| n.as_str()).collect();
    stand::stands(&names, family)
        .first()
        .map_or(0, |stand| stand.tensors)
}

/// Chooses; the fault is about the checkpoint as a whole.
pub(super) fn choose(root: Value, sought: Sought) -> Result<Choice, Fault> {
    let all = tree::dictionaries(root);
    match sought {
        Sought::Model(_, Some(key)) => asked(root, all, key),
        Sought::Model(family, None) => match best(alike(all, family)?, family) {
            Ok(choice) => Ok(choice),
            Err(all) => nested(root, family).map_or_else(|| usual(root, all), Ok),
        },
        Sought::Tensors => usual(root, all),
    }
}

/// Dictionaries and how many parameters each holds, the largest first, for messages.
fn listed(all: &[Dictionary]) -> String {
    let mut shown: Vec<(usize, String)> = Vec::new();
    for dictionary in all {
        let count = dictionary
            .tensors
            .iter()
            .filter(|t| is_parameter(t))
            .count();
        if count == 0 {
            continue;
        }
        let names = dictionary.tensors.iter().map(|(name, _)| name.as_str());
        let names: Vec<&str> = names.collect();
        let text = if dictionary.path.is_empty() {
            stand::starts(&names)
        } else {
            format!("{} ({count} tensors)", dictionary.key())
        };
        shown.push((count, text));
    }
    shown.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let more = if shown.len() > 8 { ", …" } else { "" };
    let texts: Vec<String> = shown.into_iter().take(8).map(|(_, text)| text).collect();
    if texts.is_empty() {
        "none".into()
    } else {
        format!("{}{more}", texts.join(", "))
    }
}

/// The dictionary under a dotted key, or the names of one that start with it.
fn asked(root: Value, all: Vec<Dictionary>, key: &str) -> Result<Choice, Fault> {
    if let Some((path, value)) = tree::under(root, key) {
        let dictionary = tree::flat(value, path);
        if !dictionary.tensors.is_empty() {
            return Ok(Choice {
                dictionary,
                prefix: None,
                notes: Vec::new(),
            });
        }
    }
    let start = |d: &Dictionary| {
        let names: Vec<&str> = d.tensors.iter().map(|(name, _)| name.as_str()).collect();
        // The key may lead to a dictionary first and go on in its names.
        let rest = if d.path.is_empty() {
            None
        } else {
            key.strip_prefix(&d.key()).and_then(|r| r.strip_prefix('.'))
        };
        let mut candidates = [rest, Some(key)].into_iter().flatten();
        candidates.find_map(|rest| stand::asked(&names, rest))
    };
    let found = all
        .iter()
        .enumerate()
        .filter_map(|(i, d)| Some((i, start(d)?)))
        .min_by_key(|(i, _)| stand::rank(all[*i].path.iter().map(String::as_str)));
    match found {
        Some((i, prefix)) => Ok(Choice {
            dictionary: all.into_iter().nth(i).unwrap_or_default(),
            prefix: Some(prefix.trim_end_matches('.').to_string()),
            notes: Vec::new(),
        }),
        None => Err(Fault::new(
            "--key",
            format!(
                "a key or a prefix that holds tensors; there are: {}",
                listed(&all)
            ),
            format!("{key:?}"),
        )),
    }
}

/// Refuses dictionaries that hold models of several families: which is meant nobody can say.
fn alike(all: Vec<Dictionary>, family: Option<Families>) -> Result<Vec<Dictionary>, Fault> {
    let first = |dictionary: &Dictionary| {
        let names: Vec<&str> = dictionary.tensors.iter().map(|(n, _)| n.as_str()).collect();
        let mut found = stand::stands(&names, family).into_iter();
        found.next().map(|stand| (dictionary.key(), stand))
    };
    let found: Vec<(String, Stand)> = all.iter().filter_map(first).collect();
    match stand::several(found.iter().map(|(key, stand)| (key.clone(), stand))) {
        None => Ok(all),
        Some(several) => Err(Fault::new(
            "--key",
            format!("one of {several}"),
            "models of several architectures, and no key".to_string(),
        )),
    }
}

/// The dictionary that holds most tensors of an architecture; all of them back if none does.
fn best(mut all: Vec<Dictionary>, family: Option<Families>) -> Result<Choice, Vec<Dictionary>> {
    let mut fits: Vec<(usize, usize)> = all
        .iter()
        .enumerate()
        .map(|(i, dictionary)| (i, known(dictionary, family)))
        .filter(|(_, known)| *known > 0)
        .collect();
    fits.sort_by(|(i, a), (j, b)| {
        let rank = |i: usize| stand::rank(all[i].path.iter().map(String::as_str));
        b.cmp(a).then_with(|| rank(*i).cmp(&rank(*j)))
    });
    let Some(&(first, _)) = fits.first() else {
        return Err(all);
    };
    let mut notes = Vec::new();
    let others: Vec<String> = fits[1..].iter().map(|(i, _)| all[*i].key()).collect();
    if !others.is_empty() {
        let key = if all[first].path.is_empty() {
            "the root".to_string()
        } else {
            all[first].key()
        };
        notes.push(format!(
            "several state dicts fit: {key} is taken, not {}; --key chooses",
            others.join(", ")
        ));
    }
    Ok(Choice {
        dictionary: all.swap_remove(first),
        prefix: None,
        notes,
    })
}

/// Parameters in dictionaries within dictionaries, their names joined.
fn nested(root: Value, family: Option<Families>) -> Option<Choice> {
    let whole = tree::flat(root, Vec::new());
    (known(&whole, family) > 0).then_some(Choice {
        dictionary: whole,
        prefix: None,
        notes: Vec::new(),
    })
}

/// The root if it holds parameters itself, else what the first usual key holds, else bare numbers
/// at the root.
fn usual(root: Value, mut all: Vec<Dictionary>) -> Result<Choice, Fault> {
    let of = |path: &[&str]| {
        let at = |d: &Dictionary| d.path.iter().map(String::as_str).eq(path.iter().copied());
        all.iter().position(at)
    };
    let holds = |i: &usize| all[*i].tensors.iter().any(is_parameter);
    let keyed = || {
        let single = KEYS.iter().find_map(|key| of(&[key]).filter(holds));
        let double = || {
            let pairs = KEYS.iter().flat_map(|a| KEYS.iter().map(move |b| [*a, *b]));
            pairs.into_iter().find_map(|pair| of(&pair).filter(holds))
        };
        single.or_else(double)
    };
    let found = of(&[]).filter(holds).or_else(keyed).or_else(|| of(&[]));
    if let Some(found) = found {
        return Ok(Choice {
            dictionary: all.swap_remove(found),
            prefix: None,
            notes: Vec::new(),
        });
    }
    let tensors = if all.is_empty() {
        String::new()
    } else {
        format!("; tensors are under {}: --key chooses", listed(&all))
    };
    Err(Fault::new(
        "PyTorch checkpoint",
        format!(
            "a state dict: a dictionary of named tensors, at the root or under {}",
            KEYS.join(", ")
        ),
        format!("{}{tensors}", tree::describe(root)),
    ))
}

//! From the names in a file to those of the model: unknown tensors left out by name, what wrappers put
//! before and into names taken off. What was done is told.

use super::Entry;
use super::stand;
use crate::model::ModelError;
use crate::model::family::Families;
use std::collections::HashSet;
use std::path::Path;

/// What `torch.compile`, FSDP and activation checkpointing put into the middle of names.
const INFIXES: [&str; 3] = [
    "_orig_mod.",
    "_fsdp_wrapped_module.",
    "_checkpoint_wrapped_module.",
];
/// What stands before every name of a model whose names are not known.
const WRAPPER: &str = "module.";

/// How a model's tensors are to be found.
pub(super) struct Wishes<'o> {
    /// A prefix that was asked for, without its last dot.
    pub key: Option<&'o str>,
    /// Patterns of names to leave out.
    pub ignore: &'o [String],
    pub family: Option<Families>,
}

/// Tensors under the model's names.
pub(super) struct Dressed {
    pub entries: Vec<(String, Entry)>,
    /// The prefix that was taken off.
    pub prefix: Option<String>,
    /// Names, as in the file, of tensors that are no part of the model.
    pub left_out: Vec<String>,
    /// Whether stages were called as timm's `features_only` calls them.
    pub stages_only: bool,
    pub notes: Vec<String>,
}

/// Whether `name` fits a pattern in which `*` stands for anything.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    if !pattern.contains('*') {
        return rest.is_empty();
    }
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The tensors of a model among those of a file.
pub(super) fn dress(
    path: &Path,
    entries: Vec<(String, Entry)>,
    wishes: &Wishes,
) -> Result<Dressed, ModelError> {
    let (mut left_out, mut notes) = (Vec::new(), Vec::new());
    for pattern in wishes.ignore {
        if !entries.iter().any(|(name, _)| fits(pattern, name)) {
            notes.push(format!("--ignore {pattern:?} fits no tensor of the file"));
        }
    }
    let mut kept: Vec<(String, String, Entry)> = Vec::new();
    for (name, entry) in entries {
        if wishes.ignore.iter().any(|pattern| fits(pattern, &name)) {
            left_out.push(name);
        } else {
            kept.push((name.clone(), name, entry));
        }
    }
    without_infixes(&mut kept);
    let (prefix, model) = prefix(path, &kept, wishes, &mut notes)?;
    let mut entries = Vec::with_capacity(kept.len());
    let mut outside = Vec::new();
    for (own, name, entry) in kept {
        match name.strip_prefix(prefix.as_str()) {
            Some(rest) => entries.push((rest.to_string(), entry)),
            None => outside.push(own),
        }
    }
    let stages_only = model
        && entries.iter().any(|(name, _)| stage(name).is_some())
        && !entries.iter().any(|(name, _)| name.starts_with("layers."));
    if stages_only {
        for (name, _) in &mut entries {
            if let Some((number, rest)) = stage(name) {
                *name = format!("layers.{number}.{rest}");
            }
        }
    }
    if !prefix.is_empty() {
        let mut note = format!("the prefix {prefix} is taken off the names of tensors");
        if !outside.is_empty() {
            let shown: Vec<&str> = outside.iter().take(4).map(String::as_str).collect();
            let more = if outside.len() > 4 { ", …" } else { "" };
            note.push_str(&format!(
                "; {} outside of it left out: {}{more}",
                outside.len(),
                shown.join(", ")
            ));
        }
        notes.push(note);
    }
    left_out.append(&mut outside);
    left_out.sort_unstable();
    Ok(Dressed {
        entries,
        prefix: (!prefix.is_empty()).then_some(prefix),
        left_out,
        stages_only,
        notes,
    })
}

/// Number and rest of a name `layers_0.rest`, as timm's `features_only` has it.
fn stage(name: &str) -> Option<(u8, &str)> {
    let (number, rest) = name.strip_prefix("layers_")?.split_once('.')?;
    Some((number.parse().ok()?, rest))
}

/// Takes wrappers' parts out of names, unless two tensors would then have one name.
fn without_infixes(kept: &mut [(String, String, Entry)]) {
    for infix in INFIXES {
        let stripped: Vec<String> = kept
            .iter()
            .map(|(_, name, _)| {
                let dotted = name.replace(&format!(".{infix}"), ".");
                dotted
                    .strip_prefix(infix)
                    .map(String::from)
                    .unwrap_or(dotted)
            })
            .collect();
        let distinct: HashSet<&String> = stripped.iter().collect();
        if distinct.len() == stripped.len() {
            for ((_, name, _), short) in kept.iter_mut().zip(stripped) {
                *name = short;
            }
        }
    }
}

/// The prefix of the model's names, and whether it is a model that we know.
fn prefix(
    path: &Path,
    kept: &[(String, String, Entry)],
    wishes: &Wishes,
    notes: &mut Vec<String>,
) -> Result<(String, bool), ModelError> {
    let all: Vec<&str> = kept.iter().map(|(_, name, _)| name.as_str()).collect();
    let asked = match wishes.key {
        None => String::new(),
        Some(key) => stand::asked(&all, key).ok_or_else(|| {
            super::malformed(
                path,
                "--key",
                &format!(
                    "a prefix of tensor names; there are: {}",
                    stand::starts(&all)
                ),
                format!("{key:?}"),
            )
        })?,
    };
    let stripped = all.iter().filter_map(|name| name.strip_prefix(&asked));
    let names: Vec<&str> = stripped.collect();
    let found = stand::stands(&names, wishes.family);
    let placed = found.iter().map(|s| (format!("{asked}{}", s.prefix), s));
    if let Some(several) = stand::several(placed) {
        let expected = format!("one of {several}");
        let found = match wishes.key {
            Some(key) => format!("{key:?}, which holds models of several architectures"),
            None => "models of several architectures, and no key".into(),
        };
        return Err(super::malformed(path, "--key", &expected, found));
    }
    if let Some(first) = found.first() {
        let others = found[1..].iter().filter(|s| 2 * s.tensors >= first.tensors);
        let others: Vec<String> = others
            .map(|stand| format!("{asked}{}", stand.prefix))
            .map(|prefix| prefix.trim_end_matches('.').to_string())
            .collect();
        if !others.is_empty() {
            notes.push(format!(
                "several models fit: the one under {:?} is taken, not {}; --key chooses",
                format!("{asked}{}", first.prefix),
                others.join(", ")
            ));
        }
        return Ok((format!("{asked}{}", first.prefix), true));
    }
    let wrapped = !names.is_empty() && names.iter().all(|name| name.starts_with(WRAPPER));
    let own = if wrapped { WRAPPER } else { "" };
    Ok((format!("{asked}{own}"), false))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_anything() {
        for (pattern, name, fit) in [
            ("head.weight", "head.weight", true),
            ("head", "head.weight", false),
            ("head.*", "head.weight", true),
            ("*.bias", "a.b.bias", true),
            ("*", "anything", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxcyyb", false),
            ("a*a", "a", false),
            ("", "a", false),
            ("*projector*", "model.projector.0.weight", true),
        ] {
            assert_eq!(fits(pattern, name), fit, "{pattern} {name}");
        }
    }
}

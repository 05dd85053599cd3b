//! Where among tensor names a model that we know stands: under which prefix its first tensors are,
//! and how many follow. Wrappers put prefixes before names (`module.`, `_orig_mod.`, `model.`,
//! `backbone.`, `student.`), whole training modules hold other tensors beside the model's, and some
//! hold several models; the structure of the names tells, not a list of prefixes.

use crate::model::architecture::ARCHITECTURES;
use crate::model::family::Family;

/// Most models of a kind that are looked at in one file.
const MOST: usize = 64;

/// Where scripts keep a state dict, in the order of preference where several hold as many tensors
/// of the architecture. Averages of the weights come last.
pub(super) const KEYS: [&str; 20] = [
    "model",
    "state_dict",
    "module",
    "model_state_dict",
    "net",
    "network",
    "params",
    "weights",
    "backbone",
    "encoder",
    "student",
    "generator",
    "model_ema",
    "state_dict_ema",
    "model_ema_state_dict",
    "ema",
    "ema_state_dict",
    "ema_model",
    "params_ema",
    "teacher",
];

/// Parts of keys that say "an average of the weights".
const AVERAGES: [&str; 9] = [
    "ema", "teacher", "averaged", "average", "avg", "swa", "momentum", "target", "shadow",
];

/// A model among tensor names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stand {
    /// What stands before all of its names.
    pub prefix: String,
    /// Its family.
    pub family: &'static str,
    /// How many tensors it has.
    pub tensors: usize,
}

/// The models among `names`, the one of most tensors first; with `families` only of these.
pub(super) fn stands(names: &[&str], families: Option<&[&Family]>) -> Vec<Stand> {
    let mut found: Vec<Stand> = Vec::new();
    let families = families.unwrap_or(ARCHITECTURES).iter();
    let kinds = families.flat_map(|family| family.marks.iter().map(move |kind| (family, kind)));
    for (family, kind) in kinds {
        let anchors = names.iter().filter_map(|n| n.strip_suffix(kind.anchor));
        for before in anchors.take(MOST) {
            let starts = |rest: &str, parts: &[&str]| parts.iter().any(|p| rest.starts_with(p));
            let last = before.trim_end_matches('.').rsplit('.').next();
            let whole = before.is_empty() || before.ends_with('.');
            let other = last.is_some_and(|last| family.others.contains(&last));
            let inside = || names.iter().filter_map(|n| n.strip_prefix(before));
            if !whole || other || !inside().any(|rest| starts(rest, kind.witness)) {
                continue;
            }
            let prefix = match before.strip_suffix(kind.prefix) {
                Some(outer) if outer.is_empty() || outer.ends_with('.') => outer,
                _ => before,
            };
            let stand = Stand {
                prefix: prefix.to_string(),
                family: family.name,
                tensors: inside().filter(|rest| starts(rest, kind.core)).count(),
            };
            if !found.iter().any(|other| other.prefix == stand.prefix) {
                found.push(stand);
            }
        }
    }
    found.sort_by(|a, b| {
        let rank = |stand: &Stand| rank(stand.prefix.split_terminator('.'));
        b.tensors
            .cmp(&a.tensors)
            .then_with(|| rank(a).cmp(&rank(b)))
    });
    found
}

/// Models of several families, in words for a refusal: which of them is meant nobody can say. `None` for models of one
/// family, of which the first is taken.
pub(super) fn several<'s>(all: impl Iterator<Item = (String, &'s Stand)>) -> Option<String> {
    let all: Vec<(String, &Stand)> = all.collect();
    let (_, first) = all.first()?;
    if all.iter().all(|(_, stand)| stand.family == first.family) {
        return None;
    }
    let shown = all.iter().take(8).map(|(key, stand)| {
        let key = match key.trim_end_matches('.') {
            "" => "the root",
            key => key,
        };
        format!("{key} ({}, {} tensors)", stand.family, stand.tensors)
    });
    Some(shown.collect::<Vec<_>>().join(", "))
}

/// The prefix of names that a key asks for: the key itself, or that of a model whose prefix ends
/// with it (`teacher` for `module.teacher.`).
pub(super) fn asked(names: &[&str], key: &str) -> Option<String> {
    let own = format!("{key}.");
    if names.iter().any(|name| name.starts_with(&own)) {
        return Some(own);
    }
    let inner = format!(".{own}");
    let found = stands(names, None).into_iter();
    let mut prefixes = found.map(|stand| stand.prefix);
    prefixes.find(|prefix| prefix.ends_with(&inner))
}

/// What names start with, for messages: the models among them, else their first parts.
pub(super) fn starts(names: &[&str]) -> String {
    let models = stands(names, None).into_iter().map(|stand| stand.prefix);
    let models = models.filter(|prefix| !prefix.is_empty());
    let mut shown: Vec<String> = models
        .map(|prefix| format!("{} (a model)", prefix.trim_end_matches('.')))
        .collect();
    if shown.is_empty() {
        let first = names.iter().filter_map(|name| name.split_once('.'));
        shown = first.map(|(start, _)| start.to_string()).collect();
    }
    shown.sort_unstable();
    shown.dedup();
    let more = if shown.len() > 12 { ", …" } else { "" };
    shown.truncate(12);
    format!("{}{more}", shown.join(", "))
}

/// Where a path of keys comes in the order of preference: whether it leads to an average, the
/// place of its first known key in [`KEYS`], its length.
pub(super) fn rank<'k>(path: impl Iterator<Item = &'k str> + Clone) -> (bool, usize, usize) {
    let average = |key: &str| {
        let lower = key.to_lowercase();
        let mut parts = lower.split(|c: char| !c.is_ascii_alphanumeric());
        parts.any(|part| AVERAGES.contains(&part))
    };
    let place = |key: &str| KEYS.iter().position(|known| *known == key);
    (
        path.clone().any(average),
        path.clone().filter_map(place).min().unwrap_or(KEYS.len()),
        path.count(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{roberta, swin};

    fn timm(prefix: &str) -> Vec<String> {
        [
            "patch_embed.proj.weight",
            "layers.0.blocks.0.norm1.weight",
            "norm.weight",
        ]
        .map(|n| format!("{prefix}{n}"))
        .to_vec()
    }

    fn prefixes(names: &[String], families: Option<&[&Family]>) -> Vec<String> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let found = stands(&names, families).into_iter();
        found.map(|stand| stand.prefix).collect()
    }

    #[test]
    fn the_structure_of_names_tells_the_prefix() {
        for prefix in ["", "model.", "module.model.", "a.b.c.", "swin.", "encoder."] {
            assert_eq!(prefixes(&timm(prefix), None), [prefix]);
        }
        let swin = |prefix: &str| {
            [
                "embeddings.patch_embeddings.projection.weight",
                "encoder.layers.0.blocks.0.x",
            ]
            .map(|n| format!("{prefix}{n}"))
        };
        assert_eq!(prefixes(&swin("swin."), None), [""]);
        assert_eq!(prefixes(&swin("model.swin."), None), ["model."]);
        assert_eq!(prefixes(&swin("backbone."), None), ["backbone."]);
        let text = |prefix: &str| {
            ["query.weight", "key.weight"]
                .map(|n| format!("{prefix}encoder.layer.0.attention.self.{n}"))
        };
        assert_eq!(prefixes(&text("roberta."), None), [""]);
        assert_eq!(
            prefixes(&text("net.roberta."), Some(&[&roberta::FAMILY])),
            ["net."]
        );
        assert_eq!(prefixes(&text("net."), Some(&[&swin::FAMILY])), [""; 0]);
        assert_eq!(prefixes(&text("bert."), None), [""; 0], "another network");
        // A name that only ends alike, and an anchor without blocks.
        assert_eq!(prefixes(&timm("x_"), None), [""; 0]);
        assert_eq!(prefixes(&timm("")[..1], None), [""; 0]);
    }

    #[test]
    fn models_of_one_family_have_an_order_and_those_of_several_none() {
        let vit = ["patch_embed.proj.weight", "blocks.0.attn.qkv.weight"];
        let vit = |prefix: &str| vit.map(|name| format!("{prefix}{name}")).to_vec();
        let told = |names: Vec<String>| {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let found = stands(&names, None);
            several(found.iter().map(|stand| (stand.prefix.clone(), stand)))
        };
        assert_eq!(told([timm("student."), timm("teacher.")].concat()), None);
        let said = told([timm("student."), vit("teacher.")].concat()).unwrap();
        assert_eq!(
            said,
            "student (swin, 3 tensors), teacher (timm-vit, 2 tensors)"
        );
    }

    #[test]
    fn the_plain_model_comes_before_its_average() {
        for (plain, average) in [
            ("student.", "teacher."),
            ("model.", "model_ema."),
            ("net.", "ema.module."),
            ("zzz.", "averaged_model."),
        ] {
            let names = [timm(average), timm(plain)].concat();
            assert_eq!(prefixes(&names, None), [plain, average]);
        }
        let larger = [timm("ema."), vec!["ema.head.weight".into()], timm("model.")].concat();
        assert_eq!(prefixes(&larger, None), ["ema.", "model."], "most tensors");
    }
}

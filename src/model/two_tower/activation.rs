//! The activation of a CLIP is part of its identity, and a wrong one gives other numbers without a word. What tells it:
//! the user, a description, the classes that an archive of a whole module names, or a published name. It is never
//! guessed from shapes.

use crate::model::ModelError;
use crate::model::weights::Weights;
use crate::suite::parts::Activation;
use std::path::Path;

/// The class of OpenAI's activation, in archives of whole modules.
const QUICK: &str = "QuickGELU";

/// Parts of published names (in lower case) and the activation of what is called so.
///
/// OpenAI's downloads and what was tuned from them have the quick GELU, as have the models whose name says it; those that
/// open_clip trained on LAION-2B and DataComp have the exact one.
const NAMES: [(&str, Activation); 6] = [
    ("quickgelu", Activation::QuickGelu),
    ("openai", Activation::QuickGelu),
    ("rs5m_vit-b-32", Activation::QuickGelu),
    ("rs5m_vit-l-14", Activation::QuickGelu),
    ("laion2b", Activation::Gelu),
    ("datacomp", Activation::Gelu),
];

/// What weights are called whatever model they are of.
const ANY: [&str; 4] = [
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.bin",
    "model.safetensors",
    "pytorch_model.bin",
];

/// The names of OpenAI's own downloads.
const OPENAI: [&str; 4] = [
    "vit-b-32.pt",
    "vit-b-16.pt",
    "vit-l-14.pt",
    "vit-l-14-336px.pt",
];

/// The activation that a name tells.
fn of_name(name: &str) -> Option<Activation> {
    let name = name.to_lowercase();
    if OPENAI.contains(&name.as_str()) {
        return Some(Activation::QuickGelu);
    }
    let found = NAMES.iter().find(|(part, _)| name.contains(part));
    found.map(|(_, activation)| *activation)
}

/// The activation of weights without a description of it, and what told it.
///
/// # Errors
/// [`ModelError::Config`] where nothing tells it.
pub(super) fn find(
    weights: &Weights,
    path: &Path,
    asked: Option<Activation>,
) -> Result<(Activation, String), ModelError> {
    if let Some(asked) = asked {
        return Ok((asked, "as was asked for".into()));
    }
    let quick = |class: &String| class.rsplit('.').next() == Some(QUICK);
    if weights.foreign().iter().any(quick) {
        return Ok((
            Activation::QuickGelu,
            format!("the archive names {QUICK} among its modules"),
        ));
    }
    // A folder is called after its model where its weights have a name that all have.
    let any = path
        .file_name()
        .is_some_and(|name| ANY.iter().any(|any| name == *any));
    let names = [Some(path), path.parent().filter(|_| any)]
        .into_iter()
        .flatten();
    let names = names.filter_map(|path| path.file_name()?.to_str());
    for name in names {
        if let Some(found) = of_name(name) {
            return Ok((found, format!("the published name {name:?} says so")));
        }
    }
    Err(ModelError::Config {
        what: "activation of the MLPs".into(),
        expected: "--activation quick_gelu (OpenAI's CLIP and what was tuned from it) or --activation gelu (most of \
                   open_clip's): the weights are alike and a wrong one gives other numbers without a word"
            .into(),
        found: "weights without a description that tells it".into(),
    }
    .in_file(weights.path()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_names_tell_and_others_do_not() {
        for (name, found) in [
            ("ViT-B-32.pt", Some(Activation::QuickGelu)),
            ("RS5M_ViT-B-32_RET-2.pt", Some(Activation::QuickGelu)),
            (
                "vit_b_32-quickgelu-laion400m_e32-46683a32.pt",
                Some(Activation::QuickGelu),
            ),
            ("CLIP-ViT-B-32-laion2B-s34B-b79K", Some(Activation::Gelu)),
            ("my-ViT-B-32.pt", None),
            ("checkpoint.pt", None),
        ] {
            assert_eq!(of_name(name), found, "{name}");
        }
    }
}

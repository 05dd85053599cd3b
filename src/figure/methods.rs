//! How figures and texts name the transfer methods of a table, which knows them by id: by the descriptors of
//! `transfer::methods`, and as they stand where an id has none. No other file of figures and reports asks these
//! descriptors.

use crate::transfer::methods::{FROM_SCRATCH, METHODS, Method, PLAIN, Role, find};

/// Reader's name of a method; a dash where nothing was transferred.
pub fn title(id: &str) -> String {
    match id {
        "-" => "–".to_owned(),
        other => find(other).map_or(other, |method| method.title).to_owned(),
    }
}

/// What differs from the suite's own settings, of a method with settings as cells are named by them.
pub fn settings(variant: &str) -> Option<&str> {
    variant.split_once('@').map(|(_, settings)| settings)
}

/// A method inside a sentence: "plain fine-tuning (NFT)", "training from scratch".
pub fn phrase(id: &str) -> String {
    find(id).map_or(id, |method| method.phrase).to_owned()
}

/// Whether a method transfers nothing and only gives a level to compare with.
pub fn is_reference(id: &str) -> bool {
    id == FROM_SCRATCH.name
}

/// Place of a known method in the list, which is its colour in every run.
pub fn place(id: &str) -> Option<usize> {
    METHODS.iter().position(|method| method.name == id)
}

/// Number of known methods.
pub const COUNT: usize = METHODS.len();

/// Whether a method is plain fine-tuning, which others are compared with.
pub fn is_plain(id: &str) -> bool {
    id == PLAIN.name
}

/// The method that differs from another in nothing but what that one proposes.
pub fn contrast(id: &str) -> Option<&'static str> {
    find(id).and_then(|method| method.contrast)
}

/// Whether a method learns several targets together.
pub fn joins_tasks(id: &str) -> bool {
    find(id).is_some_and(|method| method.together.is_some())
}

/// All methods that have one, with it.
pub fn contrasts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let pair = |method: &&Method| Some((method.name, method.contrast?));
    METHODS.iter().filter_map(pair)
}

/// The proposed methods among `ids`, in the order of the list.
pub fn proposed<'a>(ids: &[&'a str]) -> Vec<&'a str> {
    let proposed = METHODS
        .iter()
        .filter(|method| method.role == Role::Proposed);
    let own = |method: &&Method| ids.iter().copied().find(|id| *id == method.name);
    proposed.filter_map(own).collect()
}

/// Notes on how the methods among `ids` are computed: heading and text.
pub fn notes(ids: &[&str]) -> Vec<(&'static str, &'static str)> {
    let ran = METHODS.iter().filter(|method| ids.contains(&method.name));
    ran.filter_map(|method| method.note).collect()
}

/// The method among `ids` that plainly stands for a transfer: plain fine-tuning if it ran, else the first.
pub fn plain<'a>(ids: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let mut first = None;
    for id in ids {
        if id == PLAIN.name {
            return Some(id);
        }
        first = first.or(Some(id));
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_named_by_their_descriptors_and_unknown_ones_by_their_ids() {
        for method in METHODS {
            assert_eq!(title(method.name), method.title);
            let phrase = phrase(method.name).to_lowercase();
            assert!(phrase.contains(&method.title.to_lowercase()), "{phrase}");
        }
        assert_eq!((title("-"), title("later")), ("–".into(), "later".into()));
        assert_eq!(phrase("later"), "later");
        assert_eq!(plain(["mona", "nft"]), Some("nft"));
        assert_eq!(plain(["mona", "emb"]), Some("mona"));
        assert_eq!(proposed(&["nft", "mona"]), ["mona"]);
        assert_eq!(contrast("mona"), Some("emb"));
    }
}

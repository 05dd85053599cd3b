//! How figures and texts name the transfer methods of a table, which knows them by id: by the descriptors of
//! [`transfer::methods`](crate::transfer::methods), and as they stand where an id has none.

use crate::transfer::methods::{FROM_SCRATCH, METHODS, Method, PLAIN, Role, find};

/// Reader's name of a method; a dash where nothing was transferred.
pub fn title(id: &str) -> String {
    match id {
        "-" => "–".to_owned(),
        other => find(other).map_or(other, |method| method.title).to_owned(),
    }
}

/// A method inside a sentence: "plain fine-tuning (NFT)", "training from scratch".
pub fn phrase(id: &str) -> String {
    find(id).map_or(id, |method| method.phrase).to_owned()
}

/// Whether a method transfers nothing and only gives a level to compare with.
pub fn is_reference(id: &str) -> bool {
    id == FROM_SCRATCH.name
}

/// The proposed methods among `ids`, in the order of the list.
pub fn proposed<'a>(ids: &[&'a str]) -> Vec<(&'a str, &'static Method)> {
    let own = |method: &&'static Method| {
        let id = ids.iter().find(|id| **id == method.name)?;
        (method.role == Role::Proposed).then_some((*id, *method))
    };
    METHODS.iter().filter_map(own).collect()
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
        assert_eq!(proposed(&["nft", "mona"]).len(), 1);
    }
}

//! Names of models on the hub. They become parts of paths and addresses, so only what the hub
//! itself allows passes.

/// A model on the hub at a revision.
#[derive(Debug, PartialEq)]
pub(super) struct Repo {
    /// `name` or `org/name`.
    pub id: String,
    /// A branch, a tag or a commit.
    pub revision: String,
}

impl Repo {
    /// Reads `name`, `org/name`, or either with `@revision`; the error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (id, revision) = text.split_once('@').unwrap_or((text, "main"));
        let mut parts = id.split('/');
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        if third.is_some() {
            return Err(format!("expected one / at most, found {id:?}"));
        }
        for part in [first, second].into_iter().flatten() {
            check_part(part)?;
        }
        if revision.len() > 256 || !revision.split('/').all(is_plain) {
            return Err(format!(
                "expected a branch, tag or commit after @, found {revision:?}"
            ));
        }
        Ok(Self {
            id: id.into(),
            revision: revision.into(),
        })
    }
}

fn check_part(part: &str) -> Result<(), String> {
    if is_plain(part) && part.len() <= 96 && !part.contains("--") {
        return Ok(());
    }
    Err(format!(
        "expected names of letters, digits, - _ and ., found {part:?}"
    ))
}

/// Whether a text is safe as one part of a path: the hub's own alphabet, no dots alone.
pub(super) fn is_plain(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let edge = |b: &u8| b"-.".contains(b);
    let bytes = text.as_bytes();
    !bytes.is_empty()
        && text.bytes().all(known)
        && !bytes.first().is_some_and(edge)
        && !bytes.last().is_some_and(edge)
        && !text.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_hub_are_read() {
        for (text, id, revision) in [
            ("gpt2", "gpt2", "main"),
            ("microsoft/swin-base@v1.0", "microsoft/swin-base", "v1.0"),
            ("a/b_c.d@refs/pr/1", "a/b_c.d", "refs/pr/1"),
        ] {
            let repo = Repo::parse(text).unwrap();
            assert_eq!((repo.id.as_str(), repo.revision.as_str()), (id, revision));
        }
    }

    #[test]
    fn hostile_names_are_refused() {
        for text in [
            "",
            "/",
            "..",
            "../..",
            "/etc",
            "a/../b",
            "a/b/c",
            "a//b",
            "a/",
            "-a/b",
            "a/.b",
            "a/b..c",
            "a--b",
            "a b",
            "a\\b",
            "a\0b",
            "ä/b",
            "a/b@",
            "a/b@..",
            "a/b@../x",
            "a/b@/x",
            "a/b@x/",
            "a/b@x y",
            "a/b?c",
            "a/b#c",
            "a/b%2e",
            "http://a/b",
        ] {
            assert!(Repo::parse(text).is_err(), "{text:?}");
        }
    }
}

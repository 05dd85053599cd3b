//! The manifests inside the program: all of `data-manifests/`, as `build.rs` finds them.

use super::DataManifest;
use std::sync::OnceLock;

/// Path below `data-manifests/` and text of every manifest.
const TEXTS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/manifests.rs"));

/// All manifests, by name: datasets, then weights.
pub fn all() -> &'static [DataManifest] {
    static ALL: OnceLock<Vec<DataManifest>> = OnceLock::new();
    ALL.get_or_init(|| {
        let parsed = TEXTS.iter().map(|(origin, text)| {
            DataManifest::parse(text, origin).expect("the test below parses every text")
        });
        parsed.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_manifest_parses_and_is_named_as_its_file() {
        for (path, text) in TEXTS {
            let manifest = DataManifest::parse(text, path).expect("a valid manifest");
            assert_eq!(Path::new(path).file_stem(), Some(manifest.name.as_ref()));
        }
        assert!(all().len() == TEXTS.len() && all().len() > 20);
    }
}

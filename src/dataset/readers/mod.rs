//! Readers: each turns the files of a dataset, or a seed, into three [`Splits`](crate::dataset::Splits).
//!
//! A reader is a file (or folder) here with one descriptor, a [`Reader`], and a line in [`READERS`].
//! Everything that suites, the command line, runs and reports know of it is read from the descriptor
//! and, where somebody publishes the files, from its data manifest
//! (`data-manifests/datasets/NAME.toml`). To add one: the file, the line, the manifest.

mod captions;
pub mod cifar;
mod cosmic;
mod darcy;
mod darcy16;
mod deepsea;
pub mod demo;
pub mod descriptor;
mod domains;
mod ecg2017;
mod ecg5000;
pub mod emg_myo;
mod emoji;
pub mod esc10;
mod fsd50k;
mod fsdd;
pub mod images;
mod ninapro;
mod numpy;
mod pdebench;
mod psicov;
mod remote_sensing;
mod satellite;
mod spherical;

pub use descriptor::{About, Asked, Data, Digests, Input, Reader};

use super::DatasetError;
use crate::suite::ManifestError;
use crate::suite::data::DataManifest;
use crate::suite::dataset::DatasetSpec;
use crate::suite::definition::{Suite, nearest};

/// All readers, in the order in which they are listed for people.
pub static READERS: &[&Reader] = &[
    &demo::SOURCE,
    &demo::SURROGATE,
    &demo::UNSEEN,
    &demo::SPHERICAL,
    &demo::EMG,
    &demo::SOUND,
    &demo::CAPTIONS,
    &demo::SHIFTED,
    &demo::SCENES,
    &cifar::TEN,
    &cifar::HUNDRED,
    &cifar::SOURCE,
    &cifar::HELDOUT,
    &cifar::HELDOUT_SPHERICAL,
    &emg_myo::READER,
    &esc10::READER,
    &fsdd::READER,
    &ecg5000::FIVE,
    &ecg5000::FIVE_FOLDED,
    &ecg5000::NORMAL,
    &ecg5000::NORMAL_FOLDED,
    &darcy16::READER,
    &spherical::READER,
    &ninapro::READER,
    &satellite::READER,
    &deepsea::READER,
    &fsd50k::READER,
    &ecg2017::READER,
    &darcy::READER,
    &cosmic::READER,
    &psicov::READER,
    &pdebench::ADVECTION,
    &pdebench::BURGERS,
    &pdebench::CFD_1D,
    &pdebench::DIFF_SORP,
    &pdebench::DIFF_REACT_1D,
    &pdebench::DARCY,
    &pdebench::SHALLOW_WATER,
    &pdebench::DIFF_REACT_2D,
    &pdebench::CFD_2D,
    &emoji::NOTO,
    &emoji::TWEMOJI,
    &emoji::FLUENT,
    &emoji::OPENMOJI,
    &emoji::LINE,
    &emoji::UNSEEN,
    &emoji::PRETRAINING,
    &emoji::NOTO_GROUPS,
    &emoji::TWEMOJI_GROUPS,
    &emoji::FLUENT_GROUPS,
    &emoji::OPENMOJI_GROUPS,
    &emoji::LINE_GROUPS,
    &remote_sensing::RSICD,
    &remote_sensing::RSITMD,
    &captions::FLICKR8K,
    &captions::FLICKR30K,
    &captions::COCO,
    &domains::HOME_ART,
    &domains::HOME_CLIPART,
    &domains::HOME_PRODUCT,
    &domains::HOME_REAL,
    &domains::CLIPART,
    &domains::INFOGRAPH,
    &domains::PAINTING,
    &domains::QUICKDRAW,
    &domains::REAL,
    &domains::SKETCH,
    &domains::MINI_CLIPART,
    &domains::MINI_PAINTING,
    &domains::MINI_REAL,
    &domains::MINI_SKETCH,
    &numpy::READER,
    &images::READER,
    &domains::READER,
    &captions::READER,
];

impl Reader {
    /// The reader of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        READERS.iter().copied().find(|reader| reader.name == name)
    }

    /// The reader of a suite's entry.
    ///
    /// # Errors
    /// `Unsatisfiable` with all names.
    pub fn of(spec: &DatasetSpec) -> Result<&'static Self, DatasetError> {
        Self::named(&spec.reader).ok_or_else(|| DatasetError::Unsatisfiable {
            set: spec.name.clone(),
            what: "reader".into(),
            expected: format!("one of {}", names()),
            found: format!("{:?}", spec.reader),
        })
    }

    /// The readers of a data manifest.
    pub fn of_manifest(manifest: &DataManifest) -> impl Iterator<Item = &'static Self> {
        let all = READERS.iter().copied();
        all.filter(move |reader| {
            reader
                .manifest()
                .is_some_and(|own| own.name == manifest.name)
        })
    }
}

/// All names, comma-separated.
pub fn names() -> String {
    let names: Vec<&str> = READERS.iter().map(|reader| reader.name).collect();
    names.join(", ")
}

/// The manifests of the published files of a suite's entry.
pub fn manifests_of(spec: &DatasetSpec) -> impl Iterator<Item = &'static DataManifest> {
    let reader = Reader::named(&spec.reader).into_iter();
    reader.flat_map(Reader::manifests)
}

/// Resolves a suite by name or file ([`Suite::resolve`]) and the readers that it names.
///
/// # Errors
/// Those of [`Suite::resolve`]; [`ManifestError::NoReader`] with the nearest name; `Invalid` for a key that the reader has
/// no use for: a `path` where files have their own places, a `domain` or `classes` where there are no domains.
pub fn resolve(asked: &str) -> Result<Suite, ManifestError> {
    let suite = Suite::resolve(asked)?;
    check(&suite, asked)?;
    Ok(suite)
}

/// Checks the readers that a suite names; `origin` names the suite in errors.
///
/// # Errors
/// As [`resolve`].
pub fn check(suite: &Suite, origin: &str) -> Result<(), ManifestError> {
    for spec in suite.datasets() {
        let Some(reader) = Reader::named(&spec.reader) else {
            return Err(ManifestError::NoReader {
                origin: origin.into(),
                set: spec.name.clone(),
                asked: spec.reader.clone(),
                known: names(),
                near: nearest(&spec.reader, READERS.iter().map(|reader| reader.name)),
            });
        };
        let published = "; of published sets every domain is a reader (office-home-art)";
        for (key, is_there, fits, expected) in [
            (
                "path",
                spec.path.is_some(),
                matches!(reader.data, Data::User { .. }),
                "a set of one's own files (reader npy, images, domains or captions)".into(),
            ),
            (
                "domain",
                spec.domain.is_some(),
                reader.name == domains::READER.name,
                format!("one's own folders by domain (reader domains){published}"),
            ),
            (
                "classes",
                !spec.classes.is_union(),
                domains::is_domain(reader),
                "one of several domains (reader domains, office-home-…, domainnet-…)".into(),
            ),
        ] {
            if is_there && !fits {
                return Err(ManifestError::Invalid {
                    origin: origin.into(),
                    what: key.into(),
                    expected,
                    found: format!("reader {} of {}", reader.name, spec.name),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::data::all;
    use crate::suite::definition::EMBEDDED;

    #[test]
    fn names_are_unique_and_every_reader_has_words_a_manifest_or_both() {
        for (at, reader) in READERS.iter().enumerate() {
            let twice = READERS[..at].iter().any(|other| other.name == reader.name);
            assert!(!twice, "{} twice", reader.name);
            let words = [
                reader.title,
                reader.what,
                reader.modality(),
                reader.citation(),
                reader.licence(),
            ];
            assert!(
                words.iter().all(|text| !text.trim().is_empty()),
                "{words:?}"
            );
            assert_eq!(reader.manifest().is_some(), reader.is_published());
        }
        for manifest in all() {
            let mut readers = Reader::of_manifest(manifest);
            if let (Some(first), Some(task)) = (readers.next(), manifest.task) {
                assert_eq!(first.target, task, "{}", first.name);
            }
        }
    }

    #[test]
    fn readers_of_suites_are_known_and_an_unknown_one_gets_the_nearest() {
        for (name, _) in EMBEDDED {
            resolve(name).unwrap();
        }
        let mut suite = resolve("demo").unwrap();
        suite.targets[0].reader = "demo-egm".into();
        let said = check(&suite, "x.toml").unwrap_err().to_string();
        assert!(said.starts_with("x.toml: reader of"), "{said}");
        assert!(
            said.contains("one of demo-source, demo-surrogate"),
            "{said}"
        );
        assert!(
            said.ends_with(r#"found "demo-egm" (did you mean "demo-emg"?)"#),
            "{said}"
        );
        let said = Reader::of(&suite.targets[0]).unwrap_err().to_string();
        assert!(
            said.contains("reader: expected one of demo-source"),
            "{said}"
        );
        suite.targets[0].reader = "demo-emg".into();
        suite.targets[0].path = Some("x".into());
        let said = check(&suite, "x.toml").unwrap_err().to_string();
        assert!(
            said.contains("path: expected a set of one's own files"),
            "{said}"
        );
        suite.targets[0].path = None;
        suite.targets[0].domain = Some("art".into());
        let said = check(&suite, "x.toml").unwrap_err().to_string();
        assert!(
            said.contains("domain: expected one's own folders by domain"),
            "{said}"
        );
        suite.targets[0].domain = None;
        suite.targets[0].classes = crate::suite::dataset::DomainClasses::Own;
        let said = check(&suite, "x.toml").unwrap_err().to_string();
        assert!(
            said.contains("classes: expected one of several domains"),
            "{said}"
        );
        for (reader, domain) in [("domains", Some("art")), ("mini-domainnet-real", None)] {
            suite.targets[0].reader = reader.into();
            suite.targets[0].domain = domain.map(String::from);
            check(&suite, "x.toml").unwrap();
        }
    }
}

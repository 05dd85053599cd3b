//! The manifests inside the program.

use super::DataManifest;
use std::sync::OnceLock;

macro_rules! manifest {
    ($path:literal) => {
        (
            $path,
            include_str!(concat!("../../../data-manifests/", $path)),
        )
    };
}

/// Texts by file name.
const TEXTS: &[(&str, &str)] = &[
    manifest!("datasets/cifar10.toml"),
    manifest!("datasets/cifar100.toml"),
    manifest!("datasets/spherical.toml"),
    manifest!("datasets/ninapro.toml"),
    manifest!("datasets/fsd50k.toml"),
    manifest!("datasets/darcy.toml"),
    manifest!("datasets/psicov.toml"),
    manifest!("datasets/cosmic.toml"),
    manifest!("datasets/ecg2017.toml"),
    manifest!("datasets/satellite.toml"),
    manifest!("datasets/deepsea.toml"),
    manifest!("datasets/pdebench-advection.toml"),
    manifest!("datasets/pdebench-burgers.toml"),
    manifest!("datasets/pdebench-cfd-1d.toml"),
    manifest!("datasets/pdebench-diff-sorp.toml"),
    manifest!("datasets/pdebench-diff-react-1d.toml"),
    manifest!("datasets/pdebench-darcy.toml"),
    manifest!("datasets/pdebench-shallow-water.toml"),
    manifest!("datasets/pdebench-diff-react-2d.toml"),
    manifest!("datasets/pdebench-cfd-2d.toml"),
    manifest!("datasets/emg-myo.toml"),
    manifest!("datasets/esc10.toml"),
    manifest!("datasets/fsdd.toml"),
    manifest!("datasets/ecg5000.toml"),
    manifest!("datasets/darcy16.toml"),
    manifest!("datasets/rs-captions.toml"),
    manifest!("weights/swin-base-in22k.toml"),
    manifest!("weights/roberta-base.toml"),
    manifest!("weights/clip-vit-b32.toml"),
];

/// All manifests: the tasks of NAS-Bench-360, of PDEBench, the small real sets, then weights.
pub fn all() -> &'static [DataManifest] {
    static ALL: OnceLock<Vec<DataManifest>> = OnceLock::new();
    // A text that does not parse cannot pass the tests below, so none is left out here.
    ALL.get_or_init(|| {
        let parsed = TEXTS
            .iter()
            .map(|(origin, text)| DataManifest::parse(text, origin));
        parsed.filter_map(Result::ok).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::reader::Reader;
    use std::path::Path;

    #[test]
    fn every_manifest_parses_and_is_named_as_its_file() {
        for (path, text) in TEXTS {
            let manifest = DataManifest::parse(text, path).expect("a valid manifest");
            assert_eq!(Path::new(path).file_stem(), Some(manifest.name.as_ref()));
        }
        assert_eq!(all().len(), TEXTS.len());
    }

    #[test]
    fn every_manifest_in_the_folder_is_in_the_program() {
        for folder in ["datasets", "weights"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("data-manifests")
                .join(folder);
            for entry in std::fs::read_dir(path).expect("folder") {
                let name = entry
                    .expect("entry")
                    .file_name()
                    .into_string()
                    .expect("name");
                let path = format!("{folder}/{name}");
                assert!(TEXTS.iter().any(|(known, _)| *known == path), "{path}");
            }
        }
    }

    #[test]
    fn every_reader_of_real_data_has_one_manifest() {
        for reader in Reader::ALL {
            let count = all().iter().filter(|m| m.readers.contains(&reader)).count();
            assert_eq!(count, usize::from(reader.is_published()), "{reader:?}");
        }
    }
}

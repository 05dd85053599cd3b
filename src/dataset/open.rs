//! The door to all readers: a manifest entry becomes three capped parts.

use std::path::Path;

use super::store::Store;
use super::{
    DatasetError, Splits, cap, cifar, cosmic, darcy, darcy16, deepsea, demo, ecg2017, ecg5000, emg,
    esc10, fsd50k, fsdd, ninapro, own, pdebench, psicov, s2cifar, satellite,
};
use crate::manifest::reader::Pde;
use crate::manifest::suite::{DatasetSpec, Reader};
use ecg5000::Question::{Class, Normal};

/// Opens the dataset of a manifest entry.
///
/// `data_dir` holds the files of the real sets, one folder each ([`Store::at`] where none is
/// named); the demo readers need none.
/// `seed` fixes which samples a cap keeps, the demo data and the rotations on the sphere. It does
/// not move samples between training, validation and test parts of real sets.
///
/// `spec.train`, `spec.valid` and `spec.test` cap the parts, balanced over classes; 0 keeps what
/// the reader has. The demo readers make as many samples as they are asked for.
///
/// # Errors
/// `Missing` with the place and the source of an absent file; `Malformed` for a file that breaks
/// its format; `Io` for what the system refuses.
pub fn open(
    spec: &DatasetSpec,
    data_dir: Option<&Path>,
    seed: u64,
) -> Result<Splits, DatasetError> {
    let store = Store::at(data_dir);
    let data_dir = Some(store.root());
    let sizes = demo::Sizes {
        train: spec.train,
        valid: spec.valid,
        test: spec.test,
    };
    let whole = match spec.reader {
        Reader::DemoSource => demo::images(demo::Domain::Source, sizes, seed),
        Reader::DemoSurrogate => demo::images(demo::Domain::Surrogate, sizes, seed),
        Reader::DemoUnseen => demo::images(demo::Domain::Unseen, sizes, seed),
        Reader::DemoSpherical => demo::spherical(sizes, seed)?,
        Reader::DemoEmg => demo::emg(sizes, seed)?,
        Reader::DemoSound => demo::sound(sizes, seed)?,
        Reader::Cifar10 => cifar::ten(data_dir)?,
        Reader::Cifar100 => cifar::whole(data_dir)?,
        Reader::Cifar100Source => cifar::source(data_dir)?,
        Reader::Cifar100Heldout => cifar::heldout(data_dir)?,
        Reader::Cifar100HeldoutSpherical => cifar::heldout_spherical(data_dir, seed)?,
        Reader::EmgMyo => emg::open(data_dir)?,
        Reader::Esc10 => esc10::open(data_dir)?,
        Reader::Fsdd => fsdd::open(data_dir)?,
        Reader::Ecg5000 => ecg5000::open(data_dir, Class, false)?,
        Reader::Ecg5000Folded => ecg5000::open(data_dir, Class, true)?,
        Reader::Ecg5000Normal => ecg5000::open(data_dir, Normal, false)?,
        Reader::Ecg5000NormalFolded => ecg5000::open(data_dir, Normal, true)?,
        Reader::Darcy16 => darcy16::open(data_dir)?,
        Reader::Spherical => s2cifar::open(data_dir)?,
        Reader::Ninapro => ninapro::open(data_dir)?,
        Reader::Satellite => satellite::open(data_dir)?,
        Reader::Deepsea => deepsea::open(data_dir)?,
        Reader::Fsd50k => fsd50k::open(data_dir)?,
        Reader::Ecg2017 => ecg2017::open(data_dir)?,
        Reader::Darcy => darcy::open(data_dir)?,
        Reader::Cosmic => cosmic::open(data_dir)?,
        Reader::Psicov => psicov::open(data_dir)?,
        Reader::PdebenchAdvection => pdebench::open(data_dir, Pde::Advection)?,
        Reader::PdebenchBurgers => pdebench::open(data_dir, Pde::Burgers)?,
        Reader::PdebenchCfd1d => pdebench::open(data_dir, Pde::Cfd1d)?,
        Reader::PdebenchDiffSorp => pdebench::open(data_dir, Pde::DiffSorp)?,
        Reader::PdebenchDiffReact1d => pdebench::open(data_dir, Pde::DiffReact1d)?,
        Reader::PdebenchDarcy => pdebench::open(data_dir, Pde::Darcy)?,
        Reader::PdebenchShallowWater => pdebench::open(data_dir, Pde::ShallowWater)?,
        Reader::PdebenchDiffReact2d => pdebench::open(data_dir, Pde::DiffReact2d)?,
        Reader::PdebenchCfd2d => pdebench::open(data_dir, Pde::Cfd2d)?,
        Reader::Npy => own::open(data_dir, &spec.name)?,
    };
    Ok(Splits {
        train: cap(whole.train, spec.train, seed),
        valid: cap(whole.valid, spec.valid, seed),
        test: cap(whole.test, spec.test, seed),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(reader: Reader, train: usize) -> DatasetSpec {
        DatasetSpec {
            train,
            valid: 11,
            test: 12,
            ..DatasetSpec::new("set", "Set", reader)
        }
    }

    #[test]
    fn real_sets_without_data_say_what_is_missing_and_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        let demo = |reader: &Reader| reader.name().starts_with("demo");
        for reader in Reader::ALL.into_iter().filter(|r| !demo(r)) {
            let error = open(&spec(reader, 0), Some(empty.path()), 0).err();
            let Some(DatasetError::Missing { path, hint, .. }) = error else {
                panic!("{reader:?}: {error:?}");
            };
            assert!(path.extension().is_some() && hint.contains("--data DIR"));
            assert!(hint.contains("https://"), "{hint}");
        }
    }

    #[test]
    fn demo_sets_have_as_many_samples_as_asked_for() {
        for reader in [
            Reader::DemoSource,
            Reader::DemoSurrogate,
            Reader::DemoUnseen,
            Reader::DemoSpherical,
            Reader::DemoEmg,
            Reader::DemoSound,
        ] {
            let splits = open(&spec(reader, 30), None, 7).unwrap();
            let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
            assert_eq!(lengths, [30, 11, 12], "{reader:?}");
        }
    }
}

//! The door to all readers: a manifest entry becomes three capped parts, as they are read or as a
//! model takes them.

use std::path::Path;

use super::images::{self, Broken, Folder};
use super::pictured::Pictured;
use super::store::Store;
use super::{
    DatasetError, Normalise, Resized, Splits, cap, cifar, cosmic, darcy, darcy16, deepsea, demo,
    ecg2017, ecg5000, emg, esc10, fsd50k, fsdd, ninapro, own, pdebench, psicov, s2cifar, satellite,
};
use crate::suite::definition::{DatasetSpec, Reader};
use crate::suite::preprocess::{Origin, Preprocess};
use crate::suite::reader::Pde;
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
    read(spec, data_dir, seed, &Preprocess::own(PICTURE_SIDE), None).map(|found| found.0)
}

/// Side of the pictures of a folder where no model says it.
const PICTURE_SIDE: usize = 224;

/// A set, opened for a model.
pub struct Opened {
    /// Its parts as the model takes them.
    pub splits: Splits,
    /// Its parts as they are read.
    pub original: Splits,
    /// What was left out or done otherwise than one may think.
    pub notes: Vec<String>,
}

/// Opens the dataset of a manifest entry for a model of inputs `side × side`: pictures are prepared as
/// `how` says, everything else is resized.
///
/// # Errors
/// Those of [`open`], and `Unsatisfiable` if `how` does not fit the channels of the pictures.
pub fn open_for(
    spec: &DatasetSpec,
    data_dir: Option<&Path>,
    seed: u64,
    how: &Preprocess,
    side: usize,
) -> Result<Opened, DatasetError> {
    let own = how.origin == Origin::Own || !spec.reader.is_images();
    let raw = (!own).then(|| Normalise::none(3));
    let (original, notes) = read(spec, data_dir, seed, how, raw.as_ref())?;
    let splits = match (spec.reader, own) {
        (Reader::Images, _) => original.clone(),
        (_, true) => Resized::splits(original.clone(), side),
        (_, false) => Pictured::splits(&original, how, &spec.name)?,
    };
    Ok(Opened {
        splits,
        original,
        notes,
    })
}

/// The parts as they are read, and what is worth telling of them. `raw` stands for the constants of
/// image sets, where a model has its own.
fn read(
    spec: &DatasetSpec,
    data_dir: Option<&Path>,
    seed: u64,
    how: &Preprocess,
    raw: Option<&Normalise>,
) -> Result<(Splits, Vec<String>), DatasetError> {
    let store = Store::at(data_dir);
    let root = store.root();
    let data_dir = Some(root);
    let cifar_norm = raw.cloned().unwrap_or_else(Normalise::cifar);
    let demo_norm = raw.cloned().unwrap_or_else(demo::normalise);
    let (cifar_norm, demo_norm) = (&cifar_norm, &demo_norm);
    let mut notes = Vec::new();
    let sizes = demo::Sizes {
        train: spec.train,
        valid: spec.valid,
        test: spec.test,
    };
    let whole = match spec.reader {
        Reader::DemoSource => demo::images(demo::Domain::Source, sizes, seed, demo_norm),
        Reader::DemoSurrogate => demo::images(demo::Domain::Surrogate, sizes, seed, demo_norm),
        Reader::DemoUnseen => demo::images(demo::Domain::Unseen, sizes, seed, demo_norm),
        Reader::DemoSpherical => demo::spherical(sizes, seed, demo_norm)?,
        Reader::DemoEmg => demo::emg(sizes, seed)?,
        Reader::DemoSound => demo::sound(sizes, seed)?,
        Reader::Cifar10 => cifar::ten(data_dir, cifar_norm)?,
        Reader::Cifar100 => cifar::whole(data_dir, cifar_norm)?,
        Reader::Cifar100Source => cifar::source(data_dir, cifar_norm)?,
        Reader::Cifar100Heldout => cifar::heldout(data_dir, cifar_norm)?,
        Reader::Cifar100HeldoutSpherical => cifar::heldout_spherical(data_dir, seed, cifar_norm)?,
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
        Reader::Images => {
            let place = images::place(root, &spec.name, spec.path.as_deref());
            let folder = Folder::open(&place, how, Broken::Refuse)?;
            let told = folder.notes.iter().chain(&folder.cuts);
            notes.extend(told.map(|note| format!("{}: {note}", spec.name)));
            folder.splits(&place)?
        }
    };
    let capped = Splits {
        train: cap(whole.train, spec.train, seed),
        valid: cap(whole.valid, spec.valid, seed),
        test: cap(whole.test, spec.test, seed),
    };
    Ok((capped, notes))
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
            assert!(hint.contains("https://"), "{hint}");
            if reader != Reader::Images {
                assert!(path.extension().is_some() && hint.contains("--data DIR"));
            }
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

    #[test]
    fn models_of_ours_see_the_constants_of_old_to_the_last_bit_and_others_their_own() {
        let spec = spec(Reader::DemoSurrogate, 10);
        let own = open_for(&spec, None, 7, &Preprocess::own(32), 32).unwrap();
        let foreign = Preprocess::guess(32);
        let raw = open_for(&spec, None, 7, &foreign, 32).unwrap();
        let sample = |set: &Splits| {
            let mut out = vec![0.0f32; 3 * 32 * 32];
            set.train.read(3, &mut out).unwrap();
            out
        };
        let (ours, pixels) = (sample(&own.splits), sample(&raw.original));
        assert!(pixels.iter().all(|x| (0.0..=1.0).contains(x)));
        let old = |x: &f32| (x - 0.387) * (1.0f32 / 0.230);
        let same = |(a, b): (&f32, f32)| a.to_bits() == b.to_bits();
        assert!(ours.iter().zip(pixels.iter().map(old)).all(same));
        for (place, value) in sample(&raw.splits).into_iter().enumerate() {
            let channel = place / (32 * 32);
            let byte = (pixels[place] * 255.0).round() / 255.0;
            let want = (byte - foreign.mean[channel]) / foreign.std[channel];
            assert!((value - want).abs() < 1e-5);
        }
        // Signals know nothing of it.
        let emg = super::tests::spec(Reader::DemoEmg, 10);
        let [a, b] = [&Preprocess::own(32), &foreign].map(|how| {
            let set = open_for(&emg, None, 7, how, 32).unwrap().splits.train;
            let mut out = vec![0.0; set.shape().iter().product()];
            set.read(3, &mut out).unwrap();
            out
        });
        assert_eq!(a, b);
    }

    #[test]
    fn pictures_of_another_size_are_resized_as_the_model_says() {
        let how = Preprocess::guess(48);
        let spec = spec(Reader::DemoUnseen, 10);
        let opened = open_for(&spec, None, 7, &how, 32).unwrap();
        assert_eq!(opened.splits.test.shape(), [3, 48, 48]);
        assert_eq!(opened.original.test.shape(), [3, 32, 32]);
        let mut out = vec![0.0; 3 * 48 * 48];
        opened.splits.test.read(0, &mut out).unwrap();
        let folder = Reader::Images;
        let error = open(&super::tests::spec(folder, 0), None, 0).err().unwrap();
        assert!(error.to_string().contains("ImageFolder"));
    }
}

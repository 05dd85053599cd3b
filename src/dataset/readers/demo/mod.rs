//! The demo domain: data made by the program from a seed, for a suite that needs no download.
//!
//! It has the structure of the real thing on a small scale: an image domain with classes for
//! pretraining, classes for the surrogate set and classes for a near target, and two far targets
//! (muscle signals and sounds) in which the class shows in other ways than in images; and drawings with
//! captions, in two styles. Every
//! sample is a pure function of (seed, part, class, number); training, validation and test parts
//! are different random streams. A set has as many samples as it is asked for, classes in turn:
//! sample `i` is number `i / K` of class `i % K`.

mod captions;
mod drawing;
mod emg;
mod images;
mod scene;
mod shape;
mod sound;
mod synth;
mod texture;
mod wording;

pub use captions::{CAPTIONS, SCENES, SHIFTED};
pub use images::{Class, Domain, normalise};

use crate::suite::task::TargetKind;
use std::sync::Arc;

use super::descriptor::{self, About, Asked, Data, Input, Reader};
use crate::dataset::part::Part;
use crate::dataset::spherical::{Projection, Rotation};
use crate::dataset::{Dataset, DatasetError, Display, InMemory, Normalise, Spherical, Splits};

const fn about(modality: &'static str) -> About {
    About {
        modality,
        citation: "made by this program",
        licence: "MIT OR Apache-2.0",
    }
}

/// The reader `demo-source`.
pub const SOURCE: Reader = Reader {
    name: "demo-source",
    title: "Demo: source classes",
    what: "Procedural images, 3 × 32 × 32, of the classes that the demo's source model is trained on",
    open: |asked| {
        let norm = asked.normalise(normalise());
        Ok(images(Domain::Source, Sizes::of(asked), asked.seed, &norm))
    },
    ..UNSEEN
};

/// The reader `demo-surrogate`.
pub const SURROGATE: Reader = Reader {
    name: "demo-surrogate",
    title: "Demo: surrogate classes",
    what: "Procedural images, 3 × 32 × 32, of ten classes that the source model never saw",
    open: |asked| {
        let norm = asked.normalise(normalise());
        Ok(images(
            Domain::Surrogate,
            Sizes::of(asked),
            asked.seed,
            &norm,
        ))
    },
    ..UNSEEN
};

/// The reader `demo-unseen`.
pub const UNSEEN: Reader = Reader {
    name: "demo-unseen",
    title: "Demo: further unseen classes",
    what: "Procedural images, 3 × 32 × 32, of further classes that the source model never saw",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Procedural(about("procedural images")),
    open: |asked| {
        let norm = asked.normalise(normalise());
        Ok(images(Domain::Unseen, Sizes::of(asked), asked.seed, &norm))
    },
};

/// The reader `demo-spherical`.
pub const SPHERICAL: Reader = Reader {
    name: "demo-spherical",
    title: "Demo: images on the sphere",
    what: "The images of demo-unseen projected on the sphere, 3 × 60 × 60",
    open: |asked| {
        let norm = asked.normalise(normalise());
        spherical(Sizes::of(asked), asked.seed, &norm)
    },
    ..UNSEEN
};

/// The reader `demo-emg`.
pub const EMG: Reader = Reader {
    name: "demo-emg",
    title: "Demo: muscle signals",
    what: "Synthesised windows of sixteen electrodes, 1 × 16 × 52, of eight gestures",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Procedural(about("synthesised surface EMG")),
    open: |asked| emg(Sizes::of(asked), asked.seed),
};

/// The reader `demo-sound`.
pub const SOUND: Reader = Reader {
    name: "demo-sound",
    title: "Demo: sounds",
    what: "Log-mel spectrograms of synthesised sounds, 1 × 96 × 102, of ten kinds",
    display: Some(Display::Spectrogram),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Procedural(about("synthesised sounds")),
    open: |asked| sound(Sizes::of(asked), asked.seed),
};

/// Numbers of samples asked for; 0 stands for the set's default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sizes {
    /// Training samples.
    pub train: usize,
    /// Validation samples.
    pub valid: usize,
    /// Test samples.
    pub test: usize,
}

impl Sizes {
    /// The caps of a suite's entry.
    fn of(asked: &Asked<'_>) -> Self {
        Self {
            train: asked.spec.train,
            valid: asked.spec.valid,
            test: asked.spec.test,
        }
    }

    /// Zeros filled in with `classes` times the default numbers per class.
    fn or(self, classes: usize, train: usize, valid: usize, test: usize) -> Self {
        let or = |asked: usize, per_class: usize| match asked {
            0 => classes * per_class,
            n => n,
        };
        Self {
            train: or(self.train, train),
            valid: or(self.valid, valid),
            test: or(self.test, test),
        }
    }

    /// One dataset per part.
    fn splits<D: Dataset + 'static>(self, make: impl Fn(Part, usize) -> D) -> Splits {
        Splits::new(
            Arc::new(make(Part::Train, self.train)),
            Arc::new(make(Part::Valid, self.valid)),
            Arc::new(make(Part::Test, self.test)),
        )
    }
}

/// Procedural images 3 × 32 × 32 of one group of classes.
///
/// Pixels of `0..=1` go through `norm`. Defaults per class (training, validation, test): source 250, 20, 20; surrogate 100, 20, 100;
/// unseen 60, 15, 40.
pub fn images(domain: Domain, sizes: Sizes, seed: u64, norm: &Normalise) -> Splits {
    let classes = domain.classes().len();
    let sizes = match domain {
        Domain::Source => sizes.or(classes, 250, 20, 20),
        Domain::Surrogate => sizes.or(classes, 100, 20, 100),
        Domain::Unseen => sizes.or(classes, 60, 15, 40),
    };
    sizes.splits(|part, len| images::DemoImages::new(domain, part, len, seed, norm))
}

/// [`Domain::Unseen`] on the sphere, 3 × 60 × 60, every sample under its own random rotation.
///
/// # Errors
/// None that a caller can cause; the projection's own check is passed on.
pub fn spherical(sizes: Sizes, seed: u64, norm: &Normalise) -> Result<Splits, DatasetError> {
    let black = norm.of(0.0);
    let flat = images(Domain::Unseen, sizes, seed, norm);
    let projection = Arc::new(Projection::new(30));
    Spherical::splits(&flat, &projection, Rotation::Uniform, &black, seed)
}

/// Muscle-signal windows 1 × 16 × 52 of eight gestures; 100, 25 and 50 per class by default.
///
/// # Errors
/// None that a caller can cause; those of fitting the statistics are passed on.
pub fn emg(sizes: Sizes, seed: u64) -> Result<Splits, DatasetError> {
    let sizes = sizes.or(emg::GESTURES.len(), 100, 25, 50);
    let raw = emg::DemoEmg::new(Part::Train, sizes.train, seed);
    let norm = Normalise::fit(&raw, emg::ELECTRODES)?;
    Ok(sizes.splits(|part, len| emg::DemoEmg::new(part, len, seed).normalised(&norm)))
}

/// Log-mel spectrograms 1 × 96 × 102 of ten kinds of sound; 60, 20 and 30 per class by default.
///
/// Spectrograms are made at opening, on all cores (about 2 ms each), and kept (39 KB each).
///
/// # Errors
/// None that a caller can cause; those of fitting the statistics are passed on.
pub fn sound(sizes: Sizes, seed: u64) -> Result<Splits, DatasetError> {
    let sizes = sizes.or(synth::SOUNDS.len(), 60, 20, 30);
    let train = sound::render(Part::Train, sizes.train, seed)?;
    let valid = sound::render(Part::Valid, sizes.valid, seed)?;
    let test = sound::render(Part::Test, sizes.test, seed)?;
    InMemory::standardised([train, valid, test])
}

#[cfg(test)]
mod tests;

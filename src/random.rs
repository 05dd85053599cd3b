//! Every random stream of the program, by name.
//!
//! A stream is a ChaCha8 generator that follows from a seed, its name in the list below, and numbers (an
//! epoch, a step, a sample). It never depends on what was drawn before from another one, on time, or on
//! the number of threads. Two derivations exist:
//!
//! | key | generator |
//! |---|---|
//! | `Path(tag)` | ChaCha8's key is a chain of SplitMix64 over the seed, the tag and the numbers |
//! | `Xor(tag)` | ChaCha8 seeded with `seed ^ tag`; the numbers, 32 bits each, select ChaCha's own stream |
//!
//! A new stream is a path with a tag of its own. Streams of key `Xor(0)` are older and equal where seed and
//! numbers are: what they decide is never paired with each other, and published results rest on their bits.
//! What tests draw for themselves is not listed, nor the generator of the reference engine `linfa-tsne`, which takes
//! one of an older `rand`. Ties among neighbours are broken by [`mix`] alone.

// Without models not all of them are drawn from.
#![cfg_attr(not(feature = "train"), allow(dead_code))]

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// A named random stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// What it decides.
    pub name: &'static str,
    key: Key,
}

/// How seed and numbers become a generator; see the module's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Path(u64),
    Xor(u64),
}

macro_rules! streams {
    ($($(#[$meta:meta])* $id:ident = $key:expr, $name:literal;)*) => {
        $($(#[$meta])* pub const $id: Stream = Stream { name: $name, key: $key };)*

        /// All of them.
        #[cfg(test)]
        pub const ALL: &[Stream] = &[$($id),*];
    };
}

streams! {
    // Data
    /// Numbers: part, shape, texture, index.
    DEMO_IMAGE = Key::Path(0x91c7_04e5), "procedural images";
    /// Numbers: what is decided (the drawing, its words, how it is drawn), part, index.
    DEMO_DRAWING = Key::Path(0xd4a7_1a65), "procedural drawings and their captions";
    /// Numbers: part, gesture, index.
    DEMO_EMG = Key::Path(0xe3a9_0001), "procedural muscle signals";
    /// Numbers: part, kind, index.
    DEMO_SOUND = Key::Path(0x50d4_d001), "procedural sounds";
    /// Numbers: part, index.
    ROTATION = Key::Path(0x0507_a7e5), "rotations of spherical images";
    /// Numbers: the bytes of the protein's name.
    MAP_CUT = Key::Path(0x0c07_0ca7), "where long distance maps are cut";
    /// Numbers: class, or the largest number for the order of classes within a round.
    SELECTION = Key::Path(0x5e1e_c710), "samples drawn class by class: validation parts, balanced choices";

    // Models and their training
    INITIAL_VALUES = Key::Xor(0), "initial values of parameters";
    /// Numbers: epoch.
    TRAINING_ORDER = Key::Xor(0), "order of training samples";
    /// Only its [`Stream::seed`]: [`TRAINING_ORDER`] and [`AUGMENTATION`] follow from it.
    STAGE1 = Key::Xor(0x51a6e1), "order and augmentation of stage 1";
    /// Numbers: epoch, sample.
    AUGMENTATION = Key::Xor(0x5eed_c20b), "what is done to a training sample";
    /// Numbers: epoch, batch.
    MIXING = Key::Xor(0x0313_c5e5), "mixup and CutMix";
    /// Numbers: step of stage 1, inner step.
    INNER_BATCH = Key::Path(0x1aae_57e9), "target batches of further inner steps";
    /// Only its [`Stream::seed`]: augmentation of those batches.
    INNER_AUGMENTATION = Key::Path(0x1aae_a063), "augmentation of those batches";
    /// Numbers: epoch.
    DROPPED = Key::Xor(0xd20b), "dropout and stochastic depth";
    /// Numbers: step.
    SOURCE_BATCH = Key::Xor(0x50ce), "source batches of stage 1";
    /// Only its [`Stream::seed`]: [`INNER_BATCH`] and [`SOURCE_BATCH`] follow from it.
    SIMULATION = Key::Path(0x51a0_1a7e), "batches of simulated fine-tuning";
    FISHER = Key::Path(0xf154_e201), "labels drawn for the Fisher information";
    /// Numbers: matrix.
    LOW_RANK = Key::Path(0x10a4_0a11), "first factors of low-rank additions";
    /// Numbers: step.
    SOURCE_PATCHES = Key::Path(0x9a7c_4e51), "source samples whose patches replace a target batch's";
    /// Numbers: step, sample of the batch, 0 for the target's patches and 1 for the source's.
    PATCH_NOISE = Key::Path(0x9a7c_4e52), "noise of the choice of patches";
    /// Numbers: 0 for the gate, 1 for the source predictor.
    PATCH_GATE = Key::Path(0x9a7c_4e53), "first values of a patch gate and of a source predictor beside it";
    /// Numbers: the bytes of the method's name.
    TUNING = Key::Path(0x7a6e_d001), "settings that are tried of a method whose grid is larger than the budget";
    /// Numbers: the task; then 1 for the order of its samples.
    TASK_VALUES = Key::Path(0x3a5c_0001), "initial values and order of every one of several tasks";
    /// Numbers: class, the bytes of the set's name.
    SHOTS = Key::Path(0x5407_0001), "the few samples of a class that are trained on";
    SELF_TEST = Key::Xor(0), "the device's self-test";

    // Measures
    SPLIT = Key::Xor(0), "parts drawn class by class, one generator for all";
    /// Only its [`Stream::seed`], of a second [`SPLIT`] within the first.
    SECOND_SPLIT = Key::Xor(0x5eed), "the part that C is chosen on";
    FOLDS = Key::Xor(0), "folds of a jackknife";
    /// Numbers: 0 for the split, then one a shuffle, then one a bootstrap replicate.
    DISCREPANCY = Key::Xor(0), "split, null and bootstrap of D";
    /// Numbers: replicate.
    PAIRED = Key::Xor(0), "bootstrap of paired differences";
    /// Numbers: class.
    OTDD = Key::Xor(0), "samples of a class for the OTDD";
    MAP_START = Key::Xor(0), "noise of a map's first positions";
    PCA_START = Key::Xor(0), "first subspace of principal components";
    TRUSTWORTHINESS = Key::Xor(0), "points whose neighbours are judged";
}

impl Stream {
    /// The generator of a seed and numbers.
    pub fn rng(self, seed: u64, numbers: &[u64]) -> ChaCha8Rng {
        match self.key {
            Key::Path(tag) => {
                let chain = |state: u64, number: &u64| scramble(state ^ number);
                let mut state = numbers.iter().fold(chain(scramble(seed), &tag), chain);
                let mut key = [0u8; 32];
                for chunk in key.chunks_exact_mut(8) {
                    state = scramble(state);
                    chunk.copy_from_slice(&state.to_le_bytes());
                }
                ChaCha8Rng::from_seed(key)
            }
            Key::Xor(tag) => {
                let mut rng = ChaCha8Rng::seed_from_u64(seed ^ tag);
                rng.set_stream(numbers.iter().fold(0, |all, number| all << 32 | number));
                rng
            }
        }
    }

    /// A seed for the streams of what this one names.
    pub fn seed(self, seed: u64) -> u64 {
        match self.key {
            Key::Path(tag) => scramble(scramble(seed) ^ tag),
            Key::Xor(tag) => seed ^ tag,
        }
    }
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014): a bijective scrambling of 64 bits.
fn scramble(state: u64) -> u64 {
    mix(state.wrapping_add(GOLDEN))
}

/// The increment of SplitMix64.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The mixer of SplitMix64: a bijection whose every output bit depends on every input bit.
pub fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use std::collections::HashSet;

    fn first(stream: Stream, seed: u64, numbers: &[u64]) -> u64 {
        stream.rng(seed, numbers).random()
    }

    #[test]
    fn same_name_same_stream_other_name_other_stream() {
        assert_eq!(first(SELECTION, 7, &[2, 3]), first(SELECTION, 7, &[2, 3]));
        let mut seen = HashSet::new();
        for stream in [DEMO_IMAGE, DEMO_EMG, AUGMENTATION, SOURCE_BATCH] {
            for seed in 0..4 {
                for (a, b) in (0..100).map(|i| (i / 10, i % 10)) {
                    assert!(seen.insert(first(stream, seed, &[a, b])));
                }
            }
        }
        assert_ne!(first(ROTATION, 7, &[1, 2]), first(ROTATION, 7, &[2, 1]));
    }

    #[test]
    fn names_and_keys_are_unique_but_for_the_oldest() {
        let names: HashSet<_> = ALL.iter().map(|stream| stream.name).collect();
        assert_eq!(names.len(), ALL.len());
        let keys = ALL.iter().map(|s| s.key).filter(|k| *k != Key::Xor(0));
        let keys: Vec<_> = keys.collect();
        assert!((1..keys.len()).all(|i| !keys[..i].contains(&keys[i])));
    }

    /// Published results rest on these bits.
    #[test]
    fn streams_stay_what_they_were() {
        let mut old = ChaCha8Rng::seed_from_u64(3 ^ 0x5eed_c20b);
        old.set_stream(5 << 32 | 9);
        assert_eq!(first(AUGMENTATION, 3, &[5, 9]), old.random::<u64>());
        let mut old = ChaCha8Rng::seed_from_u64(3);
        assert_eq!(first(SPLIT, 3, &[]), old.random::<u64>());
        assert_eq!(first(SELECTION, 3, &[1]), SELECTED);
    }
    const SELECTED: u64 = 0xcb12_524b_7554_beb0;
}

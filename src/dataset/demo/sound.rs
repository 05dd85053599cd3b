//! Spectrograms of the synthesised sounds, in the very setting of the real ones.

use rayon::prelude::*;

use super::super::audio::{CHUNK, LogMel, SHAPE};
use super::super::stream::{Part, stream};
use super::super::{DatasetError, InMemory};
use super::synth::{SOUNDS, chunk};

/// Tag of the sound streams.
const SOUND: u64 = 0x50d4_d001;

/// Synthesises and transforms `len` sounds, classes in turn; not yet standardised (dB).
pub fn render(part: Part, len: usize, seed: u64) -> Result<InMemory, DatasetError> {
    let transform = LogMel::new(Default::default());
    let data: Vec<f32> = (0..len)
        .into_par_iter()
        .flat_map_iter(|index| {
            let kind = index % SOUNDS.len();
            let number = (index / SOUNDS.len()) as u64;
            let mut rng = stream(seed, &[SOUND, part as u64, kind as u64, number]);
            transform.decibels(&chunk(SOUNDS[kind], CHUNK, &mut rng))
        })
        .collect();
    let labels = (0..len).map(|index| index % SOUNDS.len()).collect();
    let names = SOUNDS
        .iter()
        .map(|sound| sound.name().to_string())
        .collect();
    InMemory::new(SHAPE, names, labels, data)
}

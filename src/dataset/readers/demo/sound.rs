//! Spectrograms of the synthesised sounds, in the very setting of the real ones.

use rayon::prelude::*;

use super::synth::{SOUNDS, chunk};
use crate::dataset::audio::{CHUNK, LogMel, SHAPE};
use crate::dataset::part::Part;
use crate::dataset::{DatasetError, InMemory};
use crate::random::DEMO_SOUND;

/// Synthesises and transforms `len` sounds, classes in turn; not yet standardised (dB).
pub fn render(part: Part, len: usize, seed: u64) -> Result<InMemory, DatasetError> {
    let transform = LogMel::new(Default::default());
    let data: Vec<f32> = (0..len)
        .into_par_iter()
        .flat_map_iter(|index| {
            let kind = index % SOUNDS.len();
            let number = (index / SOUNDS.len()) as u64;
            let mut rng = DEMO_SOUND.rng(seed, &[part as u64, kind as u64, number]);
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

//! Random streams by name: a generator is derived from the seed and a path of tags (set, part,
//! class, index), so every sample is a pure function of what it is called and never of the order
//! in which samples are read.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// Which part of a dataset a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Train = 1,
    Valid = 2,
    Test = 3,
}

/// One step of SplitMix64 (Steele, Lea and Flood 2014): a bijective scrambling of 64 bits.
fn scramble(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The generator of the stream named `tags` under `seed`.
pub(crate) fn stream(seed: u64, tags: &[u64]) -> ChaCha8Rng {
    let mut state = scramble(seed);
    for &tag in tags {
        state = scramble(state ^ tag);
    }
    let mut key = [0u8; 32];
    for chunk in key.chunks_exact_mut(8) {
        state = scramble(state);
        chunk.copy_from_slice(&state.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;

    fn first(seed: u64, tags: &[u64]) -> u64 {
        stream(seed, tags).random()
    }

    #[test]
    fn same_name_same_stream_other_name_other_stream() {
        assert_eq!(first(7, &[1, 2, 3]), first(7, &[1, 2, 3]));
        let mut seen = std::collections::HashSet::new();
        for seed in 0..4 {
            for part in [Part::Train, Part::Valid, Part::Test] {
                for class in 0..10 {
                    for index in 0..10 {
                        assert!(seen.insert(first(seed, &[part as u64, class, index])));
                    }
                }
            }
        }
        // order matters: (1, 2) is not (2, 1)
        assert_ne!(first(7, &[1, 2]), first(7, &[2, 1]));
    }
}

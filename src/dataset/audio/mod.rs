//! From a sound file to a log-mel spectrogram: decoding, halving the sampling rate, and the
//! transform itself. All sound readers share one setting, [`SpectrogramSetting`] of a one-second
//! chunk, so that real and synthesised sounds have the same shape and meaning.

mod clip;
pub mod decimate;
pub mod logmel;
pub mod vorbis;
pub mod wav;

pub(crate) use clip::Clip;
pub use logmel::{LogMel, SpectrogramSetting};

/// Samples per second after resampling.
pub const RATE: u32 = 22_050;
/// Samples of a chunk: 101 hops of 220, so that a centred transform gives exactly 102 frames.
/// That is 1.008 s; the usual "one second" of 22,050 samples would give 101.
pub const CHUNK: usize = 22_220;
/// Samples from one chunk to the next: half a second.
pub const CHUNK_HOP: usize = 11_025;
/// Shape of a chunk's spectrogram: one channel, mel bands (low to high), frames.
pub const SHAPE: [usize; 3] = [1, 96, 102];

//! Log-mel spectrograms with librosa's numbers (checked against librosa 0.11).
//!
//! Short-time Fourier transform with a periodic Hann window, `center=True` and zero padding
//! (librosa's default `pad_mode="constant"`), power spectrum, triangular mel filters on Slaney's
//! scale with Slaney's area normalisation, from 0 Hz to half the rate; then
//! `power_to_db(ref=1.0, amin=1e-10, top_db=80)`: decibels, floored 80 dB below the loudest value
//! of the chunk. In single precision as librosa is: what rounding adds lies some 130 dB below the loudest.
//! Two frames go through one complex transform, as its real and imaginary part.

use std::f64::consts::{LN_10, PI};
use std::sync::Arc;

use rustfft::num_complex::Complex32;
use rustfft::{Fft, FftPlanner};

use crate::simd::{ln, multiversion};

/// Smallest power before taking logarithms.
const AMIN: f32 = 1e-10;
/// Dynamic range kept below the loudest value, in dB.
const TOP_DB: f32 = 80.0;
/// Frames whose powers are summed to bands at once, side by side in registers.
const GROUP: usize = 16;

/// What a spectrogram is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpectrogramSetting {
    /// Samples per second.
    pub rate: u32,
    /// Window and transform length in samples.
    pub n_fft: usize,
    /// Samples from one frame to the next.
    pub hop: usize,
    /// Number of mel bands.
    pub bands: usize,
}

impl Default for SpectrogramSetting {
    /// 96 bands, windows of 87 ms every 10 ms at 22.05 kHz.
    fn default() -> Self {
        Self {
            rate: super::RATE,
            n_fft: 1920,
            hop: 220,
            bands: 96,
        }
    }
}

/// Computes log-mel spectrograms of one setting; cheap to share between threads.
pub struct LogMel {
    setting: SpectrogramSetting,
    window: Vec<f32>,
    /// Per band: first frequency bin and the weights from there on.
    filters: Vec<(usize, Vec<f32>)>,
    fft: Arc<dyn Fft<f32>>,
}

impl LogMel {
    /// Precomputes window, filters and transform.
    pub fn new(setting: SpectrogramSetting) -> Self {
        let n = setting.n_fft;
        Self {
            setting,
            window: (0..n)
                .map(|i| 0.5 - 0.5 * (2.0 * PI * i as f64 / n as f64).cos())
                .map(|w| w as f32)
                .collect(),
            filters: mel_filters(&setting),
            fft: FftPlanner::new().plan_fft_forward(n),
        }
    }

    /// Number of frames of a signal: `1 + ⌊n / hop⌋`.
    pub fn frames(&self, samples: usize) -> usize {
        1 + samples / self.setting.hop
    }

    /// Mel power spectrogram, `bands × frames`, row-major.
    pub fn power(&self, signal: &[f32]) -> Vec<f32> {
        let (frames, half) = (self.frames(signal.len()), self.setting.n_fft / 2);
        let mut padded = vec![0.0; half];
        padded.extend_from_slice(signal);
        // silence after the end, also for a frame that only fills the last pair
        padded.resize(frames * self.setting.hop + 2 * half, 0.0);
        let mut out = vec![0.0; self.setting.bands * frames];
        bands(self, &padded, frames, &mut out);
        out
    }

    /// Log-mel spectrogram in dB, `bands × frames`, row-major.
    pub fn decibels(&self, signal: &[f32]) -> Vec<f32> {
        let mut db = self.power(signal);
        logarithms(&mut db);
        let floor = db.iter().copied().fold(f32::NEG_INFINITY, f32::max) - TOP_DB;
        db.iter_mut().for_each(|v| *v = v.max(floor));
        db
    }
}

multiversion! {
    /// Powers in every band of every frame of a signal with room around it.
    fn bands(of: &LogMel, padded: &[f32], frames: usize, out: &mut [f32]) {
        let n = of.setting.n_fft;
        let mut buffer = vec![Complex32::default(); n];
        let mut scratch = vec![Complex32::default(); of.fft.get_inplace_scratch_len()];
        let mut spectra = vec![[[0.0; 2]; GROUP / 2]; n / 2 + 1];
        for first in (0..frames).step_by(GROUP) {
            for pair in 0..(frames - first).min(GROUP).div_ceil(2) {
                let frame = |number: usize| &padded[(first + number) * of.setting.hop..][..n];
                let (even, odd) = (frame(2 * pair), frame(2 * pair + 1));
                let values = of.window.iter().zip(even).zip(odd);
                for (slot, ((weight, a), b)) in buffer.iter_mut().zip(values) {
                    *slot = Complex32::new(a * weight, b * weight);
                }
                of.fft.process_with_scratch(&mut buffer, &mut scratch);
                // bin k of the two is (X[k] ± conj X[n − k]) / 2
                spectra[0][pair] = [buffer[0].re.powi(2), buffer[0].im.powi(2)];
                let back = buffer[n / 2..].iter().rev();
                for ((powers, x), y) in spectra[1..].iter_mut().zip(&buffer[1..]).zip(back) {
                    let both = [x + y.conj(), x - y.conj()];
                    powers[pair] = both.map(|z| z.norm_sqr() * 0.25);
                }
            }
            for ((start, weights), row) in of.filters.iter().zip(out.chunks_exact_mut(frames)) {
                let mut sums = [0.0; GROUP];
                for (weight, powers) in weights.iter().zip(&spectra[*start..]) {
                    for (sum, power) in sums.iter_mut().zip(powers.as_flattened()) {
                        *sum += weight * power;
                    }
                }
                let row = &mut row[first..];
                row.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum);
            }
        }
    }
}

multiversion! {
    /// Powers to decibels.
    fn logarithms(powers: &mut [f32]) {
        for p in powers {
            *p = (ln(f64::from(p.max(AMIN))) * (10.0 / LN_10)) as f32;
        }
    }
}

/// Slaney's mel scale: linear below 1 kHz (3 mel per 200 Hz), logarithmic above.
fn hz_to_mel(hz: f64) -> f64 {
    if hz < 1000.0 {
        hz * 3.0 / 200.0
    } else {
        15.0 + (hz / 1000.0).ln() * 27.0 / 6.4f64.ln()
    }
}

/// Inverse of [`hz_to_mel`].
fn mel_to_hz(mel: f64) -> f64 {
    if mel < 15.0 {
        mel * 200.0 / 3.0
    } else {
        1000.0 * ((mel - 15.0) * 6.4f64.ln() / 27.0).exp()
    }
}

/// Triangles between neighbouring points of an even mel grid, each of area one (in Hz).
fn mel_filters(setting: &SpectrogramSetting) -> Vec<(usize, Vec<f32>)> {
    let top = f64::from(setting.rate) / 2.0;
    let bin = f64::from(setting.rate) / setting.n_fft as f64;
    let edges: Vec<f64> = (0..setting.bands + 2)
        .map(|i| mel_to_hz(hz_to_mel(top) * i as f64 / (setting.bands + 1) as f64))
        .collect();
    edges
        .windows(3)
        .map(|edge| {
            let area = 2.0 / (edge[2] - edge[0]);
            let weight = |k: usize| {
                let hz = k as f64 * bin;
                let rising = (hz - edge[0]) / (edge[1] - edge[0]);
                let falling = (edge[2] - hz) / (edge[2] - edge[1]);
                (rising.min(falling).max(0.0) * area) as f32
            };
            let first = (edge[0] / bin).floor() as usize;
            let last = ((edge[2] / bin).ceil() as usize).min(setting.n_fft / 2);
            (first, (first..=last).map(weight).collect())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::npz_f32;
    use ndarray::{Array1, Array2};

    #[test]
    fn agrees_with_librosa() {
        let file = "logmel/logmel.npz";
        let transform = LogMel::new(SpectrogramSetting::default());
        let mut worst = 0f32;
        for name in ["chirp", "click", "quiet"] {
            let signal: Array1<f32> = npz_f32(file, &format!("{name}_signal"));
            let expected: Array2<f32> = npz_f32(file, &format!("{name}_db"));
            let found = transform.decibels(signal.as_slice().unwrap());
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(expected.iter()) {
                worst = worst.max((a - b).abs());
            }
        }
        println!("largest difference from librosa: {worst:e} dB");
        assert!(worst < 1e-3, "largest difference {worst} dB");
    }

    #[test]
    fn a_chunk_has_the_advertised_shape_and_silence_is_finite() {
        let transform = LogMel::new(SpectrogramSetting::default());
        let db = transform.decibels(&vec![0.0; super::super::CHUNK]);
        assert_eq!(db.len(), super::super::SHAPE.iter().product::<usize>());
        assert!(db.iter().all(|&v| v == -100.0));
        assert_eq!(transform.decibels(&[]).len(), 96);
    }

    #[test]
    fn the_mel_scale_inverts() {
        for hz in [0.0, 200.0, 999.9, 1000.0, 4000.0, 11_025.0] {
            assert!((mel_to_hz(hz_to_mel(hz)) - hz).abs() < 1e-9);
        }
    }
}

//! Muscle signals of eight gestures: windows 1 × 16 × 52 of a ring of 16 electrodes at 200 Hz.
//!
//! A gesture activates a *synergy*: two groups of muscles at fixed places around the forearm,
//! each seen by the electrodes near it. Surface EMG is noise whose **amplitude** follows
//! activation, so the class shows in the variance across electrodes and never in the mean: a
//! linear model on raw samples is blind to it. Nuisances: effort, balance between the muscle
//! groups, rotation of the armband, electrode gains, crosstalk, the spectrum of the noise, an
//! activation envelope, baseline wander and mains hum.

use std::f32::consts::TAU;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::dataset::part::Part;
use crate::dataset::{Dataset, DatasetError, Normalise, check_request};
use crate::random::DEMO_EMG;

/// Electrodes around the forearm.
pub const ELECTRODES: usize = 16;
/// Samples of a window (260 ms).
const WINDOW: usize = 52;
/// Samples per second.
const RATE: f32 = 200.0;
/// Samples that a noise filter runs before the window begins.
const WARM_UP: usize = 24;

/// Name and muscle groups of a gesture: (place around the forearm in turns, strength).
pub const GESTURES: [(&str, [(f32, f32); 2]); 8] = [
    ("flexion", [(0.00, 1.0), (0.12, 0.5)]),
    ("extension", [(0.50, 1.0), (0.62, 0.5)]),
    ("radial deviation", [(0.25, 0.9), (0.56, 0.5)]),
    ("ulnar deviation", [(0.75, 0.9), (0.06, 0.5)]),
    ("pronation", [(0.12, 0.9), (0.84, 0.6)]),
    ("supination", [(0.38, 0.9), (0.88, 0.5)]),
    ("fist", [(0.02, 0.9), (0.52, 0.9)]),
    ("pinch", [(0.16, 0.8), (0.70, 0.7)]),
];

/// One part of the set.
pub struct DemoEmg {
    names: Vec<String>,
    part: Part,
    len: usize,
    seed: u64,
    norm: Normalise,
}

impl DemoEmg {
    /// `len` windows, classes in turn, not yet standardised.
    pub(crate) fn new(part: Part, len: usize, seed: u64) -> Self {
        Self {
            names: GESTURES.iter().map(|(name, _)| name.to_string()).collect(),
            part,
            len,
            seed,
            norm: Normalise::new(&[0.0], &[1.0]),
        }
    }

    /// The same windows, standardised by `norm`.
    pub(crate) fn normalised(mut self, norm: &Normalise) -> Self {
        self.norm = norm.clone();
        self
    }
}

impl Dataset for DemoEmg {
    fn shape(&self) -> [usize; 3] {
        [1, ELECTRODES, WINDOW]
    }

    fn classes(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.len
    }

    fn label(&self, index: usize) -> usize {
        index % GESTURES.len()
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("demo EMG", self, index, out.len())?;
        let gesture = self.label(index);
        let number = (index / GESTURES.len()) as u64;
        let mut rng = DEMO_EMG.rng(self.seed, &[self.part as u64, gesture as u64, number]);
        window(&GESTURES[gesture].1, &mut rng, out);
        self.norm.apply(out);
        Ok(())
    }
}

fn normal(rng: &mut impl Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// A factor around one with relative spread `sigma`.
fn factor(sigma: f32, rng: &mut impl Rng) -> f32 {
    (sigma * normal(rng)).exp()
}

/// Synthesises one window, row-major electrodes × time.
fn window(muscles: &[(f32, f32); 2], rng: &mut impl Rng, out: &mut [f32]) {
    let amplitude = activation(muscles, rng);
    let envelope = envelope(rng);
    let noise = muscle_noise(rng);
    let hum_phase = rng.random_range(0.0..TAU);
    let hum = rng.random_range(0.0..0.25);
    for (electrode, row) in out.chunks_exact_mut(WINDOW).enumerate() {
        let neighbour = |step: usize| &noise[(electrode + step) % ELECTRODES];
        let (left, right) = (neighbour(ELECTRODES - 1), neighbour(1));
        let drift = [(); 2].map(|()| 0.35 * normal(rng));
        let drift_rate = TAU * rng.random_range(0.3..2.0) / RATE;
        let hum = hum * factor(0.3, rng);
        for (time, value) in row.iter_mut().enumerate() {
            let muscle = 0.8 * noise[electrode][time] + 0.35 * (left[time] + right[time]);
            let t = time as f32;
            *value = amplitude[electrode] * envelope[time] * muscle
                + drift[0] * (drift_rate * t).sin()
                + drift[1] * (drift_rate * t).cos()
                + hum * (TAU * 50.0 / RATE * t + hum_phase).sin()
                + 0.05 * normal(rng);
        }
    }
}

/// Amplitude per electrode: bumps around the active muscles, turned with the armband.
fn activation(muscles: &[(f32, f32); 2], rng: &mut impl Rng) -> [f32; ELECTRODES] {
    let effort = factor(0.45, rng);
    // the armband sits within about an electrode (1/16 turn) of its usual place
    let turn = 0.035 * normal(rng);
    let muscles = muscles.map(|(place, strength)| (place + turn, strength * factor(0.25, rng)));
    std::array::from_fn(|electrode| {
        let here = electrode as f32 / ELECTRODES as f32;
        let active: f32 = muscles
            .iter()
            .map(|&(place, strength)| strength * (5.0 * ((TAU * (here - place)).cos() - 1.0)).exp())
            .sum();
        (0.12 + active) * effort * factor(0.2, rng)
    })
}

/// Activation over the window: held, rising or falling.
fn envelope(rng: &mut impl Rng) -> [f32; WINDOW] {
    let slope = rng.random_range(-0.8..0.8f32);
    let swell = rng.random_range(0.0..0.3f32);
    let phase = rng.random_range(0.0..TAU);
    std::array::from_fn(|time| {
        let t = time as f32 / WINDOW as f32;
        (1.0 + slope * (t - 0.5) + swell * (TAU * 2.0 * t + phase).sin()).max(0.1)
    })
}

/// Band-limited unit noise per electrode: white noise through a two-pole resonance at 50–85 Hz.
fn muscle_noise(rng: &mut impl Rng) -> Vec<[f32; WINDOW]> {
    let centre = TAU * rng.random_range(50.0..85.0f32) / RATE;
    let radius = 0.72f32;
    let (a, b) = (2.0 * radius * centre.cos(), -radius * radius);
    // stationary variance of y = a·y₁ + b·y₂ + w
    let variance = (1.0 - b) / ((1.0 + b) * ((1.0 - b).powi(2) - a * a));
    let scale = 1.0 / variance.sqrt();
    (0..ELECTRODES)
        .map(|_| {
            let (mut last, mut before) = (0.0, 0.0);
            let mut step = |rng: &mut _| {
                let value = a * last + b * before + normal(rng);
                (last, before) = (value, last);
                value * scale
            };
            for _ in 0..WARM_UP {
                step(rng);
            }
            std::array::from_fn(|_| step(rng))
        })
        .collect()
}

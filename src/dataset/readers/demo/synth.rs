//! Ten kinds of sound by classical synthesis, about one second at 22.05 kHz. Pitch, tempo,
//! timing, loudness and background noise are random, so that no single band or frame gives the
//! kind away; what remains is the pattern in time and frequency.

use std::f32::consts::TAU;

use rand::{Rng, RngExt};
use rand_distr::{Distribution, StandardNormal};

use crate::dataset::audio::RATE;

/// A kind of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Tone rising exponentially.
    Rising,
    /// Tone falling exponentially.
    Falling,
    /// Tone swinging up and down.
    Siren,
    /// Karplus–Strong strings (Karplus and Strong 1983).
    Plucked,
    /// Regular short resonant clicks.
    Clicks,
    /// Bursts of band-passed noise.
    Burst,
    /// Decaying inharmonic partials.
    Bell,
    /// Steady tone with pulsing loudness.
    Tremolo,
    /// Voice-like pulses through formants.
    Vowel,
    /// Many small drops at random times.
    Rain,
}

/// All kinds, in label order.
pub const SOUNDS: [Sound; 10] = [
    Sound::Rising,
    Sound::Falling,
    Sound::Siren,
    Sound::Plucked,
    Sound::Clicks,
    Sound::Burst,
    Sound::Bell,
    Sound::Tremolo,
    Sound::Vowel,
    Sound::Rain,
];

impl Sound {
    /// Class name.
    pub fn name(self) -> &'static str {
        match self {
            Sound::Rising => "rising chirp",
            Sound::Falling => "falling chirp",
            Sound::Siren => "siren",
            Sound::Plucked => "plucked string",
            Sound::Clicks => "click train",
            Sound::Burst => "noise burst",
            Sound::Bell => "bell",
            Sound::Tremolo => "tremolo",
            Sound::Vowel => "vowel",
            Sound::Rain => "rain",
        }
    }
}

const SECOND: f32 = RATE as f32;

fn normal(rng: &mut impl Rng) -> f32 {
    StandardNormal.sample(rng)
}

/// A frequency between `low` and `high`, even on a logarithmic scale.
fn pitch(low: f32, high: f32, rng: &mut impl Rng) -> f32 {
    low * (high / low).powf(rng.random())
}

/// `samples` of one sound with background, peak at a random level.
pub fn chunk(sound: Sound, samples: usize, rng: &mut impl Rng) -> Vec<f32> {
    let mut out = vec![0.0; samples];
    match sound {
        Sound::Rising => sweep(false, rng, &mut out),
        Sound::Falling => sweep(true, rng, &mut out),
        Sound::Siren => siren(rng, &mut out),
        Sound::Plucked => plucked(rng, &mut out),
        Sound::Clicks => clicks(rng, &mut out),
        Sound::Burst => bursts(rng, &mut out),
        Sound::Bell => bell(rng, &mut out),
        Sound::Tremolo => tremolo(rng, &mut out),
        Sound::Vowel => vowel(rng, &mut out),
        Sound::Rain => rain(rng, &mut out),
    }
    background(rng, &mut out);
    out
}

/// Adds noise 8 to 30 dB below the sound, tilted to low frequencies, and sets the level.
fn background(rng: &mut impl Rng, out: &mut [f32]) {
    let power = out.iter().map(|x| x * x).sum::<f32>() / out.len().max(1) as f32;
    let level = power.sqrt() * 10f32.powf(-rng.random_range(8.0..30.0f32) / 20.0);
    let tilt = rng.random_range(0.0..0.95f32);
    let scale = level * (1.0 - tilt * tilt).sqrt();
    let mut state = 0.0;
    for x in out.iter_mut() {
        state = tilt * state + normal(rng);
        *x += scale * state;
    }
    let peak = out.iter().fold(1e-9f32, |peak, x| peak.max(x.abs()));
    let gain = 10f32.powf(-rng.random_range(0.0..24.0f32) / 20.0) / peak;
    out.iter_mut().for_each(|x| *x *= gain);
}

/// A tone with falling overtones whose frequency follows `frequency(t)` (t in seconds); overtones
/// beyond half the sampling rate are left out, as they would fold back.
fn tone(out: &mut [f32], overtones: &[f32], frequency: impl Fn(f32) -> f32) {
    let mut phase = 0f32;
    for (n, x) in out.iter_mut().enumerate() {
        let step = frequency(n as f32 / SECOND) / SECOND;
        phase = (phase + step).fract();
        *x += overtones
            .iter()
            .zip(1u8..)
            .take_while(|&(_, k)| step * f32::from(k) < 0.48)
            .map(|(strength, k)| strength * (TAU * phase * f32::from(k)).sin())
            .sum::<f32>();
    }
}

/// Strengths of up to four overtones.
fn timbre(rng: &mut impl Rng) -> [f32; 4] {
    let fall = rng.random_range(0.15..0.6f32);
    std::array::from_fn(|k| fall.powi(k as i32))
}

fn sweep(falling: bool, rng: &mut impl Rng, out: &mut [f32]) {
    let start = rng.random_range(0..out.len() / 4 + 1);
    let length = rng.random_range(0.45..0.75) * out.len() as f32;
    let end = (start + length as usize).min(out.len());
    let low = pitch(150.0, 900.0, rng);
    let octaves = rng.random_range(1.2..3.0f32);
    let seconds = length / SECOND;
    let overtones = timbre(rng);
    let part = &mut out[start..end];
    tone(part, &overtones, |t| {
        let along = (t / seconds).min(1.0);
        low * 2f32.powf(octaves * if falling { 1.0 - along } else { along })
    });
    fade(part, 400);
}

/// Linear fade of `n` samples at both ends.
fn fade(part: &mut [f32], n: usize) {
    let n = n.min(part.len() / 2);
    for i in 0..n {
        let gain = i as f32 / n as f32;
        part[i] *= gain;
        let last = part.len() - 1 - i;
        part[last] *= gain;
    }
}

fn siren(rng: &mut impl Rng, out: &mut [f32]) {
    let centre = pitch(300.0, 1500.0, rng);
    let depth = rng.random_range(0.2..0.5f32);
    let (rate, phase) = (rng.random_range(1.8..5.0f32), rng.random_range(0.0..TAU));
    tone(out, &timbre(rng), |t| {
        centre * (1.0 + depth * (TAU * rate * t + phase).sin())
    });
}

fn plucked(rng: &mut impl Rng, out: &mut [f32]) {
    for _ in 0..rng.random_range(1..4) {
        let period = (SECOND / pitch(80.0, 600.0, rng)) as usize;
        let mut string: Vec<f32> = (0..period).map(|_| rng.random_range(-1.0..1.0)).collect();
        let damping = rng.random_range(0.985..0.998f32);
        let start = rng.random_range(0..out.len() * 2 / 3);
        for (n, x) in out[start..].iter_mut().enumerate() {
            let (here, next) = (n % period, (n + 1) % period);
            *x += string[here];
            string[here] = damping * 0.5 * (string[here] + string[next]);
        }
    }
}

fn clicks(rng: &mut impl Rng, out: &mut [f32]) {
    let spacing = SECOND / rng.random_range(5.0..20.0f32);
    let frequency = TAU * pitch(900.0, 6000.0, rng) / SECOND;
    let decay = rng.random_range(0.985..0.995f32);
    let mut at = rng.random_range(0.0..spacing);
    while (at as usize) < out.len() {
        let strength = rng.random_range(0.7..1.0f32);
        for (n, x) in out[at as usize..].iter_mut().take(500).enumerate() {
            *x += strength * decay.powi(n as i32) * (frequency * n as f32).sin();
        }
        at += spacing * rng.random_range(0.97..1.03f32);
    }
}

/// Two-pole resonance at `frequency` Hz with bandwidth `width` Hz.
struct Resonator {
    a: f32,
    b: f32,
    gain: f32,
    last: [f32; 2],
}

impl Resonator {
    fn new(frequency: f32, width: f32) -> Self {
        let radius = (-std::f32::consts::PI * width / SECOND).exp();
        Self {
            a: 2.0 * radius * (TAU * frequency / SECOND).cos(),
            b: -radius * radius,
            gain: 1.0 - radius,
            last: [0.0; 2],
        }
    }

    fn step(&mut self, x: f32) -> f32 {
        let y = self.gain * x + self.a * self.last[0] + self.b * self.last[1];
        self.last = [y, self.last[0]];
        y
    }
}

fn bursts(rng: &mut impl Rng, out: &mut [f32]) {
    for _ in 0..rng.random_range(1..4) {
        let centre = pitch(500.0, 6000.0, rng);
        let mut band = Resonator::new(centre, centre * rng.random_range(0.2..0.7f32));
        let start = rng.random_range(0..out.len() * 3 / 4);
        let decay = 1.0 / (rng.random_range(0.03..0.2f32) * SECOND);
        for (n, x) in out[start..].iter_mut().enumerate() {
            let t = n as f32;
            *x += band.step(normal(rng)) * (t / 100.0).min(1.0) * (-t * decay).exp();
        }
    }
}

fn bell(rng: &mut impl Rng, out: &mut [f32]) {
    // partials of a church bell relative to the strike note
    const PARTIALS: [f32; 8] = [0.5, 1.0, 1.19, 1.5, 2.0, 2.51, 3.01, 4.1];
    let strike = pitch(250.0, 1400.0, rng);
    let start = rng.random_range(0..out.len() / 3);
    for partial in PARTIALS {
        let frequency = TAU * strike * partial * rng.random_range(0.99..1.01f32) / SECOND;
        let strength = rng.random_range(0.3..1.0f32) / partial.sqrt();
        let decay = partial.sqrt() / (rng.random_range(0.15..0.6f32) * SECOND);
        for (n, x) in out[start..].iter_mut().enumerate() {
            let t = n as f32;
            *x += strength * (-t * decay).exp() * (frequency * t).sin();
        }
    }
}

fn tremolo(rng: &mut impl Rng, out: &mut [f32]) {
    let frequency = pitch(200.0, 1800.0, rng);
    let (rate, phase) = (rng.random_range(5.0..14.0f32), rng.random_range(0.0..TAU));
    let depth = rng.random_range(0.7..1.0f32);
    tone(out, &timbre(rng), |_| frequency);
    for (n, x) in out.iter_mut().enumerate() {
        let swing = 0.5 + 0.5 * (TAU * rate * n as f32 / SECOND + phase).sin();
        *x *= 1.0 - depth * swing;
    }
}

fn vowel(rng: &mut impl Rng, out: &mut [f32]) {
    // first three formants of a, e, i, o, u in Hz
    const FORMANTS: [[f32; 3]; 5] = [
        [730.0, 1090.0, 2440.0],
        [530.0, 1840.0, 2480.0],
        [270.0, 2290.0, 3010.0],
        [570.0, 840.0, 2410.0],
        [300.0, 870.0, 2240.0],
    ];
    let size = rng.random_range(0.9..1.2f32);
    let formants = FORMANTS[rng.random_range(0..FORMANTS.len())];
    let mut throat = formants.map(|f| Resonator::new(f * size, 60.0 + f * 0.04));
    let voice = pitch(90.0, 260.0, rng);
    let (rate, depth) = (
        rng.random_range(4.0..7.0f32),
        rng.random_range(0.005..0.03f32),
    );
    let glide = rng.random_range(-0.2..0.2f32);
    let mut phase = 0f32;
    for (n, x) in out.iter_mut().enumerate() {
        let t = n as f32 / SECOND;
        phase += voice * (1.0 + glide * t + depth * (TAU * rate * t).sin()) / SECOND;
        let pulse = if phase >= 1.0 { 1.0 } else { 0.0 };
        phase = phase.fract();
        let breath = 0.01 * normal(rng);
        *x = throat
            .iter_mut()
            .map(|formant| formant.step(pulse + breath))
            .sum();
    }
    fade(out, rng.random_range(500..5000));
}

fn rain(rng: &mut impl Rng, out: &mut [f32]) {
    let drops = rng.random_range(60..280);
    for _ in 0..drops {
        let frequency = TAU * pitch(1500.0, 9000.0, rng) / SECOND;
        let decay = rng.random_range(0.95..0.985f32);
        // squaring makes most drops faint and a few loud
        let strength = rng.random::<f32>().powi(2) + 0.05;
        let start = rng.random_range(0..out.len());
        for (n, x) in out[start..].iter_mut().take(200).enumerate() {
            *x += strength * decay.powi(n as i32) * (frequency * n as f32).sin();
        }
    }
    let hiss = rng.random_range(0.005..0.04f32);
    out.iter_mut().for_each(|x| *x += hiss * normal(rng));
}

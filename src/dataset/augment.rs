//! What is done to training samples before a step. Everything depends on the seed, the epoch and the
//! sample (or the batch) alone, never on timing.
//!
//! Images arrive normalised, so intensities move in units of the normalisation, and what comes in from
//! outside an image is its mean, zero.

use super::batch::{Batch, Mixed};
use crate::random::MIXING;
use crate::suite::training::{Augment, Augmentation};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution};

/// Area of an erased rectangle, as a share of the image (Zhong et al. 2020).
const ERASED_AREA: [f64; 2] = [0.02, 1.0 / 3.0];
/// Its height over its width.
const ERASED_ASPECT: [f64; 2] = [0.3, 3.3];

/// Augments one sample in place; `rng` is the sample's own.
pub fn sample(how: &Augmentation, image: &mut [f32], shape: [usize; 3], rng: &mut ChaCha8Rng) {
    if how.augment != Augment::None {
        crop_flip(image, shape, rng);
    }
    if how.augment == Augment::Varied {
        varied(image, shape, rng);
    }
    if how.random_erasing > 0.0 && rng.random_bool(how.random_erasing.min(1.0)) {
        erase(image, shape, rng);
    }
}

/// Mixes every sample of a batch with the one at the mirrored place, by mixup (Zhang et al. 2018) or CutMix
/// (Yun et al. 2019), one share for the whole batch; where both are asked for, each batch draws one.
/// `place` is the epoch and the number of the batch in it.
pub fn mix(how: &Augmentation, batch: &mut Batch, seed: u64, place: [usize; 2]) {
    let mut rng = MIXING.rng(seed, &place.map(|number| number as u64));
    let cut = match (how.mixup > 0.0, how.cutmix > 0.0) {
        (false, false) => return,
        (true, true) => rng.random_bool(0.5),
        (_, cut) => cut,
    };
    let strength = if cut { how.cutmix } else { how.mixup };
    let Ok(beta) = Beta::new(strength, strength) else {
        return;
    };
    let mut share: f64 = beta.sample(&mut rng);
    let [count, channels, height, width] = batch.shape;
    let size = channels * height * width;
    let before = batch.values.clone();
    let partner = |i: usize| &before[(count - 1 - i) * size..][..size];
    if cut {
        let rectangle = rectangle((1.0 - share).sqrt(), [height, width], &mut rng);
        let [y, x] = &rectangle;
        share = 1.0 - (y.len() * x.len()) as f64 / (height * width) as f64;
        for (i, sample) in batch.values.chunks_exact_mut(size).enumerate() {
            for plane in 0..channels {
                for row in y.clone() {
                    let at = (plane * height + row) * width;
                    let columns = at + x.start..at + x.end;
                    sample[columns.clone()].copy_from_slice(&partner(i)[columns]);
                }
            }
        }
    } else {
        let kept = share as f32;
        for (i, sample) in batch.values.chunks_exact_mut(size).enumerate() {
            for (value, other) in sample.iter_mut().zip(partner(i)) {
                *value = kept * *value + (1.0 - kept) * other;
            }
        }
    }
    batch.mixed = Some(Mixed {
        partners: batch.labels.iter().rev().copied().collect(),
        share,
    });
}

/// Rows and columns of a rectangle whose sides are `side` times the image's, around a random pixel.
fn rectangle(
    side: f64,
    [height, width]: [usize; 2],
    rng: &mut ChaCha8Rng,
) -> [std::ops::Range<usize>; 2] {
    [height, width].map(|length| {
        let half = side * length as f64 / 2.0;
        let centre = rng.random_range(0..length.max(1)) as f64;
        let low = (centre - half).round().max(0.0) as usize;
        let high = (centre + half).round().min(length as f64) as usize;
        low.min(high)..high
    })
}

/// Shifts by up to an eighth of each side (zeros come in) and flips every second image.
fn crop_flip(image: &mut [f32], [_, height, width]: [usize; 3], rng: &mut ChaCha8Rng) {
    let (reach_y, reach_x) = ((height / 8) as i64, (width / 8) as i64);
    let dy = rng.random_range(-reach_y..=reach_y);
    let dx = rng.random_range(-reach_x..=reach_x);
    let flip = rng.random_bool(0.5);
    let source = image.to_vec();
    for (plane, from) in image
        .chunks_exact_mut(height * width)
        .zip(source.chunks_exact(height * width))
    {
        for y in 0..height {
            for x in 0..width {
                let column = if flip { width - 1 - x } else { x } as i64 + dx;
                let row = y as i64 + dy;
                let inside =
                    (0..height as i64).contains(&row) && (0..width as i64).contains(&column);
                plane[y * width + x] = if inside {
                    from[row as usize * width + column as usize]
                } else {
                    0.0
                };
            }
        }
    }
}

/// One operation of random strength, as TrivialAugment draws them (Müller & Hutter 2021); the operations
/// are those that a normalised image of any number of channels allows.
fn varied(image: &mut [f32], shape: [usize; 3], rng: &mut ChaCha8Rng) {
    let [_, height, width] = shape;
    let strength: f32 = rng.random_range(-1.0..1.0);
    let affine = |image: &mut [f32], matrix: [f32; 4], shift: [f32; 2]| {
        resample(image, shape, matrix, shift);
    };
    let along = |length: usize| strength * length as f32 / 4.0;
    match rng.random_range(0..10u32) {
        0 => {}
        1 => affine(image, [1.0, 0.0, 0.5 * strength, 1.0], [0.0; 2]),
        2 => affine(image, [1.0, 0.5 * strength, 0.0, 1.0], [0.0; 2]),
        3 => affine(image, [1.0, 0.0, 0.0, 1.0], [along(height), 0.0]),
        4 => affine(image, [1.0, 0.0, 0.0, 1.0], [0.0, along(width)]),
        5 => {
            let (sin, cos) = (strength * std::f32::consts::FRAC_PI_4).sin_cos();
            affine(image, [cos, sin, -sin, cos], [0.0; 2]);
        }
        6 => image.iter_mut().for_each(|v| *v += strength),
        7 => {
            let mean = image.iter().sum::<f32>() / image.len().max(1) as f32;
            image
                .iter_mut()
                .for_each(|v| *v = mean + (1.0 + 0.9 * strength) * (*v - mean));
        }
        8 => saturate(image, height * width, 1.0 + 0.9 * strength),
        _ => sharpen(image, shape, strength),
    }
}

/// Bilinear values at `matrix` times the place (rows, columns from the centre) plus `shift`.
fn resample(image: &mut [f32], [_, height, width]: [usize; 3], m: [f32; 4], shift: [f32; 2]) {
    let source = image.to_vec();
    let centre = [(height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0];
    let planes = image.chunks_exact_mut(height * width);
    for (plane, from) in planes.zip(source.chunks_exact(height * width)) {
        let at = |y: i64, x: i64| {
            let inside = (0..height as i64).contains(&y) && (0..width as i64).contains(&x);
            if inside {
                from[y as usize * width + x as usize]
            } else {
                0.0
            }
        };
        for (place, value) in plane.iter_mut().enumerate() {
            let dy = (place / width) as f32 - centre[0];
            let dx = (place % width) as f32 - centre[1];
            let y = m[0] * dy + m[1] * dx + shift[0] + centre[0];
            let x = m[2] * dy + m[3] * dx + shift[1] + centre[1];
            let (top, left) = (y.floor(), x.floor());
            let (down, right) = (y - top, x - left);
            let (i, j) = (top as i64, left as i64);
            let upper = at(i, j) * (1.0 - right) + at(i, j + 1) * right;
            let lower = at(i + 1, j) * (1.0 - right) + at(i + 1, j + 1) * right;
            *value = upper * (1.0 - down) + lower * down;
        }
    }
}

/// Every pixel's channels, `factor` times as far from their mean.
fn saturate(image: &mut [f32], pixels: usize, factor: f32) {
    let channels = image.len() / pixels.max(1);
    for pixel in 0..pixels {
        let mean = (0..channels)
            .map(|c| image[c * pixels + pixel])
            .sum::<f32>();
        let mean = mean / channels.max(1) as f32;
        for c in 0..channels {
            let value = &mut image[c * pixels + pixel];
            *value = mean + factor * (*value - mean);
        }
    }
}

/// Away from (`strength` > 0) or towards the mean of the 3 × 3 pixels around.
fn sharpen(image: &mut [f32], [_, height, width]: [usize; 3], strength: f32) {
    let source = image.to_vec();
    let planes = image.chunks_exact_mut(height * width);
    for (plane, from) in planes.zip(source.chunks_exact(height * width)) {
        for (place, value) in plane.iter_mut().enumerate() {
            let (y, x) = (place / width, place % width);
            let rows = y.saturating_sub(1)..(y + 2).min(height);
            let (mut sum, mut count) = (0.0, 0.0f32);
            for row in rows {
                for column in x.saturating_sub(1)..(x + 2).min(width) {
                    sum += from[row * width + column];
                    count += 1.0;
                }
            }
            *value += 0.9 * strength * (*value - sum / count);
        }
    }
}

/// Sets a random rectangle to the mean.
fn erase(image: &mut [f32], [_, height, width]: [usize; 3], rng: &mut ChaCha8Rng) {
    let area = rng.random_range(ERASED_AREA[0]..ERASED_AREA[1]) * (height * width) as f64;
    let [low, high] = ERASED_ASPECT.map(f64::ln);
    let aspect = rng.random_range(low..high).exp();
    let tall = ((area * aspect).sqrt().round() as usize).clamp(1, height.max(1));
    let wide = ((area / aspect).sqrt().round() as usize).clamp(1, width.max(1));
    let top = rng.random_range(0..=height.saturating_sub(tall));
    let left = rng.random_range(0..=width.saturating_sub(wide));
    for plane in image.chunks_exact_mut(height * width) {
        for row in top..(top + tall).min(height) {
            plane[row * width + left..row * width + (left + wide).min(width)].fill(0.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn rng(seed: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(seed)
    }

    fn picture() -> Vec<f32> {
        (0..3 * 8 * 8).map(|i| (i as f32 * 0.7).sin()).collect()
    }

    #[test]
    fn the_same_stream_gives_the_same_sample_and_others_differ() {
        let how = Augmentation {
            augment: Augment::Varied,
            random_erasing: 0.5,
            ..Augmentation::default()
        };
        let of = |seed| {
            let mut image = picture();
            sample(&how, &mut image, [3, 8, 8], &mut rng(seed));
            assert!(image.iter().all(|v| v.is_finite()));
            image
        };
        assert_eq!(of(1), of(1));
        let different = (2..40).filter(|&seed| of(seed) != of(1)).count();
        assert_eq!(different, 38);
    }

    #[test]
    fn a_resampled_image_stands_still_turns_and_moves() {
        let mut image = picture();
        resample(&mut image, [3, 8, 8], [1.0, 0.0, 0.0, 1.0], [0.0; 2]);
        let pairs = image.iter().zip(picture());
        assert!(pairs.clone().all(|(a, b)| (a - b).abs() < 1e-6));
        let mut twice = picture();
        for _ in 0..2 {
            resample(&mut twice, [3, 8, 8], [-1.0, 0.0, 0.0, -1.0], [0.0; 2]);
        }
        assert!(
            twice
                .iter()
                .zip(picture())
                .all(|(a, b)| (a - b).abs() < 1e-5)
        );
        let mut moved = picture();
        resample(&mut moved, [3, 8, 8], [1.0, 0.0, 0.0, 1.0], [2.0, 0.0]);
        assert!((moved[0] - picture()[16]).abs() < 1e-6 && moved[7 * 8] == 0.0);
    }

    #[test]
    fn an_erased_rectangle_is_within_its_bounds() {
        for seed in 0..200 {
            let mut image = vec![1.0f32; 2 * 16 * 12];
            erase(&mut image, [2, 16, 12], &mut rng(seed));
            let gone = image.iter().filter(|v| **v == 0.0).count();
            assert!((2..=2 * 16 * 12 / 2).contains(&gone), "{gone}");
            let (one, other) = image.split_at(16 * 12);
            assert_eq!(one, other, "the same place in every channel");
        }
    }

    #[test]
    fn mixed_batches_hold_shares_of_both_and_say_so() {
        let batch = || Batch {
            values: (0..4).flat_map(|i| vec![i as f32; 3 * 64]).collect(),
            shape: [4, 3, 8, 8],
            labels: vec![5, 6, 7, 8],
            targets: Vec::new(),
            mixed: None,
        };
        for (mixup, cutmix) in [(0.8, 0.0), (0.0, 1.0), (0.4, 0.4)] {
            let how = Augmentation {
                mixup,
                cutmix,
                ..Augmentation::default()
            };
            let mut shares = Vec::new();
            for place in 0..50 {
                let mut found = batch();
                mix(&how, &mut found, 3, [0, place]);
                let mixed = found.mixed.expect("mixed");
                assert_eq!(mixed.partners, [8, 7, 6, 5]);
                assert!((0.0..=1.0).contains(&mixed.share));
                // The mean of a sample is the mean of the two, by their shares.
                for i in 0..4 {
                    let values = &found.values[i * 192..][..192];
                    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / 192.0;
                    let want = mixed.share * i as f64 + (1.0 - mixed.share) * (3 - i) as f64;
                    assert!((mean - want).abs() < 1e-5, "{mean} {want}");
                }
                shares.push(mixed.share);
            }
            assert!(shares.iter().any(|s| *s > 0.6) && shares.iter().any(|s| *s < 0.4));
        }
    }
}

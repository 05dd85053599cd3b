//! Elementary functions without branches, which the compiler turns into vectors: `exp` and `erf` of
//! single precision, `ln` of double precision.

use super::Block;

/// `a · b + c`, fused where that is one instruction.
#[inline(always)]
pub fn fma<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Sum of a block in a fixed order.
#[inline(always)]
pub fn sum(block: &Block) -> f32 {
    let mut half = [0.0f32; 8];
    for i in 0..8 {
        half[i] = block[i] + block[i + 8];
    }
    let quarter = [
        half[0] + half[4],
        half[1] + half[5],
        half[2] + half[6],
        half[3] + half[7],
    ];
    (quarter[0] + quarter[2]) + (quarter[1] + quarter[3])
}

/// `e^x` within 2 ulp on the finite range (Cephes' reduction and polynomial); 0 below −87.3.
#[inline(always)]
pub fn exp<const FMA: bool>(x: f32) -> f32 {
    let clamped = x.clamp(-87.336_54, 88.376_26);
    let n = fma::<FMA>(clamped, std::f32::consts::LOG2_E, 0.5).floor();
    let r = fma::<FMA>(n, -0.693_359_4, clamped);
    let r = fma::<FMA>(n, 2.121_944_4e-4, r);
    let mut p = 1.987_569_1e-4;
    p = fma::<FMA>(p, r, 1.398_199_9e-3);
    p = fma::<FMA>(p, r, 8.333_452e-3);
    p = fma::<FMA>(p, r, 4.166_579_6e-2);
    p = fma::<FMA>(p, r, 1.666_666_5e-1);
    p = fma::<FMA>(p, r, 5e-1);
    let y = fma::<FMA>(p, r * r, r) + 1.0;
    // SAFETY: `n` is finite (a NaN stays a NaN in `y`; the cast below is then saturated by the
    // `clamp` of the exponent) and within −126..=128 by the clamp above.
    let exponent = unsafe { n.clamp(-126.0, 127.0).max(-126.0).to_int_unchecked::<i32>() };
    let scale = f32::from_bits(((exponent + 127) as u32) << 23);
    if x < -87.336_54 { 0.0 } else { y * scale }
}

/// The error function within 5e-7 (rational approximation of
/// Eigen and XLA, odd in `x`, exact ±1 beyond |x| = 4).
#[inline(always)]
pub fn erf<const FMA: bool>(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let x2 = x * x;
    let mut p = -2.726_142_3e-10;
    p = fma::<FMA>(p, x2, 2.770_681_4e-8);
    p = fma::<FMA>(p, x2, -2.101_024e-6);
    p = fma::<FMA>(p, x2, -5.692_506_4e-5);
    p = fma::<FMA>(p, x2, -7.349_906e-4);
    p = fma::<FMA>(p, x2, -2.954_6e-3);
    p = fma::<FMA>(p, x2, -1.609_603_3e-2);
    let mut q = -1.456_607_2e-5;
    q = fma::<FMA>(q, x2, -2.133_740_6e-4);
    q = fma::<FMA>(q, x2, -1.682_827e-3);
    q = fma::<FMA>(q, x2, -7.373_329e-3);
    q = fma::<FMA>(q, x2, -1.426_473_9e-2);
    x * p / q
}

/// Natural logarithm of a positive normal number, without branches (the polynomial of FreeBSD's
/// `e_log.c`, error below one unit in the last place).
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    const L: [f64; 7] = [
        6.666_666_666_666_735e-1,
        3.999_999_999_940_942e-1,
        2.857_142_874_366_239e-1,
        2.222_219_843_214_978_4e-1,
        1.818_357_216_161_805e-1,
        1.531_383_769_920_937_3e-1,
        1.479_819_860_511_658_6e-1,
    ];
    // Shift the mantissa's range from [1, 2) to [√½, √2).
    let bits = x
        .to_bits()
        .wrapping_add(0x3ff0_0000_0000_0000 - 0x3fe6_a09e_0000_0000);
    let exponent = (bits >> 52) as i32 - 1023;
    let mantissa = (bits & 0x000f_ffff_ffff_ffff).wrapping_add(0x3fe6_a09e_0000_0000);
    let (k, f) = (f64::from(exponent), f64::from_bits(mantissa) - 1.0);
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (L[1] + w * (L[3] + w * L[5]));
    let even = z * (L[0] + w * (L[2] + w * (L[4] + w * L[6])));
    let half = 0.5 * f * f;
    s * (half + odd + even) + k * 1.908_214_929_270_587_7e-10 - half
        + f
        + k * 6.931_471_803_691_238e-1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::multiversion;

    multiversion! {
        fn exp_all(xs: &[f32], ys: &mut [f32]) {
            for (y, &x) in ys.iter_mut().zip(xs) { *y = exp::<FMA>(x); }
        }
    }
    multiversion! {
        fn erf_all(xs: &[f32], ys: &mut [f32]) {
            for (y, &x) in ys.iter_mut().zip(xs) { *y = erf::<FMA>(x); }
        }
    }

    /// Abramowitz & Stegun 7.1.5 in f64: an independent series for the reference.
    fn erf_reference(x: f64) -> f64 {
        let (mut term, mut total) = (x, x);
        for n in 1..200 {
            term *= -x * x / n as f64;
            total += term / (2 * n + 1) as f64;
        }
        total * 2.0 / std::f64::consts::PI.sqrt()
    }

    #[test]
    fn exp_is_within_two_ulp() {
        let xs: Vec<f32> = (-87_000..88_000).map(|i| i as f32 * 1e-3).collect();
        let mut ys = vec![0.0; xs.len()];
        exp_all(&xs, &mut ys);
        for (&x, &y) in xs.iter().zip(&ys) {
            let want = f64::from(x).exp();
            assert!(
                ((f64::from(y) - want) / want).abs() < 2.4e-7,
                "exp({x}) = {y}, want {want}"
            );
        }
        let mut extreme = [1.0; 3];
        exp_all(&[-100.0, -1e30, f32::NEG_INFINITY], &mut extreme);
        assert_eq!(extreme, [0.0; 3]);
    }

    #[test]
    fn erf_agrees_with_its_series() {
        let xs: Vec<f32> = (-4_000..=4_000).map(|i| i as f32 * 1e-3).collect();
        let mut ys = vec![0.0; xs.len()];
        erf_all(&xs, &mut ys);
        for (&x, &y) in xs.iter().zip(&ys) {
            assert!(
                (f64::from(y) - erf_reference(f64::from(x))).abs() < 5e-7,
                "erf({x}) = {y}"
            );
        }
        let mut extreme = [0.0; 2];
        erf_all(&[-50.0, 50.0], &mut extreme);
        assert!((extreme[0] + 1.0).abs() < 1e-6 && (extreme[1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_logarithm_is_that_of_the_library() {
        let mut x = 1e-12;
        while x < 30.0 {
            let (ours, theirs) = (ln(x), f64::ln(x));
            assert!(
                (ours - theirs).abs() <= 4e-16 * theirs.abs().max(0.1),
                "{x}"
            );
            x *= 1.000_37;
        }
        assert_eq!(ln(1.0), 0.0);
    }
}

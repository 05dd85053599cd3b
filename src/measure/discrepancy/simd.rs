//! The loops over source probabilities that must keep up with reading them: compiled for AVX-512,
//! AVX2 and the baseline, chosen at run time. No sum is reassociated by the compiler and nothing is
//! fused, so every version gives the same bits.

use super::divergence::{Divergence, FLOOR};

/// Compiles a function for several instruction sets and calls the widest that the CPU has.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident$(<$g:ident: $b:path>)?($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        $vis fn $name$(<$g: $b>)?($($arg: $ty),*) $(-> $out)? {
            #[inline(always)]
            fn body$(<$g: $b>)?($($arg: $ty),*) $(-> $out)? $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2")]
                fn v4$(<$g: $b>)?($($arg: $ty),*) $(-> $out)? { body($($arg),*) }
                #[target_feature(enable = "avx2")]
                fn v3$(<$g: $b>)?($($arg: $ty),*) $(-> $out)? { body($($arg),*) }
                use std::arch::is_x86_feature_detected as has;
                if has!("avx512f") && has!("avx512dq") && has!("avx512vl") {
                    // SAFETY: the CPU has every feature that `v4` is compiled for.
                    return unsafe { v4($($arg),*) };
                }
                if has!("avx2") {
                    // SAFETY: the CPU has the feature that `v3` is compiled for.
                    return unsafe { v3($($arg),*) };
                }
            }
            body($($arg),*)
        }
    };
}
pub(super) use multiversion;

use crate::measure::samples::Real;

/// Eight doubles: one AVX-512 register, two of AVX2.
const LANES: usize = 8;

/// Asks for numbers that are worked on next: rows of a tile lie far apart, which no CPU foresees.
#[inline(always)]
fn fetch<A>(next: &[A; LANES]) {
    // SAFETY: every x86-64 CPU has the instruction, which changes nothing that a program can see.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(next.as_ptr().cast());
    }
}

/// Natural logarithm of a positive normal number, without branches (the polynomial of FreeBSD's
/// `e_log.c`, error below one unit in the last place).
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
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

multiversion! {
    /// Sum of a row, its smallest and its largest number; the sum is NaN if the row holds one.
    pub(super) fn span<A: Real>(row: &[A]) -> [f64; 3] {
        // No sums: nothing but the span is left of the loop.
        visit(row, row, &mut [], |_, _| ())
    }
}

/// The span of no numbers.
pub(super) const NOTHING: [f64; 3] = [0.0, f64::INFINITY, f64::NEG_INFINITY];

/// The span of two parts.
pub(super) fn join(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[0] + b[0], a[1].min(b[1]), a[2].max(b[2])]
}

/// Takes each number into its sum, where there are sums, and returns the span. `next` is as long.
#[inline(always)]
fn visit<A: Real>(
    row: &[A],
    next: &[A],
    sums: &mut [f64],
    take: impl Fn(&mut f64, f64),
) -> [f64; 3] {
    let mut total = [0.0f64; LANES];
    let mut low = [f64::INFINITY; LANES];
    let mut high = [f64::NEG_INFINITY; LANES];
    let mut one = |lane: usize, p: A| -> f64 {
        let p: f64 = p.into();
        total[lane] += p;
        low[lane] = if p < low[lane] { p } else { low[lane] };
        high[lane] = if p > high[lane] { p } else { high[lane] };
        p
    };
    let (whole, rest) = row.as_chunks::<LANES>();
    if sums.is_empty() {
        for chunk in whole {
            chunk
                .iter()
                .enumerate()
                .for_each(|(lane, &p)| _ = one(lane, p));
        }
        rest.iter()
            .enumerate()
            .for_each(|(lane, &p)| _ = one(lane, p));
    } else {
        let (sums, last) = sums.as_chunks_mut::<LANES>();
        for ((chunk, next), sums) in whole.iter().zip(next.as_chunks().0).zip(sums) {
            fetch(next);
            for (lane, (sum, &p)) in sums.iter_mut().zip(chunk).enumerate() {
                take(sum, unit(one(lane, p)));
            }
        }
        for (lane, (&p, sum)) in rest.iter().zip(last).enumerate() {
            take(sum, unit(one(lane, p)));
        }
    }
    [
        total.iter().sum(),
        low.iter().fold(f64::INFINITY, |a, &b| a.min(b)),
        high.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b)),
    ]
}

/// A probability, rounding noise outside of `[0, 1]` cut off.
#[inline(always)]
fn unit(p: f64) -> f64 {
    let p = if p < 1.0 { p } else { 1.0 };
    if p > 0.0 { p } else { 0.0 }
}

multiversion! {
    /// `sums += costs` of probabilities; returns the span of these. `next` are as many that follow.
    pub(super) fn add_costs<A: Real>(divergence: Divergence, p: &[A], next: &[A], sums: &mut [f64]) -> [f64; 3] {
        match divergence.additive() {
            Divergence::Nll => visit(p, next, sums, |sum, p| *sum -= ln(if p > FLOOR { p } else { FLOOR })),
            Divergence::Brier => visit(p, next, sums, |sum, p| *sum += (1.0 - p) * (1.0 - p)),
            _ => visit(p, next, sums, |sum, p| *sum += 1.0 - p),
        }
    }
}

multiversion! {
    /// `products *= p`, none smaller than [`FLOOR`]; returns the span of these. `next` are as many that follow.
    pub(super) fn multiply_by<A: Real>(p: &[A], next: &[A], products: &mut [f64]) -> [f64; 3] {
        visit(p, next, products, |product, p| *product *= if p > FLOOR { p } else { FLOOR })
    }
}

/// What probabilities may be multiplied up to before their logarithm is taken: 16 factors of at
/// least [`FLOOR`] stay far above the smallest double.
pub(super) const FACTORS: usize = 16;

multiversion! {
    /// `products *= base + p`.
    pub(super) fn multiply(products: &mut [f64], base: f64, p: &[f64]) {
        for (product, &p) in products.iter_mut().zip(p) {
            *product *= base + p;
        }
    }
}

multiversion! {
    /// `sums += ln(products)`, and the products begin anew.
    pub(super) fn add_logs(sums: &mut [f64], products: &mut [f64]) {
        for (sum, product) in sums.iter_mut().zip(products) {
            *sum += ln(*product);
            *product = 1.0;
        }
    }
}

multiversion! {
    /// `sums += weight / (base + p)`.
    pub(super) fn add_shares(sums: &mut [f64], weight: f64, base: f64, p: &[f64]) {
        for (sum, &p) in sums.iter_mut().zip(p) {
            *sum += weight / (base + p);
        }
    }
}

multiversion! {
    /// Natural logarithms of positive numbers.
    pub(super) fn logs(values: &mut [f64]) {
        for value in values {
            *value = ln(*value);
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_logarithm_is_that_of_the_library() {
        let mut x = 1e-12;
        while x < 30.0 {
            let (ours, theirs) = (super::ln(x), f64::ln(x));
            assert!(
                (ours - theirs).abs() <= 4e-16 * theirs.abs().max(0.1),
                "{x}"
            );
            x *= 1.000_37;
        }
        assert_eq!(super::ln(1.0), 0.0);
    }
}

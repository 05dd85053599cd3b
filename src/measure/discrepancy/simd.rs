//! The loops over source probabilities that must keep up with reading them: compiled for AVX-512,
//! AVX2 and the baseline, chosen at run time ([`crate::simd`]). Nothing is fused, so every version gives
//! the same bits.

use super::divergence::{Divergence, FLOOR};

use crate::measure::samples::Real;
use crate::simd::{ln, multiversion};

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

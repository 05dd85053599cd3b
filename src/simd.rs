//! Plain loops compiled for AVX-512, AVX2 and the baseline, chosen at run time: a portable build must not
//! assume AVX, and loops over doubles are a quarter as fast without it. The compiler reassociates no
//! sum and fuses nothing, so every version gives the same bits.

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
pub(crate) use multiversion;

/// Natural logarithm of a positive normal number, without branches (the polynomial of FreeBSD's
/// `e_log.c`, error below one unit in the last place).
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
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

//! Loops compiled for several instruction sets, chosen at run time: a portable build must not assume
//! AVX, and a build without it is slow.
//!
//! | file | what |
//! |---|---|
//! | `mod` | [`multiversion!`], the one dispatcher, and [`level`], what it chooses |
//! | [`lanes`] | sixteen `f32` as one value, by explicit intrinsics |
//! | [`functions`] | `exp`, `erf` and `ln` without branches |
//!
//! The compiler neither reassociates sums nor fuses products into them: a body of plain arithmetic gives
//! the same bits at every level. A body that calls [`fma`] or uses [`Lanes`] asks for fused operations
//! where they are one instruction, and its last bits depend on the level.

// Without models not all of them are used.
#![cfg_attr(not(feature = "train"), allow(unused_imports, dead_code))]

mod functions;
mod lanes;

pub use functions::{erf, exp, fma, ln, sum};
pub use lanes::{Block, LANES, Lanes, Portable};
#[cfg(target_arch = "x86_64")]
pub use lanes::{V3, V4};

/// Instruction sets that functions are compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What the build demands of every CPU.
    Baseline,
    /// AVX2 and FMA: vectors of 256 bits.
    Avx2,
    /// AVX-512 F, BW, DQ and VL: vectors of 512 bits.
    Avx512,
}

/// The widest that this CPU has.
#[inline]
pub fn level() -> Level {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        if has!("avx2") && has!("fma") {
            if has!("avx512f") && has!("avx512bw") && has!("avx512dq") && has!("avx512vl") {
                return Level::Avx512;
            }
            return Level::Avx2;
        }
    }
    Level::Baseline
}

/// Compiles a function for every [`Level`] and calls the one that the CPU has.
///
/// The body may use the constant `FMA`, which says whether fused multiply-add is one instruction or a
/// slow library call, and the type `L` of explicit vectors ([`Lanes`]), and hand both to
/// `#[inline(always)]` helpers.
macro_rules! multiversion {
    ($(#[$meta:meta])* $vis:vis fn $name:ident $(<$g:ident: $bound:path>)? ($($arg:ident: $ty:ty),* $(,)?) $(-> $out:ty)? $body:block) => {
        $(#[$meta])*
        #[allow(clippy::too_many_arguments)]
        $vis fn $name $(<$g: $bound>)? ($($arg: $ty),*) $(-> $out)? {
            #[inline(always)]
            #[allow(clippy::too_many_arguments, clippy::extra_unused_type_parameters)]
            fn body<const FMA: bool, L: $crate::simd::Lanes $(, $g: $bound)?>($($arg: $ty),*) $(-> $out)? $body

            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn v4 $(<$g: $bound>)? ($($arg: $ty),*) $(-> $out)? {
                    body::<true, $crate::simd::V4 $(, $g)?>($($arg),*)
                }

                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments)]
                fn v3 $(<$g: $bound>)? ($($arg: $ty),*) $(-> $out)? {
                    body::<true, $crate::simd::V3 $(, $g)?>($($arg),*)
                }

                match $crate::simd::level() {
                    // SAFETY: the CPU has every feature that `v4` is compiled for.
                    $crate::simd::Level::Avx512 => return unsafe { v4 $(::<$g>)? ($($arg),*) },
                    // SAFETY: the CPU has every feature that `v3` is compiled for.
                    $crate::simd::Level::Avx2 => return unsafe { v3 $(::<$g>)? ($($arg),*) },
                    $crate::simd::Level::Baseline => {}
                }
            }
            body::<{ cfg!(target_arch = "aarch64") }, $crate::simd::Portable $(, $g)?>($($arg),*)
        }
    };
}
pub(crate) use multiversion;

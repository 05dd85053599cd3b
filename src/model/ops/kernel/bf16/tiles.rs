//! A square of sums by the tiles of AMX: two by two tiles of sums stay in registers while two of each operand pass.
//!
//! The intrinsics are not stable in Rust, so the instructions are written out. A thread asks its kernel for the registers
//! first (Linux saves them only for processes that asked), sets their shapes, and gives them up behind the work.

use super::pack::{Line, SIDE, Sums};
use std::arch::asm;
use std::arch::x86_64::{__cpuid, __cpuid_count};
use std::sync::OnceLock;

/// Whether the processor has tiles of bf16 numbers and the kernel gives them to this process.
pub fn usable() -> bool {
    static USABLE: OnceLock<bool> = OnceLock::new();
    *USABLE.get_or_init(|| {
        // Leaf 7, EDX: bit 22 products of bf16, bit 24 tiles.
        let has = __cpuid(0).eax >= 7
            && __cpuid_count(7, 0).edx & (1 << 22 | 1 << 24) == 1 << 22 | 1 << 24;
        has && permitted()
    })
}

/// Asks Linux for the tile registers, for all threads of the process.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    /// `arch_prctl` and its request of a component of the extended state; the component of tiles' data.
    const ARCH_PRCTL: i64 = 158;
    const REQUEST: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let answer: i64;
    // SAFETY: a system call without memory operands; it changes what the kernel saves of a thread, nothing else.
    unsafe {
        asm!("syscall", inlateout("rax") ARCH_PRCTL => answer, in("rdi") REQUEST, in("rsi") TILE_DATA,
            out("rcx") _, out("r11") _, options(nostack));
    }
    answer == 0
}

#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}

/// Shapes of the eight tile registers.
#[repr(C, align(64))]
struct Shapes {
    palette: u8,
    start: u8,
    zero: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

static SHAPES: Shapes = Shapes {
    palette: 1,
    start: 0,
    zero: [0; 14],
    row_bytes: [64, 64, 64, 64, 64, 64, 64, 64, 0, 0, 0, 0, 0, 0, 0, 0],
    rows: [16, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0],
};

/// Runs `work` with the tile registers shaped, and gives them up behind it.
pub fn within(work: impl FnOnce()) {
    struct Release;
    impl Drop for Release {
        fn drop(&mut self) {
            // SAFETY: the processor has tiles, or `within` would not have been called.
            unsafe { asm!("tilerelease", options(nostack, nomem)) };
        }
    }
    assert!(usable(), "the kernel gives tiles to those that ask");
    // SAFETY: as above; the shapes are valid for the only palette there is, and no compiled code uses tile registers.
    unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const SHAPES, options(nostack, readonly)) };
    let _release = Release;
    work();
}

/// The products of two tiles of rows and two of columns, added to `sums` if `more`, else in their place. Inside
/// [`within`] only.
pub fn square(a: [&[Line]; 2], b: [&[Line]; 2], sums: &mut Sums, more: bool) {
    let steps = a[0].len() / SIDE;
    assert!(
        steps > 0
            && [a[0], a[1], b[0], b[1]]
                .iter()
                .all(|lines| lines.len() == steps * SIDE)
    );
    let below = &raw mut sums.0[2 * SIDE * SIDE];
    // SAFETY: tiles of 16 lines of 64 bytes, `steps` of them one behind the other in each operand, by the assert; `sums`
    // has 32 rows of 128 bytes. The shapes were set by `within`.
    unsafe {
        if more {
            asm!("tileloadd tmm0, [{above} + {row}]", "tileloadd tmm1, [{above} + {row} + 64]",
                "tileloadd tmm2, [{below} + {row}]", "tileloadd tmm3, [{below} + {row} + 64]",
                above = in(reg) sums.0.as_ptr(), below = in(reg) below, row = in(reg) 128usize,
                options(nostack, readonly));
        } else {
            asm!(
                "tilezero tmm0",
                "tilezero tmm1",
                "tilezero tmm2",
                "tilezero tmm3",
                options(nostack, nomem)
            );
        }
        asm!(
            "2:",
            "tileloadd tmm4, [{a} + {line}]",
            "tileloadd tmm6, [{c} + {line}]",
            "tdpbf16ps tmm0, tmm4, tmm6",
            "tileloadd tmm7, [{d} + {line}]",
            "tdpbf16ps tmm1, tmm4, tmm7",
            "tileloadd tmm5, [{b} + {line}]",
            "tdpbf16ps tmm2, tmm5, tmm6",
            "tdpbf16ps tmm3, tmm5, tmm7",
            "add {a}, 1024", "add {b}, 1024", "add {c}, 1024", "add {d}, 1024",
            "dec {steps}",
            "jnz 2b",
            "tilestored [{above} + {row}], tmm0", "tilestored [{above} + {row} + 64], tmm1",
            "tilestored [{below} + {row}], tmm2", "tilestored [{below} + {row} + 64], tmm3",
            a = inout(reg) a[0].as_ptr() => _, b = inout(reg) a[1].as_ptr() => _,
            c = inout(reg) b[0].as_ptr() => _, d = inout(reg) b[1].as_ptr() => _,
            steps = inout(reg) steps => _, line = in(reg) 64usize, row = in(reg) 128usize,
            above = in(reg) sums.0.as_mut_ptr(), below = in(reg) below,
            options(nostack));
    }
}

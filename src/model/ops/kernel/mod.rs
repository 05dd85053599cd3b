//! CPU kernels behind the fused operations: plain slices in, plain slices out, no tensors.
//!
//! The small shapes of a windowed transformer are not bound by matrix products but by what lies
//! between them: page faults, copies, scalar `exp` and `erf` (measured, see `benches/README.md`).
//! So each kernel touches memory once and works on blocks that stay in the cache. Work is cut
//! into blocks of a **fixed** size, never by the number of threads: the same input gives the same
//! bits on any number of threads.

pub mod activation;
pub mod attention;
pub mod bf16;
pub mod linear;
pub mod norm;
pub mod norm_tangent;
pub mod optimiser;
pub mod product;

/// An output buffer of `len` values whose first contents are unspecified.
///
/// Zeroing every output costs as much as a tenth of a training step. Callers write every element
/// before the buffer is read.
pub fn output(len: usize) -> Vec<f32> {
    let mut buffer = Vec::with_capacity(len);
    // SAFETY: the capacity is `len`, `f32` has no invalid bit pattern and needs no drop, and every
    // kernel in this module writes the whole buffer before anything reads it.
    #[allow(clippy::uninit_vec)]
    unsafe {
        buffer.set_len(len)
    };
    buffer
}

//! `y = x·Wᵀ + b` and its gradients, on the `gemm` crate (AVX-512 where the CPU has it).
//!
//! Weights keep PyTorch's layout `[out, in]`. Rows are cut into blocks that fit the cache, one
//! single-threaded product each, with the bias written just before the block is multiplied.

use gemm::Parallelism;
use rayon::prelude::*;

/// Token rows per parallel task.
const ROWS: usize = 256;

/// `c = a·b`, or `c += a·b` to accumulate, for row-major `c [m, n]`; strides are (row, column) of
/// each operand.
#[allow(clippy::too_many_arguments)]
fn product(
    (m, n, k): (usize, usize, usize),
    c: &mut [f32],
    accumulate: bool,
    a: &[f32],
    (a_row, a_col): (usize, usize),
    b: &[f32],
    (b_row, b_col): (usize, usize),
) {
    debug_assert!(c.len() >= m * n);
    if m == 0 || n == 0 {
        return;
    }
    if k == 0 {
        if !accumulate {
            c[..m * n].fill(0.0);
        }
        return;
    }
    assert!(
        a.len() > (m - 1) * a_row + (k - 1) * a_col,
        "left operand too short"
    );
    assert!(
        b.len() > (k - 1) * b_row + (n - 1) * b_col,
        "right operand too short"
    );
    assert!(c.len() >= m * n, "destination too short");
    // SAFETY: the asserts above bound every access of the three operands.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            n as isize,
            accumulate,
            a.as_ptr(),
            a_col as isize,
            a_row as isize,
            b.as_ptr(),
            b_col as isize,
            b_row as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// `y [rows, out] = x [rows, in] · wᵀ + b`, with `w [out, in]` and an optional `b [out]`.
pub fn forward(
    x: &[f32],
    w: &[f32],
    b: Option<&[f32]>,
    y: &mut [f32],
    inputs: usize,
    outputs: usize,
) {
    y.par_chunks_mut(ROWS * outputs)
        .zip(x.par_chunks(ROWS * inputs))
        .for_each(|(y, x)| {
            let rows = y.len() / outputs;
            if let Some(b) = b {
                y.chunks_exact_mut(outputs)
                    .for_each(|row| row.copy_from_slice(b));
            }
            product(
                (rows, outputs, inputs),
                y,
                b.is_some(),
                x,
                (inputs, 1),
                w,
                (1, inputs),
            );
        });
}

/// Tangent of [`forward`]: `ẏ = ẋ·wᵀ + x·ẇᵀ + ḃ`, what does not move left out; all sums in `ẏ`.
#[allow(clippy::too_many_arguments)]
pub fn tangent(
    x: &[f32],
    x_dot: Option<&[f32]>,
    w: &[f32],
    w_dot: Option<&[f32]>,
    b_dot: Option<&[f32]>,
    y_dot: &mut [f32],
    inputs: usize,
    outputs: usize,
) {
    y_dot
        .par_chunks_mut(ROWS * outputs)
        .enumerate()
        .for_each(|(block, y)| {
            let rows = y.len() / outputs;
            let part = block * ROWS * inputs..(block * ROWS + rows) * inputs;
            let mut accumulate = b_dot.is_some();
            if let Some(b) = b_dot {
                y.chunks_exact_mut(outputs)
                    .for_each(|row| row.copy_from_slice(b));
            }
            for (x, w) in [(x_dot, Some(w)), (Some(x), w_dot)] {
                if let (Some(x), Some(w)) = (x, w) {
                    product(
                        (rows, outputs, inputs),
                        y,
                        accumulate,
                        &x[part.clone()],
                        (inputs, 1),
                        w,
                        (1, inputs),
                    );
                    accumulate = true;
                }
            }
        });
}

/// `dx [rows, in] = dy [rows, out] · w`, or added to what `dx` holds.
pub fn backward_input(
    dy: &[f32],
    w: &[f32],
    dx: &mut [f32],
    accumulate: bool,
    inputs: usize,
    outputs: usize,
) {
    dx.par_chunks_mut(ROWS * inputs)
        .zip(dy.par_chunks(ROWS * outputs))
        .for_each(|(dx, dy)| {
            let rows = dx.len() / inputs;
            product(
                (rows, inputs, outputs),
                dx,
                accumulate,
                dy,
                (outputs, 1),
                w,
                (inputs, 1),
            );
        });
}

/// `dw [out, in] = dyᵀ · x`, cut over output rows so that no two tasks write one value.
pub fn backward_weight(dy: &[f32], x: &[f32], dw: &mut [f32], inputs: usize, outputs: usize) {
    let rows = dy.len() / outputs.max(1);
    let block = (outputs / 4).next_multiple_of(16).clamp(16, 256);
    dw.par_chunks_mut(block * inputs)
        .enumerate()
        .for_each(|(i, dw)| {
            let height = dw.len() / inputs;
            product(
                (height, inputs, rows),
                dw,
                false,
                &dy[i * block..],
                (1, outputs),
                x,
                (inputs, 1),
            );
        });
}

/// `db [out] = Σ_rows dy`, by partial sums over fixed blocks of rows.
pub fn backward_bias(dy: &[f32], db: &mut [f32]) {
    let outputs = db.len();
    let partial: Vec<Vec<f32>> = dy
        .par_chunks(ROWS * outputs)
        .map(|block| {
            let mut sum = vec![0.0; outputs];
            for row in block.chunks_exact(outputs) {
                sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
            }
            sum
        })
        .collect();
    add_up(partial.iter().map(Vec::as_slice), db);
}

/// Adds partial sums in their order: the same bits on any number of threads.
pub fn add_up<'a>(partial: impl IntoIterator<Item = &'a [f32]>, total: &mut [f32]) {
    total.fill(0.0);
    for part in partial {
        total.iter_mut().zip(part).for_each(|(t, v)| *t += v);
    }
}

//! `y = x·Wᵀ + b` and its gradients, on the `gemm` crate (AVX-512 where the CPU has it).
//!
//! Weights keep PyTorch's layout `[out, in]`. Rows are cut into blocks that fit the cache, one
//! single-threaded product each, with the bias written just before the block is multiplied.

use gemm::Parallelism;
use rayon::prelude::*;

/// Token rows per parallel task.
const ROWS: usize = 256;

/// Most token rows per parallel task that has some of the output columns.
const TALL: usize = 2048;

/// Fewest entries of a weight matrix that is cut over its outputs: to pack it for every block of rows anew would cost
/// a quarter of the product.
const LARGE: usize = 1 << 18;

/// Rows and columns of the output of one parallel task. What a task is changes no bit: every entry is the same sum.
fn task(rows: usize, inputs: usize, outputs: usize) -> (usize, usize) {
    if inputs * outputs < LARGE || rows <= ROWS {
        return (ROWS, outputs);
    }
    let wide = (outputs / 4).next_multiple_of(64).max(192);
    let columns = outputs.div_ceil(wide);
    let mut tall = TALL;
    while tall > ROWS && rows.div_ceil(tall) * columns < 2 * rayon::current_num_threads() {
        tall /= 2;
    }
    (tall, wide)
}

/// A matrix of which tasks write different parts.
#[derive(Clone, Copy)]
struct Shared(*mut f32);

// SAFETY: tasks write disjoint parts, see `forward`.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    /// The entry at `at`, which the caller knows to be inside.
    fn at(self, at: usize) -> *mut f32 {
        self.0.wrapping_add(at)
    }
}

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
    if y.is_empty() {
        return;
    }
    let rows = y.len() / outputs;
    if inputs == 0 {
        y.chunks_exact_mut(outputs).for_each(|row| match b {
            Some(b) => row.copy_from_slice(b),
            None => row.fill(0.0),
        });
        return;
    }
    assert!(x.len() >= rows * inputs, "input too short");
    assert!(w.len() >= outputs * inputs, "weight too short");
    assert!(b.is_none_or(|b| b.len() >= outputs), "bias too short");
    let (tall, wide) = task(rows, inputs, outputs);
    let across = outputs.div_ceil(wide);
    let y = Shared(y.as_mut_ptr());
    (0..rows.div_ceil(tall) * across)
        .into_par_iter()
        .for_each(|task| {
            let (top, left) = (task / across * tall, task % across * wide);
            let (m, n) = ((rows - top).min(tall), (outputs - left).min(wide));
            let first = top * outputs + left;
            if let Some(b) = b {
                for row in 0..m {
                    // SAFETY: row `top + row` of `y` has `n` entries from column `left` on, which no other task writes.
                    let part =
                        unsafe { std::slice::from_raw_parts_mut(y.at(first + row * outputs), n) };
                    part.copy_from_slice(&b[left..left + n]);
                }
            }
            // SAFETY: the asserts above bound the operands; the task alone writes the `m` by `n` entries of `y` from (top, left)
            // on, which lie inside.
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    inputs,
                    y.at(first),
                    1,
                    outputs as isize,
                    b.is_some(),
                    x[top * inputs..].as_ptr(),
                    1,
                    inputs as isize,
                    w[left * inputs..].as_ptr(),
                    inputs as isize,
                    1,
                    1.0f32,
                    1.0f32,
                    false,
                    false,
                    false,
                    Parallelism::None,
                );
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_task_is_changes_no_bit() {
        let value = |i: usize| ((i * 37) % 101) as f32 / 50.0 - 1.0;
        for (rows, inputs, outputs) in [(1100, 512, 520), (300, 768, 1000)] {
            let x: Vec<f32> = (0..rows * inputs).map(value).collect();
            let w: Vec<f32> = (0..outputs * inputs).map(|i| value(i + 5)).collect();
            let b: Vec<f32> = (0..outputs).map(value).collect();
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let mut y = vec![0.0; rows * outputs];
                pool.build()
                    .unwrap()
                    .install(|| forward(&x, &w, Some(&b), &mut y, inputs, outputs));
                y
            };
            let (one, many) = (on(1), on(16));
            assert_ne!(task(rows, inputs, outputs).1, outputs);
            assert!(one == many);
            // By rows of one task each.
            let mut whole = vec![0.0; rows * outputs];
            for (y, x) in whole.chunks_mut(200 * outputs).zip(x.chunks(200 * inputs)) {
                forward(x, &w, Some(&b), y, inputs, outputs);
            }
            assert!(one == whole);
        }
    }
}

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

/// Fewest rows, and multiplications, that are worth a task of their own.
const SHORT: usize = 32;
const WORTH: usize = 1 << 20;

/// Fewest entries of a weight matrix that is cut over its outputs: to pack it for every block of rows anew would cost
/// a quarter of the product.
const LARGE: usize = 1 << 18;

/// How the rows and columns of an output are cut into tasks. What a task is changes no bit: every entry is the same sum.
#[derive(Debug, Clone, Copy)]
struct Cut {
    rows: usize,
    columns: usize,
    /// Blocks of rows, all but one row as tall.
    down: usize,
    /// Columns of a task.
    wide: usize,
}

impl Cut {
    fn new(rows: usize, depth: usize, columns: usize) -> Self {
        let threads = rayon::current_num_threads();
        let (mut down, mut wide) = (rows.div_ceil(ROWS), columns);
        if depth * columns >= LARGE && rows > SHORT {
            wide = (columns / 4).next_multiple_of(64).max(192).min(columns);
            let mut tall = TALL;
            while tall > ROWS && rows.div_ceil(tall) * columns.div_ceil(wide) < 2 * threads {
                tall /= 2;
            }
            down = rows.div_ceil(tall);
        }
        // Few tasks are as many for every thread.
        let across = columns.div_ceil(wide);
        let most = (rows / SHORT).min(rows * depth * columns / WORTH / across);
        if down * across < 8 * threads {
            let even = (down..=most).find(|down| down * across % threads == 0);
            down = even.unwrap_or(down);
        }
        Self {
            rows,
            columns,
            down,
            wide,
        }
    }

    /// Runs `work` with the first row and column of every task and how many it has of them.
    fn run(self, work: impl Fn(usize, usize, usize, usize) + Sync) {
        let across = self.columns.div_ceil(self.wide);
        let row = |block: usize| self.rows * block / self.down;
        (0..self.down * across).into_par_iter().for_each(|task| {
            let (block, left) = (task / across, task % across * self.wide);
            let wide = (self.columns - left).min(self.wide);
            work(row(block), left, row(block + 1) - row(block), wide);
        });
    }
}

/// A matrix of which tasks write different parts.
#[derive(Clone, Copy)]
pub struct Shared(*mut f32);

// SAFETY: tasks write disjoint parts, see `forward`.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    /// The matrix of these entries.
    pub fn new(entries: &mut [f32]) -> Self {
        Self(entries.as_mut_ptr())
    }

    /// `count` entries from `at` on.
    ///
    /// # Safety
    /// They are inside, alive, and no other task touches them meanwhile.
    pub unsafe fn part<'a>(self, at: usize, count: usize) -> &'a mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.at(at), count) }
    }

    /// The entry at `at`, which the caller knows to be inside.
    fn at(self, at: usize) -> *mut f32 {
        self.0.wrapping_add(at)
    }
}

/// `c = a·b`, or `c += a·b` to accumulate, for row-major `c [m, n]`; strides are (row, column) of
/// each operand.
fn product(
    (m, n, k): (usize, usize, usize),
    c: &mut [f32],
    accumulate: bool,
    a: (&[f32], usize, usize),
    b: (&[f32], usize, usize),
) {
    assert!(c.len() >= m * n, "destination too short");
    if m > 0 && n > 0 {
        // SAFETY: `c` is borrowed mutably and holds `m` rows of `n`.
        unsafe { part((m, n, k), Shared::new(c), 0, n, accumulate, a, b) };
    }
}

/// The same for the `m` by `n` part of a matrix with rows of `width` that starts at entry `first`.
///
/// # Safety
/// The part lies inside of `c`, and no other task touches it meanwhile.
unsafe fn part(
    (m, n, k): (usize, usize, usize),
    c: Shared,
    first: usize,
    width: usize,
    accumulate: bool,
    (a, a_row, a_col): (&[f32], usize, usize),
    (b, b_row, b_col): (&[f32], usize, usize),
) {
    if k == 0 {
        if !accumulate {
            for row in 0..m {
                // SAFETY: the caller's promise.
                unsafe { c.part(first + row * width, n) }.fill(0.0);
            }
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
    // SAFETY: the asserts above bound every access of the operands, the caller's promise that of the destination.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.at(first),
            1,
            width as isize,
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

/// Writes the bias into `m` rows of a part of a matrix with rows of `width` that starts at entry `first`.
///
/// # Safety
/// As for [`part`].
unsafe fn start(y: Shared, first: usize, width: usize, m: usize, bias: &[f32]) {
    for row in 0..m {
        // SAFETY: the caller's promise.
        unsafe { y.part(first + row * width, bias.len()) }.copy_from_slice(bias);
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
    let y = Shared::new(y);
    Cut::new(rows, inputs, outputs).run(|top, left, m, n| {
        let first = top * outputs + left;
        if let Some(b) = b {
            // SAFETY: the task alone writes the `m` by `n` entries of `y` from (top, left) on, which lie inside.
            unsafe { start(y, first, outputs, m, &b[left..left + n]) };
        }
        let (x, w) = (
            (&x[top * inputs..], inputs, 1),
            (&w[left * inputs..], 1, inputs),
        );
        // SAFETY: as above.
        unsafe { part((m, n, inputs), y, first, outputs, b.is_some(), x, w) };
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
    if y_dot.is_empty() {
        return;
    }
    let rows = y_dot.len() / outputs;
    let y = Shared::new(y_dot);
    Cut::new(rows, inputs, outputs).run(|top, left, m, n| {
        let first = top * outputs + left;
        let mut accumulate = b_dot.is_some();
        if let Some(b) = b_dot {
            // SAFETY: the task alone writes the `m` by `n` entries of `ẏ` from (top, left) on, which lie inside.
            unsafe { start(y, first, outputs, m, &b[left..left + n]) };
        }
        for (x, w) in [(x_dot, Some(w)), (Some(x), w_dot)] {
            if let (Some(x), Some(w)) = (x, w) {
                let (x, w) = (
                    (&x[top * inputs..], inputs, 1),
                    (&w[left * inputs..], 1, inputs),
                );
                // SAFETY: as above.
                unsafe { part((m, n, inputs), y, first, outputs, accumulate, x, w) };
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
    if dx.is_empty() {
        return;
    }
    let rows = dx.len() / inputs;
    let dx = Shared::new(dx);
    Cut::new(rows, outputs, inputs).run(|top, left, m, n| {
        let (first, size) = (top * inputs + left, (m, n, outputs));
        let (dy, w) = ((&dy[top * outputs..], outputs, 1), (&w[left..], inputs, 1));
        // SAFETY: the task alone writes the `m` by `n` entries of `dx` from (top, left) on, which lie inside.
        unsafe { part(size, dx, first, inputs, accumulate, dy, w) };
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
                (&dy[i * block..], 1, outputs),
                (x, inputs, 1),
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
        for (rows, inputs, outputs) in [
            (1100, 512, 520),
            (300, 768, 1000),
            (401, 300, 96),
            (33, 512, 640),
        ] {
            let x: Vec<f32> = (0..rows * inputs).map(value).collect();
            let dy: Vec<f32> = (0..rows * outputs).map(|i| value(i + 3)).collect();
            let w: Vec<f32> = (0..outputs * inputs).map(|i| value(i + 5)).collect();
            let b: Vec<f32> = (0..outputs).map(value).collect();
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let (mut y, mut dx) = (vec![0.0; rows * outputs], vec![1.0; rows * inputs]);
                pool.build().unwrap().install(|| {
                    forward(&x, &w, Some(&b), &mut y, inputs, outputs);
                    backward_input(&dy, &w, &mut dx, true, inputs, outputs);
                });
                (y, dx)
            };
            let (one, many) = (on(1), on(16));
            assert!(one == many && one == on(3));
            // By rows of one task each.
            let mut whole = vec![0.0; rows * outputs];
            for (y, x) in whole.chunks_mut(150 * outputs).zip(x.chunks(150 * inputs)) {
                forward(x, &w, Some(&b), y, inputs, outputs);
            }
            assert!(one.0 == whole);
        }
    }
}

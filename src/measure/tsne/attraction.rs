//! Attraction of near neighbours, and with a repulsion the whole gradient for many points.
//!
//! One pass over the sparse affinities in an iteration: its time is that of fetching the other end
//! of every pair. So positions are gathered in single precision, sixteen at a time, and points are
//! renumbered along a Morton curve of the map, where neighbours lie near in memory.

use rayon::prelude::*;

use super::descent::{Forces, Vector};
use super::sparse::Sparse;
#[cfg(target_arch = "x86_64")]
use crate::simd::{self, Level};

/// Pairs at a time.
const LANES: usize = 16;
/// Points of a unit of parallel work.
const BLOCK: usize = 256;

/// The other half of the gradient: forces between all points.
pub trait Repulsion: Send + Sync {
    /// Writes Σⱼ q²_ij (y_i − y_j) with the unnormalised q_ij = 1/(1 + |y_i − y_j|²) for every point;
    /// gives their sum over all pairs i ≠ j.
    fn forces(&mut self, at: &[Vector], out: &mut [Vector]) -> f64;
}

/// Sparse attraction and a repulsion.
pub struct Field<R> {
    pairs: Pairs,
    repulsion: R,
    singles: Vec<[f32; 2]>,
    push: Vec<Vector>,
}

/// The affinities in single precision, every row filled up to whole blocks by pairs of a point
/// with itself, which attract nothing.
struct Pairs {
    /// Where each row begins, in blocks, and the end of the last.
    starts: Vec<usize>,
    columns: Vec<[u32; LANES]>,
    values: Vec<[f32; LANES]>,
}

impl<R: Repulsion> Field<R> {
    /// Joins the two.
    pub fn new(affinities: &Sparse, repulsion: R) -> Self {
        let n = affinities.count();
        let rows = (0..n).map(|i| affinities.row(i).map(|(j, p)| (j as u32, p as f32)));
        Self {
            pairs: Pairs::new(rows),
            repulsion,
            singles: vec![[0.0; 2]; n],
            push: vec![[0.0; 2]; n],
        }
    }
}

impl<R: Repulsion> Forces for Field<R> {
    fn gradient(&mut self, at: &[Vector], exaggeration: f64, out: &mut [Vector]) {
        let z = self.repulsion.forces(at, &mut self.push);
        for (single, at) in self.singles.iter_mut().zip(at) {
            *single = at.map(|v| v as f32);
        }
        let (pairs, singles) = (&self.pairs, &self.singles[..]);
        out.par_chunks_mut(BLOCK)
            .zip(self.push.par_chunks(BLOCK))
            .enumerate()
            .for_each(|(block, (out, push))| {
                let pull = pairs.attraction(block * BLOCK, out.len(), singles);
                for ((out, push), pull) in out.iter_mut().zip(push).zip(pull) {
                    for axis in 0..2 {
                        out[axis] = exaggeration * pull[axis] - push[axis] / z;
                    }
                }
            });
    }

    fn reorder(&mut self, at: &[Vector]) -> Option<Vec<u32>> {
        let order = curve(at);
        let mut places = vec![0u32; order.len()];
        order
            .iter()
            .zip(0..)
            .for_each(|(&i, place)| places[i as usize] = place);
        let pairs = &self.pairs;
        let row = |&i: &u32| {
            let own = pairs.starts[i as usize]..pairs.starts[i as usize + 1];
            let columns = pairs.columns[own.clone()].as_flattened().iter();
            let values = pairs.values[own].as_flattened().iter();
            let mut row: Vec<(u32, f32)> = columns
                .zip(values)
                .filter(|(j, _)| **j != i)
                .map(|(&j, &p)| (places[j as usize], p))
                .collect();
            row.sort_unstable_by_key(|e| e.0);
            row
        };
        let rows: Vec<Vec<(u32, f32)>> = order.par_iter().map(row).collect();
        self.pairs = Pairs::new(rows.into_iter().map(Vec::into_iter));
        Some(order)
    }
}

impl Pairs {
    fn new(rows: impl Iterator<Item = impl Iterator<Item = (u32, f32)>>) -> Self {
        let (mut starts, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for (i, row) in rows.enumerate() {
            for (filled, (j, p)) in row.enumerate() {
                if filled % LANES == 0 {
                    columns.push([i as u32; LANES]);
                    values.push([0.0; LANES]);
                }
                let last = columns.len() - 1;
                (columns[last][filled % LANES], values[last][filled % LANES]) = (j, p);
            }
            starts.push(columns.len());
        }
        Self {
            starts,
            columns,
            values,
        }
    }

    /// Σⱼ p_ij q_ij (y_i − y_j) of `count` points from `first` on.
    fn attraction(&self, first: usize, count: usize, at: &[[f32; 2]]) -> Vec<Vector> {
        let mut out = Vec::with_capacity(count);
        #[cfg(target_arch = "x86_64")]
        if simd::level() == Level::Avx512 {
            for i in first..first + count {
                let own = self.starts[i]..self.starts[i + 1];
                // SAFETY: the processor has AVX-512, and every column is that of a point.
                let lanes =
                    unsafe { row_avx512(&self.columns[own.clone()], &self.values[own], at[i], at) };
                out.push(finish(&lanes));
            }
            return out;
        }
        for i in first..first + count {
            let own = self.starts[i]..self.starts[i + 1];
            out.push(finish(&row(
                &self.columns[own.clone()],
                &self.values[own],
                at[i],
                at,
            )));
        }
        out
    }
}

fn finish(lanes: &[[f32; LANES]; 2]) -> Vector {
    lanes.map(|lane| lane.iter().map(|&v| f64::from(v)).sum())
}

fn row(
    columns: &[[u32; LANES]],
    values: &[[f32; LANES]],
    own: [f32; 2],
    at: &[[f32; 2]],
) -> [[f32; LANES]; 2] {
    let mut lanes = [[0.0; LANES]; 2];
    for (columns, values) in columns.iter().zip(values) {
        for l in 0..LANES {
            let other = at[columns[l] as usize];
            let (dx, dy) = (own[0] - other[0], own[1] - other[1]);
            let pull = values[l] / (1.0 + (dx * dx + dy * dy));
            lanes[0][l] += pull * dx;
            lanes[1][l] += pull * dy;
        }
    }
    lanes
}

/// [`row`] by hand: the compiler does not gather.
///
/// # Safety
/// Every column must be below the number of positions.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn row_avx512(
    columns: &[[u32; LANES]],
    values: &[[f32; LANES]],
    own: [f32; 2],
    at: &[[f32; 2]],
) -> [[f32; LANES]; 2] {
    use std::arch::x86_64::*;
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    let (x, y, one) = (
        _mm512_set1_ps(own[0]),
        _mm512_set1_ps(own[1]),
        _mm512_set1_ps(1.0),
    );
    let mut sums = [_mm512_setzero_ps(); 2];
    let base = at.as_ptr().cast::<i64>();
    for (columns, values) in columns.iter().zip(values) {
        // SAFETY: sixteen numbers are read from arrays of sixteen, and positions, eight bytes each,
        // at columns that are below their number; alignment is not required.
        let (low, high, p) = unsafe {
            let columns = columns.as_ptr().cast::<__m256i>();
            (
                _mm512_i32gather_epi64::<8>(_mm256_loadu_si256(columns), base),
                _mm512_i32gather_epi64::<8>(_mm256_loadu_si256(columns.add(1)), base),
                _mm512_loadu_ps(values.as_ptr()),
            )
        };
        let (low, high) = (_mm512_castsi512_ps(low), _mm512_castsi512_ps(high));
        let dx = _mm512_sub_ps(x, _mm512_permutex2var_ps(low, even, high));
        let dy = _mm512_sub_ps(y, _mm512_permutex2var_ps(low, odd, high));
        let square = _mm512_add_ps(_mm512_mul_ps(dx, dx), _mm512_mul_ps(dy, dy));
        let pull = _mm512_div_ps(p, _mm512_add_ps(one, square));
        sums[0] = _mm512_add_ps(sums[0], _mm512_mul_ps(pull, dx));
        sums[1] = _mm512_add_ps(sums[1], _mm512_mul_ps(pull, dy));
    }
    let mut lanes = [[0.0; LANES]; 2];
    for (to, from) in lanes.iter_mut().zip(sums) {
        // SAFETY: sixteen numbers are written to an array of sixteen.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), from) };
    }
    lanes
}

/// The order of points along a Morton curve through the map's bounding square.
pub(super) fn curve(at: &[Vector]) -> Vec<u32> {
    let codes = codes(at);
    let mut order: Vec<u32> = (0..at.len() as u32).collect();
    order.par_sort_unstable_by_key(|&i| (codes[i as usize], i));
    order
}

/// Places on that curve, 32 bits an axis.
pub(super) fn codes(at: &[Vector]) -> Vec<u64> {
    let (low, size) = bounds(at);
    let scale = if size > 0.0 {
        f64::from(u32::MAX) / size
    } else {
        0.0
    };
    let spread = |v: f64| {
        let mut v = u64::from((v * scale) as u32);
        for (shift, mask) in [
            (16, 0x0000_ffff_0000_ffff),
            (8, 0x00ff_00ff_00ff_00ff),
            (4, 0x0f0f_0f0f_0f0f_0f0f),
            (2, 0x3333_3333_3333_3333),
            (1, 0x5555_5555_5555_5555u64),
        ] {
            v = (v | v << shift) & mask;
        }
        v
    };
    at.iter()
        .map(|p| spread(p[0] - low[0]) | spread(p[1] - low[1]) << 1)
        .collect()
}

/// The least corner and the longer side of the map.
pub(super) fn bounds(at: &[Vector]) -> (Vector, f64) {
    let mut low = [f64::INFINITY; 2];
    let mut high = [f64::NEG_INFINITY; 2];
    for p in at {
        for axis in 0..2 {
            low[axis] = low[axis].min(p[axis]);
            high[axis] = high[axis].max(p[axis]);
        }
    }
    (low, (high[0] - low[0]).max(high[1] - low[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_width_changes_no_bit() {
        let at: Vec<[f32; 2]> = (0..90)
            .map(|i| [(i as f32).sin() * 9.0, (i as f32 * 0.7).cos()])
            .collect();
        let row_of =
            |i: u32| (0..i % 40).map(move |j| ((i + 7 * j + 1) % 90, (j as f32 + 0.5) / 77.0));
        let pairs = Pairs::new((0..90).map(row_of));
        for i in 0..90 {
            let own = pairs.starts[i]..pairs.starts[i + 1];
            let plain = row(&pairs.columns[own.clone()], &pairs.values[own], at[i], &at);
            assert_eq!(pairs.attraction(i, 1, &at), [finish(&plain)]);
        }
    }

    #[test]
    fn the_curve_keeps_neighbours_together() {
        let at: Vec<Vector> = (0..64)
            .map(|i| [f64::from(i % 8), f64::from(i / 8)])
            .collect();
        assert_eq!(curve(&at)[..4], [0, 1, 8, 9]);
        assert_eq!(curve(&[[3.0; 2]; 5]), [0, 1, 2, 3, 4]);
    }
}

//! Affinities of many points: each to its nearest neighbours alone, 3 · perplexity of them.
//!
//! The rest of a Gaussian of that perplexity is negligible (van der Maaten 2014, *Accelerating t-SNE
//! using tree-based algorithms*, section 4.1). Symmetrised, p_ij = (p_{j|i} + p_{i|j}) / 2N, and kept
//! by rows with columns ascending.

use rayon::prelude::*;

use super::affinity::calibrate;
use super::neighbours::Neighbours;

/// A symmetric sparse matrix of p_ij that sums to one.
pub struct Sparse {
    /// Where each row begins, and the end of the last.
    pub starts: Vec<usize>,
    /// Columns, ascending within a row.
    pub columns: Vec<u32>,
    /// Their p_ij, positive or (far out) zero.
    pub values: Vec<f64>,
}

impl Sparse {
    /// Calibrates the Gaussian of every point on its neighbours; perplexity at least 1.
    pub fn new(near: &Neighbours, perplexity: f64) -> Self {
        let (k, n) = (near.k, near.indices.len() / near.k);
        let entropy = perplexity.ln();
        let mut conditional = vec![0.0; n * k];
        conditional
            .par_chunks_mut(k)
            .zip(near.squares.par_chunks(k))
            .for_each(|(out, squares)| {
                let row = calibrate(squares, entropy);
                for (p, &square) in out.iter_mut().zip(squares) {
                    *p = row.conditional(square) / (2 * n) as f64;
                }
            });
        // The transposed matrix; rows are walked in order, so its columns ascend.
        let mut ends = vec![0usize; n + 1];
        near.indices.iter().for_each(|&j| ends[j as usize + 1] += 1);
        (0..n).for_each(|i| ends[i + 1] += ends[i]);
        let begins = ends.clone();
        let mut transposed = vec![(0u32, 0.0f64); n * k];
        for (at, (&j, &p)) in near.indices.iter().zip(&conditional).enumerate() {
            transposed[ends[j as usize]] = ((at / k) as u32, p);
            ends[j as usize] += 1;
        }
        let rows: Vec<Vec<(u32, f64)>> = (0..n)
            .into_par_iter()
            .map(|i| {
                let own = near.indices[i * k..(i + 1) * k].iter().copied();
                let mut row: Vec<(u32, f64)> = own
                    .zip(conditional[i * k..(i + 1) * k].iter().copied())
                    .collect();
                row.extend_from_slice(&transposed[begins[i]..begins[i + 1]]);
                row.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
                row.dedup_by(|b, a| {
                    a.0 == b.0 && {
                        a.1 += b.1;
                        true
                    }
                });
                row
            })
            .collect();
        let mut starts = vec![0; n + 1];
        rows.iter()
            .enumerate()
            .for_each(|(i, row)| starts[i + 1] = starts[i] + row.len());
        let (columns, values) = rows.into_iter().flatten().unzip();
        Self {
            starts,
            columns,
            values,
        }
    }

    /// Number of points.
    pub fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The neighbours of a point and their p_ij.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let range = self.starts[i]..self.starts[i + 1];
        let columns = self.columns[range.clone()].iter().map(|&j| j as usize);
        columns.zip(self.values[range].iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::super::affinity::Affinities;
    use super::*;
    use ndarray::Array2;

    #[test]
    fn all_neighbours_give_the_dense_affinities() {
        let x = Array2::from_shape_fn((61, 4), |(i, j)| ((i * i * (j + 1)) as f64).sin());
        let sparse = Sparse::new(&Neighbours::new(x.view(), 60, 0), 7.0);
        let dense = Affinities::new(x.view(), 7.0).dense();
        let mut total = 0.0;
        for i in 0..sparse.count() {
            assert_eq!(sparse.row(i).count(), 60);
            for (j, p) in sparse.row(i) {
                total += p;
                assert!((p - dense[i * 61 + j]).abs() < 1e-15);
            }
        }
        assert!((total - 1.0).abs() < 1e-12);
    }

    #[test]
    fn few_neighbours_are_symmetric_and_complete() {
        let x = Array2::from_shape_fn((200, 2), |(i, j)| ((i * (j + 3)) as f64).sin());
        let sparse = Sparse::new(&Neighbours::new(x.view(), 15, 0), 5.0);
        let at = |i: usize, j: usize| sparse.row(i).find(|e| e.0 == j).map(|e| e.1);
        let mut total = 0.0;
        for i in 0..200 {
            for (j, p) in sparse.row(i) {
                total += p;
                assert_eq!(at(j, i), Some(p));
            }
        }
        assert!((total - 1.0).abs() < 1e-12);
    }
}

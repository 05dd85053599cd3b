//! Forces of the engines for many points against sums over all pairs.

use super::attraction::{Field, Repulsion};
use super::descent::{Forces, Vector};
use super::exact::Exact;
use super::grid::Grid;
use super::neighbours::Neighbours;
use super::quadtree::Quadtree;
use super::sparse::Sparse;
use ndarray::Array2;

/// A ring of clumps, irregular, `size` across, with coincident points.
fn map(n: usize, size: f64) -> Vec<Vector> {
    let point = |i: usize| {
        let (a, b) = (i as f64 * 0.37, (i * i) as f64 * 0.11);
        [a.sin() + 0.3 * b.cos(), 0.7 * a.cos() + 0.2 * (b + a).sin()].map(|v| v * size / 2.6)
    };
    (0..n).map(|i| point(if i < 5 { 0 } else { i })).collect()
}

fn repulsion(at: &[Vector]) -> (Vec<Vector>, f64) {
    let mut z = 0.0;
    let force = |i: &Vector| {
        let mut force = [0.0; 2];
        for j in at {
            let d = [i[0] - j[0], i[1] - j[1]];
            let kernel = 1.0 / (1.0 + d[0] * d[0] + d[1] * d[1]);
            z += kernel;
            (0..2).for_each(|axis| force[axis] += kernel * kernel * d[axis]);
        }
        force
    };
    let forces = at.iter().map(force).collect();
    (forces, z - at.len() as f64)
}

/// Root mean square of the difference, relative to that of the forces.
fn error(found: &[Vector], right: &[Vector]) -> f64 {
    let square = |v: &mut dyn Iterator<Item = f64>| v.map(|v| v * v).sum::<f64>();
    let pairs = found.as_flattened().iter().zip(right.as_flattened());
    let off = square(&mut pairs.map(|(a, b)| a - b));
    (off / square(&mut right.as_flattened().iter().copied())).sqrt()
}

#[test]
fn repulsion_is_that_of_all_pairs_at_every_size_of_the_map() {
    let maps = [
        (700, 1e-4),
        (700, 0.1),
        (700, 5.0),
        (700, 30.0),
        (2500, 150.0),
    ];
    for (n, size) in maps {
        let at = map(n, size);
        let (right, z) = repulsion(&at);
        let mut out = vec![[f64::NAN; 2]; n];
        let mut check = |name: &str, repulsion: &mut dyn Repulsion, most: f64| {
            let found = repulsion.forces(&at, &mut out);
            let off = error(&out, &right);
            let total = (found / z - 1.0).abs();
            println!("{n} points, {size} across, {name}: forces {off:.1e}, normaliser {total:.1e}");
            assert!(
                off < most && total < most,
                "{name}, {n} points, {size} across"
            );
        };
        check("grid", &mut Grid::new(), 8e-3);
        check("tree", &mut Quadtree::new(0.5), 0.05);
        check("tree to the leaves", &mut Quadtree::new(0.0), 1e-7);
    }
}

#[test]
fn gradients_are_the_exact_engines() {
    let x = Array2::from_shape_fn((300, 5), |(i, j)| ((i * (j + 2) + i * i) as f64).sin());
    let sparse = Sparse::new(&Neighbours::new(x.view(), 45, 0), 15.0);
    let mut dense = vec![0.0; 300 * 300];
    for i in 0..300 {
        sparse.row(i).for_each(|(j, p)| dense[i * 300 + j] = p);
    }
    let at = map(300, 20.0);
    let (mut right, mut found) = (vec![[0.0; 2]; 300], vec![[0.0; 2]; 300]);
    Exact::new(dense).gradient(&at, 12.0, &mut right);
    let mut grid = Field::new(&sparse, Grid::new());
    grid.gradient(&at, 12.0, &mut found);
    assert!(error(&found, &right) < 3e-3);
    Field::new(&sparse, Quadtree::new(0.5)).gradient(&at, 12.0, &mut found);
    assert!(error(&found, &right) < 0.02);
    // In another order the same forces act on the same points.
    let order = grid.reorder(&at).expect("an order");
    let there: Vec<Vector> = order.iter().map(|&i| at[i as usize]).collect();
    let right: Vec<Vector> = order.iter().map(|&i| right[i as usize]).collect();
    grid.gradient(&there, 12.0, &mut found);
    assert!(error(&found, &right) < 3e-3);
    let mut sorted = order;
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..300));
}

//! Hypervolume: how much of the plane of two errors a set of points leaves behind.
//!
//! Of the box between no error at all and a reference on both axes, the share in which some point of the set is at
//! least as good on both axes. 0 is no better than the reference, 1 would be no error on either. It needs no weights
//! between the axes, but a reference: error of guessing, which no result moves.
//!
//! Source: Zitzler and Thiele, *Multiobjective evolutionary algorithms: a comparative case study and the strength
//! Pareto approach*, IEEE Trans. Evol. Comput. 1999.

/// Share of the box from (0, 0) to `reference` that `points` dominate, less being better on both axes. `None` for a
/// reference that is no positive number on either axis.
pub fn hypervolume(points: &[(f64, f64)], reference: (f64, f64)) -> Option<f64> {
    let (right, top) = reference;
    if !(right.is_finite() && top.is_finite() && right > 0.0 && top > 0.0) {
        return None;
    }
    let inside = |(x, y): &&(f64, f64)| *x < right && *y < top;
    let mut sorted: Vec<(f64, f64)> = points.iter().filter(inside).copied().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let (mut area, mut lowest) = (0.0, top);
    for (x, y) in sorted {
        if y < lowest {
            area += (right - x) * (lowest - y);
            lowest = y;
        }
    }
    Some(area / (right * top))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of the midpoints of a fine lattice that some point dominates.
    fn counted(points: &[(f64, f64)], (right, top): (f64, f64)) -> f64 {
        const STEPS: usize = 1000;
        let at = |i: usize, end: f64| (i as f64 + 0.5) / STEPS as f64 * end;
        let beaten = |x: f64, y: f64| points.iter().any(|p| p.0 <= x && p.1 <= y);
        let inside =
            (0..STEPS * STEPS).filter(|i| beaten(at(i / STEPS, right), at(i % STEPS, top)));
        inside.count() as f64 / (STEPS * STEPS) as f64
    }

    #[test]
    fn it_is_the_area_that_a_lattice_counts() {
        let reference = (0.9, 0.8);
        let sets: [&[(f64, f64)]; 5] = [
            &[(0.3, 0.4)],
            &[(0.3, 0.4), (0.5, 0.2), (0.2, 0.7)],
            &[(0.3, 0.4), (0.35, 0.45), (0.3, 0.4)],
            &[(0.95, 0.1), (0.1, 0.85), (0.6, 0.6)],
            &[],
        ];
        for points in sets {
            let found = hypervolume(points, reference).unwrap();
            assert!(
                (found - counted(points, reference)).abs() < 3e-3,
                "{points:?}"
            );
        }
    }

    #[test]
    fn its_ends_are_nothing_and_everything() {
        assert_eq!(hypervolume(&[(0.9, 0.9)], (0.9, 0.9)), Some(0.0));
        assert_eq!(hypervolume(&[(0.0, 0.0)], (0.9, 0.7)), Some(1.0));
        // One more point never takes anything away.
        let one = hypervolume(&[(0.3, 0.4)], (0.9, 0.9));
        assert!(hypervolume(&[(0.3, 0.4), (0.2, 0.5)], (0.9, 0.9)) > one);
        for wrong in [(0.0, 0.9), (0.9, f64::NAN), (f64::INFINITY, 0.9)] {
            assert_eq!(hypervolume(&[(0.1, 0.1)], wrong), None);
        }
    }
}

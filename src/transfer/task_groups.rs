//! Which tasks learn together: disjoint groups of tasks whose gradients agree, as MmAP (Xin et al., AAAI 2024) has them.
//!
//! The paper says that similarity above zero helps and that groups are disjoint; how they are searched it does not say.
//! Here all partitions of up to [`MOST_EXACT`] tasks are tried, and beyond that a greedy search with exchanges is told
//! from the best there may be by an upper bound (our choices, as is the criterion).

use super::TransferError;
pub use super::methods::mmap::GroupCriterion;
use serde::{Deserialize, Serialize};

/// Most tasks of which all partitions are tried: 4,140 of eight.
pub const MOST_EXACT: usize = 8;

/// A partition of tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskGroups {
    /// The tasks of every group, in order; groups in the order of their first tasks.
    pub groups: Vec<Vec<usize>>,
    /// By the criterion.
    pub score: f64,
    /// Whether no other partition is better: all were tried, or it reaches the bound.
    pub exact: bool,
    /// No partition is above it.
    pub upper_bound: f64,
}

impl TaskGroups {
    /// Whether no two tasks are together: no gain was found.
    pub fn apart(&self) -> bool {
        self.groups.iter().all(|group| group.len() == 1)
    }
}

/// Cosines of the tasks' gradients, each flat, `[N, N]` row-major; 0 with a gradient of zeros.
pub fn cosines(gradients: &[Vec<f64>]) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let lengths: Vec<f64> = gradients.iter().map(|g| dot(g, g).sqrt()).collect();
    let mut found = Vec::with_capacity(gradients.len() * gradients.len());
    for (a, of_a) in gradients.iter().zip(&lengths) {
        for (b, of_b) in gradients.iter().zip(&lengths) {
            let length = of_a * of_b;
            found.push(if length > 0.0 {
                dot(a, b) / length
            } else {
                0.0
            });
        }
    }
    found
}

/// Similarities of tasks, checked.
struct Similarity<'s> {
    values: &'s [f64],
    tasks: usize,
}

impl Similarity<'_> {
    fn of(&self, a: usize, b: usize) -> f64 {
        self.values[a * self.tasks + b]
    }

    /// The score of a partition, given as the group of every task.
    fn score(&self, of: &[usize], by: GroupCriterion) -> f64 {
        let n = self.tasks;
        match by {
            GroupCriterion::SumOfPairs => {
                let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
                let inside = pairs.filter(|(i, j)| of[*i] == of[*j]);
                inside.map(|(i, j)| self.of(i, j)).sum()
            }
            GroupCriterion::MeanOverTasks => {
                let one = |i: usize| {
                    let others = (0..n).filter(|j| *j != i && of[*j] == of[i]);
                    let (sum, count) =
                        others.fold((0.0, 0), |(sum, count), j| (sum + self.of(i, j), count + 1));
                    if count == 0 {
                        0.0
                    } else {
                        sum / f64::from(count)
                    }
                };
                (0..n).map(one).sum::<f64>() / n as f64
            }
        }
    }

    /// What no partition exceeds.
    fn bound(&self, by: GroupCriterion) -> f64 {
        let n = self.tasks;
        match by {
            GroupCriterion::SumOfPairs => {
                let pairs = (0..n).flat_map(|i| (i + 1..n).map(move |j| (i, j)));
                pairs.map(|(i, j)| self.of(i, j).max(0.0)).sum()
            }
            GroupCriterion::MeanOverTasks => {
                let best = |i: usize| {
                    let others = (0..n).filter(|j| *j != i);
                    others.map(|j| self.of(i, j)).fold(0.0, f64::max)
                };
                (0..n).map(best).sum::<f64>() / n as f64
            }
        }
    }
}

/// The best groups of tasks of these similarities `[N, N]` row-major, of which the diagonal does not count; with `exactly`
/// so many groups. Of equal ones the first in the order of restricted growth strings.
///
/// # Errors
/// [`TransferError::Setting`]: no task, another number of similarities, one that is not finite or not symmetric, more
/// groups than tasks.
pub fn group(
    similarity: &[f64],
    tasks: usize,
    by: GroupCriterion,
    exactly: Option<usize>,
) -> Result<TaskGroups, TransferError> {
    let wrong = |expected: String, found: String| TransferError::Setting {
        setting: "similarity of tasks",
        expected,
        found,
    };
    if tasks == 0 || similarity.len() != tasks.saturating_mul(tasks) {
        let expected = format!("{tasks} × {tasks} numbers, of at least one task");
        return Err(wrong(expected, similarity.len().to_string()));
    }
    for i in 0..tasks {
        for j in 0..i {
            let (a, b) = (similarity[i * tasks + j], similarity[j * tasks + i]);
            if !a.is_finite() || (a - b).abs() > 1e-9 {
                let expected = "the same finite number both ways".into();
                return Err(wrong(expected, format!("{a} and {b} of tasks {j} and {i}")));
            }
        }
    }
    if let Some(k) = exactly.filter(|k| !(1..=tasks).contains(k)) {
        return Err(TransferError::Setting {
            setting: "number of task groups",
            expected: format!("1 to {tasks}"),
            found: k.to_string(),
        });
    }
    let all = Similarity {
        values: similarity,
        tasks,
    };
    let exhaustive = tasks <= MOST_EXACT;
    let of = if exhaustive {
        best(&all, by, exactly)
    } else {
        searched(&all, by, exactly)
    };
    let score = all.score(&of, by);
    let bound = all.bound(by);
    let count = of.iter().max().map_or(0, |most| most + 1);
    let members = |group: usize| (0..tasks).filter(|task| of[*task] == group).collect();
    Ok(TaskGroups {
        groups: (0..count).map(members).collect(),
        exact: exhaustive || score >= bound,
        upper_bound: if exhaustive { score } else { bound },
        score,
    })
}

/// The best of all partitions.
fn best(all: &Similarity, by: GroupCriterion, exactly: Option<usize>) -> Vec<usize> {
    let n = all.tasks;
    let (mut of, mut found, mut most) = (vec![0; n], vec![0; n], f64::NEG_INFINITY);
    loop {
        let count = of.iter().max().map_or(0, |m| m + 1);
        if exactly.is_none_or(|k| k == count) {
            let score = all.score(&of, by);
            if score > most {
                (most, found) = (score, of.clone());
            }
        }
        // The next restricted growth string: the last place that may rise does.
        let rises = |at: usize| of[at] <= of[..at].iter().max().copied().unwrap_or(0);
        let Some(at) = (1..n).rev().find(|at| rises(*at)) else {
            return found;
        };
        of[at] += 1;
        of[at + 1..].fill(0);
    }
}

/// A good partition: groups are joined while that gains (or until there are `exactly` so many), then tasks move while that
/// gains.
fn searched(all: &Similarity, by: GroupCriterion, exactly: Option<usize>) -> Vec<usize> {
    let n = all.tasks;
    let mut of: Vec<usize> = (0..n).collect();
    loop {
        let of = &mut of;
        let (now, count) = (all.score(of, by), of.iter().max().map_or(0, |m| m + 1));
        let mut chosen: Option<(f64, Vec<usize>)> = None;
        for a in 0..count {
            for b in a + 1..count {
                let joined: Vec<usize> = of.iter().map(|g| if *g == b { a } else { *g }).collect();
                let score = all.score(&joined, by);
                if chosen.as_ref().is_none_or(|(best, _)| score > *best) {
                    chosen = Some((score, canonical(&joined)));
                }
            }
        }
        match chosen {
            Some((score, joined)) if exactly.map_or(score > now, |k| count > k) => *of = joined,
            _ => break,
        }
    }
    loop {
        let now = all.score(&of, by);
        let count = of.iter().max().map_or(0, |m| m + 1);
        let mut chosen: Option<(f64, Vec<usize>)> = None;
        for task in 0..n {
            for group in 0..=count {
                let mut moved = of.clone();
                moved[task] = group;
                let moved = canonical(&moved);
                let groups = moved.iter().max().map_or(0, |m| m + 1);
                let score = all.score(&moved, by);
                let better = chosen.as_ref().is_none_or(|(best, _)| score > *best);
                if exactly.is_none_or(|k| k == groups) && score > now && better {
                    chosen = Some((score, moved));
                }
            }
        }
        match chosen {
            Some((_, moved)) => of = moved,
            None => return canonical(&of),
        }
    }
}

/// The same partition with groups numbered in the order of their first tasks.
fn canonical(of: &[usize]) -> Vec<usize> {
    let mut seen: Vec<usize> = Vec::new();
    of.iter()
        .map(|group| match seen.iter().position(|known| known == group) {
            Some(at) => at,
            None => {
                seen.push(*group);
                seen.len() - 1
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn all_partitions_are_tried_as_by_enumeration() {
        let fixture = fixture::json("mmap-grouping/expected.json");
        for case in fixture["cases"].as_array().unwrap() {
            let rows = case["similarity"].as_array().unwrap();
            let n = rows.len();
            let values: Vec<f64> = rows
                .iter()
                .flat_map(|row| row.as_array().unwrap())
                .map(|v| v.as_f64().unwrap())
                .collect();
            for (name, by) in [
                ("sum_of_pairs", GroupCriterion::SumOfPairs),
                ("mean_over_tasks", GroupCriterion::MeanOverTasks),
            ] {
                let check = |found: TaskGroups, want: &serde_json::Value| {
                    let groups = serde_json::to_value(&found.groups).unwrap();
                    assert_eq!(groups, want["groups"], "{name} of {n}");
                    let score = want["score"].as_f64().unwrap();
                    assert!((found.score - score).abs() < 1e-12, "{name} of {n}");
                    assert!(found.exact);
                };
                check(group(&values, n, by, None).unwrap(), &case[name]);
                for k in 1..=n {
                    let want = &case[name]["best_with_k_groups"][k.to_string()];
                    check(group(&values, n, by, Some(k)).unwrap(), want);
                }
            }
        }
    }

    /// Similarities of tasks of three kinds with noise.
    fn similarities(n: usize, seed: u64) -> Vec<f64> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
        };
        let mut values = vec![1.0; n * n];
        for i in 0..n {
            for j in 0..i {
                let value = next() + if i % 3 == j % 3 { 0.4 } else { -0.2 };
                values[i * n + j] = value;
                values[j * n + i] = value;
            }
        }
        values
    }

    #[test]
    fn the_search_finds_what_enumeration_finds_or_is_below_its_bound() {
        let mut equal = 0;
        for seed in 0..40 {
            let values = similarities(7, seed);
            let all = Similarity {
                values: &values,
                tasks: 7,
            };
            for by in [GroupCriterion::SumOfPairs, GroupCriterion::MeanOverTasks] {
                let exact = group(&values, 7, by, None).unwrap();
                let found = searched(&all, by, None);
                let score = all.score(&found, by);
                assert!(score <= exact.score + 1e-12 && exact.score <= all.bound(by) + 1e-12);
                equal += usize::from(score > exact.score - 1e-12);
            }
            assert_eq!(
                searched(&all, GroupCriterion::SumOfPairs, Some(3))
                    .iter()
                    .max(),
                Some(&2)
            );
        }
        assert!(equal > 60, "{equal} of 80");
        let found = group(&similarities(12, 3), 12, GroupCriterion::SumOfPairs, None).unwrap();
        assert_eq!(found.groups.iter().map(Vec::len).sum::<usize>(), 12);
        assert!(found.upper_bound >= found.score);
    }

    #[test]
    fn tasks_that_hurt_each_other_stay_apart() {
        let found = group(&[1.0, -0.1, -0.1, 1.0], 2, GroupCriterion::SumOfPairs, None).unwrap();
        assert!(found.apart());
        assert!(
            !group(&[1.0, 0.1, 0.1, 1.0], 2, GroupCriterion::SumOfPairs, None)
                .unwrap()
                .apart()
        );
    }

    #[test]
    fn impossible_similarities_are_refused() {
        for (values, tasks, k) in [
            (vec![], 0, None),
            (vec![1.0; 3], 2, None),
            (vec![1.0, f64::NAN, f64::NAN, 1.0], 2, None),
            (vec![1.0, 0.5, 0.4, 1.0], 2, None),
            (vec![1.0; 4], 2, Some(3)),
            (vec![1.0; 4], 2, Some(0)),
        ] {
            assert!(group(&values, tasks, GroupCriterion::SumOfPairs, k).is_err());
        }
    }
}

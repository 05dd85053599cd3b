//! Outputs of the samples of one group, averaged into one: a benchmark that asks about clips scores a
//! clip by the mean of its chunks' outputs, not every chunk by its own.

use crate::dataset::loader::Batch;

/// Averages rows of outputs over runs of equal groups. Samples of a group stand next to each other.
#[derive(Default)]
pub struct Grouped {
    current: Option<Group>,
}

struct Group {
    number: usize,
    label: usize,
    targets: Vec<f32>,
    sums: Vec<f64>,
    count: usize,
}

impl Grouped {
    /// Takes a batch whose samples belong to `groups`, with `width` outputs each; gives the groups
    /// that have ended, as a batch of their own, with their mean outputs.
    pub fn push(
        &mut self,
        batch: &Batch,
        groups: &[usize],
        outputs: &[f32],
        width: usize,
    ) -> (Batch, Vec<f32>) {
        let mut ended = Vec::new();
        let each = batch.targets.len() / groups.len().max(1);
        for (i, (&number, row)) in groups
            .iter()
            .zip(outputs.chunks_exact(width.max(1)))
            .enumerate()
        {
            let same = self.current.as_ref().is_some_and(|g| g.number == number);
            if !same {
                let next = Group {
                    number,
                    label: batch.labels[i],
                    targets: batch.targets[i * each..(i + 1) * each].to_vec(),
                    sums: vec![0.0; width],
                    count: 0,
                };
                ended.extend(self.current.replace(next));
            }
            if let Some(group) = &mut self.current {
                group.count += 1;
                for (sum, value) in group.sums.iter_mut().zip(row) {
                    *sum += f64::from(*value);
                }
            }
        }
        finished(ended, batch.shape)
    }

    /// The last group.
    pub fn finish(&mut self, shape: [usize; 4]) -> (Batch, Vec<f32>) {
        finished(self.current.take().into_iter().collect(), shape)
    }
}

/// Groups as a batch of samples without values, and their mean outputs.
fn finished(groups: Vec<Group>, [_, c, h, w]: [usize; 4]) -> (Batch, Vec<f32>) {
    let mean = |group: &Group| {
        let count = group.count.max(1) as f64;
        group
            .sums
            .iter()
            .map(move |sum| (sum / count) as f32)
            .collect::<Vec<_>>()
    };
    let outputs = groups.iter().flat_map(mean).collect();
    let batch = Batch {
        values: Vec::new(),
        shape: [groups.len(), c, h, w],
        labels: groups.iter().map(|group| group.label).collect(),
        targets: groups.into_iter().flat_map(|group| group.targets).collect(),
        mixed: None,
    };
    (batch, outputs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_averaged_over_batches_and_keeps_what_is_known() {
        let batch = |labels: &[usize]| Batch {
            values: Vec::new(),
            shape: [labels.len(), 1, 1, 1],
            labels: labels.to_vec(),
            targets: labels.iter().map(|l| *l as f32).collect(),
            mixed: None,
        };
        let mut grouped = Grouped::default();
        let (first, mean) =
            grouped.push(&batch(&[4, 4, 7]), &[0, 0, 1], &[1., 2., 3., 4., 9., 9.], 2);
        assert_eq!(
            (first.labels, first.targets, mean),
            (vec![4], vec![4.0], vec![2.0, 3.0])
        );
        let (second, mean) = grouped.push(&batch(&[7, 5]), &[1, 2], &[3., 1., 0., 0.], 2);
        assert_eq!((second.labels, mean), (vec![7], vec![6.0, 5.0]));
        let (last, mean) = grouped.finish([0, 1, 1, 1]);
        assert_eq!((last.shape[0], mean), (1, vec![0.0, 0.0]));
        assert_eq!(grouped.finish([0, 1, 1, 1]).0.labels, vec![0; 0]);
    }
}

//! One minus the mean of six recalls: retrieval between pictures and their captions, as a metric of a target.
//!
//! Every picture is set against every caption of the set, so the number does not add up from batches: an
//! [`Accumulator`](super::Accumulator) refuses it, and whoever has the embeddings of a whole set asks
//! [`retrieval`](crate::measure::retrieval) and then [`score`].

use super::Score;
use super::descriptor::{How, TaskMetric};
use crate::measure::about::{About, Better, Unit};
use crate::measure::retrieval::{Direction, Retrieval, Rule};
use crate::suite::task::Metric;

/// One minus the mean of R@1, R@5 and R@10 of images to captions and of captions to images.
pub const MEAN_RECALL: TaskMetric = TaskMetric {
    about: About {
        name: "one-minus-mean-recall",
        older: &[],
        title: "1 − mean recall",
        unit: Unit::Share,
        better: Better::Lower,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "One minus how often retrieval finds the right one, in both directions and at three depths (mR).",
        computed: "1 − mean of R@1, R@5, R@10 of images to captions and captions to images; of equal scores a wrong \
                   one comes first.",
        limits: "It grows with the number of candidates, and a caption that fits several images counts for one alone.",
        citation: "Karpathy and Fei-Fei, Deep visual-semantic alignments for generating image descriptions, CVPR 2015",
    },
    metric: Metric::OneMinusMeanRecall,
    chance: "1 − about 5.3 over the number of images (the mean of K is 16 / 3)",
    how: How::Whole,
};

/// The score of a retrieval over a whole set, ties pessimistic: its samples are the images that ask, and the terms of its
/// mean are all queries, images and captions.
pub fn score(found: &Retrieval) -> Score {
    let asking = found.asking().len();
    Score {
        metric: Metric::OneMinusMeanRecall,
        value: 1.0 - found.mean_recall(Rule::Pessimistic),
        samples: asking,
        counted: asking + found.places(Direction::TextToImage).len(),
        left_out: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::MeasureError;
    use crate::measure::retrieval::retrieval;
    use crate::measure::task::{Accumulator, Targets};
    use ndarray::{Array2, array};

    #[test]
    fn a_perfect_retrieval_scores_0_and_ties_cost() {
        let images = Array2::<f32>::eye(3);
        let found = retrieval(images.view(), images.view(), &[0, 1, 2]).unwrap();
        let perfect = score(&found);
        assert_eq!(
            (perfect.value, perfect.samples, perfect.counted),
            (0.0, 3, 6)
        );
        // Two pictures that look alike and share their text: the wrong one comes first, at K = 1 alone.
        let alike = array![[1.0f32, 0.0], [1.0, 0.0]];
        let tied = score(&retrieval(alike.view(), alike.view(), &[0, 1]).unwrap());
        assert!((tied.value - 1.0 / 3.0).abs() < 1e-12, "{tied:?}");
    }

    #[test]
    fn batches_are_refused_by_a_typed_error() {
        let p = array![[0.5f32, 0.1]];
        let refused = |error: MeasureError| {
            assert!(matches!(error, MeasureError::Parameter { .. }));
            let said = error.to_string();
            assert!(
                said.contains("one-minus-mean-recall") && said.contains("all images"),
                "{said}"
            );
        };
        let metric = Metric::OneMinusMeanRecall;
        refused(
            metric
                .score(p.view().into_dyn(), &Targets::<f32>::Labels(&[0]))
                .unwrap_err(),
        );
        refused(Accumulator::new(metric).finish().unwrap_err());
    }
}

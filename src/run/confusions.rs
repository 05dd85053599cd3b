//! The pictures of a target's test part whose own captions stand farthest behind: what tuned towers still confuse. They
//! are for the eye, beside numbers that say how often.

use super::cell::Cell;
use crate::measure::retrieval::{Direction, Retrieval};
use crate::suite::definition::{DatasetSpec, Suite};
use crate::table::ConfusionRow;
use crate::transfer::methods::{self, Role};
use crate::transfer::towers::{Captioned, Vectors};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

/// Pictures of a target and a method.
const MOST: usize = 10;

/// A picture and what stands before its captions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// Which picture of the test part.
    pub sample: usize,
    /// Its own caption of the highest score.
    pub caption: String,
    /// Its cosine.
    pub score: f64,
    /// Its place among all captions, from 1; of equal scores wrong ones come first.
    pub rank: usize,
    /// Captions in all.
    pub captions: usize,
    /// The caption of another picture that scores highest.
    pub first: String,
    /// Its cosine.
    pub first_score: f64,
}

impl Confusion {
    /// It as a row of a table.
    pub fn row(&self, spec: &DatasetSpec, cell: &Cell) -> ConfusionRow {
        ConfusionRow {
            target: spec.name.clone(),
            target_title: spec.title.clone(),
            method: cell.method.name.into(),
            seed: cell.seed,
            sample: self.sample as u64,
            caption: self.caption.clone(),
            score: self.score,
            rank: self.rank as u64,
            captions: self.captions as u64,
            first: self.first.clone(),
            first_score: self.first_score,
        }
    }
}

/// Whether the report shows the confusions of a cell: of proposed methods, else of the suite's first method, with the
/// first seed.
pub fn is_shown(cell: &Cell, suite: &Suite) -> bool {
    let all = methods::of(&suite.transfer);
    let first = all.first().is_some_and(|first| *first == cell.method);
    let none = !all.iter().any(|method| method.role == Role::Proposed);
    cell.seed == suite.transfer.seeds[0] && (cell.method.role == Role::Proposed || none && first)
}

/// The pictures whose best own caption stands farthest behind; those that find one of their own first are none.
pub fn confusions(found: &Vectors, ranked: &Retrieval, part: &Captioned) -> Vec<Confusion> {
    let places = ranked.places(Direction::ImageToText).iter();
    let ranks = places.map(|place| place.above + place.wrong + 1);
    let all = ranks.zip(ranked.asking().iter().copied());
    let mut worst: Vec<(usize, usize)> = all.filter(|(rank, _)| *rank > 1).collect();
    worst.sort_by_key(|&(rank, picture)| (Reverse(rank), picture));
    worst.truncate(MOST);
    let confusion = |(rank, picture): (usize, usize)| {
        let scores = found.texts.dot(&found.images.row(picture));
        let best = |own: bool| {
            let all = part.owner.iter().zip(&scores).enumerate();
            let all = all.filter(|(_, (owner, _))| (**owner == picture) == own);
            let best = all.max_by(|(_, (_, a)), (_, (_, b))| a.total_cmp(b));
            best.map(|(caption, (_, score))| (part.texts[caption].clone(), f64::from(*score)))
        };
        let ((caption, score), (first, first_score)) = (best(true)?, best(false)?);
        Some(Confusion {
            sample: picture,
            caption,
            score,
            rank,
            captions: part.owner.len(),
            first,
            first_score,
        })
    };
    worst.into_iter().filter_map(confusion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::DatasetError;
    use crate::dataset::{Dataset, TargetShape};
    use crate::measure::retrieval::retrieval;
    use ndarray::{Array2, array};
    use std::sync::Arc;

    /// Three pictures with a caption each.
    struct Three;

    impl Dataset for Three {
        fn shape(&self) -> [usize; 3] {
            [1, 1, 1]
        }
        fn classes(&self) -> &[String] {
            &[]
        }
        fn len(&self) -> usize {
            3
        }
        fn label(&self, _: usize) -> usize {
            0
        }
        fn target_shape(&self) -> TargetShape {
            TargetShape::Captions
        }
        fn captions(&self, index: usize) -> &[String] {
            static TEXTS: std::sync::OnceLock<[String; 3]> = std::sync::OnceLock::new();
            let all = TEXTS.get_or_init(|| ["a", "b", "c"].map(str::to_owned));
            &all[index..=index]
        }
        fn read(&self, _: usize, out: &mut [f32]) -> Result<(), DatasetError> {
            out.fill(0.0);
            Ok(())
        }
    }

    #[test]
    fn the_worst_come_first_and_what_is_found_is_no_confusion() {
        let tokens = |texts: &[String]| -> Result<Array2<i64>, std::convert::Infallible> {
            Ok(Array2::zeros((texts.len(), 1)))
        };
        let part = Captioned::new(Arc::new(Three), str::to_owned, tokens);
        let part = part.unwrap_or_else(|never| match never {});
        // Picture 0 finds its own, 1 has one before it, 2 has two.
        let found = Vectors {
            images: array![[1.0f32, 0.0], [1.0, 0.0], [1.0, 0.0]],
            texts: array![[1.0f32, 0.0], [0.8, 0.6], [0.6, 0.8]],
        };
        let ranked = retrieval(found.images.view(), found.texts.view(), &part.owner).unwrap();
        let all = confusions(&found, &ranked, &part);
        let said: Vec<_> = all
            .iter()
            .map(|one| {
                (
                    one.sample,
                    one.rank,
                    one.caption.as_str(),
                    one.first.as_str(),
                )
            })
            .collect();
        assert_eq!(said, [(2, 3, "c", "a"), (1, 2, "b", "a")]);
        assert!(
            all.iter()
                .all(|one| one.captions == 3 && one.score < one.first_score)
        );
    }
}

//! What a small CLIP is pretrained on before it meets the other styles: every thing as Noto draws it, with its five captions
//! and "a photo of a {subgroup}.", and photographs of CIFAR-100 with "a photo of a {class}.", a quarter of all pairs, balanced
//! over classes.
//!
//! All things are trained on, those of the validation and test parts too: what a run adapts to is another style of the
//! same things. Validation and test part are the Noto pictures of these parts with their five captions; their recall
//! therefore says how well the training pictures are learnt, nothing of things that are new. No picture of another style
//! is in any part.

use std::sync::Arc;

use super::super::cifar::HUNDRED;
use super::super::descriptor::{Asked, Data, Reader};
use super::{Emoji, NOTO, PLACE, STYLES, records, things};
use crate::dataset::part::Part;
use crate::dataset::{Dataset, DatasetError, Normalise, Splits, TargetShape, cap, check_request};
use crate::suite::task::TargetKind;

/// Of so many pairs one is a photograph's.
const PHOTOGRAPHS: usize = 4;

/// The reader `emoji-pretraining`.
pub const READER: Reader = Reader {
    name: "emoji-pretraining",
    title: "Emoji: Noto, beside photographs",
    what: "Noto's drawings of all things with six captions each, and CIFAR-100's photographs with one, 3 × 32 × 32",
    target: TargetKind::Pairs,
    data: Data::Joined([PLACE.set, "cifar100"]),
    open,
    ..NOTO
};

/// The text of a class or a subgroup.
fn photo_of(name: &str) -> String {
    format!("a photo of a {}.", name.replace(['-', '_'], " "))
}

fn open(asked: &Asked<'_>) -> Result<Splits, DatasetError> {
    let index = PLACE.find(asked.root, &["index.csv"])?;
    let captions = PLACE.find(asked.root, &["captions.json"])?;
    let things = Arc::new(things::read(&index, &captions)?);
    let noto = records(&PLACE.find(asked.root, &[STYLES[0]])?, things.len())?;
    let styles = Arc::new(vec![("noto", noto)]);
    let drawings = |of: &dyn Fn(Part) -> bool| Emoji {
        rows: (0..things.len())
            .filter(|thing| of(things[*thing].part))
            .map(|thing| (0, thing))
            .collect(),
        things: things.clone(),
        styles: styles.clone(),
        classes: Arc::default(),
        norm: asked.normalise(Normalise::cifar()),
    };
    let all = drawings(&|_| true);
    let six = |index: usize| {
        let own = all.captions(index).to_vec();
        [own, vec![photo_of(&things[index].subgroup)]].concat()
    };
    let of_drawings: Vec<Vec<String>> = (0..all.len()).map(six).collect();
    let pairs: usize = of_drawings.iter().map(Vec::len).sum();
    let hundred = (HUNDRED.open)(asked)?;
    let photographs = cap(hundred.train, pairs / (PHOTOGRAPHS - 1), asked.seed);
    let of_classes = photographs.classes().iter();
    let train = Beside {
        of_classes: of_classes.map(|name| vec![photo_of(name)]).collect(),
        drawings: all,
        of_drawings,
        photographs,
    };
    let mut notes = vec![format!(
        "{} drawings with {pairs} captions and {} photographs with one each; validation and test part are among the drawings \
         that are trained on",
        train.drawings.len(),
        train.photographs.len()
    )];
    notes.extend(hundred.notes);
    let part = |part: Part| -> Arc<dyn Dataset> { Arc::new(drawings(&|of| of == part)) };
    let splits = Splits::new(Arc::new(train), part(Part::Valid), part(Part::Test));
    Ok(splits.noted(notes))
}

/// Drawings, then photographs.
struct Beside {
    drawings: Emoji,
    /// Captions of every drawing.
    of_drawings: Vec<Vec<String>>,
    photographs: Arc<dyn Dataset>,
    /// Captions of every class of photographs.
    of_classes: Vec<Vec<String>>,
}

impl Dataset for Beside {
    fn shape(&self) -> [usize; 3] {
        self.drawings.shape()
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.drawings.len() + self.photographs.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn id(&self, index: usize) -> Option<String> {
        match index.checked_sub(self.drawings.len()) {
            None => self.drawings.id(index),
            Some(photograph) => self.photographs.id(photograph),
        }
    }

    fn captions(&self, index: usize) -> &[String] {
        match index.checked_sub(self.drawings.len()) {
            None => &self.of_drawings[index],
            Some(photograph) if photograph < self.photographs.len() => {
                &self.of_classes[self.photographs.label(photograph)]
            }
            Some(_) => &[],
        }
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Captions
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("emoji beside photographs", self, index, out.len())?;
        match index.checked_sub(self.drawings.len()) {
            None => self.drawings.read(index, out),
            Some(photograph) => self.photographs.read(photograph, out),
        }
    }
}

#[cfg(test)]
#[path = "pretraining_tests.rs"]
mod tests;

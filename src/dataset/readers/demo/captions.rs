//! Drawings with captions, for a demo of image–text transfer that needs no file: `demo-captions`, the same drawings in
//! another style (`demo-captions-shifted`, the target domain of a model that is pretrained on the first), and drawings of one
//! shape as a class set (`demo-scenes`, to see what a model without training on classes knows).
//!
//! Sample `i` of a part is the same drawing with the same captions in both styles. Classes of `demo-scenes` come in turn. A
//! picture is drawn as it is read; what is drawn and its captions are kept.

use super::descriptor::{Asked, Data, Input, Reader};
use super::drawing::{Drawing, Style};
use super::scene::SIDE;
use super::shape::Shape;
use super::{Sizes, about, normalise, wording};
use crate::dataset::part::Part;
use crate::dataset::{
    Dataset, DatasetError, Display, Normalise, Splits, TargetShape, check_request,
};
use crate::random::DEMO_DRAWING;
use crate::suite::task::TargetKind;

/// The reader `demo-captions`.
pub const CAPTIONS: Reader = Reader {
    name: "demo-captions",
    title: "Demo: drawings with captions",
    what: "Procedural drawings of one or two shapes, 3 × 32 × 32, with five captions each",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Pairs,
    unit: None,
    data: Data::Procedural(about("procedural images and text")),
    open: |asked| Ok(open(asked, Kind::Captioned(Style::Solid))),
};

/// The reader `demo-captions-shifted`.
pub const SHIFTED: Reader = Reader {
    name: "demo-captions-shifted",
    title: "Demo: drawings with captions, as outlines",
    what: "The drawings and captions of demo-captions as outlines on paper, 3 × 32 × 32",
    open: |asked| Ok(open(asked, Kind::Captioned(Style::Outline))),
    ..CAPTIONS
};

/// The reader `demo-scenes`.
pub const SCENES: Reader = Reader {
    name: "demo-scenes",
    title: "Demo: drawings of one shape",
    what: "Procedural drawings in the style of demo-captions, 3 × 32 × 32, of ten shapes",
    target: TargetKind::Labels,
    open: |asked| Ok(open(asked, Kind::Classes)),
    ..CAPTIONS
};

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Drawings in a style, with captions.
    Captioned(Style),
    /// Drawings of one shape, which is the class.
    Classes,
}

/// Training, validation and test parts have 2000, 250 and 250 drawings by default.
fn open(asked: &Asked<'_>, kind: Kind) -> Splits {
    let norm = asked.normalise(normalise());
    let sizes = Sizes::of(asked).or(1, 2000, 250, 250);
    sizes.splits(|part, len| Drawings::new(kind, part, len, asked.seed, &norm))
}

/// One part.
struct Drawings {
    all: Vec<Drawing>,
    /// Captions of every drawing; none where it has a class.
    captions: Vec<Vec<String>>,
    /// Class names; none for captions.
    names: Vec<String>,
    kind: Kind,
    part: Part,
    seed: u64,
    norm: Normalise,
}

/// What a stream of [`DEMO_DRAWING`] decides.
#[derive(Debug, Clone, Copy)]
enum Decides {
    /// What a captioned drawing shows.
    Drawing = 0,
    /// The words of its captions.
    Words = 1,
    /// How it is drawn in bright surfaces.
    Solid = 2,
    /// How it is drawn in outlines.
    Outline = 3,
    /// What a drawing with a class shows.
    Scene = 4,
    /// How that is drawn.
    Painted = 5,
}

impl Drawings {
    fn new(kind: Kind, part: Part, len: usize, seed: u64, norm: &Normalise) -> Self {
        let rng = |what: Decides, index: usize| {
            DEMO_DRAWING.rng(seed, &[what as u64, part as u64, index as u64])
        };
        let drawing = |index: usize| match kind {
            Kind::Captioned(_) => Drawing::draw(&mut rng(Decides::Drawing, index)),
            Kind::Classes => {
                let shape = Shape::ALL[index % Shape::ALL.len()];
                Drawing::of(shape, &mut rng(Decides::Scene, index))
            }
        };
        let all: Vec<Drawing> = (0..len).map(drawing).collect();
        let (mut captions, mut names) = (Vec::new(), Vec::new());
        if kind == Kind::Classes {
            names.extend(Shape::ALL.map(|shape| shape.noun().to_string()));
        } else {
            let said =
                |(index, drawing)| wording::captions(drawing, &mut rng(Decides::Words, index));
            captions.extend(all.iter().enumerate().map(said));
        }
        Self {
            all,
            captions,
            names,
            kind,
            part,
            seed,
            norm: norm.clone(),
        }
    }
}

impl Dataset for Drawings {
    fn shape(&self) -> [usize; 3] {
        [3, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.all.len()
    }

    fn label(&self, index: usize) -> usize {
        match self.kind {
            Kind::Captioned(_) => 0,
            Kind::Classes => index % Shape::ALL.len(),
        }
    }

    fn captions(&self, index: usize) -> &[String] {
        self.captions.get(index).map_or(&[], Vec::as_slice)
    }

    fn target_shape(&self) -> TargetShape {
        match self.kind {
            Kind::Captioned(_) => TargetShape::Captions,
            Kind::Classes => TargetShape::Class,
        }
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("demo drawings", self, index, out.len())?;
        let (style, decides) = match self.kind {
            Kind::Captioned(Style::Solid) => (Style::Solid, Decides::Solid),
            Kind::Captioned(Style::Outline) => (Style::Outline, Decides::Outline),
            Kind::Classes => (Style::Solid, Decides::Painted),
        };
        let numbers = [decides as u64, self.part as u64, index as u64];
        let mut rng = DEMO_DRAWING.rng(self.seed, &numbers);
        self.all[index].paint(style, &mut rng, out);
        self.norm.apply(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::pairs::{captions_of, distinct};
    use crate::dataset::{class_counts, open};
    use crate::suite::dataset::DatasetSpec;
    use std::collections::HashSet;

    fn opened(reader: &Reader, seed: u64) -> Splits {
        open(&DatasetSpec::new("set", "Set", reader.name), None, seed).unwrap()
    }

    fn pixels(set: &dyn Dataset, index: usize) -> Vec<f32> {
        let mut out = vec![f32::NAN; 3 * SIDE * SIDE];
        set.read(index, &mut out).unwrap();
        out
    }

    #[test]
    fn both_styles_have_the_same_captions_and_other_pixels() {
        let (solid, shifted) = (opened(&CAPTIONS, 3), opened(&SHIFTED, 3));
        let parts =
            |splits: &Splits| [&splits.train, &splits.valid, &splits.test].map(Clone::clone);
        let mut seen = HashSet::new();
        for (one, other) in parts(&solid).iter().zip(parts(&shifted)) {
            assert_eq!(captions_of(one.as_ref()), captions_of(other.as_ref()));
            let (mut dark, mut light) = (0.0, 0.0);
            for index in 0..40 {
                let (a, b) = (pixels(one.as_ref(), index), pixels(other.as_ref(), index));
                assert_eq!(a, pixels(one.as_ref(), index));
                dark += a.iter().sum::<f32>();
                light += b.iter().sum::<f32>();
                for picture in [a, b] {
                    let bits: Vec<u32> = picture.iter().map(|v| v.to_bits()).collect();
                    assert!(seen.insert(bits), "a picture twice");
                }
            }
            let values = (40 * 3 * SIDE * SIDE) as f32;
            assert!(dark / values + 1.0 < light / values, "{dark} {light}");
        }
        let other = opened(&CAPTIONS, 4);
        assert_ne!(
            captions_of(solid.test.as_ref()),
            captions_of(other.test.as_ref())
        );
    }

    #[test]
    fn captions_are_five_a_drawing_and_rarely_shared() {
        let test = opened(&CAPTIONS, 0).test;
        let all = captions_of(test.as_ref());
        assert_eq!((all.texts.len(), all.owner[5]), (5 * 250, 1));
        let (once, of) = distinct(&all.texts);
        let mut owners = vec![HashSet::new(); once.len()];
        for (text, owner) in of.iter().zip(&all.owner) {
            owners[*text].insert(*owner);
        }
        let shared = owners.iter().filter(|owners| owners.len() > 1).count();
        println!(
            "{} distinct captions, {shared} of several drawings",
            once.len()
        );
        assert!(once.len() > 1230 && shared < 10);
        let first = test.captions(0).iter().collect::<HashSet<_>>();
        assert_eq!(first.len(), 5, "{first:?}");
        assert!(test.captions(250).is_empty() && test.classes().is_empty());
    }

    #[test]
    fn scenes_have_one_shape_each_in_turn() {
        let splits = opened(&SCENES, 1);
        assert_eq!(class_counts(splits.test.as_ref()), [25; 10]);
        assert_eq!(splits.train.classes()[4], "star");
        assert!(splits.train.captions(0).is_empty());
        let of_shape = Drawings::new(Kind::Classes, Part::Test, 30, 1, &Normalise::none(3));
        for (index, drawing) in of_shape.all.iter().enumerate() {
            assert!(matches!(drawing, Drawing::One(item) if item.shape == Shape::ALL[index % 10]));
        }
    }

    #[cfg(feature = "train")]
    #[test]
    fn no_method_of_one_tower_trains_captions() {
        use crate::transfer::methods::METHODS;
        let set = opened(&CAPTIONS, 0).train;
        let spec = DatasetSpec::new("drawings", "Drawings", "demo-captions");
        let error = crate::transfer::task::Task::of(&spec, set.as_ref(), 0.0).err();
        let said = error.unwrap().to_string();
        assert!(said.contains("two towers") && said.contains("captions of a picture in drawings"));
        for method in METHODS.into_iter().filter(|method| method.towers.is_none()) {
            let why = method.undefined(set.target_shape()).expect("undefined");
            assert!(why.starts_with("it trains one tower of images"), "{why}");
        }
    }
}

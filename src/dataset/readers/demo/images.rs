//! The image domain: ten shapes times seven fills give the classes of three groups that share no
//! combination. A source model that has learnt to see shapes and fills can therefore name the
//! classes of the other groups from its features, though it never saw one of them; raw pixels
//! tell little, since place, turn, size and all colours are random.
//!
//! A picture takes some tens of microseconds and is drawn as it is read; nothing is stored.

use super::scene::{SIDE, Scene};
use super::shape::Shape;
use super::texture::Fill;
use crate::dataset::part::Part;
use crate::dataset::{Dataset, DatasetError, Normalise, check_request};
use crate::random::DEMO_IMAGE;

/// Mean per channel over the source classes; red, green and blue are exchangeable here.
const MEAN: [f32; 3] = [0.387; 3];
/// Standard deviation per channel over the source classes.
const STD: [f32; 3] = [0.230; 3];

/// The constants shared by all groups, and by the source model that was trained on them.
pub fn normalise() -> Normalise {
    Normalise::new(&MEAN, &STD)
}

/// A class: a shape with a fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Class {
    /// Outline.
    pub shape: Shape,
    /// Surface.
    pub fill: Fill,
}

impl Class {
    /// "striped star".
    pub fn name(self) -> String {
        format!("{} {}", self.fill.adjective(), self.shape.noun())
    }

    const fn new(fill: Fill, shape: Shape) -> Self {
        Self { shape, fill }
    }
}

/// Classes of the surrogate set: five shapes, two fills each, so that neither alone decides.
const SURROGATE: [Class; 10] = [
    Class::new(Fill::Plain, Shape::Star),
    Class::new(Fill::Striped, Shape::Star),
    Class::new(Fill::Checked, Shape::Square),
    Class::new(Fill::Ringed, Shape::Square),
    Class::new(Fill::Striped, Shape::Crescent),
    Class::new(Fill::Mottled, Shape::Crescent),
    Class::new(Fill::Plain, Shape::Cross),
    Class::new(Fill::Shaded, Shape::Cross),
    Class::new(Fill::Shaded, Shape::Ring),
    Class::new(Fill::Mottled, Shape::Ring),
];

/// Classes of the near target: the other five shapes.
const UNSEEN: [Class; 10] = [
    Class::new(Fill::Striped, Shape::Disk),
    Class::new(Fill::Dotted, Shape::Disk),
    Class::new(Fill::Plain, Shape::Triangle),
    Class::new(Fill::Checked, Shape::Triangle),
    Class::new(Fill::Dotted, Shape::Heart),
    Class::new(Fill::Mottled, Shape::Heart),
    Class::new(Fill::Ringed, Shape::Flower),
    Class::new(Fill::Shaded, Shape::Flower),
    Class::new(Fill::Striped, Shape::Bar),
    Class::new(Fill::Checked, Shape::Bar),
];

/// Left out: on these narrow shapes rings cannot be told from stripes or plain colour.
const VAGUE: [Class; 2] = [
    Class::new(Fill::Ringed, Shape::Ring),
    Class::new(Fill::Ringed, Shape::Bar),
];

/// A group of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Domain {
    /// 48 classes that the source model is trained on.
    Source,
    /// 10 classes unseen by the source model, through which its features are judged.
    Surrogate,
    /// 10 further unseen classes: the near target.
    Unseen,
}

impl Domain {
    /// The classes of the group, in label order.
    pub fn classes(self) -> Vec<Class> {
        match self {
            Domain::Surrogate => SURROGATE.to_vec(),
            Domain::Unseen => UNSEEN.to_vec(),
            Domain::Source => Shape::ALL
                .into_iter()
                .flat_map(|shape| Fill::ALL.map(|fill| Class { shape, fill }))
                .filter(|class| {
                    !SURROGATE.contains(class) && !UNSEEN.contains(class) && !VAGUE.contains(class)
                })
                .collect(),
        }
    }
}

/// One part of a group.
pub struct DemoImages {
    classes: Vec<Class>,
    names: Vec<String>,
    part: Part,
    len: usize,
    seed: u64,
    norm: Normalise,
}

impl DemoImages {
    /// `len` pictures, classes in turn; their pixels of `0..=1` go through `norm`.
    pub(crate) fn new(domain: Domain, part: Part, len: usize, seed: u64, norm: &Normalise) -> Self {
        let classes = domain.classes();
        Self {
            names: classes.iter().map(|class| class.name()).collect(),
            classes,
            part,
            len,
            seed,
            norm: norm.clone(),
        }
    }
}

impl Dataset for DemoImages {
    fn shape(&self) -> [usize; 3] {
        [3, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &self.names
    }

    fn len(&self) -> usize {
        self.len
    }

    fn label(&self, index: usize) -> usize {
        index % self.classes.len()
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request("demo images", self, index, out.len())?;
        let Class { shape, fill } = self.classes[self.label(index)];
        let number = (index / self.classes.len()) as u64;
        let numbers = [self.part as u64, shape as u64, fill as u64, number];
        let mut rng = DEMO_IMAGE.rng(self.seed, &numbers);
        Scene::draw(shape, fill, &mut rng).paint(&mut rng, out);
        self.norm.apply(out);
        Ok(())
    }
}

//! Recall at K in both directions, and mR.

use ndarray::ArrayView2;
use rayon::prelude::*;

use super::place::{Place, Rule};
use crate::measure::Groups;
use crate::measure::about::{About, Better, Unit};

/// How many first ones are looked at.
const KS: [usize; 3] = [1, 5, 10];

/// Which side asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Images ask for one of their captions.
    ImageToText,
    /// Captions ask for their image.
    TextToImage,
}

/// Where the right ones of all queries stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Retrieval {
    /// Images that have a caption, ascending: the queries of [`Direction::ImageToText`].
    images: Vec<usize>,
    image_to_text: Vec<Place>,
    text_to_image: Vec<Place>,
    owner: Vec<usize>,
}

impl Retrieval {
    /// Of scores `[N, C]` of all images with all captions.
    pub(super) fn of(scores: ArrayView2<'_, f64>, owner: &[usize]) -> Self {
        let mut captions = vec![Vec::new(); scores.nrows()];
        for (caption, &image) in owner.iter().enumerate() {
            captions[image].push(caption);
        }
        let own = |caption: usize| std::slice::from_ref(&owner[caption]);
        let of_images = places(scores, |image| &captions[image]);
        Self::at((of_images, places(scores.t(), own)), owner)
    }

    /// Of the places of all images, none of those without a caption, and of all captions.
    pub(super) fn at(
        (of_images, of_captions): (Vec<Option<Place>>, Vec<Option<Place>>),
        owner: &[usize],
    ) -> Self {
        let asking = of_images.iter().enumerate();
        let asking = asking.filter(|(_, place)| place.is_some());
        Self {
            images: asking.map(|(image, _)| image).collect(),
            image_to_text: of_images.into_iter().flatten().collect(),
            text_to_image: of_captions.into_iter().flatten().collect(),
            owner: owner.to_vec(),
        }
    }

    /// The places of one direction, query by query.
    pub fn places(&self, direction: Direction) -> &[Place] {
        match direction {
            Direction::ImageToText => &self.image_to_text,
            Direction::TextToImage => &self.text_to_image,
        }
    }

    /// Images that have a caption, ascending: those that ask. The others are candidates alone.
    pub fn asking(&self) -> &[usize] {
        &self.images
    }

    /// Share of queries whose right one is among the first `k`.
    pub fn recall(&self, direction: Direction, k: usize, rule: Rule) -> f64 {
        let places = self.places(direction);
        let found = places.iter().map(|place| place.found(k, rule)).sum::<f64>();
        found / places.len() as f64
    }

    /// Mean of the six recalls (mR).
    pub fn mean_recall(&self, rule: Rule) -> f64 {
        let both = [Direction::ImageToText, Direction::TextToImage];
        let six = both.map(|direction| KS.map(|k| self.recall(direction, k, rule)));
        six.as_flattened().iter().sum::<f64>() / 6.0
    }

    /// What every image that has a caption adds to what is missed: the mean is one minus the pessimistic
    /// [`mean_recall`](Self::mean_recall). An image counts by itself for three recalls and by its captions for the others.
    pub fn missed(&self) -> Vec<f64> {
        let missed = |place: &Place| {
            let found = KS.map(|k| place.found(k, Rule::Pessimistic));
            1.0 - found.iter().sum::<f64>() / KS.len() as f64
        };
        let mut of_captions = vec![0.0; self.owner.iter().max().map_or(0, |last| last + 1)];
        for (image, place) in self.owner.iter().zip(&self.text_to_image) {
            of_captions[*image] += missed(place);
        }
        // Images with more captions count for more there.
        let share = self.images.len() as f64 / self.owner.len() as f64;
        let own = self.images.iter().zip(&self.image_to_text);
        own.map(|(image, place)| 0.5 * (missed(place) + share * of_captions[*image]))
            .collect()
    }

    /// Queries whose rank depends on the rule for ties.
    pub fn tied(&self, direction: Direction) -> usize {
        let places = self.places(direction).iter();
        places.filter(|place| place.is_tied()).count()
    }

    /// 95 % interval of the pessimistic recall over groups of images, `of_images` by image (without, each is its own); captions of one
    /// are of its group.
    pub fn interval(
        &self,
        direction: Direction,
        k: usize,
        of_images: Option<&[usize]>,
    ) -> [f64; 2] {
        let places = self.places(direction);
        let missed = places
            .iter()
            .map(|place| place.found(k, Rule::Pessimistic) == 0.0);
        let group = |image: &usize| of_images.map_or(*image, |of| of[*image]);
        let of = |images: &[usize]| images.iter().map(group).collect::<Vec<_>>();
        let groups = match direction {
            Direction::ImageToText => Groups::of(&of(self.asking())),
            Direction::TextToImage => Groups::of(&of(&self.owner)),
        };
        let [low, high] = groups.error_interval(&missed.collect::<Vec<bool>>());
        [1.0 - high, 1.0 - low]
    }
}

/// The place of every row's query, `None` without a right candidate; `right` are ascending.
fn places<'r>(
    scores: ArrayView2<'_, f64>,
    right: impl Fn(usize) -> &'r [usize] + Sync,
) -> Vec<Option<Place>> {
    let place = |query: usize| {
        let right = right(query);
        let row = scores.row(query);
        let row = row.as_standard_layout();
        let row = row.as_slice().unwrap_or_default();
        (!right.is_empty()).then(|| Place::new(row, right))
    };
    (0..scores.nrows()).into_par_iter().map(place).collect()
}

/// A number of retrieval.
#[derive(Debug, Clone, Copy)]
pub struct RetrievalMeasure {
    /// What is said of it.
    pub about: About,
    /// Which recall it is; `None` of their mean.
    pub recall: Option<(Direction, usize)>,
}

impl RetrievalMeasure {
    /// Its value under a rule for ties.
    pub fn value(&self, found: &Retrieval, rule: Rule) -> f64 {
        match self.recall {
            Some((direction, k)) => found.recall(direction, k, rule),
            None => found.mean_recall(rule),
        }
    }
}

const IMAGE_TO_TEXT_R1: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "image-to-text-r1",
        older: &[],
        title: "image-to-text R@1",
        unit: Unit::Share,
        better: Better::Higher,
        range: [0.0, 1.0],
        values: "0 to 1",
        what: "Share of images whose best caption is one of their own.",
        computed: "Cosine of every image with every caption; of equal scores a wrong one comes first.",
        limits: "It falls with the number of candidates, and captions that fit several images count for one alone.",
        citation: "Karpathy and Fei-Fei, Deep visual-semantic alignments for generating image descriptions, CVPR 2015",
    },
    recall: Some((Direction::ImageToText, 1)),
};

const IMAGE_TO_TEXT_R5: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "image-to-text-r5",
        title: "image-to-text R@5",
        what: "Share of images with one of their own among the five best captions.",
        ..IMAGE_TO_TEXT_R1.about
    },
    recall: Some((Direction::ImageToText, 5)),
};

const IMAGE_TO_TEXT_R10: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "image-to-text-r10",
        title: "image-to-text R@10",
        what: "Share of images with one of their own among the ten best captions.",
        ..IMAGE_TO_TEXT_R1.about
    },
    recall: Some((Direction::ImageToText, 10)),
};

const TEXT_TO_IMAGE_R1: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "text-to-image-r1",
        title: "text-to-image R@1",
        what: "Share of captions whose best image is theirs.",
        ..IMAGE_TO_TEXT_R1.about
    },
    recall: Some((Direction::TextToImage, 1)),
};

const TEXT_TO_IMAGE_R5: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "text-to-image-r5",
        title: "text-to-image R@5",
        what: "Share of captions with their image among the five best.",
        ..IMAGE_TO_TEXT_R1.about
    },
    recall: Some((Direction::TextToImage, 5)),
};

const TEXT_TO_IMAGE_R10: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "text-to-image-r10",
        title: "text-to-image R@10",
        what: "Share of captions with their image among the ten best.",
        ..IMAGE_TO_TEXT_R1.about
    },
    recall: Some((Direction::TextToImage, 10)),
};

/// The mean of all six.
pub const MEAN_RECALL: RetrievalMeasure = RetrievalMeasure {
    about: About {
        name: "mean-recall",
        title: "mean recall",
        what: "How often retrieval finds the right one, in both directions and at three depths (mR).",
        computed: "Mean of R@1, R@5 and R@10 from image to text and from text to image.",
        ..IMAGE_TO_TEXT_R1.about
    },
    recall: None,
};

/// The numbers of retrieval, in the order of tables.
pub const ALL: &[RetrievalMeasure] = &[
    IMAGE_TO_TEXT_R1,
    IMAGE_TO_TEXT_R5,
    IMAGE_TO_TEXT_R10,
    TEXT_TO_IMAGE_R1,
    TEXT_TO_IMAGE_R5,
    TEXT_TO_IMAGE_R10,
    MEAN_RECALL,
];

//! Measures between two towers, an image's and a text's, whose embeddings live in one space.
//!
//! | file | what | takes |
//! |---|---|---|
//! | [`mod@pairs`] | how far apart, how aligned, how spread are both sets | paired embeddings |
//! | [`zero_shot`] | how often does the nearest class text name the class | image embeddings, labels, texts of classes |
//!
//! [`ALL`] lists the measures of pairs in the order of tables, [`zero_shot::ALL`] what is said of the classifier.

pub mod pairs;
pub mod zero_shot;

pub use pairs::{Pairs, TowerMeasure};
pub use zero_shot::{TextClassifier, ZeroShot};

/// The measures of paired embeddings, in the order of tables.
pub const ALL: &[TowerMeasure] = &[
    pairs::GAP,
    pairs::ALIGNMENT,
    pairs::IMAGE_UNIFORMITY,
    pairs::TEXT_UNIFORMITY,
    pairs::JOINT_UNIFORMITY,
];

/// The measure of a name, now or in an older version.
pub fn named(name: &str) -> Option<&'static TowerMeasure> {
    ALL.iter().find(|measure| measure.about.is(name))
}

#[cfg(test)]
mod tests;

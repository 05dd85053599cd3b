//! What towers of images and texts reach on pictures with captions, in long form: a row a value.

use crate::measure::about::About;
use crate::measure::{retrieval, towers};

/// Name of the number of queries whose rank depends on the rule for ties; `samples` is that of all queries.
pub const TIED: &str = "tied-queries";
/// Name of the number of parameters that train; `samples` is that of the towers' own.
pub const PARAMETERS: &str = "trained-parameters";
/// τ of the losses at the end: of the untouched towers, at the start.
pub const TEMPERATURE: &str = "temperature";

table! {
    /// One measured value of a model of two towers on a target.
    RetrievalRow in "retrieval.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method; none of the towers as they were pretrained.
        method: Option<String>,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Name of the measure: of [`retrieval::ALL`], of [`towers::ALL`], [`TIED`], [`PARAMETERS`] or [`TEMPERATURE`].
        measure: String,
        /// The value; of recalls with wrong ones first among equal scores.
        value: Option<f64>,
        /// Lower end of its 95 % interval.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// The value of a recall if right ones came first among equal scores.
        optimistic: Option<f64>,
        /// Pictures or pairs that were measured.
        samples: Option<u64>,
        /// What a reader must know of the value.
        note: Option<String>,
    }
}

impl RetrievalRow {
    /// What is said of the measure; `None` for a count, and for one of a newer version.
    pub fn about(&self) -> Option<&'static About> {
        let recall = retrieval::ALL
            .iter()
            .find(|measure| measure.about.is(&self.measure));
        let between = || towers::named(&self.measure).map(|measure| &measure.about);
        recall.map(|measure| &measure.about).or_else(between)
    }
}

/// [`JointRow::kind`] of a picture.
pub const IMAGE: &str = "image";
/// [`JointRow::kind`] of a caption.
pub const TEXT: &str = "text";

table! {
    /// A picture or a caption on a map of both modalities.
    JointRow in "joint.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method; none of the towers as they were pretrained.
        method: Option<String>,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// [`IMAGE`] or [`TEXT`].
        kind: String,
        /// Which picture of the test part it is, or belongs to.
        pair: u64,
        /// Place across.
        x: f64,
        /// Place upwards.
        y: f64,
        /// Final divergence of the map.
        kl: Option<f64>,
        /// Trustworthiness of the map.
        trustworthiness: Option<f64>,
    }
}

table! {
    /// A picture whose own captions stand far behind another's.
    ConfusionRow in "confusions.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: u64,
        /// Which picture of the test part.
        sample: u64,
        /// Its own caption that scores highest.
        caption: String,
        /// Its cosine.
        score: f64,
        /// Place of that caption among all, from 1; of equal scores wrong ones come first.
        rank: u64,
        /// Captions in all.
        captions: u64,
        /// The caption of another picture that scores highest.
        first: String,
        /// Its cosine.
        first_score: f64,
    }
}

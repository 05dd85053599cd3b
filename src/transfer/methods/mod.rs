//! The transfer methods: one file each with one descriptor, and the one list of them. Tables, figures,
//! report, suites and command line know methods by their descriptors alone.
//!
//! To add a method: write its file with a `pub const METHOD: Method` and name it in [`METHODS`] (at the
//! end: figures colour methods by their place). The tests of `method_tests.rs` run every method of the list; one whose
//! mathematics has a reference is held to it.

/// What a stage does, where training is built in.
#[cfg(feature = "train")]
macro_rules! stage {
    ($does:expr) => {
        $does
    };
}
#[cfg(not(feature = "train"))]
macro_rules! stage {
    ($does:expr) => {
        $crate::transfer::methods::Stage
    };
}

pub mod bitfit;
pub mod bottleneck;
pub mod clip_adapter;
pub mod coop;
pub mod coop_classes;
pub mod distillation;
pub mod emb;
pub mod ewc;
pub mod frozen;
pub mod harma;
pub mod l2_sp;
pub mod linear_probe;
pub mod lora;
pub mod lp_ft;
pub mod maple;
pub mod mmap;
pub mod mona;
pub mod nft;
pub mod nft_tasks;
pub mod orca;
pub mod orca_l2;
pub mod orca_mmd;
pub mod pare;
pub mod projections;
pub mod scratch;
pub mod settings;
pub mod variants;
pub mod vpt;
pub mod wise_ft;

pub use settings::{check, checked, of, parse, resolve};
pub use variants::{Variant, variants};

#[cfg(feature = "train")]
use super::error::TransferError;
#[cfg(feature = "train")]
use super::request::{Request, Training};
use crate::dataset::TargetShape;
#[cfg(feature = "train")]
use crate::model::adapters::Settings as Tuned;
#[cfg(feature = "train")]
use crate::suite::definition::Transfer;
use crate::suite::parts::EmbedderInit;
use crate::suite::task::TargetKind;
use std::fmt;

/// Every transfer method.
pub const METHODS: [&Method; 27] = [
    &nft::METHOD,
    &orca::METHOD,
    &mona::METHOD,
    &emb::METHOD,
    &frozen::METHOD,
    &scratch::METHOD,
    &lp_ft::METHOD,
    &l2_sp::METHOD,
    &ewc::METHOD,
    &distillation::METHOD,
    &wise_ft::METHOD,
    &lora::METHOD,
    &orca_mmd::METHOD,
    &orca_l2::METHOD,
    &pare::METHOD,
    &projections::METHOD,
    &bottleneck::METHOD,
    &clip_adapter::METHOD,
    &harma::METHOD,
    &coop::METHOD,
    &vpt::METHOD,
    &maple::METHOD,
    &bitfit::METHOD,
    &mmap::METHOD,
    &nft_tasks::METHOD,
    &linear_probe::METHOD,
    &coop_classes::METHOD,
];

/// Plain fine-tuning: what every other method is compared with.
pub const PLAIN: &Method = &nft::METHOD;

/// The method that takes nothing from the source model.
pub const FROM_SCRATCH: &Method = &scratch::METHOD;

/// What a method is in a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Used or published before.
    Baseline,
    /// Differs from another method in one thing, or bounds what can be reached.
    Control,
    /// The method in question: compared with every other one.
    Proposed,
}

/// What the encoder of a target model starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// The source model's parameters.
    Source,
    /// Fresh parameters.
    Scratch,
}

/// What a method does in a stage.
#[cfg(feature = "train")]
pub type Stage = for<'a> fn(&Request<'a>) -> Result<Training<'a>, TransferError>;

/// What a method does in stage 1, for settings that have one.
#[cfg(feature = "train")]
pub type Stage1 = for<'a> fn(&Request<'a>) -> Result<Option<Training<'a>>, TransferError>;

/// What a method trains of a model of two towers, by its settings.
#[cfg(feature = "train")]
pub type Towers = fn(&Transfer) -> Result<Tuned, TransferError>;

/// How a method learns the tasks of a suite together; `None` where its settings have each learn alone.
#[cfg(feature = "train")]
pub type OfTasks = fn(&Transfer) -> Result<Option<Together>, TransferError>;

/// Tasks that learn together. What they share is what [`Method::towers`] says.
#[cfg(feature = "train")]
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Together {
    /// Which do.
    pub groups: Groups,
    /// What each has for itself beside what a group shares.
    pub own: Option<Tuned>,
}

/// Which tasks learn together.
#[cfg(feature = "train")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Groups {
    /// All.
    All,
    /// Those whose gradients with respect to something that all share agree.
    Similar(Search),
}

/// How groups of tasks are found.
#[cfg(feature = "train")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Search {
    /// What a partition is judged by.
    pub criterion: mmap::GroupCriterion,
    /// Number of groups, where it is asked for.
    pub exactly: Option<usize>,
    /// Moments of the training on all tasks at which gradients are compared.
    pub moments: usize,
}

/// That it learns tasks together: what it does is not in a build without training.
#[cfg(not(feature = "train"))]
pub type OfTasks = Stage;

/// That it trains two towers: what it does is not in a build without training.
#[cfg(not(feature = "train"))]
pub type Towers = Stage;

/// That there is a stage 1: what it does is not in a build without training.
#[cfg(not(feature = "train"))]
pub type Stage1 = Stage;

/// That there is a stage: what it does is not in a build without training.
#[cfg(not(feature = "train"))]
pub struct Stage;

/// A transfer method.
pub struct Method {
    /// The name in suites, tables and on the command line (`[a-z0-9-]+`).
    pub name: &'static str,
    /// The name in figures and reports.
    pub title: &'static str,
    /// The name inside a sentence.
    pub phrase: &'static str,
    /// What it is in a comparison.
    pub role: Role,
    /// What it does, in one sentence.
    pub what: &'static str,
    /// Where it was published.
    pub citation: &'static str,
    /// The name of the method that differs from it in nothing but what it proposes.
    pub contrast: Option<&'static str>,
    /// Heading and text of a note on how it is computed, for the reports of runs in which it ran.
    pub note: Option<(&'static str, &'static str)>,
    /// What the target model's encoder starts from.
    pub start: Start,
    /// Whether a stage may read samples of the source modality.
    pub reads_source: bool,
    /// Completes `[transfer.NAME]` by the defaults of the method's settings, and refuses unknown keys.
    pub settings: Option<settings::Complete>,
    /// Why it is not defined for targets of a kind.
    pub defined_for: fn(TargetKind) -> Result<(), &'static str>,
    /// What stage 1 minimises and trains, for a method that has one.
    pub stage1: Option<Stage1>,
    /// What stage 2 minimises and trains; none where that is plain fine-tuning.
    pub stage2: Option<Stage>,
    /// What it trains of a model of two towers, if it is defined for them: for pictures with captions, and for classes by
    /// their texts.
    pub towers: Option<Towers>,
    /// Whether that is defined for pictures with captions too.
    pub captions: bool,
    /// How it learns the tasks of a suite together, for a method that does.
    pub together: Option<OfTasks>,
}

/// The method called `name`.
pub fn find(name: &str) -> Option<&'static Method> {
    METHODS.into_iter().find(|method| method.name == name)
}

/// The name of every method.
pub fn names() -> Vec<&'static str> {
    METHODS.iter().map(|method| method.name).collect()
}

impl Method {
    /// Plain fine-tuning from the source model, defined for every target: a method's descriptor names
    /// what it does otherwise.
    const FINE_TUNING: Self = Self {
        name: "",
        title: "",
        phrase: "",
        role: Role::Baseline,
        what: "",
        citation: "",
        contrast: None,
        note: None,
        start: Start::Source,
        reads_source: false,
        settings: None,
        defined_for: |_| Ok(()),
        stage1: None,
        stage2: None,
        towers: None,
        captions: true,
        together: None,
    };

    /// A method of two towers alone: a descriptor names what it trains of them.
    const OF_TOWERS: Self = Self {
        defined_for: |_| {
            Err("it trains a model of images and texts (of classes by transfer.head = \"texts\")")
        },
        ..Self::FINE_TUNING
    };

    /// A method of classes by their texts alone.
    const OF_CLASSES: Self = Self {
        captions: false,
        ..Self::OF_TOWERS
    };

    /// Whether it has a stage 1.
    pub fn has_stage1(&self) -> bool {
        self.stage1.is_some()
    }

    /// What it trains of a model of two towers, by its settings.
    ///
    /// # Errors
    /// [`TransferError::Undefined`] where it trains one tower, and what its settings refuse.
    #[cfg(feature = "train")]
    pub fn tuning(&self, transfer: &Transfer) -> Result<Tuned, TransferError> {
        let tuned = self.towers.ok_or_else(|| TransferError::Undefined {
            method: self.name,
            why: "it trains one tower".into(),
        })?;
        tuned(transfer)
    }

    /// Whether stage 2 fine-tunes everything from the source model, on the task loss alone.
    pub fn fine_tunes_plainly(&self) -> bool {
        self.start == Start::Source && self.stage2.is_none()
    }

    /// How a target's embedder starts, where the suite says `asked`.
    pub fn embedder_init(&self, asked: EmbedderInit) -> EmbedderInit {
        match self.start {
            Start::Source => asked,
            Start::Scratch => EmbedderInit::Random,
        }
    }

    /// Why the method is not defined for a target with such truth, if it is not.
    pub fn undefined(&self, truth: TargetShape) -> Option<String> {
        let kind = match truth {
            TargetShape::Class => TargetKind::Labels,
            TargetShape::MultiHot => TargetKind::MultiHot,
            TargetShape::Field(_) => TargetKind::Dense,
            TargetShape::Captions => TargetKind::Pairs,
        };
        let why = self.undefined_for(kind)?;
        Some(format!("{why}, and the target has {}", truth.name()))
    }

    /// Why the method is not defined for classes by their texts, if it is not.
    pub fn undefined_by_texts(&self) -> Option<&'static str> {
        match self.towers {
            Some(_) => None,
            None => Some("it trains one tower with a head, and transfer.head is texts"),
        }
    }

    /// Why the method is not defined for targets of a kind, if it is not.
    pub fn undefined_for(&self, kind: TargetKind) -> Option<&'static str> {
        match (kind, &self.towers) {
            (TargetKind::Pairs, Some(_)) if !self.captions => {
                Some("it is one of classes by their texts")
            }
            (TargetKind::Pairs, Some(_)) => None,
            (TargetKind::Pairs, None) => Some("it trains one tower of images"),
            _ => (self.defined_for)(kind).err(),
        }
    }
}

impl PartialEq for Method {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Method {}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Everything trains on the task loss.
#[cfg(feature = "train")]
pub fn fine_tuning<'a>(request: &Request<'a>) -> Training<'a> {
    request.training(request.supervised(true))
}

/// Refuses a number that is negative or not finite.
#[cfg(feature = "train")]
fn not_negative(setting: &'static str, value: f64) -> Result<(), TransferError> {
    if value >= 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(TransferError::Setting {
        setting,
        expected: "zero or a positive number".into(),
        found: value.to_string(),
    })
}

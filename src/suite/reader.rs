//! The vocabulary of datasets: which readers exist and how a suite asks for one.

use super::task::{Metric, TaskLoss};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One dataset of a suite: which reader makes it, how much of it is used and what it asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetSpec {
    /// Short name used in tables and file names (`[a-z0-9-]+`).
    pub name: String,
    /// Name shown in figures and reports.
    pub title: String,
    /// Which reader makes it.
    pub reader: Reader,
    /// At most this many training samples (balanced over classes; 0 = all).
    #[serde(default)]
    pub train: usize,
    /// At most this many validation samples (0 = the reader's own share).
    #[serde(default)]
    pub valid: usize,
    /// At most this many test samples (0 = all).
    #[serde(default)]
    pub test: usize,
    /// What training minimises. Without it: cross-entropy for classes (with the training's label
    /// smoothing), binary cross-entropy for several labels, relative L2 for fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<TaskLoss>,
    /// What judges the result. Without it: error for classes, one minus mean average precision for
    /// several labels, relative L2 for fields.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// Where the pictures of reader `images` are, relative to the suite file; without it
    /// `DATA/NAME`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// An encoder of its own, for signals that the suite's source model of images does not take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<OwnEncoder>,
}

/// A sequence encoder (RoBERTa's architecture) for a target of its own. It has no image surrogate, so
/// neither probes nor D are taken of it: only the target's metric is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnEncoder {
    /// A published model to start from. Without it the encoder starts from scratch, in this shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Width of the tokens.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads.
    pub heads: usize,
}

impl Default for OwnEncoder {
    fn default() -> Self {
        Self {
            model: None,
            hidden: 64,
            layers: 4,
            heads: 4,
        }
    }
}

impl DatasetSpec {
    /// Everything that `reader` has, with its own task.
    pub fn new(name: &str, title: &str, reader: Reader) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            reader,
            train: 0,
            valid: 0,
            test: 0,
            loss: None,
            metric: None,
            path: None,
            encoder: None,
        }
    }
}

/// The dataset readers known to suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// Procedural images, the classes the demo source model is trained on.
    DemoSource,
    /// Procedural images, 10 classes unseen by the source model.
    DemoSurrogate,
    /// Procedural images, further unseen classes.
    DemoUnseen,
    /// [`Reader::DemoUnseen`] projected on the sphere.
    DemoSpherical,
    /// Synthesised multi-channel EMG-like windows.
    DemoEmg,
    /// Log-mel spectrograms of synthesised sounds.
    DemoSound,
    /// CIFAR-10 binary files.
    Cifar10,
    /// CIFAR-100 with all its hundred classes.
    Cifar100,
    /// The 80 CIFAR-100 classes that the source model is trained on.
    Cifar100Source,
    /// The 20 held-out CIFAR-100 classes (first fine class of each coarse class).
    Cifar100Heldout,
    /// [`Reader::Cifar100Heldout`] projected on the sphere.
    Cifar100HeldoutSpherical,
    /// Surface EMG of wrist gestures (Myo armband).
    EmgMyo,
    /// ESC-10 environmental sounds as log-mel spectrograms.
    Esc10,
    /// Free Spoken Digit Dataset as log-mel spectrograms.
    Fsdd,
    /// ECG5000 heartbeats, five classes, 1 × 1 × 140.
    Ecg5000,
    /// [`Reader::Ecg5000`] folded to 1 × 10 × 14 for encoders of images.
    Ecg5000Folded,
    /// ECG5000 heartbeats, normal or not, 1 × 1 × 140.
    Ecg5000Normal,
    /// [`Reader::Ecg5000Normal`] folded to 1 × 10 × 14 for encoders of images.
    Ecg5000NormalFolded,
    /// Darcy flow on 16 × 16 points: permeability to pressure.
    Darcy16,
    /// Spherical CIFAR-100 as published by NAS-Bench-360.
    Spherical,
    /// NinaPro DB5 as published by NAS-Bench-360.
    Ninapro,
    /// Satellite time series.
    Satellite,
    /// DeepSEA: DNA to chromatin features.
    Deepsea,
    /// FSD50K as log-mel spectrograms, several labels.
    Fsd50k,
    /// PhysioNet 2017 electrocardiograms.
    Ecg2017,
    /// Darcy flow on 85 × 85 points.
    Darcy,
    /// Cosmic rays in images of the Hubble Space Telescope.
    Cosmic,
    /// Distances between the residues of proteins.
    Psicov,
    /// PDEBench advection, β = 0.4.
    #[serde(rename = "pdebench-advection")]
    PdebenchAdvection,
    /// PDEBench Burgers, ν = 1.
    #[serde(rename = "pdebench-burgers")]
    PdebenchBurgers,
    /// PDEBench compressible flow along a line.
    #[serde(rename = "pdebench-cfd-1d")]
    PdebenchCfd1d,
    /// PDEBench diffusion-sorption.
    #[serde(rename = "pdebench-diff-sorp")]
    PdebenchDiffSorp,
    /// PDEBench diffusion-reaction along a line.
    #[serde(rename = "pdebench-diff-react-1d")]
    PdebenchDiffReact1d,
    /// PDEBench Darcy flow, β = 0.1.
    #[serde(rename = "pdebench-darcy")]
    PdebenchDarcy,
    /// PDEBench shallow water.
    #[serde(rename = "pdebench-shallow-water")]
    PdebenchShallowWater,
    /// PDEBench diffusion-reaction in the plane.
    #[serde(rename = "pdebench-diff-react-2d")]
    PdebenchDiffReact2d,
    /// PDEBench compressible flow in the plane.
    #[serde(rename = "pdebench-cfd-2d")]
    PdebenchCfd2d,
    /// NumPy arrays of one's own: `DATA/NAME/x.npy [N, C, H, W]` and `y.npy [N]`.
    Npy,
    /// A folder of pictures of one's own: `DATA/NAME/class/*.jpg` (png, webp, bmp, ppm).
    Images,
}

/// The tasks of PDEBench.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pde {
    /// PDEBench advection, β = 0.4.
    Advection,
    /// PDEBench Burgers, ν = 1.
    Burgers,
    /// PDEBench compressible flow along a line.
    Cfd1d,
    /// PDEBench diffusion-sorption.
    DiffSorp,
    /// PDEBench diffusion-reaction along a line.
    DiffReact1d,
    /// PDEBench Darcy flow, β = 0.1.
    Darcy,
    /// PDEBench shallow water.
    ShallowWater,
    /// PDEBench diffusion-reaction in the plane.
    DiffReact2d,
    /// PDEBench compressible flow in the plane.
    Cfd2d,
}

impl Reader {
    /// All readers, in the order of their documentation.
    pub const ALL: [Self; 39] = [
        Self::DemoSource,
        Self::DemoSurrogate,
        Self::DemoUnseen,
        Self::DemoSpherical,
        Self::DemoEmg,
        Self::DemoSound,
        Self::Cifar10,
        Self::Cifar100,
        Self::Cifar100Source,
        Self::Cifar100Heldout,
        Self::Cifar100HeldoutSpherical,
        Self::EmgMyo,
        Self::Esc10,
        Self::Fsdd,
        Self::Ecg5000,
        Self::Ecg5000Folded,
        Self::Ecg5000Normal,
        Self::Ecg5000NormalFolded,
        Self::Darcy16,
        Self::Spherical,
        Self::Ninapro,
        Self::Satellite,
        Self::Deepsea,
        Self::Fsd50k,
        Self::Ecg2017,
        Self::Darcy,
        Self::Cosmic,
        Self::Psicov,
        Self::PdebenchAdvection,
        Self::PdebenchBurgers,
        Self::PdebenchCfd1d,
        Self::PdebenchDiffSorp,
        Self::PdebenchDiffReact1d,
        Self::PdebenchDarcy,
        Self::PdebenchShallowWater,
        Self::PdebenchDiffReact2d,
        Self::PdebenchCfd2d,
        Self::Npy,
        Self::Images,
    ];

    /// The name that suites and the command line use.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => String::new(),
        }
    }

    /// Whether somebody publishes its files: neither made by the program nor the user's own.
    pub fn is_published(self) -> bool {
        ![Self::Npy, Self::Images].contains(&self) && !self.name().starts_with("demo-")
    }

    /// Whether its samples are pictures of red, green and blue, which a model of images prepares in
    /// its own way.
    pub fn is_images(self) -> bool {
        matches!(
            self,
            Self::DemoSource
                | Self::DemoSurrogate
                | Self::DemoUnseen
                | Self::DemoSpherical
                | Self::Cifar10
                | Self::Cifar100
                | Self::Cifar100Source
                | Self::Cifar100Heldout
                | Self::Cifar100HeldoutSpherical
                | Self::Spherical
                | Self::Images
        )
    }

    /// The reader of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }

    /// All names, comma-separated.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

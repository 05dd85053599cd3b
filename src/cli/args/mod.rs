//! The command line, declared once: parser, help, completions and man page come from here.

mod columns;
mod compare;
#[cfg(feature = "train")]
mod data;
mod measure;
#[cfg(feature = "train")]
mod model;
mod opening;
mod run;
mod scores;

pub use columns::{ColumnArgs, labels_of};
pub use compare::CompareArgs;
#[cfg(feature = "train")]
pub use data::{DataArgs, DataCommand};
pub use measure::{Components, DiscrepancyArgs, ProbeArgs, TsneArgs};
#[cfg(feature = "train")]
pub use model::{
    ExportArgs, ExtractArgs, ModelFormat, ModelsCommand, Precision, RetrievalArgs, TextArgs,
    Wanted, WeightType, ZeroShotArgs,
};
pub use opening::OpeningArgs;
#[cfg(feature = "train")]
pub use run::{DoctorArgs, PretrainArgs, RunsCommand, SweepArgs, TrainArgs};
pub use run::{ExperimentArgs, FiguresArgs, ReportArgs, StartArgs};
pub use scores::{CkaArgs, NoiseArgs, OtddArgs, TransferabilityArgs};

use clap::{Parser, Subcommand};

/// How far does the knowledge of a pretrained source modality fit a target modality?
#[derive(Debug, Parser)]
#[command(
    name = "modalign",
    version,
    propagate_version = true,
    max_term_width = 100
)]
#[command(after_help = "Examples:
  modalign report                                    the embedded demo suite, whole, in minutes
  modalign report --suite real-mini --data DIR       real CIFAR-10/100, EMG and sounds
  modalign figures runs/demo --only tsne,probe       redraw figures of a finished run
  modalign extract --model DIR --tensor IN.safetensors:pixels --outputs pooled,logits --out OUT.npz
  modalign zeroshot --model CLIP --data cifar10:test what a CLIP's texts tell of pictures, untrained
  modalign probe --train TRAIN.npz --test TEST.npz   linear probe of your own features
  modalign tsne --features F.npz --out MAP.npy       t-SNE of them
  modalign discrepancy --source-probs P.npy --target-labels Y.npy --holdout
  modalign cka A.npz B.npz                           do two encoders agree on the same samples
  modalign otdd A.npz B.npz                          how far two labelled sets are from each other
  modalign transferability F.npz                     LogME, H-score, LEEP, NCE of a target
  modalign compare A.npz B.npz C.npz                 which encoder is better at what, beyond noise
  modalign runs list                                 runs, how far each is, how long it took
  modalign data list                                 datasets, how much of each is here, licences
  modalign models show PATH                          what a checkpoint is and whether it loads
  modalign doctor                                    what this build and machine can do

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted (finished parts are kept).")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a suite whole: fine-tune, extract, measure, draw, report
    Report(ReportArgs),
    /// Redraw the figures of a finished run from its tables
    Figures(FiguresArgs),
    /// Set encoders against each other on the same samples: which is better at what, beyond noise
    Compare(CompareArgs),
    /// Transfer the source model of a suite to one target by one method
    #[cfg(feature = "train")]
    Train(TrainArgs),
    /// Train all cells of a suite (targets × methods × seeds), or a shard of them
    #[cfg(feature = "train")]
    Sweep(SweepArgs),
    /// Make the source model of a suite by the suite's recipe
    #[cfg(feature = "train")]
    Pretrain(PretrainArgs),
    /// List runs, show one, or say how two differ
    #[cfg(feature = "train")]
    #[command(subcommand)]
    Runs(RunsCommand),
    /// Write what the parts of a model say about a tensor or a dataset
    #[cfg(feature = "train")]
    Extract(ExtractArgs),
    /// What a CLIP's texts tell of its pictures without training
    #[cfg(feature = "train")]
    Zeroshot(ZeroShotArgs),
    /// How often images find their captions, and captions their images
    #[cfg(feature = "train")]
    Retrieval(RetrievalArgs),
    /// How well hyperplanes separate the classes of anyone's features
    Probe(ProbeArgs),
    /// A map of anyone's features in two dimensions
    Tsne(TsneArgs),
    /// How well source classes stand in for target classes: D(Ms, Mt) of anyone's probabilities
    Discrepancy(DiscrepancyArgs),
    /// How far two encoders agree on the same samples
    Cka(CkaArgs),
    /// How far one labelled set must be moved to become another
    Otdd(OtddArgs),
    /// What a source model, before any training, says of a target: LEEP, NCE, LogME, H-score, modality gap
    Transferability(TransferabilityArgs),
    /// Datasets: list, show, fetch, verify, import
    #[cfg(feature = "train")]
    #[command(subcommand)]
    Data(DataCommand),
    /// List models, or show what one is and whether it loads
    #[cfg(feature = "train")]
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Write a model for PyTorch: Hugging Face names, safetensors
    #[cfg(feature = "train")]
    Export(ExportArgs),
    /// Say what this build and this machine can do
    #[cfg(feature = "train")]
    Doctor(DoctorArgs),
    /// Print shell completions
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

impl Command {
    /// The device that the command computes on; `flex` where it asks for none.
    pub fn device(&self) -> &str {
        match self {
            Self::Report(args) => &args.experiment.device,
            #[cfg(feature = "train")]
            Self::Train(args) => &args.experiment.device,
            #[cfg(feature = "train")]
            Self::Sweep(args) => &args.experiment.device,
            #[cfg(feature = "train")]
            Self::Pretrain(args) => &args.experiment.device,
            Self::Compare(args) => &args.device,
            #[cfg(feature = "train")]
            Self::Extract(args) => &args.device,
            #[cfg(feature = "train")]
            Self::Zeroshot(args) => &args.device,
            #[cfg(feature = "train")]
            Self::Retrieval(args) => &args.device,
            Self::Probe(args) => &args.device,
            _ => "flex",
        }
    }
}

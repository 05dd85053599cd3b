//! The command line, declared once: parser, help, completions and man page come from here.

use crate::feature::outputs::Output;
use crate::figure::Format;
use clap::builder::PossibleValue;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

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
  modalign figures runs/demo --only 2,4              redraw figures of a finished run
  modalign extract --model DIR --tensor IN.safetensors:pixels --outputs pooled,logits --out OUT.npz
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
    /// Transfer the source model of a suite to one target by one method
    Train(TrainArgs),
    /// Train all cells of a suite (targets × methods × seeds), or a shard of them
    Sweep(SweepArgs),
    /// Make the source model of a suite by the suite's recipe
    Pretrain(PretrainArgs),
    /// Write what the parts of a model say about a tensor or a dataset
    Extract(ExtractArgs),
    /// List models, or show what one is and whether it loads
    #[command(subcommand)]
    Models(ModelsCommand),
    /// Write a model for PyTorch: Hugging Face names, safetensors
    Export(ExportArgs),
    /// Say what this build and this machine can do
    Doctor(DoctorArgs),
    /// Print shell completions
    Completions {
        /// Shell to complete for
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man,
}

/// Arguments of `modalign report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign report
  modalign report --suite real-mini --data DIR --out runs/real
  modalign report runs/demo                          rebuild a finished run's report from its tables

The path of the report is the last line on stdout. A run that was interrupted continues where it
was when the same command is given again.")]
pub struct ReportArgs {
    /// Finished runs whose figures and report are made again, without computing
    #[arg(value_name = "RUN", conflicts_with_all = ["suite", "data", "out", "fresh"])]
    pub runs: Vec<PathBuf>,
    /// Embedded suite (demo, real-mini) or TOML file
    #[arg(long, default_value = "demo")]
    pub suite: String,
    /// Source model in place of the suite's: folder, checkpoint file or Hugging Face name
    #[arg(long, value_name = "MODEL", conflicts_with = "runs")]
    pub model: Option<String>,
    /// Folder with the real data files that the suite needs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the run [default: runs/SUITE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Continue the run in the folder (the default)
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Remove what an earlier run left in the folder and start anew
    #[arg(long)]
    pub fresh: bool,
    /// Print one JSON object with the report's path and the numbers
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign figures`.
#[derive(Debug, Args)]
pub struct FiguresArgs {
    /// Folder of the run
    pub run: PathBuf,
    /// Numbers of the figures to draw [default: all that the run has tables for]
    #[arg(long, value_delimiter = ',', value_name = "N")]
    pub only: Vec<u8>,
    /// Formats to write: svg, png [default: both]
    #[arg(long, value_delimiter = ',', value_name = "FORMAT")]
    pub format: Vec<Format>,
    /// Folder to write to [default: RUN/figures]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `modalign train`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign train --suite demo --target emg --method mona
  modalign train --suite real-mini --data DIR --target esc10 --method nft --seed 1 --out runs/esc10

The last line on stdout is the folder of the cell: model/ (for PyTorch: modalign export), cell.json.
After every epoch the state is kept; the same command continues there, on the CPU in the same bits.")]
pub struct TrainArgs {
    /// Embedded suite (demo, real-mini) or TOML file
    #[arg(long, default_value = "demo")]
    pub suite: String,
    /// Name of a target of the suite
    #[arg(long)]
    pub target: String,
    /// scratch, frozen, nft, emb, orca or mona
    #[arg(long)]
    pub method: String,
    /// Seed of everything random in the transfer
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder with the real data files that the suite needs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the run [default: runs/SUITE-TARGET-METHOD-SEED]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Continue the run in the folder (the default)
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Remove what an earlier run left in the folder and start anew
    #[arg(long)]
    pub fresh: bool,
    /// Print one JSON object with the outcome
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign sweep`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign sweep --suite real-mini --data DIR --methods nft,emb,mona --seeds 0,1,2 --out runs/sweep
  modalign sweep … --shard 2/8 --out SHARED      the second of eight processes on one file system
  modalign report --suite runs/sweep/config.toml --data DIR --out runs/sweep

Every cell is trained once, by whoever takes its lock, and kept; the report then measures them all.")]
pub struct SweepArgs {
    /// Embedded suite (demo, real-mini) or TOML file
    #[arg(long, default_value = "demo")]
    pub suite: String,
    /// Methods [default: the suite's]
    #[arg(long, value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Targets [default: the suite's]
    #[arg(long, value_delimiter = ',')]
    pub targets: Vec<String>,
    /// Seeds [default: the suite's]
    #[arg(long, value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Only the i-th of n parts of the cells
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Folder with the real data files that the suite needs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder of the run [default: runs/SUITE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Arguments of `modalign pretrain`.
#[derive(Debug, Args)]
pub struct PretrainArgs {
    /// Embedded suite (demo, real-mini) or TOML file
    #[arg(long, default_value = "demo")]
    pub suite: String,
    /// Folder with the real data files that the suite needs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Model folder to write [default: ./NAME, the suite's own name for it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
}

impl ValueEnum for Output {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Embedded => "Tokens after the embedder [N, T, C]",
            Self::Pooled => "Mean of the last tokens [N, D]",
            Self::Logits => "Class scores [N, K]",
            Self::LastHiddenState => "Last tokens [N, T, D]",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

/// Float types that a model can compute in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Double
    F64,
    /// Single (the default everywhere)
    F32,
    /// Half, where the device has it
    F16,
    /// Brain half, where the device has it
    Bf16,
}

/// Arguments of `modalign extract`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign extract --model DIR --tensor IN.safetensors:pixels \\
      --outputs embedded,pooled,logits,last_hidden_state --out OUT.safetensors
  modalign extract --model swin.pth --data cifar10:test --data-dir DATA --outputs pooled --out F.npz
  modalign extract --model roberta-base --tensor IN.safetensors:input_ids \\
      --mask IN.safetensors:attention_mask --outputs last_hidden_state --out OUT.npz

A tensor of rank 4 is samples [N, C, H, W], of rank 2 token ids [N, T], of rank 3 tokens [N, T, C]
that enter the encoder as they are. With --data the file also holds labels, class_names and (as
features) the pooled outputs: a features file.")]
pub struct ExtractArgs {
    /// Model: folder, checkpoint file, Hugging Face name, or one inside the program
    #[arg(long, value_name = "MODEL")]
    pub model: String,
    /// Raw input, as FILE.safetensors:NAME
    #[arg(long, value_name = "FILE:NAME", conflicts_with = "data")]
    pub tensor: Option<String>,
    /// Tokens that others may attend to, 1 or 0 for each of the ids, as FILE.safetensors:NAME
    #[arg(long, value_name = "FILE:NAME", requires = "tensor")]
    pub mask: Option<String>,
    /// Dataset to read, as SET or SET:train|valid|test (default test)
    #[arg(long, value_name = "SET[:SPLIT]")]
    pub data: Option<String>,
    /// Folder with the dataset's files
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// What to write
    #[arg(long, value_enum, value_delimiter = ',', required = true)]
    pub outputs: Vec<Output>,
    /// File to write: .safetensors or .npz
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Float type to compute in; below single, the error against single is measured and told
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: Precision,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Arguments of `modalign models`.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// Models inside the program and in the Hugging Face cache, and what can be loaded
    List {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// What a model is, and what of it will and will not load
    Show {
        /// Model: folder, checkpoint file, Hugging Face name, or one inside the program
        #[arg(value_name = "PATH")]
        model: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

/// Forms that a model can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModelFormat {
    /// A Hugging Face folder: config.json and model.safetensors
    SafetensorsHf,
}

/// Float types that weights can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WeightType {
    /// As the checkpoint had them
    Keep,
    /// Double
    F64,
    /// Single
    F32,
    /// Half
    F16,
    /// Brain half
    Bf16,
}

/// Arguments of `modalign export`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign export runs/demo/cells/TARGET-nft-0/model --out DIR     a fine-tuned encoder, for PyTorch
  modalign export swin_base_patch4_window7_224.pth --out DIR       timm's names to Hugging Face's")]
pub struct ExportArgs {
    /// Model: folder, checkpoint file, Hugging Face name, or one inside the program
    pub model: String,
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Form to write
    #[arg(long, value_enum, default_value = "safetensors-hf")]
    pub format: ModelFormat,
    /// Float type of the tensors
    #[arg(long, value_enum, default_value = "keep")]
    pub dtype: WeightType,
}

/// Arguments of `modalign doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Folder whose data files to look for
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

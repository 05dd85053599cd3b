//! The command line, declared once: parser, help, completions and man page come from here.

use crate::figure::Format;
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
    /// Make the source model of a suite by the suite's recipe
    Pretrain(PretrainArgs),
    /// Write what the parts of a model say about a tensor or a dataset
    Extract(ExtractArgs),
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

/// What a model can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Tokens after the embedder `[N, T, C]`
    #[value(name = "embedded")]
    Embedded,
    /// Mean of the normed tokens `[N, D]`
    #[value(name = "pooled")]
    Pooled,
    /// Class scores `[N, K]`
    #[value(name = "logits")]
    Logits,
    /// Normed tokens of the last stage `[N, T, D]`
    #[value(name = "last_hidden_state")]
    LastHiddenState,
}

/// Arguments of `modalign extract`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign extract --model DIR --tensor IN.safetensors:pixels \\
      --outputs embedded,pooled,logits,last_hidden_state --out OUT.safetensors
  modalign extract --model DIR --data cifar10:test --data-dir DATA --outputs pooled --out F.npz

With --data the file also holds labels, class_names and (as features) the pooled outputs: a
features file.")]
pub struct ExtractArgs {
    /// Hugging Face style model folder: config.json and model.safetensors
    #[arg(long, value_name = "DIR")]
    pub model: PathBuf,
    /// Raw input `[N, C, H, W]`, as FILE.safetensors:NAME
    #[arg(long, value_name = "FILE:NAME", conflicts_with = "data")]
    pub tensor: Option<String>,
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
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
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

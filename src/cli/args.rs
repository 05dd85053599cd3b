//! The command line, declared once: parser, help, completions and man page come from here.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// How far does the knowledge of a pretrained source modality fit a target modality?
#[derive(Debug, Parser)]
#[command(name = "modalign", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Examples:
  modalign report                                    the embedded demo suite, whole, in minutes
  modalign report --suite real-mini --data DIR       real CIFAR-10/100, EMG and sounds
  modalign figures runs/demo --only 2,4              redraw figures of a finished run
  modalign extract --model DIR --tensor IN.safetensors:pixels --outputs pooled,logits --out OUT.npz

Exit codes: 0 done, 1 the work failed, 2 wrong usage, 130 interrupted (finished parts are kept).")]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the source model of a suite by the suite's recipe
    Pretrain(PretrainArgs),
}

/// Arguments of `modalign pretrain`.
#[derive(Debug, Args)]
pub struct PretrainArgs {
    /// Embedded suite (demo, real-mini) or TOML file
    #[arg(long, default_value = "demo")]
    pub suite: String,
    /// Folder with the real data files that the suite needs
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Model folder to write [default: the suite's own name for it]
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built
    #[arg(long, default_value = "flex")]
    pub device: String,
}

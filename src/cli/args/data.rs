//! Arguments of `modalign data`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What to do with datasets.
#[derive(Debug, Subcommand)]
#[command(after_help = "Examples:
  modalign data list
  modalign data show cifar10 --data DIR --sheet cifar10.png
  modalign data fetch ninapro                    into the user's cache, checked before it is named
  modalign data verify --data DIR
  modalign data import spherical s2_cifar100.gz  a file at hand, where its address is dead

Without --data the folder is $MODALIGN_DATA, else modalign/data in the user's cache.")]
pub enum DataCommand {
    /// All datasets and weights: what they are, how much is there, under which licence
    List(DataArgs),
    /// One dataset: what it is, where it comes from, what is there, samples by class
    Show {
        /// Name of a dataset
        name: String,
        #[command(flatten)]
        data: DataArgs,
        /// Draw samples: images as images, signals as lines, sounds as spectrograms
        #[arg(long, value_name = "FILE.png|FILE.svg")]
        sheet: Option<PathBuf>,
        /// Which reader's view, where a dataset feeds several
        #[arg(long)]
        reader: Option<String>,
    },
    /// Download what is missing of datasets and weights, checked before it gets its name
    Fetch {
        /// Names of datasets or weights
        #[arg(required = true)]
        names: Vec<String>,
        #[command(flatten)]
        data: DataArgs,
        /// Say what would be downloaded, how large, under which licence; ask no server
        #[arg(long)]
        dry_run: bool,
    },
    /// Check the files that are there, byte by byte
    Verify {
        /// Names of datasets that must be complete [default: whatever is there]
        names: Vec<String>,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Where the files of a dataset are, or belong
    Where {
        /// Name of a dataset
        name: String,
        #[command(flatten)]
        data: DataArgs,
    },
    /// Take files that are at hand: checked, then copied to their place
    Import {
        /// Name of a dataset
        name: String,
        /// A file, or a folder with files of the dataset
        path: PathBuf,
        #[command(flatten)]
        data: DataArgs,
    },
}

/// Where data are, and how results are printed.
#[derive(Debug, Args)]
pub struct DataArgs {
    /// Folder of the data files
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

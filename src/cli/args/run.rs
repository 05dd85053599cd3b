//! Arguments of the verbs that run a suite, and of those that look at runs.

use super::OpeningArgs;
use crate::figure::Format;
use crate::figure::palette::Theme;
use crate::figure::print::Width;
#[cfg(feature = "train")]
use crate::transfer::methods;
use clap::Args;
#[cfg(feature = "train")]
use clap::Subcommand;
use std::path::PathBuf;

/// An experiment and what it is computed on, the same for every verb that carries one out.
#[derive(Debug, Args)]
pub struct ExperimentArgs {
    /// Embedded suite (demo, demo-clip, real-mini, real-more, emoji-clip, emoji-tasks, paper-figures, nas-bench-360, pdebench) or TOML file
    #[arg(long, default_value = "demo")]
    pub suite: String,
    /// Folder with the real data files that the suite needs
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built; a graphics card by its number, as wgpu:1, or PCI address, as wgpu:0000:65:00.0
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// What happens to an earlier run in the same folder.
#[derive(Debug, Args)]
pub struct StartArgs {
    /// Continue the run in the folder (the default)
    #[arg(long, conflicts_with = "fresh")]
    pub resume: bool,
    /// Remove what an earlier run left in the folder and start anew
    #[arg(long)]
    pub fresh: bool,
    /// Continue, but make anew what was made from a model or data that has changed since
    #[arg(long, conflicts_with = "fresh")]
    pub refresh: bool,
}

/// Arguments of `modalign report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign report
  modalign report --suite real-mini --data DIR --out runs/real
  modalign report runs/demo                          rebuild a finished run's report from its tables
  modalign report runs/sweep --data DIR --collect    measure and report the cells that are trained

The path of the report is the last line on stdout; beside it stand report.md (GitHub's Markdown) and
tables/latex/*.tex (booktabs). A run that was interrupted continues where it was when the same command
is given again.")]
pub struct ReportArgs {
    /// Finished runs whose figures and report are made again, without computing
    #[arg(value_name = "RUN", conflicts_with_all = ["suite", "out", "fresh"])]
    pub runs: Vec<PathBuf>,
    /// Measure and report what is there of RUN, train nothing; cells that are missing are named
    #[arg(long, requires = "runs")]
    pub collect: bool,
    /// What is run, on what.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Source model in place of the suite's: folder, checkpoint file or Hugging Face name
    #[arg(long, value_name = "MODEL", conflicts_with = "runs")]
    pub model: Option<String>,
    /// How the source model is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Folder of the run [default: runs/SUITE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Download missing data and weights first, checked before they are used
    #[arg(long, conflicts_with = "runs")]
    pub fetch: bool,
    /// Say what the suite needs, what is missing, how large it is and under which licence; run nothing
    #[arg(long, conflicts_with = "runs")]
    pub dry_run: bool,
    /// What happens to an earlier run.
    #[command(flatten)]
    pub start: StartArgs,
    /// Leave pictures of the data out of the report: for passing it on where the data may not be
    #[arg(long)]
    pub without_samples: bool,
    /// Print one JSON object with the report's path and the numbers
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign figures`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign figures runs/demo                          the report's own figures, the same bytes
  modalign figures runs/demo --width 84               for one column of a two-column paper
  modalign figures runs/demo --width 174 --only tsne,probe   for both columns
  modalign figures runs/demo --theme screen           for a dark page or slide

Figures are numbered in the order in which they stand on the page, and fig3.svg is figure 3; names stay
the same when a figure is added. An unknown name is answered with all numbers and names.

With --width the panels are laid out anew, in as many columns as leave the smallest text at 6 pt, and
the sheet is scaled to exactly that width: an SVG has its size in millimetres, a PNG 384 pixels to the
inch. A figure whose single panel is too wide for that is drawn all the same; stderr says how small its
text became.")]
pub struct FiguresArgs {
    /// Folder of the run
    pub run: PathBuf,
    /// Figures to draw, by number or name (tradeoff, tsne, probe …) [default: all that the run has tables for]
    #[arg(long, value_delimiter = ',', value_name = "FIGURE")]
    pub only: Vec<String>,
    /// Formats to write: svg, png [default: both]
    #[arg(long, value_delimiter = ',', value_name = "FORMAT")]
    pub format: Vec<Format>,
    /// Colours: paper (white) or screen (dark)
    #[arg(long, value_name = "THEME", default_value = "paper")]
    pub theme: Theme,
    /// Width on paper in millimetres, 20 to 400 [default: as in the report]
    #[arg(long, value_name = "MM")]
    pub width: Option<Width>,
    /// Folder to write to [default: RUN/figures; with a theme or width of its own, RUN/figures-84mm and so on]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

/// Arguments of `modalign train`.
#[cfg(feature = "train")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign train --suite demo --target emg --method mona
  modalign train --suite real-mini --data DIR --target esc10 --method nft --seed 1 --out runs/esc10

The last line on stdout is the folder of the cell: model/ (for PyTorch: modalign export), cell.json.
After every epoch the state is kept; the same command continues there, on the CPU in the same bits.")]
pub struct TrainArgs {
    /// What is run, on what.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// How the source model is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Name of a target of the suite
    #[arg(long)]
    pub target: String,
    /// Name of a transfer method.
    #[arg(long, help = format!("Transfer method: {}", methods::names().join(", ")))]
    pub method: String,
    /// Seed of everything random in the transfer
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Folder of the run [default: runs/SUITE-TARGET-METHOD-SEED]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What happens to an earlier run.
    #[command(flatten)]
    pub start: StartArgs,
    /// Print one JSON object with the outcome
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign sweep`.
#[cfg(feature = "train")]
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign sweep --suite real-mini --data DIR --methods nft,emb,mona --seeds 0,1,2 --out runs/sweep
  modalign sweep … --grid transfer.mona.alpha=5e-4,0.05 --grid transfer.train.learning_rate=2e-4,5e-4
  modalign sweep … --device wgpu:0,wgpu:1        two cards of this host, a process each
  modalign sweep … --shard 2/8 --out SHARED      the second of eight processes on one file system
  modalign sweep … --list --json                 every cell: [{index, name, state}]
  modalign sweep … --cell emg-mona-0             one of them, for any engine
  modalign sweep … --slurm --sbatch \"--partition=gpu --gpus=1 --time=2:00:00\"
  modalign sweep … --slurm --status
  modalign report --suite runs/sweep/config.toml --data DIR --out runs/sweep

Every cell is trained once, by whoever takes its lock, and kept; any number of processes on one folder
share the cells, and each ends when all are done. The report then measures them all. More methods,
targets or seeds may be added to a folder at any time. A cell that fails is written down
(failed.json), the others go on, and the exit code is 1.

--cell ends with 0 done, 130 requeue me (interrupted, or another process holds the cell), 1 failed.
SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 interrupt like Ctrl-C: whole epochs are kept.

With --grid (or [tuning] in the suite) the settings of every method are chosen first, on validation parts:
[select] in the suite says by which rule. Test parts see the chosen settings alone.")]
pub struct SweepArgs {
    /// What is run, on what.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// How the source model is opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Methods [default: the suite's]
    #[arg(long, value_delimiter = ',')]
    pub methods: Vec<String>,
    /// Targets [default: the suite's]
    #[arg(long, value_delimiter = ',')]
    pub targets: Vec<String>,
    /// Seeds [default: the suite's]
    #[arg(long, value_delimiter = ',')]
    pub seeds: Vec<u64>,
    /// Values of a setting to try before methods are compared; repeatable [default: the suite's]
    #[arg(long, value_name = "KEY=V1,V2")]
    pub grid: Vec<String>,
    /// Only the i-th of n parts of the cells
    #[arg(long, value_name = "I/N")]
    pub shard: Option<String>,
    /// Folder of the run [default: runs/SUITE]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Make anew what was made from a model or data that has changed since
    #[arg(long)]
    pub refresh: bool,
    /// Stop at the first cell that fails; without, the others go on
    #[arg(long)]
    pub fail_fast: bool,
    /// Try cells again that failed before
    #[arg(long)]
    pub retry_failed: bool,
    /// List the cells and how far each is; train nothing
    #[arg(long, conflicts_with_all = ["cell", "slurm", "refresh", "retry_failed"])]
    pub list: bool,
    /// Train the one cell with this name or number of --list
    #[arg(long, value_name = "NAME", conflicts_with_all = ["shard", "slurm", "fail_fast"])]
    pub cell: Option<String>,
    /// Submit the cells that are missing to Slurm, an element of a job array each, and the report after them
    #[arg(long, conflicts_with_all = ["shard", "fail_fast", "refresh"])]
    pub slurm: bool,
    /// Options for sbatch, as in "--partition=gpu --time=2:00:00"
    #[arg(
        long,
        value_name = "OPTIONS",
        requires = "slurm",
        allow_hyphen_values = true
    )]
    pub sbatch: Option<String>,
    /// With --slurm: print scripts and commands, submit nothing
    #[arg(long, requires = "slurm", conflicts_with = "status")]
    pub dry_run: bool,
    /// With --slurm: how far cells and their jobs are; submit nothing
    #[arg(long, requires = "slurm", conflicts_with_all = ["sbatch", "retry_failed"])]
    pub status: bool,
    /// With --list or --status: print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign pretrain`.
#[cfg(feature = "train")]
#[derive(Debug, Args)]
pub struct PretrainArgs {
    /// What is run, on what.
    #[command(flatten)]
    pub experiment: ExperimentArgs,
    /// Model folder to write [default: ./NAME, the suite's own name for it]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Continue or begin anew.
    #[command(flatten)]
    pub start: StartArgs,
}

/// Arguments of `modalign doctor`.
#[cfg(feature = "train")]
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Folder whose data files to look for
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign runs`.
#[cfg(feature = "train")]
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Runs in a folder: how far each is, when it began, how long it took
    #[command(after_help = "Examples:
  modalign runs list
  modalign runs list runs SHARED/sweep --json

States: running (a process works on it), finished (measured to the end), trained (all cells of a
train or sweep are done, nothing is measured yet), unfinished (the same command continues it),
damaged (its settings cannot be read). Cells are those done of those that the settings ask for.")]
    List {
        /// Folders that hold runs, or runs [default: runs]
        #[arg(value_name = "DIR")]
        folders: Vec<PathBuf>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// What a run is, what it ran on, and what every cell of it found
    Show {
        /// Folder of the run
        run: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Features of a run's encoders for TensorBoard's embedding projector
    #[command(after_help = "Examples:
  modalign runs projector runs/demo --out logs
  tensorboard --logdir logs                           then open the tab Projector

Writes a .tsv of vectors for every encoder in RUN/features, metadata.tsv (sample, class, label) and
projector_config.pbtxt. Of encoders that saw the same samples the same ones are taken. The TSV files
can also be loaded by hand on a projector page.")]
    Projector {
        /// Folder of the run
        run: PathBuf,
        /// Folder to write to: a new one, an empty one, or an earlier export
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Which features: test or train
        #[arg(long, default_value = "test", value_parser = ["test", "train"])]
        part: String,
        /// Only so many samples of each encoder, balanced over classes [default: all, at most 100,000]
        #[arg(long, value_name = "N", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
        samples: Option<usize>,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Discard the models that a run needs no more; what it reports stays as it is
    #[command(after_help = "Examples:
  modalign runs prune runs/sweep --dry-run
  modalign runs prune runs/sweep

Discarded are the models of transfers whose measures are all kept (cells/*/measured.json), and of
settings that were tried and not chosen. Kept are the records, the encoders that the report maps,
and every model that is still to be measured or chosen from. A measure that a later version of the
program adds needs the transfer trained again.")]
    Prune {
        /// Folder of the run
        run: PathBuf,
        /// Only say what would be discarded
        #[arg(long)]
        dry_run: bool,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// One run of several that were trained apart: the same settings, other methods, seeds or targets
    #[command(after_help = "Examples:
  modalign runs merge runs/seeds-0 runs/seeds-1 --out runs/both
  modalign report --suite runs/both/config.toml --data DIR --out runs/both

Cells and measures are copied, the farthest of each; a cell that is done in two runs with different
results is refused. Tables and the report are made anew by the report.")]
    Merge {
        /// Folders of runs
        #[arg(value_name = "RUN", required = true, num_args = 2..)]
        runs: Vec<PathBuf>,
        /// Folder of the new run
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Curves and results of a run for TensorBoard or MLflow
    #[command(after_help = "Examples:
  modalign runs export runs/sweep --to tensorboard logs
  modalign runs export runs/sweep --to mlflow http://127.0.0.1:5000

A cell is a run of the tracker, with its settings, every epoch's values and its results; with MLflow they
are nested in one for the whole, which has the report as an artifact. What was exported before and has
not changed is left as it is; what has changed is replaced.")]
    Export {
        /// Folder of the run
        run: PathBuf,
        /// Where to: tensorboard and a folder, or mlflow and the address of a server
        #[arg(long, num_args = 2, required = true, value_names = ["TRACKER", "PLACE"])]
        to: Vec<String>,
        /// Name of MLflow's experiment [default: the suite's name]
        #[arg(long, value_name = "NAME")]
        experiment: Option<String>,
    },
    /// What differs between two runs: settings, source model, device, inputs, results, tables
    #[command(after_help = "Examples:
  modalign runs diff runs/demo runs/again
  modalign runs diff runs/a runs/b --json

Rows of a table are matched by their text columns, seed and epoch (and epochs, where a table has
several rows for the rest). Times are not compared.

Exit codes: 0 the runs agree, 1 they differ (or could not be compared: stderr then says why and
stdout is empty), 2 wrong usage.")]
    Diff {
        /// Folder of the first run
        a: PathBuf,
        /// Folder of the second run
        b: PathBuf,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
}

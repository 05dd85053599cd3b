//! Arguments of the verbs that measure two features files, or one as a target: cka, otdd, transferability.

use super::columns::ColumnArgs;
use crate::evaluate::noise::FEWEST_FOLDS;
use clap::Args;
use std::path::PathBuf;

/// Most folds of a jackknife.
const MOST_FOLDS: usize = 1000;

/// How the noise of a value is found.
#[derive(Debug, Clone, Copy, Args)]
pub struct NoiseArgs {
    /// Parts of the samples that the jackknife leaves out in turn, for the interval; 0 for none
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = folds)]
    pub folds: usize,
    /// Seed of these parts, and of the samples that are drawn
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

fn folds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count == 0 || (FEWEST_FOLDS..=MOST_FOLDS).contains(&count) => Ok(count),
        _ => Err(format!("expected 0, or {FEWEST_FOLDS} to {MOST_FOLDS}")),
    }
}

/// Arguments of `modalign cka`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign cka before.npz after.npz
  modalign cka a.safetensors b.npy --json
  modalign cka a.npz b.npz --features last            an array of another name
  modalign cka a.npz b.npz --layers                   every layer with every layer

Files: features [N, D] of the same N samples under two encoders (see modalign probe --help; .npy alone
will do), D may differ. Where both files have ids, rows are brought to the same order by them; else row i
is taken for the same sample in both, which is told. Where both have labels these must agree.

The value is linear CKA with unbiased estimators in numerator and root: 1 for equal representations up
to rotation and scale, about 0 for unrelated ones at any number of samples from 4. biased is the plain
value, which few samples raise. The interval is the delete-a-group jackknife's (95 %), over whole groups
where a file has groups.

With --layers, files are those that modalign extract --outputs layers writes: the value of every layer of A
(rows; layer_00 is the embedder) with every layer of B, without intervals. A layer that is the same for all
samples, as a class token before the first block, has none.

JSON: value, interval (null without folds, or above N · D · min(N, D) of 6e9: note says why), biased,
samples, features (of both), folds, groups (null without any), note, seconds. With --layers: value and biased
are lists of rows (null where there is none), beside layers and features (of both), samples, seconds.")]
pub struct CkaArgs {
    /// Features file
    #[arg(value_name = "A")]
    pub first: PathBuf,
    /// Features file of the same samples
    #[arg(value_name = "B")]
    pub second: PathBuf,
    #[command(flatten)]
    pub columns: ColumnArgs,
    #[command(flatten)]
    pub noise: NoiseArgs,
    /// Compare every layer of A with every layer of B
    #[arg(long, conflicts_with_all = ["features", "folds", "seed"])]
    pub layers: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign otdd`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign otdd source.npz target.npz
  modalign otdd a.npy b.npy --source-labels ya.npy --target-labels yb.npy --samples 500 --json

Files: features [N, D] and labels [N] of two datasets (see modalign probe --help), of one width D;
numbers of samples and classes may differ, classes need not be the same. Features are what an embedder
says of samples; their unit is that of the value.

The value is the debiased Sinkhorn divergence of cost ½‖x − x'‖² + ½W²(y, y'), W² between the Gaussians
of the classes, in squared units of the features; distance is √(2 · value), the paper's. It is 0 from a
set to itself; of two samples of one distribution it is above 0, the more the fewer they are: compare
values at equal --samples. The interval is the delete-a-group jackknife's (95 %), parts of both files
left out together: it is of the value at this number of samples, and not given where the value did not
converge.

JSON: value, interval, distance, converged, samples (of both, as taken), of (as the files have), classes
(that occur among those taken), folds, note, seconds.")]
pub struct OtddArgs {
    /// Features and labels of the source
    #[arg(value_name = "A")]
    pub source: PathBuf,
    /// Features and labels of the target
    #[arg(value_name = "B")]
    pub target: PathBuf,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Labels of A where it is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub source_labels: Option<PathBuf>,
    /// Labels of B where it is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub target_labels: Option<PathBuf>,
    /// Samples of either file at most, balanced over classes; 0 for all (time grows with their square)
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub samples: usize,
    /// √ε of the transport in units of the features: distances below it are blurred [default: √0.1, as ORCA]
    #[arg(long, value_name = "LENGTH")]
    pub blur: Option<f64>,
    /// Iterations of Sinkhorn at most, behind the annealing
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub iterations: usize,
    #[command(flatten)]
    pub noise: NoiseArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `modalign transferability`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign transferability target.npz
  modalign transferability target.npz --source-probs logits.npz --softmax --json
  modalign transferability x.npy --target-labels y.npy --source-features source.npz

Files: features [N, D] of the target's samples through the source's encoder, with labels [N] (see
modalign probe --help). --source-probs [N, Ks] is what the source model says of the same samples: rows
that sum to 1, or with --softmax logits, in a .npy file or as probs, probabilities or logits of a
features file. Where both files have ids or labels, these must agree row by row. --source-features are
features [M, D] of the source's own samples through the same encoder.

Scores: LEEP and NCE need --source-probs, the modality gap --source-features, LogME and H-score the
features alone; one that lacks something says so and has no value. The OTDD is of two sets: modalign
otdd. Of all but the modality gap higher is better; values compare between encoders on the same samples.
Intervals are the delete-a-group jackknife's (95 %), over whole groups where the file has groups, and
are of the value at this number of samples.

JSON: scores (a list in the order of tables of name, title, better, value, interval, note; null where
there is none), samples, classes (that occur), folds, groups (null without any), seconds.")]
pub struct TransferabilityArgs {
    /// Features and labels of the target
    #[arg(value_name = "FILE")]
    pub target: PathBuf,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Labels where FILE is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub target_labels: Option<PathBuf>,
    /// Source probabilities of the same samples [N, Ks]
    #[arg(long, value_name = "FILE")]
    pub source_probs: Option<PathBuf>,
    /// Take the source's numbers for logits, and the softmax of each row for its probabilities
    #[arg(long, requires = "source_probs")]
    pub softmax: bool,
    /// Features of source samples through the same encoder [M, D]
    #[arg(long, value_name = "FILE")]
    pub source_features: Option<PathBuf>,
    #[command(flatten)]
    pub noise: NoiseArgs,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

//! Arguments of the verbs that measure anyone's features: probe, tsne, discrepancy.

use super::columns::ColumnArgs;
use crate::measure::discrepancy::{Divergence, Search};
use crate::measure::tsne::Engine;
use clap::builder::PossibleValue;
use clap::{ArgAction, ArgGroup, Args, ValueEnum};
use std::path::PathBuf;

/// Most replicates of a null or a bootstrap.
const MOST_REPLICATES: i64 = 1_000_000;

/// Arguments of `modalign probe`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign probe --train train.npz --test test.npz
  modalign probe --train train.npz --test test.npz --sweep --valid valid.npz --json
  modalign probe --train x.npy --train-labels y.npy --test x2.npy --test-labels y2.npy --c 1

Files: .npz (numpy.savez) or .safetensors with features [N, D] (half, single, double, integers), labels
[N] and perhaps class_names, ids and groups; .parquet (a file, or a folder of parts) with the same
columns, features as lists, or a data frame of numbered columns (f0, f1, …), label and perhaps
class_name and id; or .npy, one array a file. A single matrix or numbered family of another name is
taken and told, several are an error; --features and --labels choose. Labels are whole numbers from 0
of any type, also 1.0 and true, as [N] or [N, 1]; or text, whose classes are numbered in sorted
order. Classes are those that occur; class_names are by position. Test samples of a class without
training samples count as errors, which is told. Features are taken in single precision; columns that
have no contents left there (time stamps, units of 1e-50) are centred and scaled in double by the
training set, or refused with --standardize false where a shift does not help.

The probe is multinomial logistic regression by L-BFGS; the objective, as in scikit-learn, is
the sum of log losses + ‖W‖²/(2C), intercept free, so --c means the same there. --sweep tries
eleven C from 0.001 to 100, half a decade apart, and takes the one with the least error on --valid
(of equals the smallest). Without --valid a tenth of the training samples, class by class, is held
out to choose on; the probe that is reported is then fitted on all of them.

On another --device than flex the bulk of the iterations runs there in single precision; the last
ones are exact and on the CPU either way, so that the optimum is the same. Not run on a GPU yet.

JSON: error, balanced_error (mean over the classes of --test of their errors), objective, c,
iterations, converged, seconds, interval (Wilson, 95 %), balanced_interval (95 %, the classes' Wilson
intervals combined; both over groups with --test-groups), groups and groups_per_class (of the test
samples, and of the class that has fewest), confusion (rows: true class, columns: predicted); with --sweep also sweep, every C tried with its validation error.")]
pub struct ProbeArgs {
    /// Features to fit on
    #[arg(long, value_name = "FILE")]
    pub train: PathBuf,
    /// Features to report the error on
    #[arg(long, value_name = "FILE")]
    pub test: PathBuf,
    /// Features to choose C on, with --sweep
    #[arg(long, value_name = "FILE", requires = "sweep")]
    pub valid: Option<PathBuf>,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Labels of --train where it is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub train_labels: Option<PathBuf>,
    /// Labels of --test where it is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub test_labels: Option<PathBuf>,
    /// Labels of --valid where it is a .npy file
    #[arg(long, value_name = "FILE.npy", requires = "valid")]
    pub valid_labels: Option<PathBuf>,
    /// Which test samples belong together, a number for each: intervals are then over groups
    #[arg(long, value_name = "FILE.npy")]
    pub test_groups: Option<PathBuf>,
    /// Inverse strength of the regularisation, as in scikit-learn; the default is CLIP's
    #[arg(long, default_value_t = 0.316)]
    pub c: f64,
    /// Choose C among eleven
    #[arg(long, conflicts_with = "c")]
    pub sweep: bool,
    /// Shift and scale features to mean 0 and deviation 1 on the training set
    #[arg(long, value_name = "true|false", action = ArgAction::Set, default_value_t = true)]
    pub standardize: bool,
    /// L-BFGS iterations at most, for each C
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub iterations: usize,
    /// Seed of the held-out tenth (--sweep without --valid); nothing else is random
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Device to compute on: flex, ndarray, wgpu, vulkan or cuda, as built; a graphics card by its number, as wgpu:1
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ValueEnum for Engine {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Auto,
            Self::Exact,
            Self::BarnesHut,
            Self::Fft,
            Self::Linfa,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Auto => ("auto", "Exact up to 1,000 samples, then fft"),
            Self::Exact => ("exact", "All pairs"),
            Self::BarnesHut => ("barnes-hut", "Near neighbours and a quadtree"),
            Self::Fft => (
                "fft",
                "Near neighbours and a grid: the fastest for many samples",
            ),
            Self::Linfa => ("linfa", "Barnes–Hut of linfa-tsne; varies from run to run"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// How many principal components to keep; `none` keeps the features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Components(pub Option<usize>);

impl std::str::FromStr for Components {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(number) => Ok(Self(Some(number))),
            Err(_) if text == "none" => Ok(Self(None)),
            Err(_) => Err("expected a number of components or none".into()),
        }
    }
}

/// Arguments of `modalign tsne`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("labelled").args(["figure", "projector"]).multiple(true)))]
#[command(after_help = "Examples:
  modalign tsne --features test.npz --out map.npy
  modalign tsne --features test.npz --out map.npy --figure map.svg     coloured by its labels
  modalign tsne --features x.npy --pca none --perplexity 50 --seed 1 --out map.npy --json
  modalign tsne --features test.npz --projector logs --samples 5000    for tensorboard --logdir logs

Files: .npz (numpy.savez), .safetensors or .parquet with features [N, D] (see modalign probe
--help), or .npy, that array alone; --features-name and --labels choose arrays of other names. The
map is written as [N, 2], double precision, row i for sample i: numpy.load(\"map.npy\").

JSON: kl (divergence of the map; up to 3,000 samples by the affinities of all pairs, beyond by those
of the 3 · perplexity nearest neighbours), trustworthiness (of 12 neighbours, 1 is best; null below 25
samples, on 2,000 of them above 10,000), seconds, engine (the one that ran), perplexity (the one that
ran: too few samples for the one asked for lower it), converged (whether the last step moved points
by less than a thousandth of the map's radius; null with linfa). The same seed gives the same bytes,
except with linfa. Of equal rows the neighbours are drawn by seed.")]
pub struct TsneArgs {
    /// Features to map
    #[arg(long, value_name = "FILE")]
    pub features: PathBuf,
    /// Array or column of the features where it is not called features; in Parquet also a prefix (f for f0, f1, …) or columns with commas between
    #[arg(long, value_name = "NAME", alias = "features-column")]
    pub features_name: Option<String>,
    /// Effective number of neighbours; lowered where there are not three times as many samples
    #[arg(long, default_value_t = 30.0)]
    pub perplexity: f64,
    /// Steps of gradient descent
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub iterations: usize,
    /// Seed of the first positions
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// What moves the points
    #[arg(long, value_enum, default_value = "auto")]
    pub engine: Engine,
    /// Principal components to keep first, or none to keep all features
    #[arg(long, value_name = "N|none", default_value = "50")]
    pub pca: Components,
    /// File to write the map to
    #[arg(long, value_name = "FILE.npy", required_unless_present = "projector")]
    pub out: Option<PathBuf>,
    /// File to draw the map to, .svg or .png
    #[arg(long, value_name = "FILE", requires = "out")]
    pub figure: Option<PathBuf>,
    /// Labels for figure and projector: a file in place of the features file's own, or the name of its array
    #[arg(long, value_name = "FILE.npy|NAME", requires = "labelled", aliases = ["labels-name", "labels-column"])]
    pub labels: Option<String>,
    /// Folder to write the features themselves to, for TensorBoard's projector; without --out no map is made
    #[arg(long, value_name = "DIR")]
    pub projector: Option<PathBuf>,
    /// Only so many samples for the projector, balanced over classes
    #[arg(long, value_name = "N", requires = "projector", value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub samples: Option<usize>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ValueEnum for Divergence {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            Self::Nll => "Negative log likelihood, −log p (p from 1e-12)",
            Self::Brier => "(1 − p)²",
            Self::Tv => "Total variation from the label; equals error",
            Self::NllRenormalized => "−log q, q = p renormalised over the chosen source classes",
            Self::KlRenormalized => "Kullback–Leibler divergence of the target from q",
            Self::TvRenormalized => "Total variation between the target and q",
            _ => "Expected 0/1 error, 1 − p",
        };
        Some(PossibleValue::new(self.name()).help(help))
    }
}

impl ValueEnum for Search {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Exact, Self::Local, Self::Greedy, Self::Brute]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Local => ("local", "Swaps and exchanges until none helps"),
            Self::Greedy => (
                "greedy",
                "Each target class takes the best source class still free",
            ),
            Self::Brute => ("brute", "The minimum, by trying all (few classes)"),
            _ => (
                "exact",
                "The minimum: linear assignment, or branch and bound if renormalised",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Arguments of `modalign discrepancy`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign discrepancy --source-probs probs.npy --target-labels labels.npy --holdout
  modalign discrepancy --source-probs probs.npy --target-probs target.npy --divergence nll --json
  modalign discrepancy --source-probs p.npy --target-labels y.npy --figure pairs.svg --source-names s.txt
  modalign discrepancy --source-probs extracted.npz --softmax --holdout        logits and labels of extract

Files: --source-probs [N, Ks] is what the source model says of the target's samples, rows that
sum to 1 (± 0.001), or with --softmax logits. Half, single or double precision; a .npy file of
probabilities is read in blocks, so it may be larger than memory. .npz, .safetensors (as extract
writes them) and .parquet hold them as probs or probabilities, with --softmax as logits (--features
chooses another name), and labels are taken from there where --target-labels is absent (--labels
chooses). --target-labels is [N] or [N, 1] classes (see modalign probe --help), or [N, Kt] zeros and
ones for samples of several classes: then each class's positives are its samples, and D is the mean
over pairs of a sample and one of its classes. Classes that do not occur take no part: labels 1, 2, 5
fit three source classes. --target-probs is [N, Kt] likewise. At most as many
target as source classes; every target class has a source class of its own. p is the source's
probability of the class that stands for a sample's target class. D is the mean over samples, for
the assignment found.

The renormalised divergences compare the target with q, p divided by its sum over the chosen source
classes: the definition of D as it stands. The classes then depend on each other; --search exact is
branch and bound within --nodes and says whether the minimum is proven (certified) or how large the
gap to a proven lower_bound is. Their null is searched by --search local, their chance level is that
of equally probable classes. Of very many source classes they look at a choice (the text says so), and
nothing is certified.

Choosing among many source classes and evaluating on the same samples is optimistic: with
--holdout the assignment is chosen on one part and evaluated on the other. lower_bound, gap and
certified speak of the samples that it was chosen on; value, interval, chance and null of those it
is evaluated on. interval is that of what the assignment found costs on new samples, an upper bound
on D on average; infimum_interval is one of D itself, conservative: from the least mean cost of all
samples less its noise to value with its noise. Without --holdout there is neither.

Windows of one clip, recording or person are not independent: --groups is [N] integers, equal for
samples that belong together. The held-out part is then whole groups of every class (each class
needs two), the null exchanges labels between whole groups, and the bootstrap draws groups.

--csv has one row a target class: target_class, target_name, source_class, source_name, probability
(mean of the source class over the target class's samples), samples, runner_up, runner_up_name (the
other source class of highest mean) and margin (probability less the runner-up's).

JSON: value, lower_bound, gap, certified, assignment (the source class of each target class, null
for one without samples), null_mean and null_interval (shuffled targets, searched anew), chance (a
random assignment), normalized (value / null_mean: 0 a perfect fit, 1 knows nothing), interval
(bootstrap, 95 %) and infimum_interval (both null without --holdout), converged (as certified),
samples, groups and groups_per_class (of the class that has fewest), seconds.")]
pub struct DiscrepancyArgs {
    /// Source probabilities of the target's samples [N, Ks]
    #[arg(long, value_name = "FILE")]
    pub source_probs: PathBuf,
    /// Take the source's numbers for logits, and the softmax of each row for its probabilities
    #[arg(long)]
    pub softmax: bool,
    #[command(flatten)]
    pub columns: ColumnArgs,
    /// Target class of each of the same samples; this, --target-probs, or labels in the file of --source-probs
    #[arg(long, value_name = "FILE.npy", conflicts_with = "target_probs")]
    pub target_labels: Option<PathBuf>,
    /// Target probabilities of the same samples [N, Kt], in place of labels
    #[arg(long, value_name = "FILE.npy")]
    pub target_probs: Option<PathBuf>,
    /// Which samples belong together: a number for each, equal for the windows of one clip or person
    #[arg(long, value_name = "FILE.npy")]
    pub groups: Option<PathBuf>,
    /// What a source probability p costs
    #[arg(long, value_enum, default_value = "error")]
    pub divergence: Divergence,
    /// How the assignment is found
    #[arg(long, value_enum, default_value = "exact")]
    pub search: Search,
    /// Nodes of branch and bound at most (exact search, renormalised) [default: by the size]
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Evaluate on this share of the samples, class by class, and choose on the rest [alone: 0.5]
    #[arg(long, value_name = "SHARE", num_args = 0..=1, default_missing_value = "0.5")]
    pub holdout: Option<f64>,
    /// Resamples for the interval; 0 for none
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = replicates)]
    pub bootstrap: usize,
    /// Shuffles of the targets for the null; 0 for none
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = replicates)]
    pub null: usize,
    /// Seed of split, shuffles and resamples
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Names of the source classes, one a line: line 1 names class 0
    #[arg(long, value_name = "FILE")]
    pub source_names: Option<PathBuf>,
    /// Names of the target classes, one a line: line 1 names label 0
    #[arg(long, value_name = "FILE")]
    pub target_names: Option<PathBuf>,
    /// File to write the matched classes to, with their runners-up
    #[arg(long, value_name = "FILE.csv")]
    pub csv: Option<PathBuf>,
    /// File to draw the matched classes to, .svg or .png
    #[arg(long, value_name = "FILE")]
    pub figure: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

fn replicates(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (0..=MOST_REPLICATES).contains(&number) => Ok(number as usize),
        _ => Err(format!(
            "expected a whole number from 0 to {MOST_REPLICATES}"
        )),
    }
}

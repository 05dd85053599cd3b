//! Arguments of the verbs that measure anyone's features: probe, tsne, discrepancy.

use crate::measure::discrepancy::{Divergence, Search};
use crate::measure::tsne::Engine;
use clap::builder::PossibleValue;
use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;

/// Most replicates of a null or a bootstrap.
const MOST_REPLICATES: i64 = 1_000_000;

/// Arguments of `modalign probe`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign probe --train train.npz --test test.npz
  modalign probe --train train.npz --test test.npz --sweep --valid valid.npz --json
  modalign probe --train x.npy --train-labels y.npy --test x2.npy --test-labels y2.npy --c 1

Files: .npz (numpy.savez) or .safetensors with features [N, D] (half, single or double; taken as
single), labels [N] (integers from 0) and perhaps class_names; .parquet with the same columns,
features as lists, or a data frame of numbered columns (f0, f1, …), label and perhaps class_name
and id; or .npy, one array a file.

The probe is multinomial logistic regression by L-BFGS; the objective, as in scikit-learn, is
the sum of log losses + ‖W‖²/(2C), intercept free, so --c means the same there. --sweep tries
eleven C from 0.001 to 100, half a decade apart, and takes the one with the least error on --valid
(of equals the smallest). Without --valid a tenth of the training samples, class by class, is held
out to choose on; the probe that is reported is then fitted on all of them.

JSON: error, objective, c, iterations, seconds, interval (Wilson, 95 %), confusion (rows:
true class, columns: predicted); with --sweep also sweep, every C tried with its validation error.")]
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
    /// Labels of --train where it is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub train_labels: Option<PathBuf>,
    /// Labels of --test where it is a .npy file
    #[arg(long, value_name = "FILE.npy")]
    pub test_labels: Option<PathBuf>,
    /// Labels of --valid where it is a .npy file
    #[arg(long, value_name = "FILE.npy", requires = "valid")]
    pub valid_labels: Option<PathBuf>,
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
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl ValueEnum for Engine {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Exact, Self::Linfa]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Auto => ("auto", "Exact up to 3,000 samples, then linfa"),
            Self::Exact => ("exact", "All pairs; the same seed gives the same bytes"),
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
#[command(after_help = "Examples:
  modalign tsne --features test.npz --out map.npy
  modalign tsne --features test.npz --out map.npy --figure map.svg     coloured by its labels
  modalign tsne --features x.npy --pca none --perplexity 50 --seed 1 --out map.npy --json

Files: .npz (numpy.savez), .safetensors or .parquet with features [N, D] (see modalign probe
--help), or .npy, that array alone. The
map is written as [N, 2], double precision, row i for sample i: numpy.load(\"map.npy\").

JSON: kl (divergence of the map, over all pairs), trustworthiness (of 12 neighbours, 1 is best),
seconds, engine (the one that ran). Maps of more than 10,000 samples are not judged: both are null.")]
pub struct TsneArgs {
    /// Features to map
    #[arg(long, value_name = "FILE")]
    pub features: PathBuf,
    /// Effective number of neighbours; needs more than three times as many samples
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
    #[arg(long, value_name = "FILE.npy")]
    pub out: PathBuf,
    /// File to draw the map to, .svg or .png
    #[arg(long, value_name = "FILE")]
    pub figure: Option<PathBuf>,
    /// Labels for the figure, in place of the features file's own
    #[arg(long, value_name = "FILE.npy", requires = "figure")]
    pub labels: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A divergence by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DivergenceName {
    /// One that can be computed.
    Known(Divergence),
    /// A name that is taken but cannot be computed yet.
    Missing(&'static str),
}

impl ValueEnum for DivergenceName {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Known(Divergence::Error),
            Self::Known(Divergence::Nll),
            Self::Known(Divergence::Brier),
            Self::Known(Divergence::Tv),
            Self::Missing("nll-renormalized"),
            Self::Missing("kl-renormalized"),
            Self::Missing("tv-renormalized"),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Missing(name) => PossibleValue::new(*name).hide(true),
            Self::Known(known) => PossibleValue::new(known.name()).help(match known {
                Divergence::Error => "Expected 0/1 error, 1 − p",
                Divergence::Nll => "Negative log likelihood, −log p (p from 1e-12)",
                Divergence::Brier => "(1 − p)²",
                Divergence::Tv => "Total variation from the label; equals error",
            }),
        })
    }
}

/// A search by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchName {
    /// One that can be done.
    Known(Search),
    /// A name that is taken but cannot be done yet.
    Missing(&'static str),
}

impl ValueEnum for SearchName {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self::Known(Search::Exact),
            Self::Known(Search::Greedy),
            Self::Known(Search::Brute),
            Self::Missing("local"),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Missing(name) => return Some(PossibleValue::new(*name).hide(true)),
            Self::Known(Search::Exact) => ("exact", "The minimum, by linear assignment"),
            Self::Known(Search::Greedy) => (
                "greedy",
                "Each target class takes the best source class still free",
            ),
            Self::Known(Search::Brute) => ("brute", "The minimum, by trying all (few classes)"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// Arguments of `modalign discrepancy`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign discrepancy --source-probs probs.npy --target-labels labels.npy --holdout
  modalign discrepancy --source-probs probs.npy --target-probs target.npy --divergence nll --json

Files: --source-probs [N, Ks] is what the source model says of the target's samples, rows that
sum to 1 (± 0.001; logits need a softmax first); --target-labels [N] integers from 0;
--target-probs [N, Kt] likewise; at most as many target as source classes. p is the source's
probability of the class that stands for a sample's target class; every target class has a source
class of its own. D is the mean over samples, for the assignment found.

Choosing among many source classes and evaluating on the same samples is optimistic: with
--holdout the assignment is chosen on one part and evaluated on the other. lower_bound, gap and
certified speak of the samples that it was chosen on; value, interval, chance and null of those it
is evaluated on.

Not in this version: the divergences nll-renormalized, kl-renormalized and tv-renormalized, and
the search local that they need.

JSON: value, lower_bound, gap, certified, assignment (the source class of each target class, null
for one without samples), null_mean and null_interval (shuffled targets, searched anew), chance (a
random assignment), normalized (value / null_mean: 0 a perfect fit, 1 knows nothing), interval
(bootstrap, 95 %), seconds.")]
pub struct DiscrepancyArgs {
    /// Source probabilities of the target's samples [N, Ks]
    #[arg(long, value_name = "FILE.npy")]
    pub source_probs: PathBuf,
    /// Target class of each of the same samples; this or --target-probs
    #[arg(
        long,
        value_name = "FILE.npy",
        required_unless_present = "target_probs",
        conflicts_with = "target_probs"
    )]
    pub target_labels: Option<PathBuf>,
    /// Target probabilities of the same samples [N, Kt], in place of labels
    #[arg(long, value_name = "FILE.npy")]
    pub target_probs: Option<PathBuf>,
    /// What a source probability p costs
    #[arg(long, value_enum, default_value = "error")]
    pub divergence: DivergenceName,
    /// How the assignment is found
    #[arg(long, value_enum, default_value = "exact")]
    pub search: SearchName,
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

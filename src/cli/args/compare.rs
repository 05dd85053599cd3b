//! Arguments of `modalign compare`.

use super::OpeningArgs;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `modalign compare`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  modalign compare resnet.npz swin.npz clip.npz
  modalign compare resnet.npz swin.npz --reference swin.npz --json
  modalign compare x.npy y.npy --labels labels.npy --out runs/x-and-y
  modalign compare runs/demo                         the encoders of a run, against the pretrained one
  modalign compare swin_a.pth swin_b.pth --images cifar10:test --data-dir DATA

An encoder is a features file (.npz, .safetensors, .parquet: features [N, D], labels [N], perhaps class_names,
ids and groups, see modalign probe --help; .npy: features, with --labels), a run folder (every encoder whose features it keeps: those
of the t-SNE maps), or a model (with --images; then its pooled outputs). All encoders hold the same samples:
rows are matched by ids where files have them, else row i is sample i everywhere, and the labels
must agree. The number of features may differ.

Samples are split once for all encoders, class by class: probe and nearest neighbours learn from
--train-share of them, C is chosen inside of that share, and everything is reported on the rest.
Encoders that all come from runs keep the runs' own training and test parts. Every other encoder is set
against the reference, pair by pair on the same test samples; a difference is beyond noise where
its 95 % interval is clear of zero and its p value holds at 5 % after Holm's correction for all
differences of the page, of measures and of classes. The noise is that of test samples and, for probe
and neighbours, of the training samples and the choice of C (they learn again without each of up to
20 folds); another training of an encoder is not in it. Few samples show nothing: below six on which
two probes part, no difference is marked.

One process writes a folder: a second one is told which. A folder is none of its inputs.

The folder gets tables/ (measures, differences, classes, cka, tsne as CSV and Parquet), figures/, compare.json
and comparison.html, whose path is the last line on stdout. The same files, seed and settings give
the same bytes.

JSON: reference, encoders (title, path, kind, sha256, dim, c, measures: value and interval by name,
classes), differences (encoder, measure, difference, interval, p, adjusted, verdict: better, worse,
not shown or not tested), class_differences, cka (matrix in the order of encoders), samples, settings,
notes, folder, report, seconds.")]
pub struct CompareArgs {
    /// Features files, runs, models
    #[arg(value_name = "ENCODER", required = true)]
    pub encoders: Vec<String>,
    /// The encoder that the others are set against, as given or by its title [default: the first]
    #[arg(long, value_name = "ENCODER")]
    pub reference: Option<String>,
    /// Folder to write to [default: runs/compare-HASH]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Array or column of the features where it is not called features (see modalign probe --help)
    #[arg(long, value_name = "NAME", aliases = ["features-name", "features-column"])]
    pub features: Option<String>,
    /// Labels of features files that have none, or the name of their array where it is not called labels
    #[arg(long, value_name = "FILE.npy|NAME", aliases = ["labels-name", "labels-column"])]
    pub labels: Option<String>,
    /// What models are asked about: SET[:train|valid|test], or a tensor FILE:NAME with --labels
    #[arg(long, value_name = "SET|FILE:NAME")]
    pub images: Option<String>,
    /// How models are opened.
    #[command(flatten)]
    pub opening: OpeningArgs,
    /// Folder with the dataset's files
    #[arg(long, value_name = "DIR", requires = "images")]
    pub data_dir: Option<PathBuf>,
    /// Share of every class that probe and neighbours learn from
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub train_share: f64,
    /// Test samples for maps, alignment, uniformity and silhouette, balanced over classes; 0 for all
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub sample: usize,
    /// Without effect since differences are tested exactly and by the jackknife; still read
    #[arg(long, value_name = "N", hide = true)]
    pub bootstrap: Option<usize>,
    /// Steps of every t-SNE map; 0 for no maps
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub iterations: usize,
    /// Seed of split, sample, folds and maps
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Device that models compute on: flex, ndarray, wgpu, vulkan or cuda, as built; a graphics card by its number, as wgpu:1
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

//! A suite: one experiment, as data. Which source model, which surrogate, which targets, which
//! methods, epochs, seeds and measures. Suites ship inside the program or come from a file; a key
//! that is not known is refused, with the nearest one that is.

pub use super::dataset::DatasetSpec;
pub use super::embedded::EMBEDDED;
use super::error::ManifestError;
use super::pairs::PairSettings;
use super::parts::{Activation, EmbedderInit, Pooling};
pub use super::pretraining::{Pretrain, Shape, Towers};
use super::stage1::Stage1;
use super::training::TrainSettings;
use super::tuning::{Selection, Tuning};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// Short name used in file names (`[a-z0-9-]+`).
    pub name: String,
    /// Name shown in the report.
    pub title: String,
    /// What the experiment is about, in a sentence or two.
    #[serde(default)]
    pub description: String,
    /// Seed of the data: which samples a cap keeps, procedural samples, rotations.
    #[serde(default)]
    pub data_seed: u64,
    /// The source model and what it was trained on.
    pub source: Source,
    /// The surrogate source set: unseen by the model, of the source modality.
    pub surrogate: DatasetSpec,
    /// The target tasks, in the order of the figures.
    pub targets: Vec<DatasetSpec>,
    /// How the source model is transferred.
    pub transfer: Transfer,
    /// Settings that are tried before the methods are compared.
    #[serde(default)]
    pub tuning: Tuning,
    /// Which of them is chosen.
    #[serde(default)]
    pub select: Selection,
    /// What is measured.
    #[serde(default)]
    pub measures: Measures,
}

/// The source model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Name of a checkpoint inside the program, path of a model folder (relative to the suite
    /// file), or name on the Hugging Face hub.
    pub model: String,
    /// Key of the state dict in its checkpoint, or prefix of its tensor names; found by itself
    /// without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Patterns of tensor names to leave out; `*` stands for anything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// Side of its square images in pixels, before what its files say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_size: Option<usize>,
    /// How its encoder pools, where another way than its publisher's is wanted: `first` or `mean`, of a ViT also
    /// `first-and-mean` and `class-and-distillation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pooling: Option<Pooling>,
    /// Activation of a CLIP's MLPs, `gelu` or `quick_gelu`, where its files do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// Of a CLIP: which texts its classes are. Its zero-shot error and the gap between its towers are then measured,
    /// and D takes its zero-shot classifier for the source's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<ClassTexts>,
    /// Attention heads of a ViT whose files do not tell them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heads: Option<usize>,
    /// What it was, or is to be, trained on; none where its publisher trained it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DatasetSpec>,
    /// Its architecture, for `modalign pretrain`: a Swin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Its architecture, for `modalign pretrain`: both towers of a CLIP, in place of `shape`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub towers: Option<Towers>,
    /// Its recipe, for `modalign pretrain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrain: Option<Pretrain>,
}

/// Texts as the classes of a CLIP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassTexts {
    /// Names of the source classes; those of the surrogate where none are said, and then alone its zero-shot error is
    /// measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
    /// Text of a class, with `{}` for its name; of several the mean counts.
    #[serde(default = "templates")]
    pub templates: Vec<String>,
    /// `tokenizer.json`, `vocab.json` with `merges.txt`, or OpenAI's list of merges, or the folder of one; beside the
    /// model where none is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokenizer: Option<String>,
}

impl Default for ClassTexts {
    fn default() -> Self {
        Self {
            classes: Vec::new(),
            templates: templates(),
            tokenizer: None,
        }
    }
}

fn templates() -> Vec<String> {
    vec!["a photo of a {}.".into()]
}

impl Source {
    /// Another model, of which nothing is said: what a suite says of its own model (how it is opened, what it was
    /// trained on) holds of that alone.
    pub fn other(model: &str) -> Self {
        Self {
            model: model.into(),
            key: None,
            ignore: Vec::new(),
            image_size: None,
            pooling: None,
            activation: None,
            heads: None,
            texts: None,
            data: None,
            shape: None,
            towers: None,
            pretrain: None,
        }
    }
}

/// How the source model is transferred.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Names of the transfer methods. The transfer room knows them and checks the names; without this
    /// key: plain fine-tuning.
    #[serde(default, deserialize_with = "at_least_one")]
    pub methods: Vec<String>,
    /// One run for each of these seeds (initial values, order, dropped paths).
    #[serde(default = "first")]
    pub seeds: Vec<u64>,
    /// How a target's embedder starts.
    #[serde(default)]
    pub embedder: EmbedderInit,
    /// Stage 1 of the methods that have one.
    #[serde(default)]
    pub stage1: Stage1,
    /// What tells classes apart: a linear head on the one tower of images, or of a CLIP the texts of their names.
    #[serde(default, skip_serializing_if = "Head::is_linear")]
    pub head: Head,
    /// Training samples of every class, drawn by the seed; 0 = all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shots: usize,
    /// Losses of pictures with captions.
    #[serde(default, skip_serializing_if = "PairSettings::is_default")]
    pub pairs: PairSettings,
    /// `[transfer.NAME]`: the methods' own settings.
    #[serde(flatten)]
    pub method_settings: MethodSettings,
    /// Stage 2: the fine-tuning.
    pub train: TrainSettings,
}

impl Transfer {
    /// Every key that is not a method's.
    pub const KEYS: [&str; 8] = [
        "methods", "seeds", "embedder", "stage1", "head", "shots", "pairs", "train",
    ];
}

/// What tells the classes of a target apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Head {
    /// A linear head on features of images.
    #[default]
    Linear,
    /// Of a CLIP: the texts of their names.
    Texts,
}

impl Head {
    /// Whether it is the usual one.
    pub fn is_linear(&self) -> bool {
        *self == Self::Linear
    }
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Tables of settings by the name of their method. The transfer room knows what stands in them, checks
/// and completes them.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MethodSettings(pub BTreeMap<String, toml::Table>);

impl<'de> Deserialize<'de> for MethodSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let all = BTreeMap::<String, toml::Value>::deserialize(deserializer)?;
        let table = |(name, value): (String, toml::Value)| match value {
            toml::Value::Table(table) => Ok((name, table)),
            _ => Err(D::Error::unknown_field(&name, &Transfer::KEYS)),
        };
        all.into_iter()
            .map(table)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

fn at_least_one<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let methods = Vec::deserialize(deserializer)?;
    if methods.is_empty() {
        return Err(D::Error::invalid_length(0, &"at least one method"));
    }
    Ok(methods)
}

fn first() -> Vec<u64> {
    vec![0]
}

/// What is measured, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Measures {
    /// Epochs of the fine-tuning after which the surrogate is probed too (0 = before the first);
    /// the encoder of each is kept in the run.
    pub probe_epochs: Vec<usize>,
    /// Values of C (scikit-learn's inverse regularisation) to choose from on the validation part.
    pub probe_c: Vec<f64>,
    /// Whether the probe's features are standardised by training statistics.
    pub probe_standardize: bool,
    /// L-BFGS iterations at most, for each C; a probe that needs more is named in the run's notes.
    pub probe_iterations: usize,
    /// Surrogate test samples in the t-SNE panels (balanced over classes; 0 = all).
    pub tsne_points: usize,
    /// Perplexity of t-SNE.
    pub tsne_perplexity: f64,
    /// Gradient steps of t-SNE.
    pub tsne_iterations: usize,
    /// Seed of t-SNE.
    pub tsne_seed: u64,
    /// Share of every class of a target's test samples that is held out: D(Ms, Mt) is evaluated on it. The
    /// other samples choose the label assignment.
    pub discrepancy_holdout: f64,
    /// Bootstrap replicates of its interval.
    pub discrepancy_bootstrap: usize,
    /// Label shuffles of its null.
    pub discrepancy_null: usize,
    /// Seed of splits, replicates and shuffles.
    pub discrepancy_seed: u64,
    /// Replicates of the bootstrap over test samples (whole groups) of differences between methods and of
    /// their means; Student's t over seeds comes on top.
    pub paired_bootstrap: usize,
    /// Test samples of the surrogate and of every target that the other measures see (balanced
    /// over classes; 0 = all): CKA, k-NN, silhouette, LogME, H-score, LEEP, NCE, modality gap.
    #[serde(alias = "yardstick_samples")]
    pub balanced_samples: usize,
    /// Neighbours that vote in the k-NN accuracy.
    pub knn_neighbours: usize,
    /// Samples on either side of the OTDD; its other settings are those of `[transfer.orca]`.
    pub otdd_samples: usize,
    /// Numbers of simulated steps from where a plain stage 2 begins, whose effect on source features is set beside
    /// that of the fine-tuning itself; empty: none is simulated.
    pub simulated_steps: Vec<usize>,
    /// How often every number of steps is simulated, on other batches each time.
    pub simulated_draws: usize,
    /// Values of α between 0 and 1, rising: encoders (1 − α) θ⁰ + α θ¹ between the pretrained and the fine-tuned one that are
    /// evaluated too, with those at 0 and 1, under the fine-tuned embedder and predictor. A curve of target against
    /// source from one training; empty: none.
    pub interpolation: Vec<f64>,
    /// Methods whose encoders are interpolated. Methods are set against the curve of the first one, at equal target
    /// error.
    pub interpolation_methods: Vec<String>,
}

impl Default for Measures {
    fn default() -> Self {
        Self {
            probe_epochs: Vec::new(),
            probe_c: vec![0.01, 0.1, 0.316, 1.0],
            probe_standardize: true,
            probe_iterations: 500,
            tsne_points: 1000,
            tsne_perplexity: 30.0,
            tsne_iterations: 1000,
            tsne_seed: 0,
            discrepancy_holdout: 0.5,
            discrepancy_bootstrap: 500,
            discrepancy_null: 100,
            discrepancy_seed: 0,
            paired_bootstrap: 2000,
            balanced_samples: 1000,
            knn_neighbours: 10,
            otdd_samples: 500,
            simulated_steps: Vec::new(),
            simulated_draws: 8,
            interpolation: Vec::new(),
            interpolation_methods: vec!["nft".into()],
        }
    }
}

impl Suite {
    /// Resolves a name of an embedded suite or the path of a TOML file.
    pub fn resolve(asked: &str) -> Result<Self, ManifestError> {
        if let Some((name, text)) = EMBEDDED.iter().find(|(name, _)| *name == asked) {
            return Self::parse(text, &format!("suite {name}"));
        }
        let path = Path::new(asked);
        let names: Vec<&str> = EMBEDDED.iter().map(|(name, _)| *name).collect();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mut suite = Self::parse(&text, asked)?;
                // A model folder is named relative to the file that names it.
                let beside = path
                    .parent()
                    .unwrap_or(Path::new("."))
                    .join(&suite.source.model);
                if beside.join("config.json").exists() || beside.is_file() {
                    suite.source.model = beside.to_string_lossy().into_owned();
                }
                let Source { data, .. } = &mut suite.source;
                let sets = suite.targets.iter_mut().chain([&mut suite.surrogate]);
                for set in sets.chain(data) {
                    if let Some(place) = &mut set.path {
                        let joined = path.parent().unwrap_or(Path::new(".")).join(&*place);
                        // Whole, so that the run's config.toml finds it too.
                        *place = std::path::absolute(&joined).unwrap_or(joined);
                    }
                }
                Ok(suite)
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(ManifestError::Unknown {
                asked: asked.into(),
                known: names.join(", "),
                near: nearest(asked, names.iter().copied()),
            }),
            Err(source) => Err(ManifestError::Io {
                path: path.into(),
                source,
            }),
        }
    }

    /// Every dataset that the suite names: targets, surrogate, and what its source model is trained on.
    pub fn datasets(&self) -> impl Iterator<Item = &DatasetSpec> {
        let sets = self.targets.iter().chain([&self.surrogate]);
        sets.chain(&self.source.data)
    }

    /// Parses and checks a suite; `origin` names it in errors. Readers are checked where they are known
    /// (`dataset::readers`).
    pub fn parse(text: &str, origin: &str) -> Result<Self, ManifestError> {
        let suite: Self = parse(text, origin)?;
        suite.check(origin)?;
        Ok(suite)
    }

    fn check(&self, origin: &str) -> Result<(), ManifestError> {
        let wrong = |what: &str, expected: &str, found: String| {
            Err(ManifestError::Invalid {
                origin: origin.into(),
                what: what.into(),
                expected: expected.into(),
                found,
            })
        };
        let plain = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let mut names = vec![&self.name, &self.surrogate.name];
        names.extend(self.targets.iter().map(|t| &t.name));
        if let Some(name) = names.iter().find(|n| !plain(n)) {
            return wrong(
                "name",
                "lower-case letters, digits and dashes",
                format!("{name:?}"),
            );
        }
        let mut sorted: Vec<&String> = self.targets.iter().map(|t| &t.name).collect();
        sorted.sort();
        if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
            return wrong(
                "targets",
                "different names",
                format!("{:?} twice", twice[0]),
            );
        }
        if let Some(name) = sorted
            .iter()
            .find(|n| ["pretrained", "pixels"].contains(&n.as_str()))
        {
            return wrong(
                "target name",
                "a name other than the reference encoders'",
                format!("{name:?}"),
            );
        }
        if self.targets.is_empty() || self.transfer.seeds.is_empty() {
            return wrong(
                "targets and seeds",
                "at least one of each",
                "an empty list".into(),
            );
        }
        if self.measures.probe_c.is_empty()
            || self
                .measures
                .probe_c
                .iter()
                .any(|c| !(*c > 0.0 && c.is_finite()))
        {
            return wrong(
                "measures.probe_c",
                "one or more positive numbers",
                format!("{:?}", self.measures.probe_c),
            );
        }
        let alphas = &self.measures.interpolation;
        let inside = alphas.iter().all(|alpha| *alpha > 0.0 && *alpha < 1.0);
        if !inside || alphas.windows(2).any(|pair| pair[0] >= pair[1]) {
            return wrong(
                "measures.interpolation",
                "rising numbers between 0 and 1, both ends left out",
                format!("{alphas:?}"),
            );
        }
        if let Some((what, expected, found)) = self.source.conflict() {
            return wrong(what, expected, found);
        }
        let pretrain = self.source.pretrain.as_ref();
        let pretrain = pretrain.map(|own| ("source.pretrain.train", &own.train));
        let trained = [("transfer.train", &self.transfer.train)];
        for (place, train) in trained.into_iter().chain(pretrain) {
            if let Some((what, expected, found)) = train.conflict() {
                return wrong(&format!("{place}.{what}"), expected, found);
            }
        }
        let pretrain = self.source.pretrain.as_ref();
        let pretrain = pretrain.map(|own| ("source.pretrain", &own.pairs));
        let trained = [("transfer", &self.transfer.pairs)];
        for (place, pairs) in trained.into_iter().chain(pretrain) {
            if let Some((what, expected, found)) = pairs.conflict() {
                return wrong(&format!("{place}.{what}"), expected, found);
            }
        }
        let Measures {
            simulated_steps,
            simulated_draws,
            ..
        } = &self.measures;
        if simulated_steps.contains(&0) || (!simulated_steps.is_empty() && *simulated_draws == 0) {
            return wrong(
                "measures.simulated_steps and simulated_draws",
                "numbers of at least 1",
                format!("{simulated_steps:?}, {simulated_draws} draws"),
            );
        }
        let holdout = self.measures.discrepancy_holdout;
        if !(holdout > 0.0 && holdout < 1.0) {
            return wrong(
                "measures.discrepancy_holdout",
                "between 0 and 1",
                holdout.to_string(),
            );
        }
        Ok(())
    }
}

/// Parses a manifest of any kind.
pub(super) fn parse<T: serde::de::DeserializeOwned>(
    text: &str,
    origin: &str,
) -> Result<T, ManifestError> {
    toml::from_str(text).map_err(|e| ManifestError::Parse {
        origin: origin.into(),
        near: misspelt(e.message()),
        message: e.to_string().trim_end().to_string(),
    })
}

/// The known key nearest to the unknown one that serde complains of
/// (``unknown field `epoch`, expected one of `epochs`, …``).
pub fn misspelt(message: &str) -> Option<String> {
    let rest = message
        .split_once("unknown field `")
        .or_else(|| message.split_once("unknown variant `"))?
        .1;
    let (unknown, rest) = rest.split_once('`')?;
    nearest(unknown, rest.split('`').skip(1).step_by(2))
}

/// The candidate most like `word`, if any is like it at all.
pub fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    candidates
        .map(|c| (strsim::jaro_winkler(word, c), c))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.7)
        .map(|(_, c)| c.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_suites_parse_and_replay() {
        for (name, text) in EMBEDDED {
            let suite = Suite::parse(text, name).unwrap();
            assert_eq!(suite.name, name);
            let again = Suite::parse(&toml::to_string(&suite).unwrap(), name).unwrap();
            assert_eq!(
                suite, again,
                "the resolved configuration must replay the suite"
            );
        }
    }

    #[test]
    fn a_misspelt_key_is_refused_with_the_nearest() {
        let text = EMBEDDED[0].1.replacen("epochs", "epoch", 1);
        let error = Suite::parse(&text, "x").unwrap_err().to_string();
        assert!(error.contains("did you mean \"epochs\"?"), "{error}");
    }

    #[test]
    fn patience_without_a_choice_of_epoch_is_refused() {
        let train = |lines: &str| {
            let text = EMBEDDED[0].1;
            let mut table: toml::Table = toml::from_str(text).unwrap();
            let transfer = table["transfer"].as_table_mut().unwrap();
            let train = transfer
                .entry("train")
                .or_insert_with(|| toml::Table::new().into());
            let train = train.as_table_mut().unwrap();
            train.extend(toml::from_str::<toml::Table>(lines).unwrap());
            Suite::parse(&toml::to_string(&table).unwrap(), "x")
        };
        for lines in ["patience = 3", "patience = 1\nselect = \"last\""] {
            let error = train(lines).unwrap_err().to_string();
            for word in ["transfer.train.patience", "select = \"valid\""] {
                assert!(error.contains(word), "{error}");
            }
        }
        for lines in [
            "patience = 0\nselect = \"last\"",
            "patience = 3\nselect = \"valid\"",
            "patience = 3\nselect = \"test\"",
        ] {
            train(lines).unwrap();
        }
    }

    #[test]
    fn an_interpolation_is_a_rising_list_inside_its_ends() {
        let with = |list: &str| {
            let mut table: toml::Table = toml::from_str(EMBEDDED[0].1).unwrap();
            let measures = table
                .entry("measures")
                .or_insert_with(|| toml::Table::new().into());
            let lines: toml::Table = toml::from_str(&format!("interpolation = {list}")).unwrap();
            measures.as_table_mut().unwrap().extend(lines);
            Suite::parse(&toml::to_string(&table).unwrap(), "x")
        };
        for right in ["[]", "[0.5]", "[0.25, 0.5, 0.75]"] {
            with(right).unwrap();
        }
        for wrong in [
            "[0.0, 0.5]",
            "[0.5, 1.0]",
            "[0.5, 0.25]",
            "[0.5, 0.5]",
            "[nan]",
            "[-0.5]",
        ] {
            let error = with(wrong).unwrap_err().to_string();
            assert!(error.contains("measures.interpolation"), "{error}");
        }
    }

    #[test]
    fn an_unknown_suite_names_the_nearest() {
        let error = Suite::resolve("real-mimi").unwrap_err().to_string();
        assert!(error.contains("did you mean \"real-mini\"?"), "{error}");
    }
}

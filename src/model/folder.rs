//! Model folders as the field exchanges them: `config.json` beside the weights, read and written
//! so that `transformers` loads ours and we load theirs.

use super::embedder::PieceEmbedder;
use super::layers::Init;
use super::names::Scheme;
use super::network::before;
use super::state::{parameters, state, with_state};
use super::weights::{Array, Weights, write};
use super::{Architecture, Embedder, Model, ModelError, Predictor};
use crate::manifest::parts::{PredictorInit, PredictorSpec};
use burn::tensor::{DType, Device};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// A model read from a folder.
pub struct Loaded {
    /// Architecture and parameters.
    pub model: Model,
    /// Class names of the predictor; empty if the checkpoint has none.
    pub labels: Vec<String>,
    /// SHA-256 of the weights file, in hexadecimal.
    pub sha256: String,
    /// Tensors of the file that carry nothing for this model (buffers, heads of other tasks).
    pub ignored: Vec<String>,
}

/// What `config.json` says under `modalign`: the parts that Hugging Face has no words for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extras {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    predictor: Option<PredictorSpec>,
}

/// Everything that `config.json` says.
pub struct Description {
    /// The encoder's architecture.
    pub architecture: Architecture,
    extras: Extras,
}

impl From<Architecture> for Description {
    fn from(architecture: Architecture) -> Self {
        Self {
            architecture,
            extras: Extras::default(),
        }
    }
}

impl Description {
    /// Reads and checks `config.json` of a model folder.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let text = std::fs::read_to_string(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => ModelError::Missing {
                path: path.into(),
                hint: "a model folder holds config.json and model.safetensors".into(),
            },
            _ => ModelError::Io {
                path: path.into(),
                source,
            },
        })?;
        Self::parse(&text, path)
    }

    /// Parses and checks the text of a `config.json`; `path` names it in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ModelError> {
        let architecture = Architecture::parse(text, path)?;
        let value: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let extras = match value.get("modalign") {
            None => Extras::default(),
            Some(own) => {
                serde_json::from_value(own.clone()).map_err(|e| ModelError::Malformed {
                    path: path.into(),
                    what: "modalign".into(),
                    expected: "the description of a predictor".into(),
                    found: e.to_string(),
                })?
            }
        };
        Ok(Self {
            architecture,
            extras,
        })
    }
}

/// Loads a model folder onto `device` in float type `dtype`.
pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<Loaded, ModelError> {
    let description = Description::read(&folder.join("config.json"))?;
    let weights = Weights::open(&folder.join("model.safetensors"))?;
    build(description, &weights, device, dtype)
}

/// Where the tensors of a file are, by their published names.
struct Index<'a> {
    weights: &'a Weights,
    known: BTreeMap<String, String>,
    ignored: Vec<String>,
}

impl<'a> Index<'a> {
    fn new(weights: &'a Weights, scheme: Scheme) -> Self {
        let (mut known, mut ignored) = (BTreeMap::new(), Vec::new());
        for name in weights.names() {
            match scheme.canonical(name) {
                Some(canonical) => drop(known.insert(canonical, name.to_string())),
                None => ignored.push(name.to_string()),
            }
        }
        Self {
            weights,
            known,
            ignored,
        }
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.weights.shape(self.known.get(name)?)
    }
}

/// The model that a description and the tensors beside it call for, still without values.
fn outline(
    description: Description,
    index: &Index,
    device: &Device,
    dtype: DType,
) -> Result<Model, ModelError> {
    let mut init = Init {
        device,
        dtype,
        rng: None,
    };
    let Description {
        architecture,
        extras,
    } = description;
    let classifier = index.shape("classifier.weight").and_then(|s| s.first());
    let classification = classifier.map(|&classes| PredictorSpec::Classification { classes });
    let spec = extras.predictor.or(classification);
    let channels = match &architecture {
        Architecture::Swin(swin) => swin.num_channels,
        Architecture::Roberta(_) => 1,
    };
    let mut model = Model::build(architecture, channels, None, &mut init)?;
    if let (Some(&[out, channels, stack]), Some(&[positions, _])) = (
        index.shape("modalign.embedder.weight"),
        index.shape("modalign.embedder.positions"),
    ) {
        let pieces = PieceEmbedder::blank([out, channels, stack], positions, &mut init);
        model.network.embedder = Embedder::Pieces(pieces);
    }
    if let Some(spec) = spec {
        let before = before(&model.config, &model.network.embedder);
        model.network.predictor =
            Predictor::new(&spec, before, PredictorInit::default(), &mut init)?;
    }
    Ok(model)
}

/// A model from its description and weights.
pub fn build(
    description: Description,
    weights: &Weights,
    device: &Device,
    dtype: DType,
) -> Result<Loaded, ModelError> {
    let file = weights.path().to_path_buf();
    let family = match description.architecture {
        Architecture::Swin(_) => Scheme::Swin,
        Architecture::Roberta(_) => Scheme::Roberta,
    };
    let index = Index::new(weights, family);
    let mut model = outline(description, &index, device, dtype)?;
    let scheme = Scheme::of(&model);
    let (mut missing, mut shapes, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let wanted: Vec<_> = parameters(&model.network)
        .into_iter()
        .map(|(path, shape)| (scheme.tensors(&path), path, shape))
        .collect();
    for (parts, _, shape) in &wanted {
        let mut expected = shape.clone();
        expected[0] /= parts.len();
        for part in parts {
            match index.shape(part) {
                None => missing.push(part.clone()),
                Some(found) if found != expected => {
                    shapes.push(format!("{part}: expected {expected:?}, found {found:?}"));
                }
                Some(_) => {}
            }
            used.push(part.clone());
        }
    }
    let unexpected: Vec<String> = index
        .known
        .keys()
        .filter(|k| !used.contains(k))
        .cloned()
        .collect();
    if !(missing.is_empty() && shapes.is_empty() && unexpected.is_empty()) {
        return Err(ModelError::Mismatch {
            path: file,
            missing,
            unexpected,
            shapes,
        });
    }
    let mut arrays = BTreeMap::new();
    for (parts, path, shape) in wanted {
        let mut values = Vec::with_capacity(shape.iter().product());
        for part in &parts {
            values.extend(weights.read(&index.known[part])?.values);
        }
        arrays.insert(path, Array { shape, values });
    }
    model.network = with_state(model.network, arrays, dtype, &file)?;
    let labels = model.classes().map(|k| model.config.labels(k));
    Ok(Loaded {
        labels: labels.unwrap_or_default(),
        model,
        sha256: weights.sha256(),
        ignored: index.ignored,
    })
}

/// Writes a model as a Hugging Face style folder; `labels` name the classes of its predictor.
pub fn save(model: &Model, labels: &[String], folder: &Path) -> Result<(), ModelError> {
    let scheme = Scheme::of(model);
    let mut arrays = BTreeMap::new();
    for (path, array) in state(&model.network) {
        let parts = scheme.tensors(&path);
        let mut shape = array.shape;
        shape[0] /= parts.len();
        let size = shape.iter().product::<usize>().max(1);
        for (name, values) in parts.into_iter().zip(array.values.chunks(size)) {
            arrays.insert(
                name,
                Array {
                    shape: shape.clone(),
                    values: values.to_vec(),
                },
            );
        }
    }
    let config = config_json(model, labels);
    let path = folder.join("config.json");
    crate::atomic::write(&path, config.as_bytes())
        .map_err(|source| ModelError::Io { path, source })?;
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    write(&folder.join("model.safetensors"), &arrays, metadata)
}

/// `config.json` as `transformers` expects it.
fn config_json(model: &Model, labels: &[String]) -> String {
    let id2label: BTreeMap<usize, String> = labels.iter().cloned().enumerate().collect();
    let (value, class) = match model.config.clone() {
        Architecture::Swin(swin) => {
            let config = super::SwinConfig {
                num_channels: model.network.embedder.channels(),
                id2label,
                ..swin
            };
            let class = match model.network.predictor {
                Predictor::Pooled(_) => "SwinForImageClassification",
                _ => "SwinModel",
            };
            (serde_json::to_value(&config), class)
        }
        Architecture::Roberta(roberta) => {
            let config = super::RobertaConfig {
                id2label,
                ..roberta
            };
            (serde_json::to_value(&config), "RobertaModel")
        }
    };
    let mut value = value.unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("architectures".into(), serde_json::json!([class]));
        let by_name: BTreeMap<&String, usize> =
            labels.iter().enumerate().map(|(i, l)| (l, i)).collect();
        map.insert("label2id".into(), serde_json::json!(by_name));
        let predictor = model.network.predictor.spec();
        // a Swin classifier is Hugging Face's own: nothing to add
        let plain = matches!(predictor, None | Some(PredictorSpec::Classification { .. }))
            && matches!(model.config, Architecture::Swin(_));
        if !plain {
            map.insert("modalign".into(), serde_json::json!(Extras { predictor }));
        }
    }
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}

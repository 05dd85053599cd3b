//! Model folders as the field exchanges them: `config.json` beside `model.safetensors`, read and
//! written so that `transformers` loads ours and we load theirs.

use super::names::{canonical, checkpoint_names};
use super::weights::{Array, Weights, write};
use super::{Model, ModelError, Network, SwinConfig};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{DType, Device, Tensor};
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
}

/// Visits parameters with their paths.
#[derive(Default)]
struct Collector {
    path: Vec<String>,
    shapes: Vec<(String, Vec<usize>)>,
    /// Filled only when values are asked for.
    values: Option<Vec<Vec<f32>>>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val();
        self.shapes
            .push((self.path.join("."), tensor.dims().to_vec()));
        if let Some(values) = &mut self.values {
            values.push(
                tensor
                    .cast(DType::F32)
                    .into_data()
                    .try_to_vec()
                    .unwrap_or_default(),
            );
        }
    }
}

/// Paths and shapes of all parameters of a module, in order.
pub fn parameters(module: &impl Module) -> Vec<(String, Vec<usize>)> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.shapes
}

/// Paths and values of all parameters of a module.
pub fn state(module: &impl Module) -> BTreeMap<String, Array> {
    let mut collector = Collector {
        values: Some(Vec::new()),
        ..Collector::default()
    };
    module.visit(&mut collector);
    let values = collector.values.unwrap_or_default();
    collector
        .shapes
        .into_iter()
        .zip(values)
        .map(|((path, shape), values)| (path, Array { shape, values }))
        .collect()
}

/// Puts arrays in the place of parameters; all are present and of the right shape.
struct Filler<'a> {
    path: Vec<String>,
    arrays: &'a mut BTreeMap<String, Array>,
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(array) = self.arrays.remove(&self.path.join(".")) else {
            return param;
        };
        param.map(|old| {
            let (device, dtype, tracked) = (old.device(), old.dtype(), old.is_require_grad());
            Tensor::from_data(array.into_data(dtype), (&device, dtype)).set_require_grad(tracked)
        })
    }
}

/// Replaces parameters by `arrays` (paths as [`parameters`] gives); lists what does not fit.
pub fn with_state<M: Module>(
    module: M,
    mut arrays: BTreeMap<String, Array>,
    origin: &Path,
) -> Result<M, ModelError> {
    let (mut missing, mut shapes) = (Vec::new(), Vec::new());
    let expected = parameters(&module);
    for (path, shape) in &expected {
        match arrays.get(path) {
            None => missing.push(path.clone()),
            Some(a) if a.shape != *shape => {
                shapes.push(format!("{path}: expected {shape:?}, found {:?}", a.shape))
            }
            Some(_) => {}
        }
    }
    let unexpected: Vec<String> = arrays
        .keys()
        .filter(|k| !expected.iter().any(|(p, _)| p == *k))
        .cloned()
        .collect();
    if !(missing.is_empty() && shapes.is_empty() && unexpected.is_empty()) {
        return Err(ModelError::Mismatch {
            path: origin.into(),
            missing,
            unexpected,
            shapes,
        });
    }
    Ok(module.map(&mut Filler {
        path: Vec::new(),
        arrays: &mut arrays,
    }))
}

/// Loads a Hugging Face style Swin folder onto `device` in float type `dtype`.
pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<Loaded, ModelError> {
    let config = SwinConfig::read(&folder.join("config.json"))?;
    build(
        config,
        &Weights::open(&folder.join("model.safetensors"))?,
        device,
        dtype,
    )
}

/// A model from its configuration and weights.
pub fn build(
    config: SwinConfig,
    weights: &Weights,
    device: &Device,
    dtype: DType,
) -> Result<Loaded, ModelError> {
    let file = weights.path().to_path_buf();
    // Canonical name → name in the file.
    let known: BTreeMap<String, String> = weights
        .names()
        .filter_map(|n| Some((canonical(n)?, n.to_string())))
        .collect();
    let classes = known
        .get("classifier.weight")
        .and_then(|n| weights.shape(n))
        .and_then(|s| s.first().copied());
    let channels = config.num_channels;
    let mut model = Model::new(
        config,
        channels,
        classes.unwrap_or(1).max(1),
        0,
        device,
        dtype,
    )?;
    let (mut missing, mut shapes, mut used) = (Vec::new(), Vec::new(), Vec::new());
    let mut arrays = BTreeMap::new();
    for (path, shape) in parameters(&model.network) {
        let parts = checkpoint_names(&path);
        if classes.is_none() && path.starts_with("predictor.") {
            arrays.insert(
                path,
                Array {
                    values: vec![0.0; shape.iter().product()],
                    shape,
                },
            );
            continue;
        }
        let mut expected = shape.clone();
        expected[0] /= parts.len();
        let mut values = Vec::with_capacity(shape.iter().product());
        for part in &parts {
            match known.get(part) {
                None => missing.push(part.clone()),
                Some(name) if weights.shape(name) != Some(&expected) => {
                    shapes.push(format!(
                        "{part}: expected {expected:?}, found {:?}",
                        weights.shape(name).unwrap_or_default()
                    ));
                }
                Some(name) => values.extend(weights.read(name)?.values),
            }
            used.push(part.clone());
        }
        arrays.insert(path, Array { shape, values });
    }
    let unexpected: Vec<String> = known
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
    model.network = with_state(model.network, arrays, &file)?;
    let labels = classes.map_or(Vec::new(), |k| model.config.labels(k));
    Ok(Loaded {
        model,
        labels,
        sha256: weights.sha256(),
    })
}

/// Writes a model as a Hugging Face style folder; `labels` name the classes of its predictor.
pub fn save(model: &Model, labels: &[String], folder: &Path) -> Result<(), ModelError> {
    let mut arrays = BTreeMap::new();
    for (path, array) in state(&model.network) {
        let parts = checkpoint_names(&path);
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
    let config = SwinConfig {
        num_channels: model.network.embedder.channels(),
        id2label: labels.iter().cloned().enumerate().collect(),
        ..model.config.clone()
    };
    let mut value = serde_json::to_value(&config).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert(
            "architectures".into(),
            serde_json::json!(["SwinForImageClassification"]),
        );
        let by_name: BTreeMap<&String, usize> =
            labels.iter().enumerate().map(|(i, l)| (l, i)).collect();
        map.insert("label2id".into(), serde_json::json!(by_name));
    }
    serde_json::to_string_pretty(&value).unwrap_or_default() + "\n"
}

impl Network {
    /// Number of parameters.
    pub fn size(&self) -> usize {
        parameters(self)
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum()
    }
}

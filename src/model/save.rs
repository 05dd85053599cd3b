//! Models out: Hugging Face style folders that `transformers` loads.

use super::folder::Extras;
use super::load::Loaded;
use super::names::Scheme;
use super::preprocess::Recorded;
use super::state::state;
use super::weights::{Dtype, Outgoing, write_tensors};
use super::windows::Windows;
use super::{Model, ModelError, Predictor};
use crate::suite::parts::PredictorSpec;
use burn::tensor::{DType, TensorData};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Writes a model as a folder, in the float type of its parameters; `labels` name the classes of
/// its predictor.
///
/// The folder says that the model is ours: see [`save_prepared`] for one that learnt from a published
/// one.
pub fn save(model: &Model, labels: &[String], folder: &Path) -> Result<(), ModelError> {
    save_prepared(model, labels, &Recorded::Own, folder)
}

/// The same for a model whose pictures are prepared as `how` says.
pub fn save_prepared(
    model: &Model,
    labels: &[String],
    how: &Recorded,
    folder: &Path,
) -> Result<(), ModelError> {
    tensors(model, folder, |name, own| (name, own))?;
    write_text(folder, CONFIG, &config_json(model, labels, how))
}

/// Writes a model as it came: every tensor under the name and in the float type that it had in its
/// checkpoint (published names where the checkpoint had timm's), and its own `config.json`. A
/// model that was not changed in between gives tensors that are equal byte for byte.
///
/// `dtype` overrides the float type of all tensors. Where the model came without a `config.json` of
/// Hugging Face's kind, `how` is recorded: how its pictures are prepared. Where it came with one, the
/// files on that which lay beside it are copied.
pub fn export(
    loaded: &Loaded,
    how: &Recorded,
    dtype: Option<Dtype>,
    folder: &Path,
) -> Result<(), ModelError> {
    tensors(&loaded.model, folder, |name, own| {
        let (name, kept) = loaded.spelling.get(&name).cloned().unwrap_or((name, own));
        (name, dtype.unwrap_or(kept))
    })?;
    let Some(config) = &loaded.config else {
        let text = config_json(&loaded.model, &loaded.labels, how);
        return write_text(folder, CONFIG, &text);
    };
    copy_beside(config, &PICTURES, folder)
}

/// Copies a `config.json`, which is there, and what of `names` lies beside it.
pub(in crate::model) fn copy_beside(
    config: &Path,
    names: &[&str],
    folder: &Path,
) -> Result<(), ModelError> {
    for name in [CONFIG].iter().chain(names) {
        let path = config.with_file_name(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => write_text(folder, name, &text)?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && *name != CONFIG => {}
            Err(source) => return Err(ModelError::Io { path, source }),
        }
    }
    Ok(())
}

/// Files beside the weights on how pictures are prepared.
pub(in crate::model) const PICTURES: [&str; 2] =
    ["preprocessor_config.json", "processor_config.json"];

pub(in crate::model) const CONFIG: &str = "config.json";

pub(in crate::model) fn write_text(
    folder: &Path,
    name: &str,
    text: &str,
) -> Result<(), ModelError> {
    let path = folder.join(name);
    crate::files::atomic::write(&path, text.as_bytes())
        .map_err(|source| ModelError::Io { path, source })
}

/// Writes `model.safetensors`; `called` gives the final name and type of a tensor from its
/// published name and its parameter's type.
fn tensors(
    model: &Model,
    folder: &Path,
    called: impl Fn(String, Dtype) -> (String, Dtype),
) -> Result<(), ModelError> {
    let mut state = state(&model.network);
    model.config.shape().publish(&mut state);
    write_weights(folder, parts(&state, Scheme::of(model), called))
}

/// The tensors that parameters are written as in a scheme; `called` gives the final name and type of each.
pub(in crate::model) fn parts(
    state: &BTreeMap<String, TensorData>,
    scheme: Scheme,
    called: impl Fn(String, Dtype) -> (String, Dtype),
) -> Vec<Outgoing<'_>> {
    let mut all = Vec::new();
    for (path, data) in state {
        let parts = scheme.tensors(path);
        let mut shape = data.shape().to_vec();
        shape[0] /= parts.len();
        let shape = scheme.shape(path, shape);
        let size = shape.iter().product::<usize>();
        for (i, part) in parts.into_iter().enumerate() {
            let (name, dtype) = called(part, type_of(data));
            all.push(outgoing(name, dtype, shape.clone(), data, i * size));
        }
    }
    all
}

/// Writes tensors as the weights of a model folder.
pub(in crate::model) fn write_weights(folder: &Path, all: Vec<Outgoing>) -> Result<(), ModelError> {
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    write_tensors(&folder.join("model.safetensors"), all, metadata)
}

pub(in crate::model) fn type_of(data: &TensorData) -> Dtype {
    match data.dtype() {
        DType::F64 => Dtype::F64,
        DType::F16 => Dtype::F16,
        DType::BF16 => Dtype::BF16,
        _ => Dtype::F32,
    }
}

/// The values of `data` from `first` on, to be written as `dtype`.
pub(in crate::model) fn outgoing(
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    data: &TensorData,
    first: usize,
) -> Outgoing<'_> {
    let size = shape.iter().product::<usize>();
    if let Ok(values) = data.as_slice::<f32>() {
        return Outgoing::floats(name, dtype, shape, &values[first..first + size]);
    }
    Outgoing {
        name,
        dtype,
        shape,
        fill: Box::new(move |out| {
            // Other types are rare (reference computations): through f64, which holds them all.
            let values = data.iter::<f64>().skip(first).take(size);
            for value in values {
                match dtype {
                    Dtype::F64 => out.write_all(&value.to_le_bytes())?,
                    Dtype::F16 => out.write_all(&half::f16::from_f64(value).to_le_bytes())?,
                    Dtype::BF16 => out.write_all(&half::bf16::from_f64(value).to_le_bytes())?,
                    _ => out.write_all(&(value as f32).to_le_bytes())?,
                }
            }
            Ok(())
        }),
    }
}

/// timm's model without a classifier.
const TIMM_ENCODER: &str = "TimmWrapperModel";

/// Whether the predictor is one classifier of a model that is published with two.
fn one_of_two(model: &Model) -> bool {
    matches!(model.network.predictor, Predictor::Pooled(_)) && model.config.shape().distills()
}

/// Classes are those of the class of the library: without a classifier of its own it has none, though ours are named.
fn without_classes(map: &mut Map<String, Value>) {
    let pretrained = map.get_mut("pretrained_cfg").and_then(Value::as_object_mut);
    if let Some(count) = pretrained.and_then(|keys| keys.get_mut("num_classes")) {
        *count = 0.into();
    }
    map.insert("num_classes".into(), 0.into());
}

/// `config.json` as `transformers` expects it.
fn config_json(model: &Model, labels: &[String], how: &Recorded) -> String {
    let id2label: BTreeMap<usize, String> = labels.iter().cloned().enumerate().collect();
    let shape = model.config.shape();
    let class = shape.class(&model.network.predictor);
    let value = shape.json(model.network.embedder.channels(), id2label);
    let mut value = value.expect("a configuration has string keys");
    if let Some(map) = value.as_object_mut() {
        map.insert("architectures".into(), serde_json::json!([class]));
        let by_name: BTreeMap<&String, usize> =
            labels.iter().enumerate().map(|(i, l)| (l, i)).collect();
        map.insert("label2id".into(), serde_json::json!(by_name));
        let predictor = model.network.predictor.spec();
        // Where Hugging Face has a classifier of its own there is nothing to add.
        let family = shape.family();
        let plain = matches!(predictor, None | Some(PredictorSpec::Classification { .. }))
            && family.classifier.is_some()
            && !(one_of_two(model) && class == TIMM_ENCODER);
        if class == TIMM_ENCODER {
            without_classes(map);
        }
        let windows = Some(model.windows()).filter(|w| *w != Windows::Transformers);
        let pooling = shape.pooling();
        let extras = Extras {
            pooling: (pooling != shape.published_pooling(class)).then_some(pooling),
            resampling: shape.resampling(),
            image_size: shape.asked_size(),
            predictor: predictor.filter(|_| !plain),
            preprocess: shape.image_size().map(|_| how.clone()),
            windows,
        };
        if extras != Extras::default() {
            map.insert("modalign".into(), serde_json::json!(extras));
        }
    }
    serde_json::to_string_pretty(&value).expect("a value has string keys") + "\n"
}

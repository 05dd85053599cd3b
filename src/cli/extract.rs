//! `modalign extract`: runs a model folder on a raw tensor or a dataset and writes what its parts
//! say: the parity surface that anyone can check against PyTorch.

use super::args::{ExtractArgs, Output};
use super::error::CliError;
use super::progress::Stage;
use crate::dataset::loader::{Order, batches};
use crate::dataset::{self, Dataset, Resized};
use crate::feature::file::{self, Arrays};
use crate::manifest::suite::{DatasetSpec, Reader};
use crate::model::weights::{Array, Weights};
use crate::model::{Model, Pass, device, load};
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::path::Path;
use std::sync::Arc;

/// Samples a forward pass.
const BATCH: usize = 64;

/// Runs the command.
pub fn run(args: &ExtractArgs) -> Result<(), CliError> {
    let device = device::open(&args.device)?;
    let loaded = load::load(&args.model, &device, DType::F32)?;
    if args.outputs.contains(&Output::Logits) && loaded.labels.is_empty() {
        return Err(CliError::Usage {
            what: "--outputs logits".into(),
            expected: "a model with a classifier".into(),
            found: format!("{} without classifier.weight", args.model.display()),
        });
    }
    let mut arrays = Arrays::default();
    match (&args.tensor, &args.data) {
        (Some(tensor), _) => {
            let input = read_tensor(tensor, &loaded.model)?;
            let [count, c, h, w] = [0, 1, 2, 3].map(|i| input.shape[i]);
            let size = c * h * w;
            let stage = Stage::new("extracting", count.div_ceil(BATCH));
            for (i, chunk) in input.values.chunks((BATCH * size).max(1)).enumerate() {
                let shape = [chunk.len() / size, c, h, w];
                forward(
                    &loaded.model,
                    chunk.to_vec(),
                    shape,
                    &device,
                    &args.outputs,
                    &mut arrays,
                );
                stage.set(i + 1, count.div_ceil(BATCH));
            }
            stage.finish();
        }
        (None, Some(set)) => {
            let data = open_set(set, args.data_dir.as_deref(), &loaded.model)?;
            let order = Order::sequential(BATCH);
            let (total, stage) = (order.batches(data.len()), Stage::new("extracting", 1));
            arrays.labels = Some(dataset::labels(data.as_ref()));
            arrays.class_names = data.classes().to_vec();
            for (i, batch) in batches(data, order).into_iter().enumerate() {
                let batch = batch?;
                forward(
                    &loaded.model,
                    batch.values,
                    batch.shape,
                    &device,
                    &args.outputs,
                    &mut arrays,
                );
                stage.set(i + 1, total);
            }
            stage.finish();
            arrays.alias("pooled", "features");
        }
        (None, None) => {
            return Err(CliError::Usage {
                what: "input".into(),
                expected: "--tensor FILE.safetensors:NAME or --data SET[:split]".into(),
                found: "neither".into(),
            });
        }
    }
    file::write_arrays(&args.out, &arrays)?;
    Ok(())
}

/// One batch through the model, appending the wanted outputs.
fn forward(
    model: &Model,
    values: Vec<f32>,
    shape: [usize; 4],
    device: &Device,
    outputs: &[Output],
    arrays: &mut Arrays,
) {
    let x = Tensor::<4>::from_data(TensorData::new(values, shape), device);
    let pass = &mut Pass::eval();
    let tokens = model.network.embedder.forward(x, pass);
    let embedded = tokens.values.primal.clone();
    let last = model.network.encoder.encode(tokens, pass);
    for output in outputs {
        let last = last.clone();
        match output {
            Output::Embedded => append(arrays, "embedded", embedded.clone()),
            Output::LastHiddenState => append(arrays, "last_hidden_state", last.values.primal),
            Output::Pooled => append(arrays, "pooled", last.pool().primal),
            Output::Logits => {
                let logits = model.network.predictor.forward(last, pass);
                append(arrays, "logits", logits.primal);
            }
        }
    }
}

fn append<const D: usize>(arrays: &mut Arrays, name: &str, tensor: Tensor<D>) {
    let shape = tensor.dims().to_vec();
    let values = tensor
        .into_data()
        .convert::<f32>()
        .try_to_vec::<f32>()
        .unwrap_or_default();
    arrays.append(name, &shape, values);
}

/// Reads `FILE.safetensors:NAME` as `[N, C, H, W]` pixels for the model.
fn read_tensor(text: &str, model: &Model) -> Result<Array, CliError> {
    let usage = |expected: &str, found: String| CliError::Usage {
        what: "--tensor".into(),
        expected: expected.into(),
        found,
    };
    let (path, name) = text
        .rsplit_once(':')
        .ok_or_else(|| usage("FILE.safetensors:NAME", format!("{text:?}")))?;
    let file = Weights::open(Path::new(path))?;
    let known = file.names().collect::<Vec<_>>().join(", ");
    let Some(shape) = file.shape(name) else {
        return Err(usage(
            &format!("one of the tensors of {path}: {known}"),
            format!("{name:?}"),
        ));
    };
    let channels = model.network.embedder.channels();
    if shape.len() != 4 || shape[1] != channels || shape.contains(&0) {
        return Err(usage(
            &format!("a tensor [N, {channels}, H, W] without empty axes"),
            format!("{name} {shape:?}"),
        ));
    }
    Ok(file.read(name)?)
}

/// A dataset by reader name, `SET[:split]`, at the model's input size.
fn open_set(text: &str, data: Option<&Path>, model: &Model) -> Result<Arc<dyn Dataset>, CliError> {
    let (name, split) = text.split_once(':').unwrap_or((text, "test"));
    let wrong = |expected: String, found: &str| CliError::Usage {
        what: "--data".into(),
        expected,
        found: format!("{found:?}"),
    };
    let reader: Reader =
        Reader::parse(name).ok_or_else(|| wrong(format!("one of {}", Reader::names()), name))?;
    let spec = DatasetSpec {
        name: "data".into(),
        title: name.into(),
        reader,
        train: 0,
        valid: 0,
        test: 0,
    };
    let side = model.config.image_size().ok_or_else(|| CliError::Usage {
        what: "--data".into(),
        expected: "a model of images (model_type swin)".into(),
        found: format!("model_type {}", model.config.name()),
    })?;
    let splits = Resized::splits(dataset::open(&spec, data, 0)?, side);
    let set = match split {
        "train" => splits.train,
        "valid" => splits.valid,
        "test" => splits.test,
        other => return Err(wrong("split train, valid or test".into(), other)),
    };
    let (found, channels) = (set.shape()[0], model.network.embedder.channels());
    if found != channels {
        return Err(wrong(
            format!("a set of {channels} channels, as the model's embedder has"),
            &format!("{name} with {found}"),
        ));
    }
    Ok(set)
}

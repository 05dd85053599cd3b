//! One tower: a Swin that learns the classes of the source set.

use super::{Job, samples};
use crate::cli::error::CliError;
use crate::model::{Model, SwinConfig, save, state};
use crate::suite::definition::Shape;
use crate::suite::parts::PredictorSpec;
use crate::suite::preprocess::Preprocess;
use crate::transfer::{Task, stages};
use burn::tensor::DType;
use serde_json::{Map, json};

/// The architecture that a suite describes.
pub fn architecture(shape: &Shape) -> SwinConfig {
    SwinConfig {
        model_type: "swin".into(),
        image_size: shape.image_size,
        patch_size: shape.patch_size,
        num_channels: 3,
        embed_dim: shape.embed_dim,
        depths: shape.depths.clone(),
        num_heads: shape.num_heads.clone(),
        window_size: shape.window_size,
        mlp_ratio: 4.0,
        qkv_bias: true,
        drop_path_rate: shape.drop_path_rate,
        layer_norm_eps: 1e-5,
        hidden_act: "gelu".into(),
        use_absolute_embeddings: false,
        id2label: Default::default(),
    }
}

/// Pretrains and writes the model.
pub(super) fn make(job: &Job, shape: &Shape) -> Result<(), CliError> {
    let (recipe, device) = (job.recipe, job.device);
    let splits = job.open(&Preprocess::own(shape.image_size), shape.image_size)?;
    let labels = splits.train.classes().to_vec();
    let channels = splits.train.shape()[0];
    let predictor = PredictorSpec::Classification {
        classes: labels.len(),
    };
    let shape = architecture(shape);
    let model = Model::new(
        shape,
        channels,
        Some(&predictor),
        recipe.seed,
        device,
        DType::F32,
    )?;
    let (work, origin) = job.work()?;
    let task = Task::of(
        job.data,
        splits.train.as_ref(),
        recipe.train.label_smoothing,
    )?;
    let on = format!("{} samples", splits.train.len());
    let trained = job.trained((&work, origin), on, task.metric, |checkpoints, progress| {
        let seeded = (task, recipe.seed);
        stages::pretrain(model, &splits, &recipe.train, seeded, checkpoints, progress)
    })?;
    let test = task.evaluate(&trained.model.network, splits.test.clone(), device)?;
    save::save(&trained.model, &labels, &job.out)?;
    let facts = Map::from_iter([
        ("samples".into(), samples(&splits)),
        ("classes".into(), json!(labels.len())),
        (
            "parameters".into(),
            json!(state::size(&trained.model.network)),
        ),
        ("course".into(), json!(trained.course)),
    ]);
    job.finish(work, (task.metric, test), facts)
}

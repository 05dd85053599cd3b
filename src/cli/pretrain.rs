//! `modalign pretrain`: makes the source model of a suite by the suite's own recipe, and writes
//! the recipe beside it. While it works, a folder `OUT.partial` holds its settings, lock and newest
//! checkpoint; a pretraining that was interrupted or killed goes on from there.

use super::args::{ExperimentArgs, PretrainArgs};
use super::error::CliError;
use super::progress::{Bars, Stage};
use super::signals::{catch_interrupts, check_interrupt};
use super::words::clean;
use crate::dataset;
use crate::model::{Model, SwinConfig, device, save, state};
use crate::run::RunFolder;
use crate::run::checkpoint::Checkpoints;
use crate::run::origin::Origins;
use crate::run::prepare::inputs;
use crate::run::stale;
use crate::suite::definition::Shape;
use crate::suite::parts::PredictorSpec;
use crate::suite::preprocess::Preprocess;
use crate::transfer::epochs::Event;
use crate::transfer::methods;
use crate::transfer::stages;
use crate::transfer::{Task, TransferError};
use burn::tensor::DType;
use std::path::{Path, PathBuf};

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

/// Runs the command; returns the folder that was written.
pub fn run(args: &PretrainArgs) -> Result<PathBuf, CliError> {
    catch_interrupts();
    let ExperimentArgs {
        suite,
        data,
        device,
    } = &args.experiment;
    let suite = methods::resolve(suite)?;
    let device = device::open(device)?;
    let (source, shape, recipe) = suite.source.recipe(&suite.name)?;
    let how = Preprocess::own(shape.image_size);
    let opened = dataset::open_for(
        source,
        data.as_deref(),
        suite.data_seed,
        &how,
        shape.image_size,
    )?;
    let notes = opened.notes().iter();
    notes.for_each(|note| eprintln!("{}", clean(note)));
    let splits = opened.splits;
    let labels = splits.train.classes().to_vec();
    let channels = splits.train.shape()[0];
    let model = Model::new(
        architecture(shape),
        channels,
        Some(&PredictorSpec::Classification {
            classes: labels.len(),
        }),
        recipe.seed,
        &device,
        DType::F32,
    )?;
    let out = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(&suite.source.model));
    let mut partial = out.clone().into_os_string();
    partial.push(".partial");
    let work = RunFolder::open(Path::new(&partial), &suite, args.start.fresh)?;
    let specs = std::iter::once(source);
    let (files, _) = inputs(specs.clone(), data.as_deref(), &mut Bars::new())?;
    let origins = Origins::of_data(specs, &files);
    stale::check(&work, &origins, &files, args.start.refresh)?;
    let mut checkpoints = Checkpoints::new(work.path("cells/source"), &[], origins.whole());
    let stage = Stage::new(
        &format!(
            "pretraining {} on {} samples",
            suite.source.model,
            splits.train.len()
        ),
        1,
    );
    let task = Task::of(source, splits.train.as_ref(), recipe.train.label_smoothing)?;
    let progress = &mut |event: Event| {
        match event {
            Event::Step(done, total) => stage.set(done, total),
            Event::Epoch(record) => stage.say(&format!(
                "epoch {:>3}: training loss {:.4}, validation {}",
                record.epoch,
                record.train_loss,
                task.metric.say(record.valid)
            )),
        }
        check_interrupt()
    };
    let trained = stages::pretrain(
        model,
        &splits,
        &recipe.train,
        (task, recipe.seed),
        &mut checkpoints,
        progress,
    );
    stage.finish();
    let trained = trained.inspect_err(|error| {
        if matches!(error, TransferError::Interrupted) {
            eprintln!(
                "interrupted: whole epochs are kept in {}; the same command continues there",
                work.root().display()
            );
        }
    })?;
    let test = task.evaluate(&trained.model.network, splits.test.clone(), &device)?;
    save::save(&trained.model, &labels, &out)?;
    let note = serde_json::json!({
        "made_by": format!("modalign {} pretrain --suite {}", env!("CARGO_PKG_VERSION"), suite.name),
        "data": source,
        "data_seed": suite.data_seed,
        "samples": { "train": splits.train.len(), "valid": splits.valid.len(), "test": splits.test.len() },
        "classes": labels.len(),
        "parameters": state::size(&trained.model.network),
        "recipe": recipe,
        "course": trained.course,
        "metric": task.metric,
        "test": test,
    });
    let path = out.join("recipe.json");
    let text = serde_json::to_string_pretty(&note).expect("a value has string keys") + "\n";
    crate::files::atomic::write(&path, text.as_bytes())
        .map_err(|source| CliError::Io { path, source })?;
    let partial = work.root().to_path_buf();
    drop(work);
    // What cannot be removed costs space, nothing else.
    std::fs::remove_dir_all(partial).ok();
    eprintln!("on the test part of the source: {}", task.metric.say(test));
    Ok(out)
}

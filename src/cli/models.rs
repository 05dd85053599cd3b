//! `modalign models`: which models are at hand, and what a checkpoint is before anything is
//! computed with it.

use super::args::{ModelsCommand, OpeningArgs};
use super::error::CliError;
use super::progress::Downloads;
use super::words::clean;
use crate::model::family::Configuration;
use crate::model::folder::{self, Files};
use crate::model::hub::{self, HubSettings};
use crate::model::opening::SideOrigin;
use crate::model::two_tower::TowerFiles;
use crate::model::weights::Weights;
use crate::model::windows::Windows;
use crate::model::{
    Architecture, ModelError, Opening, Plan, architecture, embedded, preprocess, state, two_tower,
};
use crate::suite::definition::Source;
use burn::tensor::{DType, Device};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A model that was opened by name.
pub struct Opened {
    /// Description and weights.
    pub files: Files,
    /// Where they are; `None` for a model inside the program.
    pub path: Option<PathBuf>,
}

/// Opens what a model's name means: one inside the program, or else what [`resolve`] finds.
pub fn open(name: &str, opening: &Opening) -> Result<Opened, CliError> {
    if embedded::names().contains(&name) {
        let files = embedded::open(name, opening)?;
        return Ok(Opened { files, path: None });
    }
    let path = resolve(name)?;
    Ok(Opened {
        files: folder::open(&path, opening)?,
        path: Some(path),
    })
}

/// Tells what was inferred, chosen or left out as a model was opened.
pub fn tell(notes: &[String]) {
    notes
        .iter()
        .for_each(|note| eprintln!("note: {}", clean(note)));
}

/// Opens the source model of a suite before anything is computed, and tells how.
pub fn tell_source(source: &Source) -> Result<(), CliError> {
    let files = open(&source.model, &Opening::of(source))?.files;
    tell(&files.notes);
    let plan = Plan::new(
        files.description,
        &files.weights,
        &Device::flex(),
        DType::F32,
    )?;
    tell(&plan.notes);
    Ok(())
}

/// The path that a model's name means; shows the progress of a download.
pub fn resolve(name: &str) -> Result<PathBuf, CliError> {
    let mut bars = Downloads::default();
    let found = hub::resolve(name, &mut |file, done, total| bars.at(file, done, total))?;
    bars.finish();
    Ok(found)
}

/// Runs the command.
pub fn run(command: &ModelsCommand) -> Result<(), CliError> {
    match command {
        ModelsCommand::List { json } => list(*json),
        ModelsCommand::Show {
            model,
            opening,
            json,
        } => return show(model, opening, *json),
    }
    Ok(())
}

fn list(as_json: bool) {
    let settings = HubSettings::from_env();
    let cached = settings.cached();
    if as_json {
        let all = json!({
            "inside": embedded::names(),
            "cache": settings.cache,
            "cached": cached,
            "model_types": architecture::supported(),
        "two_towers": [two_tower::MODEL_TYPE],
        });
        println!("{all}");
        return;
    }
    println!("inside the program");
    embedded::names().iter().for_each(|n| println!("  {n}"));
    println!("Hugging Face cache {}", settings.cache.display());
    match cached.is_empty() {
        true => println!("  nothing that loads"),
        false => cached.iter().for_each(|n| println!("  {n}")),
    }
    println!("what loads");
    println!(
        "  Hugging Face folders of model_type {}",
        architecture::supported().join(", ")
    );
    println!("  Swin checkpoints with timm's or Microsoft's names, with or without config.json");
    println!(
        "  ViT, DeiT, DINOv2 and MAE with timm's names or their authors', with or without config.json"
    );
    println!("  CLIP whole: Hugging Face's folders, open_clip's, and OpenAI's names in a file");
    println!(
        "  weights as safetensors or PyTorch files (.bin, .pth, .pt, .ckpt, .pth.tar), whole or in shards"
    );
    println!("  pickles of NumPy arrays (.pkl)");
}

fn show(name: &str, opening: &OpeningArgs, as_json: bool) -> Result<(), CliError> {
    let how = opening.opening();
    if let Some(both) = two_towers(name, &how)? {
        print_facts(&towers(name, both)?, as_json);
        return Ok(());
    }
    let Opened { files, path } = open(name, &how)?;
    let origin = path.map_or("inside the program".into(), |p| p.display().to_string());
    let weights = &files.weights;
    let mut notes = files.notes;
    let side = files.side.map(SideOrigin::name);
    let plan = Plan::new(files.description, weights, &Device::flex(), DType::F32)?;
    notes.extend(plan.notes.iter().cloned());
    let mut facts = facts(&plan, weights, origin, (side, notes));
    let config = &plan.outline().config;
    if config.image_size().is_some() {
        let found = preprocess::of(name, config, opening.image_size);
        let words = found.map_or_else(|e| e.to_string(), |found| found.how.words());
        facts.push(("pictures", json!(words)));
    }
    print_facts(&facts, as_json);
    Ok(())
}

/// Shows what is known of a model.
fn print_facts(facts: &[(&'static str, Value)], as_json: bool) {
    if as_json {
        let all = facts.iter().map(|(k, v)| (k.to_string(), v.clone()));
        println!("{}", Value::Object(all.collect()));
        return;
    }
    for (key, value) in facts {
        match value {
            Value::Array(all) if !all.is_empty() => {
                println!("{key:<14} {}", all.len());
                for line in all.iter().take(12) {
                    println!("{:<14}   {}", "", text(line));
                }
                if all.len() > 12 {
                    println!("{:<14}   … ({} more; --json has all)", "", all.len() - 12);
                }
            }
            Value::Array(_) | Value::Null => {}
            other => println!("{key:<14} {}", text(other)),
        }
    }
}

/// Opens both towers of what a name means; `None` where there is one tower.
pub fn two_towers(name: &str, opening: &Opening) -> Result<Option<TowerFiles>, CliError> {
    if embedded::names().contains(&name) {
        return Ok(embedded::two_towers(name, opening).transpose()?);
    }
    let path = resolve(name)?;
    match two_tower::is_two_tower(&path, opening)? {
        true => Ok(Some(two_tower::open(&path, opening)?)),
        false => Ok(None),
    }
}

/// What is known of both towers of the CLIP called `name`.
fn towers(name: &str, files: TowerFiles) -> Result<Vec<(&'static str, Value)>, CliError> {
    let origin = match files.tokenizer {
        Some(_) => "inside the program".into(),
        None => resolve(name)?.display().to_string(),
    };
    let (config, weights, side) = (files.config.clone(), &files.weights, files.side.name());
    let mut facts = vec![
        ("model", json!(origin)),
        ("weights", json!(weights.path().display().to_string())),
        ("format", json!(weights.format().to_string())),
        ("state_dict", json!(weights.key())),
        ("prefix", json!(weights.prefix())),
        ("not_run", json!(weights.foreign())),
        ("bytes", json!(weights.file_size())),
        ("sha256", json!(weights.sha256())),
        ("dtype", json!(types(weights))),
        ("architecture", json!(two_tower::MODEL_TYPE)),
        ("image_tower", json!(config.image.words())),
        ("text_tower", json!(config.text.words())),
        ("activation", json!(config.text.activation.name())),
        ("projection", json!(config.projection)),
        ("image_size", json!(config.image.image_size())),
        ("image_size_from", json!(side)),
        ("channels", json!(config.image.num_channels)),
        ("context", json!(config.text.max_position_embeddings)),
        ("vocabulary", json!(config.text.vocab_size)),
    ];
    let mut notes = files.notes.clone();
    match two_tower::opened(files, &Device::flex(), DType::F32) {
        Ok(loaded) => {
            notes = loaded.notes;
            facts.extend([
                ("parameters", json!(state::size(&loaded.towers))),
                ("scale", json!(loaded.towers.scale())),
                ("loads", json!("yes: every tensor has its place")),
                ("ignored", json!(loaded.ignored)),
            ]);
        }
        Err(ModelError::Mismatch {
            missing,
            unexpected,
            shapes,
            ..
        }) => facts.extend([
            ("loads", json!("no")),
            ("missing", json!(missing)),
            ("unexpected", json!(unexpected)),
            ("wrong_shape", json!(shapes)),
        ]),
        Err(e) => return Err(e.into()),
    }
    let image = Architecture::from(config.image);
    let found = preprocess::of(name, &image, None);
    let words = found.map_or_else(|e| e.to_string(), |found| found.how.words());
    facts.extend([("notes", json!(notes)), ("pictures", json!(words))]);
    Ok(facts)
}

/// The float types of the tensors, and how many have each.
fn types(weights: &Weights) -> String {
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    for name in weights.names() {
        if let Some(dtype) = weights.dtype(name) {
            *types.entry(dtype.to_string()).or_default() += 1;
        }
    }
    let types: Vec<String> = types.iter().map(|(t, n)| format!("{t} × {n}")).collect();
    types.join(", ")
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), String::from)
}

/// What is known of a model, in the order in which it is shown.
fn facts(
    plan: &Plan,
    weights: &Weights,
    origin: String,
    (side, mut notes): (Option<&str>, Vec<String>),
) -> Vec<(&'static str, Value)> {
    let model = plan.outline();
    let predictor = model.network.predictor.spec();
    let head = state::size(&model.network.predictor);
    let parameters = state::size(&model.network);
    let shape = model.config.shape();
    if model.windows() != Windows::Transformers && shape.differs_in_timm() {
        notes.push("windows do not divide the token grids: timm pads after the shift, as is done here, transformers before; its numbers differ".into());
    }
    let verdict = if plan.fits() {
        "yes: every tensor has its place"
    } else {
        "no"
    };
    vec![
        ("model", json!(origin)),
        ("weights", json!(weights.path().display().to_string())),
        ("format", json!(weights.format().to_string())),
        ("state_dict", json!(weights.key())),
        ("prefix", json!(weights.prefix())),
        ("not_run", json!(weights.foreign())),
        ("bytes", json!(weights.file_size())),
        ("sha256", json!(weights.sha256())),
        ("architecture", json!(model.config.name())),
        ("shape", json!(shape.words())),
        ("image_size", json!(model.config.image_size())),
        ("image_size_from", json!(side)),
        (
            "windows",
            json!(model.network.encoder.windows().map(Windows::words)),
        ),
        ("pooling", json!(shape.pooling().name())),
        ("features", json!(model.config.features())),
        ("channels", json!(model.network.embedder.channels())),
        ("parameters", json!(parameters)),
        ("without_head", json!(parameters - head)),
        (
            "predictor",
            json!(predictor.as_ref().map_or("none", |p| p.name())),
        ),
        ("dtype", json!(types(weights))),
        ("loads", json!(verdict)),
        ("missing", json!(plan.missing)),
        ("unexpected", json!(plan.unexpected)),
        ("wrong_shape", json!(plan.shapes)),
        ("ignored", json!(plan.ignored())),
        ("notes", json!(notes)),
        ("labels", json!(plan.labels())),
    ]
}

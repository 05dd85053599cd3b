//! Two towers: a CLIP that learns which caption belongs to which picture. Its tokenizer is trained first, from the training
//! captions; what is reported of the test part is measured of the folder as it was written, read again.

use super::{Job, samples, say};
use crate::cli::error::CliError;
use crate::dataset::pairs::captions_of;
use crate::model::adapters::{Nothing, Settings, Tuning};
use crate::model::two_tower::{self, LoadedTowers, TwoTower, TwoTowerConfig, Written};
use crate::model::weights::Dtype;
use crate::model::{ModelError, Opening, preprocess, state, tokenizer};
use crate::run::captions::{cleaning, parts};
use crate::suite::definition::Towers;
use crate::suite::pretraining::Precision;
use crate::suite::task::Metric;
use crate::transfer::towers::{Captioned, Pretraining, mean_recall, pretrain, vectors};
use burn::tensor::DType;
use serde_json::{Map, json};
use std::path::Path;

/// Pretrains and writes the model.
pub(super) fn make(job: &Job, shape: &Towers) -> Result<(), CliError> {
    let (recipe, device) = (job.recipe, job.device);
    let how = preprocess::written(shape.image_size)?.how;
    let splits = job.open(&how, shape.image_size)?;
    let clean = cleaning(recipe.pairs.clean);
    let texts = captions_of(splits.train.as_ref()).texts;
    let texts: Vec<String> = texts.iter().map(|text| clean(text)).collect();
    let trained = tokenizer::train(&texts, shape.vocabulary).map_err(ModelError::from)?;
    let config = TwoTowerConfig::asked(shape, trained.vocabulary)?;
    let towers = TwoTower::fresh(&config, recipe.seed, device, DType::F32);
    let encode = |texts: &[String]| {
        let path = Path::new("the tokenizer of the training captions");
        let all = Some(config.text.vocab_size);
        let tokenizer = tokenizer::Tokenizer::parse(path, trained.json.as_bytes(), all)?;
        let settings = tokenizer::Settings {
            context: config.text.max_position_embeddings,
            ..tokenizer::Settings::default()
        };
        Ok(tokenizer.encode(texts, &settings)?)
    };
    let mut notes = Vec::new();
    let parts = parts(
        &job.data.name,
        &splits,
        recipe.pairs.clean,
        encode,
        &mut notes,
    )?;
    say(&notes);
    let request = Pretraining {
        recipe,
        towers: &towers,
        config: &config,
        parts: &parts,
    };
    request.check()?;
    let (work, origin) = job.work()?;
    let metric = Metric::OneMinusMeanRecall;
    let [train, ..] = &parts;
    let on = format!(
        "{} pictures with {} captions, {} tokens",
        train.pictures.len(),
        train.owner.len(),
        trained.vocabulary
    );
    let made = job.trained((&work, origin), on, metric, |checkpoints, progress| {
        pretrain(&request, checkpoints, progress)
    })?;
    let written = Written {
        config: &config,
        towers: &made.towers,
        tokenizer: &trained.json,
    };
    let dtype = match recipe.dtype {
        Precision::F32 => Dtype::F32,
        Precision::F16 => Dtype::F16,
    };
    two_tower::write(&written, Some(dtype), &job.out)?;
    let again = two_tower::load(&job.out, &Opening::default(), device, DType::F32)?;
    let test = judged(&again, &parts[2])?;
    let facts = Map::from_iter([
        ("towers".into(), json!(shape)),
        ("samples".into(), samples(&splits)),
        (
            "captions".into(),
            json!(parts.each_ref().map(|part| part.owner.len())),
        ),
        ("vocabulary".into(), json!(trained.vocabulary)),
        ("parameters".into(), json!(state::size(&made.towers))),
        ("scale".into(), json!(again.towers.scale())),
        ("sha256".into(), json!(again.sha256)),
        ("selected".into(), json!(made.selected)),
        ("course".into(), json!(made.course)),
        ("notes".into(), json!(notes)),
    ]);
    job.finish(work, (metric, test), facts)
}

/// One minus the mean recall of towers on a part.
fn judged(loaded: &LoadedTowers, part: &Captioned) -> Result<f64, CliError> {
    let (config, towers) = (&loaded.config, &loaded.towers);
    let tuning = Tuning::new(config, towers, Settings::Untouched(Nothing {}), 1.0, 0)?;
    let found = vectors(towers, &tuning, part, &towers.place().0)?;
    Ok(1.0 - mean_recall(&found.retrieval(part)?))
}

//! Steps that tune CLIP ViT-B/32 while its towers stay, and the scoring of retrieval: pairs, pictures or scores per second and
//! peak memory, one mode a process. Prints one JSON line with the keys of `peers/tunings.py`; `tunings.sh` runs PyTorch and
//! NumPy beside it and prints the ratios.
//!
//! Settings come from the environment: `MODE` (harma, prompts, retrieval), `BATCH`, `ROUNDS`, `CLASSES` of prompts, `PICTURES`
//! and `CAPTIONS` of retrieval.

mod shared;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use modalign::measure::retrieval::{Rule, retrieval};
use modalign::model::adapters::{HarmaShape, PromptShape, Settings, Tuning, constant};
use modalign::model::state;
use modalign::model::two_tower::{TwoTower, TwoTowerConfig};
use modalign::suite::training::Rule as Update;
use modalign::transfer::loss::cross_entropy;
use modalign::transfer::objectives::pairs::{SameImage, contrastive};
use modalign::transfer::optimiser::Optimiser;
use ndarray::Array2;
use rand::{RngExt, SeedableRng};
use shared::{peak, pixels, rate, setting};
use std::path::Path;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mode = std::env::var("MODE").unwrap_or_else(|_| "harma".into());
    let (batch, rounds) = (setting("BATCH", 8), setting("ROUNDS", 3));
    let (parameters, rate) = match mode.as_str() {
        "retrieval" => scoring(rounds),
        _ => step(&mode, batch, rounds),
    };
    println!(
        "{{\"engine\": \"modalign\", \"mode\": \"{mode}\", \"batch\": {batch}, \"parameters\": {parameters}, \"threads\": {}, \"per_second\": {rate:.3}, \"peak_memory_gb\": {:.3}}}",
        rayon::current_num_threads(),
        peak()
    );
}

/// Start, words, end, padding.
fn ids(rows: usize, length: usize, device: &Device) -> Tensor<2, Int> {
    let id = |at: usize| match (at / length, at % length) {
        (_, 0) => 49_406,
        (row, column) if column < 12 => ((row * 31 + column * 17) % 40_000) as i64,
        (_, 12) => 49_407,
        _ => 0,
    };
    let ids: Vec<i64> = (0..rows * length).map(id).collect();
    Tensor::from_data(TensorData::new(ids, [rows, length]), device)
}

/// A step of HarMA's adapters on pairs, or of MmAP's prompts on pictures with classes.
fn step(mode: &str, batch: usize, rounds: usize) -> (usize, f64) {
    let device = Device::flex();
    let config = serde_json::json!({ "text_config": {}, "vision_config": {} });
    let map = config.as_object().expect("an object");
    let config = TwoTowerConfig::read(map, Path::new("CLIP")).expect("configuration");
    let plain = TwoTower::new(&config, 0, &device, DType::F32);
    let settings = match mode {
        "harma" => Settings::Harma(HarmaShape::default()),
        _ => Settings::Mmap(PromptShape::default()),
    };
    let tuning = Tuning::new(&config, &plain, settings, 0.07, 0).expect("a tuning");
    let parameters = state::size(&tuning);
    let towers = constant(&plain);
    let mut tuning = tuning.train();
    let mut optimiser = Optimiser::new(Update::default(), 0.04, None);
    let (values, shape) = pixels(batch);
    let length = config.text.max_position_embeddings;
    let classes = setting("CLASSES", 65);
    let same = SameImage::never(batch);
    let labels: Vec<usize> = (0..batch).map(|i| i % classes).collect();
    let step = || {
        let x = Tensor::<4>::from_data(TensorData::new(values.clone(), shape), &device);
        let images = tuning.image_embeds(&towers, Tensor::from_inner(x));
        let loss = if mode == "harma" {
            let texts = tuning.text_embeds(&towers, ids(batch, length, &device));
            let scores = images.matmul(texts.transpose());
            contrastive(scores, tuning.temperature(), &same).expect("pairs")
        } else {
            let texts = tuning.text_embeds(&towers, ids(classes, length, &device));
            let logits = images.matmul(texts.transpose()).mul_scalar(plain.scale());
            cross_entropy(logits.into(), &labels, 0.0).primal
        };
        let value = state::untracked(loss.clone());
        let grads = GradientsParams::from_grads(loss.backward(), &tuning);
        tuning = optimiser.step(1e-4, tuning.clone(), grads);
        assert!(state::scalar(value).is_finite());
    };
    (parameters, rate(rounds, batch, step))
}

/// Who finds whom, both ways.
fn scoring(rounds: usize) -> (usize, f64) {
    let (pictures, captions) = (setting("PICTURES", 5000), setting("CAPTIONS", 25_000));
    let vectors = |rows: usize, seed: u64| {
        let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        Array2::from_shape_simple_fn((rows, 512), || stream.random::<f32>() - 0.5)
    };
    let (images, texts) = (vectors(pictures, 1), vectors(captions, 77));
    let owner: Vec<usize> = (0..captions)
        .map(|caption| caption * pictures / captions)
        .collect();
    let step = || {
        let found = retrieval(images.view(), texts.view(), &owner).expect("ranks");
        assert!(found.mean_recall(Rule::Pessimistic).is_finite());
    };
    (512, rate(rounds, pictures * captions, step))
}

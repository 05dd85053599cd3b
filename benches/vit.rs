//! ViT-B/16 and CLIP ViT-B/32 at 224 × 224: images (pairs) per second and peak memory, one mode a process. Prints one
//! JSON line with the keys of `peers/vit.py`; `vit.sh` runs PyTorch beside it and prints the ratios.
//!
//! Settings come from the environment: `MODE` (extract, extract-bf16, train, recompute, towers, towers-bf16, towers-train, load, peak), `BATCH`, `ROUNDS`;
//! `MODEL` is the folder of a CLIP that `load` reads.

mod shared;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use modalign::dataset::TargetShape;
use modalign::dataset::loader::Batch;
use modalign::model::keys::Keys;
use modalign::model::two_tower::{self, TwoTower, TwoTowerConfig};
use modalign::model::{Model, Opening, Pass, VitConfig, ops, precision, state};
use modalign::suite::parts::PredictorSpec;
use modalign::suite::training::Rule;
use modalign::transfer::TaskLoss;
use modalign::transfer::objectives::pairs::{SameImage, contrastive};
use modalign::transfer::objectives::task::Supervised;
use modalign::transfer::optimiser::Optimiser;
use modalign::transfer::step::Memory;
use rand::SeedableRng;
use shared::{peak, pixels, rate, setting};
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mode = std::env::var("MODE").unwrap_or_else(|_| "extract".into());
    let (batch, rounds) = (setting("BATCH", 8), setting("ROUNDS", 3));
    let device = Device::flex();
    let (parameters, rate) = match mode.as_str() {
        "load" => return loading(&device),
        "peak" => return peak_of_products(rounds, &device),
        "towers" | "towers-bf16" | "towers-train" => towers(&mode, batch, rounds, &device),
        _ => one(&mode, batch, rounds, &device),
    };
    println!(
        "{{\"engine\": \"modalign\", \"mode\": \"{mode}\", \"batch\": {batch}, \"parameters\": {parameters}, \"threads\": {}, \"per_second\": {rate:.3}, \"peak_memory_gb\": {:.3}}}",
        rayon::current_num_threads(),
        peak()
    );
}

/// ViT-B/16: extraction or a training step.
fn one(mode: &str, batch: usize, rounds: usize, device: &Device) -> (usize, f64) {
    let keys = serde_json::Map::new();
    let config = VitConfig::read(&Keys::new(&keys), "vit").expect("configuration");
    let spec = PredictorSpec::Classification { classes: 10 };
    let model = Model::new(config, 3, Some(&spec), 0, device, DType::F32).expect("model");
    let parameters = state::size(&model.network);
    let (values, shape) = pixels(batch);
    if mode.starts_with("extract") {
        let network = match mode {
            "extract-bf16" => precision::round_products(model.network.clone()),
            _ => model.network.clone(),
        };
        let step = || {
            let x = Tensor::<4>::from_data(TensorData::new(values.clone(), shape), device);
            let features = network.features(x, &mut Pass::eval()).primal;
            features.sum().into_scalar::<f32>();
        };
        return (parameters, rate(rounds, batch, step));
    }
    let memory = Memory {
        recompute: mode == "recompute",
        ..Memory::default()
    };
    let mut network = model.network.unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, None);
    let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let labels: Vec<usize> = (0..batch).map(|i| i % 10).collect();
    let step = || {
        let batch = Batch {
            values: values.clone(),
            shape,
            labels: labels.clone(),
            targets: Vec::new(),
            mixed: None,
        };
        let objective = Supervised {
            loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
            truth: TargetShape::Class,
            memory,
            drops_paths: true,
        };
        let (loss, grads) = objective
            .step(&network, batch, &mut stream)
            .expect("gradients");
        network = optimiser.step(1e-4, network.clone(), grads);
        assert!(state::scalar(loss).is_finite());
    };
    (parameters, rate(rounds, batch, step))
}

/// CLIP ViT-B/32: vectors of as many images as texts, or the gradients of their contrastive loss at all parameters.
fn towers(mode: &str, batch: usize, rounds: usize, device: &Device) -> (usize, f64) {
    let config = serde_json::json!({ "text_config": {}, "vision_config": {} });
    let map = config.as_object().expect("an object");
    let config = TwoTowerConfig::read(map, Path::new("CLIP")).expect("configuration");
    let towers = TwoTower::new(&config, 0, device, DType::F32);
    let parameters = state::size(&towers);
    let (values, shape) = pixels(batch);
    let length = config.text.max_position_embeddings;
    // Start, words, end, padding.
    let id = |at: usize| match (at / length, at % length) {
        (_, 0) => 49_406,
        (row, column) if column < 12 => ((row * 31 + column * 17) % 40_000) as i64,
        (_, 12) => 49_407,
        _ => 0,
    };
    let ids: Vec<i64> = (0..batch * length).map(id).collect();
    let ids = || Tensor::<2, Int>::from_data(TensorData::new(ids.clone(), [batch, length]), device);
    let x = || Tensor::<4>::from_data(TensorData::new(values.clone(), shape), device);
    if mode != "towers-train" {
        let towers = match mode {
            "towers-bf16" => precision::round_products(towers),
            _ => towers,
        };
        let step = || {
            let pass = &mut Pass::eval();
            let image = towers.image_embeds(x(), pass).primal;
            let text = towers.text_embeds(ids(), pass).primal;
            image.matmul(text.transpose()).sum().into_scalar::<f32>();
        };
        return (parameters, rate(rounds, batch, step));
    }
    let towers = towers.train();
    let same = SameImage::never(batch);
    let step = || {
        let pass = &mut Pass::eval();
        let image = towers
            .image_embeds(Tensor::<4>::from_inner(x()), pass)
            .primal;
        let text = towers.text_embeds(ids(), pass).primal;
        let temperature = towers.logit_scale.val().exp().recip();
        let loss = contrastive(image.matmul(text.transpose()), temperature, &same).expect("pairs");
        let mut grads = loss.backward();
        let grads = GradientsParams::from_module(&mut grads, &towers);
        assert!(!grads.is_empty());
    };
    (parameters, rate(rounds, batch, step))
}

/// Rate of the products that a step is made of, alone and warm: 8 images of 197 tokens into the MLP of ViT-B.
fn peak_of_products(rounds: usize, device: &Device) {
    let (rows, inputs, outputs) = (8 * 197, 768, 3072);
    let of = |shape: [usize; 3]| Tensor::<3>::ones(shape, device);
    let (x, w) = (
        of([1, rows, inputs]),
        of([1, outputs, inputs]).squeeze_dim::<2>(0),
    );
    let found = rate(rounds, 20, || {
        for _ in 0..20 {
            ops::linear(x.clone().into(), w.clone().into(), None);
        }
    });
    let gflops = found * (2 * rows * inputs * outputs) as f64 / 1e9;
    println!(
        "{{\"engine\": \"modalign\", \"mode\": \"peak\", \"threads\": {}, \"products_gflop_per_second\": {gflops:.0}}}",
        rayon::current_num_threads()
    );
}

/// Seconds and memory of loading a CLIP.
fn loading(device: &Device) {
    let folder = std::env::var("MODEL").expect("MODEL names a folder");
    let start = Instant::now();
    let loaded = two_tower::load(folder.as_ref(), &Opening::default(), device, DType::F32);
    let loaded = loaded.expect("model");
    println!(
        "{{\"engine\": \"modalign\", \"mode\": \"load\", \"parameters\": {}, \"seconds\": {:.3}, \"peak_memory_gb\": {:.3}}}",
        state::size(&loaded.towers),
        start.elapsed().as_secs_f64(),
        peak()
    );
}

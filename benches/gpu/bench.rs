//! Images per second of a fine-tuning step, a step of MoNA and feature extraction on any device: Swin-mini
//! (32 px) and Swin-B (224 px). Steps follow each other without a look at their results, as in training;
//! one read at the end waits for all of them. Prints a JSON line a cell with the keys of `peer.py`;
//! `run.sh` runs PyTorch beside it and prints the ratios.
//!
//! Settings come from the environment: `MODALIGN_DEVICE`, `MODELS` (mini,base), `MODES`
//! (nft,mona,extract,extract-f16), `BATCH_MINI`, `BATCH_BASE`, `ROUNDS`.

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::dataset::TargetShape;
use modalign::dataset::loader::Batch;
use modalign::model::{Dual, Model, Pass, SwinConfig, device, state::scalar};
use modalign::suite::parts::PredictorSpec;
use modalign::suite::training::Rule;
use modalign::transfer::methods::mona::OuterSign;
use modalign::transfer::objectives::meta_step::{Meta, MetaGradient, SourceBatch, meta_step};
use modalign::transfer::objectives::task::Supervised;
use modalign::transfer::step::{Memory, MicroBatch};
use modalign::transfer::{TaskLoss, loss, optimiser::Optimiser};
use rand::SeedableRng;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps before those that count: kernels are compiled and tuned in them.
const WARM_UP: usize = 5;
const MINI: &str = r#"{"image_size":32,"patch_size":4,"embed_dim":64,"depths":[2,4],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#;
const BASE: &str = r#"{"image_size":224,"patch_size":4,"embed_dim":128,"depths":[2,2,18,2],"num_heads":[4,8,16,32],"window_size":7,"drop_path_rate":0}"#;

fn words(name: &str, default: &str) -> Vec<String> {
    let text = std::env::var(name).unwrap_or_else(|_| default.into());
    text.split(',').map(str::to_owned).collect()
}

fn number(name: &str, default: usize) -> usize {
    let text = std::env::var(name).ok();
    text.and_then(|t| t.parse().ok()).unwrap_or(default)
}

fn main() {
    let name = std::env::var("MODALIGN_DEVICE").unwrap_or_else(|_| "flex".into());
    let device = device::open(&name).expect("device");
    let rounds = number("ROUNDS", 30);
    let shown = device::describe(&name, &device);
    for model in words("MODELS", "mini,base") {
        let (config, side, batch) = match model.as_str() {
            "base" => (BASE, 224, number("BATCH_BASE", 32)),
            _ => (MINI, 32, number("BATCH_MINI", 64)),
        };
        for mode in words("MODES", "nft,mona,extract") {
            let rate = rate(&device, config, [batch, 3, side, side], &mode, rounds);
            println!(
                "{{\"engine\": \"modalign {shown}\", \"model\": \"{model}\", \"mode\": \"{mode}\", \"batch\": {batch}, \"rounds\": {rounds}, \"images_per_second\": {rate:.2}}}"
            );
        }
    }
}

/// Images per second of one cell.
fn rate(device: &Device, config: &str, shape: [usize; 4], mode: &str, rounds: usize) -> f64 {
    let config: SwinConfig = serde_json::from_str(config).expect("configuration");
    let spec = PredictorSpec::Classification { classes: 80 };
    let dtype = match mode {
        "extract-f16" => DType::F16,
        _ => DType::F32,
    };
    let model = Model::new(config, 3, Some(&spec), 0, device, dtype).expect("model");
    let count: usize = shape.iter().product();
    let pixels: Vec<f32> = (0..count)
        .map(|i| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let labels: Vec<usize> = (0..shape[0]).map(|i| i % 80).collect();
    let x = || {
        let data = TensorData::new(pixels.clone(), shape).convert_dtype(dtype);
        Tensor::<4>::from_data(data, (device, dtype))
    };
    let objective = Supervised {
        loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
        truth: TargetShape::Class,
        memory: Memory::default(),
        drops_paths: true,
    };
    let task =
        |outputs: Dual<2>, batch: &Batch| Ok(loss::cross_entropy(outputs, &batch.labels, 0.0));
    let meta = Meta {
        lambda: 0.5,
        alpha: 1e-3,
        sign: OuterSign::WangIsola,
        how: MetaGradient::Exact,
        difference_step: 0.01,
    };
    let still = model.network.clone();
    let mut network = model.network.clone().unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(1.0));
    let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let mut step = || -> Tensor<1> {
        match mode {
            "nft" => {
                let batch = Batch {
                    values: pixels.clone(),
                    shape,
                    labels: labels.clone(),
                    targets: Vec::new(),
                    mixed: None,
                };
                let found = objective.step(&network, batch, &mut stream);
                let (value, grads) = found.expect("gradients");
                network = optimiser.step(1e-4, network.clone(), grads);
                value
            }
            "mona" => {
                let source = SourceBatch {
                    samples: x(),
                    labels: (0..shape[0]).map(|i| i % 10).collect(),
                };
                let embedder = &model.network.embedder;
                let parts = [MicroBatch::labelled(x(), labels.clone())];
                let memory = Memory::default();
                let found = meta_step(&network, &parts, &task, embedder, source, meta, memory);
                let found = found.expect("step");
                network = optimiser.step(1e-4, network.clone(), found.grads);
                found.measured.narrow(0, 0, 1)
            }
            _ => {
                let features = still.features(x(), &mut Pass::eval()).primal;
                features.cast(DType::F32).sum()
            }
        }
    };
    let mut last = None;
    for _ in 0..WARM_UP {
        last = Some(step());
    }
    let warm = last.map_or(0.0, scalar);
    assert!(warm.is_finite(), "{mode}: {warm}");
    let start = Instant::now();
    let values: Vec<Tensor<1>> = (0..rounds.max(1)).map(|_| step()).collect();
    scalar(Tensor::cat(values, 0).sum());
    (rounds.max(1) * shape[0]) as f64 / start.elapsed().as_secs_f64()
}

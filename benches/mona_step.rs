//! One stage-1 step of MoNA beside one fine-tuning step of the same model and batch: seconds of
//! each, their ratio (theory: inner pass 1, outer pass 1, dual pass 2) and peak memory. Prints one
//! JSON line; `mona_step.sh` runs PyTorch's double backward on the same shape beside it.

use burn::module::Module;
use burn::tensor::{DType, Tensor, TensorData};
use modalign::dataset::TargetShape;
use modalign::dataset::loader::Batch;
use modalign::model::{Dual, Model, SwinConfig, device};
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

/// Steps of each kind before those that count.
const WARM_UP: usize = 2;

fn main() {
    let name = std::env::var("MODALIGN_DEVICE").unwrap_or_else(|_| "flex".into());
    let mode = std::env::var("MODE").unwrap_or_else(|_| "both".into());
    let rounds: usize = std::env::var("ROUNDS")
        .ok()
        .and_then(|r| r.parse().ok())
        .unwrap_or(15);
    let device = device::open(&name).expect("device");
    let config: SwinConfig = serde_json::from_str(
        r#"{"image_size":32,"patch_size":4,"embed_dim":64,"depths":[2,4],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
    )
    .expect("configuration");
    let spec = PredictorSpec::Classification { classes: 80 };
    let model = Model::new(config, 3, Some(&spec), 0, &device, DType::F32).expect("model");
    let shape = [64, 3, 32, 32];
    let pixels: Vec<f32> = (0..shape.iter().product())
        .map(|i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let labels: Vec<usize> = (0..64).map(|i| i % 80).collect();
    let source: Vec<usize> = (0..64).map(|i| i % 10).collect();
    let x = || Tensor::<4>::from_data(TensorData::new(pixels.clone(), shape), &device);
    let mut network = model.network.clone().unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(1.0));
    let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let task =
        |outputs: Dual<2>, batch: &Batch| Ok(loss::cross_entropy(outputs, &batch.labels, 0.0));
    let objective = Supervised {
        loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
        truth: TargetShape::Class,
        memory: Memory::default(),
        drops_paths: true,
    };
    let meta = Meta {
        lambda: 0.5,
        alpha: 1e-3,
        sign: OuterSign::WangIsola,
        how: MetaGradient::Exact,
        difference_step: 0.01,
    };
    // The two steps take turns, so that what else the machine does falls on both.
    let (mut nft, mut mona) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP + rounds {
        if mode != "mona" {
            let start = Instant::now();
            let batch = Batch {
                values: pixels.clone(),
                shape,
                labels: labels.clone(),
                targets: Vec::new(),
                mixed: None,
            };
            let (_, grads) = objective
                .step(&network, batch, &mut stream)
                .expect("gradients");
            network = optimiser.step(1e-4, network, grads);
            nft.push(start.elapsed().as_secs_f64());
        }
        if mode != "nft" {
            let start = Instant::now();
            let batch = SourceBatch {
                samples: x(),
                labels: source.clone(),
            };
            let embedder = &model.network.embedder;
            let parts = [MicroBatch::labelled(x(), labels.clone())];
            let memory = Memory::default();
            let found = meta_step(&network, &parts, &task, embedder, batch, meta, memory);
            let found = found.expect("step");
            network = optimiser.step(1e-4, network, found.grads);
            mona.push(start.elapsed().as_secs_f64());
        }
    }
    let (nft, mona) = (median(nft), median(mona));
    let show = |v: Option<f64>| v.map_or("null".to_string(), |v| format!("{v:.5}"));
    let ratio = nft.zip(mona).map(|(n, m)| m / n);
    println!(
        "{{\"engine\": \"modalign {name}\", \"threads\": {}, \"nft_seconds\": {}, \"mona_seconds\": {}, \"ratio\": {}, \"peak_memory_gb\": {:.3}}}",
        rayon::current_num_threads(),
        show(nft),
        show(mona),
        show(ratio),
        peak()
    );
}

/// Median seconds of the steps after those to warm up; none without steps.
fn median(mut times: Vec<f64>) -> Option<f64> {
    times.drain(..WARM_UP.min(times.len()));
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied()
}

/// Peak resident memory of the process in GB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1024.0 / 1e9
}

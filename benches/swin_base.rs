//! Swin-B at 224 × 224: images per second and peak memory of feature extraction or of a training
//! step (forward, backward, AdamW), one mode a process. Prints one JSON line with the keys of
//! `peers/swin_base.py`; `swin_base.sh` runs PyTorch beside it and prints the ratios.
//!
//! Settings come from the environment: `MODE` (extract, extract-bf16, train, recompute, mona, load), `BATCH`, `ROUNDS`,
//! `MODALIGN_DEVICE`; `MODEL` is the folder that `load` reads. `mona` is a step of MoNA's stage 1 on as many
//! source as target samples, in parts of `PART` samples (0: whole), recomputed with `RECOMPUTE=1`.

mod shared;

use burn::module::Module;
use burn::tensor::{DType, Tensor, TensorData};
use modalign::dataset::TargetShape;
use modalign::dataset::loader::Batch;
use modalign::model::{Dual, Model, Pass, SwinConfig, device, load, precision, state};
use modalign::suite::parts::PredictorSpec;
use modalign::suite::training::Rule;
use modalign::transfer::TaskLoss;
use modalign::transfer::loss::cross_entropy;
use modalign::transfer::methods::mona::OuterSign;
use modalign::transfer::objectives::meta_step::{Meta, MetaGradient, SourceBatch, meta_step};
use modalign::transfer::objectives::task::Supervised;
use modalign::transfer::optimiser::Optimiser;
use modalign::transfer::step::{Memory, MicroBatch};
use rand::SeedableRng;
use shared::{peak, pixels, rate, setting};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let name = std::env::var("MODALIGN_DEVICE").unwrap_or_else(|_| "flex".into());
    let mode = std::env::var("MODE").unwrap_or_else(|_| "extract".into());
    let (batch, rounds) = (setting("BATCH", 8), setting("ROUNDS", 3));
    let device = device::open(&name).expect("device");
    if mode == "load" {
        return loading(&device);
    }
    let config: SwinConfig = serde_json::from_str(
        r#"{"image_size":224,"patch_size":4,"embed_dim":128,"depths":[2,2,18,2],"num_heads":[4,8,16,32],"window_size":7,"drop_path_rate":0}"#,
    )
    .expect("configuration");
    let spec = PredictorSpec::Classification { classes: 10 };
    let model = Model::new(config, 3, Some(&spec), 0, &device, DType::F32).expect("model");
    let (pixels, shape) = pixels(batch);
    let labels: Vec<usize> = (0..batch).map(|i| i % 10).collect();
    let parameters = state::size(&model.network);
    let rate = if mode == "mona" {
        let network = model.network.clone().unfreeze().train();
        let memory = Memory {
            micro_batch: setting("PART", 0),
            recompute: setting("RECOMPUTE", 0) == 1,
        };
        let most = if memory.micro_batch == 0 {
            batch
        } else {
            memory.micro_batch
        };
        let x = || Tensor::<4>::from_data(TensorData::new(pixels.clone(), shape), &device);
        let loss = |outputs: Dual<2>, batch: &Batch| Ok(cross_entropy(outputs, &batch.labels, 0.0));
        let meta = Meta {
            lambda: 0.5,
            alpha: 1e-4,
            sign: OuterSign::WangIsola,
            how: MetaGradient::Exact,
            difference_step: 0.01,
        };
        rate(rounds, batch, || {
            let parts: Vec<MicroBatch> = labels
                .chunks(most)
                .zip((0..batch).step_by(most))
                .map(|(labels, first)| MicroBatch {
                    share: labels.len() as f64 / batch as f64,
                    ..MicroBatch::labelled(x().narrow(0, first, labels.len()), labels.to_vec())
                })
                .collect();
            let source = SourceBatch {
                samples: x(),
                labels: labels.clone(),
            };
            let embedder = &model.network.embedder;
            let found = meta_step(&network, &parts, &loss, embedder, source, meta, memory);
            let measured = found.expect("step").measured.into_data();
            assert!(measured.iter::<f32>().all(f32::is_finite));
        })
    } else if mode.starts_with("extract") {
        let network = match mode.as_str() {
            "extract-bf16" => precision::round_products(model.network.clone()),
            _ => model.network.clone(),
        };
        rate(rounds, batch, || {
            let x = Tensor::<4>::from_data(TensorData::new(pixels.clone(), shape), &device);
            let features = network.features(x, &mut Pass::eval()).primal;
            features.sum().into_scalar::<f32>();
        })
    } else {
        let memory = Memory {
            recompute: mode == "recompute",
            ..Memory::default()
        };
        let mut network = model.network.unfreeze().train();
        let mut optimiser = Optimiser::new(Rule::default(), 0.05, None);
        let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        rate(rounds, batch, || {
            let batch = Batch {
                values: pixels.clone(),
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
            assert!(modalign::model::state::scalar(loss).is_finite());
        })
    };
    let key = if mode.starts_with("extract") {
        "extract"
    } else {
        "train"
    };
    println!(
        "{{\"engine\": \"modalign {name}\", \"mode\": \"{mode}\", \"batch\": {batch}, \"parameters\": {parameters}, \"threads\": {}, \"{key}_images_per_second\": {rate:.3}, \"peak_memory_gb\": {:.3}}}",
        rayon::current_num_threads(),
        peak()
    );
}

/// Seconds and memory of loading a model folder.
fn loading(device: &burn::tensor::Device) {
    let folder = std::env::var("MODEL").expect("MODEL names a folder");
    let start = Instant::now();
    let loaded = load::load(folder.as_ref(), device, DType::F32).expect("model");
    println!(
        "{{\"engine\": \"modalign\", \"mode\": \"load\", \"parameters\": {}, \"seconds\": {:.3}, \"peak_memory_gb\": {:.3}}}",
        state::size(&loaded.model.network),
        start.elapsed().as_secs_f64(),
        peak()
    );
}

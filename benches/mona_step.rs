//! A stage-1 step of MoNA beside a fine-tuning step of the same model and batch: seconds of each, their ratio and peak
//! memory. Theory, in fine-tuning steps: the inner pass 1, the outer pass 1, the dual pass 2, so 4 for the paper's
//! single step, and 1 + 3K for K inner steps. Prints one JSON line; `mona_step.sh` runs PyTorch's double backward on the
//! same shape beside it.
//!
//! Settings come from the environment: `MODE` is `both` (fine-tuning and MoNA in turn), `nft` or `mona`, `STEPS` is K
//! (1 is the paper's step; more go through the unrolled recursion, and so does `unrolled` at 1), `RECOMPUTE=1` computes
//! activations again in every backward pass, `ROUNDS`, `MODALIGN_DEVICE`.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::dataset::TargetShape;
use modalign::dataset::loader::Batch;
use modalign::model::state::{add_gradients, scaled};
use modalign::model::{Dual, Embedder, Model, Network, SwinConfig, device};
use modalign::suite::parts::PredictorSpec;
use modalign::suite::training::Rule;
use modalign::transfer::methods::mona::{InnerScope, OuterSign};
use modalign::transfer::objectives::meta_step::{Meta, MetaGradient, SourceBatch, meta_step};
use modalign::transfer::objectives::outer::Outer;
use modalign::transfer::objectives::task::Supervised;
use modalign::transfer::objectives::unrolled::{Inner, unrolled};
use modalign::transfer::step::{Memory, MicroBatch, outside_encoder};
use modalign::transfer::{TaskLoss, loss, optimiser::Optimiser};
use rand::SeedableRng;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Steps of each kind before those that count.
const WARM_UP: usize = 2;
const SHAPE: [usize; 4] = [64, 3, 32, 32];
const META: Meta = Meta {
    lambda: 0.5,
    alpha: 1e-3,
    sign: OuterSign::WangIsola,
    how: MetaGradient::Exact,
    difference_step: 0.01,
};

/// The batch of every step.
struct Data {
    device: Device,
    pixels: Vec<f32>,
}

impl Data {
    fn samples(&self) -> Tensor<4> {
        Tensor::from_data(TensorData::new(self.pixels.clone(), SHAPE), &self.device)
    }

    fn target(&self) -> Vec<MicroBatch> {
        let labels = (0..SHAPE[0]).map(|i| i % 80).collect();
        vec![MicroBatch::labelled(self.samples(), labels)]
    }

    fn batch(&self) -> Batch {
        Batch {
            values: self.pixels.clone(),
            shape: SHAPE,
            labels: (0..SHAPE[0]).map(|i| i % 80).collect(),
            targets: Vec::new(),
            mixed: None,
        }
    }

    fn source(&self) -> SourceBatch {
        SourceBatch {
            samples: self.samples(),
            labels: (0..SHAPE[0]).map(|i| i % 10).collect(),
        }
    }
}

/// The gradients of a stage-1 step with `steps` inner steps; 0 is the paper's single one.
fn meta(
    network: &Network,
    data: &Data,
    embedder: &Embedder,
    objective: &Supervised,
    steps: usize,
) -> GradientsParams {
    let task =
        |outputs: Dual<2>, batch: &Batch| Ok(loss::cross_entropy(outputs, &batch.labels, 0.0));
    let (memory, source) = (objective.memory, data.source());
    if steps == 0 {
        let parts = data.target();
        let found = meta_step(network, &parts, &task, embedder, source, META, memory);
        return found.expect("step").grads;
    }
    let batches: Vec<_> = (0..steps).map(|_| data.target()).collect();
    let start = objective.deterministic(network, &batches[0]);
    let inner = Inner {
        scope: InnerScope::Encoder,
        alpha: META.alpha,
        precondition: None,
    };
    let found = unrolled(
        network,
        &batches,
        start.expect("first inner step"),
        &task,
        embedder,
        source,
        &Outer::AlignUniform(META.sign),
        inner,
        true,
        memory,
    );
    let found = found.expect("step");
    let mut grads = outside_encoder(network, &found.inner_gradients);
    let more = scaled(&network.embedder, &found.outer_gradients, META.lambda);
    add_gradients(&mut grads, more, &network.embedder);
    grads
}

fn main() {
    let setting = |name: &str| std::env::var(name).ok();
    let name = setting("MODALIGN_DEVICE").unwrap_or_else(|| "flex".into());
    let mode = setting("MODE").unwrap_or_else(|| "both".into());
    let rounds: usize = setting("ROUNDS").and_then(|r| r.parse().ok()).unwrap_or(15);
    let steps = setting("STEPS").unwrap_or_else(|| "1".into());
    let inner_steps = match steps.as_str() {
        "1" => 0,
        "unrolled" => 1,
        more => more.parse().expect("STEPS: a whole number, or unrolled"),
    };
    let recompute = setting("RECOMPUTE").is_some_and(|value| value == "1");
    let device = device::open(&name).expect("device");
    let config: SwinConfig = serde_json::from_str(
        r#"{"image_size":32,"patch_size":4,"embed_dim":64,"depths":[2,4],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
    )
    .expect("configuration");
    let spec = PredictorSpec::Classification { classes: 80 };
    let model = Model::new(config, 3, Some(&spec), 0, &device, DType::F32).expect("model");
    let pixels = (0..SHAPE.iter().product())
        .map(|i: usize| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let data = Data { device, pixels };
    let mut network = model.network.clone().unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(1.0));
    let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let objective = Supervised {
        loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
        truth: TargetShape::Class,
        memory: Memory {
            micro_batch: 0,
            recompute,
        },
        drops_paths: true,
    };
    // The two steps take turns, so that what else the machine does falls on both.
    let (mut nft, mut mona) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP + rounds {
        if mode != "mona" {
            let start = Instant::now();
            let found = objective.step(&network, data.batch(), &mut stream);
            let (_, grads) = found.expect("gradients");
            network = optimiser.step(1e-4, network, grads);
            nft.push(start.elapsed().as_secs_f64());
        }
        if mode != "nft" {
            let start = Instant::now();
            let embedder = &model.network.embedder;
            let grads = meta(&network, &data, embedder, &objective, inner_steps);
            network = optimiser.step(1e-4, network, grads);
            mona.push(start.elapsed().as_secs_f64());
        }
    }
    let (nft, mona) = (median(nft), median(mona));
    let show = |v: Option<f64>| v.map_or("null".to_string(), |v| format!("{v:.5}"));
    let ratio = nft.zip(mona).map(|(n, m)| m / n);
    println!(
        "{{\"engine\": \"modalign {name}\", \"threads\": {}, \"mode\": \"{mode}\", \"steps\": \"{steps}\", \"recompute\": {recompute}, \"nft_seconds\": {}, \"mona_seconds\": {}, \"ratio\": {}, \"peak_memory_gb\": {:.3}}}",
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

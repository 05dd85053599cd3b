//! Images per second of the small Swin: one training step (forward, backward, clip, AdamW) and
//! one feature extraction, batch 64 of 32 × 32 images. Prints one JSON line; `train_step.sh` runs
//! PyTorch beside it and prints the ratio.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use modalign::model::{Model, Network, Pass, Predictor, SwinConfig, device, state};
use modalign::suite::parts::PredictorSpec;
use modalign::suite::training::Rule;
use modalign::transfer::{loss, optimiser::Optimiser};
use rand::SeedableRng;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let name = std::env::var("MODALIGN_DEVICE").unwrap_or_else(|_| "flex".into());
    let seconds: f64 = std::env::var("BENCH_SECONDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(6.0);
    let plain = device::open(&name).expect("device");
    let tracked = plain.clone().autodiff();
    let config: SwinConfig = serde_json::from_str(
        r#"{"image_size":32,"patch_size":4,"embed_dim":64,"depths":[2,4],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
    )
    .expect("configuration");
    let model = Model::new(
        config,
        3,
        Some(&PredictorSpec::Classification { classes: 80 }),
        0,
        &plain,
        DType::F32,
    )
    .expect("model");
    let (batch, size) = (64, 3 * 32 * 32);
    let pixels: Vec<f32> = (0..batch * size)
        .map(|i| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let labels: Vec<usize> = (0..batch).map(|i| i % 80).collect();
    let input = |d| Tensor::<4>::from_data(TensorData::new(pixels.clone(), [batch, 3, 32, 32]), d);

    let mut network = model.network.clone().unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(1.0));
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let train = rate(seconds, batch, || {
        let logits = network.forward(input(&tracked), &mut Pass::train(&mut rng));
        let loss = loss::cross_entropy(logits, &labels, 0.0).primal;
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        network = optimiser.step(1e-3, network.clone(), grads);
        first(&network);
    });
    let extract = rate(seconds / 2.0, batch, || {
        model
            .network
            .features(input(&plain), &mut Pass::eval())
            .primal
            .sum()
            .into_scalar::<f32>();
    });
    println!(
        "{{\"engine\": \"modalign {name}\", \"threads\": {}, \"parameters\": {}, \"train_images_per_s\": {train:.1}, \"extract_images_per_s\": {extract:.1}}}",
        rayon::current_num_threads(),
        state::size(&model.network)
    );
}

/// Waits for the device: reads one parameter.
fn first(network: &Network) {
    if let Predictor::Pooled(pooled) = &network.predictor {
        pooled.linear.weight.val().sum().into_scalar::<f32>();
    }
}

/// Images per second over at least `seconds`, after three runs to warm up: median of the steps.
fn rate(seconds: f64, batch: usize, mut step: impl FnMut()) -> f64 {
    (0..3).for_each(|_| step());
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed().as_secs_f64() < seconds {
        let t = Instant::now();
        step();
        times.push(t.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    batch as f64 / times[times.len() / 2]
}

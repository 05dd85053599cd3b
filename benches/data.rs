//! How fast samples come: log-mel spectrograms of sounds, and batches of every reader beside the training
//! step that consumes them. `data.sh` makes the files and runs librosa beside it.
//!
//! | mode | prints |
//! |---|---|
//! | `sounds DIR` | seconds a chunk of FSD50K in DIR, read in order on this thread |
//! | `parity DIR OUT` | nothing: halved sounds and decibels of its clips as raw floats in OUT |
//! | `rates DIR…` | a line a reader whose files are in one of the folders; the first that has them counts |

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Tensor, TensorData};
use modalign::dataset::audio::{CHUNK, CHUNK_HOP, LogMel, decimate, wav};
use modalign::dataset::loader::{Order, batches};
use modalign::dataset::{self, READERS, Reader, Resized, sample_len};
use modalign::model::{Model, Pass, SwinConfig, device};
use modalign::suite::dataset::DatasetSpec;
use modalign::suite::parts::PredictorSpec;
use modalign::suite::training::{Augmentation, Rule};
use modalign::transfer::{loss, optimiser::Optimiser};
use rand::SeedableRng;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Samples a batch.
const BATCH: usize = 32;
/// Samples of a procedural set.
const MADE: usize = 2000;

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let folders: Vec<PathBuf> = arguments.iter().skip(1).map(PathBuf::from).collect();
    match arguments.first().map(String::as_str) {
        Some("sounds") => sounds(&folders[0]),
        Some("parity") => parity(&folders[0], &folders[1]),
        Some("rates") => rates(&folders),
        _ => eprintln!("modes: sounds DIR, parity DIR OUT, rates DIR…"),
    }
}

fn named(name: &str) -> &'static Reader {
    Reader::named(name).expect("a reader")
}

fn open(reader: &Reader, folder: &Path) -> Option<dataset::Splits> {
    let mut spec = DatasetSpec::new("bench", "Bench", reader.name);
    if reader.is_procedural() {
        (spec.train, spec.valid, spec.test) = (MADE, 100, 100);
    }
    match dataset::open(&spec, Some(folder), 0) {
        Ok(splits) => Some(splits),
        Err(dataset::DatasetError::Missing { .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

fn sounds(folder: &Path) {
    let splits = open(named("fsd50k"), folder).expect("FSD50K");
    let mut out = vec![0.0; sample_len(splits.train.as_ref())];
    let mut all = || {
        for part in [&splits.train, &splits.valid] {
            (0..part.len()).for_each(|i| part.read(i, &mut out).expect("chunk"));
        }
    };
    all();
    let start = Instant::now();
    all();
    let seconds = start.elapsed().as_secs_f64();
    let chunks = splits.train.len() + splits.valid.len();
    let each = seconds / chunks as f64;
    println!("{{\"engine\": \"modalign\", \"chunks\": {chunks}, \"each\": {each:.6}}}");
}

fn parity(folder: &Path, out: &Path) {
    let transform = LogMel::new(Default::default());
    for entry in std::fs::read_dir(folder.join("fsd50k/FSD50K.dev_audio")).expect("clips") {
        let path = entry.expect("clip").path();
        let bytes = std::fs::read(&path).expect("clip");
        let sound = decimate::halve(&wav::decode(&bytes, 44_100, 1 << 24).expect("WAV"));
        let mut decibels = Vec::new();
        for start in (0..=sound.len().saturating_sub(CHUNK)).step_by(CHUNK_HOP) {
            let mut chunk = sound[start..sound.len().min(start + CHUNK)].to_vec();
            chunk.resize(CHUNK, 0.0);
            decibels.extend(transform.decibels(&chunk));
        }
        for (values, kind) in [(&sound, "sound"), (&decibels, "db")] {
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let name = path.with_extension(kind);
            std::fs::write(out.join(name.file_name().expect("name")), bytes).expect("written");
        }
    }
}

/// Samples per second of the loader of every reader, and how many times that is the training step's.
fn rates(folders: &[PathBuf]) {
    let (small, large) = (small_swin(), swin_base());
    println!("training step of the small Swin: {small:.0} img/s, of Swin-B: {large:.2} img/s");
    println!(
        "{:24} {:>12} {:>10} {:>8} {:>12} {:>8}",
        "reader", "sample", "small", "×", "suite", "×"
    );
    for reader in READERS {
        let Some(splits) = folders.iter().find_map(|folder| open(reader, folder)) else {
            println!("{:24} no files", reader.name);
            continue;
        };
        let [c, h, w] = splits.train.shape();
        // series go to encoders of their own, as they are
        let sized = |side| {
            if h == 1 {
                splits.clone()
            } else {
                Resized::splits(splits.clone(), side)
            }
        };
        let own = sized(32);
        let found = loaded(&own.train);
        let shape = format!("{c}×{h}×{w}");
        let name = reader.name;
        let small_line = format!("{name:24} {shape:>12} {found:10.0} {:8.1}", found / small);
        let real = [
            "demo",
            "emg",
            "esc",
            "fsdd",
            "ecg5000",
            "darcy16",
            "cifar100-",
        ];
        if h == 1 || real.iter().any(|own| name.starts_with(own)) {
            println!("{small_line}");
        } else {
            let found = loaded(&sized(224).train);
            println!("{small_line} {found:12.0} {:8.1}", found / large);
        }
    }
    if let Some(folder) = folders.last() {
        cifar(folder);
    }
}

/// Samples per second of shuffled epochs.
fn loaded(set: &std::sync::Arc<dyn dataset::Dataset>) -> f64 {
    let epoch = |epoch| {
        let order = Order {
            batch: BATCH,
            shuffle: Some((0, epoch)),
            drop_last: false,
            augment: Augmentation::default(),
        };
        batches(set.clone(), order)
    };
    // before the clock starts: files come into memory, tables are made
    let warm = Instant::now();
    for batch in epoch(0) {
        batch.expect("batch");
        if warm.elapsed().as_secs_f64() > 2.0 {
            break;
        }
    }
    let (start, mut count) = (Instant::now(), 0);
    for number in 1.. {
        for batch in epoch(number) {
            count += batch.expect("batch").labels.len();
            let seconds = start.elapsed().as_secs_f64();
            if seconds > 1.5 {
                return count as f64 / seconds;
            }
        }
    }
    unreachable!("epochs have no end")
}

/// Seconds from the files of CIFAR-10 to 50,000 normalised images, opening included: median of five.
fn cifar(folder: &Path) {
    let mut times = [0.0; 5];
    for time in &mut times {
        let start = Instant::now();
        let Some(splits) = open(named("cifar10"), folder) else {
            return;
        };
        let mut out = vec![0.0; sample_len(splits.train.as_ref())];
        let mut count = 0;
        for part in [&splits.train, &splits.valid] {
            (0..part.len()).for_each(|i| part.read(i, &mut out).expect("record"));
            count += part.len();
        }
        assert_eq!(count, 50_000);
        *time = start.elapsed().as_secs_f64();
    }
    times.sort_by(f64::total_cmp);
    println!("50,000 CIFAR-10 records: {:.3} s", times[2]);
}

fn small_swin() -> f64 {
    let config = r#"{"image_size":32,"patch_size":4,"embed_dim":64,"depths":[2,4],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#;
    step(config, 32, 64, 20)
}

fn swin_base() -> f64 {
    let config = r#"{"image_size":224,"patch_size":4,"embed_dim":128,"depths":[2,2,18,2],"num_heads":[4,8,16,32],"window_size":7,"drop_path_rate":0}"#;
    step(config, 224, 4, 3)
}

/// Images per second of a training step (forward, backward, clip, AdamW): median of the steps.
fn step(config: &str, side: usize, batch: usize, rounds: usize) -> f64 {
    let plain = device::open("flex").expect("device");
    let tracked = plain.clone().autodiff();
    let config: SwinConfig = serde_json::from_str(config).expect("configuration");
    let head = PredictorSpec::Classification { classes: 80 };
    let model = Model::new(config, 3, Some(&head), 0, &plain, DType::F32).expect("model");
    let pixels: Vec<f32> = (0..batch * 3 * side * side)
        .map(|i| ((i * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0)
        .collect();
    let labels: Vec<usize> = (0..batch).map(|i| i % 80).collect();
    let mut network = model.network.unfreeze().train();
    let mut optimiser = Optimiser::new(Rule::default(), 0.05, Some(1.0));
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let mut times = Vec::new();
    for _ in 0..=rounds {
        let start = Instant::now();
        let data = TensorData::new(pixels.clone(), [batch, 3, side, side]);
        let input = Tensor::<4>::from_data(data, &tracked);
        let logits = network.forward(input, &mut Pass::train(&mut rng));
        let loss = loss::cross_entropy(logits, &labels, 0.0).primal;
        let grads = GradientsParams::from_grads(loss.backward(), &network);
        network = optimiser.step(1e-3, network.clone(), grads);
        times.push(start.elapsed().as_secs_f64());
    }
    times.remove(0); // to warm up
    times.sort_by(f64::total_cmp);
    batch as f64 / times[times.len() / 2]
}

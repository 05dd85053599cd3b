//! The objective of intermediate modalities against one tape of the whole loss.

use super::*;
use crate::dataset::InMemory;
use crate::model::state::{gradients, scalar};
use crate::model::{SwinConfig, Target};
use crate::suite::parts::PredictorSpec;
use crate::suite::task::TaskLoss;
use crate::transfer::step::Memory;
use burn::module::Module;
use burn::tensor::{DType, Device, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

const BATCH: usize = 5;

fn model() -> Model {
    let config: SwinConfig = serde_json::from_str(
        r#"{"image_size":16,"patch_size":2,"embed_dim":8,"depths":[2,1],"num_heads":[2,4],"window_size":4,"drop_path_rate":0}"#,
    )
    .unwrap();
    Model::new(config, 3, None, 5, &Device::flex(), DType::F64).unwrap()
}

fn network(source: &Model) -> Network {
    let spec = PredictorSpec::Classification { classes: 3 };
    let target = Target::new([2, 16, 16], spec);
    let model = source.for_target(&target, 7).unwrap();
    model.network.unfreeze().train()
}

fn batch() -> Batch {
    let size = BATCH * 2 * 256;
    Batch {
        values: (0..size).map(|i| (i as f32 * 0.37).sin()).collect(),
        shape: [BATCH, 2, 16, 16],
        labels: vec![0, 1, 2, 0, 1],
        targets: Vec::new(),
        mixed: None,
    }
}

fn source_set() -> Arc<dyn Dataset> {
    let (count, size) = (12, 3 * 256);
    let values = (0..count * size).map(|i| (i as f32 * 0.71).cos()).collect();
    let labels = (0..count).map(|i| i % 4).collect();
    let classes = ["a", "b", "c", "d"].map(String::from).to_vec();
    Arc::new(InMemory::new([3, 16, 16], classes, labels, values).unwrap())
}

fn objective(source: &Model, share: f64, drawn: bool, memory: Memory) -> Gradual<'_> {
    let task = Supervised {
        loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
        truth: TargetShape::Class,
        memory,
        drops_paths: true,
    };
    let course = Course {
        start: share,
        end: share,
        sampled: f64::from(u8::from(drawn)),
        temperature: 0.9,
        epochs: 4,
        per_epoch: 2,
    };
    let train = TrainSettings::default();
    Gradual::new(task, source, source_set(), course, (&train, 1.0), 3).unwrap()
}

type Gradients = BTreeMap<String, TensorData>;

/// The reading, and the gradients at the network and beside it.
fn found(share: f64, drawn: bool, memory: Memory) -> (f64, Gradients, Gradients) {
    let source = model();
    let network = network(&source);
    let mut objective = objective(&source, share, drawn, memory);
    let mut stream = ChaCha8Rng::seed_from_u64(0);
    let step = &mut Step {
        number: 2,
        rate: 0.1,
        stream: &mut stream,
    };
    let (reading, grads) = objective.gradients(&network, batch(), step).unwrap();
    let Reading::Device(value) = reading else {
        unreachable!("losses stay on the device")
    };
    let beside = gradients(&objective.beside.module, &objective.pending);
    (scalar(*value), gradients(&network, &grads), beside)
}

/// The same by one tape of the whole loss.
fn by_one_tape(share: f64, drawn: bool) -> (f64, Gradients, Gradients) {
    let source = model();
    let network = network(&source);
    let objective = objective(&source, share, drawn, Memory::default());
    let device = network.place().0.inner();
    let whole = |batch: Batch| micro_batches(batch, 0, &device, DType::F64).remove(0);
    let (target, other) = (whole(batch()), whole(objective.draw(BATCH, 2).unwrap()));
    let place = Place {
        share,
        drawn: drawn.then_some(0.9),
        seed: 3,
        step: 2,
        first: 0,
    };
    let pass = &mut Pass::eval();
    let tokens = network
        .embedder
        .forward(Tensor::<4>::from_inner(target.samples), pass);
    let entering = source.network.embedder.forward(other.samples, pass);
    let (mixed, count) = mixed(&objective.beside.module.gate, &tokens, &entering, place);
    let lambda = count as f64 / 64.0;
    let ce =
        |logits: Tensor<2>, labels: &[usize]| cross_entropy(Dual::from(logits), labels, 0.0).primal;
    let labels = &target.targets.labels;
    let last = network.encoder.encode(tokens.clone(), pass);
    let own = ce(network.predictor.forward(last, pass).primal, labels);
    let last = network.encoder.encode(tokens.with(Dual::from(mixed)), pass);
    let again = ce(network.predictor.forward(last.clone(), pass).primal, labels);
    let head = &objective.beside.module.predictor;
    let bias = head.bias.as_ref().unwrap().val().reshape([1, 4]);
    let logits = last.pool().primal.matmul(head.weight.val().transpose()) + bias;
    let of_source = ce(logits, &other.targets.labels);
    let total = own.clone() + again.mul_scalar(1.0 - lambda) + of_source.mul_scalar(lambda);
    let mut grads = total.backward();
    let beside = GradientsParams::from_module(&mut grads, &objective.beside.module);
    let grads = GradientsParams::from_module(&mut grads, &network);
    (
        scalar(own.inner()),
        gradients(&network, &grads),
        gradients(&objective.beside.module, &beside),
    )
}

/// Compares gradients, relative to the largest entry of each.
fn check(found: &Gradients, want: &Gradients, what: &str) {
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        want.keys().collect::<Vec<_>>()
    );
    for (path, want) in want {
        let want: Vec<f64> = want.iter::<f64>().collect();
        let pairs = want.iter().zip(found[path].iter::<f64>());
        let scale = want.iter().fold(1e-9f64, |a, v| a.max(v.abs()));
        let worst = pairs.fold(0.0f64, |a, (x, y)| a.max((x - y).abs()));
        assert!(worst < 1e-9 * scale, "{what} {path}: {worst} of {scale}");
    }
}

#[test]
fn two_passes_give_the_gradient_of_one_tape_in_parts_and_recomputed() {
    for (share, drawn) in [(0.3, false), (0.3, true), (1.0, false), (0.0, true)] {
        let (loss, grads, beside) = by_one_tape(share, drawn);
        for (micro_batch, recompute) in [(0, false), (2, false), (0, true), (3, true)] {
            let memory = Memory {
                micro_batch,
                recompute,
            };
            let what = format!("share {share}, drawn {drawn}, {memory:?}");
            let (value, found, other) = found(share, drawn, memory);
            assert!((value - loss).abs() < 1e-12, "{what}: {value} {loss}");
            check(&found, &grads, &what);
            // Without anything drawn or replaced the gate has no gradient.
            let gate = |all: &Gradients| -> f64 {
                let gate = all.iter().filter(|(path, _)| path.starts_with("gate"));
                gate.flat_map(|(_, data)| data.iter::<f64>().collect::<Vec<_>>())
                    .fold(0.0, |a, v| a.max(v.abs()))
            };
            assert_eq!(gate(&other) > 0.0, drawn, "{what}");
            let head = |all: &Gradients| -> Gradients {
                let all = all.clone().into_iter();
                all.filter(|(path, _)| drawn || !path.starts_with("gate"))
                    .collect()
            };
            check(&head(&other), &head(&beside), &what);
        }
    }
}

#[test]
fn without_replaced_patches_it_is_twice_the_task_loss() {
    let (_, grads, _) = found(0.0, false, Memory::default());
    let source = model();
    let network = network(&source);
    let task = objective(&source, 0.0, false, Memory::default()).task;
    let parts = micro_batches(batch(), 0, &network.place().0.inner(), DType::F64);
    let (_, once) = task.deterministic(&network, &parts).unwrap();
    let twice = crate::model::state::scaled(&network, &once, 2.0);
    check(&grads, &gradients(&network, &twice), "twice");
}

#[test]
fn the_share_falls_by_epochs_and_the_first_ones_are_drawn() {
    let course = Course {
        start: 0.64,
        end: 0.16,
        sampled: 0.25,
        temperature: 0.9,
        epochs: 4,
        per_epoch: 3,
    };
    let close = |found: (f64, Option<f64>), want: (f64, Option<f64>)| {
        assert!((found.0 - want.0).abs() < 1e-12 && found.1 == want.1);
    };
    close(course.at(0), (0.64, Some(0.9)));
    close(course.at(2), (0.64, Some(0.9)));
    close(course.at(3), (0.52, None));
    close(course.at(11), (0.28, None));
    let none = Course {
        sampled: 0.0,
        ..course
    };
    close(none.at(0), (0.64, None));
}

#[test]
fn a_source_set_without_classes_is_refused() {
    let source = model();
    let empty = InMemory::new([3, 16, 16], vec!["a".into()], Vec::new(), Vec::new()).unwrap();
    let task = objective(&source, 0.5, false, Memory::default()).task;
    let course = objective(&source, 0.5, false, Memory::default()).course;
    let train = TrainSettings::default();
    let refused = Gradual::new(task, &source, Arc::new(empty), course, (&train, 1.0), 3);
    assert!(matches!(refused, Err(TransferError::Setting { .. })));
}

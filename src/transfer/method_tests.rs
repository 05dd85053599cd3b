//! Every method on a tiny problem: it runs, it resumes in the same bits, and it touches only what
//! it should.

use super::epochs::Event;
use super::error::TransferError;
use super::methods::{METHODS, Method, emb, frozen, mona, nft, orca, orca_l2, orca_mmd, scratch};
use super::records::Stage1Record;
use super::request::Request;
use super::snapshot::{Checkpointer, NamedTensors, NoCheckpoints, Snapshot};
use super::stages::{Trained, transfer};
use super::task::{self, Task};
use crate::dataset::memory::InMemory;
use crate::dataset::{Dataset, Splits, TargetShape};
use crate::model::state::state;
use crate::model::{Model, SwinConfig, Target};
use crate::suite::dataset::DatasetSpec;
use crate::suite::definition::Transfer;
use crate::suite::parts::PredictorSpec;
use crate::suite::task::TargetKind;
use crate::suite::task::{Metric, TaskLoss};
use crate::suite::training::Augment;
use burn::tensor::{DType, Device};
use std::sync::Arc;

/// Saves the newest snapshot in memory.
#[derive(Default)]
pub(super) struct Memory(pub(super) Option<Snapshot>);

impl<M> Checkpointer<M> for Memory {
    fn load(&mut self) -> Result<Option<Snapshot>, TransferError> {
        Ok(self.0.clone())
    }

    fn save(&mut self, snapshot: &Snapshot) -> Result<(), TransferError> {
        self.0 = Some(snapshot.clone());
        Ok(())
    }

    fn epoch(&mut self, _: usize, _: &M) -> Result<(), TransferError> {
        Ok(())
    }
}

/// Separable images: every class has a wave of its own.
fn images(channels: usize, count: usize, salt: usize) -> Arc<dyn Dataset> {
    let size = channels * 16 * 16;
    let value = |i: usize| {
        let (sample, at) = (i / size, i % size);
        let class = sample % 3;
        ((at * (class + 2)) as f32 * 0.13).sin() + 0.4 * (((i + salt) * 37) as f32).sin()
    };
    let values = (0..count * size).map(value).collect();
    let labels = (0..count).map(|i| i % 3).collect();
    let classes = ["a", "b", "c"].map(String::from).to_vec();
    Arc::new(InMemory::new([channels, 16, 16], classes, labels, values).unwrap())
}

pub(super) struct Problem {
    pub(super) source: Model,
    target: Target,
    task: Task,
    splits: Splits,
    pub(super) settings: Transfer,
}

pub(super) fn problem() -> Problem {
    let config: SwinConfig = serde_json::from_str(
        r#"{"image_size":16,"patch_size":2,"embed_dim":8,"depths":[2,1],"num_heads":[2,4],"window_size":4,"drop_path_rate":0.2}"#,
    )
    .unwrap();
    let spec = PredictorSpec::Classification { classes: 3 };
    let source = Model::new(config, 3, Some(&spec), 5, &Device::flex(), DType::F32).unwrap();
    let settings: Transfer = toml::from_str(
        r#"
        stage1 = { epochs = 2, source_batch = 6, learning_rate = 0.01 }
        mona = { alpha = 0.1 }
        orca = { target_batch = 8, source_samples = 12 }
        orca-mmd = { target_batch = 8, source_samples = 12 }
        orca-l2 = { target_batch = 8, source_samples = 12 }
        train = { epochs = 3, batch = 8, learning_rate = 0.01, select = "valid" }
        "#,
    )
    .unwrap();
    Problem {
        source,
        target: Target::new([2, 16, 16], spec),
        task: Task {
            loss: TaskLoss::CrossEntropy { smoothing: 0.0 },
            metric: Metric::Error,
        },
        splits: Splits::new(images(2, 24, 0), images(2, 9, 1), images(2, 9, 2)),
        settings,
    }
}

impl Problem {
    /// Sets a key of `[transfer.METHOD]`.
    pub(super) fn set(&mut self, method: &str, key: &str, value: impl Into<toml::Value>) {
        let tables = &mut self.settings.method_settings.0;
        let table = tables.entry(method.into()).or_default();
        table.insert(key.into(), value.into());
    }

    pub(super) fn request(&self) -> Request<'_> {
        Request {
            settings: &self.settings,
            source: &self.source,
            target: &self.target,
            task: self.task,
            splits: &self.splits,
            source_set: images(3, 30, 3),
            seed: 4,
        }
    }

    pub(super) fn run(
        &self,
        method: &'static Method,
        checkpointer: &mut dyn Checkpointer,
        progress: &mut dyn FnMut(Event) -> bool,
    ) -> Result<Trained, TransferError> {
        transfer(method, &self.request(), checkpointer, progress)
    }

    pub(super) fn whole(&self, method: &'static Method) -> Trained {
        self.run(method, &mut NoCheckpoints, &mut |_| true).unwrap()
    }
}

pub(super) fn bits(trained: &Trained) -> NamedTensors {
    state(&trained.model.network)
}

/// The methods that are defined for classes of one tower's samples.
fn of_one_tower() -> impl Iterator<Item = &'static Method> {
    let defined = |method: &&Method| method.undefined_for(TargetKind::Labels).is_none();
    METHODS.into_iter().filter(defined)
}

#[test]
fn every_method_resumes_in_the_same_bits_wherever_it_was_stopped() {
    let problem = problem();
    for method in of_one_tower() {
        let whole = problem.whole(method);
        assert_eq!(whole.course.len(), 3);
        // Some methods have a stage 1 only where their settings say so.
        let first = whole.first.len();
        assert!(first == 0 || (first == 2 && method.has_stage1()));
        let steps = 3 * (3 + whole.first.len());
        for stop in [1, 4, 8, steps - 1] {
            let (mut memory, mut count) = (Memory::default(), 0);
            let stopped = problem.run(method, &mut memory, &mut |event| {
                count += usize::from(matches!(event, Event::Step(..)));
                count < stop
            });
            assert!(matches!(stopped, Err(TransferError::Interrupted)));
            let resumed = problem.run(method, &mut memory, &mut |_| true).unwrap();
            assert!(
                bits(&resumed) == bits(&whole),
                "{method:?} stopped at {stop}"
            );
            assert_eq!(resumed.selected, whole.selected);
            let losses = |t: &Trained| t.course.iter().map(|e| e.train_loss).collect::<Vec<_>>();
            assert_eq!(losses(&resumed), losses(&whole));
        }
    }
}

#[test]
fn without_an_outer_term_mona_is_emb() {
    let mut problem = problem();
    let emb = problem.whole(&emb::METHOD);
    let differs = |a: &Trained| {
        let (a, b) = (bits(a), bits(&emb));
        a.iter().fold(0.0f32, |worst, (path, a)| {
            let pairs = a
                .iter::<f32>()
                .zip(b[path].iter::<f32>().collect::<Vec<_>>());
            pairs.fold(worst, |w, (x, y)| w.max((x - y).abs()))
        })
    };
    let share = |t: &Trained| t.first.last().and_then(|r| r.outer_share).unwrap();
    let whole = problem.whole(&mona::METHOD);
    assert!(differs(&whole) > 1e-4 && share(&whole) > 1e-3);
    problem.set("mona", "meta_gradient", "first-order");
    let plain = problem.whole(&mona::METHOD);
    assert!(differs(&plain) < 1e-6);
    assert_eq!(share(&plain), 0.0);
    problem.set("mona", "meta_gradient", "exact");
    problem.set("mona", "lambda", 0.0);
    assert!(differs(&problem.whole(&mona::METHOD)) < 1e-6);
}

#[test]
fn orca_brings_the_embedded_target_closer_to_the_source() {
    let mut problem = problem();
    problem.settings.stage1.epochs = 12;
    for inner in ["gaussian", "exact"] {
        problem.set("orca", "inner", inner);
        let trained = problem.whole(&orca::METHOD);
        let course: Vec<f64> = trained.first.iter().map(|r| r.otdd.unwrap()).collect();
        assert!(course[11] < 0.8 * course[0], "{inner}: {course:?}");
        assert!(
            trained
                .first
                .iter()
                .all(|r| r.inner.is_none() && r.converged > Some(0.9))
        );
    }
}

#[test]
fn orcas_other_alignments_bring_the_embedded_target_closer_too() {
    let mut problem = problem();
    problem.settings.stage1.epochs = 12;
    for method in [&orca_mmd::METHOD, &orca_l2::METHOD] {
        let trained = problem.whole(method);
        let course: Vec<f64> = trained.first.iter().map(|r| r.distance.unwrap()).collect();
        assert!(course[11] < 0.9 * course[0], "{method:?}: {course:?}");
        let others = |r: &Stage1Record| r.inner.is_none() && r.otdd.is_none();
        assert!(trained.first.iter().all(others));
    }
    for (method, key) in [
        (&orca_mmd::METHOD, "source_samples"),
        (&orca_l2::METHOD, "target_batch"),
    ] {
        let mut problem = super::method_tests::problem();
        problem.set(method.name, key, 1i64);
        let refused = problem.run(method, &mut NoCheckpoints, &mut |_| true);
        assert!(matches!(refused, Err(TransferError::Setting { .. })));
    }
}

#[test]
fn methods_move_what_they_may() {
    let problem = problem();
    let before = state(&problem.source.network.encoder);
    let moved = |method| {
        let after = state(&problem.whole(method).model.network.encoder);
        let paths = after.iter().filter(|(path, data)| before[*path] != **data);
        paths.map(|(path, _)| path.clone()).collect::<Vec<_>>()
    };
    let frozen = moved(&frozen::METHOD);
    assert!(
        !frozen.is_empty() && frozen.iter().all(|p| p.contains("norm")),
        "{frozen:?}"
    );
    assert_eq!(moved(&nft::METHOD).len(), before.len());
    assert_eq!(moved(&scratch::METHOD).len(), before.len());
}

#[test]
fn stage_one_of_mona_keeps_the_encoder_unless_told_otherwise() {
    let mut problem = problem();
    let before = state(&problem.source.network.encoder);
    problem.settings.train.learning_rate = 1e-30;
    problem.settings.train.weight_decay = 0.0;
    let largest_move = |trained: &Trained| {
        let after = state(&trained.model.network.encoder);
        after.iter().fold(0.0f32, |worst, (path, data)| {
            let old: Vec<f32> = before[path].iter().collect();
            let pairs = data.iter::<f32>().zip(old);
            pairs.fold(worst, |w, (x, y)| w.max((x - y).abs()))
        })
    };
    let trained = problem.whole(&mona::METHOD);
    assert!(largest_move(&trained) < 1e-20);
    assert!(
        trained
            .first
            .iter()
            .all(|r| r.align.is_some() && r.uniform.is_some())
    );
    problem.set("mona", "reset_encoder", false);
    let trained = problem.whole(&mona::METHOD);
    assert!(largest_move(&trained) > 1e-6);
}

#[test]
fn patience_and_selection_follow_the_validation_part() {
    let mut problem = problem();
    problem.settings.train.epochs = 30;
    problem.settings.train.patience = 2;
    let trained = problem.whole(&nft::METHOD);
    let errors: Vec<f64> = trained.course.iter().map(|e| e.valid).collect();
    let best = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let first = errors.iter().position(|e| *e == best).unwrap() + 1;
    assert_eq!(trained.selected, first);
    assert_eq!(errors.len(), (first + 2).min(30));
}

#[test]
fn a_kept_inner_step_moves_what_its_scope_says() {
    let mut problem = problem();
    problem.settings.train.learning_rate = 1e-30;
    problem.settings.stage1.train_predictor = false;
    problem.set("mona", "reset_encoder", false);
    let mut predictor = |scope| {
        problem.set("mona", "inner_scope", scope);
        state(&problem.whole(&mona::METHOD).model.network.predictor)["linear.weight"]
            .iter::<f32>()
            .collect::<Vec<_>>()
    };
    let [still, moved] = ["encoder", "encoder-predictor"].map(&mut predictor);
    let pairs = still.iter().zip(&moved);
    let distance = pairs.fold(0.0f32, |w, (a, b)| w.max((a - b).abs()));
    assert!(distance > 1e-6, "{distance}");
}

/// Samples whose truth is not one class: two labels, or a field, that the waves decide.
fn known(truth: TargetShape, count: usize, salt: usize) -> Arc<dyn Dataset> {
    let (size, channels) = (2 * 16 * 16, 2);
    let strength = |i: usize| ((i * 5 + salt) % 7) as f32 / 3.5 - 1.0;
    let wave = |i: usize, at: usize| (at as f32 * 0.13).sin() * strength(i);
    let values = (0..count * size)
        .map(|i| wave(i / size, i % size) + 0.01)
        .collect();
    let (classes, known): (Vec<String>, Vec<f32>) = match truth {
        TargetShape::MultiHot => {
            let of = |i: usize| [strength(i) > 0.0, strength(i) > -0.5].map(u8::from);
            let all = (0..count).flat_map(|i| of(i).map(f32::from));
            (["a", "b"].map(String::from).to_vec(), all.collect())
        }
        _ => {
            let each = truth.len(0);
            let all = (0..count * each).map(|i| wave(i / each, i % each) + 2.0);
            (Vec::new(), all.collect())
        }
    };
    let shape = [channels, 16, 16];
    Arc::new(InMemory::with_targets(shape, classes, values, truth, known).unwrap())
}

#[test]
fn several_labels_and_fields_are_learned_by_every_method() {
    for truth in [TargetShape::MultiHot, TargetShape::Field([1, 8, 8])] {
        let mut problem = problem();
        let splits = Splits::new(
            known(truth, 32, 0),
            known(truth, 16, 1),
            known(truth, 16, 2),
        );
        let spec = DatasetSpec::new("t", "T", "cifar10");
        problem.task = Task::of(&spec, splits.train.as_ref(), 0.0).unwrap();
        problem.target = Target::new([2, 16, 16], task::predictor(splits.train.as_ref()));
        problem.splits = splits;
        problem.settings.train.epochs = 6;
        problem.settings.train.micro_batch = 3;
        for method in of_one_tower() {
            let found = problem.run(method, &mut NoCheckpoints, &mut |_| true);
            if method == &orca::METHOD {
                let error = found.err().unwrap().to_string();
                assert!(error.contains("between classes"), "{error}");
                continue;
            }
            let course = found.unwrap().course;
            let (first, last) = (course[0].train_loss, course[5].train_loss);
            assert!(last < first, "{method:?} on {truth:?}: {first} to {last}");
            assert!(course.iter().all(|e| e.valid.is_finite()));
        }
    }
}

#[test]
fn losses_and_metrics_that_do_not_suit_the_truth_are_refused() {
    let spec = DatasetSpec::new("t", "T", "cifar10");
    let field = known(TargetShape::Field([1, 8, 8]), 4, 0);
    let with = |loss, metric| DatasetSpec {
        loss,
        metric,
        ..spec.clone()
    };
    let masks = TaskLoss::BinaryCrossEntropy { pos_weight: 2.0 };
    let auroc = Some(Metric::OneMinusAuroc);
    assert!(Task::of(&with(Some(masks), auroc), field.as_ref(), 0.0).is_ok());
    for (loss, metric) in [
        (None, auroc),
        (None, Some(Metric::Error)),
        (Some(TaskLoss::CrossEntropy { smoothing: 0.0 }), None),
        (Some(TaskLoss::Nrmse { channels: 2 }), None),
    ] {
        assert!(Task::of(&with(loss, metric), field.as_ref(), 0.0).is_err());
    }
    let several = known(TargetShape::MultiHot, 4, 0);
    assert!(Task::of(&with(None, Some(Metric::Nrmse)), several.as_ref(), 0.0).is_err());
    let mut problem = problem();
    problem.settings.train.augment = Augment::CropFlip;
    assert!(problem.settings.train.check(field.as_ref()).is_err());
    assert!(problem.settings.train.check(several.as_ref()).is_ok());
}

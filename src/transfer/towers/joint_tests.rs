//! Tunings of small random towers on classes by their texts, of one task and of several.

use super::*;
use crate::dataset::{Dataset, InMemory};
use crate::fixture;
use crate::model::Opening;
use crate::model::embedder::End;
use crate::model::state::state;
use crate::model::two_tower;
use crate::transfer::method_tests::Memory;
use crate::transfer::methods::{METHODS, Method};
use crate::transfer::snapshot::NoCheckpoints;
use crate::transfer::towers::{ClassTokens, Fitted, fit};
use ndarray::Array2;
use std::sync::Arc;

struct Problem {
    towers: TwoTower,
    config: TwoTowerConfig,
    tasks: Vec<Named>,
    settings: Transfer,
}

/// Stripes whose width is their class, seen at an angle that is their task.
fn pictures(side: usize, count: usize, task: usize) -> Arc<dyn Dataset> {
    let mut values = Vec::new();
    let labels: Vec<usize> = (0..count).map(|i| i % 3).collect();
    for (index, label) in labels.iter().enumerate() {
        for at in 0..3 * side * side {
            let (x, y) = ((at % side) as f32, (at / side % side) as f32);
            let along = if task == 0 { x } else { y };
            let phase = 0.3 * index as f32;
            values.push((along * (*label as f32 + 1.0) * 0.5 + phase).sin());
        }
    }
    let classes = ["thin", "middle", "wide"].map(String::from).to_vec();
    Arc::new(InMemory::new([3, side, side], classes, labels, values).unwrap())
}

fn problem(tasks: usize) -> Problem {
    let files = two_tower::open(&fixture::path("harma"), &Opening::default()).unwrap();
    let config = files.config.clone();
    let towers = TwoTower::new(&config, 3, &Device::flex(), DType::F32);
    let length = config.text.max_position_embeddings;
    let end = match config.text.end {
        End::Id(id) => id as i64,
        End::Largest => config.text.vocab_size as i64 - 1,
    };
    let tokens = |words: usize| ClassTokens {
        ids: Array2::from_shape_fn((3, length), |(row, column)| {
            if column <= words {
                (7 * row + column) as i64
            } else {
                end
            }
        }),
        classes: 3,
        longest: words + 2,
    };
    let side = config.image.image_size;
    let named = |task: usize| Named {
        name: format!("task-{task}"),
        parts: [9 + 3 * task, 6, 9].map(|count| pictures(side, count, task)),
        templated: tokens(2),
        bare: tokens(1),
    };
    let settings: Transfer = toml::from_str(
        r#"
        lora = { rank = 2 }
        bottleneck = { width = 4 }
        harma = { rank = 16, share_rank = 8, heads = 2 }
        coop = { tokens = 2 }
        coop-classes = { tokens = 2 }
        vpt = { tokens = 2 }
        mmap = { tokens = 2 }
        train = { epochs = 16, batch = 3, learning_rate = 0.01 }
        "#,
    )
    .unwrap();
    Problem {
        towers,
        config: config.clone(),
        tasks: (0..tasks).map(named).collect(),
        settings,
    }
}

impl Problem {
    fn request(&self, method: &Method) -> JointRequest<'_> {
        let own = match (method.together, self.tasks.len()) {
            (Some(together), 2..) => together(&self.settings).unwrap().and_then(|all| all.own),
            _ => None,
        };
        JointRequest {
            settings: &self.settings,
            towers: &self.towers,
            config: &self.config,
            tasks: self.tasks.clone(),
            shared: method.towers.unwrap()(&self.settings).unwrap(),
            own,
            seed: 4,
        }
    }

    fn run(&self, method: &Method) -> TrainedJoint {
        learn(&self.request(method), &mut NoCheckpoints, &mut |_| true).unwrap()
    }
}

fn methods() -> impl Iterator<Item = &'static Method> {
    let own = METHODS.into_iter();
    own.filter(|method| method.towers.is_some() && method.name != "linear-probe")
}

#[test]
fn every_method_learns_classes_by_their_texts_and_leaves_the_towers_as_they_were() {
    for tasks in [1, 2] {
        let problem = problem(tasks);
        let before = state(&problem.towers);
        let mut count = 0;
        for method in methods() {
            let trained = problem.run(method);
            let losses: Vec<f64> = trained.course.iter().map(|e| e.train_loss).collect();
            let least = losses[1..].iter().copied().fold(f64::INFINITY, f64::min);
            assert!(least < losses[0], "{}: {losses:?}", method.name);
            assert!(
                trained
                    .course
                    .iter()
                    .all(|e| (0.0..=1.0).contains(&e.valid))
            );
            count += 1;
        }
        assert!(count >= 12);
        assert_eq!(state(&problem.towers), before);
    }
}

#[test]
fn an_interrupted_training_of_two_tasks_ends_in_the_same_bits() {
    let mut problem = problem(2);
    problem.settings.train.epochs = 3;
    for method in methods() {
        let whole = problem.run(method);
        let mut memory = Memory::default();
        let mut steps = 0;
        let request = problem.request(method);
        let stopped = learn(&request, &mut memory, &mut |event| {
            steps += usize::from(matches!(event, Event::Step(..)));
            steps < 6
        });
        assert!(matches!(stopped, Err(TransferError::Interrupted)));
        assert!(memory.0.is_some(), "an epoch was kept");
        let resumed = learn(&request, &mut memory, &mut |_| true).unwrap();
        assert_eq!(
            state(&resumed.joint),
            state(&whole.joint),
            "{}",
            method.name
        );
    }
}

/// A sum of losses over batches of one size is what a joint step minimises: its gradients at what is shared are the sum of
/// the tasks', and at what a task has for itself that task's alone.
#[test]
fn gradients_of_a_joint_step_are_those_of_its_tasks() {
    let problem = problem(2);
    let request = problem.request(crate::transfer::methods::find("mmap").unwrap());
    let joint = request.fresh().unwrap().train();
    let mut objective = ByTexts::new(&request, &joint.valid()).unwrap();
    let batch = |task: usize| {
        let set = &request.tasks[task].parts[0];
        let order = Order::sequential(3);
        batches(set.clone(), order)
            .into_iter()
            .next()
            .unwrap()
            .unwrap()
    };
    let mut stream = crate::random::DROPPED.rng(0, &[]);
    let step = &mut Step {
        number: 0,
        rate: 0.1,
        stream: &mut stream,
    };
    let (_, both) = objective
        .gradients(&joint, vec![batch(0), batch(1)], step)
        .unwrap();
    let both = gradients(&joint, &both);
    let alone: Vec<_> = (0..2)
        .map(|task| {
            let own = batch(task);
            let pixels = placed(own.values, own.shape, &objective.device, objective.dtype);
            let tuning = joint.of_task(task).unwrap();
            let loss = objective.loss(task, &tuning, pixels, &own.labels).unwrap();
            gradients(
                &joint,
                &GradientsParams::from_grads(loss.backward(), &joint),
            )
        })
        .collect();
    let mut shared = 0;
    for (path, data) in &both {
        let part = |task: usize| {
            alone[task]
                .get(path)
                .map(|data| data.iter::<f64>().collect::<Vec<_>>())
        };
        let of = [part(0), part(1)];
        shared += usize::from(of.iter().all(Option::is_some));
        for (at, value) in data.iter::<f64>().enumerate() {
            let sum: f64 = of.iter().flatten().map(|values| values[at]).sum();
            assert!((value - sum).abs() < 1e-6, "{path}: {value} and {sum}");
        }
    }
    assert!(
        shared > 3 && shared < both.len(),
        "{shared} of {}",
        both.len()
    );
}

/// Pictures and texts in parts, of one template and of two.
#[test]
fn a_step_in_parts_has_the_gradients_of_the_whole() {
    for templates in [1, 2] {
        let mut problem = problem(2);
        for task in &mut problem.tasks {
            let all = [task.templated.ids.view(), task.bare.ids.view()];
            let both = ndarray::concatenate(ndarray::Axis(0), &all).unwrap();
            // Two texts of every class in turn.
            let rows: Vec<usize> = match templates {
                1 => vec![0, 1, 2],
                _ => vec![0, 3, 1, 4, 2, 5],
            };
            task.templated.ids = both.select(ndarray::Axis(0), &rows);
        }
        let mut parted = problem.settings.clone();
        parted.train.micro_batch = 2;
        for method in methods() {
            let whole = problem.request(method);
            let parts = JointRequest {
                settings: &parted,
                tasks: problem.tasks.clone(),
                ..problem.request(method)
            };
            let joint = whole.fresh().unwrap().train();
            let mut found = [&whole, &parts].map(|request| {
                let mut objective = ByTexts::new(request, &joint.valid()).unwrap();
                let batch = |task: usize| {
                    let set = &request.tasks[task].parts[0];
                    let first = batches(set.clone(), Order::sequential(3))
                        .into_iter()
                        .next();
                    first.unwrap().unwrap()
                };
                let mut stream = crate::random::DROPPED.rng(0, &[]);
                let step = &mut Step {
                    number: 0,
                    rate: 0.1,
                    stream: &mut stream,
                };
                let batch = vec![batch(0), batch(1)];
                let (_, grads) = objective.gradients(&joint, batch, step).unwrap();
                gradients(&joint, &grads)
            });
            let (parts, whole) = (found[1].split_off(""), found[0].split_off(""));
            assert_eq!(
                parts.keys().collect::<Vec<_>>(),
                whole.keys().collect::<Vec<_>>(),
                "{}",
                method.name
            );
            for (path, data) in &whole {
                let pairs = data.iter::<f64>().zip(parts[path].iter::<f64>());
                let scale = data
                    .iter::<f64>()
                    .fold(1e-3f64, |most, v| most.max(v.abs()));
                let worst = pairs.fold(0.0f64, |w, (a, b)| w.max((a - b).abs()));
                assert!(worst < 1e-4 * scale, "{} {path}: {worst}", method.name);
            }
        }
    }
}

#[test]
fn gradients_of_equal_tasks_agree_and_similarity_is_symmetric() {
    let mut problem = problem(2);
    let mmap = crate::transfer::methods::find("mmap").unwrap();
    let same = problem.tasks[0].clone();
    problem.tasks.push(same);
    let request = JointRequest {
        own: None,
        ..problem.request(mmap)
    };
    let joint = request.fresh().unwrap();
    let found = similarity(&request, &joint).unwrap();
    assert!(
        (found[2] - 1.0).abs() < 1e-6 && (found[4] - 1.0).abs() < 1e-9,
        "{found:?}"
    );
    assert_eq!((found[1], found[5]), (found[3], found[7]));
    assert!(found[1].abs() < 0.999, "{found:?}");
    // Parts of one size or another give the gradients of the whole.
    let mut other = problem.settings.clone();
    other.train.batch = 100;
    let whole = JointRequest {
        settings: &other,
        tasks: problem.tasks.clone(),
        ..request
    };
    let again = similarity(&whole, &joint).unwrap();
    assert!(
        found.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-4),
        "{found:?} {again:?}"
    );
}

#[test]
fn what_cannot_be_trained_is_refused() {
    let mut problem = problem(1);
    let coop = crate::transfer::methods::find("coop").unwrap();
    let refused = |problem: &Problem| {
        let request = problem.request(coop);
        let run = learn(&request, &mut NoCheckpoints, &mut |_| true);
        run.err().expect("refused").to_string()
    };
    problem.settings.train.recompute = true;
    assert!(refused(&problem).contains("micro_batch"));
    problem.settings.train.recompute = false;
    let length = problem.config.text.max_position_embeddings;
    problem.tasks[0].bare.longest = length - 1;
    let told = refused(&problem);
    assert!(
        told.contains("at most 1") && told.contains(&length.to_string()),
        "{told}"
    );
    problem.tasks[0].bare.longest = length - 2;
    problem.run(coop);
}

#[test]
fn a_linear_probe_is_fitted_to_its_minimum_and_kept_as_a_tuning() {
    let problem = problem(1);
    let method = crate::transfer::methods::find("linear-probe").unwrap();
    let request = problem.request(method);
    let Fitted { tuning, record } = fit(&request).unwrap();
    let task = &problem.tasks[0];
    // What the probe predicts is what the tuning does.
    let error = task
        .error(&problem.towers, &tuning, &task.parts[1])
        .unwrap();
    assert!((error - record.valid).abs() < 1e-12 && record.train_loss.is_finite());
    // Stripes of another width are told apart where they were trained on.
    let trained = task
        .error(&problem.towers, &tuning, &task.parts[0])
        .unwrap();
    assert!(trained < 0.5, "{trained}");
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("probe.safetensors");
    tuning.save(&path).unwrap();
    let again = Tuning::load(&path, &problem.config, &problem.towers, None).unwrap();
    assert_eq!(state(&again), state(&tuning));
    assert!(learn(&request, &mut NoCheckpoints, &mut |_| true).is_err());
}

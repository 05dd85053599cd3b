//! Transfers of small random towers to a few pictures with captions, by every method that is defined for them.

use super::*;
use crate::dataset::{Dataset, DatasetError, TargetShape};
use crate::fixture;
use crate::model::Opening;
use crate::model::embedder::End;
use crate::model::state::state;
use crate::model::two_tower;
use crate::transfer::method_tests::Memory;
use crate::transfer::methods::{METHODS, find};
use crate::transfer::snapshot::NoCheckpoints;
use burn::tensor::{DType, Device};
use ndarray::Array2;
use std::sync::Arc;

/// Pictures of stripes, each with two captions.
struct Striped {
    count: usize,
    captions: Vec<Vec<String>>,
    side: usize,
}

impl Dataset for Striped {
    fn shape(&self) -> [usize; 3] {
        [3, self.side, self.side]
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.count
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Captions
    }

    fn captions(&self, index: usize) -> &[String] {
        &self.captions[index]
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        for (at, value) in out.iter_mut().enumerate() {
            *value = ((at % self.side * (index + 1)) as f32 * 0.4).sin();
        }
        Ok(())
    }
}

/// Everything of a transfer.
struct Problem {
    towers: TwoTower,
    config: TwoTowerConfig,
    parts: [Captioned; 3],
    settings: Transfer,
}

fn problem() -> Problem {
    let files = two_tower::open(&fixture::path("harma"), &Opening::default()).unwrap();
    let config = files.config.clone();
    let towers = TwoTower::new(&config, 3, &Device::flex(), DType::F32);
    let length = config.text.max_position_embeddings;
    let vocabulary = config.text.vocab_size as i64;
    let end = match config.text.end {
        End::Id(id) => id as i64,
        End::Largest => vocabulary - 1,
    };
    let part = |count: usize| {
        let caption = |i: usize, kind: usize| format!("{kind} {i}");
        let set: Arc<dyn Dataset> = Arc::new(Striped {
            count,
            captions: (0..count)
                .map(|i| (0..2).map(|kind| caption(i, kind)).collect())
                .collect(),
            side: config.image.image_size,
        });
        Captioned::new(set, str::to_owned, |texts| {
            let id = |(row, column): (usize, usize)| match column {
                0..=2 => {
                    let sum: usize = texts[row].bytes().map(usize::from).sum();
                    ((sum * (column + 3) + row) as i64) % (vocabulary - 3)
                }
                _ => end,
            };
            Ok::<_, TransferError>(Array2::from_shape_fn((texts.len(), length), id))
        })
        .unwrap()
    };
    let settings: Transfer = toml::from_str(
        r#"
        lora = { rank = 2 }
        bottleneck = { width = 4 }
        harma = { rank = 16, share_rank = 8, heads = 2 }
        train = { epochs = 3, batch = 8, learning_rate = 0.003, select = "valid" }
        "#,
    )
    .unwrap();
    Problem {
        towers,
        config: config.clone(),
        parts: [part(8), part(5), part(6)],
        settings,
    }
}

impl Problem {
    fn request(&self) -> TowerRequest<'_> {
        TowerRequest {
            settings: &self.settings,
            towers: &self.towers,
            config: &self.config,
            parts: &self.parts,
            seed: 4,
        }
    }

    fn run(&self, method: &'static Method) -> TrainedTuning {
        transfer(method, &self.request(), &mut NoCheckpoints, &mut |_| true).unwrap()
    }
}

fn methods() -> impl Iterator<Item = &'static Method> {
    METHODS
        .into_iter()
        .filter(|method| method.undefined(TargetShape::Captions).is_none())
}

#[test]
fn every_method_learns_its_pairs_and_leaves_the_towers_as_they_were() {
    let mut problem = problem();
    problem.settings.train.epochs = 8;
    problem.settings.train.select = crate::suite::training::Select::Last;
    let before = state(&problem.towers);
    let mut count = 0;
    for method in methods() {
        let trained = problem.run(method);
        let losses: Vec<f64> = trained.course.iter().map(|e| e.train_loss).collect();
        assert!(losses[7] < losses[0], "{}: {losses:?}", method.name);
        assert_eq!(trained.selected, 8);
        assert!(
            trained
                .course
                .iter()
                .all(|e| (0.0..=1.0).contains(&e.valid))
        );
        count += 1;
    }
    assert!(count >= 6);
    assert_eq!(state(&problem.towers), before);
}

#[test]
fn a_batch_in_parts_is_the_whole_batch() {
    let mut problem = problem();
    problem.settings.train.epochs = 1;
    let harma = find("harma").unwrap();
    let whole = problem.run(harma);
    problem.settings.train.micro_batch = 3;
    let parts = problem.run(harma);
    let apart = (whole.course[0].train_loss - parts.course[0].train_loss).abs();
    assert!(apart < 1e-5 * whole.course[0].train_loss, "{apart}");
    let (a, b) = (state(&whole.tuning), state(&parts.tuning));
    for (path, data) in &a {
        let pairs = data.iter::<f64>().zip(b[path].iter::<f64>());
        let worst = pairs.fold(0.0f64, |w, (x, y)| w.max((x - y).abs()));
        assert!(worst < 2e-4, "{path}: {worst}");
    }
}

/// Vectors by hand, of towers of four blocks run block by block, and the loss that they make.
#[test]
fn early_matching_adds_the_loss_of_the_second_half_of_the_blocks() {
    use crate::model::pass::Pass;
    use crate::model::two_tower::Tower;
    use crate::transfer::objectives::pairs::{SameImage, contrastive};
    use burn::tensor::{Int, Tensor, TensorData};
    let mut problem = problem();
    problem.config.image.num_hidden_layers = 4;
    problem.config.text.num_hidden_layers = 4;
    problem.towers = TwoTower::new(&problem.config, 3, &Device::flex(), DType::F32);
    problem.settings.train.epochs = 1;
    problem.settings.pairs.triplet = 0.0;
    problem.settings.pairs.early_matching = 0.5;
    // Pictures of the first batch and their captions, a pair a picture.
    let Problem {
        towers,
        config,
        parts,
        ..
    } = &problem;
    let side = config.image.image_size;
    let mut values = vec![0.0; 3 * side * side];
    let mut all = Vec::new();
    for picture in 0..3 {
        parts[0].pictures.read(picture, &mut values).unwrap();
        all.extend_from_slice(&values);
    }
    let shape = [3, 3, side, side];
    let pixels = crate::transfer::step::placed(all, shape, &Device::flex(), DType::F32);
    let texts: Vec<usize> = (0..3).map(|picture| 2 * picture).collect();
    let ids: Tensor<2, Int> = parts[0].tokens.tensor(&texts, &Device::flex());
    let fresh = Settings::Untouched(crate::model::adapters::Nothing {});
    let tuning = Tuning::new(config, towers, fresh, 0.07, 0).unwrap();
    let found = [
        tuning.early_image_embeds(towers, pixels.clone()),
        tuning.early_text_embeds(towers, ids.clone()),
    ];
    let unit = |x: Tensor<2>| {
        let length = x.clone().square().sum_dim(1).sqrt();
        x / length
    };
    let by_hand = |tower: &Tower, mut tokens: crate::model::Tokens, text: bool| {
        let pass = &mut Pass::eval();
        let mut early = Vec::new();
        for block in 0..4 {
            tokens = tower.encoder.step(block, tokens, pass).0;
            let one = if text {
                tokens.ending()
            } else {
                tokens.token(0)
            };
            early.push(one.primal.matmul(tower.projection.weight.val().transpose()));
        }
        let last = tower.encoder.finish(tokens, pass).pool().primal;
        let last = last.matmul(tower.projection.weight.val().transpose());
        let kept = [last].into_iter().chain(early.into_iter().skip(2));
        kept.map(unit).collect::<Vec<_>>()
    };
    let pass = &mut Pass::eval();
    let images = towers.image.embedder.forward(pixels, pass);
    let captions = towers.text.embedder.embed_ids(ids, None, pass);
    let expected = [
        by_hand(&towers.image, images, false),
        by_hand(&towers.text, captions, true),
    ];
    for (found, expected) in found.iter().zip(&expected) {
        let expected = Tensor::cat(expected.clone(), 1);
        assert_eq!(found.dims(), expected.dims());
        let apart: f64 = (found.clone() - expected).abs().max().into_scalar();
        assert!(apart < 1e-5, "{apart}");
    }
    // The loss is that of the last vectors, and half of that of both earlier ones.
    let work = Work {
        train: &problem.settings.train,
        pairs: &problem.settings.pairs,
        towers,
        config,
        parts,
        seed: 4,
    };
    let same = SameImage::never(3);
    let loss = Contrast::new(&work).loss(&tuning, found, &same).unwrap();
    let temperature = || Tensor::<1>::from_data(TensorData::from([0.07f32]), &Device::flex());
    let one = |block: usize| {
        let scores = expected[0][block].clone();
        let scores = scores.matmul(expected[1][block].clone().transpose());
        crate::model::state::scalar(contrastive(scores, temperature(), &same).unwrap())
    };
    let wanted = one(0) + 0.5 * (one(1) + one(2));
    let loss = crate::model::state::scalar(loss);
    assert!((loss - wanted).abs() < 1e-4, "{loss}, not {wanted}");

    // A batch in parts is the whole batch.
    let harma = find("harma").unwrap();
    let whole = problem.run(harma);
    problem.settings.train.micro_batch = 3;
    let parts = problem.run(harma);
    let (a, b) = (state(&whole.tuning), state(&parts.tuning));
    for (path, data) in &a {
        let pairs = data.iter::<f64>().zip(b[path].iter::<f64>());
        let worst = pairs.fold(0.0f64, |w, (x, y)| w.max((x - y).abs()));
        assert!(worst < 2e-4, "{path}: {worst}");
    }
    // Blocks are matched one by one.
    problem.config.text.num_hidden_layers = 3;
    problem.towers = TwoTower::new(&problem.config, 3, &Device::flex(), DType::F32);
    let refused = transfer(harma, &problem.request(), &mut NoCheckpoints, &mut |_| true);
    let said = refused.err().expect("refused").to_string();
    assert!(said.contains("4 and 3 blocks"), "{said}");
}

#[test]
fn an_interrupted_transfer_ends_in_the_same_bits() {
    let problem = problem();
    for method in methods() {
        let whole = problem.run(method);
        let mut memory = Memory::default();
        let mut steps = 0;
        let stopped = transfer(method, &problem.request(), &mut memory, &mut |event| {
            steps += usize::from(matches!(event, Event::Step(..)));
            steps < 3
        });
        assert!(matches!(stopped, Err(TransferError::Interrupted)));
        let resumed = transfer(method, &problem.request(), &mut memory, &mut |_| true).unwrap();
        assert_eq!(
            state(&resumed.tuning),
            state(&whole.tuning),
            "{}",
            method.name
        );
        let seconds = |records: &[EpochRecord]| -> Vec<(f64, f64)> {
            records.iter().map(|e| (e.train_loss, e.valid)).collect()
        };
        assert_eq!(seconds(&resumed.course), seconds(&whole.course));
    }
}

#[test]
fn one_pair_a_step_trains_and_settings_that_cannot_be_are_refused() {
    let mut problem = problem();
    problem.settings.train.batch = 1;
    problem.settings.train.epochs = 1;
    let harma = find("harma").unwrap();
    // A single pair has no wrong one: the loss is zero, and nothing becomes NaN.
    let trained = problem.run(harma);
    assert_eq!(trained.course[0].train_loss, 0.0);
    let refused = |problem: &Problem, method: &'static Method| {
        let run = transfer(method, &problem.request(), &mut NoCheckpoints, &mut |_| {
            true
        });
        run.err().expect("refused").to_string()
    };
    problem.settings.pairs.temperature = 0.0;
    assert!(refused(&problem, harma).contains("pairs.temperature"));
    problem.settings.pairs = PairSettings {
        contrastive: 0.0,
        triplet: 0.0,
        ..PairSettings::default()
    };
    assert!(refused(&problem, harma).contains("one loss"));
    for (change, told) in [
        (
            PairSettings {
                gamma: 0.5,
                ..PairSettings::default()
            },
            "at least 1",
        ),
        (
            PairSettings {
                early_matching: -1.0,
                ..PairSettings::default()
            },
            "early_matching",
        ),
        (
            PairSettings {
                temperature: 0.005,
                ..PairSettings::default()
            },
            "least_temperature",
        ),
    ] {
        problem.settings.pairs = change;
        assert!(refused(&problem, harma).contains(told));
    }
    problem.settings.pairs = PairSettings::default();
    problem.settings.train.label_smoothing = 0.1;
    assert!(refused(&problem, harma).contains("label_smoothing"));
    problem.settings.train.label_smoothing = 0.0;
    let lora = |toml: &str| toml::from_str::<Transfer>(toml).unwrap().method_settings;
    let before = std::mem::replace(
        &mut problem.settings.method_settings,
        lora("lora = { rate = 0.5 }\ntrain = {}"),
    );
    assert!(refused(&problem, find("lora").unwrap()).contains("lora.rate"));
    problem.settings.method_settings = before;
    problem.settings.train.recompute = true;
    assert!(refused(&problem, harma).contains("micro_batch"));
    problem.settings.train.recompute = false;
    assert!(refused(&problem, find("mona").unwrap()).contains("one tower"));
    problem.set_rank(17);
    assert!(refused(&problem, harma).contains("rank"));
}

impl Problem {
    fn set_rank(&mut self, rank: i64) {
        let tables = &mut self.settings.method_settings.0;
        let table = tables.entry("harma".into()).or_default();
        table.insert("rank".into(), rank.into());
    }
}

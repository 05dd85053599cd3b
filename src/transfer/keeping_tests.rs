//! The methods that keep knowledge, and settings that keep a state of their own: at the ends of their scales they
//! are what they should be, and they resume in the same bits.

use super::epochs::Event;
use super::error::TransferError;
use super::method_tests::{Memory, Problem, bits, problem};
use super::methods::{
    Method, distillation, emb, ewc, l2_sp, lora, lp_ft, mona, nft, pare, wise_ft,
};
use super::snapshot::NamedTensors;
use super::stages::Trained;
use crate::model::state::state;
use crate::suite::training::Augment;
use ndarray::Array2;
use ndarray_linalg::SVD;

/// Largest difference of two states in the parameters whose paths `of` names.
fn apart(a: &NamedTensors, b: &NamedTensors, of: fn(&str) -> bool) -> f32 {
    let own = a.iter().filter(|(path, _)| of(path));
    own.fold(0.0, |worst, (path, a)| {
        let b: Vec<f32> = b[path].iter::<f32>().collect();
        let pairs = a.iter::<f32>().zip(b);
        pairs.fold(worst, |w: f32, (x, y)| w.max((x - y).abs()))
    })
}

fn encoder(path: &str) -> bool {
    path.starts_with("encoder.")
}

fn everything(_: &str) -> bool {
    true
}

/// Distance of the trained encoder from the pretrained one.
fn moved(problem: &Problem, trained: &Trained) -> f32 {
    apart(&bits(trained), &state(&problem.source.network), encoder)
}

#[test]
fn without_their_terms_they_are_plain_fine_tuning() {
    let mut problem = problem();
    let plain = bits(&problem.whole(&nft::METHOD));
    problem.set("l2-sp", "alpha", 0.0);
    problem.set("ewc", "lambda", 0.0);
    problem.set("distillation", "weight", 0.0);
    problem.set("wise-ft", "alpha", 1.0);
    for method in [&l2_sp::METHOD, &ewc::METHOD, &distillation::METHOD] {
        let found = bits(&problem.whole(method));
        assert!(apart(&found, &plain, everything) == 0.0, "{method:?}");
    }
    // θ⁰ + 1 · (θ¹ − θ⁰) rounds, and the best epoch may be another where errors are equal.
    let found = bits(&problem.whole(&wise_ft::METHOD));
    assert!(apart(&found, &plain, everything) < 1e-5);
    assert!(apart(&bits(&problem.whole(&lp_ft::METHOD)), &plain, everything) > 1e-3);
}

#[test]
fn the_stronger_the_term_the_nearer_to_the_pretrained_encoder() {
    for (method, key) in [
        (&l2_sp::METHOD, "alpha"),
        (&ewc::METHOD, "lambda"),
        (&distillation::METHOD, "weight"),
    ] {
        let mut problem = problem();
        let at = |problem: &mut Problem, value: f64| {
            problem.set(method.name, key, value);
            let trained = problem.whole(method);
            let (now, before) = (bits(&trained), state(&problem.source.network));
            let own = now.iter().filter(|(path, _)| encoder(path));
            own.fold(0.0f64, |sum, (path, a)| {
                let pairs = a.iter::<f64>().zip(before[path].iter::<f64>());
                sum + pairs.map(|(x, y)| (x - y).powi(2)).sum::<f64>()
            })
        };
        let [free, held] = [0.0, 100.0].map(|value| at(&mut problem, value));
        assert!(held < 0.9 * free, "{method:?}: {held} of {free}");
    }
}

#[test]
fn wise_ft_at_zero_keeps_the_encoder_and_in_between_lies_between() {
    let mut problem = problem();
    problem.settings.train.select = crate::suite::training::Select::Last;
    problem.settings.train.patience = 0;
    problem.set("wise-ft", "alpha", 0.0);
    assert!(moved(&problem, &problem.whole(&wise_ft::METHOD)) < 1e-7);
    problem.set("wise-ft", "alpha", 0.25);
    let quarter = moved(&problem, &problem.whole(&wise_ft::METHOD));
    let whole = moved(&problem, &problem.whole(&nft::METHOD));
    assert!(
        (quarter / whole - 0.25).abs() < 1e-3,
        "{quarter} of {whole}"
    );
    problem.set("wise-ft", "alpha", 1.5);
    let wrong = problem.run(&wise_ft::METHOD, &mut Memory::default(), &mut |_| true);
    assert!(matches!(wrong, Err(TransferError::Setting { .. })));
}

#[test]
fn lora_moves_matrices_by_the_rank_that_is_asked_for_and_nothing_else_of_the_encoder() {
    let mut problem = problem();
    problem.set("lora", "rank", 2i64);
    problem.set("lora", "rate", 10.0);
    let (now, before) = (
        bits(&problem.whole(&lora::METHOD)),
        state(&problem.source.network),
    );
    let mut matrices = 0;
    for (path, data) in now.iter().filter(|(path, _)| encoder(path)) {
        let shape = data.shape().to_vec();
        let difference: Vec<f64> = data
            .iter::<f64>()
            .zip(before[path].iter::<f64>())
            .map(|(x, y)| x - y)
            .collect();
        let most = difference.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        if shape.len() != 2 || path.ends_with("table") {
            assert_eq!(most, 0.0, "{path}");
            continue;
        }
        matrices += 1;
        assert!(most > 0.0, "{path}");
        let matrix = Array2::from_shape_vec((shape[0], shape[1]), difference).unwrap();
        let (_, singular, _) = matrix.svd(false, false).unwrap();
        assert!(singular[2] < 1e-5 * singular[0], "{path}: {singular}");
    }
    assert!(matrices > 10);
}

#[test]
fn a_probe_first_leaves_the_embedder_until_stage_two() {
    let problem = problem();
    let mut memory = Memory::default();
    let mut steps = 0;
    // Stopped in the first epoch of stage 2: the snapshot is the end of stage 1.
    let stopped = problem.run(&lp_ft::METHOD, &mut memory, &mut |event| {
        steps += usize::from(matches!(event, Event::Step(..)));
        steps < 7
    });
    assert!(matches!(stopped, Err(TransferError::Interrupted)));
    let snapshot = memory.0.expect("the end of stage 1");
    assert_eq!((snapshot.stage, snapshot.epoch), (1, 2));
    assert!(apart(&snapshot.network, &state(&problem.source.network), encoder) == 0.0);
    let mut emb_memory = Memory::default();
    let mut steps = 0;
    let stopped = problem.run(&emb::METHOD, &mut emb_memory, &mut |event| {
        steps += usize::from(matches!(event, Event::Step(..)));
        steps < 7
    });
    assert!(stopped.is_err());
    let emb = emb_memory.0.expect("the end of stage 1").network;
    let embedder = |path: &str| path.starts_with("embedder.");
    assert!(
        apart(&snapshot.network, &emb, embedder) > 1e-3,
        "only Emb moved it"
    );
}

/// A problem with settings whose objectives keep a state.
fn with_state(change: impl Fn(&mut Problem)) -> Problem {
    let mut problem = problem();
    change(&mut problem);
    problem
}

#[test]
fn objectives_with_a_state_resume_in_the_same_bits() {
    let cases: [(&'static Method, Problem); 7] = [
        (
            &mona::METHOD,
            with_state(|p| {
                p.set("mona", "inner_optimiser", "adamw");
                p.set("mona", "inner_steps", 2i64);
                p.set("mona", "outer_share", 0.5);
                p.set("mona", "alpha", 0.001);
            }),
        ),
        (
            &mona::METHOD,
            with_state(|p| {
                p.set("mona", "inner_scope", "all");
                p.set("mona", "inner_steps", 3i64);
                p.set("mona", "outer_loss", "distance");
                p.set("mona", "reset_encoder", false);
            }),
        ),
        (
            &mona::METHOD,
            with_state(|p| {
                p.set("mona", "outer_loss", "probe");
                p.set("mona", "outer_share", 0.5);
                p.set("mona", "probe_samples", 12i64);
            }),
        ),
        (
            &pare::METHOD,
            with_state(|p| {
                p.set("pare", "sampled", 0.7);
                p.set("pare", "rate", 10.0);
                p.settings.train.micro_batch = 3;
                p.settings.train.recompute = true;
            }),
        ),
        (
            &lora::METHOD,
            with_state(|p| p.set("lora", "warm_up", true)),
        ),
        (
            &distillation::METHOD,
            with_state(|p| p.set("distillation", "samples", "source")),
        ),
        (
            &nft::METHOD,
            with_state(|p| {
                p.settings.train.average = 0.9;
                p.settings.train.mixup = 0.3;
                p.settings.train.cutmix = 0.5;
                p.settings.train.augment = Augment::Varied;
            }),
        ),
    ];
    for (method, problem) in cases {
        let whole = problem.whole(method);
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
        }
    }
}

#[test]
fn a_held_share_is_held_and_recorded() {
    let problem = with_state(|p| {
        p.set("mona", "inner_optimiser", "adamw");
        p.set("mona", "outer_share", 0.7);
        p.set("mona", "alpha", 0.001);
    });
    let found = problem.whole(&mona::METHOD);
    // Three steps an epoch: the first ones are far from each other.
    let shares: Vec<f64> = found.first.iter().map(|r| r.outer_share.unwrap()).collect();
    assert!((0.2..2.0).contains(&shares[1]), "{shares:?}");
    assert!(found.first.iter().all(|r| r.lambda.unwrap() > 0.0));
    for (key, value) in [("inner_steps", 0.0), ("horizon", 0.0), ("lambda", -1.0)] {
        let wrong = with_state(|p| {
            if key == "inner_steps" {
                p.set("mona", key, value as i64);
            } else {
                p.set("mona", key, value);
            }
        });
        let wrong = wrong.run(&mona::METHOD, &mut Memory::default(), &mut |_| true);
        assert!(matches!(wrong, Err(TransferError::Setting { .. })), "{key}");
    }
    let pair = with_state(|p| {
        p.set("mona", "inner_steps", 2i64);
        p.set("mona", "meta_gradient", "central-difference");
    });
    let wrong = pair.run(&mona::METHOD, &mut Memory::default(), &mut |_| true);
    assert!(matches!(wrong, Err(TransferError::Setting { .. })));
}

#[test]
fn mona_with_a_fixed_probe_learns_to_be_read_by_it() {
    let problem = with_state(|p| {
        p.set("mona", "outer_loss", "probe");
        p.set("mona", "outer_share", 2.0);
        p.set("mona", "alpha", 0.3);
        p.settings.stage1.epochs = 12;
    });
    let outer = |trained: &Trained| -> Vec<f64> {
        trained.first.iter().map(|r| r.outer.unwrap()).collect()
    };
    let course = outer(&problem.whole(&mona::METHOD));
    let without = with_state(|p| {
        p.set("mona", "outer_loss", "probe");
        p.set("mona", "meta_gradient", "first-order");
        p.set("mona", "alpha", 0.3);
        p.settings.stage1.epochs = 12;
    });
    let plain = outer(&without.whole(&mona::METHOD));
    // The first steps see the same state; what is followed ends lower than what is only measured.
    assert!(course[11] < plain[11], "{course:?} {plain:?}");
    for (key, value) in [("probe_c", 0.0), ("probe_samples", 2.0)] {
        let wrong = with_state(|p| {
            p.set("mona", "outer_loss", "probe");
            if key == "probe_c" {
                p.set("mona", key, value);
            } else {
                p.set("mona", key, value as i64);
            }
        });
        let wrong = wrong.run(&mona::METHOD, &mut Memory::default(), &mut |_| true);
        assert!(matches!(wrong, Err(TransferError::Setting { .. })), "{key}");
    }
}

#[test]
fn pare_refuses_what_is_no_share() {
    for (key, value) in [
        ("start", 1.5),
        ("end", -0.1),
        ("sampled", 2.0),
        ("temperature", 0.0),
        ("rate", 0.0),
    ] {
        let wrong = with_state(|p| p.set("pare", key, value));
        let wrong = wrong.run(&pare::METHOD, &mut Memory::default(), &mut |_| true);
        assert!(matches!(wrong, Err(TransferError::Setting { .. })), "{key}");
    }
}

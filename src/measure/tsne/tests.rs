use super::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::Normal;

/// `n` points of ten Gaussian clusters in `d` dimensions.
fn clusters(n: usize, d: usize) -> Array2<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let noise = Normal::new(0.0f32, 1.0).expect("valid");
    let centres = Array2::from_shape_fn((10, d), |_| 3.0 * noise.sample(&mut rng));
    Array2::from_shape_fn((n, d), |(i, j)| {
        centres[[i % 10, j]] + noise.sample(&mut rng)
    })
}

fn run(x: &Array2<f32>, params: TsneParams) -> Result<Tsne, MeasureError> {
    params.check()?.run(x.view())
}

#[test]
fn clusters_stay_together_and_all_engines_end_alike() {
    let x = clusters(300, 20);
    let with = |engine| run(&x, TsneParams::new().engine(engine)).expect("runs");
    let exact = with(Engine::Exact);
    let reference = run(&x, TsneParams::new().engine(Engine::Linfa).theta(0.0)).expect("runs");
    let rough = with(Engine::Linfa);
    for t in [&exact, &reference, &rough] {
        println!(
            "t-SNE 300 × 20, {:?}: KL {:.4}, {:.2} s",
            t.engine, t.kl, t.seconds
        );
    }
    assert!(exact.kl > 0.0 && exact.kl < 1.05 * reference.kl);
    assert!(exact.trustworthiness.expect("judged") > 0.9 && exact.reproducible);
    assert!(reference.reproducible && !rough.reproducible);
    let nearest = |i: usize| {
        let d = |j: usize| {
            (&exact.embedding.row(i) - &exact.embedding.row(j))
                .mapv(|v| v * v)
                .sum()
        };
        (0..300)
            .filter(|&j| j != i)
            .min_by(|&a, &b| d(a).total_cmp(&d(b)))
            .expect("some")
    };
    let right = (0..300).filter(|&i| nearest(i) % 10 == i % 10).count();
    assert!(
        right > 285,
        "{right} of 300 have a neighbour of their cluster"
    );
}

#[test]
fn a_tree_and_a_grid_end_as_low_as_all_pairs() {
    let x = Array2::from_shape_fn((700, 6), |(i, j)| {
        ((i * (j + 1)) as f32 * 0.618).sin() + ((i * i) as f32 * 0.01).cos()
    });
    let with = |engine| run(&x, TsneParams::new().engine(engine)).expect("runs");
    let exact = with(Engine::Exact);
    for engine in [Engine::BarnesHut, Engine::Fft] {
        let t = with(engine);
        println!(
            "t-SNE 700 × 6, {:?}: KL {:.4} against {:.4}",
            t.engine, t.kl, exact.kl
        );
        assert_eq!(t.engine, engine);
        assert!(t.reproducible && (t.kl - exact.kl).abs() < 0.05 * exact.kl);
        let (a, b) = (t.trustworthiness, exact.trustworthiness);
        assert!((a.expect("judged") - b.expect("judged")).abs() < 0.02);
    }
}

#[test]
fn many_points_are_judged_alike_by_dense_and_sparse_affinities() {
    let n = DENSE_LIMIT + 100;
    let x = clusters(n, 8);
    let found = run(&x, TsneParams::new().iterations(400)).expect("runs");
    assert_eq!(found.engine, Engine::Fft);
    let points = scaled(x.view());
    let dense = quality::kl(&Affinities::new(points.view(), 30.0), &found.embedding);
    assert!(
        (found.kl / dense - 1.0).abs() < 0.02,
        "{} against {dense}",
        found.kl
    );
    let share = |most| {
        let found = quality::trustworthiness(points.view(), &found.embedding, 12, most);
        found.expect("defined")
    };
    assert_eq!(found.trustworthiness, Some(share(n)));
    assert!((share(n) - share(1000)).abs() < 0.01);
}

#[test]
fn the_same_seed_gives_the_same_bytes_for_any_number_of_threads() {
    for (engine, n) in [
        (Engine::Exact, 150),
        (Engine::BarnesHut, 700),
        (Engine::Fft, 1400),
    ] {
        let x = clusters(n, 60);
        let params = TsneParams::new().iterations(150).engine(engine);
        let params = params.check().expect("valid");
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("pool");
            let found = pool.install(|| params.run(x.view())).expect("runs");
            (found.embedding, found.kl, found.trustworthiness, found.dims)
        };
        let one = with(1);
        assert_eq!(one.3, 50);
        assert_eq!(one, with(2));
        assert_eq!(one, with(3));
    }
    let x = clusters(150, 60);
    let one = run(&x, TsneParams::new().iterations(300)).expect("runs");
    let other = run(&x, TsneParams::new().iterations(300).seed(1)).expect("runs");
    assert_ne!(one.embedding, other.embedding);
    let linfa = TsneParams::new()
        .iterations(50)
        .engine(Engine::Linfa)
        .theta(0.0);
    assert_eq!(
        run(&x, linfa.clone()).expect("runs").embedding,
        run(&x, linfa).expect("runs").embedding
    );
}

#[test]
fn maps_of_several_encoders_share_their_start() {
    let x = clusters(120, 20);
    let params = TsneParams::new().iterations(1).check().expect("valid");
    let start = common_start(x.view()).expect("components");
    let own = params.run(x.view()).expect("runs").embedding;
    let far = start.mapv(|v| 1e200 * (v + 3.0));
    let shared = params.run_from(x.view(), Some(far.view())).expect("runs");
    assert!((&own - &shared.embedding).iter().all(|d| d.abs() < 1e-9));
    // Another encoder, here a reflection of the first with its features in reverse: its own
    // components lie the other way round, the common start keeps every sample in its place.
    let turned = Array2::from_shape_fn(x.dim(), |(i, j)| -x[[i, 19 - j]]);
    let params = TsneParams::new().iterations(40).check().expect("valid");
    let map = |features: &Array2<f32>, start: Option<ArrayView2<f64>>| {
        let map = params.run_from(features.view(), start);
        map.expect("runs").embedding
    };
    let first = map(&x, Some(start.view()));
    let apart =
        |other: Array2<f64>| (&first - &other).mapv(f64::abs).sum() / first.mapv(f64::abs).sum();
    assert!(apart(map(&turned, Some(start.view()))) < 1e-6);
    let swapped = start.slice(ndarray::s![.., ..;-1]);
    assert!(apart(map(&x, Some(swapped))) > 0.5);
    let short = start.slice(ndarray::s![..9, ..]);
    assert!(matches!(
        params.run_from(x.view(), Some(short)),
        Err(MeasureError::Shape { found: 9, .. })
    ));
    let mut bad = start.clone();
    bad[[4, 1]] = f64::NAN;
    assert!(matches!(
        params.run_from(x.view(), Some(bad.view())),
        Err(MeasureError::NotFinite {
            row: 4,
            column: 1,
            ..
        })
    ));
    let linfa = TsneParams::new()
        .engine(Engine::Linfa)
        .check()
        .expect("valid");
    assert!(linfa.run_from(x.view(), Some(start.view())).is_err());
}

#[test]
fn coincident_constant_and_one_dimensional_points_survive() {
    let params = TsneParams::new().perplexity(5.0).iterations(300);
    let mut x = clusters(80, 8);
    for i in 1..40 {
        let first = x.row(0).to_owned();
        x.row_mut(i).assign(&first);
    }
    let thin = Array2::from_shape_fn((50, 1), |(i, _)| (i as f32).sin());
    let constant = Array2::from_elem((40, 3), 7.7f32);
    let extreme = Array2::from_shape_fn((40, 3), |(i, j)| {
        if (i + j) % 2 == 0 {
            f32::MAX
        } else {
            -f32::MAX
        }
    });
    for x in [&x, &thin, &constant, &extreme] {
        for engine in [Engine::Exact, Engine::BarnesHut, Engine::Fft, Engine::Linfa] {
            match run(x, params.clone().engine(engine)) {
                Ok(t) => {
                    assert!(t.embedding.iter().all(|v| v.is_finite()));
                    assert!(t.kl.is_finite() && t.kl > -1e-9);
                }
                Err(MeasureError::TooFew {
                    what: "different samples",
                    ..
                }) => assert!(engine == Engine::Linfa),
                Err(e) => panic!("{e}"),
            }
        }
    }
}

#[test]
fn perplexity_and_settings_are_guarded() {
    // Too few samples for the perplexity lower it to what they carry.
    let params = TsneParams::new().check().expect("valid");
    let lowered = [4, 5, 20, 91, 92, 1000].map(|n| params.perplexity_of(n));
    assert_eq!(lowered, [1.0, 1.0, 6.0, 89.0 / 3.0, 30.0, 30.0]);
    let x = clusters(20, 4);
    let few = run(&x, TsneParams::new()).expect("runs");
    let same = run(&x, TsneParams::new().perplexity(6.0)).expect("runs");
    assert_eq!((few.perplexity, &few.embedding), (6.0, &same.embedding));
    for engine in [Engine::Exact, Engine::BarnesHut, Engine::Fft, Engine::Linfa] {
        let huge = run(&x, TsneParams::new().perplexity(1e300).engine(engine));
        assert_eq!(huge.expect("runs").perplexity, 6.0);
        // As few samples as can be.
        let least = LEAST + usize::from(engine == Engine::Linfa);
        let found = run(&clusters(least, 3), TsneParams::new().engine(engine)).expect("runs");
        assert!(found.kl.is_finite() && found.trustworthiness.is_none());
        assert_eq!(found.perplexity, 1.0);
        assert_eq!(
            run(&clusters(least - 1, 3), TsneParams::new().engine(engine)),
            Err(MeasureError::TooFew {
                what: "samples",
                expected: least,
                found: least - 1
            })
        );
    }
    for params in [
        TsneParams::new().perplexity(0.5),
        TsneParams::new().perplexity(f64::NAN),
        TsneParams::new().iterations(0),
        TsneParams::new().theta(-0.1),
        TsneParams::new().pca(1),
    ] {
        assert!(matches!(
            params.check(),
            Err(MeasureError::Parameter { .. })
        ));
    }
}

#[test]
fn equal_rows_do_not_lie_in_the_order_of_the_file() {
    // More equal rows than neighbours, and some others.
    let mut x = clusters(1300, 6);
    let first = x.row(0).to_owned();
    (0..600).for_each(|i| x.row_mut(i).assign(&first));
    let map = run(&x, TsneParams::new().iterations(400))
        .expect("runs")
        .embedding;
    let middle = [0, 1].map(|axis| map.slice(ndarray::s![..600, axis]).mean().expect("rows"));
    // How far from the middle of their lump a row lies, against its place in the file.
    let far = |i: usize| {
        let d = [0, 1].map(|axis| map[[i, axis]] - middle[axis]);
        d[0].hypot(d[1])
    };
    let of = |range: std::ops::Range<usize>| {
        let count = range.len() as f64;
        range.map(far).sum::<f64>() / count
    };
    // By index the first 90 were everyone's neighbours and lay in the middle.
    let (first, rest) = (of(0..90), of(90..600));
    assert!((0.85..1.18).contains(&(first / rest)), "{first} {rest}");
}

#[test]
fn a_map_that_still_moves_says_so() {
    let x = clusters(200, 5);
    let of = |iterations| run(&x, TsneParams::new().iterations(iterations)).expect("runs");
    assert_eq!(of(20).converged, Some(false));
    let long = of(3000);
    assert_eq!(long.converged, Some(true), "KL {}", long.kl);
    let linfa = TsneParams::new().iterations(20).engine(Engine::Linfa);
    assert_eq!(run(&x, linfa).expect("runs").converged, None);
}

#[test]
fn trustworthiness_is_scikit_learns() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let x = Array2::from_shape_fn((40, 2), |_| rng.random::<f64>());
    assert_eq!(quality::trustworthiness(x.view(), &x, 12, 40), Some(1.0));
    assert_eq!(quality::trustworthiness(x.view(), &x, 20, 40), None);
    // Points on a line, mapped to a permutation of them: sklearn.manifold.trustworthiness
    let line = Array2::from_shape_fn(
        (30, 2),
        |(i, a)| if a == 0 { (i as f64).powf(1.5) } else { 0.0 },
    );
    let mixed = Array2::from_shape_fn((30, 2), |(i, a)| {
        if a == 0 {
            ((i * 7) % 30) as f64 + (i as f64) * 0.001
        } else {
            0.0
        }
    });
    let found = quality::trustworthiness(line.view(), &mixed, 4, 30).expect("defined");
    assert!((found - TRUST).abs() < 1e-12, "{found}");
}

/// Of the example above.
const TRUST: f64 = 0.490_780_141_843_971_6;

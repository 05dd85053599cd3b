//! One suite over every measure: whatever the input, a typed result of finite numbers or a typed
//! error, and for NaN and infinities the row and column.
//!
//! Every member of the lists ([`encoder::ALL`], [`transferability::ALL`], [`task::ALL`], [`towers::ALL`],
//! [`retrieval::ALL`]) is in it;
//! [`COMPUTATIONS`] adds what is not a member of one, other settings, and numbers beside a value.

use ndarray::{Array2, Array3, Axis};

use super::cka::cka;
use super::discrepancy::{DiscrepancyParams, Divergence, Search, Target, discrepancy};
use super::encoder::{self, Learner, Noise};
use super::geometry::geometry;
use super::hscore::{Covariance, hscore};
use super::knn::knn;
use super::leep::leep;
use super::logme::LogmeParams;
use super::modality_gap::modality_gap;
use super::nce::{hard_labels, nce};
use super::otdd::{Inner, OtddParams, Source};
use super::probe::ProbeParams;
use super::retrieval;
use super::silhouette::silhouette;
use super::task::{self, Metric, TargetKind, Targets};
use super::towers::{self, Pairs, TextClassifier};
use super::transferability;
use super::tsne::{Engine, TsneParams};
use super::{Groups, MeasureError, Samples};

/// One input: features `[N, D]`, labels, number of classes.
struct Input {
    name: &'static str,
    features: Array2<f32>,
    labels: Vec<usize>,
    classes: usize,
}

/// A measure as a function to all the numbers it reports.
type Measure = fn(&Input) -> Result<Vec<f64>, MeasureError>;

const COMPUTATIONS: [(&str, Measure); 26] = [
    ("probe", |i| probe(i, ProbeParams::new())),
    ("probe, raw features", |i| {
        probe(i, ProbeParams::new().standardize(false).c(10.0))
    }),
    ("probe, sweep", |i| {
        probe(i, ProbeParams::new().sweep([0.1, 1.0]))
    }),
    ("geometry", |i| {
        let g = geometry(&samples(i)?)?;
        Ok(vec![g.align.unwrap_or(0.0), g.uniform])
    }),
    ("knn", |i| {
        let s = samples(i)?;
        let k = knn(&s, &s, 1)?;
        Ok(vec![k.accuracy, k.interval[0], k.interval[1]])
    }),
    ("t-SNE, exact", |i| tsne(i, Engine::Exact)),
    ("t-SNE, Barnes–Hut", |i| tsne(i, Engine::BarnesHut)),
    ("t-SNE, FFT", |i| tsne(i, Engine::Fft)),
    ("t-SNE, linfa", |i| tsne(i, Engine::Linfa)),
    ("OTDD, Gaussian", |i| {
        otdd(i, Inner::Gaussian { shrinkage: 0.1 })
    }),
    ("OTDD, exact", |i| otdd(i, Inner::Exact { blur: 0.2 })),
    ("discrepancy", |i| distance(i, DiscrepancyParams::new())),
    ("discrepancy, held out", |i| {
        distance(
            i,
            DiscrepancyParams::new()
                .holdout(0.5)
                .divergence(Divergence::Nll),
        )
    }),
    ("discrepancy, local search", |i| {
        let params = DiscrepancyParams::new().divergence(Divergence::Brier);
        distance(i, params.search(Search::Local))
    }),
    ("discrepancy, renormalised", |i| {
        let params = DiscrepancyParams::new().divergence(Divergence::NllRenormalized);
        distance(i, params.nodes(40))
    }),
    ("discrepancy, renormalised variation, held out", |i| {
        let params = DiscrepancyParams::new().divergence(Divergence::TvRenormalized);
        distance(i, params.holdout(0.5).nodes(40))
    }),
    ("CKA", |i| {
        // As many rows as labels, some of them clipped.
        let y = Array2::from_shape_fn((i.labels.len(), i.features.ncols()), |at| {
            i.features[at].clamp(-0.5, 0.5)
        });
        let c = cka(i.features.view(), y.view())?;
        Ok([c.biased].into_iter().chain(c.debiased).collect())
    }),
    ("CKA with itself", |i| {
        let c = cka(i.features.view(), i.features.view())?;
        Ok([c.biased].into_iter().chain(c.debiased).collect())
    }),
    ("LogME", |i| {
        let found = LogmeParams::new().check()?.run(&samples(i)?)?;
        let all = found.classes.iter();
        Ok(all
            .flat_map(|c| [c.value, c.alpha, c.beta])
            .chain([found.value])
            .collect())
    }),
    ("H-score", |i| h(i, Covariance::Sample)),
    ("H-score, shrunk", |i| h(i, Covariance::LedoitWolf)),
    ("LEEP", |i| {
        let l = leep(probabilities(&i.features).view(), &i.labels, i.classes)?;
        Ok(vec![l.value, l.lower_bound])
    }),
    ("NCE", |i| {
        let source = hard_labels(probabilities(&i.features).view())?;
        Ok(vec![nce(&source, &i.labels)?.value])
    }),
    ("modality gap", |i| {
        let moved = i.features.mapv(|v| v + v.clamp(0.0, 1.0));
        let gap = modality_gap(i.features.view(), moved.view())?;
        let numbers = [gap.norm, gap.means[0], gap.means[1]];
        Ok(gap.vector.iter().copied().chain(numbers).collect())
    }),
    ("zero-shot", |i| {
        // Texts of classes: the first samples.
        let texts = i
            .features
            .slice(ndarray::s![..i.classes.min(i.features.nrows()), ..]);
        let classifier = TextClassifier::new(texts, i.classes, 100.0)?;
        let p = classifier.probabilities(i.features.view())?;
        let found = classifier.report(&samples(i)?, &Groups::singletons(i.labels.len()))?;
        let numbers = [found.error, found.balanced_error];
        let all = numbers.into_iter().chain(found.interval);
        let all = all.chain(found.balanced_interval);
        let all = all.chain(found.class_errors.into_iter().flatten());
        Ok(all.chain(p.iter().map(|p| f64::from(*p))).collect())
    }),
    ("silhouette", |i| {
        let s = silhouette(&samples(i)?)?;
        Ok(s.classes.iter().map(|c| c.1).chain([s.value]).collect())
    }),
];

/// What every measure says of an input, by name.
fn measured(i: &Input) -> Vec<(&'static str, Result<Vec<f64>, MeasureError>)> {
    let one = |value: Result<f64, MeasureError>| value.map(|value| vec![value]);
    let computations = COMPUTATIONS.iter().map(|(name, of)| (*name, of(i)));
    let encoders = encoder::ALL
        .iter()
        .map(|m| (m.about.name, one(of_encoder(i, m))));
    let scores = transferability::ALL
        .iter()
        .map(|s| (s.about.name, one(of_target(i, s))));
    let metrics = task::ALL
        .iter()
        .map(|m| (m.about.name, metric(i, m.metric)));
    let towers = towers::ALL.iter().map(|m| {
        // Texts that move with their images.
        let texts = i.features.mapv(|v| v + v.clamp(0.0, 1.0));
        let pairs = Pairs::new(i.features.view(), texts.view());
        (m.about.name, one(pairs.and_then(|pairs| (m.value)(&pairs))))
    });
    let all = computations.chain(encoders).chain(scores);
    let retrievals = retrieval::ALL.iter().map(|m| {
        let captions = i.features.mapv(|v| v + v.clamp(0.0, 1.0));
        let owner: Vec<usize> = (0..captions.nrows()).collect();
        let found = retrieval::retrieval(i.features.view(), captions.view(), &owner);
        let value = |rule| found.as_ref().map(|found| m.value(found, rule));
        let values = retrieval::Rule::ALL.map(|rule| value(rule).map_err(Clone::clone));
        (m.about.name, values.into_iter().collect())
    });
    all.chain(metrics).chain(towers).chain(retrievals).collect()
}

/// A measure of the features as those of an encoder, beside themselves.
fn of_encoder(i: &Input, measure: &encoder::Measure) -> Result<f64, MeasureError> {
    let s = samples(i)?;
    let input = encoder::Input::new(s, s).neighbours(1);
    let input = input.reference(i.features.view());
    if !matches!(measure.noise, Noise::Predictions(Learner::Probe, _)) {
        return (measure.value)(&input);
    }
    let fitted = ProbeParams::new().check()?.run(&s, Some(&s), &s)?;
    let pairs = fitted.predictions.iter().zip(s.labels());
    let wrong: Vec<bool> = pairs.map(|(found, label)| found != label).collect();
    (measure.value)(&input.mistakes(&wrong)?)
}

/// A score of the features as those of a target, beside themselves shifted.
fn of_target(i: &Input, score: &transferability::Score) -> Result<f64, MeasureError> {
    let (moved, wide) = (
        i.features.mapv(|v| v + v.clamp(0.0, 1.0)),
        i.features.mapv(f64::from),
    );
    let p = probabilities(&i.features);
    let embedded = Samples::new(wide.view(), &i.labels, i.classes)?;
    let input = transferability::Input {
        labelled: Some(samples(i)?),
        features: Some(i.features.view()),
        source: Some(moved.view()),
        probabilities: Some(p.view()),
        embedded: Some([embedded, embedded]),
        otdd: Some(OtddParams::new().max_iterations(20).check()?),
    };
    Ok((score.value)(&input)?.value)
}

/// Features as predictions of something that the labels say.
fn metric(i: &Input, metric: Metric) -> Result<Vec<f64>, MeasureError> {
    if metric.needs() == TargetKind::Pairs {
        // Captions that lie where their images do, one each.
        let owner: Vec<usize> = (0..i.features.nrows()).collect();
        let found = retrieval::retrieval(i.features.view(), i.features.view(), &owner)?;
        return Ok(vec![task::mean_recall::score(&found).value]);
    }
    let (rows, width) = (i.labels.len(), i.features.ncols());
    let score = if metric == Metric::Mae8 {
        let side = if width == 0 { 0 } else { 26 };
        let map = |(n, a, b): (usize, usize, usize)| i.features[[n, (a * side + b) % width]];
        let p = Array3::from_shape_fn((i.features.nrows(), side, side), map);
        let t = Array3::from_shape_fn((rows, side, side), |(n, ..)| 1.0 + i.labels[n] as f32);
        metric.score(p.view().into_dyn(), &Targets::Dense(t.view().into_dyn()))?
    } else {
        let p = i.features.view().into_dyn();
        let one_hot = |(n, k)| f32::from(u8::from(i.labels[n] == k));
        let t = Array2::from_shape_fn((rows, width), one_hot);
        let shifted = t.mapv(|v| v + 1.0);
        match metric.needs() {
            TargetKind::Labels => metric.score(p, &Targets::<f32>::Labels(&i.labels))?,
            TargetKind::MultiHot => metric.score(p, &Targets::MultiHot(t.view()))?,
            TargetKind::Dense | TargetKind::Pairs => {
                metric.score(p, &Targets::Dense(shifted.view().into_dyn()))?
            }
        }
    };
    Ok(vec![score.value])
}

fn samples(i: &Input) -> Result<Samples<'_>, MeasureError> {
    Samples::new(i.features.view(), &i.labels, i.classes)
}

fn probe(i: &Input, params: ProbeParams) -> Result<Vec<f64>, MeasureError> {
    let s = samples(i)?;
    let r = params.check()?.run(&s, Some(&s), &s)?;
    Ok(vec![
        r.error,
        r.objective,
        r.c,
        r.interval[0],
        r.interval[1],
    ])
}

fn tsne(i: &Input, engine: Engine) -> Result<Vec<f64>, MeasureError> {
    let params = TsneParams::new()
        .perplexity(3.0)
        .iterations(60)
        .engine(engine)
        .pca(5);
    let t = params.check()?.run(i.features.view())?;
    Ok(t.embedding
        .iter()
        .copied()
        .chain([t.kl])
        .chain(t.trustworthiness)
        .collect())
}

fn h(i: &Input, covariance: Covariance) -> Result<Vec<f64>, MeasureError> {
    let h = hscore(&samples(i)?, covariance)?;
    Ok(vec![h.value, h.shrinkage])
}

/// From the samples to themselves, shifted by at most one where positive.
fn otdd(i: &Input, inner: Inner) -> Result<Vec<f64>, MeasureError> {
    let params = OtddParams::new().inner(inner).max_iterations(20).check()?;
    let source = Source::new(&samples(i)?, &params)?;
    let twice = i.features.mapv(|v| v + v.clamp(0.0, 1.0));
    let twice = Samples::new(twice.view(), &i.labels, i.classes)?;
    let (d, gradient) = source.distance_and_gradient(&twice)?;
    let numbers = [d.value, d.transport, d.source_self, d.target_self];
    Ok(numbers
        .into_iter()
        .chain([d.marginal_violation, d.label_violation])
        .chain(gradient)
        .collect())
}

fn distance(i: &Input, params: DiscrepancyParams) -> Result<Vec<f64>, MeasureError> {
    let params = params.null(10).bootstrap(10).check()?;
    let p = probabilities(&i.features);
    let d = discrepancy(
        p.view(),
        Target::Labels {
            labels: &i.labels,
            classes: i.classes,
        },
        &params,
    )?;
    let numbers = [d.value, d.lower_bound, d.gap, d.chance];
    Ok(numbers
        .into_iter()
        .chain(d.null_mean)
        .chain(d.normalized)
        .chain(d.interval.into_iter().flatten())
        .collect())
}

/// Rows of features as rows of probabilities; faulty numbers stay as they are.
fn probabilities(features: &Array2<f32>) -> Array2<f32> {
    let mut p = features.clone();
    for mut row in p.outer_iter_mut() {
        let exp = |v: f32| v.clamp(-30.0, 30.0).exp();
        let sum: f32 = row.iter().filter(|v| v.is_finite()).map(|&v| exp(v)).sum();
        row.mapv_inplace(|v| if v.is_finite() { exp(v) / sum } else { v });
    }
    p
}

fn wave(n: usize, d: usize) -> Array2<f32> {
    Array2::from_shape_fn((n, d), |(i, j)| {
        (((i + 1) * (2 * j + 3)) as f32 * 0.7).sin()
    })
}

fn inputs() -> Vec<Input> {
    let input = |name, features: Array2<f32>, classes: usize| {
        let labels = (0..features.nrows()).map(|i| i % classes.max(1)).collect();
        Input {
            name,
            features,
            labels,
            classes,
        }
    };
    let mut half_constant = wave(30, 8);
    half_constant.slice_mut(ndarray::s![.., 3..]).fill(2.5);
    let holes = |i: usize| if i == 0 { 5 } else { 2 * (i % 2) + 1 };
    let twice =
        ndarray::concatenate(Axis(0), &[wave(15, 8).view(), wave(15, 8).view()]).expect("shapes");
    vec![
        input("ordinary", wave(40, 8), 3),
        input("one class", wave(30, 8), 1),
        input("one sample", wave(1, 8), 1),
        input("two samples", wave(2, 8), 2),
        input("every sample its own class", wave(8, 8), 8),
        input("fewer samples than features", wave(16, 64), 3),
        input("one feature", wave(30, 1), 2),
        input("constant features", half_constant, 3),
        input("all constant", Array2::from_elem((30, 8), 0.1), 3),
        input("all zero", Array2::zeros((30, 8)), 3),
        input("coincident samples", twice, 3),
        input("no sample", Array2::zeros((0, 8)), 3),
        input("no feature", Array2::zeros((30, 0)), 3),
        input("no class", Array2::zeros((0, 8)), 0),
        input(
            "largest numbers",
            wave(30, 8).mapv(|v| v.signum() * f32::MAX),
            3,
        ),
        input("smallest numbers", wave(30, 8) * f32::MIN_POSITIVE, 3),
        Input {
            labels: (0..30).map(holes).collect(),
            ..input("holes in the labels, a class of one sample", wave(30, 8), 7)
        },
        Input {
            labels: vec![6; 30],
            ..input("one class of many occurs", wave(30, 8), 7)
        },
        input("three samples", wave(3, 8), 2),
        input("as many samples as features", wave(8, 8), 2),
        input(
            "coincident all but one",
            {
                let mut x = Array2::from_elem((30, 8), 0.3);
                x[[0, 0]] = 0.300_000_1;
                x
            },
            3,
        ),
        Input {
            labels: vec![0; 12],
            ..input("fewer labels than rows", wave(30, 8), 3)
        },
        Input {
            labels: vec![7; 30],
            ..input("labels out of range", wave(30, 8), 3)
        },
        Input {
            features: wave(30, 8).reversed_axes(),
            ..input("columns first", wave(8, 30), 3)
        },
    ]
}

#[test]
fn every_measure_gives_every_input_finite_numbers_or_a_typed_error() {
    for input in inputs() {
        for (name, found) in measured(&input) {
            match found {
                Ok(numbers) => {
                    assert!(
                        numbers.iter().all(|v| v.is_finite()),
                        "{name} on {}: {numbers:?}",
                        input.name
                    );
                }
                Err(error) => {
                    assert!(input.name != "ordinary", "{name}: {error}");
                    let text = error.to_string();
                    assert!(
                        text.contains("expected") && text.contains("found"),
                        "{name} on {}: {text}",
                        input.name
                    );
                }
            }
        }
    }
}

#[test]
fn every_measure_refuses_nan_and_infinity_with_row_and_column() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut input = inputs().remove(0);
        input.features[[4, 2]] = value;
        input.features[[9, 0]] = value;
        for (name, found) in measured(&input) {
            match found {
                Err(MeasureError::NotFinite {
                    row: 4, column: 2, ..
                }) => {}
                other => panic!("{name} on {value}: {other:?}"),
            }
        }
    }
}

#[test]
fn errors_and_results_can_cross_threads() {
    fn autotraits<T: Send + Sync + Unpin>() {}
    autotraits::<MeasureError>();
    autotraits::<super::discrepancy::Discrepancy>();
    autotraits::<super::otdd::Otdd>();
    autotraits::<super::otdd::Source>();
    autotraits::<super::probe::ProbeReport>();
    autotraits::<super::tsne::Tsne>();
    autotraits::<super::geometry::Geometry>();
    autotraits::<super::task::Accumulator>();
    autotraits::<super::task::Score>();
    autotraits::<super::cka::Cka>();
    autotraits::<super::hscore::Hscore>();
    autotraits::<super::leep::Leep>();
    autotraits::<super::logme::Logme>();
    autotraits::<super::modality_gap::ModalityGap>();
    autotraits::<super::nce::Nce>();
    autotraits::<super::silhouette::Silhouette>();
    autotraits::<super::retrieval::Retrieval>();
    autotraits::<super::towers::Pairs>();
    autotraits::<super::towers::ZeroShot>();
}

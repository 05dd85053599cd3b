//! D(Ms, Mt) of a target through one of its embedders, kept by the hash of that embedder: before
//! any training, after stage 1, after the fine-tuning.

use super::error::{RunError, named};
use super::evaluation::fingerprint;
use super::prepare::{Context, Target};
use super::progress::Progress;
use crate::dataset::TargetShape;
use crate::feature::extract;
use crate::feature::file::{Blocks, Open};
use crate::measure::Groups;
use crate::measure::discrepancy::{
    DiscrepancyParams, Divergence, Rows, Target as Labels, discrepancy_by, strongest,
};
use crate::model::Embedder;
use ndarray::{Array2, ArrayView2};
use serde::{Deserialize, Serialize};

/// When an embedder stood as it did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// As the transfer starts.
    Initial,
    /// After stage 1, for methods that have one.
    Stage1,
    /// After the fine-tuning.
    FineTuned,
}

impl Stage {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Stage1 => "stage-1",
            Self::FineTuned => "fine-tuned",
        }
    }
}

/// What was found, as the tables need it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distance {
    /// Name of the divergence.
    pub divergence: String,
    /// D.
    pub value: f64,
    /// 95 % bootstrap interval of what the matching costs on new samples: an upper bound of D on average.
    pub interval: Option<[f64; 2]>,
    /// Conservative 95 % interval of D itself; absent in records of older versions.
    #[serde(default)]
    pub infimum_interval: Option<[f64; 2]>,
    /// Mean D with shuffled labels.
    pub null_mean: Option<f64>,
    /// Interval of the same.
    pub null_interval: Option<[f64; 2]>,
    /// D of guessing.
    pub chance: f64,
    /// D over the null's mean.
    pub normalized: Option<f64>,
    /// Proven lower bound on the samples the matching was chosen on.
    pub lower_bound: f64,
    /// How far the matching found is above it.
    pub gap: f64,
    /// Whether the matching is proven optimal.
    pub certified: bool,
    /// Samples evaluated.
    pub samples: usize,
    /// Groups of the target's test samples (clips, repetitions, records; else the samples); absent in
    /// records of older versions, which drew samples.
    #[serde(default)]
    pub groups: Option<usize>,
    /// Groups of the class that has fewest.
    #[serde(default)]
    pub groups_per_class: Option<usize>,
    /// The matching.
    pub pairs: Vec<Pair>,
    /// Source classes beside which it is shown: the matched ones, then the strongest others.
    #[serde(default)]
    pub shown: Vec<usize>,
    /// Mean probability of each of them over the samples of every matched target class.
    #[serde(default)]
    pub means: Vec<Vec<f64>>,
}

/// A target class and the source class that stands for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// Class of the target.
    pub target: usize,
    /// Class of the source model.
    pub source: usize,
    /// Mean source probability of that class over the target class's samples.
    pub probability: f64,
    /// How many those are.
    pub samples: usize,
}

/// D of one target: source probabilities of its test samples through an embedder of the target and
/// the **pretrained** encoder and predictor. Not to be asked where [`Target::undefined`] says so.
pub fn distance(
    context: &Context,
    target: &Target,
    stage: Stage,
    embedder: &Embedder,
    progress: &mut dyn Progress,
) -> Result<Distance, RunError> {
    let name = &target.spec.name;
    let record = format!("evaluations/{name}-{}.json", fingerprint(embedder));
    let origin = context.origins.target(target.spec);
    let before: Option<Distance> = context.recall(&record, &origin);
    // Distances of older versions drew samples, not groups, and lack the means.
    let whole = |d: &Distance| d.groups.is_some() && !d.means.is_empty();
    if let Some(found) = before.filter(whole) {
        return Ok(found);
    }
    let stage = stage.name();
    progress.begin(&format!("D(Ms, Mt): {} ({stage})", target.spec.title), 1);
    let found = measure(context, target, embedder)?;
    context.keep(&record, origin, &found)?;
    progress.end();
    Ok(found)
}

/// Probabilities that are held in memory; more of them are kept in a file of the run meanwhile.
const HELD: usize = 1 << 30;

fn measure(context: &Context, target: &Target, embedder: &Embedder) -> Result<Distance, RunError> {
    let mut network = context.source.model.network.clone();
    network.embedder = embedder.clone();
    let set = target.data.test.clone();
    let bytes = set.len() * context.source.labels.len() * size_of::<f32>();
    if bytes <= HELD {
        let rows = extract::probabilities(&network, set, context.device)?;
        return of_rows(context, target, &rows.view());
    }
    let path = context.folder.path("evaluations/.probabilities.npy");
    let wrong = |source| RunError::Io {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(context.folder.path("evaluations")).map_err(wrong)?;
    let found = extract::write_probabilities(&network, set, context.device, &path)
        .map_err(RunError::from)
        .and_then(|()| match Blocks::open(&path, "source probabilities")? {
            Open::Single(rows) => of_rows(context, target, &rows),
            _ => Err(RunError::Malformed {
                path: path.clone(),
                expected: "the single-precision matrix that was written there".into(),
                found: "another file".into(),
            }),
        });
    // Of no use to anyone, whether it was measured or not.
    std::fs::remove_file(&path).ok();
    found
}

/// D from the rows of source probabilities of the target's test samples.
fn of_rows<R: Rows>(context: &Context, target: &Target, rows: &R) -> Result<Distance, RunError> {
    let measures = &context.suite.measures;
    let wrong = named(format!("discrepancy of {}", target.spec.title));
    let test = target.data.test.as_ref();
    let classes = test.classes().len();
    let labels = crate::dataset::labels(test);
    // Of several classes a sample, each class's positives are its samples.
    let several = match test.target_shape() {
        TargetShape::MultiHot => {
            let mut all = vec![0.0f32; test.len() * classes];
            for (i, row) in all.chunks_mut(classes.max(1)).enumerate() {
                test.read_target(i, row)?;
            }
            Array2::from_shape_vec((test.len(), classes), all).ok()
        }
        _ => None,
    };
    let params = DiscrepancyParams::new()
        .divergence(Divergence::Error)
        .holdout(measures.discrepancy_holdout)
        .null(measures.discrepancy_null)
        .bootstrap(measures.discrepancy_bootstrap)
        .seed(measures.discrepancy_seed)
        .check()
        .map_err(&wrong)?;
    let goal = || match &several {
        Some(several) => Labels::MultiHot(several.view()),
        None => Labels::Labels {
            labels: &labels,
            classes,
        },
    };
    let of = |i: usize, class: usize| match &several {
        Some(several) => several[[i, class]] > 0.0,
        None => labels[i] == class,
    };
    let groups = match crate::dataset::groups(test) {
        Some(groups) => Groups::of(&groups),
        None => Groups::singletons(test.len()),
    };
    let found = discrepancy_by(rows, goal(), &groups, &params).map_err(&wrong)?;
    let mut means = Array2::<f64>::zeros((classes, rows.dim().1));
    let mut samples = vec![0usize; classes];
    let add = &mut |first: usize, block: ArrayView2<'_, R::Value>| {
        for (i, row) in (first..).zip(block.outer_iter()) {
            for class in (0..classes).filter(|&class| of(i, class)) {
                samples[class] += 1;
                means
                    .row_mut(class)
                    .zip_mut_with(&row, |m, p| *m += (*p).into());
            }
        }
        Ok(())
    };
    rows.blocks(add).map_err(&wrong)?;
    for (class, count) in samples.iter().enumerate() {
        means
            .row_mut(class)
            .mapv_inplace(|sum| sum / (*count).max(1) as f64);
    }
    let shown = strongest(&means, &found.assignment);
    let pair = |(class, column): (usize, &Option<usize>)| {
        let column = (*column)?;
        Some(Pair {
            target: class,
            source: column,
            probability: means[[class, column]],
            samples: samples[class],
        })
    };
    let matched = found.assignment.iter().enumerate();
    let matched = matched.filter_map(|(class, column)| column.map(|_| class));
    let of_shown = |class: usize| shown.iter().map(|&k| means[[class, k]]).collect();
    Ok(Distance {
        divergence: found.divergence.name().into(),
        value: found.value,
        interval: found.interval,
        infimum_interval: found.infimum_interval,
        null_mean: found.null_mean,
        null_interval: found.null_interval,
        chance: found.chance,
        normalized: found.normalized,
        lower_bound: found.lower_bound,
        gap: found.gap,
        certified: found.certified,
        samples: found.samples,
        groups: Some(found.groups),
        groups_per_class: Some(found.groups_per_class),
        pairs: found
            .assignment
            .iter()
            .enumerate()
            .filter_map(pair)
            .collect(),
        means: matched.map(of_shown).collect(),
        shown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::discrepancy::discrepancy;
    use crate::run::record::matched;

    #[test]
    fn what_is_held_out_is_what_d_is_evaluated_on() {
        // A fifth: at a half, both meanings of the share are the same.
        let holdout = 0.2;
        let labels: Vec<usize> = (0..100).map(|i| i % 2).collect();
        let p = Array2::from_shape_fn((100, 4), |(i, k)| {
            let noise = ((i * 7 + k * 13) % 11) as f32 / 40.0;
            if k == labels[i] {
                0.5 - noise
            } else {
                noise / 4.0
            }
        });
        let params = DiscrepancyParams::new()
            .holdout(holdout)
            .null(0)
            .bootstrap(0);
        let goal = Labels::Labels {
            labels: &labels,
            classes: 2,
        };
        let found = discrepancy(p.view(), goal, &params.check().unwrap()).unwrap();
        assert_eq!(found.samples, 20);
        let said = matched(holdout, 19);
        assert!(
            said.contains("matched on 80 %") && said.contains("evaluated on the 20 % held out"),
            "{said}"
        );
    }
}

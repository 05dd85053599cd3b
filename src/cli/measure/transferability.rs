//! `modalign transferability`: what a source model, before any training, says of a target, by the scores that reports have.

use super::labelled::{self, Labelled};
use super::probabilities::{SOURCE, softmax_if};
use super::{count, fold_count, folds, shown};
use crate::cli::args::TransferabilityArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{columns, print_json, span, tell};
use crate::evaluate::scored::{Material, Scored, scores};
use crate::feature::file::{Choice, Contents, Keep};
use crate::feature::{FeatureError, FeatureSet};
use crate::measure::Samples;
use ndarray::Array2;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// Runs the command.
pub fn run(args: &TransferabilityArgs) -> Result<(), CliError> {
    let path = args.target.as_path();
    let files = [Labelled::new(path, &args.target_labels, "--target-labels")];
    let sets = labelled::read(&files, &args.columns.choice(), false)?;
    let set = sets.into_iter().next().expect("a set a file");
    let probabilities = args.source_probs.as_deref();
    let probabilities = probabilities
        .map(|probs| said_by_source(args, probs, &set))
        .transpose()?;
    let source = args.source_features.as_deref();
    let source = source
        .map(|source| of_source(args, source, &set))
        .transpose()?;
    let start = Instant::now();
    let own = folds(set.labels(), set.groups(), args.noise);
    let used = fold_count(&own, args.noise);
    let others = source.as_ref().map(|(features, groups)| {
        let mut noise = args.noise;
        noise.folds = used;
        folds(&vec![0; features.nrows()], groups.as_deref(), noise)
    });
    let material = Material {
        samples: Samples::from(&set),
        probabilities: probabilities.as_ref().map(Array2::view),
        source: source
            .as_ref()
            .zip(others.as_deref())
            .map(|((features, _), folds)| (features.view(), folds)),
    };
    let stage = Stage::waiting("scoring the target");
    let found = scores(&material, &own);
    stage.clear();
    let found = found.map_err(|fault| {
        let about = match args.source_probs.as_deref() {
            Some(probs) if fault.source.to_string().starts_with(SOURCE) => probs,
            _ => path,
        };
        CliError::of_measure(about)(fault.source)
    })?;
    let seconds = start.elapsed().as_secs_f64();
    if args.json {
        return print_json(&fields(&set, &found, used, seconds));
    }
    print(text(&set, &found, used, seconds).as_bytes())
}

/// What the source says of the same samples.
fn said_by_source(
    args: &TransferabilityArgs,
    path: &Path,
    set: &FeatureSet,
) -> Result<Array2<f32>, CliError> {
    let choice = Choice {
        known: if args.softmax {
            &["logits"]
        } else {
            &["probs", "probabilities"]
        },
        labels_elsewhere: true,
        ..Choice::default()
    };
    let contents = Contents::choose(path, &choice, Keep::Wide)?;
    let shown = path.display().to_string();
    let told = contents.told().into_iter();
    told.filter(|told| !told.starts_with("labels are text"))
        .for_each(|told| tell(&shown, &told));
    let rows = contents.dim().0;
    let wrong = |what: String, expected: String, found: String| {
        CliError::from(FeatureError::malformed(path, what, expected, found))
    };
    if rows != set.len() {
        let expected = format!("{}, as {} has samples", set.len(), args.target.display());
        return Err(wrong("rows".into(), expected, rows.to_string()));
    }
    match (contents.ids(), set.ids()) {
        (Some(ids), Some(own)) => {
            if let Some(row) = (0..rows).find(|&row| ids[row] != own[row]) {
                let expected = format!("{:?}, as {} has", own[row], args.target.display());
                return Err(wrong(
                    format!("ids, row {row}"),
                    expected,
                    format!("{:?}", ids[row]),
                ));
            }
        }
        _ => tell(
            &shown,
            "row i is taken for sample i of the target: not both files have ids",
        ),
    }
    if let Some(labels) = contents.labels().filter(|_| !contents.by_name())
        && contents
            .class_names()
            .is_none_or(|names| names == set.class_names())
        && let Some(row) = (0..rows).find(|&row| labels[row] != set.labels()[row])
    {
        let expected = format!(
            "class {}, as {} has",
            set.labels()[row],
            args.target.display()
        );
        return Err(wrong(
            format!("labels, row {row}"),
            expected,
            labels[row].to_string(),
        ));
    }
    let matrix = softmax_if(args.softmax, contents.into_matrix());
    Ok(matrix.into_double().mapv(|p| p as f32))
}

/// Features of source samples, and which of these belong together.
fn of_source(
    args: &TransferabilityArgs,
    path: &Path,
    set: &FeatureSet,
) -> Result<(Array2<f32>, Option<Vec<usize>>), CliError> {
    let choice = Choice {
        labels_elsewhere: true,
        ..args.columns.choice()
    };
    let contents = Contents::choose(path, &choice, Keep::Single)?;
    let (rows, width) = contents.dim();
    if rows == 0 || width != set.dim() {
        let expected = format!(
            "at least one row of {} features, as {} has",
            set.dim(),
            args.target.display()
        );
        let found = format!("[{rows}, {width}]");
        return Err(FeatureError::malformed(path, "features", expected, found).into());
    }
    let groups = contents.groups().map(<[usize]>::to_vec);
    Ok((contents.single()?.into_owned(), groups))
}

fn groups(set: &FeatureSet) -> Option<usize> {
    let of = set.groups()?;
    Some(of.iter().collect::<BTreeSet<_>>().len())
}

fn occurring(set: &FeatureSet) -> usize {
    set.labels().iter().collect::<BTreeSet<_>>().len()
}

fn fields(set: &FeatureSet, found: &[Scored], folds: usize, seconds: f64) -> Value {
    let one = |(score, found): &Scored| {
        let estimate = found.as_ref().ok().map(|(estimate, _)| estimate);
        let note = match found {
            Ok((_, note)) => note.clone(),
            Err(why) => Some(why.clone()),
        };
        json!({
            "name": score.about.name,
            "title": score.about.title,
            "better": score.about.better.name(),
            "value": estimate.map(|own| own.value),
            "interval": estimate.and_then(|own| own.interval),
            "note": note,
        })
    };
    json!({
        "scores": found.iter().map(one).collect::<Vec<_>>(),
        "samples": set.len(),
        "classes": occurring(set),
        "folds": folds,
        "groups": groups(set),
        "seconds": seconds,
    })
}

fn text(set: &FeatureSet, found: &[Scored], folds: usize, seconds: f64) -> String {
    let row = |(score, found): &Scored| {
        let better = score.about.better.name();
        match found {
            Ok((estimate, note)) => vec![
                score.about.title.to_owned(),
                shown(&score.about, estimate),
                format!("{better} is better"),
                note.clone().unwrap_or_default(),
            ],
            Err(why) => vec![
                score.about.title.to_owned(),
                "–".into(),
                String::new(),
                why.clone(),
            ],
        }
    };
    let rows: Vec<Vec<String>> = found.iter().map(row).collect();
    let of = groups(set).map_or(String::new(), |groups| {
        format!(" in {}", count(groups, "group"))
    });
    let how = match folds {
        0 => "no intervals".into(),
        folds => format!("intervals: jackknife over {folds} parts, 95 %"),
    };
    format!(
        "Transferability: {} of {}{of}\n\n{}\n  {how}; {}\n",
        count(set.len(), "sample"),
        count(occurring(set), "class"),
        columns(&rows, &[], "  "),
        span(seconds)
    )
}

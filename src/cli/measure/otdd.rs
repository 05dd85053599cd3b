//! `modalign otdd`: how far one labelled set must be moved, samples with their classes, to become another.

use super::labelled::{self, Labelled};
use super::{count, fold_count, folds, page, shown};
use crate::cli::args::OtddArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{print_json, tell};
use crate::evaluate::noise::FEWEST_FOLDS;
use crate::evaluate::scored::{Distance, distance};
use crate::feature::{FeatureError, FeatureSet};
use crate::measure::otdd::{OTDD, OtddParams};
use crate::measure::{MeasureError, Samples};
use crate::strata;
use ndarray::Array2;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// A set as it is taken.
struct Side {
    features: Array2<f64>,
    labels: Vec<usize>,
    groups: Option<Vec<usize>>,
    classes: usize,
    /// Samples in the file.
    of: usize,
}

impl Side {
    fn occurring(&self) -> usize {
        self.labels.iter().collect::<BTreeSet<_>>().len()
    }

    fn samples(&self) -> Result<Samples<'_, f64>, MeasureError> {
        Samples::new(self.features.view(), &self.labels, self.classes)
    }
}

/// Runs the command.
pub fn run(args: &OtddArgs) -> Result<(), CliError> {
    let mut params = OtddParams::new().max_iterations(args.iterations);
    if let Some(blur) = args.blur {
        params = params.blur(blur);
    }
    // Settings are refused before files are read.
    let params = params.check().map_err(CliError::of_measure(&args.source))?;
    let source = read(args, &args.source, &args.source_labels, "--source-labels")?;
    let target = read(args, &args.target, &args.target_labels, "--target-labels")?;
    let (width, other) = (source.features.ncols(), target.features.ncols());
    if width != other {
        let expected = format!("{width} columns, as {} has", args.source.display());
        return Err(FeatureError::malformed(&args.target, "features", expected, other).into());
    }
    let start = Instant::now();
    let parts = [&source, &target].map(|side| {
        let mut noise = args.noise;
        noise.folds = fewest(&[&source, &target], noise.folds);
        (folds(&side.labels, side.groups.as_deref(), noise), noise)
    });
    let [(first, noise), (second, _)] = &parts;
    let stage = Stage::waiting("moving one set to the other");
    let found = (|| {
        distance(
            &source.samples()?,
            &target.samples()?,
            [first, second],
            &params,
        )
    })();
    stage.clear();
    let found = found.map_err(CliError::of_measure(&args.target))?;
    if !found.converged {
        eprintln!(
            "warning: Sinkhorn stopped after {} before it converged; --iterations raises that, a larger --blur lowers \
             what it needs",
            count(args.iterations, "iteration")
        );
    }
    let used = fold_count(first, *noise);
    let note = note(args, &found, used);
    say(
        args,
        [&source, &target],
        &found,
        (used, note),
        start.elapsed().as_secs_f64(),
    )
}

/// Folds that both sets can have.
fn fewest(sides: &[&Side; 2], folds: usize) -> usize {
    let units = sides.map(|side| {
        let rows: Vec<usize> = (0..side.labels.len()).collect();
        crate::compare::parts::units(side.groups.as_deref(), &rows)
    });
    folds.min(units[0]).min(units[1])
}

fn note(args: &OtddArgs, found: &Distance, folds: usize) -> Option<String> {
    match found.estimate.interval {
        Some(_) if found.unsettled > 0 => Some(format!(
            "{} of {folds} parts left out did not converge: their noise is in the interval",
            found.unsettled
        )),
        Some(_) => None,
        None if args.noise.folds == 0 => None,
        None if !found.converged => Some("no interval: the value itself did not converge".into()),
        None if folds < FEWEST_FOLDS => Some(format!(
            "no interval: {folds} parts to leave out, {FEWEST_FOLDS} are the fewest"
        )),
        None => {
            Some("no interval: nothing varies, or it is not defined without some samples".into())
        }
    }
}

/// A file, and of its samples as many as are asked for.
fn read(
    args: &OtddArgs,
    path: &Path,
    labels: &Option<std::path::PathBuf>,
    flag: &'static str,
) -> Result<Side, CliError> {
    let files = [Labelled::new(path, labels, flag)];
    let sets = labelled::read(&files, &args.columns.choice(), false)?;
    let set = sets.into_iter().next().expect("a set a file");
    let of = set.len();
    let set = if args.samples > 0 && args.samples < of {
        let rows = strata::balanced(set.labels(), args.samples, args.noise.seed);
        let taken = format!(
            "{} of {of} samples are taken, balanced over classes (--samples)",
            rows.len()
        );
        tell(&path.display().to_string(), &taken);
        set.select(&rows).expect("rows of the set")
    } else {
        set
    };
    Ok(side(&set, of))
}

fn side(set: &FeatureSet, of: usize) -> Side {
    Side {
        features: set.features().mapv(f64::from),
        labels: set.labels().to_vec(),
        groups: set.groups().map(<[usize]>::to_vec),
        classes: set.classes(),
        of,
    }
}

fn say(
    args: &OtddArgs,
    sides: [&Side; 2],
    found: &Distance,
    (folds, note): (usize, Option<String>),
    seconds: f64,
) -> Result<(), CliError> {
    let estimate = &found.estimate;
    let root = (2.0 * estimate.value.max(0.0)).sqrt();
    if args.json {
        return print_json(&json!({
            "value": estimate.value,
            "interval": estimate.interval,
            "distance": root,
            "converged": found.converged,
            "samples": sides.map(|side| side.labels.len()),
            "of": sides.map(|side| side.of),
            "classes": sides.map(Side::occurring),
            "folds": folds,
            "note": note,
            "seconds": seconds,
        }));
    }
    let words = |side: &Side| {
        format!(
            "{} of {}",
            count(side.labels.len(), "sample"),
            count(side.occurring(), "class")
        )
    };
    let mut facts = vec![
        (
            "distance",
            format!("{} (√(2 · value), the paper's)", OTDD.about.unit.show(root)),
        ),
        ("source", words(sides[0])),
        ("target", words(sides[1])),
        (
            "converged",
            if found.converged { "yes" } else { "no" }.to_owned(),
        ),
    ];
    if estimate.interval.is_some() {
        let how =
            format!("jackknife over {folds} parts, 95 %: of the value at these numbers of samples");
        facts.push(("interval", how));
    }
    facts.extend(note.map(|note| ("note", note)));
    let head = format!("{}: {}", OTDD.about.title, shown(&OTDD.about, estimate));
    print(page(&head, &facts, seconds).as_bytes())
}

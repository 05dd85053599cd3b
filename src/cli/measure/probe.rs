//! `modalign probe`: a linear probe on features files. With `--sweep` and no validation file C is
//! chosen on a held-out tenth, and the reported probe is fitted anew on the whole training file.

use super::labelled::{self, Labelled};
use super::{count, page, percent};
use crate::cli::args::ProbeArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{clean, columns, print_json};
use crate::feature::FeatureSet;
use crate::measure::probe::{ProbeParams, ProbeReport, SweepPoint};
use crate::measure::samples::Samples;
use crate::measure::{Groups, MeasureError};
use crate::random::SPLIT;
use crate::strata;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// What `--sweep` tries: half a decade apart, CLIP's default among them.
const SWEEP: [f64; 11] = [
    0.001, 0.00316, 0.01, 0.0316, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6, 100.0,
];

/// A matrix of more classes fits no terminal; its largest entries do.
const MOST_COLUMNS: usize = 16;

/// The files that were given, of the same classes.
struct Sets {
    train: FeatureSet,
    test: FeatureSet,
    valid: Option<FeatureSet>,
}

/// Runs the command.
pub fn run(args: &ProbeArgs) -> Result<(), CliError> {
    let params = ProbeParams::new()
        .standardize(args.standardize)
        .iterations(args.iterations);
    let params = on_device(params, &args.device)?;
    // Settings are refused before files are read.
    let given = params.clone().c(args.c).check();
    given.map_err(CliError::of_measure(&args.train))?;
    let sets = read(args)?;
    let stage = Stage::waiting("fitting the probe");
    let report = match args.sweep {
        true => sweep(params, &sets, args.seed),
        false => fixed(params.c(args.c), &sets),
    };
    stage.clear();
    let mut report = report.map_err(|error| CliError::of_measure(subject(args, &error))(error))?;
    let groups = match &args.test_groups {
        Some(path) => super::groups(path, sets.test.len())?,
        None => Groups::singletons(sets.test.len()),
    };
    if args.test_groups.is_some() {
        let grouped = report.by_groups(sets.test.labels(), &groups);
        report = grouped.map_err(CliError::of_measure(&args.test))?;
    }
    if !report.converged {
        eprintln!(
            "warning: L-BFGS stopped at {} before the optimum; --iterations raises that",
            count(args.iterations, "iteration")
        );
    }
    match args.json {
        true => print_json(&fields(args, &report, &sets, &groups)),
        false => print(text(args, &report, &sets, &groups).as_bytes()),
    }
}

/// The CPU has kernels of its own; other devices are burn's.
#[cfg(feature = "train")]
fn on_device(params: ProbeParams, device: &str) -> Result<ProbeParams, CliError> {
    use crate::evaluate::device::BurnDevice;
    match device {
        "flex" => Ok(params),
        name => Ok(params.accelerator(BurnDevice(crate::model::device::open(name)?))),
    }
}

/// The CPU alone.
#[cfg(not(feature = "train"))]
fn on_device(params: ProbeParams, device: &str) -> Result<ProbeParams, CliError> {
    match device {
        "flex" => Ok(params),
        found => Err(CliError::Usage {
            what: "--device".into(),
            expected: "flex: this build is without other devices (cargo feature train)".into(),
            found: found.into(),
        }),
    }
}

fn read(args: &ProbeArgs) -> Result<Sets, CliError> {
    let mut files = vec![
        Labelled::new(&args.train, &args.train_labels, "--train-labels"),
        Labelled::new(&args.test, &args.test_labels, "--test-labels"),
    ];
    if let Some(valid) = &args.valid {
        files.push(Labelled::new(valid, &args.valid_labels, "--valid-labels"));
    }
    let sets = labelled::read(&files, &args.columns.choice(), args.standardize)?;
    let mut sets = sets.into_iter();
    match (sets.next(), sets.next(), sets.next()) {
        (Some(train), Some(test), valid) => Ok(Sets { train, test, valid }),
        _ => Err(CliError::Usage {
            what: "arguments".into(),
            expected: "--train and --test".into(),
            found: "fewer files".into(),
        }),
    }
}

/// The file that an error is about.
fn subject<'a>(args: &'a ProbeArgs, error: &MeasureError) -> &'a Path {
    match error {
        MeasureError::TooFew { what, .. } | MeasureError::Shape { what, .. }
            if what.starts_with("test") =>
        {
            &args.test
        }
        MeasureError::TooFew { what, .. } | MeasureError::Shape { what, .. }
            if what.starts_with("validation") =>
        {
            args.valid.as_ref().unwrap_or(&args.train)
        }
        _ => &args.train,
    }
}

fn fixed(params: ProbeParams, sets: &Sets) -> Result<ProbeReport, MeasureError> {
    let (train, test) = (Samples::from(&sets.train), Samples::from(&sets.test));
    params.check()?.run(&train, None, &test)
}

/// Chooses C, on the validation set or on a held-out tenth of the training set.
fn sweep(params: ProbeParams, sets: &Sets, seed: u64) -> Result<ProbeReport, MeasureError> {
    let start = Instant::now();
    let train = &sets.train;
    let choosing = params.clone().sweep(SWEEP).check()?;
    if let Some(valid) = &sets.valid {
        let (train, test) = (Samples::from(train), Samples::from(&sets.test));
        return choosing.run(&train, Some(&valid.into()), &test);
    }
    let rows: Vec<usize> = (0..train.len()).collect();
    let (fit, held) = strata::split(train.labels(), &rows, 0.1, &mut SPLIT.rng(seed, &[]));
    let none = || MeasureError::TooFew {
        what: "samples of a class, to hold one out",
        expected: 2,
        found: 1,
    };
    let (Some(fit), Some(held)) = (train.select(&fit), train.select(&held)) else {
        return Err(none());
    };
    if held.is_empty() {
        return Err(none());
    }
    let held: Samples<'_> = (&held).into();
    let (chosen, _, tried) = choosing.fit(&Samples::from(&fit), Some(&held))?;
    let report = fixed(params.c(chosen.c()), sets)?;
    Ok(ProbeReport {
        iterations: report.iterations + tried.iter().map(|p| p.iterations).sum::<usize>(),
        seconds: start.elapsed().as_secs_f64(),
        sweep: tried,
        ..report
    })
}

fn fields(
    args: &ProbeArgs,
    report: &ProbeReport,
    sets: &Sets,
    groups: &Groups,
) -> serde_json::Value {
    let mut all = json!({
        "error": report.error,
        "balanced_error": report.balanced_error,
        "objective": report.objective,
        "c": report.c,
        "iterations": report.iterations,
        "seconds": report.seconds,
        "interval": report.interval,
        "balanced_interval": report.balanced_interval,
        "converged": report.converged,
        "groups": groups.count(),
        "groups_per_class": groups.least_per_class(sets.test.labels()),
        "confusion": report.confusion,
    });
    if args.sweep {
        let point = |p: &SweepPoint| json!({ "c": p.c, "valid_error": p.valid_error });
        all["sweep"] = report.sweep.iter().map(point).collect();
    }
    all
}

fn text(args: &ProbeArgs, report: &ProbeReport, sets: &Sets, groups: &Groups) -> String {
    let (train, test) = (&sets.train, &sets.test);
    let [low, high] = report.interval.map(|share| 100.0 * share);
    let headline = format!("Linear probe: error {}", percent(report.error));
    let scaled = match args.standardize {
        true => "standardised",
        false => "as they are",
    };
    let chosen = match (&args.valid, args.sweep) {
        (_, false) => "as given".to_string(),
        (Some(valid), _) => format!("chosen on {}", valid.display()),
        (None, _) => format!("chosen on a held-out tenth of --train, seed {}", args.seed),
    };
    let chosen = match args.sweep || args.c != 0.316 {
        true => chosen,
        false => "CLIP's default; --sweep chooses".into(),
    };
    let by = match &args.test_groups {
        Some(_) => format!("over {}", count(groups.count(), "group")),
        None => "Wilson".into(),
    };
    let mut facts = vec![("interval", format!("{low:.2} to {high:.2} % ({by}, 95 %)"))];
    let balanced = percent(report.balanced_error);
    if balanced != percent(report.error) {
        let [low, high] = report.balanced_interval.map(|share| 100.0 * share);
        let within = format!("{low:.2} to {high:.2} %");
        facts.push((
            "balanced",
            format!("{balanced} (mean over classes; {within}, 95 %)"),
        ));
    }
    facts.extend([
        ("test", samples(test)),
        ("train", samples(train)),
        ("features", format!("{}, {scaled}", train.dim())),
        ("C", format!("{} ({chosen})", report.c)),
        (
            "objective",
            format!("{:.6} (sum of log losses + ‖W‖²/2C)", report.objective),
        ),
        ("iterations", report.iterations.to_string()),
    ]);
    let mut text = page(&headline, &facts, report.seconds);
    if args.sweep {
        text += &format!("\n  C tried, and error on validation\n{}", tried(report));
    }
    text + &confusion(&report.confusion, test.class_names())
}

fn samples(set: &FeatureSet) -> String {
    let occurring: BTreeSet<usize> = set.labels().iter().copied().collect();
    let classes = count(occurring.len(), "class");
    format!("{} of {classes}", count(set.len(), "sample"))
}

fn tried(report: &ProbeReport) -> String {
    let row = |point: &SweepPoint| {
        let error = point.valid_error.map(percent).unwrap_or_default();
        let mark = if point.c == report.c { "<" } else { "" };
        vec![point.c.to_string(), error, mark.into()]
    };
    let rows: Vec<_> = report.sweep.iter().map(row).collect();
    columns(&rows, &[1], "    ")
}

/// The whole matrix where it fits, else the pairs that are confused most often.
fn confusion(matrix: &[Vec<usize>], names: &[String]) -> String {
    let name = |class: usize| match &names[class] {
        name if *name == class.to_string() => name.clone(),
        name => format!("{class} {}", shortened(name)),
    };
    if matrix.len() <= MOST_COLUMNS {
        let mut rows = vec![vec![String::new()]];
        rows[0].extend((0..matrix.len()).map(|class| class.to_string()));
        for (class, counts) in matrix.iter().enumerate() {
            let shown = |&n: &usize| if n == 0 { "·".into() } else { n.to_string() };
            let counts = counts.iter().map(shown);
            rows.push([name(class)].into_iter().chain(counts).collect());
        }
        let right: Vec<usize> = (1..=matrix.len()).collect();
        let table = columns(&rows, &right, "    ");
        return format!("\n  Confusion: a row is a true class, a column a predicted one\n{table}");
    }
    let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
    for (truth, counts) in matrix.iter().enumerate() {
        let wrong = counts.iter().enumerate();
        pairs.extend(wrong.filter_map(|(p, &n)| (n > 0 && p != truth).then_some((n, truth, p))));
    }
    // Of equal counts the earlier classes come first.
    pairs.sort_by_key(|&(n, truth, predicted)| (usize::MAX - n, truth, predicted));
    let row = |&(n, truth, predicted): &(usize, usize, usize)| {
        vec![n.to_string(), name(truth), "as".into(), name(predicted)]
    };
    let rows: Vec<_> = pairs.iter().take(10).map(row).collect();
    let table = columns(&rows, &[0], "    ");
    format!("\n  Confused most often (--json has the whole matrix)\n{table}")
}

/// Class names come from files and may be long.
fn shortened(name: &str) -> String {
    let mut letters = clean(name).chars().collect::<Vec<_>>();
    if letters.len() > 24 {
        letters.truncate(23);
        letters.push('…');
    }
    letters.into_iter().collect()
}

//! `modalign cka`: how far two encoders agree on the same samples.
//!
//! Rows of two files are the same samples by their ids, or by their order, which is told. Labels, where both files have
//! them, must agree: [`align`] refuses the first row where they do not, as `modalign compare` does.

mod layers;

use super::{count, fold_count, folds, labelled, page, shown};
use crate::cli::args::CkaArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{print_json, tell};
use crate::compare::align::{EncoderFeatures, Origin, Shared, align};
use crate::evaluate::Estimate;
use crate::evaluate::left_out::left_out;
use crate::evaluate::noise::{FEWEST_FOLDS, MOST_WORK};
use crate::feature::FeatureError;
use crate::feature::file::{Choice, Contents, Keep};
use crate::measure::encoder::cka::{CKA, cka};
use crate::measure::encoder::{Input, Measure};
use crate::measure::{MeasureError, Samples};
use ndarray::Axis;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// What was found.
struct Found {
    estimate: Estimate,
    biased: f64,
    folds: usize,
    note: Option<String>,
    seconds: f64,
}

/// Runs the command.
pub fn run(args: &CkaArgs) -> Result<(), CliError> {
    if args.layers {
        return layers::run(args);
    }
    let shared = read(args)?;
    let stage = Stage::waiting("comparing representations");
    let found = measure(args, &shared);
    stage.clear();
    let found = found.map_err(|error| CliError::of_measure(subject(args, &error))(error))?;
    let groups = shared
        .groups
        .as_ref()
        .map(|of| of.iter().max().map_or(0, |most| most + 1));
    let features = [0, 1].map(|side| shared.encoders[side].features.ncols());
    if args.json {
        return print_json(&json!({
            "value": found.estimate.value,
            "interval": found.estimate.interval,
            "biased": found.biased,
            "samples": found.estimate.samples,
            "features": features,
            "folds": found.folds,
            "groups": groups,
            "note": found.note,
            "seconds": found.seconds,
        }));
    }
    let about = &CKA.about;
    let mut facts = vec![
        ("biased", about.unit.show(found.biased)),
        ("samples", count(found.estimate.samples, "sample")),
        ("features", format!("{} and {}", features[0], features[1])),
    ];
    facts.extend(groups.map(|groups| ("groups", groups.to_string())));
    if found.estimate.interval.is_some() {
        let how = format!("jackknife over {} parts, 95 %", found.folds);
        facts.push(("interval", how));
    }
    facts.extend(found.note.clone().map(|note| ("note", note)));
    let head = format!("{}: {}", about.title, shown(about, &found.estimate));
    print(page(&head, &facts, found.seconds).as_bytes())
}

/// The two files, their rows brought together.
fn read(args: &CkaArgs) -> Result<Shared, CliError> {
    let mut files = Vec::new();
    for path in [&args.first, &args.second] {
        let contents = contents(path, &args.columns.choice())?;
        let said = path.display().to_string();
        contents.told().iter().for_each(|told| tell(&said, told));
        files.push(contents);
    }
    together(&files)
}

/// A file with features of at least one sample.
fn contents(path: &Path, choice: &Choice) -> Result<Contents, CliError> {
    let contents = Contents::choose(path, choice, Keep::Single)?;
    let (rows, columns) = contents.dim();
    if rows == 0 || columns == 0 {
        let expected = "at least one sample and one feature";
        let found = format!("[{rows}, {columns}]");
        return Err(FeatureError::malformed(path, "features", expected, found).into());
    }
    Ok(contents)
}

/// The rows of two files brought together; tells where their order alone says which samples are the same.
fn together(files: &[Contents]) -> Result<Shared, CliError> {
    let by_ids = files.iter().all(|file| file.ids().is_some());
    let labelled = files.iter().all(|file| file.labels().is_some());
    if !by_ids {
        let lacking = files.iter().filter(|file| file.ids().is_none());
        let lacking: Vec<String> = lacking
            .map(|file| file.path().display().to_string())
            .collect();
        let labels = if labelled { " (labels agree)" } else { "" };
        let how = format!("no ids: row i is taken for the same sample in both files{labels}");
        let both = align_files(files, labelled)?;
        tell(&lacking.join(", "), &how);
        return Ok(both);
    }
    align_files(files, labelled)
}

/// The two sets with rows in one order; without labels on both sides every sample is of one class.
fn align_files(files: &[Contents], labelled: bool) -> Result<Shared, CliError> {
    let encoder = |contents: &Contents| -> Result<EncoderFeatures, CliError> {
        let path = contents.path().display().to_string();
        let mut own = contents.clone();
        // Large numbers are classes by occurrence.
        if labelled && own.class_names().is_none() {
            labelled::numbered(std::slice::from_mut(&mut own))?;
        }
        let set = if labelled {
            own.set()
        } else {
            own.unlabelled()
        }?;
        Ok(EncoderFeatures {
            title: path.clone(),
            origin: Origin {
                path,
                ..Origin::default()
            },
            named: labelled && contents.class_names().is_some(),
            groups: set.groups().map(<[usize]>::to_vec),
            train: None,
            set,
        })
    };
    let encoders = files.iter().map(encoder).collect::<Result<Vec<_>, _>>()?;
    Ok(align(encoders)?)
}

/// The value by its descriptor, with its interval.
fn measure(args: &CkaArgs, shared: &Shared) -> Result<Found, MeasureError> {
    let start = Instant::now();
    let [x, y] = [0, 1].map(|side| shared.encoders[side].features.view());
    let biased = cka(x, y)?.biased;
    let (n, d) = (x.nrows(), x.ncols().max(y.ncols()));
    let mut noise = args.noise;
    let dear = n as f64 * d as f64 * n.min(d) as f64 > MOST_WORK;
    if dear {
        noise.folds = 0;
    }
    let folds = folds(&shared.labels, shared.groups.as_deref(), noise);
    let Measure { about, value, .. } = &CKA;
    let estimate = left_out(about.range, &folds, |rows| {
        let (x, y) = (x.select(Axis(0), rows), y.select(Axis(0), rows));
        let none = vec![0; rows.len()];
        let samples = Samples::new(x.view(), &none, 1)?;
        value(&Input::new(samples, samples).reference(y.view()))
    })?;
    let folds = fold_count(&folds, noise);
    let note = match estimate.interval {
        Some(_) => None,
        None if dear => Some(format!(
            "no interval: N · D · min(N, D) is above {MOST_WORK:.0e}"
        )),
        None if args.noise.folds == 0 => None,
        None if folds < FEWEST_FOLDS => Some(format!(
            "no interval: {folds} parts to leave out, {FEWEST_FOLDS} are the fewest"
        )),
        None => {
            Some("no interval: nothing varies, or it is not defined without some samples".into())
        }
    };
    Ok(Found {
        estimate,
        biased,
        folds,
        note,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// The file that an error is about.
fn subject<'a>(args: &'a CkaArgs, error: &MeasureError) -> &'a Path {
    match error {
        MeasureError::TooFew { what, .. } | MeasureError::NotFinite { what, .. }
            if what.starts_with("second") =>
        {
            &args.second
        }
        _ => &args.first,
    }
}

//! `modalign zeroshot`: what both towers of a CLIP know of a set without training. Every class is a text, or the mean of
//! several; an image is of the class whose text lies nearest (Radford et al., ICML 2021).

use super::args::ZeroShotArgs;
use super::error::CliError;
use super::images::Asked;
use super::measure::{count, page, percent};
use super::models::tell;
use super::progress::Stage;
use super::towers::Towers;
use super::words::{clean, columns, print_json};
use super::{out, print};
use crate::dataset::images::Broken;
use crate::dataset::texts::{self, Templates};
use crate::dataset::{self, Dataset};
use crate::feature::towers::{of_images, of_texts};
use crate::files::npy;
use crate::measure::Groups;
use crate::measure::samples::Samples;
use crate::measure::towers::{TextClassifier, ZeroShot};
use crate::model::device;
use burn::tensor::DType;
use serde_json::json;
use std::time::Instant;

/// Classes that are shown in text, the worst first.
const SHOWN: usize = 12;

/// What was measured.
struct Found {
    report: ZeroShot,
    names: Vec<String>,
    images: usize,
    groups: Option<usize>,
    scale: f64,
    seconds: f64,
}

/// Runs the command.
pub fn run(args: &ZeroShotArgs) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        out::apart(
            "--out",
            path,
            [("--model", std::path::Path::new(&args.model))],
        )?;
    }
    let templates = match args.template.is_empty() {
        true => Templates::default(),
        false => Templates::new(args.template.clone())?,
    };
    let device = device::open(&args.device)?;
    let start = Instant::now();
    let towers = Towers::open(&args.model, &args.opening.opening(), &device, DType::F32)?;
    let set = towers.images(&Asked {
        flag: "--data",
        images: &args.data,
        data: args.data_dir.as_deref(),
        broken: Broken::skipped(args.skip_broken),
        side: args.opening.image_size,
    })?;
    let set = set.set;
    let names = names(args, set.as_ref())?;
    let prompts = templates.prompts(&names)?;
    tell(&prompts.told);
    let ids = towers.ids(&prompts.texts, args.tokenizer.as_deref())?;
    let (model, labels) = (&towers.loaded.towers, dataset::labels(set.as_ref()));
    let groups = dataset::groups(set.as_ref());
    let stage = Stage::waiting("texts of the classes");
    let of_class = of_texts(model, ids.view());
    stage.clear();
    let stage = Stage::waiting("images");
    let of_image = of_images(model, set, &device)?;
    stage.clear();
    let scale = model.scale();
    let wrong = CliError::of_measure(std::path::Path::new(&args.model));
    let classifier = TextClassifier::new(of_class.view(), names.len(), scale).map_err(&wrong)?;
    let samples = Samples::new(of_image.view(), &labels, names.len()).map_err(&wrong)?;
    let kept = match &groups {
        Some(groups) => Groups::of(groups),
        None => Groups::singletons(labels.len()),
    };
    let report = classifier.report(&samples, &kept).map_err(&wrong)?;
    if report.tied > 0 {
        eprintln!(
            "note: {} of {} images lie as near to another class's text; the first of them counts",
            report.tied,
            labels.len()
        );
    }
    if let Some(path) = &args.out {
        let found = classifier.probabilities(of_image.view()).map_err(&wrong)?;
        let mut bytes = npy::header("<f4", &[found.nrows(), found.ncols()]);
        bytes.extend(found.iter().flat_map(|value| value.to_le_bytes()));
        crate::files::atomic::write(path, &bytes).map_err(|source| CliError::Io {
            path: path.clone(),
            source,
        })?;
    }
    let found = Found {
        images: labels.len(),
        groups: groups.map(|_| kept.count()),
        seconds: start.elapsed().as_secs_f64(),
        report,
        names,
        scale,
    };
    match args.json {
        true => print_json(&fields(args, &templates, &found)),
        false => print(text_of(args, &templates, &found).as_bytes()),
    }
}

/// What the classes are called: by the set, or by a file in the order of its labels.
fn names(args: &ZeroShotArgs, set: &dyn Dataset) -> Result<Vec<String>, CliError> {
    let own = set.classes();
    let wrong = |what: &str, expected: String, found: String| CliError::Usage {
        what: what.into(),
        expected,
        found,
    };
    if own.is_empty() {
        let expected = "a set of labelled pictures".into();
        return Err(wrong(
            "--data",
            expected,
            format!("{}, which has no classes", args.data),
        ));
    }
    let Some(path) = &args.class_names else {
        let numbered = |(i, name): (usize, &String)| *name == i.to_string();
        if own.iter().enumerate().all(numbered) {
            let expected =
                "names of the classes: --class-names FILE, one a line in the order of labels"
                    .into();
            return Err(wrong(
                "--data",
                expected,
                format!("{}, whose classes have numbers alone", args.data),
            ));
        }
        return Ok(own.to_vec());
    };
    let read = texts::read(path, None)?;
    tell(&read.told);
    if read.texts.len() != own.len() {
        let expected = format!("{}, as the set has", count(own.len(), "class"));
        return Err(wrong(
            "--class-names",
            expected,
            count(read.texts.len(), "name"),
        ));
    }
    Ok(read.texts)
}

fn fields(args: &ZeroShotArgs, templates: &Templates, found: &Found) -> serde_json::Value {
    let report = &found.report;
    let classes = found.names.iter().zip(&report.class_errors);
    let per_class: Vec<_> = classes
        .map(|(name, error)| json!({ "class": name, "error": error }))
        .collect();
    json!({
        "error": report.error,
        "interval": report.interval,
        "balanced_error": report.balanced_error,
        "balanced_interval": report.balanced_interval,
        "per_class": per_class,
        "images": found.images,
        "groups": found.groups,
        "tied": report.tied,
        "templates": templates.as_slice(),
        "scale": found.scale,
        "model": args.model,
        "data": args.data,
        "seconds": found.seconds,
    })
}

fn text_of(args: &ZeroShotArgs, templates: &Templates, found: &Found) -> String {
    let report = &found.report;
    let range = |[low, high]: [f64; 2]| format!("{:.2} to {:.2} %", 100.0 * low, 100.0 * high);
    let by = match found.groups {
        Some(groups) => format!("over {}", count(groups, "group")),
        None => "Wilson".into(),
    };
    let mut facts = vec![(
        "interval",
        format!("{} ({by}, 95 %)", range(report.interval)),
    )];
    let balanced = percent(report.balanced_error);
    if balanced != percent(report.error) {
        let within = range(report.balanced_interval);
        facts.push((
            "balanced",
            format!("{balanced} (mean over classes; {within}, 95 %)"),
        ));
    }
    let all = templates.as_slice();
    let texts = match all {
        [only] => format!("{only:?}"),
        _ => format!(
            "{}, averaged; the first {:?}",
            count(all.len(), "template"),
            all[0]
        ),
    };
    facts.extend([
        (
            "images",
            format!(
                "{} of {}",
                count(found.images, "image"),
                count(found.names.len(), "class")
            ),
        ),
        ("texts", texts),
        ("model", args.model.clone()),
    ]);
    let headline = format!("Zero-shot: error {}", percent(report.error));
    let mut worst: Vec<(f64, &String)> = found
        .names
        .iter()
        .zip(&report.class_errors)
        .filter_map(|(name, error)| error.map(|error| (error, name)))
        .collect();
    // Of equal errors the earlier class comes first.
    worst.sort_by(|a, b| b.0.total_cmp(&a.0));
    let rows: Vec<_> = worst
        .iter()
        .take(SHOWN)
        .map(|(error, name)| vec![percent(*error), clean(name).to_string()])
        .collect();
    let title = match worst.len() > SHOWN {
        true => format!(
            "The {SHOWN} worst of {} (--json has all)",
            count(worst.len(), "class")
        ),
        false => "Error of every class".into(),
    };
    page(&headline, &facts, found.seconds)
        + &format!("\n  {title}\n{}", columns(&rows, &[0], "    "))
}

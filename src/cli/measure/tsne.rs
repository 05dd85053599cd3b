//! `modalign tsne`: a map of a features file, written for NumPy and, if asked, drawn as the maps of
//! a report are; or the features themselves, for a program that maps them on its screen.

use super::{count, page};
use crate::cli::args::{TsneArgs, labels_of};
use crate::cli::error::CliError;
use crate::cli::out::apart;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{clean, print_json, tell};
use crate::feature::file::{Choice, Contents, Keep, array};
use crate::feature::projector::{self, Embedding};
use crate::figure::layout::Figure;
use crate::figure::{Format, tsne as drawing};
use crate::measure::tsne::{TRUST_LIMIT, TRUST_NEIGHBOURS, TRUST_SAMPLE, Tsne, TsneParams};
use crate::table::TsneRow;
use serde_json::{Value, json};
use std::path::Path;

/// More classes cannot be told apart, nor their names placed.
const MOST_CLASSES: usize = 100;

/// Runs the command.
pub fn run(args: &TsneArgs) -> Result<(), CliError> {
    if let Some(out) = args.out.as_deref().filter(|out| !array::is_npy(out)) {
        return Err(wrong_name("--out", ".npy", out));
    }
    let format = args.figure.as_deref().map(format_of).transpose()?;
    let (labels, _) = labels_of(args.labels.as_deref());
    for (flag, path) in [("--out", &args.out), ("--figure", &args.figure)] {
        let read = [
            ("--features", Some(&args.features)),
            ("--labels", labels.as_ref()),
        ];
        let read = read
            .into_iter()
            .filter_map(|(flag, path)| Some((flag, path?.as_path())));
        if let Some(path) = path {
            apart(flag, path, read)?;
        }
    }
    let refused = CliError::of_measure(&args.features);
    let params = TsneParams::new()
        .perplexity(args.perplexity)
        .iterations(args.iterations)
        .seed(args.seed)
        .engine(args.engine)
        .pca(args.pca.0)
        .check()
        .map_err(&refused)?;
    let mut contents = read(args, Keep::Single)?;
    let shown = args.features.display().to_string();
    contents.told().iter().for_each(|told| tell(&shown, told));
    let out = match (&args.out, &args.projector) {
        (Some(out), None) => out,
        (Some(out), Some(folder)) => {
            project(args, contents.clone(), folder)?;
            out
        }
        (None, Some(folder)) => {
            let written = project(args, contents, folder)?;
            return said(args, folder, &written);
        }
        (None, None) => return Err(wrong_name("--out", ".npy", Path::new(""))),
    };
    let names = match format {
        Some(_) => class_names(&contents)?,
        None => Vec::new(),
    };
    if let Some(beyond) = contents.beyond() {
        contents = read(args, Keep::Wide)?;
        contents.bring_distances_within()?;
        let column = beyond.column;
        let said = format!(
            "column {column} is beyond single precision ({beyond}): columns are centred in double, and all divided by one number"
        );
        tell(&shown, &said);
    }
    let (n, d) = contents.dim();
    let features = contents.single()?;
    let stage = Stage::waiting(&format!("mapping {}", count(n, "sample")));
    let found = params.run(features.view());
    stage.clear();
    let found = found.map_err(&refused)?;
    if found.perplexity < args.perplexity {
        eprintln!(
            "perplexity {} lowered to {}, the most that {} carry",
            args.perplexity,
            round(found.perplexity),
            count(n, "sample")
        );
    }
    array::write_matrix(out, found.embedding.view())?;
    if let (Some(path), Some(format)) = (&args.figure, format) {
        draw(path, format, &contents, &names, &found)?;
    }
    match args.json {
        true => print_json(&fields(&found)),
        false => print(text(args, out, &found, n, d).as_bytes()),
    }
}

/// The features and the labels for figure and projector.
fn read(args: &TsneArgs, keep: Keep) -> Result<Contents, CliError> {
    let (file, name) = labels_of(args.labels.as_deref());
    let choice = Choice {
        features: args.features_name.clone(),
        labels: name,
        labels_elsewhere: file.is_some(),
        ..Choice::default()
    };
    let contents = Contents::choose(&args.features, &choice, keep)?;
    Ok(match file {
        Some(labels) => contents.with_labels(&labels)?,
        None => contents,
    })
}

/// Writes the features for TensorBoard's projector.
fn project(args: &TsneArgs, contents: Contents, folder: &Path) -> Result<Embedding, CliError> {
    let name = contents.path().file_stem().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let set = match contents.labels() {
        Some(_) => contents.set()?,
        None => contents.unlabelled()?,
    };
    let embedding = Embedding::new(&name, set, args.samples, args.seed)?;
    projector::write(folder, std::slice::from_ref(&embedding))?;
    Ok(embedding)
}

/// What was written for the projector, where that is the whole result.
fn said(args: &TsneArgs, folder: &Path, written: &Embedding) -> Result<(), CliError> {
    if args.json {
        let (samples, dim) = (written.set.len(), written.set.dim());
        return print_json(&json!({ "projector": folder, "samples": samples, "dim": dim }));
    }
    let config = folder.join(projector::CONFIG).display().to_string();
    print(format!("{}\n", clean(&config)).as_bytes())
}

pub(super) fn wrong_name(flag: &str, expected: &str, found: &Path) -> CliError {
    CliError::Usage {
        what: flag.into(),
        expected: format!("a file name that ends in {expected}"),
        found: found.display().to_string(),
    }
}

pub(super) fn format_of(path: &Path) -> Result<Format, CliError> {
    Format::of_path(path).map_err(|expected| CliError::Usage {
        what: "--figure".into(),
        expected,
        found: path.display().to_string(),
    })
}

/// A name for every label that occurs, empty where there are no labels.
fn class_names(contents: &Contents) -> Result<Vec<String>, CliError> {
    let Some(labels) = contents.labels() else {
        return Ok(vec![String::new(); contents.dim().0]);
    };
    let mut distinct = labels.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() > MOST_CLASSES {
        return Err(CliError::Usage {
            what: "--figure".into(),
            expected: format!("at most {MOST_CLASSES} classes"),
            found: distinct.len().to_string(),
        });
    }
    let given = contents.class_names();
    let name = |&label: &usize| match given.map(|names| names.get(label)) {
        None => Ok(label.to_string()),
        Some(Some(name)) => Ok(clean(name)),
        Some(None) => Err(CliError::Usage {
            what: format!("{}: labels", contents.path().display()),
            expected: "labels that index class_names".into(),
            found: label.to_string(),
        }),
    };
    labels.iter().map(name).collect()
}

fn draw(
    path: &Path,
    format: Format,
    contents: &Contents,
    names: &[String],
    found: &Tsne,
) -> Result<(), CliError> {
    let title = contents.path().file_stem().unwrap_or_default();
    let title = clean(&title.to_string_lossy());
    let row = |(i, name): (usize, &String)| TsneRow {
        sample: None,
        encoder: "features".into(),
        encoder_title: title.clone(),
        x: found.embedding[[i, 0]],
        y: found.embedding[[i, 1]],
        label: contents.labels().map_or(0, |labels| labels[i] as u64),
        class_name: name.clone(),
        kl: Some(found.kl),
        trustworthiness: found.trustworthiness,
    };
    let rows: Vec<TsneRow> = names.iter().enumerate().map(row).collect();
    // The map alone: classes are named on it, and the key speaks of a run's surrogate.
    let mut panels = drawing::figure(&rows, &[])?.panels;
    panels.truncate(1);
    let label = format!("t-SNE map of {title}");
    let figure = Figure::new("tsne", &label, panels, 1)?;
    let bytes = match format {
        Format::Svg => figure.svg()?.into_bytes(),
        Format::Png => figure.png()?,
    };
    crate::files::atomic::write(path, &bytes).map_err(|source| CliError::Io {
        path: path.to_owned(),
        source,
    })
}

fn engine(found: &Tsne) -> Value {
    json!(found.engine)
}

fn fields(found: &Tsne) -> Value {
    json!({
        "kl": found.kl,
        "trustworthiness": found.trustworthiness,
        "seconds": found.seconds,
        "engine": engine(found),
        "perplexity": found.perplexity,
        "converged": found.converged,
    })
}

/// A perplexity as it was given, or to four places where it was lowered.
fn round(perplexity: f64) -> f64 {
    (perplexity * 1e4).round() / 1e4
}

fn text(args: &TsneArgs, out: &Path, found: &Tsne, n: usize, d: usize) -> String {
    let headline = format!(
        "t-SNE: {}, {} → {} [{n}, 2]",
        count(n, "sample"),
        count(d, "feature"),
        clean(&out.display().to_string())
    );
    let of = match n > TRUST_LIMIT {
        true => format!(" of {TRUST_SAMPLE} samples"),
        false => String::new(),
    };
    let trust = match found.trustworthiness {
        Some(trust) => format!("{trust:.4} ({TRUST_NEIGHBOURS} neighbours{of}, 1 is best)"),
        None => format!("needs {} samples", 2 * TRUST_NEIGHBOURS + 1),
    };
    let bytes = match found.reproducible {
        true => "the same seed gives the same bytes",
        false => "varies from run to run",
    };
    let reduced = match found.dims < d {
        true => format!("{} principal components", found.dims),
        false => "all features".into(),
    };
    let kl = format!("{:.6}", found.kl);
    let kl = match found.converged {
        Some(false) => format!("{kl} (the map still moves; --iterations)"),
        _ => kl,
    };
    let mut facts = vec![
        ("KL divergence", kl),
        ("trustworthiness", trust),
        (
            "engine",
            format!("{} ({bytes})", engine(found).as_str().unwrap_or_default()),
        ),
        (
            "settings",
            format!(
                "perplexity {}, {}, seed {}, {reduced}",
                round(found.perplexity),
                count(args.iterations, "iteration"),
                args.seed
            ),
        ),
    ];
    for (name, path) in [("figure", &args.figure), ("projector", &args.projector)] {
        if let Some(path) = path {
            facts.push((name, path.display().to_string()));
        }
    }
    page(&headline, &facts, found.seconds)
}

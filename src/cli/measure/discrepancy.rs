//! `modalign discrepancy`: D(Ms, Mt) from probabilities that anyone's source model gave to the
//! target's samples. Logits, rows that do not sum to one and labels without a source class are
//! refused here, with the file and the row: the measure itself also takes sub-probabilities.

use super::{count, page};
use crate::cli::args::{DiscrepancyArgs, DivergenceName, SearchName};
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{print_json, wrapped};
use crate::feature::FeatureError;
use crate::feature::file::array;
use crate::measure::discrepancy::{Discrepancy, DiscrepancyParams, Target, discrepancy};
use clap::ValueEnum;
use ndarray::Array2;
use serde_json::{Value, json};
use std::path::Path;

/// How far a row's sum may be from one: half precision loses about so much.
const SLACK: f64 = 1e-3;

/// Rounding alone takes a probability no further than this out of `[0, 1]`.
const ROUNDING: f64 = 1e-6;

/// Runs the command.
pub fn run(args: &DiscrepancyArgs) -> Result<(), CliError> {
    let divergence = match args.divergence {
        DivergenceName::Known(divergence) => divergence,
        DivergenceName::Missing(name) => {
            return Err(missing::<DivergenceName>("--divergence", name));
        }
    };
    let search = match args.search {
        SearchName::Known(search) => search,
        SearchName::Missing(name) => return Err(missing::<SearchName>("--search", name)),
    };
    let params = DiscrepancyParams::new()
        .divergence(divergence)
        .search(search)
        .holdout(args.holdout)
        .bootstrap(args.bootstrap)
        .null(args.null)
        .seed(args.seed)
        .check()
        .map_err(CliError::of_measure(&args.source_probs))?;
    let source = probabilities(&args.source_probs, "source probabilities")?;
    let run = |path: &Path, target: Target<'_>| {
        let stage = Stage::waiting(&format!("matching {}", count(source.nrows(), "sample")));
        let found = discrepancy(source.view(), target, &params);
        stage.clear();
        found.map_err(CliError::of_measure(path))
    };
    let found = match (&args.target_labels, &args.target_probs) {
        (Some(path), _) => {
            let labels = labels(path, source.ncols())?;
            let classes = labels.iter().max().map_or(0, |most| most + 1);
            let labels = &labels;
            run(path, Target::Labels { labels, classes })?
        }
        (None, Some(path)) => {
            let target = probabilities(path, "target probabilities")?;
            run(path, Target::Conditionals(target.mapv(|p| p as f32).view()))?
        }
        (None, None) => {
            return Err(CliError::Usage {
                what: "arguments".into(),
                expected: "--target-labels or --target-probs".into(),
                found: "neither".into(),
            });
        }
    };
    match args.json {
        true => print_json(&fields(&found)),
        false => print(text(&found, &source).as_bytes()),
    }
}

/// A name that is taken but not computed yet, with those that are.
fn missing<T: ValueEnum>(flag: &str, found: &str) -> CliError {
    let values = T::value_variants().iter().filter_map(T::to_possible_value);
    let known: Vec<String> = values
        .filter(|value| !value.is_hide_set())
        .map(|value| value.get_name().to_string())
        .collect();
    CliError::Usage {
        what: flag.into(),
        expected: format!("one that this version has ({})", known.join(", ")),
        found: format!("{found}, which is not available yet"),
    }
}

/// Reads rows that sum to one.
fn probabilities(path: &Path, what: &str) -> Result<Array2<f64>, CliError> {
    let matrix = array::matrix(path, what)?;
    let fault = |place: String, expected: String, found: f64| {
        FeatureError::malformed(path, format!("{what}, {place}"), expected, found)
    };
    for (row, values) in matrix.outer_iter().enumerate() {
        for (column, &value) in values.iter().enumerate() {
            if !(-ROUNDING..=1.0 + ROUNDING).contains(&value) {
                let place = format!("row {row}, column {column}");
                return Err(fault(place, "a number in [0, 1]".into(), value).into());
            }
        }
        let sum = values.sum();
        if (sum - 1.0).abs() > SLACK {
            return Err(fault(format!("row {row}"), format!("a sum of 1 ± {SLACK}"), sum).into());
        }
    }
    Ok(matrix)
}

/// Reads target classes, each of which must be able to have a source class of its own.
fn labels(path: &Path, source: usize) -> Result<Vec<usize>, CliError> {
    let labels = array::labels(path)?;
    match labels
        .iter()
        .enumerate()
        .find(|&(_, &label)| label >= source)
    {
        None => Ok(labels),
        Some((row, label)) => Err(FeatureError::malformed(
            path,
            format!("labels, row {row}"),
            format!("a class below {source}, the number of source classes"),
            label,
        )
        .into()),
    }
}

fn fields(found: &Discrepancy) -> Value {
    json!({
        "value": found.value,
        "lower_bound": found.lower_bound,
        "gap": found.gap,
        "certified": found.certified,
        "assignment": found.assignment,
        "null_mean": found.null_mean,
        "null_interval": found.null_interval,
        "chance": found.chance,
        "normalized": found.normalized,
        "interval": found.interval,
        "seconds": found.seconds,
    })
}

fn text(found: &Discrepancy, source: &Array2<f64>) -> String {
    let between = |interval: Option<[f64; 2]>| match interval {
        Some([low, high]) => format!("{low:.4} to {high:.4}"),
        None => "none".into(),
    };
    let headline = format!("D(Ms, Mt) = {:.4}", found.value);
    let n = source.nrows();
    let evaluated = match found.holdout {
        Some(_) => format!("{} held out of {n}", count(found.samples, "sample")),
        None => format!(
            "{}, the same that the assignment was chosen on (optimistic; --holdout)",
            count(n, "sample")
        ),
    };
    let search = json!(found.search);
    let search = search.as_str().unwrap_or_default();
    let proof = match (found.certified, found.holdout) {
        (true, None) => "proven minimal".to_string(),
        (true, Some(_)) => "proven minimal on the samples it was chosen on".to_string(),
        (false, _) => format!(
            "{:.4} above the proven lower bound {:.4}",
            found.gap, found.lower_bound
        ),
    };
    let null = match found.null_mean {
        Some(mean) => format!(
            "{mean:.4}, 95 % within {} (shuffled targets)",
            between(found.null_interval)
        ),
        None => "none".into(),
    };
    let normalized = match found.normalized {
        Some(value) => format!("{value:.4} of the null (0 a perfect fit, 1 knows nothing)"),
        None => "none".into(),
    };
    let facts = [
        (
            "interval",
            format!("{} (bootstrap, 95 %)", between(found.interval)),
        ),
        ("normalised", normalized),
        ("null", null),
        (
            "chance",
            format!("{:.4} (a random assignment)", found.chance),
        ),
        ("divergence", found.divergence.name().to_string()),
        ("assignment", format!("{search}, {proof}")),
        (
            "classes",
            format!(
                "{} target, {} source",
                found.assignment.len(),
                source.ncols()
            ),
        ),
        ("evaluated on", evaluated),
    ];
    let pair = |(target, class): (usize, &Option<usize>)| match class {
        Some(class) => format!("{target}→{class}"),
        None => format!("{target}→none"),
    };
    let pairs: Vec<String> = found.assignment.iter().enumerate().map(pair).collect();
    format!(
        "{}\n  Target class → source class\n{}",
        page(&headline, &facts, found.seconds),
        wrapped(&pairs.join(" "), 76, "    ")
    )
}

//! `modalign discrepancy`: D(Ms, Mt) from probabilities that anyone's source model gave to the
//! target's samples. Logits, rows that do not sum to one and labels without a source class are
//! refused here, with the file and the row: the measure itself also takes sub-probabilities.
//!
//! A matrix of floats is read in blocks and never held whole; one that is written in another way
//! (integers, column after column) is read as a whole and then takes the same path.

use super::pairs::{self, Names};
use super::probabilities::{self, SOURCE, Source};
use super::{count, page};
use crate::cli::args::DiscrepancyArgs;
use crate::cli::error::CliError;
use crate::cli::out::apart;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{columns, print_json, wrapped};
use crate::feature::file::{Blocks, Matrix, Open};
use crate::measure::discrepancy::{
    Discrepancy, DiscrepancyParams, Rows, Sums, Target, discrepancy_by, mean_probabilities,
};
use crate::measure::{Groups, MeasureError};
use serde_json::{Value, json};

/// Runs the command.
pub fn run(args: &DiscrepancyArgs) -> Result<(), CliError> {
    let read = [
        ("--source-probs", Some(&args.source_probs)),
        ("--target-labels", args.target_labels.as_ref()),
        ("--target-probs", args.target_probs.as_ref()),
        ("--groups", args.groups.as_ref()),
        ("--source-names", args.source_names.as_ref()),
        ("--target-names", args.target_names.as_ref()),
    ];
    let read = read.map(|(flag, path)| Some((flag, path?.as_path())));
    for (flag, path) in [("--csv", &args.csv), ("--figure", &args.figure)] {
        if let Some(path) = path {
            apart(flag, path, read.into_iter().flatten())?;
        }
    }
    if !args.softmax {
        match Blocks::open(&args.source_probs, SOURCE)? {
            Open::Single(blocks) => return measure(args, &blocks, None),
            Open::Double(blocks) => return measure(args, &blocks, None),
            Open::Whole => {}
        }
    }
    let Source { matrix, labels } = probabilities::whole(args)?;
    match matrix {
        Matrix::Single(matrix) => measure(args, &matrix.view(), labels),
        Matrix::Double(matrix, _) => measure(args, &matrix.view(), labels),
    }
}

/// Labels and their names, where they stand in the source's file.
type Beside = Option<(Vec<usize>, Option<Vec<String>>)>;

fn measure<R: Rows>(args: &DiscrepancyArgs, source: &R, beside: Beside) -> Result<(), CliError> {
    let (path, given) = probabilities::given(args, beside, source.dim())?;
    let params = DiscrepancyParams::new()
        .divergence(args.divergence)
        .search(args.search)
        .nodes(args.nodes)
        .holdout(args.holdout)
        .bootstrap(args.bootstrap)
        .null(args.null)
        .seed(args.seed)
        .sums(Sums::One)
        .check()
        .map_err(CliError::of_measure(&args.source_probs))?;
    let format = args
        .figure
        .as_deref()
        .map(super::tsne::format_of)
        .transpose()?;
    let target = given.target();
    let classes = given.classes();
    let labels = classes.last().map_or(0, |most| most + 1);
    let target_names = match pairs::names(args.target_names.as_deref(), "target classes")? {
        None => given.names().map(<[String]>::to_vec),
        names => names,
    };
    let source_names = pairs::names(args.source_names.as_deref(), "source classes")?;
    let whole = !matches!(target, Target::Labels { .. });
    let what = ("target classes", !whole);
    pairs::check(args.target_names.as_deref(), &target_names, labels, what)?;
    let (path_of_names, what) = (args.source_names.as_deref(), ("source classes", false));
    pairs::check(path_of_names, &source_names, source.dim().1, what)?;
    let names = Names {
        target: target_names,
        source: source_names,
        classes,
    };
    let refused = |error: MeasureError| {
        let outside = matches!(error, MeasureError::Unit { .. });
        let source = matches!(error, MeasureError::Read { .. });
        let source = source || error.to_string().starts_with(SOURCE);
        let whose = if source { &args.source_probs } else { path };
        let error = CliError::of_measure(whose)(error);
        match source && outside && !args.softmax {
            true => CliError::Hint {
                source: Box::new(error),
                hint: "if these are logits, --softmax makes probabilities of them",
            },
            false => error,
        }
    };
    let groups = match &args.groups {
        Some(path) => super::groups(path, source.dim().0)?,
        None => Groups::singletons(source.dim().0),
    };
    let stage = Stage::waiting(&format!("matching {}", count(source.dim().0, "sample")));
    let found = discrepancy_by(source, target, &groups, &params);
    let more = args.csv.is_some() || args.figure.is_some();
    let means = more
        .then(|| mean_probabilities(source, target, &params))
        .transpose();
    stage.clear();
    let found = found.map_err(&refused)?;
    if let Some(means) = means.map_err(&refused)? {
        let samples = samples(target, source.dim().0);
        if let Some(path) = &args.csv {
            pairs::write(path, &found, &means, &samples, &names)?;
        }
        if let (Some(path), Some(format)) = (&args.figure, format) {
            pairs::draw(path, format, &found, &means, &names)?;
        }
    }
    match args.json {
        true => print_json(&fields(&found, &names)),
        false => print(text(args, &found, source.dim(), target, &names).as_bytes()),
    }
}

fn classes(target: Target<'_>) -> usize {
    match target {
        Target::Labels { classes, .. } => classes,
        Target::MultiHot(t) | Target::Conditionals(t) => t.ncols(),
    }
}

/// Samples of each target class: positives, or target probability.
fn samples(target: Target<'_>, rows: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes(target)];
    match target {
        Target::Labels { labels, .. } => {
            labels
                .iter()
                .take(rows)
                .for_each(|&label| counts[label] += 1.0);
        }
        Target::MultiHot(t) | Target::Conditionals(t) => {
            for row in t.outer_iter() {
                counts
                    .iter_mut()
                    .zip(row)
                    .for_each(|(count, &w)| *count += f64::from(w));
            }
        }
    }
    counts
}

fn fields(found: &Discrepancy, names: &Names) -> Value {
    // By label: null for one that does not occur.
    let mut assignment = vec![None; names.classes.last().map_or(0, |most| most + 1)];
    for (&label, &source) in names.classes.iter().zip(&found.assignment) {
        assignment[label] = source;
    }
    json!({
        "value": found.value,
        "lower_bound": found.lower_bound,
        "gap": found.gap,
        "certified": found.certified,
        "assignment": assignment,
        "null_mean": found.null_mean,
        "null_interval": found.null_interval,
        "chance": found.chance,
        "normalized": found.normalized,
        "interval": found.interval,
        "infimum_interval": found.infimum_interval,
        "converged": found.certified,
        "samples": found.samples,
        "groups": found.groups,
        "groups_per_class": found.groups_per_class,
        "seconds": found.seconds,
    })
}

/// What is known of the assignment beside its value.
fn proof(found: &Discrepancy) -> String {
    let nodes = match found.nodes {
        0 | 1 => String::new(),
        nodes => format!(", {nodes} nodes"),
    };
    if let Some(candidates) = found.candidates {
        let classes = count(candidates.classes, "candidate source class");
        let least = candidates.lower_bound;
        return format!("not proven: {classes}, among them at least {least:.4}{nodes}");
    }
    let said = match (found.certified, found.holdout) {
        (true, None) => "proven minimal".to_string(),
        (true, Some(_)) => "proven minimal on the samples it was chosen on".to_string(),
        (false, _) => {
            let (gap, least) = (found.gap, found.lower_bound);
            format!("{gap:.4} above the proven lower bound {least:.4}")
        }
    };
    said + &nodes
}

fn text(
    args: &DiscrepancyArgs,
    found: &Discrepancy,
    (n, source): (usize, usize),
    target: Target<'_>,
    names: &Names,
) -> String {
    let between = |interval: Option<[f64; 2]>| match interval {
        Some([low, high]) => format!("{low:.4} to {high:.4}"),
        None => "none".into(),
    };
    let headline = format!("D(Ms, Mt) = {:.4}", found.value);
    let several = matches!(target, Target::MultiHot(_));
    let what = if several { "positive" } else { "sample" };
    let evaluated = match found.holdout {
        Some(_) if several => {
            format!("{}, of samples held out of {n}", count(found.samples, what))
        }
        Some(_) => format!("{} held out of {n}", count(found.samples, what)),
        None => format!(
            "{}, the same that the assignment was chosen on (optimistic; --holdout)",
            count(found.samples, what)
        ),
    };
    let search = json!(found.search);
    let search = search.as_str().unwrap_or_default();
    let null = match found.null_mean {
        Some(mean) => {
            let searched = match found.divergence.renormalized() {
                true => ", local search",
                false => "",
            };
            let interval = between(found.null_interval);
            format!("{mean:.4}, 95 % within {interval} (shuffled targets{searched})")
        }
        None => "none".into(),
    };
    let normalized = match found.normalized {
        Some(value) => format!("{value:.4} of the null (0 a perfect fit, 1 knows nothing)"),
        None => "none".into(),
    };
    let chance = match found.divergence.renormalized() {
        true => "all target classes equally probable",
        false => "a random assignment",
    };
    let interval = match (found.holdout, found.interval) {
        (_, Some(_)) => format!(
            "{} (bootstrap, 95 %: what this assignment costs on new samples)",
            between(found.interval)
        ),
        (None, None) => "none without --holdout".into(),
        (Some(_), None) => "none".into(),
    };
    let infimum = found.infimum_interval.map(|_| {
        let interval = between(found.infimum_interval);
        (
            "infimum",
            format!("{interval} (95 %, conservative: D itself, over all assignments)"),
        )
    });
    let mut facts = vec![("interval", interval)];
    facts.extend(infimum);
    facts.extend([
        ("normalised", normalized),
        ("null", null),
        ("chance", format!("{:.4} ({chance})", found.chance)),
        ("divergence", found.divergence.name().to_string()),
        ("assignment", format!("{search}, {}", proof(found))),
        (
            "classes",
            format!("{} target, {source} source", found.assignment.len()),
        ),
        ("evaluated on", evaluated),
    ]);
    if args.groups.is_some() {
        let said = format!(
            "{}, {} of the class that has fewest",
            count(found.groups, "group"),
            found.groups_per_class
        );
        facts.push(("groups", said));
    }
    if several {
        let said = "several classes a sample: each class's positives are its samples";
        facts.push(("targets", said.into()));
    }
    for (name, path) in [("table", &args.csv), ("figure", &args.figure)] {
        facts.extend(path.as_ref().map(|path| (name, path.display().to_string())));
    }
    let page = page(&headline, &facts, found.seconds);
    let pairs = found.assignment.iter().enumerate();
    let title = "Target class → source class";
    if names.source.is_none() && names.target.is_none() {
        let class = |class: &Option<usize>| class.map_or("none".into(), |k| k.to_string());
        let own = |c: usize| names.classes[c];
        let pairs: Vec<String> = pairs
            .map(|(c, k)| format!("{}→{}", own(c), class(k)))
            .collect();
        return format!(
            "{page}\n  {title}\n{}",
            wrapped(&pairs.join(" "), 76, "    ")
        );
    }
    let row = |(c, k): (usize, &Option<usize>)| {
        let source = k.map_or("none".into(), |k| names.source(k));
        vec![names.target(c), "→".into(), source]
    };
    let rows: Vec<Vec<String>> = pairs.map(row).collect();
    format!("{page}\n  {title}\n{}", columns(&rows, &[], "    "))
}

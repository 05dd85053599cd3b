//! The matched classes of `modalign discrepancy` as a table and as a heat map: which source class
//! stands for which target class, how probable it is there, and which other comes next.

use crate::cli::error::CliError;
use crate::feature::FeatureError;
use crate::figure::Format;
use crate::figure::matching::{self, MatchRow};
use crate::files::defuse;
use crate::files::lines_by_position;
use crate::measure::discrepancy::{Discrepancy, strongest};
use ndarray::Array2;
use std::path::Path;

/// Longest file of names that is read (21,841 names take about half a megabyte).
const MOST_BYTES: u64 = 1 << 26;

/// Names of classes, where they were given.
pub struct Names {
    /// By label.
    pub target: Option<Vec<String>>,
    pub source: Option<Vec<String>>,
    /// The label of each target class: of those that occur.
    pub classes: Vec<usize>,
}

impl Names {
    /// Name of a target class, or its number.
    pub fn target(&self, class: usize) -> String {
        name(&self.target, self.classes[class])
    }

    /// Name of a source class, or its number.
    pub fn source(&self, class: usize) -> String {
        name(&self.source, class)
    }
}

fn name(names: &Option<Vec<String>>, class: usize) -> String {
    let given = names.as_ref().and_then(|names| names.get(class));
    let given = given.filter(|name| !name.is_empty());
    given.map_or_else(|| class.to_string(), Clone::clone)
}

/// Reads one name a line; a blank line names nothing.
pub fn names(path: Option<&Path>, what: &str) -> Result<Option<Vec<String>>, CliError> {
    let Some(path) = path else { return Ok(None) };
    let io = |source| CliError::Io {
        path: path.to_owned(),
        source,
    };
    let fault = |expected: String, found: String| {
        CliError::from(FeatureError::malformed(
            path,
            format!("names of {what}"),
            expected,
            found,
        ))
    };
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > MOST_BYTES {
        return Err(fault(
            format!("at most {MOST_BYTES} bytes"),
            length.to_string(),
        ));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let text = String::from_utf8(bytes).map_err(|e| {
        fault(
            "UTF-8 text".into(),
            format!("other bytes at {}", e.utf8_error().valid_up_to()),
        )
    })?;
    Ok(Some(lines_by_position(&text)))
}

/// Refuses fewer names than there are classes, and `more` only where classes may not occur.
pub fn check(
    path: Option<&Path>,
    names: &Option<Vec<String>>,
    classes: usize,
    (what, more): (&str, bool),
) -> Result<(), CliError> {
    let wrong = |names: &[String]| names.len() < classes || (!more && names.len() > classes);
    match (path, names) {
        (Some(path), Some(names)) if wrong(names) => {
            let what = format!("names of {what}");
            let expected = format!("{classes} lines, of which the first names class 0");
            Err(FeatureError::malformed(path, what, expected, names.len()).into())
        }
        _ => Ok(()),
    }
}

/// The source class of highest mean beside the matched one.
fn runner_up(means: &Array2<f64>, class: usize, matched: usize) -> Option<usize> {
    let others = means
        .row(class)
        .into_iter()
        .enumerate()
        .filter(|&(k, _)| k != matched);
    others
        .max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))
        .map(|(k, _)| k)
}

/// Writes one row a target class.
pub fn write(
    path: &Path,
    found: &Discrepancy,
    means: &Array2<f64>,
    samples: &[f64],
    names: &Names,
) -> Result<(), CliError> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let io = |source| CliError::Io {
        path: path.to_owned(),
        source,
    };
    let wrong = |e: csv::Error| io(std::io::Error::other(e));
    let head = "target_class target_name source_class source_name probability samples \
                runner_up runner_up_name margin";
    out.write_record(head.split_whitespace()).map_err(wrong)?;
    for (class, matched) in found.assignment.iter().enumerate() {
        let mut row = vec![
            names.classes[class].to_string(),
            defuse(names.target(class)),
        ];
        let mean = |k: Option<usize>| k.map(|k| means[[class, k]]);
        let words = |k: Option<usize>| [k.map(|k| k.to_string()), k.map(|k| names.source(k))];
        let next = matched.and_then(|k| runner_up(means, class, k));
        let margin = mean(*matched).zip(mean(next)).map(|(p, other)| p - other);
        let number = |value: Option<f64>| value.map(|v| v.to_string()).unwrap_or_default();
        row.extend(words(*matched).map(|word| defuse(word.unwrap_or_default())));
        row.extend([number(mean(*matched)), samples[class].to_string()]);
        row.extend(words(next).map(|word| defuse(word.unwrap_or_default())));
        row.push(number(margin));
        out.write_record(&row).map_err(wrong)?;
    }
    let bytes = out.into_inner().map_err(|e| io(e.into_error()))?;
    crate::files::atomic::write(path, &bytes).map_err(io)
}

/// Draws mean probabilities of target classes × matched and strongest other source classes.
pub fn draw(
    path: &Path,
    format: Format,
    found: &Discrepancy,
    means: &Array2<f64>,
    names: &Names,
) -> Result<(), CliError> {
    let shown = strongest(means, &found.assignment);
    let mut rows = Vec::new();
    for (class, matched) in found.assignment.iter().enumerate() {
        let Some(matched) = matched else { continue };
        rows.extend(shown.iter().map(|&k| MatchRow {
            target_class: names.target(class),
            source_class: names.source(k),
            source: k as u64,
            probability: means[[class, k]],
            matched: k == *matched,
        }));
    }
    let figure = matching::figure(&rows)?;
    let bytes = match format {
        Format::Svg => figure.svg()?.into_bytes(),
        Format::Png => figure.png()?,
    };
    let io = |source| CliError::Io {
        path: path.to_owned(),
        source,
    };
    crate::files::atomic::write(path, &bytes).map_err(io)
}

//! What is printed of a comparison: an aligned table with the reference first, or one JSON object.

use super::Said;
use crate::cli::words::{clean, columns, span};
use crate::compare::difference::Verdict;
use crate::compare::measures::measures;
use crate::compare::summary::summary;
use crate::figure::values::{measure_name, shown, signed};
use crate::measure::about::{About, Better};
use serde_json::{Value, json};

/// The title of an encoder: the part of its name that tells it apart, or the whole name.
pub fn title(part: Option<std::borrow::Cow<'_, str>>, name: &str) -> String {
    let part = part.map(|part| clean(&part)).unwrap_or_default();
    if part.trim().is_empty() {
        clean(name)
    } else {
        part
    }
}

/// The table, the marks, what to know, where the page is.
pub fn text(said: &Said) -> String {
    let (shared, found) = (said.shared, said.found);
    let parts = &found.parts;
    let (n, classes) = (shared.labels.len(), shared.class_names.len());
    let mut order: Vec<usize> = (0..shared.encoders.len()).collect();
    order.sort_by_key(|&encoder| encoder != found.reference);
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(order.iter().flat_map(|&encoder| {
        let title = &shared.encoders[encoder].title;
        let title = match encoder == found.reference {
            true => format!("{title} (reference)"),
            false => title.clone(),
        };
        [title, String::new()]
    }));
    for measure in measures().map(|measure| &measure.about) {
        let better = match measure.better {
            Better::Lower => "↓",
            Better::Higher => "↑",
            Better::Neither => "",
        };
        let mut row = vec![format!("{} {better}", measure_name(measure.name))];
        for &encoder in &order {
            row.push(value(said, encoder, measure));
            row.push(mark(said, encoder, measure));
        }
        rows.push(row);
    }
    let mut row = vec!["CKA with the reference".to_string()];
    for &encoder in &order {
        let value = found.cka[found.reference][encoder];
        row.push(value.map_or_else(|| "–".into(), |v| shown("cka", v)));
        row.push(String::new());
    }
    rows.push(row);
    let mut text = format!(
        "{} encoders on the same {n} samples of {classes} classes: {} to learn from, {} to test\n\n{}",
        shared.encoders.len(),
        parts.train.len(),
        parts.test.len(),
        columns(&rows, &[], "  ")
    );
    text += "\n  ↓ lower is better, ↑ higher; in brackets the 95 % interval.\n  \
             better, worse: than the reference, beyond the noise of samples and of what was learnt from\n  \
             (5 % for all measures and classes together), with the paired difference.\n";
    for note in &found.notes {
        text += &crate::cli::words::wrapped(note, 96, "  ");
    }
    text += &format!(
        "\n  time  {}\n\n{}\n",
        span(said.seconds),
        said.report.display()
    );
    text
}

fn value(said: &Said, encoder: usize, measure: &About) -> String {
    let Some(estimate) = said.found.encoders[encoder].estimate(measure.name) else {
        return "–".into();
    };
    let id = measure.name;
    let value = shown(id, estimate.value);
    match estimate.interval {
        Some([low, high]) => {
            let [low, high] = [low, high].map(|end| shown(id, end).replace("\u{a0}%", ""));
            format!("{value} ({low} to {high})")
        }
        None => value,
    }
}

fn mark(said: &Said, encoder: usize, measure: &About) -> String {
    let own = |d: &&crate::compare::difference::MeasureDifference| {
        d.encoder == encoder && d.measure.name == measure.name
    };
    let found = said.found.differences.iter().find(own);
    found.map_or_else(String::new, |d| {
        let difference = signed(measure.name, d.difference.value);
        match d.difference.verdict {
            Verdict::Better => format!("better {difference}"),
            Verdict::Worse => format!("worse {difference}"),
            Verdict::NotShown | Verdict::NotTested => String::new(),
        }
    })
}

/// The object.
pub fn fields(said: &Said) -> Value {
    let mut all = summary(said.shared, said.settings, said.found);
    all["folder"] = json!(said.folder);
    all["report"] = json!(said.report);
    all["seconds"] = json!(said.seconds);
    all
}

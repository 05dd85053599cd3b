//! What is printed of a comparison: an aligned table with the reference first, or one JSON object.

use super::Said;
use crate::cli::words::{clean, columns, span};
use crate::compare::difference::{Difference, Verdict};
use crate::compare::measures::measures;
use crate::figure::values::{measure_name, shown, signed};
use crate::measure::about::{About, Better};
use serde_json::{Map, Value, json};

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

fn difference(encoder: &str, what: (&str, Value), d: &Difference) -> Value {
    let mut all = json!({
        "encoder": encoder,
        "difference": d.value,
        "interval": d.interval,
        "p": d.p,
        "adjusted": d.adjusted,
        "verdict": d.verdict.name(),
        "beyond_noise": d.verdict.beyond(),
    });
    all[what.0] = what.1;
    all
}

/// The object.
pub fn fields(said: &Said) -> Value {
    let (shared, found) = (said.shared, said.found);
    let title = |encoder: usize| shared.encoders[encoder].title.as_str();
    let encoders = shared.encoders.iter().zip(&found.encoders).enumerate();
    let encoders = encoders.map(|(index, (encoder, measured))| {
        let measures = measures().zip(&measured.estimates);
        let measures: Map<String, Value> = measures
            .map(|(measure, estimate)| {
                let value = estimate.as_ref().map(
                    |e| json!({ "value": e.value, "interval": e.interval, "samples": e.samples }),
                );
                (measure.about.name.to_string(), json!(value))
            })
            .collect();
        let classes = found.classes.iter().filter(|class| class.encoder == index);
        let classes: Vec<Value> = classes
            .map(|c| {
                json!({
                    "class": c.class,
                    "name": shared.class_names[c.class],
                    "samples": c.samples,
                    "error": c.error,
                    "interval": c.interval,
                })
            })
            .collect();
        let origin = &encoder.origin;
        json!({
            "title": encoder.title,
            "kind": origin.kind,
            "path": origin.path,
            "sha256": origin.sha256,
            "labels_sha256": origin.labels_sha256,
            "images": origin.images,
            "dim": encoder.features.ncols(),
            "c": measured.c,
            "measures": measures,
            "classes": classes,
        })
    });
    let differences = found.differences.iter();
    let differences: Vec<Value> = differences
        .map(|d| {
            difference(
                title(d.encoder),
                ("measure", json!(d.measure.name)),
                &d.difference,
            )
        })
        .collect();
    let by_class = found.classes.iter().filter_map(|c| {
        let own = c.difference.as_ref()?;
        Some(difference(title(c.encoder), ("class", json!(c.class)), own))
    });
    let parts = &found.parts;
    json!({
        "reference": title(found.reference),
        "encoders": encoders.collect::<Vec<_>>(),
        "cka": found.cka,
        "differences": differences,
        "class_differences": by_class.collect::<Vec<_>>(),
        "samples": {
            "all": shared.labels.len(),
            "train": parts.train.len(),
            "valid": parts.valid.len(),
            "test": parts.test.len(),
            "sample": parts.sample.len(),
            "mapped": parts.mapped.len(),
            "test_groups": found.groups,
        },
        "learning_folds": found.folds,
        "settings": said.settings,
        "notes": found.notes,
        "folder": said.folder,
        "report": said.report,
        "seconds": said.seconds,
    })
}

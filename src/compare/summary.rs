//! A comparison as one JSON value: what scripts and Python read of it.

use super::align::Shared;
use super::comparison::Comparison;
use super::difference::Difference;
use super::measures::measures;
use super::settings::ValidSettings;
use serde_json::{Map, Value, json};

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

/// The value.
pub fn summary(shared: &Shared, settings: &ValidSettings, found: &Comparison) -> Value {
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
        "settings": settings,
        "notes": found.notes,
    })
}

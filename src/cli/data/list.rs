//! `modalign data list`.

use super::bytes;
use crate::cli::args::DataArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::words::{columns, print_json};
use crate::dataset::Reader;
use crate::dataset::store::{Presence, Store, plan};
use crate::model::hub::HubSettings;
use crate::suite::data::{DataManifest, all};
use serde_json::{Value, json};

/// Prints a line for every manifest.
pub fn run(args: &DataArgs) -> Result<(), CliError> {
    let store = Store::at(args.data.as_deref());
    if args.json {
        let sets: Vec<Value> = all().iter().map(|m| fields(&store, m)).collect();
        return print_json(&json!({ "folder": store.root(), "datasets": sets }));
    }
    let head = ["name", "modality", "task", "here", "size", "licence"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(all().iter().map(|m| {
        let plan = plan(&store, m);
        let size: u64 = m
            .files
            .iter()
            .filter(|f| f.archive.is_none() && f.form.is_none())
            .filter_map(|f| f.size())
            .sum();
        let size = match (m.hub.is_some(), plan.exact) {
            (true, _) => "–".into(),
            (false, true) => bytes(size),
            (false, false) => format!("≈ {}", bytes(size)),
        };
        vec![
            m.name.clone(),
            m.modality.clone(),
            task(m),
            state(&store, m).into(),
            size,
            m.licence.name.clone(),
        ]
    }));
    let text = columns(&rows, &[4], "");
    print(format!("{text}\nin {}\n", store.root().display()).as_bytes())
}

fn fields(store: &Store, manifest: &DataManifest) -> Value {
    json!({
        "name": manifest.name,
        "title": manifest.title,
        "modality": manifest.modality,
        "task": manifest.task,
        "metric": manifest.metric,
        "input": manifest.input,
        "output": manifest.output,
        "state": state(store, manifest),
        "licence": manifest.licence,
        "readers": readers(manifest),
    })
}

/// Names of the readers that a dataset feeds.
pub fn readers(manifest: &DataManifest) -> Vec<&'static str> {
    let readers = Reader::of_manifest(manifest);
    readers.map(|reader| reader.name).collect()
}

/// How much of a dataset is there, in a word.
pub fn state(store: &Store, manifest: &DataManifest) -> &'static str {
    if let Some(name) = &manifest.hub {
        return if HubSettings::from_env().cached().contains(name) {
            "complete"
        } else {
            "absent"
        };
    }
    match store.presence(manifest) {
        Presence::Complete => "complete",
        Presence::Partial => "partial",
        Presence::Absent => "absent",
    }
}

/// What a dataset asks, in a few words.
pub fn task(manifest: &DataManifest) -> String {
    let shape = |numbers: &[usize]| {
        let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        words.join("×")
    };
    use crate::suite::task::TargetKind;
    match manifest.task {
        Some(TargetKind::Labels) => format!("{} classes", shape(&manifest.output)),
        Some(TargetKind::MultiHot) => format!("{} labels", shape(&manifest.output)),
        Some(TargetKind::Dense) => format!("field {}", shape(&manifest.output)),
        Some(TargetKind::Pairs) => "captions".into(),
        None => "–".into(),
    }
}

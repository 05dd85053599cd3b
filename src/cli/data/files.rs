//! `modalign data fetch|verify|where|import`: the files themselves.

use super::{bytes, list};
use crate::cli::args::DataArgs;
use crate::cli::error::CliError;
use crate::cli::progress::{Downloads, Stage};
use crate::cli::words::{columns, print_json};
use crate::cli::{models, print};
use crate::dataset::store::{self, Ledger, Store, Verdict};
use crate::dataset::{DatasetError, readers};
use crate::suite::data::{DataFile, DataManifest, all};
use crate::suite::definition::Suite;
use crate::suite::stage1::SourceData;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

fn manifests(names: &[String]) -> Result<Vec<&'static DataManifest>, CliError> {
    let found = names.iter().map(|name| DataManifest::named(name));
    Ok(found.collect::<Result<_, _>>()?)
}

/// Downloads what is missing, or says what that would be.
pub fn fetch(names: &[String], args: &DataArgs, dry: bool) -> Result<(), CliError> {
    let store = Store::at(args.data.as_deref());
    let sets = manifests(names)?;
    if dry {
        return plan(&store, &sets, &[], args.json);
    }
    let came = obtain(&store, &sets)?;
    if args.json {
        return print_json(&json!({ "files": came }));
    }
    let lines = came.iter().map(|path| format!("{}\n", path.display()));
    let lines: String = lines.collect();
    if lines.is_empty() {
        print(b"nothing was missing\n")
    } else {
        print(lines.as_bytes())
    }
}

/// Downloads what is missing of datasets and weights; the paths of what came.
pub fn obtain(store: &Store, sets: &[&'static DataManifest]) -> Result<Vec<PathBuf>, CliError> {
    let ledger = Ledger::of_user();
    let mut came = Vec::new();
    for &manifest in sets {
        if let Some(name) = &manifest.hub {
            came.push(models::resolve(name)?);
            continue;
        }
        let mut bars = Downloads::default();
        let paths = store::fetch(store, &ledger, manifest, &mut |file, done, total| {
            bars.at(&file.path, done, total);
        })?;
        bars.finish();
        came.extend(paths);
    }
    Ok(came)
}

/// The datasets and weights that a suite needs, each once.
pub fn needed(suite: &Suite) -> Vec<&'static DataManifest> {
    let stage1 = suite.transfer.stage1.source == SourceData::Pretraining;
    let source = suite.source.data.iter().filter(|_| stage1);
    let specs = source.chain([&suite.surrogate]).chain(&suite.targets);
    let own = suite
        .targets
        .iter()
        .filter_map(|t| t.encoder.as_ref()?.model.as_ref());
    let models = own.chain([&suite.source.model]);
    let weights = models.filter_map(|name| all().iter().find(|m| m.hub.as_ref() == Some(name)));
    let mut found: Vec<&'static DataManifest> = Vec::new();
    for manifest in specs.flat_map(readers::manifests_of).chain(weights) {
        if !found.iter().any(|other| other.name == manifest.name) {
            found.push(manifest);
        }
    }
    found
}

/// What fetching would download: files, sizes, licences, room; and pairs of a target and a method that
/// are `undefined`.
pub fn plan(
    store: &Store,
    sets: &[&'static DataManifest],
    undefined: &[String],
    as_json: bool,
) -> Result<(), CliError> {
    let free = store::free(store);
    let plans: Vec<_> = sets.iter().map(|m| (*m, store::plan(store, m))).collect();
    let total: u64 = plans.iter().map(|(_, plan)| plan.bytes).sum();
    if as_json {
        let set = |(m, plan): &(&DataManifest, store::Plan<'_>)| {
            json!({
                "name": m.name,
                "state": list::state(store, m),
                "licence": m.licence,
                "bytes": plan.bytes,
                "exact": plan.exact,
                "files": plan.files.iter().map(|f| json!({ "path": f.path, "urls": f.urls, "bytes": f.size() })).collect::<Vec<_>>(),
                "without_address": plan.nowhere.iter().map(|f| &f.path).collect::<Vec<_>>(),
                "obtain": (!plan.nowhere.is_empty()).then(|| store::hint(m)),
            })
        };
        let sets: Vec<Value> = plans.iter().map(set).collect();
        let plan = json!({ "folder": store.root(), "free": free, "bytes": total, "datasets": sets, "undefined": undefined });
        return print_json(&plan);
    }
    let head = ["dataset", "file", "size", "checksum", "licence"];
    let mut rows = vec![head.map(String::from).to_vec()];
    let mut notes = String::new();
    for (manifest, plan) in &plans {
        for file in &plan.files {
            let size = match (file.bytes, file.about) {
                (Some(exact), _) => bytes(exact),
                (None, Some(about)) => format!("≈ {}", bytes(about)),
                (None, None) => "unknown".into(),
            };
            let checksum = file
                .checksum()
                .map_or("none: first sight counts".into(), |c| {
                    c.algorithm.to_string()
                });
            rows.push(vec![
                manifest.name.clone(),
                file.path.clone(),
                size,
                checksum,
                manifest.licence.name.clone(),
            ]);
        }
        if let Some(name) = &manifest.hub {
            let size = match list::state(store, manifest) {
                "complete" => "in the cache".to_string(),
                _ => "from the hub".into(),
            };
            rows.push(vec![
                manifest.name.clone(),
                name.clone(),
                size,
                "SHA-256 of the hub".into(),
                manifest.licence.name.clone(),
            ]);
        } else if plan.files.is_empty() && plan.nowhere.is_empty() {
            notes += &format!("{}: complete\n", manifest.name);
        }
        if !plan.nowhere.is_empty() {
            let names: Vec<&str> = plan.nowhere.iter().map(|f| f.path.as_str()).collect();
            notes += &format!(
                "{}: no address serves {}: {}\n",
                manifest.name,
                names.join(", "),
                store::hint(manifest)
            );
        }
    }
    undefined
        .iter()
        .for_each(|line| notes += &format!("{line}\n"));
    let room = free.map_or("unknown".into(), bytes);
    let table = match rows.len() {
        1 => String::new(),
        _ => columns(&rows, &[2], "") + "\n",
    };
    let text = format!(
        "{table}{notes}{} to download into {}; {room} free\n",
        bytes(total),
        store.root().display()
    );
    print(text.as_bytes())
}

/// Checks files; the first that is wrong does not hide the others.
pub fn verify(names: &[String], args: &DataArgs) -> Result<(), CliError> {
    let (store, ledger) = (Store::at(args.data.as_deref()), Ledger::of_user());
    let asked = manifests(names)?;
    let sets: Vec<&DataManifest> = if asked.is_empty() {
        all().iter().collect()
    } else {
        asked
    };
    let (mut rows, mut found) = (Vec::new(), Vec::new());
    let mut first: Option<DatasetError> = None;
    let (mut right, mut wrong) = (0, 0);
    for manifest in sets {
        for file in &manifest.files {
            let stage = Stage::waiting(&format!("checking {}/{}", manifest.name, file.path));
            let verdict = store::verify(&store, &ledger, manifest, file, true, &mut |_| true);
            stage.clear();
            let (state, how) = match &verdict {
                Ok(Verdict::Absent) => continue,
                Ok(Verdict::Published { algorithm, .. }) => {
                    ("ok", format!("{algorithm} of the manifest"))
                }
                Ok(Verdict::Unchanged { since, .. }) => ("ok", format!("as first seen {since}")),
                Ok(Verdict::First { .. }) => ("new", "remembered from now on".into()),
                Ok(Verdict::Unvouched { .. }) => ("ok", "readable; nothing vouches for it".into()),
                Err(error) => ("WRONG", error.to_string()),
            };
            let place = format!("{}/{}", manifest.name, file.path);
            let sha256 = verdict.as_ref().ok().and_then(Verdict::sha256);
            found.push(json!({ "file": place, "state": state.to_lowercase(), "how": how, "sha256": sha256 }));
            rows.push(vec![state.to_string(), place, how]);
            match verdict {
                Ok(_) => right += 1,
                Err(error) => {
                    wrong += 1;
                    first = first.or(Some(error));
                }
            }
        }
        if !names.is_empty()
            && let Some(file) = store.missing(manifest).first()
        {
            first = first.or_else(|| Some(absent(&store, manifest, file)));
        }
    }
    if args.json {
        print_json(
            &json!({ "folder": store.root(), "right": right, "wrong": wrong, "files": found }),
        )?
    } else {
        let text = columns(&rows, &[], "");
        let summary = format!(
            "{right} right, {wrong} wrong in {}\n",
            store.root().display()
        );
        print((text + &summary).as_bytes())?;
    }
    match first {
        Some(error) => Err(error.into()),
        None if right == 0 => Err(DatasetError::Missing {
            set: "data".into(),
            path: store.root().into(),
            hint: "no file of any manifest is there; modalign data list names them".into(),
        }
        .into()),
        None => Ok(()),
    }
}

fn absent(store: &Store, manifest: &DataManifest, file: &DataFile) -> DatasetError {
    DatasetError::Missing {
        set: manifest.title.clone(),
        path: store.place(manifest, file),
        hint: format!("modalign data fetch {}", manifest.name),
    }
}

/// Where files are, or belong.
pub fn places(name: &str, args: &DataArgs) -> Result<(), CliError> {
    let store = Store::at(args.data.as_deref());
    let manifest = DataManifest::named(name)?;
    let rows = manifest.files.iter().map(|file| {
        let found = store.find(manifest, file);
        let there = found.is_some();
        (there, found.unwrap_or_else(|| store.place(manifest, file)))
    });
    if args.json {
        let files: Vec<Value> = rows
            .map(|(there, path)| json!({ "path": path, "exists": there }))
            .collect();
        return print_json(
            &json!({ "name": name, "folder": store.root(), "files": files, "hub": manifest.hub }),
        );
    }
    let mut text: String = rows
        .map(|(there, path)| {
            format!(
                "{}  {}\n",
                if there { "here  " } else { "absent" },
                path.display()
            )
        })
        .collect();
    if let Some(hub) = &manifest.hub {
        text = format!("{hub} in the Hugging Face cache\n");
    }
    print(text.as_bytes())
}

/// Takes files at hand.
pub fn import(name: &str, path: &Path, args: &DataArgs) -> Result<(), CliError> {
    let (store, ledger) = (Store::at(args.data.as_deref()), Ledger::of_user());
    let manifest = DataManifest::named(name)?;
    let stage = Stage::waiting(&format!("checking {}", path.display()));
    let taken = store::import(&store, &ledger, manifest, path);
    stage.clear();
    let taken = taken?;
    if args.json {
        let files: Vec<Value> = taken
            .iter()
            .map(|t| json!({ "from": t.from, "to": t.to, "sha256": t.verdict.sha256() }))
            .collect();
        return print_json(
            &json!({ "name": name, "files": files, "state": list::state(&store, manifest) }),
        );
    }
    let lines: String = taken
        .iter()
        .map(|t| format!("{}\n", t.to.display()))
        .collect();
    print(format!("{lines}{}: {}\n", name, list::state(&store, manifest)).as_bytes())
}

//! `modalign data show`: a manifest in words and, where its files are there, its samples.

use super::samples::{self, OpenedSet};
use super::{bytes, list};
use crate::cli::args::DataArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{clean, columns, print_json, wrapped};
use crate::dataset::Reader;
use crate::dataset::store::Store;
use crate::figure::Format;
use crate::suite::data::DataManifest;
use serde_json::json;
use std::path::Path;

/// Classes that are listed; more are only counted.
const MOST_CLASSES: usize = 30;

/// Runs the command.
pub fn run(
    name: &str,
    args: &DataArgs,
    sheet: Option<&Path>,
    reader: Option<&str>,
) -> Result<(), CliError> {
    let store = Store::at(args.data.as_deref());
    // A reader's name is as good: procedural sets have no manifest.
    let asked = Reader::named(name);
    let manifest = match (DataManifest::named(name), asked.and_then(Reader::manifest)) {
        (Ok(manifest), _) => Some(manifest),
        (Err(_), Some(manifest)) => Some(manifest),
        (Err(error), None) if asked.is_none() => return Err(error.into()),
        (Err(_), None) => None,
    };
    let readers: Vec<&Reader> = manifest
        .map(|m| Reader::of_manifest(m).collect())
        .unwrap_or_default();
    let reader = match reader {
        None => asked.or(readers.first().copied()),
        Some(text) => Some(
            readers
                .iter()
                .copied()
                .find(|reader| reader.name == text)
                .ok_or_else(|| {
                    let names: Vec<&str> = readers.iter().map(|reader| reader.name).collect();
                    CliError::Usage {
                        what: "--reader".into(),
                        expected: format!("one of {}", names.join(", ")),
                        found: text.into(),
                    }
                })?,
        ),
    };
    let format = sheet
        .map(Format::of_path)
        .transpose()
        .map_err(|expected| CliError::Usage {
            what: "--sheet".into(),
            expected,
            found: sheet.unwrap_or(Path::new("")).display().to_string(),
        })?;
    let stage = Stage::waiting("opening");
    let found = reader.map(|reader| OpenedSet::at(reader, store.root()));
    stage.clear();
    let notes = found.iter().flatten().flat_map(|found| &found.notes);
    notes.for_each(|note| eprintln!("note: {}", clean(note)));
    if args.json {
        let opened = found.as_ref().and_then(|found| found.as_ref().ok());
        let manifest_json = manifest.map(|m| {
            let mut value = json!(m);
            value["readers"] = json!(list::readers(m));
            value
        });
        print_json(&json!({
            "manifest": manifest_json,
            "state": manifest.map(|m| list::state(&store, m)),
            "parts": opened.map(|l| l.parts.iter().map(|p| json!({ "part": p.name, "samples": p.samples, "classes": p.classes })).collect::<Vec<_>>()),
            "shape": opened.map(|l| l.shape),
            "error": found.as_ref().and_then(|l| l.as_ref().err()).map(ToString::to_string),
        }))?;
    } else {
        let mut text = match (manifest, reader) {
            (Some(manifest), _) => words(&store, manifest),
            (None, Some(reader)) => unpublished(reader),
            (None, None) => String::new(),
        };
        text += &match (&found, reader) {
            (Some(Ok(found)), Some(reader)) => samples(found, reader),
            (Some(Err(error)), _) => format!("\nno samples: {}\n", clean(&error.to_string())),
            _ => "\nno reader of this program reads it\n".into(),
        };
        print(text.as_bytes())?;
    }
    if let (Some(path), Some(format)) = (sheet, format) {
        let found = match found {
            Some(found) => found?,
            None => {
                return Err(CliError::Usage {
                    what: "--sheet".into(),
                    expected: "a dataset that a reader reads".into(),
                    found: name.into(),
                });
            }
        };
        let title = manifest.map_or_else(|| name.to_string(), |m| m.title.clone());
        samples::sheet(&found, &title, path, format)?;
        eprintln!("{}", path.display());
    }
    Ok(())
}

/// What a reader without a manifest reads.
fn unpublished(reader: &Reader) -> String {
    let Reader {
        title, name, what, ..
    } = reader;
    let what = wrapped(what, 78, "  ");
    let (modality, licence) = (reader.modality(), reader.licence());
    format!("{title} ({name})\n{what}  modality    {modality}\n  licence     {licence}\n")
}

fn words(store: &Store, m: &DataManifest) -> String {
    let mut rows = vec![
        ("modality", m.modality.clone()),
        ("task", list::task(m)),
        ("split", m.split.clone()),
        ("prepared", m.preprocessing.clone()),
        (
            "licence",
            format!("{} ({})", m.licence.name, m.licence.source),
        ),
        ("cite", m.citation.clone()),
        ("page", m.homepage.clone()),
        ("obtain", m.obtain.clone()),
    ];
    rows.retain(|(_, text)| !text.is_empty());
    let mut text = format!(
        "{} ({})\n{}\n",
        m.title,
        m.name,
        wrapped(&m.summary, 78, "  ")
    );
    for (name, fact) in rows {
        let block = wrapped(&fact, 66, "              ");
        text += &format!("  {name:<12}{}", block.trim_start());
    }
    let files = m.files.iter().map(|file| {
        let here = match store.find(m, file) {
            Some(_) => "here",
            None if file.optional || file.form.is_some() => "absent (not needed)",
            None => "absent",
        };
        let size = match (file.bytes, file.about) {
            (Some(n), _) => bytes(n),
            (None, Some(n)) => format!("≈ {}", bytes(n)),
            (None, None) => "–".into(),
        };
        let checksum = file
            .checksum()
            .map_or("no checksum".into(), |c| c.algorithm.to_string());
        vec![
            file.path.clone(),
            size,
            checksum,
            here.into(),
            file.note.clone(),
        ]
    });
    let files: Vec<Vec<String>> = files.collect();
    text + &format!(
        "\nfiles in {} ({})\n{}",
        store.root().display(),
        list::state(store, m),
        columns(&files, &[1], "  ")
    )
}

fn samples(found: &OpenedSet, reader: &Reader) -> String {
    let [c, h, w] = found.shape;
    let mut text = format!(
        "\nsamples of reader {}: {c} × {h} × {w}, {}\n",
        reader.name, found.target
    );
    let counts: Vec<String> = found
        .parts
        .iter()
        .map(|p| format!("{} {}", p.samples, p.name))
        .collect();
    text += &format!("  {}\n", counts.join(", "));
    if found.names.is_empty() {
        return text;
    }
    let mut rows = vec![
        ["class", "train", "valid", "test"]
            .map(String::from)
            .to_vec(),
    ];
    for (class, name) in found.names.iter().enumerate().take(MOST_CLASSES) {
        let mut row = vec![name.clone()];
        row.extend(found.parts.iter().map(|p| p.classes[class].to_string()));
        rows.push(row);
    }
    text += &columns(&rows, &[1, 2, 3], "  ");
    if found.names.len() > MOST_CLASSES {
        let least = found
            .parts
            .iter()
            .flat_map(|p| &p.classes)
            .min()
            .copied()
            .unwrap_or(0);
        let most = found
            .parts
            .iter()
            .flat_map(|p| &p.classes)
            .max()
            .copied()
            .unwrap_or(0);
        let more = found.names.len() - MOST_CLASSES;
        text += &format!("  and {more} more; {least} to {most} samples a class and part\n");
    }
    text
}

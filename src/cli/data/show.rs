//! `modalign data show`: a manifest in words and, where its files are there, its samples.

use super::samples::{self, Look};
use super::{bytes, list};
use crate::cli::args::DataArgs;
use crate::cli::error::CliError;
use crate::cli::print;
use crate::cli::progress::Stage;
use crate::cli::words::{clean, columns, print_json, wrapped};
use crate::dataset::store::Store;
use crate::figure::Format;
use crate::suite::data::DataManifest;
use crate::suite::reader::Reader;
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
    let asked = Reader::parse(name);
    let manifest = match (DataManifest::named(name), asked.and_then(DataManifest::of)) {
        (Ok(manifest), _) => Some(manifest),
        (Err(_), Some(manifest)) => Some(manifest),
        (Err(error), None) if asked.is_none() => return Err(error.into()),
        (Err(_), None) => None,
    };
    let readers = manifest.map_or(&[][..], |m| &m.readers[..]);
    let reader = match reader {
        None => asked.or(readers.first().copied()),
        Some(text) => Some(
            Reader::parse(text)
                .filter(|r| readers.contains(r))
                .ok_or_else(|| {
                    let names: Vec<String> = readers.iter().map(|r| r.name()).collect();
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
    let look = reader.map(|reader| Look::at(reader, store.root()));
    stage.clear();
    if args.json {
        let opened = look.as_ref().and_then(|look| look.as_ref().ok());
        print_json(&json!({
            "manifest": manifest,
            "state": manifest.map(|m| list::state(&store, m)),
            "parts": opened.map(|l| l.parts.iter().map(|p| json!({ "part": p.name, "samples": p.samples, "classes": p.classes })).collect::<Vec<_>>()),
            "shape": opened.map(|l| l.shape),
            "error": look.as_ref().and_then(|l| l.as_ref().err()).map(ToString::to_string),
        }))?;
    } else {
        let mut text = manifest.map_or_else(String::new, |m| words(&store, m));
        text += &match (&look, reader) {
            (Some(Ok(look)), Some(reader)) => samples(look, reader),
            (Some(Err(error)), _) => format!("\nno samples: {}\n", clean(&error.to_string())),
            _ => "\nno reader of this program reads it\n".into(),
        };
        print(text.as_bytes())?;
    }
    if let (Some(path), Some(format)) = (sheet, format) {
        let look = match look {
            Some(look) => look?,
            None => {
                return Err(CliError::Usage {
                    what: "--sheet".into(),
                    expected: "a dataset that a reader reads".into(),
                    found: name.into(),
                });
            }
        };
        let title = manifest.map_or_else(|| name.to_string(), |m| m.title.clone());
        samples::sheet(&look, &title, path, format)?;
        eprintln!("{}", path.display());
    }
    Ok(())
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

fn samples(look: &Look, reader: Reader) -> String {
    let [c, h, w] = look.shape;
    let mut text = format!(
        "\nsamples of reader {}: {c} × {h} × {w}, {}\n",
        reader.name(),
        look.truth
    );
    let counts: Vec<String> = look
        .parts
        .iter()
        .map(|p| format!("{} {}", p.samples, p.name))
        .collect();
    text += &format!("  {}\n", counts.join(", "));
    if look.names.is_empty() {
        return text;
    }
    let mut rows = vec![
        ["class", "train", "valid", "test"]
            .map(String::from)
            .to_vec(),
    ];
    for (class, name) in look.names.iter().enumerate().take(MOST_CLASSES) {
        let mut row = vec![name.clone()];
        row.extend(look.parts.iter().map(|p| p.classes[class].to_string()));
        rows.push(row);
    }
    text += &columns(&rows, &[1, 2, 3], "  ");
    if look.names.len() > MOST_CLASSES {
        let least = look
            .parts
            .iter()
            .flat_map(|p| &p.classes)
            .min()
            .copied()
            .unwrap_or(0);
        let most = look
            .parts
            .iter()
            .flat_map(|p| &p.classes)
            .max()
            .copied()
            .unwrap_or(0);
        let more = look.names.len() - MOST_CLASSES;
        text += &format!("  and {more} more; {least} to {most} samples a class and part\n");
    }
    text
}

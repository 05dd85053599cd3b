//! What is drawn: `index.csv` (a row a thing: code point, subgroup, split) beside `captions.json` (an object a thing, in the
//! same order).

use std::path::Path;

use serde::Deserialize;

use crate::dataset::DatasetError;
use crate::dataset::files::{malformed, map};
use crate::dataset::part::Part;
use crate::dataset::table::Table;

/// A thing that every style draws.
pub struct Thing {
    /// Its code point in hexadecimal.
    pub codepoint: String,
    /// The subgroup that it is of.
    pub subgroup: String,
    /// The part that it is in.
    pub part: Part,
    /// Its captions, at least one, none of them blank.
    pub captions: Vec<String>,
    /// Its class, where subgroups are classes and its own is one ([`classes`]).
    pub class: Option<usize>,
}

/// An object of `captions.json`, as far as it is used.
#[derive(Deserialize)]
struct Entry {
    codepoint: String,
    captions: Vec<String>,
}

/// The things of both files, in their order.
///
/// # Errors
/// Those of reading; `Malformed` with the row for a split that there is not, for an entry of another code point, without
/// captions or with a blank one.
pub fn read(index: &Path, captions: &Path) -> Result<Vec<Thing>, DatasetError> {
    let table = Table::read(index)?;
    let expected = "a list of objects with “codepoint” and “captions”";
    let entries: Vec<Entry> = serde_json::from_slice(&map(captions)?)
        .map_err(|e| malformed(captions, "JSON", expected, e.to_string()))?;
    if table.rows.is_empty() || entries.len() != table.rows.len() {
        let expected = format!(
            "{} entries, one a row of index.csv",
            table.rows.len().max(1)
        );
        return Err(malformed(
            captions,
            "captions",
            expected,
            entries.len().to_string(),
        ));
    }
    let thing = |(row, entry): (usize, Entry)| {
        let codepoint: String = table.get(row, "codepoint")?;
        let place = format!("entry {}", row + 1);
        if entry.codepoint != codepoint {
            let expected = format!("code point {codepoint}, as index.csv has it");
            return Err(malformed(captions, place, expected, entry.codepoint));
        }
        if entry.captions.is_empty() || entry.captions.iter().any(|c| c.trim().is_empty()) {
            return Err(malformed(
                captions,
                place,
                "captions, none of them blank",
                "a blank",
            ));
        }
        let split: String = table.get(row, "split")?;
        let part = match split.as_str() {
            "train" => Part::Train,
            "val" => Part::Valid,
            "test" => Part::Test,
            other => {
                let place = format!("split in row {row}");
                return Err(malformed(index, place, "train, val or test", other));
            }
        };
        Ok(Thing {
            codepoint,
            subgroup: table.get(row, "subgroup")?,
            part,
            captions: entry.captions,
            class: None,
        })
    };
    entries.into_iter().enumerate().map(thing).collect()
}

/// Gives things of subgroups of `least` things or more their classes, in the order in which subgroups first occur; returns
/// the names of the classes.
pub fn classes(things: &mut [Thing], least: usize) -> Vec<String> {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for thing in things.iter() {
        match counts.iter_mut().find(|(name, _)| *name == thing.subgroup) {
            Some((_, count)) => *count += 1,
            None => counts.push((thing.subgroup.clone(), 1)),
        }
    }
    counts.retain(|(_, count)| *count >= least);
    for thing in things {
        thing.class = counts.iter().position(|(name, _)| *name == thing.subgroup);
    }
    let name = |(name, _): (String, usize)| name.replace('-', " ");
    counts.into_iter().map(name).collect()
}

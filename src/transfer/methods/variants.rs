//! The settings that a suite tries of a method (`[tuning]`): the suite's own and the combinations of the grid
//! that concern the method. Each is a whole [`Transfer`], named by what differs from the suite's own settings:
//! `mona@alpha=0.05,inner_steps=3`. The names are file names.

use super::settings::completed;
use super::{METHODS, Method};
use crate::random::TUNING;
use crate::suite::ManifestError;
use crate::suite::definition::{Suite, Transfer, nearest};
use rand::RngExt;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// Largest number of combinations of one method.
const MOST: usize = 10_000;

/// Longest name: file systems take 255 bytes, and the names of target and seed stand around it.
const LONGEST: usize = 160;

/// What every key of a grid begins with.
const ROOT: &str = "transfer.";

/// Keys that say which transfers there are, what data they read or which epoch counts: the same for all that is
/// compared.
const NOT_TUNED: [&str; 4] = [
    "transfer.methods",
    "transfer.seeds",
    "transfer.stage1.source",
    "transfer.train.select",
];

/// Settings of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The method's name, and what differs from the suite's own settings.
    pub label: String,
    /// All settings of the transfer.
    pub transfer: Transfer,
}

/// A value that differs from the suite's own, by its dotted key.
type Assignment<'a> = (&'a str, &'a Value);

/// The settings that a suite tries of a method: its own first, then the combinations of its grid, the last
/// key's values changing fastest. Of more than the budget so many are drawn, in the same order.
///
/// # Errors
/// [`ManifestError`] for a key that is not known, naming the nearest, for a value that the key does not take,
/// and for more combinations than anyone trains.
pub fn variants(
    suite: &Suite,
    method: &Method,
    origin: &str,
) -> Result<Vec<Variant>, ManifestError> {
    let base = as_table(&suite.transfer, origin)?;
    let grid = suite.tuning.grid.0.iter();
    let keys: Vec<(&String, &Vec<Value>)> = grid.filter(|(key, _)| concerns(key, method)).collect();
    let count = keys
        .iter()
        .try_fold(1usize, |all, (_, values)| all.checked_mul(values.len()))
        .filter(|count| *count <= MOST);
    let count = count.ok_or_else(|| ManifestError::Invalid {
        origin: origin.into(),
        what: "tuning.grid".into(),
        expected: format!("at most {MOST} combinations of values of a method"),
        found: format!("more of {}", method.name),
    })?;
    let combination = |place: usize| {
        let mut rest = place;
        let mut chosen: Vec<Assignment> = Vec::new();
        for (key, values) in keys.iter().rev() {
            chosen.push((key, &values[rest % values.len()]));
            rest /= values.len();
        }
        chosen.retain(|(key, value)| at(&base, key) != Some(*value));
        chosen.reverse();
        chosen
    };
    let mut tried: Vec<Vec<Assignment>> = (0..count).map(combination).collect();
    // The suite's own settings come first, whether the grid names them or not.
    tried.retain(|chosen| !chosen.is_empty());
    draw(suite, method, &mut tried);
    tried.insert(0, Vec::new());
    let variant = |chosen: Vec<Assignment>| {
        let label = label(method, &chosen);
        if label.len() > LONGEST {
            return Err(ManifestError::Invalid {
                origin: origin.into(),
                what: "tuning.grid".into(),
                expected: format!("names of at most {LONGEST} characters for the cells"),
                found: format!("{label:?}; vary fewer keys at once"),
            });
        }
        let transfer = apply(suite, &chosen, origin)?;
        let train = transfer.train.conflict();
        let train = train.map(|(what, expected, found)| (format!("train.{what}"), expected, found));
        let pairs = || {
            let (what, expected, found) = transfer.pairs.conflict()?;
            Some((what.to_owned(), expected, found))
        };
        if let Some((what, expected, found)) = train.or_else(pairs) {
            return Err(ManifestError::Invalid {
                origin: origin.into(),
                what: format!("tuning.grid: {label}: transfer.{what}"),
                expected: expected.into(),
                found,
            });
        }
        Ok(Variant { label, transfer })
    };
    tried.into_iter().map(variant).collect()
}

/// Leaves as many of the combinations as the budget has beside the suite's own settings, in their order.
fn draw<T>(suite: &Suite, method: &Method, tried: &mut Vec<T>) {
    let budget = suite.tuning.budget;
    if budget == 0 || tried.len() < budget {
        return;
    }
    let name: Vec<u64> = method.name.bytes().map(u64::from).collect();
    let mut rng = TUNING.rng(suite.data_seed, &name);
    // Floyd's algorithm: each set of so many places is as likely as any other.
    let mut kept = BTreeSet::new();
    for last in tried.len() + 1 - budget..tried.len() {
        let place = rng.random_range(0..=last as u64) as usize;
        if !kept.insert(place) {
            kept.insert(last);
        }
    }
    let mut place = 0;
    tried.retain(|_| {
        place += 1;
        kept.contains(&(place - 1))
    });
}

/// Checks what a suite tunes, and writes the values of its grid as the settings write them (`1` of a number as `1.0`), each once.
///
/// # Errors
/// As [`variants`].
pub fn check(suite: &mut Suite, methods: &[&Method], origin: &str) -> Result<(), ManifestError> {
    let conflict = suite.tuning.conflict(&suite.select, &suite.transfer.train);
    if let Some((what, expected, found)) = conflict {
        return Err(ManifestError::Invalid {
            origin: origin.into(),
            what: what.into(),
            expected: expected.into(),
            found,
        });
    }
    let mut grid = std::mem::take(&mut suite.tuning.grid);
    for (key, values) in &mut grid.0 {
        let mut own: Vec<Value> = Vec::new();
        for value in std::mem::take(values) {
            let value = checked(suite, key, &value, origin)?;
            if !own.contains(&value) {
                own.push(value);
            }
        }
        if own.is_empty() {
            return Err(refused(origin, key, "at least one value", "an empty list"));
        }
        *values = own;
    }
    suite.tuning.grid = grid;
    for method in methods {
        variants(suite, method, origin)?;
    }
    Ok(())
}

/// A value as the setting `key` has it.
fn checked(suite: &Suite, key: &str, value: &Value, origin: &str) -> Result<Value, ManifestError> {
    if NOT_TUNED.contains(&key) {
        let expected = "a setting of training; what is compared, on which data and at which epoch is not tuned";
        return Err(refused(origin, key, expected, "this key"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    let fits = match value {
        Value::String(text) => !text.is_empty() && text.chars().all(plain),
        Value::Float(number) => number.is_finite(),
        Value::Integer(_) | Value::Boolean(_) => true,
        _ => false,
    };
    if !fits {
        let expected = "finite numbers, names, true or false";
        return Err(refused(origin, key, expected, &value.to_string()));
    }
    let unknown = || ManifestError::Parse {
        origin: origin.into(),
        message: format!("tuning.grid: unknown setting `{key}`"),
        near: near(key, &as_table(&suite.transfer, origin).unwrap_or_default()),
    };
    if !key.starts_with(ROOT) {
        return Err(unknown());
    }
    let transfer = apply(suite, &[(key, value)], origin).map_err(|error| match error {
        ManifestError::Parse { message, .. } if message.contains("unknown field") => unknown(),
        ManifestError::Parse { message, near, .. } => ManifestError::Parse {
            origin: origin.into(),
            message: format!("tuning.grid: {key} = {value}: {message}"),
            near,
        },
        other => other,
    })?;
    let table = as_table(&transfer, origin)?;
    at(&table, key).cloned().ok_or_else(unknown)
}

fn refused(origin: &str, key: &str, expected: &str, found: &str) -> ManifestError {
    ManifestError::Invalid {
        origin: origin.into(),
        what: format!("tuning.grid: {key}"),
        expected: expected.into(),
        found: found.into(),
    }
}

/// Whether a setting is one of a method: its own, one of a stage that it has, or one that all have.
fn concerns(key: &str, method: &Method) -> bool {
    let table = key.strip_prefix(ROOT).and_then(|key| key.split('.').next());
    match table {
        Some("stage1") => method.has_stage1(),
        Some(name) => {
            let own = |m: &&Method| m.settings.is_some() && m.name == name;
            METHODS.iter().all(|m| !own(m)) || name == method.name
        }
        None => false,
    }
}

/// The name of a variant.
fn label(method: &Method, chosen: &[Assignment]) -> String {
    let own = format!("{ROOT}{}.", method.name);
    let part = |(key, value): &Assignment| {
        let short = key.strip_prefix(&own).or_else(|| key.strip_prefix(ROOT));
        format!("{}={}", short.unwrap_or(key), said(value))
    };
    let parts: Vec<String> = chosen.iter().map(part).collect();
    if parts.is_empty() {
        method.name.into()
    } else {
        format!("{}@{}", method.name, parts.join(","))
    }
}

/// A value as names have it: texts without quotes, numbers as short as they are exact.
fn said(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Float(number) => {
            let text = format!("{number:?}");
            text.strip_suffix(".0").map_or(text.clone(), String::from)
        }
        other => other.to_string(),
    }
}

/// A suite's settings of transfers with other values.
fn apply(suite: &Suite, chosen: &[Assignment], origin: &str) -> Result<Transfer, ManifestError> {
    if chosen.is_empty() {
        return Ok(suite.transfer.clone());
    }
    let wrong = |error: toml::de::Error| ManifestError::Parse {
        origin: origin.into(),
        message: error.message().into(),
        near: crate::suite::definition::misspelt(error.message()),
    };
    let mut table = as_table(&suite.transfer, origin)?;
    for (key, value) in chosen {
        put(&mut table, key.strip_prefix(ROOT).unwrap_or(key), value);
    }
    completed(table.try_into().map_err(wrong)?, origin)
}

/// Sets the value at a dotted key. What stands in its way is replaced: the settings then refuse the key.
fn put(table: &mut Table, key: &str, value: &Value) {
    match key.split_once('.') {
        None => drop(table.insert(key.into(), value.clone())),
        Some((first, rest)) => {
            let inner = table
                .entry(first)
                .or_insert_with(|| Value::Table(Table::new()));
            if !inner.is_table() {
                *inner = Value::Table(Table::new());
            }
            if let Value::Table(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

/// The value at a key of a grid.
fn at<'a>(table: &'a Table, key: &str) -> Option<&'a Value> {
    let mut parts = key.strip_prefix(ROOT)?.split('.');
    let first = table.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.as_table()?.get(part))
}

fn as_table(transfer: &Transfer, origin: &str) -> Result<Table, ManifestError> {
    Table::try_from(transfer).map_err(|error| ManifestError::Parse {
        origin: origin.into(),
        message: error.to_string(),
        near: None,
    })
}

/// The known key most like an unknown one, which may lack the root that all have.
fn near(key: &str, table: &Table) -> Option<String> {
    let mut leaves = Vec::new();
    of_leaves("", table, &mut leaves);
    let short = key.strip_prefix(ROOT).unwrap_or(key);
    let found = nearest(short, leaves.iter().map(String::as_str))?;
    Some(format!("{ROOT}{found}"))
}

/// The dotted keys of all values of a table.
fn of_leaves(path: &str, table: &Table, leaves: &mut Vec<String>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => of_leaves(&format!("{path}{key}."), inner, leaves),
            _ => leaves.push(format!("{path}{key}")),
        }
    }
}

#[cfg(test)]
#[path = "variants_tests.rs"]
mod tests;

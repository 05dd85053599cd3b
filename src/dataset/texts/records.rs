//! Texts in a column of a table, or in JSON: strings, or objects with a key.

use super::{Record, malformed, some};
use crate::dataset::DatasetError;
use crate::dataset::table::Table;
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;

type Read = Result<(Vec<String>, Vec<String>), DatasetError>;

/// The column of a table.
pub(super) fn table(path: &Path, bytes: &[u8], column: Option<&str>) -> Read {
    let table = Table::parse(path, bytes)?;
    let names = table.columns();
    let (column, told) = match (column, names.as_slice()) {
        (Some(column), _) => (column, Vec::new()),
        (None, [one]) => (*one, told(path, "column", one)),
        (None, several) => return Err(choose(path, "columns", several)),
    };
    let row = |row| {
        let text: String = table.get(row, column)?;
        some(path, format!("row {}, column {column:?}", row + 1), &text)
    };
    let texts = (0..table.rows.len()).map(row);
    Ok((texts.collect::<Result<_, _>>()?, told))
}

/// A JSON value a line.
pub(super) fn json_lines(path: &Path, text: &str, column: Option<&str>) -> Read {
    let value = |(at, line): (usize, &str)| {
        let place = format!("line {}", at + 1);
        some(path, &*place, line)?;
        let value = serde_json::from_str(line).map_err(|e| {
            malformed(
                path,
                &*place,
                "a string or an object of JSON",
                e.to_string(),
            )
        })?;
        Ok((place, value))
    };
    let values = text.trim_end().lines().enumerate().map(value);
    texts(path, values.collect::<Result<_, _>>()?, column)
}

/// The objects of a list or of lines, by the keys of names, of texts, and perhaps of parts.
pub(super) fn objects(
    path: &Path,
    text: &str,
    [name, of_text]: [&str; 2],
    of_part: Option<&str>,
) -> Result<Vec<Record>, DatasetError> {
    let mut values = Vec::new();
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(Value::Array(all)) => values.extend(all),
            Ok(value) => values.push(value),
            Err(e) => {
                return Err(malformed(
                    path,
                    "JSON",
                    "a list or a value a line",
                    e.to_string(),
                ));
            }
        }
    }
    let record = |(at, value): (usize, Value)| {
        let place = format!("entry {}", at + 1);
        let wrong = |key: &str, found: &str| {
            let expected = format!("an object with a text under {key:?}");
            malformed(path, &*place, expected, found)
        };
        let Value::Object(object) = &value else {
            return Err(wrong(name, kind(&value)));
        };
        let found = |key: &str| object.get(key).ok_or_else(|| wrong(key, "no such key"));
        let Value::String(own) = found(name)? else {
            return Err(wrong(name, kind(found(name)?)));
        };
        let texts = match found(of_text)? {
            Value::String(text) => vec![some(path, &*place, text)?],
            Value::Array(all) if !all.is_empty() => {
                let one = |value: &Value| match value {
                    Value::String(text) => some(path, &*place, text),
                    other => Err(wrong(of_text, kind(other))),
                };
                all.iter().map(one).collect::<Result<_, _>>()?
            }
            other => return Err(wrong(of_text, kind(other))),
        };
        let part = match of_part {
            Some(key) => match found(key)? {
                Value::String(part) => Some(some(path, &*place, part)?),
                other => return Err(wrong(key, kind(other))),
            },
            None => None,
        };
        let name = some(path, &*place, own)?;
        Ok(Record { name, texts, part })
    };
    let records: Vec<Record> = values
        .into_iter()
        .enumerate()
        .map(record)
        .collect::<Result<_, _>>()?;
    if records.is_empty() {
        return Err(malformed(path, "texts", "at least one", "none"));
    }
    Ok(records)
}

/// The keys that some object of a list or of lines has, those of the first before the others.
pub(super) fn keys(path: &Path, text: &str) -> Result<Vec<String>, DatasetError> {
    let mut all: Vec<String> = Vec::new();
    let mut known = HashSet::new();
    let mut take = |value: &Value| {
        for key in value
            .as_object()
            .into_iter()
            .flat_map(|object| object.keys())
        {
            if known.insert(key.clone()) {
                all.push(key.clone());
            }
        }
    };
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        match value {
            Ok(Value::Array(values)) => values.iter().for_each(&mut take),
            Ok(value) => take(&value),
            Err(e) => {
                let expected = "a list or a value a line";
                return Err(malformed(path, "JSON", expected, e.to_string()));
            }
        }
    }
    Ok(all)
}

/// A list in JSON.
pub(super) fn json(path: &Path, bytes: &[u8], column: Option<&str>) -> Read {
    let expected = "a list of strings or of objects";
    let wrong = |found: String| malformed(path, "JSON", expected, found);
    match serde_json::from_slice(bytes) {
        Ok(Value::Array(values)) => {
            let place = |(at, value)| (format!("entry {}", at + 1), value);
            texts(
                path,
                values.into_iter().enumerate().map(place).collect(),
                column,
            )
        }
        Ok(_) => Err(wrong("another value".into())),
        Err(e) => Err(wrong(e.to_string())),
    }
}

/// The texts of values, each with its place.
fn texts(path: &Path, values: Vec<(String, Value)>, column: Option<&str>) -> Read {
    let (mut all, mut said) = (Vec::with_capacity(values.len()), Vec::new());
    let mut key: Option<String> = column.map(str::to_owned);
    for (place, value) in values {
        let object = match value {
            Value::String(text) => {
                if let Some(key) = &key {
                    let expected = format!("an object with {key:?}");
                    return Err(malformed(path, place, expected, "a string"));
                }
                all.push(some(path, place, &text)?);
                continue;
            }
            Value::Object(object) => object,
            other => {
                let found = kind(&other);
                return Err(malformed(path, place, "a string or an object", found));
            }
        };
        let name = match &key {
            Some(name) => name.clone(),
            None if !all.is_empty() => {
                return Err(malformed(path, place, "a string, as before", "an object"));
            }
            None => {
                let strings = object.iter().filter(|(_, value)| value.is_string());
                let names: Vec<&str> = strings.map(|(name, _)| name.as_str()).collect();
                let [one] = names.as_slice() else {
                    return Err(choose(path, "keys with a string", &names));
                };
                said = told(path, "key", one);
                key.insert((*one).to_owned()).clone()
            }
        };
        let text = match object.get(&name) {
            Some(Value::String(text)) => text,
            other => {
                let found = other.map_or("no such key", kind);
                let expected = format!("a string under {name:?}");
                return Err(malformed(path, place, expected, found));
            }
        };
        all.push(some(path, place, text)?);
    }
    Ok((all, said))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

fn told(path: &Path, what: &str, name: &str) -> Vec<String> {
    vec![format!(
        "{}: texts are those of {what} {name:?}, the only one that can be meant",
        path.display()
    )]
}

/// Several that can be meant, or none.
fn choose(path: &Path, what: &str, names: &[&str]) -> DatasetError {
    let found = match names {
        [] => "none".to_owned(),
        some => some.join(", "),
    };
    malformed(
        path,
        what,
        "the name of the one that holds the texts",
        found,
    )
}

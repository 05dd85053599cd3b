//! The keys of a `config.json`, in the forms that people's tools write them: whole numbers as
//! `4.0`, one number for the equal sides of a square or a list of both, null for the default, 0 and
//! 1 for truth values. What is none of these is refused by the key's name.

use super::ModelError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The keys of one configuration.
pub struct Keys<'v> {
    map: &'v Map<String, Value>,
}

/// A JSON value for a message, cut where it is long.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A whole number that is written as one, or as a float without a fraction.
fn whole(value: &Value) -> Option<usize> {
    if let Some(n) = value.as_u64() {
        return usize::try_from(n).ok();
    }
    let float = value.as_f64()?;
    let fits = float.fract() == 0.0 && (0.0..9e15).contains(&float);
    fits.then_some(float as usize)
}

/// The text of a scalar, or of whatever else stands there.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

impl<'v> Keys<'v> {
    /// The keys of an object.
    pub fn new(map: &'v Map<String, Value>) -> Self {
        Self { map }
    }

    fn get(&self, key: &str) -> Option<&'v Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn read<T>(
        &self,
        key: &str,
        default: T,
        expected: &str,
        read: impl Fn(&'v Value) -> Option<T>,
    ) -> Result<T, ModelError> {
        let Some(value) = self.get(key) else {
            return Ok(default);
        };
        read(value).ok_or_else(|| ModelError::Config {
            what: key.into(),
            expected: expected.into(),
            found: shown(value),
        })
    }

    /// Whether the key is there and not null.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// A whole number.
    pub fn count(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.read(key, default, "a whole number", whole)
    }

    /// A whole number, or a list of equal ones for the sides of a square; `of` leads the way where
    /// a list has channels before them.
    pub fn side(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.read(key, default, "a whole number, or two equal ones", square)
    }

    /// A whole number, or a list of it alone.
    pub fn single(&self, key: &str, default: usize) -> Result<usize, ModelError> {
        self.read(key, default, "a whole number", |value| {
            match value.as_array().map(Vec::as_slice) {
                Some([only]) => whole(only),
                Some([first, rest @ ..]) if rest.iter().all(|v| whole(v) == whole(first)) => {
                    whole(first)
                }
                Some(_) => None,
                None => whole(value),
            }
        })
    }

    /// Whole numbers, one a stage.
    pub fn counts(&self, key: &str, default: &[usize]) -> Result<Vec<usize>, ModelError> {
        let list = |value: &Value| value.as_array()?.iter().map(whole).collect();
        self.read(key, default.to_vec(), "a list of whole numbers", list)
    }

    /// A number.
    pub fn number(&self, key: &str, default: f64) -> Result<f64, ModelError> {
        self.read(key, default, "a number", Value::as_f64)
    }

    /// A truth value, also as 0 or 1.
    pub fn truth(&self, key: &str, default: bool) -> Result<bool, ModelError> {
        self.read(key, default, "true or false", |value| {
            match (value.as_bool(), value.as_f64()) {
                (Some(truth), _) => Some(truth),
                (_, Some(0.0)) => Some(false),
                (_, Some(1.0)) => Some(true),
                _ => None,
            }
        })
    }

    /// A text.
    pub fn text(&self, key: &str, default: &str) -> Result<String, ModelError> {
        let text = |value: &Value| value.as_str().map(str::to_string);
        self.read(key, default.into(), "a text", text)
    }

    /// A text, or the first of a list of them; `None` for anything else.
    pub fn first(&self, key: &str) -> Option<String> {
        let value = self.get(key)?;
        let first = value.as_array().map_or(Some(value), |all| all.first())?;
        first.as_str().map(String::from)
    }

    /// The activation. Only the exact GELU is computed; `gelu_python` is another way to write it.
    pub fn gelu(&self, key: &str) -> Result<String, ModelError> {
        match self.text(key, "gelu")?.as_str() {
            "gelu" | "gelu_python" => Ok("gelu".into()),
            other => Err(ModelError::Config {
                what: key.into(),
                expected: "\"gelu\" or \"gelu_python\", the exact GELU".into(),
                found: format!("{other:?}"),
            }),
        }
    }

    /// Class names by index: an object from index to name, or a list. Names are taken as text
    /// whatever they are; they count for nothing but words.
    pub fn labels(&self, key: &str) -> BTreeMap<usize, String> {
        self.get(key).map(labels).unwrap_or_default()
    }
}

/// The side of a square: a number, or a list of equal ones.
pub(in crate::model) fn square(value: &Value) -> Option<usize> {
    match value.as_array().map(Vec::as_slice) {
        None => whole(value),
        Some([only]) => whole(only),
        Some([height, width]) if whole(height) == whole(width) => whole(height),
        Some(_) => None,
    }
}

/// Class names by index, from an object or a list.
pub(in crate::model) fn labels(names: &Value) -> BTreeMap<usize, String> {
    match names {
        Value::Array(list) => {
            let numbered = list.iter().enumerate();
            numbered.filter_map(|(i, v)| Some((i, text(v)?))).collect()
        }
        Value::Object(map) => {
            let parsed = map.iter();
            parsed
                .filter_map(|(i, v)| Some((i.trim().parse().ok()?, text(v)?)))
                .collect()
        }
        _ => BTreeMap::new(),
    }
}

/// The object that a JSON text holds. A byte order mark is passed over, and Python's `NaN` and
/// `Infinity`, which are no JSON, count as null.
///
/// # Errors
/// What is wrong with the text, and where.
pub(in crate::model) fn object(text: &str) -> Result<Map<String, Value>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let parsed = serde_json::from_str(text).or_else(|e| {
        let plain = without_nan(text);
        if plain == text {
            Err(e)
        } else {
            serde_json::from_str(&plain)
        }
    });
    match parsed {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Array(_)) => Err("a list".into()),
        Ok(other) => Err(shown(&other)),
        Err(e) if e.is_eof() => Err(format!(
            "a text that ends too early, in line {}",
            e.line().max(1)
        )),
        Err(e) => Err(format!(
            "no JSON at line {}, column {}",
            e.line(),
            e.column()
        )),
    }
}

/// Replaces Python's words for what is no number, outside of texts, by null.
fn without_nan(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut quoted, mut rest) = (false, text);
    while let Some(letter) = rest.chars().next() {
        let word = ["-Infinity", "Infinity", "NaN"]
            .into_iter()
            .find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            out.push_str("null");
            rest = &rest[word.len()..];
            continue;
        }
        let mut taken = letter.len_utf8();
        if quoted && letter == '\\' {
            taken += rest[taken..].chars().next().map_or(0, char::len_utf8);
        } else if letter == '"' {
            quoted = !quoted;
        }
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn every_spelling_of_a_value_is_read() {
        let map = map(json!({
            "a": 4.0, "b": [7, 7], "c": [7], "d": null, "e": 1, "f": 0.0, "g": [2.0, 2],
            "labels": {"0": 5, "1": "x", "2": null, "3": [1], "4": true, "x": "y"},
        }));
        let keys = Keys::new(&map);
        assert_eq!(keys.count("a", 0).unwrap(), 4);
        assert_eq!(keys.side("b", 0).unwrap(), 7);
        assert_eq!(keys.side("c", 0).unwrap(), 7);
        assert_eq!(keys.count("d", 9).unwrap(), 9);
        assert_eq!(keys.number("e", 0.0).unwrap(), 1.0);
        assert!(keys.truth("e", false).unwrap());
        assert!(!keys.truth("f", true).unwrap());
        assert_eq!(keys.counts("g", &[]).unwrap(), [2, 2]);
        let labels = keys.labels("labels");
        let named = [(0, "5"), (1, "x"), (3, "[1]"), (4, "true")];
        assert!(labels.iter().map(|(i, l)| (*i, l.as_str())).eq(named));
        assert_eq!(super::labels(&json!(["a", 1]))[&1], "1");
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_key() {
        let map = map(json!({
            "half": 4.5, "negative": -1, "sides": [4, 8], "word": "four", "act": "gelu_new",
            "three": [3, 3, 3], "list": [1, "2"],
        }));
        let keys = Keys::new(&map);
        let errors = [
            keys.count("half", 0).map(drop),
            keys.count("negative", 0).map(drop),
            keys.side("sides", 0).map(drop),
            keys.side("three", 0).map(drop),
            keys.number("word", 0.0).map(drop),
            keys.truth("word", true).map(drop),
            keys.counts("list", &[]).map(drop),
            keys.counts("half", &[]).map(drop),
            keys.text("half", "").map(drop),
            keys.gelu("act").map(drop),
        ];
        let names = [
            "half", "negative", "sides", "three", "word", "word", "list", "half", "half", "act",
        ];
        for (error, name) in errors.into_iter().zip(names) {
            let said = error.unwrap_err().to_string();
            assert!(said.starts_with(&format!("{name}: expected")), "{said}");
            assert!(!said.contains("usize") && !said.contains("invalid type"));
        }
    }

    #[test]
    fn pythons_json_is_read_and_other_texts_are_told_apart() {
        let read = |text: &str| object(text).map(|map| Value::Object(map).to_string());
        assert_eq!(read("\u{feff}{\"a\": 1}").unwrap(), r#"{"a":1}"#);
        assert_eq!(
            read(r#"{"a": NaN, "NaN": "x\" NaN", "b": [-Infinity, Infinity]}"#).unwrap(),
            r#"{"NaN":"x\" NaN","a":null,"b":[null,null]}"#
        );
        assert_eq!(read("[1]").unwrap_err(), "a list");
        assert!(read("{\"a\": 1").unwrap_err().contains("ends too early"));
        assert!(read("").unwrap_err().contains("ends too early"));
        assert!(read("{a: 1}").unwrap_err().contains("line 1, column 2"));
    }
}

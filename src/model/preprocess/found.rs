//! What was found on how pictures are prepared, and the values of its JSON, checked.

use crate::model::ModelError;
use crate::suite::preprocess::Preprocess;
use serde_json::Value;
use std::path::Path;

/// How a model's pictures are prepared.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What is done.
    pub how: Preprocess,
    /// What a reader must know of it.
    pub notes: Vec<String>,
}

impl Found {
    /// Adds what is worth telling.
    pub(super) fn checked(mut self, side: usize) -> Self {
        if let Some(size) = self.how.fixed_size().filter(|size| *size != [side; 2]) {
            self.notes.push(format!(
                "pictures enter with {} × {}; the model was made for {side} × {side}",
                size[0], size[1]
            ));
        }
        self
    }
}

pub(super) fn wrong(
    path: &Path,
    what: &str,
    expected: impl ToString,
    found: impl std::fmt::Display,
) -> ModelError {
    ModelError::Malformed {
        path: path.into(),
        what: what.into(),
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

/// Largest side of a picture that a model is given.
const MOST_SIDE: u64 = 8192;

/// A side in pixels.
pub(super) fn pixels(path: &Path, key: &str, value: &Value) -> Result<usize, ModelError> {
    let whole = value.as_u64().or_else(|| {
        value
            .as_f64()
            .filter(|v| v.fract() == 0.0)
            .map(|v| v as u64)
    });
    match whole {
        Some(side @ 1..=MOST_SIDE) => Ok(side as usize),
        _ => {
            let expected = format!("a whole number of 1 to {MOST_SIDE} pixels");
            Err(wrong(path, key, expected, value))
        }
    }
}

/// One number, or a list of them.
pub(super) fn numbers(path: &Path, key: &str, value: &Value) -> Result<Vec<f32>, ModelError> {
    let list = match value {
        Value::Array(all) if !all.is_empty() && all.len() <= 65_536 => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let all: Option<Vec<f32>> = list.iter().map(|v| v.as_f64().map(|v| v as f32)).collect();
    all.ok_or_else(|| wrong(path, key, "a number or a list of numbers", value))
}

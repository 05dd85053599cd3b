//! Numbers in JSON that come back as the very bits that were written.
//!
//! serde_json's reader may miss the last bit of a number. A transfer that goes on from a checkpoint
//! must end in the same bits as one that was never interrupted, its records included, so there
//! fractions are written as text, which the standard library reads exactly. Plain numbers, as older
//! checkpoints have them, are read too. For use as `#[serde(with = "exact")]`.

use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Writes `value` with every fraction as text.
pub fn serialize<T: Serialize, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut tree = serde_json::to_value(value).map_err(S::Error::custom)?;
    walk(&mut tree, &|leaf| {
        if let Value::Number(number) = leaf
            && let (true, Some(fraction)) = (number.is_f64(), number.as_f64())
        {
            *leaf = Value::String(fraction.to_string());
        }
    });
    tree.serialize(serializer)
}

/// Reads what [`serialize`] wrote; `T` may have numbers, but no text of its own.
pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let mut tree = Value::deserialize(deserializer)?;
    walk(&mut tree, &|leaf| {
        if let Value::String(text) = leaf
            && let Ok(fraction) = text.parse::<f64>()
        {
            *leaf = fraction.into();
        }
    });
    serde_json::from_value(tree).map_err(D::Error::custom)
}

/// Hands every value that holds no others to `change`.
fn walk(tree: &mut Value, change: &dyn Fn(&mut Value)) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, change)),
        Value::Object(fields) => fields.values_mut().for_each(|field| walk(field, change)),
        leaf => change(leaf),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Kept {
        #[serde(with = "super")]
        course: Vec<(usize, f64, Option<f64>)>,
    }

    #[test]
    fn every_bit_comes_back() {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        let course = (0..10_000)
            .map(|i| (i, rng.random::<f64>() / 3.0, (i % 2 == 0).then_some(1e-300)))
            .collect();
        let kept = Kept { course };
        let text = serde_json::to_vec(&kept).unwrap();
        assert_eq!(serde_json::from_slice::<Kept>(&text).unwrap(), kept);
    }

    #[test]
    fn plain_numbers_are_read_and_words_refused() {
        let old = r#"{"course": [[1, 0.5, null]]}"#;
        let course = vec![(1, 0.5, None)];
        assert_eq!(serde_json::from_str::<Kept>(old).unwrap(), Kept { course });
        assert!(serde_json::from_str::<Kept>(r#"{"course": [[1, "x", null]]}"#).is_err());
    }
}

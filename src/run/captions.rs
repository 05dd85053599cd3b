//! The captions of a set as token ids, part by part: of a target for its transfers, of a source for its pretraining.

use super::error::RunError;
use crate::dataset::texts::cleaned;
use crate::dataset::{Dataset, Splits, TargetShape};
use crate::model::ModelError;
use crate::model::tokenizer::Encoded;
use crate::transfer::towers::Captioned;
use std::sync::Arc;

/// What is done to a caption before it is tokenised; `clean` as HarMA's released code does.
pub fn cleaning(clean: bool) -> fn(&str) -> String {
    if clean {
        cleaned
    } else {
        |text| text.to_owned()
    }
}

/// Training, validation and test part of the set called `name`, whose captions `tokenise` encodes; what is to be told of them
/// is added to `notes`.
///
/// # Errors
/// A set without captions, a part without a caption, and what `tokenise` refuses.
pub fn parts(
    name: &str,
    data: &Splits,
    clean: bool,
    tokenise: impl Fn(&[String]) -> Result<Encoded, ModelError>,
    notes: &mut Vec<String>,
) -> Result<[Captioned; 3], RunError> {
    let found = data.train.target_shape();
    if found != TargetShape::Captions {
        return Err(RunError::Unfit {
            what: format!("targets of {name}"),
            expected: "captions, which two towers learn".into(),
            found: found.name().into(),
        });
    }
    let mut part = |part: &str, set: &Arc<dyn Dataset>| {
        let found = Captioned::new(set.clone(), cleaning(clean), |texts| {
            let encoded = tokenise(texts)?;
            let told = encoded.told().into_iter();
            notes.extend(told.map(|told| format!("{name}, {part} part: {told}")));
            Ok::<_, RunError>(encoded.ids)
        })?;
        if found.owner.is_empty() {
            return Err(RunError::Unfit {
                what: format!("{part} part of {name}"),
                expected: "a picture with a caption at least".into(),
                found: "none".into(),
            });
        }
        Ok(found)
    };
    Ok([
        part("training", &data.train)?,
        part("validation", &data.valid)?,
        part("test", &data.test)?,
    ])
}

//! Transferability scores of a target, by their descriptors.

use super::values::{Measured, Values};
use super::{Fault, defined};
use crate::measure::transferability::{Input, Need, Score};
use crate::table::legacy;

/// Why no score says anything of a target that the source model cannot take.
const ANOTHER_ENCODER: &str = "its encoder is not the source model's";

/// Scores of a target, of whose samples `samples` were measured; `lacks` says what target and source model do
/// not have, and how to say so.
///
/// # Errors
/// [`Fault`] for a score that fails for another reason than that it is not defined on this input.
pub fn score<'m>(
    scores: impl IntoIterator<Item = &'m Score>,
    input: &Input<'_>,
    samples: usize,
    lacks: &[(Need, String)],
) -> Result<Values, Fault> {
    let mut all = Values::default();
    for score in scores {
        let lacking = lacks.iter().find(|(need, _)| score.needs.contains(need));
        let found = match lacking {
            Some((_, why)) => Err(why.clone()),
            None => defined(score.about.title, (score.value)(input))?,
        };
        let measured = match found {
            Ok(found) => Measured {
                value: Some(found.value),
                interval: None,
                samples: found.samples.map_or(samples, |[_, target]| target),
                note: legacy::otdd_note(
                    found.samples.map(|[source, _]| source as u64),
                    found.converged != Some(false),
                ),
            },
            Err(why) => absent(why, samples),
        };
        all.insert(&score.about, measured);
    }
    Ok(all)
}

/// Scores of a target whose samples do not enter the source model: none has a value.
pub fn of_another_encoder<'m>(scores: impl IntoIterator<Item = &'m Score>) -> Values {
    let mut all = Values::default();
    for score in scores {
        all.insert(&score.about, absent(ANOTHER_ENCODER.into(), 0));
    }
    all
}

fn absent(why: String, samples: usize) -> Measured {
    Measured {
        value: None,
        interval: None,
        samples,
        note: Some(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::transferability::ALL;

    #[test]
    fn a_score_without_what_it_needs_says_so() {
        let lacks = [(Need::Labels, "the target has labels".to_owned())];
        let found = score(ALL, &Input::default(), 7, &lacks).expect("no fault");
        for score in ALL {
            let own = found.get(&score.about).expect("measured");
            assert!(own.value.is_none() && own.samples == 7);
            let lacking = own.note.as_deref() == Some("the target has labels");
            assert_eq!(lacking, score.needs.contains(&Need::Labels));
        }
    }
}

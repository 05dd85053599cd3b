//! Previews: samples picked to be displayed: as many of every class, spread over the set, with a name each;
//! of fields each beside its target, of captions each under its first.

use super::{Dataset, DatasetError, Display, TargetShape, labels};
use crate::strata::by_class;

/// A sample to display.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Which sample of the set.
    pub index: usize,
    /// Its class, its labels, its first caption, or its number.
    pub name: String,
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// Its numbers, row-major.
    pub values: Vec<f32>,
    /// How it is displayed.
    pub display: Display,
}

/// At most `count` samples: as many of every class, spread over the set, since neighbours are often
/// cut from one recording.
pub fn chosen(set: &dyn Dataset, count: usize) -> Vec<usize> {
    if set.target_shape() != TargetShape::Class {
        let count = match set.target_shape() {
            TargetShape::Field(_) => count / 2,
            _ => count,
        };
        let step = (set.len() / count.max(1)).max(1);
        return (0..set.len()).step_by(step).take(count).collect();
    }
    let classes = set.classes().len().max(1);
    let each = (count / classes.min(count.max(1))).max(1);
    let spread = |own: Vec<usize>| {
        let step = (own.len() / each).max(1);
        own.into_iter().step_by(step).take(each)
    };
    let classes = by_class(&labels(set)).into_iter();
    classes.flat_map(spread).take(count).collect()
}

/// Reads samples by index; a field is followed by its target.
pub fn previews(
    set: &dyn Dataset,
    indices: &[usize],
    display: Display,
) -> Result<Vec<Preview>, DatasetError> {
    let shape = set.shape();
    let mut found = Vec::with_capacity(indices.len());
    for &index in indices {
        let mut values = vec![0.0; shape.iter().product()];
        set.read(index, &mut values)?;
        let name = match set.target_shape() {
            TargetShape::Class => set.classes()[set.label(index)].clone(),
            TargetShape::MultiHot => {
                let mut targets = vec![0.0; set.classes().len()];
                set.read_target(index, &mut targets)?;
                let positive = set
                    .classes()
                    .iter()
                    .zip(&targets)
                    .filter(|(_, k)| **k > 0.5);
                let names: Vec<&str> = positive.map(|(name, _)| name.as_str()).collect();
                names.join(", ")
            }
            TargetShape::Field(_) => format!("{index}"),
            TargetShape::Captions => set.captions(index).first().cloned().unwrap_or_default(),
        };
        found.push(Preview {
            index,
            name,
            shape,
            values,
            display,
        });
        if let TargetShape::Field(target) = set.target_shape() {
            let mut values = vec![0.0; target.iter().product()];
            set.read_target(index, &mut values)?;
            found.push(Preview {
                index,
                name: format!("{index} → target"),
                shape: target,
                values,
                display: Display::of_field(target),
            });
        }
    }
    Ok(found)
}

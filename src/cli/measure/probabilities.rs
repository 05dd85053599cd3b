//! The two inputs of `modalign discrepancy`: what the source says of the samples, as probabilities or (with
//! `--softmax`) logits, in any features file; and what the target says of them: one class each, several, or a
//! distribution. Classes that do not occur take no part, whatever their numbers.

use crate::cli::args::DiscrepancyArgs;
use crate::cli::error::CliError;
use crate::cli::words::tell;
use crate::feature::FeatureError;
use crate::feature::file::{Choice, Contents, Keep, Matrix, array, sorted_order};
use crate::measure::discrepancy::{Sums, Target, softmax, stream};
use ndarray::Array2;
use std::path::Path;

/// What the source's file is called in errors.
pub const SOURCE: &str = "source probabilities";

/// Labels may be numbers up to this: the assignment in the JSON is as long.
const MOST_LABELS: usize = 100_000;

/// What the source says, read whole, and the target labels that stood beside it.
pub struct Source {
    /// Probabilities `[N, Ks]`.
    pub matrix: Matrix,
    /// Class of each sample, and names by position, if there are any.
    pub labels: Option<(Vec<usize>, Option<Vec<String>>)>,
}

/// Reads a file that is no `.npy` of probabilities.
pub fn whole(args: &DiscrepancyArgs) -> Result<Source, CliError> {
    let path = args.source_probs.as_path();
    if array::is_npy(path) {
        let matrix = Matrix::Double(array::matrix(path, SOURCE)?, None);
        return Ok(Source {
            matrix: softmax_if(args.softmax, matrix),
            labels: None,
        });
    }
    let known: &'static [&'static str] = if args.softmax {
        &["logits"]
    } else {
        &["probs", "probabilities"]
    };
    let choice = Choice {
        known,
        labels_elsewhere: args.target_labels.is_some() || args.target_probs.is_some(),
        ..args.columns.choice()
    };
    let contents = Contents::choose(path, &choice, Keep::Wide)?;
    let shown = path.display().to_string();
    let elsewhere = choice.labels_elsewhere;
    let of_labels = |told: &str| told.starts_with("labels are text");
    let told = contents.told().into_iter();
    for told in told.filter(|told| !(elsewhere && of_labels(told))) {
        tell(&shown, &told);
    }
    let names = contents.class_names().map(<[String]>::to_vec);
    let labels = contents.labels().map(|labels| (labels.to_vec(), names));
    if labels.is_none() && !elsewhere {
        return Err(contents.no_labels().into());
    }
    Ok(Source {
        matrix: softmax_if(args.softmax, contents.into_matrix()),
        labels,
    })
}

/// The softmax of each row where that is wanted.
pub(super) fn softmax_if(wanted: bool, matrix: Matrix) -> Matrix {
    if !wanted {
        return matrix;
    }
    Matrix::Double(softmax(matrix.into_double()), None)
}

/// What a target file holds.
pub enum TargetFile {
    /// Classes that occur, numbered without a gap, and the label of each.
    Labels {
        labels: Vec<usize>,
        classes: Vec<usize>,
        names: Option<Vec<String>>,
    },
    MultiHot(Array2<f32>),
    Conditionals(Array2<f32>),
}

impl TargetFile {
    /// As the measure takes it.
    pub fn target(&self) -> Target<'_> {
        match self {
            Self::Labels {
                labels, classes, ..
            } => Target::Labels {
                labels,
                classes: classes.len(),
            },
            Self::MultiHot(t) => Target::MultiHot(t.view()),
            Self::Conditionals(t) => Target::Conditionals(t.view()),
        }
    }

    /// The label of each class of [`TargetFile::target`].
    pub fn classes(&self) -> Vec<usize> {
        match self {
            Self::Labels { classes, .. } => classes.clone(),
            Self::MultiHot(t) | Self::Conditionals(t) => (0..t.ncols()).collect(),
        }
    }

    /// Names of labels by position, where the file has them.
    pub fn names(&self) -> Option<&[String]> {
        match self {
            Self::Labels { names, .. } => names.as_deref(),
            _ => None,
        }
    }
}

/// The target's file and what is in it; `rows` and `columns` are the source's.
pub fn given(
    args: &DiscrepancyArgs,
    beside: Option<(Vec<usize>, Option<Vec<String>>)>,
    (rows, columns): (usize, usize),
) -> Result<(&Path, TargetFile), CliError> {
    match (&args.target_labels, &args.target_probs) {
        (Some(path), _) => {
            if is_multi_hot(&array::shape(path, "labels")?, rows) {
                let hot = array::matrix(path, "labels")?.mapv(|v| v as f32);
                return Ok((path, TargetFile::MultiHot(hot)));
            }
            let (labels, names) = array::labels(path)?;
            if let Some(names) = &names {
                tell(&path.display().to_string(), &sorted_order(names));
            }
            Ok((path, by_occurrence(path, labels, names, columns)?))
        }
        (None, Some(path)) => {
            let what = "target probabilities";
            let probabilities = array::matrix(path, what)?;
            let checked = stream::check(what, probabilities.view(), 0, Sums::One);
            checked.map_err(CliError::of_measure(path))?;
            Ok((
                path,
                TargetFile::Conditionals(probabilities.mapv(|p| p as f32)),
            ))
        }
        (None, None) => match beside {
            Some((labels, names)) => {
                let path = args.source_probs.as_path();
                Ok((path, by_occurrence(path, labels, names, columns)?))
            }
            None => Err(CliError::Usage {
                what: "arguments".into(),
                expected:
                    "--target-labels or --target-probs, or labels in the file of --source-probs"
                        .into(),
                found: "neither".into(),
            }),
        },
    }
}

/// Whether labels of this shape are zeros and ones for several classes; a column `[N, 1]`, and a row `[1, N]`
/// of as many samples as the source has, are one class a sample.
fn is_multi_hot(shape: &[usize], rows: usize) -> bool {
    match *shape {
        [_, 1] => false,
        [1, n] => rows == 1 || n != rows,
        [_, _] => true,
        _ => false,
    }
}

/// Numbers the classes that occur without a gap; each must be able to have a source class of its own.
fn by_occurrence(
    path: &Path,
    labels: Vec<usize>,
    names: Option<Vec<String>>,
    source: usize,
) -> Result<TargetFile, CliError> {
    let mut classes = labels.clone();
    classes.sort_unstable();
    classes.dedup();
    let fault = |what: String, expected: String, found: String| {
        Err(FeatureError::malformed(path, what, expected, found).into())
    };
    if classes.len() > source {
        let expected = format!("at most {source} classes, as many as there are source classes");
        return fault(
            "labels".into(),
            expected,
            format!("{} that occur", classes.len()),
        );
    }
    let most = MOST_LABELS.max(source);
    if let Some(row) = labels.iter().position(|&label| label >= most) {
        let what = format!("labels, row {row}");
        return fault(
            what,
            format!("a class below {most}"),
            labels[row].to_string(),
        );
    }
    if let Some(names) = &names
        && let Some(row) = labels.iter().position(|&label| label >= names.len())
    {
        let expected = format!("a class below {}, the number of class_names", names.len());
        return fault(
            format!("labels, row {row}"),
            expected,
            labels[row].to_string(),
        );
    }
    let place = |label: &usize| classes.binary_search(label).expect("every label occurs");
    let labels = labels.iter().map(place).collect();
    Ok(TargetFile::Labels {
        labels,
        classes,
        names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_classes_by_occurrence() {
        let path = Path::new("y.npy");
        let of = |labels: &[usize], source| by_occurrence(path, labels.to_vec(), None, source);
        for (labels, dense, occurring) in [
            (&[1, 2, 5, 1][..], &[0, 1, 2, 0][..], &[1, 2, 5][..]),
            (&[4, 3, 2, 1], &[3, 2, 1, 0], &[1, 2, 3, 4]),
            (&[0, 1], &[0, 1], &[0, 1]),
            (&[90_000], &[0], &[90_000]),
        ] {
            let Ok(TargetFile::Labels {
                labels, classes, ..
            }) = of(labels, 4)
            else {
                panic!("{labels:?}")
            };
            assert_eq!((&labels[..], &classes[..]), (dense, occurring));
        }
        assert!(of(&[0, 1, 2], 2).is_err() && of(&[1 << 40], 4).is_err());
        let names = Some(vec!["a".to_owned(); 4]);
        assert!(
            by_occurrence(path, vec![1, 4], names, 9).is_err(),
            "4 has no name"
        );
    }

    #[test]
    fn a_column_is_never_several_classes() {
        assert!(!is_multi_hot(&[300, 1], 300) && !is_multi_hot(&[300], 300));
        assert!(!is_multi_hot(&[1, 300], 300) && !is_multi_hot(&[1, 1], 1));
        assert!(is_multi_hot(&[300, 2], 300) && is_multi_hot(&[1, 5], 1));
    }

    #[test]
    fn the_softmax_is_safe_from_large_logits() {
        let logits = ndarray::array![[1000.0, 1000.0], [f64::NEG_INFINITY, 3.0], [0.0, 2f64.ln()]];
        let found = softmax_if(true, Matrix::Double(logits, None)).into_double();
        let expected = [0.5, 0.5, 0.0, 1.0, 1.0 / 3.0, 2.0 / 3.0];
        let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        assert!(off.fold(0.0, f64::max) < 1e-15);
    }
}

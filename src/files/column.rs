//! One value a sample (labels, ids, groups), by one rule for every format: whole numbers of any width and
//! sign, truth values, whole floats, text and bytes; as `[N]` or with axes of length 1 beside, as a
//! column `[N, 1]` has; in `.npy` also as Python objects of these kinds, read without executing anything.
//!
//! As labels, whole numbers are classes and text is the names of classes, numbered in sorted order. As ids,
//! everything is its text (7 and 7.0 are "7"). As groups, equal values are one group, numbered by first
//! occurrence.

use std::collections::HashMap;

use super::pickle::{Pickle, Value};
use super::{Array, Fault, fault, npy};

/// Values as a file has them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Column {
    Whole(Vec<i128>),
    Float(Vec<f64>),
    Text(Vec<String>),
}

/// Labels as classes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Labels {
    /// Class of every sample.
    pub numbers: Vec<usize>,
    /// Names of the classes in sorted order, where the labels were text.
    pub names: Option<Vec<String>>,
}

impl Column {
    /// The values of a `.npy` file's bytes.
    pub fn of_npy(bytes: &[u8]) -> Result<Self, Fault> {
        match npy::object(bytes)? {
            Some(range) => {
                one_axis(&npy::shape(bytes)?)?;
                let pickle = Pickle::parse(&bytes[range])?;
                Self::of_objects(&pickle.root().items()?)
            }
            None => Self::of_array(&npy::parse(bytes)?),
        }
    }

    /// The values of an array.
    pub fn of_array(array: &Array<'_>) -> Result<Self, Fault> {
        one_axis(array.shape())?;
        let (element, data) = (array.layout().element, array.data());
        let width = element.width;
        if width == 0 {
            let count = array.shape().iter().product();
            return Ok(Self::Text(vec![String::new(); count]));
        }
        let values = data.chunks_exact(width);
        Ok(if element.is_float() {
            Self::Float(values.map(|b| element.double(b)).collect())
        } else if element.is_number() {
            Self::Whole(values.map(|b| element.whole(b)).collect())
        } else {
            Self::Text(values.map(|b| element.text(b)).collect())
        })
    }

    /// The values of Python objects, all of one kind.
    fn of_objects(items: &[Value<'_, '_>]) -> Result<Self, Fault> {
        let expected = "an array of texts or of whole numbers (.astype(str) makes one)";
        let texts: Result<Vec<String>, Fault> = items.iter().map(|item| item.text()).collect();
        if let Ok(texts) = texts {
            return Ok(Self::Text(texts));
        }
        let whole = items.iter().map(|item| item.integer().map(i128::from));
        if let Ok(whole) = whole.collect() {
            return Ok(Self::Whole(whole));
        }
        let floats: Result<Vec<f64>, Fault> = items.iter().map(|item| item.number()).collect();
        if let Ok(floats) = floats {
            return Ok(Self::Float(floats));
        }
        let kind = |text: bool| items.iter().position(|item| item.text().is_ok() == text);
        let found = match (kind(true), kind(false)) {
            (Some(_), Some(other)) => format!("text, but not in row {other}"),
            _ => "Python objects of other kinds".into(),
        };
        fault("element type", expected, found)
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::Whole(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Text(values) => values.len(),
        }
    }

    /// Appends values of the same kind; those of another kind are refused.
    pub fn append(&mut self, other: Self) -> Result<(), &'static str> {
        match (self, other) {
            (Self::Whole(all), Self::Whole(more)) => all.extend(more),
            (Self::Float(all), Self::Float(more)) => all.extend(more),
            (Self::Text(all), Self::Text(more)) => all.extend(more),
            _ => return Err("values of several kinds"),
        }
        Ok(())
    }

    /// The values as classes; `names` are the file's class names, by position.
    pub fn labels(self, names: Option<&[String]>) -> Result<Labels, Fault> {
        let wrong = |row: usize, expected: &str, found: String| {
            Fault::new(format!("labels, row {row}"), expected, found)
        };
        match self {
            Self::Whole(values) => {
                let class = |(row, value): (usize, i128)| {
                    usize::try_from(value)
                        .map_err(|_| wrong(row, "a class, from 0", value.to_string()))
                };
                let numbers = values.into_iter().enumerate().map(class);
                Ok(Labels {
                    numbers: numbers.collect::<Result<_, _>>()?,
                    names: None,
                })
            }
            Self::Float(values) => {
                let class = |(row, value): (usize, f64)| match value {
                    v if v.is_nan() => Err(wrong(row, "a class", "NaN, no label".into())),
                    v if v < 0.0 || v.fract() != 0.0 || v >= 2f64.powi(53) => {
                        Err(wrong(row, "a class, a whole number from 0", v.to_string()))
                    }
                    v => Ok(v as usize),
                };
                let numbers = values.into_iter().enumerate().map(class);
                Ok(Labels {
                    numbers: numbers.collect::<Result<_, _>>()?,
                    names: None,
                })
            }
            Self::Text(values) => {
                if let Some(row) = values.iter().position(String::is_empty) {
                    return Err(wrong(row, "the name of a class", "an empty text".into()));
                }
                let mut sorted: Vec<&String> = values.iter().collect();
                sorted.sort_unstable();
                sorted.dedup();
                let sorted: Vec<String> = sorted.into_iter().cloned().collect();
                let order = names.unwrap_or(&sorted);
                let places: HashMap<&str, usize> = order
                    .iter()
                    .enumerate()
                    .rev()
                    .map(|(class, name)| (name.as_str(), class))
                    .collect();
                let class = |(row, name): (usize, &String)| {
                    places
                        .get(name.as_str())
                        .copied()
                        .ok_or_else(|| wrong(row, "one of the class_names", format!("{name:?}")))
                };
                let numbers = values.iter().enumerate().map(class);
                Ok(Labels {
                    numbers: numbers.collect::<Result<_, _>>()?,
                    names: names.is_none().then_some(sorted),
                })
            }
        }
    }

    /// The values as text; NaN is refused.
    pub fn texts(self, what: &str) -> Result<Vec<String>, Fault> {
        match self {
            Self::Whole(values) => Ok(values.iter().map(i128::to_string).collect()),
            Self::Text(values) => Ok(values),
            Self::Float(values) => {
                let text = |(row, value): (usize, &f64)| {
                    if value.is_nan() {
                        return fault(format!("{what}, row {row}"), "a value", "NaN");
                    }
                    Ok(value.to_string())
                };
                values.iter().enumerate().map(text).collect()
            }
        }
    }

    /// The values as groups, numbered by first occurrence.
    pub fn groups(self) -> Result<Vec<usize>, Fault> {
        let texts = self.texts("groups")?;
        let mut seen: HashMap<String, usize> = HashMap::new();
        let mut number = |text: String| {
            let next = seen.len();
            *seen.entry(text).or_insert(next)
        };
        Ok(texts.into_iter().map(&mut number).collect())
    }
}

/// Refuses a shape with more than one axis longer than 1; a single value needs an axis at least.
fn one_axis(shape: &[usize]) -> Result<(), Fault> {
    let long = shape.iter().filter(|&&side| side != 1).count();
    if long <= 1 && !shape.is_empty() {
        return Ok(());
    }
    let found = match shape {
        [] => "a single value".to_owned(),
        [_, classes] => format!("{shape:?}; of one-hot rows .argmax(1) are the {classes} classes"),
        _ => format!("{shape:?}"),
    };
    fault("shape", "[N], one value a sample", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(descr: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        [npy::header(descr, shape), bytes.to_vec()].concat()
    }

    fn labels(bytes: &[u8]) -> Result<Labels, String> {
        let column = Column::of_npy(bytes).map_err(|e| e.to_string())?;
        column.labels(None).map_err(|e| e.to_string())
    }

    #[test]
    fn labels_of_every_kind_are_the_same_classes() {
        let wide = |descr: &str, bytes: fn(u8) -> Vec<u8>| {
            array(descr, &[3], &[2u8, 0, 1].map(bytes).concat())
        };
        for bytes in [
            wide("|u1", |v| vec![v]),
            wide("|i1", |v| vec![v]),
            wide("<u2", |v| vec![v, 0]),
            wide(">u2", |v| vec![0, v]),
            wide("<i4", |v| i32::from(v).to_le_bytes().to_vec()),
            wide(">i8", |v| i64::from(v).to_be_bytes().to_vec()),
            wide("<u8", |v| u64::from(v).to_le_bytes().to_vec()),
            wide("<f2", |v| {
                half::f16::from_f32(v.into()).to_le_bytes().to_vec()
            }),
            wide("<f4", |v| f32::from(v).to_le_bytes().to_vec()),
            wide(">f8", |v| f64::from(v).to_be_bytes().to_vec()),
            array("|u1", &[3, 1], &[2, 0, 1]),
            array("|u1", &[1, 3], &[2, 0, 1]),
        ] {
            let found = labels(&bytes).expect("labels");
            assert_eq!((found.numbers, found.names), (vec![2, 0, 1], None));
        }
        let found = labels(&array("|b1", &[2], &[1, 0])).expect("truth values");
        assert_eq!(found.numbers, [1, 0]);
        let names = ["wasp", "ant", "bee"].map(String::from);
        let bytes = array("|S4", &[3], b"waspant\0bee\0");
        for bytes in [npy::strings(&names), bytes] {
            let found = labels(&bytes).expect("text");
            assert_eq!(found.numbers, [2, 0, 1]);
            assert_eq!(found.names.expect("names"), ["ant", "bee", "wasp"]);
        }
    }

    #[test]
    fn what_is_no_class_is_refused_with_its_row() {
        let doubles = |values: [f64; 3]| array("<f8", &[3], &values.map(f64::to_le_bytes).concat());
        for (bytes, said) in [
            (
                doubles([0.0, 1.0, 0.5]),
                "row 2: expected a class, a whole number from 0, found 0.5",
            ),
            (
                doubles([0.0, f64::NAN, 1.0]),
                "row 1: expected a class, found NaN",
            ),
            (doubles([0.0, f64::INFINITY, 1.0]), "row 1"),
            (doubles([-1.0, 0.0, 1.0]), "row 0"),
            (
                array("|i1", &[3], &[0, 255, 1]),
                "row 1: expected a class, from 0, found -1",
            ),
            (array("<u8", &[1], &[255; 8]), "18446744073709551615"),
            (
                array("|u1", &[2, 2], &[1, 0, 0, 1]),
                ".argmax(1) are the 2 classes",
            ),
            (array("|u1", &[], &[1]), "a single value"),
            (
                npy::strings(&["a".into(), String::new()]),
                "row 1: expected the name of a class",
            ),
            (array("<c8", &[0], &[]), "complex numbers"),
            (array("<M8[ns]", &[0], &[]), "dates (datetime64)"),
        ] {
            let found = labels(&bytes);
            // 2^64 - 1 is a number that usize holds, and no class that anything can count.
            if said.starts_with("184") {
                assert_eq!(found.expect("a number").numbers, [usize::MAX]);
                continue;
            }
            let error = found.expect_err(said);
            assert!(error.contains(said), "{said}: {error}");
        }
    }

    #[test]
    fn text_finds_its_place_in_given_names_and_ids_and_groups_are_any_values() {
        let text = || Column::Text(["b", "a", "b"].map(String::from).to_vec());
        let names = ["b", "c", "a"].map(String::from);
        let found = text().labels(Some(&names)).expect("named");
        assert_eq!((found.numbers, found.names), (vec![0, 2, 0], None));
        assert!(text().labels(Some(&names[..1])).is_err());
        assert_eq!(text().groups().expect("groups"), [0, 1, 0]);
        let floats = Column::Float(vec![7.0, 2.5, 7.0]);
        assert_eq!(floats.clone().groups().expect("groups"), [0, 1, 0]);
        assert_eq!(floats.texts("ids").expect("ids"), ["7", "2.5", "7"]);
        let whole = Column::Whole(vec![i128::from(u64::MAX), -3]);
        let texts = whole.texts("ids").expect("ids");
        assert_eq!(texts, ["18446744073709551615", "-3"]);
        assert!(Column::Float(vec![f64::NAN]).texts("ids").is_err());
    }
}

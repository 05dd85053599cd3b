//! The same samples for every encoder, or an error that names the first row where they part. Numbers of
//! different samples can be compared only with a wider interval, and rows in different orders
//! not at all: CKA and paired differences would be plausible and wrong.

use super::error::CompareError;
use crate::feature::FeatureSet;
pub use crate::table::record::EncoderOrigin as Origin;
use ndarray::{Array2, Axis, concatenate};
use std::collections::HashMap;

/// One encoder's features, as they came.
#[derive(Debug, Clone)]
pub struct EncoderFeatures {
    /// Its name for readers; made distinct by [`align`].
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Features of the samples.
    pub set: FeatureSet,
    /// Whether the names of the classes are more than their numbers.
    pub named: bool,
    /// Features of a training part of its own, if it has one.
    pub train: Option<FeatureSet>,
    /// Which samples belong together (a clip's chunks, a person's windows), if the encoder knows.
    pub groups: Option<Vec<usize>>,
}

/// One encoder's features of the shared samples.
#[derive(Debug, Clone)]
pub struct Aligned {
    /// Its name, unlike all others.
    pub title: String,
    /// Where it comes from.
    pub origin: Origin,
    /// `[N, D]`; rows are the shared samples.
    pub features: Array2<f32>,
}

/// Encoders and the samples that they share.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The encoders, in the order given.
    pub encoders: Vec<Aligned>,
    /// Class of every sample.
    pub labels: Vec<usize>,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// So many first rows are a training part that all encoders brought.
    pub given_train: Option<usize>,
    /// The group of every sample; without, each is its own.
    pub groups: Option<Vec<usize>>,
}

/// More encoders fit no page.
pub const MOST_ENCODERS: usize = 24;

fn unfit(what: String, expected: String, found: String) -> CompareError {
    CompareError::Unfit {
        what,
        expected,
        found,
    }
}

/// Brings encoders to the same rows: checks lengths, classes and labels, orders rows by id where the
/// encoders have ids.
///
/// # Errors
/// [`CompareError::Unfit`] naming the encoder and the first row that differs; below two encoders, above
/// [`MOST_ENCODERS`].
pub fn align(mut encoders: Vec<EncoderFeatures>) -> Result<Shared, CompareError> {
    if !(2..=MOST_ENCODERS).contains(&encoders.len()) {
        let (expected, found) = (format!("2 to {MOST_ENCODERS}"), encoders.len().to_string());
        return Err(unfit("encoders".into(), expected, found));
    }
    distinct_titles(&mut encoders);
    let class_names = class_names(&encoders)?;
    let own_parts = encoders.iter().all(|encoder| encoder.train.is_some());
    let given_train = match own_parts {
        true => encoders[0].train.as_ref().map(FeatureSet::len),
        false => None,
    };
    let parts = encoders
        .iter()
        .map(|encoder| [Some(&encoder.set), encoder.train.as_ref()]);
    let parts: Vec<[Option<&FeatureSet>; 2]> = parts.collect();
    let orders = |part: usize| {
        let sets: Vec<(&str, &FeatureSet)> = (encoders.iter().zip(&parts))
            .filter_map(|(encoder, parts)| Some((encoder.title.as_str(), parts[part]?)))
            .collect();
        orders(&sets)
    };
    let tests = orders(0)?;
    let trains = match own_parts {
        true => orders(1)?,
        false => Vec::new(),
    };
    let groups = groups(&encoders, &tests)?;
    // A training part of its own tells no groups: its samples are in none of the test part's.
    let groups = match (own_parts, groups, given_train) {
        (true, Some(groups), Some(rows)) => {
            let most = groups.iter().max().map_or(0, |most| most + 1);
            Some([(most..most + rows).collect(), groups].concat())
        }
        (_, groups, _) => groups,
    };
    let mut labels = encoders[0].set.labels().to_vec();
    if let (true, Some(train)) = (own_parts, &encoders[0].train) {
        labels = [train.labels(), &labels].concat();
    }
    let (labels, class_names) = occurring(labels, class_names);
    let encoders = encoders.into_iter().enumerate().map(|(i, encoder)| {
        let mut features = ordered(encoder.set, &tests[i]);
        if let (true, Some(train)) = (own_parts, encoder.train) {
            let train = ordered(train, &trains[i]);
            let both = concatenate(Axis(0), &[train.view(), features.view()]);
            features = both.map_err(|_| {
                let columns = format!("{} features, as its test part has", features.ncols());
                let found = train.ncols().to_string();
                unfit(format!("{}: training part", encoder.title), columns, found)
            })?;
        }
        Ok(Aligned {
            title: encoder.title,
            origin: encoder.origin,
            features,
        })
    });
    Ok(Shared {
        encoders: encoders.collect::<Result<_, CompareError>>()?,
        labels,
        class_names,
        given_train,
        groups,
    })
}

/// Titles that several encoders have get the path in brackets, and a number if that does not help.
fn distinct_titles(encoders: &mut [EncoderFeatures]) {
    let count = |encoders: &[EncoderFeatures], title: &str| {
        encoders.iter().filter(|s| s.title == title).count()
    };
    let shared: Vec<bool> = encoders
        .iter()
        .map(|encoder| count(encoders, &encoder.title) > 1)
        .collect();
    for (encoder, shared) in encoders.iter_mut().zip(shared) {
        if shared {
            encoder.title = format!("{} ({})", encoder.title, encoder.origin.path);
        }
    }
    for i in 0..encoders.len() {
        let (base, mut number) = (encoders[i].title.clone(), 1);
        while encoders[..i]
            .iter()
            .any(|encoder| encoder.title == encoders[i].title)
        {
            number += 1;
            encoders[i].title = format!("{base} #{number}");
        }
    }
}

/// The names that the encoders agree on; of encoders without names, their numbers.
fn class_names(encoders: &[EncoderFeatures]) -> Result<Vec<String>, CompareError> {
    let mut named = encoders.iter().filter(|encoder| encoder.named);
    let Some(first) = named.next() else {
        let most = encoders.iter().max_by_key(|encoder| encoder.set.classes());
        return Ok(most.map_or_else(Vec::new, |encoder| encoder.set.class_names().to_vec()));
    };
    let names = first.set.class_names();
    for other in named {
        let found = other.set.class_names();
        if found == names {
            continue;
        }
        let what = format!("{}: class_names", other.title);
        let said = |names: &[String], class: usize| match names.get(class) {
            Some(name) => format!("class {class} {name:?}"),
            None => format!("{} classes", names.len()),
        };
        let class = (0..names.len()).find(|&class| names.get(class) != found.get(class));
        let class = class.unwrap_or(names.len());
        let expected = format!("those of {}: {}", first.title, said(names, class));
        return Err(unfit(what, expected, said(found, class)));
    }
    for encoder in encoders {
        let beyond = |&(_, &label): &(usize, &usize)| label >= names.len();
        if let Some((row, label)) = encoder.set.labels().iter().enumerate().find(beyond) {
            let what = format!("{}: labels, row {row}", encoder.title);
            let expected = format!("a class below {}, as {} names", names.len(), first.title);
            return Err(unfit(what, expected, label.to_string()));
        }
    }
    Ok(names.to_vec())
}

/// The classes that occur, numbered without a gap: the others count nowhere.
fn occurring(labels: Vec<usize>, class_names: Vec<String>) -> (Vec<usize>, Vec<String>) {
    let mut present = labels.clone();
    present.sort_unstable();
    present.dedup();
    let place = |label: &usize| present.binary_search(label).unwrap_or_default();
    let dense = labels.iter().map(place).collect();
    let name = |&class: &usize| {
        let name = class_names.get(class).cloned();
        name.unwrap_or_else(|| class.to_string())
    };
    (dense, present.iter().map(name).collect())
}

/// The groups that the encoders agree on, numbered from 0 in the order of the shared rows; encoders that know none
/// take those of the others. Numbers may differ, what belongs together may not.
fn groups(
    encoders: &[EncoderFeatures],
    orders: &[Option<Vec<usize>>],
) -> Result<Option<Vec<usize>>, CompareError> {
    let mut known: Option<(&str, Vec<usize>)> = None;
    for (encoder, order) in encoders.iter().zip(orders) {
        let Some(own) = &encoder.groups else { continue };
        if own.len() != encoder.set.len() {
            let what = format!("{}: groups", encoder.title);
            let expected = format!("one for each of {} samples", encoder.set.len());
            return Err(unfit(what, expected, own.len().to_string()));
        }
        let row_of = |row: usize| order.as_ref().map_or(row, |order| order[row]);
        let mut numbers = HashMap::new();
        let mut dense = Vec::with_capacity(own.len());
        for row in 0..own.len() {
            let next = numbers.len();
            dense.push(*numbers.entry(own[row_of(row)]).or_insert(next));
        }
        let Some((first, before)) = &known else {
            known = Some((&encoder.title, dense));
            continue;
        };
        if let Some(row) = (0..dense.len()).find(|&row| dense[row] != before[row]) {
            let what = format!("{}: groups, row {}", encoder.title, row_of(row));
            let expected = format!("the samples that belong together as {first} has them");
            let found = format!("{} starts or joins another group", own[row_of(row)]);
            return Err(unfit(what, expected, found));
        }
    }
    Ok(known.map(|(_, groups)| groups))
}

/// For every set, which of its rows stands where; `None` where it stands as it is.
fn orders(sets: &[(&str, &FeatureSet)]) -> Result<Vec<Option<Vec<usize>>>, CompareError> {
    let (first, base) = sets[0];
    let with_ids = sets.iter().find(|(_, set)| set.ids().is_some());
    let mut orders = Vec::with_capacity(sets.len());
    for &(title, set) in sets {
        if set.len() != base.len() {
            let expected = format!("{}, as {first} has", base.len());
            let what = format!("{title}: samples");
            return Err(unfit(what, expected, set.len().to_string()));
        }
        let order = match (with_ids, set.ids()) {
            (Some((owner, known)), Some(ids)) => {
                by_id((owner, known.ids().unwrap_or_default()), (title, ids))?
            }
            _ => None,
        };
        let row_of = |row: usize| order.as_ref().map_or(row, |order: &Vec<usize>| order[row]);
        let differs = |&row: &usize| set.labels()[row_of(row)] != base.labels()[row];
        if let Some(row) = (0..base.len()).find(differs) {
            return Err(unfit(
                format!("{title}: labels, row {}", row_of(row)),
                format!(
                    "class {}, as {first} has for this sample",
                    base.labels()[row]
                ),
                format!("class {}", set.labels()[row_of(row)]),
            ));
        }
        orders.push(order);
    }
    Ok(orders)
}

/// Where the samples `expected` stand in `found`; `None` if they stand in the same order.
fn by_id(
    (owner, expected): (&str, &[String]),
    (title, found): (&str, &[String]),
) -> Result<Option<Vec<usize>>, CompareError> {
    if expected == found {
        return Ok(None);
    }
    let mut places = HashMap::with_capacity(found.len());
    for (row, id) in found.iter().enumerate() {
        if let Some(before) = places.insert(id.as_str(), row) {
            return Err(unfit(
                format!("{title}: ids, row {row}"),
                "ids that occur once, for its rows stand in another order".into(),
                format!("{id:?}, as in row {before}"),
            ));
        }
    }
    let place = |(row, id): (usize, &String)| {
        places.get(id.as_str()).copied().ok_or_else(|| {
            unfit(
                format!("{title}: ids"),
                format!("{id:?}, row {row} of {owner}"),
                "no such id".into(),
            )
        })
    };
    let order = expected.iter().enumerate().map(place);
    let order = order.collect::<Result<Vec<usize>, _>>()?;
    // As many rows as ids that occur once, so no row of `found` is left over, unless `expected`
    // names one twice.
    let mut seen = vec![false; found.len()];
    for (row, &place) in order.iter().enumerate() {
        if std::mem::replace(&mut seen[place], true) {
            return Err(unfit(
                format!("{owner}: ids, row {row}"),
                "ids that occur once".into(),
                format!("{:?} again", expected[row]),
            ));
        }
    }
    Ok(Some(order))
}

fn ordered(set: FeatureSet, order: &Option<Vec<usize>>) -> Array2<f32> {
    let (features, ..) = set.into_parts();
    match order {
        Some(order) => features.select(Axis(0), order),
        None => features,
    }
}

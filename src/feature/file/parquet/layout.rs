//! Which columns of a Parquet file are features, labels, class names, ids and groups.
//!
//! A column of the documented name is the features. Else a column of lists of numbers can be, and a family:
//! two or more columns of numbers with one prefix and all numbers from 0 or 1 on. One such candidate is taken
//! and told, several are an error that names them; a single numbered column (`fold1`, `top1`) is no
//! family. `--features NAME` takes a column, a family by its prefix, or columns with commas between.

use std::collections::BTreeMap;
use std::path::Path;

use polars::prelude::{FileMetadata, PlSmallStr};
use polars_parquet::parquet::metadata::{ColumnChunkMetadata, RowGroupMetadata};

use super::kind::{Kind, Number};
use crate::feature::FeatureError;
use crate::feature::file::choice::{Choice, GROUPS, IDS, LabelsFound};
use crate::feature::file::few;

/// Where a file has what.
pub(super) struct Layout {
    pub(super) features: Features,
    /// Numbers of the features are wide.
    pub(super) wide: bool,
    pub(super) labels: LabelsFound,
    pub(super) names: Option<String>,
    pub(super) ids: Option<String>,
    pub(super) groups: Option<String>,
    pub(super) told: Option<String>,
}

/// A column's name and kind.
pub(super) type Columns<'c> = [(&'c str, Kind)];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Features {
    /// One column of lists.
    Lists(String),
    /// Columns of numbers, in order.
    Numbered(Vec<String>),
}

impl Features {
    fn names(&self) -> &[String] {
        match self {
            Self::Lists(name) => std::slice::from_ref(name),
            Self::Numbered(names) => names,
        }
    }

    fn words(&self) -> String {
        match self {
            Self::Lists(name) => format!("the lists {name}"),
            Self::Numbered(names) => match names.as_slice() {
                [one] => format!("the column {one}"),
                [first, .., last] => format!("the {} columns {first} … {last}", names.len()),
                [] => "no column".into(),
            },
        }
    }
}

impl Layout {
    /// Numbers that the features are promised to be.
    pub(super) fn values(&self, footer: &FileMetadata) -> usize {
        let lists = |group: &RowGroupMetadata, own_name: &str| {
            let own = |column: &&ColumnChunkMetadata| {
                column
                    .descriptor()
                    .path_in_schema
                    .first()
                    .is_some_and(|name| name == own_name)
            };
            let columns = group.parquet_columns().iter().filter(own);
            columns
                .map(|column| column.num_values().max(0) as usize)
                .sum::<usize>()
        };
        match &self.features {
            Features::Numbered(names) => footer.num_rows.saturating_mul(names.len()),
            Features::Lists(name) => {
                let groups = footer.row_groups.iter();
                groups.map(|group| lists(group, name)).sum()
            }
        }
    }

    /// All columns that are read.
    pub(super) fn columns(&self) -> Vec<PlSmallStr> {
        let others = [&self.labels.name, &self.names, &self.ids, &self.groups];
        let all = self
            .features
            .names()
            .iter()
            .chain(others.into_iter().flatten());
        let mut names: Vec<PlSmallStr> = all.map(|name| name.as_str().into()).collect();
        names.dedup();
        names
    }
}

/// Finds what is what.
pub(super) fn layout(
    path: &Path,
    choice: &Choice,
    columns: &Columns<'_>,
) -> Result<Layout, FeatureError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let one = |of: [&str; 2]| {
        let found = of.into_iter().find(|name| names.contains(name));
        found.map(str::to_owned)
    };
    let taken = [one(IDS), one(GROUPS), one(["class_name", "class_names"])];
    let [ids, groups, class_name] = taken;
    let (features, told) = features(path, choice, columns)?;
    let rest: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| !features.names().iter().any(|own| own == name))
        .collect();
    let mut labels = choice.labels(path, &rest)?;
    // The names of classes alone are labels too.
    let mut class_name = class_name;
    if (labels.name.is_none() || labels.told.is_some())
        && let Some(name) = class_name.take()
    {
        labels = LabelsFound {
            name: Some(name),
            ..LabelsFound::default()
        };
    }
    for name in [&labels.name, &class_name, &ids, &groups]
        .into_iter()
        .flatten()
    {
        let kind = columns.iter().find(|(other, _)| other == name);
        if let Some((_, Kind::Other | Kind::List(_))) = kind {
            let expected = "whole numbers or text, one a sample (.astype(str) makes text)";
            let found = "dates, lists or another type";
            return Err(FeatureError::malformed(
                path,
                name.as_str(),
                expected,
                found,
            ));
        }
    }
    let is_wide = |name: &String| {
        columns.iter().any(|(other, kind)| {
            other == name
                && matches!(
                    kind,
                    Kind::Number(Number::Wide, _) | Kind::List(Number::Wide)
                )
        })
    };
    Ok(Layout {
        wide: features.names().iter().any(is_wide),
        features,
        labels,
        names: class_name,
        ids,
        groups,
        told,
    })
}

fn features(
    path: &Path,
    choice: &Choice,
    columns: &Columns<'_>,
) -> Result<(Features, Option<String>), FeatureError> {
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let refused = |expected: String, found: String| {
        Err(FeatureError::malformed(
            path,
            "parquet columns",
            expected,
            found,
        ))
    };
    if let Some(asked) = &choice.features {
        let found = asked_for(asked, columns);
        return match found {
            Some(features) => Ok((features, None)),
            None => refused(format!("{asked:?}, as --features says"), few(&names)),
        };
    }
    if let Some(known) = choice.known.iter().find(|known| names.contains(known)) {
        // What it is not is said when it is read.
        let known = (*known).to_owned();
        let number = columns
            .iter()
            .any(|(name, kind)| *name == known && is_number(*kind));
        let features = if number {
            Features::Numbered(vec![known])
        } else {
            Features::Lists(known)
        };
        return Ok((features, None));
    }
    let expected = choice.known.join(" or ");
    let (families, gapped) = families(columns);
    let lists = columns.iter().filter(|(name, kind)| {
        let other = IDS.contains(name) || GROUPS.contains(name);
        matches!(kind, Kind::List(_)) && !other
    });
    let mut candidates: Vec<Features> = lists
        .map(|(name, _)| Features::Lists((*name).into()))
        .collect();
    candidates.extend(families.into_iter().map(Features::Numbered));
    let widest_gapped = gapped.iter().map(Vec::len).max().unwrap_or(0);
    match candidates.as_slice() {
        [] => refused(
            format!(
                "{expected} (lists), or columns numbered from 0 or 1 without a gap (f0, f1, …); \
                 --features NAME,NAME… chooses columns"
            ),
            few(&names),
        ),
        [one] => {
            let width = match one {
                Features::Numbered(family) => family.len(),
                Features::Lists(_) => usize::MAX,
            };
            let strays = strays(one, columns);
            if widest_gapped > width || strays.len() > width {
                let others = match gapped.iter().find(|family| family.len() > width) {
                    Some(family) => few(family),
                    None => few(&strays),
                };
                let found = format!("{}, and beside them {others}", one.words());
                return refused(format!("{expected}, or --features NAME to choose"), found);
            }
            let told = format!("{} are taken for {expected}", one.words());
            Ok((one.clone(), Some(told)))
        }
        several => {
            let found: Vec<String> = several.iter().map(Features::words).collect();
            let expected = format!("{expected}, or --features NAME to choose");
            refused(expected, found.join(", "))
        }
    }
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Number(..))
}

/// Float columns beside a family, which may as well be the features.
fn strays<'c>(family: &Features, columns: &Columns<'c>) -> Vec<&'c str> {
    let stray = |(name, kind): &&(&str, Kind)| {
        let own = family.names().iter().any(|own| own == name);
        matches!(kind, Kind::Number(_, true)) && !own && !name.starts_with("__")
    };
    columns
        .iter()
        .filter(stray)
        .map(|(name, _)| *name)
        .collect()
}

/// What `--features` names: a column, a family by its prefix, or columns with commas between.
fn asked_for(asked: &str, columns: &Columns<'_>) -> Option<Features> {
    let kind = |name: &str| {
        columns
            .iter()
            .find(|(other, _)| *other == name)
            .map(|c| c.1)
    };
    match kind(asked) {
        Some(kind) if is_number(kind) => return Some(Features::Numbered(vec![asked.to_owned()])),
        Some(_) => return Some(Features::Lists(asked.to_owned())),
        None => {}
    }
    let (families, _) = families(columns);
    let own = |family: &&Vec<String>| prefix(&family[0]) == asked;
    if let Some(family) = families.iter().find(own) {
        return Some(Features::Numbered(family.clone()));
    }
    let names: Vec<&str> = asked.split(',').map(str::trim).collect();
    let numbers = names.iter().all(|name| kind(name).is_some_and(is_number));
    let names = names.into_iter().map(str::to_owned).collect();
    numbers.then_some(Features::Numbered(names))
}

/// A numbered name without its number.
fn prefix(name: &str) -> &str {
    name.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Columns of numbers that share a prefix, in the order of their numbers: those that have all numbers from 0 or
/// 1 on, and those with gaps or doubles; both of two or more.
fn families(columns: &Columns<'_>) -> (Vec<Vec<String>>, Vec<Vec<String>>) {
    let mut all: BTreeMap<&str, Vec<(usize, &str)>> = BTreeMap::new();
    for (name, kind) in columns {
        let prefix = prefix(name);
        // Index columns of pandas are no features.
        if !is_number(*kind) || prefix.starts_with("__") {
            continue;
        }
        if let Ok(number) = name[prefix.len()..].parse() {
            all.entry(prefix).or_default().push((number, name));
        }
    }
    let families = all.into_values().filter(|family| family.len() > 1);
    let families = families.map(|mut family| {
        family.sort_unstable();
        family
    });
    let whole = |family: &Vec<(usize, &str)>| {
        let start = family[0].0;
        start < 2
            && family
                .iter()
                .zip(start..)
                .all(|(&(number, _), next)| number == next)
    };
    let (whole, gapped): (Vec<_>, Vec<_>) = families.partition(whole);
    let names = |families: Vec<Vec<(usize, &str)>>| {
        let names = |family: Vec<(usize, &str)>| {
            let names = family.into_iter().map(|(_, name)| name.to_owned());
            names.collect()
        };
        families.into_iter().map(names).collect()
    };
    (names(whole), names(gapped))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOAT: Kind = Kind::Number(Number::Narrow, true);
    const WHOLE: Kind = Kind::Number(Number::Wide, false);
    const LIST: Kind = Kind::List(Number::Narrow);

    fn find(asked: Option<&str>, columns: &Columns<'_>) -> Result<Layout, String> {
        let choice = Choice {
            features: asked.map(str::to_owned),
            ..Choice::default()
        };
        layout(Path::new("f.parquet"), &choice, columns).map_err(|e| e.to_string())
    }

    fn family(prefix: &str, of: impl Iterator<Item = usize>) -> Vec<(String, Kind)> {
        of.map(|i| (format!("{prefix}{i}"), FLOAT)).collect()
    }

    fn with<'c>(family: &'c [(String, Kind)], others: &[(&'c str, Kind)]) -> Vec<(&'c str, Kind)> {
        let own = family.iter().map(|(name, kind)| (name.as_str(), *kind));
        own.chain(others.iter().copied()).collect()
    }

    #[test]
    fn a_family_wins_over_single_numbered_columns() {
        let f = family("f", 0..6);
        for stray in [
            "fold1",
            "top5",
            "score_1",
            "fold",
            "x1",
            "1",
            "__index_level_0__",
        ] {
            for kind in [FLOAT, WHOLE] {
                let columns = with(&f, &[("label", WHOLE), (stray, kind)]);
                let found = find(None, &columns).expect(stray);
                assert_eq!(found.features.names(), ["f0", "f1", "f2", "f3", "f4", "f5"]);
                assert!(found.told.expect("told").contains("6 columns f0 … f5"));
            }
        }
        let numbers = family("", 0..12);
        let found = find(None, &with(&numbers, &[])).expect("numbers");
        assert_eq!(found.features.names()[10..], ["10", "11"]);
        let ones = family("pca_", (1..4).rev());
        let found = find(None, &with(&ones, &[])).expect("from 1");
        assert_eq!(found.features.names(), ["pca_1", "pca_2", "pca_3"]);
    }

    #[test]
    fn several_candidates_are_named_and_none_is_guessed() {
        let (f, top) = (family("f", 0..4), family("top", 1..6));
        let gap = family("f", [0, 2].into_iter());
        let (late, wide) = (family("f", 2..9), family("g", (0..9).filter(|&i| i != 3)));
        type Case<'c> = (&'c str, Vec<(&'c str, Kind)>, &'c str);
        let refused: [Case<'_>; 8] = [
            (
                "single",
                vec![("embedding", FLOAT), ("x1", FLOAT)],
                "embedding, x1",
            ),
            (
                "families",
                with(&f, &with(&top, &[])),
                "f0 … f3, the 5 columns top1 … top5",
            ),
            (
                "list and family",
                with(&f, &[("embedding", LIST)]),
                "the lists embedding, the 4 columns",
            ),
            (
                "lists",
                vec![("a", LIST), ("b", LIST)],
                "the lists a, the lists b",
            ),
            ("gap", with(&gap, &[]), "f0, f2"),
            ("from 2", with(&late, &[]), "f2, f3"),
            (
                "wide gap",
                with(&wide, &with(&top, &[])),
                "beside them g0, g1, g2, g4",
            ),
            (
                "strays",
                with(
                    &top,
                    &["a", "b", "c", "d", "e", "g"].map(|name| (name, FLOAT)),
                ),
                "beside them a, b, c",
            ),
        ];
        for (what, columns, said) in refused {
            let error = find(None, &columns).err().expect(what);
            assert!(
                error.contains(said) && error.contains("--features"),
                "{what}: {error}"
            );
        }
        // One list column beside single numbers is the features.
        for stray in ["fold1", "top1"] {
            let found = find(None, &[("embedding", LIST), (stray, WHOLE)]).expect(stray);
            assert_eq!(found.features, Features::Lists("embedding".into()));
            assert!(found.told.expect("told").contains("embedding"));
        }
        let named = [("embedding", LIST), ("features", LIST)];
        let found = find(None, &named).expect("named");
        assert_eq!(
            (found.features, found.told),
            (Features::Lists("features".into()), None)
        );
    }

    #[test]
    fn a_choice_names_a_column_a_family_or_columns() {
        let top = family("top", 1..4);
        let columns = with(
            &top,
            &[
                ("features", LIST),
                ("mean", FLOAT),
                ("var", FLOAT),
                ("s", Kind::Text),
            ],
        );
        let names = |asked| find(Some(asked), &columns).map(|l| l.features.names().to_vec());
        assert_eq!(names("top").expect("family"), ["top1", "top2", "top3"]);
        assert_eq!(names("mean").expect("one"), ["mean"]);
        assert_eq!(names("mean, var").expect("several"), ["mean", "var"]);
        assert_eq!(names("top2").expect("one of a family"), ["top2"]);
        assert!(names("mean,s").is_err() && names("fop").is_err());
    }

    #[test]
    fn labels_names_ids_and_groups_are_found_by_name() {
        let f = family("f", 0..2);
        let others = [
            ("class_name", Kind::Text),
            ("id", WHOLE),
            ("group", Kind::Text),
        ];
        let found = find(None, &with(&f, &others)).expect("found");
        assert_eq!(found.labels.name.as_deref(), Some("class_name"));
        assert_eq!((found.names, found.ids.as_deref()), (None, Some("id")));
        assert_eq!(found.groups.as_deref(), Some("group"));
        let columns = [&others[..], &[("label", WHOLE)]].concat();
        let found = find(None, &with(&f, &columns)).expect("found");
        assert_eq!(found.labels.name.as_deref(), Some("label"));
        assert_eq!(found.names.as_deref(), Some("class_name"));
    }
}

//! How two suites differ: by dotted key, as TOML names them, so that a reader can change the one
//! into the other. Both sides are parsed suites, so a setting that one file leaves to its default
//! and the other writes out is no difference.

use crate::suite::definition::Suite;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt;
use toml::{Table, Value};

/// One value that two runs do not share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Its dotted key.
    pub key: String,
    /// The value of the first; `None` if it has none.
    pub a: Option<Value>,
    /// The value of the second; `None` if it has none.
    pub b: Option<Value>,
}

impl Difference {
    /// A difference of two texts, if they are different.
    pub fn of_texts(key: &str, a: Option<&str>, b: Option<&str>) -> Option<Self> {
        let value = |text: Option<&str>| text.map(|t| Value::String(t.into()));
        (a != b).then(|| Self {
            key: key.into(),
            a: value(a),
            b: value(b),
        })
    }

    /// The first value, for people.
    pub fn shown_a(&self) -> String {
        shown(self.a.as_ref())
    }

    /// The second value, for people.
    pub fn shown_b(&self) -> String {
        shown(self.b.as_ref())
    }
}

/// Text as it is, everything else as TOML writes it.
fn shown(value: Option<&Value>) -> String {
    match value {
        None => "none".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Every setting in which two suites differ, by key.
pub fn differences(a: &Suite, b: &Suite) -> Result<Vec<Difference>, toml::ser::Error> {
    let mut found = Vec::new();
    let (a, b) = (Table::try_from(a)?, Table::try_from(b)?);
    of_tables("", &a, &b, &mut found);
    Ok(found)
}

fn of_tables(path: &str, a: &Table, b: &Table, found: &mut Vec<Difference>) {
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    for key in keys {
        let dot = if path.is_empty() { "" } else { "." };
        of_values(&format!("{path}{dot}{key}"), a.get(key), b.get(key), found);
    }
}

fn of_values(path: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Difference>) {
    match (a, b) {
        (Some(Value::Table(a)), Some(Value::Table(b))) => return of_tables(path, a, b, found),
        (Some(a), Some(b)) => {
            // Targets: their names in order, then each that both have by its name.
            if let (Some(first), Some(second)) = (named(a), named(b)) {
                let names = |all: &[(&str, &Table)]| {
                    let names = all.iter().map(|(name, _)| Value::String((*name).into()));
                    Value::Array(names.collect())
                };
                of_values(path, Some(&names(&first)), Some(&names(&second)), found);
                for (name, a) in first {
                    if let Some((_, b)) = second.iter().find(|(other, _)| *other == name) {
                        of_tables(&format!("{path}.{name}"), a, b, found);
                    }
                }
                return;
            }
        }
        _ => {}
    }
    // Compared as written: what is no number is then equal to itself.
    if a.map(Value::to_string) != b.map(Value::to_string) {
        found.push(Difference {
            key: path.into(),
            a: a.cloned(),
            b: b.cloned(),
        });
    }
}

/// The tables of an array and their names, if it is one of named tables.
fn named(value: &Value) -> Option<Vec<(&str, &Table)>> {
    let items = value.as_array().filter(|items| !items.is_empty())?;
    let named = items.iter().map(|item| {
        let table = item.as_table()?;
        Some((table.get("name")?.as_str()?, table))
    });
    named.collect()
}

impl fmt::Display for Difference {
    /// As an error names it: what is there, and what was asked for.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, there, asked) = (&self.key, self.shown_a(), self.shown_b());
        write!(f, "{key} = {there} there, {asked} asked")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::definition::EMBEDDED;

    fn demo() -> Suite {
        crate::transfer::methods::parse(EMBEDDED[0].1, "demo").unwrap()
    }

    fn keys(a: &Suite, b: &Suite) -> Vec<String> {
        let all = differences(a, b).unwrap();
        all.into_iter().map(|d| d.key).collect()
    }

    #[test]
    fn a_suite_differs_from_itself_in_nothing_and_from_another_by_key() {
        let (demo, mut other) = (demo(), demo());
        assert_eq!(differences(&demo, &demo).unwrap(), []);
        other.transfer.train.epochs = 5;
        other.targets[1].train = 7;
        other.transfer.seeds.push(2);
        assert_eq!(
            keys(&demo, &other),
            [
                "targets.emg.train",
                "transfer.seeds",
                "transfer.train.epochs"
            ]
        );
        let found = differences(&demo, &other).unwrap();
        assert_eq!(
            found[2].to_string(),
            "transfer.train.epochs = 4 there, 5 asked"
        );
        assert_eq!(found[1].shown_b(), "[0, 1, 2]");
    }

    #[test]
    fn targets_are_compared_by_name_and_their_order_counts() {
        let (demo, mut other) = (demo(), demo());
        other.targets.swap(0, 1);
        assert_eq!(keys(&demo, &other), ["targets"]);
        other.targets.truncate(1);
        other.targets[0].test += 1;
        assert_eq!(keys(&demo, &other), ["targets", "targets.emg.test"]);
    }

    #[test]
    fn another_kind_of_rule_differs_by_its_keys() {
        use crate::suite::training::Rule;
        let (demo, mut other) = (demo(), demo());
        other.transfer.train.optimiser = Rule::Sgd { momentum: 0.9 };
        let found = differences(&demo, &other).unwrap();
        let momentum = found.iter().find(|d| d.key.ends_with("momentum")).unwrap();
        assert_eq!(
            (momentum.shown_a(), momentum.shown_b()),
            ("none".into(), "0.9".into())
        );
    }
}

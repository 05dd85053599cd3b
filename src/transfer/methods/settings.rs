//! The door through which suites come: a suite names methods and keeps their settings as text and
//! tables; here they are checked against [`METHODS`] and completed by the methods' defaults.

use super::{METHODS, Method, PLAIN, find, names, variants};
use crate::dataset::readers;
use crate::suite::ManifestError;
use crate::suite::definition::{Suite, Transfer, nearest};
use crate::transfer::error::TransferError;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use toml::Table;

/// Completes the table of a method's settings.
pub type Complete = fn(Table) -> Result<Table, toml::de::Error>;

/// Completes a table by the defaults of the settings `T`.
///
/// # Errors
/// What `T` refuses: unknown keys, values of another type.
pub fn complete<T: DeserializeOwned + Serialize>(table: Table) -> Result<Table, toml::de::Error> {
    let settings: T = table.try_into()?;
    Table::try_from(settings).map_err(toml::de::Error::custom)
}

/// Resolves the name of an embedded suite or the path of a TOML file, with readers and methods checked
/// and settings complete.
///
/// # Errors
/// As [`readers::resolve`], and [`ManifestError::Parse`] for an unknown method or setting, naming the
/// nearest one.
pub fn resolve(asked: &str) -> Result<Suite, ManifestError> {
    checked(readers::resolve(asked)?, asked)
}

/// Parses a suite, with methods checked and their settings complete; `origin` names it in errors.
///
/// # Errors
/// As [`Suite::parse`], and [`ManifestError::Parse`] for an unknown method or setting, naming the
/// nearest one.
pub fn parse(text: &str, origin: &str) -> Result<Suite, ManifestError> {
    checked(Suite::parse(text, origin)?, origin)
}

/// A suite with its methods checked, their settings complete, and what it tunes checked; `origin` names it in
/// errors.
///
/// # Errors
/// As [`resolve`].
pub fn checked(mut suite: Suite, origin: &str) -> Result<Suite, ManifestError> {
    suite.transfer = completed(suite.transfer, origin)?;
    for name in &suite.measures.interpolation_methods {
        check(name, origin)?;
    }
    let methods = of(&suite.transfer);
    variants::check(&mut suite, &methods, origin)?;
    Ok(suite)
}

/// Settings of transfers with methods checked and every method's own settings complete.
///
/// # Errors
/// [`ManifestError::Parse`] for an unknown method or setting, naming the nearest one.
pub fn completed(mut transfer: Transfer, origin: &str) -> Result<Transfer, ManifestError> {
    if transfer.methods.is_empty() {
        transfer.methods.push(PLAIN.name.into());
    }
    for name in &transfer.methods {
        check(name, origin)?;
    }
    let with_settings = || {
        METHODS
            .into_iter()
            .filter(|method| method.settings.is_some())
    };
    for name in transfer.method_settings.0.keys() {
        if !with_settings().any(|method| method.name == name) {
            let names: Vec<&str> = Transfer::KEYS
                .into_iter()
                .chain(with_settings().map(|method| method.name))
                .collect();
            let expected = names.join("`, `");
            return Err(ManifestError::Parse {
                origin: origin.into(),
                message: format!("unknown field `transfer.{name}`, expected one of `{expected}`"),
                near: nearest(name, names.into_iter()),
            });
        }
    }
    for method in with_settings() {
        let Some(complete) = method.settings else {
            continue;
        };
        let table = transfer.method_settings.0.remove(method.name);
        let table = complete(table.unwrap_or_default()).map_err(|error| {
            let message = error.message();
            ManifestError::Parse {
                origin: origin.into(),
                near: crate::suite::definition::misspelt(message),
                message: format!("transfer.{}: {message}", method.name),
            }
        })?;
        transfer.method_settings.0.insert(method.name.into(), table);
    }
    Ok(transfer)
}

/// The method called `name`; `origin` names what asked for it in errors.
///
/// # Errors
/// [`ManifestError::Parse`], naming the nearest method.
pub fn check(name: &str, origin: &str) -> Result<&'static Method, ManifestError> {
    find(name).ok_or_else(|| {
        let names = names();
        ManifestError::Parse {
            origin: origin.into(),
            message: format!(
                "unknown method `{name}`, expected one of `{}`",
                names.join("`, `")
            ),
            near: nearest(name, names.into_iter()),
        }
    })
}

/// The methods of a suite, in its order. A name that is none is left out: suites are checked where they
/// are resolved.
pub fn of(transfer: &Transfer) -> Vec<&'static Method> {
    let names = transfer.methods.iter();
    names.filter_map(|name| find(name)).collect()
}

impl Method {
    /// The method's settings in a suite; defaults where the suite has none.
    ///
    /// # Errors
    /// [`TransferError::Setting`] for a table that the settings refuse.
    pub fn read_settings<T: DeserializeOwned>(
        &self,
        transfer: &Transfer,
    ) -> Result<T, TransferError> {
        let table = transfer.method_settings.0.get(self.name);
        let table = table.cloned().unwrap_or_default();
        table.try_into().map_err(|error| TransferError::Setting {
            setting: self.name,
            expected: "settings that the method knows".into(),
            found: error.message().to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::definition::EMBEDDED;

    fn with(lines: &str) -> Result<Suite, ManifestError> {
        let mut table: Table = toml::from_str(EMBEDDED[0].1).unwrap();
        let transfer = table["transfer"].as_table_mut().unwrap();
        transfer.extend(toml::from_str::<Table>(lines).unwrap());
        parse(&toml::to_string(&table).unwrap(), "x")
    }

    #[test]
    fn a_complete_suite_replays_and_an_incomplete_one_means_the_same() {
        for (name, text) in EMBEDDED {
            let suite = parse(text, name).unwrap();
            let settings = &suite.transfer.method_settings.0;
            assert!(settings["mona"].contains_key("lambda") && settings.contains_key("orca"));
            let written = toml::to_string(&suite).unwrap();
            assert_eq!(parse(&written, name).unwrap(), suite);
        }
        let [left, given] = ["", "mona = { lambda = 0.5 }"].map(|lines| with(lines).unwrap());
        assert_eq!(left, given);
        assert_ne!(with("mona = { lambda = 1 }").unwrap(), left);
        assert_eq!(
            with("mona = { lambda = 1 }").unwrap(),
            with("mona = { lambda = 1.0 }").unwrap()
        );
    }

    #[test]
    fn what_is_not_known_is_refused_with_the_nearest() {
        for (lines, near) in [
            ("methods = [\"mono\"]", "mona"),
            ("mona = { lamda = 1.0 }", "lambda"),
            ("mono = { lambda = 1.0 }", "mona"),
            ("stage = { epochs = 1 }", "stage1"),
            ("seed = [1]", "seeds"),
        ] {
            let error = with(lines).unwrap_err().to_string();
            let said = format!("did you mean {near:?}?");
            assert!(error.contains(&said), "{lines}: {error}");
        }
        for lines in ["methods = []", "mona = { lambda = \"much\" }", "emb = {}"] {
            assert!(with(lines).is_err(), "{lines}");
        }
    }

    #[test]
    fn without_methods_a_suite_fine_tunes() {
        let mut table: Table = toml::from_str(EMBEDDED[0].1).unwrap();
        table["transfer"].as_table_mut().unwrap().remove("methods");
        let suite = parse(&toml::to_string(&table).unwrap(), "x").unwrap();
        assert_eq!(suite.transfer.methods, [PLAIN.name]);
    }

    #[test]
    fn descriptors_are_whole_and_names_are_different() {
        for (i, method) in METHODS.iter().enumerate() {
            let texts = [
                method.name,
                method.title,
                method.phrase,
                method.what,
                method.citation,
            ];
            assert!(texts.iter().all(|text| !text.is_empty()), "{method:?}");
            assert!(METHODS[..i].iter().all(|other| other.name != method.name));
            assert!(method.contrast.is_none_or(|name| find(name).is_some()));
        }
    }
}

//! Class names as prompts: "a photo of a {}." of every class, by one template or several.
//!
//! Source: Radford et al., *Learning transferable visual models from natural language supervision*, ICML 2021,
//! section 3.1.4. Names of classes are written as in folders and tables: `_` stands for a space.

use crate::dataset::DatasetError;
use std::collections::HashMap;

/// Templates, each with one `{}` where the class name stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Templates(Vec<String>);

/// Prompts of classes, class by class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompts {
    /// `K·M` texts: all M templates of the first class, then those of the next.
    pub texts: Vec<String>,
    /// M.
    pub templates: usize,
    /// What has to be told: classes that their prompts cannot tell apart.
    pub told: Vec<String>,
}

impl Default for Templates {
    fn default() -> Self {
        Self(vec!["a photo of a {}.".into()])
    }
}

impl Templates {
    /// Checks templates.
    ///
    /// # Errors
    /// `Unsatisfiable` without a template, or with the number of one that has not exactly one `{}`.
    pub fn new(templates: Vec<String>) -> Result<Self, DatasetError> {
        if templates.is_empty() {
            return Err(wrong("templates".into(), "at least one", "none".into()));
        }
        for (at, template) in templates.iter().enumerate() {
            if template.matches("{}").count() != 1 {
                let expected =
                    "one {} where the name of the class stands, as in \"a photo of a {}.\"";
                let what = format!("template {}", at + 1);
                return Err(wrong(what, expected, format!("{template:?}")));
            }
        }
        Ok(Self(templates))
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The templates themselves.
    pub fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The prompts of classes, whose names have `_` for spaces.
    ///
    /// # Errors
    /// `Unsatisfiable` without a class, or with the number of one without a name.
    pub fn prompts<S: AsRef<str>>(&self, classes: &[S]) -> Result<Prompts, DatasetError> {
        if classes.is_empty() {
            return Err(wrong("classes".into(), "at least one", "none".into()));
        }
        let mut texts = Vec::with_capacity(classes.len() * self.count());
        let (mut seen, mut same) = (HashMap::new(), Vec::new());
        for (at, class) in classes.iter().enumerate() {
            let name = class.as_ref().replace('_', " ");
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            if name.is_empty() {
                let what = format!("class {}", at + 1);
                return Err(wrong(what, "a name", format!("{:?}", class.as_ref())));
            }
            texts.extend(
                self.0
                    .iter()
                    .map(|template| template.replacen("{}", &name, 1)),
            );
            if let Some(first) = seen.insert(name.clone(), at + 1) {
                same.push(format!("{first} and {} ({name})", at + 1));
            }
        }
        let told = same.first().map(|first| {
            let count = same.len();
            format!("{count} pairs of classes have one name, so that no text tells them apart: {first} is the first")
        });
        Ok(Prompts {
            texts,
            templates: self.count(),
            told: told.into_iter().collect(),
        })
    }
}

fn wrong(what: String, expected: &str, found: String) -> DatasetError {
    DatasetError::Unsatisfiable {
        set: "prompts".into(),
        what,
        expected: expected.into(),
        found,
    }
}

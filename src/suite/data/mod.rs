//! Data manifests: one TOML a dataset or weight file, saying what it is, where it comes from, under
//! which licence, how it is split and prepared, and by which bytes it is known. Plain data; the
//! dataset room finds, fetches and checks the files, and its readers name the manifest that they read.
//!
//! | key | meaning |
//! |---|---|
//! | `name`, `title`, `modality`, `summary` | what it is; `name` is also its folder unless `folders` lists others, in order of preference |
//! | `hub` | for weights: the model's name on the Hugging Face hub |
//! | `input`, `output` | shape of a sample, channels first, and of its target |
//! | `task`, `metric` | what the target is and what judges it |
//! | `split`, `preprocessing` | the rules, in words |
//! | `homepage`, `citation`, `licence` | whom it comes from; a licence names its source |
//! | `obtain` | what to do where no address serves the files |
//! | `files` | see [`DataFile`] |

mod check;
mod embedded;

pub use embedded::all;

use super::ManifestError;
use super::task::{Metric, TargetKind};
use crate::files::checksum::{Algorithm, Checksum};
use serde::{Deserialize, Serialize};

/// A dataset or a weight file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataManifest {
    /// Short name (`[a-z0-9-]+`).
    pub name: String,
    /// Name for readers.
    pub title: String,
    /// What kind of signal it is.
    pub modality: String,
    /// Folders under the data folder where its files may lie, the preferred one first.
    #[serde(default)]
    pub folders: Vec<String>,
    /// Name on the Hugging Face hub: weights, which live in that hub's own cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hub: Option<String>,
    /// Shape of a sample, channels first.
    #[serde(default)]
    pub input: Vec<usize>,
    /// Shape of its target: classes, labels or a field.
    #[serde(default)]
    pub output: Vec<usize>,
    /// What its target is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TargetKind>,
    /// What judges predictions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,
    /// What it is, in a sentence or two.
    pub summary: String,
    /// How it is split.
    #[serde(default)]
    pub split: String,
    /// How samples are prepared.
    #[serde(default)]
    pub preprocessing: String,
    /// What to do where no address serves the files.
    #[serde(default)]
    pub obtain: String,
    /// Its page.
    pub homepage: String,
    /// What to cite.
    pub citation: String,
    /// Under which terms it may be used.
    pub licence: Licence,
    /// Its files; none for weights, whose hub lists them.
    #[serde(default)]
    pub files: Vec<DataFile>,
}

/// Terms of use, and who says so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Its name.
    pub name: String,
    /// Where that is stated.
    pub source: String,
}

/// One file of a dataset. It is complete by itself, or where its `archive` is there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its path under the dataset's folder: relative, plain, with `/`.
    pub path: String,
    /// Other paths that it is passed around under.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
    /// Whether it is a folder of pictures, which users put there: known is whether it is there, and no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub folder: bool,
    /// Addresses that serve it, https alone, tried in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub urls: Vec<String>,
    /// Further hosts that a server may redirect to where no checksum is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// The other published form of the dataset that it belongs to: a form that is complete stands in
    /// for the files without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<String>,
    /// Another file of this dataset that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// Its name in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub member: Option<String>,
    /// Its exact size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Its rough size, where the exact one is not published: for plans, and twice that is the most
    /// that a server may send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<u64>,
    /// SHA-256 in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// SHA-1, where the publisher gives that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha1: Option<String>,
    /// MD5, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<String>,
    /// Whether the dataset is complete without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// What a user should know of it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl DataManifest {
    /// Parses and checks a manifest; `origin` names it in errors.
    ///
    /// # Errors
    /// [`ManifestError::Parse`] with the nearest known key, [`ManifestError::Invalid`] for a path
    /// that leaves the folder, an address without encryption, a checksum of the wrong length…
    pub fn parse(text: &str, origin: &str) -> Result<Self, ManifestError> {
        let manifest: Self = super::definition::parse(text, origin)?;
        manifest.check(origin)?;
        Ok(manifest)
    }

    /// The manifest of that name.
    ///
    /// # Errors
    /// [`ManifestError::NoData`] with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, ManifestError> {
        let found = all().iter().find(|m| m.name == name);
        found.ok_or_else(|| ManifestError::NoData {
            asked: name.into(),
            known: names().join(", "),
            near: super::definition::nearest(name, names().into_iter()),
        })
    }

    /// Folders where its files may lie, the preferred one first.
    pub fn folders(&self) -> Vec<&str> {
        if self.folders.is_empty() {
            vec![&self.name]
        } else {
            self.folders.iter().map(String::as_str).collect()
        }
    }

    /// Where a file may lie under the data folder, the preferred place first: in one of the dataset's
    /// folders, under any of its names; a member of an archive also where unpacking that puts it, in the data folder or in the
    /// dataset's; an archive with members also in the data folder itself.
    pub fn places(&self, file: &DataFile) -> Vec<String> {
        let folders = self.folders();
        let within = |path: &str| -> Vec<String> {
            folders
                .iter()
                .map(|folder| format!("{folder}/{path}"))
                .collect()
        };
        let mut places = within(&file.path);
        places.extend(file.also.iter().flat_map(|path| within(path)));
        if let Some(member) = &file.member {
            places.push(member.clone());
            places.extend(within(member));
        } else if self.members(&file.path).next().is_some() {
            places.push(file.path.clone());
        }
        places
    }

    /// The other forms in which the dataset is published.
    pub fn forms(&self) -> Vec<&str> {
        let mut forms: Vec<&str> = self
            .files
            .iter()
            .filter_map(|f| f.form.as_deref())
            .collect();
        forms.dedup();
        forms
    }

    /// Files that an archive of this dataset holds.
    pub fn members<'a>(&'a self, archive: &'a str) -> impl Iterator<Item = &'a DataFile> {
        let held = move |file: &&DataFile| file.archive.as_deref() == Some(archive);
        self.files.iter().filter(held)
    }
}

impl DataFile {
    /// What its digest must be; the strongest that is known.
    pub fn checksum(&self) -> Option<Checksum> {
        let of =
            |algorithm, hex: &Option<String>| hex.clone().map(|hex| Checksum { algorithm, hex });
        of(Algorithm::Sha256, &self.sha256)
            .or_else(|| of(Algorithm::Sha1, &self.sha1))
            .or_else(|| of(Algorithm::Md5, &self.md5))
    }

    /// Its size as far as it is known.
    pub fn size(&self) -> Option<u64> {
        self.bytes.or(self.about)
    }
}

/// Names of all manifests.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|m| m.name.as_str()).collect()
}

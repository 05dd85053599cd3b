//! What is said of a reader once, in its own file, and read everywhere else.

use crate::dataset::{DatasetError, Display, Normalise, Splits};
use crate::suite::data::DataManifest;
use crate::suite::dataset::DatasetSpec;
use crate::suite::preprocess::Preprocess;
use crate::suite::task::TargetKind;
use std::path::{Component, Path, PathBuf};

/// A reader: what it reads, how that is shown and used, and the function that opens it.
#[derive(Debug)]
pub struct Reader {
    /// Name in suites and on the command line.
    pub name: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What a sample and its target are, in a sentence.
    pub what: &'static str,
    /// How a sample is displayed; `None` where only the arrays tell ([`Display::of_array`]).
    pub display: Option<Display>,
    /// How samples become the input of a model of images.
    pub input: Input,
    /// What a sample's target is.
    pub target: TargetKind,
    /// What a group of samples is that are no independent ones; `None` where every sample is its own.
    pub unit: Option<&'static str>,
    /// Where samples come from.
    pub data: Data,
    /// Opens the three parts, uncapped.
    pub open: fn(&Asked<'_>) -> Result<Splits, DatasetError>,
}

/// How samples become the input of a model of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// Resized, their numbers as the reader standardises them: signals, spectrograms, fields.
    Resized,
    /// Pictures of red, green and blue: prepared as the model's files say, from pixels in `0..=1`
    /// ([`Asked::pixels`]); for models of ours standardised by the reader and resized.
    Pictures,
    /// Pictures that the reader itself prepares ([`Asked::how`]), since they differ in size.
    Prepared,
}

/// Where samples come from.
#[derive(Debug, Clone, Copy)]
pub enum Data {
    /// Files of the data manifest of that name, which has modality, citation and licence.
    Published(&'static str),
    /// Files of two data manifests; the first has the words.
    Joined([&'static str; 2]),
    /// Files and folders of the data manifest of that name, which users put there: what is in the folders has no
    /// published checksums.
    Placed {
        /// The manifest's name.
        set: &'static str,
        /// Name and SHA-256 of what makes the set what it is, but for the files that the manifest lists.
        digests: Digests,
    },
    /// The program makes them from a seed.
    Procedural(About),
    /// The user's own files, in `DATA/NAME` or at the `path` of the suite's entry.
    User {
        /// What they are.
        about: About,
        /// Name and SHA-256 of everything that makes the set what it is.
        digests: Digests,
    },
}

/// Gives name and SHA-256 of every file, from the folder of all data files and the suite's entry.
pub type Digests = fn(&Path, &DatasetSpec) -> Result<Vec<(String, String)>, DatasetError>;

/// What a data manifest says of published files, for readers without one.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// What kind of signal it is.
    pub modality: &'static str,
    /// What to cite.
    pub citation: &'static str,
    /// Under which terms it may be used.
    pub licence: &'static str,
}

/// What a reader is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Folder of all data files.
    pub root: &'a Path,
    /// The suite's entry.
    pub spec: &'a DatasetSpec,
    /// Seed of procedural samples and of rotations; it moves no sample of a real set between parts.
    pub seed: u64,
    /// How pictures are prepared for the model.
    pub how: &'a Preprocess,
    /// Whether readers of [`Input::Pictures`] give pixels in `0..=1`.
    pub pixels: bool,
}

impl Asked<'_> {
    /// Pixels in `0..=1` are left alone where they are asked for, and standardised by `own` else.
    pub(super) fn normalise(&self, own: Normalise) -> Normalise {
        if self.pixels { Normalise::none(3) } else { own }
    }

    /// Folder of the user's own files.
    pub(super) fn folder(&self) -> Result<PathBuf, DatasetError> {
        folder(self.root, self.spec)
    }
}

/// Folder of the user's own files of a suite's entry: its `path`, else `ROOT/NAME`.
///
/// # Errors
/// `Malformed` for a name that is no single folder.
pub(super) fn folder(root: &Path, spec: &DatasetSpec) -> Result<PathBuf, DatasetError> {
    if let Some(path) = &spec.path {
        return Ok(path.clone());
    }
    let mut parts = Path::new(&spec.name).components();
    match (parts.next(), parts.next()) {
        (Some(Component::Normal(_)), None) => Ok(root.join(&spec.name)),
        _ => Err(DatasetError::Malformed {
            path: spec.name.clone().into(),
            what: "name".into(),
            expected: "one folder".into(),
            found: spec.name.clone(),
        }),
    }
}

impl Reader {
    /// The manifest of its published files.
    pub fn manifest(&self) -> Option<&'static DataManifest> {
        self.manifests().next()
    }

    /// The manifests of all published files that it reads.
    pub fn manifests(&self) -> impl Iterator<Item = &'static DataManifest> {
        let names: &[&str] = match &self.data {
            Data::Published(name) | Data::Placed { set: name, .. } => std::slice::from_ref(name),
            Data::Joined(names) => names,
            Data::Procedural(_) | Data::User { .. } => &[],
        };
        names
            .iter()
            .filter_map(|name| DataManifest::named(name).ok())
    }

    /// Whether somebody publishes its files.
    pub fn is_published(&self) -> bool {
        !matches!(self.data, Data::Procedural(_) | Data::User { .. })
    }

    /// Name and SHA-256 of what its manifests do not vouch for.
    pub fn digests(&self) -> Option<Digests> {
        match self.data {
            Data::User { digests, .. } | Data::Placed { digests, .. } => Some(digests),
            Data::Published(_) | Data::Joined(_) | Data::Procedural(_) => None,
        }
    }

    /// Whether the program makes its samples, so that it needs no files.
    pub fn is_procedural(&self) -> bool {
        matches!(self.data, Data::Procedural(_))
    }

    /// Whether its samples are pictures of red, green and blue.
    pub fn is_pictures(&self) -> bool {
        self.input != Input::Resized
    }

    /// How samples of that shape are displayed.
    pub fn display(&self, shape: [usize; 3]) -> Display {
        self.display.unwrap_or_else(|| Display::of_array(shape))
    }

    /// What kind of signal it reads.
    pub fn modality(&self) -> &'static str {
        self.about(|manifest| &manifest.modality, |about| about.modality)
    }

    /// What to cite.
    pub fn citation(&self) -> &'static str {
        self.about(|manifest| &manifest.citation, |about| about.citation)
    }

    /// Under which terms its samples may be used.
    pub fn licence(&self) -> &'static str {
        self.about(|manifest| &manifest.licence.name, |about| about.licence)
    }

    fn about(
        &self,
        published: fn(&'static DataManifest) -> &'static str,
        own: fn(&About) -> &'static str,
    ) -> &'static str {
        match &self.data {
            Data::Published(_) | Data::Joined(_) | Data::Placed { .. } => {
                published(self.manifest().expect("a test finds every manifest"))
            }
            Data::Procedural(about) | Data::User { about, .. } => own(about),
        }
    }
}

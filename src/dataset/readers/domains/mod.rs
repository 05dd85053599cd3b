//! Pictures of one kind of things in several domains (photographs, paintings, clip art…), each domain a task of its own:
//! reader `domains` for one's own, and published sets with a reader a domain.
//!
//! | reader | layout | parts |
//! |---|---|---|
//! | `domains` | `ROOT/DOMAIN/CLASS/*.jpg`; the suite's entry names the domain | as of reader [`images`](super::images) |
//! | `office-home-DOMAIN` | the same ([`office_home`]) | the same |
//! | `domainnet-DOMAIN`, `mini-domainnet-DOMAIN` | `DOMAIN/CLASS/*.jpg` and lists of them ([`domainnet`]) | the lists'; a tenth of the training list validates |
//!
//! Classes are the union over all domains that are there, so that labels of different domains' tasks agree, or the domain's
//! own. Parts are cut class by class, the same for every seed, and do not depend on what other domains hold.

mod domainnet;
mod lists;
mod office_home;

pub use domainnet::{
    CLIPART, INFOGRAPH, MINI_CLIPART, MINI_PAINTING, MINI_REAL, MINI_SKETCH, PAINTING, QUICKDRAW,
    REAL, SKETCH,
};
pub use office_home::{
    ART as HOME_ART, CLIPART as HOME_CLIPART, PRODUCT as HOME_PRODUCT, REAL as HOME_REAL,
};

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::descriptor::{About, Data, Input, Reader, folder};
use super::images::tree::{self, Tree};
use super::images::{Broken, Folder, digest_of};
use crate::dataset::files::malformed;
use crate::dataset::{DatasetError, Display, Splits};
use crate::files::checksum::hex;
use crate::suite::dataset::{DatasetSpec, DomainClasses};
use crate::suite::preprocess::Preprocess;
use crate::suite::task::TargetKind;

/// The reader `domains`.
pub const READER: Reader = Reader {
    name: "domains",
    title: "Folders of pictures by domain",
    what: "Pictures of one's own of one domain, DIR/domain/class/*.jpg; classes of all domains",
    display: Some(Display::Image),
    input: Input::Prepared,
    target: TargetKind::Labels,
    unit: None,
    data: Data::User {
        about: About {
            modality: "images",
            citation: "whoever took the pictures",
            licence: "that of the pictures",
        },
        digests: |root, spec| own(root, spec)?.digests(spec),
    },
    open: |asked| own(asked.root, asked.spec)?.open(asked.how),
};

/// Whether a reader gives one of several domains, so that its classes can be those of all.
pub fn is_domain(reader: &Reader) -> bool {
    let sets = ["office-home", "domainnet", "mini-domainnet"];
    let manifest = reader.manifest();
    reader.name == READER.name || manifest.is_some_and(|own| sets.contains(&own.name.as_str()))
}

/// One domain of a set.
struct Domain {
    /// Where the names of its pictures begin.
    place: PathBuf,
    /// Its pictures, in classes of its own.
    tree: Tree,
    /// The classes that its pictures are numbered by.
    classes: Vec<String>,
    /// Where parts come from that no folder says, if in another way than the reader `images` has.
    cut: Option<String>,
    notes: Vec<String>,
}

impl Domain {
    /// Opens the three parts, pictures prepared by `how`.
    fn open(self, how: &Preprocess) -> Result<Splits, DatasetError> {
        let place = self.place;
        let mut folder = Folder::of(&place, self.tree, Some(self.classes), how, Broken::Refuse)?;
        folder.cuts = self.cut.map_or(folder.cuts, |cut| vec![cut]);
        Ok(folder.splits(&place)?.noted(self.notes))
    }

    /// Name and SHA-256 of the domain's pictures, and of the classes that they are numbered by.
    fn digests(&self, spec: &DatasetSpec) -> Result<Vec<(String, String)>, DatasetError> {
        let classes = Sha256::digest(self.classes.join("\n"));
        Ok(vec![
            (format!("{}/", spec.name), digest_of(&self.tree.files)?),
            (format!("{}/classes", spec.name), hex(&classes)),
        ])
    }
}

/// The domain of one's own folder that a suite's entry names.
fn own(root: &Path, spec: &DatasetSpec) -> Result<Domain, DatasetError> {
    let place = folder(root, spec)?;
    if !place.is_dir() {
        return Err(DatasetError::Missing {
            set: "domains".into(),
            path: place,
            hint: "expected a folder of domains, DIR/domain/class/*.jpg, each as torchvision's ImageFolder has it \
                   (https://pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html)"
                .into(),
        });
    }
    let (folders, beside) = tree::folders(&place)?;
    let mut domain = among(&place, folders, spec)?;
    if let Some(first) = beside.first() {
        domain.notes.push(format!(
            "pictures beside the folders of domains, left out: {} (the first is {})",
            beside.len(),
            first.display()
        ));
    }
    Ok(domain)
}

/// The domain that a suite's entry names, among folders in `place`.
fn among(
    place: &Path,
    folders: Vec<(String, PathBuf)>,
    spec: &DatasetSpec,
) -> Result<Domain, DatasetError> {
    let (mut trees, mut others) = (BTreeMap::new(), Vec::new());
    for (name, folder) in folders {
        let tree = tree::walk(&folder)?;
        if tree.classes.is_empty() {
            others.push(name);
        } else {
            trees.insert(name, tree);
        }
    }
    let names: Vec<String> = trees.keys().cloned().collect();
    if names.is_empty() {
        let expected = "domains with folders of classes in them, DIR/domain/class/*.jpg";
        let found = if others.is_empty() {
            "no folders".into()
        } else {
            others.join(", ")
        };
        return Err(malformed(place, "folders", expected, found));
    }
    let union: BTreeSet<String> = trees
        .values()
        .flat_map(|tree| tree.classes.clone())
        .collect();
    let union: Vec<String> = union.into_iter().collect();
    let asked = spec.domain.as_deref();
    let Some((name, mut tree)) = asked.and_then(|name| trees.remove_entry(name)) else {
        let found = asked.map_or("none".into(), |name| {
            let flat = others.iter().any(|other| other == name);
            let lacks = if flat {
                ", which has no folders of classes"
            } else {
                ""
            };
            format!("{name:?}{lacks}")
        });
        return Err(DatasetError::Unsatisfiable {
            set: spec.name.clone(),
            what: "domain".into(),
            expected: format!(
                "one of the folders in {}: {}",
                place.display(),
                names.join(", ")
            ),
            found,
        });
    };
    for file in &mut tree.files {
        file.id = format!("{name}/{}", file.id);
    }
    let mut notes = Vec::new();
    if !others.is_empty() {
        let others = others.join(", ");
        notes.push(format!(
            "folders without folders of classes are no domains: {others}"
        ));
    }
    let (classes, said) = numbered(&name, &names, &tree.classes, union, spec.classes);
    notes.extend(said);
    Ok(Domain {
        place: place.into(),
        classes,
        tree,
        cut: None,
        notes,
    })
}

/// The classes that number the pictures of a domain, and what is to be told of them.
fn numbered(
    domain: &str,
    domains: &[String],
    own: &[String],
    union: Vec<String>,
    which: DomainClasses,
) -> (Vec<String>, Vec<String>) {
    let all = domains.join(", ");
    let lacking: Vec<&String> = union.iter().filter(|class| !own.contains(class)).collect();
    let mut notes = Vec::new();
    let mut spelled: BTreeMap<String, &String> = BTreeMap::new();
    for class in &union {
        if let Some(other) = spelled.insert(class.to_lowercase(), class) {
            notes.push(format!(
                "{other:?} and {class:?} are two classes, whose names differ in capitals alone"
            ));
        }
    }
    let Some(first) = lacking.first() else {
        return (union, notes);
    };
    let (count, lacks) = (union.len(), lacking.len());
    let classes = match which {
        DomainClasses::Union => {
            notes.push(format!(
                "classes are the {count} of the domains {all}, so that labels of their tasks agree; {domain} has no picture \
                 of {lacks} of them (the first is {first:?}); classes = \"own\" leaves these out"
            ));
            union
        }
        DomainClasses::Own => {
            notes.push(format!(
                "classes are the {} of {domain} alone, without {lacks} of the domains {all} (the first is {first:?}): \
                 labels of these domains' tasks do not agree",
                own.len()
            ));
            own.to_vec()
        }
    };
    (classes, notes)
}

#[cfg(test)]
mod tests;

//! DomainNet (Peng et al., ICCV 2019), 345 kinds of things in six domains, and miniDomainNet (Zhou et al., TIP 2021), 126
//! of them in four.
//!
//! Pictures lie in `domainnet/DOMAIN/CLASS/`. Which of them train and which test is said by lists: `DOMAIN_train.txt` and
//! `DOMAIN_test.txt`, for DomainNet in `splits/` or beside the domains, for miniDomainNet in Dassl's `splits_mini/`. Of every
//! class of the training list a tenth validates, the same for every seed. Pictures that no list names are not looked at. It was
//! written without the files at hand.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::super::descriptor::{Data, Input, Reader};
use super::super::images::tree::{Entry, Part, Tree};
use super::lists::{List, Numbers};
use super::{Domain, numbered};
use crate::dataset::files::{Place, malformed};
use crate::dataset::{DatasetError, Display};
use crate::suite::dataset::DatasetSpec;
use crate::suite::task::TargetKind;

/// A published set of lists.
struct Set {
    place: Place,
    domains: &'static [&'static str],
    /// Folders of its lists, the preferred one first.
    lists: &'static [&'static str],
    /// Classes, as published.
    classes: usize,
}

const SETS: [Set; 2] = [
    Set {
        place: Place::of("domainnet"),
        domains: &[
            "clipart",
            "infograph",
            "painting",
            "quickdraw",
            "real",
            "sketch",
        ],
        lists: &["splits/", ""],
        classes: 345,
    },
    Set {
        place: Place::of("mini-domainnet"),
        domains: &["clipart", "painting", "real", "sketch"],
        lists: &["splits_mini/"],
        classes: 126,
    },
];

/// Domain `D` of set `S`.
const fn reader<const S: usize, const D: usize>(name: &'static str, title: &'static str) -> Reader {
    Reader {
        name,
        title,
        what: if S == 0 {
            "Pictures of one domain of everyday things, of 345 classes"
        } else {
            "Pictures of one domain of everyday things, of 126 classes"
        },
        display: Some(Display::Image),
        input: Input::Prepared,
        target: TargetKind::Labels,
        unit: None,
        data: Data::Placed {
            set: SETS[S].place.set,
            digests: |root, spec| domain(root, spec, &SETS[S], D)?.digests(spec),
        },
        open: |asked| domain(asked.root, asked.spec, &SETS[S], D)?.open(asked.how),
    }
}

/// The reader `domainnet-clipart`.
pub const CLIPART: Reader = reader::<0, 0>("domainnet-clipart", "DomainNet: clip art");
/// The reader `domainnet-infograph`.
pub const INFOGRAPH: Reader = reader::<0, 1>("domainnet-infograph", "DomainNet: infographics");
/// The reader `domainnet-painting`.
pub const PAINTING: Reader = reader::<0, 2>("domainnet-painting", "DomainNet: paintings");
/// The reader `domainnet-quickdraw`.
pub const QUICKDRAW: Reader = reader::<0, 3>("domainnet-quickdraw", "DomainNet: quick drawings");
/// The reader `domainnet-real`.
pub const REAL: Reader = reader::<0, 4>("domainnet-real", "DomainNet: photographs");
/// The reader `domainnet-sketch`.
pub const SKETCH: Reader = reader::<0, 5>("domainnet-sketch", "DomainNet: sketches");
/// The reader `mini-domainnet-clipart`.
pub const MINI_CLIPART: Reader =
    reader::<1, 0>("mini-domainnet-clipart", "miniDomainNet: clip art");
/// The reader `mini-domainnet-painting`.
pub const MINI_PAINTING: Reader =
    reader::<1, 1>("mini-domainnet-painting", "miniDomainNet: paintings");
/// The reader `mini-domainnet-real`.
pub const MINI_REAL: Reader = reader::<1, 2>("mini-domainnet-real", "miniDomainNet: photographs");
/// The reader `mini-domainnet-sketch`.
pub const MINI_SKETCH: Reader = reader::<1, 3>("mini-domainnet-sketch", "miniDomainNet: sketches");

/// The training and the test list of a domain.
fn lists(root: &Path, set: &Set, domain: &str) -> Result<[List; 2], DatasetError> {
    let list = |part: &str| {
        let names = set
            .lists
            .iter()
            .map(|folder| format!("{folder}{domain}_{part}.txt"));
        let names: Vec<String> = names.collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        List::read(&set.place.find(root, &names)?, domain)
    };
    Ok([list("train")?, list("test")?])
}

/// The domain of that number, its classes numbered by the lists of all domains that are there.
fn domain(
    root: &Path,
    spec: &DatasetSpec,
    set: &Set,
    number: usize,
) -> Result<Domain, DatasetError> {
    let name = set.domains[number];
    let own = lists(root, set, name)?;
    let pictures = set.place.pictures(root, name)?;
    let (mut numbers, mut mine) = (Numbers::default(), Numbers::default());
    let (mut there, mut absent, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for list in &own {
        mine.learn(list)?;
    }
    for domain in set.domains {
        let known = if *domain == name {
            None
        } else {
            match lists(root, set, domain) {
                Ok(lists) => Some(lists),
                Err(DatasetError::Missing { .. }) => {
                    absent.push(*domain);
                    continue;
                }
                Err(error) => return Err(error),
            }
        };
        for list in known.as_ref().unwrap_or(&own) {
            numbers.learn(list)?;
        }
        there.push(domain.to_string());
    }
    let own_classes = mine.classes();
    let union = numbers.classes();
    if !absent.is_empty() {
        let absent = absent.join(", ");
        notes.push(format!(
            "lists that are not there, and give no classes: those of {absent}"
        ));
    }
    if !numbers.are_dense() {
        notes.push(
            "numbers in the lists have gaps: labels are in their order, without the gaps".into(),
        );
    }
    if union.len() != set.classes {
        let (found, published) = (union.len(), set.classes);
        notes.push(format!("{found} classes, where {published} are published"));
    }
    let files = entries(&own, &pictures, &own_classes, &mut notes)?;
    let (classes, said) = numbered(name, &there, &own_classes, union, spec.classes);
    notes.extend(said);
    Ok(Domain {
        place: pictures.parent().unwrap_or(root).to_path_buf(),
        tree: Tree {
            classes: own_classes,
            files,
            given: true,
            notes: Vec::new(),
        },
        classes,
        cut: Some(
            "no list of validation pictures: a tenth of every class of the training list validates"
                .into(),
        ),
        notes,
    })
}

/// The pictures of a training and a test list, which lie in the folder `pictures`.
fn entries(
    lists: &[List; 2],
    pictures: &Path,
    classes: &[String],
    notes: &mut Vec<String>,
) -> Result<Vec<Entry>, DatasetError> {
    let labels: HashMap<&String, usize> = classes
        .iter()
        .enumerate()
        .map(|(at, name)| (name, at))
        .collect();
    let mut places: HashMap<&str, (Part, usize)> = HashMap::new();
    let (mut files, mut twice) = (Vec::new(), 0);
    let mut absent: Option<(&List, usize, PathBuf, usize)> = None;
    for (list, part) in lists.iter().zip([Part::Train, Part::Test]) {
        for row in &list.rows {
            match places.insert(&row.path, (part, row.line)) {
                Some((before, _)) if before == part => {
                    twice += 1;
                    continue;
                }
                Some((_, line)) => {
                    let expected = "a picture in one of the two lists";
                    let other = lists[0].file.display();
                    let found = format!("{}, which line {line} of {other} has", row.path);
                    let what = format!("line {}", row.line);
                    return Err(malformed(&list.file, what, expected, found));
                }
                None => {}
            }
            let below: PathBuf = row.path.split('/').skip(1).collect();
            let path = pictures.join(below);
            if !path.is_file() {
                let first = absent.take().unwrap_or((list, row.line, path, 0));
                absent = Some((first.0, first.1, first.2, first.3 + 1));
                continue;
            }
            files.push(Entry {
                path,
                id: row.path.clone(),
                label: labels[&row.class],
                part: Some(part),
            });
        }
    }
    if let Some((list, line, path, count)) = absent {
        let expected = "every picture of the list (unpack the domain's archive beside the lists)";
        let found = format!(
            "no file {}, and {} more that are not there",
            path.display(),
            count - 1
        );
        return Err(malformed(
            &list.file,
            format!("line {line}"),
            expected,
            found,
        ));
    }
    if twice > 0 {
        notes.push(format!(
            "lines that name a picture once more, left out: {twice}"
        ));
    }
    Ok(files)
}

#[cfg(test)]
#[path = "domainnet_tests.rs"]
mod tests;

//! Office-Home (Venkateswara et al., CVPR 2017): 65 kinds of things of office and home in four domains.
//!
//! Folders are `Art`, `Clipart`, `Product` and `Real World`, as published, or Dassl's `art`, `clipart`, `product` and
//! `real_world`; the manifest lists all names that are read. There is no official split: of every class a fifth tests and a
//! tenth of the rest validates, the same for every seed. It was written without the pictures at hand.

use std::path::Path;

use super::super::descriptor::{Data, Input, Reader};
use super::{Domain, among};
use crate::dataset::files::Place;
use crate::dataset::{DatasetError, Display};
use crate::suite::dataset::DatasetSpec;
use crate::suite::task::TargetKind;

const PLACE: Place = Place::of("office-home");
/// The folders of its domains, as the manifest names them.
const DOMAINS: [&str; 4] = ["Art", "Clipart", "Product", "Real World"];
/// Classes, as published.
const CLASSES: usize = 65;

/// Domain `D` of the set.
const fn reader<const D: usize>(name: &'static str, title: &'static str) -> Reader {
    Reader {
        name,
        title,
        what: "Pictures of one domain of things of office and home, of 65 classes",
        display: Some(Display::Image),
        input: Input::Prepared,
        target: TargetKind::Labels,
        unit: None,
        data: Data::Placed {
            set: PLACE.set,
            digests: |root, spec| domain(root, spec, D)?.digests(spec),
        },
        open: |asked| domain(asked.root, asked.spec, D)?.open(asked.how),
    }
}

/// The reader `office-home-art`.
pub const ART: Reader = reader::<0>("office-home-art", "Office-Home: art");
/// The reader `office-home-clipart`.
pub const CLIPART: Reader = reader::<1>("office-home-clipart", "Office-Home: clip art");
/// The reader `office-home-product`.
pub const PRODUCT: Reader = reader::<2>("office-home-product", "Office-Home: products");
/// The reader `office-home-real-world`.
pub const REAL: Reader = reader::<3>("office-home-real-world", "Office-Home: real world");

/// The domain of that number, among those that are there.
fn domain(root: &Path, spec: &DatasetSpec, number: usize) -> Result<Domain, DatasetError> {
    let asked = PLACE.pictures(root, DOMAINS[number])?;
    let place = asked.parent().unwrap_or(root).to_path_buf();
    let (mut folders, mut absent) = (Vec::new(), Vec::new());
    for name in DOMAINS {
        match PLACE.pictures(root, name) {
            Ok(folder) => folders.push((called(&folder), folder)),
            Err(_) => absent.push(name),
        }
    }
    let spec = DatasetSpec {
        domain: Some(called(&asked)),
        ..spec.clone()
    };
    let mut domain = among(&place, folders, &spec)?;
    let found = domain.classes.len();
    if !absent.is_empty() {
        let absent = absent.join(", ");
        domain.notes.push(format!(
            "domains that are not there, and give no classes: {absent}"
        ));
    }
    if found != CLASSES {
        domain
            .notes
            .push(format!("{found} classes, where {CLASSES} are published"));
    }
    domain.notes.push(
        "there is no official split, so numbers compare with others' on another one only roughly"
            .into(),
    );
    Ok(domain)
}

/// A folder's name.
fn called(folder: &Path) -> String {
    let name = folder.file_name().unwrap_or_default();
    name.to_string_lossy().into_owned()
}

//! Which files of a folder are pictures, of which class and which part: torchvision's walk. Hidden
//! files and what operating systems and notebooks leave behind are no classes and no pictures.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::dataset::DatasetError;
use crate::dataset::files::{io, malformed};

/// A picture of a folder.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// The same below the folder, with `/` between names.
    pub id: String,
    /// Its class.
    pub label: usize,
    /// The part that the folder says.
    pub part: Option<Part>,
}

/// What a picture is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// For fitting.
    Train,
    /// For choices.
    Valid,
    /// For reported numbers.
    Test,
}

impl Part {
    /// The part that a folder's name means.
    fn of(name: &str) -> Option<Self> {
        match name.to_lowercase().as_str() {
            "train" | "training" => Some(Self::Train),
            "valid" | "val" | "validation" => Some(Self::Valid),
            "test" | "testing" => Some(Self::Test),
            _ => None,
        }
    }
}

/// A folder's pictures.
pub struct Tree {
    /// Classes in sorted order; none if pictures lie in the folder itself.
    pub classes: Vec<String>,
    /// Pictures, part by part, class by class, in the order of their paths.
    pub files: Vec<Entry>,
    /// Whether there are folders of parts.
    pub given: bool,
    /// What was left out.
    pub notes: Vec<String>,
}

/// Endings of pictures that are read.
const READ: [&str; 9] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "ppm", "pgm",
];
/// Endings of pictures that torchvision reads and this program does not.
const NOT_READ: [&str; 2] = ["tif", "tiff"];
/// Folders deeper than this are no set of pictures.
const DEEPEST: usize = 64;

/// Whether a file's name says that it is a picture that is read.
pub fn is_picture(path: &Path) -> bool {
    READ.contains(&ending(path).as_str())
}

fn ending(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default();
    ending.to_string_lossy().to_lowercase()
}

/// Whether a file or folder is nobody's data.
fn is_litter(name: &str) -> bool {
    name.starts_with('.')
        || name.eq_ignore_ascii_case("thumbs.db")
        || name.eq_ignore_ascii_case("desktop.ini")
        || name == "__MACOSX"
        || name == "__pycache__"
}

/// What a folder holds, sorted by name, without litter.
#[derive(Default)]
struct Listing {
    folders: Vec<(String, PathBuf)>,
    pictures: Vec<(String, PathBuf)>,
    others: Vec<PathBuf>,
    litter: usize,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self, DatasetError> {
        let mut all = Self::default();
        for entry in std::fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            let Some(name) = path.file_name().and_then(|n| n.to_str()).map(String::from) else {
                let expected = "names in UTF-8";
                return Err(malformed(&path, "file name", expected, "other bytes"));
            };
            if is_litter(&name) {
                all.litter += 1;
                continue;
            }
            // Follows links.
            let kind = std::fs::metadata(&path).map_err(|e| match e.kind() {
                std::io::ErrorKind::NotFound => {
                    malformed(&path, "link", "one that leads to a file", "a dead one")
                }
                _ => io(&path)(e),
            })?;
            if kind.is_dir() {
                all.folders.push((name, path));
            } else if NOT_READ.contains(&ending(&path).as_str()) {
                let expected = "jpg, png, webp, bmp, ppm or pgm; convert it, or move it away";
                return Err(malformed(&path, "kind of picture", expected, ending(&path)));
            } else if is_picture(&path) {
                all.pictures.push((name, path));
            } else {
                all.others.push(path);
            }
        }
        all.folders.sort();
        all.pictures.sort();
        all.others.sort();
        Ok(all)
    }
}

/// What is walked, and what is counted on the way.
#[derive(Default)]
struct Walk {
    others: Vec<PathBuf>,
    litter: usize,
    circles: usize,
    /// Pictures that lie in no class.
    stray: Vec<PathBuf>,
    /// The folders that the present one lies in, links followed.
    above: Vec<PathBuf>,
}

impl Walk {
    fn list(&mut self, folder: &Path) -> Result<Listing, DatasetError> {
        let mut listing = Listing::of(folder)?;
        self.others.append(&mut listing.others);
        self.litter += listing.litter;
        Ok(listing)
    }

    /// All folders below `folder` and their pictures. A link that leads back to a folder in which it
    /// lies is not followed.
    fn below(
        &mut self,
        folder: &Path,
        depth: usize,
        found: &mut Vec<(PathBuf, Vec<(String, PathBuf)>)>,
    ) -> Result<(), DatasetError> {
        let real = folder.canonicalize().map_err(io(folder))?;
        if self.above.contains(&real) {
            self.circles += 1;
            return Ok(());
        }
        if depth > DEEPEST {
            let expected = format!("at most {DEEPEST} folders deep");
            return Err(malformed(folder, "depth", expected, "more"));
        }
        let listing = self.list(folder)?;
        found.push((folder.into(), listing.pictures));
        self.above.push(real);
        for (_, path) in &listing.folders {
            self.below(path, depth + 1, found)?;
        }
        self.above.pop();
        Ok(())
    }

    /// Pictures of a class, in torchvision's order: folders by their paths as text, files by name.
    fn class(&mut self, folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
        let mut found = Vec::new();
        self.below(folder, 0, &mut found)?;
        found.sort_by(|a, b| {
            let text = |p: &Path| p.to_string_lossy().into_owned();
            text(&a.0).cmp(&text(&b.0))
        });
        let files = found.into_iter().flat_map(|(_, files)| files);
        Ok(files.map(|(_, path)| path).collect())
    }
}

/// Looks through the folder `root`.
pub fn walk(root: &Path) -> Result<Tree, DatasetError> {
    if !root.is_dir() {
        return Err(DatasetError::Missing {
            set: "images".into(),
            path: root.into(),
            hint: "expected a folder of pictures, DIR/class/*.jpg as torchvision's ImageFolder has \
                   it (https://pytorch.org/vision/stable/generated/torchvision.datasets.ImageFolder.html)"
                .into(),
        });
    }
    let mut walk = Walk {
        above: vec![root.canonicalize().map_err(io(root))?],
        ..Walk::default()
    };
    let top = walk.list(root)?;
    let parts = parts_of(root, &top)?;
    let id = |path: &Path| id(root, path);
    let (mut files, mut classes) = (Vec::new(), BTreeSet::new());
    let entry = |path: PathBuf, label: usize, part: Option<Part>| Entry {
        id: id(&path),
        path,
        label,
        part,
    };
    let given = parts.is_some();
    if top.folders.is_empty() {
        files.extend(top.pictures.iter().map(|(_, p)| entry(p.clone(), 0, None)));
    } else {
        // The folders of classes, with the part of each.
        let mut folders = Vec::new();
        for (part, folder) in parts.unwrap_or_else(|| vec![(None, root.to_path_buf())]) {
            let listing = if part.is_some() {
                walk.list(&folder)?
            } else {
                Listing::of(&folder)?
            };
            let stray = listing.pictures.into_iter();
            walk.stray.extend(stray.map(|(_, path)| path));
            folders.extend(listing.folders.into_iter().map(|(name, f)| (part, name, f)));
        }
        classes.extend(folders.iter().map(|(_, name, _)| name.clone()));
        for (part, name, folder) in folders {
            let pictures = walk.class(&folder)?;
            if pictures.is_empty() {
                let expected = format!("pictures ({})", READ.join(", "));
                return Err(malformed(&folder, "folder of a class", expected, "none"));
            }
            let label = classes.iter().position(|c| *c == name).unwrap_or_default();
            files.extend(pictures.into_iter().map(|path| entry(path, label, part)));
        }
    }
    let classes: Vec<String> = classes.into_iter().collect();
    if given {
        check_parts(root, &files, &classes)?;
    }
    Ok(Tree {
        notes: notes(&walk, &id),
        classes,
        files,
        given,
    })
}

/// Looks through the folder `root` for pictures at any depth, whatever its folders are called; `known` are files that are no
/// pictures and are read.
pub fn flat(root: &Path, known: &[&Path]) -> Result<Tree, DatasetError> {
    let mut walk = Walk::default();
    let files = walk.class(root)?;
    walk.others.retain(|path| !known.contains(&path.as_path()));
    let entry = |path: PathBuf| Entry {
        id: id(root, &path),
        path,
        label: 0,
        part: None,
    };
    Ok(Tree {
        classes: Vec::new(),
        files: files.into_iter().map(entry).collect(),
        given: false,
        notes: notes(&walk, &|path| id(root, path)),
    })
}

/// Folders with what lies beside them: names and paths of folders, and pictures.
pub type Folders = (Vec<(String, PathBuf)>, Vec<PathBuf>);

/// The folders in `root`, in sorted order, and the pictures that lie beside them.
pub fn folders(root: &Path) -> Result<Folders, DatasetError> {
    let listing = Listing::of(root)?;
    let pictures = listing.pictures.into_iter().map(|(_, path)| path);
    Ok((listing.folders, pictures.collect()))
}

/// The path below `root`, with `/` between names.
fn id(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    names.join("/")
}

/// The folders of parts, train first, if that is what lies in `root`.
#[allow(clippy::type_complexity)] // a part and its folder
fn parts_of(
    root: &Path,
    top: &Listing,
) -> Result<Option<Vec<(Option<Part>, PathBuf)>>, DatasetError> {
    let mut parts = Vec::new();
    for (name, folder) in &top.folders {
        if let Some(part) = Part::of(name) {
            // A class may be called "test": folders of parts hold folders, not pictures.
            let inside = Listing::of(folder)?;
            if !inside.folders.is_empty() && inside.pictures.is_empty() {
                parts.push((Some(part), folder.clone()));
            }
        }
    }
    if parts.is_empty() {
        return Ok(None);
    }
    parts.sort();
    let expected = "either folders of classes, or train, valid and test with folders of classes";
    if parts.len() != top.folders.len() {
        let names: Vec<&str> = top.folders.iter().map(|(name, _)| name.as_str()).collect();
        return Err(malformed(root, "folders", expected, names.join(", ")));
    }
    if let Some(two) = parts.windows(2).find(|two| two[0].0 == two[1].0) {
        let found = format!("{} and {}", two[0].1.display(), two[1].1.display());
        return Err(malformed(root, "folders", "one of every part", found));
    }
    if parts[0].0 != Some(Part::Train) {
        return Err(malformed(root, "folders", "one called train", "none"));
    }
    Ok(Some(parts))
}

/// Every class must be one that can be learnt.
fn check_parts(root: &Path, files: &[Entry], classes: &[String]) -> Result<(), DatasetError> {
    let mut taught = vec![false; classes.len()];
    for file in files.iter().filter(|file| file.part == Some(Part::Train)) {
        taught[file.label] = true;
    }
    match classes.iter().zip(taught).find(|(_, taught)| !taught) {
        None => Ok(()),
        Some((class, _)) => Err(malformed(
            root,
            "classes",
            format!("pictures of class {class:?} in the training folder too"),
            "none",
        )),
    }
}

/// What was left out.
fn notes(walk: &Walk, id: &dyn Fn(&Path) -> String) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(first) = walk.others.first() {
        notes.push(format!(
            "files that are no pictures, left out: {} (the first is {})",
            walk.others.len(),
            id(first)
        ));
    }
    if walk.litter > 0 {
        notes.push(format!(
            "hidden files and folders, left out: {}",
            walk.litter
        ));
    }
    if walk.circles > 0 {
        notes.push(format!(
            "links that lead back to a folder above them, not followed: {}",
            walk.circles
        ));
    }
    if let Some(first) = walk.stray.first() {
        notes.push(format!(
            "pictures beside the folders of classes, left out: {} (the first is {})",
            walk.stray.len(),
            id(first)
        ));
    }
    notes
}

use super::*;
use crate::dataset::labels;
use crate::files::fuzz;
use crate::fixture;
use std::path::PathBuf;

fn pictures(name: &str) -> PathBuf {
    fixture::path(&format!("preprocess/pictures/{name}"))
}

/// A folder of copies of fixtures: place of each and which.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (place, fixture) in files {
        let path = home.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match *fixture {
            "" => std::fs::write(path, b"text").unwrap(),
            name => drop(std::fs::copy(pictures(name), path).unwrap()),
        }
    }
    home
}

fn open(home: &tempfile::TempDir) -> Result<Folder, DatasetError> {
    Folder::open(home.path(), &Preprocess::guess(16), Broken::Refuse)
}

fn ids(set: &dyn Dataset) -> Vec<String> {
    (0..set.len()).filter_map(|index| set.id(index)).collect()
}

fn refused(home: &tempfile::TempDir) -> String {
    open(home).err().expect("refused").to_string()
}

#[test]
fn every_format_is_read_as_pil_reads_it() {
    for entry in std::fs::read_dir(pictures("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        let want = fixture::npz("preprocess/decoded.npz", &name);
        let got = decode(&path).unwrap();
        assert_eq!(&got.header.size, &want.shape()[1..], "{name}");
        let apart = got
            .planes
            .iter()
            .zip(&want)
            .map(|(a, b)| (f64::from(*a) - b).abs());
        // Lossy WebP may be upsampled in another way; all else is the same to the last level.
        let most = if name.starts_with("lossy") { 1.0 } else { 0.0 };
        let found = apart.fold(0.0, f64::max);
        assert!(found <= most, "{name}: {found}");
    }
}

#[test]
fn wide_channels_give_their_upper_bits_and_that_is_told() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("a")).unwrap();
    let path = home.path().join("a/x.png");
    let values: Vec<u16> = (0..64).map(|i| i * 1000 + 255).collect();
    let image = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(8, 8, values.clone()).unwrap();
    image.save(&path).unwrap();
    let got = decode(&path).unwrap();
    assert!(got.header.wide);
    assert!(
        got.planes
            .iter()
            .zip(values.iter().cycle())
            .all(|(g, v)| *g == (v >> 8) as u8)
    );
    let notes = open(&home).unwrap().notes.join("\n");
    assert!(
        notes.contains("16 bits") && notes.contains("a/x.png"),
        "{notes}"
    );
}

#[test]
fn classes_and_files_come_in_torchvisions_order_and_litter_is_left_out() {
    let home = folder(&[
        ("dog/b.PNG", "photo.png"),
        ("dog/a.jpg", "420.jpg"),
        ("Cat/z.webp", "lossless.webp"),
        ("Cat/deep/er/a.jpeg", "444.jpg"),
        ("Cat/deep-1/b.png", "grey.png"),
        ("Cat/notes.txt", ""),
        ("Cat/.hidden.png", ""),
        ("Cat/Thumbs.db", ""),
        (".ipynb_checkpoints/x.png", ""),
        ("__MACOSX/dog/x.png", ""),
        ("readme.md", ""),
        ("cover.png", "photo.png"),
    ]);
    let found = open(&home).unwrap();
    let set = found.whole.as_ref();
    assert_eq!(set.classes(), ["Cat", "dog"]);
    // Folders by their paths as text: '-' comes before '/'.
    let want = [
        "Cat/z.webp",
        "Cat/deep-1/b.png",
        "Cat/deep/er/a.jpeg",
        "dog/a.jpg",
        "dog/b.PNG",
    ];
    assert_eq!(ids(set), want);
    assert_eq!(labels(set), [0, 0, 0, 1, 1]);
    let notes = found.notes.join("\n");
    for told in [
        "no pictures, left out: 2",
        "hidden files and folders, left out: 4",
        "beside the folders of classes, left out: 1 (the first is cover.png)",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    assert_eq!(set.shape(), [3, 16, 16]);
    let mut out = vec![0.0; 3 * 16 * 16];
    (0..5).for_each(|index| set.read(index, &mut out).unwrap());
}

#[test]
fn parts_come_from_folders_or_from_a_stratified_cut() {
    let names: Vec<String> = (0..40)
        .map(|i| format!("{}/{i:02}.png", ["a", "b"][i % 2]))
        .collect();
    let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "photo.png")).collect();
    let home = folder(&files);
    let found = open(&home).unwrap();
    assert!(!found.given && found.cuts[0].contains("a fifth"));
    let splits = found.splits(home.path()).unwrap();
    let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
    assert_eq!(lengths, [28, 4, 8]);
    let mut all: Vec<String> = [&splits.train, &splits.valid, &splits.test]
        .iter()
        .flat_map(|part| ids(part.as_ref()))
        .collect();
    all.sort();
    assert_eq!(
        all,
        ids(found.whole.as_ref()),
        "every picture stands in one part"
    );
    for (folders, want) in [
        (vec!["train", "val", "test"], [20, 20, 20]),
        (vec!["train", "test"], [18, 2, 20]),
        (vec!["train", "validation"], [18, 2, 20]),
        (vec!["Train"], [14, 2, 4]),
    ] {
        let names: Vec<String> = folders
            .iter()
            .flat_map(|part| {
                (0..20).map(move |i| format!("{part}/{}/{i:02}.png", ["a", "b"][i % 2]))
            })
            .collect();
        let files: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "photo.png")).collect();
        let home = folder(&files);
        let found = open(&home).unwrap();
        assert!(found.given && (found.cuts.is_empty() == (folders.len() == 3)));
        let splits = found.splits(home.path()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(lengths, want, "{folders:?}");
        assert_eq!(splits.train.classes(), ["a", "b"]);
    }
    // Classes may be called like parts.
    let home = folder(&[("test/a.png", "photo.png"), ("train/a.png", "photo.png")]);
    assert_eq!(open(&home).unwrap().whole.classes(), ["test", "train"]);
}

#[test]
fn pictures_without_classes_have_no_labels_and_no_parts() {
    let home = folder(&[("a.png", "photo.png"), ("b.jpg", "420.jpg")]);
    let found = open(&home).unwrap();
    assert!(found.whole.classes().is_empty() && found.whole.len() == 2);
    let said = found.splits(home.path()).err().unwrap().to_string();
    assert!(said.contains("DIR/class/*.jpg"), "{said}");
}

#[test]
fn what_is_no_picture_is_refused_by_name_or_skipped_and_counted() {
    let whole = [("a/x.png", "photo.png"), ("b/y.png", "photo.png")];
    for (name, bytes, said) in [
        ("b/empty.png", &b""[..], "0"),
        ("b/text.jpg", b"<html>no picture</html>", "contents"),
        (
            "b/cut.png",
            &std::fs::read(pictures("photo.png")).unwrap()[..20],
            "intact data",
        ),
        ("b/scan.tif", b"II*\0", "convert it"),
    ] {
        let home = folder(&whole);
        std::fs::write(home.path().join(name), bytes).unwrap();
        let message = refused(&home);
        assert!(
            message.contains(name) && message.contains(said),
            "{message}"
        );
    }
    let home = folder(&whole);
    let cut = std::fs::read(pictures("420.jpg")).unwrap();
    std::fs::write(home.path().join("b/cut.jpg"), &cut[..cut.len() - 200]).unwrap();
    // Its header is whole: reading it says what is wrong.
    let set = open(&home).unwrap().whole;
    let said = set
        .read(1, &mut vec![0.0; 3 * 256])
        .unwrap_err()
        .to_string();
    assert!(said.contains("b/cut.jpg"), "{said}");
    let found = Folder::open(home.path(), &Preprocess::guess(16), Broken::Skip).unwrap();
    assert_eq!(ids(found.whole.as_ref()), ["a/x.png", "b/y.png"]);
    assert!(
        found.notes.iter().any(|n| n.contains("1 broken")),
        "{:?}",
        found.notes
    );
    let home = folder(&[("a/x.png", "photo.png"), ("b/notes.txt", "")]);
    assert!(refused(&home).contains("folder of a class"));
    let home = folder(&[("train/a/x.png", "photo.png"), ("cats/x.png", "photo.png")]);
    assert!(refused(&home).contains("either folders of classes, or"));
    let home = folder(&[
        ("train/a/x.png", "photo.png"),
        ("test/b/x.png", "photo.png"),
    ]);
    assert!(refused(&home).contains("\"b\" in the training folder"));
    assert!(open(&tempfile::tempdir().unwrap()).is_err());
}

#[cfg(unix)]
#[test]
fn links_are_followed_but_not_in_circles_and_dead_ones_are_named() {
    use std::os::unix::fs::symlink;
    let home = folder(&[("a/x.png", "photo.png"), ("store/y.png", "photo.png")]);
    symlink(home.path().join("store"), home.path().join("b")).unwrap();
    symlink(home.path().join("a"), home.path().join("a/again")).unwrap();
    let found = open(&home).unwrap();
    assert_eq!(
        ids(found.whole.as_ref()),
        ["a/x.png", "b/y.png", "store/y.png"]
    );
    assert!(
        found
            .notes
            .iter()
            .any(|note| note.contains("not followed: 1"))
    );
    symlink("nowhere", home.path().join("a/dead.png")).unwrap();
    assert!(refused(&home).contains("a/dead.png"));
}

#[test]
fn pictures_of_several_sizes_need_a_size() {
    let home = folder(&[("a/x.png", "photo.png"), ("b/y.png", "tall.png")]);
    let how = Preprocess {
        crop: None,
        ..Preprocess::guess(16)
    };
    let said = Folder::open(home.path(), &how, Broken::Refuse)
        .err()
        .unwrap();
    assert!(said.to_string().contains("b/y.png"), "{said}");
}

#[test]
fn the_digest_tells_names_and_bytes_apart() {
    let home = folder(&[("a/x.png", "photo.png"), ("b/y.png", "photo.png")]);
    let first = digest(home.path()).unwrap();
    assert_eq!(first, digest(home.path()).unwrap());
    std::fs::rename(home.path().join("a/x.png"), home.path().join("a/z.png")).unwrap();
    let second = digest(home.path()).unwrap();
    std::fs::copy(pictures("grey.png"), home.path().join("a/z.png")).unwrap();
    let third = digest(home.path()).unwrap();
    assert!(first != second && second != third);
}

#[test]
fn no_flip_makes_a_picture_panic() {
    for name in [
        "photo.png",
        "palette-alpha.png",
        "bits.png",
        "420.jpg",
        "progressive.jpg",
        "lossy.webp",
        "lossless.webp",
        "lossy-alpha.webp",
        "plain.bmp",
        "plain.ppm",
    ] {
        let good = std::fs::read(pictures(name)).unwrap();
        fuzz::rounds(&good, 60, |bytes, root| {
            let path = root.join("a").join(name);
            std::fs::create_dir_all(root.join("a")).unwrap();
            std::fs::write(&path, bytes).unwrap();
            let set = open_in(root)?;
            set.read(0, &mut vec![0.0; 3 * 256])
        });
    }
}

fn open_in(root: &Path) -> Result<Arc<dyn Dataset>, DatasetError> {
    Ok(Folder::open(root, &Preprocess::guess(16), Broken::Refuse)?.whole)
}

//! Flickr8k (Hodosh et al., JAIR 2013), Flickr30k (Young et al., TACL 2014) and COCO (Lin et al., ECCV 2014): photographs with
//! five captions each, in the splits that A. Karpathy passed on.
//!
//! `SET/dataset_SET.json` says captions and parts; the pictures lie below the same folder in any layout, as users unpack them.
//! What COCO's split calls `restval` trains. Pictures that the split does not name are left out and counted. All three were
//! written without the pictures at hand.

use std::path::{Path, PathBuf};

use super::super::descriptor::{Asked, Data, Input, Reader};
use super::super::images::digest_flat;
use super::karpathy::{self, Split};
use super::{Captions, open};
use crate::dataset::files::{Place, malformed};
use crate::dataset::{DatasetError, Display, Splits};
use crate::suite::task::TargetKind;

/// A set with a split of Karpathy's.
struct Set {
    place: Place,
    /// What the split calls it.
    name: &'static str,
    /// The split.
    file: &'static str,
    /// Pictures that train, validate and test, as published.
    pictures: [usize; 3],
}

const SETS: [Set; 3] = [
    Set {
        place: Place::of("flickr8k"),
        name: "flickr8k",
        file: "dataset_flickr8k.json",
        pictures: [6_000, 1_000, 1_000],
    },
    Set {
        place: Place::of("flickr30k"),
        name: "flickr30k",
        file: "dataset_flickr30k.json",
        pictures: [29_000, 1_014, 1_000],
    },
    Set {
        place: Place::of("coco"),
        name: "coco",
        file: "dataset_coco.json",
        pictures: [113_287, 5_000, 5_000],
    },
];

/// Set `S`.
const fn reader<const S: usize>(name: &'static str, title: &'static str) -> Reader {
    Reader {
        name,
        title,
        what: "Photographs with five captions each, in Karpathy's split",
        display: Some(Display::Image),
        input: Input::Prepared,
        target: TargetKind::Pairs,
        unit: None,
        data: Data::Placed {
            set: SETS[S].place.set,
            digests: |root, spec| {
                let sha256 = digest_flat(&folder(&SETS[S].split(root)?))?;
                Ok(vec![(format!("{}/", spec.name), sha256)])
            },
        },
        open: |asked| SETS[S].open(asked),
    }
}

/// The reader `flickr8k`.
pub const FLICKR8K: Reader = reader::<0>("flickr8k", "Flickr8k");
/// The reader `flickr30k`.
pub const FLICKR30K: Reader = reader::<1>("flickr30k", "Flickr30k");
/// The reader `coco`.
pub const COCO: Reader = reader::<2>("coco", "COCO captions");

/// Where the pictures lie.
fn folder(split: &Path) -> PathBuf {
    split.parent().unwrap_or(Path::new(".")).to_path_buf()
}

impl Set {
    /// The file of the split.
    fn split(&self, root: &Path) -> Result<PathBuf, DatasetError> {
        self.place.find(root, &[self.file])
    }

    /// Opens the three parts.
    fn open(&self, asked: &Asked<'_>) -> Result<Splits, DatasetError> {
        let file = self.split(asked.root)?;
        let Some(Split { dataset, rows }) = karpathy::read(&file)? else {
            let found = "JSON of another layout";
            return Err(malformed(&file, "JSON", karpathy::EXPECTED, found));
        };
        if let Some(other) = dataset.filter(|name| name != self.name) {
            let expected = format!("the split of {:?}", self.name);
            return Err(malformed(&file, "dataset", expected, format!("{other:?}")));
        }
        if rows.iter().all(|row| row.part.is_none()) {
            let expected =
                "a “split” of every picture: train, val, test (or restval, which trains)";
            return Err(malformed(&file, "images", expected, "none"));
        }
        let place = folder(&file);
        let splits = open(&place, Captions { file, rows }, asked.how)?;
        let found = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        let other = (found != self.pictures).then(|| {
            let words = |counts: [usize; 3]| counts.map(|count| count.to_string()).join(", ");
            format!(
                "pictures that train, validate and test: {}, where {} are published",
                words(found),
                words(self.pictures)
            )
        });
        Ok(splits.noted(other))
    }
}

#[cfg(test)]
mod tests {
    use crate::dataset::{DatasetError, Splits, open, readers};
    use crate::fixture;
    use crate::suite::dataset::DatasetSpec;
    use serde_json::json;

    const SETS: [(&str, &str); 3] = [
        ("flickr8k", "images"),
        ("flickr30k", "flickr30k-images"),
        ("coco", "val2014"),
    ];

    /// Eight pictures of a set with two captions each; of COCO some are `restval`.
    fn home(set: &str, folder: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join(set);
        std::fs::create_dir_all(place.join(folder)).unwrap();
        let words = [
            "train",
            "val",
            "test",
            if set == "coco" { "restval" } else { "train" },
        ];
        let image = |i: usize| {
            let from = fixture::path("preprocess/pictures/photo.png");
            std::fs::copy(from, place.join(folder).join(format!("{i}.png"))).unwrap();
            let mut image = json!({
                "filename": format!("{i}.png"), "split": words[i % 4], "imgid": i,
                "sentences": [{"raw": format!("one {i}")}, {"raw": format!("two {i}")}],
            });
            if set == "coco" {
                image["filepath"] = json!(folder);
            }
            image
        };
        let images: Vec<_> = (0..8).map(image).collect();
        let split = json!({"dataset": set, "images": images}).to_string();
        std::fs::write(place.join(format!("dataset_{set}.json")), split).unwrap();
        home
    }

    fn opened(home: &tempfile::TempDir, set: &str) -> Result<Splits, DatasetError> {
        open(&DatasetSpec::new("mine", "Mine", set), Some(home.path()), 0)
    }

    #[test]
    fn parts_are_those_of_the_split_and_other_counts_than_published_are_told() {
        for (set, folder) in SETS {
            let home = home(set, folder);
            std::fs::write(home.path().join(set).join("dataset_other.json"), "[]").unwrap();
            let splits = opened(&home, set).unwrap();
            let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
            assert_eq!(lengths, [4, 2, 2], "{set}");
            assert_eq!(splits.test.captions(1), ["one 6", "two 6"]);
            assert_eq!(splits.test.id(1), Some(format!("{folder}/6.png")));
            let notes = splits.notes.join("\n");
            assert!(notes.contains("4, 2, 2, where "), "{notes}");
            let by_name = notes.contains("by their names alone");
            assert_eq!(by_name, set != "coco", "{notes}");
        }
    }

    #[test]
    fn another_sets_split_one_without_parts_and_absent_pictures_are_refused() {
        let home = home("flickr8k", "images");
        let file = home.path().join("flickr8k/dataset_flickr8k.json");
        let good = std::fs::read_to_string(&file).unwrap();
        let said = |text: &str| {
            std::fs::write(&file, text).unwrap();
            opened(&home, "flickr8k")
                .err()
                .expect("refused")
                .to_string()
        };
        let other = said(&good.replace("\"flickr8k\"", "\"coco\""));
        assert!(
            other.contains("the split of \"flickr8k\", found \"coco\""),
            "{other}"
        );
        let without = said(&good.replace("\"split\"", "\"splits\""));
        assert!(without.contains("a “split” of every picture"), "{without}");
        let list = said("[]");
        assert!(list.contains("another layout"), "{list}");
        let absent = said(&good.replace("\"3.png\"", "\"33.png\""));
        assert!(
            absent.contains("row 4") && absent.contains("33.png"),
            "{absent}"
        );
        std::fs::remove_file(&file).unwrap();
        let said = opened(&home, "flickr8k").err().unwrap().to_string();
        assert!(
            said.contains("flickr8k/dataset_flickr8k.json") && said.contains("https://"),
            "{said}"
        );
    }

    #[test]
    fn the_digest_sees_a_picture_change() {
        let home = home("coco", "val2014");
        let digests = readers::Reader::named("coco").unwrap().digests().unwrap();
        let spec = DatasetSpec::new("mine", "Mine", "coco");
        let first = digests(home.path(), &spec).unwrap();
        assert_eq!(first[0].0, "mine/");
        let from = fixture::path("preprocess/pictures/grey.png");
        std::fs::copy(from, home.path().join("coco/val2014/0.png")).unwrap();
        assert_ne!(digests(home.path(), &spec).unwrap(), first);
    }
}

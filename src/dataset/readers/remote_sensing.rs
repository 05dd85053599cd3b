//! RSICD (Lu et al., TGRS 2018) and RSITMD (Yuan et al., TGRS 2022): aerial pictures with five captions each, in the splits that
//! HarMA's repository passes on.
//!
//! `rs_captions/SET_{train,val,test}.json` is a list of `{"image", "caption"}`, where a caption is a text or a list of texts.
//! Pictures are those of the sets' authors, in `rs_captions/rsicd/` and `rs_captions/rsitmd/` at any depth: a name without its
//! folders is one picture, so every layout that is passed around is read. RSITMD's are TIFF, which this program does not read:
//! converted ones are found by their names but for the ending.
//!
//! The captions are given as they are; HarMA's cleaning of them is its method's.

use std::path::Path;

use super::descriptor::{Asked, Data, Input, Reader};
use super::images::{Broken, Folder};
use crate::dataset::files::Place;
use crate::dataset::pairs::{Assigned, Captioned, owners};
use crate::dataset::part::Part;
use crate::dataset::texts::records;
use crate::dataset::{DatasetError, Display, Splits};
use crate::suite::task::TargetKind;

const PLACE: Place = Place::of("rs-captions");

/// The reader `rsicd`.
pub const RSICD: Reader = Reader {
    name: "rsicd",
    title: "RSICD",
    what: "Aerial pictures, 224 × 224 as published, with five captions each",
    display: Some(Display::Image),
    input: Input::Prepared,
    target: TargetKind::Pairs,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| {
        let files = ["rsicd_train.json", "rsicd_val.json", "rsicd_test.json"];
        open(asked, "rsicd", files)
    },
};

/// The reader `rsitmd`.
pub const RSITMD: Reader = Reader {
    name: "rsitmd",
    title: "RSITMD",
    what: "Aerial pictures, 256 × 256 as published, with five captions each",
    open: |asked| {
        let files = ["rsitmd_train.json", "rsitmd_val.json", "rsitmd_test.json"];
        open(asked, "rsitmd", files)
    },
    ..RSICD
};

/// Opens the three parts: the files of training, validation and test part, the pictures in `folder`.
fn open(asked: &Asked<'_>, folder: &str, files: [&str; 3]) -> Result<Splits, DatasetError> {
    let [train, valid, test] = files.map(|file| PLACE.find(asked.root, &[file]));
    let files = [train?, valid?, test?];
    let folders = PLACE.folders();
    let mut places = folders.iter().map(|own| asked.root.join(own).join(folder));
    let Some(place) = places.find(|place| place.is_dir()) else {
        return Err(PLACE.missing(&asked.root.join(folders[0]).join(folder)));
    };
    let pictures = Folder::flat(&place, &[], asked.how, Broken::Refuse)?;
    let (mut all, mut notes) = (Vec::new(), pictures.notes);
    for (file, part) in files.iter().zip([Part::Train, Part::Valid, Part::Test]) {
        let rows = records(file, ["image", "caption"], None)?;
        let names: Vec<&str> = rows.iter().map(|row| last(&row.name)).collect();
        let matched = owners(file, pictures.whole.as_ref(), &names, false)?;
        notes.extend(matched.notes);
        all.extend(rows.into_iter().zip(matched.owner).enumerate().filter_map(
            |(row, (record, owner))| {
                Some(Assigned {
                    file,
                    row: row + 1,
                    owner: owner?,
                    texts: record.texts,
                    part: Some(part),
                })
            },
        ));
    }
    notes.push(
        "the pictures have no published checksums: a run does not see when they change".into(),
    );
    Ok(Captioned::splits(&place, pictures.whole, all)?.noted(notes))
}

/// The name without the folder, which says the part.
fn last(name: &str) -> &str {
    Path::new(name)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use crate::dataset::{Splits, open};
    use crate::fixture;
    use crate::suite::dataset::DatasetSpec;
    use serde_json::json;

    /// Three pictures of each part, named as the sets name theirs; pictures are PNG in one folder.
    fn home(pictures: bool) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("rs_captions");
        std::fs::create_dir_all(place.join("rsitmd/images")).unwrap();
        for part in ["train", "val", "test"] {
            let entry = |i: usize, caption: serde_json::Value| json!({"image": format!("{part}/{part}_{i}.tif"), "caption": caption, "label": i});
            let mut all: Vec<_> = (0..3)
                .map(|i| entry(i, json!([format!("{part} {i}"), "a field"])))
                .collect();
            if part == "train" {
                // One caption an entry, as the training file has them.
                all.push(entry(0, json!("once more")));
            }
            std::fs::write(
                place.join(format!("rsitmd_{part}.json")),
                json!(all).to_string(),
            )
            .unwrap();
            for i in (0..3).filter(|_| pictures) {
                let from = fixture::path("preprocess/pictures/photo.png");
                std::fs::copy(from, place.join(format!("rsitmd/images/{part}_{i}.png"))).unwrap();
            }
        }
        home
    }

    fn opened(home: &tempfile::TempDir, reader: &str) -> Result<Splits, String> {
        let spec = DatasetSpec::new("set", "Set", reader);
        open(&spec, Some(home.path()), 0).map_err(|e| e.to_string())
    }

    #[test]
    fn converted_pictures_are_found_by_their_names_and_parts_are_those_of_the_files() {
        let splits = opened(&home(true), "rsitmd").unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(lengths, [3, 3, 3]);
        assert_eq!(
            splits.train.captions(0),
            ["train 0", "a field", "once more"]
        );
        assert_eq!(splits.test.id(1).as_deref(), Some("images/test_1.png"));
        let notes = splits.notes.join("\n");
        assert!(
            notes.contains("another ending") && notes.contains("no published checksums"),
            "{notes}"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let home = home(false);
        let said = opened(&home, "rsitmd").err().unwrap();
        assert!(said.contains("at least one"), "{said}");
        std::fs::remove_dir_all(home.path().join("rs_captions/rsitmd")).unwrap();
        let said = opened(&home, "rsitmd").err().unwrap();
        assert!(
            said.contains("rs_captions/rsitmd") && said.contains("https://"),
            "{said}"
        );
        let said = opened(&home, "rsicd").err().unwrap();
        assert!(said.contains("rsicd_train.json"), "{said}");
        let whole = self::home(true);
        std::fs::remove_file(whole.path().join("rs_captions/rsitmd/images/val_1.png")).unwrap();
        let said = opened(&whole, "rsitmd").err().unwrap();
        assert!(
            said.contains("rsitmd_val.json") && said.contains("row 2"),
            "{said}"
        );
    }
}

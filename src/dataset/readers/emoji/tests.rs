use super::*;
use crate::dataset::pairs::captions_of;
use crate::dataset::{class_counts, open as open_set};
use crate::suite::dataset::DatasetSpec;

/// Forty things of two subgroups, one of them with 16 things or more, in every style; pixels say style and thing.
pub fn folder() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let place = home.path().join("emoji");
    std::fs::create_dir(&place).unwrap();
    let subgroup = |row: usize| if row < 30 { "place-other" } else { "rare" };
    let split = |row: usize| ["train", "train", "test", "val"][row % 4];
    let mut index = String::from("row,codepoint,group,subgroup,name,split\n");
    let mut captions = Vec::new();
    for row in 0..40 {
        let (group, part) = (subgroup(row), split(row));
        index += &format!("{row},1F{row:03},all,{group},thing {row},{part}\n");
        captions.push(serde_json::json!({
            "codepoint": format!("1F{row:03}"),
            "captions": [format!("thing {row}"), "a thing"],
        }));
    }
    let captions = serde_json::to_vec(&captions).unwrap();
    for (name, bytes) in [
        ("index.csv", index.into_bytes()),
        ("captions.json", captions),
    ] {
        std::fs::write(place.join(name), bytes).unwrap();
    }
    for (style, file) in STYLES.iter().enumerate() {
        let pixels = |thing: u8| [vec![thing; RECORD - 1], vec![style as u8]].concat();
        let all: Vec<u8> = (0..40).flat_map(pixels).collect();
        std::fs::write(place.join(file), all).unwrap();
    }
    home
}

fn spec(reader: &str) -> DatasetSpec {
    DatasetSpec::new("set", "Set", reader)
}

fn bytes(set: &dyn Dataset, index: usize) -> (u8, u8) {
    let mut out = vec![0.0; RECORD];
    set.read(index, &mut out).unwrap();
    let byte = |channel: usize, value: f32| {
        let norm = Normalise::cifar();
        let unit = value * norm.std()[channel] + norm.mean()[channel];
        (unit * 255.0).round() as u8
    };
    (byte(0, out[0]), byte(2, out[RECORD - 1]))
}

#[test]
fn a_style_has_its_pictures_and_captions_by_the_split_of_things() {
    let home = folder();
    for (style, reader) in [NOTO, TWEMOJI, FLUENT, OPENMOJI, LINE].iter().enumerate() {
        let splits = open_set(&spec(reader.name), Some(home.path()), 0).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!(lengths, [20, 10, 10]);
        let test = splits.test.as_ref();
        assert_eq!(
            (test.target_shape(), test.unit()),
            (TargetShape::Captions, None)
        );
        assert_eq!(test.captions(1), ["thing 6", "a thing"]);
        assert_eq!(bytes(test, 1), (6, style as u8));
        assert!(test.id(1).unwrap().ends_with("/1F006"));
        assert!(test.captions(10).is_empty() && test.classes().is_empty());
    }
}

#[test]
fn the_unseen_styles_are_pooled_and_grouped_by_thing() {
    let home = folder();
    let splits = open_set(&spec("emoji-unseen"), Some(home.path()), 0).unwrap();
    let test = splits.test.as_ref();
    assert_eq!((test.len(), test.unit()), (40, Some("thing")));
    for index in 0..40 {
        let (thing, style) = (index % 10 * 4 + 2, index / 10 + 1);
        assert_eq!(test.group(index), thing);
        assert_eq!(bytes(test, index), (thing as u8, style as u8));
        assert_eq!(test.captions(index)[0], format!("thing {thing}"));
    }
    assert_eq!(captions_of(test).texts.len(), 80);
    assert!(splits.notes[0].contains("once for each of the 4 pictures"));
}

#[test]
fn subgroups_of_16_things_are_classes() {
    let home = folder();
    let splits = open_set(&spec("emoji-line-groups"), Some(home.path()), 0).unwrap();
    assert_eq!(splits.train.classes(), ["place other"]);
    assert_eq!(class_counts(splits.train.as_ref()), [16]);
    assert_eq!(splits.train.target_shape(), TargetShape::Class);
    assert!(splits.train.captions(0).is_empty());
    assert!(splits.notes[0].contains("10 of 40 things left out"));
}

#[test]
fn files_that_disagree_are_refused_with_their_place() {
    let said = |file: &str, from: &str, to: &str| {
        let home = folder();
        let path = home.path().join("emoji").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = open_set(&spec("emoji-noto"), Some(home.path()), 0).err();
        error.unwrap().to_string()
    };
    for (file, from, to, told) in [
        (
            "index.csv",
            "thing 3,val",
            "thing 3,valid",
            "train, val or test, found valid",
        ),
        (
            "index.csv",
            "1F003",
            "1F0F3",
            "entry 4: expected code point 1F0F3",
        ),
        (
            "index.csv",
            "39,1F039,all,rare,thing 39,val\n",
            "",
            "39 entries, one a row",
        ),
        (
            "captions.json",
            "\"thing 7\"",
            "\" \"",
            "entry 8: expected captions",
        ),
        ("captions.json", "[{", "{", "JSON"),
    ] {
        let found = said(file, from, to);
        assert!(
            found.contains(told) && found.contains(".csv") | found.contains(".json"),
            "{found}"
        );
    }
    let home = folder();
    std::fs::write(home.path().join("emoji/noto.u8"), vec![0; RECORD * 39]).unwrap();
    let error = open_set(&spec("emoji-noto"), Some(home.path()), 0).err();
    let said = error.unwrap().to_string();
    assert!(said.contains("40 records of 3072 bytes"), "{said}");
}

#[test]
fn no_flip_makes_emoji_panic() {
    let home = folder();
    for name in ["index.csv", "captions.json"] {
        let path = home.path().join("emoji").join(name);
        let good = std::fs::read(&path).unwrap();
        crate::files::fuzz::rounds(&good, 40, |bytes, _| {
            std::fs::write(&path, bytes).unwrap();
            open_set(&spec("emoji-unseen"), Some(home.path()), 0)
        });
        std::fs::write(&path, good).unwrap();
    }
}

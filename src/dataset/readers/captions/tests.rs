use super::*;
use crate::dataset::TargetShape;
use crate::dataset::pairs::captions_of;
use crate::files::fuzz;
use crate::fixture;

/// Twelve pictures in two folders, and a file with that text.
fn home(name: &str, text: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for i in 0..12 {
        let path = home
            .path()
            .join(format!("{}/{i:02}.png", ["a", "b"][i % 2]));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(fixture::path("preprocess/pictures/photo.png"), path).unwrap();
    }
    std::fs::write(home.path().join(name), text).unwrap();
    home
}

fn opened(home: &tempfile::TempDir) -> Result<Splits, DatasetError> {
    let captions = Captions::find(home.path())?;
    open(home.path(), captions, &Preprocess::guess(16))
}

fn said(name: &str, text: &str) -> String {
    opened(&home(name, text))
        .err()
        .expect("refused")
        .to_string()
}

fn lengths(splits: &Splits) -> [usize; 3] {
    [&splits.train, &splits.valid, &splits.test].map(|part| part.len())
}

fn place(i: usize) -> String {
    format!("{}/{i:02}.png", ["a", "b"][i % 2])
}

/// A table with a split: of twelve, eight train, two validate, two test.
fn table() -> String {
    let words = ["train", "restval", "val", "test", "Train", "train"];
    let row = |i: usize| {
        format!(
            "{},words {i},{}\n{},more {i},{}\n",
            place(i),
            words[i % 6],
            place(i),
            words[i % 6]
        )
    };
    "image,caption,split\n".to_string() + &(0..12).map(row).collect::<String>()
}

fn karpathy() -> String {
    let image = |i: usize| {
        serde_json::json!({
            "filename": format!("{i:02}.png"), "filepath": (["a", "b"][i % 2]), "imgid": i,
            "split": (["train", "val", "test", "restval"][i % 4]),
            "sentences": [{"raw": format!("one {i}"), "tokens": ["one"]}, {"raw": format!("two {i}")}],
        })
    };
    let images: Vec<_> = (0..12).map(image).collect();
    serde_json::json!({ "dataset": "flickr8k", "images": images }).to_string()
}

#[test]
fn a_column_says_the_parts_and_captions_stay_with_their_pictures() {
    let home = home("captions.csv", &table());
    let splits = opened(&home).unwrap();
    assert_eq!(lengths(&splits), [8, 2, 2]);
    assert!(splits.notes.is_empty(), "{:?}", splits.notes);
    let test = splits.test.as_ref();
    assert_eq!(test.target_shape(), TargetShape::Captions);
    assert_eq!(
        (test.shape(), test.id(0).unwrap()),
        ([3, 16, 16], "b/03.png".into())
    );
    assert_eq!(test.captions(0), ["words 3", "more 3"]);
    assert_eq!(captions_of(test).owner, [0, 0, 1, 1]);
    test.read(1, &mut vec![0.0; 3 * 16 * 16]).unwrap();
}

#[test]
fn without_a_split_eight_of_ten_train_and_that_is_told() {
    let rows: String = (0..10)
        .map(|i| format!("{{\"image\": \"{}\", \"text\": \"t {i}\"}}\n", place(i)))
        .collect();
    let home = home(
        "captions.jsonl",
        &(rows + &format!("{{\"image\": \"{}\", \"text\": \"t 0\"}}\n", place(0))),
    );
    let splits = opened(&home).unwrap();
    assert_eq!(lengths(&splits), [8, 1, 1]);
    let notes = splits.notes.join("\n");
    for told in [
        "of ten pictures one tests and one validates",
        "without a caption, left out: 2 of 12 (the first is a/10.png)",
        "more than once, kept: 1",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let mut all: Vec<String> = [&splits.train, &splits.valid, &splits.test]
        .iter()
        .flat_map(|part| (0..part.len()).filter_map(|i| part.id(i)))
        .collect();
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 10, "a picture stands in one part");
}

#[test]
fn a_split_that_some_rows_lack_is_refused_with_the_row() {
    let rows: String = (0..10)
        .map(|i| {
            let split = if i == 0 { "" } else { ", \"split\": \"train\"" };
            format!(
                "{{\"image\": \"{}\", \"text\": \"t {i}\"{split}}}\n",
                place(i)
            )
        })
        .collect();
    let said = opened(&home("captions.jsonl", &rows)).err().unwrap();
    let said = said.to_string();
    assert!(said.contains("split") && said.contains('1'), "{said}");
}

#[test]
fn karpathys_splits_are_found_whatever_they_are_called() {
    for name in ["dataset_flickr8k.json", "captions.json"] {
        let home = home(name, &karpathy());
        // Another file is nobody's captions.
        std::fs::write(home.path().join("meta.json"), "{\"images\": 12}").unwrap();
        let splits = opened(&home).unwrap();
        assert_eq!(lengths(&splits), [6, 3, 3]);
        assert_eq!(splits.test.captions(0), ["one 2", "two 2"]);
    }
    let home = home("dataset_flickr8k.json", &karpathy());
    std::fs::write(home.path().join("other.json"), karpathy()).unwrap();
    let said = opened(&home).err().unwrap().to_string();
    assert!(
        said.contains("one of them") && said.contains("other.json"),
        "{said}"
    );
}

#[test]
fn bad_input_is_refused_with_its_file_and_row() {
    let table = table();
    let changed = |from: &str, to: &str| said("captions.csv", &table.replacen(from, to, 1));
    for (from, to, told) in [
        (
            "b/03.png,words 3",
            "b/99.png,words 3",
            "row 7: expected a picture of the folder",
        ),
        ("words 3", " ", "row 7"),
        (
            "words 3,test",
            "words 3,tset",
            "split in row 7: expected train, val",
        ),
        ("words 3,test", "words 3,", "row 7"),
        (
            "more 3,test",
            "more 3,val",
            "split in row 8: expected one part",
        ),
        ("image,", "photo,", "a column of pictures"),
    ] {
        let found = changed(from, to);
        assert!(
            found.contains(told) && found.contains("captions.csv"),
            "{found}"
        );
    }
    let found = said("captions.csv", &table.replace(",val", ",train"));
    assert!(
        found.contains("pictures of the validation part: expected at least one"),
        "{found}"
    );
    let found = said("captions.csv", "image,caption\na/00.png,x\nb/01.png,y\n");
    assert!(found.contains("three pictures"), "{found}");
    let lacks = karpathy().replacen("\"raw\":\"one 3\"", "\"raw\":\" \"", 1);
    let found = said("d.json", &lacks);
    assert!(
        found.contains("entry 4 of images") && found.contains("d.json"),
        "{found}"
    );
    let found = said("d.json", &karpathy().replacen(",\"split\":\"val\"", "", 1));
    assert!(found.contains("split in row 2"), "{found}");
    let found = said("d.json", &karpathy()[..300]);
    assert!(
        found.contains("d.json") && found.contains("JSON"),
        "{found}"
    );
    let found = said("notes.txt", "nothing");
    assert!(
        found.contains("captions.csv") && found.contains("https://"),
        "{found}"
    );
    for (name, bytes) in [("b/empty.png", &b""[..]), ("a/page.jpg", b"<html></html>")] {
        let home = home("captions.csv", &table);
        std::fs::write(home.path().join(name), bytes).unwrap();
        let found = opened(&home).err().unwrap().to_string();
        assert!(found.contains(name), "{found}");
    }
    let two = home("captions.csv", &table);
    std::fs::write(two.path().join("captions.json"), "[]").unwrap();
    let found = opened(&two).err().unwrap().to_string();
    assert!(found.contains("captions.csv, captions.json"), "{found}");
}

#[test]
fn digests_change_with_pictures_and_with_captions() {
    let home = home("captions.csv", &table());
    let mut spec = crate::suite::dataset::DatasetSpec::new("mine", "Mine", "captions");
    spec.path = Some(home.path().into());
    let Data::User { digests, .. } = READER.data else {
        unreachable!("its files are the user's")
    };
    let digest = || digests(Path::new("absent"), &spec).unwrap();
    let first = digest();
    assert_eq!(
        (first[0].0.as_str(), first[1].0.as_str()),
        ("mine/", "mine/captions.csv")
    );
    std::fs::write(
        home.path().join("captions.csv"),
        table() + "a/00.png,new,train\n",
    )
    .unwrap();
    let second = digest();
    assert!(first[0] == second[0] && first[1] != second[1]);
    std::fs::copy(
        fixture::path("preprocess/pictures/420.jpg"),
        home.path().join("a/00.png"),
    )
    .unwrap();
    assert_ne!(digest()[0], second[0]);
}

#[test]
fn no_flip_makes_captions_panic() {
    for (name, good) in [("captions.csv", table()), ("dataset.json", karpathy())] {
        let home = home(name, "");
        fuzz::rounds(good.as_bytes(), 25, |bytes, _| {
            std::fs::write(home.path().join(name), bytes).unwrap();
            opened(&home)
        });
    }
}

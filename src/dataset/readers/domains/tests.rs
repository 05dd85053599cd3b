use super::*;
use crate::dataset::{Dataset, class_counts, labels, open};
use crate::fixture;

/// Makes a file of each place, a picture unless it ends otherwise.
fn folder(places: &[String]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for place in places {
        picture(&home.path().join(place));
    }
    home
}

pub(super) fn picture(path: &Path) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::copy(fixture::path("preprocess/pictures/photo.png"), path).unwrap();
}

/// `count` pictures of every class in a domain.
fn of(domain: &str, classes: &[&str], count: usize) -> Vec<String> {
    let each = |class: &&str| {
        let place = format!("{domain}/{class}");
        (0..count).map(move |i| format!("{place}/{i:02}.png"))
    };
    classes.iter().flat_map(each).collect()
}

/// Two domains of one's own: art lacks a class of photo, and has one that photo lacks.
fn two() -> tempfile::TempDir {
    let art = of("art", &["cat", "dog", "elk"], 20);
    folder(&[art, of("photo", &["ape", "cat", "dog"], 20)].concat())
}

pub(super) fn spec(reader: &str) -> DatasetSpec {
    DatasetSpec::new("set", "Set", reader)
}

fn mine(home: &tempfile::TempDir, domain: &str) -> DatasetSpec {
    DatasetSpec {
        path: Some(home.path().into()),
        domain: Some(domain.into()),
        ..spec("domains")
    }
}

pub(super) fn opened(home: &tempfile::TempDir, spec: &DatasetSpec) -> Result<Splits, String> {
    open(spec, Some(home.path()), 0).map_err(|e| e.to_string())
}

pub(super) fn said(home: &tempfile::TempDir, spec: &DatasetSpec) -> String {
    opened(home, spec).err().expect("refused")
}

pub(super) fn lengths(splits: &Splits) -> [usize; 3] {
    [&splits.train, &splits.valid, &splits.test].map(|part| part.len())
}

pub(super) fn ids(set: &dyn Dataset) -> Vec<String> {
    (0..set.len()).filter_map(|i| set.id(i)).collect()
}

fn all_ids(splits: &Splits) -> Vec<String> {
    let parts = [&splits.train, &splits.valid, &splits.test];
    let mut all: Vec<String> = parts.iter().flat_map(|part| ids(part.as_ref())).collect();
    all.sort();
    all
}

#[test]
fn labels_of_domains_agree_and_classes_that_a_domain_lacks_are_told() {
    let home = two();
    let [art, photo] = ["art", "photo"].map(|name| opened(&home, &mine(&home, name)).unwrap());
    assert_eq!(art.train.classes(), ["ape", "cat", "dog", "elk"]);
    assert_eq!(photo.test.classes(), art.train.classes());
    // Of 20 a fifth tests and a tenth of the rest validates.
    assert_eq!(class_counts(art.train.as_ref()), [0, 14, 14, 14]);
    assert_eq!(class_counts(art.valid.as_ref()), [0, 2, 2, 2]);
    assert_eq!(class_counts(photo.test.as_ref()), [4, 4, 4, 0]);
    let named = ids(art.test.as_ref());
    for (id, label) in named.iter().zip(labels(art.test.as_ref())) {
        assert!(
            id.starts_with(&format!("art/{}/", art.test.classes()[label])),
            "{id}"
        );
    }
    assert_eq!(all_ids(&art), of("art", &["cat", "dog", "elk"], 20));
    let notes = art.notes.join("\n");
    for told in [
        "set: classes are the 4 of the domains art, photo",
        "no picture of 1 of them (the first is \"ape\")",
        "a fifth of every class tests",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
}

#[test]
fn own_classes_are_the_domains_and_change_no_part() {
    let home = two();
    let union = opened(&home, &mine(&home, "art")).unwrap();
    let own = DatasetSpec {
        classes: DomainClasses::Own,
        ..mine(&home, "art")
    };
    let found = opened(&home, &own).unwrap();
    assert_eq!(found.train.classes(), ["cat", "dog", "elk"]);
    let notes = found.notes.join("\n");
    assert!(
        notes.contains("the 3 of art alone") && notes.contains("do not agree"),
        "{notes}"
    );
    let same = |a: &Splits, b: &Splits| {
        ids(a.test.as_ref()) == ids(b.test.as_ref())
            && ids(a.valid.as_ref()) == ids(b.valid.as_ref())
    };
    assert!(same(&union, &found));
    // A further domain with a class that comes first moves labels alone, and the digest sees that.
    let digests = READER.digests().unwrap();
    let digest = || digests(home.path(), &mine(&home, "art")).unwrap();
    let before = digest();
    of("zoo", &["ant"], 3)
        .iter()
        .for_each(|place| picture(&home.path().join(place)));
    let more = opened(&home, &mine(&home, "art")).unwrap();
    assert!(same(&union, &more) && more.train.classes().len() == 5);
    let after = digest();
    assert_eq!(
        (after[0].0.as_str(), after[1].0.as_str()),
        ("set/", "set/classes")
    );
    assert!(before[0] == after[0] && before[1] != after[1]);
    std::fs::copy(
        fixture::path("preprocess/pictures/grey.png"),
        home.path().join("art/cat/00.png"),
    )
    .unwrap();
    assert_ne!(digest()[0], after[0]);
}

#[test]
fn limits_take_a_few_of_every_class_alike_for_a_seed() {
    let home = two();
    let few = DatasetSpec {
        train: 6,
        valid: 3,
        test: 9,
        ..mine(&home, "art")
    };
    let found = opened(&home, &few).unwrap();
    assert_eq!(class_counts(found.train.as_ref()), [0, 2, 2, 2]);
    assert_eq!(lengths(&found), [6, 3, 9]);
    let again = opened(&home, &few).unwrap();
    assert_eq!(ids(found.train.as_ref()), ids(again.train.as_ref()));
    let other = open(&few, Some(home.path()), 1).unwrap();
    assert_ne!(ids(found.train.as_ref()), ids(other.train.as_ref()));
    let whole = open(&mine(&home, "art"), Some(home.path()), 1).unwrap();
    let first = opened(&home, &mine(&home, "art")).unwrap();
    assert_eq!(
        ids(whole.test.as_ref()),
        ids(first.test.as_ref()),
        "no seed moves parts"
    );
}

#[test]
fn a_domain_may_have_parts_of_its_own_and_what_is_none_is_left_out() {
    let part = |name: &str| of(&format!("art/{name}"), &["cat", "dog"], 4);
    let mut places = [part("train"), part("test")].concat();
    places.extend(of("Cats", &["Cat"], 4));
    places.push("cover.png".into());
    let home = folder(&places);
    std::fs::create_dir(home.path().join("docs")).unwrap();
    let found = opened(&home, &mine(&home, "art")).unwrap();
    assert_eq!(lengths(&found), [6, 2, 8]);
    let notes = found.notes.join("\n");
    for told in [
        "are no domains: docs",
        "beside the folders of domains, left out: 1",
        "\"Cat\" and \"cat\" are two classes",
    ] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    let none = said(&home, &mine(&home, "docs"));
    assert!(none.contains("which has no folders of classes"), "{none}");
}

#[test]
fn a_domain_that_is_not_there_is_named_with_those_that_are() {
    let home = two();
    let none = DatasetSpec {
        domain: None,
        ..mine(&home, "")
    };
    for (spec, found) in [
        (mine(&home, "arts"), "found \"arts\""),
        (none, "found none"),
    ] {
        let said = said(&home, &spec);
        assert!(
            said.contains("set: domain: expected one of the folders in"),
            "{said}"
        );
        assert!(
            said.contains(": art, photo") && said.contains(found),
            "{said}"
        );
    }
    let flat = folder(&of("cat", &[""], 3));
    let said = said(&flat, &mine(&flat, "cat"));
    assert!(
        said.contains("DIR/domain/class/*.jpg") && said.contains("found cat"),
        "{said}"
    );
}

#[test]
fn pictures_that_are_none_and_classes_without_any_are_refused_by_name() {
    for (name, bytes) in [
        ("art/cat/empty.png", &b""[..]),
        ("art/cat/page.jpg", b"<html></html>"),
    ] {
        let home = two();
        std::fs::write(home.path().join(name), bytes).unwrap();
        let refused = said(&home, &mine(&home, "art"));
        assert!(refused.contains(name), "{refused}");
        opened(&home, &mine(&home, "photo")).unwrap();
    }
    for domain in ["art", "photo"] {
        let home = two();
        std::fs::create_dir(home.path().join("photo/yak")).unwrap();
        std::fs::write(home.path().join("photo/yak/notes.txt"), "x").unwrap();
        let refused = said(&home, &mine(&home, domain));
        assert!(
            refused.contains("photo/yak") && refused.contains("folder of a class"),
            "{refused}"
        );
    }
}

#[test]
fn office_home_is_read_under_either_of_its_names() {
    let published = ["Art", "Clipart", "Product", "Real World"];
    let dassl = ["art", "clipart", "product", "real_world"];
    for (place, names) in [
        ("OfficeHomeDataset_10072016", published),
        ("office_home", dassl),
    ] {
        let places = names
            .iter()
            .flat_map(|name| of(&format!("{place}/{name}"), &["Bed", "TV"], 10));
        let home = folder(&places.collect::<Vec<_>>());
        let found = opened(&home, &spec("office-home-real-world")).unwrap();
        assert_eq!(lengths(&found), [14, 2, 4]);
        assert_eq!(found.train.classes(), ["Bed", "TV"]);
        let first = ids(found.train.as_ref()).remove(0);
        assert!(first.starts_with(&format!("{}/Bed/", names[3])), "{first}");
        let notes = found.notes.join("\n");
        assert!(
            notes.contains("2 classes, where 65 are published"),
            "{notes}"
        );
        assert!(notes.contains("no official split"), "{notes}");
        std::fs::remove_dir_all(home.path().join(place).join(names[3])).unwrap();
        let refused = said(&home, &spec("office-home-real-world"));
        assert!(
            refused.contains("Real World") && refused.contains("https://"),
            "{refused}"
        );
        let found = opened(&home, &spec("office-home-art")).unwrap();
        let notes = found.notes.join("\n");
        assert!(
            notes.contains("not there, and give no classes: Real World"),
            "{notes}"
        );
    }
}

use super::*;
use crate::dataset::TargetShape;

fn folder() -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a folder");
    for (place, picture) in [
        ("a/one.png", "photo.png"),
        ("b/two.jpg", "420.jpg"),
        ("b/one.png", "tall.png"),
    ] {
        let path = home.path().join(place);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let from = crate::fixture::path("preprocess/pictures").join(picture);
        std::fs::copy(from, path).expect("copied");
    }
    home
}

fn open(
    home: &tempfile::TempDir,
    name: &str,
    text: &str,
    broken: Broken,
) -> Result<Pairs, DatasetError> {
    let file = home.path().join(name);
    std::fs::write(&file, text).expect("written");
    let pictures = home.path();
    Pairs::open(
        pictures,
        &file,
        Columns::default(),
        &Preprocess::guess(32),
        broken,
    )
}

#[test]
fn captions_meet_their_pictures() {
    let home = folder();
    let csv = "image,caption\na/one.png,first\n./b/two.jpg,second\na/one.png,first again\n";
    let pairs = open(&home, "c.csv", csv, Broken::Refuse).expect("pairs");
    let ids: Vec<_> = pairs
        .owner
        .iter()
        .map(|i| pairs.images.id(*i).expect("a name"))
        .collect();
    assert_eq!(ids, ["a/one.png", "b/two.jpg", "a/one.png"]);
    assert_eq!(pairs.texts, ["first", "second", "first again"]);
    assert!(
        pairs
            .notes
            .iter()
            .any(|note| note.contains("1 of 3 pictures have no caption"))
    );
    let list = r#"[{"image": "b/one.png", "caption": ["one", "two"]}, {"image": "a/one.png", "caption": "three"}]"#;
    let pairs = open(&home, "c.json", list, Broken::Refuse).expect("pairs");
    assert_eq!(pairs.texts, ["one", "two", "three"]);
    assert_eq!(pairs.owner[0], pairs.owner[1]);
    let lines = "{\"file_name\": \"two.jpg\", \"text\": \"by its name\"}\n";
    let pairs = open(&home, "c.jsonl", lines, Broken::Refuse).expect("pairs");
    assert_eq!(
        pairs.images.id(pairs.owner[0]).as_deref(),
        Some("b/two.jpg")
    );
    assert!(
        pairs
            .notes
            .iter()
            .any(|note| note.contains("by their names alone"))
    );
}

#[test]
fn captions_without_one_picture_are_refused() {
    let home = folder();
    for (csv, part) in [
        ("image,caption\nc.png,none\n", "row 1"),
        ("image,caption\none.png,two of this name\n", "a name of 2"),
        ("picture,caption\na/one.png,x\n", "column of pictures"),
        ("image,words\na/one.png,x\n", "column of texts"),
        ("image,caption\na/one.png,\n", "blank"),
    ] {
        let told = open(&home, "c.csv", csv, Broken::Refuse)
            .err()
            .expect("refused")
            .to_string();
        assert!(told.contains(part), "{told}");
    }
    let csv = "image,caption\nc.png,none\na/one.png,one\n";
    let pairs = open(&home, "c.csv", csv, Broken::Skip).expect("pairs");
    assert_eq!(pairs.texts, ["one"]);
    assert!(open(&home, "c.csv", "image,caption\nc.png,none\n", Broken::Skip).is_err());
}

/// Four samples with two captions each; the last of each is everybody's.
struct Captioned;

impl Dataset for Captioned {
    fn shape(&self) -> [usize; 3] {
        [1, 1, 1]
    }
    fn classes(&self) -> &[String] {
        &[]
    }
    fn len(&self) -> usize {
        4
    }
    fn label(&self, _: usize) -> usize {
        0
    }
    fn target_shape(&self) -> TargetShape {
        TargetShape::Captions
    }
    fn captions(&self, index: usize) -> &[String] {
        use std::sync::LazyLock;
        static TEXTS: LazyLock<Vec<[String; 2]>> = LazyLock::new(|| {
            (0..4)
                .map(|i| [format!("text {i}"), "all".into()])
                .collect()
        });
        &TEXTS[index]
    }
    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        out.fill(index as f32);
        Ok(())
    }
}

#[test]
fn captions_of_a_set_keep_their_samples_and_texts_are_found_once() {
    let set: Arc<dyn Dataset> = Arc::new(Captioned);
    let all = captions_of(set.as_ref());
    assert_eq!(all.owner, [0, 0, 1, 1, 2, 2, 3, 3]);
    assert_eq!(all.texts[..3], ["text 0", "all", "text 1"]);
    let (once, of) = distinct(&all.texts);
    assert_eq!(once, ["text 0", "all", "text 1", "text 2", "text 3"]);
    assert_eq!(of, [0, 1, 2, 1, 3, 1, 4, 1]);
    assert!(
        of.iter()
            .zip(&all.texts)
            .all(|(place, text)| once[*place] == *text)
    );
    assert_eq!(distinct(&[]), (Vec::new(), Vec::new()));
}

#[test]
fn captioned_sets_are_capped_by_pictures_and_keep_their_captions() {
    let capped = |seed| crate::dataset::cap(Arc::new(Captioned), 3, seed);
    let one = capped(7);
    assert_eq!((one.len(), one.target_shape()), (3, TargetShape::Captions));
    let mut pixel = [0.0];
    for index in 0..3 {
        one.read(index, &mut pixel).expect("read");
        assert_eq!(one.captions(index)[0], format!("text {}", pixel[0]));
    }
    let all = captions_of(one.as_ref());
    assert_eq!((all.texts.len(), &all.owner[..4]), (6, &[0, 0, 1, 1][..]));
    assert_eq!(captions_of(capped(7).as_ref()), all);
    assert!((0..20).any(|seed| captions_of(capped(seed).as_ref()) != all));
    let mut target = [];
    assert!(one.read_target(0, &mut target).is_ok());
}

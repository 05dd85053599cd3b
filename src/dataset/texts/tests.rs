use super::*;

fn file(name: &str, contents: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join(name);
    std::fs::write(&path, contents).unwrap();
    (home, path)
}

fn texts(name: &str, contents: &str, column: Option<&str>) -> Texts {
    read(&file(name, contents).1, column).unwrap()
}

fn said(name: &str, contents: &str, column: Option<&str>) -> String {
    let (_home, path) = file(name, contents);
    let said = read(&path, column).unwrap_err().to_string();
    assert!(said.contains(name) && said.contains("expected"), "{said}");
    said
}

#[test]
fn texts_keep_their_order_in_every_kind_of_file() {
    let want = ["a cat, black", "größe", "a cat, black"];
    for (name, contents, column) in [
        (
            "a.txt",
            "\u{feff}a cat, black\r\n größe \na cat, black\n",
            None,
        ),
        (
            "a.csv",
            "id,caption\n1,\"a cat, black\"\n2,größe\n3,\"a cat, black\"\n",
            Some("caption"),
        ),
        (
            "a.csv",
            "caption\n\"a cat, black\"\ngröße\n\"a cat, black\"\n",
            None,
        ),
        (
            "a.tsv",
            "caption\tid\na cat, black\t1\ngröße\t2\na cat, black\t3\n",
            Some("caption"),
        ),
        (
            "a.jsonl",
            "\"a cat, black\"\n\"größe\"\n\"a cat, black\"\n",
            None,
        ),
        (
            "a.jsonl",
            "{\"n\":1,\"t\":\"a cat, black\"}\n{\"t\":\"größe\"}\n{\"t\":\"a cat, black\",\"u\":\"x\"}",
            Some("t"),
        ),
        (
            "a.json",
            "[\"a cat, black\", \"größe\", \"a cat, black\"]",
            None,
        ),
        (
            "a.json",
            "[{\"t\":\"a cat, black\",\"n\":1},{\"t\":\"größe\"},{\"t\":\"a cat, black\"}]",
            None,
        ),
    ] {
        let found = texts(name, contents, column);
        assert_eq!(found.texts, want, "{contents}");
        let inferred =
            column.is_none() && (contents.starts_with("caption") || contents.contains("{\"t\""));
        assert_eq!(found.told.len(), usize::from(inferred), "{:?}", found.told);
    }
}

#[test]
fn blanks_are_refused_with_their_number_and_told_at_the_end() {
    assert!(said("a.txt", "a\n\nb\n", None).contains("line 2"));
    assert!(said("a.csv", "t,u\na,1\n  ,2\n", Some("t")).contains("row 2"));
    assert!(said("a.jsonl", "\"a\"\n\n\"b\"\n", None).contains("line 2"));
    assert!(said("a.json", "[\"a\", \" \"]", None).contains("entry 2"));
    let found = texts("a.txt", "a\nb\n\n \n", None);
    assert_eq!(found.texts, ["a", "b"]);
    assert!(
        found.told[0].contains("2 blank at its end, from line 3"),
        "{:?}",
        found.told
    );
    assert!(said("a.txt", "\n\n", None).contains("at least one"));
    assert!(said("a.json", "[]", None).contains("at least one"));
}

#[test]
fn what_cannot_be_meant_is_refused() {
    assert!(said("a.csv", "t,u\na,b\n", None).contains("t, u"));
    assert!(said("a.csv", "t,u\na,b\n", Some("v")).contains("t, u"));
    assert!(said("a.json", "[{\"t\":\"a\",\"u\":\"b\"}]", None).contains("t, u"));
    assert!(said("a.json", "[{\"t\":\"a\"},{\"u\":\"b\"}]", None).contains("no such key"));
    assert!(said("a.json", "[{\"t\":3}]", Some("t")).contains("a number"));
    assert!(said("a.json", "[\"a\",{\"t\":\"b\"}]", None).contains("as before"));
    assert!(said("a.json", "[\"a\"]", Some("t")).contains("a string"));
    assert!(said("a.json", "{\"t\":[\"a\"]}", None).contains("another value"));
    assert!(said("a.jsonl", "\"a\"\nb\n", None).contains("line 2"));
    assert!(said("a.txt", "a\n", Some("t")).contains("lines of text"));
    assert!(said("a.xml", "a\n", None).contains("xml"));
    let (_home, path) = file("a.txt", "");
    std::fs::write(&path, b"\xff\xfe").unwrap();
    assert!(read(&path, None).unwrap_err().to_string().contains("UTF-8"));
    assert!(read(&path.with_extension("csv"), None).is_err());
}

#[test]
fn class_names_become_prompts_class_by_class() {
    let templates = ["a photo of a {}.", "{}, drawn"]
        .map(str::to_owned)
        .to_vec();
    let templates = Templates::new(templates).unwrap();
    let found = templates.prompts(&["aircraft_carrier", " cat"]).unwrap();
    let want = [
        "a photo of a aircraft carrier.",
        "aircraft carrier, drawn",
        "a photo of a cat.",
        "cat, drawn",
    ];
    assert_eq!(
        (&found.texts[..], found.templates),
        (&want.map(str::to_owned)[..], 2)
    );
    assert!(found.told.is_empty());
    // A name with braces stays as it is.
    let braces = Templates::default().prompts(&["{}"]).unwrap();
    assert_eq!(braces.texts, ["a photo of a {}."]);
    let twice = templates.prompts(&["crane", "dog", "crane"]).unwrap();
    assert!(
        twice.told[0].contains("1 and 3 (crane)"),
        "{:?}",
        twice.told
    );
    for wrong in ["a photo", "{} and {}", "a photo of a {class}."] {
        let said = Templates::new(vec!["{}".into(), wrong.into()])
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("template 2") && said.contains(wrong),
            "{said}"
        );
    }
    assert!(Templates::new(Vec::new()).is_err());
    assert!(templates.prompts::<&str>(&[]).is_err());
    assert!(
        templates
            .prompts(&["a", "_"])
            .unwrap_err()
            .to_string()
            .contains("class 2")
    );
}

//! Ids against open_clip's and the `tokenizers` package's (`tests/fixtures/clip-tokenizer/make.py`).

use super::*;
use crate::fixture;
use serde_json::{Value, json};
use std::fs;

fn cases(name: &str) -> Value {
    fixture::json(&format!("clip-tokenizer/{name}"))
}

fn text(case: &Value) -> &str {
    case["text"].as_str().unwrap()
}

/// The ids that a case expects under a key, padded with zeros.
fn ids(case: &Value, key: &str) -> Vec<i64> {
    let list = case[key].as_array().unwrap();
    let ids = list.iter().map(|id| id.as_i64().unwrap());
    ids.chain(std::iter::repeat(0)).take(77).collect()
}

fn plain() -> Settings {
    Settings {
        cleaning: Cleaning::None,
        ..Settings::default()
    }
}

/// A folder with these files; the tiny tokenizer in pieces.
fn pieces(names: &[&str]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    let whole = cases("tokenizer.json");
    for name in names {
        let path = home.path().join(name);
        match *name {
            "vocab.json" => fs::write(path, whole["model"]["vocab"].to_string()),
            "merges.txt" => {
                let pairs = whole["model"]["merges"].as_array().unwrap().iter();
                let line =
                    |p: &Value| format!("{} {}\n", p[0].as_str().unwrap(), p[1].as_str().unwrap());
                let lines: String = pairs.map(line).collect();
                fs::write(path, format!("#version: 0.2\n{lines}"))
            }
            "bpe_simple_vocab_16e6.txt.gz" => {
                fs::copy(fixture::path("clip-tokenizer/bpe_tiny.txt.gz"), path).map(drop)
            }
            "bpe_simple_vocab_16e6.txt" => {
                let packed =
                    fs::File::open(fixture::path("clip-tokenizer/bpe_tiny.txt.gz")).unwrap();
                fs::write(path, crate::files::gzip::inflate(packed, 1 << 20).unwrap())
            }
            other => fs::copy(fixture::path(&format!("clip-tokenizer/{other}")), path).map(drop),
        }
        .unwrap();
    }
    home
}

fn refused(home: &tempfile::TempDir, model: Option<usize>) -> String {
    Tokenizer::open(home.path(), model).unwrap_err().to_string()
}

#[test]
fn ids_are_open_clips_from_every_kind_of_file() {
    let cases = cases("cases.json");
    let count = cases["vocabulary"].as_u64().unwrap() as usize;
    for names in [
        &["tokenizer.json"][..],
        &["vocab.json", "merges.txt"],
        &["bpe_simple_vocab_16e6.txt"],
        &["bpe_simple_vocab_16e6.txt.gz"],
    ] {
        let home = pieces(names);
        let paths = names.iter().map(|name| home.path().join(name));
        for path in paths.chain([home.path().to_path_buf()]) {
            let tokenizer = Tokenizer::open(&path, Some(count)).unwrap();
            assert_eq!(tokenizer.vocabulary(), count);
            assert_eq!(tokenizer.start(), cases["start"].as_i64().unwrap());
            assert_eq!(tokenizer.end(), cases["end"].as_i64().unwrap());
            let (mut cut, mut others) = (0, 0);
            for case in cases["cases"].as_array().unwrap() {
                if text(case).is_empty() {
                    continue;
                }
                let found = tokenizer
                    .encode(&[text(case)], &Settings::default())
                    .unwrap();
                let mojibake = case["about"].as_str().unwrap().contains("mojibake")
                    || case["about"].as_str().unwrap().contains("Latin-1");
                let key = if mojibake {
                    "ids_of_tokenizer_json"
                } else {
                    "ids"
                };
                assert_eq!(found.ids.row(0).to_vec(), ids(case, key), "{case}");
                cut += found.cut.len();
                let last = ids(case, key).iter().rposition(|id| *id != 0).unwrap();
                assert_eq!((found.ends[0], found.early.len()), (last, 0), "{case}");
                // Without OpenAI's cleaning the ids are those of the package.
                let raw = tokenizer.encode(&[text(case)], &plain()).unwrap();
                let other = case.get("ids_of_tokenizer_json").is_some();
                let key = if other {
                    "ids_of_tokenizer_json"
                } else {
                    "ids"
                };
                assert_eq!(raw.ids.row(0).to_vec(), ids(case, key), "{case}");
                others += usize::from(other);
            }
            assert_eq!((cut, others), (3, 7));
        }
    }
}

/// With CLIP's own list of merges, where `$MODALIGN_DATA` or `../shared/data` has it.
#[test]
fn ids_are_clips_with_its_own_vocabulary() {
    let folder = std::env::var_os("MODALIGN_DATA").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")),
        PathBuf::from,
    );
    let path = folder.join("clip/bpe_simple_vocab_16e6.txt.gz");
    if !path.is_file() {
        eprintln!("skipped: {} is absent", path.display());
        return;
    }
    let cases = cases("real_vocabulary.json");
    for model in [None, Some(49_408)] {
        let tokenizer = Tokenizer::open(&path, model).unwrap();
        assert_eq!((tokenizer.vocabulary(), tokenizer.end()), (49_408, 49_407));
        for case in cases["cases"].as_array().unwrap() {
            let found = tokenizer.checked(0, text(case), Cleaning::OpenAi);
            let wanted = ids(case, "ids");
            match found {
                Ok(tokens) => assert_eq!(
                    tokens[..tokens.len().min(76)],
                    wanted[..tokens.len().min(76)]
                ),
                Err(_) => assert_eq!(wanted[2], 0),
            }
        }
    }
}

#[test]
fn rows_are_padded_cut_and_counted() {
    let tokenizer = Tokenizer::open(&fixture::path("clip-tokenizer/tokenizer.json"), None).unwrap();
    let (start, end) = (tokenizer.start(), tokenizer.end());
    let settings = Settings {
        context: 5,
        pad: end,
        ..Settings::default()
    };
    let texts = ["a a", "a a a", "a a a a a", "a <|endoftext|> a"];
    let found = tokenizer.encode(&texts, &settings).unwrap();
    let a = found.ids[[0, 1]];
    assert_eq!(found.ids.row(0).to_vec(), [start, a, a, end, end]);
    assert_eq!(found.ids.row(1).to_vec(), [start, a, a, a, end]);
    assert_eq!(found.ids.row(2), found.ids.row(1));
    assert_eq!(found.ends, [3, 4, 4, 2]);
    assert_eq!((&found.cut[..], &found.early[..]), (&[2][..], &[3][..]));
    let told = found.told().join("\n");
    assert!(
        told.contains("1 of 4 texts have more than 5 tokens") && told.contains("text 3"),
        "{told}"
    );
    assert!(
        told.contains("hold <|endoftext|>") && told.contains("text 4"),
        "{told}"
    );
    assert!(
        tokenizer
            .encode(&texts[..2], &settings)
            .unwrap()
            .told()
            .is_empty()
    );
    assert_eq!(
        tokenizer.encode::<&str>(&[], &settings).unwrap().ids.dim(),
        (0, 5)
    );
}

#[test]
fn what_cannot_be_encoded_is_refused_with_its_number() {
    let tokenizer = Tokenizer::open(&fixture::path("clip-tokenizer/tokenizer.json"), None).unwrap();
    for nothing in ["", "  \n", "\u{7}"] {
        let said = tokenizer.encode(&["a", nothing], &Settings::default());
        let said = said.unwrap_err().to_string();
        assert!(
            said.contains("text 2") && said.contains("expected"),
            "{said}"
        );
    }
    for (context, pad) in [(2, 0), (77, 634), (77, -1)] {
        let settings = Settings {
            context,
            pad,
            ..Settings::default()
        };
        let said = tokenizer.encode(&["a"], &settings).unwrap_err();
        assert!(matches!(said, TokenizerError::Setting { .. }), "{said}");
    }
}

#[test]
fn missing_files_are_named_and_other_models_vocabularies_refused() {
    let said = refused(&pieces(&[]), None);
    for name in [
        "tokenizer.json",
        "vocab.json with merges.txt",
        "bpe_simple_vocab_16e6.txt.gz",
    ] {
        assert!(said.contains(name), "{said}");
    }
    let said = refused(&pieces(&["vocab.json"]), None);
    assert!(said.contains("merges.txt beside vocab.json"), "{said}");
    let tiny = fixture::path("clip-tokenizer/tokenizer.json");
    for other in [600, 49_408] {
        let said = Tokenizer::open(&tiny, Some(other)).unwrap_err().to_string();
        assert!(
            said.contains(&other.to_string()) && said.contains("634"),
            "{said}"
        );
        assert!(said.contains("another model"), "{said}");
    }
    assert!(Tokenizer::open(&tiny, Some(640)).is_ok());
    // A list of merges tells as many tokens as it has lines: fewer than a model wants are not enough.
    let list = pieces(&["bpe_simple_vocab_16e6.txt"]);
    let said = refused(&list, Some(49_408));
    assert!(said.contains("48894") && said.contains("120"), "{said}");
    assert_eq!(
        Tokenizer::open(list.path(), Some(600))
            .unwrap()
            .vocabulary(),
        600
    );
    assert!(Tokenizer::open(&list.path().join("absent.txt"), None).is_err());
}

#[test]
fn other_tokenizers_and_damage_are_refused() {
    let home = pieces(&["tokenizer.json"]);
    let path = home.path().join("tokenizer.json");
    let good = cases("tokenizer.json");
    let change = |key: &[&str], value: Value| {
        let mut changed = good.clone();
        let place = key.iter().fold(&mut changed, |at, key| &mut at[*key]);
        *place = value;
        fs::write(&path, changed.to_string()).unwrap();
        Tokenizer::open(&path, None).unwrap_err().to_string()
    };
    for (key, value, word) in [
        (&["model", "type"][..], json!("WordPiece"), "WordPiece"),
        (&["model", "dropout"], json!(0.1), "dropout"),
        (&["model", "merges"], json!([["x", "nowhere"]]), "tokenizer"),
        (&["post_processor"], Value::Null, "post_processor"),
        (&["added_tokens"], json!([{ "id": 3 }]), "tokenizer"),
    ] {
        let said = change(key, value);
        assert!(said.contains(word) && said.contains("expected"), "{said}");
    }
    let mut nameless = good.clone();
    nameless["added_tokens"] = json!([]);
    let ids = nameless["model"]["vocab"].as_object_mut().unwrap();
    let id = ids.remove("<|startoftext|>").unwrap();
    ids.insert("<s>".into(), id);
    fs::write(&path, nameless.to_string()).unwrap();
    let said = refused(&home, None);
    assert!(said.contains("no <|startoftext|>"), "{said}");
    fs::write(&path, &good.to_string()[..900]).unwrap();
    assert!(refused(&home, None).contains("expected"));
    let list = pieces(&["bpe_simple_vocab_16e6.txt"]);
    let path = list.path().join("bpe_simple_vocab_16e6.txt");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("a r\n", "a r r\n", 1)).unwrap();
    let said = refused(&list, None);
    assert!(said.contains("line 3") && said.contains("a r r"), "{said}");
}

/// The places of all values but single tokens and merges.
fn places(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.to_owned());
    let list = at.ends_with("/vocab") || at.ends_with("/merges");
    match value {
        Value::Object(map) if !list => {
            map.iter()
                .for_each(|(key, value)| places(value, &format!("{at}/{key}"), out));
        }
        Value::Array(all) if !list => {
            let each = all.iter().enumerate();
            each.for_each(|(i, value)| places(value, &format!("{at}/{i}"), out));
        }
        _ => {}
    }
}

#[test]
fn no_changed_value_makes_it_panic() {
    let good = cases("tokenizer.json");
    let mut all = Vec::new();
    places(&good, "", &mut all);
    assert!(all.len() > 50);
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("tokenizer.json");
    let mut refused = 0;
    for place in &all {
        for value in [
            Value::Null,
            json!(""),
            json!("x*"),
            json!(-1),
            json!([]),
            json!(4_294_967_295u32),
        ] {
            let mut changed = good.clone();
            *changed.pointer_mut(place).unwrap() = value;
            fs::write(&path, changed.to_string()).unwrap();
            let found = Tokenizer::open(&path, None);
            let found =
                found.and_then(|t| t.encode(&["A photo of a Dog's 12 é"], &Settings::default()));
            if let Err(said) = found {
                assert!(said.to_string().contains("expected"), "{said}");
                refused += 1;
            }
        }
    }
    assert!(refused > all.len());
}

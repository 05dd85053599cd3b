//! The recipes of “Add your own”: a descriptor in a recipe has the fields that its struct has.

use super::pages::{Page, root};
use std::collections::BTreeSet;
use std::path::Path;

/// A struct and its file.
type Declared = (&'static str, &'static str);

/// Page, name of the recipe, and the structs whose fields it writes.
const RECIPES: [(&str, &str, &[Declared]); 5] = [
    (
        "docs/measures.md",
        "measure",
        &[
            ("src/measure/encoder/measure.rs", "Measure"),
            ("src/measure/about.rs", "About"),
        ],
    ),
    (
        "docs/methods.md",
        "method",
        &[
            ("src/transfer/methods/mod.rs", "Method"),
            ("src/transfer/request.rs", "Training"),
        ],
    ),
    (
        "docs/data.md",
        "reader",
        &[("src/dataset/readers/descriptor.rs", "Reader")],
    ),
    (
        "docs/models.md",
        "architecture",
        &[
            ("src/model/family.rs", "Family"),
            ("src/model/family.rs", "Marks"),
        ],
    ),
    (
        "docs/figures.md",
        "section",
        &[
            ("src/report/section.rs", "Section"),
            ("src/report/section.rs", "Drawing"),
        ],
    ),
];

/// Names of the public fields of a struct.
fn fields((file, name): Declared) -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join(file)).expect("a source file");
    let declaration = text
        .split_once(&format!("pub struct {name} {{"))
        .or_else(|| text.split_once(&format!("pub struct {name}<")))
        .unwrap_or_else(|| panic!("{file} declares no struct {name}"));
    let body = declaration.1.split_once("\n}").expect("its end").0;
    let field = |line: &str| Some(line.trim().strip_prefix("pub ")?.split_once(':')?.0.into());
    body.lines().filter_map(field).collect()
}

/// Names of the fields that a recipe writes, and whether it leaves out the rest by `..`.
fn written(recipe: &str) -> (BTreeSet<String>, bool) {
    let mut names = BTreeSet::new();
    for line in recipe.lines().map(str::trim) {
        let name: String = line
            .chars()
            .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
            .collect();
        let rest = &line[name.len()..];
        if !name.is_empty() && (rest.starts_with(": ") || rest.starts_with(',')) {
            names.insert(name);
        }
    }
    (names, recipe.contains("\n       .."))
}

#[test]
fn recipes_write_the_fields_that_descriptors_have() {
    for (path, name, structs) in RECIPES {
        let page = Page::read(Path::new(path));
        let (_, rest) = page
            .text
            .split_once(&format!("<!-- recipe: {name} -->"))
            .unwrap_or_else(|| panic!("{path} has no recipe {name}"));
        let recipe = rest.split_once("<!-- end -->").expect("its end").0;
        let (written, partial) = written(recipe);
        assert!(written.len() > 3, "{path}: {written:?}");
        let declared: BTreeSet<String> = structs.iter().flat_map(|one| fields(*one)).collect();
        let unknown: Vec<_> = written.difference(&declared).collect();
        assert!(unknown.is_empty(), "{path}: no field {unknown:?}");
        let missing: Vec<_> = declared.difference(&written).collect();
        assert!(partial || missing.is_empty(), "{path}: lacks {missing:?}");
    }
}

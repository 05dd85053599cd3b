//! The blocks of pages that are written by the code: from doc comments of the suite's settings, from the
//! lists of readers, methods and metrics, and from the manifests of datasets.
//!
//! A block stands between `<!-- generated: NAME -->` and `<!-- end -->`. The test fails where a page is not
//! what the code says; with `MODALIGN_DOCS=write` (`make docs`) it writes the page instead. A new block is one
//! line in [`BLOCKS`] and the two comments in its page.

use super::benches;
use super::declarations::{self, Field, Kind, Type, Variant, kebab};
use super::kinds;
use super::pages::{Page, root};
use modalign::dataset::{READERS, Reader};
use modalign::suite::data;
use modalign::suite::pairs::PairSettings;
use modalign::suite::task::TargetKind;
use modalign::transfer::methods::{self, METHODS};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

/// A page, the name of a block in it, and what writes the block.
type Block = (&'static str, &'static str, fn() -> String);

/// Every block.
const BLOCKS: &[Block] = &[
    ("docs/suites.md", "keys", keys),
    ("docs/measures.md", "encoder", kinds::encoder_measures),
    ("docs/measures.md", "scores", kinds::scores),
    ("docs/measures.md", "metrics", kinds::metrics),
    ("docs/measures.md", "towers", kinds::towers),
    ("docs/measures.md", "retrieval", kinds::retrieval),
    ("docs/measures.md", "fields", kinds::measure_fields),
    ("docs/methods.md", "methods", kinds::methods),
    ("docs/figures.md", "figures", kinds::figures),
    ("docs/benchmarks.md", "speeds", benches::speeds),
    ("docs/data.md", "datasets", datasets),
    ("docs/data.md", "readers", readers),
];

/// Where the doc comments of a suite's keys are.
const SETTINGS: &str = "src/suite";

/// Where those of the methods' own settings are.
const METHOD_SETTINGS: &str = "src/transfer/methods";

/// Keys, with their types, whose values another page lists.
const ELSEWHERE: [(&str, &str, &str); 3] = [
    ("metric", "Metric", "measures.md#of-the-targets-own-task"),
    ("methods", "String", "methods.md"),
    ("reader", "String", "data.md#readers"),
];

/// A suite with every table that has keys, and in them the keys alone that have no default.
const LEAST: &str = r#"
name = "least"
title = "Least"
surrogate = { name = "s", title = "S", reader = "demo-surrogate", encoder = {} }
targets = [{ name = "t", title = "T", reader = "demo-emg" }]
transfer = { train = {} }
[source]
model = "demo"
shape = { image_size = 32, patch_size = 4, embed_dim = 64, depths = [2], num_heads = [2], window_size = 4 }
pretrain = { train = {} }
"#;

/// Another architecture of its source.
const TOWERS: &str = "towers = { image_size = 32, patch_size = 8, width = 64, layers = 3, heads = 2, text_width = 64, \
    text_layers = 3, text_heads = 2, vocabulary = 900, projection = 64 }";

#[test]
fn generated_blocks_are_up_to_date() {
    let write = std::env::var_os("MODALIGN_DOCS").is_some_and(|what| what == "write");
    for &(path, name, block) in BLOCKS {
        let page = Page::read(Path::new(path));
        let open = format!("<!-- generated: {name} -->\n");
        let (head, rest) = page.text.split_once(&open).expect("the block's beginning");
        let (_, tail) = rest.split_once("<!-- end -->").expect("the block's end");
        let wanted = format!("{head}{open}\n{}\n<!-- end -->{tail}", block());
        if write {
            fs::write(root().join(path), wanted).expect("the page is written");
        } else {
            assert!(
                page.text == wanted,
                "{path}: block {name} is out of date: run `make docs`"
            );
        }
    }
}

#[test]
fn the_example_of_a_suite_is_one() {
    let page = Page::read(Path::new("docs/suites.md"));
    let (_, rest) = page.text.split_once("```toml\n").expect("an example");
    let (text, _) = rest.split_once("```").expect("its end");
    methods::parse(text, "docs/suites.md").expect("a suite");
}

/// A doc comment in a table's cell: links of Rust become what a suite writes.
fn cell(doc: &str) -> String {
    declarations::plain(doc, kebab).replace('|', "\\|")
}

/// Values of a key as a table.
fn values(variants: &[Variant], title: &str) -> String {
    let mut out = format!("| {title} | |\n|---|---|\n");
    for variant in variants {
        out.push_str(&format!(
            "| `{}` | {} |\n",
            variant.name,
            cell(&variant.doc)
        ));
    }
    out
}

/// The datasets that have a manifest.
fn datasets() -> String {
    let mut out =
        "| name | what | modality | readers | licence |\n|---|---|---|---|---|\n".to_string();
    for set in data::all() {
        if set.hub.is_none() {
            let readers: Vec<String> = Reader::of_manifest(set)
                .map(|reader| format!("`{}`", reader.name))
                .collect();
            out.push_str(&format!(
                "| `{}` | [{}]({}) | {} | {} | {} |\n",
                set.name,
                set.title,
                set.homepage,
                set.modality,
                if readers.is_empty() {
                    "–".into()
                } else {
                    readers.join(", ")
                },
                set.licence.name,
            ));
        }
    }
    out
}

/// Every reader, as its descriptor says.
fn readers() -> String {
    let mut out = "| reader | what | target | group |\n|---|---|---|---|\n".to_string();
    for reader in READERS {
        let target = match reader.target {
            TargetKind::Labels => "one class",
            TargetKind::MultiHot => "several labels",
            TargetKind::Dense => "a field",
            TargetKind::Pairs => "captions",
        };
        out.push_str(&format!(
            "| `{}` | {}: {} | {target} | {} |\n",
            reader.name,
            reader.title,
            reader.what,
            reader.unit.unwrap_or("–"),
        ));
    }
    out
}

/// Every key of a suite: a section a table, then the values that keys may have.
fn keys() -> String {
    let mut types = BTreeMap::new();
    for folder in [METHOD_SETTINGS, SETTINGS] {
        types.append(&mut declarations::of(Path::new(folder)));
    }
    for method in METHODS
        .into_iter()
        .filter(|method| method.settings.is_some())
    {
        let file = method_file(method.name);
        let text = fs::read_to_string(root().join(&file)).expect("the method's file");
        let (_, rest) = text
            .split_once("complete::<")
            .expect("the type of its settings");
        let (name, _) = rest.split_once('>').expect("its end");
        let settings = declarations::in_file(Path::new(&file)).remove(name);
        let settings = settings.expect("the declaration of its settings");
        types.insert(method.name.into(), settings);
    }
    let least = least();
    let mut page = Keys {
        types: &types,
        least,
        places: BTreeMap::from([("Suite".to_string(), vec![String::new()])]),
        tables: VecDeque::from([("Suite".to_string(), String::new())]),
        values: Vec::new(),
    };
    let mut out = String::new();
    while let Some((name, path)) = page.tables.pop_front() {
        out.push_str(&page.table(&name, &path));
    }
    out.push_str("## Values\n");
    for (name, key) in std::mem::take(&mut page.values) {
        out.push_str(&page.value(&name, &key));
    }
    out
}

/// A suite whose values are the defaults, those too that a suite does not write out.
fn least() -> Value {
    let parsed = |text: &str| {
        let suite = methods::parse(text, "the least suite").expect("a suite");
        serde_json::to_value(suite).expect("plain data")
    };
    let mut least = parsed(LEAST);
    // A source has one architecture.
    let shape = LEAST.lines().find(|line| line.starts_with("shape"));
    let other = parsed(&LEAST.replace(shape.expect("a shape"), TOWERS));
    least["source"]["towers"] = other["source"]["towers"].clone();
    let pairs = PairSettings::default();
    least["transfer"]["pairs"] = serde_json::to_value(pairs).expect("plain data");
    // Not written down where it is off.
    least["transfer"]["pairs"]["early_matching"] = PairSettings::default().early_matching.into();
    let recipe = &mut least["source"]["pretrain"];
    recipe["pairs"] = serde_json::json!({ "triplet": 0.0 });
    recipe["dtype"] = "f32".into();
    least
}

/// The file that has a method's descriptor and settings, below the root.
fn method_file(name: &str) -> String {
    let forms = ["{}.rs", "{}/mod.rs"].map(|form| form.replace("{}", &name.replace('-', "_")));
    let mut files = forms
        .map(|form| format!("{METHOD_SETTINGS}/{form}"))
        .into_iter();
    let found = files.find(|file| root().join(file).is_file());
    found.expect("a file of the method's name")
}

/// What is known while the keys are written.
struct Keys<'a> {
    types: &'a BTreeMap<String, Type>,
    /// A suite whose values are the defaults.
    least: Value,
    /// The paths at which each struct stands; under the first it is described.
    places: BTreeMap<String, Vec<String>>,
    /// Structs to be described.
    tables: VecDeque<(String, String)>,
    /// Enums to be described, and the key that has them.
    values: Vec<(String, String)>,
}

impl Keys<'_> {
    /// The section of one struct.
    fn table(&mut self, name: &str, path: &str) -> String {
        let found = &self.types[name];
        let Kind::Struct(fields) = &found.kind else {
            panic!("{name} is a struct");
        };
        let title = match path {
            "" => "Top level".to_string(),
            path => format!("`[{path}]`"),
        };
        let mut out = format!("## {title}\n\n");
        let others = self.places[name].iter().skip(1);
        let others: Vec<String> = others.map(|place| format!("`{place}`")).collect();
        if !others.is_empty() {
            out.push_str(&format!("The same keys at {}.\n\n", others.join(" and ")));
        }
        out.push_str("| key | type | default | meaning |\n|---|---|---|---|\n");
        for field in fields {
            if field.flatten {
                self.method_settings(path);
                continue;
            }
            let at = match path {
                "" => field.name.clone(),
                path => format!("{path}.{}", field.name),
            };
            let kind = self.kind(&field.kind, &at);
            let default = self.default(field, found.defaults, &at);
            out.push_str(&format!(
                "| `{}` | {kind} | {default} | {} |\n",
                field.name,
                cell(&field.doc)
            ));
        }
        out.push('\n');
        out
    }

    /// Notes the methods' own settings, which are tables beside the other keys of `path`.
    fn method_settings(&mut self, path: &str) {
        for method in METHODS
            .into_iter()
            .filter(|method| method.settings.is_some())
        {
            let at = format!("{path}.{}", method.name);
            self.tables.push_back((method.name.into(), at.clone()));
            self.places.insert(method.name.into(), vec![at]);
        }
    }

    /// The type of a key, for people; types that need a section of their own are noted.
    fn kind(&mut self, kind: &str, path: &str) -> String {
        if let Some(inner) = kind
            .strip_prefix("Option<")
            .and_then(|k| k.strip_suffix('>'))
        {
            return self.kind(inner, path);
        }
        if let Some(inner) = kind.strip_prefix("Vec<").and_then(|k| k.strip_suffix('>')) {
            return plural(&self.kind(inner, path));
        }
        let key = path.rsplit('.').next().expect("a key").to_string();
        let elsewhere = ELSEWHERE
            .iter()
            .find(|(known, of, _)| *known == key && *of == kind);
        if let Some((_, _, link)) = elsewhere {
            return format!("[name]({link})");
        }
        match kind {
            "bool" => return "true or false".into(),
            "usize" | "u64" | "u32" => return "whole number".into(),
            "f32" | "f64" => return "number".into(),
            "String" | "PathBuf" => return "text".into(),
            "Grid" => return "table of lists".into(),
            _ => {}
        }
        match self.types.get(kind).map(|found| &found.kind) {
            Some(Kind::Struct(_)) => {
                let places = self.places.entry(kind.into()).or_default();
                if places.is_empty() {
                    self.tables.push_back((kind.into(), path.into()));
                }
                places.push(path.into());
                let first = &places[0];
                format!("[table](#{})", first.replace('.', ""))
            }
            Some(Kind::Enum(variants)) => {
                if !self.values.iter().any(|(name, _)| name == kind) {
                    self.values.push((kind.into(), key.clone()));
                }
                let what = match tagged(variants) {
                    true => "table",
                    false => "name",
                };
                format!("[{what}](#values-of-{key})")
            }
            None => panic!("{path}: {SETTINGS} declares no type {kind}"),
        }
    }

    /// The default of a key, for people.
    fn default(&self, field: &Field, all: bool, path: &str) -> String {
        if field.kind.starts_with("Option<") {
            return "none".into();
        }
        if !(field.default || all) {
            return "**required**".into();
        }
        let mut value = &self.least;
        for key in path.split('.') {
            value = value.get(key).unwrap_or(&Value::Null);
            value = value
                .as_array()
                .and_then(|list| list.first())
                .filter(|v| v.is_object())
                .unwrap_or(value);
        }
        match value {
            Value::Null => "none".into(),
            Value::Object(map) if map.is_empty() => "none".into(),
            Value::Object(map) => match map.get("name") {
                Some(name) => format!("`{{ name = {name}, … }}`"),
                None => "all defaults".into(),
            },
            Value::Number(number) if number.to_string().len() > 12 => {
                let number = number.as_f64().expect("a number");
                format!("≈ {number:.4}")
            }
            value => format!("`{value}`"),
        }
    }

    /// The section of one enum.
    fn value(&mut self, name: &str, key: &str) -> String {
        let Kind::Enum(variants) = &self.types[name].kind else {
            panic!("{name} is an enum");
        };
        let mut out = format!("\n### Values of `{key}`\n\n");
        if !tagged(variants) {
            out.push_str(&values(variants, key));
            return out;
        }
        out.push_str("| name | its keys | |\n|---|---|---|\n");
        for variant in variants {
            let keys = variant.fields.iter();
            let keys = keys.map(|field| format!("`{}`: {}", field.name, cell(&field.doc)));
            let keys = keys.collect::<Vec<_>>().join("<br>");
            out.push_str(&format!(
                "| `{}` | {keys} | {} |\n",
                variant.name,
                cell(&variant.doc)
            ));
        }
        out
    }
}

/// Several values of a type, for people: its name, or the text of its link, with an s.
fn plural(kind: &str) -> String {
    match kind.split_once(']') {
        Some((name, link)) => format!("list of {name}s]{link}"),
        None => format!("list of {kind}s"),
    }
}

/// Whether the values of an enum are tables with a name.
fn tagged(variants: &[Variant]) -> bool {
    variants.iter().any(|variant| !variant.fields.is_empty())
}

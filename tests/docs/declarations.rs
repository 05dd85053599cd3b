//! Types as the source files declare them, with their doc comments: enough of Rust for the plain data of
//! `src/suite`, where one attribute stands on one line, one field on one line.

use super::pages::root;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A struct or an enum.
pub struct Type {
    /// Whether every field that is not given has a default.
    pub defaults: bool,
    /// What it is.
    pub kind: Kind,
}

/// What a type is.
pub enum Kind {
    /// A table of keys.
    Struct(Vec<Field>),
    /// One of several values.
    Enum(Vec<Variant>),
}

/// A field of a struct or of a variant.
pub struct Field {
    /// Its name, which is the key.
    pub name: String,
    /// Its Rust type.
    pub kind: String,
    /// Its doc comment in one line.
    pub doc: String,
    /// Whether it may be left out.
    pub default: bool,
    /// Whether its keys stand beside the others, not in a table of their own.
    pub flatten: bool,
}

/// A variant of an enum.
pub struct Variant {
    /// Its name as a suite writes it.
    pub name: String,
    /// Its doc comment in one line.
    pub doc: String,
    /// What it holds.
    pub fields: Vec<Field>,
}

/// All types declared in the files of `folder` (below the root), by name.
pub fn of(folder: &Path) -> BTreeMap<String, Type> {
    let mut types = BTreeMap::new();
    for entry in fs::read_dir(root().join(folder)).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            types.append(&mut of(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            types.append(&mut in_file(&path));
        }
    }
    types
}

/// All types declared in the file at `path` (below the root), by name.
pub fn in_file(path: &Path) -> BTreeMap<String, Type> {
    let text = fs::read_to_string(root().join(path)).expect("a source file");
    let mut types = BTreeMap::new();
    declared(&text, &mut types);
    types
}

/// The first paragraph of a doc comment, with links of Rust as `say` writes their last name.
pub fn plain(doc: &str, say: fn(&str) -> String) -> String {
    let doc = doc.split("  ").next().unwrap_or(doc);
    let mut out = String::new();
    for (place, part) in doc.split("[`").enumerate() {
        if place == 0 {
            out.push_str(part);
            continue;
        }
        let (link, rest) = part.split_once("`]").expect("the end of a link");
        let name = link.rsplit("::").next().expect("a name");
        out.push_str(&format!("`{}`{rest}", say(name)));
    }
    out
}

/// What stands above a declaration.
#[derive(Default)]
struct Above {
    doc: Vec<String>,
    serde: String,
}

impl Above {
    /// Takes a doc comment or an attribute; says whether the line was one.
    fn take(&mut self, line: &str) -> bool {
        if let Some(doc) = line.strip_prefix("///") {
            self.doc.push(doc.trim().into());
        } else if line.starts_with("#[serde(") {
            self.serde.push_str(line);
        } else if !line.starts_with("#[") && !line.starts_with("//") {
            return false;
        }
        true
    }

    fn doc(&self) -> String {
        self.doc.join(" ").trim().into()
    }

    /// Whether the attributes of serde have this word.
    fn has(&self, attribute: &str) -> bool {
        let mut words = self.serde.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| word == attribute)
    }

    /// The name that the attributes give.
    fn renamed(&self) -> Option<String> {
        let (_, rest) = self.serde.split_once("rename = \"")?;
        Some(rest.split('"').next()?.into())
    }
}

/// Adds the types that `text` declares.
fn declared(text: &str, types: &mut BTreeMap<String, Type>) {
    let mut above = Above::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = match words[..] {
            ["pub", "struct", _, "{"] => Kind::Struct(fields(&mut lines, "}")),
            ["pub", "enum", _, "{"] => Kind::Enum(variants(&mut lines)),
            _ if above.take(line) => continue,
            _ => {
                above = Above::default();
                continue;
            }
        };
        let defaults = above.has("default");
        types.insert(words[2].into(), Type { defaults, kind });
        above = Above::default();
    }
}

/// The fields up to the line `end`.
fn fields<'a>(lines: &mut impl Iterator<Item = &'a str>, end: &str) -> Vec<Field> {
    let mut found = Vec::new();
    let mut above = Above::default();
    for line in lines.map(str::trim).take_while(|line| *line != end) {
        if line.is_empty() || above.take(line) {
            continue;
        }
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let Some((name, kind)) = line.split_once(": ") else {
            continue;
        };
        found.push(Field {
            name: above.renamed().unwrap_or_else(|| name.into()),
            kind: kind.trim_end_matches(',').into(),
            doc: above.doc(),
            default: above.has("default"),
            flatten: above.has("flatten"),
        });
        above = Above::default();
    }
    found
}

/// The variants up to the end of the enum.
fn variants<'a>(lines: &mut impl Iterator<Item = &'a str>) -> Vec<Variant> {
    let mut found = Vec::new();
    let mut above = Above::default();
    while let Some(line) = lines.next().map(str::trim).filter(|line| *line != "}") {
        if line.is_empty() || above.take(line) {
            continue;
        }
        let name: String = line.chars().take_while(|c| c.is_alphanumeric()).collect();
        let fields = if line.ends_with('{') {
            fields(lines, "},")
        } else {
            Vec::new()
        };
        found.push(Variant {
            name: above.renamed().unwrap_or_else(|| kebab(&name)),
            doc: above.doc(),
            fields,
        });
        above = Above::default();
    }
    found
}

/// `CamelCase` as serde's `kebab-case` writes it.
pub fn kebab(name: &str) -> String {
    let mut out = String::new();
    for (place, c) in name.chars().enumerate() {
        if c.is_uppercase() && place > 0 {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

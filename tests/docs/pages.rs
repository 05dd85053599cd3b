//! The Markdown pages of the repository, and the parts of a page that tests look at.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A page.
pub struct Page {
    /// Its path below the root.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Page {
    /// Reads the page at `path` below the root.
    pub fn read(path: &Path) -> Self {
        let text = fs::read_to_string(root().join(path))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self {
            path: path.into(),
            text,
        }
    }

    /// Lines outside of fenced code blocks.
    pub fn prose(&self) -> impl Iterator<Item = &str> {
        self.lines().filter(|(code, _)| !code).map(|(_, line)| line)
    }

    /// Lines inside of fenced code blocks.
    pub fn code(&self) -> impl Iterator<Item = &str> {
        self.lines().filter(|(code, _)| *code).map(|(_, line)| line)
    }

    /// Every line but the fences, and whether it is in a fenced code block.
    fn lines(&self) -> impl Iterator<Item = (bool, &str)> {
        let mut code = false;
        self.text.lines().filter_map(move |line| {
            if line.trim_start().starts_with("```") {
                code = !code;
                return None;
            }
            Some((code, line))
        })
    }

    /// The anchors of its headings, as GitHub makes them.
    pub fn anchors(&self) -> Vec<String> {
        let headings = self.prose().filter(|line| line.starts_with('#'));
        headings
            .map(|line| slug(line.trim_start_matches('#').trim()))
            .collect()
    }
}

/// GitHub's anchor of a heading.
fn slug(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// All pages: those at the root, the guide, and the README of every folder that has one.
pub fn all() -> Vec<Page> {
    let mut found = Vec::new();
    for folder in [
        "",
        "docs",
        "examples",
        "benches",
        "reports/real-mini",
        "reports/real-more",
    ] {
        let entries = fs::read_dir(root().join(folder)).expect("a folder of pages");
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|ending| ending == "md") && !path.ends_with("report.md")
            {
                let path = path.strip_prefix(root()).expect("below the root");
                found.push(Page::read(path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 15, "pages are found");
    found
}

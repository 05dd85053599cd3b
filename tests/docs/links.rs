//! Every relative link leads to a file that is there, and to a heading that it has.

use super::pages::{self, Page};

/// The targets of a line's links: `[text](target)`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.split("](").skip(1);
    ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

#[test]
fn every_relative_link_leads_somewhere() {
    let mut broken = Vec::new();
    let mut count = 0;
    for page in pages::all() {
        let folder = page.path.parent().expect("a page has a folder");
        for target in page.prose().flat_map(targets) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                page.path.clone()
            } else {
                folder.join(file)
            };
            let here = pages::root().join(&path).exists();
            let heading =
                || anchor.is_empty() || Page::read(&path).anchors().contains(&anchor.into());
            if !here || !heading() {
                broken.push(format!("{}: {target}", page.path.display()));
            }
        }
    }
    assert!(count > 50, "links are found");
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

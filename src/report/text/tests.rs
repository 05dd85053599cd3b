//! Tests of the text as its readers meet it: a run folder goes in, Markdown and LaTeX come out.

use std::path::{Path, PathBuf};

use crate::report::data::{Data, Run};
use crate::report::page::Subject as _;
use crate::report::tests::{replace, run};

fn write(run: &Path) -> Vec<PathBuf> {
    let data = Data::<Run>::read(run, false).unwrap();
    let sections = Run::SECTIONS.iter();
    let sections: Vec<_> = sections.map(|s| (s, (s.blocks)(&data).unwrap())).collect();
    super::text(&data, run, &sections)
        .write(run, "report")
        .unwrap()
}

fn read(run: &Path, name: &str) -> String {
    std::fs::read_to_string(run.join(name)).unwrap()
}

#[test]
fn markdown_holds_the_tables_and_links_to_the_figures() {
    let run = run();
    std::fs::create_dir(run.path().join("figures")).unwrap();
    std::fs::write(run.path().join("figures/fig4.png"), b"x").unwrap();
    let written = write(run.path());
    assert_eq!(written[0], run.path().join("report.md"));
    let page = read(run.path(), "report.md");
    for part in [
        "# Demo\n",
        "## Summary\n",
        "![Figure 4: Distortion of the source knowledge](figures/fig4.png)",
        "| encoder | method | seed | epochs | error |",
        "| target | divergence, embedder | D (95\u{a0}%) | null (95\u{a0}%) | D / null | optimum |",
        "| Weights, SHA-256 | 00ff |",
        "* invented numbers\n",
        "```sh\nmodalign report --suite demo\n",
    ] {
        assert!(page.contains(part), "{part:?} is missing in {page}");
    }
    assert!(!page.contains("fig3.png"), "a figure that is not there");
    write(run.path());
    assert_eq!(page, read(run.path(), "report.md"), "the same bytes again");
    std::fs::remove_file(run.path().join("tables/probe.csv")).unwrap();
    std::fs::write(run.path().join("figures/fig4.png"), b"x").unwrap();
    write(run.path());
    assert!(!run.path().join("tables/latex/probe.tex").exists());
    assert!(read(run.path(), "report.md").contains("not run – the run has no `tables/probe.csv`"));
}

#[test]
fn hostile_names_stay_text_in_both() {
    let run = run();
    let evil = "</script><img onerror=x>|\\input{y}_$1$\u{202e}\u{200f}";
    for table in ["probe.csv", "discrepancy.csv"] {
        replace(run.path(), table, "Sound", &format!("\"{evil}\nnew line\""));
    }
    replace(
        run.path(),
        "../run.json",
        "invented numbers",
        "[x](javascript:y) `z`",
    );
    write(run.path());
    let page = read(run.path(), "report.md");
    let said = r"\</script\>\<img onerror=x\>\|\\input\{y\}\_\$1\$";
    assert!(
        page.contains(&format!("| {said}\u{fffd}\u{fffd} new line |")),
        "{page}"
    );
    assert!(page.contains(r"* \[x\](javascript\:y) \`z\`"));
    assert!(!page.replace(r"\<", "").contains('<'));
    let widths: Vec<usize> = page
        .lines()
        .filter(|line| line.starts_with('|') && line.contains("new line"))
        .map(|line| line.replace(r"\|", "").matches('|').count())
        .collect();
    // A bar more than columns: seven of the probe, six of D.
    assert_eq!(widths, [8, 7]);
    for name in ["probe", "discrepancy"] {
        let table = read(run.path(), &format!("tables/latex/{name}.tex"));
        assert!(
            table.contains(r"\textbackslash{}input\{y\}\_\$1\$U+FFFDU+FFFD new line &"),
            "{table}"
        );
        assert!(!table.contains(r"\input{") && !table.contains('<'));
    }
}

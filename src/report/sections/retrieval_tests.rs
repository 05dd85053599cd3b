//! Tests of the section on retrieval: what is not decided by the run's rule is never said as a difference, and nothing
//! is missing where a table has less.

use super::*;

fn row(method: Option<&str>, seed: Option<u64>, measure: &str, value: f64) -> RetrievalRow {
    RetrievalRow {
        target: "t".into(),
        target_title: "Drawings".into(),
        method: method.map(str::to_owned),
        seed,
        measure: measure.into(),
        value: Some(value),
        lower: Some(value - 0.1),
        upper: Some(value + 0.1),
        optimistic: (measure == "mean-recall").then_some(value + 0.05),
        samples: Some(1000),
        note: None,
    }
}

fn table() -> Table<RetrievalRow> {
    let mut rows = Vec::new();
    for measure in [
        "mean-recall",
        "tower-gap",
        "tied-queries",
        "trained-parameters",
    ] {
        rows.push(row(None, None, measure, 0.25));
        for seed in [0, 1] {
            rows.push(row(
                Some("nft"),
                Some(seed),
                measure,
                0.3 + 0.1 * seed as f64,
            ));
            rows.push(row(Some("harma"), Some(seed), measure, 0.4));
        }
    }
    Table { rows, bytes: None }
}

fn pair(method: &str, difference: f64, verdict: &str) -> PairedRow {
    PairedRow {
        target: "t".into(),
        target_title: "Drawings".into(),
        method: method.into(),
        baseline: "nft".into(),
        quantity: RECALL_ERROR.into(),
        method_mean: 0.6,
        baseline_mean: 0.6 - difference,
        difference,
        lower: None,
        upper: None,
        p: None,
        adjusted: None,
        verdict: Some(verdict.into()),
        seeds: Some(2),
        samples: None,
        groups: None,
    }
}

fn said(rows: &[PairedRow]) -> String {
    let lines: Vec<_> = rows.iter().map(|row| Line { line: 2, row }).collect();
    told(&table(), &lines).plain()
}

#[test]
fn the_untouched_towers_come_first_and_only_verdicts_are_differences() {
    let start = "On Drawings the towers have a mean recall of 25.0\u{a0}% (15.0\u{a0}% to 35.0\u{a0}%) before any tuning.";
    assert_eq!(said(&[]), start);
    let none = said(&[pair("harma", -0.1, "not shown")]);
    assert!(
        none.ends_with("no method is shown to differ in mean recall."),
        "{none}"
    );
    let one = said(&[pair("harma", -0.1, "not tested")]);
    assert!(one.ends_with("nothing was tested, of one seed."), "{one}");
    // Less is missed: more is found.
    let both = said(&[
        pair("harma", -0.1, "lower"),
        pair("lora", 0.02, "higher"),
        pair("bottleneck", 0.0, "not shown"),
    ]);
    assert!(
        both.ends_with(
            "Against plain fine-tuning (NFT), HarMA (+10.0 points) finds more; LoRA (\u{2212}2.0 points) finds less; \
             the others are not shown to differ."
        ),
        "{both}"
    );
}

#[test]
fn seeds_show_their_range_and_one_value_its_interval() {
    let table = table();
    let nft = Own::of(&table, "t", Some("nft"));
    let cell = nft.cell("tower-gap", percent);
    assert_eq!(cell.value, "35.0\u{a0}%");
    assert_eq!(cell.interval.as_deref(), Some("30.0 to 40.0"));
    let before = Own::of(&table, "t", None).cell("tower-gap", percent);
    assert_eq!(before.interval.as_deref(), Some("15.0 to 35.0"));
    let none = nft.cell("joint-uniformity", percent);
    assert_eq!((none.value.as_str(), none.interval), ("–", None));
}

#[test]
fn a_panel_is_drawn_for_what_was_measured() {
    let rows = table().rows;
    let rows: Vec<RetrievalRow> = rows
        .into_iter()
        .map(|row| match row.measure.as_str() {
            "trained-parameters" => RetrievalRow {
                value: Some(5e5),
                ..row
            },
            _ => row,
        })
        .collect();
    let drawn = figure::figure(&rows, &[]).unwrap();
    assert_eq!(
        drawn.panels.len(),
        1,
        "no texts of classes, no zero-shot error"
    );
    let label = &drawn.panels[0].label;
    assert!(
        label.contains("HarMA 500000 and 40.0") && label.ends_with("untouched 25.0"),
        "{label}"
    );
    assert_eq!(
        drawn.svg().unwrap(),
        figure::figure(&rows, &[]).unwrap().svg().unwrap()
    );
    assert!(figure::figure(&[], &[]).is_err());
}

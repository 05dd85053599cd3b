//! Properties of the verdict: what the rule does not show is never stated as a difference.

use super::*;

fn row(place: usize, pair: (&str, &str), quantity: &str, d: f64, verdict: &str) -> PairedRow {
    PairedRow {
        target: format!("t{place}"),
        target_title: format!("Target {place}"),
        method: pair.0.into(),
        baseline: pair.1.into(),
        quantity: quantity.into(),
        method_mean: 0.4 + d,
        baseline_mean: 0.4,
        difference: d,
        lower: None,
        upper: None,
        p: None,
        adjusted: None,
        verdict: Some(verdict.into()),
        seeds: Some(3),
        samples: Some(100),
        groups: None,
    }
}

fn said(rows: Vec<PairedRow>) -> String {
    let lines: Vec<_> = rows.iter().map(|row| Line { line: 2, row }).collect();
    let all: Vec<String> = sentences(&lines).iter().map(Words::plain).collect();
    all.join(" ")
}

/// Words that state a difference.
const CLAIMS: [&str; 5] = ["kept ", " more of", " less of", " lower", " higher"];

#[test]
fn the_control_leads_and_the_baseline_follows() {
    let rows = (0..4).flat_map(|place| {
        [
            row(
                place,
                ("mona", "nft"),
                SOURCE,
                -0.02 - 0.006 * place as f64,
                "lower",
            ),
            row(place, ("mona", "nft"), TARGET, 0.001, "not shown"),
            row(place, ("mona", "emb"), SOURCE, 0.001, "not shown"),
            row(place, ("mona", "emb"), TARGET, -0.004, "not shown"),
            row(place, ("emb", "nft"), SOURCE, -0.02, "lower"),
        ]
    });
    assert_eq!(
        said(rows.collect()),
        "MoNA is not shown to differ from a mere warm-up (Emb) on any of the four targets: source probe error +0.1 points, \
         target error \u{2212}0.4 points. Against plain fine-tuning (NFT), MoNA kept 2.0–3.8 points more of the source on \
         all four targets, and no difference in target error is shown on any of the four targets (+0.1 points)."
    );
}

#[test]
fn rows_of_either_order_say_the_same() {
    let one = row(0, ("mona", "emb"), SOURCE, -0.03, "lower");
    let other = row(0, ("emb", "mona"), SOURCE, 0.03, "higher");
    let lead = row(0, ("mona", "nft"), TARGET, 0.0, "not shown");
    let expected =
        "Against a mere warm-up (Emb), MoNA kept 3.0 points more of the source on Target 0.";
    for rows in [vec![one, lead.clone()], vec![other, lead]] {
        let found = said(rows);
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn every_proposed_method_is_set_against_its_control() {
    let rows = vec![
        row(0, ("harma", "bottleneck"), SOURCE, -0.02, "lower"),
        row(0, ("harma", "nft"), SOURCE, -0.05, "lower"),
        row(0, ("mmap", "maple"), TARGET, 0.0, "not shown"),
        row(0, ("mmap", "nft"), TARGET, -0.04, "lower"),
    ];
    let found = said(rows);
    let at = |words: &str| found.find(words).unwrap_or_else(|| panic!("{found}"));
    // What a run with tasks is about comes first; the others' controls follow.
    assert!(
        at("MmAP is not shown to differ from MaPLe") < at("HarMA kept 2.0 points"),
        "{found}"
    );
    assert!(at("NFT") < at("HarMA"), "{found}");
    assert!(!found.contains("5.0"), "{found}");
}

#[test]
fn one_seed_says_nothing_beyond_its_runs() {
    let mut rows: Vec<PairedRow> = (0..3)
        .map(|place| row(place, ("nft", PRETRAINED), SOURCE, 0.1, "not tested"))
        .collect();
    rows.iter_mut().for_each(|row| row.seeds = Some(1));
    let found = said(rows);
    assert!(
        found.starts_with("One seed: nothing can be said beyond these runs."),
        "{found}"
    );
    assert!(CLAIMS.iter().all(|claim| !found.contains(claim)), "{found}");
    assert!(
        found.contains("in these runs alone: source probe error +10.0 points"),
        "{found}"
    );
}

/// Over every mix of verdicts, signs and sizes: a claim is made of as many targets as the rule shows, in the
/// direction that it shows, and of no other.
#[test]
fn no_direction_is_claimed_where_the_rule_shows_none() {
    const VERDICTS: [&str; 4] = ["lower", "higher", "not shown", "not tested"];
    let mut state = 7u64;
    let mut draw = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) % below
    };
    for _ in 0..4000 {
        let targets = 1 + draw(5) as usize;
        let mut rows = Vec::new();
        for place in 0..targets {
            for quantity in [SOURCE, TARGET] {
                let verdict = VERDICTS[draw(4) as usize];
                let size = 0.001 * (1 + draw(90)) as f64;
                let d = match verdict {
                    "lower" => -size,
                    "higher" => size,
                    // What is not shown may be as large as anything.
                    _ if draw(2) == 0 => size,
                    _ => -size,
                };
                rows.push(row(place, ("mona", "nft"), quantity, d, verdict));
            }
        }
        let shown = |quantity: &str, verdict: &str| {
            let own = rows.iter().filter(|row| row.quantity == quantity);
            own.filter(|row| row.verdict.as_deref() == Some(verdict))
                .count()
        };
        let counts = [
            (shown(SOURCE, "lower"), " more of the source"),
            (shown(SOURCE, "higher"), " less of the source"),
            (shown(TARGET, "lower"), " lower on "),
            (shown(TARGET, "higher"), " higher on "),
        ];
        let found = said(rows.clone());
        for (count, claim) in counts {
            assert_eq!(found.contains(claim), count > 0, "{claim}: {found}");
            let Some((_, rest)) = found.split_once(claim) else {
                continue;
            };
            let clause = rest.split([';', '.']).next().unwrap();
            let clause = clause.split(", and ").next().unwrap();
            let names = clause.matches("Target ").count();
            let told = match names {
                0 if clause.contains("all ") || clause.contains("both ") => targets,
                0 => (0..=12)
                    .find(|n| format!(" on {clause}").contains(&format!(" on {} of ", counted(*n))))
                    .expect(clause),
                names => names,
            };
            assert_eq!(told, count, "{clause} in {found}");
        }
        // A difference that is not shown may turn its sign without a word of the claims changing.
        for row in &mut rows {
            if matches!(row.verdict.as_deref(), Some("not shown" | "not tested")) {
                row.difference = -row.difference;
            }
        }
        let turned = said(rows);
        for (_, claim) in counts {
            assert_eq!(
                found.contains(claim),
                turned.contains(claim),
                "{found} {turned}"
            );
        }
    }
}

fn at_equal(place: usize, method: &str, d: f64, verdict: &str) -> TradeoffRow {
    TradeoffRow {
        target: format!("t{place}"),
        target_title: format!("Target {place}"),
        method: method.into(),
        points: 1,
        metric: "error".into(),
        target_mean: Some(0.3),
        source_mean: Some(0.4 + d),
        hypervolume: None,
        hypervolume_lower: None,
        hypervolume_upper: None,
        guessing_target: None,
        guessing_source: None,
        curve: Some("nft".into()),
        alpha: Some(0.6),
        curve_source: Some(0.4),
        difference: Some(d),
        lower: None,
        upper: None,
        p: None,
        adjusted: None,
        verdict: Some(verdict.into()),
        why: None,
        seeds: Some(3),
        samples: None,
        groups: None,
    }
}

fn said_at_equal(rows: &[TradeoffRow]) -> Option<String> {
    let lines: Vec<_> = rows.iter().map(|row| Line { line: 2, row }).collect();
    at_equal_target(&lines).map(|words| words.plain())
}

#[test]
fn what_is_kept_at_equal_target_error_is_one_sentence_of_marks() {
    let mut rows = vec![
        at_equal(0, "mona", -0.02, "lower"),
        at_equal(1, "mona", -0.031, "lower"),
        at_equal(2, "mona", -0.2, "not shown"),
        at_equal(0, "emb", 0.3, "not shown"),
        at_equal(0, "orca", 0.3, "not shown"),
    ];
    assert_eq!(
        said_at_equal(&rows).unwrap(),
        "At equal target error, MoNA keeps 2.0–3.1 points more of the source than interpolating plain fine-tuning (NFT) \
         on Target 0 and Target 1 (of three targets); no other method is shown to keep more."
    );
    rows[3].verdict = Some("lower".into());
    rows[4].verdict = Some("higher".into());
    let found = said_at_equal(&rows).unwrap();
    assert!(
        found.ends_with(
            "; ORCA keeps 30.0 points less on Target 0; the other method is not shown to keep more."
        ),
        "{found}"
    );
    let found = said_at_equal(&rows[4..]).unwrap();
    assert!(
        found.starts_with(
            "At equal target error no method is shown to keep more of the source than interpolating"
        ) && found.ends_with("; ORCA keeps 30.0 points less on Target 0."),
        "{found}"
    );
    assert_eq!(said_at_equal(&[]), None);
    // A row outside the curve has no difference, and the interpolation itself is no method.
    let outside = TradeoffRow {
        difference: None,
        verdict: None,
        ..at_equal(0, "mona", 0.0, "lower")
    };
    let points = TradeoffRow {
        points: 5,
        ..at_equal(0, "nft", -0.1, "lower")
    };
    assert_eq!(said_at_equal(&[outside, points]), None);
}

/// Over every mix of verdicts: a method is named as keeping more, or less, where the rule marks it so, and nowhere
/// else; without a mark nothing is said.
#[test]
fn at_equal_target_error_nothing_is_claimed_but_marks() {
    const VERDICTS: [&str; 4] = ["lower", "higher", "not shown", "not tested"];
    const METHODS: [(&str, &str); 3] = [("mona", "MoNA"), ("emb", "Emb"), ("orca", "ORCA")];
    for mix in 0..4096usize {
        // Two targets for each of three methods.
        let verdict = |i: usize| VERDICTS[mix / 4usize.pow(i as u32) % 4];
        let size = |verdict: &str| if verdict == "lower" { -0.05 } else { 0.05 };
        let rows: Vec<TradeoffRow> = (0..6)
            .map(|i| at_equal(i % 2, METHODS[i / 2].0, size(verdict(i)), verdict(i)))
            .collect();
        let marked = |method: &str, verdict: &str| {
            let own = rows.iter().filter(|row| row.method == method);
            own.filter(|row| row.verdict.as_deref() == Some(verdict))
                .count()
        };
        let any = METHODS
            .iter()
            .any(|(id, _)| marked(id, "lower") + marked(id, "higher") > 0);
        let Some(found) = said_at_equal(&rows) else {
            assert!(!any, "{rows:?}");
            continue;
        };
        assert!(any, "{found}");
        // What keeps more stands before the first "less", what keeps less after the last "more of the source than".
        let clauses: Vec<&str> = found.split("; ").collect();
        let more = clauses.iter().find(|clause| clause.contains("points more"));
        let less = clauses.iter().find(|clause| clause.contains("points less"));
        for (id, name) in METHODS {
            let told = |clause: Option<&&str>| clause.is_some_and(|clause| clause.contains(name));
            assert_eq!(told(more), marked(id, "lower") > 0, "{name}: {found}");
            assert_eq!(told(less), marked(id, "higher") > 0, "{name}: {found}");
        }
    }
}

//! The table of speeds, from what `benches/all.py` has written down (`benches/results/*.json`): ratios as ranges over runs.

use super::kinds::table;
use super::pages::root;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// What several runs found of one claim.
struct Claim {
    what: String,
    against: String,
    bench: String,
    goal: Option<f64>,
    ratios: Vec<f64>,
    memory: Vec<[f64; 2]>,
}

/// Every claim of every run.
pub fn speeds() -> String {
    let folder = root().join("benches/results");
    let mut files: Vec<_> = fs::read_dir(folder)
        .map(|all| all.flatten().map(|file| file.path()).collect())
        .unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|end| end == "json"));
    files.sort();
    let runs: Vec<Value> = files
        .iter()
        .map(|file| {
            let text = fs::read_to_string(file).expect("a file of results");
            serde_json::from_str(&text).expect("a run of benches/all.py")
        })
        .collect();
    let mut claims: Vec<Claim> = Vec::new();
    for row in runs
        .iter()
        .flat_map(|run| run["claims"].as_array())
        .flatten()
    {
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        let (what, against) = (text("what"), text("against"));
        let known = claims
            .iter()
            .position(|claim| claim.what == what && claim.against == against);
        let at = known.unwrap_or_else(|| {
            claims.push(Claim {
                what,
                against,
                bench: text("bench"),
                goal: row["goal"].as_f64(),
                ratios: Vec::new(),
                memory: Vec::new(),
            });
            claims.len() - 1
        });
        claims[at]
            .ratios
            .push(row["ratio"].as_f64().expect("a ratio"));
        let memory = [0, 1].map(|side| row["memory_gb"][side].as_f64());
        if let [Some(ours), Some(peer)] = memory {
            claims[at].memory.push([ours, peer]);
        }
    }
    if claims.is_empty() {
        return "No run is on record.\n".into();
    }
    let rows = claims.iter().map(|claim| {
        let memory = [0, 1].map(|side| {
            let values: Vec<f64> = claim.memory.iter().map(|both| both[side]).collect();
            range(&values)
        });
        vec![
            claim.what.clone(),
            claim.against.clone(),
            format!("**{}**", range(&claim.ratios)),
            claim.goal.map_or("–".into(), |goal| format!("{goal}")),
            match claim.memory.is_empty() {
                true => "–".into(),
                false => memory.join(" and "),
            },
            format!("`{}`", claim.bench),
        ]
    });
    let head = [
        "what",
        "against",
        "ratio",
        "goal",
        "memory, ours and theirs, GB",
        "bench",
    ];
    format!("{}\n{}", table(&head, rows), machines(&runs))
}

/// From the least to the largest, with two places below ten.
fn range(values: &[f64]) -> String {
    let show = |value: f64| match value < 10.0 {
        true => format!("{value:.2}"),
        false => format!("{value:.0}"),
    };
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    match (show(least), show(most)) {
        (least, most) if least == most => least,
        (least, most) => format!("{least}–{most}"),
    }
}

/// Where the runs were.
fn machines(runs: &[Value]) -> String {
    let told = |run: &Value| {
        let (machine, versions) = (&run["machine"], &run["versions"]);
        let peers = ["torch", "scikit-learn", "openTSNE"];
        let peers = peers.iter().filter_map(|name| {
            let version = versions[name].as_str()?;
            Some(format!("{name} {version}"))
        });
        format!(
            "* {} cores of {}, {} GB; {}",
            machine["cores"],
            machine["processor"]
                .as_str()
                .unwrap_or("an unknown processor"),
            machine["memory_gb"],
            peers.collect::<Vec<_>>().join(", ")
        )
    };
    let all: BTreeSet<String> = runs.iter().map(told).collect();
    let count = runs.len();
    let several = if count == 1 { "run" } else { "runs" };
    let all: Vec<String> = all.into_iter().collect();
    format!("{count} {several}:\n\n{}\n", all.join("\n"))
}

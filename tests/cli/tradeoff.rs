//! Encoders between the pretrained and the fine-tuned one, and methods set against them at equal target error, from
//! outside: what the tables hold, and that a run killed in the middle of a curve ends in the same ones.

use super::*;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

fn suite() -> String {
    TINY.replace(
        "seeds = [0, 1]",
        "seeds = [0, 1]\nmethods = [\"nft\", \"wise-ft\", \"frozen\"]\nwise-ft = { alpha = 0.5 }",
    )
    .replace(
        "[measures]",
        "[measures]\ninterpolation = [0.5]\nprobe_epochs = [1]\npaired_bootstrap = 100",
    )
}

/// The rows of a table, each cell by its column.
fn rows(run: &Path, table: &str) -> Vec<BTreeMap<String, String>> {
    let text = fs::read_to_string(run.join("tables").join(table)).expect(table);
    // Quoted cells hold no comma; what is absent is empty or a dash.
    let cell = |cell: &str| match cell.trim_matches('"') {
        "-" => String::new(),
        other => other.to_owned(),
    };
    let cells = |line: &str| line.split(',').map(cell).collect::<Vec<_>>();
    let head = cells(text.lines().next().unwrap());
    let row = |line: &str| head.iter().cloned().zip(cells(line)).collect();
    text.lines().skip(1).map(row).collect()
}

fn report(suite: &Path, run: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_modalign"));
    command
        .args([
            "report",
            "--suite",
            suite.to_str().unwrap(),
            "--out",
            run.to_str().unwrap(),
        ])
        .env("HF_HUB_OFFLINE", "1");
    command
}

#[test]
fn a_curve_from_one_training_is_the_same_after_a_kill() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("suite.toml");
    fs::write(&file, suite()).unwrap();
    let [whole, killed] = ["whole", "killed"].map(|name| home.path().join(name));
    let done = report(&file, &whole).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));

    // Two targets, two seeds, α of 0, 1/2 and 1.
    let points = rows(&whole, "interpolation.csv");
    assert_eq!(points.len(), 2 * 2 * 3);
    let probes = rows(&whole, "probe.csv");
    let pretrained = probes
        .iter()
        .find(|row| row["encoder"] == "pretrained")
        .unwrap();
    let targets = rows(&whole, "targets.csv");
    let cell = |point: &BTreeMap<String, String>, method: &str| {
        let own = |row: &&BTreeMap<String, String>| {
            row["target"] == point["target"]
                && row["seed"] == point["seed"]
                && row["method"] == method
        };
        targets.iter().find(own).unwrap().clone()
    };
    for point in &points {
        assert_eq!(point["method"], "nft");
        let alpha: f64 = point["alpha"].parse().unwrap();
        if alpha == 0.0 {
            assert_eq!(
                point["source_error"], pretrained["error"],
                "the pretrained encoder"
            );
        } else if alpha == 1.0 {
            assert_eq!(point["test"], cell(point, "nft")["test"], "the cell itself");
        } else {
            assert_eq!(
                point["test"],
                cell(point, "wise-ft")["test"],
                "WiSE-FT at the same α"
            );
        }
    }

    // Three methods and all points of the curve, on two targets.
    let tradeoffs = rows(&whole, "tradeoff.csv");
    assert_eq!(tradeoffs.len(), 2 * 4);
    for row in &tradeoffs {
        let volume: f64 = row["hypervolume"].parse().unwrap();
        assert!((0.0..=1.0).contains(&volume), "{row:?}");
        if row["method"] == "wise-ft" {
            assert_eq!(row["curve"], "nft");
            // On the curve, unless the tiny target knows nothing of its direction.
            let on = row["difference"]
                .parse()
                .is_ok_and(|d: f64| d.abs() < 1e-12);
            assert!(on || !row["why"].is_empty(), "{row:?}");
            assert!(
                !matches!(row["verdict"].as_str(), "lower" | "higher"),
                "{row:?}"
            );
        } else if row["method"] == "nft" {
            assert!(row["curve"].is_empty() && row["difference"].is_empty());
        }
    }
    let volume = |row: &&BTreeMap<String, String>| row["hypervolume"].parse::<f64>().unwrap();
    for target in ["emg", "unseen"] {
        let own = |points: &str| {
            let own = tradeoffs.iter();
            let own = own.filter(|row| row["target"] == target && row["method"] == "nft");
            own.filter(|row| row["points"] == points)
                .map(|row| volume(&row))
                .next()
                .unwrap()
        };
        assert!(own("3") >= own("1"), "more points leave more behind");
    }
    let orderings = rows(&whole, "orderings.csv");
    let of = |name: &str| {
        orderings
            .iter()
            .filter(|row| row["ordering"] == name)
            .count()
    };
    assert_eq!((of("more-epochs"), of("farther-targets")), (2, 1));
    for row in &orderings {
        let [p, adjusted] = ["p", "adjusted"].map(|name| row[name].parse::<f64>().unwrap());
        assert!(adjusted >= p, "{row:?}");
    }
    let page = fs::read_to_string(whole.join("report.html")).unwrap();
    for part in [
        "NFT, interpolated",
        "Target and source together",
        "Orderings of the paper",
    ] {
        assert!(page.contains(part), "{part}");
    }

    // Killed as soon as the first point of a curve is kept.
    let mut child = report(&file, &killed).spawn().unwrap();
    let kept = || {
        let found = fs::read_dir(killed.join("evaluations"))
            .into_iter()
            .flatten();
        let mut names =
            found.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
        names.any(|name| name.contains("-test-") && name.ends_with(".json"))
    };
    // Two minutes are many times what that takes.
    let begun = (0..12_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        kept()
    });
    assert!(begun);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !killed.join("report.html").exists(),
        "killed before its end"
    );
    let again = report(&file, &killed).output().unwrap();
    assert!(again.status.success(), "{}", text(&again.stderr));
    for table in [
        "interpolation.csv",
        "tradeoff.csv",
        "orderings.csv",
        "paired.csv",
        "probe.csv",
    ] {
        let [one, other] =
            [&whole, &killed].map(|run| fs::read(run.join("tables").join(table)).unwrap());
        assert!(one == other, "{table} differs after a kill");
    }
}

#[test]
fn an_interpolation_that_is_none_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("suite.toml");
    for (wrong, said) in [
        (
            "interpolation = [0.5, 1.0]",
            "rising numbers between 0 and 1",
        ),
        (
            "interpolation = [0.5]\ninterpolation_methods = [\"nfs\"]",
            "did you mean \"nft\"?",
        ),
    ] {
        fs::write(&file, suite().replace("interpolation = [0.5]", wrong)).unwrap();
        let found = report(&file, &home.path().join("run")).output().unwrap();
        assert!(!found.status.success());
        assert!(
            text(&found.stderr).contains(said),
            "{}",
            text(&found.stderr)
        );
    }
}

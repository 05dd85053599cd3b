//! Simulated steps beside the fine-tuning: what a run writes of them.

use super::*;

fn rows(run: &Path, name: &str) -> Vec<Vec<String>> {
    let table = std::fs::read_to_string(run.join("tables").join(name)).expect(name);
    let cells = |line: &str| line.split(',').map(String::from).collect();
    table.lines().skip(1).map(cells).collect()
}

#[test]
fn plain_fine_tunings_are_simulated_once_and_others_are_not() {
    let home = tempfile::tempdir().unwrap();
    let suite = home.path().join("suite.toml");
    let one = TINY.find("[[targets]]\nname = \"unseen\"").unwrap();
    let end = TINY.find("[transfer]").unwrap();
    let text_of = format!("{}{}", &TINY[..one], &TINY[end..])
        .replace(
            "[transfer]",
            "[transfer]\nmethods = [\"nft\", \"emb\", \"l2-sp\"]\nstage1 = { epochs = 1, source_batch = 20 }",
        )
        .replace(
            "[measures]",
            "[measures]\nprobe_epochs = [1]\nsimulated_steps = [1, 3]\nsimulated_draws = 2",
        );
    std::fs::write(&suite, text_of).unwrap();
    let run = home.path().join("run");
    let report = || {
        let out = run.to_str().unwrap();
        let done = modalign(&["report", "--suite", suite.to_str().unwrap(), "--out", out]);
        assert!(done.status.success(), "{}", text(&done.stderr));
    };
    report();
    let found = rows(&run, "simulation.csv");
    // Start, two kinds at two lengths, and two epochs, of two methods at two seeds.
    assert_eq!(found.len(), 4 * (1 + 4 + 2));
    assert!(found.iter().all(|row| row[2] == "nft" || row[2] == "emb"));
    let loss = |method: &str, seed: &str, by: &str, length: &str| -> f64 {
        let same = |row: &&Vec<String>| row[2..6] == [method, seed, by, length];
        found.iter().find(same).expect("a row")[6].parse().unwrap()
    };
    // Every transfer starts from the same encoder, whose source features are measured on the same batches.
    assert_eq!(
        loss("nft", "0", "start", "0"),
        loss("emb", "1", "start", "0")
    );
    let change = |by, length| loss("nft", "0", by, length) - loss("nft", "0", "start", "0");
    assert!(change("sgd", "1") != 0.0 && change("fine-tuning", "2") != 0.0);
    assert!(change("adamw", "1").abs() > 10.0 * change("sgd", "1").abs());
    let foresight = rows(&run, "foresight.csv");
    assert_eq!(foresight.len(), 2 * 2 * 2);
    assert!(foresight.iter().all(|row| row.last().unwrap() == "4"));
    let page = std::fs::read_to_string(run.join("report.html")).unwrap();
    assert!(page.contains("Do simulated steps foresee the fine-tuning?"));
    // What was simulated is recalled, to the last digit.
    let before = std::fs::read(run.join("tables/simulation.csv")).unwrap();
    let record = run.join("cells/emg-emb-1/simulated.json");
    let stamp = std::fs::metadata(&record).unwrap().modified().unwrap();
    report();
    assert_eq!(
        std::fs::read(run.join("tables/simulation.csv")).unwrap(),
        before
    );
    assert_eq!(
        std::fs::metadata(&record).unwrap().modified().unwrap(),
        stamp
    );
}

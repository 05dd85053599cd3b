//! Tests of the settings that a suite tries.

use super::*;
use crate::suite::definition::EMBEDDED;
use crate::transfer::methods::{FROM_SCRATCH, METHODS, PLAIN, emb, mona, parse};
use std::collections::HashSet;

/// The demo suite with two methods, settings of its own and a tuning.
fn text(tuning: &str) -> String {
    let mut suite: toml::Table = toml::from_str(EMBEDDED[0].1).unwrap();
    let own = "methods = [\"nft\", \"mona\"]\ntrain = { epochs = 10, learning_rate = 5e-4 }";
    suite["transfer"] = toml::from_str::<toml::Table>(own).unwrap().into();
    format!("{suite}\n[tuning]\n{tuning}")
}

fn suite(tuning: &str) -> Result<Suite, ManifestError> {
    parse(&text(tuning), "x")
}

fn labels(suite: &Suite, method: &Method) -> Vec<String> {
    let all = variants(suite, method, "x").unwrap();
    all.into_iter().map(|variant| variant.label).collect()
}

const TWO_BY_TWO: &str = "grid = { \"transfer.mona.alpha\" = [0.05, 1], \"transfer.train.learning_rate\" = [2e-4, 5e-4] }";

#[test]
fn a_grid_is_every_combination_and_the_suites_own_settings() {
    let suite = suite(TWO_BY_TWO).unwrap();
    assert_eq!(suite.transfer.train.learning_rate, 5e-4, "of its own");
    let found = labels(&suite, &mona::METHOD);
    let expected = [
        "mona",
        "mona@alpha=0.05,train.learning_rate=0.0002",
        "mona@alpha=0.05",
        "mona@alpha=1,train.learning_rate=0.0002",
        "mona@alpha=1",
    ];
    assert_eq!(found, expected);
    // A key of MoNA's table is none of others.
    let found = labels(&suite, PLAIN);
    assert_eq!(found, ["nft", "nft@train.learning_rate=0.0002"]);
    let all = variants(&suite, &mona::METHOD, "x").unwrap();
    assert_eq!(all[0].transfer, suite.transfer);
    assert_eq!(all[1].transfer.train.learning_rate, 2e-4);
    let alpha = |i: usize| all[i].transfer.method_settings.0["mona"]["alpha"].clone();
    assert_eq!(
        (alpha(1), alpha(3)),
        (Value::Float(0.05), Value::Float(1.0))
    );
    assert_eq!(all[2].transfer.train, suite.transfer.train);
}

#[test]
fn settings_of_stage_1_concern_methods_that_have_one() {
    let suite = suite("grid = { \"transfer.stage1.epochs\" = [1, 7] }").unwrap();
    for method in METHODS {
        let count = labels(&suite, method).len();
        assert_eq!(count, if method.has_stage1() { 3 } else { 1 }, "{method:?}");
    }
    assert_eq!(labels(&suite, &emb::METHOD)[1], "emb@stage1.epochs=1");
}

#[test]
fn values_are_written_as_the_settings_write_them_and_each_once() {
    let of = |values: &str| {
        let line = format!("grid = {{ \"transfer.mona.lambda\" = [{values}] }}");
        suite(&line).unwrap().tuning.grid
    };
    assert_eq!(of("1, 2"), of("1.0, 2.0"));
    assert_eq!(of("1, 2, 1.0"), of("1, 2"));
    // The suite's own value is no further setting.
    let own = suite("grid = { \"transfer.mona.lambda\" = [0.5] }").unwrap();
    assert_eq!(labels(&own, &mona::METHOD), ["mona"]);
    let named = suite("grid = { \"transfer.mona.inner_optimiser\" = [\"adamw\"] }").unwrap();
    let label = &labels(&named, &mona::METHOD)[1];
    assert_eq!(label, "mona@inner_optimiser=adamw");
    // A run's config.toml replays it.
    let written = toml::to_string(&named).unwrap();
    assert_eq!(parse(&written, "x").unwrap(), named);
}

#[test]
fn what_is_not_known_or_of_another_type_is_refused_with_the_nearest() {
    for (key, values, word) in [
        (
            "transfer.mona.alhpa",
            "[1.0]",
            "did you mean \"transfer.mona.alpha\"?",
        ),
        (
            "transfer.mono.alpha",
            "[1.0]",
            "did you mean \"transfer.mona.alpha\"?",
        ),
        (
            "mona.alpha",
            "[1.0]",
            "did you mean \"transfer.mona.alpha\"?",
        ),
        (
            "transfer.train.epoch",
            "[1]",
            "did you mean \"transfer.train.epochs\"?",
        ),
        ("transfer.epochs", "[1]", "unknown setting"),
        ("transfer.train.epochs.x", "[1]", "transfer.train.epochs.x"),
        (
            "transfer.train.epochs",
            "[\"ten\"]",
            "transfer.train.epochs = \"ten\"",
        ),
        (
            "transfer.train.epochs",
            "[-1]",
            "transfer.train.epochs = -1",
        ),
        ("transfer.mona.alpha", "[\"much\"]", "transfer.mona.alpha"),
        (
            "transfer.mona.inner_optimiser",
            "[\"adam\"]",
            "did you mean \"adamw\"?",
        ),
        ("transfer.mona.alpha", "[]", "at least one value"),
        ("transfer.mona.alpha", "[nan]", "finite numbers"),
        ("transfer.mona.alpha", "[[1.0]]", "finite numbers"),
        ("transfer.train.decay", "[\"a/b\"]", "finite numbers, names"),
        ("transfer.seeds", "[1]", "what is compared"),
        ("transfer.methods", "[\"nft\"]", "what is compared"),
        (
            "transfer.stage1.source",
            "[\"pretraining\"]",
            "what is compared",
        ),
        ("transfer.train.select", "[\"test\"]", "what is compared"),
        ("transfer.train.patience", "[3]", "select = \"valid\""),
    ] {
        let error = suite(&format!("grid = {{ \"{key}\" = {values} }}")).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(word), "{key} = {values}: {error}");
    }
    for (lines, word) in [
        (
            "seeds = []\ngrid = { \"transfer.mona.alpha\" = [1.0] }",
            "tuning.seeds",
        ),
        ("gird = {}", "did you mean \"grid\"?"),
        ("[select]\nwithin = -1.0", "select.within"),
        ("[select]\nmetric = \"sauce\"", "did you mean \"source\"?"),
    ] {
        let error = suite(lines).unwrap_err().to_string();
        assert!(error.contains(word), "{lines}: {error}");
    }
    let mut table: Table = toml::from_str(&text(TWO_BY_TWO)).unwrap();
    let train = table["transfer"]["train"].as_table_mut().unwrap();
    train.insert("select".into(), Value::String("test".into()));
    let error = parse(&toml::to_string(&table).unwrap(), "x").unwrap_err();
    assert!(error.to_string().contains("without test parts"), "{error}");
    let values: Vec<usize> = (1..=200).collect();
    let large = format!(
        "grid = {{ \"transfer.train.epochs\" = {values:?}, \"transfer.train.batch\" = {values:?} }}"
    );
    let error = suite(&large).unwrap_err().to_string();
    assert!(error.contains("at most 10000 combinations"), "{error}");
}

#[test]
fn a_budget_is_the_same_for_all_methods_and_always_has_the_suites_own_settings() {
    let grid = "grid = { \"transfer.mona.alpha\" = [0.1, 0.2, 0.3], \"transfer.train.learning_rate\" = [1e-4, 2e-4] }";
    let of = |budget: usize, method| {
        let suite = suite(&format!("budget = {budget}\n{grid}")).unwrap();
        labels(&suite, method)
    };
    let whole = of(0, &mona::METHOD);
    assert_eq!(whole.len(), 7);
    assert_eq!(of(7, &mona::METHOD), whole);
    for budget in 1..7 {
        let found = of(budget, &mona::METHOD);
        assert_eq!(found.len(), budget);
        assert_eq!(found[0], "mona");
        // In the order of the whole grid, each once.
        let places: Vec<usize> = found
            .iter()
            .map(|label| whole.iter().position(|known| known == label).unwrap())
            .collect();
        assert!(places.is_sorted_by(|a, b| a < b), "{found:?}");
        assert_eq!(of(budget, &mona::METHOD), found, "the same again");
        assert_eq!(of(budget, FROM_SCRATCH).len(), budget.min(3));
    }
    // Every combination is drawn by some seed of the data.
    let mut drawn = HashSet::new();
    for seed in 0..60 {
        let mut suite = suite(&format!("budget = 3\n{grid}")).unwrap();
        suite.data_seed = seed;
        drawn.extend(labels(&suite, &mona::METHOD));
    }
    assert_eq!(drawn.len(), whole.len(), "{drawn:?}");
}

#[test]
fn names_are_short_enough_for_files() {
    let keys = [
        "inner_optimiser",
        "outer_loss",
        "inner_scope",
        "meta_gradient",
    ];
    let values = [
        "adamw",
        "contrastive",
        "encoder-predictor",
        "central-difference",
    ];
    let pairs = keys.iter().zip(values);
    let pairs = pairs.map(|(key, value)| format!("\"transfer.mona.{key}\" = [\"{value}\"]"));
    let all: Vec<String> = pairs.collect();
    let few = suite(&format!("grid = {{ {} }}", all.join(", ")));
    assert!(few.is_ok());
    let more = "\"transfer.mona.difference_step\" = [0.123456789], \"transfer.train.warmup_epochs\" = [1.23456789]";
    let many = suite(&format!("grid = {{ {}, {more} }}", all.join(", ")));
    let error = many.unwrap_err().to_string();
    assert!(error.contains("vary fewer keys"), "{error}");
}

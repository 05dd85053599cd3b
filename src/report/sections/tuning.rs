//! How the settings of the methods were chosen: what was varied, how many settings each method had, by which rule
//! one of them was taken, and what all of them reach on validation parts.

use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::measure::encoder::probe::PROBE_ERROR;
use crate::measure::task::Metric;
use crate::report::data::{Data, Run};
use crate::report::grid::{Column, Grid, Place};
use crate::report::number::{maybe, plain, whole};
use crate::report::section::{Block, Section};
use crate::report::words::{counted, listed};
use crate::suite::tuning::Criterion;
use crate::table::record::TuningRecord;
use crate::table::{CellRow, Row, TuningRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "tuning",
    title: "How settings were chosen",
    tables: &[TuningRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

/// Names of the chosen rows in the table.
const CHOSEN: &str = "chosen";

const COLUMNS: [Column<TuningRow>; 9] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| methods::title(&row.method)),
    Column::text("settings", |row| settings(row).to_owned()),
    Column::text("", |row| if row.chosen { CHOSEN } else { "" }.to_owned()),
    Column::number("seed", |row| whole(row.seed)),
    Column::text("metric", |row| maybe(row.metric.clone(), |name| name)),
    Column::number("target, validation", |row| {
        maybe(row.target_valid, |value| of_target(row, value))
    }),
    Column::number("surrogate, validation", |row| {
        maybe(row.source_valid, |value| PROBE_ERROR.about.unit.show(value))
    }),
    Column::text("trial", |row| match &row.note {
        Some(why) => format!("{}: {why}", row.state),
        None => row.state.clone(),
    }),
];

/// What differs from the suite's own settings.
fn settings(row: &TuningRow) -> &str {
    methods::settings(&row.variant).unwrap_or("the suite's own")
}

/// A value of the target's metric.
fn of_target(row: &TuningRow, value: f64) -> String {
    let metric = row.metric.as_deref().map(Metric::parse);
    match metric {
        Some(Ok(metric)) => metric.descriptor().about.unit.show(value),
        _ => plain(value, 4),
    }
}

/// Target and method with the settings that were chosen of several, each once.
pub fn chosen(rows: &[TuningRow]) -> Vec<(String, String)> {
    let own = rows.iter().filter(|row| row.chosen);
    distinct(own.map(|row| {
        let method = methods::title(&row.method);
        let pair = format!("{}, {method}", row.target_title);
        (pair, settings(row).to_owned())
    }))
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let Some(record) = &data.record.tuning else {
        return Ok(vec![Block::words(
            "No settings were tuned: every method ran with the settings of its suite.",
        )]);
    };
    let Some(table) = data.tables.get::<TuningRow>()? else {
        let what = "the trials of settings";
        return Ok(vec![Block::Absent(what, TuningRow::FILE)]);
    };
    let cells = data.tables.any::<CellRow>()?;
    let lines = table.lines().filter(|line| line.row.chosen);
    let title = "Chosen settings, scores of validation parts";
    let text = Grid::some(title, &table, lines, &COLUMNS).at(Place::Text);
    let all = Grid::of("All settings, scores of validation parts", &table, &COLUMNS);
    Ok(vec![
        Block::words(rule(record)),
        Block::words(counts(record, &table.rows, &cells.rows)),
        Block::Notes(
            "Trials that failed; settings with one of them cannot be chosen",
            failures(&table.rows),
        ),
        Block::Table(text),
        Block::Table(all),
    ])
}

/// What was varied, and by which rule settings are chosen.
fn rule(record: &TuningRecord) -> String {
    let tried = &record.tried;
    let key = |(key, values): (&String, &Vec<toml::Value>)| {
        let values: Vec<String> = values.iter().map(toml::Value::to_string).collect();
        format!("{key} ({})", values.join(", "))
    };
    let keys: Vec<String> = tried.grid.0.iter().map(key).collect();
    let seeds: Vec<String> = tried.seeds.iter().map(u64::to_string).collect();
    let within = record.select.within;
    let least = match record.select.metric {
        Criterion::Source if within > 0.0 => format!(
            "the smallest error of the linear probe on the surrogate's validation part, among settings whose target metric on the validation part is at most {within} {} (of a field, {within} %) above the method's best",
            if within == 1.0 { "point" } else { "points" }
        ),
        Criterion::Source => {
            "the smallest error of the linear probe on the surrogate's validation part".to_owned()
        }
        Criterion::Target => "the smallest target metric on the validation part".to_owned(),
    };
    format!(
        "Before the methods were compared, these settings were varied: {}. For every target and method those were chosen that have {least}, as a mean over {} {}. Ties go to the other of the two scores, then to the suite's own settings. Validation parts alone decided: of settings that were not chosen no test value was computed.",
        listed(&keys),
        if seeds.len() == 1 { "seed" } else { "seeds" },
        listed(&seeds),
    )
}

/// How many settings every method had.
fn counts(record: &TuningRecord, rows: &[TuningRow], cells: &[CellRow]) -> String {
    let ids = distinct(cells.iter().map(|row| row.method.as_str()));
    let count = |id: &str| {
        let own = rows.iter().filter(|row| row.method == id);
        distinct(own.map(|row| row.variant.as_str())).len().max(1)
    };
    let each: Vec<usize> = ids.iter().map(|id| count(id)).collect();
    let named = ids.iter().zip(&each);
    let named: Vec<String> = named
        .map(|(id, count)| format!("{} {count}", methods::title(id)))
        .collect();
    let same = each.windows(2).all(|pair| pair[0] == pair[1]);
    let number = if same && !each.is_empty() {
        format!(
            "Every method had {} settings to choose from, the suite's own among them.",
            counted(each[0])
        )
    } else {
        format!(
            "Number of settings to choose from, the suite's own among them: {}. These numbers differ, as some of the keys concern some methods alone: a method with more settings had more chances.",
            listed(&named)
        )
    };
    match record.tried.budget {
        0 => number,
        budget => format!("{number} Of no method more than {budget} were tried."),
    }
}

/// What failed, and why.
fn failures(rows: &[TuningRow]) -> Vec<String> {
    let failed = rows.iter().filter_map(|row| {
        let why = row.note.as_ref()?;
        Some(format!(
            "{} at {}, seed {}: {why}",
            row.variant, row.target_title, row.seed
        ))
    });
    failed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::tuning::{Grid as Values, Selection, Tuning};

    fn row(variant: &str, chosen: bool, note: Option<&str>) -> TuningRow {
        let method = variant.split('@').next().unwrap_or_default();
        TuningRow {
            target: "emg".into(),
            target_title: "EMG".into(),
            method: method.into(),
            variant: variant.into(),
            seed: 0,
            state: if note.is_some() { "failed" } else { "done" }.into(),
            metric: Some("error".into()),
            target_valid: Some(0.25),
            source_valid: Some(0.5),
            chosen,
            epochs: Some(2),
            seconds: Some(1.0),
            note: note.map(str::to_owned),
        }
    }

    fn cell(method: &str) -> CellRow {
        CellRow {
            target: "emg".into(),
            target_title: "EMG".into(),
            method: method.into(),
            seed: Some(0),
            state: "done".into(),
            epochs: None,
            seconds: None,
            memory: None,
            device: "-".into(),
        }
    }

    fn record(select: Selection, budget: usize) -> TuningRecord {
        let alpha = vec![toml::Value::Float(0.05), toml::Value::Float(0.5)];
        TuningRecord {
            tried: Tuning {
                grid: Values([("transfer.mona.alpha".to_owned(), alpha)].into()),
                seeds: vec![0, 3],
                budget,
            },
            select,
        }
    }

    #[test]
    fn the_rule_and_the_numbers_of_settings_are_told() {
        let said = rule(&record(Selection::default(), 0));
        for part in [
            "transfer.mona.alpha (0.05, 0.5)",
            "surrogate's validation part",
            "at most 1 point (of a field, 1 %) above the method's best",
            "seeds 0 and 3",
            "no test value was computed",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let by_target = Selection {
            metric: Criterion::Target,
            within: 0.0,
        };
        let said = rule(&record(by_target, 0));
        assert!(said.contains("the smallest target metric") && !said.contains("surrogate"));

        let rows = [
            row("mona", false, None),
            row("mona@alpha=0.05", true, None),
            row("mona@alpha=0.5", false, Some("the loss diverged")),
        ];
        let cells = [cell("nft"), cell("mona")];
        let said = counts(&record(Selection::default(), 3), &rows, &cells);
        assert!(
            said.contains("NFT 1 and MoNA 3. These numbers differ"),
            "{said}"
        );
        assert!(said.ends_with("more than 3 were tried."), "{said}");
        let same = counts(&record(Selection::default(), 0), &rows, &cells[1..]);
        assert!(
            same.starts_with("Every method had three settings"),
            "{same}"
        );
        assert_eq!(
            failures(&rows),
            ["mona@alpha=0.5 at EMG, seed 0: the loss diverged"]
        );
        let pairs = chosen(&rows);
        assert_eq!(pairs, [("EMG, MoNA".into(), "alpha=0.05".to_owned())]);
    }
}

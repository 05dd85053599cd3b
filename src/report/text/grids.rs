//! The grids: what of a run's tables goes into text. Fewer columns than on the page, which is wider.

use super::super::answer::{self, Said};
use super::super::chapters::method;
use super::super::cost;
use super::super::data::Data;
use super::super::number::{maybe, percent, plain, range, whole};
use super::super::sheet::Column;
use super::Grid;
use crate::figure::discrepancy::divergence_name;
use crate::table::{DiscrepancyRow, ProbeRow};

/// The answer; `None` where the run has none.
pub fn answer(data: &Data) -> Option<Grid> {
    let groups = answer::groups(data)?;
    let mut heads = vec![("target".into(), false), ("method".into(), false)];
    heads.extend(answer::HEADS.map(|head| (head.into(), true)));
    heads.push(("seeds".into(), true));
    let mut rows = Vec::new();
    for group in &groups {
        let metric = answer::metric_name(&group.metric);
        for (place, entry) in group.entries.iter().enumerate() {
            let target = match (place, metric.as_str()) {
                (0, "" | "error") => group.target.clone(),
                (0, metric) => format!("{} ({metric})", group.target),
                _ => String::new(),
            };
            let mut row = vec![Said::from(target), entry.method.clone().into()];
            row.extend(entry.said.iter().cloned());
            row.push(entry.seeds.clone().into());
            rows.push(row);
        }
    }
    Some(Grid {
        title: "Target metric, source probe error and D of every method".into(),
        heads,
        rows,
    })
}

/// The linear probe, of every transfer after its last probed epoch.
pub fn probe(data: &Data) -> Option<Grid> {
    let all = &data.probe.as_ref()?.rows;
    let same = |a: &ProbeRow, b: &ProbeRow| {
        (&a.encoder, &a.method, a.seed) == (&b.encoder, &b.method, b.seed)
    };
    let last = |row: &&ProbeRow| {
        let mut others = all.iter().filter(|other| same(row, other));
        others.all(|other| other.epochs <= row.epochs)
    };
    let rows: Vec<&ProbeRow> = all.iter().filter(last).collect();
    let columns = [
        Column::text("encoder", |row: &ProbeRow| row.encoder_title.clone()),
        Column::text("method", |row| method(&row.method)),
        Column::number("seed", |row| maybe(row.seed, whole)),
        Column::number("epochs", |row| maybe(row.epochs, whole)),
        Column::number("error", |row| percent(row.error)),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, percent)
        }),
        Column::number("C", |row| maybe(row.c, |c| c.to_string())),
    ];
    let title = "Linear probe on the surrogate after the last probed epoch";
    Some(Grid::of(title, rows, &columns))
}

/// The discrepancy.
pub fn discrepancy(data: &Data) -> Option<Grid> {
    let columns = [
        Column::text("target", |row: &DiscrepancyRow| row.target_title.clone()),
        Column::text("divergence", |row| divergence_name(&row.divergence)),
        Column::text("embedder", |row| method(&row.embedder)),
        Column::number("D", |row| plain(row.value, 3)),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, |v| plain(v, 3))
        }),
        Column::number("null", |row| maybe(row.null_mean, |v| plain(v, 3))),
        Column::number("D / null", |row| maybe(row.normalized, |v| plain(v, 3))),
        Column::text("optimum", |row| match row.certified {
            true => "certified".into(),
            false => format!("gap {}", maybe(row.gap, |v| plain(v, 3))),
        }),
    ];
    let title = "Modality knowledge discrepancy";
    Some(Grid::of(title, &data.discrepancy.as_ref()?.rows, &columns))
}

/// What every transfer took.
pub fn cost(data: &Data) -> Option<Grid> {
    let rows = &data.cells.as_ref()?.rows;
    Some(Grid::of("Cost of every transfer", rows, &cost::columns()))
}

/// Versions, seeds, hashes.
pub fn provenance(data: &Data) -> Grid {
    let record = &data.record;
    let facts = [
        ("suite", &record.suite),
        ("modalign", &record.version),
        ("device", &record.device),
        ("processor", &record.host),
        ("threads", &record.threads),
        ("seeds", &record.seeds),
        ("started", &record.started),
        ("finished", &record.finished),
        ("source model", &record.source.model),
        ("weights, SHA-256", &record.source.sha256),
    ];
    let mut rows: Vec<Vec<Said>> = facts
        .iter()
        .map(|(name, value)| vec![Said::from((*name).to_owned()), value.to_string().into()])
        .collect();
    rows.extend(record.inputs.iter().map(|input| {
        let name = format!("{}, SHA-256", input.name);
        vec![Said::from(name), input.sha256.to_string().into()]
    }));
    Grid {
        title: "Provenance".into(),
        heads: vec![("what".into(), false), ("value".into(), false)],
        rows,
    }
}

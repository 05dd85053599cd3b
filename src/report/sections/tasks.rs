//! Which targets learned together: how far the gradients of tasks agree with respect to what all share, and the groups that
//! follow, seed by seed.

mod figure;

use crate::figure::FigureError;
use crate::figure::layout::{distinct, mean};
use crate::figure::methods;
use crate::measure::paired;
use crate::report::data::{Data, Run, Table};
use crate::report::grid::{Cell, Column, Grid, Source};
use crate::report::number::{interval, maybe, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{ByTextRow, Row, TaskRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "tasks",
    title: "Which targets learned together",
    tables: &[TaskRow::FILE],
    figure: Some(Drawing {
        name: "tasks",
        title: "How far the targets’ gradients agree, and the groups that follow.",
        caption: Caption {
            shown: "Cosine of the gradients of two targets’ losses with respect to what all targets share, mean over moments of the training on all targets, a panel a seed. Blue: they agree, red: they disagree. A frame: both are in one group.",
            computed: "At moments evenly spaced over that training, with parameters as they are then, every target’s gradient is taken over its whole training part. Groups are the partition of the targets with the largest sum of similarities within groups, unless the suite says another rule; of more than eight targets the best that a greedy search with exchanges found.",
            reading: "Positive similarity says that a small step for one target helps the other too. Compare the seeds: what changes from one to the next rests on the draw of training samples and initial values.",
            limits: "Similarity is measured on training samples and along one training; it does not say that learning together lowers the error on test samples. That is in the table above.",
        },
        layout: Layout::Grid,
        draw: |tables| {
            let titles = tables.any::<ByTextRow>()?;
            figure::figure(&tables.needed::<TaskRow>()?.rows, &titles.rows)
        },
    }),
    blocks,
    citations: &[Citation {
        of: "groups of tasks by the similarity of their gradients",
        work: "Xin et al., AAAI 2024",
    }],
};

const VALUES: [Column<TaskRow>; 8] = [
    Column::text("method", |row| methods::title(&row.method)),
    Column::text("settings", |row| settings(row).to_owned()),
    Column::number("seed", |row| whole(row.seed)),
    Column::text("target", |row| row.task.clone()),
    Column::text("other", |row| row.other.clone()),
    Column::number("similarity", |row| {
        maybe(row.similarity, |value| plain(value, 3))
    }),
    Column::number("deviation over moments", |row| {
        maybe(row.spread, |value| plain(value, 3))
    }),
    Column::text("", |row| {
        if row.together { "together" } else { "apart" }.to_owned()
    }),
];

/// What differs from the suite's own settings.
fn settings(row: &TaskRow) -> &str {
    methods::settings(&row.variant).unwrap_or("the suite's own")
}

/// The title of a target.
fn title<'a>(titles: &'a [ByTextRow], target: &'a str) -> &'a str {
    let found = titles.iter().find(|row| row.target == target);
    found.map_or(target, |row| row.target_title.as_str())
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.any::<TaskRow>()?;
    if table.rows.is_empty() {
        return Ok(Vec::new());
    }
    let titles = data.tables.any::<ByTextRow>()?;
    let compared = table.rows.iter().any(|row| row.similarity.is_some());
    let mut blocks = Vec::new();
    if compared {
        blocks.push(Block::figure());
        blocks.extend(alone(&table).map(Block::words));
        blocks.push(Block::Table(pairs(&table, &titles.rows)));
        blocks.push(Block::Note("Mean over seeds with Student’s t over them; the deviation over moments of one training is in the table of all values. No verdict is given on these numbers.".into()));
    } else {
        blocks.push(Block::words(
            "All targets learned together; no gradients were compared.",
        ));
    }
    blocks.push(Block::Table(
        Grid::of("All pairs of targets", &table, &VALUES).folded(),
    ));
    Ok(blocks)
}

/// How often no two targets were put together, where that was.
fn alone(table: &Table<TaskRow>) -> Option<String> {
    let with = || table.rows.iter().filter(|row| row.similarity.is_some());
    let key = |row: &TaskRow| (row.variant.clone(), row.seed);
    let trainings = distinct(with().map(key));
    let joined = |one: &(String, u64)| with().any(|row| key(row) == *one && row.together);
    let apart = trainings.iter().filter(|one| !joined(one)).count();
    (apart > 0).then(|| {
        format!(
            "No gain was found in {apart} of {} trainings: every target stands alone there.",
            trainings.len()
        )
    })
}

/// Every pair of targets over seeds.
fn pairs(table: &Table<TaskRow>, titles: &[ByTextRow]) -> Grid {
    let heads = [
        "method",
        "settings",
        "target",
        "other",
        "similarity",
        "seeds in one group",
    ];
    let key = |row: &TaskRow| (row.variant.clone(), row.task.clone(), row.other.clone());
    let line = |(variant, task, other): (String, String, String)| {
        let rows: Vec<&TaskRow> = table
            .rows
            .iter()
            .filter(|row| key(row) == (variant.clone(), task.clone(), other.clone()))
            .collect();
        let values: Vec<f64> = rows.iter().filter_map(|row| row.similarity).collect();
        let ends = paired::mean_value(&values)
            .ok()
            .and_then(|found| found.interval);
        let ends = ends.map(|[low, high]| [low.max(-1.0), high.min(1.0)]);
        let together = rows.iter().filter(|row| row.together).count();
        let cells = vec![
            rows.first()
                .map_or(String::new(), |row| methods::title(&row.method))
                .into(),
            rows.first()
                .map_or("", |row| settings(row))
                .to_owned()
                .into(),
            title(titles, &task).to_owned().into(),
            title(titles, &other).to_owned().into(),
            Cell {
                value: maybe(mean(&values), |value| plain(value, 2)),
                interval: ends
                    .and_then(|[low, high]| interval(Some(low), Some(high), |end| plain(end, 2))),
                best: false,
            },
            format!("{together} of {}", rows.len()).into(),
        ];
        (None, cells)
    };
    let all = distinct(table.rows.iter().map(key));
    Grid {
        title: "How far the targets’ gradients agree, over seeds".to_owned(),
        heads: heads
            .iter()
            .enumerate()
            .map(|(place, head)| ((*head).to_owned(), place == 4))
            .collect(),
        rows: all.into_iter().map(line).collect(),
        source: Some(Source::of(table)),
        ..Grid::of("", table, &VALUES)
    }
}

//! Retrieval: what the towers reach on pictures with captions before and after they are tuned, what lies between them
//! there and on the surrogate, and what it takes. The untouched towers stand first, because a tuning that does not
//! pass them has done nothing. A mark or a word of difference is said only where the run's one rule decides it: of the
//! mean recall and of the probe error; all else stands with its interval and without a word.

mod figure;
pub(super) mod own;
pub(super) mod tables;

use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::measure::about::Unit;
use crate::report::data::{Data, Line, Run, Table, Tables};
use crate::report::grid::{Column, Grid};
use crate::report::number::{interval, maybe, percent, plain, whole};
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::report::words::{Words, joint};
use crate::table::{CellRow, MeasureRow, PairedRow, RECALL_ERROR, RetrievalRow, Row, TEMPERATURE};
use own::Own;

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "retrieval",
    title: "Retrieval",
    tables: &[RetrievalRow::FILE, MeasureRow::FILE],
    figure: Some(Drawing {
        name: "retrieval",
        title: "What a tuning reaches, for how many parameters, and what it costs elsewhere.",
        caption: Caption {
            shown: "Mean recall (mR) on each target’s test part by the number of parameters that train, on a logarithmic axis; and, where the source has texts for the surrogate’s classes, the zero-shot error on the surrogate by mR. The large mark is the mean over seeds, a faint mark one seed. Dashed: the towers as they were pretrained.",
            computed: "mR is the mean of R@1, R@5 and R@10 from picture to caption and from caption to picture, every picture against every caption of the test part; of equal scores a wrong one comes first. The zero-shot error is that of the nearest class text, which nothing was trained on.",
            reading: "Above the dashed line a tuning finds more than the towers did. To the left it trains less. On the other axes the lower right is where a tuning should be: it finds more on the target and still knows the surrogate’s classes.",
            limits: "Recall falls with the number of candidates, so targets do not compare. Marks a little apart may be equal: which differences are shown is told by the table and under “Methods against each other”. The dashed line has an interval of its own, in the table.",
        },
        layout: Layout::Pair,
        draw: |tables| {
            let retrieval = tables.needed::<RetrievalRow>()?;
            figure::figure(&retrieval.rows, &tables.any::<MeasureRow>()?.rows)
        },
    }),
    blocks,
    citations: &[
        Citation {
            of: "recall at K of pictures and captions",
            work: "Karpathy and Fei-Fei, CVPR 2015",
        },
        Citation {
            of: "CLIP and its zero-shot error",
            work: "Radford et al., ICML 2021",
        },
        Citation {
            of: "the gap between towers",
            work: "Liang et al., NeurIPS 2022",
        },
        Citation {
            of: "alignment and uniformity between towers",
            work: "Wang and Isola, ICML 2020",
        },
    ],
};

/// How the tables are to be read.
const READING: &str = "Mean recall is one minus the target metric of the other tables, with the same interval (Student’s t over seeds joined with the noise of test pictures, whole groups of which are drawn where a dataset knows them) and the same verdicts. “Best” only where the difference to every other method is shown. Recalls are means over seeds, with wrong ones first among equal scores; “ties won” is the mean recall if right ones came first, and a query is tied where the rule decides its rank. Between the towers: below a mean over several seeds stands their range, below a single value its own 95\u{a0}% interval; these numbers are not judged; less is better but for the gap, which has no better end. The surrogate goes through the tuned image tower; its pairs are pictures and the texts of their classes. “Raised” and “lowered” only beyond the noise of seeds and test samples, corrected for everything that the page says.";

/// Every value, as the file has it.
const VALUES: [Column<RetrievalRow>; 8] = [
    Column::text("target", |row| row.target_title.clone()),
    Column::text("method", |row| name(row.method.as_deref())),
    Column::number("seed", |row| maybe(row.seed, whole)),
    Column::text("measure", |row| {
        let about = row.about().map(|about| about.title.to_owned());
        about.unwrap_or_else(|| row.measure.replace('-', " "))
    }),
    Column::number("value", |row: &RetrievalRow| {
        maybe(row.value, |value| shown(row, value))
    })
    .under(|row| interval(row.lower, row.upper, |end| shown(row, end))),
    Column::number("ties won", |row| {
        maybe(row.optimistic, |value| shown(row, value))
    }),
    Column::number("of", |row| maybe(row.samples, whole)),
    Column::text("remark", |row| maybe(row.note.clone(), |note| note)),
];

/// A value with its unit; counts as whole numbers.
fn shown(row: &RetrievalRow, value: f64) -> String {
    match row.about() {
        Some(about) => about.unit.show(value),
        None if row.measure == TEMPERATURE => plain(value, 4),
        None => whole(value as u64),
    }
}

/// A method, or the towers before any.
pub(super) fn name(method: Option<&str>) -> String {
    method.map_or_else(|| "untouched".to_owned(), methods::title)
}

/// Whether all that the run transfers to are pictures with captions: no source class can stand for a caption, so D
/// and what follows from it have no meaning there.
pub(super) fn alone(tables: &Tables) -> Result<bool, FigureError> {
    let found = tables.any::<RetrievalRow>()?;
    let cells = tables.any::<CellRow>()?;
    let of_captions = |target: &str| found.rows.iter().any(|row| row.target == target);
    Ok(!found.rows.is_empty() && cells.rows.iter().all(|row| of_captions(&row.target)))
}

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.any::<RetrievalRow>()?;
    if table.rows.is_empty() {
        return Ok(Vec::new());
    }
    let verdicts = data.tables.verdicts()?;
    let paired = verdicts.paired.iter().flat_map(Table::lines);
    let paired: Vec<Line<'_, PairedRow>> = paired.collect();
    let mut blocks = vec![Block::Words(told(&table, &paired)), Block::figure()];
    blocks.extend(tables::reached(data, &table, &paired)?);
    blocks.extend(tables::between(data, &table, &paired)?);
    blocks.push(Block::Note(READING.into()));
    blocks.push(Block::Table(
        Grid::of("All values of retrieval", &table, &VALUES).folded(),
    ));
    Ok(blocks)
}

/// What the untouched towers reach, and which methods are shown to differ from plain fine-tuning.
fn told(table: &Table<RetrievalRow>, paired: &[Line<'_, PairedRow>]) -> Words {
    let targets = distinct(
        table
            .rows
            .iter()
            .map(|row| (&row.target, &row.target_title)),
    );
    let mut words = Words::default();
    for (place, (target, title)) in targets.iter().enumerate() {
        let untouched = Own::of(table, target, None);
        if let Some((line, value)) = untouched.first("mean-recall") {
            let ends = interval(line.row.lower, line.row.upper, percent);
            words = words
                .say(if place > 0 { " On " } else { "On " })
                .bold(*title)
                .say(" the towers have a mean recall of ")
                .cite(line, &percent(value))
                .say(ends.map_or(String::new(), |ends| format!(" ({ends})")))
                .say(" before any tuning.");
        }
        words = words.join(against(target, paired));
    }
    words
}

/// The methods that are shown to find more or less on a target than plain fine-tuning, and how many are not.
fn against(target: &str, paired: &[Line<'_, PairedRow>]) -> Words {
    let own = |line: &&Line<'_, PairedRow>| {
        let row = line.row;
        row.target == target && row.quantity == RECALL_ERROR && methods::is_plain(&row.baseline)
    };
    let own: Vec<_> = paired.iter().filter(own).collect();
    let Some(first) = own.first() else {
        return Words::default();
    };
    let mut words = Words::new(format!(
        " Against {}, ",
        methods::phrase(&first.row.baseline)
    ));
    let mut said = false;
    for (verdict, what) in [("lower", " more"), ("higher", " less")] {
        let of = own
            .iter()
            .filter(|l| l.row.verdict.as_deref() == Some(verdict));
        let of: Vec<_> = of.collect();
        for (place, line) in of.iter().enumerate() {
            let points = Unit::Share.show_difference(-line.row.difference);
            let before = if said && place == 0 {
                "; "
            } else {
                joint(place, of.len())
            };
            words = words
                .say(format!("{before}{} (", methods::title(&line.row.method)))
                .cite(***line, &points)
                .say(" points)");
        }
        if !of.is_empty() {
            let find = if of.len() == 1 { " finds" } else { " find" };
            words = words.say(format!("{find}{what}"));
            said = true;
        }
    }
    let tested = |line: &&&Line<'_, PairedRow>| line.row.verdict.as_deref() == Some("not shown");
    let untested = own.iter().all(|line| {
        !matches!(
            line.row.verdict.as_deref(),
            Some("lower" | "higher" | "not shown")
        )
    });
    match (said, untested, own.iter().filter(tested).count()) {
        (_, true, _) => words.say("nothing was tested, of one seed."),
        (false, ..) => words.say("no method is shown to differ in mean recall."),
        (true, _, 0) => words.say("."),
        (true, ..) => words.say("; the others are not shown to differ."),
    }
}

#[cfg(test)]
#[path = "retrieval_tests.rs"]
mod tests;

//! Representation metrics: what the measures that the field also uses say of the surrogate's features under
//! every encoder.

use crate::figure::FigureError;
use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::measure::about::{About, Better};
use crate::report::data::{Data, Line, Run, Table};
use crate::report::grid::{Grid, Place, Source};
use crate::report::number::{maybe, whole};
use crate::report::section::{Block, Section};
use crate::table::{MeasureRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "representation",
    title: "Representation metrics",
    tables: &[MeasureRow::FILE],
    figure: None,
    blocks,
    citations: &[],
};

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.any::<MeasureRow>()?;
    let lines: Vec<_> = table.lines().filter(|l| l.row.target.is_none()).collect();
    if lines.is_empty() {
        let what = "the representation metrics of the encoders";
        return Ok(vec![Block::Absent(what, MeasureRow::FILE)]);
    }
    let said = "Further metrics of the surrogate's test features under each encoder.";
    Ok(vec![
        Block::words(said),
        Block::Notes("What they say", meanings(&lines)),
        Block::Table(grid(&table, &lines)),
    ])
}

/// What every measure among the rows says, its range and its better end, by its descriptor.
pub(super) fn meanings(lines: &[Line<'_, MeasureRow>]) -> Vec<String> {
    let all = distinct(lines.iter().map(|line| line.row.measure.as_str()));
    let about = |name: &&str| lines.iter().find(|l| l.row.measure == **name)?.row.about();
    let said = |about: &About| {
        let better = match about.better {
            Better::Lower => "; lower is better",
            Better::Higher => "; higher is better",
            Better::Neither => "",
        };
        let (name, what) = (about.heading(), about.what);
        format!("{name} ({}{better}): {what}", about.values)
    };
    all.iter().filter_map(about).map(said).collect()
}

/// A line an encoder, a column a metric that the table has rows of.
fn grid(table: &Table<MeasureRow>, lines: &[Line<'_, MeasureRow>]) -> Grid {
    let metrics = distinct(lines.iter().map(|line| line.row.measure.as_str()));
    let title = |metric: &&str| {
        let own = lines.iter().find(|line| line.row.measure == **metric);
        own.map_or("", |line| line.row.measure_title()).to_owned()
    };
    let texts = ["encoder", "method"].map(|head| (head.to_owned(), false));
    let numbers = ["epochs", "seed"].map(|head| (head.to_owned(), true));
    let values = metrics.iter().map(|metric| (title(metric), true));
    let samples = ("samples".to_owned(), true);
    let encoder = |row: &MeasureRow| {
        (
            row.encoder.clone(),
            row.method.clone(),
            row.epochs,
            row.seed,
        )
    };
    let encoders = distinct(lines.iter().map(|line| encoder(line.row)));
    let rows = encoders.into_iter().filter_map(|which| {
        let own: Vec<_> = lines.iter().filter(|l| encoder(l.row) == which).collect();
        let first = own.first()?;
        let value = |metric: &&str| {
            let found = own.iter().find(|line| line.row.measure == **metric);
            maybe(found.and_then(|line| line.row.shown()), |value| value)
        };
        let names = [
            first.row.encoder_title.clone(),
            methods::title(first.row.method.as_deref().unwrap_or("-")),
            maybe(first.row.epochs, whole),
            maybe(first.row.seed, whole),
        ];
        let samples = maybe(own.iter().filter_map(|line| line.row.samples).max(), whole);
        let cells = names.into_iter().chain(metrics.iter().map(value));
        let cells = cells.chain([samples]).map(Into::into).collect();
        Some((Some(first.line), cells))
    });
    Grid {
        title: "Representation metrics of every encoder".into(),
        heads: texts
            .into_iter()
            .chain(numbers)
            .chain(values)
            .chain([samples])
            .collect(),
        rows: rows.collect(),
        source: Some(Source {
            file: MeasureRow::FILE,
            bytes: table.bytes.clone(),
        }),
        place: Place::Page,
        latex: None,
        folded: false,
    }
}

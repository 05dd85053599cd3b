//! The trade-off between target and source: the pair of numbers that a transfer is about.

mod figure;

use crate::figure::FigureError;
use crate::report::data::{Data, Run};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::table::{ProbeRow, Row, TargetRow};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "tradeoff",
    title: "Target against source",
    tables: &[TargetRow::FILE, ProbeRow::FILE],
    figure: Some(Drawing {
        name: "tradeoff",
        title: "What a transfer reaches on its target against what it leaves of the source.",
        caption: Caption {
            shown: "Target metric (across) and error of a linear probe on the surrogate (up) of every method, one panel per target: the large mark is the mean over seeds, a faint mark one seed. The dashed line is the probe error before any transfer. A method outside the axes is a small mark at the edge, with both of its values: target, source.",
            computed: "Both numbers are of the same encoder, the one after the epoch that counts (the last one, unless the suite chooses another), and both are of test samples. The stepped line is the Pareto front of the means: no method is better on one axis without being worse on the other.",
            reading: "Lower is better on both axes, so the lower left is where a transfer should be. Below the dashed line the features serve the source better than before.",
            limits: "The front is of these means and knows no noise: two marks a little apart may be equal. Which differences are shown is told under “Methods against each other”. The source probe error is a measure of what the encoder's features still hold, not of a model that was retrained on the source.",
        },
        layout: Layout::Pair,
        draw: |tables| {
            figure::figure(
                &tables.needed::<TargetRow>()?.rows,
                &tables.needed::<ProbeRow>()?.rows,
            )
        },
    }),
    blocks,
    citations: &[],
};

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    if data.tables.get::<TargetRow>()?.is_none() {
        return Ok(vec![Block::Absent("the trade-off", TargetRow::FILE)]);
    }
    Ok(vec![Block::figure()])
}

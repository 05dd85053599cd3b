//! What was done, as a flow from data to numbers with the run's own counts.

mod figure;

pub(super) use figure::Plan;

use super::retrieval;
use crate::figure::FigureError;
use crate::report::data::{Data, Run};
use crate::report::section::{Block, Caption, Drawing, Layout, Section};
use crate::table::{CellRow, DiscrepancyRow, ProbeRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "flow",
    title: "What was done",
    tables: &[CellRow::FILE, ProbeRow::FILE, DiscrepancyRow::FILE],
    figure: Some(Drawing {
        name: "flow",
        title: "From data to numbers.",
        caption: Caption {
            shown: "The way from data to the numbers of this report. Boxes with a thick coloured rim hold parameters that the transfer changes.",
            computed: "Counts are those of this run.",
            reading: "Only the encoder is carried from target to source: the surrogate always enters by the source's own embedder, so that a changed embedder is never mistaken for changed knowledge; two towers are tuned as one, and the surrogate enters the tuned image tower. D never involves a trained encoder.",
            limits: "The surrogate stands in for the source's own data, which the transfer does not need.",
        },
        layout: Layout::Column,
        draw: |tables| {
            figure::figure(
                &tables.any::<CellRow>()?.rows,
                &tables.any::<ProbeRow>()?.rows,
                &tables.any::<DiscrepancyRow>()?.rows,
                retrieval::alone(tables)?,
            )
        },
    }),
    blocks: |_: &Data<Run>| -> Result<Vec<Block>, FigureError> { Ok(vec![Block::figure()]) },
    citations: &[],
};

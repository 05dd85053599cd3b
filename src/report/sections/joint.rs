//! Both modalities on one map: pictures and captions of a target through the towers, before and after they are tuned.

mod figure;

use crate::figure::FigureError;
use crate::report::data::{Data, Run};
use crate::report::grid::Source;
use crate::report::section::{Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{JointRow, RetrievalRow, Row};

/// Its descriptor.
pub const SECTION: Section<Run> = Section {
    id: "joint",
    title: "Pictures and captions on one map",
    tables: &[JointRow::FILE, RetrievalRow::FILE],
    figure: Some(Drawing {
        name: "joint",
        title: "Pictures and captions through the same towers, before and after tuning.",
        caption: Caption {
            shown: "Pictures (disks) of a target’s test part, at most 200, and one caption of each (diamonds), through the towers as they were pretrained and after plain fine-tuning and each proposed method, with the first seed. A faint line joins a picture and its caption.",
            computed: "Each panel is its own t-SNE of the vectors of both towers, in the space that cosines are taken in. All panels of a target start from the two leading principal components of the untouched towers’ vectors. Gap and alignment below a title are of the whole test part and not of the map.",
            reading: "Two clouds apart are the gap between the towers; it need not close for captions to be found, as every picture is compared with captions alone. Short lines within a mixed cloud are pairs that lie together.",
            limits: "t-SNE keeps neighbourhoods, not distances: how far apart the clouds stand, and how large they are, carries no meaning. No conclusion rests on this figure alone; what was measured between the towers is in the table above.",
        },
        layout: Layout::Grid,
        draw: |tables| {
            let retrieval = tables.any::<RetrievalRow>()?;
            figure::figure(&tables.needed::<JointRow>()?.rows, &retrieval.rows)
        },
    }),
    blocks,
    citations: &[Citation {
        of: "maps of both modalities before and after adapters (HarMA)",
        work: "Huang et al., ICLR 2024 workshop",
    }],
};

fn blocks(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.any::<JointRow>()?;
    if table.rows.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![
        Block::figure(),
        Block::Page(Source::of(&table).html()),
    ])
}

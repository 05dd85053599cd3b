//! What was compared and how: one paragraph and the flow picture, both with the run's own numbers.

use maud::{Markup, html};

use super::chapters::{Caption, figure, method};
use super::comparison::drawable;
use super::data::{Data, rows};
use super::finding::joint;
use super::number::whole;
use crate::figure::FigureError;
use crate::figure::flow::{self, Plan};
use crate::table::{CellRow, DiscrepancyRow, ProbeRow};

/// The paragraph and figure 1.
pub fn overview(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "The way from data to the numbers of this report. Boxes with a thick coloured rim hold parameters that the transfer changes.",
        computed: "Counts are those of this run.",
        read: "Only the encoder is carried from target to source: the surrogate always enters by the source's own embedder, so that a changed embedder is never mistaken for changed knowledge. D never sees a trained encoder.",
        limits: "The surrogate stands in for the source's own data, which the transfer does not need.",
    };
    let cells: &[CellRow] = rows(&data.cells);
    let probes: &[ProbeRow] = rows(&data.probe);
    let distances: &[DiscrepancyRow] = rows(&data.discrepancy);
    let drawn = drawable(flow::figure(cells, probes, distances))?;
    Ok(html! {
        (paragraph(data, cells))
        @if let Some(drawn) = drawn {
            (figure(1, "What was done.", &drawn.panel_svgs()?, &CAPTION))
        }
    })
}

/// Digits of a whole number in threes; anything else as it stands.
fn grouped(number: &str) -> String {
    number.parse().map_or_else(|_| number.to_owned(), whole)
}

fn paragraph(data: &Data, cells: &[CellRow]) -> Markup {
    let source = &data.record.source;
    let Plan {
        titles,
        methods,
        seeds,
        transfers,
        done,
        ..
    } = Plan::of(cells);
    html! {
        p.lead {
            "A source model pretrained on images (" code { (source.model) } ", " (grouped(&source.parameters.to_string())) " parameters, "
            (source.classes) " classes) "
            @if transfers == 0 {
                "was transferred to other modalities. "
            } @else {
                "was transferred to "
                @for (place, title) in titles.iter().enumerate() {
                    (joint(place, titles.len())) b { (title) }
                }
                " by "
                @for (place, id) in methods.iter().enumerate() {
                    (joint(place, methods.len())) (method(id))
                }
                @if seeds > 1 { ", " (seeds) " seeds each" }
                @if done < transfers { "; " (transfers - done) " of " (transfers) " transfers were not run" }
                ". "
            }
            "How far each target lies from the images is measured before any training (D), and what the transfer did to the knowledge of images afterwards, by a linear probe on a surrogate set that the encoder never trained on."
        }
    }
}

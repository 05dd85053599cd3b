//! The OTDD as a transferability score.

use super::Source;
use crate::measure::about::{About, Better, Unit};
use crate::measure::transferability::score::{Need, Score, Value, given};

/// Debiased OTDD of the embedded target from the embedded source.
pub const OTDD: Score = Score {
    about: About {
        name: "otdd",
        older: &[],
        title: "OTDD",
        unit: Unit::Number(3),
        better: Better::Lower,
        range: [0.0, f64::INFINITY],
        values: "from 0",
        what: "How far the embedded source must be moved, samples with their classes, to become the embedded target.",
        computed: "Debiased Sinkhorn divergence of cost ½‖x − x'‖² + ½W²(y, y'), W² between the Gaussians of the classes.",
        limits: "Its unit is that of the embedding, so values compare only through embedders of one scale; it sees the embedder and not the encoder.",
        citation: "Alvarez-Melis and Fusi, Geometric dataset distances via optimal transport, NeurIPS 2020; as ORCA lowers it: Shen et al., ICML 2023",
    },
    needs: &[Need::Labels, Need::Embedded],
    value: |input| {
        let [source, target] = given("embedded samples of source and target", input.embedded)?;
        let params = given("settings of the OTDD", input.otdd.as_ref())?;
        let found = Source::new(&source, params)?.distance(&target)?;
        Ok(Value {
            value: found.value,
            converged: Some(found.converged),
            samples: Some([source.len(), target.len()]),
        })
    },
};

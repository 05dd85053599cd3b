//! RoBERTa (Liu et al. 2019). XLM-RoBERTa and CamemBERT are RoBERTa with other vocabularies.

mod config;
mod encoder;
mod names;

pub use config::RobertaConfig;
pub use encoder::RobertaEncoder;

use super::embedder::{Embedder, FIRST_POSITION, IdEmbedder, Patch1dEmbedder, stack};
use super::family::{Configuration, Family, Marks};
use super::layers::Init;
use super::{ModelError, Predictor};
use crate::suite::parts::EmbedderInit;
use serde_json::Value;
use std::collections::BTreeMap;

/// RoBERTa as checkpoints tell it.
pub const FAMILY: Family = Family {
    name: "roberta",
    model_types: &["roberta", "xlm-roberta", "camembert"],
    unlike: &[
        ("bert", "its positions start at 0, not after padding"),
        (
            "roberta-prelayernorm",
            "its layer norms come before attention",
        ),
        ("xlm-roberta-xl", "its layer norms come before attention"),
    ],
    marks: &[Marks {
        anchor: "encoder.layer.0.attention.self.query.weight",
        witness: &["encoder.layer.0.attention.self.key."],
        core: &["embeddings.", "encoder."],
        prefix: "roberta.",
    }],
    others: &[
        "bert",
        "electra",
        "longformer",
        "xmod",
        "deberta",
        "layoutlm",
    ],
    in_timm: false,
    classifier: None,
    tensors: names::tensors,
    canonical: names::canonical,
};

impl Configuration for RobertaConfig {
    fn family(&self) -> &'static Family {
        &FAMILY
    }

    fn features(&self) -> usize {
        self.hidden_size
    }

    fn token_width(&self) -> usize {
        self.hidden_size
    }

    fn stride(&self) -> usize {
        1
    }

    fn channels(&self) -> usize {
        1
    }

    fn image_size(&self) -> Option<usize> {
        None
    }

    fn longest(&self) -> Option<usize> {
        Some(self.max_position_embeddings)
    }

    fn id2label(&self) -> &BTreeMap<usize, String> {
        &self.id2label
    }

    fn words(&self) -> String {
        format!(
            "width {}, {} layers, {} heads, MLP {}, vocabulary {}, {} positions",
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.intermediate_size,
            self.vocab_size,
            self.max_position_embeddings
        )
    }

    fn set_image_size(&mut self, side: usize) -> Result<(), ModelError> {
        Err(ModelError::Config {
            what: "image_size".into(),
            expected: "none: this is a model of sequences".into(),
            found: side.to_string(),
        })
    }

    fn embedder(&self, _: usize, init: &mut Init) -> Embedder {
        Embedder::Ids(IdEmbedder::new(self, init))
    }

    fn target_embedder(
        &self,
        source: &Embedder,
        [channels, height, width]: [usize; 3],
        how: EmbedderInit,
        init: &mut Init,
    ) -> Result<Option<Embedder>, ModelError> {
        let Embedder::Ids(source) = source else {
            return Ok(None);
        };
        if height != 1 {
            return Ok(None);
        }
        let table = source.positions();
        let rows = table.dims()[0];
        if rows <= FIRST_POSITION {
            return Err(ModelError::Config {
                what: "positions of the source model".into(),
                expected: format!("more than {FIRST_POSITION}"),
                found: rows.to_string(),
            });
        }
        let stack = stack(width, rows - FIRST_POSITION);
        let shape = [channels, stack, self.hidden_size];
        let patches = Patch1dEmbedder::new(shape, table, how, init);
        Ok(Some(Embedder::Patches1d(patches)))
    }

    fn json(
        &self,
        _: usize,
        id2label: BTreeMap<usize, String>,
    ) -> Result<Value, serde_json::Error> {
        serde_json::to_value(Self {
            id2label,
            ..self.clone()
        })
    }

    fn class(&self, _: &Predictor) -> &'static str {
        "RobertaModel"
    }
}

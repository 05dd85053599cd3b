//! RoBERTa (Liu et al. 2019): its descriptor, the names of its tensors, what it says of its shape. XLM-RoBERTa and
//! CamemBERT are RoBERTa with other vocabularies.
//!
//! In Hugging Face's checkpoints queries, keys and values are three matrices, here one.

mod config;
mod encoder;

pub use config::RobertaConfig;
pub use encoder::RobertaEncoder;

use crate::model::embedder::{Embedder, FIRST_POSITION, IdEmbedder, Patch1dEmbedder, stack};
use crate::model::family::{Configuration, Family, Marks};
use crate::model::layers::Init;
use crate::model::names::with_prefix;
use crate::model::{ModelError, Predictor};
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
    of_timm: None,
    flat: false,
    classifier: None,
    distilled: None,
    tensors,
    canonical,
};

/// The published tensors that the parameter `path` is made of.
fn tensors(path: &str) -> Vec<String> {
    if let Some(rest) = path.strip_prefix("embedder.") {
        let name = match rest {
            "words" => "word_embeddings.weight".to_string(),
            "positions" => "position_embeddings.weight".to_string(),
            "types" => "token_type_embeddings.weight".to_string(),
            _ => rest.replace("norm.", "LayerNorm."),
        };
        return vec![format!("roberta.embeddings.{name}")];
    }
    let rest = path
        .strip_prefix("encoder.layers.")
        .unwrap_or(path)
        .replace(".projection.", ".attention.output.dense.")
        .replace(".attention_norm.", ".attention.output.LayerNorm.")
        .replace(".output_norm.", ".output.LayerNorm.")
        .replace(".fc1.", ".intermediate.dense.")
        .replace(".fc2.", ".output.dense.");
    match rest.split_once(".qkv.") {
        Some((layer, leaf)) => ["query", "key", "value"]
            .map(|part| format!("roberta.encoder.layer.{layer}.attention.self.{part}.{leaf}"))
            .to_vec(),
        None => vec![format!("roberta.encoder.layer.{rest}")],
    }
}

/// The published spelling of a tensor's name; `None` for buffers and heads of other tasks.
fn canonical(name: &str) -> Option<String> {
    let others = [
        "lm_head.",
        "classifier.",
        "qa_outputs.",
        "pooler.",
        "roberta.pooler.",
    ];
    if others.iter().any(|p| name.starts_with(p)) || name.ends_with(".position_ids") {
        return None;
    }
    let name = name
        // spellings of files converted from TensorFlow
        .replace(".LayerNorm.gamma", ".LayerNorm.weight")
        .replace(".LayerNorm.beta", ".LayerNorm.bias");
    Some(with_prefix(name, "roberta.", &["embeddings.", "encoder."]))
}

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

//! Positions of some of the tokens before the patches, as timm has them: of all or of none. The original DINOv2 with
//! registers has one of its class token alone; timm adds it to the token once and for all, and so do the folders that we
//! write. The sum is the one that every pass takes, so that outputs stay the same to the last bit.

use crate::model::architecture::vit::config::VitConfig;
use burn::tensor::TensorData;
use std::collections::BTreeMap;

/// The table of positions.
const POSITIONS: &str = "embedder.position_embeddings";

/// The tokens before the patches, in their order.
const TOKENS: [&str; 3] = [
    "embedder.class_token",
    "embedder.distillation_token",
    "embedder.register_tokens",
];

/// Adds positions of tokens before the patches to the tokens, where some of these have none.
pub fn fold(config: &VitConfig, state: &mut BTreeMap<String, TensorData>) {
    let (placed, before) = (config.placed, config.layout().before());
    if placed == 0 || placed >= before {
        return;
    }
    let Some(table) = state.remove(POSITIONS) else {
        return;
    };
    let width = config.hidden_size;
    let rows: Vec<f64> = table.iter::<f64>().collect();
    let (first, patches) = rows.split_at((placed * width).min(rows.len()));
    let mut first = first.iter();
    for token in TOKENS {
        let Some(values) = state.get_mut(token) else {
            continue;
        };
        let sums = values.iter::<f64>();
        let sums: Vec<f64> = sums.map(|v| v + first.next().unwrap_or(&0.0)).collect();
        *values = TensorData::new(sums, values.shape().to_vec()).convert_dtype(values.dtype());
    }
    let shape = [1, patches.len() / width, width];
    let rest = TensorData::new(patches.to_vec(), shape).convert_dtype(table.dtype());
    state.insert(POSITIONS.into(), rest);
}

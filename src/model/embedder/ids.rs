//! The embedder of RoBERTa's own pretraining: token ids to word + position + type embeddings,
//! then LayerNorm.

use crate::model::RobertaConfig;
use crate::model::dual::Dual;
use crate::model::layers::{Init, LayerNorm};
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

/// Word, position and type tables.
#[derive(Module, Debug)]
pub struct IdEmbedder {
    /// `[vocabulary, C]`.
    words: Param<Tensor<2>>,
    /// `[positions, C]`; the rows up to the padding id are never used.
    positions: Param<Tensor<2>>,
    /// `[types, C]`; every token has type 0.
    types: Param<Tensor<2>>,
    norm: LayerNorm,
    #[module(skip)]
    padding: usize,
    #[module(skip)]
    dropout: f64,
}

impl IdEmbedder {
    /// Freshly initialised tables.
    pub fn new(config: &RobertaConfig, init: &mut Init) -> Self {
        let width = config.hidden_size;
        Self {
            words: init.truncated_normal(0.02, [config.vocab_size, width]),
            positions: init.truncated_normal(0.02, [config.max_position_embeddings, width]),
            types: init.truncated_normal(0.02, [config.type_vocab_size, width]),
            norm: LayerNorm::new(width, config.layer_norm_eps, init),
            padding: config.pad_token_id,
            dropout: config.hidden_dropout_prob,
        }
    }

    /// The position table `[positions, C]`.
    pub fn positions(&self) -> Tensor<2> {
        self.positions.val()
    }

    /// The longest sequence that has positions.
    pub fn longest(&self) -> usize {
        self.positions.dims()[0].saturating_sub(self.padding + 1)
    }

    /// Size of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.words.dims()[0]
    }

    /// Ids `[B, T]` → tokens `[B, T, C]`; `keep [B, T]` marks the tokens that others may attend
    /// to (`None`: all, as `transformers` does without an attention mask).
    ///
    /// Ids must be below the vocabulary's size and T at most [`IdEmbedder::longest`]: callers
    /// check, as for every index.
    pub fn forward(&self, ids: Tensor<2, Int>, keep: Option<Tensor<2>>, pass: &mut Pass) -> Tokens {
        let [batch, length] = ids.dims();
        let device = self.words.val().device();
        let values: Vec<i64> = ids
            .into_data()
            .convert::<i64>()
            .try_to_vec()
            .unwrap_or_default();
        let places = positions(&values, length, self.padding as i64);
        let rows = |table: &Param<Tensor<2>>, index: Vec<i64>| -> Dual<3> {
            let count = index.len();
            let index = Tensor::<1, Int>::from_data(TensorData::new(index, [count]), &device);
            let width = table.dims()[1];
            pass.parameter(table)
                .linear(|t| t.select(0, index.clone()))
                .reshape([batch, length, width])
        };
        let kinds = vec![0; values.len()];
        let sum =
            rows(&self.words, values) + rows(&self.types, kinds) + rows(&self.positions, places);
        let normed = self.norm.forward(sum, pass);
        Tokens {
            keep,
            ..Tokens::new(pass.dropout(normed, self.dropout), [1, length])
        }
    }
}

/// RoBERTa's positions: padding stays at the padding id, others count from the one after it.
fn positions(ids: &[i64], length: usize, padding: i64) -> Vec<i64> {
    let mut all = Vec::with_capacity(ids.len());
    for row in ids.chunks(length.max(1)) {
        let mut next = padding;
        all.extend(row.iter().map(|&id| {
            if id == padding {
                return padding;
            }
            next += 1;
            next
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_takes_no_position() {
        assert_eq!(
            positions(&[5, 6, 1, 7, 1, 1, 9, 9], 4, 1),
            [2, 3, 1, 4, 1, 1, 2, 3]
        );
    }
}

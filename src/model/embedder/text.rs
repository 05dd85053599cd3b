//! The embedder of CLIP's text tower: token ids to word + position embeddings, and the mark of the token that ends each
//! text, which the tower pools.

use crate::model::dual::Dual;
use crate::model::layers::Init;
use crate::model::pass::Pass;
use crate::model::tokens::Tokens;
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

/// Which token ends a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The first of this id.
    Id(usize),
    /// The first of the largest id: of OpenAI's code, and of Hugging Face's where `eos_token_id` is 2.
    Largest,
}

impl End {
    /// Where the text of these ids ends; `None` without its mark.
    pub fn of(self, ids: &[i64]) -> Option<usize> {
        let mark = match self {
            Self::Id(id) => id as i64,
            Self::Largest => *ids.iter().max()?,
        };
        ids.iter().position(|id| *id == mark)
    }
}

/// Word and position tables.
#[derive(Module, Debug)]
pub struct TextEmbedder {
    /// `[vocabulary, C]`.
    words: Param<Tensor<2>>,
    /// `[context, C]`.
    positions: Param<Tensor<2>>,
    #[module(skip)]
    end: End,
}

impl TextEmbedder {
    /// Freshly initialised tables, of the standard deviations that OpenAI's code has.
    pub fn new([vocabulary, context, width]: [usize; 3], end: End, init: &mut Init) -> Self {
        Self {
            words: init.truncated_normal(0.02, [vocabulary, width]),
            positions: init.truncated_normal(0.01, [context, width]),
            end,
        }
    }

    /// The longest text that has positions.
    pub fn longest(&self) -> usize {
        self.positions.dims()[0]
    }

    /// Size of the vocabulary.
    pub fn vocabulary(&self) -> usize {
        self.words.dims()[0]
    }

    /// Which token ends a text.
    pub fn end(&self) -> End {
        self.end
    }

    /// Ids `[B, T]` → tokens `[B, T, C]` with the end of every text marked; the first token of a text without its mark,
    /// as `transformers` has it.
    ///
    /// Ids must be below the vocabulary's size and T at most [`TextEmbedder::longest`]: callers check, as for every
    /// index.
    pub fn forward(&self, ids: Tensor<2, Int>, pass: &mut Pass) -> Tokens {
        let [batch, length] = ids.dims();
        let words = self.words.val();
        let (device, dtype, width) = (words.device(), words.dtype(), words.dims()[1]);
        let data = ids.into_data().convert::<i64>();
        let ids: Vec<i64> = data.try_to_vec().unwrap_or_default();
        let mut ends = vec![0.0_f32; ids.len()];
        for (text, ends) in ids
            .chunks(length.max(1))
            .zip(ends.chunks_mut(length.max(1)))
        {
            ends[self.end.of(text).unwrap_or(0)] = 1.0;
        }
        let ends = TensorData::new(ends, [batch, length]);
        let index = TensorData::new(ids, [batch * length]);
        let index = Tensor::<1, Int>::from_data(index, &device);
        let words: Dual<3> = pass
            .parameter(&self.words)
            .linear(|t| t.select(0, index.clone()))
            .reshape([batch, length, width]);
        let words = pass.embedded(words);
        let positions = pass.parameter(&self.positions).narrow(0, 0, length);
        let values = words + positions.reshape([1, length, width]);
        Tokens {
            end: Some(Tensor::from_data(ends, (&device, dtype))),
            ..Tokens::new(values, [1, length])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_ends_at_the_first_mark() {
        assert_eq!(End::Id(9).of(&[8, 3, 9, 0, 9]), Some(2));
        assert_eq!(End::Id(7).of(&[8, 3, 9]), None);
        assert_eq!(End::Largest.of(&[8, 3, 9, 9, 0]), Some(2));
        assert_eq!(End::Largest.of(&[]), None);
    }
}

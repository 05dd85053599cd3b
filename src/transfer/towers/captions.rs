//! A part of a set of pictures with captions, as towers take it: every distinct text as token ids once, and the pairs
//! of pictures and captions as a set of their own, a sample a caption.

use crate::dataset::pairs::{captions_of, distinct};
use crate::dataset::{Dataset, DatasetError, TargetShape};
use burn::tensor::{Device, Int, Tensor, TensorData};
use ndarray::{Array2, ArrayView2, Axis};
use std::sync::Arc;

/// Texts as token ids, equal texts once.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Ids of the distinct texts `[M, T]`.
    pub ids: Array2<i64>,
    /// The row of every text.
    pub row: Vec<usize>,
}

impl Tokens {
    /// The ids of some texts as a tensor `[n, T]` on the plain device.
    pub fn tensor(&self, texts: &[usize], device: &Device) -> Tensor<2, Int> {
        let rows: Vec<usize> = texts.iter().map(|&text| self.row[text]).collect();
        let chosen = self.ids.select(Axis(0), &rows);
        let shape = [chosen.nrows(), chosen.ncols()];
        let data = TensorData::new(chosen.iter().copied().collect::<Vec<i64>>(), shape);
        Tensor::from_data(data, device)
    }
}

/// One part of a set of pictures with captions.
#[derive(Clone)]
pub struct Captioned {
    /// The pictures, at the model's input size.
    pub pictures: Arc<dyn Dataset>,
    /// The texts of their captions, in the order of pictures.
    pub texts: Vec<String>,
    /// The picture of every caption.
    pub owner: Vec<usize>,
    /// The captions as token ids.
    pub tokens: Tokens,
}

impl Captioned {
    /// The part `pictures`; `tokenise` gives the ids `[M, T]` of distinct texts.
    ///
    /// # Errors
    /// Those of `tokenise`.
    pub fn new<E>(
        pictures: Arc<dyn Dataset>,
        clean: fn(&str) -> String,
        tokenise: impl FnOnce(&[String]) -> Result<Array2<i64>, E>,
    ) -> Result<Self, E> {
        let found = captions_of(pictures.as_ref());
        let texts: Vec<String> = found.texts.iter().map(|text| clean(text)).collect();
        let (each, row) = distinct(&texts);
        Ok(Self {
            pictures,
            texts,
            owner: found.owner,
            tokens: Tokens {
                ids: tokenise(&each)?,
                row,
            },
        })
    }

    /// Ids of the distinct texts `[M, T]`.
    pub fn ids(&self) -> ArrayView2<'_, i64> {
        self.tokens.ids.view()
    }

    /// The pairs as a set: sample `i` is the picture of caption `i`, and its label is `i`.
    pub fn pairs(&self) -> Arc<dyn Dataset> {
        Arc::new(EachCaption {
            pictures: self.pictures.clone(),
            owner: self.owner.clone(),
        })
    }
}

/// A picture for each of its captions.
struct EachCaption {
    pictures: Arc<dyn Dataset>,
    owner: Vec<usize>,
}

impl Dataset for EachCaption {
    fn shape(&self) -> [usize; 3] {
        self.pictures.shape()
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.owner.len()
    }

    fn label(&self, index: usize) -> usize {
        index
    }

    fn group(&self, index: usize) -> usize {
        self.pictures.group(self.owner[index])
    }

    fn unit(&self) -> Option<&'static str> {
        self.pictures.unit()
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Captions
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        self.pictures.read(self.owner[index], out)
    }
}

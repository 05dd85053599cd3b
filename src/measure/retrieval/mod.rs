//! Retrieval between images and their captions: how often is the right one among the first K?
//!
//! Source: Karpathy & Fei-Fei, *Deep visual-semantic alignments for generating image descriptions*, CVPR 2015, for
//! R@1, R@5 and R@10 in both directions; mR is the mean of the six (as the remote-sensing literature reports). All images
//! are set against all captions by cosine. An image finds a caption if one of its own is among the first K, a caption
//! its one image.
//!
//! **Ties decide.** Captions that several images share have equal scores; published code leaves their order to a sort.
//! Here every query keeps how many wrong ones score higher and how many the same ([`Place`]), and a [`Rule`] makes a rank
//! of it: pessimistic unless asked otherwise, optimistic beside it, and [`Retrieval::tied`] says how many queries depend
//! on it. Equal embeddings are scored once, so that rounding breaks no tie.
//!
//! | file | what |
//! |---|---|
//! | `place` | where the right one of a query stands, and rules for ties |
//! | `score` | scores of all queries, block by block |
//! | `recall` | the measures, [`ALL`] |

mod distinct;
mod place;
mod recall;
mod screened;

pub use place::{Place, Rule};
pub use recall::{ALL, Direction, MEAN_RECALL, Retrieval, RetrievalMeasure};

use ndarray::ArrayView2;

use super::MeasureError;
use super::samples::{Real, check_finite, check_labels};

/// Retrieval between image embeddings `[N, E]` and those of captions `[C, E]`, caption `j` of image `owner[j]`. Time
/// O(N·C·E) in single precision with exact comparisons where that does not tell, memory O((N + C)·E) and a tile of scores a thread.
///
/// # Errors
/// [`MeasureError::TooFew`] without an image, a caption or a column, [`MeasureError::Shape`] for other widths or
/// numbers of owners, [`MeasureError::Label`] for an owner that is no image, [`MeasureError::NotFinite`],
/// [`MeasureError::ZeroVector`].
pub fn retrieval<A: Real, B: Real>(
    images: ArrayView2<'_, A>,
    captions: ArrayView2<'_, B>,
    owner: &[usize],
) -> Result<Retrieval, MeasureError> {
    MeasureError::at_least("columns of embeddings", 1, images.ncols())?;
    MeasureError::same(
        "columns of caption embeddings",
        images.ncols(),
        captions.ncols(),
    )?;
    check_owners(images.nrows(), captions.nrows(), owner)?;
    let images = distinct::Distinct::new("image embeddings", images)?;
    let captions = distinct::Distinct::new("caption embeddings", captions)?;
    let places = screened::places(&images, &captions, owner);
    Ok(Retrieval::at(places, owner))
}

/// The same of scores `[N, C]` that something else computed.
///
/// # Errors
/// As [`retrieval`].
pub fn retrieval_of_scores(
    scores: ArrayView2<'_, f64>,
    owner: &[usize],
) -> Result<Retrieval, MeasureError> {
    check_owners(scores.nrows(), scores.ncols(), owner)?;
    check_finite("scores", scores)?;
    Ok(Retrieval::of(scores, owner))
}

fn check_owners(images: usize, captions: usize, owner: &[usize]) -> Result<(), MeasureError> {
    MeasureError::at_least("images", 1, images)?;
    MeasureError::at_least("captions", 1, captions)?;
    check_labels("owners of captions", owner, captions, images)
}

#[cfg(test)]
mod tests;

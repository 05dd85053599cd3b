//! Gradients of a loss that sees a whole batch of pairs at once, with the activations of one part of it in memory
//! (GradCache: Gao et al., RepL4NLP 2021).
//!
//! Contrastive losses set every image against every text, so a batch cannot be cut into parts whose losses add up. But the
//! loss sees vectors alone: all parts are embedded without a tape, the loss gives its slope at every vector, and each part is
//! embedded again to carry its slope on to the parameters. The gradient is that of the whole batch.

use crate::model::state::add_gradients;
use crate::transfer::TransferError;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Vectors of images and of texts, `[b, E]` each.
pub type Vectors = [Tensor<2>; 2];

/// The loss of all `parts` together and its gradients at the parameters of `module`.
///
/// `plain` embeds a part on the plain device; `tracked` does the same with the tracked parameters of `module`; `loss` is that of
/// all vectors, in the order of the parts, and may read parameters of `module` itself (a temperature). Nothing may be drawn
/// at random between `plain` and `tracked`.
///
/// # Errors
/// [`TransferError::Setting`] without a part, and those of the loss.
pub fn gradients<M: Module, P>(
    module: &M,
    parts: &[P],
    plain: impl Fn(&P) -> Vectors,
    tracked: impl Fn(&P) -> Vectors,
    loss: impl FnOnce(Vectors) -> Result<Tensor<1>, TransferError>,
) -> Result<(Tensor<1>, GradientsParams), TransferError> {
    if parts.is_empty() {
        return Err(TransferError::Setting {
            setting: "parts of a batch of pairs",
            expected: "at least one".into(),
            found: "none".into(),
        });
    }
    let (mut images, mut texts) = (Vec::new(), Vec::new());
    for part in parts {
        let [image, text] = plain(part);
        images.push(image);
        texts.push(text);
    }
    let sizes: Vec<[usize; 2]> = images
        .iter()
        .zip(&texts)
        .map(|(image, text)| [image.dims()[0], text.dims()[0]])
        .collect();
    let leaf = |all: Vec<Tensor<2>>| Tensor::<2>::from_inner(Tensor::cat(all, 0)).require_grad();
    let all = [leaf(images), leaf(texts)];
    let value = loss(all.clone())?;
    let result = value.clone().inner();
    let mut grads = value.backward();
    let slopes = all.map(|leaf| leaf.grad(&grads));
    let mut total = GradientsParams::from_module(&mut grads, module);
    let mut first = [0, 0];
    for (part, size) in parts.iter().zip(sizes) {
        let vectors = tracked(part);
        let mut sum: Option<Tensor<1>> = None;
        for (side, vectors) in vectors.into_iter().enumerate() {
            let Some(slope) = &slopes[side] else { continue };
            let own = slope.clone().narrow(0, first[side], size[side]);
            let term = (vectors * Tensor::from_inner(own)).sum();
            sum = Some(match sum {
                Some(sum) => sum + term,
                None => term,
            });
        }
        first = [first[0] + size[0], first[1] + size[1]];
        if let Some(sum) = sum {
            let mut grads = sum.backward();
            let part = GradientsParams::from_module(&mut grads, module);
            add_gradients(&mut total, part, module);
        }
    }
    Ok((result, total))
}

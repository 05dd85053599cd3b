//! The optimiser's update on `flex` tensors.

use super::buffer::{contiguous, owned, values};
use crate::model::ops::kernel::optimiser::{self, AdamWStep};
use burn_flex::FlexTensor;

/// One AdamW step (parameter, moments, gradient); buffers that nobody else holds are updated in
/// place.
pub fn adamw(
    p: FlexTensor,
    m: FlexTensor,
    v: FlexTensor,
    g: &FlexTensor,
    step: AdamWStep,
) -> [FlexTensor; 3] {
    let g = contiguous(g);
    let [mut p, mut m, mut v] = [p, m, v].map(owned);
    optimiser::adamw(
        p.storage_mut(),
        m.storage_mut(),
        v.storage_mut(),
        values(&g),
        step,
    );
    [p, m, v]
}

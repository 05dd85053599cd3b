//! Nodes of burn's tape for fused operations: parents that may be absent, and gradients that two
//! nodes of one operation gather in one buffer.

use super::Tracked;
use super::buffer::{buffer, owned};
use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::tensor::Shape;
use burn_flex::FlexTensor;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the two nodes of a dual operation, the value's and the tangent's, share: whether one of
/// them has already given the first input its gradient, so that the other can add to it in its own
/// pass. Each result may be used without the other; then the flag stays down.
#[derive(Debug, Clone, Default)]
pub struct Pair(Arc<AtomicBool>);

/// What a node keeps for its backward pass.
#[derive(Debug, Clone)]
pub struct Saved<S, const N: usize> {
    /// The operation's own.
    pub inputs: S,
    /// Which parents its result depends on.
    present: [bool; N],
    pair: Pair,
}

/// Puts `y` on the tape as a function of those `parents` that are present, at least one.
pub fn record<C, G, S, const N: usize>(
    backward: G,
    parents: [Option<&Tracked<C>>; N],
    inputs: S,
    pair: Pair,
    y: FlexTensor,
) -> Tracked<C>
where
    C: CheckpointStrategy,
    S: Clone + Send + Debug + 'static,
    G: Backward<Flex, N, State = Saved<S, N>>,
{
    // Burn counts on a gradient for every parent, so an absent one is replaced by one that gets
    // its gradient anyway.
    let any = parents.iter().copied().flatten().next();
    let any = any.expect("an operation depends on something");
    let guards = parents.map(|parent| parent.unwrap_or(any).node());
    let saved = Saved {
        inputs,
        present: parents.map(|parent| parent.is_some()),
        pair,
    };
    match backward.prepare::<C>(guards).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish(saved, y),
        OpsKind::UnTracked(prep) => prep.finish(y),
    }
}

/// Whether parent `at` asks for a gradient.
pub fn wants<S, const N: usize>(ops: &Ops<Saved<S, N>, N>, at: usize) -> bool {
    ops.parents[at].is_some() && ops.state.present[at]
}

/// Gives parent `at` its gradient, if it asks for one.
pub fn give<S, const N: usize>(
    ops: &Ops<Saved<S, N>, N>,
    at: usize,
    grads: &mut Gradients,
    grad: impl FnOnce() -> FlexTensor,
) {
    if let (Some(parent), true) = (&ops.parents[at], ops.state.present[at]) {
        grads.register::<Flex>(parent.id, grad());
    }
}

/// A buffer for the first parent's gradient, to be handed to [`give`], and whether it already holds
/// the other node's part.
pub fn first<S, const N: usize>(
    ops: &Ops<Saved<S, N>, N>,
    grads: &mut Gradients,
    shape: Shape,
) -> (FlexTensor, bool) {
    if let (Some(parent), true) = (&ops.parents[0], ops.state.present[0]) {
        let other = ops.state.pair.0.swap(true, Ordering::Relaxed);
        // A leaf keeps its gradient when it is read: there burn's own sum is right.
        let leaf = parent.order == 0;
        if other && !leaf {
            return (owned(grads.consume::<Flex>(parent)), true);
        }
    }
    (buffer(shape), false)
}

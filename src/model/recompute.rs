//! Gradients with activation recomputation (gradient checkpointing, Chen et al. 2016): the forward
//! pass keeps only the input of every block; the backward pass runs each block again, with a tape
//! of its own, from the last to the first.
//!
//! The result is that of one long tape: the same operations run on the same values, and dropped
//! paths are drawn again from the same place of the random stream. With the fused kernels it is
//! equal to the last bit; composed operations may add up the branches of a tape in another order.

use super::dual::Dual;
use super::network::Network;
use super::pass::Pass;
use super::state::{add_gradients, trains};
use super::tokens::Tokens;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Gradients, Tensor};
use rand_chacha::ChaCha8Rng;

/// What the forward pass keeps of one step: its input, untracked, and the random stream before it.
struct Kept {
    input: Tokens,
    stream: Option<ChaCha8Rng>,
}

/// A value on the tracked device whose gradient is asked for.
fn leaf<const D: usize>(value: &Dual<D>) -> Dual<D> {
    let track = |t: &Tensor<D>| Tensor::from_inner(t.clone()).require_grad();
    Dual {
        primal: track(&value.primal),
        tangent: value.tangent.as_ref().map(track),
    }
}

fn track(tokens: &Tokens) -> Tokens {
    tokens.moved(leaf, Tensor::from_inner)
}

/// Gradient of the loss at a tracked leaf, untracked.
fn at(leaf: &Dual<3>, grads: &Gradients) -> Option<Dual<3>> {
    let tangent = leaf.tangent.as_ref().and_then(|t| t.grad(grads));
    match (leaf.primal.grad(grads), tangent) {
        (Some(primal), tangent) => Some(Dual { primal, tangent }),
        (None, Some(tangent)) => Some(Dual::new(tangent.zeros_like(), tangent)),
        (None, None) => None,
    }
}

/// A scalar whose gradient with respect to `y` is `slope`: continues a backward pass below `y`.
fn continue_from(y: Dual<3>, slope: &Dual<3>) -> Tensor<1> {
    let seed = |t: &Tensor<3>| Tensor::from_inner(t.clone());
    let sum = (y.primal * seed(&slope.primal)).sum();
    match (y.tangent, &slope.tangent) {
        (Some(t), Some(s)) => sum + (t * seed(s)).sum(),
        _ => sum,
    }
}

/// Loss (a scalar of the outputs `[B, K]`) and its gradients at every tracked parameter of
/// `network`, with the activations of one block at a time in memory.
///
/// `network` is tracked (`Module::train`); `x` is on the plain device.
pub fn gradients<E>(
    network: &Network,
    x: Dual<4>,
    pass: &mut Pass,
    loss: impl FnOnce(Dual<2>) -> Result<Tensor<1>, E>,
) -> Result<(Tensor<1>, GradientsParams), E> {
    let start = pass.stream();
    let tokens = network.embedder.valid().forward(x.clone(), pass);
    let outputs = |last: Tokens, pass: &Pass| loss(network.predictor.forward(last, pass));
    let (result, mut total, slope) = after_embedder(network, tokens, pass, outputs)?;
    // A constant embedder has no tape to go back on.
    if let Some(above) = slope
        && trains(&network.embedder)
    {
        let mut stream = start;
        let mut again = repeat(stream.as_mut(), pass);
        let x = x.linear(Tensor::from_inner);
        let tokens = network.embedder.forward(x, &mut again);
        let mut grads = continue_from(tokens.values, &above).backward();
        let part = GradientsParams::from_module(&mut grads, network);
        add_gradients(&mut total, part, network);
    }
    Ok((result, total))
}

/// A loss of the encoder's last tokens; its gradients at every tracked parameter of `network`, and at `tokens`, which
/// enter the encoder, on the plain device. The embedder is not passed.
pub fn after_embedder<E>(
    network: &Network,
    mut tokens: Tokens,
    pass: &mut Pass,
    loss: impl FnOnce(Tokens, &Pass) -> Result<Tensor<1>, E>,
) -> Result<(Tensor<1>, GradientsParams, Option<Dual<3>>), E> {
    let plain = network.encoder.valid();
    let mut kept = Vec::with_capacity(plain.steps());
    for index in 0..plain.steps() {
        let (stream, input) = (pass.stream(), tokens.clone());
        tokens = plain.step(index, tokens, pass).0;
        kept.push(Kept { input, stream });
    }
    drop(plain);
    let mut total = GradientsParams::new();
    let mut collect = |mut grads: Gradients| {
        let part = GradientsParams::from_module(&mut grads, network);
        add_gradients(&mut total, part, network);
    };

    let last = track(&tokens);
    drop(tokens);
    let end = network.encoder.finish(last.clone(), pass);
    let value = loss(end, pass)?;
    let result = value.clone().inner();
    let grads = value.backward();
    let mut slope = at(&last.values, &grads);
    collect(grads);

    for (index, Kept { input, stream }) in kept.into_iter().enumerate().rev() {
        let Some(above) = slope else { break };
        let input = track(&input);
        let mut stream = stream;
        let mut again = repeat(stream.as_mut(), pass);
        let (output, _) = network.encoder.step(index, input.clone(), &mut again);
        let grads = continue_from(output.values, &above).backward();
        slope = at(&input.values, &grads);
        collect(grads);
    }
    Ok((result, total, slope))
}

/// A pass like `pass` that draws from `stream`.
fn repeat<'a>(stream: Option<&'a mut ChaCha8Rng>, pass: &Pass<'a>) -> Pass<'a> {
    let again = match stream {
        Some(stream) => Pass::train(stream),
        None => Pass::eval(),
    };
    let again = match pass.direction() {
        Some(direction) => again.along(direction),
        None => again,
    };
    match pass.inserted() {
        Some(inserted) => again.with(inserted),
        None => again,
    }
}

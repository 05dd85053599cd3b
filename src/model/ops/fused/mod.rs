//! The fused operations as a burn backend extension: CPU kernels with hand-written gradients for
//! the `flex` device, registered with burn's autodiff like its own operations.
//!
//! A plain operation is one node of the tape. A dual one, a value with its tangent, is two: the
//! value's node is the plain one, the tangent's gives what the tangent alone adds to every
//! gradient, so that the two simply add up. Only contiguous `f32` tensors on `flex` come here;
//! [`super`] sends everything else to the composed forms.

mod attention;
mod buffer;
mod gelu;
mod linear;
mod node;
mod norm;
mod optimiser;

use super::kernel;
use buffer::contiguous;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, ExtensionType, Flex, backend_extension};
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

pub use kernel::activation::Gelu;
pub use kernel::attention::WindowGeometry;
pub use kernel::optimiser::AdamWStep;
pub use linear::rounded as rounded_linear;
pub use optimiser::adamw;

/// A tensor that may be absent: burn's extensions take no `Option`.
#[derive(ExtensionType)]
pub enum OptionalTensor<B: Backend> {
    /// It is there.
    Some(FloatTensor<B>),
    /// It is zero.
    None,
}

impl<B: Backend> OptionalTensor<B> {
    fn get(&self) -> Option<&FloatTensor<B>> {
        match self {
            Self::Some(tensor) => Some(tensor),
            Self::None => None,
        }
    }
}

/// A tensor that may be absent, as the operations take it.
pub fn optional<const D: usize>(tensor: Option<Tensor<D>>) -> OptionalTensor<Dispatch> {
    tensor.map_or(OptionalTensor::None, |t| {
        OptionalTensor::Some(t.into_dispatch())
    })
}

/// Operations that modalign fuses. Shapes are those of the functions of the same name in
/// [`super`]; dual ones take and give tangents, of which those that are absent are zero.
#[backend_extension(Flex, Autodiff)]
pub trait FusedOps: Backend {
    fn fused_linear(
        x: FloatTensor<Self>,
        w: FloatTensor<Self>,
        #[extension_type] b: OptionalTensor<Self>,
    ) -> FloatTensor<Self>;
    fn fused_layer_norm(
        x: FloatTensor<Self>,
        gain: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        epsilon: f32,
    ) -> FloatTensor<Self>;
    fn fused_gelu(x: FloatTensor<Self>, kind: Gelu) -> FloatTensor<Self>;
    fn fused_window_attention(
        qkv: FloatTensor<Self>,
        #[extension_type] bias: OptionalTensor<Self>,
        geometry: WindowGeometry,
    ) -> FloatTensor<Self>;
    fn dual_linear(
        x: FloatTensor<Self>,
        #[extension_type] x_dot: OptionalTensor<Self>,
        w: FloatTensor<Self>,
        #[extension_type] w_dot: OptionalTensor<Self>,
        #[extension_type] b: OptionalTensor<Self>,
        #[extension_type] b_dot: OptionalTensor<Self>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    #[allow(clippy::too_many_arguments)]
    fn dual_layer_norm(
        x: FloatTensor<Self>,
        #[extension_type] x_dot: OptionalTensor<Self>,
        gain: FloatTensor<Self>,
        #[extension_type] gain_dot: OptionalTensor<Self>,
        bias: FloatTensor<Self>,
        #[extension_type] bias_dot: OptionalTensor<Self>,
        epsilon: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    fn dual_gelu(
        x: FloatTensor<Self>,
        x_dot: FloatTensor<Self>,
        kind: Gelu,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
    fn dual_window_attention(
        qkv: FloatTensor<Self>,
        #[extension_type] qkv_dot: OptionalTensor<Self>,
        #[extension_type] bias: OptionalTensor<Self>,
        #[extension_type] bias_dot: OptionalTensor<Self>,
        geometry: WindowGeometry,
    ) -> (FloatTensor<Self>, FloatTensor<Self>);
}

impl FusedOps for Flex {
    fn fused_linear(x: FlexTensor, w: FlexTensor, b: OptionalTensor<Flex>) -> FlexTensor {
        linear::forward(&linear::Inputs::plain(&x, &w, b.get()))
    }

    fn fused_layer_norm(
        x: FlexTensor,
        gain: FlexTensor,
        bias: FlexTensor,
        epsilon: f32,
    ) -> FlexTensor {
        norm::forward(&norm::Inputs::plain(&x, &gain, &bias), epsilon).0
    }

    fn fused_gelu(x: FlexTensor, kind: Gelu) -> FlexTensor {
        gelu::forward(kind, &contiguous(&x))
    }

    fn fused_window_attention(
        qkv: FlexTensor,
        bias: OptionalTensor<Flex>,
        geometry: WindowGeometry,
    ) -> FlexTensor {
        attention::forward(&attention::Inputs::plain(&qkv, bias.get(), geometry))
    }

    fn dual_linear(
        x: FlexTensor,
        x_dot: OptionalTensor<Flex>,
        w: FlexTensor,
        w_dot: OptionalTensor<Flex>,
        b: OptionalTensor<Flex>,
        b_dot: OptionalTensor<Flex>,
    ) -> (FlexTensor, FlexTensor) {
        let inputs =
            linear::Inputs::plain(&x, &w, b.get()).along(x_dot.get(), w_dot.get(), b_dot.get());
        (linear::forward(&inputs), linear::tangent(&inputs))
    }

    fn dual_layer_norm(
        x: FlexTensor,
        x_dot: OptionalTensor<Flex>,
        gain: FlexTensor,
        gain_dot: OptionalTensor<Flex>,
        bias: FlexTensor,
        bias_dot: OptionalTensor<Flex>,
        epsilon: f32,
    ) -> (FlexTensor, FlexTensor) {
        let inputs = norm::Inputs::plain(&x, &gain, &bias).along(
            x_dot.get(),
            gain_dot.get(),
            bias_dot.get(),
        );
        let (y, y_dot, _) = norm::dual(&inputs, epsilon);
        (y, y_dot)
    }

    fn dual_gelu(x: FlexTensor, x_dot: FlexTensor, kind: Gelu) -> (FlexTensor, FlexTensor) {
        gelu::dual(kind, &contiguous(&x), &contiguous(&x_dot))
    }

    fn dual_window_attention(
        qkv: FlexTensor,
        qkv_dot: OptionalTensor<Flex>,
        bias: OptionalTensor<Flex>,
        bias_dot: OptionalTensor<Flex>,
        geometry: WindowGeometry,
    ) -> (FlexTensor, FlexTensor) {
        let inputs = attention::Inputs::plain(&qkv, bias.get(), geometry)
            .along(qkv_dot.get(), bias_dot.get());
        attention::dual(&inputs)
    }
}

/// A tensor on the tape.
type Tracked<C> = FloatTensor<Autodiff<Flex, C>>;

impl<C: CheckpointStrategy> FusedOps for Autodiff<Flex, C> {
    fn fused_linear(x: Tracked<C>, w: Tracked<C>, b: OptionalTensor<Self>) -> Tracked<C> {
        linear::tracked::<C>(&x, &w, b.get())
    }

    fn fused_layer_norm(
        x: Tracked<C>,
        gain: Tracked<C>,
        bias: Tracked<C>,
        epsilon: f32,
    ) -> Tracked<C> {
        norm::tracked::<C>(&x, &gain, &bias, epsilon)
    }

    fn fused_gelu(x: Tracked<C>, kind: Gelu) -> Tracked<C> {
        gelu::tracked::<C>(kind, &x)
    }

    fn fused_window_attention(
        qkv: Tracked<C>,
        bias: OptionalTensor<Self>,
        geometry: WindowGeometry,
    ) -> Tracked<C> {
        attention::tracked::<C>(&qkv, bias.get(), geometry)
    }

    fn dual_linear(
        x: Tracked<C>,
        x_dot: OptionalTensor<Self>,
        w: Tracked<C>,
        w_dot: OptionalTensor<Self>,
        b: OptionalTensor<Self>,
        b_dot: OptionalTensor<Self>,
    ) -> (Tracked<C>, Tracked<C>) {
        let dot = [x_dot.get(), w_dot.get(), b_dot.get()];
        linear::tracked_dual::<C>(&x, &w, b.get(), dot)
    }

    fn dual_layer_norm(
        x: Tracked<C>,
        x_dot: OptionalTensor<Self>,
        gain: Tracked<C>,
        gain_dot: OptionalTensor<Self>,
        bias: Tracked<C>,
        bias_dot: OptionalTensor<Self>,
        epsilon: f32,
    ) -> (Tracked<C>, Tracked<C>) {
        let dot = [x_dot.get(), gain_dot.get(), bias_dot.get()];
        norm::tracked_dual::<C>([&x, &gain, &bias], dot, epsilon)
    }

    fn dual_gelu(x: Tracked<C>, x_dot: Tracked<C>, kind: Gelu) -> (Tracked<C>, Tracked<C>) {
        gelu::tracked_dual::<C>(kind, &x, &x_dot)
    }

    fn dual_window_attention(
        qkv: Tracked<C>,
        qkv_dot: OptionalTensor<Self>,
        bias: OptionalTensor<Self>,
        bias_dot: OptionalTensor<Self>,
        geometry: WindowGeometry,
    ) -> (Tracked<C>, Tracked<C>) {
        let dot = [qkv_dot.get(), bias_dot.get()];
        attention::tracked_dual::<C>(&qkv, bias.get(), dot, geometry)
    }
}

//! Values with an optional tangent: forward-mode differentiation beside burn's reverse mode.
//!
//! MoNA's meta-gradient needs the derivative of a loss gradient along a direction v of the
//! encoder's parameters (docs/method.md, forward over reverse). So every layer runs on [`Dual`] values:
//! a primal, and perhaps the tangent ẋ that v causes. Without a tangent nothing more than the plain
//! forward is computed; with one, both parts stay ordinary burn tensors, so that one ordinary
//! backward pass differentiates through them.
//!
//! The rules are the textbook's: linear maps act on both parts alike, products by Leibniz, softmax
//! `s ∘ (ẋ − Σ s∘ẋ)`.

use burn::tensor::{DType, Device, Tensor, activation};
use std::ops::{Add, Mul, Sub};

/// A tensor and, if anything it depends on moves, its derivative along that direction.
#[derive(Debug, Clone)]
pub struct Dual<const D: usize> {
    /// The value.
    pub primal: Tensor<D>,
    /// Its directional derivative, of the same shape; `None` means zero.
    pub tangent: Option<Tensor<D>>,
}

impl<const D: usize> From<Tensor<D>> for Dual<D> {
    fn from(primal: Tensor<D>) -> Self {
        Self {
            primal,
            tangent: None,
        }
    }
}

/// The sum of two tangents of which either may be zero.
pub(super) fn total<const D: usize>(
    a: Option<Tensor<D>>,
    b: Option<Tensor<D>>,
) -> Option<Tensor<D>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a + b),
        (a, b) => a.or(b),
    }
}

impl<const D: usize> Dual<D> {
    /// A value that moves.
    pub fn new(primal: Tensor<D>, tangent: Tensor<D>) -> Self {
        Self {
            primal,
            tangent: Some(tangent),
        }
    }

    /// Whether it has a tangent.
    pub fn moves(&self) -> bool {
        self.tangent.is_some()
    }

    /// Lengths of the axes.
    pub fn dims(&self) -> [usize; D] {
        self.primal.dims()
    }

    /// Where the value is.
    pub fn device(&self) -> Device {
        self.primal.device()
    }

    /// The float type.
    pub fn dtype(&self) -> DType {
        self.primal.dtype()
    }

    /// Applies a linear map: its derivative is itself.
    pub fn linear<const E: usize>(self, map: impl Fn(Tensor<D>) -> Tensor<E>) -> Dual<E> {
        Dual {
            tangent: self.tangent.map(&map),
            primal: map(self.primal),
        }
    }

    /// The same values under other axes.
    pub fn reshape<const E: usize>(self, shape: [usize; E]) -> Dual<E> {
        self.linear(|t| t.reshape(shape))
    }

    /// Reorders the axes.
    pub fn permute(self, order: [isize; D]) -> Self {
        self.linear(|t| t.permute(order))
    }

    /// Swaps the last two axes.
    pub fn transpose(self) -> Self {
        self.linear(Tensor::transpose)
    }

    /// `count` entries of an axis from `first` on.
    pub fn narrow(self, axis: usize, first: usize, count: usize) -> Self {
        self.linear(|t| t.narrow(axis, first, count))
    }

    /// Times a constant.
    pub fn mul_scalar(self, factor: f64) -> Self {
        self.linear(|t| t.mul_scalar(factor))
    }

    /// Mean along an axis, which stays with length one.
    pub fn mean_dim(self, axis: usize) -> Self {
        self.linear(|t| t.mean_dim(axis))
    }

    /// Sum along an axis, which stays with length one.
    pub fn sum_dim(self, axis: usize) -> Self {
        self.linear(|t| t.sum_dim(axis))
    }

    /// Values one after the other along an axis.
    pub fn cat(parts: Vec<Self>, axis: usize) -> Self {
        let moves = parts.iter().any(Self::moves);
        let tangent = |part: &Self| match &part.tangent {
            Some(tangent) => tangent.clone(),
            None => part.primal.zeros_like(),
        };
        Self {
            tangent: moves.then(|| Tensor::cat(parts.iter().map(tangent).collect(), axis)),
            primal: Tensor::cat(parts.into_iter().map(|part| part.primal).collect(), axis),
        }
    }

    /// The same values along axes of length one, `shape` times.
    pub fn expand(self, shape: [usize; D]) -> Self {
        self.linear(|t| t.expand(shape))
    }

    /// `x·σ(x)`, with the logistic function σ.
    pub fn silu(self) -> Self {
        let gate = activation::sigmoid(self.primal.clone());
        let tangent = self.tangent.map(|t| {
            let rest = gate.clone().mul_scalar(-1.0).add_scalar(1.0);
            let slope = gate.clone() + self.primal.clone() * gate.clone() * rest;
            t * slope
        });
        Self {
            primal: self.primal * gate,
            tangent,
        }
    }

    /// Plus something that does not move.
    pub fn add_constant(self, constant: Tensor<D>) -> Self {
        self + Self::from(constant)
    }

    /// Batched matrix product over the last two axes.
    pub fn matmul(self, other: Self) -> Self {
        let left = self.tangent.map(|t| t.matmul(other.primal.clone()));
        let right = other.tangent.map(|t| self.primal.clone().matmul(t));
        Self {
            primal: self.primal.matmul(other.primal),
            tangent: total(left, right),
        }
    }

    /// Every number times itself.
    pub fn square(self) -> Self {
        self.clone() * self
    }

    /// Square root of numbers that are not negative. At 0 its slope is taken as 0, as PyTorch takes
    /// that of a norm, so that an exact fit has a gradient.
    pub fn sqrt(self) -> Self {
        let zero = self.primal.clone().equal_elem(0.0);
        let root = self.primal.mask_fill(zero.clone(), 1.0).sqrt();
        let tangent = self.tangent.map(|t| {
            let slope = root.clone().recip().mul_scalar(0.5);
            (t * slope).mask_fill(zero.clone(), 0.0)
        });
        Self {
            primal: root.mask_fill(zero, 0.0),
            tangent,
        }
    }

    /// `1 / (1 + e⁻ˣ)`.
    pub fn sigmoid(self) -> Self {
        let primal = activation::sigmoid(self.primal);
        let tangent = self.tangent.map(|t| {
            let slope = primal.clone() * primal.clone().neg().add_scalar(1.0);
            t * slope
        });
        Self { primal, tangent }
    }

    /// `ln(1 + eˣ)`: never overflows, and small values keep their digits.
    pub fn softplus(self) -> Self {
        // max(x, 0) + ln(1 + e^−|x|), both by one mask: burn's own slopes of max and |·| are 0 at
        // x = 0, where they must add up to ½.
        let positive = self.primal.clone().greater_elem(0.0);
        let above = self.primal.clone();
        let above = above.mask_fill(positive.clone().bool_not(), 0.0);
        let size = self.primal.clone();
        let below = size.mask_where(positive, self.primal.clone().neg());
        Self {
            primal: above + below.exp().log1p(),
            tangent: self.tangent.map(|t| t * activation::sigmoid(self.primal)),
        }
    }

    /// Softmax along an axis.
    pub fn softmax(self, axis: usize) -> Self {
        let s = activation::softmax(self.primal, axis);
        let tangent = self.tangent.map(|t| {
            let mean = (s.clone() * t.clone()).sum_dim(axis);
            s.clone() * (t - mean)
        });
        Self { primal: s, tangent }
    }

    /// Logarithm of the softmax along an axis.
    pub fn log_softmax(self, axis: usize) -> Self {
        let tangent = self.tangent.map(|t| {
            let s = activation::softmax(self.primal.clone(), axis);
            t.clone() - (s * t).sum_dim(axis)
        });
        Self {
            primal: activation::log_softmax(self.primal, axis),
            tangent,
        }
    }
}

/// Brings a tangent to the shape its value has after broadcasting.
fn broadcast<const D: usize>(tangent: Tensor<D>, shape: [usize; D]) -> Tensor<D> {
    if tangent.dims() == shape {
        tangent
    } else {
        tangent.expand(shape)
    }
}

impl<const D: usize> Add for Dual<D> {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        let primal = self.primal + other.primal;
        let shape = primal.dims();
        let tangent = total(self.tangent, other.tangent).map(|t| broadcast(t, shape));
        Self { primal, tangent }
    }
}

impl<const D: usize> Sub for Dual<D> {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        let primal = self.primal - other.primal;
        let shape = primal.dims();
        let tangent = total(self.tangent, other.tangent.map(Tensor::neg));
        Self {
            primal,
            tangent: tangent.map(|t| broadcast(t, shape)),
        }
    }
}

impl<const D: usize> Mul for Dual<D> {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        let left = self.tangent.map(|t| t * other.primal.clone());
        let right = other.tangent.map(|t| t * self.primal.clone());
        Self {
            primal: self.primal * other.primal,
            tangent: total(left, right),
        }
    }
}

//! Parameters of a module by path, out of it and into it.
//!
//! A path is the chain of field names; the variant of an enum (which architecture, which kind of
//! embedder) is not part of it.

use super::ModelError;
use super::device::queues;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use std::collections::BTreeMap;
use std::path::Path;

/// The path of a visit: enum variants are passed through.
#[derive(Debug, Default)]
pub struct Trail(Vec<String>);

impl Trail {
    /// A module begins.
    pub fn enter(&mut self, name: &str, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.push(name.into());
        }
    }

    /// A module ends.
    pub fn exit(&mut self, container: &str) {
        if !container.starts_with("Enum:") {
            self.0.pop();
        }
    }

    /// The path where the visit stands.
    pub fn path(&self) -> String {
        self.0.join(".")
    }
}

/// Visits parameters with their paths.
#[derive(Default)]
struct Collector {
    trail: Trail,
    shapes: Vec<(String, Vec<usize>)>,
    /// Filled only when values are asked for.
    values: Option<Vec<TensorData>>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.trail.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.trail.exit(container);
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.shapes
            .push((self.trail.path(), param.lazy_shape().to_vec()));
        if let Some(values) = &mut self.values {
            values.push(read(param.val()));
        }
    }
}

/// Paths and shapes of all parameters of a module, in order.
pub fn parameters(module: &impl Module) -> Vec<(String, Vec<usize>)> {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.shapes
}

/// Device and float type of a module's parameters; flex and single precision if it has none.
pub fn place(module: &impl Module) -> (Device, DType) {
    struct First(Option<(Device, DType)>);
    impl ModuleVisitor for First {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if self.0.is_none() {
                let value = param.val();
                self.0 = Some((value.device(), value.dtype()));
            }
        }
    }
    let mut first = First(None);
    module.visit(&mut first);
    first.0.unwrap_or((Device::flex(), DType::F32))
}

/// Number of parameters of a module.
pub fn size(module: &impl Module) -> usize {
    let count = |(_, shape): &(String, Vec<usize>)| shape.iter().product::<usize>();
    parameters(module).iter().map(count).sum()
}

/// Paths and values of all parameters of a module, in its float type.
pub fn state(module: &impl Module) -> BTreeMap<String, TensorData> {
    let mut collector = Collector {
        values: Some(Vec::new()),
        ..Collector::default()
    };
    module.visit(&mut collector);
    let values = collector.values.unwrap_or_default();
    collector
        .shapes
        .into_iter()
        .zip(values)
        .map(|((path, _), values)| (path, values))
        .collect()
}

/// Puts arrays in the place of parameters; all are present and of the right shape.
struct Filler<'a> {
    trail: Trail,
    arrays: &'a mut BTreeMap<String, TensorData>,
    dtype: DType,
}

impl ModuleMapper for Filler<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.trail.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, container: &str) {
        self.trail.exit(container);
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(array) = self.arrays.remove(&self.trail.path()) else {
            return param;
        };
        // A placeholder is replaced without ever taking memory.
        let (device, tracked) = (
            param.lazy_device(),
            param.is_initialized() && param.is_require_grad(),
        );
        let data = array.convert_dtype(self.dtype);
        let value = Tensor::from_data(data, (&device, self.dtype));
        Param::initialized(param.id, value.set_require_grad(tracked))
    }
}

/// Replaces parameters by `arrays` (paths as [`parameters`] gives) in float type `dtype`; lists
/// what does not fit.
pub fn with_state<M: Module>(
    module: M,
    mut arrays: BTreeMap<String, TensorData>,
    dtype: DType,
    origin: &Path,
) -> Result<M, ModelError> {
    let (mut missing, mut shapes) = (Vec::new(), Vec::new());
    let expected = parameters(&module);
    for (path, shape) in &expected {
        match arrays.get(path) {
            None => missing.push(path.clone()),
            Some(a) if a.shape()[..] != shape[..] => {
                shapes.push(format!("{path}: expected {shape:?}, found {:?}", a.shape()))
            }
            Some(_) => {}
        }
    }
    let unexpected: Vec<String> = arrays
        .keys()
        .filter(|k| !expected.iter().any(|(p, _)| p == *k))
        .cloned()
        .collect();
    if !(missing.is_empty() && shapes.is_empty() && unexpected.is_empty()) {
        return Err(ModelError::Mismatch {
            path: origin.into(),
            missing,
            unexpected,
            shapes,
        });
    }
    Ok(module.map(&mut Filler {
        trail: Trail::default(),
        arrays: &mut arrays,
        dtype,
    }))
}

/// The module on the tracked device with parameters that take no gradient; ids stay.
pub fn constant<M: Module>(module: M) -> M {
    struct Constant;
    impl ModuleMapper for Constant {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|value| Tensor::from_inner(untracked(value)))
        }
    }
    module.map(&mut Constant)
}

/// Whether any parameter of the module takes a gradient.
pub fn trains(module: &impl Module) -> bool {
    struct Trains(bool);
    impl ModuleVisitor for Trains {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0 |= param.val().is_require_grad();
        }
    }
    let mut found = Trains(false);
    module.visit(&mut found);
    found.0
}

/// The module on the tracked device, each parameter moved by `step` times its entry in `by`, all
/// of them asking for gradients; ids stay.
pub fn moved<M: Module>(module: M, by: &GradientsParams, step: f64) -> M {
    struct Move<'a>(&'a GradientsParams, f64);
    impl ModuleMapper for Move<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let by = self.0.get::<D>(param.id).map(|g| g.mul_scalar(self.1));
            param.map(|value| {
                let value = untracked(value);
                let value = match by {
                    Some(by) => value + by,
                    None => value,
                };
                Tensor::from_inner(value).require_grad()
            })
        }
    }
    module.map(&mut Move(by, step))
}

/// `module` with every parameter moved by `share` of the way to that of `towards`, both on the plain device; a share
/// of 0 and of 1 gives the parameters of either to the bit.
pub fn blended<M: Module>(module: M, towards: &M, share: f64) -> M {
    struct Take(Vec<Box<dyn std::any::Any>>);
    impl ModuleVisitor for Take {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.push(Box::new(param.val()));
        }
    }
    struct Blend(std::vec::IntoIter<Box<dyn std::any::Any>>, f64);
    impl ModuleMapper for Blend {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let other = self
                .0
                .next()
                .and_then(|any| any.downcast::<Tensor<D>>().ok());
            let share = self.1;
            match other {
                Some(other) if share == 1.0 => param.map(|_| *other),
                Some(other) => {
                    param.map(|value| value.clone() + (*other - value).mul_scalar(share))
                }
                None => param,
            }
        }
    }
    let mut take = Take(Vec::new());
    towards.visit(&mut take);
    module.map(&mut Blend(take.0.into_iter(), share))
}

/// The value on the plain device.
pub fn untracked<const D: usize>(value: Tensor<D>) -> Tensor<D> {
    if value.device().is_autodiff() {
        value.inner()
    } else {
        value
    }
}

/// Squared Euclidean norm of the gradients of `module`, where they are; `None` without any.
pub fn square_norm(module: &impl Module, grads: &GradientsParams) -> Option<Tensor<1>> {
    struct Norm<'a>(&'a GradientsParams, Option<Tensor<1>>);
    impl ModuleVisitor for Norm<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.0.get::<D>(param.id) {
                let square = grad.square().sum();
                self.1 = Some(match self.1.take() {
                    Some(total) => total + square,
                    None => square,
                });
            }
        }
    }
    let mut norm = Norm(grads, None);
    module.visit(&mut norm);
    norm.1
}

/// Euclidean norm of the gradients of `module`, read once.
pub fn norm(module: &impl Module, grads: &GradientsParams) -> f64 {
    square_norm(module, grads).map_or(0.0, scalar).sqrt()
}

/// The numbers of a tensor as they are now, for keeping.
///
/// On devices that queue their work burn-cubecl 0.22.1 copies them lazily, when `TensorData` is first
/// looked at, and a kernel that works in place in between changes them: a gradient that was read
/// before the step of an optimiser became the optimiser's moment (seen on wgpu; no upstream issue
/// found). So they are looked at here.
pub fn read<const D: usize>(tensor: Tensor<D>) -> TensorData {
    let queues = queues(&tensor.device());
    let data = tensor.into_data();
    if queues {
        TensorData::from_bytes_vec(data.as_bytes().to_vec(), data.shape(), data.dtype())
    } else {
        data
    }
}

/// The value of a tensor of one element.
pub fn scalar(tensor: Tensor<1>) -> f64 {
    tensor.into_data().iter::<f64>().next().unwrap_or(f64::NAN)
}

/// Adds the gradients `part` of parameters of `module` to `total`.
pub fn add_gradients(total: &mut GradientsParams, part: GradientsParams, module: &impl Module) {
    struct Adder<'a> {
        total: &'a mut GradientsParams,
        part: GradientsParams,
    }
    impl ModuleVisitor for Adder<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(new) = self.part.remove::<D>(param.id) {
                let sum = match self.total.remove::<D>(param.id) {
                    Some(old) => old + new,
                    None => new,
                };
                self.total.register(param.id, sum);
            }
        }
    }
    module.visit(&mut Adder { total, part });
}

/// Gradients of the parameters of `module` that have one, by path.
pub fn gradients(module: &impl Module, grads: &GradientsParams) -> BTreeMap<String, TensorData> {
    struct Reader<'a> {
        trail: Trail,
        grads: &'a GradientsParams,
        found: BTreeMap<String, TensorData>,
    }
    impl ModuleVisitor for Reader<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.trail.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.trail.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.grads.get::<D>(param.id) {
                self.found.insert(self.trail.path(), read(grad));
            }
        }
    }
    let mut reader = Reader {
        trail: Trail::default(),
        grads,
        found: BTreeMap::new(),
    };
    module.visit(&mut reader);
    reader.found
}

/// The gradients of `module`, entry by entry times those of `by`, copied; as they are without `by`, and
/// where it has none.
pub fn times(
    module: &impl Module,
    grads: &GradientsParams,
    by: Option<&GradientsParams>,
) -> GradientsParams {
    struct Times<'a> {
        grads: &'a GradientsParams,
        by: Option<&'a GradientsParams>,
        found: GradientsParams,
    }
    impl ModuleVisitor for Times<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(grad) = self.grads.get::<D>(param.id) else {
                return;
            };
            let product = match self.by.and_then(|by| by.get::<D>(param.id)) {
                Some(by) => grad * by,
                None => grad,
            };
            self.found.register(param.id, product);
        }
    }
    let mut times = Times {
        grads,
        by,
        found: GradientsParams::new(),
    };
    module.visit(&mut times);
    times.found
}

/// `share` times the gradients of `module`, copied.
pub fn scaled(module: &impl Module, grads: &GradientsParams, share: f64) -> GradientsParams {
    struct Scale<'a>(&'a GradientsParams, f64, GradientsParams);
    impl ModuleVisitor for Scale<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.0.get::<D>(param.id) {
                self.2.register(param.id, grad.mul_scalar(self.1));
            }
        }
    }
    let mut scale = Scale(grads, share, GradientsParams::new());
    module.visit(&mut scale);
    scale.2
}

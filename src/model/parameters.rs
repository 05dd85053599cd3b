//! Parameters as flat tensors by path: for terms of a loss that look at the parameters themselves, and for
//! methods that set them.

use super::state::{Trail, untracked};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use std::collections::BTreeMap;

/// Flat tensors by path.
pub type Flat = BTreeMap<String, Tensor<1>>;

/// Every parameter of `module` whose path `of` names, flattened, on the plain device.
pub fn flat(module: &impl Module, of: fn(&str) -> bool) -> Flat {
    struct Take(Trail, fn(&str) -> bool, Flat);
    impl ModuleVisitor for Take {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let path = self.0.path();
            if (self.1)(&path) {
                self.2.insert(path, flattened(untracked(param.val())));
            }
        }
    }
    let mut take = Take(Trail::default(), of, Flat::new());
    module.visit(&mut take);
    take.2
}

/// Adds `part` to `sum`, path by path.
pub fn add(sum: &mut Flat, part: Flat) {
    for (path, value) in part {
        let total = match sum.remove(&path) {
            Some(before) => before + value,
            None => value,
        };
        sum.insert(path, total);
    }
}

/// The gradients `grads` of `module`, flattened, by path.
pub fn flat_gradients(module: &impl Module, grads: &GradientsParams) -> Flat {
    struct Take<'a>(Trail, &'a GradientsParams, Flat);
    impl ModuleVisitor for Take<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(grad) = self.1.get::<D>(param.id) {
                self.2.insert(self.0.path(), flattened(grad));
            }
        }
    }
    let mut take = Take(Trail::default(), grads, Flat::new());
    module.visit(&mut take);
    take.2
}

/// Adds to the gradients of `module` what `term` gives for a path and a flattened value, in the same order
/// of entries; nothing where it gives `None`, or where the parameter takes no gradient.
pub fn add_to_gradients(
    module: &impl Module,
    grads: &mut GradientsParams,
    term: &dyn Fn(&str, Tensor<1>) -> Option<Tensor<1>>,
) {
    struct Add<'a> {
        trail: Trail,
        grads: &'a mut GradientsParams,
        term: &'a dyn Fn(&str, Tensor<1>) -> Option<Tensor<1>>,
    }
    impl ModuleVisitor for Add<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.trail.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.trail.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(grad) = self.grads.get::<D>(param.id) else {
                return;
            };
            let value = flattened(untracked(param.val()));
            if let Some(more) = (self.term)(&self.trail.path(), value) {
                let sum = grad.clone() + more.reshape(grad.dims());
                self.grads.remove::<D>(param.id);
                self.grads.register(param.id, sum);
            }
        }
    }
    module.visit(&mut Add {
        trail: Trail::default(),
        grads,
        term,
    });
}

/// `module` with the parameters that `value` gives for a path and a flattened value; ids and whether they
/// take gradients stay.
pub fn replaced<M: Module>(module: M, value: &dyn Fn(&str, Tensor<1>) -> Option<Tensor<1>>) -> M {
    struct Replace<'a>(Trail, &'a dyn Fn(&str, Tensor<1>) -> Option<Tensor<1>>);
    impl ModuleMapper for Replace<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let path = self.0.path();
            let before = param.val();
            let shape = before.dims();
            let Some(new) = (self.1)(&path, flattened(untracked(before.clone()))) else {
                return param;
            };
            let new = new.reshape(shape);
            let new = if before.device().is_autodiff() {
                Tensor::from_inner(new).set_require_grad(before.is_require_grad())
            } else {
                new
            };
            Param::initialized(param.id, new)
        }
    }
    module.map(&mut Replace(Trail::default(), value))
}

/// `module` with parameters that are made of others: what `value` gives for a path and a flattened value stands in its
/// place with its graph, so that gradients flow on to what it was made of. Ids and everything else stay.
pub fn expressed<M: Module>(module: M, value: &dyn Fn(&str, Tensor<1>) -> Option<Tensor<1>>) -> M {
    struct Express<'a>(Trail, &'a dyn Fn(&str, Tensor<1>) -> Option<Tensor<1>>);
    impl ModuleMapper for Express<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let before = param.val();
            let shape = before.dims();
            match (self.1)(&self.0.path(), flattened(before)) {
                Some(new) => Param::initialized(param.id, new.reshape(shape)),
                None => param,
            }
        }
    }
    module.map(&mut Express(Trail::default(), value))
}

/// `module` with parameters of its own: new ids, the same memory until a step changes them, on the plain device, ready for
/// `train()`.
pub fn copied<M: Module>(module: &M) -> M {
    struct Copy;
    impl ModuleMapper for Copy {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            Param::from_tensor(untracked(param.val()))
        }
    }
    module.clone().map(&mut Copy)
}

/// All entries in a row.
fn flattened<const D: usize>(value: Tensor<D>) -> Tensor<1> {
    let count = value.dims().iter().product::<usize>();
    value.reshape([count])
}

/// Flat tensors as gradients of the parameters of `module`, by their ids; parameters without one have none.
pub fn as_gradients(module: &impl Module, values: &Flat) -> GradientsParams {
    struct Shape<'a>(Trail, &'a Flat, GradientsParams);
    impl ModuleVisitor for Shape<'_> {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.0.enter(name, container);
        }

        fn exit_module(&mut self, _: &str, container: &str) {
            self.0.exit(container);
        }

        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(value) = self.1.get(&self.0.path()) {
                let shape = param.val().dims();
                self.2.register(param.id, value.clone().reshape(shape));
            }
        }
    }
    let mut shape = Shape(Trail::default(), values, GradientsParams::new());
    module.visit(&mut shape);
    shape.2
}

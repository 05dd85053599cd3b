//! `modalign._core`: what the Python package calls. Every function takes arrays and labels that `modalign/_arrays.py` has
//! looked at, calls the library's own function, and gives numbers, arrays, or JSON where a result has many fields. Names,
//! defaults and documentation are Python's, in `modalign/`.
//!
//! | file | what |
//! |---|---|
//! | `arrays` | NumPy's matrices, borrowed |
//! | `work` | computing beside Python: without the GIL, with Ctrl-C |
//! | `measures`, `discrepancy`, `probe`, `tsne`, `compare`, `extract` | the functions |
//! | `command` | the `modalign` command |

mod arrays;
mod command;
mod compare;
mod discrepancy;
mod extract;
mod measures;
mod probe;
mod tsne;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _core {
    #[pymodule_export]
    use super::command::command;
    #[pymodule_export]
    use super::compare::compare;
    #[pymodule_export]
    use super::discrepancy::{discrepancy, divergences, searches};
    #[pymodule_export]
    use super::extract::{extract, models};
    #[pymodule_export]
    use super::measures::{
        cka, geometry, hscore, knn, leep, logme, modality_gap, nce, otdd, silhouette,
    };
    #[pymodule_export]
    use super::probe::{probe_fit, probe_logits, probe_predict, probe_probabilities};
    #[pymodule_export]
    use super::tsne::tsne;
    #[pymodule_export]
    use super::work::forked;

    use super::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

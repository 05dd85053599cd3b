//! NumPy's matrices as the measures take them: borrowed, in single or double precision, in any order of memory.

use ndarray::{ArrayView2, RawArrayView};
use numpy::{Element, PyArray2, PyArrayMethods, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// A matrix that Python owns.
#[derive(FromPyObject)]
pub enum Matrix {
    #[pyo3(transparent)]
    Single(Borrowed<f32>),
    #[pyo3(transparent)]
    Double(Borrowed<f64>),
}

/// A matrix that stays where it is, and is kept alive.
pub struct Borrowed<A: Element> {
    _keep: Py<PyArray2<A>>,
    matrix: RawArrayView<A, ndarray::Ix2>,
}

// SAFETY: the array is kept alive and only read. Another thread of Python may write into it meanwhile, as with every
// function of NumPy's that releases the GIL: numbers are then old or new, and nothing else follows from them.
unsafe impl<A: Element> Send for Borrowed<A> {}

impl<A: Element> Borrowed<A> {
    /// The numbers.
    pub fn view(&self) -> ArrayView2<'_, A> {
        // SAFETY: pointer, shape and strides are those of an array that `_keep` keeps alive.
        unsafe { self.matrix.deref_into_view() }
    }
}

impl<'py, A: Element> FromPyObject<'_, 'py> for Borrowed<A> {
    type Error = PyErr;

    fn extract(object: pyo3::Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let array: PyReadonlyArray2<'py, A> = object.extract()?;
        if !array.data().is_aligned() {
            return Err(PyValueError::new_err(
                "matrix: expected aligned numbers, found others",
            ));
        }
        let matrix = array.as_array().raw_view();
        let keep: Py<PyArray2<A>> = (*array).clone().unbind();
        Ok(Self {
            _keep: keep,
            matrix,
        })
    }
}

/// Runs an expression for either precision.
macro_rules! either {
    ($matrix:expr, $view:ident => $body:expr) => {
        match &$matrix {
            $crate::arrays::Matrix::Single(borrowed) => {
                let $view = borrowed.view();
                $body
            }
            $crate::arrays::Matrix::Double(borrowed) => {
                let $view = borrowed.view();
                $body
            }
        }
    };
}
pub(crate) use either;

/// Classes or groups as Python numbered them, from 0 on.
pub fn numbers(labels: PyReadonlyArray1<'_, i64>) -> PyResult<Vec<usize>> {
    let number = |&label: &i64| usize::try_from(label);
    let all: Result<Vec<usize>, _> = labels.as_array().iter().map(number).collect();
    all.map_err(|_| PyValueError::new_err("labels: expected numbers from 0, found a negative one"))
}

//! Keeps BLAS to one thread, because the measures parallelise over row blocks themselves.
//!
//! Two layers of threads fight for the cores, and OpenBLAS may round differently for another
//! number of threads; with one, results depend on the input alone.

use std::sync::Once;

// Not called by name anywhere: this is what links BLAS and LAPACK.
use openblas_src as _;

unsafe extern "C" {
    fn openblas_set_num_threads(threads: std::ffi::c_int);
}

/// Sets OpenBLAS to one thread, for the whole process, once.
pub fn single_threaded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the library is linked (ndarray-linalg needs it), the function takes any
        // positive count and has no other precondition.
        unsafe { openblas_set_num_threads(1) }
    });
}

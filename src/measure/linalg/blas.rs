//! Keeps BLAS to one thread, because the measures parallelise over row blocks themselves.
//!
//! Two layers of threads fight for the cores, and OpenBLAS may round differently for another
//! number of threads; with one, results depend on the input alone.

use std::sync::Once;

// Not called by name anywhere: this is what links BLAS and LAPACK.
use openblas_src as _;

unsafe extern "C" {
    fn openblas_set_num_threads(threads: std::ffi::c_int);
    fn openblas_get_corename() -> *const std::ffi::c_char;
}

/// The kernels that OpenBLAS chose for this processor. An old OpenBLAS does not know new
/// processors and falls back to its slowest ones; `OPENBLAS_CORETYPE` overrides it.
pub fn describe() -> String {
    // SAFETY: returns a pointer to a static, zero-terminated string.
    let name = unsafe { std::ffi::CStr::from_ptr(openblas_get_corename()) }.to_string_lossy();
    if name == "Prescott" {
        return "Prescott kernels (slow: this OpenBLAS does not know the processor; OPENBLAS_CORETYPE=SkylakeX or Haswell helps)".into();
    }
    format!("{name} kernels")
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

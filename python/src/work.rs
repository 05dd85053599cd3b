//! Computing beside Python: on a thread of its own and without the GIL, while Python's thread listens for Ctrl-C.
//!
//! A computation that is interrupted is left alone and asked to stop ([`interrupt`]); its result is dropped. It keeps
//! what it borrowed until it ends. A panic, which would be a fault of ours, becomes a RuntimeError.

use modalign::measure::interrupt;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How long Python's thread does not look for signals.
const PATIENCE: Duration = Duration::from_millis(50);
/// Stack of the thread that computes, as large as a main thread's.
const STACK: usize = 8 << 20;

/// Whether this process has computed, and whether it is a fork of one that had.
static STARTED: AtomicBool = AtomicBool::new(false);
static FORKED: AtomicBool = AtomicBool::new(false);

/// To be called in a process that was forked: the threads that compute are not in it.
#[pyfunction]
pub fn forked() {
    FORKED.fetch_or(STARTED.load(Ordering::SeqCst), Ordering::SeqCst);
}

/// What a computation says, or in words why it says nothing.
pub type Said<T> = Result<T, String>;

/// Words of an error.
pub fn words(error: impl Display) -> String {
    error.to_string()
}

/// Computes.
///
/// # Errors
/// ValueError with the words of the computation, what Python's signal handlers raise, RuntimeError.
pub fn compute<T: Send + 'static>(
    py: Python<'_>,
    work: impl FnOnce() -> Said<T> + Send + 'static,
) -> PyResult<T> {
    STARTED.store(true, Ordering::SeqCst);
    let stop = Arc::new(AtomicBool::new(false));
    let (send, mut receive) = channel();
    let heeded = stop.clone();
    std::thread::Builder::new()
        .name("modalign".into())
        .stack_size(STACK)
        .spawn(move || {
            let done = catch_unwind(AssertUnwindSafe(|| in_threads(heeded, work)));
            // Nobody listens to a computation that was interrupted.
            let _ = send.send(done);
        })
        .map_err(|error| PyRuntimeError::new_err(format!("a thread to compute on: {error}")))?;
    loop {
        let found;
        (found, receive) = py.detach(move || (receive.recv_timeout(PATIENCE), receive));
        match found {
            Ok(Ok(Ok(value))) => return Ok(value),
            Ok(Ok(Err(said))) => return Err(PyValueError::new_err(said)),
            Ok(Err(panic)) => return Err(fault(panic.as_ref())),
            Err(RecvTimeoutError::Timeout) => py.check_signals().inspect_err(|_| {
                stop.store(true, Ordering::SeqCst);
            })?,
            Err(RecvTimeoutError::Disconnected) => return Err(fault(&"the thread ended")),
        }
    }
}

/// In threads of its own where the process was forked, for the others were left behind.
fn in_threads<T: Send>(stop: Arc<AtomicBool>, work: impl FnOnce() -> Said<T> + Send) -> Said<T> {
    let work = || interrupt::heeding(stop, work);
    if FORKED.load(Ordering::SeqCst) {
        let pool = rayon::ThreadPoolBuilder::new().build().map_err(words)?;
        pool.install(work)
    } else {
        work()
    }
}

fn fault(panic: &(dyn Any + Send)) -> PyErr {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no words");
    PyRuntimeError::new_err(format!(
        "expected a result or an error, found a fault of modalign's own: {text}; please report it with what led to it"
    ))
}

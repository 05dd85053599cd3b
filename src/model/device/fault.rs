//! What a device does when it fails in the middle of work: graphics runtimes panic, on whichever thread
//! notices. Here that becomes an error that says what happened. Whatever was written before stays: every
//! file of a run is replaced as a whole.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use super::super::ModelError;

/// First words of a panic while a guard stands.
static SAID: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work` that computes on the device called `name`; its panics become [`ModelError::Fault`].
///
/// Guards nest on one thread; the outermost stands around the whole work of a command. The processor's own
/// devices need none and are not guarded, so that a fault of ours is seen as one.
///
/// # Errors
/// [`ModelError::Fault`] with the kind of fault as far as the driver's words tell it.
pub fn guarded<T>(name: &str, work: impl FnOnce() -> T) -> Result<T, ModelError> {
    if matches!(name, "flex" | "ndarray") {
        return Ok(work());
    }
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|info| {
        let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
        let words = info.payload_as_str().unwrap_or("nothing").to_owned();
        // What follows the first panic are other threads that waited for it.
        said.get_or_insert(words);
    }));
    let done = catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(before);
    let said = SAID.lock().unwrap_or_else(PoisonError::into_inner).take();
    done.map_err(|_| {
        let said = said.unwrap_or_default();
        ModelError::Fault {
            device: name.into(),
            what: kind(&said),
            said: root(&said),
        }
    })
}

/// The last cause of a chain of them, in one line.
fn root(said: &str) -> String {
    // Some words were printed for programmers: line breaks as `\n`, then where they arose.
    let said = said.replace("\\n", " ");
    let cause = said.rsplit("Caused by").next().unwrap_or(&said);
    let ends = ["No backtrace", "Backtrace:"].map(|end| cause.find(end).unwrap_or(cause.len()));
    let cause = &cause[..ends[0].min(ends[1])];
    let words: Vec<&str> = cause.trim_start_matches(':').split_whitespace().collect();
    words.join(" ")
}

/// What the words of a driver mean to its user.
fn kind(said: &str) -> &'static str {
    let said = said.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["cube count too big", "buffertoobig"]) {
        "a tensor is too large for it: train.micro_batch takes a batch in parts, with the same result"
    } else if says(&[
        "out of memory",
        "outofmemory",
        "out_of_device_memory",
        "t allocate",
    ]) {
        "it is out of memory: train.micro_batch takes a batch in parts, with the same result"
    } else if says(&["lost", "poisoned"]) {
        "the device was lost: its driver was reset or the card went away"
    } else if says(&[
        "no adapter",
        "adapterunavailable",
        "no driver",
        "dynamic library",
    ]) {
        "no driver answered"
    } else {
        "its runtime failed"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_a_device_becomes_an_error_that_names_it() {
        let found: Result<(), _> = guarded("wgpu:1", || panic!("wgpu error: Out of Memory"));
        let said = found.unwrap_err().to_string();
        assert!(
            said.contains("wgpu:1") && said.contains("micro_batch"),
            "{said}"
        );
        let lost: Result<(), _> = guarded("wgpu", || panic!("the device was lost (Unknown)"));
        assert!(lost.unwrap_err().to_string().contains("driver was reset"));
        let chain = "Error while reading data Caused by: x\nCaused by: can't allocate buffer of\n size: 7 No backtrace available";
        let full: Result<(), _> = guarded("wgpu", || panic!("{chain}"));
        let said = full.unwrap_err().to_string();
        assert!(
            said.ends_with("(the driver said: can't allocate buffer of size: 7)"),
            "{said}"
        );
        assert!(said.contains("out of memory"), "{said}");
        assert_eq!(
            root("x: \\n Destroyed: \\nBacktrace:\\n 0"),
            "x: Destroyed:"
        );
        assert_eq!(guarded("wgpu", || 7).unwrap(), 7);
        assert_eq!(guarded("flex", || 8).unwrap(), 8);
    }
}

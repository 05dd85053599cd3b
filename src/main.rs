//! The `modalign` program; everything is in the library.

/// Training allocates and frees megabytes a step: the system's allocator gives them back to the
/// kernel each time and pays for fresh pages (measured: a tenth of a training step).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    modalign::cli::main()
}

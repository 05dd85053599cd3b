//! Where the tests find their reference values: `$MODALIGN_FIXTURES`, else `tests/fixtures`.

use std::path::PathBuf;

use ndarray::ArrayD;

use crate::files::npy;

/// The path of a fixture: below `$MODALIGN_FIXTURES` if it is there, else our own.
pub fn path(name: &str) -> PathBuf {
    std::env::var_os("MODALIGN_FIXTURES")
        .map(|root| PathBuf::from(root).join(name))
        .filter(|path| path.exists())
        .unwrap_or_else(|| {
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join("tests/fixtures")
                .join(name)
        })
}

/// A JSON fixture.
pub fn json(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(path(name)).expect("fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// One array of an npz fixture, as single-precision floats of a known rank.
pub fn npz_f32<D: ndarray::Dimension>(name: &str, array: &str) -> ndarray::Array<f32, D> {
    npz(name, array)
        .mapv(|v| v as f32)
        .into_dimensionality()
        .expect("rank")
}

/// One array of an npz fixture, as doubles.
pub fn npz(name: &str, array: &str) -> ArrayD<f64> {
    let file = std::fs::File::open(path(name)).expect("fixture");
    let mut archive = zip::ZipArchive::new(file).expect("zip");
    let mut bytes = Vec::new();
    let mut member = archive.by_name(&format!("{array}.npy")).expect("member");
    std::io::Read::read_to_end(&mut member, &mut bytes).expect("bytes");
    npy::parse(&bytes).and_then(|a| a.to_f64()).expect("npy")
}

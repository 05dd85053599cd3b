//! Where the tests find their reference values: `$MODALIGN_FIXTURES`, else `tests/fixtures`.

use std::path::PathBuf;

use ndarray::ArrayD;

use crate::feature::npy::Npy;

/// The path of a file below the fixture folder.
pub fn path(name: &str) -> PathBuf {
    let root = std::env::var_os("MODALIGN_FIXTURES").map(PathBuf::from);
    root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures"))
        .join(name)
}

/// A JSON fixture.
pub fn json(name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(path(name)).expect("fixture");
    serde_json::from_str(&text).expect("JSON")
}

/// One array of an npz fixture, as doubles.
pub fn npz(name: &str, array: &str) -> ArrayD<f64> {
    let file = std::fs::File::open(path(name)).expect("fixture");
    let mut archive = zip::ZipArchive::new(file).expect("zip");
    let mut bytes = Vec::new();
    let mut member = archive.by_name(&format!("{array}.npy")).expect("member");
    std::io::Read::read_to_end(&mut member, &mut bytes).expect("bytes");
    Npy::parse(&bytes).and_then(|a| a.to_f64()).expect("npy")
}

//! The examples do what they say.

use super::{modalign, text};
use modalign::files::npy;
use std::fs;
use std::path::Path;

#[path = "../../examples/measure.rs"]
mod measure;

#[test]
fn the_rust_api_in_ten_lines() {
    let home = tempfile::tempdir().unwrap();
    measure::make(home.path()).unwrap();
    let (probe, d) = measure::measure(home.path()).unwrap();
    assert!(probe.error < 0.3, "{}", probe.error);
    assert_eq!(
        d.assignment,
        [Some(2), Some(0)],
        "the classes it was made of"
    );
    let null = d.null_mean.unwrap();
    assert!(d.value < 0.8 * null, "{} against {null}", d.value);
}

/// What `own_target.py` writes, smaller.
pub fn vibration(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let value = |i: usize| {
        let (sample, point) = (i / 64, i % 32);
        ((1 + sample % 4) as f32 * point as f32 * 0.4 + sample as f32).sin()
    };
    let mut x = npy::header("<f4", &[120, 2, 1, 32]);
    x.extend((0..120 * 64).flat_map(|i| value(i).to_le_bytes()));
    let mut y = npy::header("<i8", &[120]);
    y.extend((0..120).flat_map(|i| (i % 4i64).to_le_bytes()));
    fs::write(folder.join("x.npy"), x).unwrap();
    fs::write(folder.join("y.npy"), y).unwrap();
    fs::write(folder.join("classes.txt"), "sound\ninner\nouter\nball\n").unwrap();
}

#[test]
fn a_target_of_ones_own_trains_from_arrays() {
    let home = tempfile::tempdir().unwrap();
    vibration(&home.path().join("vibration"));
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own_target.toml");
    let (suite, data) = (suite.to_str().unwrap(), home.path().to_str().unwrap());
    let out = home.path().join("run");
    let out = out.to_str().unwrap();
    let line = [
        "train",
        "--suite",
        suite,
        "--target",
        "vibration",
        "--method",
        "nft",
    ];
    let found = modalign(&[&line[..], &["--data", data, "--out", out]].concat());
    assert!(found.status.success(), "{}", text(&found.stderr));
    let cell = text(&found.stdout).trim().to_owned();
    let cell = fs::read_to_string(Path::new(&cell).join("cell.json")).unwrap();
    let cell: serde_json::Value = serde_json::from_str(&cell).unwrap();
    assert_eq!(cell["classes"], 4);
    assert!(cell["test"].as_f64().unwrap() < 0.7, "{}", cell["test"]);
    fs::write(home.path().join("vibration/y.npy"), b"no").unwrap();
    let refused = modalign(&[&line[..], &["--data", data, "--out", out]].concat());
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("y.npy"),
        "{}",
        text(&refused.stderr)
    );
}

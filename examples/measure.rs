//! The Rust API in ten lines: features files in, probe error and modality knowledge discrepancy out.
//!
//!     cargo run --release --example measure
//!
//! It writes its own features files first (`make`); yours may be `.npz`, `.safetensors` or `.parquet`
//! with `features [N, D]` and `labels [N]`, see `features_from_pytorch.py`.

use modalign::feature::{FeatureSet, file};
use modalign::measure::discrepancy::{Discrepancy, DiscrepancyParams, Target, discrepancy};
use modalign::measure::probe::{ProbeParams, ProbeReport};
use modalign::measure::samples::Samples;
use std::error::Error;
use std::path::Path;

/// The ten lines: a probe of the source classes, and how far the target's classes are from them.
pub fn measure(folder: &Path) -> Result<(ProbeReport, Discrepancy), Box<dyn Error>> {
    let train = file::read(&folder.join("train.safetensors"))?;
    let test = file::read(&folder.join("test.npz"))?;
    let params = ProbeParams::new().c(0.316).check()?;
    let report = params.run(&Samples::from(&train), None, &Samples::from(&test))?;
    let (source, ..) = params.fit::<f32, f32>(&Samples::from(&train), None)?;
    let target = file::read(&folder.join("target.parquet"))?;
    let (labels, classes) = (target.labels(), target.classes());
    let probabilities = source.probabilities(target.features())?;
    let params = DiscrepancyParams::new().holdout(0.5).null(200).check()?;
    let d = discrepancy(
        probabilities.view(),
        Target::Labels { labels, classes },
        &params,
    )?;
    Ok((report, d))
}

/// Five source classes around centres of their own, and a target whose two classes lie near the
/// third and the first of them.
pub fn make(folder: &Path) -> Result<(), Box<dyn Error>> {
    // A small generator, so that the example needs no other crate.
    let mut state = 1u64;
    let mut noise = move || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let mut set = |rows: usize, near: &[usize], spread: f32| {
        let labels: Vec<usize> = (0..rows).map(|row| row % near.len()).collect();
        let features = ndarray::Array2::from_shape_fn((rows, 16), |(row, column)| {
            let centre = if column % 5 == near[labels[row]] {
                1.0
            } else {
                0.0
            };
            centre + spread * noise()
        });
        FeatureSet::unnamed(features, labels)
    };
    let source = [0, 1, 2, 3, 4];
    file::write(&folder.join("train.safetensors"), &set(1000, &source, 1.0)?)?;
    file::write(&folder.join("test.npz"), &set(500, &source, 1.0)?)?;
    Ok(file::write(
        &folder.join("target.parquet"),
        &set(400, &[2, 0], 1.5)?,
    )?)
}

#[allow(dead_code)] // the tests call the two above
fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join("modalign-measure");
    std::fs::create_dir_all(&folder)?;
    make(&folder)?;
    let (probe, d) = measure(&folder)?;
    let [low, high] = probe.interval;
    println!("probe error {:.3} [{low:.3}, {high:.3}]", probe.error);
    println!(
        "D {:.3}, of shuffled labels {:.3}",
        d.value,
        d.null_mean.unwrap_or(d.chance)
    );
    println!("source class of each target class: {:?}", d.assignment);
    Ok(())
}

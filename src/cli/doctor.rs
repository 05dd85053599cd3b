//! `modalign doctor`: what this build and this machine can do, in the order in which things
//! usually go wrong.

use super::args::DoctorArgs;
use crate::dataset;
use crate::model::device::fault;
use crate::model::{device, embedded};
use crate::simd::{self, Level};
use crate::suite::definition::{DatasetSpec, Reader};
use crate::transfer::methods;
use crate::transfer::selftest::selftest;
use std::path::Path;
use std::time::Duration;

/// Prints the findings.
pub fn run(args: &DoctorArgs) {
    let devices: Vec<(String, String)> = device::DEVICES
        .iter()
        .flat_map(|(name, built, feature)| match built {
            true => found(name),
            false => {
                let state = format!("not in this build (cargo feature {feature})");
                vec![(name.to_string(), state)]
            }
        })
        .collect();
    let data: Vec<(String, String)> = Reader::ALL
        .into_iter()
        .filter(|r| r.is_published())
        .map(|reader| {
            let spec = DatasetSpec::new("d", "d", reader);
            let state = match dataset::open(&spec, args.data.as_deref(), 0) {
                Ok(s) => format!(
                    "found: {} train, {} valid, {} test",
                    s.train.len(),
                    s.valid.len(),
                    s.test.len()
                ),
                Err(e) => e.to_string(),
            };
            (reader.name(), state)
        })
        .collect();
    let sections = [
        (
            "modalign",
            vec![("version".into(), env!("CARGO_PKG_VERSION").into())],
        ),
        ("processor", processor()),
        ("devices", devices),
        (
            "linear algebra",
            vec![("OpenBLAS".into(), crate::measure::blas::describe())],
        ),
        (
            "models inside",
            embedded::names()
                .into_iter()
                .map(|n| (n.to_string(), "loads with --suite of that name".into()))
                .collect(),
        ),
        ("suites inside", suites()),
        ("data", data),
        ("disk", vec![("free here".into(), free_space())]),
    ];
    if args.json {
        let all: serde_json::Map<_, _> = sections
            .into_iter()
            .map(|(title, rows)| {
                (
                    title.to_string(),
                    rows.into_iter()
                        .map(|(k, v)| (k, v.into()))
                        .collect::<serde_json::Map<_, _>>()
                        .into(),
                )
            })
            .collect();
        println!("{}", serde_json::Value::Object(all));
        return;
    }
    for (title, rows) in sections {
        println!("{title}");
        rows.iter()
            .for_each(|(name, state)| println!("  {name:<28} {state}"));
    }
}

/// The devices of a name, each with what it is and how it did.
fn found(name: &str) -> Vec<(String, String)> {
    #[cfg(any(feature = "gpu", feature = "gpu-vulkan"))]
    if matches!(name, "wgpu" | "vulkan") {
        let adapters = fault::guarded(name, device::adapters::all).unwrap_or_default();
        if !adapters.is_empty() {
            let row = |(index, adapter): (usize, &device::adapters::Adapter)| {
                let asked = format!("{name}:{index}");
                let state = format!("{adapter}; {}", tested(&asked));
                (asked, state)
            };
            return adapters.iter().enumerate().map(row).collect();
        }
    }
    vec![(name.to_owned(), tested(name))]
}

/// What a short test says of a device: ten seconds for a card, one for the processor.
fn tested(name: &str) -> String {
    let room = match name {
        "flex" | "ndarray" => Duration::from_secs(1),
        _ => Duration::from_secs(10),
    };
    let outcome = device::open(name).map(|device| fault::guarded(name, || selftest(&device, room)));
    match outcome {
        Err(error) | Ok(Err(error)) => error.to_string(),
        Ok(Ok(Err(error))) => error.to_string(),
        Ok(Ok(Ok(found))) => {
            let verdict = match (found.agrees(), found.error > 0.0) {
                (true, false) => "works".into(),
                (true, true) => format!("works, within {:.0e} of flex", found.error),
                (false, _) => format!(
                    "WRONG RESULTS: {} differs by {:.0e} from flex",
                    found.part, found.error
                ),
            };
            let rate = match found.rate > 0.0 {
                true => format!("then {:.0} images/s", found.rate),
                false => "no time for a second".into(),
            };
            format!(
                "{verdict}; first training step {:.1} s, {rate}",
                found.first
            )
        }
    }
}

fn processor() -> Vec<(String, String)> {
    let mut rows = vec![(
        "threads".to_string(),
        rayon::current_num_threads().to_string(),
    )];
    let kernels = match simd::level() {
        Level::Avx512 => "AVX-512",
        Level::Avx2 => "AVX2",
        Level::Baseline if cfg!(target_arch = "x86_64") => "baseline (slow)",
        Level::Baseline => "baseline",
    };
    rows.push(("kernels".into(), kernels.into()));
    rows
}

fn suites() -> Vec<(String, String)> {
    crate::suite::definition::EMBEDDED
        .iter()
        .map(|(name, text)| {
            let state = methods::parse(text, name).map_or_else(|e| e.to_string(), |s| s.title);
            (name.to_string(), state)
        })
        .collect()
}

/// Free bytes where runs are written, by the system's own tool.
fn free_space() -> String {
    let out = std::process::Command::new("df")
        .args(["-h", "--output=avail", "."])
        .output();
    let text = out
        .map(|o| String::from_utf8_lossy(&o.stdout).into_owned())
        .unwrap_or_default();
    let free = text.lines().nth(1).map(|l| l.trim().to_string());
    free.unwrap_or_else(|| format!("not known for {}", Path::new(".").display()))
}

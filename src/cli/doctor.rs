//! `modalign doctor`: what this build and this machine can do, in the order in which things
//! usually go wrong.

use super::args::DoctorArgs;
use crate::dataset;
use crate::manifest::suite::{DatasetSpec, Reader, Suite};
use crate::model::{device, embedded};
use burn::tensor::{Device, Tensor};
use std::path::Path;

/// Prints the findings.
pub fn run(args: &DoctorArgs) {
    let devices: Vec<(String, String)> = device::DEVICES
        .iter()
        .map(|(name, built, feature)| {
            let state = match (built, device::open(name)) {
                (true, Ok(device)) => probe(&device),
                (true, Err(e)) => e.to_string(),
                (false, _) => format!("not in this build (cargo feature {feature})"),
            };
            (name.to_string(), state)
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

/// Computes something small on a device.
fn probe(device: &Device) -> String {
    let x = Tensor::<2>::ones([8, 8], device);
    let sum = x.clone().matmul(x).sum().into_scalar::<f32>();
    if sum == 512.0 {
        "works".into()
    } else {
        format!("wrong result {sum}, expected 512")
    }
}

fn processor() -> Vec<(String, String)> {
    let mut rows = vec![(
        "threads".to_string(),
        rayon::current_num_threads().to_string(),
    )];
    #[cfg(target_arch = "x86_64")]
    {
        let kernels = match (
            std::arch::is_x86_feature_detected!("avx512f"),
            std::arch::is_x86_feature_detected!("avx2"),
        ) {
            (true, _) => "AVX-512",
            (false, true) => "AVX2",
            _ => "baseline (slow)",
        };
        rows.push(("kernels".into(), kernels.into()));
    }
    rows
}

fn suites() -> Vec<(String, String)> {
    crate::manifest::suite::EMBEDDED
        .iter()
        .map(|(name, text)| {
            let state = Suite::parse(text, name).map_or_else(|e| e.to_string(), |s| s.title);
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

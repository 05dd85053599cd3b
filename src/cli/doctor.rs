//! `modalign doctor`: what this build and this machine can do, in the order in which things
//! usually go wrong, on one screen. `--json` has every dataset and suite.

use super::args::DoctorArgs;
use super::error::CliError;
use super::print;
use super::words::{print_json, wrapped};
use crate::dataset::{self, DatasetError, READERS, Reader, Splits};
use crate::model::device::fault;
use crate::model::{device, embedded, precision};
use crate::simd::{self, Level};
use crate::suite::dataset::DatasetSpec;
use crate::transfer::methods;
use crate::transfer::selftest::selftest;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// Width of a terminal.
const WIDTH: usize = 80;
/// Where the second column begins.
const COLUMN: usize = 16;

/// Rows of a name and a state.
type Rows = Vec<(String, String)>;

/// Prints what was found.
pub fn run(args: &DoctorArgs) -> Result<(), CliError> {
    let devices = devices();
    let sets = opened(args.data.as_deref());
    let blas = crate::measure::blas::describe();
    let (version, free) = (env!("CARGO_PKG_VERSION").to_string(), free_space());
    if args.json {
        let data = sets.iter().map(|(reader, state)| {
            let state = match state {
                Ok(found) => found.clone(),
                Err(error) => error.to_string(),
            };
            (reader.name.to_string(), state)
        });
        let models = embedded::names().into_iter();
        let models = models.map(|n| (n.to_string(), "loads with --suite of that name".into()));
        let sections: [(&str, Rows); 8] = [
            ("modalign", vec![("version".into(), version)]),
            ("processor", processor()),
            ("devices", devices),
            ("linear algebra", vec![("OpenBLAS".into(), blas)]),
            ("models inside", models.collect()),
            ("suites inside", suites()),
            ("data", data.collect()),
            ("disk", vec![("free here".into(), free)]),
        ];
        let all: Map<String, Value> = sections
            .into_iter()
            .map(|(title, rows)| {
                let rows: Map<String, Value> =
                    rows.into_iter().map(|(k, v)| (k, v.into())).collect();
                (title.to_string(), rows.into())
            })
            .collect();
        return print_json(&all.into());
    }
    let processor: Vec<String> = processor()
        .into_iter()
        .map(|(name, state)| format!("{state} {name}"))
        .collect();
    let names = |rows: Rows| {
        let names: Vec<String> = rows.into_iter().map(|(name, _)| name).collect();
        names.join(", ")
    };
    let mut rows = vec![
        ("modalign".to_string(), version),
        ("processor".into(), processor.join(", ")),
    ];
    rows.extend(devices);
    rows.extend([
        ("OpenBLAS".into(), blas),
        ("models inside".into(), embedded::names().join(", ")),
        ("suites inside".into(), names(suites())),
        ("data".into(), summary(&sets)),
    ]);
    rows.extend(damaged(&sets));
    rows.push(("disk".into(), format!("{free} free here")));
    let mut text = String::new();
    for (name, state) in rows {
        let block = wrapped(&state, WIDTH - COLUMN, &" ".repeat(COLUMN));
        text += &format!("{name:<COLUMN$}{}", block.trim_start());
    }
    print(text.as_bytes())
}

/// Every device that this program knows, and how it did.
fn devices() -> Rows {
    let one = |(name, built, feature): &(&str, bool, &str)| {
        if *built {
            found(name)
        } else {
            let state = format!("not in this build (cargo feature {feature})");
            vec![(name.to_string(), state)]
        }
    };
    device::DEVICES.iter().flat_map(one).collect()
}

/// A reader of published files, and its samples or why there are none.
type Opened = (&'static Reader, Result<String, DatasetError>);

fn opened(data: Option<&Path>) -> Vec<Opened> {
    let readers = READERS.iter().copied();
    let open = |reader: &'static Reader| {
        let spec = DatasetSpec::new(reader.name, reader.title, reader.name);
        let counts = |s: Splits| {
            let [train, valid, test] = [&s.train, &s.valid, &s.test].map(|part| part.len());
            format!("found: {train} train, {valid} valid, {test} test")
        };
        (reader, dataset::open(&spec, data, 0).map(counts))
    };
    readers.filter(|r| r.is_published()).map(open).collect()
}

/// How many of the datasets are here.
fn summary(sets: &[Opened]) -> String {
    let names = |here: bool| -> BTreeSet<&str> {
        let known = sets.iter().filter(|(_, state)| !here || state.is_ok());
        known
            .filter_map(|(r, _)| Some(r.manifest()?.name.as_str()))
            .collect()
    };
    let (here, all) = (names(true).len(), names(false).len());
    format!("{here} of {all} sets here; modalign data list for the rest")
}

/// Datasets whose files are here and cannot be read, a row each.
fn damaged(sets: &[Opened]) -> Rows {
    let wrong = sets.iter().filter_map(|(reader, state)| match state {
        Ok(_) | Err(DatasetError::Missing { .. }) => None,
        Err(error) => Some((format!("  {}", reader.name), error.to_string())),
    });
    wrong.collect()
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
            let rate = if found.rate > 0.0 {
                format!("then {:.0} images/s", found.rate)
            } else {
                "no time for a second".into()
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
    let bf16 = precision::Unit::best().name().unwrap_or("no");
    rows.push(("bf16 products".into(), bf16.into()));
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

//! Measures on features that a script has written: seconds and values, one JSON line each.
//! `probe.sh` and `cka_otdd.sh` run scikit-learn, thingsvision and geomloss on the same files.
//!
//!     measures probe FOLDER C,C,… TOLERANCE…     x.npy, y.npy; every C cold, then all as a sweep
//!     measures cka FOLDER                        x.npy, z.npy
//!     measures otdd FOLDER                       x.npy, y.npy against z.npy, w.npy

use modalign::files::npy;
use modalign::measure::cka::cka;
use modalign::measure::otdd::{OtddParams, Source};
use modalign::measure::probe::ProbeParams;
use modalign::measure::samples::Samples;
use ndarray::{Array2, Ix2};
use serde_json::json;
use std::path::Path;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn features(path: &Path) -> Array2<f32> {
    let bytes = std::fs::read(path).expect("features");
    let array = npy::parse(&bytes).and_then(|a| a.to_f32()).expect("npy");
    array.into_dimensionality::<Ix2>().expect("matrix")
}

fn labels(path: &Path) -> Vec<usize> {
    let bytes = std::fs::read(path).expect("labels");
    let array = npy::parse(&bytes).and_then(|a| a.to_i64()).expect("npy");
    array.iter().map(|&l| l as usize).collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|a| a != "--bench").collect();
    let folder = Path::new(&arguments[2]);
    let x = features(&folder.join("x.npy"));
    match arguments[1].as_str() {
        "probe" => probe(&x, &labels(&folder.join("y.npy")), &arguments[3..]),
        "cka" => {
            let z = features(&folder.join("z.npy"));
            let start = Instant::now();
            let found = cka(x.view(), z.view()).expect("CKA");
            let seconds = start.elapsed().as_secs_f64();
            println!(
                "{}",
                json!({ "measure": "cka", "engine": "modalign", "seconds": seconds,
                    "biased": found.biased, "debiased": found.debiased })
            );
        }
        _ => otdd(folder, &x),
    }
}

fn probe(x: &Array2<f32>, y: &[usize], rest: &[String]) {
    let classes = y.iter().max().map_or(0, |m| m + 1);
    let number = |text: &str| text.parse::<f64>().expect("number");
    let cs: Vec<f64> = rest[0].split(',').map(number).collect();
    for tolerance in rest[1..].iter().map(|t| number(t)) {
        let base = ProbeParams::new().tolerance(tolerance);
        let mut tries: Vec<_> = cs.iter().map(|&c| ("cold", vec![c])).collect();
        if cs.len() > 1 {
            tries.push(("sweep", cs.clone()));
        }
        for (kind, cs) in tries {
            // As scikit-learn's fit: checks of the features, scaling and all.
            let start = Instant::now();
            let samples = Samples::new(x.view(), y, classes).expect("samples");
            let params = base.clone().sweep(cs.clone()).check().expect("settings");
            // A small set to choose on, whose errors cost next to nothing.
            let some = Samples::new(x.slice(ndarray::s![..10, ..]), &y[..10], classes);
            let (_, end, sweep) = params
                .fit(&samples, Some(&some.expect("samples")))
                .expect("fits");
            let seconds = start.elapsed().as_secs_f64();
            let objectives: Vec<f64> = sweep.iter().map(|p| p.objective).collect();
            let iterations: usize = sweep.iter().map(|p| p.iterations).sum();
            println!(
                "{}",
                json!({ "engine": "modalign", "kind": kind, "c": cs, "tolerance": tolerance,
                    "seconds": seconds, "objectives": objectives, "iterations": iterations,
                    "converged": end.converged })
            );
        }
    }
}

fn otdd(folder: &Path, x: &Array2<f32>) {
    let z = features(&folder.join("z.npy"));
    let (y, w) = (labels(&folder.join("y.npy")), labels(&folder.join("w.npy")));
    // Without further iterations it is geomloss's algorithm; then to convergence.
    for iterations in [0, 1000] {
        let params = OtddParams::new().max_iterations(iterations).check();
        let params = params.expect("settings");
        let start = Instant::now();
        let source = Samples::new(x.view(), &y, 10).expect("source");
        let target = Samples::new(z.view(), &w, 10).expect("target");
        let found = Source::new(&source, &params)
            .and_then(|s| s.distance(&target))
            .expect("OTDD");
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{}",
            json!({ "measure": "otdd", "engine": "modalign", "most_iterations": iterations,
                "seconds": seconds, "value": found.value, "iterations": found.iterations,
                "violation": found.marginal_violation, "converged": found.converged })
        );
    }
}

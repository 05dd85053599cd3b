//! The program on clusters: a real Slurm on the loopback, a real NFSv4.2 in a user-mode Linux, and engines that hand out
//! cells by the files in `examples/`. What is not installed is skipped, which each test says, or with
//! `MODALIGN_CLUSTER=required` (`make test-cluster`, which installs all of it) an error.

mod slurm;

use super::sweep::{Home, long};
use super::*;

/// Says that a test is skipped, which is an error where all that it wants was installed for it.
fn skip(test: &str, why: &str) {
    let required = std::env::var("MODALIGN_CLUSTER").is_ok_and(|value| value == "required");
    assert!(!required, "{test}: {why}; MODALIGN_CLUSTER=required");
    println!("skipped: {test}: {why}");
}

/// A Python that knows a package; says so where there is none.
pub fn python(package: &str) -> Option<String> {
    let python = std::env::var("MODALIGN_PYTHON").unwrap_or("python3".into());
    let known = Command::new(&python)
        .args(["-c", &format!("import {package}")])
        .output();
    if known.is_ok_and(|known| known.status.success()) {
        return Some(python);
    }
    let how = format!("pip install {package}; MODALIGN_PYTHON names another Python");
    skip(package, &format!("{python} does not know it ({how})"));
    None
}

/// Whether programs are there; says which are not.
fn has(test: &str, programs: &[&str], how: &str) -> bool {
    let there = |name: &&&str| {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\"", name])
            .output();
        found.is_ok_and(|found| found.status.success())
    };
    match programs.iter().find(|name| !there(name)) {
        None => true,
        Some(name) => {
            skip(test, &format!("no {name} on this machine ({how})"));
            false
        }
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cluster")
        .join(name)
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(name);
    path.to_str().unwrap().into()
}

/// `PATH` with the program's folder first.
fn path() -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_modalign")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{}:/usr/sbin:{path}", program.display())
}

#[test]
fn two_hosts_share_a_folder_over_nfs() {
    let how = "scripts/bootstrap.sh --cluster installs user-mode-linux, nfs-kernel-server, nfs-common, kmod";
    if !has(
        "NFS",
        &["linux.uml", "/usr/sbin/rpc.nfsd", "/usr/sbin/modprobe"],
        how,
    ) {
        return;
    }
    let home = Home::of(&long(4));
    let done = Command::new(script("nfs.sh"))
        .arg(script("shared.sh"))
        .arg("500")
        .env("PATH", path())
        .env("MODALIGN", env!("CARGO_BIN_EXE_modalign"))
        .env("TINY", &home.suite)
        .output()
        .unwrap();
    let said = text(&done.stdout) + &text(&done.stderr);
    assert!(
        done.status.success() && said.contains("ok: two hosts"),
        "{said}"
    );
    assert!(!said.contains("skipped"), "{said}");
}

/// Runs an engine; all cells are done and the report is there.
fn driven(home: &Home, mut engine: Command) {
    engine.env("PATH", path()).env("RAYON_NUM_THREADS", "1");
    engine.env("SUITE", &home.suite).env("OUT", &home.run);
    engine.current_dir(home.suite.parent().unwrap());
    let done = engine.output().unwrap();
    let said = text(&done.stdout) + &text(&done.stderr);
    assert!(done.status.success(), "{said}");
    assert!(
        home.list(&[]).iter().all(|(_, state)| state == "done"),
        "{said}"
    );
    assert!(home.run.join("report.html").exists(), "{said}");
}

/// The tiny suite with a target and two seeds.
fn two_cells() -> Home {
    Home::of(&long(2))
}

#[test]
fn gnu_parallel_does_a_sweep() {
    if has("GNU parallel", &["parallel"], "apt-get install parallel") {
        let mut engine = Command::new("bash");
        engine
            .arg(example("sweep_parallel.sh"))
            .args(["--jobs", "2"]);
        driven(&two_cells(), engine);
    }
}

#[test]
fn snakemake_does_a_sweep() {
    if has("Snakemake", &["snakemake"], "pip install snakemake") {
        let home = two_cells();
        let mut engine = Command::new("snakemake");
        engine.args([
            "--cores",
            "2",
            "--snakefile",
            &example("Snakefile"),
            "--config",
        ]);
        engine.arg(format!("suite={}", home.suite.display()));
        engine.arg(format!("out={}", home.run.display()));
        driven(&home, engine);
    }
}

#[test]
fn submitit_does_a_sweep() {
    let Some(python) = python("submitit") else {
        return;
    };
    let mut engine = Command::new(python);
    engine
        .arg(example("sweep_submitit.py"))
        .args(["--cluster", "local"]);
    driven(&two_cells(), engine);
}

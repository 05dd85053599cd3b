//! The program on clusters: a real Slurm on the loopback, a real NFSv4.2 in a user-mode Linux, and engines that hand out
//! cells by the files in `examples/`. What is not installed is skipped, which each test says.

use super::sweep::{Home, long, wait_for};
use super::*;
use serde_json::Value;
use std::fs;

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
            println!("skipped: {test}: no {name} on this machine ({how})");
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

/// A Slurm cluster, which ends with the test.
struct Slurm {
    home: tempfile::TempDir,
}

impl Slurm {
    fn start() -> Option<Self> {
        let how = "scripts/bootstrap.sh --test installs slurm-wlm and munge";
        if !has("Slurm", &["slurmctld", "slurmd", "munged", "sbatch"], how) {
            return None;
        }
        let root = Command::new("id").arg("-u").output().unwrap();
        if text(&root.stdout).trim() != "0" {
            println!("skipped: Slurm: slurmd needs root to set the user of a job");
            return None;
        }
        let slurm = Self {
            home: tempfile::tempdir().unwrap(),
        };
        // munged wants its socket to be reachable by all.
        let mode = |path: &Path| Command::new("chmod").arg("755").arg(path).status().unwrap();
        assert!(mode(slurm.home.path()).success());
        let started = slurm.daemon("start");
        if !started.status.success() {
            // A sandbox may forbid what its daemons need: that is no fault of the program.
            let why = text(&started.stderr);
            println!("skipped: Slurm: the cluster does not start on this machine: {why}");
            return None;
        }
        Some(slurm)
    }

    fn daemon(&self, verb: &str) -> Output {
        Command::new(script("slurm.sh"))
            .arg(verb)
            .arg(self.home.path().join("cluster"))
            .env("PATH", path())
            .env("MAX_ARRAY", "2")
            .output()
            .unwrap()
    }

    /// A command that finds the cluster.
    fn on(&self, mut command: Command) -> Command {
        let conf = self.home.path().join("cluster/slurm.conf");
        command.env("SLURM_CONF", conf).env("PATH", path());
        command
    }

    fn said(&self, program: &str, arguments: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(arguments);
        let done = self.on(command).output().unwrap();
        assert!(done.status.success(), "{program}: {}", text(&done.stderr));
        text(&done.stdout)
    }

    fn sweep(&self, home: &Home, more: &[&str]) -> String {
        let done = self.on(home.command(more)).output().unwrap();
        assert!(done.status.success(), "{more:?}: {}", text(&done.stderr));
        text(&done.stdout)
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.daemon("stop");
    }
}

/// Three cells, of which the first is preempted in the middle and one fails: chunks of two, the report after all of them.
#[test]
fn slurm_does_what_is_missing_goes_on_after_preemption_and_reports() {
    let Some(slurm) = Slurm::start() else { return };
    let home = Home::of(&long(24).replace("seeds = [0, 1]", "seeds = [0, 1, 2]"));
    // How the preempted cell must end: as one that nobody disturbed.
    let alone = home.run.with_file_name("alone");
    let train = [
        "train",
        "--suite",
        home.suite.to_str().unwrap(),
        "--target",
        "emg",
        "--method",
        "nft",
    ];
    let done = modalign(&[&train[..], &["--out", alone.to_str().unwrap()]].concat());
    assert!(done.status.success(), "{}", text(&done.stderr));
    // A cell that failed before is not submitted.
    let failed = home.run.join("cells/emg-nft-2");
    let options = [
        "--slurm",
        "--sbatch",
        "--partition=spare --cpus-per-task=1 --time=30",
    ];

    let dry = slurm.sweep(&home, &[&options[..], &["--dry-run"]].concat());
    assert!(!home.run.exists(), "a dry run writes nothing");
    for part in [
        "#SBATCH --partition=spare",
        "--array=0-1",
        "--array=0-0",
        "afterany:JOB1:JOB2",
    ] {
        assert!(dry.contains(part), "{part}: {dry}");
    }
    fs::create_dir_all(&failed).unwrap();
    fs::write(home.run.join("run.lock"), "").unwrap();
    fs::write(failed.join("failed.json"), r#"{"why": "it did"}"#).unwrap();
    let jobs = slurm.sweep(&home, &options);
    let jobs: Vec<&str> = jobs.lines().collect();
    let [array, report] = jobs[..] else {
        panic!("{jobs:?}")
    };
    let again = slurm.on(home.command(&options)).output().unwrap();
    let said = text(&again.stderr);
    assert!(
        said.contains("0 cells to submit; 0 are done, 1 failed before"),
        "{said}"
    );
    assert!(said.contains("2 are in Slurm's queue"), "{said}");

    let metrics = home.run.join("cells/emg-nft-0/metrics.jsonl");
    let log =
        || fs::read_to_string(home.run.join(format!("slurm/1/{array}_0.log"))).unwrap_or_default();
    wait_for(|| fs::read_to_string(&metrics).is_ok_and(|text| text.lines().count() >= 3));
    let status = slurm.sweep(&home, &["--slurm", "--status", "--json"]);
    let status: Vec<Value> = serde_json::from_str(&status).unwrap();
    assert_eq!(
        (&status[0]["state"], &status[0]["job"]["state"]),
        (&"running".into(), &"RUNNING".into())
    );
    assert_eq!(status[0]["job"]["job"], format!("{array}_0"));
    assert_eq!(
        (&status[2]["state"], &status[2]["job"]),
        (&"failed".into(), &Value::Null)
    );
    let table = slurm.sweep(&home, &["--slurm", "--status"]);
    assert!(
        table.contains("report") && table.contains("(Dependency)"),
        "{table}"
    );

    let preempt = [
        "--partition=main",
        "--nodes=2",
        "--ntasks=2",
        "--cpus-per-task=2",
    ];
    slurm.said(
        "sbatch",
        &[&preempt[..], &["--output=/dev/null", "--wrap", "sleep 2"]].concat(),
    );
    wait_for(|| {
        slurm
            .said("squeue", &["--noheader", "--format=%i"])
            .trim()
            .is_empty()
    });
    let job = |id: &str| slurm.said("scontrol", &["show", "job", id]);
    let first = job(&format!("{array}_0"));
    assert!(
        first.contains("JobState=COMPLETED") && !first.contains("Restarts=0"),
        "{first}\n{}",
        log()
    );
    assert!(log().contains("ended with 130"), "{}", log());
    let states: Vec<String> = home.list(&[]).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done", "done", "failed"]);
    let weights =
        |run: &Path| fs::read(run.join("cells/emg-nft-0/model/model.safetensors")).unwrap();
    assert!(
        weights(&alone) == weights(&home.run),
        "the preempted cell differs"
    );
    assert!(home.run.join("report.html").exists(), "{}", job(report));
    let record = fs::read_to_string(home.run.join("run.json")).unwrap();
    assert!(
        record.contains("1 of 3 transfers were not trained: emg-nft-2"),
        "{record}"
    );
    // What failed is submitted when it is asked for.
    let dry = slurm.sweep(
        &home,
        &[&options[..], &["--dry-run", "--retry-failed"]].concat(),
    );
    assert!(dry.contains("slurm/2/cells-1.txt\nemg-nft-2\n"), "{dry}");
}

#[test]
fn slurm_that_is_not_there_is_told() {
    let home = Home::of(TINY);
    let done = home
        .command(&["--slurm"])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    let said = text(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(said.contains("sbatch: expected Slurm's command"), "{said}");
    let dry = home
        .command(&["--slurm", "--dry-run"])
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    assert!(dry.status.success(), "{}", text(&dry.stderr));
    for wrong in ["--array=1-3", "--wrap=x"] {
        home.sweep(&["--slurm", "--sbatch", wrong], 2);
    }
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
    let python = std::env::var("MODALIGN_PYTHON").unwrap_or("python3".into());
    let known = Command::new(&python)
        .args(["-c", "import submitit"])
        .output();
    if !known.is_ok_and(|known| known.status.success()) {
        println!(
            "skipped: submitit: {python} does not know it (pip install submitit; MODALIGN_PYTHON names another Python)"
        );
        return;
    }
    let mut engine = Command::new(python);
    engine
        .arg(example("sweep_submitit.py"))
        .args(["--cluster", "local"]);
    driven(&two_cells(), engine);
}

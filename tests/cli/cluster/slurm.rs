//! Sweeps on a real Slurm on the loopback: cells that are preempted, reach their time limit, lose their node or fail.

use super::*;
use crate::sweep::wait_for;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

/// A Slurm cluster, which ends with the test.
struct Slurm {
    home: tempfile::TempDir,
    port: u16,
}

/// The first of three ports that nobody uses, below those that systems give to connections: slurmctld's and two nodes'.
/// Clusters of one test process never have the same.
fn ports() -> u16 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let free = |port: u16| TcpListener::bind(("0.0.0.0", port)).is_ok();
    let next = || {
        let n = std::process::id().wrapping_mul(7) + ASKED.fetch_add(1, Ordering::Relaxed);
        16_817 + 3 * (n % 4_000) as u16
    };
    let mut some = std::iter::repeat_with(next).take(100);
    let found = some.find(|&port| (port..port + 3).all(free));
    found.expect("three free ports in a row")
}

impl Slurm {
    fn start() -> Option<Self> {
        let how = "scripts/bootstrap.sh --test installs slurm-wlm and munge";
        if !has("Slurm", &["slurmctld", "slurmd", "munged", "sbatch"], how) {
            return None;
        }
        let root = Command::new("id").arg("-u").output().unwrap();
        if text(&root.stdout).trim() != "0" {
            skip("Slurm", "slurmd needs root to set the user of a job");
            return None;
        }
        let slurm = Self {
            home: tempfile::tempdir().unwrap(),
            port: ports(),
        };
        // munged wants its socket to be reachable by all.
        let mode = |path: &Path| Command::new("chmod").arg("755").arg(path).status().unwrap();
        assert!(mode(slurm.home.path()).success());
        let started = slurm.daemon("start", &[]);
        let why = text(&started.stderr);
        assert!(
            started.status.success(),
            "Slurm is installed and does not start: {why}"
        );
        Some(slurm)
    }

    fn daemon(&self, verb: &str, more: &[&str]) -> Output {
        Command::new(script("slurm.sh"))
            .arg(verb)
            .arg(self.home.path().join("cluster"))
            .args(more)
            .env("PATH", path())
            .env("PORT", self.port.to_string())
            .env("MAX_ARRAY", "2")
            // A minute is the least limit, and a report by a build that is not optimised takes longer.
            .env("OVER_TIME", "10")
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

    /// Submits a sweep that is one array; the ids of the array and of the report's job.
    fn submit(&self, home: &Home, options: &[&str]) -> [String; 2] {
        let jobs = self.sweep(home, options);
        let jobs: Vec<String> = jobs.lines().map(String::from).collect();
        jobs.try_into()
            .unwrap_or_else(|jobs| panic!("an array and a report: {jobs:?}"))
    }

    /// What Slurm knows of a job.
    fn job(&self, id: &str) -> String {
        self.said("scontrol", &["show", "job", id])
    }

    /// Waits until the queue is empty.
    fn idle(&self) {
        let queue = || self.said("squeue", &["--noheader", "--format=%i"]);
        wait_for(|| queue().trim().is_empty());
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        self.daemon("stop", &[]);
    }
}

/// The weights of the first cell of a run.
fn weights(run: &Path) -> Vec<u8> {
    fs::read(run.join("cells/emg-nft-0/model/model.safetensors")).unwrap()
}

/// The weights of the first cell of a suite where nobody disturbs it.
fn undisturbed(home: &Home) -> Vec<u8> {
    let alone = home.run.with_file_name("alone");
    let [suite, out] = [&home.suite, &alone].map(|path| path.to_str().unwrap());
    let cell = ["--target", "emg", "--method", "nft", "--out", out];
    let done = modalign(&[&["train", "--suite", suite], &cell[..]].concat());
    assert!(done.status.success(), "{}", text(&done.stderr));
    weights(&alone)
}

/// The epochs of the first cell that are kept.
fn epochs(home: &Home) -> usize {
    let metrics = home.run.join("cells/emg-nft-0/metrics.jsonl");
    fs::read_to_string(metrics).map_or(0, |text| text.lines().count())
}

/// What an element of the array of the first submission said.
fn log(home: &Home, id: &str) -> String {
    fs::read_to_string(home.run.join(format!("slurm/1/{id}.log"))).unwrap_or_default()
}

/// Three cells, of which the first is preempted in the middle and one fails: chunks of two, the report after all of them.
#[test]
fn slurm_does_what_is_missing_goes_on_after_preemption_and_reports() {
    let Some(slurm) = Slurm::start() else { return };
    let home = Home::of(&long(24).replace("seeds = [0, 1]", "seeds = [0, 1, 2]"));
    let alone = undisturbed(&home);
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
    let [array, report] = slurm.submit(&home, &options);
    let again = slurm.on(home.command(&options)).output().unwrap();
    let said = text(&again.stderr);
    assert!(
        said.contains("0 cells to submit; 0 are done, 1 failed before"),
        "{said}"
    );
    assert!(said.contains("2 are in Slurm's queue"), "{said}");

    let log = || log(&home, &format!("{array}_0"));
    wait_for(|| epochs(&home) >= 3);
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
    slurm.idle();
    let first = slurm.job(&format!("{array}_0"));
    assert!(
        first.contains("JobState=COMPLETED") && !first.contains("Restarts=0"),
        "{first}\n{}",
        log()
    );
    assert!(log().contains("ended with 130"), "{}", log());
    let states: Vec<String> = home.list(&[]).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done", "done", "failed"]);
    assert!(alone == weights(&home.run), "the preempted cell differs");
    assert!(
        home.run.join("report.html").exists(),
        "{}",
        slurm.job(&report)
    );
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

/// Where the time limit comes near, the first cell keeps its epochs and its element alone is requeued: that of the second,
/// which fails, is not, and keeps neither the first nor the report from being done.
#[test]
fn slurm_requeues_what_a_time_limit_ends_and_not_what_fails() {
    let Some(slurm) = Slurm::start() else { return };
    // The embedder that `emb` trains first, and `nft` does not, diverges.
    let transfer = "methods = [\"nft\", \"emb\"]\nseeds = [0]\n\
                    stage1 = { epochs = 1, source_batch = 20, learning_rate = 1e30 }";
    let home = Home::of(&long(8).replace("seeds = [0, 1]", transfer));
    let alone = undisturbed(&home);
    let options = ["--slurm", "--sbatch", "--cpus-per-task=1 --time=1"];
    let [array, report] = slurm.submit(&home, &options);
    let [first, second] = [0, 1].map(|element| format!("{array}_{element}"));

    // The cell takes longer than its limit: it stands still until Slurm tells it to end.
    let stopped = stopped_after_an_epoch(&home);
    wait_for(|| {
        let told = term_is_pending(&stopped);
        told.is_none_or(|told| told && signal("-CONT", &stopped))
    });
    slurm.idle();

    let (job, said) = (slurm.job(&first), log(&home, &first));
    assert!(job.contains("JobState=COMPLETED"), "{job}\n{said}");
    assert!(!job.contains("Restarts=0"), "{job}\n{said}");
    let (began, ended) = (at(&said, "start 0"), at(&said, "ended with 130"));
    // A day has 86,400 seconds, and midnight may lie between them.
    assert!((ended + 86_400 - began) % 86_400 < 60, "{said}");
    assert!(alone == weights(&home.run), "the cell differs");

    let (job, said) = (slurm.job(&second), log(&home, &second));
    for word in ["JobState=FAILED", "Restarts=0", "ExitCode=1:0"] {
        assert!(job.contains(word), "{word}: {job}\n{said}");
    }
    assert_eq!(said.matches("ended with 1\n").count(), 1, "{said}");
    let states: Vec<String> = home.list(&[]).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["done", "failed"]);
    let failed = fs::read_to_string(home.run.join("cells/emg-emb-0/failed.json")).unwrap();
    assert!(failed.contains("the loss became"), "{failed}");

    let page = fs::read_to_string(home.run.join("report.html"));
    let page = page.unwrap_or_else(|_| panic!("no report: {}", slurm.job(&report)));
    assert!(page.contains("the loss became"), "the report says why");
}

/// Stops the process of the first cell after an epoch; its id.
fn stopped_after_an_epoch(home: &Home) -> String {
    let mut stopped = None;
    wait_for(|| {
        stopped = at_work(home).filter(|pid| epochs(home) > 0 && signal("-STOP", pid));
        stopped.is_some()
    });
    stopped.expect("a process")
}

/// The process that trains the first cell, as the cell's lock says.
fn at_work(home: &Home) -> Option<String> {
    let lock = fs::read_to_string(home.run.join("cells/emg-nft-0.lock")).ok()?;
    let pid = lock.strip_prefix("process ")?.split(' ').next()?;
    Some(pid.into())
}

fn signal(name: &str, pid: &str) -> bool {
    let sent = Command::new("kill").args([name, pid]).output();
    sent.is_ok_and(|sent| sent.status.success())
}

/// Whether SIGTERM was sent to a process that stands still; `None` where it is gone, as Slurm may send SIGCONT, too.
fn term_is_pending(pid: &str) -> Option<bool> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    let mask = u64::from_str_radix(mask?.trim(), 16).expect("a mask");
    Some(mask & 1 << 14 != 0)
}

/// The second of the day of the first line of a log with these words.
fn at(log: &str, words: &str) -> u32 {
    let line = log.lines().find(|line| line.contains(words));
    let line = line.unwrap_or_else(|| panic!("{words}: {log}"));
    // 2026-01-31T12:34:56
    let fields = line[11..19].split(':').map(|field| field.parse::<u32>());
    fields.fold(0, |all, field| 60 * all + field.unwrap())
}

/// Two cells, a node each; the node of the first dies with all that runs on it.
#[test]
fn slurm_goes_on_elsewhere_when_a_node_is_killed() {
    let Some(slurm) = Slurm::start() else { return };
    let home = Home::of(&long(8));
    let alone = undisturbed(&home);
    let [array, report] = slurm.submit(&home, &["--slurm", "--sbatch", "--cpus-per-task=2"]);
    let [first, second] = [0, 1].map(|element| format!("{array}_{element}"));
    let pid = stopped_after_an_epoch(&home);
    let node = slurm.said("squeue", &["--noheader", "--format=%N", "--jobs", &first]);
    let node = node.trim();
    let killed = slurm.daemon("kill-node", &[node]);
    assert!(killed.status.success(), "{}", text(&killed.stderr));
    wait_for(|| !Path::new(&format!("/proc/{pid}")).exists());
    slurm.idle();

    let (job, said) = (slurm.job(&first), log(&home, &first));
    assert!(job.contains("JobState=COMPLETED"), "{job}\n{said}");
    assert!(job.contains("Restarts=1"), "{job}\n{said}");
    assert!(!job.contains(&format!("BatchHost={node}")), "{job}\n{said}");
    // The first start said nothing of its end.
    assert_eq!(said.matches("ended with").count(), 1, "{said}");
    assert!(alone == weights(&home.run), "the cell differs");
    let job = slurm.job(&second);
    assert!(job.contains("JobState=COMPLETED"), "{job}");
    assert!(job.contains("Restarts=0"), "{job}");
    assert!(
        home.run.join("report.html").exists(),
        "{}",
        slurm.job(&report)
    );
}

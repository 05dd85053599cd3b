//! What the script of cells does when bash runs it, between programs that stand for Slurm's and for `nvidia-smi`.

use super::script::Script;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A folder of programs that stand before all others on the `PATH`.
struct Node {
    home: TempDir,
}

impl Node {
    fn with(programs: &[(&str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        for (name, body) in programs {
            let text = home.path().join("text");
            fs::write(&text, format!("#!/bin/bash\n{body}\n")).unwrap();
            // Another process writes what is to be run: one that is started meanwhile would keep our file open and so busy.
            let mut install = Command::new("install");
            let made = install.arg("-m755").arg(text).arg(home.path().join(name));
            assert!(made.status().unwrap().success());
        }
        Self { home }
    }

    /// Runs the script as the second element of array 7, which does the cell `b`.
    fn runs(&self, device: &str, variables: &[(&str, &str)]) -> Output {
        let home = self.home.path();
        let script = Script {
            name: "tiny",
            options: "",
            program: "/opt/mod align/modalign".into(),
            run: home.join("it's a run"),
            folder: home.into(),
            data: None,
            device,
            most: 2,
        };
        let [file, cells] = ["cells.sh", "cells.txt"].map(|name| home.join(name));
        fs::write(&file, script.cells()).unwrap();
        fs::write(&cells, "a\nb\n").unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut bash = Command::new("bash");
        bash.arg(file).arg(cells);
        bash.env("PATH", format!("{}:{path}", home.display()));
        bash.env_remove("CUDA_VISIBLE_DEVICES");
        bash.env("SLURM_ARRAY_JOB_ID", "7")
            .env("SLURM_ARRAY_TASK_ID", "1");
        bash.envs(variables.iter().copied()).output().unwrap()
    }
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&[&done.stdout[..], &done.stderr].concat()).into_owned()
}

#[test]
fn the_card_that_slurm_gave_is_the_one_that_is_used() {
    let knows = "[[ $1 == --id=GPU-12ab ]] || exit 6\necho 00000000:65:00.0";
    let node = Node::with(&[("srun", "printf '<%s>' \"$@\""), ("nvidia-smi", knows)]);
    let given = [("CUDA_VISIBLE_DEVICES", "GPU-12ab,GPU-34cd")];
    let strange = [("CUDA_VISIBLE_DEVICES", "9")];
    for (device, variables, expected) in [
        ("wgpu", &given[..], "wgpu:00000000:65:00.0"),
        ("vulkan", &given, "vulkan:00000000:65:00.0"),
        // None was given, one that the driver does not know, or another was asked for.
        ("wgpu", &[], "wgpu"),
        ("wgpu", &strange, "wgpu"),
        ("wgpu:1", &given, "wgpu:1"),
        ("flex", &given, "flex"),
    ] {
        let done = node.runs(device, variables);
        let said = said(&done);
        assert!(done.status.success(), "{said}");
        let command = format!("<--device><{expected}><--cell><b>");
        assert!(said.contains(&command), "{command}: {said}");
        assert!(said.contains("</opt/mod align/modalign><sweep>"), "{said}");
    }
}

#[test]
fn an_element_that_is_interrupted_is_requeued_a_bounded_number_of_times() {
    // Slurm ends the script of a job that it requeues.
    let ends = "echo \"scontrol $*\"\nkill -KILL $PPID";
    let node = Node::with(&[("srun", "exit \"$CODE\""), ("scontrol", ends)]);
    for (code, before, requeued) in [
        (130, "0", true),
        (130, "19", true),
        (143, "19", true),
        (130, "20", false),
        (143, "20", false),
        (0, "0", false),
        (1, "0", false),
    ] {
        let exit = code.to_string();
        let done = node.runs("flex", &[("CODE", &exit), ("SLURM_RESTART_COUNT", before)]);
        let said = said(&done);
        let asked = said.contains("scontrol requeue 7_1\n");
        assert_eq!(asked, requeued, "{code}, {before}: {said}");
        if !requeued {
            assert_eq!(done.status.code(), Some(code), "{said}");
        }
        let told = said.contains("not requeued: it was started 20 times again");
        assert_eq!(told, before == "20", "{code}, {before}: {said}");
    }
}

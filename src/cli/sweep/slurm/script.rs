//! The scripts that are submitted, as text that a person reads and may change, and the commands that submit them.

use std::path::{Path, PathBuf};

/// File name of the script of cells.
pub const CELLS: &str = "cells.sbatch";
/// File name of the script of the report.
pub const REPORT: &str = "report.sbatch";
/// Most starts of one cell after the first: one that is interrupted again and again does not go on for ever.
const MOST_RESTARTS: usize = 20;
/// Seconds before the time limit at which a cell is told to keep what it has.
const LEAD: usize = 120;

/// What the scripts say.
pub struct Script<'a> {
    /// The suite's name.
    pub name: &'a str,
    /// The user's options.
    pub options: &'a str,
    /// This program.
    pub program: PathBuf,
    /// The run folder.
    pub run: PathBuf,
    /// The folder of this submission.
    pub folder: PathBuf,
    /// Folder of data files.
    pub data: Option<PathBuf>,
    /// The device asked for.
    pub device: &'a str,
    /// Most elements of an array.
    pub most: usize,
}

/// File name of the list of an array's cells.
pub fn names(chunk: usize) -> String {
    format!("cells-{}.txt", chunk + 1)
}

/// A command line for a shell.
pub fn line(program: &str, arguments: &[String]) -> String {
    let words = arguments.iter().map(|word| quoted(word));
    let words: Vec<String> = std::iter::once(program.into()).chain(words).collect();
    words.join(" ") + "\n"
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.into(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

impl Script<'_> {
    /// Arguments of `sbatch` for the array of a chunk.
    pub fn cells_command(&self, chunk: usize, count: usize) -> Vec<String> {
        vec![
            "--parsable".into(),
            format!("--array=0-{}", count - 1),
            self.folder.join(CELLS).to_string_lossy().into(),
            self.folder.join(names(chunk)).to_string_lossy().into(),
        ]
    }

    /// Arguments of `sbatch` for the report after the end of `jobs`, whatever that is.
    pub fn report_command(&self, jobs: &[String]) -> Vec<String> {
        vec![
            "--parsable".into(),
            format!("--dependency=afterany:{}", jobs.join(":")),
            self.folder.join(REPORT).to_string_lossy().into(),
        ]
    }

    /// What both scripts begin with: `#SBATCH` lines, the user's last, so that they hold.
    fn head(&self, about: &str, job: &str, log: &str, own: &[String]) -> String {
        // Slurm reads % in file names.
        let log = self.folder.to_string_lossy().replace('%', "%%") + "/" + log;
        let mut text = format!(
            "#!/bin/bash\n{about}#SBATCH --job-name={job}-{}\n",
            self.name
        );
        text += &format!("#SBATCH --output=\"{log}\"\n#SBATCH --open-mode=append\n");
        own.iter()
            .for_each(|option| text += &format!("#SBATCH {option}\n"));
        if !self.options.trim().is_empty() {
            text += &format!("#SBATCH {}\n", self.options.trim());
        }
        text += "set -u\n# As many threads as Slurm gives processors.\n";
        text += "threads=${SLURM_CPUS_PER_TASK:-${SLURM_CPUS_ON_NODE:-1}}\n";
        text += "export RAYON_NUM_THREADS=$threads OPENBLAS_NUM_THREADS=$threads SRUN_CPUS_PER_TASK=$threads\n";
        text + &self.card()
    }

    /// Which device is asked for: of several cards the one that Slurm gave.
    fn card(&self) -> String {
        let device = quoted(self.device);
        let mut text = format!("device={device}\n");
        if matches!(self.device, "wgpu" | "vulkan") {
            text += "\
# Vulkan does not know CUDA_VISIBLE_DEVICES: the card that Slurm gave is named by its PCI address.
card=${CUDA_VISIBLE_DEVICES:-}
card=${card%%,*}
if [[ -n $card ]] && command -v nvidia-smi >/dev/null; then
    pci=$(nvidia-smi --id=\"$card\" --query-gpu=pci.bus_id --format=csv,noheader) && device=$device:$pci
fi
";
        }
        text
    }

    /// `--data DIR`, if there is one.
    fn data(&self) -> String {
        let data = self.data.as_deref();
        data.map_or(String::new(), |data| format!(" --data {}", path(data)))
    }

    /// The script of the cells.
    pub fn cells(&self) -> String {
        let about = format!(
            "# Cells of the sweep in {}: element i of the array does the cell in line i + 1 of the file\n\
             # that is this script's argument. Written by modalign sweep --slurm; at most {} elements an array.\n",
            self.run.display(),
            self.most
        );
        let own = ["--requeue".into(), format!("--signal=TERM@{LEAD}")];
        let head = self.head(&about, "cells", "%A_%a.log", &own);
        let (program, run) = (path(&self.program), path(&self.run));
        let data = self.data();
        format!(
            r#"{head}
name=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" "$1")
id=${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID
echo "$(date +%FT%T) $id on ${{SLURMD_NODENAME:-}}: $name on $device, $threads threads, start ${{SLURM_RESTART_COUNT:-0}}"
trap : TERM INT HUP USR1 USR2    # this shell outlives its step, to requeue it
srun --ntasks=1 --unbuffered {program} sweep --suite {run}/config.toml --out {run}{data} --device "$device" --cell "$name" &
step=$!
while :; do wait $step; code=$?; kill -0 $step 2>/dev/null || break; done
echo "$(date +%FT%T) $id ended with $code"
# Interrupted (130; 143 where srun itself was): whole epochs are kept, and this element goes on from there.
if [[ $code == 130 || $code == 143 ]]; then
    if (( ${{SLURM_RESTART_COUNT:-0}} < {MOST_RESTARTS} )); then
        scontrol requeue "$id" && sleep 120    # Slurm ends this script
    else
        echo "not requeued: it was started {MOST_RESTARTS} times again"
    fi
fi
exit $code
"#
        )
    }

    /// The script of the report.
    pub fn report(&self) -> String {
        let about = format!(
            "# The report of what is there of {}, after the end of the cells, whatever that is.\n\
             # Written by modalign sweep --slurm.\n",
            self.run.display()
        );
        let head = self.head(&about, "report", "report-%j.log", &["--requeue".into()]);
        let (program, run, data) = (path(&self.program), path(&self.run), self.data());
        format!(
            r#"{head}
srun --ntasks=1 {program} report {run} --collect{data} --device "$device"
"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(device: &str) -> Script<'_> {
        Script {
            name: "tiny",
            options: "--partition=spare --time=30",
            program: "/opt/mod align/modalign".into(),
            run: "/work/50% of it's".into(),
            folder: "/work/50% of it's/slurm/1".into(),
            data: Some("/data".into()),
            device,
            most: 2,
        }
    }

    #[test]
    fn a_shell_reads_the_scripts() {
        for device in ["flex", "wgpu"] {
            let script = script(device);
            for text in [script.cells(), script.report()] {
                let home = tempfile::tempdir().unwrap();
                let file = home.path().join("x.sh");
                std::fs::write(&file, &text).unwrap();
                let read = std::process::Command::new("bash")
                    .arg("-n")
                    .arg(&file)
                    .status();
                assert!(read.is_ok_and(|status| status.success()), "{text}");
                assert!(text.contains("'/opt/mod align/modalign'"), "{text}");
                assert!(text.contains("#SBATCH --partition=spare --time=30\n"));
                assert!(text.contains("--output=\"/work/50%% of it's/slurm/1/"));
                assert_eq!(text.contains("nvidia-smi"), device == "wgpu");
            }
        }
    }

    #[test]
    fn commands_are_quoted_for_a_shell() {
        let words = script("flex").cells_command(1, 2);
        let line = line("sbatch", &words);
        assert!(
            line.starts_with("sbatch --parsable --array=0-1 '/work/50% of it'"),
            "{line}"
        );
        assert!(line.contains("cells-2.txt"), "{line}");
        let report = script("flex").report_command(&["7".into(), "9".into()]);
        assert_eq!(report[1], "--dependency=afterany:7:9");
    }
}

//! Who works in a folder, as its lock file says: process, host, the cluster's job, and since when. A run folder may be
//! shared by many hosts, where a number of a process alone leads nowhere.

use std::fs::File;
use std::io::Read;
use std::time::SystemTime;

/// First word of every name that we write; a file that does not begin with it names nobody.
const PROCESS: &str = "process ";
/// Most bytes of a name.
const MOST: usize = 300;

/// Job ids as batch systems give them: name of the system, variable of the job, variable of the element of an array.
const SYSTEMS: [(&str, &str, &str); 5] = [
    ("Slurm", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"),
    ("Slurm", "SLURM_JOB_ID", ""),
    ("PBS", "PBS_JOBID", ""),
    ("LSF", "LSB_JOBID", "LSB_JOBINDEX"),
    ("Grid Engine", "JOB_ID", "SGE_TASK_ID"),
];

/// This process.
pub fn this_process() -> String {
    let since = humantime::format_rfc3339_seconds(SystemTime::now());
    let mut said = format!("{PROCESS}{}", std::process::id());
    if let Some(host) = host() {
        said += &format!(" on {host}");
    }
    if let Some(job) = job(|name| std::env::var(name).ok()) {
        said += &format!(", {job}");
    }
    format!("{said}, since {since}")
}

/// The name in a lock file; `None` if nobody's is there.
pub fn read(file: &mut File) -> Option<String> {
    let mut said = String::new();
    file.take(MOST as u64).read_to_string(&mut said).ok()?;
    let said = said.trim();
    let ours = said.starts_with(PROCESS) && !said.chars().any(char::is_control);
    ours.then(|| said.to_owned())
}

/// The name of this host, where the system tells.
fn host() -> Option<String> {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let told = told.or_else(|| std::env::var("HOSTNAME").ok());
    told.and_then(|name| plain(&name))
}

/// The job that this process belongs to.
fn job(variable: impl Fn(&str) -> Option<String>) -> Option<String> {
    let value = |name: &str| plain(&variable(name)?);
    SYSTEMS.iter().find_map(|(system, job, element)| {
        let job = value(job)?;
        Some(match value(element).filter(|text| text != "undefined") {
            Some(element) => format!("{system} job {job}_{element}"),
            None => format!("{system} job {job}"),
        })
    })
}

/// A short name in one word; `None` of anything else.
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let fine = |c: char| c.is_ascii_graphic();
    (!text.is_empty() && text.len() <= 80 && text.chars().all(fine)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_named_as_their_systems_name_them() {
        let job = |given: &[(&str, &str)]| {
            job(|name| {
                let found = given.iter().find(|(known, _)| *known == name)?;
                Some(found.1.to_owned())
            })
        };
        assert_eq!(job(&[]), None);
        let single = [("SLURM_JOB_ID", "17")];
        assert_eq!(job(&single).unwrap(), "Slurm job 17");
        let array = [
            ("SLURM_JOB_ID", "18"),
            ("SLURM_ARRAY_JOB_ID", "17"),
            ("SLURM_ARRAY_TASK_ID", "3"),
        ];
        assert_eq!(job(&array).unwrap(), "Slurm job 17_3");
        let engine = [("JOB_ID", "5"), ("SGE_TASK_ID", "undefined")];
        assert_eq!(job(&engine).unwrap(), "Grid Engine job 5");
        // What is no short word is not written down.
        assert_eq!(job(&[("PBS_JOBID", "a\u{1b}[2J")]), None);
    }

    #[test]
    fn a_process_says_where_it_runs_and_since_when() {
        let said = this_process();
        let id = std::process::id();
        assert!(said.starts_with(&format!("process {id}")), "{said}");
        assert!(said.contains(", since 20") && said.len() < MOST, "{said}");
    }
}

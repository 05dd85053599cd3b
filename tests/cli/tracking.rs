//! Runs in trackers of experiments: read back by TensorBoard's own reader and from a real MLflow server, where Python has
//! them.

use super::cluster::python;
use super::sweep::{Home, long, wait_for};
use super::*;
use serde_json::Value;
use std::fs;
use std::process::{Child, Stdio};

/// A sweep of two cells.
fn swept() -> Home {
    let home = Home::of(&long(3));
    home.sweep(&[], 0);
    home
}

fn export(home: &Home, to: &[&str]) -> Output {
    let run = home.run.to_str().unwrap();
    modalign(&[&["runs", "export", run, "--to"], to].concat())
}

/// The values of a cell's curve on the validation part, as the cell has them.
fn curve(home: &Home, cell: &str) -> Vec<f64> {
    let text = fs::read_to_string(home.run.join("cells").join(cell).join("metrics.jsonl")).unwrap();
    let value = |line: &str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["valid"].as_f64().unwrap()
    };
    text.lines().map(value).collect()
}

#[test]
fn tensorboard_reads_what_is_exported() {
    let home = swept();
    let logs = home.run.with_file_name("logs");
    let place = logs.to_str().unwrap();
    let done = export(&home, &["tensorboard", place]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    let file = logs.join("emg-nft-1/events.out.tfevents.0.modalign");
    let whole = fs::read(&file).unwrap();
    export(&home, &["tensorboard", place]);
    assert!(
        whole == fs::read(&file).unwrap(),
        "the same run, the same bytes"
    );
    for wrong in [["wandb", "x"], ["tensorboard", "/dev/null/x"]] {
        assert!(!export(&home, &wrong).status.success());
    }
    let Some(python) = python("tensorboard") else {
        return;
    };
    let script = "import sys, json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
a = EventAccumulator(sys.argv[1]); a.Reload()
print(json.dumps({t: [[e.step, e.value] for e in a.Scalars(t)] for t in a.Tags()['scalars']}))";
    let read = Command::new(python)
        .args(["-c", script, file.parent().unwrap().to_str().unwrap()])
        .output()
        .unwrap();
    let read: Value =
        serde_json::from_slice(&read.stdout).unwrap_or_else(|_| panic!("{}", text(&read.stderr)));
    let found: Vec<(u64, f32)> = read["stage2/valid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_u64().unwrap(), pair[1].as_f64().unwrap() as f32))
        .collect();
    let expected: Vec<(u64, f32)> = (1..)
        .zip(curve(&home, "emg-nft-1"))
        .map(|(i, v)| (i, v as f32))
        .collect();
    assert_eq!(found, expected);
    assert!(read["result/error/test"].is_array(), "{read}");
}

/// A server that ends with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It has workers, in a group of its own.
        let group = format!("-{}", self.0.id());
        Command::new("kill")
            .args(["-TERM", "--", &group])
            .status()
            .ok();
        self.0.wait().ok();
    }
}

#[cfg(unix)]
#[test]
fn an_mlflow_server_has_a_run_a_cell_once() {
    use std::os::unix::process::CommandExt;
    let Some(python) = python("mlflow") else {
        return;
    };
    let home = swept();
    let report = modalign(&["report", home.run.to_str().unwrap(), "--collect"]);
    assert!(report.status.success(), "{}", text(&report.stderr));
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let store = home.run.with_file_name("store");
    fs::create_dir(&store).unwrap();
    let server = Command::new(&python)
        .args([
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
            "--workers",
            "1",
        ])
        .args(["--port", &port.to_string()])
        .arg("--backend-store-uri")
        .arg(format!("sqlite:///{}/db", store.display()))
        .arg("--artifacts-destination")
        .arg(store.join("artifacts"))
        .current_dir(&store)
        .process_group(0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _server = Server(server);
    wait_for(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    let uri = format!("http://127.0.0.1:{port}");
    let send = |word: &str| {
        let done = export(&home, &["mlflow", &uri]);
        let said = text(&done.stderr);
        assert!(done.status.success() && said.contains(word), "{said}");
    };
    send("2 cells, 2 of them new");
    send("2 cells, 0 of them new");
    let metrics = home.run.join("cells/emg-nft-0/metrics.jsonl");
    let whole = fs::read_to_string(&metrics).unwrap();
    fs::write(&metrics, whole.replacen("\"valid\":", "\"valid\":1", 1)).unwrap();
    send("2 cells, 1 of them new");
    let script = "import sys, json, mlflow
c = mlflow.MlflowClient(sys.argv[1])
e = c.get_experiment_by_name('tiny')
runs = c.search_runs([e.experiment_id])
top = [r for r in runs if 'mlflow.parentRunId' not in r.data.tags]
print(json.dumps({'runs': sorted(r.info.run_name for r in runs), 'states': sorted({r.info.status for r in runs}),
  'artifacts': [a.path for a in c.list_artifacts(top[0].info.run_id)],
  'below': [r.info.run_name for r in runs if r.data.tags.get('mlflow.parentRunId') == top[0].info.run_id],
  'params': [r.data.params for r in runs if r.info.run_name == 'emg-nft-1'][0],
  'valid': [[m.value for m in c.get_metric_history(r.info.run_id, 'stage2/valid')] for r in runs if r.info.run_name == 'emg-nft-1'][0]}))";
    let read = Command::new(&python)
        .args(["-c", script, &uri])
        .output()
        .unwrap();
    let read: Value =
        serde_json::from_slice(&read.stdout).unwrap_or_else(|_| panic!("{}", text(&read.stderr)));
    assert_eq!(
        read["runs"],
        serde_json::json!(["emg-nft-0", "emg-nft-1", "run"])
    );
    assert_eq!(read["states"], serde_json::json!(["FINISHED"]));
    assert_eq!(read["artifacts"], serde_json::json!(["report.html"]));
    assert_eq!(read["below"].as_array().unwrap().len(), 2);
    assert_eq!(read["params"]["method"], "nft");
    assert_eq!(read["valid"], serde_json::json!(curve(&home, "emg-nft-1")));
}

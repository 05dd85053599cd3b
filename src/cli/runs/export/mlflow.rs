//! A run on an MLflow server, by its REST interface: one run for the whole, one nested in it for every cell, with
//! settings, values by epoch and results; the report is an artifact of the whole.
//!
//! Every one carries the folder and a hash of what was sent as tags. What is there with the same hash is left; with
//! another it is deleted and sent anew, since MLflow only ever adds values.

use crate::cli::error::CliError;
use crate::files::checksum::Algorithm;
use crate::run::tracked::{Tracked, TrackedCell};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use ureq::Agent;

/// Tag: which folder, and which cell of it.
const KEY: &str = "modalign.key";
/// Tag: hash of what was sent.
const HASH: &str = "modalign.hash";
/// Most values that MLflow takes at once.
const MOST: usize = 1000;
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a run; prints the address of its run on the server.
pub fn send(
    run: &Tracked,
    root: &Path,
    uri: &str,
    experiment: Option<&str>,
) -> Result<(), CliError> {
    let server = Server::at(uri);
    let experiment = server.experiment(experiment.unwrap_or(&run.suite))?;
    let whole = root.canonicalize().map_err(|source| CliError::Io {
        path: root.into(),
        source,
    })?;
    let key = whole.to_string_lossy().into_owned();
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let report = std::fs::read(root.join("report.html")).ok();
    let began = (1e3 * run.began) as i64;
    let (parent, fresh) = server.run(&Run {
        experiment: &experiment,
        name: &name,
        key: &key,
        // Its cells come and go below it: the run of the whole stays.
        hash: &hash(&[key.as_bytes()]),
        parent: None,
        began,
    })?;
    let mut sent = 0;
    for cell in &run.cells {
        let batch = batch(cell, began);
        let hash = hash(&[batch.to_string().as_bytes()]);
        let (id, fresh) = server.run(&Run {
            experiment: &experiment,
            name: &cell.name,
            key: &format!("{key}#{}", cell.name),
            hash: &hash,
            parent: Some(&parent.0),
            began,
        })?;
        if fresh {
            server.log(&id.0, &batch)?;
            let state = if cell.done { "FINISHED" } else { "RUNNING" };
            server.end(&id.0, state, &hash)?;
            sent += 1;
        }
    }
    if let Some(report) = &report {
        server.artifact(&parent.1, "report.html", report)?;
    }
    let done = run.cells.iter().all(|cell| cell.done);
    let state = if done { "FINISHED" } else { "RUNNING" };
    if fresh || sent > 0 {
        server.end(&parent.0, state, &hash(&[key.as_bytes()]))?;
    }
    eprintln!("{} cells, {sent} of them new or changed", run.cells.len());
    println!(
        "{}/#/experiments/{experiment}/runs/{}",
        server.uri, parent.0
    );
    Ok(())
}

/// Settings and values of a cell.
fn batch(cell: &TrackedCell, began: i64) -> Value {
    let params = cell.settings.iter();
    let params = params.map(|(key, value)| json!({ "key": key, "value": value }));
    let metric = |point: &crate::run::tracked::Point| {
        json!({
            "key": point.tag,
            "value": point.value,
            "timestamp": began + (1e3 * point.seconds) as i64,
            "step": point.epoch,
        })
    };
    json!({
        "params": params.collect::<Vec<_>>(),
        "metrics": cell.points.iter().map(metric).collect::<Vec<_>>(),
        "done": cell.done,
    })
}

fn hash(parts: &[&[u8]]) -> String {
    let mut all: &[u8] = &parts.concat();
    Algorithm::Sha256.of(&mut all).unwrap_or_default()
}

/// A run of the tracker.
struct Run<'a> {
    experiment: &'a str,
    name: &'a str,
    key: &'a str,
    hash: &'a str,
    parent: Option<&'a str>,
    began: i64,
}

struct Server {
    uri: String,
    agent: Agent,
}

impl Server {
    fn at(uri: &str) -> Self {
        let config = Agent::config_builder()
            .user_agent(concat!("modalign/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE));
        Self {
            uri: uri.trim_end_matches('/').into(),
            agent: config.build().into(),
        }
    }

    fn fault(&self, what: &str, said: impl ToString) -> CliError {
        CliError::Cluster {
            program: format!("{}: {what}", self.uri),
            said: said.to_string(),
        }
    }

    /// Asks the interface; `None` where what is asked for is not there.
    fn ask(&self, what: &str, body: Option<&Value>) -> Result<Option<Value>, CliError> {
        let url = format!("{}/api/2.0/mlflow/{what}", self.uri);
        let answer = match body {
            None => self.agent.get(&url).call(),
            Some(body) => self
                .agent
                .post(&url)
                .header("content-type", "application/json")
                .send(body.to_string()),
        };
        let mut answer = answer.map_err(|error| self.fault(what, error))?;
        let text = answer.body_mut().read_to_string();
        let text = text.map_err(|error| self.fault(what, error))?;
        match answer.status().as_u16() {
            200 => serde_json::from_str(&text).map(Some).map_err(|_| {
                let start: String = text.chars().take(120).collect();
                self.fault(
                    what,
                    format!("expected JSON of an MLflow server, found {start:?}"),
                )
            }),
            404 if text.contains("RESOURCE_DOES_NOT_EXIST") => Ok(None),
            status => {
                let start: String = text.chars().take(300).collect();
                Err(self.fault(what, format!("status {status}: {start}")))
            }
        }
    }

    fn post(&self, what: &str, body: &Value) -> Result<Value, CliError> {
        let found = self.ask(what, Some(body))?;
        found.ok_or_else(|| self.fault(what, "it is not there"))
    }

    fn text(&self, what: &str, value: &Value) -> Result<String, CliError> {
        let text = value.as_str().map(String::from);
        text.ok_or_else(|| self.fault(what, "the answer lacks an id"))
    }

    /// The id of the experiment called `name`, which is made if it is not there.
    fn experiment(&self, name: &str) -> Result<String, CliError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let quoted: String = name
            .bytes()
            .map(|b| match plain(b.into()) {
                true => (b as char).to_string(),
                false => format!("%{b:02X}"),
            })
            .collect();
        let what = "experiments/get-by-name";
        match self.ask(&format!("{what}?experiment_name={quoted}"), None)? {
            Some(found) => self.text(what, &found["experiment"]["experiment_id"]),
            None => {
                let made = self.post("experiments/create", &json!({ "name": name }))?;
                self.text(what, &made["experiment_id"])
            }
        }
    }

    /// Id and place of artifacts of a run, and whether it was made now.
    fn run(&self, run: &Run) -> Result<((String, String), bool), CliError> {
        let quoted = run.key.replace('\\', "\\\\").replace('\'', "\\'");
        let asked = json!({
            "experiment_ids": [run.experiment],
            "filter": format!("tags.`{KEY}` = '{quoted}'"),
        });
        let found = self.post("runs/search", &asked)?;
        let ids = |one: &Value| -> Result<(String, String), CliError> {
            let info = &one["info"];
            Ok((
                self.text("runs", &info["run_id"])?,
                info["artifact_uri"].as_str().unwrap_or_default().to_owned(),
            ))
        };
        for one in found["runs"].as_array().into_iter().flatten() {
            let tags = one["data"]["tags"].as_array().into_iter().flatten();
            let of = |key: &str| {
                tags.clone()
                    .find(|tag| tag["key"] == key)
                    .map(|tag| tag["value"].clone())
            };
            let known = of(HASH) == Some(run.hash.into());
            let below = of("mlflow.parentRunId").as_ref().and_then(Value::as_str) == run.parent;
            if known && below {
                return Ok((ids(one)?, false));
            }
            self.post("runs/delete", &json!({ "run_id": ids(one)?.0 }))?;
        }
        let tag = |key: &str, value: &str| json!({ "key": key, "value": value });
        let mut tags = vec![tag(KEY, run.key)];
        tags.extend(run.parent.map(|parent| tag("mlflow.parentRunId", parent)));
        let made = self.post(
            "runs/create",
            &json!({
                "experiment_id": run.experiment,
                "run_name": run.name,
                "start_time": run.began,
                "tags": tags,
            }),
        )?;
        Ok((ids(&made["run"])?, true))
    }

    /// Sends settings and values, as many at once as MLflow takes.
    fn log(&self, id: &str, batch: &Value) -> Result<(), CliError> {
        self.post(
            "runs/log-batch",
            &json!({ "run_id": id, "params": batch["params"] }),
        )?;
        for metrics in batch["metrics"]
            .as_array()
            .into_iter()
            .flat_map(|all| all.chunks(MOST))
        {
            self.post(
                "runs/log-batch",
                &json!({ "run_id": id, "metrics": metrics }),
            )?;
        }
        Ok(())
    }

    /// Says that a run is whole: its state, and the hash by which a later export leaves it.
    fn end(&self, id: &str, state: &str, hash: &str) -> Result<(), CliError> {
        self.post(
            "runs/set-tag",
            &json!({ "run_id": id, "key": HASH, "value": hash }),
        )?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let end = now.map_or(0, |time| time.as_millis() as u64);
        let mut body = json!({ "run_id": id, "status": state });
        if state == "FINISHED" {
            body["end_time"] = end.into();
        }
        self.post("runs/update", &body)?;
        Ok(())
    }

    /// Sends a file as an artifact, through the server where it serves them.
    fn artifact(&self, place: &str, name: &str, bytes: &[u8]) -> Result<(), CliError> {
        let Some(path) = place.strip_prefix("mlflow-artifacts:/") else {
            eprintln!(
                "note: {name} is not sent: the server keeps artifacts in {place}, which it does not serve"
            );
            return Ok(());
        };
        let path = path.trim_start_matches('/');
        let url = format!(
            "{}/api/2.0/mlflow-artifacts/artifacts/{path}/{name}",
            self.uri
        );
        let request = self.agent.put(&url).header("content-type", "text/html");
        let answer = request
            .send(bytes)
            .map_err(|error| self.fault(name, error))?;
        match answer.status().as_u16() {
            200 | 204 => Ok(()),
            status => Err(self.fault(name, format!("status {status}"))),
        }
    }
}

//! A real browser for the tests of pages: headless Chromium, spoken to by its debugging protocol through
//! a pipe. It records what a page must not do: errors on the console, requests to anywhere, dialogs.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    session: String,
    last: u64,
    /// What the page did and must not.
    pub faults: Vec<String>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts Chromium; `None` (and a message) where there is none.
    pub fn start() -> Option<Self> {
        if Command::new("chromium").arg("--version").output().is_err() {
            println!(
                "skipped: no chromium on this machine (scripts/bootstrap.sh --test installs it)"
            );
            return None;
        }
        let profile = tempfile::tempdir().unwrap();
        // The protocol's pipe is file descriptors 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec chromium \"$@\" 3<&0 4>&1 >/dev/null 2>&1", "sh"])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--disable-sync",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--remote-debugging-pipe", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let (to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut browser = Self {
            child,
            to,
            from: BufReader::new(from),
            session: String::new(),
            last: 0,
            faults: Vec::new(),
            _profile: profile,
        };
        let target = browser.ask("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.ask("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().expect("a session").into();
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn message(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from
            .read_until(0, &mut bytes)
            .expect("the browser answers");
        assert_eq!(bytes.pop(), Some(0), "the browser ended");
        let message: Value = serde_json::from_slice(&bytes).expect("JSON");
        let said = &message["params"];
        let fault = match message["method"].as_str().unwrap_or("") {
            "Runtime.exceptionThrown" => Some(said["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if said["type"] == "error" => Some(said["args"].to_string()),
            "Log.entryAdded" if said["entry"]["level"] == "error" => {
                Some(said["entry"].to_string())
            }
            "Page.javascriptDialogOpening" => Some(format!("dialog: {said}")),
            "Network.requestWillBeSent" => {
                let url = said["request"]["url"].as_str().unwrap_or("");
                let inside = ["file:", "data:", "about:"]
                    .iter()
                    .any(|s| url.starts_with(s));
                (!inside).then(|| format!("request to {url}"))
            }
            _ => None,
        };
        self.faults.extend(fault);
        message
    }

    /// Sends a command and waits for its result.
    pub fn ask(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": parameters });
        if !self.session.is_empty() {
            command["sessionId"] = json!(self.session);
        }
        self.to
            .write_all(command.to_string().as_bytes())
            .expect("the browser listens");
        self.to.write_all(&[0]).expect("the browser listens");
        self.to.flush().expect("the browser listens");
        loop {
            let message = self.message();
            if message["id"] == self.last {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    /// Opens a file at a width, in light or dark.
    pub fn open(&mut self, page: &Path, width: u32, dark: bool) {
        let size =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.ask("Emulation.setDeviceMetricsOverride", size);
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", media);
        self.ask(
            "Page.navigate",
            json!({ "url": format!("file://{}", page.display()) }),
        );
        // Scripts at the end of the body have run when the document is complete.
        while self.value("document.readyState") != "complete"
            || self.value("location.protocol") != "file:"
        {}
    }

    /// What an expression gives.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let found = self.ask("Runtime.evaluate", asked);
        assert!(found["exceptionDetails"].is_null(), "{expression}: {found}");
        found["result"]["value"].clone()
    }

    /// Moves the mouse, and presses it if asked.
    pub fn mouse(&mut self, (x, y): (f64, f64), press: bool) {
        let kinds: &[&str] = match press {
            true => &["mouseMoved", "mousePressed", "mouseReleased"],
            false => &["mouseMoved"],
        };
        for kind in kinds {
            let button = if *kind == "mouseMoved" {
                "none"
            } else {
                "left"
            };
            let event = json!({ "type": kind, "x": x, "y": y, "button": button, "clickCount": 1 });
            self.ask("Input.dispatchMouseEvent", event);
        }
    }

    /// Keeps the whole page as a picture.
    pub fn picture(&mut self, path: &Path) {
        use base64::Engine as _;
        let shot = self.ask(
            "Page.captureScreenshot",
            json!({ "captureBeyondViewport": true }),
        );
        let bytes =
            base64::prelude::BASE64_STANDARD.decode(shot["data"].as_str().expect("a picture"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes.expect("base64")).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

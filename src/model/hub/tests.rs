//! Names, caches and a hub that redirects, lies and is not there. No test needs the network.

use super::*;
use crate::files::checksum::sha256;
use crate::files::fetch::server::{Reply, Request, Server};
use crate::model::weights::Weights;
use std::collections::HashMap;
use std::fs;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A safetensors file of one value.
fn weights(name: &str) -> Vec<u8> {
    let header = format!(r#"{{"{name}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#);
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &[0; 4],
    ]
    .concat()
}

/// A hub with one model: small files come from it, weights from another host.
struct Hub {
    server: Server,
    store: Server,
    home: tempfile::TempDir,
}

/// How a hub may deviate.
type Twist = fn(&Request, Reply) -> Reply;

fn hub(files: &[(&str, Vec<u8>)], twist: Twist) -> Hub {
    let files: HashMap<String, Vec<u8>> = files
        .iter()
        .map(|(n, b)| (n.to_string(), b.clone()))
        .collect();
    let stored = files.clone();
    let store = Server::start(move |request| {
        let body = &stored[request.path.trim_start_matches('/')];
        Reply::ranged(request, body)
    });
    let base = store.url("");
    let server = Server::start(move |request| {
        let (path, file) = request.path.rsplit_once('/').unwrap_or_default();
        let known = path == "/org/tiny/resolve/main" || path.ends_with(COMMIT);
        let reply = match files.get(file).filter(|_| known) {
            None => Reply::new(404, b"Entry not found"),
            Some(body) if file.ends_with(".json") => {
                Reply::new(200, body).with("etag", format!("W/\"{}\"", &sha256(body)[..40]))
            }
            Some(body) => Reply::new(302, b"")
                .with("location", format!("{base}/{file}"))
                .with("x-linked-size", body.len())
                .with("x-linked-etag", format!("\"{}\"", sha256(body))),
        };
        twist(request, reply.with("x-repo-commit", COMMIT))
    });
    Hub {
        server,
        store,
        home: tempfile::tempdir().unwrap(),
    }
}

impl Hub {
    fn settings(&self) -> HubSettings {
        HubSettings {
            cache: self.home.path().join("hub"),
            endpoint: self.server.url("/"),
            offline: false,
            token: Some("secret".into()),
        }
    }

    fn resolve(&self, name: &str) -> Result<PathBuf, ModelError> {
        self.settings().resolve(name, &mut |_, _, _| {})
    }

    fn refused(&self, name: &str) -> String {
        self.resolve(name).expect_err("refused").to_string()
    }

    fn asked(&self) -> usize {
        self.server.asked().len() + self.store.asked().len()
    }
}

fn tiny() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("config.json", b"{}".to_vec()),
        ("model.safetensors", weights("a")),
    ]
}

#[test]
fn a_model_is_downloaded_into_the_layout_of_huggingface_hub() {
    let hub = hub(&tiny(), |_, reply| reply);
    let mut told = Vec::new();
    let folder = hub
        .settings()
        .resolve("org/tiny", &mut |file, done, total| {
            told.push((file.to_string(), done, total))
        })
        .unwrap();
    let root = hub.home.path().join("hub/models--org--tiny");
    assert_eq!(folder, root.join("snapshots").join(COMMIT));
    assert_eq!(fs::read_to_string(root.join("refs/main")).unwrap(), COMMIT);
    let link = fs::read_link(folder.join("model.safetensors")).unwrap();
    assert_eq!(link, Path::new("../../blobs").join(sha256(&weights("a"))));
    assert_eq!(fs::read_dir(root.join("blobs")).unwrap().count(), 2);
    Weights::in_folder(&folder).unwrap().read("a").unwrap();
    let size = weights("a").len() as u64;
    assert_eq!(
        told.last(),
        Some(&("model.safetensors".into(), size, Some(size)))
    );
}

#[test]
fn the_cache_answers_without_the_network() {
    let hub = hub(&tiny(), |_, reply| reply);
    let folder = hub.resolve("org/tiny").unwrap();
    let asked = hub.asked();
    assert_eq!(hub.resolve("org/tiny").unwrap(), folder);
    assert_eq!(hub.resolve(&format!("org/tiny@{COMMIT}")).unwrap(), folder);
    let offline = HubSettings {
        offline: true,
        ..hub.settings()
    };
    assert_eq!(
        offline.resolve("org/tiny@main", &mut |_, _, _| {}).unwrap(),
        folder
    );
    assert_eq!(hub.asked(), asked);
}

#[test]
fn offline_touches_no_network_and_says_so() {
    let hub = hub(&tiny(), |_, reply| reply);
    let settings = HubSettings {
        offline: true,
        ..hub.settings()
    };
    let text = settings
        .resolve("org/tiny", &mut |_, _, _| {})
        .unwrap_err()
        .to_string();
    for part in [
        "path \"org/tiny\"",
        "models--org--tiny: no revision main",
        "HF_HUB_OFFLINE is set",
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(hub.asked(), 0);
    assert!(!hub.home.path().join("hub").exists());
}

#[test]
fn the_token_goes_to_the_hub_and_nowhere_else() {
    let hub = hub(&tiny(), |_, reply| reply);
    hub.resolve("org/tiny").unwrap();
    let token = |r: &Request| r.get("authorization").map(str::to_string);
    assert!(
        hub.server
            .asked()
            .iter()
            .all(|r| token(r) == Some("Bearer secret".into()))
    );
    assert_eq!(hub.store.asked().len(), 1);
    assert!(hub.store.asked().iter().all(|r| token(r).is_none()));
}

#[test]
fn shards_come_with_their_index() {
    let index = br#"{"weight_map":{"a":"1.safetensors","b":"2.safetensors"}}"#;
    let files = [
        ("config.json", b"{}".to_vec()),
        ("model.safetensors.index.json", index.to_vec()),
        ("1.safetensors", weights("a")),
        ("2.safetensors", weights("b")),
    ];
    let hub = hub(&files, |_, reply| reply);
    let folder = hub.resolve("org/tiny").unwrap();
    assert_eq!(Weights::in_folder(&folder).unwrap().names().count(), 2);
    // A shard that went missing is fetched again, and only that one.
    fs::remove_file(
        hub.home
            .path()
            .join("hub/models--org--tiny/blobs")
            .join(sha256(&weights("b"))),
    )
    .unwrap();
    let before = hub.store.asked().len();
    hub.resolve("org/tiny").unwrap();
    assert_eq!(hub.store.asked().len(), before + 1);
}

#[test]
fn wrong_contents_never_get_a_name() {
    let other = |request: &Request, mut reply: Reply| {
        for (name, value) in &mut reply.headers {
            if *name == "x-linked-etag" && request.path.ends_with("model.safetensors") {
                *value = format!("\"{}\"", sha256(b"another"));
            }
        }
        reply
    };
    let hub = hub(&tiny(), other);
    let text = hub.refused("org/tiny");
    assert!(
        text.contains(&format!("expected SHA-256 {}", sha256(b"another"))),
        "{text}"
    );
    let root = hub.home.path().join("hub/models--org--tiny");
    assert_eq!(fs::read_dir(root.join("blobs")).unwrap().count(), 1);
    assert!(!root.join("refs").exists());
}

#[test]
fn errors_tell_of_all_that_was_tried() {
    let hub = hub(&tiny(), |_, reply| reply);
    let text = hub.refused("org/other");
    for part in [
        "no model \"org/other\"",
        "path \"org/other\": no such file or folder",
        "models--org--other: no revision main",
        "/org/other/resolve/main/config.json: HTTP status 404",
        "org/name",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_model_without_weights_and_one_behind_a_gate_say_so() {
    let bare = hub(&tiny()[..1], |_, reply| reply);
    let text = bare.refused("org/tiny");
    assert!(
        text.contains("none of model.safetensors, model.safetensors.index.json"),
        "{text}"
    );
    let gated = hub(&tiny(), |_, _| Reply::new(401, b""));
    let text = gated.refused("org/tiny");
    assert!(text.contains("HTTP status 401"), "{text}");
    assert!(
        text.contains("HF_TOKEN (the one set was not accepted)"),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
    let nobody = HubSettings {
        endpoint: "http://127.0.0.1:1".into(),
        ..gated.settings()
    };
    let text = nobody
        .resolve("org/tiny", &mut |_, _, _| {})
        .unwrap_err()
        .to_string();
    assert!(text.contains("http://127.0.0.1:1"), "{text}");
}

#[test]
fn a_hub_cannot_write_outside_its_folder() {
    let outside: [(&str, Twist); 3] = [
        ("X-Repo-Commit", |_, reply| {
            Reply::new(200, b"{}")
                .with("x-repo-commit", "../../x")
                .with("etag", reply.status)
        }),
        ("X-Repo-Commit", |_, _| {
            Reply::new(200, b"{}").with("etag", "\"a\"")
        }),
        ("ETag", |_, _| {
            Reply::new(200, b"{}")
                .with("x-repo-commit", COMMIT)
                .with("etag", "\"../x\"")
        }),
    ];
    for (header, twist) in outside {
        let hub = hub(&tiny(), twist);
        let text = hub.refused("org/tiny");
        assert!(
            text.contains(&format!("expected the header {header}")),
            "{text}"
        );
        assert!(!hub.home.path().join("hub").exists());
    }
}

#[test]
fn hostile_names_touch_nothing() {
    let hub = hub(&tiny(), |_, reply| reply);
    for name in [
        "",
        "../../no-such-model",
        "/no/such/model",
        "a/b/c",
        "org/tiny@../../x",
        "swin tiny",
    ] {
        let text = hub.refused(name);
        assert!(text.contains("Hugging Face name: expected"), "{text}");
        assert!(text.contains("org/name"), "{text}");
    }
    assert_eq!(hub.asked(), 0);
    assert!(!hub.home.path().join("hub").exists());
}

#[test]
fn a_path_is_itself() {
    let hub = hub(&[], |_, reply| reply);
    let path = hub.home.path().to_str().unwrap();
    assert_eq!(hub.resolve(path).unwrap(), hub.home.path());
    assert_eq!(hub.asked(), 0);
}

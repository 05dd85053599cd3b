//! From the hub into the cache: the configuration and the best weights there are, all of one
//! commit, each checked before it gets its name.

use super::cache::Cache;
use super::repo::{Repo, is_plain};
use super::{HubSettings, Progress};
use crate::files::checksum::Checksum;
use crate::files::fetch::{Fetch, head};
use crate::model::weights::{NAMES, weight_map};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// Most bytes of a configuration or an index.
const LARGEST_TEXT: u64 = 64 << 20;
/// Most bytes of one weights file.
const LARGEST_WEIGHTS: u64 = 64 << 30;

/// What the hub says about a file before it is downloaded.
struct Described {
    commit: String,
    etag: String,
    size: Option<u64>,
}

/// A download of one model.
struct Download<'a> {
    settings: &'a HubSettings,
    repo: &'a Repo,
    cache: &'a Cache,
}

impl HubSettings {
    /// Downloads configuration and weights; the error is one line for the list of what was tried.
    pub(super) fn download(
        &self,
        repo: &Repo,
        cache: &Cache,
        progress: &mut Progress,
    ) -> Result<PathBuf, String> {
        let download = Download {
            settings: self,
            repo,
            cache,
        };
        let config = download.describe(&repo.revision, "config.json")?;
        let config = config.map_err(|url| format!("{url}: HTTP status 404"))?;
        let commit = config.commit.clone();
        download.take("config.json", config, progress)?;
        download.preprocessing(&commit, progress)?;
        download.weights(&commit, progress)?;
        let noted = cache.refer(&repo.revision, &commit);
        noted.map_err(|e| format!("{}: {e}", cache.root().display()))?;
        Ok(cache.snapshot(&commit))
    }
}

impl Download<'_> {
    /// Takes what the commit says on how pictures are prepared, if it does.
    fn preprocessing(&self, commit: &str, progress: &mut Progress) -> Result<(), String> {
        for name in ["preprocessor_config.json", "processor_config.json"] {
            if let Ok(described) = self.describe(commit, name)? {
                self.take(name, described, progress)?;
            }
        }
        Ok(())
    }

    /// Takes the first of the known weights that the commit has, with its shards.
    fn weights(&self, commit: &str, progress: &mut Progress) -> Result<(), String> {
        for name in NAMES {
            let Ok(described) = self.describe(commit, name)? else {
                continue;
            };
            self.take(name, described, progress)?;
            if !name.ends_with(".json") {
                return Ok(());
            }
            let index = self.cache.snapshot(commit).join(name);
            let map = weight_map(&index).map_err(|e| e.to_string())?;
            for shard in map.values().collect::<BTreeSet<_>>() {
                let described = self.describe(commit, shard)?;
                let described = described.map_err(|url| format!("{url}: HTTP status 404"))?;
                self.take(shard, described, progress)?;
            }
            return Ok(());
        }
        Err(format!(
            "{}: none of {} in {} at {commit}",
            self.settings.endpoint,
            NAMES.join(", "),
            self.repo.id
        ))
    }

    fn url(&self, revision: &str, file: &str) -> String {
        let endpoint = self.settings.endpoint.trim_end_matches('/');
        let escape = |text: &str| -> String {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
            let mut escaped = String::new();
            for c in text.chars() {
                if plain(c) {
                    escaped.push(c)
                } else {
                    c.to_string()
                        .bytes()
                        .for_each(|b| escaped.push_str(&format!("%{b:02X}")))
                }
            }
            escaped
        };
        let (revision, file) = (escape(revision), escape(file));
        format!("{endpoint}/{}/resolve/{revision}/{file}", self.repo.id)
    }

    /// Asks about a file; the inner error is the address of a file that is not there.
    fn describe(&self, revision: &str, file: &str) -> Result<Result<Described, String>, String> {
        let url = self.url(revision, file);
        let token = self.settings.token.as_deref();
        let head = head(&url, token, Duration::from_secs(30)).map_err(|e| e.to_string())?;
        match head.status {
            200 | 301 | 302 | 303 | 307 | 308 => {}
            404 => return Ok(Err(url)),
            status @ (401 | 403) => {
                return Err(format!(
                    "{url}: HTTP status {status}: there is no such model, or it is private or \
                     gated and needs a token in HF_TOKEN{}",
                    if token.is_some() {
                        " (the one set was not accepted)"
                    } else {
                        ""
                    }
                ));
            }
            status => return Err(format!("{url}: HTTP status {status}")),
        }
        let named = |name: &str, value: Option<&str>| {
            let value = value
                .unwrap_or("nothing")
                .trim_start_matches("W/")
                .trim_matches('"');
            // Both become names of files.
            if is_plain(value) && value != "nothing" && value.len() <= 128 {
                Ok(value.to_string())
            } else {
                Err(format!(
                    "{url}: expected the header {name}, found {value:?}"
                ))
            }
        };
        let linked = head.get("x-linked-size").and_then(|size| size.parse().ok());
        Ok(Ok(Described {
            commit: named("X-Repo-Commit", head.get("x-repo-commit"))?,
            etag: named("ETag", head.get("x-linked-etag").or(head.get("etag")))?,
            size: linked.or(head.size()),
        }))
    }

    /// Downloads a file unless the cache has its contents, and links it into its snapshot.
    fn take(
        &self,
        file: &str,
        described: Described,
        progress: &mut Progress,
    ) -> Result<(), String> {
        let Described { commit, etag, size } = described;
        let blob = self.cache.blob(&etag);
        let present = blob
            .metadata()
            .is_ok_and(|m| size.is_none_or(|size| size == m.len()));
        if !present {
            let url = self.url(&commit, file);
            // Large files are tagged with their SHA-256, small ones with a hash of git.
            let is_sha256 = etag.len() == 64 && etag.bytes().all(|b| b.is_ascii_hexdigit());
            let checksum = is_sha256.then(|| Checksum::sha256(&etag));
            let limit = if file.ends_with(".json") {
                LARGEST_TEXT
            } else {
                LARGEST_WEIGHTS
            };
            let fetch = Fetch {
                token: self.settings.token.as_deref(),
                size,
                checksum: checksum.as_ref(),
                ..Fetch::new(&url, limit)
            };
            fetch
                .to(&blob, &mut |done, total| progress(file, done, total))
                .map_err(|e| e.to_string())?;
        }
        let linked = self.cache.link(&commit, file, &etag);
        linked.map_err(|e| format!("{}: {e}", self.cache.snapshot(&commit).join(file).display()))
    }
}

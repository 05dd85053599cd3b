//! Where a model comes from: a path, the Hugging Face cache, or a download into that cache.
//!
//! The cache is shared with the `huggingface_hub` of Python: the same variables, the same folders,
//! so that what one of them downloaded the other finds.

mod cache;
mod download;
mod repo;
#[cfg(test)]
mod tests;

use super::ModelError;
use cache::Cache;
use repo::Repo;
use std::env;
use std::path::{Path, PathBuf};

/// Where to look for models, and whether to ask the network.
#[derive(Debug, Clone)]
pub struct HubSettings {
    /// The cache folder: `$HF_HUB_CACHE`, `$HF_HOME/hub`, or `~/.cache/huggingface/hub`.
    pub cache: PathBuf,
    /// The server: `$HF_ENDPOINT`, or `https://huggingface.co`.
    pub endpoint: String,
    /// Whether `$HF_HUB_OFFLINE` forbids the network.
    pub offline: bool,
    /// `$HF_TOKEN`, for private and gated models.
    pub token: Option<String>,
}

/// Hears of a file, its bytes so far and, if known, in all.
pub type Progress<'a> = dyn FnMut(&str, u64, Option<u64>) + 'a;

impl HubSettings {
    /// The settings that the environment gives, as `huggingface_hub` reads it.
    pub fn from_env() -> Self {
        let path = |name| {
            env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        let text = |name| env::var(name).ok().filter(|v| !v.trim().is_empty());
        let home = || {
            path("HF_HOME").unwrap_or_else(|| {
                path("XDG_CACHE_HOME")
                    .or_else(|| Some(env::home_dir()?.join(".cache")))
                    .unwrap_or_default()
                    .join("huggingface")
            })
        };
        let yes =
            |v: String| ["1", "true", "yes", "on"].contains(&v.trim().to_lowercase().as_str());
        Self {
            cache: path("HF_HUB_CACHE").unwrap_or_else(|| home().join("hub")),
            endpoint: text("HF_ENDPOINT").unwrap_or("https://huggingface.co".into()),
            offline: text("HF_HUB_OFFLINE").is_some_and(yes),
            token: text("HF_TOKEN").map(|token| token.trim().into()),
        }
    }

    /// The file or folder that a model's name means: an existing path is itself; `name`,
    /// `org/name` and either with `@revision` are looked up in the cache and, if it lacks them and
    /// the network is allowed, downloaded into it. The error tells of all that was tried.
    pub fn resolve(&self, name: &str, progress: &mut Progress) -> Result<PathBuf, ModelError> {
        let unresolved = |tried| ModelError::Unresolved {
            name: name.into(),
            tried,
        };
        let path = Path::new(name);
        if !name.is_empty() && path.exists() {
            return Ok(path.into());
        }
        let mut tried = vec![format!("path {name:?}: no such file or folder")];
        let repo = match Repo::parse(name) {
            Ok(repo) => repo,
            Err(why) => {
                tried.push(format!("Hugging Face name: {why}"));
                return Err(unresolved(tried));
            }
        };
        let cache = Cache::new(&self.cache, &repo);
        match cache.find(&repo.revision) {
            Ok(snapshot) => return Ok(snapshot),
            Err(why) => tried.push(format!("cache {}: {why}", cache.root().display())),
        }
        if self.offline {
            tried.push(format!(
                "{}: not asked, because HF_HUB_OFFLINE is set",
                self.endpoint
            ));
            return Err(unresolved(tried));
        }
        self.download(&repo, &cache, progress).map_err(|why| {
            tried.push(why);
            unresolved(tried)
        })
    }
}

impl HubSettings {
    /// Names of the models in the cache that have a configuration and weights, sorted.
    pub fn cached(&self) -> Vec<String> {
        let Ok(folders) = std::fs::read_dir(&self.cache) else {
            return Vec::new();
        };
        let mut names: Vec<String> = folders
            .filter_map(|entry| {
                let name = entry.ok()?.file_name().into_string().ok()?;
                let repo = Repo::parse(&name.strip_prefix("models--")?.replace("--", "/")).ok()?;
                let found = Cache::new(&self.cache, &repo).find(&repo.revision);
                found.is_ok().then_some(repo.id)
            })
            .collect();
        names.sort();
        names
    }
}

/// [`HubSettings::resolve`] with the settings of the environment.
pub fn resolve(name: &str, progress: &mut Progress) -> Result<PathBuf, ModelError> {
    HubSettings::from_env().resolve(name, progress)
}

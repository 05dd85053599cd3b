//! The encoders that a run holds: those whose surrogate features it kept (those of figure 2: the
//! pretrained one, and for every target and seed that of the method that the figure shows). Nothing
//! is extracted again, so neither the model nor the data are needed.
//!
//! The surrogate's test features are the samples, its training features the encoder's own training part:
//! where all encoders come from runs, probe and neighbours learn from the whole of it.

use super::align::{EncoderFeatures, Origin};
use super::error::CompareError;
use crate::feature::file;
use crate::files::bounded;
use crate::files::checksum::hex;
use crate::run::folder::sha256;
use crate::transfer::methods;
use sha2::{Digest, Sha256};
use std::path::Path;

/// Whether the folder is a run.
pub fn is_run(root: &Path) -> bool {
    root.join("run.json").is_file() && root.join("config.toml").is_file()
}

/// Every encoder that the run kept features of.
///
/// # Errors
/// [`CompareError::Malformed`] where there is none, or settings or features cannot be read.
pub fn encoders(root: &Path) -> Result<Vec<EncoderFeatures>, CompareError> {
    let config = root.join("config.toml");
    let text = bounded::text(&config)?.unwrap_or_default();
    let suite = methods::parse(&text, &config.display().to_string())?;
    let mut encoders = Vec::new();
    let mut add = |id: &str, title: String| -> Result<(), CompareError> {
        let [train, test] =
            ["train", "test"].map(|part| root.join(format!("features/{id}-{part}.safetensors")));
        if !test.is_file() {
            return Ok(());
        }
        let mut hash = Sha256::new();
        hash.update(sha256(&test)?);
        let own = match train.is_file() {
            true => {
                hash.update(sha256(&train)?);
                Some(file::read(&train)?)
            }
            false => None,
        };
        encoders.push(EncoderFeatures {
            title,
            origin: Origin {
                kind: "run".into(),
                path: root.display().to_string(),
                sha256: hex(&hash.finalize()),
                ..Origin::default()
            },
            set: file::read(&test)?,
            named: true,
            train: own,
            groups: None,
        });
        Ok(())
    };
    add("pretrained", "Pretrained".into())?;
    let seeds = &suite.transfer.seeds;
    for target in &suite.targets {
        for method in &suite.transfer.methods {
            for seed in seeds {
                let name = method;
                let title = match seeds.len() {
                    1 => format!("{} · {name}", target.title),
                    _ => format!("{} · {name} · seed {seed}", target.title),
                };
                add(&format!("{}-{name}-{seed}", target.name), title)?;
            }
        }
    }
    match encoders.is_empty() {
        false => Ok(encoders),
        true => Err(CompareError::Malformed {
            path: root.join("features"),
            expected: "features of an encoder, as a finished modalign report keeps them".into(),
            found: "none".into(),
        }),
    }
}

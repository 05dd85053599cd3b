//! Records of a run: evaluations, distances and marks as JSON files, each with the hashes of what it was made from.
//! A record is used only while these are those of what is there now.

use super::error::RunError;
use super::folder::RECORDS;
use super::origin::Origin;
use super::prepare::Context;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A result with what it was made from.
#[derive(Serialize, Deserialize)]
struct Made<T> {
    #[serde(default)]
    made_from: Origin,
    #[serde(flatten)]
    value: T,
}

impl Context<'_> {
    /// A record of the run, if it was made from `origin` (or is of an older version, which
    /// [`stale::check`](super::stale::check) has let pass).
    pub fn recall<T: DeserializeOwned>(&self, record: &str, origin: &Origin) -> Option<T> {
        let read = |record: &str| self.folder.read_json::<Made<T>>(record);
        let found = read(record).or_else(|| read(&older(record)?))?;
        let holds = found.made_from.is_empty() || found.made_from == *origin;
        holds.then_some(found.value)
    }

    /// Writes a record of the run with what it was made from.
    pub fn keep(
        &self,
        record: &str,
        origin: Origin,
        value: &impl Serialize,
    ) -> Result<(), RunError> {
        let made = Made {
            made_from: origin,
            value,
        };
        self.folder.write_json(record, &made)
    }
}

/// Where an older version wrote a record.
fn older(record: &str) -> Option<String> {
    let [now, before] = RECORDS;
    let file = record.strip_prefix(now)?;
    let file = match file.rsplit_once("-scores-") {
        Some((target, embedder)) => format!("{target}-yardsticks-{embedder}"),
        None => file.to_owned(),
    };
    Some(format!("{before}{file}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_older_versions_have_names_of_their_own() {
        let of = |record: &str| older(record).expect("a record of evaluations");
        assert_eq!(of("evaluations/00ff.json"), "looks/00ff.json");
        let scores = of("evaluations/a-scores-b-scores-00ff.json");
        assert_eq!(scores, "looks/a-scores-b-yardsticks-00ff.json");
        assert!(older("cells/x/cell.json").is_none());
    }
}

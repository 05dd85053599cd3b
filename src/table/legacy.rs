//! Tables of older versions. `yardsticks.csv` and `transferability.csv` had a column a measure: they are read as
//! rows of `measures.csv`. `answer.csv` is the former name of `results.csv`. Nobody else needs to know of them.

use std::path::{Path, PathBuf};

use super::csv::CsvTable;
use super::{MeasureRow, PRETRAINED, ResultRow, Row, TableError, typed};
use crate::measure::about::About;
use crate::measure::{encoder, transferability};

/// Names of the tables that `measures.csv` replaces, without their endings.
const REPLACED: [&str; 2] = ["yardsticks", "transferability"];

/// A table that has another name now, and that name, without their endings.
const RENAMED: (&str, &str) = ("answer", "results");

/// Names of all these tables, without their endings.
pub fn names() -> impl Iterator<Item = &'static str> {
    REPLACED.into_iter().chain([RENAMED.0])
}

/// The present name of the table `name`.
pub fn present(name: &str) -> &str {
    if name == RENAMED.0 { RENAMED.1 } else { name }
}

/// Where the table `name` (in its present name) is in the folder `tables`.
pub fn place(tables: &Path, name: &str) -> PathBuf {
    let file = |name: &str| tables.join(format!("{name}.csv"));
    let now = file(name);
    if name == RENAMED.1 && !now.is_file() {
        return file(RENAMED.0);
    }
    now
}

/// The rows of a table under its former name; `None` if there is none.
///
/// # Errors
/// [`TableError`].
pub fn results(tables: &Path) -> Result<Option<Vec<ResultRow>>, TableError> {
    let found = CsvTable::read(&place(tables, RENAMED.1))?;
    found.map(|table| ResultRow::rows(&table)).transpose()
}

/// The rows of both tables; `None` if there is neither.
///
/// # Errors
/// [`TableError`].
pub fn measures(tables: &Path) -> Result<Option<Vec<MeasureRow>>, TableError> {
    let read = |name: &str| CsvTable::read(&tables.join(format!("{name}.csv")));
    let [encoders, targets] = REPLACED.map(read);
    let (encoders, targets) = (encoders?, targets?);
    if encoders.is_none() && targets.is_none() {
        return Ok(None);
    }
    let mut rows = Vec::new();
    if let Some(table) = encoders {
        rows.extend(of_encoders(&table)?);
    }
    if let Some(table) = targets {
        rows.extend(of_targets(&table)?);
    }
    Ok(Some(rows))
}

/// Whether the table `file`, or what an older version wrote in its place, is in the folder `tables`.
pub fn is_written(tables: &Path, file: &str) -> bool {
    let there = |name: &str| tables.join(name).is_file();
    let older = || REPLACED.iter().any(|name| there(&format!("{name}.csv")));
    there(file)
        || (file == MeasureRow::FILE && older())
        || (file == ResultRow::FILE && place(tables, RENAMED.1).is_file())
}

/// A measure and its value in every row.
type ValueColumn<'a> = (&'a About, Vec<Option<f64>>);

/// The measures that a table has a column of, with their values.
fn columns<'a>(
    table: &CsvTable,
    all: impl Iterator<Item = &'a About>,
) -> Result<Vec<ValueColumn<'a>>, TableError> {
    let there = |about: &&About| {
        let mut names = about.older.iter().chain([&about.name]);
        names.any(|name| table.place(name).is_some())
    };
    let values = |about: &'a About| Ok((about, typed(table, about.name, about.older)?));
    all.filter(there).map(values).collect()
}

fn of_encoders(table: &CsvTable) -> Result<Vec<MeasureRow>, TableError> {
    let encoders: Vec<String> = typed(table, "encoder", &[])?;
    let titles: Vec<String> = typed(table, "encoder_title", &[])?;
    let methods: Vec<Option<String>> = typed(table, "method", &[])?;
    let seeds: Vec<Option<u64>> = typed(table, "seed", &[])?;
    let epochs: Vec<Option<u64>> = typed(table, "epochs", &[])?;
    let samples: Vec<Option<u64>> = typed(table, "n", &[])?;
    let measures = columns(table, encoder::ALL.iter().map(|measure| &measure.about))?;
    let mut rows = Vec::new();
    for row in 0..table.height() {
        rows.extend(measures.iter().map(|(about, values)| MeasureRow {
            method: methods[row].clone(),
            seed: seeds[row],
            epochs: epochs[row],
            samples: samples[row],
            ..MeasureRow::of(about, values[row], &encoders[row], &titles[row])
        }));
    }
    Ok(rows)
}

fn of_targets(table: &CsvTable) -> Result<Vec<MeasureRow>, TableError> {
    let targets: Vec<String> = typed(table, "target", &[])?;
    let titles: Vec<String> = typed(table, "target_title", &[])?;
    let samples: Vec<Option<u64>> = typed(table, "n", &[])?;
    let undefined: Vec<Option<String>> = typed(table, "undefined", &[])?;
    let converged: Vec<Option<u64>> = typed(table, "otdd_converged", &[])?;
    let otdd_source: Vec<Option<u64>> = typed(table, "n_otdd_source", &[])?;
    let otdd_target: Vec<Option<u64>> = typed(table, "n_otdd_target", &[])?;
    let scores = columns(table, transferability::ALL.iter().map(|score| &score.about))?;
    let mut rows = Vec::new();
    for row in 0..table.height() {
        rows.extend(scores.iter().map(|(about, values)| {
            let value = values[row];
            let why = undefined[row].as_deref().filter(|_| value.is_none());
            let (samples, note) = if about.name == "otdd" && value.is_some() {
                let note = otdd_note(otdd_source[row], converged[row] != Some(0));
                (otdd_target[row], note)
            } else {
                (samples[row], why.and_then(|why| reason(why, about.title)))
            };
            MeasureRow {
                target: Some(targets[row].clone()),
                target_title: Some(titles[row].clone()),
                samples,
                note,
                ..MeasureRow::of(about, value, PRETRAINED, "Pretrained")
            }
        }));
    }
    Ok(rows)
}

/// Why a measure has no value, from a text like "LEEP, NCE: the target has labels".
pub fn reason(undefined: &str, title: &str) -> Option<String> {
    let (names, why) = undefined.split_once(": ")?;
    let named = names == "all" || names.split(", ").any(|name| name == title);
    named.then(|| why.into())
}

/// What a reader must know of an OTDD.
pub fn otdd_note(source_samples: Option<u64>, converged: bool) -> Option<String> {
    let from = source_samples.map(|n| format!("from {n} source samples"));
    let stopped = (!converged).then(|| "not converged".into());
    let said: Vec<String> = from.into_iter().chain(stopped).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_tables_of_older_versions_are_read_as_long_rows() {
        let home = tempfile::tempdir().unwrap();
        assert!(MeasureRow::read_if_written(home.path()).unwrap().is_none());
        let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
        write(
            "yardsticks.csv",
            "encoder,encoder_title,method,seed,epochs,cka,knn,silhouette,logme,hscore,n\n\
             pretrained,Pretrained,-,,,1.0,0.8,0.1,0.2,5.9,1000\n\
             emg,EMG,nft,0,10,0.5,0.7,,0.1,5.0,1000\n",
        );
        write(
            "transferability.csv",
            "target,target_title,leep,nce,logme,hscore,gap,otdd,otdd_converged,n,n_otdd_source,n_otdd_target,undefined\n\
             emg,EMG,-0.8,-0.5,0.2,6.1,0.4,1.5,0,400,500,300,-\n\
             sound,Sound,,,,,0.3,,,200,,,\"LEEP, NCE, LogME, H-score, OTDD: the target has labels\"\n",
        );
        let rows = MeasureRow::read_if_written(home.path()).unwrap().unwrap();
        assert_eq!(rows.len(), 2 * 5 + 2 * 6);
        let of = |encoder: &str, target: Option<&str>, measure: &str| {
            let own = |row: &&MeasureRow| {
                (
                    row.encoder.as_str(),
                    row.target.as_deref(),
                    row.measure.as_str(),
                ) == (encoder, target, measure)
            };
            rows.iter().find(own).unwrap()
        };
        let knn = of("emg", None, "knn-accuracy");
        assert_eq!((knn.value, knn.samples), (Some(0.7), Some(1000)));
        assert_eq!((knn.method.as_deref(), knn.seed), (Some("nft"), Some(0)));
        assert_eq!(of("emg", None, "silhouette").value, None);
        let otdd = of("pretrained", Some("emg"), "otdd");
        assert_eq!((otdd.value, otdd.samples), (Some(1.5), Some(300)));
        let note = otdd.note.as_deref();
        assert_eq!(note, Some("from 500 source samples; not converged"));
        let leep = of("pretrained", Some("sound"), "leep");
        assert_eq!(
            (leep.value, leep.note.as_deref()),
            (None, Some("the target has labels"))
        );
        let gap = of("pretrained", Some("sound"), "modality-gap");
        assert_eq!((gap.value, gap.note.as_deref()), (Some(0.3), None));
        // What is read is what would be written.
        let new = tempfile::tempdir().unwrap();
        MeasureRow::write(&rows, new.path()).unwrap();
        assert_eq!(
            MeasureRow::read_if_written(new.path()).unwrap().unwrap(),
            rows
        );
    }

    #[test]
    fn a_renamed_table_is_found_and_read_under_its_former_name() {
        let home = tempfile::tempdir().unwrap();
        let committed = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/real-mini/tables");
        let committed = place(Path::new(committed), "results");
        std::fs::copy(committed, home.path().join("answer.csv")).unwrap();
        assert!(is_written(home.path(), ResultRow::FILE) && !is_written(home.path(), "cka.csv"));
        assert_eq!((present("answer"), present("cka")), ("results", "cka"));
        let rows = ResultRow::read(home.path()).unwrap();
        assert_eq!(rows.len(), 24);
        // Where both are, the present name counts.
        ResultRow::write(&rows[..1], home.path()).unwrap();
        assert_eq!(ResultRow::read(home.path()).unwrap(), rows[..1]);
        assert!(place(home.path(), "results").ends_with("results.csv"));
    }

    #[test]
    fn comparisons_of_older_versions_name_their_encoders_sides() {
        let home = tempfile::tempdir().unwrap();
        let text = "side,dim,measure,value,lower,upper,interval,better,samples\n\
                    old,64,silhouette,,,,-,higher,\n";
        std::fs::write(home.path().join("measures.csv"), text).unwrap();
        let rows = MeasureRow::read(home.path()).unwrap();
        assert_eq!(
            (rows[0].encoder.as_str(), rows[0].encoder_title.as_str()),
            ("old", "old")
        );
        assert_eq!(
            (rows[0].dim, rows[0].better.as_deref()),
            (Some(64), Some("higher"))
        );
        assert_eq!(
            (rows[0].interval.as_deref(), rows[0].target.as_deref()),
            (None, None)
        );
    }
}

//! Everything a report is made of, read once: the record, the typed tables, and the bytes of the
//! tables for readers who want to compute further. A table that was never written is `None`.

use std::path::Path;

use super::error::ReportError;
use super::record::Record;
use crate::figure::optional;
use crate::figure::picture::Pictures;
use crate::figure::verdicts;
use crate::table::{
    AnswerRow, CellRow, CkaRow, CurveRow, DiscrepancyRow, GeometryRow, MatchingRow, PairRow,
    PairedRow, ProbeRow, Row, SeedRow, Stage1Row, StageRow, TargetRow, TransferabilityRow, TsneRow,
    YardstickRow,
};

/// Tables larger than this are named, not embedded.
const LARGEST_EMBEDDED: u64 = 256 * 1024;

/// A table as the report needs it.
pub struct Table<R> {
    /// Its rows, in file order.
    pub rows: Vec<R>,
    /// Its bytes, unless it is large.
    pub bytes: Option<Vec<u8>>,
}

impl<R: Row> Table<R> {
    pub(super) fn read(tables: &Path) -> Result<Option<Self>, ReportError> {
        let Some(rows) = optional(R::read(tables))? else {
            return Ok(None);
        };
        let path = tables.join(R::FILE);
        let fault = |source| ReportError::Io {
            path: path.clone(),
            source,
        };
        let small = std::fs::metadata(&path).map_err(fault)?.len() <= LARGEST_EMBEDDED;
        let bytes = if small {
            Some(std::fs::read(&path).map_err(fault)?)
        } else {
            None
        };
        Ok(Some(Self { rows, bytes }))
    }

    /// Rows with their lines in the file, the header being line 1.
    pub fn lines(&self) -> impl Iterator<Item = Line<'_, R>> {
        self.rows.iter().enumerate().map(|(index, row)| Line {
            line: index + 2,
            row,
        })
    }
}

/// The rows of a table, none where it was never written.
pub fn rows<R>(table: &Option<Table<R>>) -> &[R] {
    table.as_ref().map_or(&[], |table| &table.rows)
}

/// A row and where it stands in its file.
#[derive(Debug)]
pub struct Line<'a, R> {
    /// Line in the file.
    pub line: usize,
    /// The row.
    pub row: &'a R,
}

impl<R> Clone for Line<'_, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<R> Copy for Line<'_, R> {}

/// A run as a report sees it.
pub struct Data {
    /// `run.json`.
    pub record: Record,
    /// `answer.csv`.
    pub answer: Option<Table<AnswerRow>>,
    /// `cells.csv`.
    pub cells: Option<Table<CellRow>>,
    /// `matching.csv`.
    pub matching: Option<Table<MatchingRow>>,
    /// Pictures of samples.
    pub pictures: Pictures,
    /// `tsne.csv`.
    pub tsne: Option<Table<TsneRow>>,
    /// `probe.csv`.
    pub probe: Option<Table<ProbeRow>>,
    /// `discrepancy.csv`.
    pub discrepancy: Option<Table<DiscrepancyRow>>,
    /// `pairs.csv`.
    pub pairs: Option<Table<PairRow>>,
    /// `geometry.csv`.
    pub geometry: Option<Table<GeometryRow>>,
    /// `targets.csv`.
    pub targets: Option<Table<TargetRow>>,
    /// `curves.csv`.
    pub curves: Option<Table<CurveRow>>,
    /// `paired.csv`.
    pub paired: Option<Table<PairedRow>>,
    /// `seeds.csv`.
    pub seeds: Option<Table<SeedRow>>,
    /// Probe errors against those before any transfer, where `paired.csv` is too old to hold them.
    pub distortion: Vec<PairedRow>,
    /// Whether verdicts of an older version were judged again.
    pub judged_again: bool,
    /// `stages.csv`.
    pub stages: Option<Table<StageRow>>,
    /// `stage1.csv`.
    pub stage1: Option<Table<Stage1Row>>,
    /// `yardsticks.csv`.
    pub yardsticks: Option<Table<YardstickRow>>,
    /// `cka.csv`.
    pub cka: Option<Table<CkaRow>>,
    /// `transferability.csv`.
    pub transferability: Option<Table<TransferabilityRow>>,
}

impl Data {
    /// Reads the run in `folder`, with pictures of `samples` or without.
    pub fn read(folder: &Path, samples: bool) -> Result<Self, ReportError> {
        let tables = folder.join("tables");
        let mut answer: Option<Table<AnswerRow>> = Table::read(&tables)?;
        let mut paired: Option<Table<PairedRow>> = Table::read(&tables)?;
        let probe: Option<Table<ProbeRow>> = Table::read(&tables)?;
        let seeds: Option<Table<SeedRow>> = Table::read(&tables)?;
        let again = verdicts::complete(
            paired.as_mut().map_or(&mut [], |table| &mut table.rows),
            rows(&seeds),
            answer.as_mut().map_or(&mut [], |table| &mut table.rows),
            rows(&probe),
        );
        Ok(Self {
            record: Record::read(folder)?,
            answer,
            distortion: again.distortion,
            judged_again: again.happened,
            cells: Table::read(&tables)?,
            matching: Table::read(&tables)?,
            pictures: match samples {
                true => Pictures::read(&tables)?,
                false => Pictures::default(),
            },
            tsne: Table::read(&tables)?,
            probe,
            discrepancy: Table::read(&tables)?,
            pairs: Table::read(&tables)?,
            geometry: Table::read(&tables)?,
            targets: Table::read(&tables)?,
            curves: Table::read(&tables)?,
            paired,
            seeds,
            stages: Table::read(&tables)?,
            stage1: Table::read(&tables)?,
            yardsticks: Table::read(&tables)?,
            cka: Table::read(&tables)?,
            transferability: Table::read(&tables)?,
        })
    }
}

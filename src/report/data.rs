//! What a report is made of: a record, and tables that are read when a section asks for them, each once. A
//! table that was never written is `None`. Tables keep their bytes for readers who compute further.

use std::any::{Any, TypeId};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::error::ReportError;
use super::record;
use crate::figure::FigureError;
use crate::figure::picture::Pictures;
use crate::table::record::{RUN, RunRecord};
use crate::table::{PairedRow, ProbeRow, ResultRow, Row, TableError, Verdicts, legacy};

/// Tables larger than this are named, not embedded.
const LARGEST_EMBEDDED: u64 = 256 * 1024;

/// A table as a report needs it.
#[derive(Debug, Clone)]
pub struct Table<R> {
    /// Its rows, in file order.
    pub rows: Vec<R>,
    /// Its bytes, unless it is large.
    pub bytes: Option<Vec<u8>>,
}

impl<R: Row> Table<R> {
    fn read(tables: &Path) -> Result<Option<Self>, FigureError> {
        Self::of(R::read_if_written(tables)?, tables)
    }

    /// Rows with the bytes of their file.
    fn of(rows: Option<Vec<R>>, tables: &Path) -> Result<Option<Self>, FigureError> {
        let Some(rows) = rows else {
            return Ok(None);
        };
        let path = tables.join(R::FILE);
        let fault = |source| FigureError::Io {
            path: path.clone(),
            source,
        };
        let bytes = match std::fs::metadata(&path) {
            Ok(found) if found.len() > LARGEST_EMBEDDED => None,
            Ok(_) => Some(std::fs::read(&path).map_err(fault)?),
            // Rows of an older version's tables stand as the file that holds them now.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Some(R::csv(&rows)?).filter(|bytes| bytes.len() as u64 <= LARGEST_EMBEDDED)
            }
            Err(error) => return Err(fault(error)),
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

/// The tables whose verdicts the text repeats, by the run's one rule.
#[derive(Debug)]
pub struct VerdictTables {
    /// `paired.csv`.
    pub paired: Option<Table<PairedRow>>,
    /// `results.csv`.
    pub results: Option<Table<ResultRow>>,
    /// Probe errors against those before any transfer, where `paired.csv` is too old to hold them.
    pub distortion: Vec<PairedRow>,
    /// Whether verdicts of an older version were decided again.
    pub again: bool,
}

/// A folder of tables.
pub struct Tables {
    folder: PathBuf,
    kept: RefCell<HashMap<TypeId, Box<dyn Any>>>,
    verdicts: OnceCell<Rc<VerdictTables>>,
}

impl Tables {
    /// The tables in `folder`; nothing is read yet.
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            kept: RefCell::default(),
            verdicts: OnceCell::new(),
        }
    }

    /// The table of rows `R`, if it was written.
    ///
    /// # Errors
    /// [`FigureError`] for a table that is there and broken.
    pub fn get<R: Row + 'static>(&self) -> Result<Option<Rc<Table<R>>>, FigureError> {
        let key = TypeId::of::<R>();
        if let Some(kept) = self.kept.borrow().get(&key) {
            let kept: Option<&Option<Rc<Table<R>>>> = kept.downcast_ref();
            return Ok(kept
                .expect("a table is kept by the type of its rows")
                .clone());
        }
        let found = Table::<R>::read(&self.folder)?.map(Rc::new);
        let mut kept = self.kept.borrow_mut();
        kept.insert(key, Box::new(found.clone()));
        Ok(found)
    }

    /// The table of rows `R`, empty where it was never written.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn any<R: Row + 'static>(&self) -> Result<Rc<Table<R>>, FigureError> {
        let none = || Table {
            rows: Vec::new(),
            bytes: None,
        };
        Ok(self.get()?.unwrap_or_else(|| Rc::new(none())))
    }

    /// The table of rows `R`, which has to be there.
    ///
    /// # Errors
    /// As [`get`](Self::get), and [`TableError::NotRun`] without the table.
    pub fn needed<R: Row + 'static>(&self) -> Result<Rc<Table<R>>, FigureError> {
        let missing = || TableError::NotRun {
            path: self.folder.join(R::FILE),
            table: R::FILE,
        };
        self.get()?.ok_or_else(|| missing().into())
    }

    /// Whether a file of that name was written.
    pub fn holds(&self, file: &str) -> bool {
        legacy::is_written(&self.folder, file)
    }

    /// Paired differences and results with their verdicts; those of tables that an older version wrote
    /// are decided again.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn verdicts(&self) -> Result<Rc<VerdictTables>, FigureError> {
        if let Some(verdicts) = self.verdicts.get() {
            return Ok(verdicts.clone());
        }
        let found = Verdicts::read(&self.folder, &self.any::<ProbeRow>()?.rows)?;
        let verdicts = VerdictTables {
            paired: Table::of(found.paired, &self.folder)?,
            results: Table::of(found.results, &self.folder)?,
            distortion: found.distortion,
            again: found.decided_again,
        };
        Ok(self.verdicts.get_or_init(|| Rc::new(verdicts)).clone())
    }
}

/// What a report is written of: the record of a run or of a comparison, and its tables.
pub struct Data<T> {
    /// `run.json` or `compare.json`.
    pub record: T,
    /// Its tables.
    pub tables: Tables,
    /// Pictures of samples.
    pub pictures: Pictures,
}

/// A run as a report sees it.
pub type Run = RunRecord;

impl Data<Run> {
    /// Opens the run in `folder`, with pictures of `samples` or without.
    ///
    /// # Errors
    /// [`ReportError`]: no run, a record or a table of pictures that is broken.
    pub fn read(folder: &Path, samples: bool) -> Result<Self, ReportError> {
        let tables = folder.join("tables");
        Ok(Self {
            record: record::read(folder, RUN)?,
            pictures: if samples {
                Pictures::read(&tables)?
            } else {
                Pictures::default()
            },
            tables: Tables::of(&tables),
        })
    }
}

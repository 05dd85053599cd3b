//! What a report is made of: a record, and tables that are read when a section asks for them, each once. A
//! table that was never written is `None`. Tables keep their bytes for readers who compute further.

use std::any::{Any, TypeId};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::error::ReportError;
use super::record::Record;
use crate::figure::picture::Pictures;
use crate::figure::{FigureError, optional, verdicts};
use crate::table::{AnswerRow, PairedRow, ProbeRow, Row, SeedRow, TableError};

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
        let Some(rows) = optional(R::read(tables))? else {
            return Ok(None);
        };
        let path = tables.join(R::FILE);
        let fault = |source| FigureError::Io {
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

/// The tables whose verdicts the text repeats, judged by the run's one rule.
#[derive(Debug)]
pub struct Judged {
    /// `paired.csv`.
    pub paired: Option<Table<PairedRow>>,
    /// `answer.csv`.
    pub answer: Option<Table<AnswerRow>>,
    /// Probe errors against those before any transfer, where `paired.csv` is too old to hold them.
    pub distortion: Vec<PairedRow>,
    /// Whether verdicts of an older version were judged again.
    pub again: bool,
}

/// A folder of tables.
pub struct Tables {
    folder: PathBuf,
    kept: RefCell<HashMap<TypeId, Box<dyn Any>>>,
    judged: OnceCell<Rc<Judged>>,
}

impl Tables {
    /// The tables in `folder`; nothing is read yet.
    pub fn of(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            kept: RefCell::default(),
            judged: OnceCell::new(),
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
        self.folder.join(file).is_file()
    }

    /// Paired differences and answers with their verdicts; those of tables that an older version wrote
    /// are judged again.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn judged(&self) -> Result<Rc<Judged>, FigureError> {
        if let Some(judged) = self.judged.get() {
            return Ok(judged.clone());
        }
        let mut answer: Option<Table<AnswerRow>> = Table::read(&self.folder)?;
        let mut paired: Option<Table<PairedRow>> = Table::read(&self.folder)?;
        let found = verdicts::complete(
            paired.as_mut().map_or(&mut [], |table| &mut table.rows),
            &self.any::<SeedRow>()?.rows,
            answer.as_mut().map_or(&mut [], |table| &mut table.rows),
            &self.any::<ProbeRow>()?.rows,
        );
        let judged = Judged {
            paired,
            answer,
            distortion: found.distortion,
            again: found.happened,
        };
        Ok(self.judged.get_or_init(|| Rc::new(judged)).clone())
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
pub type Run = Record;

impl Data<Run> {
    /// Opens the run in `folder`, with pictures of `samples` or without.
    ///
    /// # Errors
    /// [`ReportError`]: no run, a record or a table of pictures that is broken.
    pub fn read(folder: &Path, samples: bool) -> Result<Self, ReportError> {
        let tables = folder.join("tables");
        Ok(Self {
            record: Record::read(folder)?,
            pictures: if samples {
                Pictures::read(&tables)?
            } else {
                Pictures::default()
            },
            tables: Tables::of(&tables),
        })
    }
}

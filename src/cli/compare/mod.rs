//! `modalign compare`: encoders set against each other on the same samples. Reads the encoders, has
//! them compared, leaves tables, figures and a page, and says the result.

#[cfg(feature = "train")]
mod model;
mod read;
mod words;

use super::args::{CompareArgs, labels_of};
use super::error::CliError;
use super::print;
use super::progress::Bars;
use super::signals::catch_interrupts;
use super::words::print_json;
use crate::compare::align::{self, Shared};
use crate::compare::folder::{self, Folder};
use crate::compare::{Comparison, Settings, ValidSettings, write};
use crate::figure::Format;
use crate::measure::MeasureError;
use crate::report;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is said of a comparison.
struct Said<'a> {
    shared: &'a Shared,
    settings: &'a ValidSettings,
    found: &'a Comparison,
    folder: &'a Path,
    report: &'a Path,
    seconds: f64,
}

/// Runs the command.
pub fn run(args: &CompareArgs) -> Result<(), CliError> {
    let started = Instant::now();
    catch_interrupts();
    if args.bootstrap.is_some() {
        eprintln!(
            "--bootstrap: without effect; differences are tested exactly and by the jackknife"
        );
    }
    // Settings are refused before files are read.
    let settings = Settings::new()
        .train_share(args.train_share)
        .sample(args.sample)
        .tsne_iterations(args.iterations)
        .seed(args.seed)
        .check()
        .map_err(refused)?;
    let encoders = read::encoders(args)?;
    if encoders.len() < 2 {
        return Err(CliError::Usage {
            what: "encoders".into(),
            expected: "at least 2, or a run with several encoders".into(),
            found: encoders.len().to_string(),
        });
    }
    if let Some(out) = &args.out {
        let (labels, _) = labels_of(args.labels.as_deref());
        let data = args.data_dir.as_deref();
        let others: Vec<&Path> = labels.as_deref().into_iter().chain(data).collect();
        folder::outside_of_inputs(out, &encoders, &others)?;
    }
    let shared = align::align(encoders)?;
    let reference = reference(args.reference.as_deref(), &shared)?;
    let folder = args.out.clone().unwrap_or_else(|| {
        let name = write::short_hash(&shared, reference, &settings);
        PathBuf::from(format!("runs/compare-{name}"))
    });
    let locked = Folder::open(&folder)?;
    let found = Comparison::new(&shared, reference, &settings, &mut Bars::new())?;
    write::write(locked.root()?, &shared, &settings, &found)?;
    let (tables, figures) = (folder.join("tables"), folder.join("figures"));
    report::draw(&tables, &figures, &Format::ALL, None)?;
    let report = report::write_comparison(locked.root()?)?;
    let said = Said {
        shared: &shared,
        settings: &settings,
        found: &found,
        folder: &folder,
        report: &report,
        seconds: started.elapsed().as_secs_f64(),
    };
    if args.json {
        print_json(&words::fields(&said))
    } else {
        print(words::text(&said).as_bytes())
    }
}

fn refused(error: MeasureError) -> CliError {
    CliError::of_measure(Path::new("settings"))(error)
}

/// Which encoder is meant: by title, or by what was named on the command line.
fn reference(asked: Option<&str>, shared: &Shared) -> Result<usize, CliError> {
    let Some(asked) = asked else { return Ok(0) };
    let encoders = &shared.encoders;
    let titled = encoders.iter().position(|encoder| encoder.title == asked);
    let named = || {
        encoders
            .iter()
            .position(|encoder| encoder.origin.path == asked)
    };
    titled.or_else(named).ok_or_else(|| {
        let titles: Vec<String> = encoders.iter().map(|s| format!("{:?}", s.title)).collect();
        CliError::Usage {
            what: "--reference".into(),
            expected: format!("one of the encoders: {}", titles.join(", ")),
            found: format!("{asked:?}"),
        }
    })
}

//! The page of a comparison of encoders (`modalign compare`): one HTML file of the same kind as a
//! run's report, from the comparison's tables and its record. It computes nothing either.

mod chapters;
mod data;
mod finding;
mod notes;
mod overview;

use maud::html;
use std::path::{Path, PathBuf};

use super::page::{contents, document};
use super::{ReportError, record::Shown};
use crate::figure::write_whole;
use data::Data;

/// Writes `comparison.html` into the folder of a comparison and returns its path.
///
/// # Errors
/// [`ReportError`]: no comparison, a table that is broken or missing, a page that cannot be written.
pub fn write(folder: &Path) -> Result<PathBuf, ReportError> {
    let page = page(&Data::read(folder)?)?;
    let path = folder.join("comparison.html");
    write_whole(&path, page.as_bytes())?;
    Ok(path)
}

fn page(data: &Data) -> Result<String, ReportError> {
    let record = &data.record;
    let others = record.others();
    let title = match others.as_slice() {
        [one] => format!("{one} against {}", record.reference),
        several => format!("{} encoders against {}", several.len(), record.reference),
    };
    let samples = &record.samples;
    let chapters = [
        ("measures", "All measures", chapters::measures(data)?),
        ("maps", "Maps from one start", chapters::maps(data)?),
        ("cka", "How far encoders agree", chapters::cka(data)?),
        ("classes", "Class by class", chapters::classes(data)?),
        ("method", "How it was measured", notes::method(record)),
        ("inputs", "Inputs and settings", notes::inputs(record)),
        ("reproduce", "How to reproduce", notes::reproduce(record)),
    ];
    let body = html! {
        header {
            p.kicker { "Comparison of encoders" }
            h1 { (title) }
            p.meta {
                (record.classes.len()) " classes · " (samples.train) " samples to learn from, "
                (samples.test) " to test · modalign " (record.version)
            }
        }
        main {
            section #finding {
                h2 { "Finding" }
                (finding::finding(data))
                p.hint { "Every underlined number leads to the table row it was read from." }
            }
            section #overview { (overview::table(data)) }
            (contents(&chapters))
        }
        footer {
            p { "Written by modalign from the tables of one comparison. Figures and text contain no value that is not in those tables. Set in a subset of Inter (SIL Open Font License 1.1)." }
        }
    };
    let version = Shown(Some(record.version.clone()));
    let title = format!("{title} – modalign comparison");
    Ok(document(&title, &version, "", "", &body))
}

#[cfg(test)]
mod tests;

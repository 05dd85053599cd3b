//! The page: head, order of the chapters, style. One file and no network; a content security policy
//! forbids everything but the rules and the one script that are named by their hashes, so that nothing a
//! table contains could fetch or run anything.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::data::Data;
use super::finding::finding;
use super::notes;
use super::overview::overview;
use super::record::Shown;
use super::{answer, chapters, comparison, cost, maps, matching, yardsticks};
use crate::figure::FigureError;
use crate::figure::palette::{self, Colour};
use crate::figure::render::font_faces;

/// The whole document.
pub fn page(data: &Data) -> Result<String, FigureError> {
    let record = &data.record;
    let title = record.title();
    let maps = maps::maps(data)?;
    let chapters: [Chapter; 13] = [
        ("maps", "Features before and after", maps.chapter),
        (
            "distortion",
            "Distortion of the source knowledge",
            chapters::distortion(data)?,
        ),
        (
            "discrepancy",
            "Modality knowledge discrepancy",
            chapters::discrepancies(data)?,
        ),
        ("pairs", "Matched classes", matching::chapter(data)?),
        (
            "comparison",
            "Aligned against unaligned",
            comparison::chapter(data)?,
        ),
        (
            "geometry",
            "Alignment and uniformity",
            chapters::geometry(data)?,
        ),
        ("yardsticks", "Other yardsticks", yardsticks::chapter(data)?),
        (
            "targets",
            "Results on the targets",
            chapters::targets(data)?,
        ),
        ("cost", "Time, memory, device", cost::chapter(data)),
        (
            "settings",
            "Settings, hashes, what was not run",
            notes::settings(data),
        ),
        ("method", "How it was measured", notes::method(data)),
        ("reproduce", "How to reproduce", notes::reproduce(record)),
        ("citations", "What to cite", notes::citations(data)),
    ];
    let body = html! {
        header {
            p.kicker { "Modality knowledge alignment" }
            h1 { (title) }
            p.meta {
                (date(&record.finished)) " · modalign " (record.version) " · "
                (record.device) " · seeds " (record.seeds)
            }
        }
        main {
            section #overview {
                h2 { "What was compared" }
                (overview(data)?)
            }
            section #finding {
                h2 { "The answer" }
                (answer::table(data))
                div.words {
                    (finding(data))
                    p.hint { "Every underlined number leads to the table row it was read from." }
                }
            }
            (contents(&chapters))
        }
        footer {
            p { "Written by modalign from the tables of one run. Figures and text contain no value that is not in those tables. Method: Ma, Li, Cai and Kang, “Learning Modality Knowledge Alignment for Cross-Modality Transfer”, ICML 2024. Set in a subset of Inter (SIL Open Font License 1.1)." }
        }
    };
    let scripts = if maps.script {
        maps::script_hash()
    } else {
        String::new()
    };
    Ok(document(
        &format!("{title} – modalign report"),
        &record.version,
        &maps.style,
        &scripts,
        &body,
    ))
}

/// A chapter: its id, its name, what it says.
pub type Chapter = (&'static str, &'static str, Markup);

/// The list of chapters and the chapters.
pub fn contents(chapters: &[Chapter]) -> Markup {
    html! {
        nav aria-label="Contents" { ol {
            @for (id, name, _) in chapters { li { a href={ "#" (id) } { (name) } } }
        } }
        @for (id, name, body) in chapters {
            section id=(id) { h2 { (name) } (body) }
        }
    }
}

/// A whole document around `body`, with further `style` rules and the hashes of its `scripts`. Its content
/// security policy allows these rules, these scripts and pictures inside the page, and nothing else.
pub fn document(title: &str, version: &Shown, style: &str, scripts: &str, body: &Markup) -> String {
    let rules = [
        &font_faces(),
        include_str!("style.css"),
        &dark_figures(),
        style,
    ]
    .concat();
    let hash = BASE64_STANDARD.encode(Sha256::digest(&rules));
    let scripts = match scripts {
        "" => String::new(),
        hashes => format!("script-src {hashes}; "),
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; {scripts}img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
    );
    let document = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="generator" content={ "modalign " (version) };
                title { (title) }
                style { (PreEscaped(rules)) }
            }
            body { (body) }
        }
    };
    document.into_string()
}

/// The day of an RFC 3339 time; anything else as it stands.
fn date(time: &Shown) -> String {
    let text = time.to_string();
    match text.split_once('T') {
        Some((day, _)) if day.len() == 10 => day.to_owned(),
        _ => text,
    }
}

/// Figures are drawn for white paper; on dark screens their neutral colours turn over and the
/// hues grow lighter. Attributes give way to style sheets, so selecting on them is enough.
fn dark_figures() -> String {
    let rule = |(from, to): (Colour, Colour)| {
        let (from, to) = (from.hex(), to.hex());
        format!(
            "figure svg [fill=\"{from}\"]{{fill:{to}}}figure svg [stroke=\"{from}\"]{{stroke:{to}}}"
        )
    };
    let rules: String = palette::dark().map(rule).collect();
    format!("@media screen and (prefers-color-scheme:dark){{{rules}}}")
}

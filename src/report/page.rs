//! The page: head, table of contents, sections in their order, style. One file and no network; a content
//! security policy forbids everything but the rules and the one script that are named by their hashes, so that
//! nothing a table contains could fetch or run anything. Runs and comparisons are set by the same renderer.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use super::compared::Compared;
use super::data::{Data, Run};
use super::grid::Place;
use super::record::{Shown, shown};
use super::section::{Active, Around, Block, Drawing, Layout, Numbers, Section};
use super::sections;
use super::words::joint;
use crate::figure::palette::{self, Colour};
use crate::figure::render::font_faces;
use crate::figure::{FigureError, optional};

/// Height in CSS pixels beyond which a panel at its own size is folded.
const HIGH: f64 = 480.0;

/// What a report is about, as far as its head and foot tell.
pub trait Subject: Sized + 'static {
    /// Its sections.
    const SECTIONS: &'static [Section<Self>];
    /// The line above the title.
    const KICKER: &'static str;
    /// What kind of document it is.
    const KIND: &'static str;
    /// Name of its files.
    const NAME: &'static str;
    /// What is said at the foot.
    const FOOT: &'static str;
    /// Its title.
    fn title(&self) -> String;
    /// The line below the title.
    fn meta(&self) -> String;
    /// Version of the program.
    fn version(&self) -> Shown;
}

impl Subject for Run {
    const SECTIONS: &'static [Section<Self>] = sections::SECTIONS;
    const KICKER: &'static str = "Modality knowledge alignment";
    const KIND: &'static str = "report";
    const NAME: &'static str = "report";
    const FOOT: &'static str = "Written by modalign from the tables of one run. Figures and text contain no value that is not in those tables. Method: Ma, Li, Cai and Kang, “Learning Modality Knowledge Alignment for Cross-Modality Transfer”, ICML 2024. Set in a subset of Inter (SIL Open Font License 1.1).";

    fn title(&self) -> String {
        self.name().to_owned()
    }

    fn meta(&self) -> String {
        format!(
            "{} · modalign {} · {} · seeds {}",
            date(&shown(&self.finished)),
            shown(&self.version),
            shown(&self.device),
            shown(&self.seeds)
        )
    }

    fn version(&self) -> Shown {
        shown(&self.version)
    }
}

impl Subject for Compared {
    const SECTIONS: &'static [Section<Self>] = sections::COMPARISON;
    const KICKER: &'static str = "Comparison of encoders";
    const KIND: &'static str = "comparison";
    const NAME: &'static str = "comparison";
    const FOOT: &'static str = "Written by modalign from the tables of one comparison. Figures and text contain no value that is not in those tables. Set in a subset of Inter (SIL Open Font License 1.1).";

    fn title(&self) -> String {
        match self.others().as_slice() {
            [one] => format!("{one} against {}", self.reference),
            several => format!("{} encoders against {}", several.len(), self.reference),
        }
    }

    fn meta(&self) -> String {
        format!(
            "{} classes · {} samples to learn from, {} to test · modalign {}",
            self.classes.len(),
            self.samples.train,
            self.samples.test,
            shown(&self.version)
        )
    }

    fn version(&self) -> Shown {
        shown(&self.version)
    }
}

/// The whole document, of sections with their blocks.
///
/// # Errors
/// [`FigureError`] for a table that is broken or a figure that cannot be drawn.
pub fn page<T: Subject>(
    data: &Data<T>,
    sections: &[(&Section<T>, Vec<Block>)],
) -> Result<String, FigureError> {
    let title = data.record.title();
    let numbers = Numbers::of(T::SECTIONS);
    let mut active = Active::default();
    let mut bodies = Vec::new();
    for (section, blocks) in sections {
        let mut body = Vec::new();
        for block in blocks {
            body.push(set(data, section, block, &numbers, &mut active)?);
        }
        bodies.push((section, body));
    }
    let body = html! {
        (contents(sections))
        header {
            p.kicker { (T::KICKER) }
            h1 { (title) }
            p.meta { (data.record.meta()) }
        }
        main { @for (section, body) in &bodies {
            section id=(section.id) { h2 { (section.title) } @for block in body { (block) } }
        } }
        footer { p { (T::FOOT) } }
    };
    let title = format!("{title} – modalign {}", T::KIND);
    Ok(document(&title, &data.record.version(), &active, &body))
}

/// The table of contents: a list beside the page on a desk, folded above it on a phone.
fn contents<T>(sections: &[(&Section<T>, Vec<Block>)]) -> Markup {
    let list = html! { ol { @for (section, _) in sections {
        li { a href={ "#" (section.id) } { (section.title) } }
    } } };
    html! {
        nav.beside-page aria-label="Contents" { (list) }
        nav.above-page aria-label="Contents" { details { summary { "Contents" } (list) } }
    }
}

/// One block.
fn set<T>(
    data: &Data<T>,
    section: &Section<T>,
    block: &Block,
    numbers: &Numbers,
    active: &mut Active,
) -> Result<Markup, FigureError> {
    Ok(match block {
        Block::Lead(words) => html! { p.lead { (words.html()) } },
        Block::Words(words) if words.is_empty() => Markup::default(),
        Block::Words(words) => html! { p { (words.html()) } },
        Block::Note(text) => html! { p.hint { (text) } },
        Block::Notes(_, notes) if notes.is_empty() => Markup::default(),
        Block::Notes(title, notes) => html! {
            h3 { (title) }
            ul { @for note in notes { li { (note) } } }
        },
        Block::Code(Some(code)) => html! { div.scroll tabindex="0" { pre { code { (code) } } } },
        Block::Code(None) => html! { p.absent { "The command was not recorded." } },
        Block::Figure(around) => match &section.figure {
            Some(drawing) => drawn(drawing, section.tables, data, (around, numbers))?,
            None => Markup::default(),
        },
        Block::Table(grid) if grid.place == Place::Text => Markup::default(),
        Block::Table(grid) => grid.html(),
        Block::Page(markup) => markup.clone(),
        Block::Active(markup, own) => {
            active.style += &own.style;
            active.script |= own.script;
            markup.clone()
        }
        Block::Absent(what, file) => html! {
            p.absent { b { "not run" } " – " (what) " is missing: the run has no " code { "tables/" (file) } "." }
        },
    })
}

/// A figure with its caption; where there is nothing to draw, nothing, or what is missing.
fn drawn<T>(
    drawing: &Drawing,
    tables: &[&str],
    data: &Data<T>,
    (around, numbers): (&Around, &Numbers),
) -> Result<Markup, FigureError> {
    let figure = match optional((drawing.draw)(&data.tables)) {
        Ok(Some(figure)) => figure,
        Ok(None) => return Ok(Markup::default()),
        Err(FigureError::Content {
            table,
            expected,
            found,
        }) => {
            return Ok(html! {
                p.absent { b { "not run" } " – nothing to draw from " code { "tables/" (table) } ": expected " (expected) ", found " (found) "." }
            });
        }
        Err(error) => return Err(error),
    };
    let panels = figure.panel_svgs()?;
    let number = numbers.number(drawing.name);
    let (layout, class) = match (drawing.layout, panels.len()) {
        (Layout::Native, _) => ("wide", "panels native"),
        (_, 0 | 1) => ("beside", "panels"),
        (Layout::Column, _) => ("beside", "panels chains"),
        (Layout::Pair, _) => ("wide", "panels many pair"),
        (Layout::Grid, count) if count.is_multiple_of(4) => ("wide", "panels many four"),
        (Layout::Grid, _) => ("wide", "panels many"),
    };
    let first = match drawing.layout {
        Layout::Native => {
            let low = figure
                .panels
                .iter()
                .take_while(|panel| panel.height <= HIGH);
            low.count().max(1)
        }
        _ => panels.len(),
    };
    let panel = |svg: &String| html! { div.panel { (PreEscaped(svg)) } };
    Ok(html! {
        figure id={ "figure-" (drawing.name) } class=(layout) {
            (around.above)
            div class=(class) {
                @for svg in &panels[..first] { (panel(svg)) }
                @if first < panels.len() {
                    details.more {
                        summary { "Larger ones " span.count { (panels.len() - first) } }
                        @for svg in &panels[first..] { (panel(svg)) }
                    }
                }
            }
            (around.below)
            figcaption {
                p.name { @if let Some(number) = number { b { "Figure " (number) "." } " " } (drawing.title) }
                dl.caption { @for (part, text) in drawing.caption.parts() {
                    dt { (part) } dd { (numbers.told(text)) }
                } }
                p.source { "Drawn from " @for (place, file) in tables.iter().enumerate() {
                    (joint(place, tables.len())) code { "tables/" (file) }
                } "." }
            }
        }
    })
}

/// A whole document around `body`. Its content security policy allows these rules, the one script and pictures
/// inside the page, and nothing else.
fn document(title: &str, version: &Shown, active: &Active, body: &Markup) -> String {
    let rules = [
        &font_faces(),
        include_str!("style.css"),
        &dark_figures(),
        active.style.as_str(),
    ]
    .concat();
    let hash = BASE64_STANDARD.encode(Sha256::digest(&rules));
    let scripts = if active.script {
        format!("script-src {}; ", sections::script_hash())
    } else {
        String::new()
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

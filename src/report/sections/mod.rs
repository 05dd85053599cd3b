//! The sections of reports, a file each, and the two lists of them. A section's descriptor holds all that is
//! known of it: heading, tables, figure with its caption, what to cite. The order of a list is the reading order,
//! and figures are numbered by it. A new section is its file and a line here (and the row of its table, if
//! that is new).

mod by_texts;
mod citations;
mod cka;
mod classes;
mod confusions;
mod cost;
mod discrepancy;
mod distortion;
mod flow;
mod geometry;
mod joint;
mod maps;
mod matching;
mod measures;
mod methods;
mod orderings;
mod overview;
mod paired;
mod probe;
mod representation;
mod reproduce;
mod results;
mod retrieval;
mod settings;
mod simulation;
mod stage1;
mod stages;
mod summary;
mod tasks;
mod tradeoff;
mod training;
mod transferability;
mod tuning;

pub use maps::script_hash;
pub use summary::sentences;

use super::compared::Compared;
use super::data::Run;
use super::section::Section;

/// Figures that only some kinds of target have: their numbers come after all others.
pub const OCCASIONAL: [&str; 4] = ["retrieval", "joint", "by-texts", "tasks"];

/// The sections of a run.
pub const SECTIONS: &[Section<Run>] = &[
    summary::RUN,
    tradeoff::SECTION,
    results::SECTION,
    retrieval::SECTION,
    joint::SECTION,
    confusions::SECTION,
    by_texts::SECTION,
    tasks::SECTION,
    flow::SECTION,
    maps::RUN,
    probe::SECTION,
    discrepancy::SECTION,
    matching::SECTION,
    paired::SECTION,
    orderings::SECTION,
    stages::SECTION,
    stage1::SECTION,
    simulation::SECTION,
    geometry::SECTION,
    representation::SECTION,
    cka::RUN,
    transferability::SECTION,
    tuning::SECTION,
    training::SECTION,
    cost::SECTION,
    methods::RUN,
    settings::RUN,
    reproduce::RUN,
    citations::RUN,
];

/// The sections of a comparison of encoders.
pub const COMPARISON: &[Section<Compared>] = &[
    summary::COMPARISON,
    overview::SECTION,
    measures::SECTION,
    maps::COMPARISON,
    cka::COMPARISON,
    classes::SECTION,
    methods::COMPARISON,
    settings::COMPARISON,
    reproduce::COMPARISON,
    citations::COMPARISON,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::section::Numbers;

    fn described<T>(list: &[Section<T>]) {
        let numbers = Numbers::of(list);
        for section in list {
            assert!(
                !section.title.is_empty() && section.tables.iter().all(|t| t.ends_with(".csv"))
            );
            let same = list.iter().filter(|other| other.id == section.id).count();
            assert_eq!(same, 1, "{} is listed twice", section.id);
            let Some(drawing) = &section.figure else {
                continue;
            };
            assert!(
                !section.tables.is_empty(),
                "{}: drawn from what?",
                section.id
            );
            for (part, text) in drawing.caption.parts() {
                assert!(text.len() > 20, "{}: {part}", section.id);
                let told = numbers.told(text);
                assert!(
                    !told.contains('{'),
                    "{}: {told} names no figure",
                    section.id
                );
            }
        }
    }

    #[test]
    fn every_section_is_described_and_captions_name_figures_that_there_are() {
        described(SECTIONS);
        described(COMPARISON);
    }

    #[test]
    fn figures_are_found_by_number_and_by_name() {
        let numbers = Numbers::of(SECTIONS);
        assert_eq!(numbers.name("1"), Some("tradeoff"));
        assert_eq!(numbers.name("tsne"), Some("tsne"));
        assert_eq!(numbers.number("tsne"), Some(3));
        for wrong in ["0", "99", "-1", "", "tSNE", "pdf"] {
            assert_eq!(numbers.name(wrong), None, "{wrong}");
        }
    }
}

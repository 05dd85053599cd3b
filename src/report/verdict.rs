//! The verdict: one or two plain sentences written from the paired differences, before any table. A difference
//! is stated only where the run's one rule shows it (the `verdict` of a row: p corrected by Holm's method, and
//! an interval clear of zero); what it does not show is called "not shown", with its range. One seed says
//! nothing beyond its runs.
//!
//! The leading contrast of a proposed method is the one with its control, which differs from it by what it
//! proposes alone; then comes the baseline.

use super::data::Line;
use super::words::{Words, counted, joint};
use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::measure::about::Unit;
use crate::table::{PRETRAINED, PairedRow, RECALL_ERROR as RECALL, TradeoffRow};

/// The rule of verdicts, as every page states it.
pub const RULE: &str = "A difference is called one where both hold: its p, corrected by Holm's method for everything that this page calls different (all rows of the table of paired differences, all claims to be best, all differences at equal target error and all orderings within a method), is at most 0.05, and its own interval is clear of zero. The interval joins Student's t over seeds with the noise of test samples, whole groups of which (a clip, a recording, a person) are drawn where a dataset knows them; p is where that interval would end at zero, and no less than an exact sign-flip test over the groups gives. Numbers known once a seed (alignment, uniformity, D, metrics other than the error and the mean recall) have Student's t over seeds alone: the choice of test samples is not in it. Another source model, another split and, for the probe, another training part of the surrogate are in no interval. One seed gives no verdict.";

/// What is said where an older version's verdicts were judged again.
pub const AGAIN: &str = "The tables of this run were written by an older version, whose intervals were bootstraps over few seeds. They hold every seed but not every sample, so verdicts were judged again by Student's t over seeds with Holm's correction; the old interval, which knows the samples, has to be clear of zero too. Intervals shown are the wider of both.";

/// Ids of the quantities that the sentences are about.
const SOURCE: &str = "source-error";
const TARGET: &str = "target-error";
/// All of them, in the order of a sentence. People speak of the mean recall, of which more is better.
const KINDS: [&str; 3] = [SOURCE, TARGET, RECALL];

/// The proposed method that a report leads with.
pub fn lead<'a>(rows: impl IntoIterator<Item = &'a PairedRow>) -> Option<&'a str> {
    proposed(rows).first().copied()
}

/// The proposed methods that ran: those with a control before others, and before them one that learns several targets
/// together, which is what a run with it is about.
fn proposed<'a>(rows: impl IntoIterator<Item = &'a PairedRow>) -> Vec<&'a str> {
    let ids = distinct(rows.into_iter().map(|row| row.method.as_str()));
    let mut proposed = methods::proposed(&ids);
    proposed.sort_by_key(|id| (methods::contrast(id).is_none(), !methods::joins_tasks(id)));
    proposed
}

/// What the run's rule says of a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    Lower,
    Higher,
    Not,
    /// One seed.
    Untested,
}

/// The difference of one quantity on one target.
struct Difference<'a> {
    line: Line<'a, PairedRow>,
    /// Method less other.
    value: f64,
    shown: Shown,
}

/// The differences of a method to another in one quantity, a target each, whichever side the rows put first; of
/// retrieval those of the mean recall itself.
fn differences<'a>(
    lines: &[Line<'a, PairedRow>],
    (method, other): (&str, &str),
    quantity: &str,
) -> Vec<Difference<'a>> {
    let one = |line: Line<'a, PairedRow>| {
        let row = line.row;
        let sides = (row.method.as_str(), row.baseline.as_str());
        let turned = sides == (other, method);
        let own = row.quantity == quantity && (turned || sides == (method, other));
        let turned = turned != (quantity == RECALL);
        let shown = match (row.verdict.as_deref(), turned) {
            (Some("lower"), false) | (Some("higher"), true) => Shown::Lower,
            (Some("higher"), false) | (Some("lower"), true) => Shown::Higher,
            (Some("not shown"), _) => Shown::Not,
            _ => Shown::Untested,
        };
        let value = if turned {
            -row.difference
        } else {
            row.difference
        };
        own.then_some(Difference { line, value, shown })
    };
    lines.iter().copied().filter_map(one).collect()
}

/// Percentage points with their sign.
fn signed(value: f64) -> String {
    Unit::Share.show_difference(value)
}

/// Percentage points without it.
fn size(value: f64) -> String {
    format!("{:.1}", 100.0 * value.abs())
}

/// "2.0–3.8 points", each number with its row.
fn range(own: &[&Difference<'_>], show: fn(f64) -> String, key: fn(f64) -> f64) -> Words {
    let mut sorted = own.to_vec();
    sorted.sort_by(|a, b| key(a.value).total_cmp(&key(b.value)));
    let (Some(low), Some(high)) = (sorted.first(), sorted.last()) else {
        return Words::default();
    };
    let (from, to) = (show(low.value), show(high.value));
    let words = Words::default().cite(low.line, &from);
    let words = match (
        from == to,
        from.starts_with(['+', '\u{2212}']) || to.starts_with('+'),
    ) {
        (true, _) => words,
        (false, true) => words.say(" to ").cite(high.line, &to),
        (false, false) => words.say("–").cite(high.line, &to),
    };
    words.say(" points")
}

/// On which of all targets: by count, and by name where few are meant.
fn on(own: &[&Difference<'_>], all: usize) -> Words {
    let named = |words: Words| {
        own.iter().enumerate().fold(words, |words, (place, d)| {
            words
                .say(joint(place, own.len()))
                .bold(&d.line.row.target_title)
        })
    };
    match (own.len(), all) {
        (1, 1) => named(Words::new(" on ")),
        (2, 2) => Words::new(" on both targets"),
        (own, all) if own == all => Words::new(format!(" on all {} targets", counted(all))),
        (1 | 2, all) => named(Words::new(" on ")).say(format!(" (of {} targets)", counted(all))),
        (own, all) => Words::new(format!(" on {} of {} targets", counted(own), counted(all))),
    }
}

/// On how many targets nothing is shown.
fn on_any(all: usize, own: &[&Difference<'_>]) -> Words {
    match all {
        1 => on(own, 1),
        2 => Words::new(" on either target"),
        more => Words::new(format!(" on any of the {} targets", counted(more))),
    }
}

/// One method against another, in a sentence.
fn sentence(lines: &[Line<'_, PairedRow>], method: &str, other: &str) -> Option<Words> {
    let pair = (method, other);
    let found = KINDS.map(|kind| (kind, differences(lines, pair, kind)));
    let both = || found.iter().flat_map(|(_, own)| own);
    both().next()?;
    let name = methods::title(method);
    let rival = against(other);
    if both().all(|d| d.shown == Shown::Untested) {
        let words = Words::new(format!("{name} against {rival}, in these runs alone: "));
        return Some(listed(words, &found, 0).say("."));
    }
    if both().all(|d| d.shown == Shown::Not) {
        let words = Words::new(format!("{name} is not shown to differ from {rival}"));
        let sizes = found.iter().map(|(_, own)| own.len());
        let most = sizes.max().unwrap_or(0);
        let own = found.iter().find(|(_, own)| own.len() == most);
        let own = own.map_or(Vec::new(), |(_, own)| own.iter().collect());
        let words = words.join(on_any(most, &own));
        return Some(listed(words.say(": "), &found, most).say("."));
    }
    let mut parts: Vec<Words> = Vec::new();
    for (kind, own) in &found {
        for shown in [Shown::Lower, Shown::Higher, Shown::Not, Shown::Untested] {
            let some: Vec<&Difference<'_>> = own.iter().filter(|d| d.shown == shown).collect();
            if !some.is_empty() {
                let known = parts.iter().any(|part| part.plain().starts_with(&name));
                let subject = if known {
                    "its".to_owned()
                } else {
                    format!("{name}'s")
                };
                parts.push(part(kind, shown, (&name, &subject), &some, own.len()));
            }
        }
    }
    let words = Words::new(format!("Against {rival}, "));
    let count = parts.len();
    let words = parts
        .into_iter()
        .enumerate()
        .fold(words, |words, (place, part)| {
            let before = match place {
                0 => "",
                _ if place + 1 == count && count == 2 => ", and ",
                _ => "; ",
            };
            words.say(before).join(part)
        });
    Some(words.say("."))
}

/// The name of what a method is compared with.
fn against(other: &str) -> String {
    if other == PRETRAINED {
        "the pretrained encoder".into()
    } else {
        methods::phrase(other)
    }
}

/// What is said of the targets with one verdict in one quantity; the method by its name and as the owner of
/// an error.
fn part(
    kind: &str,
    shown: Shown,
    (name, owner): (&str, &str),
    own: &[&Difference<'_>],
    all: usize,
) -> Words {
    let sizes = range(own, size, f64::abs);
    let claim = |before: String, after: &str| {
        let words = Words::new(before).join(sizes.clone());
        words.say(after).join(on(own, all))
    };
    let what = quantity(kind);
    match (kind, shown) {
        (SOURCE, Shown::Lower) => claim(format!("{name} kept "), " more of the source"),
        (SOURCE, Shown::Higher) => claim(format!("{name} kept "), " less of the source"),
        (_, Shown::Lower) => claim(format!("{owner} {what} is "), " lower"),
        (_, Shown::Higher) => claim(format!("{owner} {what} is "), " higher"),
        (_, Shown::Not) => {
            let place = if own.len() == all {
                on_any(all, own)
            } else {
                on(own, all)
            };
            let words = Words::new(format!("no difference in {what} is shown")).join(place);
            words.say(" (").join(range(own, signed, |v| v)).say(")")
        }
        (_, Shown::Untested) => {
            let words = format!("a difference in {what} was not tested, of one seed,");
            Words::new(words).join(on(own, all))
        }
    }
}

fn quantity(kind: &str) -> &'static str {
    match kind {
        SOURCE => "source probe error",
        RECALL => "mean recall",
        _ => "target error",
    }
}

/// "source probe error 0.0 to +0.1 points, target error −0.4 to +0.1 points"; a quantity that is known on
/// fewer targets than the sentence speaks of (`meant`) says on which.
fn listed(mut words: Words, found: &[(&str, Vec<Difference<'_>>)], meant: usize) -> Words {
    let mut first = true;
    for (kind, own) in found {
        if own.is_empty() {
            continue;
        }
        let before = if first { "" } else { ", " };
        first = false;
        let all: Vec<&Difference<'_>> = own.iter().collect();
        words = words
            .say(format!("{before}{} ", quantity(kind)))
            .join(range(&all, signed, |v| v));
        if own.len() < meant {
            words = words.join(on(&all, if own.len() == 1 { 1 } else { meant }));
        }
    }
    words
}

/// The verdict of a run, from all paired differences: the leading method against its control and the baseline, every
/// other proposed one against its control; before them, where nothing was tested, that there is none.
pub fn sentences(lines: &[Line<'_, PairedRow>]) -> Vec<Words> {
    let rows = || lines.iter().map(|line| line.row);
    let ids = || rows().flat_map(|row| [row.method.as_str(), row.baseline.as_str()]);
    let baseline = ids().find(|id| methods::is_plain(id));
    let mut said = Vec::new();
    for (place, method) in proposed(rows()).into_iter().enumerate() {
        let control = methods::contrast(method);
        said.extend(control.and_then(|control| sentence(lines, method, control)));
        let baseline = baseline.filter(|_| place == 0);
        said.extend(baseline.and_then(|baseline| sentence(lines, method, baseline)));
    }
    if said.is_empty() {
        // No method is proposed: what did the plain way cost?
        let plain = methods::plain(ids().filter(|id| *id != PRETRAINED));
        said.extend(plain.and_then(|plain| sentence(lines, plain, PRETRAINED)));
    }
    let seeds = rows().filter_map(|row| row.seeds).max();
    let untested = !said.is_empty() && seeds.unwrap_or(1) < 2;
    if untested {
        let none = "One seed: nothing can be said beyond these runs.";
        said.insert(0, Words::new(none));
    }
    said
}

/// What a method keeps of the source beyond interpolating a fine-tuning that reaches the same target error: one
/// sentence, of marks alone; none where nothing is marked.
pub fn at_equal_target(lines: &[Line<'_, TradeoffRow>]) -> Option<Words> {
    let compared: Vec<Line<'_, TradeoffRow>> = lines
        .iter()
        .copied()
        .filter(|line| line.row.difference.is_some() && line.row.points == 1)
        .collect();
    let curve = compared.first()?.row.curve.as_deref()?;
    let of = |verdict: &str| -> Vec<(&str, Vec<Line<'_, TradeoffRow>>)> {
        let marked = |line: &&Line<'_, TradeoffRow>| line.row.verdict.as_deref() == Some(verdict);
        let ids = distinct(
            compared
                .iter()
                .filter(marked)
                .map(|line| line.row.method.as_str()),
        );
        let own = |id| {
            let own = compared.iter().filter(marked);
            own.filter(|line| line.row.method == id).copied().collect()
        };
        ids.into_iter().map(|id| (id, own(id))).collect()
    };
    let (more, less) = (of("lower"), of("higher"));
    let interpolating = format!("interpolating {}", methods::phrase(curve));
    let all = distinct(compared.iter().map(|line| line.row.method.as_str())).len();
    if more.is_empty() {
        if less.is_empty() {
            return None;
        }
        let words = Words::new(format!(
            "At equal target error no method is shown to keep more of the source than {interpolating}; "
        ));
        return Some(kept(words, &less, &compared, "keeps", "less", "").say("."));
    }
    let than = format!(" of the source than {interpolating}");
    let words = kept(
        Words::new("At equal target error, "),
        &more,
        &compared,
        "keeps",
        "more",
        &than,
    );
    let words = if less.is_empty() {
        words
    } else {
        kept(words.say("; "), &less, &compared, "keeps", "less", "")
    };
    Some(match all - more.len() {
        0 => words.say("."),
        1 => words.say("; the other method is not shown to keep more."),
        _ => words.say("; no other method is shown to keep more."),
    })
}

/// "MoNA keeps 1.2–2.0 points more … on two of four targets and Emb 0.9 points on EMG"; `than` follows the first.
fn kept(
    mut words: Words,
    marked: &[(&str, Vec<Line<'_, TradeoffRow>>)],
    compared: &[Line<'_, TradeoffRow>],
    keeps: &str,
    more: &str,
    than: &str,
) -> Words {
    for (place, (id, own)) in marked.iter().enumerate() {
        let first = place == 0;
        words = words
            .say(joint(place, marked.len()))
            .say(methods::title(id));
        words = words.say(if first {
            format!(" {keeps} ")
        } else {
            " ".into()
        });
        let value = |line: &Line<'_, TradeoffRow>| line.row.difference.unwrap_or(f64::NAN);
        let mut sorted = own.clone();
        sorted.sort_by(|a, b| value(a).abs().total_cmp(&value(b).abs()));
        if let (Some(low), Some(high)) = (sorted.first(), sorted.last()) {
            let (from, to) = (size(value(low)), size(value(high)));
            words = words.cite(*low, &from);
            if from != to {
                words = words.say("–").cite(*high, &to);
            }
        }
        words = words.say(if first {
            format!(" points {more}{than}")
        } else {
            " points".into()
        });
        let all = compared
            .iter()
            .filter(|line| line.row.method == *id)
            .count();
        words = match (own.len(), all) {
            (2, 2) => words.say(" on both targets"),
            (count, all) if count == all && all > 2 => {
                words.say(format!(" on all {} targets", counted(all)))
            }
            (count, all) if count > 2 => words.say(format!(
                " on {} of {} targets",
                counted(count),
                counted(all)
            )),
            (count, all) => {
                let named = own
                    .iter()
                    .enumerate()
                    .fold(words.say(" on "), |words, (at, line)| {
                        words.say(joint(at, count)).bold(&line.row.target_title)
                    });
                if count == all {
                    named
                } else {
                    named.say(format!(" (of {} targets)", counted(all)))
                }
            }
        };
    }
    words
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;

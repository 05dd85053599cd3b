//! What the probes say in words: which transfers raised the error of the pretrained encoder, by the run's one
//! rule of verdicts. Where nothing is shown to differ, the text says so.

use crate::measure::about::capital;
use maud::{Markup, html};

use crate::figure::layout::distinct;
use crate::figure::methods;
use crate::report::data::{Line, Table, VerdictTables};
use crate::report::number::{cite, interval, percent};
use crate::report::words::joint;
use crate::table::{PRETRAINED, PairedRow, ProbeRow, SOURCE_ERROR};

/// Where a transfer's probe stands against the pretrained one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Raised,
    Lowered,
    Unclear,
    /// Nothing says how large the noise is: one seed.
    Untested,
}

/// The tested differences of every transfer's probe error from that before any transfer.
fn tested(verdicts: &VerdictTables) -> Vec<&PairedRow> {
    let paired = verdicts.paired.iter().flat_map(|table| &table.rows);
    let all = paired.chain(&verdicts.distortion);
    let before = |row: &&PairedRow| row.baseline == PRETRAINED && row.quantity == SOURCE_ERROR;
    all.filter(before).collect()
}

/// All rows of one transfer that differ by seed alone.
pub struct Transfer<'a> {
    /// Id of its target.
    pub target: &'a str,
    /// Reader's name of its target.
    pub title: &'a str,
    rows: Vec<Line<'a, ProbeRow>>,
    change: Change,
    /// Earlier epochs were probed too.
    last_of_several: bool,
}

impl Transfer<'_> {
    /// The largest error of all seeds.
    pub fn worst(&self) -> f64 {
        self.rows.last().map_or(0.0, |line| line.row.error)
    }
}

/// Rows of each encoder under `method`, at the largest number of epochs they were probed at.
pub fn transfers<'a>(
    probe: &'a Table<ProbeRow>,
    method: &str,
    tested: &[&PairedRow],
) -> Vec<Transfer<'a>> {
    let of_method = || {
        let transfers = probe.lines().filter(|line| !line.row.is_reference());
        transfers.filter(|line| line.row.method == method)
    };
    let encoders = distinct(of_method().map(|line| line.row.encoder.as_str()));
    let transfer = |encoder: &'a str| {
        let own = || of_method().filter(|line| line.row.encoder == encoder);
        let last = own().map(|line| line.row.epochs).max().flatten();
        let mut rows: Vec<_> = own().filter(|line| line.row.epochs == last).collect();
        rows.sort_by(|a, b| a.row.error.total_cmp(&b.row.error));
        let title = rows.first()?.row.encoder_title.as_str();
        let verdict = tested.iter();
        let verdict = verdict
            .copied()
            .find(|row| row.target == encoder && row.method == method);
        Some(Transfer {
            target: encoder,
            title,
            rows,
            change: change(verdict),
            last_of_several: own().any(|line| line.row.epochs != last),
        })
    };
    encoders.into_iter().filter_map(transfer).collect()
}

/// The verdict of the run's one rule.
fn change(tested: Option<&PairedRow>) -> Change {
    match tested.and_then(|row| row.verdict.as_deref()) {
        Some("higher") => Change::Raised,
        Some("lower") => Change::Lowered,
        Some("not shown") => Change::Unclear,
        _ => Change::Untested,
    }
}

/// The paragraph, and a line a method.
pub fn told(probe: &Table<ProbeRow>, verdicts: &VerdictTables) -> Markup {
    let tested = tested(verdicts);
    let pretrained = probe.lines().find(|line| line.row.encoder == PRETRAINED);
    let transferred = probe.rows.iter().filter(|row| !row.is_reference());
    let ids = distinct(transferred.map(|row| row.method.as_str()));
    let told: Vec<(String, Vec<Transfer<'_>>)> = if pretrained.is_some() {
        ids.iter()
            .map(|id| (methods::phrase(id), transfers(probe, id, &tested)))
            .collect()
    } else {
        Vec::new()
    };
    html! {
        p {
            @match pretrained {
                Some(line) => {
                    "Before any transfer, a linear probe on the surrogate errs on "
                    (cite(line, &percent(line.row.error)))
                    " of the test samples"
                    @if let Some(range) = interval(line.row.lower, line.row.upper, percent) {
                        " (95\u{a0}% interval " (range) ")"
                    }
                    ". The more a transfer raises this error, the more source knowledge it overwrote."
                }
                None => "The pretrained encoder was not probed, so no change can be told.",
            }
            @if let [(name, transfers)] = told.as_slice() { " " (of_method(name, transfers)) }
            @if ids.is_empty() { " No transfer was probed." }
        }
        @if told.len() > 1 {
            ul.methods { @for (name, transfers) in &told { li { (of_method(name, transfers)) } } }
        }
        @if told.iter().flat_map(|(_, all)| all).any(|transfer| transfer.rows.len() > 1) {
            p.hint { "Ranges run over seeds, from the smallest error to the largest. “Raised” and “lowered” only beyond the noise of seeds and test samples (the encoder that is the transfer's result against the pretrained one), corrected for everything that the page says." }
        }
    }
}

/// One method's sentences.
fn of_method(method: &str, transfers: &[Transfer<'_>]) -> Markup {
    let kind = |change: Change| -> Vec<&Transfer<'_>> {
        let own = transfers
            .iter()
            .filter(|transfer| transfer.change == change);
        let mut found: Vec<_> = own.collect();
        found.sort_by(|a, b| b.worst().total_cmp(&a.worst()));
        found
    };
    let (raised, lowered) = (kind(Change::Raised), kind(Change::Lowered));
    let (unclear, untested) = (kind(Change::Unclear), kind(Change::Untested));
    let several = transfers.iter().any(|transfer| transfer.last_of_several);
    // Several epochs were probed: the text speaks of the last ones.
    let last = if several {
        ", at the last probed epoch,"
    } else {
        ""
    };
    let name = capital(method);
    html! {
        @if raised.is_empty() && lowered.is_empty() && unclear.is_empty() {
            "After " (method) (last) " it is " (list("", &untested))
            ". One seed says nothing of others, so no change is claimed."
        } @else if raised.is_empty() && lowered.is_empty() {
            (name) (last) " shows no change beyond noise on any target: "
            (list("", &unclear)) "."
            @if !untested.is_empty() { " Not tested, of one seed: " (list("", &untested)) "." }
        } @else {
            @if !raised.is_empty() {
                (name) (last) " raised it " (list("to ", &raised)) "."
            }
            @if !lowered.is_empty() {
                @if raised.is_empty() { (name) (last) } @else { " It" }
                " lowered it " (list("to ", &lowered)) "."
            }
            @if !unclear.is_empty() {
                " No change beyond noise: " (list("", &unclear)) "."
            }
            @if !untested.is_empty() { " Not tested, of one seed: " (list("", &untested)) "." }
        }
    }
}

/// "to 30.4 % (27.6 % to 33.3 %) on Sound and to 22.1 % (19.6 % to 24.8 %) on EMG": each with its
/// interval or, over seeds, its range.
fn list(preposition: &str, transfers: &[&Transfer<'_>]) -> Markup {
    html! {
        @for (index, transfer) in transfers.iter().enumerate() {
            (joint(index, transfers.len())) (preposition)
            @match transfer.rows.as_slice() {
                [] => "–",
                [one] => {
                    (cite(*one, &percent(one.row.error)))
                    @if let Some(range) = interval(one.row.lower, one.row.upper, percent) {
                        " (" (range) ")"
                    }
                }
                [low, .., high] => {
                    @let (from, to) = (percent(low.row.error), percent(high.row.error));
                    (cite(*low, &from))
                    @if from != to { "–" (cite(*high, &to)) }
                }
            }
            " on " b { (transfer.title) }
        }
    }
}

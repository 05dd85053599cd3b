//! The chapters with results: figures with captions, and the tables behind them.

use maud::{Markup, html};

use super::data::Data;
use crate::figure::sides::{measure_name, shown, signed};
use crate::figure::{FigureError, agreement, classes as by_class, sides, tsne};
use crate::report::chapters::{Caption, figure, quality};
use crate::report::comparison::drawable;
use crate::report::number::{chance, maybe, percent, plain, range, whole};
use crate::report::sheet::{Column, sheet};
use crate::table::{CkaRow, ClassRow, DifferenceRow, MeasureRow};

/// An interval of differences.
fn signed_interval(id: &str, lower: Option<f64>, upper: Option<f64>) -> String {
    range(lower, upper, |value| signed(id, value))
}

/// Figure 1 and its tables.
pub fn measures(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Every measure of every encoder on the same samples, with its 95 % interval. The thin upright strokes repeat the reference's value.",
        computed: "Probe and neighbours learn from the training part and are tested on the test part; the other measures look at the test part. Rates have intervals of their test samples (Wilson's, or summed over classes; over whole groups where samples belong together), the others those of a delete-a-group jackknife over test samples.",
        read: "Green diamonds are better than the reference beyond noise, orange squares worse; grey circles are not shown to differ. The mark comes from the paired difference, so a difference may be clear although two intervals overlap.",
        limits: "The noise of a mark is that of test samples, and for probe and neighbours that of the training samples and of C as well; another training of the same encoder may move a number further. The intervals drawn here are of the test samples alone. Uniformity, LogME and H-score also depend on the number of features.",
    };
    let columns = [
        Column::text("encoder", |row: &MeasureRow| row.side.clone()),
        Column::text("measure", |row| measure_name(&row.measure)),
        Column::number("value", |row| maybe(row.value, |v| shown(&row.measure, v))),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, |v| shown(&row.measure, v))
        }),
        Column::text("from", |row| row.interval.replace('-', "–")),
        Column::text("better", |row| row.better.clone()),
        Column::number("samples", |row| maybe(row.samples, whole)),
    ];
    let changes = [
        Column::text("encoder", |row: &DifferenceRow| row.side.clone()),
        Column::text("measure", |row| measure_name(&row.measure)),
        Column::number("difference", |row| signed(&row.measure, row.difference)),
        Column::number("95\u{a0}% interval", |row| {
            signed_interval(&row.measure, row.lower, row.upper)
        }),
        Column::number("p", |row| maybe(row.p, chance)),
        Column::number("p, corrected", |row| maybe(row.adjusted, chance)),
        Column::text("beyond noise", |row| row.verdict.clone()),
    ];
    let drawn = sides::figure(&data.measures.rows, &data.differences.rows)?;
    Ok(html! {
        (figure(1, "Measures of every encoder.", &drawn.panel_svgs()?, &CAPTION))
        (sheet("Measures", &data.measures, &columns))
        (sheet("Paired differences to the reference", &data.differences, &changes))
    })
}

/// Figure 2.
pub fn maps(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "The same test samples under each encoder, balanced over classes. One mark is one sample; colour, shape and the name at the class median say its class.",
        computed: "Each panel is its own t-SNE, but all start from the two leading principal components of the reference's features, so that a class tends to lie in the same place. KL is a panel's final divergence.",
        read: "Classes that stand apart in one panel and run into each other in another are told apart by the one encoder alone. The probe error in each title measures that; the map illustrates it.",
        limits: "t-SNE keeps neighbourhoods, not distances: cluster sizes and the gaps between them carry no meaning, and a class may lie elsewhere in another panel for no reason but chance.",
    };
    let Some(table) = data.tsne.as_ref().filter(|table| !table.rows.is_empty()) else {
        return Ok(
            html! { p.absent { b { "not run" } " – no maps were asked for, or there are too few samples." } },
        );
    };
    let panels = tsne::panels(&table.rows, &sides::probes(&data.measures.rows))?;
    Ok(html! {
        (figure(2, "The same samples under every encoder.", &panels, &CAPTION))
        (quality(table))
    })
}

/// Figure 3.
pub fn cka(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Linear CKA of every two encoders on the test samples.",
        computed: "With unbiased estimators in numerator and denominator (debiased), so that unrelated encoders are near 0 however few the samples and however many the features.",
        read: "1: the encoders arrange the samples equally, up to rotation and scale. Two encoders may be equally good and yet know different things: equal errors with a low CKA.",
        limits: "CKA is led by the directions of large variance; classes that differ in small ones hardly move it.",
    };
    let columns = [
        Column::text("encoder", |row: &CkaRow| row.encoder_title.clone()),
        Column::text("and", |row| row.other_title.clone()),
        Column::number("CKA", |row| maybe(row.value, |value| plain(value, 3))),
    ];
    let drawn = drawable(agreement::figure(&data.cka.rows, 3))?;
    Ok(html! {
        @if let Some(drawn) = drawn {
            (figure(3, "Agreement of encoders.", &drawn.panel_svgs()?, &CAPTION))
        }
        (sheet("CKA of every two encoders", &data.cka, &columns))
    })
}

/// Figure 4.
pub fn classes(data: &Data) -> Result<Markup, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "The probe's error on every class less that of the reference, one panel per encoder, with paired 95 % intervals.",
        computed: "From the same test samples of the class, answered by both probes, and by both learnt again without each fold of the samples: the jackknife's interval and p, no smaller than the exact sign-flip test's (McNemar's), corrected (Holm) for all classes of all encoders and all measures.",
        read: "Left of the dashed line the encoder errs less on the class than the reference. Green diamonds and orange squares are beyond noise.",
        limits: "Classes have few test samples each, and the correction is for many of them: a real difference of a few points may not be shown.",
    };
    let columns = [
        Column::text("encoder", |row: &ClassRow| row.side.clone()),
        Column::text("class", |row| row.class_name.clone()),
        Column::number("samples", |row| whole(row.samples)),
        Column::number("probe error", |row| maybe(row.error, percent)),
        Column::number("95\u{a0}% interval", |row| {
            range(row.lower, row.upper, percent)
        }),
        Column::number("difference", |row| {
            maybe(row.difference, |d| signed("probe-error", d))
        }),
        Column::number("paired interval", |row| {
            signed_interval("probe-error", row.difference_lower, row.difference_upper)
        }),
        Column::number("p, corrected", |row| maybe(row.adjusted, chance)),
        Column::text("beyond noise", |row| row.verdict.replace('-', "–")),
    ];
    let drawn = drawable(by_class::figure(&data.classes.rows, 4))?;
    Ok(html! {
        @if let Some(drawn) = drawn {
            (figure(4, "Probe errors by class, less those of the reference.", &drawn.panel_svgs()?, &CAPTION))
        }
        (sheet("Probe errors by class", &data.classes, &columns))
    })
}

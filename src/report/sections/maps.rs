//! t-SNE maps of the same samples under every encoder, for runs and comparisons, and what the script of a run's
//! maps needs: where every sample stands in every map, the names and hues of the classes, and the samples'
//! pictures. Data go into the page as JSON that cannot end its element; the script's hash goes into the content
//! security policy.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{PreEscaped, html};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::figure::layout::distinct;
use crate::figure::picture::Sprite;
use crate::figure::{FigureError, palette, tsne, values};
use crate::report::compared::Compared;
use crate::report::data::{Data, Run, Table};
use crate::report::grid::{Column, Grid};
use crate::report::number::{maybe, plain};
use crate::report::section::{Active, Around, Block, Caption, Citation, Drawing, Layout, Section};
use crate::table::{MeasureRow, ProbeRow, Row, TsneRow};

/// The script of the maps; nothing else on the page is one.
pub const SCRIPT: &str = include_str!("maps.js");

/// Its hash, as a content security policy names it.
pub fn script_hash() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    format!("'sha256-{hash}'")
}

const CITATIONS: &[Citation] = &[Citation {
    of: "t-SNE",
    work: "van der Maaten and Hinton, JMLR 2008; common start from principal components: Kobak and Berens, Nature Communications 2019",
}];

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "maps",
    title: "Features before and after",
    tables: &[TsneRow::FILE, ProbeRow::FILE],
    figure: Some(Drawing {
        name: "tsne",
        title: "Surrogate features before and after transfer.",
        caption: Caption {
            shown: "Features of the surrogate set under each encoder: the pretrained one and the same encoder after its transfer to each target, by plain fine-tuning where that was run. One mark is one sample; colour, shape and the name at the class median say its class.",
            computed: "The surrogate always enters through the original source embedder, so only the encoder differs between panels (of two towers: through the whole tuned image tower). Each panel is its own t-SNE, but all start from the two leading principal components of the pretrained encoder's features, so that a class tends to lie in the same place; KL is a panel's final divergence.",
            reading: "Classes that stand apart in the first panel and run into each other in a later one were separated by knowledge that the transfer overwrote. The probe error in each title measures that; the map illustrates it.",
            limits: "t-SNE keeps neighbourhoods, not distances: cluster sizes and the gaps between them carry no meaning, and a class may still lie elsewhere in another panel for no reason but chance. No conclusion rests on this figure alone.",
        },
        layout: Layout::Grid,
        draw: |tables| {
            // The map stands without probe errors; a broken probe table must still be told.
            let probes = tables.any::<ProbeRow>()?;
            tsne::figure(&tables.needed::<TsneRow>()?.rows, &probes.rows)
        },
    }),
    blocks: of_run,
    citations: CITATIONS,
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "maps",
    title: "Maps from one start",
    tables: &[TsneRow::FILE, MeasureRow::FILE],
    figure: Some(Drawing {
        name: "tsne",
        title: "The same samples under every encoder.",
        caption: Caption {
            shown: "The same test samples under each encoder, balanced over classes. One mark is one sample; colour, shape and the name at the class median say its class.",
            computed: "Each panel is its own t-SNE, but all start from the two leading principal components of the reference's features, so that a class tends to lie in the same place. KL is a panel's final divergence.",
            reading: "Classes that stand apart in one panel and run into each other in another are told apart by the one encoder alone. The probe error in each title measures that; the map illustrates it.",
            limits: "t-SNE keeps neighbourhoods, not distances: cluster sizes and the gaps between them carry no meaning, and a class may lie elsewhere in another panel for no reason but chance.",
        },
        layout: Layout::Grid,
        draw: |tables| {
            let probes = values::probes(&tables.any::<MeasureRow>()?.rows);
            tsne::figure(&tables.needed::<TsneRow>()?.rows, &probes)
        },
    }),
    blocks: of_comparison,
    citations: CITATIONS,
};

/// How good the maps are, a line an encoder.
fn quality(table: &Table<TsneRow>) -> Block {
    const COLUMNS: [Column<TsneRow>; 3] = [
        Column::text("encoder", |row| row.encoder_title.clone()),
        Column::number("KL divergence", |row| maybe(row.kl, |kl| plain(kl, 3))),
        Column::number("trustworthiness", |row| {
            maybe(row.trustworthiness, |value| plain(value, 3))
        }),
    ];
    let encoders = distinct(table.rows.iter().map(|row| row.encoder.as_str()));
    let first = |encoder: &&str| table.lines().find(|line| line.row.encoder == **encoder);
    let lines = encoders.iter().filter_map(first);
    Block::Table(Grid::some("Quality of the maps", table, lines, &COLUMNS))
}

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.get::<TsneRow>()?;
    let Some(table) = table.filter(|table| !table.rows.is_empty()) else {
        return Ok(vec![Block::Page(html! {
            p.absent { b { "not run" } " – no maps were asked for, or there are too few samples." }
        })]);
    };
    Ok(vec![Block::figure(), quality(&table)])
}

fn of_run(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let table = data.tables.get::<TsneRow>()?;
    let Some(table) = table.filter(|table| !table.rows.is_empty()) else {
        return Ok(vec![Block::Absent("the t-SNE map", TsneRow::FILE)]);
    };
    let classes = tsne::classes(&table.rows);
    let spots = tsne::spots(&table.rows);
    if spots.iter().any(Vec::is_empty) {
        return Ok(vec![Block::figure(), quality(&table)]);
    }
    let above = html! {
        div.classes hidden role="group" aria-label="Follow a class through all maps" {
            @for (_, name) in &classes { button type="button" aria-pressed="false" { (name) } }
        }
    };
    let below = html! { div.tip hidden role="status" { i hidden {} div { b {} span {} } } };
    let (json, style) = of_script(data, &spots, &classes)?;
    let script = html! {
        script type="application/json" id="maps-data" { (PreEscaped(inert(&json))) }
        script { (PreEscaped(SCRIPT)) }
    };
    let active = Active {
        style,
        script: true,
    };
    Ok(vec![
        Block::Figure(Around { above, below }),
        quality(&table),
        Block::Active(script, active),
    ])
}

/// The script's data, and the rule that holds the pictures.
fn of_script(
    data: &Data<Run>,
    spots: &[Vec<tsne::Spot>],
    classes: &[(u64, &str)],
) -> Result<(String, String), FigureError> {
    let round = |value: f64| (value * 4.0).round() / 4.0;
    let spot = |s: &tsne::Spot| json!([round(s.at.0), round(s.at.1), s.class, s.sample]);
    let maps: Vec<Vec<_>> = spots
        .iter()
        .map(|map| map.iter().map(spot).collect())
        .collect();
    let class = |(index, (_, name)): (usize, &(u64, &str))| json!({ "name": name, "hue": palette::series(index).0.hex() });
    let classes: Vec<_> = classes.iter().enumerate().map(class).collect();
    // The surrogate's pictures are those of test samples.
    let own = data.pictures.rows.iter().find(|row| row.part == "test");
    let sprite = match own {
        Some(row) => data
            .pictures
            .sprite(&row.dataset)?
            .map(|sprite| (row, sprite)),
        None => None,
    };
    let of_sprite = sprite.as_ref().map(|(row, sprite)| {
        let same = data
            .pictures
            .rows
            .iter()
            .filter(|r| r.dataset == row.dataset);
        let samples: Vec<u64> = same.map(|r| r.sample).collect();
        json!({
            "columns": sprite.columns, "width": sprite.width, "height": sprite.height,
            "lines": samples.len().div_ceil(sprite.columns.max(1)), "samples": samples,
        })
    });
    let all =
        json!({ "panel": tsne::PANEL, "maps": maps, "classes": classes, "sprite": of_sprite });
    let rule = |sprite: &Sprite| {
        let jpeg = BASE64_STANDARD.encode(&sprite.jpeg);
        format!(".tip i{{background-image:url(data:image/jpeg;base64,{jpeg})}}")
    };
    let style = sprite.as_ref().map(|(_, sprite)| rule(sprite));
    Ok((all.to_string(), style.unwrap_or_default()))
}

/// JSON that no HTML parser takes for the end of its element or a comment.
fn inert(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_leave_their_element() {
        let hostile = json!(["</script><script>alert(1)</script>", "<!--", "\u{2028}"]).to_string();
        let inert = inert(&hostile);
        assert!(!inert.contains('<') && !inert.contains('>'));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&inert).unwrap(),
            serde_json::from_str::<serde_json::Value>(&hostile).unwrap()
        );
        assert!(
            !SCRIPT.contains("</") && !SCRIPT.contains("<!"),
            "the script ends where it ends"
        );
    }
}

//! Figure 2, the maps, and what its script needs: where every sample stands in every map, the names and
//! hues of the classes, and the samples' pictures. Data go into the page as JSON that cannot end its
//! element; the script's hash goes into the content security policy.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, PreEscaped, html};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::chapters::{Caption, figure_with, not_run, quality};
use super::data::Data;
use crate::figure::picture::Sprite;
use crate::figure::{FigureError, palette, tsne};

/// The script of the maps; nothing else on the page is one.
pub const SCRIPT: &str = include_str!("maps.js");

/// Its hash, as a content security policy names it.
pub fn script_hash() -> String {
    let hash = BASE64_STANDARD.encode(Sha256::digest(SCRIPT));
    format!("'sha256-{hash}'")
}

/// The chapter, and the rules that hold its pictures.
#[derive(Default)]
pub struct Maps {
    /// The chapter.
    pub chapter: Markup,
    /// Style rules that belong into the page's head.
    pub style: String,
    /// Whether the page has the script.
    pub script: bool,
}

fn still(chapter: Markup) -> Maps {
    Maps {
        chapter,
        ..Maps::default()
    }
}

/// Figure 2.
pub fn maps(data: &Data) -> Result<Maps, FigureError> {
    const CAPTION: Caption = Caption {
        shown: "Features of the surrogate set under each encoder: the pretrained one and the same encoder after transfer to each target. One mark is one sample; colour, shape and the name at the class median say its class.",
        computed: "The surrogate always enters through the original source embedder, so only the encoder differs between panels. Each panel is its own t-SNE, but all start from the two leading principal components of the pretrained encoder's features, so that a class tends to lie in the same place; KL is a panel's final divergence.",
        read: "Classes that stand apart in the first panel and run into each other in a later one were separated by knowledge that the transfer overwrote. The probe error in each title measures that; the map illustrates it.",
        limits: "t-SNE keeps neighbourhoods, not distances: cluster sizes and the gaps between them carry no meaning, and a class may still lie elsewhere in another panel for no reason but chance. No conclusion rests on this figure alone.",
    };
    let Some(table) = &data.tsne else {
        return Ok(still(not_run("the t-SNE map", "tsne.csv")));
    };
    if table.rows.is_empty() {
        let what = "every row of the t-SNE map";
        return Ok(still(not_run(what, "tsne.csv with rows")));
    }
    let probes = data.probe.as_ref().map_or(&[][..], |table| &table.rows);
    let panels = tsne::panels(&table.rows, probes)?;
    let classes = tsne::classes(&table.rows);
    let spots = tsne::spots(&table.rows);
    let answers = spots.iter().all(|map| !map.is_empty());
    let above = html! { @if answers {
        div.classes hidden role="group" aria-label="Follow a class through all maps" {
            @for (_, name) in &classes { button type="button" aria-pressed="false" { (name) } }
        }
    } };
    let below = html! { @if answers {
        div.tip hidden role="status" { i hidden {} div { b {} span {} } }
    } };
    let (data, style) = match answers {
        true => of_script(data, &spots, &classes)?,
        false => Default::default(),
    };
    let chapter = html! {
        (figure_with(2, "Surrogate features before and after transfer.", &panels, &CAPTION, above, below))
        (quality(table))
        @if answers {
            script type="application/json" id="maps-data" { (PreEscaped(inert(&data))) }
            script { (PreEscaped(SCRIPT)) }
        }
    };
    Ok(Maps {
        chapter,
        style,
        script: answers,
    })
}

/// The script's data, and the rule that holds the pictures.
fn of_script(
    data: &Data,
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

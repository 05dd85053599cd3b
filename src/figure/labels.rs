//! Names beside marks: each label takes the free place nearest to its mark; one that has to stand away from
//! it is joined to it by a thin line.

use super::palette::MUTED;
use super::scene::{Anchor, Point, Scene, Stroke, Text};

/// A name and the mark it belongs to.
pub struct Label {
    /// Centre of the mark.
    pub of: Point,
    /// The name.
    pub text: Text,
}

/// Left, top, right and bottom of a rectangle.
pub type Area = [f64; 4];

/// Area that two rectangles share.
fn shared(a: &Area, b: &Area) -> f64 {
    let wide = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let tall = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    wide * tall
}

/// Area of what is `taken` that lies under `area`.
pub fn covered(area: &Area, taken: &[Area]) -> f64 {
    taken.iter().map(|other| shared(area, other)).sum()
}

/// Draws all labels inside `frame`, away from what is `taken`; each takes its own place too.
pub fn place(scene: &mut Scene, labels: Vec<Label>, taken: &mut Vec<Area>, frame: Area) {
    for label in labels {
        let (width, size) = (label.text.width(), label.text.size);
        let (x, y) = label.of;
        let mut best: Option<(f64, Area, f64)> = None;
        for far in [9.0, 16.0, 26.0, 38.0, 52.0] {
            for turn in 0..16 {
                let angle = std::f64::consts::TAU * f64::from(turn) / 16.0;
                let (cos, sin) = (angle.cos(), angle.sin());
                // The label's nearest edge is `far` from the mark.
                let middle = (
                    x + cos * (far + width / 2.0 * cos.abs()),
                    y - sin * (far + size / 2.0 * sin.abs()),
                );
                let area = [
                    middle.0 - width / 2.0,
                    middle.1 - size / 2.0 - 1.0,
                    middle.0 + width / 2.0,
                    middle.1 + size / 2.0 + 1.0,
                ];
                let outside = (frame[0] - area[0]).max(0.0)
                    + (area[2] - frame[2]).max(0.0)
                    + (frame[1] - area[1]).max(0.0)
                    + (area[3] - frame[3]).max(0.0);
                // To the right and level is read most easily.
                let cost = 50.0 * outside + 4.0 * covered(&area, taken) + far + 3.0 * (1.0 - cos);
                if best.as_ref().is_none_or(|(least, ..)| cost < *least) {
                    best = Some((cost, area, far));
                }
            }
        }
        let Some((_, area, far)) = best else { continue };
        if far > 12.0 {
            let end = (x.clamp(area[0], area[2]), y.clamp(area[1], area[3]));
            scene.line((x, y), end, Stroke::solid(MUTED, 0.75));
        }
        taken.push(area);
        let at = ((area[0] + area[2]) / 2.0, area[3] - size * 0.24);
        scene.text(at, label.text.anchor(Anchor::Middle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::scene::Mark;

    #[test]
    fn labels_of_one_place_do_not_cover_each_other() {
        let mut scene = Scene::new(300.0, 300.0, "test");
        let label = |name: &str| Label {
            of: (150.0, 150.0),
            text: Text::new(name, 11.0),
        };
        let names = ["MoNA", "Emb", "NFT", "Frozen body"].map(label);
        let mut taken = vec![[144.0, 144.0, 156.0, 156.0]];
        place(
            &mut scene,
            names.into(),
            &mut taken,
            [0.0, 0.0, 300.0, 300.0],
        );
        for a in 0..taken.len() {
            for b in 0..a {
                assert_eq!(shared(&taken[a], &taken[b]), 0.0, "{a} and {b}");
            }
        }
        let lines = scene
            .marks()
            .iter()
            .filter(|m| matches!(m, Mark::Line { .. }));
        assert!(lines.count() <= 3, "the first needs no line");
    }

    #[test]
    fn a_label_at_the_edge_stays_inside() {
        let mut scene = Scene::new(100.0, 100.0, "test");
        let label = Label {
            of: (98.0, 2.0),
            text: Text::new("a name", 11.0),
        };
        let mut taken = Vec::new();
        place(
            &mut scene,
            vec![label],
            &mut taken,
            [0.0, 0.0, 100.0, 100.0],
        );
        assert!(taken[0][2] <= 100.0 && taken[0][1] >= 0.0);
    }
}

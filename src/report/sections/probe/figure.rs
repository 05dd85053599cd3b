//! How far each transfer distorted the source knowledge, as the error of a linear probe
//! on the surrogate. One epoch count per transfer gives dots by target; several give lines over
//! epochs. The pretrained encoder is the dashed line, raw pixels the dotted one.

use crate::figure::FigureError;
use crate::figure::axis::Axis;
use crate::figure::font::Weight;
use crate::figure::layout::{Figure, distinct, mean, percent, wrap};
use crate::figure::lines::{self, Panel, Reference};
use crate::figure::palette::{self, GRID, INK, MUTED, RULE};
use crate::figure::scene::{Anchor, Scene, Stroke, Text};
use crate::table::{PIXELS, PRETRAINED, ProbeRow, Row};

const WHAT: &str = "Linear-probe error on the surrogate, %";

/// Draws the probe errors.
pub fn figure(rows: &[ProbeRow]) -> Result<Figure, FigureError> {
    let chart = Chart::of(rows);
    if chart.encoders.is_empty() && chart.pretrained.is_none() {
        return Err(FigureError::Content {
            table: ProbeRow::FILE,
            expected: "a pretrained encoder or a transfer".into(),
            found: "neither".into(),
        });
    }
    if chart.over_epochs() {
        let panels = chart.epochs();
        return Figure::new(ProbeRow::FILE, WHAT, panels, 3);
    }
    Figure::new(ProbeRow::FILE, WHAT, vec![chart.dots()], 1)
}

struct Chart<'a> {
    /// Transfers only.
    rows: Vec<&'a ProbeRow>,
    /// Ids and titles of the encoders, in table order.
    encoders: Vec<(&'a str, &'a str)>,
    /// Ids of the methods.
    ids: Vec<&'a str>,
    /// Names and palette places of the methods.
    methods: Vec<(String, usize)>,
    pretrained: Option<&'a ProbeRow>,
    pixels: Option<&'a ProbeRow>,
}

impl<'a> Chart<'a> {
    fn of(all: &'a [ProbeRow]) -> Self {
        let rows: Vec<&ProbeRow> = all.iter().filter(|row| !row.is_reference()).collect();
        let mut encoders = distinct(
            rows.iter()
                .map(|row| (row.encoder.as_str(), row.encoder_title.as_str())),
        );
        let mut seen = Vec::new();
        encoders.retain(|(id, _)| {
            !seen.contains(id) && {
                seen.push(*id);
                true
            }
        });
        let ids = distinct(rows.iter().map(|row| row.method.as_str()));
        let methods = lines::named(&ids);
        let reference = |id: &str| all.iter().find(|row| row.encoder == id);
        Self {
            encoders,
            ids,
            methods,
            pretrained: reference(PRETRAINED),
            pixels: reference(PIXELS),
            rows,
        }
    }

    fn of_pair(&self, encoder: &'a str, method: &'a str) -> impl Iterator<Item = &'a ProbeRow> {
        let own = move |row: &&&ProbeRow| row.encoder == encoder && row.method == method;
        self.rows
            .iter()
            .filter(own)
            .copied()
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Whether any transfer was probed at several epochs.
    fn over_epochs(&self) -> bool {
        self.encoders.iter().any(|(encoder, _)| {
            let several = |method: &&str| {
                distinct(self.of_pair(encoder, method).map(|row| row.epochs)).len() > 1
            };
            self.ids.iter().any(several)
        })
    }

    /// Small multiples: one panel per target, lines over epochs.
    fn epochs(&self) -> Vec<Scene> {
        let panel = |(encoder, title): &(&'a str, &'a str)| {
            let own = self.rows.iter().filter(|row| row.encoder == *encoder);
            let values: Vec<_> = own
                .filter_map(|row| Some((row.method.as_str(), row.epochs?, row.error * 100.0)))
                .collect();
            Panel::of(title, &self.ids, &self.methods, &values)
        };
        let panels: Vec<Panel> = self.encoders.iter().map(panel).collect();
        let reference = self.pretrained.map(|row| Reference {
            name: "pretrained".into(),
            value: row.error * 100.0,
        });
        let what = "Probe error on the surrogate, %";
        let mut scenes = lines::panels(&panels, what, lines::PERCENT, reference.as_ref());
        let width = scenes.first().map_or(224.0, |scene| scene.width);
        let names = lines::names(&self.methods, &lines::far(&panels, reference.as_ref()));
        scenes.push(lines::key(&names, reference.as_ref(), width));
        scenes
    }

    /// What the dots stand for, in words, as far as it is the same for all.
    fn subtitle(&self) -> String {
        let mut parts = Vec::new();
        if let [(name, _)] = self.methods.as_slice() {
            parts.push(format!("after {name}"));
        }
        if let [Some(epochs)] = distinct(self.rows.iter().map(|row| row.epochs)).as_slice() {
            parts.push(format!("{epochs} epochs"));
        }
        let seeds = distinct(self.rows.iter().map(|row| row.seed)).len();
        parts.push(match seeds {
            0 | 1 => "bars: Wilson 95\u{a0}% intervals".to_owned(),
            _ => format!("mean over {seeds} seeds; bars: Wilson 95\u{a0}% of each"),
        });
        parts.join(" · ")
    }

    /// One sheet: targets across, a dot per method.
    fn dots(&self) -> Scene {
        // Narrow enough for a phone and a column of print; wider only if the targets need it.
        // The margin on the right names the reference lines.
        const LEFT: f64 = 32.0;
        const MARGIN: f64 = 66.0;
        let room = (16.0 * self.methods.len() as f64).max(64.0);
        let width = (LEFT + room * self.encoders.len() as f64 + MARGIN).max(360.0);
        let right = width - MARGIN;
        let key = (self.methods.len() > 1).then(|| lines::key(&self.methods, None, width));
        let top = 48.0 + key.as_ref().map_or(0.0, |key| key.height + 6.0);
        let bottom = top + 210.0;
        let mut scene = Scene::new(width, bottom + 36.0, self.label());
        scene.text((0.0, 14.0), Text::new(WHAT, 13.0).bold());
        scene.text(
            (0.0, 30.0),
            Text::new(self.subtitle(), 10.5).colour(MUTED).fit(width),
        );
        if let Some(key) = &key {
            scene.place(key, (0.0, 38.0));
        }

        let y = self.axis();
        let height = |percent: f64| y.at(percent, bottom, top);
        for tick in &y.ticks {
            let at = height(*tick);
            scene.line((LEFT, at), (right, at), Stroke::solid(GRID, 0.75));
            let text = Text::new(y.label(*tick), 11.0)
                .colour(MUTED)
                .anchor(Anchor::End);
            scene.text((LEFT - 7.0, at + 4.0), text);
        }
        scene.line((LEFT, bottom), (right, bottom), Stroke::solid(RULE, 0.75));

        let slot = (right - LEFT) / self.encoders.len().max(1) as f64;
        for (place, (encoder, title)) in self.encoders.iter().enumerate() {
            let centre = LEFT + (place as f64 + 0.5) * slot;
            for (line, text) in wrap(title, 11.0, Weight::Regular, slot - 6.0, 2)
                .into_iter()
                .enumerate()
            {
                let text = Text::new(text, 11.0).anchor(Anchor::Middle);
                scene.text((centre, bottom + 16.0 + 13.0 * line as f64), text);
            }
            self.target(&mut scene, encoder, centre, slot, &height);
        }
        self.references(&mut scene, &y, (LEFT, right), (top, bottom));
        scene
    }

    /// All methods at one target, side by side.
    fn target(
        &self,
        scene: &mut Scene,
        encoder: &'a str,
        centre: f64,
        slot: f64,
        height: &impl Fn(f64) -> f64,
    ) {
        let count = self.ids.len() as f64;
        let apart = (slot * 0.7 / count).min(34.0);
        for (place, (id, (_, hue))) in self.ids.iter().zip(&self.methods).enumerate() {
            let x = centre + (place as f64 - (count - 1.0) / 2.0) * apart;
            let own: Vec<&ProbeRow> = self.of_pair(encoder, id).collect();
            let errors: Vec<f64> = own.iter().map(|row| row.error * 100.0).collect();
            let Some(middle) = mean(&errors) else {
                continue;
            };
            let (colour, shade, shape) = palette::series(*hue);
            let seeds = own.len() as f64;
            let faint = if own.len() > 1 { 0.5 } else { 1.0 };
            for (index, row) in own.iter().enumerate() {
                let beside = x + (index as f64 - (seeds - 1.0) / 2.0) * (apart / seeds).min(5.0);
                if let (Some(lower), Some(upper)) = (row.lower, row.upper) {
                    let ends = [
                        (beside, height(lower * 100.0)),
                        (beside, height(upper * 100.0)),
                    ];
                    scene.path(ends.to_vec(), Stroke::solid(colour.fade(faint), 1.5));
                }
                if own.len() > 1 {
                    scene.dot(
                        (beside, height(row.error * 100.0)),
                        1.8,
                        shape,
                        colour.fade(0.7),
                    );
                }
            }
            scene.dot((x, height(middle)), 4.2, shape, colour);
            if self.ids.len() == 1 {
                let text = Text::new(format!("{middle:.1}"), 11.0)
                    .bold()
                    .colour(shade)
                    .halo();
                scene.text((x + 9.0, height(middle) + 4.0), text);
            }
        }
    }

    /// The pretrained and raw-pixel levels, named in the margin where they end.
    fn references(&self, scene: &mut Scene, y: &Axis, across: (f64, f64), down: (f64, f64)) {
        const TALL: f64 = 28.0;
        let (left, right) = across;
        let (top, bottom) = down;
        let lines = [
            (
                self.pretrained,
                "pretrained",
                INK,
                Stroke::dashed(INK, 1.25, 5.0, 3.5),
            ),
            (
                self.pixels,
                "raw pixels",
                MUTED,
                Stroke::dashed(MUTED, 1.25, 1.25, 3.0),
            ),
        ];
        let mut named: Vec<f64> = Vec::new();
        for (row, name, colour, stroke) in lines {
            let Some(row) = row else { continue };
            let value = row.error * 100.0;
            let level = y.at(value.clamp(y.low, y.high), bottom, top);
            let mut said = format!("{value:.1}");
            if y.holds(value) {
                scene.line((left, level), (right, level), stroke);
            } else {
                said.push_str(if value > y.high { " ↑" } else { " ↓" });
            }
            let mut at = level;
            if let Some(near) = named.iter().find(|near| (at - **near).abs() < TALL) {
                at = if at > *near { near + TALL } else { near - TALL };
            }
            named.push(at);
            let margin = right + 8.0;
            scene.text((margin, at - 1.5), Text::new(name, 10.5).colour(colour));
            scene.text(
                (margin, at + 11.5),
                Text::new(said, 11.0).bold().colour(colour),
            );
        }
    }

    /// The axis: all transfers and the pretrained level, and raw pixels if they are near.
    fn axis(&self) -> Axis {
        let of_row = |row: &&ProbeRow| [Some(row.error), row.lower, row.upper];
        let mut values: Vec<f64> = self
            .rows
            .iter()
            .chain(&self.pretrained)
            .flat_map(of_row)
            .flatten()
            .collect();
        values.iter_mut().for_each(|value| *value *= 100.0);
        let near = Axis::over(values.iter().copied(), (0.0, 100.0), 5);
        if let Some(pixels) = self.pixels.map(|row| row.error * 100.0) {
            let reach = 0.6 * (near.high - near.low);
            if (near.low - reach..=near.high + reach).contains(&pixels) {
                values.push(pixels);
            }
        }
        Axis::over(values, (0.0, 100.0), 5)
    }

    /// The figure in words.
    fn label(&self) -> String {
        let said = |row: &ProbeRow| format!("{} {}", row.encoder_title, percent(row.error));
        let rows = self
            .pretrained
            .into_iter()
            .chain(self.rows.iter().copied().take(24));
        format!(
            "Linear-probe error on the surrogate: {}",
            rows.map(said).collect::<Vec<_>>().join(", ")
        )
    }
}

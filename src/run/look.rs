//! A look at the surrogate through one encoder: the linear probe, alignment, uniformity and the
//! other yardsticks of its features. A run looks through hundreds of encoders, many of them the same (before the first
//! epoch every method still has the pretrained one), so a look is kept by the hash of the
//! encoder's parameters and never taken twice.

use super::error::RunError;
pub use super::error::named;
use super::prepare::Context;
use super::watch::{Watch, go_on};
use super::yardsticks::{self, OfEncoder};
use crate::dataset::Dataset;
use crate::feature::{FeatureSet, extract};
use crate::files::checksum;
use crate::measure::geometry::geometry;
use crate::measure::probe::ProbeParams;
use crate::measure::samples::Samples;
use crate::model::Encoder;
use crate::model::state::state;
use crate::suite::definition::Measures;
use burn::module::Module;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What one look found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// Test error of the probe.
    pub error: f64,
    /// Its Wilson 95 % interval.
    pub interval: [f64; 2],
    /// The C chosen on the validation part.
    pub c: f64,
    /// Whether the fit converged.
    pub converged: bool,
    /// Samples it was fitted on.
    pub n_train: usize,
    /// Samples the error was counted on.
    pub n_test: usize,
    /// Alignment of the test features; absent without a pair of one class, and for raw pixels.
    pub align: Option<f64>,
    /// Their uniformity; absent for raw pixels.
    pub uniform: Option<f64>,
    /// Which test samples the probe answers wrongly, for paired comparisons.
    pub wrong: Marks,
    /// The other yardsticks; absent for raw pixels. Looks of older versions lack them: they are
    /// taken then, and the rest of the look is kept.
    #[serde(default)]
    pub yardsticks: Option<OfEncoder>,
}

/// Marked samples, four to the hexadecimal digit: short enough to keep for every encoder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    count: usize,
    hex: String,
}

impl Marks {
    /// Packs marks.
    pub fn new(marks: &[bool]) -> Self {
        let digit = |four: &[bool]| {
            let value = four.iter().rev().fold(0, |v, m| 2 * v + u32::from(*m));
            char::from_digit(value, 16).unwrap_or('0')
        };
        Self {
            count: marks.len(),
            hex: marks.chunks(4).map(digit).collect(),
        }
    }

    /// Unpacks them.
    pub fn bits(&self) -> Vec<bool> {
        let digits = self.hex.chars().map(|c| c.to_digit(16).unwrap_or(0));
        let bits = digits.flat_map(|d| (0..4).map(move |bit| d >> bit & 1 == 1));
        bits.take(self.count).collect()
    }
}

/// Surrogate features under one encoder.
pub struct View {
    /// For fitting probes.
    pub train: FeatureSet,
    /// For choosing C.
    pub valid: FeatureSet,
    /// For every number that is reported.
    pub test: FeatureSet,
}

/// SHA-256 of a module's parameters, names included.
pub fn fingerprint(module: &impl Module) -> String {
    let mut hash = Sha256::new();
    for (path, data) in state(module) {
        hash.update(path.as_bytes());
        hash.update([0]);
        hash.update(data.as_bytes());
    }
    checksum::hex(&hash.finalize())
}

/// Surrogate features under an encoder, always through the source embedder.
pub fn view(context: &Context, encoder: &Encoder) -> Result<View, RunError> {
    Ok(View {
        train: features(context, encoder, &context.surrogate.train)?,
        valid: features(context, encoder, &context.surrogate.valid)?,
        test: features(context, encoder, &context.surrogate.test)?,
    })
}

/// Features of one part of the surrogate.
fn features(
    context: &Context,
    encoder: &Encoder,
    set: &Arc<dyn Dataset>,
) -> Result<FeatureSet, RunError> {
    let embedder = &context.source.model.network.embedder;
    Ok(extract::features(
        embedder,
        encoder,
        set.clone(),
        context.device,
    )?)
}

/// What a probe sees without any encoder: raw pixels.
pub fn pixels(context: &Context, watch: &mut dyn Watch) -> Result<Look, RunError> {
    let record = "looks/pixels.json";
    let origin = context.origins.surrogate(context.suite);
    if let Some(look) = context.recall(record, &origin) {
        return Ok(look);
    }
    watch.begin("raw pixels: linear probe", 1);
    let view = View {
        train: extract::pixels(context.surrogate.train.clone())?,
        valid: extract::pixels(context.surrogate.valid.clone())?,
        test: extract::pixels(context.surrogate.test.clone())?,
    };
    let look = probe("raw pixels", &view, &context.suite.measures)?;
    go_on(watch.step(1, 1))?;
    context.keep(record, origin, &look)?;
    watch.end();
    Ok(look)
}

/// Looks through an encoder, or recalls an earlier look through the same one.
pub fn look(
    context: &Context,
    title: &str,
    encoder: &Encoder,
    watch: &mut dyn Watch,
) -> Result<Look, RunError> {
    let record = format!("looks/{}.json", fingerprint(encoder));
    let origin = context.origins.surrogate(context.suite);
    let before: Option<Look> = context.recall(&record, &origin);
    if let Some(look) = before.as_ref().filter(|look| look.yardsticks.is_some()) {
        return Ok(look.clone());
    }
    watch.begin(&format!("surrogate through {title}"), 2);
    let look = match before {
        Some(mut look) => {
            // Only what the yardsticks see is looked at again.
            let train = features(context, encoder, &context.surrogate.train)?;
            let part = yardsticks::part(context, &context.surrogate.test);
            let test = features(context, encoder, &part)?;
            look.yardsticks = Some(yardsticks::of_encoder(context, title, &train, &test)?);
            look
        }
        None => {
            let view = view(context, encoder)?;
            go_on(watch.step(1, 2))?;
            let mut look = probe(title, &view, &context.suite.measures)?;
            let shape = geometry(&Samples::from(&view.test));
            let shape = shape.map_err(named(format!("geometry of {title}")))?;
            (look.align, look.uniform) = (shape.align, Some(shape.uniform));
            let found = yardsticks::of_encoder(context, title, &view.train, &view.test)?;
            look.yardsticks = Some(found);
            look
        }
    };
    context.keep(&record, origin, &look)?;
    watch.end();
    Ok(look)
}

/// The probe of a view.
fn probe(title: &str, view: &View, measures: &Measures) -> Result<Look, RunError> {
    let wrong = named(format!("linear probe of {title}"));
    let params = ProbeParams::new()
        .sweep(measures.probe_c.clone())
        .standardize(measures.probe_standardize)
        .iterations(measures.probe_iterations)
        .check()
        .map_err(&wrong)?;
    let (train, valid, test) = (
        Samples::from(&view.train),
        Samples::from(&view.valid),
        Samples::from(&view.test),
    );
    let probe = params.run(&train, Some(&valid), &test).map_err(&wrong)?;
    let marks: Vec<bool> = probe
        .predictions
        .iter()
        .zip(view.test.labels())
        .map(|(found, truth)| found != truth)
        .collect();
    Ok(Look {
        error: probe.error,
        interval: probe.interval,
        c: probe.c,
        converged: probe.converged,
        n_train: view.train.len(),
        n_test: view.test.len(),
        align: None,
        uniform: None,
        wrong: Marks::new(&marks),
        yardsticks: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_of_an_older_version_is_one_without_yardsticks() {
        let old = r#"{"error": 0.25, "interval": [0.1, 0.4], "c": 1.0, "converged": true, "n_train": 9,
            "n_test": 4, "align": 0.5, "uniform": -1.0, "wrong": {"count": 4, "hex": "1"}}"#;
        let look: Look = serde_json::from_str(old).unwrap();
        assert!(look.yardsticks.is_none() && look.align == Some(0.5));
    }

    #[test]
    fn marks_survive_packing() {
        for count in [0, 1, 3, 4, 5, 17, 64] {
            let marks: Vec<bool> = (0..count).map(|i| i * i % 3 == 1).collect();
            assert_eq!(Marks::new(&marks).bits(), marks);
        }
    }
}

//! The whole comparison: every encoder measured, all pairs related, every encoder set against the reference,
//! all maps drawn from one start.

use super::align::Shared;
use super::difference::{self, ClassError, MeasureDifference};
use super::error::CompareError;
use super::error::named;
use super::measures::{Frame, Measured, measure};
use super::parts::{Parts, units};
use super::probed::Folds;
use super::rows::Rows;
use super::settings::ValidSettings;
use super::zeros;
use crate::evaluate::noise::FEWEST_FOLDS;
use crate::measure::MeasureError;
use crate::measure::cka::cka;
use crate::measure::tsne::{Tsne, TsneParams, common_start};
use crate::run::progress::{Progress, check_interrupt};
use crate::strata::{by_class, by_class_of};
use ndarray::Array2;

/// What a comparison found.
pub struct Comparison {
    /// Which encoder the others are set against.
    pub reference: usize,
    /// The rows of every part.
    pub parts: Parts,
    /// Folds of the jackknife that probe and neighbours are tested by.
    pub folds: usize,
    /// Groups of test samples, where samples belong together.
    pub groups: Option<usize>,
    /// Every encoder alone.
    pub encoders: Vec<Measured>,
    /// Debiased linear CKA of every two encoders; `None` where it is not defined.
    pub cka: Vec<Vec<Option<f64>>>,
    /// Measures against the reference.
    pub differences: Vec<MeasureDifference>,
    /// Errors class by class.
    pub classes: Vec<ClassError>,
    /// A map of every encoder; none if they were not asked for.
    pub maps: Vec<Tsne>,
    /// What a reader must know of single results.
    pub notes: Vec<String>,
}

impl Comparison {
    /// Compares encoders.
    ///
    /// # Errors
    /// [`CompareError::Measure`] for samples that cannot be cut or probed, an interruption.
    pub fn new(
        shared: &Shared,
        reference: usize,
        settings: &ValidSettings,
        progress: &mut dyn Progress,
    ) -> Result<Self, CompareError> {
        let parts = Parts::new(shared, settings).map_err(|_| uncut(shared, settings))?;
        two_classes(shared, &parts)?;
        let (labels, classes) = (&shared.labels, shared.class_names.len());
        let groups = shared.groups.as_deref();
        let folds = Folds::new(labels, groups, &parts, settings);
        let frame = Frame {
            labels,
            classes,
            groups,
            parts: &parts,
            folds: &folds,
            settings,
        };
        let mut encoders = Vec::with_capacity(shared.encoders.len());
        let mut notes = zeros::notes(shared);
        progress.begin("measuring every encoder", shared.encoders.len());
        for (i, encoder) in shared.encoders.iter().enumerate() {
            let mut found = measure(&encoder.title, &encoder.features, &frame)?;
            notes.append(&mut found.notes);
            encoders.push(found);
            check_interrupt(progress.step(i + 1, shared.encoders.len()))?;
        }
        progress.end();
        let tested: Vec<Array2<f32>> = (shared.encoders.iter())
            .map(|encoder| Rows::of(&encoder.features, labels, &parts.test).features)
            .collect();
        let cka = relate(shared, &tested, &mut notes, progress)?;
        let mut differences = difference::measures(&encoders, reference, &frame);
        let mut classes = difference::classes(&encoders, reference, &frame);
        difference::decide_all(&mut differences, &mut classes);
        if folds.count < FEWEST_FOLDS {
            notes.push(format!(
                "No difference of probe or neighbours is tested: training and test part need {FEWEST_FOLDS} samples (groups of samples, where they belong together) each, there are {}.",
                folds.count
            ));
        } else if encoders
            .iter()
            .any(|encoder| encoder.probe.without.is_empty())
        {
            notes.push("No difference of probes is tested: without some of its training samples a probe is not defined.".into());
        }
        let tested_groups = units(groups, &parts.test);
        let maps = maps(
            shared, reference, &tested, &parts, settings, &mut notes, progress,
        )?;
        Ok(Self {
            reference,
            folds: folds.count,
            groups: groups.map(|_| tested_groups),
            parts,
            encoders,
            cka,
            differences,
            classes,
            maps,
            notes,
        })
    }
}

/// Where the labels came from: all encoders have the same.
fn labels_of(shared: &Shared) -> String {
    let paths = shared
        .encoders
        .iter()
        .map(|encoder| encoder.origin.path.as_str());
    let mut paths: Vec<&str> = paths.collect();
    paths.dedup();
    format!("labels of {}", paths.join(", "))
}

/// The error of samples that no part is left of.
fn uncut(shared: &Shared, settings: &ValidSettings) -> CompareError {
    let classes = by_class(&shared.labels);
    let sizes = classes.iter().map(Vec::len).filter(|size| *size > 0);
    let (count, most) = sizes.fold((0, 0), |(count, most), size| (count + 1, most.max(size)));
    let (share, n) = (settings.train_share, shared.labels.len());
    let whole = match shared.groups {
        Some(_) => "; samples that belong together stay together",
        None => "",
    };
    CompareError::Unfit {
        what: labels_of(shared),
        expected: format!(
            "a class with samples for three parts: to fit a probe on, to choose its C on, to test on (three at least; more where --train-share, here {share}, leaves one part too little{whole})"
        ),
        found: format!("{n} samples of {count} classes, no class with more than {most}"),
    }
}

/// Refuses a training part of one class before any probe does.
fn two_classes(shared: &Shared, parts: &Parts) -> Result<(), CompareError> {
    let classes = by_class_of(&shared.labels, &parts.train);
    let present: Vec<usize> = (0..classes.len())
        .filter(|&class| !classes[class].is_empty())
        .collect();
    if let [only] = present.as_slice() {
        return Err(CompareError::Unfit {
            what: labels_of(shared),
            expected: "at least 2 classes with training samples".into(),
            found: format!("1 (class {only}, {:?})", shared.class_names[*only]),
        });
    }
    Ok(())
}

fn relate(
    shared: &Shared,
    tested: &[Array2<f32>],
    notes: &mut Vec<String>,
    progress: &mut dyn Progress,
) -> Result<Vec<Vec<Option<f64>>>, CompareError> {
    let count = tested.len();
    let mut all = vec![vec![None; count]; count];
    let pairs = count * (count + 1) / 2;
    let mut done = 0;
    progress.begin("CKA of every two encoders", pairs);
    for i in 0..count {
        for j in i..count {
            let found = cka(tested[i].view(), tested[j].view()).map(|found| found.debiased);
            let value = match found {
                Ok(value) => value,
                Err(MeasureError::TooFew { .. }) => None,
                Err(other) => return Err(named("CKA".into())(other)),
            };
            if value.is_none() && i == j {
                let title = &shared.encoders[i].title;
                notes.push(format!("CKA of {title} is not defined: too few samples, or all of them equally far from each other."));
            }
            (all[i][j], all[j][i]) = (value, value);
            done += 1;
            check_interrupt(progress.step(done, pairs))?;
        }
    }
    progress.end();
    Ok(all)
}

/// Maps of the balanced sample under every encoder, all from the reference's principal components, so
/// that panels can be compared by eye.
fn maps(
    shared: &Shared,
    reference: usize,
    tested: &[Array2<f32>],
    parts: &Parts,
    settings: &ValidSettings,
    notes: &mut Vec<String>,
    progress: &mut dyn Progress,
) -> Result<Vec<Tsne>, CompareError> {
    if settings.tsne_iterations == 0 {
        return Ok(Vec::new());
    }
    let points = parts.mapped.len();
    if points < 5 {
        notes.push(format!(
            "No t-SNE maps: they need 5 test samples, there are {points}."
        ));
        return Ok(Vec::new());
    }
    // A sample too small for the perplexity asked for gets the largest that it can carry.
    let largest = ((points - 2) as f64 / 3.0).floor();
    let of = |features: &Array2<f32>| features.select(ndarray::Axis(0), &parts.mapped);
    let wrong = |encoder: usize| named(format!("t-SNE of {}", shared.encoders[encoder].title));
    let params = TsneParams::new()
        .perplexity(settings.tsne_perplexity.min(largest))
        .iterations(settings.tsne_iterations)
        .seed(settings.seed)
        .check()
        .map_err(wrong(reference))?;
    let start = common_start(of(&tested[reference]).view()).map_err(wrong(reference))?;
    let mut maps = Vec::with_capacity(tested.len());
    progress.begin("t-SNE of every encoder", tested.len());
    for (encoder, features) in tested.iter().enumerate() {
        let map = params.run_from(of(features).view(), Some(start.view()));
        maps.push(map.map_err(wrong(encoder))?);
        check_interrupt(progress.step(encoder + 1, tested.len()))?;
    }
    progress.end();
    Ok(maps)
}

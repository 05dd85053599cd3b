//! A linear probe of the untouched towers on classes: fitted to its minimum on the training part, C chosen on the validation
//! part, kept as a tuning like all others.

use super::joint::JointRequest;
use crate::dataset::subset::labels;
use crate::feature::towers::of_images;
use crate::measure::Samples;
use crate::measure::probe::ProbeParams;
use crate::model::adapters::Tuning;
use crate::transfer::TransferError;
use crate::transfer::methods::linear_probe;
use crate::transfer::records::EpochRecord;
use ndarray::{Array1, Array2};
use std::time::Instant;

/// A fitted probe with its record.
pub struct Fitted {
    /// The probe.
    pub tuning: Tuning,
    /// The fit, as one epoch.
    pub record: EpochRecord,
}

/// Score of a class that no training sample has: none is given to it.
const NEVER: f64 = -1e30;

/// Fits a probe to the first task of a request.
///
/// # Errors
/// Those of reading a picture; fewer than two classes with samples, values of C that cannot be.
pub fn fit(request: &JointRequest) -> Result<Fitted, TransferError> {
    let linear_probe::Settings { c, iterations } =
        linear_probe::METHOD.read_settings(request.settings)?;
    let begun = Instant::now();
    let (task, towers) = (&request.tasks[0], request.towers);
    let (device, _) = towers.place();
    let [train, valid, _] = &task.parts;
    let classes = task.templated.classes;
    let (x, y) = (
        of_images(towers, train.clone(), &device)?,
        labels(train.as_ref()),
    );
    let (vx, vy) = (
        of_images(towers, valid.clone(), &device)?,
        labels(valid.as_ref()),
    );
    let train = Samples::new(x.view(), &y, classes)?;
    let valid = Samples::new(vx.view(), &vy, classes)?;
    let params = ProbeParams::new()
        .standardize(false)
        .sweep(c)
        .iterations(iterations)
        .check()?;
    let (probe, minimum, _) = params.fit(&train, Some(&valid))?;
    let mut weights = Array2::zeros((classes, x.ncols()));
    let mut intercepts = Array1::from_elem(classes, NEVER);
    for (place, &class) in probe.classes().iter().enumerate() {
        // Of two classes the first one's scores are zero.
        let row = match (probe.weights().nrows(), place) {
            (1, 0) => None,
            (1, _) => Some(0),
            _ => Some(place),
        };
        intercepts[class] = row.map_or(0.0, |row| probe.intercepts()[row]);
        if let Some(row) = row {
            weights.row_mut(class).assign(&probe.weights().row(row));
        }
    }
    let settings = request.shared.of_classes(classes);
    let temperature = request.settings.pairs.temperature;
    let blank = Tuning::new(request.config, towers, settings, temperature, request.seed)?;
    let tuning = match blank {
        Tuning::LinearProbe(blank) => {
            Tuning::LinearProbe(blank.fitted(weights.view(), intercepts.view()))
        }
        // Nothing else was asked for.
        other => other,
    };
    let record = EpochRecord {
        epoch: 1,
        train_loss: minimum.value,
        valid: probe.error(&valid)?,
        test: None,
        seconds: begun.elapsed().as_secs_f64(),
    };
    Ok(Fitted { tuning, record })
}

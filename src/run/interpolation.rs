//! The curve between the pretrained and a fine-tuned encoder: θ(α) = (1 − α) θ⁰ + α θ¹ under the fine-tuned embedder and
//! predictor, with its target metric and its evaluation on the surrogate, for α of `measures.interpolation` and both
//! ends. One training gives the whole curve (WiSE-FT, Wortsman et al., CVPR 2022). Each point is kept by the hash of
//! its parameters, like every evaluation.

use super::cell::{Cell, Outcome, task};
use super::error::RunError;
use super::evaluation::{evaluate, fingerprint};
use super::measures::{CellMeasures, wrong};
use super::prepare::{Context, Target};
use super::progress::Progress;
use crate::evaluate::{Evaluation, Marks};
use crate::model::{Model, Network};
use crate::suite::definition::Suite;
use crate::transfer::methods::{self, Method, Start};
use crate::transfer::objectives::interpolation::interpolated;
use serde::{Deserialize, Serialize};

/// One encoder of a curve.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Point {
    /// α: share of the fine-tuned encoder.
    pub alpha: f64,
    /// Target metric on the test part.
    pub test: f64,
    /// Target test samples got wrong; absent where an answer is not one class.
    pub wrong: Option<Marks>,
    /// The encoder on the surrogate.
    pub evaluation: Evaluation,
}

/// What a network reaches on a target's test part, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Tested {
    test: f64,
    wrong: Option<Marks>,
}

/// The methods of a suite whose encoders are interpolated, in the order of the setting: those that run and start from
/// the source model.
pub fn methods(suite: &Suite) -> Vec<&'static Method> {
    if suite.measures.interpolation.is_empty() {
        return Vec::new();
    }
    let named = suite.measures.interpolation_methods.iter();
    let named = named.filter_map(|name| methods::find(name));
    let run = methods::of(&suite.transfer);
    named
        .filter(|method| method.start == Start::Source && run.contains(method))
        .collect()
}

/// The curve of a finished cell, by rising α; empty where the suite asks for none. `found` are its measures.
///
/// # Errors
/// What evaluating and keeping refuse.
pub fn curve(
    context: &Context,
    (cell, target): (Cell, &Target),
    model: &Model,
    (outcome, found): (&Outcome, &CellMeasures),
    progress: &mut dyn Progress,
) -> Result<Vec<Point>, RunError> {
    let suite = context.suite;
    let last = found.selected(outcome);
    let (true, None, Some(last)) = (
        methods(suite).contains(&cell.method),
        &target.sequence,
        last,
    ) else {
        return Ok(Vec::new());
    };
    let pretrained = &context.source.model.network.encoder;
    let mut points = Vec::new();
    for alpha in [0.0].iter().chain(&suite.measures.interpolation) {
        let network = interpolated(model.network.clone(), pretrained, *alpha);
        let title = format!("{} at α = {alpha}", cell.title());
        let evaluation = evaluate(context, &title, &network.encoder, progress)?;
        let record = format!(
            "evaluations/{}-test-{}.json",
            cell.target.name,
            fingerprint(&network)
        );
        let origin = context.origins.transfer(suite, cell.target, cell.method);
        let tested = match context.recall(&record, &origin) {
            Some(tested) => tested,
            None => {
                progress.begin(&format!("target test part: {title}"), 1);
                let tested = test(context, (cell, target), &network)?;
                context.keep(&record, origin, &tested)?;
                progress.end();
                tested
            }
        };
        points.push(Point {
            alpha: *alpha,
            test: tested.test,
            wrong: tested.wrong,
            evaluation,
        });
    }
    points.push(Point {
        alpha: 1.0,
        test: outcome.test,
        wrong: found.wrong.clone(),
        evaluation: last.clone(),
    });
    Ok(points)
}

/// The target metric of a network and, where an answer is one class, which test samples it gets wrong.
fn test(
    context: &Context,
    (cell, target): (Cell, &Target),
    network: &Network,
) -> Result<Tested, RunError> {
    let set = target.data.test.clone();
    Ok(Tested {
        test: task(cell, target)?.evaluate(network, set, context.device)?,
        wrong: wrong(context, target, network)?,
    })
}

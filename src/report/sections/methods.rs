//! How it was measured: the choices of the method as implemented, not of one run; what a run or a comparison has to
//! say about itself stands in its own notes.

use maud::html;

use super::retrieval;
use crate::figure::{FigureError, methods};
use crate::report::compared::Compared;
use crate::report::data::{Data, Run};
use crate::report::number::whole;
use crate::report::record::shown;
use crate::report::section::{Block, Section};
use crate::report::verdict::RULE;
use crate::table::{PairedRow, ProbeRow, RetrievalRow, Row as _, TargetRow};

/// Its descriptor for runs.
pub const RUN: Section<Run> = Section {
    id: "method",
    title: "How it was measured",
    tables: &[],
    figure: None,
    blocks: of_run,
    citations: &[],
};

/// Its descriptor for comparisons.
pub const COMPARISON: Section<Compared> = Section {
    id: "method",
    title: "How it was measured",
    tables: &[],
    figure: None,
    blocks: of_comparison,
    citations: &[],
};

fn of_run(data: &Data<Run>) -> Result<Vec<Block>, FigureError> {
    let probes = data.tables.any::<ProbeRow>()?;
    let targets = data.tables.any::<TargetRow>()?;
    let ids = probes.rows.iter().map(|row| row.method.as_str());
    let ids = ids.chain(targets.rows.iter().map(|row| row.method.as_str()));
    let ran: Vec<&str> = ids.collect();
    let of_methods = methods::notes(&ran);
    let compared = data.tables.holds(PairedRow::FILE);
    let alone = retrieval::alone(&data.tables)?;
    let of_towers = data.tables.holds(RetrievalRow::FILE);
    let words = html! {
        dl.notes {
            dt { "Surrogate features" }
            dd {
                "The surrogate set stands in for the source data, which are not needed. "
                @if !alone { "Its samples always pass through the original source embedder, before and after transfer; only the encoder changes. Otherwise a changed embedder would be mistaken for changed knowledge. " }
                @if of_towers { "Of two towers the surrogate passes through the whole tuned image tower, as the target’s pictures do: no other embedder is put in its place. What is tuned behind the tower’s features (projections, an adapter on vectors) changes the zero-shot error and not the probe." }
            }
            @if of_towers {
                dt { "Retrieval" }
                dd { "Cosine of every picture with every caption of the test part, equal vectors scored once; of equal scores a wrong one comes first. A picture finds a caption where one of its own is among the first K. Trainings are compared in 1 − mean recall; a picture counts for its own three recalls and, by its captions, for the other three, so that differences are paired over pictures. All methods of a suite minimise the same losses, from the same τ, in the same batches and epochs; they differ in what trains, and in settings that were chosen for each on validation parts, where the suite tries some." }
            }
            dt { "Linear probe" }
            dd { "Multinomial logistic regression on frozen features; the penalty is ‖W‖² / 2C with C chosen on a validation part, never on test samples." }
            @if !alone {
            dt { "Discrepancy" }
            dd { "D(Mₛ, Mₜ) is the infimum over injective matchings of target classes to source classes. Summed over pairs, the divergence makes this a rectangular assignment problem, solved exactly, choice of classes and their order at once. Renormalised over the chosen classes, the problem couples, and value, lower bound and gap are given. The paper's own approximation is not public, so values can be compared within this report, and with the paper by their order alone." }
            dt { "Null and chance" }
            dd { "The null repeats the whole matching with shuffled target labels. Chance is the level of guessing. Targets with different numbers of classes are compared by D over the null's mean." }
            }
            dt { "Signs of alignment and uniformity" }
            dd { "Both are minimised: alignment is the mean squared distance within classes, uniformity the log mean Gaussian potential of all pairs, after Wang and Isola (2020). As printed in the MoNA paper the signs would reward collapse; the printed orientation exists as a named ablation." }
            @for (title, text) in of_methods {
                dt { (title) }
                dd { (text) }
            }
            dt { "Representation metrics, transferability scores" }
            dd { "Measured, never chosen by: on a balanced part of test samples (measures.balanced_samples), the k of k-NN being measures.knn_neighbours. The OTDD takes measures.otdd_samples of either side, embedded and averaged over tokens, with the settings of transfer.orca; a set is at distance zero from itself." }
            @if compared {
                dt { "Verdicts" }
                dd { (RULE) }
            }
            dt { "Splits of the data" }
            dd { "Fitting uses the training split, every choice the validation split, every reported number the test split." }
        }
    };
    let notes = data.record.notes.iter().map(|note| note.to_string());
    Ok(vec![
        Block::Page(words),
        Block::Notes("Notes of this run", notes.collect()),
    ])
}

fn of_comparison(data: &Data<Compared>) -> Result<Vec<Block>, FigureError> {
    let record = &data.record;
    let samples = &record.samples;
    let constants = &record.constants;
    let words = html! {
        dl.notes {
            dt { "Splits of the samples" }
            dd {
                @if samples.given_parts { "Every encoder brought a training part of its own, from the same run." }
                @else { "One split for all encoders, class by class and by seed." }
                " Probe and neighbours learn from " (whole(samples.train as u64)) " samples; the probe's C is chosen on "
                (whole(samples.valid as u64)) " of these, fitted on the other " (whole(samples.fit as u64))
                ", and the reported probe is fitted on all of them. Every number is of "
                (whole(samples.test as u64)) " test samples, which nothing was fitted to or chosen on."
            }
            dt { "Probe error" }
            dd { "Multinomial logistic regression on standardised features, penalty ‖W‖² / 2C. The balanced error is the mean over classes." }
            dt { "k-NN accuracy" }
            dd { "Majority of the " (shown(&constants.neighbours)) " training samples of highest cosine similarity." }
            dt { "Alignment, uniformity, silhouette" }
            dd {
                "On " (whole(samples.sample as u64)) " test samples, balanced over classes (of which the maps show at most 3,000). Alignment and uniformity on the unit sphere (Wang and Isola, 2020): mean squared distance within classes, and the logarithm of the mean of e"
                sup { "\u{2212}2d²" } " over all pairs. Silhouette (Rousseeuw, 1987) on the features as they are."
            }
            dt { "LogME, H-score" }
            dd { "On all test samples. LogME (You et al., 2021) depends on the scale of the features; the H-score (Bao et al., 2019) uses Ledoit and Wolf's covariance, so that encoders with many features are not favoured." }
            dt { "Noise" }
            dd {
                "A number's own interval is of its test samples: for rates Wilson's, for the balanced error one summed over classes, for the other measures a delete-a-group jackknife, at most "
                (shown(&constants.jackknife_groups))
                " folds of test samples left out in turn, with Student's t. A bootstrap would draw samples twice, which measures over pairs and evidences take for knowledge. A difference is that of the same folds for both encoders. Probe and neighbours learn again without each of "
                (shown(&constants.learning_folds))
                " folds, which takes training samples, a say in the choice of C and test samples away at once: the noise of their differences holds all three. Their p is no smaller than that of an exact sign-flip test over the test samples (McNemar's), which no handful of samples passes. "
                @match samples.test_groups {
                    Some(groups) => { "Samples that belong together stay together in parts, folds and signs: the test part has " (whole(groups as u64)) " groups." }
                    None => "Every sample counts as independent of all others; no groups of samples were given.",
                }
                " Another training of the same encoder is in no interval and in no mark."
            }
            dt { "Beyond noise" }
            dd { "A difference is marked where its p value, corrected by Holm's method for everything that this page calls different (measures and classes together), is at most " (shown(&constants.level)) ", and its own paired 95\u{a0}% interval is clear of zero. Of equal encoders at most one page in twenty shows any mark." }
        }
    };
    Ok(vec![
        Block::Page(words),
        Block::Notes("Notes of this comparison", record.notes.clone()),
    ])
}

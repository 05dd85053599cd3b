//! Rows of the tables that set simulated fine-tuning beside the real one.

table! {
    /// Alignment + uniformity of source features, as stage 2 begins, after simulated steps, or after real epochs.
    SimulationRow in "simulation.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method.
        method: String,
        /// Seed of the transfer.
        seed: u64,
        /// `start`, `fine-tuning`, or the kind of simulated steps: `sgd` or `adamw`.
        by: String,
        /// Number of simulated steps, or of epochs.
        length: u64,
        /// Mean over the draws.
        loss: f64,
        /// Standard deviation over the draws: of the loss at the start, afterwards of its change from there, as
        /// every draw has source samples of its own throughout.
        deviation: Option<f64>,
        /// Number of draws.
        draws: u64,
    }
}

table! {
    /// How well simulated steps order the transfers of a target as their fine-tuning does.
    ForesightRow in "foresight.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Kind of simulated steps: `sgd` or `adamw`.
        by: String,
        /// Number of simulated steps.
        steps: u64,
        /// Epochs of fine-tuning after which the change was measured.
        epochs: u64,
        /// Mean simulated change of alignment + uniformity.
        simulated: f64,
        /// Mean standard deviation of the same over draws.
        deviation: Option<f64>,
        /// Mean change by the fine-tuning.
        real: f64,
        /// Spearman's ρ of simulated and real change.
        loss_correlation: Option<f64>,
        /// Lower end of its 95 % interval.
        loss_lower: Option<f64>,
        /// Upper end of the same.
        loss_upper: Option<f64>,
        /// Spearman's ρ of simulated change and probe error after the fine-tuning.
        probe_correlation: Option<f64>,
        /// Lower end of its 95 % interval.
        probe_lower: Option<f64>,
        /// Upper end of the same.
        probe_upper: Option<f64>,
        /// Transfers compared.
        transfers: u64,
    }
}

/// `by` of a row of [`SimulationRow`] before any step.
pub const START: &str = "start";
/// `by` of a row of [`SimulationRow`] after real epochs.
pub const FINE_TUNING: &str = "fine-tuning";

//! What towers of images and texts reach on classes that are told apart by their names, and which of such tasks learned
//! together.

table! {
    /// A tuning, or the towers as they were pretrained, on a target.
    ByTextRow in "by_text.csv" {
        /// Id of the target.
        target: String,
        /// Its name for readers.
        target_title: String,
        /// Transfer method; none of the towers as they were pretrained.
        method: Option<String>,
        /// Seed of the transfer.
        seed: Option<u64>,
        /// Share of test pictures that get another class than theirs.
        error: f64,
        /// Lower end of its 95 % interval over groups of pictures.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Numbers that train for the target.
        parameters: u64,
        /// Numbers of the towers themselves.
        of_towers: u64,
        /// Test pictures.
        samples: u64,
    }
}

table! {
    /// Two tasks of a transfer that learns several.
    TaskRow in "tasks.csv" {
        /// Transfer method.
        method: String,
        /// Its settings, as they name cells.
        variant: String,
        /// Seed of the transfer.
        seed: u64,
        /// Id of one target.
        task: String,
        /// Id of the other.
        other: String,
        /// Mean over moments of the cosine of their gradients; none where none were compared.
        similarity: Option<f64>,
        /// Standard deviation over moments.
        spread: Option<f64>,
        /// Moments.
        moments: u64,
        /// Whether both are in one group.
        together: bool,
    }
}

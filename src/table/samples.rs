//! Rows of the tables of single samples: previews of a run's data, parts of a comparison.

table! {
    /// A picture of a sample: row `row` of the bytes in `file`.
    SampleRow in "pictures.csv" {
        /// Id of the dataset.
        dataset: String,
        /// Its name for readers.
        title: String,
        /// Part of the dataset.
        part: String,
        /// Which sample of that part.
        sample: u64,
        /// Its class, labels or number.
        name: String,
        /// How it is displayed: `image`, `map`, `spectrogram` or `signal`.
        view: String,
        /// File below the run folder.
        file: String,
        /// Row of that file.
        row: u64,
    }
}

table! {
    /// Which part of a comparison a sample stands in: what another program needs to check every number.
    PartRow in "samples.csv" {
        /// Row of the sample in the features of every encoder.
        row: u64,
        /// Its class.
        label: u64,
        /// `fit`, `valid` or `test`.
        part: String,
        /// Whether measures over pairs of samples see it.
        sampled: bool,
        /// Whether the maps show it.
        mapped: bool,
    }
}

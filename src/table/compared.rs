//! Rows of the tables of a comparison of encoders (`modalign compare`), each named by its title. Older versions
//! called the column of that title `side`.

table! {
    /// One measure of one encoder less that of the reference, on the same samples.
    DifferenceRow in "differences.csv" {
        /// The encoder.
        encoder: String [formerly "side"],
        /// The reference.
        reference: String,
        /// Which measure.
        measure: String,
        /// Side less reference.
        difference: f64,
        /// Lower end of the paired 95 % interval.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Two-sided p of no difference.
        p: Option<f64>,
        /// The same, corrected for all rows of the table.
        adjusted: Option<f64>,
        /// `better`, `worse`, `not shown` or `not tested`.
        verdict: String,
    }
}

table! {
    /// The probe's errors of one encoder on one class.
    ClassRow in "classes.csv" {
        /// The encoder.
        encoder: String [formerly "side"],
        /// The class.
        label: u64,
        /// Its name.
        class_name: String,
        /// Test samples of the class.
        samples: u64,
        /// Share predicted wrongly.
        error: Option<f64>,
        /// Lower end of its Wilson 95 % interval.
        lower: Option<f64>,
        /// Upper end of the same.
        upper: Option<f64>,
        /// Error less that of the reference; absent for the reference.
        difference: Option<f64>,
        /// Lower end of its paired 95 % interval.
        difference_lower: Option<f64>,
        /// Upper end of the same.
        difference_upper: Option<f64>,
        /// Two-sided p of no difference.
        p: Option<f64>,
        /// The same, corrected for all rows of the table.
        adjusted: Option<f64>,
        /// `better`, `worse`, `not shown`, `not tested`, or `-` for the reference.
        verdict: String,
    }
}

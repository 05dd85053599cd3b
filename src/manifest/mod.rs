//! Data manifests and suites: the TOML files that name datasets, models and experiments.

pub mod suite;

//! The data folder: which files of a manifest are there, and where they belong.
//!
//! One folder holds all datasets, each in a folder of its own. It is the one that `--data` names, else
//! `$MODALIGN_DATA`, else `modalign/data` in the user's cache, which all projects share. What is known
//! of files beyond the manifests lies in the cache as well ([`Ledger`]), so that data folders may be
//! read-only and stay as they were.

mod cache;
mod folder;
mod import;
mod ledger;
mod obtain;
mod verify;
mod watched;

#[cfg(test)]
mod tests;

pub use cache::cache;
pub use folder::{Presence, Store};
pub use import::{Imported, import};
pub use ledger::Ledger;
pub use obtain::{Plan, fetch, free, hint, plan};
pub use verify::{Verdict, verify};
pub use watched::Progress;

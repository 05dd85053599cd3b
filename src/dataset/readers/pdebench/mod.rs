//! PDEBench (Takamoto et al. 2022): simulations in HDF5 as one-step tasks, from the first state to a
//! late one, u(t₀) → u(T).
//!
//! Three layouts are published. *Single*: a dataset `tensor [N, T, X]`. *Several*: one dataset a
//! quantity, `density`, `pressure`, `Vx`(, `Vy`), each `[N, T, X]` or `[N, T, X, Y]`. *Seeds*: a group a sample
//! with `data [T, X, channels]` or `[T, X, Y, channels]`. Darcy's file maps `nu [N, X, Y]` to `tensor
//! [N, 1, X, Y]`. Every sample is read from the file when it is asked for.
//!
//! A task names its file, which points in space are kept (every one, or every second or fourth as in
//! ORCA) and the time T. Fields along a line are `channels × 1 × X`. The first 90 % of the samples train,
//! of which a tenth validates, the rest tests. Inputs are standardised channel by channel by
//! [`FITTED`](pairs::FITTED) training samples evenly spread; the target stays in its own unit.

mod pairs;
mod tasks;

#[cfg(test)]
mod tests;

pub use tasks::{
    ADVECTION, BURGERS, CFD_1D, CFD_2D, DARCY, DIFF_REACT_1D, DIFF_REACT_2D, DIFF_SORP,
    SHALLOW_WATER,
};

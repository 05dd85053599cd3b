//! Linear algebra that measures share: products, rows in double precision, spectra, principal components.
//!
//! Hot products run on the `gemm` crate, because OpenBLAS is only as fast as it knows the processor; LAPACK
//! serves decompositions.

pub mod blas;
pub mod pca;
pub mod product;
pub(in crate::measure) mod rows;
pub(in crate::measure) mod spectrum;

//! Measures meet what they are taken of: feature sets, files of probabilities, tensor devices.
//!
//! The measure room knows arrays alone; here its interfaces are given to the types of the rooms before it.
//!
//! | file | what |
//! |---|---|
//! | [`inputs`] | a feature set as labelled samples, a file of probabilities as rows |
//! | [`device`] | the linear probe on a burn device |

#[cfg(feature = "train")]
pub mod device;
pub mod inputs;

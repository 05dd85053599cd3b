//! What the numbers of every architecture must keep to, refused under the keys of its `config.json`.

use super::ModelError;

/// Sizes of 1 to a most each: name, value, most.
///
/// # Errors
/// [`ModelError::Config`] that names the first other.
pub(super) fn sizes(all: &[(&str, usize, usize)]) -> Result<(), ModelError> {
    match all
        .iter()
        .find(|(_, value, top)| !(1..=*top).contains(value))
    {
        Some((name, value, top)) => Err(ModelError::config(*name, format!("1 to {top}"), value)),
        None => Ok(()),
    }
}

/// Attention heads that divide the width of tokens.
///
/// # Errors
/// [`ModelError::Config`] of others.
pub(super) fn heads(heads: usize, width: usize) -> Result<(), ModelError> {
    if heads > 0 && width.is_multiple_of(heads) {
        return Ok(());
    }
    let expected = format!("a divisor of {width}");
    Err(ModelError::config("num_attention_heads", expected, heads))
}

/// What is added to variances.
///
/// # Errors
/// [`ModelError::Config`] unless it is a positive number.
pub(super) fn epsilon(value: f64) -> Result<(), ModelError> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(ModelError::config(
        "layer_norm_eps",
        "a positive number",
        value,
    ))
}

/// Rates of 0 to below 1: name and value.
///
/// # Errors
/// [`ModelError::Config`] that names the first other.
pub(super) fn rates(all: &[(&str, f64)]) -> Result<(), ModelError> {
    match all.iter().find(|(_, value)| !(0.0..1.0).contains(value)) {
        Some((name, value)) => Err(ModelError::config(*name, "0 to below 1", value)),
        None => Ok(()),
    }
}

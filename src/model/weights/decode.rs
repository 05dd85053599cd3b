//! From the bytes of a tensor to floats: exact widening, one rounding from 64 bits to 32, and the
//! check that every value is finite while the block is still in the cache.

use half::slice::HalfFloatSliceExt;
use safetensors::Dtype;

/// A value that may not be in a model, by its place among the values of one call.
#[derive(Debug, PartialEq)]
pub(super) struct NotFinite {
    pub at: usize,
    pub value: f64,
}

/// Whether values of this type are floats that we read.
pub(super) fn is_float(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16)
}

/// Appends a block of little-endian elements as 32-bit floats; other than floating types append
/// nothing. On an error `out` holds the block too.
pub(super) fn append_f32(dtype: Dtype, block: &[u8], out: &mut Vec<f32>) -> Result<(), NotFinite> {
    let start = out.len();
    match dtype {
        Dtype::F32 => extend(block, out, f32::from_le_bytes),
        Dtype::F64 => extend(block, out, |b| f64::from_le_bytes(b) as f32),
        Dtype::BF16 => extend(block, out, |b| {
            f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)
        }),
        // The crate converts slices with the processor's own instruction.
        Dtype::F16 => {
            let mut halves = Vec::with_capacity(block.len() / 2);
            extend(block, &mut halves, half::f16::from_le_bytes);
            out.resize(start + halves.len(), 0.0);
            halves.convert_to_f32_slice(&mut out[start..]);
        }
        _ => {}
    }
    let values = &out[start..];
    // All bits of the exponent set: infinite or not a number. Without an early exit the loop is
    // vectorised.
    let bad = values.iter().fold(false, |bad, v| {
        bad | (v.to_bits() & 0x7f80_0000 == 0x7f80_0000)
    });
    match values.iter().position(|v| bad && !v.is_finite()) {
        None => Ok(()),
        Some(at) => Err(NotFinite {
            at,
            // What the file says, which a 32-bit float may be too small for.
            value: match (dtype, block.as_chunks().0.get(at)) {
                (Dtype::F64, Some(bytes)) => f64::from_le_bytes(*bytes),
                _ => f64::from(values[at]),
            },
        }),
    }
}

/// Appends a block of little-endian elements as 64-bit floats, exactly.
pub(super) fn append_f64(dtype: Dtype, block: &[u8], out: &mut Vec<f64>) -> Result<(), NotFinite> {
    let start = out.len();
    if dtype == Dtype::F64 {
        extend(block, out, f64::from_le_bytes);
    } else {
        let mut singles = Vec::new();
        append_f32(dtype, block, &mut singles)?;
        out.extend(singles.into_iter().map(f64::from));
    }
    match out[start..].iter().position(|v| !v.is_finite()) {
        None => Ok(()),
        Some(at) => Err(NotFinite {
            at,
            value: out[start + at],
        }),
    }
}

fn extend<const N: usize, T>(block: &[u8], out: &mut Vec<T>, value: impl Fn([u8; N]) -> T) {
    out.extend(block.as_chunks().0.iter().map(|bytes| value(*bytes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_float_type_widens_exactly() {
        for (dtype, bytes) in [
            (Dtype::F32, 1.5f32.to_le_bytes().to_vec()),
            (Dtype::F64, 1.5f64.to_le_bytes().to_vec()),
            (Dtype::F16, half::f16::from_f32(1.5).to_le_bytes().to_vec()),
            (
                Dtype::BF16,
                half::bf16::from_f32(1.5).to_le_bytes().to_vec(),
            ),
        ] {
            let (mut single, mut double) = (vec![0.0f32], vec![0.0f64]);
            append_f32(dtype, &bytes, &mut single).unwrap();
            append_f64(dtype, &bytes, &mut double).unwrap();
            assert_eq!((single, double), (vec![0.0, 1.5], vec![0.0, 1.5]));
        }
    }

    #[test]
    fn halves_agree_with_their_definition_for_all_patterns() {
        let all: Vec<u8> = (0..=u16::MAX)
            .filter(|b| half::f16::from_bits(*b).is_finite())
            .flat_map(u16::to_le_bytes)
            .collect();
        let mut values = Vec::new();
        append_f32(Dtype::F16, &all, &mut values).unwrap();
        for (bytes, value) in all.as_chunks().0.iter().zip(values) {
            assert_eq!(half::f16::from_le_bytes(*bytes).to_f32_const(), value);
        }
    }

    #[test]
    fn a_value_too_large_for_32_bits_is_named_as_the_file_has_it() {
        let bytes: Vec<u8> = [1.0, 1e300]
            .iter()
            .flat_map(|v: &f64| v.to_le_bytes())
            .collect();
        let wrong = append_f32(Dtype::F64, &bytes, &mut Vec::new()).unwrap_err();
        assert_eq!((wrong.at, wrong.value), (1, 1e300));
        append_f64(Dtype::F64, &bytes, &mut Vec::new()).unwrap();
    }
}

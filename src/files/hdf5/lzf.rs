//! LZF, the compression that h5py always has (filter 32000) and with which PDEBench's generators write.
//!
//! A stream is literals (a byte below 32, then that many and one more bytes) and copies of what came
//! before (three bits of length, thirteen of distance; a length of 7 goes on in the next byte). h5py
//! stores a chunk that does not shrink as it is and marks it in the chunk's filter mask, which the
//! reader of HDF5 heeds.
//!
//! Source: liblzf's `lzf_d.c` and h5py's `lzf_filter.c`.

use crate::files::{Fault, fault};

/// Inflates a stream to at most `most` bytes.
///
/// # Errors
/// A copy from before the beginning, a stream that ends within a word, more than `most` bytes.
pub(super) fn inflate(stream: &[u8], most: usize) -> Result<Vec<u8>, Fault> {
    let cut = || Fault::new("LZF stream", "a whole word", "the end of the stream");
    let mut out = Vec::with_capacity(stream.len().saturating_mul(2).min(most));
    let mut bytes = stream;
    while let Some((&control, rest)) = bytes.split_first() {
        let control = usize::from(control);
        if control < 32 {
            let (literals, rest) = rest.split_at_checked(control + 1).ok_or_else(cut)?;
            room(out.len(), literals.len(), most)?;
            out.extend_from_slice(literals);
            bytes = rest;
            continue;
        }
        let (more, rest) = match control >> 5 {
            7 => rest.split_first().ok_or_else(cut)?,
            _ => (&0, rest),
        };
        let (&low, rest) = rest.split_first().ok_or_else(cut)?;
        let length = (control >> 5) + usize::from(*more) + 2;
        let distance = (control & 31) * 256 + usize::from(low) + 1;
        let Some(start) = out.len().checked_sub(distance) else {
            let expected = format!("a copy of one of {} bytes", out.len());
            return fault("LZF stream", expected, format!("{distance} bytes back"));
        };
        room(out.len(), length, most)?;
        if distance >= length {
            out.extend_from_within(start..start + length);
        } else {
            // the copy overlaps itself: a pattern that repeats
            (0..length).for_each(|at| out.push(out[start + at]));
        }
        bytes = rest;
    }
    Ok(out)
}

fn room(length: usize, more: usize, most: usize) -> Result<(), Fault> {
    if length + more > most {
        return fault("LZF stream", format!("at most {most} bytes"), "more");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fuzz;

    #[test]
    fn literals_copies_and_patterns_are_inflated() {
        // "abc", 3 back for 3 bytes, 1 back for 2 + 7 + 20 bytes
        let stream = [2, b'a', b'b', b'c', 1 << 5, 2, 7 << 5, 20, 0];
        let expected = [b"abcabc".to_vec(), vec![b'c'; 29]].concat();
        assert_eq!(inflate(&stream, 35).unwrap(), expected);
        assert!(inflate(&stream, 34).is_err());
        assert!(inflate(&[], 0).unwrap().is_empty());
        // the longest distance
        let far = [
            [31].into_iter()
                .chain(0..32)
                .collect::<Vec<u8>>()
                .repeat(256),
            vec![1 << 5 | 31, 255],
        ];
        assert_eq!(inflate(&far.concat(), 1 << 20).unwrap()[8192..], [0, 1, 2]);
        for end in [1, 2, 3, 5, 7, 8] {
            assert!(inflate(&stream[..end], 35).is_err(), "{end} bytes");
        }
        assert!(
            inflate(&[0, 7, 1 << 5, 1], 100).is_err(),
            "before the beginning"
        );
    }

    #[test]
    fn no_flip_makes_lzf_panic() {
        let words = [7u8 << 5, 255, 0].repeat(20);
        let good = [vec![2, 1, 2, 3], words, vec![0, 9]].concat();
        fuzz::rounds(&good, 500, |bytes, _| inflate(bytes, 1 << 14));
    }
}

//! What HDF5's types, filters and faults are called: words for people in place of the names that the
//! reading crate has for them.

use hdf5_reader::error::Error;
use hdf5_reader::messages::datatype::{Datatype, VarLenKind};

use crate::files::Fault;

/// Filters that are read, by the numbers that the HDF Group registers: gzip, shuffle, Fletcher's
/// checksum, szip, n-bit, scale-offset, LZF.
const READ: [u16; 7] = [1, 2, 3, 4, 5, 6, super::LZF];
/// Those of them that compress.
const COMPRESSING: [u16; 3] = [1, 4, super::LZF];

/// Refuses filters that are not read, by name and with the way out.
///
/// # Errors
/// The first such filter; two compressions on top of each other, whose middle has no bound.
pub(super) fn check_filters(what: &str, filters: &[u16]) -> Result<(), Fault> {
    let expected = "gzip, LZF, szip or no compression";
    if let Some(&other) = filters.iter().find(|id| !READ.contains(id)) {
        let found = format!(
            "{}; `h5repack -f GZIP=4 IN.h5 OUT.h5` rewrites the file",
            filter(other)
        );
        return Err(Fault::new(what, expected, found));
    }
    let both: Vec<String> = filters
        .iter()
        .filter(|id| COMPRESSING.contains(id))
        .map(|&id| filter(id))
        .collect();
    if both.len() > 1 {
        return Err(Fault::new(what, "one compression", both.join(" and ")));
    }
    Ok(())
}

/// A filter's name and number.
fn filter(id: u16) -> String {
    let name = match id {
        1 => "gzip",
        4 => "szip",
        305 => "LZO",
        307 => "bzip2",
        32_000 => "LZF",
        32_001 => "Blosc",
        32_004 => "LZ4",
        32_005 => "APAX",
        32_008 => "Bitshuffle",
        32_010 => "FPZIP",
        32_013 => "ZFP",
        32_015 => "Zstandard",
        32_017 => "SZ",
        32_018 => "FCIDECOMP",
        32_019 => "JPEG",
        32_024 => "SZ3",
        32_026 => "Blosc2",
        32_027 => "FLAC",
        _ => "",
    };
    if name.is_empty() {
        return format!("filter {id}");
    }
    format!("{name} (filter {id})")
}

/// What the elements of a dataset are.
pub(super) fn kind(datatype: &Datatype) -> String {
    match datatype {
        Datatype::FixedPoint { size, signed, .. } => {
            let sign = if *signed { "" } else { "unsigned " };
            format!("{sign}integers of {} bits", 8 * u32::from(*size))
        }
        Datatype::FloatingPoint { size, .. } => format!("floats of {} bits", 8 * u32::from(*size)),
        Datatype::String { .. } => "texts".into(),
        Datatype::Compound { fields, .. } => {
            let names: Vec<&str> = fields.iter().take(6).map(|f| f.name.as_str()).collect();
            format!("records of {} fields ({})", fields.len(), names.join(", "))
        }
        Datatype::Array { base, dims } => {
            let dims: Vec<String> = dims.iter().map(u64::to_string).collect();
            format!("arrays of {} {}", dims.join("×"), kind(base))
        }
        Datatype::Enum { members, .. } => format!("an enumeration of {} names", members.len()),
        Datatype::VarLen {
            kind: VarLenKind::String,
            ..
        } => "texts of any length".into(),
        Datatype::VarLen { base, .. } => format!("lists of any length of {}", kind(base)),
        Datatype::Opaque { .. } => "bytes without a meaning".into(),
        Datatype::Reference { .. } => "references to other parts of the file".into(),
        Datatype::Bitfield { size, .. } => format!("bit fields of {} bits", 8 * u32::from(*size)),
    }
}

/// What a fault of the crate means: what was expected, and what was found.
pub(super) fn error(error: &Error) -> (String, String) {
    let intact = |found: String| ("intact HDF5".to_string(), found);
    match error {
        Error::Context { source, .. } => self::error(source),
        Error::Io(e) => ("a readable file".into(), crate::files::system(e)),
        Error::InvalidMagic => ("an HDF5 file".into(), "another beginning".into()),
        Error::DatasetNotFound(name) => ("a dataset of that name".into(), format!("no {name}")),
        Error::GroupNotFound(name) => ("a group of that name".into(), format!("no {name}")),
        Error::UnsupportedFilter(name) => {
            ("gzip, LZF, szip or no compression".into(), name.clone())
        }
        Error::ChecksumMismatch { .. } => intact("another checksum".into()),
        Error::UnexpectedEof {
            needed, available, ..
        } => intact(format!(
            "{available} of {needed} bytes before the end of the file"
        )),
        Error::OffsetOutOfBounds(_) => intact("a place beyond the end of the file".into()),
        Error::UndefinedAddress => intact("data that were never written".into()),
        Error::ResourceLimit(text) => ("sizes that fit into memory".into(), text.clone()),
        Error::DecompressionError(text)
        | Error::FilterError(text)
        | Error::InvalidData(text)
        | Error::Other(text) => intact(format!("damage ({text})")),
        Error::UnsupportedEncoding(text) => ("an encoding that is read here".into(), text.clone()),
        other => intact(format!("damage, or a form that is not read ({other})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_that_are_not_read_are_named_with_the_way_out() {
        let said = |ids: &[u16]| check_filters("x", ids).err().map(|e| e.to_string());
        for ids in [
            &[][..],
            &[1],
            &[2, 1, 3],
            &[2, super::super::LZF, 3],
            &[4],
            &[5],
            &[6, 1],
        ] {
            assert_eq!(said(ids), None);
        }
        for (id, name) in [
            (32_001, "Blosc (filter 32001)"),
            (32_004, "LZ4"),
            (32_008, "Bitshuffle"),
            (32_015, "Zstandard"),
            (307, "bzip2"),
            (40_000, "filter 40000"),
        ] {
            let said = said(&[2, id]).unwrap();
            assert!(
                said.contains(name) && said.contains("h5repack -f GZIP=4"),
                "{said}"
            );
        }
        assert!(
            said(&[super::super::LZF, 1])
                .unwrap()
                .contains("one compression")
        );
    }
}

//! MAT-files of version 4, as WFDB writes PhysioNet's records: a header of five words, the name, the
//! numbers, one variable after the other.
//!
//! Source: MathWorks, *MAT-File Format*, chapter 1 (Level 4 MAT-files).

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::Variable;
use crate::files::element::{Element, Kind};
use crate::files::{Fault, fault};

/// Variables that are looked at; more are no data file.
const MOST_VARIABLES: usize = 4096;

/// Opens the variable `name`.
pub(super) fn open(path: &Path, name: &str) -> Result<Variable, Fault> {
    let wrong = |e| {
        Fault::new(
            "MAT-file of version 4",
            "a whole header",
            crate::files::system(&e),
        )
    };
    let mut file = BufReader::new(File::open(path).map_err(wrong)?);
    let length = file.get_ref().metadata().map_err(wrong)?.len();
    let mut at = 0u64;
    let mut seen: Vec<String> = Vec::new();
    while at < length && seen.len() < MOST_VARIABLES {
        file.seek(SeekFrom::Start(at)).map_err(wrong)?;
        let mut header = [0; 20];
        file.read_exact(&mut header).map_err(wrong)?;
        let little = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let big_endian = little > 9999;
        let word = |place: usize| {
            let bytes = [0, 1, 2, 3].map(|i| header[4 * place + i]);
            match big_endian {
                true => u32::from_be_bytes(bytes),
                false => u32::from_le_bytes(bytes),
            }
        };
        // thousands: machine, tens: number format, ones: 0 for numbers
        let [kind, rows, columns, complex, letters] = [0, 1, 2, 3, 4].map(word);
        let (number, width) = match kind / 10 % 10 {
            0 => (Kind::Float, 8),
            1 => (Kind::Float, 4),
            2 => (Kind::Signed, 4),
            3 => (Kind::Signed, 2),
            4 => (Kind::Unsigned, 2),
            5 => (Kind::Unsigned, 1),
            _ => return fault("MAT-file of version 4", "a number format", kind),
        };
        let known = matches!((kind / 1000, big_endian), (0, false) | (1, true));
        if !known || letters == 0 || letters > 256 || complex > 1 {
            let found = format!("type {kind}, name of {letters}");
            return fault("MAT-file of version 4", "a variable's header", found);
        }
        let mut own = vec![0; letters as usize];
        file.read_exact(&mut own).map_err(wrong)?;
        let own = String::from_utf8_lossy(&own)
            .trim_end_matches('\0')
            .to_owned();
        let start = at + 20 + u64::from(letters);
        let size = u64::from(rows)
            .checked_mul(columns.into())
            .and_then(|n| n.checked_mul(width * u64::from(complex + 1)));
        let end = size.and_then(|size| start.checked_add(size));
        let Some(end) = end.filter(|&end| end <= length) else {
            let what = format!("MAT-file variable {own}");
            let found = format!("{} bytes", length.saturating_sub(start));
            return fault(what, format!("{rows} × {columns} × {width} bytes"), found);
        };
        if own == name {
            if complex != 0 || kind % 10 != 0 {
                let what = format!("MAT-file variable {name}");
                return fault(what, "a matrix of real numbers", format!("type {kind}"));
            }
            return Ok(Variable {
                shape: vec![rows as usize, columns as usize],
                element: Element {
                    kind: number,
                    width: width as usize,
                    big_endian,
                },
                remaining: rows as usize * columns as usize,
                stream: Box::new(file),
            });
        }
        seen.push(own);
        at = end;
    }
    seen.truncate(12);
    fault("MAT-file", format!("a variable {name}"), seen.join(", "))
}

//! Feature sets as `.npz`: a zip archive of one `.npy` per array, stored or deflated.

use std::borrow::Cow;
use std::io::{BufWriter, Cursor, Read, Write};
use std::path::Path;

use zip::{
    CompressionMethod, DateTime, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions,
};

use super::mapped::Mapped;
use super::{Contents, MAX_MEMBER, array, write_features};
use crate::container::npy;
use crate::feature::{FeatureError, FeatureSet};

pub(super) fn read(path: &Path) -> Result<Contents, FeatureError> {
    let map = Mapped::open(path)?;
    let whole = map.bytes();
    let mut archive = ZipArchive::new(Cursor::new(whole))
        .map_err(|e| FeatureError::malformed(path, "npz", "a zip archive", e))?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let mut member = |name: &str| -> Result<Option<Cow<'_, [u8]>>, FeatureError> {
        let mut entry = match archive.by_name(&format!("{name}.npy")) {
            Ok(entry) => entry,
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(e) => {
                return Err(FeatureError::malformed(
                    path,
                    format!("npz member {name}"),
                    "readable",
                    e,
                ));
            }
        };
        let torn =
            |e| FeatureError::malformed(path, format!("npz member {name}"), "intact data", e);
        // What is stored lies in the file as it is: its checksum is compared, and no copy kept.
        if entry.compression() == CompressionMethod::Stored && !entry.encrypted() {
            let (start, size) = (entry.data_start() as usize, entry.size() as usize);
            if let Some(stored) = whole.get(start..start.saturating_add(size)) {
                std::io::copy(&mut entry, &mut std::io::sink()).map_err(torn)?;
                return Ok(Some(Cow::Borrowed(stored)));
            }
        }
        // The stated size is not believed: bytes are kept as they come, up to the cap.
        let mut bytes = Vec::new();
        let mut bounded = entry.take(MAX_MEMBER + 1);
        bounded.read_to_end(&mut bytes).map_err(torn)?;
        if bytes.len() as u64 > MAX_MEMBER {
            return Err(FeatureError::malformed(
                path,
                format!("npz member {name}"),
                format!("≤ {MAX_MEMBER} bytes"),
                "more",
            ));
        }
        Ok(Some(Cow::Owned(bytes)))
    };
    let Some(features) = member("features")? else {
        return Err(FeatureError::malformed(
            path,
            "npz members",
            "features.npy",
            super::few(&names),
        ));
    };
    let values = array::features_in(path, &features, &|part| map.release(part))?;
    drop(features);
    let labels = member("labels")?
        .map(|bytes| array::labels_in(path, &bytes))
        .transpose()?;
    let mut list = |name: &str| {
        member(name)?
            .map(|bytes| array::parse(path, name, &bytes, |a| a.to_strings()))
            .transpose()
    };
    let (class_names, ids) = (list("class_names")?, list("ids")?);
    Contents::new(path, values, labels, class_names, ids)
}

pub(super) fn write(out: impl Write + std::io::Seek, set: &FeatureSet) -> Result<(), ZipError> {
    let large = set.len().saturating_mul(set.dim()) > 1 << 29;
    let (mut zip, options) = archive(BufWriter::new(out), large);
    zip.start_file("features.npy", options)?;
    zip.write_all(&npy::header("<f4", &[set.len(), set.dim()]))?;
    write_features(&mut zip, set)?;
    zip.start_file("labels.npy", options)?;
    zip.write_all(&npy::header("<i8", &[set.len()]))?;
    set.labels()
        .iter()
        .try_for_each(|&l| zip.write_all(&(l as i64).to_le_bytes()))?;
    zip.start_file("class_names.npy", options)?;
    zip.write_all(&npy::strings(set.class_names()))?;
    if let Some(ids) = set.ids() {
        zip.start_file("ids.npy", options)?;
        zip.write_all(&npy::strings(ids))?;
    }
    zip.finish()?.flush()?;
    Ok(())
}

/// An archive whose members are stored and dated as the epoch of zip: the same contents are the
/// same file.
fn archive<W: Write + std::io::Seek>(out: W, large: bool) -> (ZipWriter<W>, SimpleFileOptions) {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .large_file(large);
    (ZipWriter::new(out), options)
}

/// Writes arrays given as name, NumPy type, shape and bytes, and lists of texts.
pub(super) fn write_members(
    out: impl Write + std::io::Seek,
    members: &[(String, &str, Vec<usize>, Vec<u8>)],
    texts: &[(&str, &[String])],
) -> Result<(), ZipError> {
    let (mut zip, options) = archive(out, members.iter().any(|m| m.3.len() > 1 << 31));
    for (name, kind, shape, bytes) in members {
        zip.start_file(format!("{name}.npy"), options)?;
        zip.write_all(&npy::header(kind, shape))?;
        zip.write_all(bytes)?;
    }
    for (name, list) in texts {
        zip.start_file(format!("{name}.npy"), options)?;
        zip.write_all(&npy::strings(list))?;
    }
    zip.finish()?;
    Ok(())
}

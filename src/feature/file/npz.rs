//! Feature sets as `.npz`: a zip archive of one `.npy` per array, stored or deflated.

use std::borrow::Cow;
use std::io::{BufWriter, Cursor, Read, Write};
use std::path::Path;

use zip::{
    CompressionMethod, DateTime, ZipArchive, ZipWriter, result::ZipError, write::SimpleFileOptions,
};

use super::both::Named;
use super::choice::{Choice, GROUPS, IDS};
use super::mapped::Mapped;
use super::parts::{Keep, Matrix, Parts};
use super::{MAX_MEMBER, array, both, fault_in, fault_of, write_features, write_texts};
use crate::feature::{FeatureError, FeatureSet};
use crate::files::column::Column;
use crate::files::npy;

pub(super) fn read(
    path: &Path,
    choice: &Choice,
    keep: Keep,
) -> Result<(Matrix, Parts), FeatureError> {
    let map = Mapped::open(path)?;
    let whole = map.bytes();
    let mut archive = unpacked(path, whole)?;
    let names = sorted(&archive);
    let mut member = |name: &str| member(path, &mut archive, whole, name);

    let listed = names
        .iter()
        .any(|name| choice.known.contains(&name.as_str()));
    let mut matrices = Vec::new();
    // Only where nothing has the documented name are headers looked at.
    if choice.features.is_none() && !listed {
        for name in &names {
            let bytes = member(name)?.unwrap_or_default();
            let matrix = npy::parse(&bytes)
                .is_ok_and(|a| a.shape().len() == 2 && a.layout().element.is_float());
            matrices.extend(matrix.then(|| name.clone()));
        }
    }
    let (name, told) = choice.matrix(path, &names, |name| matrices.iter().any(|m| m == name))?;
    let features = member(&name)?.unwrap_or_default();
    let values = array::features_in(path, &name, &features, keep, &|part| map.release(part))?;
    drop(features);

    let rest: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|n| *n != name)
        .collect();
    let found = choice.labels(path, &rest)?;
    let mut column = |name: Option<&str>| -> Result<Option<Column>, FeatureError> {
        let Some(name) = name else { return Ok(None) };
        let bytes = member(name)?;
        let column = bytes.map(|bytes| Column::of_npy(&bytes)).transpose();
        column.map_err(|e| fault_in(path, name, e))
    };
    let one = |of: &[&'static str]| of.iter().copied().find(|name| rest.contains(name));
    let class_names = column(one(&["class_names"]))?;
    Ok((
        values,
        Parts {
            labels: column(found.name.as_deref())?,
            class_names: class_names
                .map(|names| names.texts("class_names"))
                .transpose()
                .map_err(|e| fault_of(path, e))?,
            ids: column(one(&IDS))?,
            groups: column(one(&GROUPS))?,
            found,
            told: told.into_iter().collect(),
        },
    ))
}

fn unpacked<'b>(
    path: &Path,
    whole: &'b [u8],
) -> Result<ZipArchive<Cursor<&'b [u8]>>, FeatureError> {
    ZipArchive::new(Cursor::new(whole)).map_err(|_| {
        let found = if whole.is_empty() {
            "an empty file"
        } else {
            "other bytes, or a part of one"
        };
        FeatureError::malformed(
            path,
            "npz",
            "a zip archive, as numpy.savez writes it",
            found,
        )
    })
}

/// Names of the arrays.
pub(super) fn names(path: &Path) -> Result<Vec<String>, FeatureError> {
    let map = Mapped::open(path)?;
    Ok(sorted(&unpacked(path, map.bytes())?))
}

fn sorted(archive: &ZipArchive<Cursor<&[u8]>>) -> Vec<String> {
    let all = archive
        .file_names()
        .filter_map(|name| name.strip_suffix(".npy"));
    let mut names: Vec<String> = all.map(str::to_owned).collect();
    names.sort_unstable();
    names
}

/// A matrix and a list of texts by their names; `None` without the matrix.
pub(super) fn named(path: &Path, matrix: &str, list: &str) -> Result<Option<Named>, FeatureError> {
    let map = Mapped::open(path)?;
    let whole = map.bytes();
    let mut archive = unpacked(path, whole)?;
    let Some(values) = member(path, &mut archive, whole, matrix)? else {
        return Ok(None);
    };
    let values = array::features_in(path, matrix, &values, Keep::Single, &|_| ())?;
    let texts = member(path, &mut archive, whole, list)?;
    let texts = texts.map(|bytes| Column::of_npy(&bytes).and_then(|column| column.texts(list)));
    let texts = texts.transpose().map_err(|e| fault_in(path, list, e))?;
    Ok(Some((values, texts)))
}

/// The bytes of a member, if there is one of that name.
fn member<'b>(
    path: &Path,
    archive: &mut ZipArchive<Cursor<&'b [u8]>>,
    whole: &'b [u8],
    name: &str,
) -> Result<Option<Cow<'b, [u8]>>, FeatureError> {
    let what = || format!("npz member {name}");
    let mut entry = match archive.by_name(&format!("{name}.npy")) {
        Ok(entry) => entry,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(ZipError::UnsupportedArchive(_)) => {
            let found = "another compression, or a password";
            return Err(FeatureError::malformed(
                path,
                what(),
                "stored or deflated",
                found,
            ));
        }
        Err(_) => return Err(FeatureError::malformed(path, what(), "readable", "damage")),
    };
    let torn = |_| {
        FeatureError::malformed(
            path,
            what(),
            "intact data",
            "a wrong checksum or an early end",
        )
    };
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
        let expected = format!("≤ {MAX_MEMBER} bytes");
        return Err(FeatureError::malformed(path, what(), expected, "more"));
    }
    Ok(Some(Cow::Owned(bytes)))
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
    if let Some(groups) = set.groups() {
        zip.start_file("groups.npy", options)?;
        zip.write_all(&npy::header("<i8", &[groups.len()]))?;
        let mut each = groups.iter();
        each.try_for_each(|&group| zip.write_all(&(group as i64).to_le_bytes()))?;
    }
    if let Some(texts) = set.texts() {
        let (rows, width) = texts.values().dim();
        zip.start_file(format!("{}.npy", both::VALUES), options)?;
        zip.write_all(&npy::header("<f4", &[rows, width]))?;
        write_texts(&mut zip, texts)?;
        zip.start_file(format!("{}.npy", both::OF), options)?;
        zip.write_all(&npy::strings(&[texts.of().name().to_owned()]))?;
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
    texts: &[(&str, Vec<String>)],
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

//! Feature sets as `.safetensors`: tensors `features` and `labels`, lists of strings as JSON in
//! the header's metadata.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::Path;

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::both::Named;
use super::choice::{Choice, GROUPS, IDS};
use super::fault_in;
use super::mapped::Mapped;
use super::parts::{Keep, Matrix, Parts};
use super::{array, both, write_features, write_texts};
use crate::feature::{FeatureError, FeatureSet};
use crate::files::column::Column;
use crate::files::element::{Element, Kind};
use crate::files::{Array, Layout};

pub(super) fn read(
    path: &Path,
    choice: &Choice,
    keep: Keep,
) -> Result<(Matrix, Parts), FeatureError> {
    let map = Mapped::open(path)?;
    let bytes = map.bytes();
    let wrong = |e: safetensors::SafeTensorError| {
        FeatureError::malformed(path, "safetensors", "a valid file", words(&e))
    };
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    let names = sorted(&file);
    let is_matrix = |name: &str| {
        let float = |dtype| matches!(dtype, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64);
        let tensor = file.tensor(name);
        tensor.is_ok_and(|t| t.shape().len() == 2 && float(t.dtype()))
    };
    let (name, told) = choice.matrix(path, &names, is_matrix)?;
    let tensor = |name: &str| -> Result<Array<'_>, FeatureError> {
        array_of(path, name, &file.tensor(name).map_err(wrong)?)
    };
    let release = |part: &[u8]| map.release(part);
    let values = tensor(&name)?.releasing(&release);
    let values = array::features_of(path, &name, &values, keep)?;

    let rest: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|n| *n != name)
        .collect();
    let found = choice.labels(path, &rest)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let list = |key: &str| -> Result<Option<Vec<String>>, FeatureError> {
        let Some(text) = header.metadata().as_ref().and_then(|m| m.get(key)) else {
            return Ok(None);
        };
        super::list(path, key, text).map(Some)
    };
    let column = |name: Option<&str>| -> Result<Option<Column>, FeatureError> {
        let Some(name) = name else { return Ok(None) };
        let column = Column::of_array(&tensor(name)?);
        column.map(Some).map_err(|e| fault_in(path, name, e))
    };
    // Text stands in the metadata: ids, and labels and groups by name.
    let column_or_list = |of: &[&'static str]| -> Result<Option<Column>, FeatureError> {
        if let Some(found) = of.iter().copied().find(|name| rest.contains(name)) {
            return column(Some(found));
        }
        for key in of {
            if let Some(texts) = list(key)? {
                return Ok(Some(Column::Text(texts)));
            }
        }
        Ok(None)
    };
    let labels = match &found.name {
        Some(name) => column(Some(name))?,
        None => column_or_list(&["labels", "label"])?,
    };
    Ok((
        values,
        Parts {
            labels,
            class_names: list("class_names")?,
            ids: column_or_list(&IDS)?,
            groups: column_or_list(&GROUPS)?,
            found,
            told: told.into_iter().collect(),
        },
    ))
}

/// Names of the tensors.
pub(super) fn names(path: &Path) -> Result<Vec<String>, FeatureError> {
    let map = Mapped::open(path)?;
    let file = SafeTensors::deserialize(map.bytes());
    let file =
        file.map_err(|e| FeatureError::malformed(path, "safetensors", "a valid file", words(&e)))?;
    Ok(sorted(&file))
}

fn sorted(file: &SafeTensors) -> Vec<String> {
    let mut names: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
    names.sort_unstable();
    names
}

/// A matrix and a list of texts by their names; `None` without the matrix.
pub(super) fn named(path: &Path, matrix: &str, list: &str) -> Result<Option<Named>, FeatureError> {
    let map = Mapped::open(path)?;
    let bytes = map.bytes();
    let wrong = |e: safetensors::SafeTensorError| {
        FeatureError::malformed(path, "safetensors", "a valid file", words(&e))
    };
    let file = SafeTensors::deserialize(bytes).map_err(wrong)?;
    if !file.names().contains(&matrix) {
        return Ok(None);
    }
    let values = array_of(path, matrix, &file.tensor(matrix).map_err(wrong)?)?;
    let values = array::features_of(path, matrix, &values, Keep::Single)?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(wrong)?;
    let text = header.metadata().as_ref().and_then(|all| all.get(list));
    let texts = text.map(|text| super::list(path, list, text)).transpose()?;
    Ok(Some((values, texts)))
}

/// A tensor as an array over its bytes.
fn array_of<'b>(
    path: &Path,
    name: &str,
    tensor: &TensorView<'b>,
) -> Result<Array<'b>, FeatureError> {
    let (kind, width) = match tensor.dtype() {
        Dtype::F64 => (Kind::Float, 8),
        Dtype::F32 => (Kind::Float, 4),
        Dtype::F16 => (Kind::Float, 2),
        Dtype::BF16 => (Kind::BFloat, 2),
        Dtype::I64 => (Kind::Signed, 8),
        Dtype::I32 => (Kind::Signed, 4),
        Dtype::I16 => (Kind::Signed, 2),
        Dtype::I8 => (Kind::Signed, 1),
        Dtype::U64 => (Kind::Unsigned, 8),
        Dtype::U32 => (Kind::Unsigned, 4),
        Dtype::U16 => (Kind::Unsigned, 2),
        Dtype::U8 => (Kind::Unsigned, 1),
        Dtype::BOOL => (Kind::Bool, 1),
        other => {
            let expected = "F16, BF16, F32, F64, an integer type or BOOL";
            return Err(FeatureError::malformed(
                path,
                name,
                expected,
                format!("{other:?}"),
            ));
        }
    };
    let element = Element {
        kind,
        width,
        big_endian: false,
    };
    let layout = Layout {
        element,
        fortran: false,
        shape: tensor.shape().to_vec(),
    };
    Array::new(layout, tensor.data()).map_err(|e| fault_in(path, name, e))
}

/// What the crate found, in words.
fn words(error: &safetensors::SafeTensorError) -> &'static str {
    use safetensors::SafeTensorError as E;
    match error {
        E::HeaderTooSmall | E::InvalidHeaderLength => "a file that ends within its header",
        E::HeaderTooLarge => "a header longer than the format allows, as other files begin",
        E::InvalidHeader(_) | E::InvalidHeaderDeserialization(_) | E::JsonError(_) => {
            "a header that is no list of tensors"
        }
        E::MetadataIncompleteBuffer => "tensors that end before or after the file",
        E::InvalidOffset(_) | E::TensorInvalidInfo | E::ValidationOverflow => {
            "tensors that overlap or do not fit their shapes"
        }
        _ => "damage",
    }
}

/// Written by hand because the crate keeps metadata in a hash map, whose order changes by run.
pub(super) fn write(out: impl Write, set: &FeatureSet) -> std::io::Result<()> {
    let (n, d) = (set.len(), set.dim());
    let text = |list: &[String]| serde_json::to_string(list).map_err(std::io::Error::other);
    let mut metadata = BTreeMap::from([("class_names", text(set.class_names())?)]);
    if let Some(ids) = set.ids() {
        metadata.insert("ids", text(ids)?);
    }
    if let Some(groups) = set.groups() {
        let groups: Vec<String> = groups.iter().map(usize::to_string).collect();
        metadata.insert("groups", text(&groups)?);
    }
    let end = 8 * n + 4 * n * d;
    if let Some(texts) = set.texts() {
        metadata.insert(both::OF, text(&[texts.of().name().to_owned()])?);
    }
    // 8-byte elements first, so that all tensors are aligned.
    let mut header = serde_json::json!({
        "__metadata__": metadata,
        "labels": { "dtype": "I64", "shape": [n], "data_offsets": [0, 8 * n] },
        "features": { "dtype": "F32", "shape": [n, d], "data_offsets": [8 * n, end] },
    });
    if let Some(texts) = set.texts() {
        let (rows, width) = texts.values().dim();
        header[both::VALUES] = serde_json::json!({
            "dtype": "F32", "shape": [rows, width], "data_offsets": [end, end + 4 * rows * width],
        });
    }
    let mut header = header.to_string();
    header.extend(std::iter::repeat_n(
        ' ',
        header.len().next_multiple_of(8) - header.len(),
    ));
    let mut out = BufWriter::new(out);
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    write_body(&mut out, set)?;
    out.flush()
}

fn write_body(out: &mut impl Write, set: &FeatureSet) -> std::io::Result<()> {
    for &label in set.labels() {
        out.write_all(&(label as i64).to_le_bytes())?;
    }
    write_features(out, set)?;
    set.texts().map_or(Ok(()), |texts| write_texts(out, texts))
}

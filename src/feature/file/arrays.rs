//! Named arrays that are no feature set: what `modalign extract` writes. Same formats, same
//! atomic writing.

use super::{FeatureError, Format, both, format_of, npz, save};
use crate::feature::TextsOf;
use ::safetensors::tensor::{Dtype, TensorView};
use std::collections::{BTreeMap, HashMap};
use std::io::{BufWriter, Write};
use std::path::Path;
use zip::result::ZipError;

/// Float arrays by name, with labels if the samples have any.
#[derive(Debug, Clone, Default)]
pub struct Arrays {
    /// Shape and row-major values.
    floats: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
    /// One class a sample.
    pub labels: Option<Vec<usize>>,
    /// Names of the classes.
    pub class_names: Vec<String>,
    /// Which samples belong together: a number for each, if they are windows of something.
    pub groups: Option<Vec<usize>>,
    /// What the samples are called, if they have names.
    pub ids: Vec<String>,
    /// The image of every text, where texts are captions.
    pub text_owner: Option<Vec<usize>>,
    /// What each row of the array `text_features` stands for, if there is one.
    pub text_of: Option<TextsOf>,
}

impl Arrays {
    /// Appends rows to the array `name`; all but the first axis stay the same.
    pub fn append(&mut self, name: &str, shape: &[usize], values: Vec<f32>) {
        match self.floats.get_mut(name) {
            Some((old, all)) => {
                old[0] += shape[0];
                all.extend(values);
            }
            None => {
                self.floats.insert(name.into(), (shape.to_vec(), values));
            }
        }
    }

    /// Gives an array a second name: pooled outputs with labels are a feature set.
    pub fn alias(&mut self, name: &str, also: &str) {
        if let Some(array) = self.floats.get(name).cloned() {
            self.floats.insert(also.into(), array);
        }
    }

    /// The lists of texts that there are, by name.
    fn texts(&self) -> Vec<(&'static str, Vec<String>)> {
        let of = self.text_of.map(|of| of.name().to_owned());
        let mut all = vec![
            ("class_names", self.class_names.clone()),
            ("ids", self.ids.clone()),
            (both::OF, of.into_iter().collect()),
        ];
        all.retain(|(_, texts)| !texts.is_empty());
        all
    }

    /// Little-endian bytes of everything: name, NumPy type, shape, bytes.
    fn members(&self) -> Vec<(String, &'static str, Vec<usize>, Vec<u8>)> {
        let mut all = Vec::new();
        for (name, (shape, values)) in &self.floats {
            let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            all.push((name.clone(), "<f4", shape.clone(), bytes));
        }
        for (name, numbers) in [
            ("labels", &self.labels),
            ("groups", &self.groups),
            ("text_owner", &self.text_owner),
        ] {
            let Some(numbers) = numbers else { continue };
            let bytes = numbers
                .iter()
                .flat_map(|&n| (n as i64).to_le_bytes())
                .collect();
            all.push((name.into(), "<i8", vec![numbers.len()], bytes));
        }
        all
    }
}

/// Writes arrays as `.safetensors` or `.npz`, atomically.
///
/// # Errors
/// [`FeatureError`] with the path. An existing file is left as it was.
pub fn write_arrays(path: &Path, arrays: &Arrays) -> Result<(), FeatureError> {
    let zip = match format_of(path)? {
        Format::Npz => true,
        Format::Safetensors => false,
        Format::Parquet => {
            let expected = "one that ends in .safetensors or .npz, for arrays of any rank";
            return Err(FeatureError::malformed(
                path,
                "file name",
                expected,
                ".parquet",
            ));
        }
    };
    let members = arrays.members();
    save(path, |file| {
        let mut out = BufWriter::new(file);
        match zip {
            true => npz::write_members(&mut out, &members, &arrays.texts())?,
            false => out.write_all(&safetensors(&members, &arrays.texts())?)?,
        }
        Ok(out.flush()?)
    })
}

fn safetensors(
    members: &[(String, &str, Vec<usize>, Vec<u8>)],
    texts: &[(&str, Vec<String>)],
) -> Result<Vec<u8>, ZipError> {
    let wrong = |e| ZipError::Io(std::io::Error::other(e));
    let mut views = Vec::with_capacity(members.len());
    for (name, kind, shape, bytes) in members {
        let dtype = if *kind == "<f4" {
            Dtype::F32
        } else {
            Dtype::I64
        };
        views.push((
            name,
            TensorView::new(dtype, shape.clone(), bytes).map_err(wrong)?,
        ));
    }
    let text = |list: &[String]| serde_json::json!(list).to_string();
    let lists = texts
        .iter()
        .map(|(name, list)| (name.to_string(), text(list)));
    let metadata = (!texts.is_empty()).then(|| lists.collect::<HashMap<_, _>>());
    ::safetensors::serialize(views, metadata).map_err(wrong)
}

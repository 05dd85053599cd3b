//! A tensor that an argument names, `FILE:NAME`: of a safetensors or PyTorch file, an array of
//! NumPy's archive (`FILE.npz:NAME`), or a whole `FILE.npy`.

use super::error::CliError;
use crate::feature::FeatureError;
use crate::files::array::{Array, Owner};
use crate::files::npy;
use crate::files::zip::Zip;
use crate::model::weights::{Dtype, Weights};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest array of an archive that is inflated.
const LARGEST: u64 = 64 << 30;

/// Where the tensor is.
enum Place {
    Weights(Box<Weights>),
    /// An array with its header, within an owner's bytes.
    Array(Owner, Range<usize>),
}

/// A tensor of a file; its shape has no empty axes.
pub struct TensorFile {
    place: Place,
    path: PathBuf,
    /// Its name.
    pub name: String,
    /// Lengths of its axes.
    pub shape: Vec<usize>,
}

fn usage(what: &str, expected: String, found: String) -> CliError {
    CliError::Usage {
        what: what.into(),
        expected,
        found,
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

impl TensorFile {
    /// Opens what `flag` names. Colons may be in both parts: the file is the longest that there is.
    pub fn open(flag: &str, text: &str) -> Result<Self, CliError> {
        let whole = Path::new(text);
        let file = if has_extension(whole, "npy") && whole.is_file() {
            Self::npy(whole, "array")?
        } else {
            let cuts = || text.rmatch_indices(':').map(|(at, _)| at);
            let cut = cuts()
                .find(|at| Path::new(&text[..*at]).is_file())
                .or_else(|| cuts().next());
            let Some(cut) = cut else {
                let expected = "FILE:NAME, a tensor of a safetensors, PyTorch or .npz file, or \
                                FILE.npy";
                return Err(usage(flag, expected.into(), format!("{text:?}")));
            };
            let (path, name) = (Path::new(&text[..cut]), &text[cut + 1..]);
            if has_extension(path, "npz") {
                Self::npz(flag, path, name)?
            } else if has_extension(path, "npy") {
                Self::npy(path, name)?
            } else {
                Self::weights(flag, path, name)?
            }
        };
        if file.shape.contains(&0) {
            let expected = "a tensor without empty axes".into();
            return Err(usage(flag, expected, file.described()));
        }
        Ok(file)
    }

    fn weights(flag: &str, path: &Path, name: &str) -> Result<Self, CliError> {
        let file = Weights::open(path)?;
        let Some(shape) = file.shape(name).map(<[usize]>::to_vec) else {
            let known = file.names().collect::<Vec<_>>().join(", ");
            let expected = format!("one of the tensors of {}: {known}", path.display());
            return Err(usage(flag, expected, format!("{name:?}")));
        };
        Ok(Self {
            place: Place::Weights(Box::new(file)),
            path: path.into(),
            name: name.into(),
            shape,
        })
    }

    fn npz(flag: &str, path: &Path, name: &str) -> Result<Self, CliError> {
        let fault = |e: crate::files::Fault| {
            CliError::from(FeatureError::malformed(path, &e.what, e.expected, e.found))
        };
        let zip = Zip::open(path).map_err(fault)?;
        let member = format!("{name}.npy");
        if !zip.names().any(|known| known == member) {
            let names = zip.names().filter_map(|n| n.strip_suffix(".npy"));
            let mut known: Vec<&str> = names.collect();
            known.sort_unstable();
            let expected = format!(
                "one of the arrays of {}: {}",
                path.display(),
                known.join(", ")
            );
            return Err(usage(flag, expected, format!("{name:?}")));
        }
        let (owner, range) = zip.region(&member, LARGEST).map_err(fault)?;
        let file = Self::array(path, name, owner, range)?;
        eprintln!(
            "note: {} is read from NumPy's archive {}",
            file.described(),
            path.display()
        );
        Ok(file)
    }

    fn npy(path: &Path, name: &str) -> Result<Self, CliError> {
        let bytes = std::fs::read(path).map_err(|source| CliError::Io {
            path: path.into(),
            source,
        })?;
        let range = 0..bytes.len();
        Self::array(path, name, Arc::new(bytes), range)
    }

    fn array(path: &Path, name: &str, owner: Owner, range: Range<usize>) -> Result<Self, CliError> {
        let mut file = Self {
            place: Place::Array(owner, range),
            path: path.into(),
            name: name.into(),
            shape: Vec::new(),
        };
        file.shape = file.parsed()?.0.shape().to_vec();
        Ok(file)
    }

    /// The array of NumPy, and whether its elements are whole numbers or truth values.
    fn parsed(&self) -> Result<(Array<'_>, bool), CliError> {
        let Place::Array(owner, range) = &self.place else {
            return Err(usage(&self.name, "an array".into(), "a tensor".into()));
        };
        let bytes = (**owner).as_ref().get(range.clone()).unwrap_or_default();
        let array = npy::parse(bytes)
            .map_err(|e| FeatureError::malformed(&self.path, &e.what, e.expected, e.found))?;
        let whole = array.layout().element.is_integer();
        Ok((array, whole))
    }

    /// Its name and shape, for messages.
    pub fn described(&self) -> String {
        format!("{} {:?}", self.name, self.shape)
    }

    /// Whether its elements are whole numbers or truth values.
    pub fn is_whole(&self) -> bool {
        match &self.place {
            Place::Weights(weights) => matches!(
                weights.dtype(&self.name),
                Some(Dtype::I64 | Dtype::I32 | Dtype::U8 | Dtype::BOOL)
            ),
            Place::Array(..) => self.parsed().is_ok_and(|(_, whole)| whole),
        }
    }

    /// Whether its elements are truth values.
    pub fn is_truth(&self) -> bool {
        match &self.place {
            Place::Weights(weights) => weights.dtype(&self.name) == Some(Dtype::BOOL),
            Place::Array(..) => self.parsed().is_ok_and(|(array, _)| {
                array.layout().element.kind == crate::files::element::Kind::Bool
            }),
        }
    }

    /// Its values, row-major; all finite.
    pub fn floats(&self) -> Result<Vec<f32>, CliError> {
        if let Place::Weights(weights) = &self.place {
            return Ok(weights.read(&self.name)?.values);
        }
        let (array, whole) = self.parsed()?;
        let wrong = |expected: &str, found: String| {
            let what = format!("array {}", self.name);
            FeatureError::malformed(&self.path, &what, expected, found)
        };
        if whole {
            let found = "whole numbers or truth values".into();
            return Err(wrong("floating point numbers", found).into());
        }
        let values = array
            .to_f64()
            .map_err(|e| wrong(&e.expected, e.found.clone()))?;
        let mut out = Vec::with_capacity(values.len());
        for (at, value) in values.iter().enumerate() {
            let single = *value as f32;
            if !single.is_finite() {
                let expected = match value.is_finite() {
                    true => "values that fit 32-bit floats",
                    false => "finite values",
                };
                return Err(wrong(expected, format!("{value} at element {at}")).into());
            }
            out.push(single);
        }
        Ok(out)
    }

    /// Its whole numbers, false as 0 and true as 1.
    pub fn ints(&self) -> Result<Vec<i64>, CliError> {
        if let Place::Weights(weights) = &self.place {
            return Ok(weights.read_ints(&self.name)?);
        }
        let (array, whole) = self.parsed()?;
        let what = format!("array {}", self.name);
        if !whole {
            let found = "floating point numbers or text";
            return Err(FeatureError::malformed(&self.path, &what, "whole numbers", found).into());
        }
        let values = array
            .to_i64()
            .map_err(|e| FeatureError::malformed(&self.path, &what, e.expected, e.found))?;
        Ok(values.iter().copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fuzz;
    use std::io::Write;

    fn npy() -> Vec<u8> {
        let mut bytes = npy::header("<f4", &[2, 3]);
        bytes.extend((1..7).flat_map(|v| (v as f32).to_le_bytes()));
        bytes
    }

    #[test]
    fn arrays_of_numpys_files_are_tensors() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x.npy");
        std::fs::write(&path, npy()).unwrap();
        let file = TensorFile::open("--tensor", path.to_str().unwrap()).unwrap();
        assert_eq!(file.shape, [2, 3]);
        assert_eq!(file.floats().unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert!(!file.is_whole() && file.ints().is_err());
        for (descr, bytes, truth) in [
            ("<i8", [1, 0, 0, 0, 0, 0, 0, 0].to_vec(), false),
            ("|b1", vec![1], true),
        ] {
            let whole = [npy::header(descr, &[1]), bytes].concat();
            std::fs::write(&path, whole).unwrap();
            let file = TensorFile::open("--tensor", path.to_str().unwrap()).unwrap();
            assert_eq!((file.is_whole(), file.is_truth()), (true, truth));
            assert_eq!(file.ints().unwrap(), [1]);
            let said = file.floats().unwrap_err().to_string();
            assert!(said.contains("floating point"), "{said}");
        }
        for value in [f64::NAN, 1e300] {
            let mut whole = npy::header("<f8", &[1]);
            whole.extend(value.to_le_bytes());
            std::fs::write(&path, whole).unwrap();
            let file = TensorFile::open("--tensor", path.to_str().unwrap()).unwrap();
            assert!(file.floats().unwrap_err().to_string().contains("element 0"));
        }
    }

    #[test]
    fn no_flip_makes_a_tensor_panic() {
        let mut zip = ::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = ::zip::write::SimpleFileOptions::default();
        zip.start_file("pixels.npy", options).unwrap();
        zip.write_all(&npy()).unwrap();
        let npz = zip.finish().unwrap().into_inner();
        for (good, name, text) in [(npy(), "x.npy", "x.npy"), (npz, "x.npz", "x.npz:pixels")] {
            fuzz::rounds(&good, 400, |bytes, folder| -> Result<(), CliError> {
                std::fs::write(folder.join(name), bytes).unwrap();
                let text = folder.join(text).display().to_string();
                let file = TensorFile::open("--tensor", &text)?;
                let _ = file.ints();
                file.floats().map(|_| ())
            });
        }
    }
}

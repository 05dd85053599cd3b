//! What a parameter of a model is made of: tensors of a file, a small bias table among zeros, or a
//! constant where a file of a backbone alone lacks it.

use super::index::Index;
use super::{ModelError, timm};
use burn::tensor::{DType, TensorData};

/// The last layer norm, which files of a backbone alone lack, and how `transformers` starts it.
const LAST_NORM: [(&str, f32); 2] = [
    ("encoder.layernorm.weight", 1.0),
    ("encoder.layernorm.bias", 0.0),
];

/// Gives the last layer norm of a backbone that was published without one the values with which
/// `transformers` starts it, and tells.
pub(super) fn complete(wanted: &mut [Wanted], index: &Index) -> Vec<String> {
    let lacks = |one: &Wanted| one.tensors.iter().all(|t| index.shape(t).is_none());
    let last = |one: &Wanted| LAST_NORM.iter().find(|(path, _)| *path == one.path);
    let without = wanted
        .iter()
        .filter(|one| last(one).is_some() && lacks(one));
    if without.count() < LAST_NORM.len() || !index.weights.is_backbone() {
        return Vec::new();
    }
    for one in wanted.iter_mut() {
        one.constant = last(one).map(|(_, value)| *value);
    }
    vec![
        "the file is a backbone without a last layer norm: its weight is 1 and its bias 0, as \
         transformers starts it"
            .into(),
    ]
}

/// A parameter of the model and the tensors it is made of.
pub(super) struct Wanted {
    pub path: String,
    pub shape: Vec<usize>,
    pub tensors: Vec<String>,
    /// The value of all its elements, where a file of a backbone alone lacks it.
    pub constant: Option<f32>,
}

impl Wanted {
    /// The shape that each of its tensors must have.
    pub fn part(&self) -> Vec<usize> {
        let mut part = self.shape.clone();
        part[0] /= self.tensors.len();
        part
    }

    /// The window of its stage, if it is a bias table: `windows` are those of every stage, as timm
    /// builds them.
    fn window_in(&self, windows: &[[usize; 2]]) -> Option<[usize; 2]> {
        let stage = self
            .path
            .strip_suffix(".relative_position_bias_table")
            .and_then(|path| path.strip_prefix("encoder.layers.")?.split('.').next());
        windows.get(stage?.parse::<usize>().ok()?).copied()
    }

    /// Whether `found` is the bias table of a window that is smaller because its stage's token
    /// grid is.
    pub fn is_small_table(&self, windows: &[[usize; 2]], found: &[usize]) -> bool {
        self.window_in(windows).is_some_and(|window| {
            let rows = timm::table_rows(window);
            rows < self.shape[0] && found == [rows, self.shape[1]]
        })
    }

    /// Reads its values.
    pub fn read(
        &self,
        index: &Index,
        windows: &[[usize; 2]],
        dtype: DType,
    ) -> Result<TensorData, ModelError> {
        let weights = index.weights;
        if let Some(value) = self.constant {
            let values = vec![value; self.shape.iter().product()];
            return Ok(TensorData::new(values, self.shape.clone()).convert_dtype(dtype));
        }
        if dtype == DType::F64 {
            let values = self.gather(windows, |tensor, all: &mut Vec<f64>| {
                all.extend(weights.read_f64(&index.known[tensor])?);
                Ok(())
            })?;
            return Ok(TensorData::new(values, self.shape.clone()));
        }
        let values = self.gather(windows, |tensor, all| {
            weights.read_into(&index.known[tensor], all)
        })?;
        Ok(TensorData::new(values, self.shape.clone()).convert_dtype(dtype))
    }

    /// The values of all its tensors, a small table among the zeros of the whole one.
    fn gather<T: Copy + Default>(
        &self,
        windows: &[[usize; 2]],
        mut read: impl FnMut(&str, &mut Vec<T>) -> Result<(), ModelError>,
    ) -> Result<Vec<T>, ModelError> {
        let count = self.shape.iter().product();
        let mut values = Vec::with_capacity(count);
        for tensor in &self.tensors {
            read(tensor, &mut values)?;
        }
        match self.window_in(windows) {
            Some(window) if values.len() != count => {
                let whole = [self.shape[0], self.shape[1]];
                Ok(timm::whole_table(&values, window, whole))
            }
            _ => Ok(values),
        }
    }
}

//! Tunings as files: alone, without the backbone, as safetensors whose metadata say which tuning it is and with which
//! settings. Parameters have their paths as names; HarMA's have those that its released code gives them, and a checkpoint
//! of that code, which says nothing of itself, is read by settings that the caller knows.

use super::harma::{Harma, HarmaShape, released_name};
use super::settings::Settings;
use super::temperature::START;
use super::tuning::Tuning;
use crate::model::ModelError;
use crate::model::layers::Init;
use crate::model::save::{outgoing, type_of};
use crate::model::state::{parameters, state, with_state};
use crate::model::two_tower::{TwoTower, TwoTowerConfig};
use crate::model::weights::{Outgoing, Weights, write_tensors};
use burn::module::Module;
use burn::tensor::{DType, Device, TensorData};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Keys of the metadata.
const TUNING: &str = "tuning";
const SETTINGS: &str = "settings";

/// What parameters are called in a file.
#[derive(Clone, Copy)]
enum Names {
    /// By their paths.
    Paths,
    /// As the released code of HarMA does, whose gates and temperature are numbers.
    Released,
}

impl Names {
    fn of(settings: &Settings) -> Self {
        match settings {
            Settings::Harma(_) => Self::Released,
            _ => Self::Paths,
        }
    }

    fn name(self, path: &str) -> String {
        match self {
            Self::Paths => path.into(),
            Self::Released => released_name(path),
        }
    }

    fn shape(self, own: &[usize]) -> Vec<usize> {
        match (self, own) {
            (Self::Released, [1]) => Vec::new(),
            _ => own.to_vec(),
        }
    }
}

/// Writes adapters as safetensors; gates and the temperature are numbers, as in the released code.
///
/// # Errors
/// The operating system's.
pub fn save(adapters: &Harma, path: &Path) -> Result<(), ModelError> {
    write(adapters, Names::Released, [], path)
}

fn write<const N: usize>(
    module: &impl Module,
    names: Names,
    says: [(&str, String); N],
    path: &Path,
) -> Result<(), ModelError> {
    let state = state(module);
    let tensors = state.iter().map(|(path, data)| -> Outgoing<'_> {
        let shape = names.shape(data.shape());
        outgoing(names.name(path), type_of(data), shape, data, 0)
    });
    let mut metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    metadata.extend(says.map(|(key, text)| (key.to_string(), text)));
    write_tensors(path, tensors, metadata)
}

/// Adapters from a file, and how many other tensors it has: those of the backbone in a checkpoint of the released code.
///
/// Form and sharing do not stand in such a file and are `shape`'s to say; its widths must be the file's.
///
/// # Errors
/// [`ModelError::Mismatch`] that lists what is missing or has another shape.
pub fn load(
    path: &Path,
    towers: &TwoTowerConfig,
    shape: HarmaShape,
    device: &Device,
    dtype: DType,
) -> Result<(Harma, usize), ModelError> {
    let weights = Weights::open(path)?;
    let mut init = blank(device, dtype);
    let blank = Harma::build(towers, shape, START, &mut init)?;
    let (adapters, others) = filled(blank, &weights, Names::Released, false, dtype)?;
    Ok((adapters, others))
}

/// Parameters without memory, to be brought by a file.
fn blank(device: &Device, dtype: DType) -> Init<'_> {
    Init {
        device,
        dtype,
        rng: None,
    }
}

/// `blank` with the parameters of a file, ready to train, and the number of tensors that are none of its; `alone` refuses
/// those.
fn filled<M: Module>(
    blank: M,
    weights: &Weights,
    names: Names,
    alone: bool,
    dtype: DType,
) -> Result<(M, usize), ModelError> {
    let (mut arrays, mut missing, mut shapes) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut others: BTreeSet<&str> = weights.names().collect();
    for (path, own) in parameters(&blank) {
        let written = names.name(&path);
        // Some strip the wrapper's prefix as they save.
        let bare = written.strip_prefix("model.").unwrap_or(&written);
        let found = [written.as_str(), bare].map(|name| Some((name, weights.shape(name)?)));
        let Some((name, found)) = found.into_iter().flatten().next() else {
            missing.push(written);
            continue;
        };
        others.remove(name);
        if found != own && found != names.shape(&own) {
            shapes.push(format!("{name}: expected {own:?}, found {found:?}"));
            continue;
        }
        let data = match dtype {
            DType::F64 => TensorData::new(weights.read_f64(name)?, own),
            _ => TensorData::new(weights.read(name)?.values, own).convert_dtype(dtype),
        };
        arrays.insert(path, data);
    }
    let refused = alone && !others.is_empty();
    if refused || !(missing.is_empty() && shapes.is_empty()) {
        let unexpected = others.into_iter().filter(|_| alone);
        return Err(ModelError::Mismatch {
            path: weights.path().into(),
            missing,
            unexpected: unexpected.map(String::from).collect(),
            shapes,
        });
    }
    let full = with_state(blank, arrays, dtype, weights.path())?;
    Ok((full.unfreeze(), others.len()))
}

impl Tuning {
    /// Writes the tuning alone as safetensors, in the float type of its parameters; the metadata are `format`, `tuning` (its
    /// name) and `settings` (JSON). Equal tunings give equal bytes.
    ///
    /// # Errors
    /// The operating system's.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let settings = self.settings();
        let says = [
            (TUNING, settings.name().to_string()),
            (SETTINGS, settings.json().to_string()),
        ];
        write(self, Names::of(&settings), says, path)
    }

    /// A tuning of `towers`, whose shapes `config` says, from a file: where they lie (on the plain device), in their float
    /// type, ready for `train()`.
    ///
    /// A file says its kind and settings; `asked`, where given, must be the same. One that says nothing (a checkpoint of the
    /// released code of HarMA, perhaps with its backbone, which is left out) is read as `asked`.
    ///
    /// # Errors
    /// [`ModelError::Malformed`] of a file that is none of a tuning or of another than `asked`, [`ModelError::Mismatch`]
    /// that lists tensors which are missing, unexpected or of another shape than the towers have.
    pub fn load(
        path: &Path,
        config: &TwoTowerConfig,
        towers: &TwoTower,
        asked: Option<Settings>,
    ) -> Result<Self, ModelError> {
        let weights = Weights::open(path)?;
        let told = told(&weights)?;
        let settings = match (told, asked) {
            (Some(told), Some(asked)) if told != asked => {
                let words = |of: Settings| format!("{} {}", of.name(), of.json());
                let found = words(told);
                return Err(ModelError::config(TUNING, words(asked), found).in_file(path));
            }
            (Some(settings), _) | (None, Some(settings)) => settings,
            (None, None) => {
                let expected = "metadata that name it, or settings beside the file";
                return Err(ModelError::config(TUNING, expected, "neither").in_file(path));
            }
        };
        let names = Names::of(&settings);
        let alone = told.is_some() || matches!(names, Names::Paths);
        let (device, dtype) = towers.place();
        let device = device.inner();
        let mut init = blank(&device, dtype);
        let blank = Self::build(config, towers, settings, START, &mut init)?;
        Ok(filled(blank, &weights, names, alone, dtype)?.0)
    }
}

/// What a file says that it is, if it says so.
fn told(weights: &Weights) -> Result<Option<Settings>, ModelError> {
    let metadata = weights.metadata()?;
    let Some(name) = metadata.get(TUNING) else {
        return Ok(None);
    };
    let json = metadata.get(SETTINGS).map_or("{}", String::as_str);
    let settings = Settings::read(name, json).map_err(|e| e.in_file(weights.path()))?;
    Ok(Some(settings))
}

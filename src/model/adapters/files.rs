//! Adapters as files: alone, without the backbone, under the names that the released code of HarMA gives them.

use super::harma::{Harma, HarmaShape, released_name};
use crate::model::ModelError;
use crate::model::layers::Init;
use crate::model::save::{outgoing, type_of};
use crate::model::state::{parameters, state, with_state};
use crate::model::two_tower::TwoTowerConfig;
use crate::model::weights::{Outgoing, Weights, write_tensors};
use burn::tensor::{DType, Device, TensorData};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Writes adapters as safetensors; gates and the temperature are numbers, as in the released code.
///
/// # Errors
/// The operating system's.
pub fn save(adapters: &Harma, path: &Path) -> Result<(), ModelError> {
    let state = state(adapters);
    let all: Vec<Outgoing> = state
        .iter()
        .map(|(path, data)| {
            let shape = published(data.shape());
            outgoing(released_name(path), type_of(data), shape, data, 0)
        })
        .collect();
    let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
    write_tensors(path, all, metadata)
}

/// The shape of a tensor in the released code.
fn published(shape: &[usize]) -> Vec<usize> {
    match shape {
        [1] => Vec::new(),
        shape => shape.to_vec(),
    }
}

/// Adapters from a file, and how many other tensors it has: those of the backbone in a checkpoint of the released code.
///
/// Form and sharing do not stand in a file and are `shape`'s to say; its widths must be the file's.
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
    let mut init = Init {
        device,
        dtype,
        rng: None,
    };
    let blank = Harma::build(towers, shape, &mut init)?;
    let (mut arrays, mut missing, mut shapes) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (path, own) in parameters(&blank) {
        let released = released_name(&path);
        // Some strip the wrapper's prefix as they save.
        let bare = released.strip_prefix("model.").unwrap_or(&released);
        let names = [released.as_str(), bare];
        let Some(name) = names.into_iter().find(|name| weights.shape(name).is_some()) else {
            missing.push(released.clone());
            continue;
        };
        let found = weights.shape(name).unwrap_or_default();
        if found != own && found != published(&own) {
            shapes.push(format!("{name}: expected {own:?}, found {found:?}"));
            continue;
        }
        let data = match dtype {
            DType::F64 => TensorData::new(weights.read_f64(name)?, own),
            _ => TensorData::new(weights.read(name)?.values, own).convert_dtype(dtype),
        };
        arrays.insert(path, data);
    }
    if !(missing.is_empty() && shapes.is_empty()) {
        return Err(ModelError::Mismatch {
            path: path.into(),
            missing,
            unexpected: Vec::new(),
            shapes,
        });
    }
    let others = weights.names().count() - arrays.len();
    Ok((with_state(blank, arrays, dtype, path)?, others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use crate::model::Opening;
    use crate::model::two_tower;

    fn config() -> TwoTowerConfig {
        two_tower::open(&fixture::path("harma"), &Opening::default())
            .unwrap()
            .config
    }

    const SHAPE: HarmaShape = HarmaShape {
        form: crate::model::adapters::Form::Released,
        share: crate::model::adapters::Share::Text,
        rank: 16,
        share_rank: 8,
        heads: 2,
    };

    #[test]
    fn adapters_survive_a_file_alone() {
        let (device, home) = (Device::flex(), tempfile::tempdir().unwrap());
        let path = home.path().join("adapters.safetensors");
        let fresh = Harma::new(&config(), SHAPE, 3, &device, DType::F32).unwrap();
        save(&fresh, &path).unwrap();
        let (again, others) = load(&path, &config(), SHAPE, &device, DType::F32).unwrap();
        assert_eq!((state(&again), others), (state(&fresh), 0));
        let weights = Weights::open(&path).unwrap();
        assert_eq!(weights.shape("temp"), Some(&[][..]));
        let gate = "model.visual.transformer.resblocks.0.gate1";
        assert_eq!(weights.shape(gate), Some(&[][..]));
    }

    #[test]
    fn another_width_or_a_backbone_alone_is_refused() {
        let (device, home) = (Device::flex(), tempfile::tempdir().unwrap());
        let path = home.path().join("adapters.safetensors");
        save(
            &Harma::new(&config(), SHAPE, 3, &device, DType::F32).unwrap(),
            &path,
        )
        .unwrap();
        let wide = HarmaShape { rank: 32, ..SHAPE };
        let told = load(&path, &config(), wide, &device, DType::F32)
            .err()
            .unwrap()
            .to_string();
        assert!(told.contains("img_proj_down"), "{told}");
        let backbone = fixture::path("harma").join("model.safetensors");
        let told = load(&backbone, &config(), SHAPE, &device, DType::F32)
            .err()
            .unwrap()
            .to_string();
        assert!(told.contains("mmadapter"), "{told}");
    }
}

//! The checkpoints inside the program: small Swins made by `modalign pretrain`, with the recipe
//! that made each beside it in `data-manifests/models/`.

use super::folder::{self, Description, Files};
use super::load::{self, Loaded};
use super::weights::Weights;
use super::{ModelError, Opening, hub};
use burn::tensor::{DType, Device};
use std::path::Path;

/// Name, configuration and weights.
const MODELS: [(&str, &str, &[u8]); 2] = [
    (
        "demo",
        include_str!("../../data-manifests/models/demo/config.json"),
        include_bytes!("../../data-manifests/models/demo/model.safetensors"),
    ),
    (
        "real-mini",
        include_str!("../../data-manifests/models/real-mini/config.json"),
        include_bytes!("../../data-manifests/models/real-mini/model.safetensors"),
    ),
];

/// Description and weights of a checkpoint inside the program; `None` if there is none of that
/// name.
pub fn files(name: &str) -> Option<Result<(Description, Weights), ModelError>> {
    let (_, config, weights) = MODELS.iter().find(|(known, ..)| *known == name)?;
    let description = Description::parse(config, Path::new(name));
    Some(description.and_then(|d| Ok((d, Weights::embedded(name, weights)?))))
}

/// Opens a checkpoint inside the program by name, or else what [`hub::resolve`] finds.
pub fn open(name: &str, opening: &Opening) -> Result<Files, ModelError> {
    match files(name) {
        Some(files) => {
            let (description, weights) = files?;
            Files::described(description, weights).with(opening)
        }
        None => folder::open(&hub::resolve(name, &mut |_, _, _| ())?, opening),
    }
}

/// Loads a checkpoint inside the program by name, or else what [`hub::resolve`] finds.
pub fn load(name: &str, device: &Device, dtype: DType) -> Result<Loaded, ModelError> {
    load::opened(open(name, &Opening::default())?, device, dtype)
}

/// Names of the checkpoints inside the program.
pub fn names() -> Vec<&'static str> {
    MODELS.iter().map(|(name, ..)| *name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::device;

    #[test]
    fn every_embedded_model_loads_and_names_its_classes() {
        let device = device::open("flex").unwrap();
        for name in names() {
            let loaded = load(name, &device, DType::F32).unwrap();
            assert_eq!(Some(loaded.labels.len()), loaded.model.classes());
            assert!(
                loaded.labels.iter().all(|l| !l.starts_with("LABEL_")),
                "{name}"
            );
        }
    }
}

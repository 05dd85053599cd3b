//! The texts of a CLIP as the classes of a source model: the classifier that D and the scores of targets ask, and what
//! the zero-shot measures set features against.

use super::error::{RunError, named};
use crate::dataset::texts::Templates;
use crate::feature::towers::of_texts;
use crate::measure::encoder::zero_shot::Texts;
use crate::measure::towers::TextClassifier;
use crate::model::predictor::ByText;
use crate::model::{Opening, Predictor, hub, two_tower};
use crate::suite::definition::{ClassTexts, Source};
use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::Array2;
use std::path::Path;

/// Texts that were opened.
pub(super) struct Opened {
    /// The zero-shot classifier.
    pub predictor: Predictor,
    /// Names of its classes.
    pub names: Vec<String>,
    /// The same for measures, where the classes are the surrogate's.
    pub texts: Option<Texts>,
    /// What is to be told.
    pub notes: Vec<String>,
}

/// Opens the text tower of the source and embeds the texts of its classes; `surrogate` are the surrogate's.
pub(super) fn open(
    source: &Source,
    settings: &ClassTexts,
    surrogate: &[String],
    device: &Device,
) -> Result<Opened, RunError> {
    let path = hub::resolve(&source.model, &mut |_, _, _| ())?;
    let files = two_tower::open(&path, &Opening::of(source))?;
    let loaded = two_tower::opened(files, device, DType::F32)?;
    let own = settings.classes.is_empty() || settings.classes == surrogate;
    let names = if settings.classes.is_empty() {
        surrogate.to_vec()
    } else {
        settings.classes.clone()
    };
    let prompts = Templates::new(settings.templates.clone())?.prompts(&names)?;
    let tokenizer = settings.tokenizer.as_deref().map(Path::new);
    let encoded = loaded.tokenised(&prompts.texts, tokenizer)?;
    let mut notes = prompts.told;
    notes.extend(encoded.told());
    let embeds = of_texts(&loaded.towers, encoded.ids.view());
    let fault = || named("texts of the source model's classes".to_string());
    let scale = loaded.towers.scale();
    let classifier = TextClassifier::new(embeds.view(), names.len(), scale).map_err(fault())?;
    let projection = loaded.towers.image.projection;
    let weight = projection.weight.val().into_data().convert::<f32>();
    let shape = projection.weight.dims();
    let matrix =
        Array2::from_shape_vec(shape, weight.try_to_vec().unwrap_or_default()).unwrap_or_default();
    let directions = classifier.directions();
    let values: Vec<f32> = directions.iter().map(|v| *v as f32).collect();
    let data = TensorData::new(values, [directions.nrows(), directions.ncols()]);
    let predictor = Predictor::ByText(ByText {
        projection,
        classes: Param::from_tensor(Tensor::from_data(data, (device, DType::F32))),
        scale,
    });
    let texts = if own {
        Some(Texts::new(matrix.view(), classifier).map_err(fault())?)
    } else {
        None
    };
    Ok(Opened {
        predictor,
        names,
        texts,
        notes,
    })
}

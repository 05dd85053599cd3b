//! Both towers of a CLIP as the source of a run, and the texts of its classes: the classifier that D and the scores of
//! targets ask, what the zero-shot measures set features against, and what transfers to pictures with captions start from.

use super::error::{RunError, named};
use crate::dataset::Splits;
use crate::dataset::texts::Templates;
use crate::feature::towers::{of_texts, of_texts_by};
use crate::measure::encoder::zero_shot::Texts;
use crate::measure::towers::TextClassifier;
use crate::model::adapters::Tuning;
use crate::model::predictor::ByText;
use crate::model::two_tower::{LoadedTowers, TwoTower};
use crate::model::{Opening, Predictor, embedded, two_tower};
use crate::suite::definition::{ClassTexts, Source};
use crate::transfer::towers::{ClassTokens, Named};
use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use ndarray::{Array2, ArrayView2};
use std::path::Path;

/// Opens both towers of the source.
pub(super) fn towers(source: &Source, device: &Device) -> Result<LoadedTowers, RunError> {
    let files = embedded::towers(&source.model, &Opening::of(source))?;
    Ok(two_tower::opened(files, device, DType::F32)?)
}

/// Names of classes as token ids: in templates, and alone for tunings that have their own words.
pub struct ClassIds {
    templated: ClassTokens,
    bare: ClassTokens,
}

impl ClassIds {
    /// Refuses a tuning for whose own tokens these texts have no room.
    ///
    /// # Errors
    /// As [`ClassTokens::check`].
    pub(super) fn check(&self, tuning: &Tuning) -> Result<(), RunError> {
        Ok(self.of(tuning).check(tuning)?)
    }

    /// The texts that a tuning takes.
    fn of(&self, tuning: &Tuning) -> &ClassTokens {
        if tuning.bare_names() {
            &self.bare
        } else {
            &self.templated
        }
    }

    /// The classifier by tuned towers, which takes vectors of images as they are.
    pub(super) fn tuned(&self, towers: &TwoTower, tuning: &Tuning) -> Result<Texts, RunError> {
        let tokens = self.of(tuning);
        tokens.check(tuning)?;
        let (device, _) = towers.place();
        let vectors = of_texts_by(tokens.ids.view(), &device, |ids, _| {
            tuning.text_embeds(towers, ids)
        });
        let classifier = classifier(tokens, vectors.view(), towers.scale())?;
        let as_they_are = Array2::<f32>::eye(vectors.ncols());
        Texts::new(as_they_are.view(), classifier).map_err(fault())
    }
}

/// The classifier of vectors of texts.
fn classifier(
    tokens: &ClassTokens,
    vectors: ArrayView2<f32>,
    scale: f64,
) -> Result<TextClassifier, RunError> {
    TextClassifier::new(vectors, tokens.classes, scale).map_err(fault())
}

/// Names of classes in templates as token ids; what is to be told is added to `notes`.
fn tokens(
    loaded: &LoadedTowers,
    settings: &ClassTexts,
    templates: &[String],
    names: &[String],
    notes: &mut Vec<String>,
) -> Result<ClassTokens, RunError> {
    let prompts = Templates::new(templates.to_vec())?.prompts(names)?;
    let tokenizer = settings.tokenizer.as_deref().map(Path::new);
    let encoded = loaded.tokenised(&prompts.texts, tokenizer)?;
    notes.extend(prompts.told.iter().cloned());
    notes.extend(encoded.told());
    Ok(ClassTokens {
        longest: encoded.ends.iter().max().map_or(0, |end| end + 1),
        ids: encoded.ids,
        classes: names.len(),
    })
}

/// Names of classes in the suite's templates and alone.
fn both(
    loaded: &LoadedTowers,
    settings: &ClassTexts,
    names: &[String],
    notes: &mut Vec<String>,
) -> Result<[ClassTokens; 2], RunError> {
    let templated = tokens(loaded, settings, &settings.templates, names, notes)?;
    let bare = tokens(loaded, settings, &["{}.".into()], names, &mut Vec::new())?;
    Ok([templated, bare])
}

/// The set `name` as classes by their texts; what is to be told of them is added to `notes`.
pub(super) fn by_names(
    loaded: &LoadedTowers,
    settings: &ClassTexts,
    (name, data): (&str, &Splits),
    notes: &mut Vec<String>,
) -> Result<Named, RunError> {
    let mut told = Vec::new();
    let [templated, bare] = both(loaded, settings, data.train.classes(), &mut told)?;
    notes.extend(told.into_iter().map(|note| format!("{name}: {note}")));
    Ok(Named {
        name: name.into(),
        parts: [data.train.clone(), data.valid.clone(), data.test.clone()],
        templated,
        bare,
    })
}

/// Texts that were opened.
pub(super) struct Opened {
    /// The zero-shot classifier.
    pub predictor: Predictor,
    /// Names of its classes.
    pub names: Vec<String>,
    /// The same for measures, where the classes are the surrogate's.
    pub texts: Option<(Texts, ClassIds)>,
    /// What is to be told.
    pub notes: Vec<String>,
}

fn fault() -> impl FnOnce(crate::measure::MeasureError) -> RunError {
    named("texts of the source model's classes".to_string())
}

/// Embeds the texts of the source's classes; `surrogate` are the surrogate's.
pub(super) fn open(
    loaded: &LoadedTowers,
    settings: &ClassTexts,
    surrogate: &[String],
    device: &Device,
) -> Result<Opened, RunError> {
    let own = settings.classes.is_empty() || settings.classes == surrogate;
    let names = if settings.classes.is_empty() {
        surrogate.to_vec()
    } else {
        settings.classes.clone()
    };
    let mut notes = Vec::new();
    let [templated, bare] = both(loaded, settings, &names, &mut notes)?;
    let embeds = of_texts(&loaded.towers, templated.ids.view());
    let scale = loaded.towers.scale();
    let classifier = classifier(&templated, embeds.view(), scale)?;
    let class_ids = ClassIds { templated, bare };
    let projection = loaded.towers.image.projection.clone();
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
        let texts = Texts::new(matrix.view(), classifier).map_err(fault())?;
        Some((texts, class_ids))
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

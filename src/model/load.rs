//! Weights into a model: the outline that a description calls for is filled tensor by tensor, and
//! whatever does not fit is listed, not ignored.

use super::embedder::{Embedder, Patch1dEmbedder};
use super::folder::{self, Description, Files};
use super::index::Index;
use super::layers::Init;
use super::names::Scheme;
use super::opening::{Opening, SideOrigin};
use super::predictor::Before;
use super::state::{parameters, with_state};
use super::wanted::{Wanted, complete};
use super::weights::{Dtype, Weights};
use super::windows::Windows;
use super::{Model, ModelError, Predictor};
use crate::suite::parts::{PredictorInit, PredictorSpec};
use burn::tensor::{DType, Device};
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

/// A model read from its files.
pub struct Loaded {
    /// Architecture and parameters.
    pub model: Model,
    /// Class names of the predictor; empty if the checkpoint has none.
    pub labels: Vec<String>,
    /// SHA-256 of the weights, in hexadecimal.
    pub sha256: String,
    /// Tensors of the file that carry nothing for this model (buffers, heads of other tasks).
    pub ignored: Vec<String>,
    /// What every tensor of the model was called and typed in the file, by published name. Where
    /// the file has another scheme of names (timm's), it is called by the published one.
    pub spelling: BTreeMap<String, (String, Dtype)>,
    /// The `config.json` that it came with, of Hugging Face's kind or timm's of a ViT, if an export is to copy it.
    pub config: Option<PathBuf>,
    /// Where the side of its images was found; `None` for models of sequences.
    pub side: Option<SideOrigin>,
    /// What was inferred, chosen or left out as it was opened: to be told.
    pub notes: Vec<String>,
}

/// Loads a model folder or a checkpoint file (see [`folder::open`]) onto `device` in float type
/// `dtype`.
pub fn load(path: &Path, device: &Device, dtype: DType) -> Result<Loaded, ModelError> {
    opened(folder::open(path, &Opening::default())?, device, dtype)
}

/// Loads a model whose files are open.
pub fn opened(files: Files, device: &Device, dtype: DType) -> Result<Loaded, ModelError> {
    let mut loaded = build(files.description, &files.weights, device, dtype)?;
    let mut notes = files.notes;
    notes.append(&mut loaded.notes);
    Ok(Loaded {
        config: files.config,
        side: files.side,
        notes,
        ..loaded
    })
}

/// Most values of a patch of a signal.
const MOST_STACKED: usize = 1 << 24;

/// The model that a description and the tensors beside it call for, still without values.
fn outline(
    description: Description,
    index: &Index,
    scheme: Scheme,
    device: &Device,
    dtype: DType,
) -> Result<Model, ModelError> {
    let mut init = Init {
        device,
        dtype,
        rng: None,
    };
    let classifier = scheme.classifier();
    let classes = classifier.and_then(|name| index.shape(&name)?.first().copied());
    let described = description.extras.predictor.clone();
    let teacher = scheme.distillation_classifier();
    let teacher = teacher.and_then(|name| index.shape(&name)?.first().copied());
    let teacher = teacher.filter(|_| described.is_none());
    distillation(&description, scheme, classes.is_some(), teacher.is_some())?;
    let spec = described.or(classes.map(|classes| PredictorSpec::Classification { classes }));
    let channels = description.architecture.shape().channels();
    let windows = description.extras.windows;
    let mut model = Model::build(description.architecture, channels, None, &mut init)?;
    // The names tell whose model it is, unless the folder says so.
    model.set_windows(windows.unwrap_or(match scheme {
        Scheme::Timm(_) => Windows::Timm { grid: None },
        _ => Windows::Transformers,
    }));
    if let (Embedder::Ids(_), Some(shape)) = (
        &model.network.embedder,
        index.shape("modalign.embedder.weight"),
    ) {
        let table = index.shape("modalign.embedder.positions");
        let (&[_, channels @ 1..=65_536, stack @ 1..=MOST_STACKED], Some(&[positions, _])) =
            (shape, table)
        else {
            return Err(ModelError::Config {
                what: "modalign.embedder.weight and positions".into(),
                expected: format!(
                    "[width, channels, stack] with 1 to 65536 channels and a stack of 1 to \
                     {MOST_STACKED}, and [rows, width]"
                ),
                found: format!("{shape:?} and {table:?}"),
            });
        };
        let (shape, rows) = (
            [model.config.features(), channels, stack],
            positions.min(65_536),
        );
        let patches = Patch1dEmbedder::blank(shape, rows, &mut init);
        model.network.embedder = Embedder::Patches1d(patches);
    }
    if let Some(classes) = teacher {
        let width = model.config.shape().last_width();
        model.network.predictor = Predictor::distilled(classes, width, &mut init)?;
    } else if let Some(spec) = spec {
        let before = Before::of(&model.config, &model.network.embedder);
        model.network.predictor =
            Predictor::new(&spec, before, PredictorInit::default(), &mut init)?;
    }
    Ok(model)
}

/// Refuses a classifier of a distillation token where there is none, and, where both classifiers are published together,
/// one without the other.
fn distillation(
    description: &Description,
    scheme: Scheme,
    classifier: bool,
    teacher: bool,
) -> Result<(), ModelError> {
    let wrong = |what: String, expected: &str, found: &str| {
        Err(ModelError::Config {
            what,
            expected: expected.into(),
            found: found.into(),
        })
    };
    let distills = description.architecture.shape().distills();
    let second = scheme.distillation_classifier().unwrap_or_default();
    if teacher && !distills {
        let expected = "a distillation token beside it; --ignore 'head_dist.*' leaves it out";
        return wrong(second, expected, "a model of a class token alone");
    }
    let class = scheme.tensors("predictor.class.weight");
    let both = scheme
        .classifier()
        .is_some_and(|name| class.contains(&name));
    if both && distills && classifier && !teacher && description.extras.predictor.is_none() {
        let expected = "the classifier of the distillation token beside that of the class token; --ignore 'head.*' leaves \
                        that out";
        return wrong(second, expected, "no such tensor");
    }
    Ok(())
}

/// What a description and the weights beside it make: the model still without values, what every
/// parameter is made of, and what does not fit.
pub struct Plan<'a> {
    index: Index<'a>,
    model: Model,
    wanted: Vec<Wanted>,
    /// Windows of every stage, where tables may be smaller.
    windows: Vec<[usize; 2]>,
    /// Tensors that the architecture needs and the file lacks.
    pub missing: Vec<String>,
    /// Tensors that the file has and the architecture does not know.
    pub unexpected: Vec<String>,
    /// Tensors with another shape than the architecture's.
    pub shapes: Vec<String>,
    /// What is to be told.
    pub notes: Vec<String>,
}

impl<'a> Plan<'a> {
    /// Compares names and shapes; reads no tensor.
    pub fn new(
        description: Description,
        weights: &'a Weights,
        device: &Device,
        dtype: DType,
    ) -> Result<Self, ModelError> {
        let names: Vec<&str> = weights.names().collect();
        let family = Scheme::detect(&description.architecture, names.iter().copied());
        let mut index = Index::new(weights, family);
        let model = outline(description, &index, family, device, dtype)
            .map_err(|e| e.in_file(weights.path()))?;
        let scheme = match family {
            Scheme::Timm(_) | Scheme::OpenAi(_) => family,
            _ => Scheme::of(&model),
        };
        let tables = match scheme {
            Scheme::Timm(_) => model.config.shape().window_tables(model.windows()),
            _ => Vec::new(),
        };
        let mut wanted: Vec<Wanted> = parameters(&model.network)
            .into_iter()
            .map(|(path, shape)| Wanted {
                tensors: index.spelt(scheme.tensors(&path)),
                path,
                shape,
                constant: None,
            })
            .collect();
        let mut notes = complete(&mut wanted, &index);
        notes.extend(cut(&model));
        let (mut missing, mut shapes, mut used) = (Vec::new(), Vec::new(), HashSet::new());
        for one in wanted.iter().filter(|one| one.constant.is_none()) {
            let expected = scheme.shape(&one.path, one.part());
            for tensor in &one.tensors {
                match index.shape(tensor) {
                    None => missing.push(tensor.clone()),
                    Some(_) if index.foreign(tensor).is_some() => {
                        let class = index.foreign(tensor).unwrap_or_default();
                        shapes.push(format!("{tensor}: expected a tensor, found {class}"));
                    }
                    Some(found) if found != expected && !one.is_small_table(&tables, found) => {
                        shapes.push(format!("{tensor}: expected {expected:?}, found {found:?}"));
                    }
                    Some(_) => {}
                }
                used.insert(tensor.as_str());
            }
        }
        let unused = index.known.keys().filter(|k| !used.contains(k.as_str()));
        let unused: Vec<String> = unused.cloned().collect();
        // Bare numbers, bytes and objects carry nothing for any model.
        let (mut objects, mut unexpected): (Vec<String>, Vec<String>) = unused
            .into_iter()
            .partition(|name| index.is_no_parameter(name));
        index.ignored.append(&mut objects);
        unexpected.append(&mut index.again);
        Ok(Self {
            unexpected,
            missing,
            shapes,
            notes,
            index,
            model,
            wanted,
            windows: tables,
        })
    }

    /// Whether every tensor has its place and every place its tensor.
    pub fn fits(&self) -> bool {
        self.missing.is_empty() && self.shapes.is_empty() && self.unexpected.is_empty()
    }

    /// The model, whose parameters are placeholders of zeros.
    pub fn outline(&self) -> &Model {
        &self.model
    }

    /// Tensors of the file that carry nothing for this model (buffers, heads of other tasks).
    pub fn ignored(&self) -> &[String] {
        &self.index.ignored
    }

    /// Class names of the predictor; empty without classes.
    pub fn labels(&self) -> Vec<String> {
        let labels = self.model.classes().map(|k| self.model.config.labels(k));
        labels.unwrap_or_default()
    }

    /// Reads all tensors into the model.
    fn fill(self, dtype: DType) -> Result<Loaded, ModelError> {
        let (labels, weights) = (self.labels(), self.index.weights);
        if !self.fits() {
            return Err(ModelError::Mismatch {
                path: weights.path().into(),
                missing: self.missing,
                unexpected: self.unexpected,
                shapes: self.shapes,
            });
        }
        let mut arrays = BTreeMap::new();
        for one in &self.wanted {
            arrays.insert(
                one.path.clone(),
                one.read(&self.index, &self.windows, dtype)?,
            );
        }
        let mut model = self.model;
        model.network = with_state(model.network, arrays, dtype, weights.path())?;
        let scheme = Scheme::of(&model);
        let mut spelling = BTreeMap::new();
        for one in &self.wanted {
            let published = scheme.tensors(&one.path);
            let same = published == one.tensors;
            for (i, name) in published.into_iter().enumerate() {
                let own = one.tensors.get(if same { i } else { 0 });
                let Some(own) = own.and_then(|own| self.index.known.get(own)) else {
                    continue;
                };
                if let Some(dtype) = weights.dtype(own) {
                    let kept = same && scheme.keeps_spelling();
                    let called = if kept { own.clone() } else { name.clone() };
                    spelling.insert(name, (called, dtype));
                }
            }
        }
        Ok(Loaded {
            model,
            labels,
            sha256: weights.sha256(),
            spelling,
            ignored: self.index.ignored,
            config: None,
            side: None,
            notes: self.notes,
        })
    }
}

/// What the embedder leaves out of the model's images, to be told.
fn cut(model: &Model) -> Option<String> {
    let side = model.config.image_size()?;
    let rest = model.network.embedder.left_out(side);
    (rest > 0).then(|| {
        format!(
            "patches do not divide images of {side} pixels: the last {rest} rows and columns are left out, as its \
             publisher does, of the targets' samples too"
        )
    })
}

/// A model from its description and weights.
///
/// # Errors
/// Names and shapes that do not fit, values that cannot be read.
pub fn build(
    description: Description,
    weights: &Weights,
    device: &Device,
    dtype: DType,
) -> Result<Loaded, ModelError> {
    Plan::new(description, weights, device, dtype)?.fill(dtype)
}

//! What is tuned of a CLIP, as one type that a trainer trains, saves alone and measures: nothing, projections, everything,
//! additions of low rank, adapters in the layers or on the vectors.
//!
//! A kind is a file that says where it acts (`Tunes`): on the tower's parameters, between its layers, or on the vectors
//! before they are brought to length one. What it does not say is as pretrained. Here is the one way through a tower, and
//! the lists of all kinds.
//!
//! Two places fit together: a plain tuning with plain towers, and a tracked one (`.train()`) with [`constant`] towers.
//! Passes are deterministic: nothing is dropped while training either.

use super::prompts::with_places;
use super::settings::Settings;
use super::{
    Biases, Bottleneck, Context, FeatureAdapter, Harma, LinearProbe, LowRank, Maple, Mmap,
    Projections, Untouched, VisualPrompts, Whole, temperature,
};
use crate::model::architecture::clip::openai::Tower as Which;
use crate::model::layers::Init;
use crate::model::pass::{Inserted, Pass};
use crate::model::tokens::Tokens;
use crate::model::two_tower::{Tower, TwoTower, TwoTowerConfig, unit_rows};
use crate::model::{ModelError, state};
use crate::random::INITIAL_VALUES;
use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Int, Tensor};
use std::borrow::Cow;
use std::ops::Range;

/// What trains of two towers, beside them or of them. All of its parameters train: their number is
/// [`state::size`].
// A trainer has one: what a variant leaves empty is not worth a pointer.
#[allow(clippy::large_enum_variant)]
#[derive(Module, Debug)]
pub enum Tuning {
    /// The towers as they are.
    Untouched(Untouched),
    /// Both projections.
    Projections(Projections),
    /// Everything.
    Whole(Whole),
    /// Additions of low rank to matrices.
    LowRank(LowRank),
    /// Bottleneck adapters behind the MLPs.
    Bottleneck(Bottleneck),
    /// An adapter on the vectors.
    FeatureAdapter(FeatureAdapter),
    /// Gated adapters that both towers share.
    Harma(Harma),
    /// All biases.
    Biases(Biases),
    /// Context vectors before the names of classes.
    Context(Context),
    /// Prompts of the image tower.
    VisualPrompts(VisualPrompts),
    /// Prompts of both towers, coupled by maps.
    Maple(Maple),
    /// Prompts of both towers by Kronecker products.
    Mmap(Mmap),
    /// A linear classifier of vectors, in place of texts.
    LinearProbe(LinearProbe),
}

/// Does with the kind of a tuning what all kinds can.
macro_rules! each {
    ($tuning:expr, $kind:ident => $does:expr) => {
        match $tuning {
            Tuning::Untouched($kind) => $does,
            Tuning::Projections($kind) => $does,
            Tuning::Whole($kind) => $does,
            Tuning::LowRank($kind) => $does,
            Tuning::Bottleneck($kind) => $does,
            Tuning::FeatureAdapter($kind) => $does,
            Tuning::Harma($kind) => $does,
            Tuning::Biases($kind) => $does,
            Tuning::Context($kind) => $does,
            Tuning::VisualPrompts($kind) => $does,
            Tuning::Maple($kind) => $does,
            Tuning::Mmap($kind) => $does,
            Tuning::LinearProbe($kind) => $does,
        }
    };
}

/// τ of a kind of tuning, which has it as a field.
macro_rules! own_temperature {
    () => {
        fn temperature(&self) -> &burn::module::Param<burn::tensor::Tensor<1>> {
            &self.temperature
        }

        fn temperature_mut(&mut self) -> &mut burn::module::Param<burn::tensor::Tensor<1>> {
            &mut self.temperature
        }
    };
}
pub(super) use own_temperature;

/// Where a kind of tuning acts; by default nowhere.
pub(super) trait Tunes {
    /// Which kind it is, with its settings.
    fn settings(&self) -> Settings;

    /// τ, `[1]`.
    fn temperature(&self) -> &Param<Tensor<1>>;

    /// The same, to be changed.
    fn temperature_mut(&mut self) -> &mut Param<Tensor<1>>;

    /// The tower that samples pass, of the pretrained ones or in place of it.
    fn tower<'t>(&'t self, which: Which, towers: &'t TwoTower) -> Cow<'t, Tower> {
        Cow::Borrowed(towers.tower(which))
    }

    /// What stands between the layers of a tower.
    fn inserted(&self, _which: Which) -> Option<Box<dyn Inserted + '_>> {
        None
    }

    /// What stands between the layers of the text tower where the texts are names of these classes, one each.
    fn of_classes(&self, _classes: Range<usize>) -> Option<Box<dyn Inserted + '_>> {
        self.inserted(Which::Text)
    }

    /// Whether vectors of texts depend on what trains.
    fn moves_texts(&self) -> bool {
        true
    }

    /// Tokens that it puts into every text behind the first, of its own.
    fn text_tokens(&self) -> usize {
        0
    }

    /// Whether a class is its name alone, without the words of a template.
    fn bare_names(&self) -> bool {
        false
    }

    /// Whether it has scores of classes in place of texts.
    fn has_scores(&self) -> bool {
        false
    }

    /// Scores `[B, K]` of classes by vectors `[B, E]` of pictures of length one; without scores the vectors.
    fn class_scores(&self, vectors: Tensor<2>) -> Tensor<2> {
        vectors
    }

    /// Vectors `[B, E]` of a tower, before they are brought to length one.
    fn vectors(&self, _which: Which, vectors: Tensor<2>) -> Tensor<2> {
        vectors
    }
}

/// Towers that stand beside a tracked tuning: on the tracked device, without gradients, in the same memory.
pub fn constant(towers: &TwoTower) -> TwoTower {
    state::constant(towers.clone())
}

/// What `build` makes with the initial values of a seed.
pub(super) fn drawn<T>(
    seed: u64,
    device: &Device,
    dtype: DType,
    build: impl FnOnce(&mut Init) -> T,
) -> T {
    let mut rng = INITIAL_VALUES.rng(seed, &[]);
    build(&mut Init {
        device,
        dtype,
        rng: Some(&mut rng),
    })
}

/// Samples of a tower.
enum Samples {
    Pixels(Tensor<4>),
    Ids(Tensor<2, Int>),
    /// Ids of names of these classes.
    Names(Tensor<2, Int>, Range<usize>),
}

impl Tuning {
    /// A fresh tuning of `towers`, whose shapes `config` says, where they lie (on the plain device) and in their float type;
    /// `temperature` is τ at the start (0.07 in HarMA's code), `seed` that of the initial values.
    ///
    /// # Errors
    /// [`ModelError::Config`] that names the setting.
    pub fn new(
        config: &TwoTowerConfig,
        towers: &TwoTower,
        settings: Settings,
        temperature: f64,
        seed: u64,
    ) -> Result<Self, ModelError> {
        let (device, dtype) = towers.place();
        drawn(seed, &device.inner(), dtype, |init| {
            Self::build(config, towers, settings, temperature, init)
        })
    }

    /// The same with initial values from `init`.
    pub(super) fn build(
        config: &TwoTowerConfig,
        towers: &TwoTower,
        settings: Settings,
        start: f64,
        init: &mut Init,
    ) -> Result<Self, ModelError> {
        Ok(match settings {
            Settings::Untouched(_) => Self::Untouched(Untouched::build(start, init)?),
            Settings::Projections(_) => Self::Projections(Projections::build(towers, start, init)?),
            Settings::Whole(_) => Self::Whole(Whole::build(towers, start, init)?),
            Settings::LowRank(own) => Self::LowRank(LowRank::build(config, own, start, init)?),
            Settings::Bottleneck(own) => {
                Self::Bottleneck(Bottleneck::build(config, own, start, init)?)
            }
            Settings::FeatureAdapter(own) => {
                Self::FeatureAdapter(FeatureAdapter::build(config, own, start, init)?)
            }
            Settings::Harma(shape) => Self::Harma(Harma::build(config, shape, start, init)?),
            Settings::Biases(_) => Self::Biases(Biases::build(towers, start, init)?),
            Settings::Context(own) => Self::Context(Context::build(config, own, start, init)?),
            Settings::VisualPrompts(own) => {
                Self::VisualPrompts(VisualPrompts::build(config, own, start, init)?)
            }
            Settings::Maple(own) => Self::Maple(Maple::build(config, own, start, init)?),
            Settings::Mmap(shape) => Self::Mmap(Mmap::build(config, shape, start, init)?),
            Settings::LinearProbe(own) => {
                Self::LinearProbe(LinearProbe::build(config, own, start, init)?)
            }
        })
    }

    fn kind(&self) -> &dyn Tunes {
        each!(self, kind => kind)
    }

    fn kind_mut(&mut self) -> &mut dyn Tunes {
        each!(self, kind => kind)
    }

    /// Which kind it is, with its settings.
    pub fn settings(&self) -> Settings {
        self.kind().settings()
    }

    /// The name of its kind.
    pub fn name(&self) -> &'static str {
        self.settings().name()
    }

    /// τ of the contrastive loss, `[1]`.
    pub fn temperature(&self) -> Tensor<1> {
        self.kind().temperature().val()
    }

    /// The same with τ at least `least`, once and now: called after every step, as OpenAI bounds the scale of CLIP, it
    /// keeps τ there and never takes its gradient away. The released code of HarMA has no bound.
    pub fn with_temperature_at_least(mut self, least: f64) -> Self {
        let own = self.kind_mut().temperature_mut();
        *own = temperature::at_least(own.clone(), least);
        self
    }

    /// Pictures `[B, C, H, W]` → their features before the projection `[B, D]`, which a probe sees. Pixels may be on the
    /// plain device, whatever the tuning.
    pub fn image_features(&self, towers: &TwoTower, pixels: Tensor<4>) -> Tensor<2> {
        let tower = self.kind().tower(Which::Image, towers);
        self.features(Which::Image, &tower, Samples::Pixels(pixels))
    }

    /// Pictures `[B, C, H, W]` → vectors `[B, E]` of length one.
    pub fn image_embeds(&self, towers: &TwoTower, pixels: Tensor<4>) -> Tensor<2> {
        self.embeds(Which::Image, towers, Samples::Pixels(pixels))
    }

    /// The same, and beside it what every block of the tower's second half says: `[B, (1 + k)·E]`, every E columns of length
    /// one. A block's feature is chosen as the last one's is and projected without the last norm.
    pub fn early_image_embeds(&self, towers: &TwoTower, pixels: Tensor<4>) -> Tensor<2> {
        self.early_embeds(Which::Image, towers, Samples::Pixels(pixels))
    }

    /// As [`early_image_embeds`](Self::early_image_embeds), of texts as [`text_embeds`](Self::text_embeds) takes them.
    pub fn early_text_embeds(&self, towers: &TwoTower, ids: Tensor<2, Int>) -> Tensor<2> {
        self.early_embeds(Which::Text, towers, Samples::Ids(self.with_room(ids)))
    }

    /// Token ids `[B, T]`, which [`TwoTower::check_ids`] takes, → vectors `[B, E]` of length one. A tuning that puts tokens of
    /// its own into texts makes room for them: the last [`text_tokens`](Self::text_tokens) of T must be padding.
    pub fn text_embeds(&self, towers: &TwoTower, ids: Tensor<2, Int>) -> Tensor<2> {
        self.embeds(Which::Text, towers, Samples::Ids(self.with_room(ids)))
    }

    /// The same of the names of some of the classes that it was made for, a row each: `ids` are `[classes.len(), T]`.
    pub fn name_embeds(
        &self,
        towers: &TwoTower,
        ids: Tensor<2, Int>,
        classes: Range<usize>,
    ) -> Tensor<2> {
        let names = Samples::Names(self.with_room(ids), classes);
        self.embeds(Which::Text, towers, names)
    }

    /// Ids with places for the tokens that it puts into texts.
    fn with_room(&self, ids: Tensor<2, Int>) -> Tensor<2, Int> {
        match self.text_tokens() {
            0 => ids,
            some => with_places(ids, some),
        }
    }

    /// Tokens that it puts into every text.
    pub fn text_tokens(&self) -> usize {
        self.kind().text_tokens()
    }

    /// Whether vectors of texts depend on what trains.
    pub fn moves_texts(&self) -> bool {
        self.kind().moves_texts()
    }

    /// Whether its texts of classes are names alone, without the words of a template.
    pub fn bare_names(&self) -> bool {
        self.kind().bare_names()
    }

    /// Whether it has scores of classes in place of texts.
    pub fn has_scores(&self) -> bool {
        self.kind().has_scores()
    }

    /// Scores `[B, K]` of classes by vectors `[B, E]` of pictures of length one; without scores the vectors.
    pub fn class_scores(&self, vectors: Tensor<2>) -> Tensor<2> {
        self.kind().class_scores(vectors)
    }

    /// What several tasks share, with what one of them has for itself: prompts of both, joined, or the one of the two
    /// that does anything. Parameters stay those that they are, so that gradients reach both.
    ///
    /// # Errors
    /// [`ModelError::Config`] of two kinds that do not join.
    pub fn joined(&self, own: &Self) -> Result<Self, ModelError> {
        match (self, own) {
            (shared, Self::Untouched(_)) => Ok(shared.clone()),
            (Self::Untouched(_), own) => Ok(own.clone()),
            (Self::Mmap(shared), Self::Mmap(own)) => Ok(Self::Mmap(shared.then(own))),
            (shared, own) => {
                let expected = format!("of the kind {}, which joins", shared.name());
                Err(ModelError::config("tuning of a task", expected, own.name()))
            }
        }
    }

    fn features(&self, which: Which, tower: &Tower, samples: Samples) -> Tensor<2> {
        self.passed(which, tower, samples, |tokens, pass| {
            tower.encoder.features(tokens, pass).primal
        })
    }

    /// What `run` makes of embedded samples on their way through a tower.
    fn passed<T>(
        &self,
        which: Which,
        tower: &Tower,
        samples: Samples,
        run: impl FnOnce(Tokens, &mut Pass) -> T,
    ) -> T {
        let inserted = match &samples {
            Samples::Names(_, classes) => self.kind().of_classes(classes.clone()),
            _ => self.kind().inserted(which),
        };
        let mut pass = match &inserted {
            Some(inserted) => Pass::eval().with(inserted.as_ref()),
            None => Pass::eval(),
        };
        let tokens = match samples {
            Samples::Pixels(pixels) => {
                let tracked = tower.projection.weight.val().is_autodiff();
                let pixels = if tracked { pixels.autodiff() } else { pixels };
                tower.embedder.forward(pixels, &mut pass)
            }
            Samples::Ids(ids) | Samples::Names(ids, _) => {
                tower.embedder.embed_ids(ids, None, &mut pass)
            }
        };
        run(tokens, &mut pass)
    }

    fn early_embeds(&self, which: Which, towers: &TwoTower, samples: Samples) -> Tensor<2> {
        let kind = self.kind();
        let tower = kind.tower(which, towers);
        let (layers, last) = self.passed(which, &tower, samples, |tokens, pass| {
            let (layers, last) = tower.encoder.layers(tokens, pass);
            (layers, last.pool())
        });
        let projected = |features| tower.projected(features, &Pass::eval()).primal;
        let mut vectors = vec![kind.vectors(which, projected(last))];
        let blocks = layers.len() - 1;
        vectors.extend(layers.into_iter().skip(1 + blocks / 2).map(projected));
        let unit = vectors.into_iter().map(|x| unit_rows(x.into()).primal);
        Tensor::cat(unit.collect(), 1)
    }

    fn embeds(&self, which: Which, towers: &TwoTower, samples: Samples) -> Tensor<2> {
        let kind = self.kind();
        let tower = kind.tower(which, towers);
        let features = self.features(which, &tower, samples);
        let vectors = tower.projected(features.into(), &Pass::eval()).primal;
        unit_rows(kind.vectors(which, vectors).into()).primal
    }
}

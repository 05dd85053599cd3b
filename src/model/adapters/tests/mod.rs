//! Every kind of tuning on the small CLIP of the fixture `harma`: what it changes at the start, its gradients, its size, its
//! settings and files.

mod files;
mod forward;
mod gradients;
mod settings;

use super::*;
use crate::fixture;
use crate::model::two_tower::{self, LoadedTowers, TwoTower};
use crate::model::weights::{Array, Weights};
use crate::model::{Opening, Pass};
use burn::tensor::{DType, Device, Int, Tensor, TensorData};

/// The fixture's model: towers of 40 and 32 wide, MLPs of 80 and 64, two layers each, vectors of 20.
fn loaded(dtype: DType) -> LoadedTowers {
    let path = fixture::path("harma");
    two_tower::load(&path, &Opening::default(), &Device::flex(), dtype).unwrap()
}

fn io() -> Weights {
    Weights::open(&fixture::path("harma").join("io.safetensors")).unwrap()
}

fn pixels(dtype: DType) -> Tensor<4> {
    let Array { shape, values } = io().read("pixels").unwrap();
    let data = TensorData::new(values, shape).convert_dtype(dtype);
    Tensor::from_data(data, (&Device::flex(), dtype))
}

fn ids() -> Tensor<2, Int> {
    let io = io();
    let shape = io.shape("input_ids").unwrap().to_vec();
    let data = TensorData::new(io.read_ints("input_ids").unwrap(), shape);
    Tensor::from_data(data, &Device::flex())
}

const HARMA: HarmaShape = HarmaShape {
    form: Form::Paper,
    share: Share::Both,
    rank: 16,
    share_rank: 8,
    heads: 2,
};

const LOW_RANK: LowRankSettings = LowRankSettings {
    rank: 3,
    alpha: 4.5,
    scope: Scope::All,
};

const FEATURE_ADAPTER: FeatureAdapterSettings = FeatureAdapterSettings {
    ratio: 0.2,
    reduction: 4,
    texts: false,
};

const CONTEXT: ContextSettings = ContextSettings {
    tokens: 3,
    std: 0.02,
    classes: 0,
};

/// As many classes as the fixture has texts.
const CONTEXTS: ContextSettings = ContextSettings {
    classes: 6,
    ..CONTEXT
};

const VISUAL: VisualPromptSettings = VisualPromptSettings {
    tokens: 2,
    depth: None,
};

const MAPLE: MapleSettings = MapleSettings {
    tokens: 2,
    depth: 1,
    std: 0.02,
};

/// Not as small as at the start: where lengths are near zero, norms bend too much for central differences.
const PROMPTS: PromptShape = PromptShape {
    rows: 2,
    columns: 2,
    tokens: 4,
    depth: None,
    std: 0.5,
    joined: 1,
};

/// Every kind, of the fixture's size.
fn kinds() -> Vec<Settings> {
    vec![
        Settings::Untouched(Nothing {}),
        Settings::Projections(Nothing {}),
        Settings::Whole(Nothing {}),
        Settings::LowRank(LOW_RANK),
        Settings::LowRank(LowRankSettings {
            scope: Scope::Attention,
            ..LOW_RANK
        }),
        Settings::Bottleneck(BottleneckSettings { width: 6 }),
        Settings::FeatureAdapter(FEATURE_ADAPTER),
        Settings::FeatureAdapter(FeatureAdapterSettings {
            texts: true,
            ..FEATURE_ADAPTER
        }),
        Settings::Harma(HARMA),
        Settings::Biases(Nothing {}),
        Settings::Context(CONTEXT),
        Settings::Context(CONTEXTS),
        Settings::VisualPrompts(VISUAL),
        Settings::VisualPrompts(VisualPromptSettings {
            depth: Some(1),
            ..VISUAL
        }),
        Settings::Maple(MAPLE),
        Settings::Mmap(PROMPTS),
        Settings::Mmap(PromptShape {
            depth: Some(1),
            joined: 2,
            tokens: 2,
            ..PROMPTS
        }),
    ]
}

fn fresh(of: &LoadedTowers, settings: Settings) -> Tuning {
    Tuning::new(&of.config, &of.towers, settings, 0.07, 5).unwrap()
}

/// Features and vectors of pictures, vectors of texts.
fn outputs(tuning: &Tuning, towers: &TwoTower, dtype: DType) -> [Tensor<2>; 3] {
    [
        tuning.image_features(towers, pixels(dtype)),
        tuning.image_embeds(towers, pixels(dtype)),
        tuning.text_embeds(towers, ids()),
    ]
}

/// The same of the towers alone.
fn plain(towers: &TwoTower, dtype: DType) -> [Tensor<2>; 3] {
    let pass = &mut Pass::eval();
    let tokens = towers.image.embedder.forward(pixels(dtype), pass);
    [
        towers.image.encoder.features(tokens, pass).primal,
        towers.image_embeds(pixels(dtype), pass).primal,
        towers.text_embeds(ids(), pass).primal,
    ]
}

fn bytes(of: Tensor<2>) -> Vec<u8> {
    of.inner().into_data().as_bytes().to_vec()
}

fn furthest(a: Tensor<2>, b: Tensor<2>) -> f64 {
    assert_eq!(a.dims(), b.dims());
    (a - b).abs().max().into_scalar()
}

//! Embedders and predictors of targets against plain PyTorch in f64
//! (`tests/fixtures/embedders/make_fixtures.py`).

use super::{check, fixture, io, tensor};
use burn::module::Module;
use burn::tensor::{DType, Device, TensorData};
use modalign::model::embedder::{Patch1dEmbedder, PatchEmbedder, stack};
use modalign::model::layers::Init;
use modalign::model::predictor::Before;
use modalign::model::state::{parameters, with_state};
use modalign::model::weights::Weights;
use modalign::model::{Dual, Pass, Predictor, Tokens};
use modalign::suite::parts::{EmbedderInit, PredictorInit, PredictorSpec};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

const DTYPE: DType = DType::F64;

/// A module made by `make`.
fn made<R>(make: impl FnOnce(&mut Init) -> R) -> R {
    let (device, mut rng) = (Device::flex(), ChaCha8Rng::seed_from_u64(0));
    make(&mut Init {
        device: &device,
        dtype: DTYPE,
        rng: Some(&mut rng),
    })
}

/// The module with the parameters of a case; `called` says what a path is called there.
fn filled<M: Module>(module: M, io: &Weights, case: usize, called: fn(&str) -> &str) -> M {
    let arrays = parameters(&module).into_iter().map(|(path, shape)| {
        let values = io.read_f64(&format!("case{case}.{}", called(&path)));
        (path, TensorData::new(values.unwrap(), shape))
    });
    with_state(module, arrays.collect(), DTYPE, "fixture".as_ref()).unwrap()
}

/// Name, tensors and settings of every case of a fixture.
fn cases(name: &str) -> (Weights, Vec<Value>) {
    let name = format!("embedders/{name}");
    let text = std::fs::read_to_string(fixture(&name).join("setting.json")).unwrap();
    let settings: Value = serde_json::from_str(&text).unwrap();
    (io(&name), settings["cases"].as_array().unwrap().clone())
}

fn number(setting: &Value, key: &str) -> usize {
    setting[key].as_u64().unwrap() as usize
}

#[test]
fn patches() {
    let (io, settings) = cases("embedder-2d");
    for (case, setting) in settings.iter().enumerate() {
        let (channels, width) = (number(setting, "channels"), number(setting, "hidden"));
        let patch = number(setting, "patch");
        let fresh = made(|init| PatchEmbedder::new(width, patch, channels, init));
        let embedder = filled(fresh, &io, case, |path| path);
        let x = tensor::<4>(&io, &format!("case{case}.x"), &Device::flex(), DTYPE);
        let tokens = embedder.forward(x.into(), &Pass::eval());
        let grid = setting["grid"].as_array().unwrap();
        let grid: Vec<_> = grid.iter().map(|v| v.as_u64().unwrap() as usize).collect();
        assert_eq!(tokens.grid[..], grid[..]);
        let what = format!("case{case}.tokens");
        check("embedder-2d", &what, tokens.values.primal, &io, 1e-12);
    }
}

#[test]
fn tiled_source_kernels() {
    let (io, settings) = cases("embedder-2d");
    for (case, setting) in settings.iter().enumerate() {
        let (channels, width) = (number(setting, "channels"), number(setting, "hidden"));
        let patch = number(setting, "patch");
        let fresh = made(|init| PatchEmbedder::new(width, patch, 3, init));
        let source = filled(fresh, &io, case, |path| match path {
            "weight" => "source_kernel",
            other => other,
        });
        let how = EmbedderInit::SourceTiled;
        let target = made(|init| source.for_target(channels, how, init));
        let state = modalign::model::state::state(&target);
        let want = io.read_f64(&format!("case{case}.tiled_kernel")).unwrap();
        // initial values are single precision
        let want: Vec<f64> = want.iter().map(|v| f64::from(*v as f32)).collect();
        assert_eq!(state["weight"].iter::<f64>().collect::<Vec<_>>(), want);
        let bias = io.read_f64(&format!("case{case}.bias")).unwrap();
        assert_eq!(state["bias"].iter::<f64>().collect::<Vec<_>>(), bias);
    }
}

#[test]
fn patches_of_signals() {
    let (io, settings) = cases("embedder-1d");
    for (case, setting) in settings.iter().enumerate() {
        let [channels, size, width] = ["channels", "stack", "hidden"].map(|k| number(setting, k));
        let positions = number(setting, "positions");
        let fresh = made(|init| Patch1dEmbedder::blank([width, channels, size], positions, init));
        let embedder = filled(fresh, &io, case, |path| path);
        assert_eq!(
            stack(number(setting, "length"), number(setting, "target")),
            size
        );
        let x = tensor::<3>(&io, &format!("case{case}.x"), &Device::flex(), DTYPE);
        let tokens = embedder.forward(Dual::from(x.unsqueeze_dim::<4>(2)), &Pass::eval());
        let what = format!("case{case}.tokens");
        check("embedder-1d", &what, tokens.values.primal, &io, 1e-12);
    }
}

#[test]
fn stacks_follow_the_smallest_divisor() {
    let text = std::fs::read_to_string(fixture("embedders/embedder-1d").join("stack.json"));
    let table: Value = serde_json::from_str(&text.unwrap()).unwrap();
    let rows = table["length_target_stack"].as_array().unwrap();
    assert!(rows.len() > 100);
    for row in rows {
        let [length, target, want] = [0, 1, 2].map(|i| row[i].as_u64().unwrap() as usize);
        assert_eq!(stack(length, target), want, "{length} {target}");
    }
}

/// Runs a predictor of every case of a fixture and compares `what`.
fn predictors(
    name: &str,
    what: &str,
    spec: impl Fn(&Value) -> PredictorSpec,
    called: fn(&str) -> &str,
) {
    let (io, settings) = cases(name);
    for (case, setting) in settings.iter().enumerate() {
        let x = tensor::<3>(&io, &format!("case{case}.tokens"), &Device::flex(), DTYPE);
        let [_, tokens, features] = x.dims();
        let grid = match setting["grid"].as_array() {
            Some(grid) => [0, 1].map(|i| grid[i].as_u64().unwrap() as usize),
            None => [1, tokens],
        };
        let before = Before {
            features,
            width: features,
            stride: 1,
            stack: setting["stack"].as_u64().unwrap_or(1) as usize,
            tokens: Some(tokens),
        };
        let how = PredictorInit::default();
        let fresh = made(|init| Predictor::new(&spec(setting), before, how, init)).unwrap();
        let predictor = filled(fresh, &io, case, called);
        let outputs = predictor.forward(Tokens::new(x, grid), &Pass::eval());
        check(
            name,
            &format!("case{case}.{what}"),
            outputs.primal,
            &io,
            1e-12,
        );
    }
}

/// `linear.weight` or `projection.weight` → `weight`.
fn leaf(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[test]
fn classification() {
    predictors(
        "predict-classification",
        "logits",
        |setting| PredictorSpec::Classification {
            classes: number(setting, "classes"),
        },
        leaf,
    );
}

#[test]
fn fields() {
    predictors(
        "predict-dense-2d",
        "output",
        |setting| {
            let size = setting["size"].as_array().unwrap();
            PredictorSpec::Dense2d {
                channels: number(setting, "channels"),
                height: size[0].as_u64().unwrap() as usize,
                width: size[1].as_u64().unwrap() as usize,
                upscale: Some(number(setting, "upscale")),
                inner: 3,
            }
        },
        leaf,
    );
}

#[test]
fn signals() {
    predictors(
        "predict-dense-1d",
        "output",
        |setting| PredictorSpec::Dense1d {
            channels: number(setting, "channels"),
            length: number(setting, "tokens") * number(setting, "stack"),
        },
        leaf,
    );
}

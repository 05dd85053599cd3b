//! Both towers against `transformers` and open_clip (fixtures of random weights): three spellings of one model, duals,
//! what is refused, and the way out and back in.

use super::*;
use crate::fixture;
use crate::model::weights::{Array, Outgoing, Weights, write_tensors};
use crate::model::{Opening, folder};
use crate::suite::parts::Activation;
use burn::tensor::TensorData;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

fn loaded(path: &Path, opening: &Opening) -> LoadedTowers {
    load(path, opening, &Device::flex(), DType::F32).unwrap()
}

fn quick() -> Opening {
    Opening {
        activation: Some(Activation::QuickGelu),
        ..Opening::default()
    }
}

/// The fixture's arrays and its token ids.
struct Io {
    weights: Weights,
}

impl Io {
    fn of(folder: &str) -> Self {
        let path = fixture::path(folder).join("io.safetensors");
        Self {
            weights: Weights::open(&path).unwrap(),
        }
    }

    fn tensor<const D: usize>(&self, name: &str) -> Tensor<D> {
        let Array { shape, values } = self.weights.read(name).unwrap();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn ids(&self) -> Tensor<2, Int> {
        let values = self.weights.read_ints("input_ids").unwrap();
        let shape = self.weights.shape("input_ids").unwrap().to_vec();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }
}

fn error(found: Tensor<2>, expected: Tensor<2>) -> f32 {
    assert_eq!(found.dims(), expected.dims());
    (found - expected).abs().max().into_scalar()
}

/// The largest errors of images, texts and logits.
fn errors(towers: &TwoTower, io: &Io) -> [f32; 3] {
    let pass = &mut Pass::eval();
    let image = towers.image_embeds(io.tensor::<4>("pixels"), pass).primal;
    let text = towers.text_embeds(io.ids(), pass).primal;
    let logits = image
        .clone()
        .matmul(text.clone().transpose())
        .mul_scalar(towers.scale());
    let expected = io.tensor::<2>("logits_per_image");
    let largest: f32 = expected.clone().abs().max().into_scalar();
    [
        error(image, io.tensor("image_embeds")),
        error(text, io.tensor("text_embeds")),
        error(logits, expected) / largest,
    ]
}

#[test]
fn both_activations_give_transformers_numbers() {
    for name in ["clip-small-gelu", "clip-small-quickgelu"] {
        let loaded = loaded(&fixture::path(name), &Opening::default());
        let errors = errors(&loaded.towers, &Io::of(name));
        assert!(errors.iter().all(|e| *e < 1e-5), "{name}: {errors:?}");
        assert!(loaded.notes.is_empty(), "{:?}", loaded.notes);
    }
    let wrong = loaded(&fixture::path("clip-small-gelu"), &quick());
    assert!(errors(&wrong.towers, &Io::of("clip-small-gelu"))[0] > 1e-4);
    assert!(
        wrong.notes[0].contains("the description says gelu"),
        "{:?}",
        wrong.notes
    );
}

#[test]
fn three_spellings_are_one_model() {
    let folder = fixture::path("clip-names");
    let io = Io::of("clip-names");
    for (file, opening) in [
        ("hf", Opening::default()),
        ("openai.safetensors", quick()),
        ("open_clip.pt", quick()),
    ] {
        let loaded = loaded(&folder.join(file), &opening);
        let errors = errors(&loaded.towers, &io);
        assert!(errors.iter().all(|e| *e < 1e-5), "{file}: {errors:?}");
    }
}

#[test]
fn an_archive_of_modules_tells_its_activation_and_is_not_executed() {
    let folder = fixture::path("clip-torchscript");
    let loaded = loaded(&folder.join("archive.pt"), &Opening::default());
    assert_eq!(loaded.config.text.activation, Activation::QuickGelu);
    let told = &loaded.notes[0];
    assert!(told.contains("QuickGELU among its modules"), "{told}");
    let errors = errors(&loaded.towers, &Io::of("clip-torchscript"));
    assert!(errors.iter().all(|e| *e < 1e-5), "{errors:?}");
}

#[test]
fn an_activation_that_nothing_tells_is_demanded() {
    let path = fixture::path("clip-names").join("open_clip.pt");
    let opening = Opening::default();
    let told = match load(&path, &opening, &Device::flex(), DType::F32) {
        Err(e) => e.to_string(),
        Ok(_) => panic!("loaded"),
    };
    assert!(told.contains("--activation quick_gelu"), "{told}");
    assert!(is_two_tower(&path, &opening).unwrap());
    // The image tower alone too.
    assert!(folder::open(&path, &opening).is_err());
    let files = folder::open(&path, &quick()).unwrap();
    assert!(
        files.notes.iter().any(|note| note.contains("image tower")),
        "{:?}",
        files.notes
    );
}

#[test]
fn the_image_tower_alone_is_that_of_both() {
    let (folder, io) = (fixture::path("clip-names"), Io::of("clip-names"));
    let both = loaded(&folder.join("hf"), &Opening::default()).towers;
    let pixels = io.tensor::<4>("pixels");
    let pass = &mut Pass::eval();
    let tokens = both.image.embedder.forward(pixels.clone(), pass);
    let expected = both.image.encoder.features(tokens, pass).primal;
    for (file, opening) in [("hf", Opening::default()), ("open_clip.pt", quick())] {
        let files = folder::open(&folder.join(file), &opening).unwrap();
        let model = crate::model::load::opened(files, &Device::flex(), DType::F32).unwrap();
        let found = model.model.network.features(pixels.clone(), pass).primal;
        assert!(error(found, expected.clone()) < 1e-5, "{file}");
    }
}

#[test]
fn what_goes_out_comes_back_byte_for_byte() {
    let (own, io) = (fixture::path("clip-names"), Io::of("clip-names"));
    let folder = tempfile::tempdir().unwrap();
    let hf = loaded(&own.join("hf"), &Opening::default());
    export(&hf, None, folder.path()).unwrap();
    let tensors = |path: &Path| Weights::open(&path.join("model.safetensors")).unwrap();
    let (out, came) = (tensors(folder.path()), tensors(&own.join("hf")));
    let names: Vec<&str> = came.names().collect();
    assert_eq!(out.names().collect::<Vec<_>>(), names);
    for name in names {
        assert_eq!(out.shape(name), came.shape(name), "{name}");
        assert_eq!(out.dtype(name), came.dtype(name), "{name}");
        assert_eq!(out.read(name).unwrap(), came.read(name).unwrap(), "{name}");
    }
    let config = |path: PathBuf| std::fs::read(path.join("config.json")).unwrap();
    assert_eq!(config(folder.path().into()), config(own.join("hf")));

    // OpenAI's names become Hugging Face's, in their own types.
    let folder = tempfile::tempdir().unwrap();
    export(
        &loaded(&own.join("openai.safetensors"), &quick()),
        None,
        folder.path(),
    )
    .unwrap();
    let again = loaded(folder.path(), &Opening::default());
    let errors = errors(&again.towers, &io);
    assert!(errors.iter().all(|e| *e < 1e-5), "{errors:?}");
    let out = tensors(folder.path());
    let half = "vision_model.encoder.layers.0.self_attn.q_proj.weight";
    assert_eq!(out.dtype(half), Some(crate::model::weights::Dtype::F16));
    assert_eq!(
        out.dtype("visual_projection.weight"),
        Some(crate::model::weights::Dtype::F16)
    );
}

#[test]
fn tensors_without_a_place_are_refused() {
    let own = Weights::open(&fixture::path("clip-names").join("openai.safetensors")).unwrap();
    let arrays: Vec<(String, Array)> = own
        .names()
        .filter_map(|name| Some((name.to_string(), own.read(name).ok()?)))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    for (name, drop) in [
        ("visual.attnpool.weight", None),
        ("decoder.weight", None),
        ("", Some("text_projection")),
        ("", Some("ln_final.bias")),
    ] {
        let mut all: Vec<Outgoing> = arrays
            .iter()
            .filter(|(name, _)| Some(name.as_str()) != drop)
            .map(|(name, array)| {
                let dtype = crate::model::weights::Dtype::F32;
                Outgoing::floats(name.clone(), dtype, array.shape.clone(), &array.values)
            })
            .collect();
        if !name.is_empty() {
            let dtype = crate::model::weights::Dtype::F32;
            all.push(Outgoing::floats(
                name.to_string(),
                dtype,
                vec![2, 2],
                &[0.0; 4],
            ));
        }
        let path = folder.path().join("x.safetensors");
        write_tensors(&path, all, HashMap::new()).unwrap();
        let told = match load(&path, &quick(), &Device::flex(), DType::F32) {
            Err(e) => e.to_string(),
            Ok(_) => panic!("loaded with {name:?} without {drop:?}"),
        };
        assert!(told.contains(drop.unwrap_or(name)), "{told}");
    }
}

/// Moves every parameter along a direction; the tangent is the slope of that.
#[test]
fn duals_equal_central_differences() {
    use crate::model::state::{parameters, state, with_state};
    use burn::module::{Module, ModuleVisitor};
    use burn::optim::GradientsParams;
    struct Directions(
        GradientsParams,
        HashMap<String, Vec<f64>>,
        crate::model::state::Trail,
        f64,
    );
    impl ModuleVisitor for Directions {
        fn enter_module(&mut self, name: &str, container: &str) {
            self.2.enter(name, container);
        }
        fn exit_module(&mut self, _: &str, container: &str) {
            self.2.exit(container);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let value = param.val();
            let shape = value.dims();
            let count = shape.iter().product::<usize>();
            let mut next = || {
                self.3 = (self.3 * 997.0 + 0.137).fract();
                self.3 - 0.5
            };
            let way: Vec<f64> = (0..count).map(|_| 0.1 * next()).collect();
            let data = TensorData::new(way.clone(), shape.to_vec());
            let device = value.device();
            self.0.register(
                param.id,
                Tensor::<D>::from_data(data, (&device, DType::F64)),
            );
            self.1.insert(self.2.path(), way);
        }
    }
    let (name, device) = ("clip-small-quickgelu", Device::flex());
    let io = Io::of(name);
    let towers = load(
        &fixture::path(name),
        &Opening::default(),
        &device,
        DType::F64,
    )
    .unwrap()
    .towers;
    let mut ways = Directions(
        GradientsParams::new(),
        HashMap::new(),
        Default::default(),
        0.3,
    );
    towers.visit(&mut ways);
    assert_eq!(ways.1.len(), parameters(&towers).len());
    let pixels = io.tensor::<4>("pixels").cast(DType::F64);
    let outputs = |towers: &TwoTower, pass: &mut Pass| {
        let image = towers.image_embeds(pixels.clone(), pass);
        Dual::cat(vec![image, towers.text_embeds(io.ids(), pass)], 0)
    };
    let tangent = outputs(&towers, &mut Pass::eval().along(&ways.0))
        .tangent
        .unwrap();
    let moved = |h: f64| {
        let mut arrays = state(&towers);
        for (path, data) in &mut arrays {
            let values: Vec<f64> = data
                .iter::<f64>()
                .zip(&ways.1[path])
                .map(|(v, d)| v + h * d)
                .collect();
            *data = TensorData::new(values, data.shape().to_vec());
        }
        let there = with_state(towers.clone(), arrays, DType::F64, Path::new("")).unwrap();
        outputs(&there, &mut Pass::eval()).primal
    };
    let h = 1e-5;
    let slope = (moved(h) - moved(-h)).mul_scalar(0.5 / h);
    let largest: f64 = slope.clone().abs().max().into_scalar();
    let error: f64 = (slope - tangent).abs().max().into_scalar();
    assert!(error < 1e-7 * largest.max(1.0), "{error} of {largest}");
}

#[test]
fn openais_sizes_have_their_parameters() {
    let count = |config: &TwoTowerConfig| {
        let device = Device::flex();
        let mut init = Init {
            device: &device,
            dtype: DType::F32,
            rng: None,
        };
        state::size(&TwoTower::build(config, &mut init))
    };
    let text = |map: serde_json::Value| {
        crate::model::architecture::clip::ClipTextConfig::read(
            &crate::model::keys::Keys::new(map.as_object().unwrap()),
            "",
        )
        .unwrap()
    };
    let plain = TwoTowerConfig {
        image: crate::model::VitConfig::clip(),
        text: text(serde_json::json!({})),
        projection: 512,
    };
    assert_eq!(count(&plain), 151_277_313);
    let sixteen = TwoTowerConfig {
        image: crate::model::VitConfig {
            patch_size: 16,
            ..plain.image.clone()
        },
        ..plain
    };
    assert_eq!(count(&sixteen), 149_620_737);
    let large = TwoTowerConfig {
        image: crate::model::VitConfig {
            patch_size: 14,
            hidden_size: 1024,
            num_hidden_layers: 24,
            num_attention_heads: 16,
            intermediate_size: 4096,
            ..sixteen.image.clone()
        },
        text: text(serde_json::json!({
            "hidden_size": 768, "num_attention_heads": 12, "intermediate_size": 3072,
        })),
        projection: 768,
    };
    assert_eq!(count(&large), 427_616_513);
}

#[test]
fn ids_that_no_table_has_are_refused() {
    let towers = loaded(&fixture::path("clip-small-gelu"), &Opening::default()).towers;
    towers.check_ids(&[198, 3, 199, 0], 4).unwrap();
    for (ids, length, part) in [
        (vec![198, 3, 199, 200], 4, "vocabulary"),
        (vec![198, 3, 199, -1], 4, "vocabulary"),
        (vec![198, 3, 4, 5], 4, "text 0"),
        (vec![199; 21], 21, "20"),
    ] {
        let told = towers.check_ids(&ids, length).unwrap_err().to_string();
        assert!(told.contains(part), "{told}");
    }
}

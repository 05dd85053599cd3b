//! HarMA's adapters in their three variants, their losses and all gradients, against float64 PyTorch
//! (`make_clip_fixtures.py`, `harma`, `harma-losses`).

use super::clip::{ids, towers};
use super::{check, fixture, io, tensor};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{DType, Device, Tensor, TensorData};
use modalign::model::adapters::harma::released_name;
use modalign::model::adapters::{Form, Harma, HarmaShape, Share};
use modalign::model::architecture::clip::openai::Tower;
use modalign::model::state::{self, gradients, with_state};
use modalign::model::two_tower::{self, TwoTower};
use modalign::model::weights::Weights;
use modalign::model::{Opening, Pass};
use modalign::transfer::objectives::pairs::{SameImage, Triplet, adaptive_triplet, contrastive};
use serde_json::Value;
use std::collections::BTreeMap;

fn expected(name: &str) -> Value {
    let text = std::fs::read_to_string(fixture(name).join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The fixture's name of one of our parameters.
fn theirs(path: &str) -> String {
    if path == "temperature" {
        return "temp".into();
    }
    path.replace("image.", "visual.")
        .replace("attention.in_proj.", "attn.in_proj_")
        .replace("attention.", "attn.")
}

/// The fixture's adapters of a variant, on the tracked device.
fn adapters(form: Form, share: Share, dtype: DType) -> Harma {
    let (device, expected) = (Device::flex(), expected("harma"));
    let number = |key: &str| expected[key].as_u64().unwrap() as usize;
    let shape = HarmaShape {
        form,
        share,
        rank: number("adapter_rank"),
        share_rank: number("share_rank"),
        heads: number("adapter_heads"),
    };
    let files = two_tower::open(&fixture("harma"), &Opening::default()).unwrap();
    let fresh = Harma::new(&files.config, shape, 0, &device, dtype).unwrap();
    let weights = Weights::open(&fixture("harma").join("adapters.safetensors")).unwrap();
    let arrays: BTreeMap<String, TensorData> = state::parameters(&fresh)
        .into_iter()
        .map(|(path, shape)| {
            let values = weights.read_f64(&theirs(&path)).unwrap();
            (path, TensorData::new(values, shape))
        })
        .collect();
    with_state(fresh, arrays, dtype, "fixture".as_ref())
        .unwrap()
        .unfreeze()
        .train()
}

fn embeds(towers: &TwoTower, adapters: &Harma, dtype: DType) -> [Tensor<2>; 2] {
    let pixels = tensor::<4>(&io("harma"), "pixels", &Device::flex(), dtype);
    let [image, text] = [Tower::Image, Tower::Text].map(|tower| adapters.of(tower));
    let pixels = Tensor::<4>::from_inner(pixels);
    let image = towers
        .image_embeds(pixels, &mut Pass::eval().with(&image))
        .primal;
    let text = towers
        .text_embeds(ids("harma", "input_ids"), &mut Pass::eval().with(&text))
        .primal;
    [image, text]
}

#[test]
fn three_variants_embeddings_losses_and_gradients() {
    let same = SameImage::of(io("harma").read_ints("image_ids").unwrap());
    let told = expected("harma");
    for (variant, form, share) in [
        ("released", Form::Released, Share::Text),
        ("released_shared", Form::Released, Share::Both),
        ("paper", Form::Paper, Share::Both),
    ] {
        let towers = state::constant(towers(&fixture("harma"), None, DType::F64));
        let adapters = adapters(form, share, DType::F64);
        let [image, text] = embeds(&towers, &adapters, DType::F64);
        let io = io("harma");
        check(
            "harma",
            &format!("{variant}.image_embeds"),
            image.clone().inner(),
            &io,
            1e-10,
        );
        check(
            "harma",
            &format!("{variant}.text_embeds"),
            text.clone().inner(),
            &io,
            1e-10,
        );
        let scores = image.matmul(text.transpose());
        let temperature = adapters.temperature(&Pass::eval()).primal;
        let soft = contrastive(scores.clone(), temperature, &same).unwrap();
        let triplet = adaptive_triplet(scores, &same, Triplet::default()).unwrap();
        let number = |key: &str| told["variants"][variant][key].as_f64().unwrap();
        for (key, loss) in [("loss_contrastive", &soft), ("loss_triplet", &triplet)] {
            let found = state::scalar(loss.clone().inner());
            let error = (found - number(key)).abs() / number(key).abs().max(1.0);
            println!("{:>22} {variant}.{key} relative error {error:.2e}", "harma");
            assert!(error < 1e-10, "{variant} {key}: {found}");
        }
        let mut grads = (soft + triplet).backward();
        let grads = GradientsParams::from_module(&mut grads, &adapters);
        let found = gradients(&adapters, &grads);
        let wanted = |path: &str| {
            io.read_f64(&format!("{variant}.grad.{}", theirs(path)))
                .unwrap()
        };
        let largest = found
            .keys()
            .flat_map(|path| wanted(path))
            .fold(0.0f64, |a, v| a.max(v.abs()));
        let mut worst = 0.0f64;
        for (path, data) in &found {
            let pairs = data.iter::<f64>().zip(wanted(path));
            worst = pairs.fold(worst, |a, (x, y)| a.max((x - y).abs()));
        }
        println!(
            "{:>22} {variant}: {} gradients, worst {:.2e} of the largest",
            "harma",
            found.len(),
            worst / largest
        );
        assert_eq!(found.len(), state::parameters(&adapters).len());
        assert!(worst < 1e-9 * largest, "{variant}: {worst} of {largest}");
    }
}

#[test]
fn parts_of_a_batch_give_the_gradient_of_the_whole() {
    use modalign::transfer::objectives::cached;
    let (io, dtype) = (io("harma"), DType::F64);
    let same = SameImage::of(io.read_ints("image_ids").unwrap());
    let plain = towers(&fixture("harma"), None, dtype);
    let tracked = state::constant(plain.clone());
    let adapters = adapters(Form::Paper, Share::Both, dtype);
    let valid = adapters.valid();
    let pixels = tensor::<4>(&io, "pixels", &Device::flex(), dtype);
    let texts = ids("harma", "input_ids");
    let batch = pixels.dims()[0];
    let embed =
        |towers: &TwoTower, adapters: &Harma, track: bool, rows: &std::ops::Range<usize>| {
            let [image, text] = [Tower::Image, Tower::Text].map(|tower| adapters.of(tower));
            let (first, count) = (rows.start, rows.len());
            let pixels = pixels.clone().narrow(0, first, count);
            let pixels = if track {
                Tensor::<4>::from_inner(pixels)
            } else {
                pixels
            };
            let ids = texts.clone().narrow(0, first, count);
            let image = towers
                .image_embeds(pixels, &mut Pass::eval().with(&image))
                .primal;
            [
                image,
                towers
                    .text_embeds(ids, &mut Pass::eval().with(&text))
                    .primal,
            ]
        };
    let loss = |[image, text]: [Tensor<2>; 2]| {
        let scores = image.matmul(text.transpose());
        let temperature = adapters.temperature(&Pass::eval()).primal;
        let soft = contrastive(scores.clone(), temperature, &same)?;
        Ok(soft + adaptive_triplet(scores, &same, Triplet::default())?)
    };
    let of = |parts: &[std::ops::Range<usize>]| {
        let plain = |rows: &std::ops::Range<usize>| embed(&plain, &valid, false, rows);
        let tracked = |rows: &std::ops::Range<usize>| embed(&tracked, &adapters, true, rows);
        let (loss, grads) = cached::gradients(&adapters, parts, plain, tracked, loss).unwrap();
        (state::scalar(loss), gradients(&adapters, &grads))
    };
    let every = 0..batch;
    let (whole, expected) = of(std::slice::from_ref(&every));
    let number = |key: &str| {
        self::expected("harma")["variants"]["paper"][key]
            .as_f64()
            .unwrap()
    };
    assert!((whole - number("loss_total")).abs() < 1e-9);
    for parts in [vec![0..2, 2..batch], (0..batch).map(|i| i..i + 1).collect()] {
        let (loss, found) = of(&parts);
        assert!((loss - whole).abs() < 1e-12);
        let largest = expected
            .values()
            .flat_map(|d| d.iter::<f64>())
            .fold(0.0f64, |a, v| a.max(v.abs()));
        for (path, want) in &expected {
            let pairs = found[path].iter::<f64>().zip(want.iter::<f64>());
            let worst = pairs.fold(0.0f64, |a, (x, y)| a.max((x - y).abs()));
            assert!(worst < 1e-12 * largest.max(1.0), "{path}: {worst}");
        }
        // The whole batch's gradients are the fixture's, too.
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn single_precision_by_the_fused_kernels() {
    let towers = state::constant(towers(&fixture("harma"), None, DType::F32));
    for (variant, form, share) in [
        ("released", Form::Released, Share::Text),
        ("paper", Form::Paper, Share::Both),
    ] {
        let [image, text] = embeds(&towers, &adapters(form, share, DType::F32), DType::F32);
        check(
            "harma f32",
            &format!("{variant}.image_embeds"),
            image.inner(),
            &io("harma"),
            1e-5,
        );
        check(
            "harma f32",
            &format!("{variant}.text_embeds"),
            text.inner(),
            &io("harma"),
            1e-5,
        );
    }
}

#[test]
fn fresh_adapters_change_no_bit_and_have_the_published_number_of_parameters() {
    let files = two_tower::open(&fixture("harma"), &Opening::default()).unwrap();
    let shape = HarmaShape {
        rank: 16,
        share_rank: 8,
        heads: 2,
        ..HarmaShape::default()
    };
    let (device, dtype) = (Device::flex(), DType::F32);
    let fresh = Harma::new(&files.config, shape, 1, &device, dtype).unwrap();
    let towers = towers(&fixture("harma"), None, dtype);
    let pixels = tensor::<4>(&io("harma"), "pixels", &device, dtype);
    let with = fresh.of(Tower::Image);
    let with = towers
        .image_embeds(pixels.clone(), &mut Pass::eval().with(&with))
        .primal;
    let without = towers.image_embeds(pixels, &mut Pass::eval()).primal;
    assert_eq!(with.into_data().as_bytes(), without.into_data().as_bytes());

    let plain = modalign::model::two_tower::TwoTowerConfig {
        image: modalign::model::VitConfig::clip(),
        ..files.config
    };
    let text = plain.text.clone();
    let openai = two_tower::TwoTowerConfig {
        text: modalign::model::architecture::clip::ClipTextConfig {
            hidden_size: 512,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            intermediate_size: 2048,
            ..text
        },
        ..plain
    };
    for share in [Share::Both, Share::Text] {
        let shape = HarmaShape {
            share,
            ..HarmaShape::default()
        };
        let adapters = Harma::new(&openai, shape, 0, &device, dtype).unwrap();
        assert_eq!(state::size(&adapters), 5_934_397);
    }
}

#[test]
fn parameters_have_the_released_names() {
    let told = expected("harma");
    let names = told["names_in_released_checkpoint"].as_object().unwrap();
    let adapters = adapters(Form::Released, Share::Text, DType::F32);
    let paths = state::parameters(&adapters);
    assert_eq!(paths.len(), names.len());
    for (path, _) in paths {
        assert_eq!(names[&theirs(&path)], Value::from(released_name(&path)));
    }
}

#[test]
fn losses_of_scores() {
    let (told, io) = (expected("harma-losses"), io("harma-losses"));
    let device = Device::flex();
    let of = |values: Vec<f64>, n: usize| {
        let data = TensorData::new(values, [n, n]);
        let plain = Tensor::<2>::from_data(data, (&device, DType::F64));
        Tensor::<2>::from_inner(plain).require_grad()
    };
    let close = |what: &str, found: f64, want: &Value| {
        let want = want.as_f64().unwrap();
        let error = (found - want).abs();
        println!("{:>22} {what:<36} error {error:.2e}", "harma-losses");
        assert!(
            error < 1e-9 * want.abs().max(1.0),
            "{what}: {found} and {want}"
        );
    };
    let rows = |value: &Value| -> Vec<f64> {
        let rows = value.as_array().unwrap().iter();
        rows.flat_map(|row| row.as_array().unwrap())
            .map(|v| v.as_f64().unwrap())
            .collect()
    };
    let three = of(rows(&told["three"]["scores"]), 3);
    let loss = adaptive_triplet(three.clone(), &SameImage::never(3), Triplet::default()).unwrap();
    close(
        "three",
        state::scalar(loss.clone().inner()),
        &told["three"]["loss"],
    );
    let grads = loss.backward();
    let found: Vec<f64> = three
        .grad(&grads)
        .unwrap()
        .into_data()
        .iter::<f64>()
        .collect();
    for (x, y) in found.iter().zip(rows(&told["three"]["gradient"])) {
        assert!((x - y).abs() < 1e-12, "{x} and {y}");
    }

    let same = SameImage::of(io.read_ints("image_ids").unwrap());
    let sixteen = &told["sixteen"];
    let temperature = sixteen["temperature"].as_f64().unwrap();
    let tau = || {
        let data = TensorData::new(vec![temperature], [1]);
        let plain = Tensor::<1>::from_data(data, (&device, DType::F64));
        Tensor::<1>::from_inner(plain).require_grad()
    };
    let scores = || of(io.read_f64("scores").unwrap(), 16);
    let (s, t) = (scores(), tau());
    let loss = contrastive(s.clone(), t.clone(), &same).unwrap();
    close(
        "contrastive_soft",
        state::scalar(loss.clone().inner()),
        &sixteen["contrastive_soft"],
    );
    let grads = loss.backward();
    let found = state::scalar(t.grad(&grads).unwrap());
    close(
        "contrastive_soft_grad_temperature",
        found,
        &sixteen["contrastive_soft_grad_temperature"],
    );
    check(
        "harma-losses",
        "contrastive.grad_scores",
        s.grad(&grads).unwrap(),
        &io,
        1e-9,
    );
    let hard = contrastive(scores(), tau(), &SameImage::never(16)).unwrap();
    close(
        "contrastive_diagonal_only",
        state::scalar(hard.inner()),
        &sixteen["contrastive_diagonal_only"],
    );
    for (key, same_image) in [("triplet", true), ("triplet_same_image_ignored", false)] {
        let settings = Triplet {
            same_image,
            ..Triplet::default()
        };
        let s = scores();
        let loss = adaptive_triplet(s.clone(), &same, settings).unwrap();
        close(key, state::scalar(loss.clone().inner()), &sixteen[key]);
        let grads = loss.backward();
        check(
            "harma-losses",
            &format!("{key}.grad_scores"),
            s.grad(&grads).unwrap(),
            &io,
            1e-9,
        );
    }
}

//! ViT, DeiT, masked autoencoders and DINOv2 against `transformers`, and all of them against timm, on every device of
//! this build: at their own size, at another (positions interpolated), after a round trip, and as sources of targets.

use super::swin::{compare, on_all_devices};
use super::{check, fixture, io, tensor};
use burn::tensor::{DType, Device};
use modalign::model::preprocess::Recorded;
use modalign::model::weights::Weights;
use modalign::model::{Model, Opening, Pass, Target, folder, load, save, state};
use modalign::suite::parts::{Pooling, PredictorSpec};
use std::path::Path;

/// Every fixture, and how its publisher pools.
const CASES: [(&str, Pooling); 27] = [
    ("vit-classes", Pooling::First),
    ("vit-bare", Pooling::First),
    ("vit-wide", Pooling::First),
    ("deit-classes", Pooling::First),
    ("deit-bare", Pooling::First),
    ("deit-wide", Pooling::First),
    ("deit-teacher", Pooling::First),
    ("mae-bare", Pooling::First),
    ("mae-odd", Pooling::First),
    ("mae-pretraining", Pooling::First),
    ("dinov2-classes", Pooling::FirstAndMean),
    ("dinov2-bare", Pooling::First),
    ("dinov2-gated", Pooling::First),
    ("dinov2-registers", Pooling::First),
    ("dinov2-registers-classes", Pooling::FirstAndMean),
    ("clip-quick", Pooling::First),
    ("clip-gelu", Pooling::First),
    ("clip-whole", Pooling::First),
    ("timm-token", Pooling::First),
    ("timm-average", Pooling::Mean),
    ("timm-gap", Pooling::Mean),
    ("timm-distilled", Pooling::ClassAndDistillation),
    ("timm-deit3", Pooling::First),
    ("timm-clip", Pooling::First),
    ("timm-registers", Pooling::First),
    ("timm-dinov2", Pooling::First),
    ("timm-gated", Pooling::First),
];

const BOUND: f64 = 1e-5;

/// The outputs for an image of another size.
fn other(name: &str, model: &Model, io: &Weights, device: &Device) {
    let pass = &mut Pass::eval();
    let x = tensor::<4>(io, "other.pixels", device, DType::F32);
    let tokens = model.network.embedder.forward(x, pass);
    let embedded = tokens.values.primal.clone();
    check(name, "other.embedded", embedded, io, BOUND);
    let last = model.network.encoder.encode(tokens, pass).values.primal;
    check(name, "other.last_hidden_state", last, io, BOUND);
}

#[test]
fn every_vit_gives_its_publishers_numbers() {
    on_all_devices(|device| {
        for (case, pooling) in CASES {
            let name = format!("vit/{case}");
            let io = io(&name);
            compare(&name, &fixture(&name), &io, device, DType::F32, BOUND);
            let model = load::load(&fixture(&name), device, DType::F32)
                .unwrap()
                .model;
            assert_eq!(model.config.shape().pooling(), pooling, "{name}");
            assert_eq!(io.shape("logits").is_some(), model.classes().is_some());
            other(&name, &model, &io, device);
        }
    });
}

/// Files as the authors of DINO and DINOv2 publish them, whose heads nothing tells: their numbers at their own size and
/// at another, and again from the folder that is written of them, which is in timm's names.
#[test]
fn authors_own_files_give_their_numbers_and_are_written_for_timm() {
    let device = Device::flex();
    for (case, heads) in [
        ("original-dinov2", 2),
        ("original-registers", 3),
        ("dino_small_pretrain", 2),
    ] {
        let name = format!("vit/{case}");
        let io = io(&name);
        let opening = Opening {
            heads: Some(heads),
            ..Opening::default()
        };
        let files = folder::open(&fixture(&name), &opening).unwrap();
        let loaded = load::opened(files, &device, DType::F32).unwrap();
        let home = tempfile::tempdir().unwrap();
        save::export(&loaded, &Recorded::Own, None, home.path()).unwrap();
        let again = load::load(home.path(), &device, DType::F32).unwrap();
        for model in [&loaded.model, &again.model] {
            other(&name, model, &io, &device);
        }
        compare(&name, home.path(), &io, &device, DType::F32, BOUND);
        let written = Weights::in_folder(home.path()).unwrap();
        let timms = |name: &str| !name.contains("w12") && name != "register_tokens";
        assert!(written.names().all(timms), "{name}");
        let text = std::fs::read_to_string(home.path().join("config.json")).unwrap();
        let apart = text.contains("\"no_embed_class\": true");
        assert_eq!(apart, case == "original-registers", "{text}");
        assert_eq!(
            state::size(&again.model.network) < state::size(&loaded.model.network),
            apart
        );
    }
}

/// A target of timm's distilled DeiT has one classifier, and timm's class two: timm is told of the encoder alone.
#[test]
fn one_classifier_of_a_distilled_model_is_no_class_of_timms() {
    let device = Device::flex();
    let source = load::load(&fixture("vit/timm-distilled"), &device, DType::F32);
    let predictor = PredictorSpec::Classification { classes: 6 };
    let target = Target::new([3, 16, 16], predictor);
    let model = source.unwrap().model.for_target(&target, 3).unwrap();
    let home = tempfile::tempdir().unwrap();
    let labels: Vec<String> = (0..6).map(|k| format!("class {k}")).collect();
    save::save(&model, &labels, home.path()).unwrap();
    let text = std::fs::read_to_string(home.path().join("config.json")).unwrap();
    let keys: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(keys["num_classes"], 0);
    assert_eq!(keys["architectures"][0], "TimmWrapperModel");
    let again = load::load(home.path(), &device, DType::F32).unwrap();
    assert_eq!((again.model.classes(), &again.labels), (Some(6), &labels));
}

/// Names, types and bytes of all tensors of a folder.
fn bytes(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("model.safetensors")).unwrap()
}

#[test]
fn exported_and_saved_vits_are_what_they_were() {
    let device = Device::flex();
    for (case, _) in CASES {
        let name = format!("vit/{case}");
        let home = tempfile::tempdir().unwrap();
        let loaded = load::load(&fixture(&name), &device, DType::F32).unwrap();
        let original = Weights::in_folder(&fixture(&name)).unwrap();
        let [once, twice, own] = ["once", "twice", "own"].map(|part| home.path().join(part));
        save::export(&loaded, &Recorded::Own, None, &once).unwrap();
        let exported = Weights::in_folder(&once).unwrap();
        for tensor in exported.names() {
            assert_eq!(exported.shape(tensor), original.shape(tensor), "{name}");
            assert_eq!(
                exported.read(tensor).unwrap(),
                original.read(tensor).unwrap()
            );
        }
        let left: Vec<&str> = original
            .names()
            .filter(|n| exported.shape(n).is_none())
            .collect();
        assert!(
            left.iter().all(|n| loaded.ignored.iter().any(|i| i == n)),
            "{left:?}"
        );
        let again = load::load(&once, &device, DType::F32).unwrap();
        save::export(&again, &Recorded::Own, None, &twice).unwrap();
        assert_eq!(bytes(&once), bytes(&twice), "{name}: not a byte differs");
        compare(&name, &once, &io(&name), &device, DType::F32, BOUND);
        // What a run writes: published names, and the keys of its config.json anew.
        save::save(&loaded.model, &loaded.labels, &own).unwrap();
        compare(&name, &own, &io(&name), &device, DType::F32, BOUND);
        let model = load::load(&own, &device, DType::F32).unwrap().model;
        let shape = model.config.shape();
        assert_eq!(
            shape.pooling(),
            loaded.model.config.shape().pooling(),
            "{name}"
        );
        assert_eq!(
            state::parameters(&model.network),
            state::parameters(&loaded.model.network)
        );
    }
}

#[test]
fn targets_of_other_channels_and_sizes_start_from_the_source() {
    let device = Device::flex();
    for (case, _) in CASES {
        let name = format!("vit/{case}");
        let source = load::load(&fixture(&name), &device, DType::F32)
            .unwrap()
            .model;
        let channels = source.network.embedder.channels();
        for predictor in [
            PredictorSpec::Classification { classes: 6 },
            PredictorSpec::Dense2d {
                channels: 1,
                height: 30,
                width: 20,
                upscale: None,
                inner: 3,
            },
        ] {
            let target = Target::new([channels + 1, 26, 18], predictor.clone());
            let model = source.for_target(&target, 3).unwrap();
            let x = burn::tensor::Tensor::<4>::ones([2, channels + 1, 26, 18], &device);
            let outputs = model.network.forward(x.clone(), &mut Pass::eval()).primal;
            assert_eq!(outputs.dims(), [2, predictor.outputs()], "{name}");
            let home = tempfile::tempdir().unwrap();
            save::save(&model, &[], home.path()).unwrap();
            let again = load::load(home.path(), &device, DType::F32).unwrap().model;
            let same = again.network.forward(x, &mut Pass::eval()).primal;
            assert_eq!(same.into_data(), outputs.into_data(), "{name}");
        }
        // The source's own samples go on as they went.
        let io = io(&name);
        let x = tensor::<4>(&io, "other.pixels", &device, DType::F32);
        let [_, _, height, width] = x.dims();
        let predictor = PredictorSpec::Classification { classes: 2 };
        let target = Target::new([channels, height, width], predictor);
        let model = source.for_target(&target, 3).unwrap();
        other(&name, &model, &io, &device);
    }
}

use super::*;
use crate::dataset::images;
use crate::dataset::pictured::Lens;
use crate::fixture;
use crate::model::SwinConfig;
use crate::suite::preprocess::{CropRule, Origin};
use crate::suite::preprocess::{Interpolation, Resize};
use serde_json::json;

fn config() -> Architecture {
    let swin: SwinConfig = serde_json::from_value(json!({
        "image_size": 32, "patch_size": 4, "embed_dim": 8,
        "depths": [1, 1], "num_heads": [1, 2], "window_size": 4,
    }))
    .unwrap();
    swin.into()
}

fn folder(files: &[(&str, Value)]) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    for (name, value) in files {
        std::fs::write(home.path().join(name), value.to_string()).unwrap();
    }
    home
}

fn found(files: &[(&str, Value)]) -> Result<Found, ModelError> {
    beside(folder(files).path(), &config())
}

#[test]
fn values_are_those_of_transformers_and_timm() {
    let cases = fixture::json("preprocess/cases.json");
    for (number, case) in cases.as_array().unwrap().iter().enumerate() {
        let text = |key: &str| case[key].as_str().unwrap();
        let how = found(&[(text("file"), case["keys"].clone())]).unwrap().how;
        let path = format!("preprocess/pictures/{}", text("picture"));
        let picture = images::decode(&fixture::path(&path)).unwrap();
        let want = fixture::npz("preprocess/prepared.npz", &number.to_string());
        let size = picture.header.size;
        assert_eq!(&how.output(size), &want.shape()[1..], "{case}");
        let mut got = vec![0.0; want.len()];
        let lens = Lens::new(&how, 3, "pictures").unwrap();
        lens.apply(&picture.planes, size, &mut got).unwrap();
        let scale = want.iter().fold(0.0f64, |a, v| a.max(v.abs()));
        let apart = got
            .iter()
            .zip(&want)
            .map(|(a, b)| (f64::from(*a) - b).abs());
        let error = apart.fold(0.0, f64::max) / scale;
        assert!(error < 1e-6, "{error}: {case}");
    }
}

#[test]
fn the_nested_processor_counts_before_the_flat_one() {
    let keys = |mean: f64| json!({ "image_processor_type": "ViTImageProcessor", "image_mean": vec![mean; 3] });
    let nested = (
        "processor_config.json",
        json!({ "image_processor": keys(0.25) }),
    );
    let flat = ("preprocessor_config.json", keys(0.75));
    let mean = |files: &[(&str, Value)]| found(files).unwrap().how.mean;
    assert_eq!(mean(&[nested.clone(), flat.clone()]), [0.25; 3]);
    assert_eq!(mean(std::slice::from_ref(&flat)), [0.75; 3]);
    let other = ("processor_config.json", json!({ "tokenizer": {} }));
    assert_eq!(mean(&[other, flat]), [0.75; 3]);
}

#[test]
fn the_files_before_transformers_4_and_null_keys_are_read() {
    let old = json!({
        "feature_extractor_type": "ViTFeatureExtractor", "do_normalize": true, "do_resize": true,
        "image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225],
        "resample": 3, "size": 48,
    });
    let how = found(&[("preprocessor_config.json", old)]).unwrap().how;
    assert_eq!(how.resize, Resize::Exact([48, 48]));
    assert_eq!(how.interpolation, Interpolation::Bicubic);
    let fast = json!({
        "image_processor_type": "ViTImageProcessorFast", "crop_size": null, "do_center_crop": null,
        "image_mean": null, "size": { "height": 32, "width": 32 }, "resample": null, "do_pad": null,
    });
    let how = found(&[("preprocessor_config.json", fast)]).unwrap();
    assert_eq!((how.how.crop, how.notes.len()), (None, 0));
    assert_eq!(how.how.mean, [0.5; 3]);
}

#[test]
fn other_sizes_and_unknown_classes_are_told() {
    let keys = json!({ "image_processor_type": "MyImageProcessor", "size": 64 });
    let home = folder(&[("preprocessor_config.json", keys)]);
    let place = home.path().to_str().unwrap();
    let notes = of(place, &config(), None).unwrap().notes.join("\n");
    assert!(notes.contains("MyImageProcessor"), "{notes}");
    assert!(
        notes.contains("64 × 64") && notes.contains("32 × 32"),
        "{notes}"
    );
    let asked = of(place, &config(), Some(48)).unwrap().how;
    assert_eq!(asked.fixed_size(), Some([48, 48]));
}

#[test]
fn ours_foreign_ones_and_guesses_are_told_apart() {
    let origin = |files: &[(&str, Value)]| found(files).unwrap().how.origin;
    assert_eq!(origin(&[]), Origin::Guess);
    assert_eq!(
        origin(&[("config.json", json!({ "model_type": "swin" }))]),
        Origin::Guess
    );
    let own = json!({ "model_type": "swin", "modalign": { "preprocess": "own" } });
    assert_eq!(origin(&[("config.json", own)]), Origin::Own);
    let recipe = json!({ "made_by": "modalign 0.1.0 pretrain --suite demo" });
    assert_eq!(origin(&[("recipe.json", recipe)]), Origin::Own);
    let other = json!({ "made_by": "somebody" });
    assert_eq!(origin(&[("recipe.json", other)]), Origin::Guess);
    assert_eq!(of("demo", &config(), None).unwrap().how.origin, Origin::Own);
    // What was published with a model stays with it through our folders.
    let how = Preprocess {
        mean: vec![0.25; 3],
        origin: Origin::File("x/config.json".into()),
        ..Preprocess::guess(32)
    };
    let kept = json!({ "modalign": { "preprocess": Recorded::from(&how) } });
    assert_eq!(found(&[("config.json", kept)]).unwrap().how, how);
}

#[test]
fn what_cannot_be_done_is_refused_with_the_key() {
    for (key, value) in [
        ("do_pad", json!(true)),
        ("do_flip_channel_order", json!(true)),
        ("size", json!({ "longest_edge": 224 })),
        ("size", json!({ "shortest_edge": 224, "longest_edge": 300 })),
        ("size", json!(0)),
        ("size", json!("large")),
        ("crop_size", json!({ "shortest_edge": 3 })),
        ("resample", json!(9)),
        ("image_std", json!([1.0, 0.0, 1.0])),
        ("image_mean", json!("grey")),
        ("rescale_factor", json!(0)),
    ] {
        let keys = json!({ "do_center_crop": true, key: value });
        let said = found(&[("preprocessor_config.json", keys)])
            .unwrap_err()
            .to_string();
        assert!(
            said.contains(key) && said.contains("preprocessor_config.json"),
            "{said}"
        );
    }
    for (key, value) in [
        ("input_size", json!([3, 32])),
        ("crop_pct", json!(2.0)),
        ("crop_mode", json!("round")),
        ("interpolation", json!("random")),
    ] {
        let keys = json!({ "architecture": "swin_tiny", "pretrained_cfg": { key: value } });
        let said = found(&[("config.json", keys)]).unwrap_err().to_string();
        assert!(said.contains(key) && said.contains("config.json"), "{said}");
    }
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("preprocessor_config.json"), "{").unwrap();
    assert!(beside(home.path(), &config()).is_err());
}

/// The config of an open_clip folder, for pictures of 32 pixels.
fn openclip_file(keys: Value) -> (&'static str, Value) {
    let model = json!({ "vision_cfg": { "image_size": 32, "width": 768 }, "text_cfg": {} });
    (
        "open_clip_config.json",
        json!({ "model_cfg": model, "preprocess_cfg": keys }),
    )
}

#[test]
fn clips_pictures_are_torchvisions_to_the_grey_level() {
    let constants = json!({ "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711], "interpolation": "bicubic" });
    let with = |mode: &str| {
        let mut keys = constants.clone();
        keys["resize_mode"] = mode.into();
        openclip_file(keys)
    };
    let modes = [
        (with("shortest"), "crop"),
        (openclip_file(json!({})), "crop"),
        (with("squash"), "squash"),
    ];
    for (file, name) in modes {
        let how = found(&[file]).unwrap().how;
        let lens = Lens::new(&how, 3, "pictures").unwrap();
        for picture in 0..6 {
            let rgb = fixture::npz("preprocess/clip.npz", &format!("{picture}.rgb"));
            let size = [rgb.shape()[1], rgb.shape()[2]];
            let bytes: Vec<u8> = rgb.iter().map(|v| *v as u8).collect();
            let mut got = vec![0.0; 3 * 32 * 32];
            lens.apply(&bytes, size, &mut got).unwrap();
            let want = fixture::npz("preprocess/clip.npz", &format!("{picture}.{name}"));
            for (channel, (got, want)) in got.chunks(1024).zip(want.outer_iter()).enumerate() {
                for (got, want) in got.iter().zip(want) {
                    let level = f64::from(got * how.std[channel] + how.mean[channel]) * 255.0;
                    assert!(
                        (level - want).abs() < 1e-3,
                        "{name} of {picture}: {level} {want}"
                    );
                }
            }
        }
    }
}

#[test]
fn both_spellings_of_clips_own_file_are_the_same() {
    let old = json!({ "crop_size": 224, "do_center_crop": true, "do_normalize": true, "do_resize": true,
        "feature_extractor_type": "CLIPFeatureExtractor", "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711], "resample": 3, "size": 224 });
    let new = json!({ "crop_size": { "height": 224, "width": 224 }, "do_center_crop": true,
        "do_convert_rgb": true, "do_normalize": true, "do_rescale": true, "do_resize": true,
        "image_mean": [0.48145466, 0.4578275, 0.40821073], "image_std": [0.26862954, 0.26130258, 0.27577711],
        "image_processor_type": "CLIPImageProcessor", "resample": 3, "rescale_factor": 0.00392156862745098,
        "size": { "shortest_edge": 224 } });
    let clip = Preprocess::clip(224);
    for keys in [old, new] {
        let file = [("preprocessor_config.json", keys)];
        let how = found(&file).unwrap();
        assert!(how.notes.is_empty(), "{:?}", how.notes);
        let how = how.how;
        assert_eq!(
            (how.resize, &how.mean, &how.std),
            (clip.resize, &clip.mean, &clip.std)
        );
        assert_eq!(how.interpolation, Interpolation::Bicubic);
        let crop = how.crop.unwrap();
        assert_eq!((crop.size, crop.rule), ([224; 2], CropRule::Transformers));
    }
}

#[test]
fn open_clips_file_counts_after_hugging_faces_and_a_difference_is_told() {
    let ours = |size: usize| {
        let keys = json!({ "image_processor_type": "CLIPImageProcessor", "size": size, "crop_size": size });
        ("preprocessor_config.json", keys)
    };
    let same = found(&[ours(32), openclip_file(json!({}))]).unwrap();
    assert!(same.notes.is_empty(), "{:?}", same.notes);
    assert_eq!(same.how.crop.unwrap().rule, CropRule::Transformers);
    let other = found(&[ours(32), openclip_file(json!({ "mean": [0.5, 0.5, 0.5] }))]).unwrap();
    let told = other.notes.join("\n");
    assert!(
        told.contains("open_clip_config.json says otherwise") && told.contains("0.5"),
        "{told}"
    );
    let how = |keys: Value| found(&[openclip_file(keys)]).unwrap().how;
    let long = how(json!({ "resize_mode": "longest", "fill_color": 7, "mean": 0.5, "std": 0.25 }));
    assert_eq!(long.resize, Resize::Inside([32; 2]));
    assert_eq!(
        (long.crop.unwrap().fill, &long.mean[..]),
        ([7; 3], &[0.5][..])
    );
    for keys in [
        json!({ "resize_mode": "round" }),
        json!({ "interpolation": "nearest" }),
        json!({ "std": [1.0, 0.0, 1.0] }),
    ] {
        let said = found(&[openclip_file(keys)]).unwrap_err().to_string();
        assert!(
            said.contains("open_clip_config.json") && said.contains("expected"),
            "{said}"
        );
    }
}

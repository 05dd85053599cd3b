//! `modalign extract` against the outputs of `transformers`.

use super::*;
use modalign::model::weights::Weights;

#[test]
fn a_model_folder_goes_out_as_it_came_in() {
    use burn::tensor::{DType, Device};
    use modalign::model::{load, save, state};
    let origin = fixture("swin-padded");
    let home = tempfile::tempdir().unwrap();
    let loaded = load::load(&origin, &Device::flex(), DType::F32).unwrap();
    save::save(&loaded.model, &loaded.labels, home.path()).unwrap();
    let again = load::load(home.path(), &Device::flex(), DType::F32).unwrap();
    assert_eq!(
        state::state(&loaded.model.network),
        state::state(&again.model.network)
    );
    assert_eq!(loaded.labels, again.labels);
}

/// Runs `extract` on a fixture's own tensors (an input and perhaps its mask) and compares every
/// output with the fixture's tensor of that name.
fn agrees(fixture: &Path, input: &[&str], outputs: &[(&str, &str)]) {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out.safetensors");
    let file = |name: &str| format!("{}:{name}", fixture.join("io.safetensors").display());
    let mut arguments: Vec<String> = ["extract", "--model"].map(String::from).to_vec();
    arguments.push(fixture.display().to_string());
    for (flag, name) in ["--tensor", "--mask"].iter().zip(input) {
        arguments.extend([flag.to_string(), file(name)]);
    }
    let names: Vec<&str> = outputs.iter().map(|(output, _)| *output).collect();
    arguments.extend(["--outputs".into(), names.join(","), "--out".into()]);
    arguments.push(out.display().to_string());
    let run = modalign(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(run.status.success(), "{}", text(&run.stderr));
    let io = Weights::open(&fixture.join("io.safetensors")).unwrap();
    let out = Weights::open(&out).unwrap();
    for (output, want) in outputs {
        let (found, want) = (out.read(output).unwrap(), io.read(want).unwrap());
        assert_eq!(found.shape, want.shape, "{output}");
        let scale = want.values.iter().fold(0.0f32, |s, v| s.max(v.abs()));
        let pairs = found.values.iter().zip(&want.values);
        let worst = pairs.fold(0.0f32, |w, (x, y)| w.max((x - y).abs())) / scale;
        assert!(worst < 1e-4, "{output}: {worst}");
    }
}

#[test]
fn every_output_agrees_with_transformers() {
    let swin = fixture("swin-cifar");
    let names = ["embedded", "pooled", "logits", "last_hidden_state"];
    agrees(&swin, &["pixels"], &names.map(|name| (name, name)));
    agrees(
        &swin,
        &["embedded"],
        &[("last_hidden_state", "last_hidden_state")],
    );
}

/// What `extract` writes of a fixture's pixels, and what it says.
fn of_pixels(model: &Path, more: &[&str]) -> (Weights, String) {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("out.safetensors");
    let tensor = format!("{}:pixels", model.join("io.safetensors").display());
    let [folder, file] = [model, &out].map(|path| path.to_str().unwrap());
    let given = [
        "extract", "--model", folder, "--tensor", &tensor, "--out", file,
    ];
    let run = modalign(&[&given, more].concat());
    let said = text(&run.stderr);
    assert!(run.status.success(), "{said}");
    (Weights::open(&out).unwrap(), said)
}

/// Holds the features of a layer to those that `of` makes of the hidden tokens `[N, T, C]` called `hidden`: of one
/// sample and column, from its value at a token and their number.
fn layer_is(
    (out, layer): (&Weights, usize),
    (io, hidden): (&Weights, &str),
    of: fn(&dyn Fn(usize) -> f32, usize) -> f32,
) {
    let want = io.read(hidden).unwrap();
    let [samples, tokens, width] = want.shape[..] else {
        panic!("{:?}", want.shape)
    };
    let found = out.read(&format!("layer_{layer:02}")).unwrap();
    assert_eq!(found.shape, [samples, width]);
    for (at, value) in found.values.iter().enumerate() {
        let (sample, column) = (at / width, at % width);
        let own = |token: usize| want.values[(sample * tokens + token) * width + column];
        let want = of(&own, tokens);
        assert!(
            (value - want).abs() < 1e-4,
            "{hidden}, layer {layer}: {value}, not {want}"
        );
    }
}

/// The mean over tokens.
fn mean(own: &dyn Fn(usize) -> f32, tokens: usize) -> f32 {
    (0..tokens).map(own).sum::<f32>() / tokens as f32
}

#[test]
fn features_of_layers_are_means_of_the_hidden_states_of_transformers() {
    let model = fixture("swin-cifar");
    let (out, _) = of_pixels(&model, &["--outputs", "layers,pooled"]);
    let io = Weights::open(&model.join("io.safetensors")).unwrap();
    // Three stages of two blocks, the embedder's tokens before them.
    let names: Vec<&str> = out
        .names()
        .filter(|name| name.starts_with("layer_"))
        .collect();
    assert_eq!((names.len(), out.names().count()), (7, 8));
    for (layer, hidden) in [(0, 0), (2, 1), (4, 2), (6, 3)] {
        layer_is((&out, layer), (&io, &format!("hidden_{hidden}")), mean);
    }
}

#[test]
fn features_of_a_vit_s_layers_are_chosen_as_its_last_ones_are() {
    // Whether the encoder takes the class token, or the mean of its patches.
    for (name, token) in [("vit-bare", true), ("clip-gelu", true), ("timm-gap", false)] {
        let model = fixture("vit").join(name);
        let (out, _) = of_pixels(&model, &["--outputs", "layers"]);
        let io = Weights::open(&model.join("io.safetensors")).unwrap();
        let hidden: Vec<&str> = io.names().filter(|n| n.starts_with("hidden_")).collect();
        assert!(!hidden.is_empty() && hidden.len() < out.names().count());
        for name in hidden {
            let layer = name["hidden_".len()..].parse().unwrap();
            let of = if token {
                |own: &dyn Fn(usize) -> f32, _| own(0)
            } else {
                mean
            };
            layer_is((&out, layer), (&io, name), of);
        }
    }
}

#[test]
fn ids_masks_and_embedded_tokens_enter_roberta() {
    let last = |want| [("last_hidden_state", want)];
    let small = fixture("roberta-small");
    agrees(&small, &["input_ids"], &last("from_ids"));
    agrees(&small, &["inputs_embedded"], &last("from_embedded"));
    let more = fixture("roberta-more");
    let masked = ["input_ids", "attention_mask"];
    agrees(&more, &masked, &last("from_ids_masked"));
    agrees(&more, &["input_ids"], &[("embedded", "embedded")]);
}

#[test]
fn masks_may_be_truth_values_bytes_or_floats() {
    let home = tempfile::tempdir().unwrap();
    let model = fixture("roberta-more");
    let io = Weights::open(&model.join("io.safetensors")).unwrap();
    let keep = io.read_ints("attention_mask").unwrap();
    let shape = io.shape("attention_mask").unwrap().to_vec();
    let file = home.path().join("mask.safetensors");
    let (ids, mask) = (model.join("io.safetensors"), file.display());
    let extract = |dtype: safetensors::Dtype, bytes: Vec<u8>| {
        let view = safetensors::tensor::TensorView::new(dtype, shape.clone(), &bytes).unwrap();
        let whole = safetensors::serialize([("mask", view)], None).unwrap();
        std::fs::write(&file, whole).unwrap();
        let out = home.path().join("out.safetensors");
        let run = modalign(&[
            "extract",
            "--model",
            model.to_str().unwrap(),
            "--tensor",
            &format!("{}:input_ids", ids.display()),
            "--mask",
            &format!("{mask}:mask"),
            "--outputs",
            "last_hidden_state",
            "--out",
            out.to_str().unwrap(),
        ]);
        match run.status.success() {
            true => Ok(std::fs::read(out).unwrap()),
            false => Err(text(&run.stderr)),
        }
    };
    let bytes: Vec<u8> = keep.iter().map(|k| *k as u8).collect();
    let floats = keep.iter().flat_map(|k| (*k as f32).to_le_bytes());
    let want = extract(safetensors::Dtype::F32, floats.collect());
    assert!(want.is_ok(), "{want:?}");
    assert!(extract(safetensors::Dtype::BOOL, bytes.clone()) == want);
    assert!(extract(safetensors::Dtype::U8, bytes.clone()) == want);
    let two = bytes.iter().map(|b| b + 1).collect();
    let said = extract(safetensors::Dtype::U8, two).unwrap_err();
    assert!(said.contains("1 for tokens and 0 for padding"), "{said}");
}

#[test]
fn half_precision_tells_its_error_and_changes_digits_alone() {
    for (model, outputs) in [
        ("swin-cifar", "pooled,last_hidden_state"),
        ("clip-small-gelu", "image_embeds"),
    ] {
        let model = fixture(model);
        let of =
            |precision: &str| of_pixels(&model, &["--outputs", outputs, "--precision", precision]);
        let ((single, _), (half, said)) = (of("f32"), of("bf16"));
        assert!(said.contains("bf16: "), "{said}");
        for name in outputs.split(',') {
            let told = format!("{name}: largest error");
            assert!(said.contains(&told), "{said}");
            let [single, half] = [&single, &half].map(|file| file.read(name).unwrap().values);
            let largest = single.iter().fold(0.0f32, |a, v| a.max(v.abs()));
            let apart = single.iter().zip(&half).map(|(a, b)| (a - b).abs());
            let error = apart.fold(0.0, f32::max) / largest;
            assert!(error > 0.0 && error < 0.03, "{name}: {error}");
        }
    }
}

#[test]
fn ids_beyond_vocabulary_and_positions_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let model = fixture("roberta-small");
    let file = home.path().join("ids.safetensors");
    let out = home.path().join("out.npz");
    let refused = |ids: Vec<i64>, shape: [usize; 2]| {
        let bytes: Vec<u8> = ids.iter().flat_map(|v| v.to_le_bytes()).collect();
        let dtype = safetensors::Dtype::I64;
        let view = safetensors::tensor::TensorView::new(dtype, shape.to_vec(), &bytes).unwrap();
        std::fs::write(
            &file,
            safetensors::serialize([("ids", view)], None).unwrap(),
        )
        .unwrap();
        let tensor = format!("{}:ids", file.display());
        let run = modalign(&[
            "extract",
            "--model",
            model.to_str().unwrap(),
            "--tensor",
            &tensor,
            "--outputs",
            "pooled",
            "--out",
            out.to_str().unwrap(),
        ]);
        assert_eq!(run.status.code(), Some(2));
        text(&run.stderr)
    };
    let said = refused(vec![3, -1, 4], [1, 3]);
    assert!(said.contains("vocabulary") && said.contains("-1"), "{said}");
    assert!(refused(vec![1 << 40], [1, 1]).contains("vocabulary"));
    assert!(refused(vec![4; 5000], [1, 5000]).contains("positions"));
}

#[test]
fn names_with_colons_are_found_and_outputs_come_once() {
    let home = tempfile::tempdir().unwrap();
    let model = fixture("swin-cifar");
    let io = Weights::open(&model.join("io.safetensors")).unwrap();
    let file = home.path().join("a:b.safetensors");
    let arrays = [("x:y:z".to_string(), io.read("pixels").unwrap())].into();
    modalign::model::weights::write(&file, &arrays, Default::default()).unwrap();
    let out = home.path().join("out.safetensors");
    let run = modalign(&[
        "extract",
        "--model",
        model.to_str().unwrap(),
        "--tensor",
        &format!("{}:x:y:z", file.display()),
        "--outputs",
        "pooled,pooled",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(run.status.success(), "{}", text(&run.stderr));
    let found = Weights::open(&out).unwrap().read("pooled").unwrap();
    assert_eq!(found.shape, io.shape("pooled").unwrap());
}

#[test]
fn fewer_tokens_than_a_signal_needs_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let origin = our_fixture("roberta-small");
    let config = std::fs::read_to_string(origin.join("config.json")).unwrap();
    let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
    config["modalign"] = serde_json::json!({
        "predictor": { "kind": "dense-1d", "channels": 1, "length": 40 }
    });
    std::fs::write(home.path().join("config.json"), config.to_string()).unwrap();
    let weights = home.path().join("model.safetensors");
    std::fs::copy(origin.join("model.safetensors"), weights).unwrap();
    let out = home.path().join("out.npz");
    let run = |output: &str| {
        modalign(&[
            "extract",
            "--model",
            home.path().to_str().unwrap(),
            "--tensor",
            &format!("{}:input_ids", origin.join("io.safetensors").display()),
            "--outputs",
            output,
            "--out",
            out.to_str().unwrap(),
        ])
    };
    let refused = run("pooled,logits");
    let said = text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("at least 40 tokens"), "{said}");
    assert!(run("pooled").status.success());
}

//! What is inferred of ViTs in timm's names: from their tensors, from names, from timm's `config.json`, and what is
//! refused.

use super::tests::{folder_of, opened, outline, read, refused};
use super::timm::published::heads;
use super::timm::registry::{REGISTRY, Sort};
use super::timm::{Inferred, Published, Told, infer};
use super::*;
use crate::fixture;
use crate::model::Opening;
use crate::model::keys;
use crate::model::names::Scheme;
use crate::model::opening::SideOrigin;
use crate::model::state::{parameters, size};
use serde_json::json;
use std::collections::BTreeMap;

type Shapes = BTreeMap<String, Vec<usize>>;

/// Shapes of a model's tensors by timm's names.
fn shapes(config: VitConfig) -> Shapes {
    let scheme = Scheme::Published(&TIMM);
    parameters(&outline(config, None).network)
        .into_iter()
        .map(|(path, shape)| (scheme.tensors(&path).remove(0), shape))
        .collect()
}

fn found(shapes: &Shapes, told: &Told) -> Result<Inferred, ModelError> {
    let names: Vec<String> = shapes.keys().cloned().collect();
    infer(&|name| shapes.get(name).cloned(), &names, told)
}

fn named(name: &str) -> Told {
    Told::by_name(name).unwrap()
}

fn said(result: Result<impl Sized, ModelError>) -> String {
    result.err().expect("refused").to_string()
}

/// What timm's `config.json` says.
fn told(config: Value) -> Result<Told, ModelError> {
    Told::read(&keys::object(&config.to_string()).unwrap())
}

/// ViT-S of one layer, for images of that side.
fn small(side: usize) -> Shapes {
    shapes(read(
        "vit",
        json!({
            "hidden_size": 384, "num_hidden_layers": 1, "num_attention_heads": 6, "intermediate_size": 1536,
            "image_size": side,
        }),
    ))
}

#[test]
fn timms_tensors_tell_the_full_size() {
    let giant = json!({
        "hidden_size": 1536, "num_hidden_layers": 40, "num_attention_heads": 24,
        "use_swiglu_ffn": true, "image_size": 518,
    });
    for (config, name, count) in [
        (read("vit", json!({})), "vit_base_patch16_224", 85_798_656),
        (
            read("dinov2", giant),
            "vit_giant_patch14_dinov2",
            1_136_479_232,
        ),
    ] {
        let shapes = shapes(config);
        let by_name = found(&shapes, &named(name)).unwrap();
        assert!(by_name.notes.is_empty(), "{:?}", by_name.notes);
        assert_eq!(by_name.config.layer_norm_eps, 1e-6);
        let again = outline(by_name.config, None);
        assert_eq!(size(&again.network), count, "{name}");
        // Without a name the width tells the heads, and that is told.
        let bare = found(&shapes, &Told::default()).unwrap().notes.join("\n");
        assert!(bare.contains("attention heads") && bare.contains("--heads"));
        assert!(bare.contains("interpolated as timm does"), "{bare}");
    }
}

#[test]
fn the_registry_is_timms() {
    let all = fixture::json("vit/names.json");
    let all = all.as_object().unwrap();
    let loads = all.iter().filter(|(_, built)| !built.is_null());
    assert_eq!(loads.count(), REGISTRY.len());
    for (name, width, heads, side, registers, sort) in REGISTRY {
        let ours = json!([width, heads, side, registers, format!("{sort:?}")]);
        assert_eq!(all[name], ours, "{name}");
        assert_eq!(Published::within(name).unwrap().unwrap().architecture, name);
    }
    // No file may be called like a network that is another.
    for (name, _) in all.iter().filter(|(_, built)| built.is_null()) {
        let file = Published::within(&format!("{name}.safetensors"));
        assert!(
            file.is_err() || !name.contains("_patch"),
            "{name}: {file:?}"
        );
        assert_eq!(Published::named(name), None);
    }
}

#[test]
fn names_of_files_tell_nothing_one_network_or_are_refused() {
    let within = |file: &str| Published::within(file).unwrap().map(|p| p.architecture);
    for (file, network) in [
        (
            "x-vit_base_patch16_384.augreg_in1k.safetensors",
            Some("vit_base_patch16_384"),
        ),
        (
            "deit_small_patch16_224-cd65a155.pth",
            Some("deit_small_patch16_224"),
        ),
        (
            "vit_base_patch16_224_miil_in21k.pth",
            Some("vit_base_patch16_224_miil"),
        ),
        (
            "vit_base_patch32_224_clip_laion2b.pth",
            Some("vit_base_patch32_clip_224"),
        ),
        (
            "vit_small_patch8_224_mine.pth",
            Some("vit_small_patch8_224"),
        ),
        (
            "vit_so150m_patch16_reg4_gap_256.sbb",
            Some("vit_so150m_patch16_reg4_gap_256"),
        ),
        ("mae_vit_base_patch16.pth", None),
        ("mae_pretrain_vit_base.pth", None),
        ("maxvit_base_patch_1.pth", None),
        ("dinov2_vits14_pretrain.pth", None),
        ("checkpoint.pth", None),
    ] {
        assert_eq!(within(file), network, "{file}");
    }
    for file in [
        "vit_base_patch16_rpn_224.pth",
        "vit_giantopt_patch16_siglip_gap_256.safetensors",
        "vit_base_patch16_1024.pth",
    ] {
        let said = said(Told::by_name(file));
        assert!(
            said.contains("another network") && said.contains("config.json"),
            "{said}"
        );
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused() {
    let said = said(found(&small(224), &named("vit_base_patch16_224.pth")));
    assert!(said.contains("width: 768") && said.contains("found 384"));
    let mut shapes = small(224);
    shapes.insert("norm_pre.weight".into(), vec![384]);
    let said = self::said(found(&shapes, &named("vit_small_patch16_224.pth")));
    assert!(said.contains("norms before the blocks: 0"), "{said}");
}

#[test]
fn heads_are_those_of_the_name_whatever_the_width() {
    let config = |arguments: Value| {
        let config = json!({"architecture": "vit_base_patch16_224", "model_args": arguments});
        found(&small(224), &told(config).unwrap())
    };
    let heads_of = |arguments| config(arguments).unwrap().config.num_attention_heads;
    // timm.create_model("vit_base_patch16_224", embed_dim=384) has 12.
    assert_eq!(heads_of(json!({"embed_dim": 384})), 12);
    assert_eq!(heads_of(json!({"embed_dim": 384, "num_heads": 4})), 4);
    assert_eq!(heads(768, false), None, "16 of gap, 12 of siglip_gap");
    assert_eq!((heads(768, true), heads(384, true)), (Some(12), Some(6)));
}

#[test]
fn heads_that_nothing_tells_can_be_given() {
    let with = |heads| Told {
        asked_heads: heads,
        ..Told::default()
    };
    let bare = found(&small(224), &with(None)).unwrap();
    assert_eq!(bare.config.num_attention_heads, 6);
    let notes = bare.notes.join("\n");
    assert!(notes.contains("MoCo v3") && notes.contains("--heads"));
    let given = found(&small(224), &with(Some(12))).unwrap();
    assert_eq!(given.config.num_attention_heads, 12);
    assert!(!given.notes.iter().any(|note| note.contains("heads")));
    for heads in [0, 7] {
        let said = said(found(&small(224), &with(Some(heads))));
        assert!(said.contains("divisor of the width 384"), "{said}");
    }
    let asked = Opening {
        heads: Some(4),
        ..Opening::default()
    };
    for name in [
        "timm-token",
        "vit-classes",
        "../swin-regular",
        "../timm/regular",
    ] {
        let said = opened(&folder_of(name), &asked).err().unwrap().to_string();
        assert!(said.contains("heads: expected"), "{name}: {said}");
    }
}

#[test]
fn variances_get_what_the_name_says() {
    let mut shapes = small(224);
    for name in ["norm_pre.weight", "norm_pre.bias"] {
        shapes.insert(name.into(), vec![384]);
    }
    let epsilon = |architecture: &str| {
        let config = json!({"architecture": architecture, "model_args": {"pre_norm": true}});
        let found = found(&shapes, &told(config).unwrap()).unwrap();
        found.config.layer_norm_eps
    };
    assert_eq!(epsilon("vit_small_patch16_224"), 1e-6);
    assert_eq!(epsilon("vit_base_patch16_clip_224"), 1e-5);
}

#[test]
fn the_side_that_is_asked_for_outweighs_a_name() {
    let name = "vit_small_patch16_224.pth";
    let said = said(found(&small(384), &named(name)));
    assert!(
        said.contains("--image-size") && said.contains("14 × 14"),
        "{said}"
    );
    let asked = |side| Opening {
        image_size: Some(side),
        ..Opening::default()
    };
    for side in [384, 448] {
        let got = found(&small(384), &named(name).with(&asked(side))).unwrap();
        assert_eq!(got.config.image_size, 384);
        assert_eq!(got.side, SideOrigin::Positions);
        assert!(got.notes[0].contains("not of the 224"), "{:?}", got.notes);
    }
}

#[test]
fn weights_that_were_trained_with_the_quick_gelu_are_told() {
    let mut shapes = small(224);
    for name in ["norm_pre.weight", "norm_pre.bias"] {
        shapes.insert(name.into(), vec![384]);
    }
    let notes = |tag: &str, arguments: Value| {
        let config = json!({
            "architecture": "vit_base_patch16_clip_224", "model_args": arguments,
            "pretrained_cfg": {"tag": tag},
        });
        let found = found(&shapes, &told(config).unwrap()).unwrap();
        assert_eq!(found.config.activation, Activation::Gelu);
        found.notes.join("\n")
    };
    let told = notes("openai", json!({}));
    assert!(
        told.contains("vit_base_patch16_clip_quickgelu_224"),
        "{told}"
    );
    assert_eq!(notes("laion2b", json!({})), "");
    assert_eq!(notes("openai", json!({"act_layer": "gelu"})), "");
    let file = named("vit_base_patch16_clip_224.openai.safetensors");
    assert_eq!(file.tag.as_deref(), Some("openai"));
}

#[test]
fn an_activation_is_written_whatever_the_name_has() {
    for (name, activation, word) in [
        (
            "vit_base_patch16_clip_quickgelu_224",
            Activation::Gelu,
            "gelu",
        ),
        (
            "vit_base_patch16_clip_224",
            Activation::QuickGelu,
            "quick_gelu",
        ),
    ] {
        let config = VitConfig {
            kind: Kind::Timm(name.into()),
            activation,
            ..read("vit", json!({}))
        };
        let written = config.json(3, BTreeMap::new()).unwrap();
        assert_eq!(written["model_args"]["act_layer"], word);
        assert_eq!(told(written).unwrap().quick, Some(word == "quick_gelu"));
    }
    let gated = |word: &str| {
        told(json!({"architecture": "vit_giant_patch14_dinov2", "model_args": {"act_layer": word}}))
    };
    assert!(gated("silu").is_ok());
    assert!(said(gated("gelu")).contains("act_layer"));
}

#[test]
fn shapes_of_no_model_are_refused_without_overflow() {
    let whole = small(224);
    for (name, shape) in [
        ("reg_token", vec![1, usize::MAX, 0]),
        ("patch_embed.proj.weight", vec![384, 3, 1 << 40, 1 << 40]),
        (
            "patch_embed.proj.weight",
            vec![0, 3, usize::MAX, usize::MAX],
        ),
        ("pos_embed", vec![1, usize::MAX, 0]),
        ("pos_embed", vec![1, (1 << 62) + 1, 0]),
        ("blocks.0.mlp.fc2.weight", vec![0, usize::MAX]),
    ] {
        let mut shapes = whole.clone();
        shapes.insert(name.into(), shape.clone());
        for told in [Told::default(), named("vit_small_patch16_224.pth")] {
            let error = found(&shapes, &told).err();
            assert!(
                matches!(error, Some(ModelError::Config { .. })),
                "{name} {shape:?}: {error:?}"
            );
        }
    }
}

#[test]
fn a_second_classifier_needs_its_token() {
    let copy = |all: &mut BTreeMap<String, crate::model::weights::Array>| {
        for leaf in ["weight", "bias"] {
            let head = all[&format!("head.{leaf}")].clone();
            all.insert(format!("head_dist.{leaf}"), head);
        }
    };
    let said = refused("timm-token", |_| (), copy);
    assert!(
        said.contains("head_dist.weight: expected a distillation token"),
        "{said}"
    );
    let said = refused(
        "timm-distilled",
        |_| (),
        |all| all.retain(|name, _| !name.starts_with("head_dist")),
    );
    assert!(said.contains("head_dist.weight: expected"), "{said}");
    let said = refused(
        "timm-distilled",
        |_| (),
        |all| all.retain(|name, _| name != "dist_token"),
    );
    assert!(said.contains("distillation tokens: 1"), "{said}");
}

#[test]
fn authors_files_keep_their_way_with_positions() {
    use crate::model::embedder::Resampling::{Antialiased, Plain, PlainTenth};
    let with = |names: &[&str], file: &str| {
        let mut shapes = small(224);
        names
            .iter()
            .for_each(|name| drop(shapes.insert(name.to_string(), vec![384])));
        found(&shapes, &named(file)).unwrap()
    };
    for (names, file, how, whose) in [
        (
            &["mask_token", "blocks.0.ls1.gamma"][..],
            "a.pth",
            PlainTenth,
            "DINOv2 does",
        ),
        (
            &["mask_token", "decoder_embed.weight"],
            "a.pth",
            Plain,
            "MAE does",
        ),
        (&[], "mae_pretrain_vit_small.pth", Plain, "MAE does"),
        (
            &[],
            "dino_deitsmall16_pretrain.pth",
            PlainTenth,
            "DINO does",
        ),
        (&[], "a.pth", Antialiased, "timm does"),
    ] {
        let found = with(names, file);
        assert_eq!(found.config.resampling, how, "{file}");
        assert!(found.notes.join("\n").contains(whose), "{:?}", found.notes);
    }
    assert!(with(&[], "vit_small_patch16_224.pth").notes.is_empty());
}

#[test]
fn sorts_are_what_they_say() {
    for (name, .., sort) in REGISTRY {
        let quick = name.contains("quickgelu");
        assert_eq!(sort == Sort::Quick, quick, "{name}");
        assert_eq!(
            sort == Sort::Distilled,
            name.contains("distilled"),
            "{name}"
        );
        let clip = name.contains("clip") && !quick;
        assert_eq!(sort == Sort::Clip, clip, "{name}");
    }
}

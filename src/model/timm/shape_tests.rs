//! Architectures and hints against checkpoints that timm made, and what must be refused.

use super::hints::Published;
use super::tests::{Shapes, hints, infer, infer_all, microsoft, shapes_of};
use super::*;
use crate::model::ModelError;
use crate::model::keys;
use crate::model::opening::SideOrigin;
use std::path::Path;

/// What an error expected and found.
fn refusal(result: Result<impl Sized, ModelError>) -> String {
    match result {
        Ok(_) => panic!("accepted"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn architectures_follow_from_tensors() {
    let regular = infer(&microsoft(), &Hints::default()).unwrap();
    assert_eq!((regular.image_size, regular.patch_size), (32, 2), "masks");
    assert_eq!((regular.embed_dim, regular.window_size), (8, 4));
    assert_eq!(
        (&regular.depths, &regular.num_heads),
        (&vec![2, 2, 1], &vec![1, 2, 4])
    );
    assert!(regular.qkv_bias && regular.mlp_ratio == 4.0);

    let padded = infer(&shapes_of("padded"), &hints("padded")).unwrap();
    assert_eq!((padded.image_size, padded.window_size), (40, 4));
    assert!(!padded.qkv_bias);
    assert_eq!(
        [12.0, 24.0].map(|w| (padded.mlp_ratio * w) as usize),
        [32, 64]
    );

    // Without hints: a window smaller than the others is its stage's grid.
    let clamped = infer(&shapes_of("clamped"), &Hints::default()).unwrap();
    assert_eq!((clamped.image_size, clamped.window_size), (32, 7));
    assert_eq!((clamped.num_channels, clamped.depths), (2, vec![2, 1, 1]));
    assert_eq!(
        infer(&shapes_of("clamped"), &hints("clamped"))
            .unwrap()
            .image_size,
        28
    );
}

#[test]
fn masks_outweigh_a_configuration_that_was_not_updated() {
    let says = |image_size| Hints {
        image_size: Some(image_size),
        ..Hints::default()
    };
    assert_eq!(infer(&microsoft(), &says(224)).unwrap().image_size, 32);
    // Within the last window of the mask's grid, the configuration is the more exact.
    assert_eq!(infer(&microsoft(), &says(30)).unwrap().image_size, 30);
}

#[test]
fn mlp_widths_survive_the_rounding_of_their_ratio() {
    for (hidden, width) in (1..200).flat_map(|h| [3, 7, 24, 49, 96].map(|w| (h, w))) {
        let mut shapes = shapes_of("regular");
        shapes.retain(|n, _| !n.starts_with("layers.1") && !n.starts_with("layers.2"));
        shapes.insert("patch_embed.proj.weight".into(), vec![width, 3, 2, 2]);
        shapes.insert(
            "layers.0.blocks.0.mlp.fc1.weight".into(),
            vec![hidden, width],
        );
        match infer(&shapes, &Hints::default()) {
            Ok(config) => assert_eq!((config.mlp_ratio * width as f64) as usize, hidden),
            Err(e) => assert!(hidden > 64 * width, "{hidden} for {width}: {e}"),
        }
    }
}

#[test]
fn what_is_no_plain_swin_is_refused_by_name() {
    let with = |name: &str, shape: Vec<usize>| {
        let mut shapes = shapes_of("regular");
        shapes.insert(name.into(), shape);
        refusal(infer(&shapes, &Hints::default()))
    };
    let v2 = with("layers.0.blocks.0.attn.logit_scale", vec![1, 1, 1]);
    assert!(v2.contains("Swin V2") && v2.contains("swin_base"), "{v2}");
    let positions = with("absolute_pos_embed", vec![1, 256, 8]);
    assert!(positions.contains("absolute_pos_embed"), "{positions}");
    let windows = with(
        "layers.1.blocks.0.attn.relative_position_bias_table",
        vec![169, 2],
    );
    assert!(windows.contains("[4, 7, 4]"), "{windows}");
    let table = with(
        "layers.0.blocks.0.attn.relative_position_bias_table",
        vec![48, 1],
    );
    assert!(table.contains("48 rows"), "{table}");
    let gap = with("layers.9.blocks.0.norm1.weight", vec![8]);
    assert!(gap.contains("layers.0, layers.1"), "{gap}");
    let patch = with("patch_embed.proj.weight", vec![8, 3, 2, 4]);
    assert!(patch.contains("2 × 4 pixels"), "{patch}");
    let nothing = refusal(infer(&Shapes::new(), &Hints::default()));
    assert!(nothing.contains("no such tensor"), "{nothing}");
}

#[test]
fn images_smaller_than_a_patch_are_refused() {
    let hints = Hints {
        image_size: Some(64),
        image_shape: Some([1, 64]),
        ..Hints::default()
    };
    let said = refusal(infer(&shapes_of("regular"), &hints));
    assert!(said.contains("at least the 2 pixels of a patch"), "{said}");
    assert_eq!(table_rows([0, 3]), 0);
}

#[test]
fn a_block_index_asks_for_no_more_blocks_than_there_are() {
    let mut shapes = shapes_of("regular");
    shapes.insert("layers.0.blocks.4000000000.norm1.weight".into(), vec![8]);
    assert_eq!(infer(&shapes, &Hints::default()).unwrap().depths, [3, 2, 1]);
}

#[test]
fn configurations_of_other_architectures_are_refused() {
    let parse = |text: &str| {
        let map = keys::object(text).unwrap();
        Hints::read(&map, Path::new("config.json"))
    };
    for (text, part) in [
        (
            r#"{"architecture": "swinv2_tiny_window8_256"}"#,
            "swinv2_tiny",
        ),
        (r#"{"architecture": "vit_base_patch16_224"}"#, "vit_base"),
        (r#"{"num_classes": 3}"#, "found none"),
        (
            r#"{"architecture": "swin_a", "model_args": {"img_size": [32, 0]}}"#,
            "[32,0]",
        ),
        (
            r#"{"architecture": "swin_a", "pretrained_cfg": {"input_size": "a"}}"#,
            "\"a\"",
        ),
        (
            r#"{"architecture": "swin_a", "model_args": {"always_partition": true}}"#,
            "always_partition",
        ),
        (r#"{"architecture": "swin_a", "global_pool": "max"}"#, "max"),
    ] {
        let error = refusal(parse(text));
        assert!(
            error.contains(part) && error.contains("config.json"),
            "{error}"
        );
    }
    for (text, timm) in [
        (r#"{"model_type": "swin"}"#, false),
        (
            r#"{"model_type": "swin", "architecture": "swin_tiny"}"#,
            false,
        ),
        (
            r#"{"model_type": "timm_wrapper", "architecture": "vit"}"#,
            true,
        ),
        (r#"{"architecture": "vit", "pretrained_cfg": {}}"#, true),
        (r#"{"architecture": "swin_tiny"}"#, true),
        (r#"{"architecture": "SwinT", "lr": 0.1}"#, false),
        (r#"{"architecture": {"name": "swin_tiny"}}"#, false),
        (r#"{"lr": 0.1}"#, false),
    ] {
        let map = keys::object(text).unwrap();
        assert_eq!(Hints::is_timm_config(&map), timm, "{text}");
    }
}

#[test]
fn hints_prefer_what_was_built_over_what_was_pretrained() {
    let parse = |text: &str| {
        let map = keys::object(text).unwrap();
        Hints::read(&map, Path::new("config.json")).unwrap()
    };
    let built = parse(
        r#"{"architecture": "swin_base_patch4_window7_224", "label_names": ["cat", "dog"],
            "model_args": {"img_size": 112, "drop_path_rate": 0.3}, "pretrained_cfg": {"input_size": [3, 224, 224]}}"#,
    );
    assert_eq!(
        (built.image_size, built.drop_path_rate),
        (Some(112), Some(0.3))
    );
    assert_eq!(built.labels[&1], "dog");
    let named = parse(r#"{"architecture": "swin_base_patch4_window12_384"}"#);
    assert_eq!(named.image_size, Some(384));
    let lists = parse(
        r#"{"architecture": "swin_x", "model_args": {"img_size": [96, 96.0]}, "label_names": [1, "b"]}"#,
    );
    assert_eq!(lists.image_size, Some(96));
    assert_eq!(lists.labels[&0], "1");
}

#[test]
fn only_published_names_say_a_side() {
    for name in [
        "swin_base_patch4_window7_224_22k.pth",
        "swin_base_patch4_window7_224.ms_in22k_ft_in1k.safetensors",
        "microsoft--swin-base-patch4-window7-224"
            .replace('-', "_")
            .as_str(),
        "swin_tiny_patch4_window7_224-epoch-300.ckpt",
        "patch4_window7_224",
    ] {
        let found = Published::find(name).unwrap();
        assert_eq!(
            (found.patch, found.window, found.side),
            (4, 7, 224),
            "{name}"
        );
    }
    for name in [
        "checkpoint.pth",
        "swin_epoch_300.pth",
        "checkpoint-299.pth",
        "swin_224.pth",
        "swin_2024-05-01.pth",
        "swin_patch4_window7.pth",
        "swin_patch4_window7_300k.pth",
        "patch4_224_window7",
        "patchx_window7_224",
        "swin_patch4_window7_16",
        "swin_patch4_window7_99999999999999999999999",
    ] {
        assert_eq!(Published::find(name), None, "{name}");
    }
}

#[test]
fn a_side_is_read_taken_from_a_published_name_or_a_guess_that_is_told() {
    let shapes = shapes_of("regular");
    let names: Vec<String> = shapes.keys().cloned().collect();
    let found = |hints: Hints| infer_all(&shapes, &names, &hints).unwrap();
    let guess = found(Hints::default());
    assert_eq!(
        (guess.config.image_size, guess.side),
        (32, SideOrigin::Guess)
    );
    assert!(guess.notes[0].contains("image side 32 is a guess"));
    // Window and patch of the name are the file's.
    let named = found(Hints::of_name("x_patch2_window4_64.pth"));
    assert_eq!(
        (named.config.image_size, named.side),
        (64, SideOrigin::Name)
    );
    assert!(named.notes[0].contains("published name"));
    let other = found(Hints::of_name("x_patch4_window7_224.pth"));
    assert_eq!(
        (other.config.image_size, other.side),
        (32, SideOrigin::Guess)
    );
    let asked = found(Hints {
        asked: Some(48),
        image_size: Some(64),
        ..Hints::of_name("x_patch2_window4_32.pth")
    });
    assert_eq!(
        (asked.config.image_size, asked.side),
        (48, SideOrigin::Asked)
    );
    assert!(asked.notes.is_empty());
    let masks = microsoft();
    let names: Vec<String> = masks.keys().cloned().collect();
    let says = |image_size| Hints {
        image_size: Some(image_size),
        ..Hints::default()
    };
    let found = infer_all(&masks, &names, &says(224)).unwrap();
    assert_eq!(found.side, SideOrigin::Masks);
    assert!(found.notes[0].contains("not the 224"), "{:?}", found.notes);
    assert!(
        infer_all(&masks, &names, &says(32))
            .unwrap()
            .notes
            .is_empty()
    );
}

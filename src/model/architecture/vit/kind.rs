//! Whose ViT it is: the publishers' families, told by `model_type`, and timm's, which has none.

use super::{clip, huggingface, timm};
use crate::model::architecture::clip::openai;
use crate::model::family::{Family, Marks};

/// Whose ViT it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Google's, in Hugging Face's names.
    Vit,
    /// Facebook's DeiT, with a distillation token.
    Deit,
    /// DINOv2.
    Dinov2,
    /// DINOv2 with register tokens.
    Dinov2WithRegisters,
    /// The encoder of a masked autoencoder.
    Mae,
    /// CLIP's image tower.
    Clip,
    /// timm's, by the name of its architecture.
    Timm(String),
}

impl Kind {
    /// The kind of a `model_type`; `None` for one of another architecture.
    pub fn of(model_type: &str) -> Option<Self> {
        let all = [
            Self::Vit,
            Self::Deit,
            Self::Dinov2,
            Self::Dinov2WithRegisters,
            Self::Mae,
            Self::Clip,
        ];
        all.into_iter()
            .find(|kind| kind.family().model_types.contains(&model_type))
    }

    /// Its descriptor.
    pub fn family(&self) -> &'static Family {
        match self {
            Self::Vit => &VIT,
            Self::Deit => &DEIT,
            Self::Dinov2 => &DINOV2,
            Self::Dinov2WithRegisters => &DINOV2_WITH_REGISTERS,
            Self::Mae => &VIT_MAE,
            Self::Clip => &CLIP,
            Self::Timm(_) => &TIMM,
        }
    }
}

/// A tensor that every ViT has once, in Hugging Face's names.
const PROJECTION: &str = "embeddings.patch_embeddings.projection.weight";

/// The first layer: as published, and as `transformers` 5 has it in memory.
const FIRST_LAYER: &[&str] = &["encoder.layer.0.attention.", "layers.0.attention."];

/// What names of tensors start with.
const CORE: &[&str] = &["embeddings.", "encoder.", "layers.", "layernorm."];

/// Google's ViT (Dosovitskiy et al., ICLR 2021).
pub const VIT: Family = Family {
    name: "vit",
    model_types: &["vit"],
    unlike: &[
        (
            "vit_msn",
            "its checkpoints hold prototypes beside another head",
        ),
        ("vit_hybrid", "its patches are features of a ResNet"),
        ("beit", "its attention has relative positions"),
        (
            "dinov3_vit",
            "its positions are rotations of queries and keys",
        ),
        ("ijepa", "it has no class token"),
        ("yolos", "its tokens are those of detections"),
    ],
    marks: &[Marks {
        anchor: PROJECTION,
        witness: FIRST_LAYER,
        core: CORE,
        prefix: "vit.",
    }],
    others: &[
        "deit",
        "dinov2",
        "dinov2_with_registers",
        "vit_msn",
        "ijepa",
        "yolos",
        "videomae",
        "audio_spectrogram_transformer",
    ],
    in_timm: false,
    of_timm: None,
    flat: false,
    classifier: Some("classifier"),
    distilled: None,
    tensors: huggingface::vit,
    canonical: huggingface::canonical_vit,
};

/// DeiT (Touvron et al., ICML 2021): a ViT with a distillation token.
pub const DEIT: Family = Family {
    name: "deit",
    model_types: &["deit"],
    unlike: &[],
    marks: &[Marks {
        prefix: "deit.",
        ..VIT.marks[0]
    }],
    others: &["vit", "dinov2", "dinov2_with_registers", "vit_msn"],
    distilled: Some(["cls_classifier", "distillation_classifier"]),
    tensors: huggingface::deit,
    canonical: huggingface::canonical_deit,
    ..VIT
};

/// The encoder of a masked autoencoder (He et al., CVPR 2022).
pub const VIT_MAE: Family = Family {
    name: "vit_mae",
    model_types: &["vit_mae"],
    unlike: &[],
    classifier: None,
    ..VIT
};

/// DINOv2 (Oquab et al., TMLR 2024): residual branches are scaled.
pub const DINOV2: Family = Family {
    name: "dinov2",
    model_types: &["dinov2"],
    unlike: &[],
    marks: &[Marks {
        prefix: "dinov2.",
        ..VIT.marks[0]
    }],
    others: &["vit", "deit", "dinov2_with_registers", "vit_msn"],
    tensors: huggingface::dinov2,
    canonical: huggingface::canonical_dinov2,
    ..VIT
};

/// DINOv2 with register tokens (Darcet et al., ICLR 2024).
pub const DINOV2_WITH_REGISTERS: Family = Family {
    name: "dinov2_with_registers",
    model_types: &["dinov2_with_registers"],
    unlike: &[],
    marks: &[Marks {
        prefix: "dinov2_with_registers.",
        ..VIT.marks[0]
    }],
    others: &["vit", "deit", "dinov2", "vit_msn"],
    tensors: huggingface::dinov2_with_registers,
    canonical: huggingface::canonical_dinov2_with_registers,
    ..VIT
};

/// CLIP's image tower alone (Radford et al., ICML 2021).
pub const CLIP: Family = Family {
    name: "clip_vision_model",
    model_types: &["clip_vision_model"],
    unlike: &[(
        "siglip_vision_model",
        "its last tokens are pooled by attention",
    )],
    marks: &[
        Marks {
            anchor: "embeddings.patch_embedding.weight",
            witness: &["encoder.layers.0.self_attn."],
            core: &[
                "embeddings.",
                "encoder.",
                "pre_layrnorm.",
                "post_layernorm.",
            ],
            prefix: "vision_model.",
        },
        Marks {
            anchor: openai::ANCHOR,
            witness: &["visual.transformer.resblocks.0."],
            core: &["visual."],
            prefix: "",
        },
    ],
    others: &[],
    flat: true,
    classifier: None,
    tensors: clip::tensors,
    canonical: clip::canonical,
    ..VIT
};

/// ViTs in timm's names, which are also those of the original DeiT, DINO, MAE and DINOv2.
pub const TIMM: Family = Family {
    name: "timm-vit",
    model_types: &[],
    unlike: &[],
    marks: &[Marks {
        anchor: "patch_embed.proj.weight",
        witness: &["blocks.0.attn."],
        core: &[
            "patch_embed.",
            "cls_token",
            "dist_token",
            "reg_token",
            "register_tokens",
            "pos_embed",
            "norm_pre.",
            "blocks.",
            "norm.",
            "fc_norm.",
            "head.",
            "head_dist.",
        ],
        prefix: "",
    }],
    others: &[],
    in_timm: false,
    of_timm: Some(timm::keys::SUPPORTED),
    flat: false,
    classifier: Some("head"),
    distilled: Some(["head", "head_dist"]),
    tensors: timm::names::tensors,
    canonical: timm::names::canonical,
};

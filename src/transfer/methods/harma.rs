//! HarMA (Huang et al., ICLR 2024 workshop): gated adapters in every layer of both towers, with a sub-adapter that the towers
//! share. The formula and who shares are settings, because the released code and the paper differ in both; see
//! `model::adapters::harma`.

use super::{Method, Role, settings};
#[cfg(feature = "train")]
use crate::model::adapters::{self, HarmaShape, Settings as Tuned};
use serde::{Deserialize, Serialize};

/// Harmonised adapters.
pub const METHOD: Method = Method {
    name: "harma",
    title: "HarMA",
    phrase: "HarMA",
    role: Role::Proposed,
    what: "Trains gated adapters with attention in every layer of both towers, part of which the towers share; the towers \
           stay as they were pretrained.",
    citation: "Huang et al., ICLR 2024 workshop",
    contrast: Some("bottleneck"),
    note: Some((
        "HarMA: paper and code",
        "The paper and the released code differ in the formula of an adapter and in which towers share its sub-adapter; \
         transfer.harma.form and transfer.harma.share say whose was taken. Ours are the bound on τ, gates and τ without \
         weight decay, and that no epoch is chosen on the test part, as the released code does.",
    )),
    settings: Some(settings::complete::<Settings>),
    towers: Some(stage!(|transfer| {
        let Settings {
            form,
            share,
            rank,
            share_rank,
            heads,
        } = METHOD.read_settings(transfer)?;
        Ok(Tuned::Harma(HarmaShape {
            form: match form {
                Form::Paper => adapters::Form::Paper,
                Form::Released => adapters::Form::Released,
            },
            share: match share {
                Share::Both => adapters::Share::Both,
                Share::Text => adapters::Share::Text,
            },
            rank,
            share_rank,
            heads,
        }))
    })),
    ..Method::OF_TOWERS
};

/// Whose formula.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// Algorithm 1 of the paper.
    #[default]
    Paper,
    /// The released code.
    Released,
}

/// Which towers call the sub-adapter of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Both, as the paper says.
    #[default]
    Both,
    /// That of texts alone, as the released code does.
    Text,
}

/// `[transfer.harma]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// `paper` (Algorithm 1) or `released` (the code): the formula of an adapter.
    pub form: Form,
    /// `both` (the paper) or `text` (the code): which towers call the shared sub-adapter.
    pub share: Share,
    /// Width that tokens are brought down to.
    pub rank: usize,
    /// Width of the sub-adapter, inside.
    pub share_rank: usize,
    /// Attention heads of both.
    pub heads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            form: Form::Paper,
            share: Share::Both,
            rank: 128,
            share_rank: 64,
            heads: 8,
        }
    }
}

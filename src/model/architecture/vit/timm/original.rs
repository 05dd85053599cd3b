//! Whose a ViT in timm's names is, as far as it counts for images of other sizes: timm interpolates positions with the
//! kernel that averages, the authors' own code otherwise.
//!
//! | | bicubic | to the grid |
//! |---|---|---|
//! | timm; DINOv2 with registers | averaging | of the size |
//! | DINO, DINOv2 (`interpolate_pos_encoding`) | plain | of the size and a tenth |
//! | MAE (`util/pos_embed.py`) | plain | of the size |

use crate::model::embedder::Resampling;

/// How positions come to other grids by the names of all tensors and that of the file, and what is to be told of it.
pub fn resampling(names: &[String], file: &str, known: bool) -> (Resampling, Option<String>) {
    let has = |start: &str| names.iter().any(|name| name.starts_with(start));
    let called = |start: &str| file.starts_with(start);
    // timm's files of DINOv2 and MAE have no mask token.
    let masked = names.iter().any(|name| name == "mask_token");
    let found = if has("register_tokens") {
        Some(("DINOv2 with registers", Resampling::Antialiased))
    } else if masked && has("blocks.0.ls1.") {
        Some(("DINOv2", Resampling::PlainTenth))
    } else if (masked && has("decoder_")) || called("mae_") {
        Some(("MAE", Resampling::Plain))
    } else if called("dino_") {
        Some(("DINO", Resampling::PlainTenth))
    } else {
        None
    };
    match found {
        Some((whose, how)) => {
            let note = format!("for images of other sizes positions are interpolated as {whose} does");
            (how, Some(note))
        }
        None if known => (Resampling::Antialiased, None),
        None => (
            Resampling::Antialiased,
            Some(
                "for images of other sizes positions are interpolated as timm does; nothing in the file says whose it \
                 is, and DINO's and MAE's own code does it otherwise"
                    .into(),
            ),
        ),
    }
}

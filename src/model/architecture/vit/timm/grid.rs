//! The grid of positions of a ViT in timm's names, and the side of its images. Positions are tensors; the side is told
//! by a user, `config.json` or a name, and must agree with them unless a user says otherwise.

use super::keys::Told;
use crate::model::ModelError;
use crate::model::opening::SideOrigin;

/// What positions tell.
pub struct Places {
    /// Side in pixels of the images that the positions were made for.
    pub image_size: usize,
    /// How many of the tokens before the patches have positions.
    pub placed: usize,
    /// Where the side was found.
    pub side: SideOrigin,
}

/// What the `rows` positions of patches of `patch` pixels and of the `before` tokens before them tell.
///
/// # Errors
/// [`ModelError::Config`] for positions of another grid than that of the images, unless their side is asked for.
pub fn places(
    rows: usize,
    before: usize,
    patch: usize,
    told: &Told,
    notes: &mut Vec<String>,
) -> Result<Places, ModelError> {
    let config = told.image_size.map(|side| (side, SideOrigin::Config));
    let name = told.published.map(|p| (p.side, SideOrigin::Name));
    let said = config.or(name);
    if let Some((image_size, side)) = said
        && let Some((_, placed)) = split(rows, before, Some(image_size / patch))
    {
        return Ok(Places {
            image_size,
            placed,
            side,
        });
    }
    let own = split(rows, before, None).filter(|_| said.is_none() || told.asked_side.is_some());
    let Some((grid, placed)) = own else {
        let grid = match said {
            Some((side, origin)) => {
                let grid = side / patch;
                let of = origin.name();
                format!("{grid} × {grid} patches, those of the {side} pixels of the {of}")
            }
            None => "a square of patches".into(),
        };
        let way = match said {
            Some(_) => "; --image-size N takes the positions' own grid for images of N pixels",
            None => "",
        };
        let expected =
            format!("positions of {grid}, and of all or none of {before} tokens before them{way}");
        return Err(ModelError::config(
            "pos_embed",
            expected,
            format!("{rows} positions"),
        ));
    };
    let image_size = grid.saturating_mul(patch);
    if let Some((side, origin)) = said {
        notes.push(format!(
            "positions are those of images of {image_size} pixels, not of the {side} of the {}",
            origin.name()
        ));
    }
    Ok(Places {
        image_size,
        placed,
        side: SideOrigin::Positions,
    })
}

/// Side of the grid of `rows` positions, and how many of the `before` tokens before it have some: all, none, or, as in
/// the original DINOv2 with registers, the first.
fn split(rows: usize, before: usize, known: Option<usize>) -> Option<(usize, usize)> {
    let of = |placed: usize| {
        let patches = rows.checked_sub(placed)?;
        let side = patches.isqrt();
        let fits = side > 0 && side * side == patches && known.is_none_or(|known| known == side);
        fits.then_some((side, placed))
    };
    let mut candidates = vec![before, 0];
    if before > 1 {
        candidates.push(1);
    }
    candidates.into_iter().find_map(of)
}

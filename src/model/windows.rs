//! Whose windows an encoder of windowed attention has: `transformers` and timm differ where windows do not
//! divide the token grid.

use super::tokens::Grid;
use serde::{Deserialize, Serialize};

/// Whose windows an encoder has. On grids that windows divide, and in models of one window, both are the
/// same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Windows {
    /// `transformers`: a grid with a side no longer than the window is cut into squares of that side,
    /// unshifted; others are padded, then shifted. It goes by the grid that comes.
    #[default]
    Transformers,
    /// timm (and Microsoft's original): sides of windows and shifts are set when the model is built, for
    /// height and width apart, and a grid is shifted, then padded.
    Timm {
        /// The grid of the first stage for which it was built; `None` where nothing tells. Windows then
        /// are whole, and shifts go by the grid that comes.
        grid: Option<[usize; 2]>,
    },
}

impl Windows {
    /// Those of stage `stage`, where every stage halves the grid.
    pub(super) fn of_stage(self, stage: usize) -> Self {
        match self {
            Self::Timm { grid: Some(grid) } => Self::Timm {
                grid: Some(grid.map(|side| side.div_ceil(1 << stage))),
            },
            other => other,
        }
    }

    /// Height and width of a window and the shift, for a grid of tokens and windows of side `whole`.
    pub(super) fn on(self, grid: Grid, whole: usize, shifted: bool) -> ([usize; 2], [usize; 2]) {
        let shift = if shifted { whole / 2 } else { 0 };
        let built = match self {
            Self::Transformers => {
                let least = grid[0].min(grid[1]);
                return if least <= whole {
                    ([least; 2], [0; 2])
                } else {
                    ([whole; 2], [shift; 2])
                };
            }
            Self::Timm { grid: built } => built,
        };
        let window = built.map_or([whole; 2], |built| built.map(|side| side.min(whole)));
        let sides = built.unwrap_or(grid);
        let shift = [0, 1].map(|axis| {
            if sides[axis] <= window[axis] {
                0
            } else {
                shift
            }
        });
        (window, shift)
    }

    /// Height and width of the windows of every stage, as a model with this many stages holds tables
    /// for them.
    pub fn tables(self, whole: usize, stages: usize) -> Vec<[usize; 2]> {
        (0..stages)
            .map(|stage| match self.of_stage(stage) {
                Self::Timm { grid: Some(grid) } => grid.map(|side| side.min(whole)),
                _ => [whole; 2],
            })
            .collect()
    }

    /// What it means, for people.
    pub fn words(self) -> String {
        match self {
            Self::Transformers => "transformers': padded, then shifted".into(),
            Self::Timm { grid: Some([h, w]) } => {
                format!("timm's: shifted, then padded; built for {h} × {w} tokens")
            }
            Self::Timm { grid: None } => {
                "timm's: shifted, then padded; for the size of the input".into()
            }
        }
    }
}

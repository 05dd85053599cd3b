//! Which tokens of an image meet in which window.

/// The geometry of one attention call; `height` and `width` are multiples of the window's sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowGeometry {
    /// Token rows of the (padded) grid.
    pub height: usize,
    /// Token columns of the (padded) grid.
    pub width: usize,
    /// Rows and columns of a window.
    pub window: [usize; 2],
    /// Cyclic shift of rows and columns; 0 for regular windows.
    pub shift: [usize; 2],
    /// Whether the tokens come shifted already, as timm has them where it pads after the shift.
    pub rolled: bool,
    /// Attention heads; they divide the channels.
    pub heads: usize,
}

impl WindowGeometry {
    /// One window over a whole sequence of `tokens` tokens.
    pub fn sequence(tokens: usize, heads: usize) -> Self {
        Self {
            height: 1,
            width: tokens,
            window: [1, tokens],
            shift: [0, 0],
            rolled: false,
            heads,
        }
    }

    /// Tokens of a window.
    pub fn tokens(&self) -> usize {
        self.window[0] * self.window[1]
    }

    /// Windows of an image.
    pub fn windows(&self) -> usize {
        (self.height / self.window[0]) * (self.width / self.window[1])
    }

    /// Whether windows are shifted, so that some hold tokens of several regions.
    pub fn is_shifted(&self) -> bool {
        self.shift != [0, 0]
    }

    /// For every window, the positions of its tokens in the grid that is given, row by row.
    pub fn token_index(&self) -> Vec<usize> {
        let [down, across] = if self.rolled { [0, 0] } else { self.shift };
        self.per_token(|h, w| ((h + down) % self.height) * self.width + (w + across) % self.width)
    }

    /// For every window, the region each token comes from: tokens of different regions are no
    /// neighbours in the image and must not attend to each other. All zero without a shift.
    pub fn regions(&self) -> Vec<usize> {
        let band = |at: usize, size: usize, axis: usize| match (
            at + self.window[axis] >= size,
            at + self.shift[axis] >= size,
        ) {
            _ if self.shift[axis] == 0 => 0,
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        self.per_token(|h, w| 3 * band(h, self.height, 0) + band(w, self.width, 1))
    }

    fn per_token(&self, value: impl Fn(usize, usize) -> usize) -> Vec<usize> {
        let mut all = Vec::with_capacity(self.height * self.width);
        let [rows, columns] = self.window;
        for top in (0..self.height).step_by(rows) {
            for left in (0..self.width).step_by(columns) {
                for h in top..top + rows {
                    all.extend((left..left + columns).map(|w| value(h, w)));
                }
            }
        }
        all
    }
}

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
    /// Cyclic shift; 0 for regular windows.
    pub shift: usize,
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
            shift: 0,
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

    /// For every window, the positions of its tokens in the unshifted grid, row by row.
    pub fn token_index(&self) -> Vec<usize> {
        self.per_token(|h, w| {
            ((h + self.shift) % self.height) * self.width + (w + self.shift) % self.width
        })
    }

    /// For every window, the region each token comes from: tokens of different regions are no
    /// neighbours in the image and must not attend to each other. All zero without a shift.
    pub fn regions(&self) -> Vec<usize> {
        let band = |at: usize, size: usize, window: usize| match (
            at + window >= size,
            at + self.shift >= size,
        ) {
            (false, _) => 0,
            (true, false) => 1,
            (true, true) => 2,
        };
        self.per_token(|h, w| {
            if self.shift == 0 {
                0
            } else {
                3 * band(h, self.height, self.window[0]) + band(w, self.width, self.window[1])
            }
        })
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

//! How a sample is displayed: as an image, a map, a spectrogram or lines.

/// The way in which numbers `C × H × W` are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Display {
    /// Three channels are red, green and blue.
    Image,
    /// The first channel, dark to bright.
    Map,
    /// As a map, with the first row, the lowest frequency, at the bottom.
    Spectrogram,
    /// Every channel and row is a line over its columns.
    Signal,
}

impl Display {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Image, Self::Map, Self::Spectrogram, Self::Signal];

    /// For numbers of which only channels, height and width are known.
    pub fn of_array([channels, height, _]: [usize; 3]) -> Self {
        match (channels, height) {
            (_, 1) => Self::Signal,
            (3, _) => Self::Image,
            _ => Self::Map,
        }
    }

    /// For a field that is a sample's target.
    pub fn of_field([_, height, _]: [usize; 3]) -> Self {
        if height == 1 { Self::Signal } else { Self::Map }
    }

    /// Its name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Map => "map",
            Self::Spectrogram => "spectrogram",
            Self::Signal => "signal",
        }
    }
}

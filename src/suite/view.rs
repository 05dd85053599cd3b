//! How samples of a modality are looked at by people: as images, maps, spectrograms or lines.

use super::reader::Reader;

/// How samples are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Three channels are red, green and blue.
    Image,
    /// The first channel, dark to bright.
    Map,
    /// The same with the first row, the lowest frequency, at the bottom.
    Spectrogram,
    /// Every channel and row is a line over its columns.
    Signal,
}

impl View {
    /// All views.
    pub const ALL: [Self; 4] = [Self::Image, Self::Map, Self::Spectrogram, Self::Signal];

    /// How what a reader reads is looked at, by channels, height and width.
    pub fn of(reader: Reader, [channels, height, _]: [usize; 3]) -> Self {
        let name = reader.name();
        let signal = ["emg", "ninapro", "ecg", "satellite", "deepsea"];
        match () {
            () if height == 1 || signal.iter().any(|s| name.contains(s)) => Self::Signal,
            () if ["esc", "fsd", "sound"].iter().any(|s| name.contains(s)) => Self::Spectrogram,
            () if channels == 3 && !name.contains("darcy") && !name.contains("pde") => Self::Image,
            () => Self::Map,
        }
    }

    /// How a field that is to be predicted is looked at.
    pub fn of_field([_, height, _]: [usize; 3]) -> Self {
        match height {
            1 => Self::Signal,
            _ => Self::Map,
        }
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

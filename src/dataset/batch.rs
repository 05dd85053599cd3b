//! A batch of samples as training takes it, and what its samples were mixed with.

/// A batch of samples, row-major `[B, C, H, W]`.
pub struct Batch {
    /// Pixel values.
    pub values: Vec<f32>,
    /// `[B, C, H, W]`.
    pub shape: [usize; 4],
    /// One label a sample.
    pub labels: Vec<usize>,
    /// What is known beside the label, sample after sample; empty where the truth is one class.
    pub targets: Vec<f32>,
    /// What the samples were mixed with, if they were.
    pub mixed: Option<Mixed>,
}

/// How the samples of a batch were mixed with others of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Mixed {
    /// Label of the other sample, one a sample.
    pub partners: Vec<usize>,
    /// Share of the sample itself, in [0, 1]; the rest is the other's.
    pub share: f64,
}

impl Batch {
    /// Keeps the first `count` samples and gives the rest.
    pub fn split_off(&mut self, count: usize) -> Self {
        let total = self.labels.len().max(1);
        let cut = |len: usize| (len / total * count).min(len);
        let rest = Self {
            values: self.values.split_off(cut(self.values.len())),
            targets: self.targets.split_off(cut(self.targets.len())),
            labels: self.labels.split_off(count.min(self.labels.len())),
            mixed: self.mixed.as_mut().map(|mixed| Mixed {
                partners: mixed.partners.split_off(count.min(mixed.partners.len())),
                share: mixed.share,
            }),
            shape: self.shape,
        };
        self.shape[0] = self.labels.len();
        Self {
            shape: [
                rest.labels.len(),
                self.shape[1],
                self.shape[2],
                self.shape[3],
            ],
            ..rest
        }
    }
}

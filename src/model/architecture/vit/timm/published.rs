//! What the name of an architecture of timm's says that tensors do not: the number of heads, what is added to
//! variances, the activation, the pooling. Only names whose every part is known are taken: a part that is not may
//! stand for another network of the same tensors (`rpn`, for one, has its norms elsewhere).

/// Heads of the published widths.
const HEADS: [(usize, usize); 13] = [
    (192, 3),
    (256, 4),
    (320, 5),
    (384, 6),
    (512, 8),
    (640, 10),
    (768, 12),
    (896, 14),
    (1024, 16),
    (1280, 16),
    (1408, 16),
    (1536, 24),
    (1664, 16),
];

/// Words of sizes in names.
const SIZES: [&str; 13] = [
    "tiny", "wee", "xsmall", "little", "small", "medium", "betwixt", "base", "large", "huge",
    "giant", "gigantic", "plus",
];

/// What a name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The name, without what comes after a dot.
    pub architecture: String,
    /// Whether the activation is the quick GELU.
    pub quick: bool,
    /// Whether tokens of patches are averaged, and there is no class token.
    pub averages: bool,
    /// Number of register tokens.
    pub registers: usize,
    /// Side of the images in pixels.
    pub side: Option<usize>,
}

impl Published {
    /// Whether a name is that of a ViT of timm's, of whatever kind.
    pub fn is_vit(architecture: &str) -> bool {
        ["vit_", "deit_", "deit3_"]
            .iter()
            .any(|start| architecture.starts_with(start))
    }

    /// What a name says, perhaps within that of a file; `None` where a part of it is not known.
    pub fn find(text: &str) -> Option<Self> {
        let starts = ["vit_", "deit_", "deit3_"]
            .iter()
            .flat_map(|s| text.match_indices(s));
        let at = starts.map(|(at, _)| at).min()?;
        let name = text[at..].split(['.', '-']).next()?;
        let mut parts = name.split('_').skip(1);
        let mut found = Self {
            architecture: name.into(),
            quick: false,
            averages: false,
            registers: 0,
            side: None,
        };
        let mut patch = false;
        let number = |part: &str| part.parse::<usize>().ok();
        parts
            .all(|part| {
                let known = match part {
                    "quickgelu" => {
                        found.quick = true;
                        true
                    }
                    "gap" => {
                        found.averages = true;
                        true
                    }
                    "clip" | "distilled" | "dinov2" | "miil" => true,
                    _ if SIZES.contains(&part) => true,
                    _ => false,
                };
                if let Some(size) = part.strip_prefix("patch") {
                    patch = true;
                    return number(size).is_some();
                }
                if let Some(count) = part.strip_prefix("reg").and_then(number) {
                    found.registers = count;
                    return true;
                }
                // One block after the other.
                let series = part.strip_suffix("x1").and_then(number).is_some();
                if let Some(side) = number(part) {
                    found.side = Some(side);
                    return true;
                }
                known || series
            })
            .then_some(found)
            .filter(|_| patch)
    }

    /// Heads of a published model of that width.
    pub fn heads(&self, width: usize) -> Option<usize> {
        match (self.averages, self.registers, width) {
            (true, 0, 768) => Some(16),
            _ => heads(width),
        }
    }
}

/// Heads of the published models with a class token of that width.
pub fn heads(width: usize) -> Option<usize> {
    HEADS.iter().find(|(w, _)| *w == width).map(|(_, h)| *h)
}

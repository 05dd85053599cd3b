//! How a picture becomes the numbers that a model takes, as plain data: resizing, crop, scale, mean
//! and deviation, and who says so. The model room reads it beside the weights, the dataset room does
//! it to pictures, a run records it.

use serde::{Deserialize, Serialize};

/// Mean of ImageNet's training pictures per channel, in units of full scale.
pub const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Their standard deviation.
pub const IMAGENET_STD: [f32; 3] = [0.229, 0.224, 0.225];
/// Mean of the pictures that OpenAI's CLIP was trained on, per channel, in units of full scale.
pub const CLIP_MEAN: [f32; 3] = [0.481_454_66, 0.457_827_5, 0.408_210_73];
/// Their standard deviation.
pub const CLIP_STD: [f32; 3] = [0.268_629_54, 0.261_302_6, 0.275_777_1];
/// CIFAR-100's training mean per channel, in units of full scale (all 50,000 images).
pub const CIFAR100_MEAN: [f32; 3] = [0.5071, 0.4867, 0.4408];
/// CIFAR-100's training standard deviation per channel, in units of full scale.
pub const CIFAR100_STD: [f32; 3] = [0.2675, 0.2565, 0.2761];

/// What is done to the 8-bit pixels of a picture, in this order: resize, crop,
/// `(pixel · scale − offset − mean) / std`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocess {
    /// How it is resized.
    pub resize: Resize,
    /// What is cut out of its middle.
    pub crop: Option<Crop>,
    /// How pixels between pixels are found.
    pub interpolation: Interpolation,
    /// Factor of a pixel; 1/255 brings it to 0…1.
    pub scale: f64,
    /// What is taken from a scaled pixel.
    pub offset: f64,
    /// Mean per channel, or one for all.
    #[serde(serialize_with = "short")]
    pub mean: Vec<f32>,
    /// Standard deviation per channel, or one for all.
    #[serde(serialize_with = "short")]
    pub std: Vec<f32>,
    /// Who says so.
    pub origin: Origin,
}

/// Numbers as people write them: 0.485, not the double nearest to its single.
fn short<S: serde::Serializer>(values: &[f32], out: S) -> Result<S::Ok, S::Error> {
    let double = |v: &f32| v.to_string().parse().unwrap_or(f64::from(*v));
    values
        .iter()
        .map(double)
        .collect::<Vec<f64>>()
        .serialize(out)
}

/// How a picture is resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resize {
    /// Not at all.
    None,
    /// To height and width, whatever its own ratio.
    Exact([usize; 2]),
    /// The shorter side to this, the longer in proportion (rounded down).
    Shortest(usize),
    /// In proportion, until it covers height and width (timm's `ResizeKeepRatio`).
    Cover([usize; 2]),
    /// In proportion, until it fits into height and width (timm's crop mode `border`).
    Inside([usize; 2]),
}

/// What is cut out of the middle of a picture; where that is smaller, `fill` is added around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Height and width.
    pub size: [usize; 2],
    /// Where the middle is.
    pub rule: CropRule,
    /// Grey level of every channel around a picture that is smaller; black unless said.
    #[serde(default)]
    pub fill: [u8; 3],
}

/// Where the middle of a picture is, if an odd number of pixels is left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CropRule {
    /// Half of what is left over, rounded to the even number.
    Torchvision,
    /// Half of what is left over, rounded down.
    Transformers,
}

/// The filters of PIL, which torchvision, timm and transformers name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Interpolation {
    /// The pixel at the place.
    Nearest,
    /// Lanczos of three lobes.
    Lanczos,
    /// A triangle.
    Bilinear,
    /// Keys' cubic, a = −½.
    Bicubic,
    /// The mean of the pixels below.
    Box,
    /// A Hamming window of one lobe.
    Hamming,
}

impl Interpolation {
    /// PIL's number of it.
    pub fn of_number(number: u64) -> Option<Self> {
        let all = [
            Self::Nearest,
            Self::Lanczos,
            Self::Bilinear,
            Self::Bicubic,
            Self::Box,
            Self::Hamming,
        ];
        all.get(usize::try_from(number).ok()?).copied()
    }

    /// The filter of that name.
    pub fn of_name(name: &str) -> Option<Self> {
        serde_json::from_value(name.to_lowercase().into()).ok()
    }

    /// PIL's number.
    pub fn number(self) -> u64 {
        self as u64
    }
}

/// Who says how pictures are prepared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// A model of ours: every image set keeps its own constants (CIFAR's, the demo's), as the model
    /// was trained.
    Own,
    /// This file beside the weights.
    File(String),
    /// Nobody: ImageNet's constants, as every published Swin has them; of a CLIP, CLIP's.
    Guess,
}

impl Preprocess {
    /// That of our own models, for pictures that have no constants of their own: the shorter side to
    /// the model's, bilinear, the middle of it, CIFAR's constants.
    pub fn own(side: usize) -> Self {
        Self {
            interpolation: Interpolation::Bilinear,
            mean: CIFAR100_MEAN.to_vec(),
            std: CIFAR100_STD.to_vec(),
            origin: Origin::Own,
            ..Self::guess(side)
        }
    }

    /// What is taken where nothing beside the weights tells: the shorter side to the model's,
    /// bicubic, the middle of it, ImageNet's constants.
    pub fn guess(side: usize) -> Self {
        Self {
            resize: Resize::Shortest(side),
            crop: Some(Crop {
                size: [side; 2],
                rule: CropRule::Torchvision,
                fill: [0; 3],
            }),
            interpolation: Interpolation::Bicubic,
            scale: 1.0 / 255.0,
            offset: 0.0,
            mean: IMAGENET_MEAN.to_vec(),
            std: IMAGENET_STD.to_vec(),
            origin: Origin::Guess,
        }
    }

    /// That of CLIP where nothing beside its weights tells, as OpenAI and open_clip do it: a guess too, since some
    /// models trained the same way have other constants.
    pub fn clip(side: usize) -> Self {
        Self {
            mean: CLIP_MEAN.to_vec(),
            std: CLIP_STD.to_vec(),
            ..Self::guess(side)
        }
    }

    /// The same for pictures of `side × side` in the end; what is cut off keeps its share.
    pub fn with_side(mut self, side: usize) -> Self {
        let scaled = |size: usize, of: usize| match of {
            0 => side,
            of => (size as f64 * side as f64 / of as f64).round() as usize,
        };
        let last = self.crop.map(|crop| crop.size);
        let exact = |size: [usize; 2]| match last {
            Some([h, w]) => [scaled(size[0], h), scaled(size[1], w)],
            None => [side; 2],
        };
        self.resize = match self.resize {
            Resize::None => Resize::Exact([side; 2]),
            Resize::Exact(size) => Resize::Exact(exact(size)),
            Resize::Cover(size) => Resize::Cover(exact(size)),
            Resize::Inside(size) => Resize::Inside(exact(size)),
            Resize::Shortest(size) => Resize::Shortest(match last {
                Some([h, w]) => scaled(size, h.min(w)),
                None => side,
            }),
        };
        if let Some(crop) = &mut self.crop {
            crop.size = [side; 2];
        }
        self
    }

    /// Height and width that every picture has in the end, if that does not depend on the picture.
    pub fn fixed_size(&self) -> Option<[usize; 2]> {
        match (self.crop, self.resize) {
            (Some(crop), _) => Some(crop.size),
            (None, Resize::Exact(size)) => Some(size),
            _ => None,
        }
    }

    /// Height and width to which a picture of `[height, width]` is resized.
    pub fn resized(&self, [height, width]: [usize; 2]) -> [usize; 2] {
        let keep = |[rows, columns]: [usize; 2], cover: bool| {
            let (down, across) = (
                height as f64 / rows.max(1) as f64,
                width as f64 / columns.max(1) as f64,
            );
            let ratio = if cover {
                down.min(across)
            } else {
                down.max(across)
            };
            [height, width].map(|side| ((side as f64 / ratio).round_ties_even() as usize).max(1))
        };
        match self.resize {
            Resize::None => [height, width],
            Resize::Exact(size) => size,
            Resize::Cover(size) => keep(size, true),
            Resize::Inside(size) => keep(size, false),
            Resize::Shortest(side) => {
                let (short, long) = (height.min(width).max(1), height.max(width));
                let other = ((side as u128 * long as u128) / short as u128) as usize;
                if height <= width {
                    [side, other]
                } else {
                    [other, side]
                }
            }
        }
    }

    /// Height and width of a picture of `[height, width]` in the end.
    pub fn output(&self, size: [usize; 2]) -> [usize; 2] {
        self.crop
            .map_or_else(|| self.resized(size), |crop| crop.size)
    }

    /// One line on it, for people.
    pub fn words(&self) -> String {
        let size = |[h, w]: [usize; 2]| format!("{h} × {w}");
        let name = format!("{:?}", self.interpolation).to_lowercase();
        let mut parts = vec![match self.resize {
            Resize::None => "not resized".to_string(),
            Resize::Exact(to) => format!("resized to {} ({name})", size(to)),
            Resize::Shortest(to) => format!("shorter side {to} ({name})"),
            Resize::Cover(to) => format!("covering {} ({name})", size(to)),
            Resize::Inside(to) => format!("inside {} ({name})", size(to)),
        }];
        if let Some(crop) = self.crop {
            parts.push(format!("middle {}", size(crop.size)));
        }
        parts.push(format!("mean {:?}, std {:?}", self.mean, self.std));
        if (self.scale * 255.0 - 1.0).abs() > 1e-9 || self.offset != 0.0 {
            parts.push(format!("of pixels × {} − {}", self.scale, self.offset));
        }
        let by = match &self.origin {
            Origin::Own => "a model of ours: CIFAR's and the demo's sets keep their own constants",
            Origin::File(file) => file,
            Origin::Guess => {
                "a guess: no preprocessor_config.json, no open_clip_config.json and no pretrained_cfg beside the weights"
            }
        };
        format!("{} ({by})", parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_torchvision_and_timm() {
        let mut one = Preprocess::guess(224);
        assert_eq!(one.resized([375, 500]), [224, 298]);
        assert_eq!(one.resized([500, 375]), [298, 224]);
        assert_eq!(one.output([9, 7]), [224, 224]);
        one.resize = Resize::Cover([112, 168]);
        // timm: ratio min(100/112, 300/168), sides rounded
        assert_eq!(one.resized([100, 300]), [112, 336]);
        one.resize = Resize::Inside([112, 168]);
        assert_eq!(one.resized([100, 300]), [56, 168]);
    }

    #[test]
    fn another_side_keeps_the_share_that_is_cut_off() {
        let mut one = Preprocess::guess(224);
        one.resize = Resize::Shortest(256);
        let half = one.clone().with_side(112);
        assert_eq!(half.resize, Resize::Shortest(128));
        assert_eq!(half.fixed_size(), Some([112, 112]));
        one.resize = Resize::Exact([224, 224]);
        one.crop = None;
        assert_eq!(one.with_side(96).fixed_size(), Some([96, 96]));
    }

    #[test]
    fn it_survives_a_file() {
        let mut one = Preprocess::guess(32);
        one.origin = Origin::File("a/preprocessor_config.json".into());
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Preprocess>(&text).unwrap(), one);
        let value = serde_json::to_value(&one).unwrap();
        assert_eq!(value["mean"].to_string(), "[0.485,0.456,0.406]");
        assert_eq!(serde_json::from_value::<Preprocess>(value).unwrap(), one);
    }
}

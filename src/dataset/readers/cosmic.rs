//! Cosmic rays in images of the Hubble Space Telescope (Zhang and Bloom 2020, *deepCR*): from an image
//! to the mask of what cosmic rays hit, 128 × 128.
//!
//! `deepCR.ACS-WFC.{train,test}.tar` hold `npy_{train,test}/FILTER/PROGRAMME/VISIT/N_….npy`, arrays `[2 or 3,
//! H, W]` of image, mask and, perhaps, pixels to ignore. They are read from the archive's map, never
//! extracted. As in NAS-Bench-360 the filter F435W and the visits that look at resolved galaxies are
//! used, and of each the square of 128 points from point 64 on (ORCA's fixed crop). Pixels to ignore
//! count as not hit. The publishers vary the sky's brightness at random, test images too; here images
//! are as taken.
//!
//! Images are standardised by one mean and deviation of [`FITTED`] training images evenly spread. A
//! tenth of the training images validates.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, malformed, map, refused};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use crate::dataset::{
    Dataset, DatasetError, Display, Normalise, Splits, Subset, TargetShape, check_request,
    check_target,
};
use crate::files::array::Owner;
use crate::files::{Fault, Stored, npy, tar};
use crate::suite::task::TargetKind;

/// Training images whose statistics standardise all.
pub const FITTED: usize = 256;
/// Side of the crop and where it begins.
const SIDE: usize = 128;
const FROM: usize = 64;
/// Points of the widest image that is believed.
const MOST: usize = 1 << 14;

/// Visits (programme_visit) to fields of resolved galaxies: the publishers' field types.
const GALAXIES: [&str; 29] = [
    "10760_2", "10760_4", "13737_2", "13737_3", "9490_a3", "12513_2", "12513_3", "10182_pb",
    "10182_pd", "10584_13", "10342_3", "14343_1", "13057_1", "10260_7", "10260_5", "10407_3",
    "13375_4", "13375_7", "13364_95", "10190_28", "10190_13", "9490_a2", "13691_11", "12058_12",
    "12058_16", "12058_1", "12058_6", "14704_1", "13804_6",
];

const PLACE: Place = Place::of("cosmic");

/// The reader `cosmic`.
pub const READER: Reader = Reader {
    name: "cosmic",
    title: "Cosmic rays",
    what: "Images of the Hubble Space Telescope, 1 × 128 × 128, to the mask of what cosmic rays hit",
    display: Some(Display::Map),
    input: Input::Resized,
    target: TargetKind::Dense,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Crops of one archive's images.
struct Crops {
    path: PathBuf,
    images: Vec<Stored>,
    norm: Normalise,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let plain = Normalise::new(&[0.0], &[1.0]);
    let train = Crops::open(root, "train", &plain)?;
    let (kept, held) = hold_out(&vec![0; train.len()], VALID_SHARE, SPLIT_SEED);
    let some = kept.iter().copied().step_by(kept.len().div_ceil(FITTED));
    let norm = Normalise::fit(&Subset::new(Arc::new(train), some.collect())?, 1)?;
    let train = Arc::new(Crops::open(root, "train", &norm)?);
    Ok(Splits::new(
        Arc::new(Subset::new(train.clone(), kept)?),
        Arc::new(Subset::new(train, held)?),
        Arc::new(Crops::open(root, "test", &norm)?),
    ))
}

/// Whether a member is an image of the filter and of a visit that counts.
fn counts(name: &str, part: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let [.., top, filter, programme, visit, file] = parts[..] else {
        return false;
    };
    top == format!("npy_{part}")
        && filter == "f435w"
        && file.ends_with(".npy")
        && file != "sky.npy"
        && GALAXIES.contains(&format!("{programme}_{visit}").as_str())
}

impl Crops {
    fn open(root: &Path, part: &str, norm: &Normalise) -> Result<Self, DatasetError> {
        let path = PLACE.find(root, &[&format!("deepCR.ACS-WFC.{part}.tar")])?;
        let archive = Arc::new(map(&path)?);
        let owner: Owner = archive.clone();
        let mut files = tar::list(&archive).map_err(refused(&path))?;
        files.retain(|(name, _)| counts(name, part));
        files.sort_by(|a, b| a.0.cmp(&b.0));
        if files.is_empty() {
            let expected = format!("npy_{part}/f435w/PROGRAMME/VISIT/N.npy of galaxies");
            return Err(malformed(&path, "members", expected, "none"));
        }
        let image = |(name, range): (String, std::ops::Range<usize>)| -> Result<Stored, Fault> {
            let image = npy::stored_in(owner.clone(), range).map_err(|e| e.of(&name))?;
            match image.layout().shape[..] {
                [2 | 3, height, width]
                    if (FROM + SIDE..=MOST).contains(&height)
                        && (FROM + SIDE..=MOST).contains(&width)
                        && !image.layout().fortran =>
                {
                    Ok(image)
                }
                ref other => {
                    let expected = "[2 or 3, ≥ 192, ≥ 192], row-major";
                    Err(Fault::new("shape", expected, format!("{other:?}")).of(&name))
                }
            }
        };
        let images = files.into_iter().map(image).collect::<Result<_, _>>();
        Ok(Self {
            images: images.map_err(refused(&path))?,
            path,
            norm: norm.clone(),
        })
    }

    /// The crop of a plane.
    fn crop(&self, index: usize, plane: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        let image = &self.images[index];
        let [_, height, width] = image.layout().shape[..] else {
            return Ok(()); // checked at opening
        };
        for (row, out) in out.chunks_exact_mut(SIDE).enumerate() {
            let start = (plane * height + FROM + row) * width + FROM;
            image.read_flat(start, out).map_err(refused(&self.path))?;
        }
        match out.iter().find(|v| !v.is_finite()) {
            None => Ok(()),
            Some(value) => {
                let what = format!("plane {plane} of image {index}");
                Err(malformed(
                    &self.path,
                    what,
                    "finite numbers",
                    value.to_string(),
                ))
            }
        }
    }
}

impl Dataset for Crops {
    fn shape(&self) -> [usize; 3] {
        [1, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Field(self.shape())
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, SIDE * SIDE)?;
        check_target(PLACE.set, self.target_shape(), 0, out.len())?;
        self.crop(index, 1, out)?;
        if let Some(value) = out.iter().find(|&&v| v != 0.0 && v != 1.0) {
            let what = format!("mask of image {index}");
            return Err(malformed(&self.path, what, "0 or 1", value.to_string()));
        }
        if self.images[index].layout().rows() == 3 {
            let mut ignored = vec![0.0; out.len()];
            self.crop(index, 2, &mut ignored)?;
            let hidden = out.iter_mut().zip(&ignored).filter(|(_, i)| **i != 0.0);
            hidden.for_each(|(mask, _)| *mask = 0.0);
        }
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, out.len())?;
        self.crop(index, 0, out)?;
        self.norm.apply(out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::fuzz;

    /// An image of 192 × 193 points with three planes; the mask is hit where the column is even.
    fn image(number: usize) -> Vec<u8> {
        let mut out = npy::header("<f4", &[3, 192, 193]);
        for plane in 0..3 {
            for at in 0..192 * 193 {
                let column = at % 193;
                let value = match plane {
                    0 => (at % 89 + number) as f32,
                    1 => f32::from(column % 2 == 0),
                    _ => f32::from(column == 66),
                };
                out.extend(value.to_le_bytes());
            }
        }
        out
    }

    fn archive(part: &str, count: usize) -> Vec<u8> {
        let names = (0..count).map(|n| (format!("npy_{part}/f435w/10760/2/{n}_0.npy"), image(n)));
        let mut files: Vec<(String, Vec<u8>)> = names.collect();
        for other in [
            "f606w/10760/2/1.npy",
            "f435w/9442/1/1.npy",
            "f435w/10760/2/sky.npy",
        ] {
            files.push((format!("npy_{part}/{other}"), b"not read".to_vec()));
        }
        let files: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&n[..], &b[..])).collect();
        tar::write::archive(&files)
    }

    fn folder(root: &Path, train: &[u8]) {
        std::fs::create_dir_all(root.join("cosmic")).unwrap();
        std::fs::write(root.join("cosmic/deepCR.ACS-WFC.train.tar"), train).unwrap();
        std::fs::write(
            root.join("cosmic/deepCR.ACS-WFC.test.tar"),
            archive("test", 1),
        )
        .unwrap();
    }

    #[test]
    fn galaxies_of_the_filter_are_cropped_from_the_archive() {
        let dir = tempfile::tempdir().unwrap();
        folder(dir.path(), &archive("train", 4));
        let splits = open(dir.path()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!((lengths, splits.test.shape()), ([3, 1, 1], [1, 128, 128]));
        let (mut x, mut y) = (vec![0.0; SIDE * SIDE], vec![0.5; SIDE * SIDE]);
        splits.test.read(0, &mut x).unwrap();
        splits.test.read_target(0, &mut y).unwrap();
        assert_eq!(y[..5], [1.0, 0.0, 0.0, 0.0, 1.0], "column 66 is ignored");
        // rows are 193 apart in the file: 193 = 2 · 89 + 15
        let step = x[1] - x[0];
        assert!((x[SIDE] - x[0] - 15.0 * step).abs() < 1e-3 || x[SIDE] < x[0]);
    }

    #[test]
    fn small_images_and_empty_archives_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let said = |tar: &[u8]| {
            folder(dir.path(), tar);
            open(dir.path()).err().unwrap().to_string()
        };
        assert!(said(&archive("train", 0)).contains("of galaxies"));
        let small = npy::header("<f4", &[3, 4, 4]);
        let small = [small, vec![0; 192]].concat();
        let name = "npy_train/f435w/10760/2/1_0.npy";
        assert!(said(&tar::write::archive(&[(name, &small)])).contains("192"));
        let good = archive("train", 1);
        assert!(said(&good[..good.len() / 2]).contains("train.tar"));
        assert!(said(b"<html>").contains("header"));
    }

    #[test]
    fn no_flip_makes_the_cosmos_panic() {
        fuzz::rounds(&archive("train", 2), 30, |bytes, root| {
            folder(root, bytes);
            let splits = open(root)?;
            splits.train.read_target(0, &mut vec![0.0; SIDE * SIDE])
        });
    }
}

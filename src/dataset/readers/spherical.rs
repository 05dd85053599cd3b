//! Spherical CIFAR-100 as NAS-Bench-360 publishes it: `s2_cifar100.gz`, a gzip pickle of
//! `{"train": {"images", "labels"}, "test": {…}}` with images `[N, 3, 60, 60]` of bytes.
//!
//! The stream is inflated once into an unnamed temporary file and images are read from its map, so
//! the 650 MB are never in memory at once. The pickle is not executed (see
//! [`crate::files::pickle`]). A tenth of the training images, class by class, validates. Each colour
//! is standardised by mean and deviation of the training part, background included: as the other
//! targets are, so that discrepancies before training compare shapes and not scales. A model with a
//! preprocessing of its own gets pixels.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, io, labels_of, refused};
use crate::dataset::rows::{Arrange, Rows, Targets, numbered};
use crate::dataset::subset::with_validation;
use crate::dataset::{Dataset, DatasetError, Display, Normalise, Splits};
use crate::files::array::Owner;
use crate::files::gzip;
use crate::files::pickle::Pickle;
use crate::suite::task::TargetKind;

/// Points along each side of the spherical grid.
const SIDE: usize = 60;
const CLASSES: usize = 100;
/// Most that is inflated: images as floats would have 2.6 GB.
const MOST: u64 = 4 << 30;

const PLACE: Place = Place::of("spherical");

/// The reader `spherical`.
pub const READER: Reader = Reader {
    name: "spherical",
    title: "Spherical CIFAR-100",
    what: "Photographs projected on the sphere, 3 × 60 × 60, of a hundred classes",
    display: Some(Display::Image),
    input: Input::Pictures,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root, asked.pixels),
};

/// Opens the three parts; `pixels` keeps pixels in `0..=1`.
fn open(root: &Path, pixels: bool) -> Result<Splits, DatasetError> {
    let path = PLACE.find(root, &["s2_cifar100.gz"])?;
    let file = File::open(&path).map_err(io(&path))?;
    let map = gzip::spill(gzip::unwrapped(file), MOST, "gzip stream").map_err(refused(&path))?;
    let map: Arc<memmap2::Mmap> = Arc::new(map);
    let owner: Owner = map.clone();
    let pickle = Pickle::parse(&map).map_err(refused(&path))?;
    let part = |name: &str, norm: &Normalise| -> Result<Arc<dyn Dataset>, DatasetError> {
        let wrong = refused(&path);
        let part = pickle.root().get(name).map_err(&wrong)?;
        let images = part.get("images").and_then(|v| v.stored(&owner, 0));
        let images = images.map_err(&wrong)?;
        let expected = images.layout().expect_shape(&[0, 3, SIDE, SIDE]);
        expected.map_err(&wrong)?;
        let labels = part.get("labels").and_then(|v| v.array()).map_err(&wrong)?;
        let labels = labels_of(&path, &labels, CLASSES)?;
        let rows = Rows::new(
            path.clone(),
            [3, SIDE, SIDE],
            numbered(CLASSES),
            (images, Arrange::AsIs),
            Targets::Labels(labels),
        )?;
        Ok(Arc::new(rows.normalised(norm.clone())))
    };
    let whole = |norm: &Normalise| with_validation(part("train", norm)?, part("test", norm)?);
    if pixels {
        return whole(&Normalise::new(&[0.0], &[255.0]));
    }
    let raw = whole(&Normalise::new(&[0.0], &[1.0]))?;
    whole(&Normalise::fit(raw.train.as_ref(), 3)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::class_counts;
    use crate::files::fuzz;
    use crate::fixture;

    fn published() -> Vec<u8> {
        std::fs::read(fixture::path("containers/s2_cifar100.gz")).unwrap()
    }

    fn open_bytes(root: &Path, bytes: &[u8]) -> Result<Splits, DatasetError> {
        std::fs::create_dir_all(root.join("spherical")).unwrap();
        std::fs::write(root.join("spherical/s2_cifar100.gz"), bytes).unwrap();
        open(root, false)
    }

    /// The fixture holds 6 training images (two of each of classes 0, 1, 99) and 2 test images,
    /// each filled with its number, written by `pickle` as NAS-Bench-360 does.
    #[test]
    fn the_published_layout_is_read_and_never_executed() {
        let dir = tempfile::tempdir().unwrap();
        let splits = open_bytes(dir.path(), &published()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!((lengths, splits.test.shape()), ([3, 3, 2], [3, 60, 60]));
        assert_eq!(class_counts(splits.valid.as_ref())[99], 1);
        // standardised by the training part, each colour by itself
        let norm = Normalise::fit(splits.train.as_ref(), 3).unwrap();
        for channel in 0..3 {
            assert!(norm.mean()[channel].abs() < 1e-4);
            assert!((norm.std()[channel] - 1.0).abs() < 1e-4);
        }
        let value = |set: &Arc<dyn Dataset>, row| {
            let mut out = vec![0.0; 3 * SIDE * SIDE];
            set.read(row, &mut out).unwrap();
            assert!(out.iter().all(|v| *v == out[0]));
            out[0]
        };
        let numbers: Vec<f32> = (0..3).map(|row| value(&splits.train, row)).collect();
        let unit = value(&splits.test, 1) - value(&splits.test, 0);
        let steps = (numbers[1] - numbers[0]) / unit;
        assert!(unit > 0.1 && (steps - steps.round()).abs() < 1e-3);
        // a model with a preprocessing of its own gets pixels: the bytes of the file over 255
        let pixels = open(dir.path(), true).unwrap();
        let byte = 255.0 * (value(&pixels.test, 1) - value(&pixels.test, 0));
        assert!((byte - 1.0).abs() < 1e-4 && value(&pixels.train, 0) >= 0.0);
        let hostile = std::fs::read(fixture::path("containers/hostile_4.pkl")).unwrap();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        std::io::Write::write_all(&mut gz, &hostile).unwrap();
        let said = open_bytes(dir.path(), &gz.finish().unwrap()).err().unwrap();
        assert!(said.to_string().contains("system"), "{said}");
        // packed once more by a server, or unpacked by a browser
        let plain = gzip::inflate(&published()[..], MOST).unwrap();
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), Default::default());
        std::io::Write::write_all(&mut gz, &published()).unwrap();
        for bytes in [plain, gz.finish().unwrap()] {
            assert_eq!(open_bytes(dir.path(), &bytes).unwrap().test.len(), 2);
        }
        let said = open_bytes(dir.path(), b"<html>403</html>").err().unwrap();
        assert!(said.to_string().contains("pickle"), "{said}");
    }

    #[test]
    fn no_flip_makes_the_sphere_panic() {
        fuzz::rounds(&published(), 100, |bytes, root| {
            let splits = open_bytes(root, bytes)?;
            splits.test.read(0, &mut vec![0.0; 3 * SIDE * SIDE])
        });
        // the pickle itself, since gzip's checksum would notice every flip
        let good = gzip::inflate(&published()[..], MOST).unwrap();
        fuzz::rounds(&good, 60, |bytes, root| {
            let fast = flate2::Compression::fast();
            let mut gz = flate2::write::GzEncoder::new(Vec::new(), fast);
            std::io::Write::write_all(&mut gz, bytes).unwrap();
            let splits = open_bytes(root, &gz.finish().unwrap())?;
            splits.test.read(0, &mut vec![0.0; 3 * SIDE * SIDE])
        });
    }
}

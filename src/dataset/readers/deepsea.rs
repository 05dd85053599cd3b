//! DeepSEA as NAS-Bench-360 publishes it (Zhou and Troyanskaya 2015): 1,000 letters of DNA, one-hot
//! in four channels, and 36 chromatin features that each may be present: 4 × 1 × 1000, several labels.
//!
//! `deepsea_filtered.npz` holds `{x,y}_{train,val,test}`, x `[N, 1000, 4]` and y `[N, 36]` of zeros and
//! ones. Members that are stored are read from the archive's own map; deflated ones are inflated
//! once into an unnamed temporary file. The parts are the published ones. Some positions of a
//! sequence are unknown and have four zeros.

use std::path::Path;
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, refused};
use crate::dataset::rows::{Arrange, Rows, Targets};
use crate::dataset::{Dataset, DatasetError, Display, Splits};
use crate::files::zip::Zip;
use crate::files::{Stored, npy};
use crate::suite::task::TargetKind;

const LETTERS: usize = 1000;
const BASES: usize = 4;
const FEATURES: usize = 36;
/// Most that a member inflates to: doubles of the largest part would have 5 GB.
const MOST: u64 = 8 << 30;

const PLACE: Place = Place::of("deepsea");

/// The reader `deepsea`.
pub const READER: Reader = Reader {
    name: "deepsea",
    title: "DeepSEA",
    what: "A thousand letters of DNA, 4 × 1 × 1000, to 36 chromatin features",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::MultiHot,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let path = PLACE.find(root, &["deepsea_filtered.npz"])?;
    let wrong = refused(&path);
    let zip = Zip::open(&path).map_err(&wrong)?;
    let classes: Vec<String> = (0..FEATURES).map(|f| format!("feature {f}")).collect();
    let classes = Arc::new(classes);
    let array = |name: String, shape: &[usize]| -> Result<Stored, DatasetError> {
        let region = zip.region(&format!("{name}.npy"), MOST);
        let stored = region.and_then(|(owner, range)| npy::stored_in(owner, range));
        let stored = stored.map_err(|e| wrong(e.of(&name)))?;
        let fits = stored.layout().expect_shape(shape);
        fits.map_err(|e| wrong(e.of(&name)))?;
        Ok(stored)
    };
    let part = |name: &str| -> Result<Arc<dyn Dataset>, DatasetError> {
        let data = array(format!("x_{name}"), &[0, LETTERS, BASES])?;
        let targets = array(format!("y_{name}"), &[0, FEATURES])?;
        let arrange = Arrange::Transpose {
            time: LETTERS,
            channels: BASES,
        };
        Ok(Arc::new(Rows::new(
            path.clone(),
            [BASES, 1, LETTERS],
            classes.clone(),
            (data, arrange),
            Targets::MultiHot(targets),
        )?))
    };
    Ok(Splits::new(part("train")?, part("val")?, part("test")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::TargetShape;
    use crate::files::fuzz;
    use ::zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};
    use std::io::Write;

    fn archive(method: CompressionMethod, features: usize) -> Vec<u8> {
        let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, count) in [("train", 3), ("val", 1), ("test", 2)] {
            let options = SimpleFileOptions::default().compression_method(method);
            zip.start_file(format!("x_{name}.npy"), options).unwrap();
            zip.write_all(&npy::header("|b1", &[count, LETTERS, BASES]))
                .unwrap();
            let letters = (0..count * LETTERS * BASES).map(|at| u8::from(at / 4 % 4 == at % 4));
            zip.write_all(&letters.collect::<Vec<_>>()).unwrap();
            zip.start_file(format!("y_{name}.npy"), options).unwrap();
            zip.write_all(&npy::header("<f4", &[count, features]))
                .unwrap();
            let targets = (0..count * features).map(|at| f32::from(at % 5 == 0));
            zip.write_all(&targets.flat_map(f32::to_le_bytes).collect::<Vec<_>>())
                .unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn open_bytes(root: &Path, bytes: &[u8]) -> Result<Splits, DatasetError> {
        std::fs::create_dir_all(root.join("deepsea")).unwrap();
        std::fs::write(root.join("deepsea/deepsea_filtered.npz"), bytes).unwrap();
        open(root)
    }

    #[test]
    fn stored_and_deflated_members_give_letters_and_features() {
        let dir = tempfile::tempdir().unwrap();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let splits = open_bytes(dir.path(), &archive(method, FEATURES)).unwrap();
            let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
            assert_eq!((lengths, splits.test.shape()), ([3, 1, 2], [4, 1, 1000]));
            assert_eq!(splits.test.target_shape(), TargetShape::MultiHot);
            let (mut x, mut y) = (vec![0.0; 4000], vec![0.0; FEATURES]);
            splits.test.read(1, &mut x).unwrap();
            assert_eq!((x[0], x[1], x[1001], x[3003]), (1.0, 0.0, 1.0, 1.0));
            splits.test.read_target(1, &mut y).unwrap();
            assert_eq!((y[4], y[5]), (1.0, 0.0));
        }
        let said = open_bytes(dir.path(), &archive(CompressionMethod::Stored, 35));
        assert!(said.err().unwrap().to_string().contains("y_train: shape"));
        let text = open_bytes(dir.path(), b"<html>not found</html>");
        assert!(text.err().unwrap().to_string().contains("end record"));
    }

    #[test]
    fn no_flip_makes_dna_panic() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            fuzz::rounds(&archive(method, FEATURES), 60, |bytes, root| {
                let splits = open_bytes(root, bytes)?;
                splits.test.read(1, &mut vec![0.0; 4000])?;
                splits.test.read_target(1, &mut [0.0; FEATURES])
            });
        }
    }
}

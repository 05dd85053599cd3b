//! Satellite image time series as NAS-Bench-360 publishes them (Petitjean et al. 2012): 46 values
//! of a vegetation index, 24 kinds of land cover, 1 × 1 × 46.
//!
//! `satellite_{train,test}.npy` are arrays of one Python dictionary `{"data": [N, 46], "label": [N]}`,
//! so pickles behind a header; they are read without executing anything. Labels count from 1.
//! Values are standardised by one mean and deviation of the training part; a tenth of the training
//! series, class by class, validates.

use std::path::Path;
use std::sync::Arc;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, labels_of, malformed, map, refused};
use crate::dataset::rows::{Arrange, Rows, Targets, numbered};
use crate::dataset::subset::{SPLIT_SEED, VALID_SHARE, hold_out};
use crate::dataset::{Dataset, DatasetError, Display, Normalise, Splits, Subset};
use crate::files::array::Owner;
use crate::files::npy;
use crate::files::pickle::Pickle;
use crate::suite::task::TargetKind;

const LENGTH: usize = 46;
const CLASSES: usize = 24;

const PLACE: Place = Place::of("satellite");

/// The reader `satellite`.
pub const READER: Reader = Reader {
    name: "satellite",
    title: "Satellite",
    what: "Time series of a vegetation index, 1 × 1 × 46, of 24 kinds of land cover",
    display: Some(Display::Signal),
    input: Input::Resized,
    target: TargetKind::Labels,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let train = part(root, "train")?;
    let all = match &train.1 {
        Targets::Labels(labels) => labels.clone(),
        Targets::MultiHot(_) => Vec::new(),
    };
    let (kept, held) = hold_out(&all, VALID_SHARE, SPLIT_SEED);
    let rows = |(data, targets): (crate::files::Stored, Targets), norm: &Normalise| {
        let classes = numbered(CLASSES);
        let path = std::path::PathBuf::from("satellite");
        let rows = Rows::new(
            path,
            [1, 1, LENGTH],
            classes,
            (data, Arrange::AsIs),
            targets,
        );
        rows.map(|rows| Arc::new(rows.normalised(norm.clone())) as Arc<dyn Dataset>)
    };
    let raw = rows(
        (train.0.clone(), Targets::Labels(all.clone())),
        &Normalise::new(&[0.0], &[1.0]),
    )?;
    let norm = Normalise::fit(&Subset::new(raw, kept.clone())?, 1)?;
    let train = rows(train, &norm)?;
    Ok(Splits::new(
        Arc::new(Subset::new(train.clone(), kept)?),
        Arc::new(Subset::new(train, held)?),
        rows(part(root, "test")?, &norm)?,
    ))
}

fn part(root: &Path, name: &str) -> Result<(crate::files::Stored, Targets), DatasetError> {
    let path = PLACE.find(root, &[&format!("satellite_{name}.npy")])?;
    let wrong = refused(&path);
    let map = Arc::new(map(&path)?);
    let owner: Owner = map.clone();
    let Some(range) = npy::object(&map).map_err(&wrong)? else {
        let expected = "an array of one dictionary with data and label";
        return Err(malformed(
            &path,
            "contents",
            expected,
            "an array of numbers",
        ));
    };
    let start = range.start;
    let pickle = Pickle::parse(&map[range]).map_err(&wrong)?;
    let root = pickle.root();
    let data = root.get("data").and_then(|v| v.stored(&owner, start));
    let data = data.map_err(&wrong)?;
    data.layout().expect_shape(&[0, LENGTH]).map_err(&wrong)?;
    let labels = root.get("label").and_then(|v| v.array()).map_err(&wrong)?;
    let mut labels = labels_of(&path, &labels, CLASSES + 1)?;
    if let Some(row) = labels.iter().position(|&l| l == 0) {
        let what = format!("label of record {row}");
        return Err(malformed(&path, what, "1..=24", "0"));
    }
    labels.iter_mut().for_each(|l| *l -= 1);
    Ok((data, Targets::Labels(labels)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::class_counts;
    use crate::files::fuzz;
    use crate::fixture;

    fn folder(root: &Path, train: &[u8]) {
        std::fs::create_dir_all(root.join("satellite")).unwrap();
        std::fs::write(root.join("satellite/satellite_train.npy"), train).unwrap();
        let test = fixture::path("containers/satellite_test.npy");
        std::fs::copy(test, root.join("satellite/satellite_test.npy")).unwrap();
    }

    /// The fixture holds 48 training and 3 test series, `numpy.save`d as the published ones.
    #[test]
    fn dictionaries_behind_npy_headers_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let good = std::fs::read(fixture::path("containers/satellite_train.npy")).unwrap();
        folder(dir.path(), &good);
        let splits = open(dir.path()).unwrap();
        let lengths = [&splits.train, &splits.valid, &splits.test].map(|part| part.len());
        assert_eq!((lengths, splits.test.shape()), ([24, 24, 3], [1, 1, 46]));
        assert_eq!(class_counts(splits.train.as_ref()), [1; 24]);
        assert_eq!(splits.test.label(2), 23);
        let norm = Normalise::fit(splits.train.as_ref(), 1).unwrap();
        assert!(norm.mean()[0].abs() < 1e-4 && (norm.std()[0] - 1.0).abs() < 1e-4);
        let plain = [npy::header("<f4", &[1]), vec![0; 4]].concat();
        folder(dir.path(), &plain);
        let said = open(dir.path()).err().unwrap().to_string();
        assert!(said.contains("one dictionary"), "{said}");
        let other = std::fs::read(fixture::path("containers/object.npy")).unwrap();
        folder(dir.path(), &other);
        assert!(
            open(dir.path())
                .err()
                .unwrap()
                .to_string()
                .contains("[N, 46]")
        );
    }

    #[test]
    fn no_flip_makes_a_satellite_panic() {
        let good = std::fs::read(fixture::path("containers/satellite_train.npy")).unwrap();
        fuzz::rounds(&good, 100, |bytes, root| {
            folder(root, bytes);
            open(root)?.train.read(0, &mut [0.0; LENGTH])
        });
    }
}

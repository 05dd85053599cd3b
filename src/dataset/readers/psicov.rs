//! Protein distances (Adhikari 2020, *PDNet*) as NAS-Bench-360 uses them: 57 pairwise features of a
//! protein's alignment to the distances between its residues in Å, 57 × 512 × 512 to 1 × 512 × 512.
//!
//! `protein.zip`, or the folder it makes, holds lists of names (`deepcov.lst`, `psicov.lst`), features as
//! pickles (`…/features/NAME.pkl`: sequence, secondary structure, profile, surface, entropy and three
//! maps) and distances (`…/distance/NAME-cb.npy`: length, sequence, map). None is executed or extracted.
//!
//! A vector over residues gives two channels, along columns and along rows. Maps are padded by five
//! residues on each side (zeros for features, 100 Å for distances) and stand in the upper left of 512
//! × 512, or, where they are longer, are cut at a place that their name fixes. Distances below 1 Å are
//! 1; those of a residue to itself are those of its neighbours. As published, distances above 16 Å
//! are 16 in training. The first 100 DeepCov proteins validate, the rest train, PSICOV's test.

use std::path::Path;
use std::sync::Arc;

use rand::RngExt;

use super::descriptor::{Data, Input, Reader};
use crate::dataset::files::{Place, malformed, refused};
use crate::dataset::tree::Tree;
use crate::dataset::{
    Dataset, DatasetError, Display, Splits, TargetShape, check_request, check_target, sample_len,
};
use crate::files::pickle::{Pickle, Value};
use crate::files::{Fault, npy};
use crate::random::MAP_CUT;
use crate::suite::task::TargetKind;

const CHANNELS: usize = 57;
const SIDE: usize = 512;
/// Residues added on each side.
const PAD: usize = 5;
/// DeepCov proteins that validate.
const VALID: usize = 100;
/// Distances in training end here, in Å.
const FARTHEST: f32 = 16.0;
/// Distance of what is no pair, in Å.
const NOWHERE: f32 = 100.0;
/// Residues of the longest protein that is believed.
const LONGEST: usize = 2048;
/// Largest file of a protein.
const MOST: u64 = 1 << 28;

const PLACE: Place = Place::of("psicov");

/// The reader `psicov`.
pub const READER: Reader = Reader {
    name: "psicov",
    title: "PSICOV",
    what: "Pairwise features of a protein's alignment, 57 × 512 × 512, to distances between its residues",
    display: Some(Display::Map),
    input: Input::Resized,
    target: TargetKind::Dense,
    unit: None,
    data: Data::Published(PLACE.set),
    open: |asked| open(asked.root),
};

/// Proteins of one part.
struct Proteins {
    tree: Arc<Tree>,
    /// Which folder of the tree: `deepcov` or `psicov`.
    source: &'static str,
    names: Vec<String>,
    farthest: Option<f32>,
}

/// Opens the three parts.
fn open(root: &Path) -> Result<Splits, DatasetError> {
    let tree = match PLACE.find(root, &["psicov.lst", "protein/psicov.lst"]) {
        Ok(list) => Tree::Folder(list.parent().unwrap_or(Path::new("")).to_path_buf()),
        Err(_) => Tree::packed(&PLACE.find(root, &["protein.zip"])?, "psicov.lst")?,
    };
    let tree = Arc::new(tree);
    let mut valid = list(&tree, "deepcov.lst")?;
    if valid.len() <= VALID {
        let (expected, found) = (format!("more than {VALID}"), valid.len().to_string());
        return Err(malformed(
            &tree.place("deepcov.lst"),
            "proteins",
            expected,
            found,
        ));
    }
    let train = valid.split_off(VALID);
    let part = |source, names, farthest| -> Arc<dyn Dataset> {
        Arc::new(Proteins {
            tree: tree.clone(),
            source,
            names,
            farthest,
        })
    };
    Ok(Splits::new(
        part("deepcov", train, Some(FARTHEST)),
        part("deepcov", valid, None),
        part("psicov", list(&tree, "psicov.lst")?, None),
    ))
}

/// The first word of every line: names of proteins, which become names of files.
fn list(tree: &Tree, name: &str) -> Result<Vec<String>, DatasetError> {
    let bytes = tree.bytes(name, 1 << 20)?;
    let text = String::from_utf8_lossy(&bytes);
    let words = text
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    let names: Vec<String> = words.map(str::to_owned).collect();
    let plain = |name: &String| {
        name.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
    };
    match names.iter().find(|name| !plain(name)) {
        Some(odd) => Err(malformed(
            &tree.place(name),
            "protein",
            "letters and digits",
            odd,
        )),
        None if names.is_empty() => Err(malformed(&tree.place(name), "proteins", "some", "none")),
        None => Ok(names),
    }
}

/// A numeric array of a pickle's dictionary, with its shape checked.
fn numbers(root: Value<'_, '_>, key: &str, shape: &[usize]) -> Result<Vec<f32>, Fault> {
    let array = root.get(key)?.array().map_err(|e| e.of(key))?;
    array.layout().expect_shape(shape).map_err(|e| e.of(key))?;
    let values: Vec<f32> = array.to_f32()?.iter().copied().collect();
    // gaps count as nothing, as published
    Ok(values
        .iter()
        .map(|v| if v.is_nan() { 0.0 } else { *v })
        .collect())
}

/// All channels of a protein, each `length × length`, and the length.
fn features(bytes: &[u8]) -> Result<(Vec<f32>, usize), Fault> {
    let pickle = Pickle::parse(bytes)?;
    let root = pickle.root();
    let sequence = root.get("seq")?;
    let length = sequence
        .text()
        .map_or_else(|_| sequence.items().map(|i| i.len()), |s| Ok(s.len()))?;
    if !(2..=LONGEST).contains(&length) {
        return Err(Fault::new("residues", format!("2 to {LONGEST}"), length));
    }
    let mut vectors: Vec<Vec<f32>> = Vec::with_capacity(27);
    let structure = numbers(root, "ss", &[3, length])?;
    vectors.extend(structure.chunks_exact(length).map(<[f32]>::to_vec));
    let profile = numbers(root, "pssm", &[length, 22])?;
    vectors.extend((0..22).map(|j| (0..length).map(|i| profile[i * 22 + j]).collect()));
    vectors.push(numbers(root, "sa", &[length])?);
    vectors.push(numbers(root, "entropy", &[length])?);
    let mut out = Vec::with_capacity(CHANNELS * length * length);
    for vector in &vectors {
        (0..length).for_each(|_| out.extend_from_slice(vector));
        (0..length).for_each(|row| out.extend(std::iter::repeat_n(vector[row], length)));
    }
    for key in ["ccmpred", "freecon", "potential"] {
        out.extend(numbers(root, key, &[length, length])?);
    }
    match out.iter().find(|v| !v.is_finite() || v.abs() >= 100.0) {
        Some(value) => Err(Fault::new("features", "numbers within ±100", value)),
        None => Ok((out, length)),
    }
}

/// The distances of a protein, `length × length`, repaired as published.
fn distances(bytes: &[u8]) -> Result<(Vec<f32>, usize), Fault> {
    let Some(range) = npy::object(bytes)? else {
        return Err(Fault::new(
            "npy contents",
            "length, sequence and map",
            "numbers",
        ));
    };
    let pickle = Pickle::parse(&bytes[range])?;
    let items = pickle.root().items()?;
    let [length, _, map] = items[..] else {
        return Err(Fault::new(
            "npy contents",
            "length, sequence and map",
            items.len(),
        ));
    };
    let length = usize::try_from(length.integer()?).unwrap_or(0);
    if !(2..=LONGEST).contains(&length) {
        return Err(Fault::new("residues", format!("2 to {LONGEST}"), length));
    }
    let map = map.array()?;
    map.layout().expect_shape(&[length, length])?;
    let mut map: Vec<f32> = map.to_f32()?.iter().copied().collect();
    if let Some(value) = map.iter().find(|v| !v.is_finite() || **v > 500.0) {
        return Err(Fault::new("distances", "numbers up to 500", value));
    }
    map.iter_mut().for_each(|d| *d = d.max(1.0));
    map[0] = map[1];
    map[length * length - 1] = map[length * length - 2];
    for q in 1..length - 1 {
        let row = q * length;
        map[row + q] = (map[row + q - 1] + map[row + q + 1]) / 2.0;
    }
    Ok((map, length))
}

/// Puts maps of `length` residues, padded, into squares of [`SIDE`]; `name` fixes where longer ones
/// are cut.
fn place(maps: &[f32], length: usize, name: &str, pad: f32, outside: f32, out: &mut [f32]) {
    let padded = length + 2 * PAD;
    let name: Vec<u64> = name.bytes().map(u64::from).collect();
    let mut random = MAP_CUT.rng(0, &name);
    let mut cut = || match padded.checked_sub(SIDE) {
        Some(room) if room > 0 => random.random_range(0..=room),
        _ => 0,
    };
    let (top, left) = (cut(), cut());
    for (map, out) in maps
        .chunks_exact(length * length)
        .zip(out.chunks_exact_mut(SIDE * SIDE))
    {
        for (row, line) in out.chunks_exact_mut(SIDE).enumerate() {
            let row = row + top;
            line.fill(outside);
            if row < padded {
                line[..(padded - left).min(SIDE)].fill(pad);
            }
            if (PAD..PAD + length).contains(&row) {
                let columns = PAD.saturating_sub(left)..(PAD + length - left).min(SIDE);
                let start = (row - PAD) * length + columns.start + left - PAD;
                let values = &map[start..start + columns.len()];
                line[columns].copy_from_slice(values);
            }
        }
    }
}

impl Dataset for Proteins {
    fn shape(&self) -> [usize; 3] {
        [CHANNELS, SIDE, SIDE]
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.names.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Field([1, SIDE, SIDE])
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, sample_len(self))?;
        check_target(PLACE.set, self.target_shape(), 0, out.len())?;
        let name = &self.names[index];
        let file = format!("{}/distance/{name}-cb.npy", self.source);
        let bytes = self.tree.bytes(&file, MOST)?;
        let wrong = self.tree.place(&file);
        let (map, length) = distances(&bytes).map_err(refused(&wrong))?;
        place(&map, length, name, NOWHERE, NOWHERE, out);
        if let Some(farthest) = self.farthest {
            out.iter_mut().for_each(|d| *d = d.min(farthest));
        }
        Ok(())
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(PLACE.set, self, index, out.len())?;
        let name = &self.names[index];
        let file = format!("{}/features/{name}.pkl", self.source);
        let bytes = self.tree.bytes(&file, MOST)?;
        let wrong = self.tree.place(&file);
        let (maps, length) = features(&bytes).map_err(refused(&wrong))?;
        place(&maps, length, name, 0.0, 0.0, out);
        Ok(())
    }
}

#[cfg(test)]
#[path = "psicov_tests.rs"]
mod tests;

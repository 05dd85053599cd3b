//! The samples of a file of PDEBench: pairs of a first and a later state, read when they are asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::dataset::files::{Place, malformed, refused};
use crate::dataset::subset::with_validation;
use crate::dataset::{
    Dataset, DatasetError, Normalise, Splits, Subset, TargetShape, check_request, check_target,
    sample_len,
};
use crate::files::Fault;
use crate::files::hdf5::{Along, File, Numbers};

/// Training samples whose statistics standardise all.
pub const FITTED: usize = 256;
/// Samples, of ten, that train or validate.
const TRAINED: usize = 9;
/// Most values of a sample that are believed.
const MOST: usize = 1 << 24;

/// Its name in errors of requests.
const SET: &str = "PDEBench";

/// What a task is made of.
#[derive(Debug)]
pub(super) struct Task {
    /// Its manifest, which names its file.
    pub place: Place,
    /// Every so many points in space are kept.
    pub space: usize,
    /// Every so many points in time count.
    pub time: usize,
    /// The state at that many counted points in time is the target; the last one if there are fewer.
    pub target: usize,
}

/// How samples lie in the file.
enum Layout {
    /// A dataset a channel, each `[N, T, …]`.
    Channels(Vec<Numbers>),
    /// A group a sample, each with `data [T, …, channels]`.
    Seeds(File, Vec<String>),
    /// From `nu [N, …]` to `tensor [N, 1, …]`.
    Map(Numbers, Numbers),
}

/// Samples of a file.
struct Pairs {
    path: PathBuf,
    layout: Layout,
    /// Channels, and points along each side as the file has them.
    channels: usize,
    sides: Vec<usize>,
    space: usize,
    /// Index of the target's point in time.
    target: usize,
    samples: std::ops::Range<usize>,
    norm: Normalise,
}

/// Opens the three parts of a task.
pub(super) fn open(root: &Path, task: &Task) -> Result<Splits, DatasetError> {
    let path = task.place.find(root, &[task.place.file()])?;
    let whole = || Pairs::open(&path, task).map_err(refused(&path));
    let (mut train, mut test) = (whole()?, whole()?);
    let count = train.samples.end;
    if count < 10 {
        return Err(malformed(
            &path,
            "samples",
            "at least 10",
            count.to_string(),
        ));
    }
    let cut = count * TRAINED / 10;
    (train.samples, test.samples) = (0..cut, cut..count);
    let some: Vec<usize> = (0..cut).step_by(cut.div_ceil(FITTED)).collect();
    let mut raw = whole()?;
    raw.samples = 0..cut;
    let channels = raw.channels;
    let norm = Normalise::fit(&Subset::new(Arc::new(raw), some)?, channels)?;
    (train.norm, test.norm) = (norm.clone(), norm);
    with_validation(Arc::new(train), Arc::new(test))
}

impl Pairs {
    fn open(path: &Path, task: &Task) -> Result<Self, Fault> {
        let file = File::open(path)?;
        let names = file.datasets()?;
        let has = |name: &str| names.iter().any(|n| n == name);
        let (layout, shape, channels) = if has("density") {
            let quantities = ["density", "pressure", "Vx", "Vy"];
            let there = quantities.into_iter().filter(|name| has(name));
            let parts = there.map(|name| file.dataset(name));
            let parts = parts.collect::<Result<Vec<_>, _>>()?;
            let shape = parts[0].shape().to_vec();
            // samples, times and one or two axes of space, each with its velocity
            let needed = &quantities[..shape.len().clamp(3, 4)];
            if let Some(absent) = needed.iter().find(|name| !has(name)) {
                let expected = needed.join(", ");
                return Err(Fault::new("quantities", expected, format!("no {absent}")));
            }
            if let Some(other) = parts.iter().find(|part| part.shape() != shape) {
                let found = format!("{:?}", other.shape());
                return Err(Fault::new(
                    "shape of a quantity",
                    format!("{shape:?}"),
                    found,
                ));
            }
            let channels = parts.len();
            (Layout::Channels(parts), shape, channels)
        } else if has("nu") && has("tensor") {
            let (nu, tensor) = (file.dataset("nu")?, file.dataset("tensor")?);
            let shape = tensor.shape().to_vec();
            let expected: Vec<usize> = shape
                .iter()
                .take(1)
                .chain(shape.iter().skip(2))
                .copied()
                .collect();
            if nu.shape() != expected {
                let found = format!("{:?}", nu.shape());
                return Err(Fault::new("shape of nu", format!("{expected:?}"), found));
            }
            (Layout::Map(nu, tensor), shape, 1)
        } else if has("tensor") {
            let tensor = file.dataset("tensor")?;
            let shape = tensor.shape().to_vec();
            (Layout::Channels(vec![tensor]), shape, 1)
        } else {
            let seeds = file.groups()?;
            let Some(first) = seeds.first() else {
                return Err(Fault::new(
                    "HDF5 file",
                    "tensor, density or a group a sample",
                    "none",
                ));
            };
            let data = file.dataset(&format!("{first}/data"))?;
            let (sides, last) = data.shape().split_at(data.shape().len().saturating_sub(1));
            let channels = last.first().copied().unwrap_or(0);
            let shape = [&[seeds.len()], sides].concat();
            (Layout::Seeds(file, seeds), shape, channels)
        };
        let space = task.space;
        let values = shape
            .iter()
            .skip(2)
            .try_fold(channels, |n, &d| n.checked_mul(d));
        let fits = (3..=4).contains(&shape.len())
            && values.is_some_and(|v| (1..=MOST).contains(&v))
            && shape[1] > 0;
        if !fits {
            let found = format!("{shape:?} × {channels} channels");
            return Err(Fault::new("shape", "samples × times × points", found));
        }
        let times = shape[1].div_ceil(task.time);
        Ok(Self {
            path: path.to_path_buf(),
            layout,
            channels,
            sides: shape[2..].to_vec(),
            space,
            target: (task.target.min(times) - 1) * task.time,
            samples: 0..shape[0],
            norm: Normalise::new(&[0.0], &[1.0]),
        })
    }

    /// The state of a sample at a point in time, channel after channel.
    fn state(&self, sample: usize, time: usize, out: &mut [f32]) -> Result<(), Fault> {
        let space = || {
            self.sides
                .iter()
                .map(|&side| Along::every(self.space, side))
        };
        let (at, when) = (Along::at(sample), Along::at(time));
        let select: Vec<Along> = [at, when].into_iter().chain(space()).collect();
        match &self.layout {
            Layout::Channels(parts) => {
                let each = out.len() / parts.len();
                let mut parts = parts.iter().zip(out.chunks_exact_mut(each));
                parts.try_for_each(|(part, out)| part.read(&select, out))
            }
            Layout::Map(_, tensor) => tensor.read(&select, out),
            Layout::Seeds(file, seeds) => {
                let data = file.dataset(&format!("{}/data", seeds[sample]))?;
                let expected: Vec<usize> =
                    self.sides.iter().copied().chain([self.channels]).collect();
                if data.shape().get(1..) != Some(&expected[..]) {
                    let found = format!("{:?}", data.shape());
                    let what = format!("shape of sample {}", seeds[sample]);
                    return Err(Fault::new(what, format!("times × {expected:?}"), found));
                }
                let every = Along::every(1, self.channels);
                let select: Vec<Along> = [when].into_iter().chain(space()).chain([every]).collect();
                let mut values = vec![0.0; out.len()];
                data.read(&select, &mut values)?;
                let points = out.len() / self.channels;
                for (point, values) in values.chunks_exact(self.channels).enumerate() {
                    for (channel, &value) in values.iter().enumerate() {
                        out[channel * points + point] = value;
                    }
                }
                Ok(())
            }
        }
    }

    fn finite(&self, index: usize, values: &[f32]) -> Result<(), DatasetError> {
        match values.iter().find(|v| !v.is_finite()) {
            None => Ok(()),
            Some(value) => {
                let what = format!("values of sample {}", self.samples.start + index);
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

impl Dataset for Pairs {
    fn shape(&self) -> [usize; 3] {
        let side = |at: usize| self.sides.get(at).map_or(1, |s| s.div_ceil(self.space));
        match self.sides.len() {
            1 => [self.channels, 1, side(0)],
            _ => [self.channels, side(0), side(1)],
        }
    }

    fn classes(&self) -> &[String] {
        &[]
    }

    fn len(&self) -> usize {
        self.samples.len()
    }

    fn label(&self, _: usize) -> usize {
        0
    }

    fn target_shape(&self) -> TargetShape {
        TargetShape::Field(self.shape())
    }

    fn read_target(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(SET, self, index, sample_len(self))?;
        check_target(SET, self.target_shape(), 0, out.len())?;
        let sample = self.samples.start + index;
        let read = self.state(sample, self.target, out);
        read.map_err(refused(&self.path))?;
        self.finite(index, out)
    }

    fn read(&self, index: usize, out: &mut [f32]) -> Result<(), DatasetError> {
        check_request(SET, self, index, out.len())?;
        let sample = self.samples.start + index;
        let read = match &self.layout {
            Layout::Map(nu, _) => {
                let space = self
                    .sides
                    .iter()
                    .map(|&side| Along::every(self.space, side));
                let select: Vec<Along> = [Along::at(sample)].into_iter().chain(space).collect();
                nu.read(&select, out)
            }
            _ => self.state(sample, 0, out),
        };
        read.map_err(refused(&self.path))?;
        self.finite(index, out)?;
        self.norm.apply(out);
        Ok(())
    }
}

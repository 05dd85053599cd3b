//! A matrix in a `.npy` file that is read block by block and never held whole: 50,000 rows of 21,841
//! probabilities are 4.4 GB.
//!
//! Blocks are windows of the mapped file: nothing is copied. The next one is read while one is worked
//! on, whose pages are given back afterwards, so that memory stays what two blocks take. Half
//! precision becomes single in a buffer. A file that is cut short is an error, unless that happens to the
//! very window that is worked on: features files are replaced as a whole (see `Mapped`).

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use half::f16;
use half::slice::HalfFloatSliceExt;
use ndarray::ArrayView2;
use rayon::prelude::*;

use super::array::ending;
use super::mapped::Mapped;
use crate::feature::FeatureError;
use crate::files::npy;

/// A number as it is in memory and as files have it.
pub trait Number: Sealed + Copy + Default + Send + Sync + 'static {
    /// Fills `out` from the bytes of as many numbers of `width` bytes.
    fn fill(bytes: &[u8], width: usize, out: &mut [Self]);

    /// Bytes as numbers of their own width, where they lie aligned.
    fn lying(bytes: &[u8]) -> Option<&[Self]> {
        // SAFETY: implemented for f32 and f64 alone (the trait is sealed by `Sealed`), which have no
        // padding and for which every pattern of bits is a value.
        let (before, numbers, after) = unsafe { bytes.align_to() };
        (before.is_empty() && after.is_empty()).then_some(numbers)
    }
}

mod sealed {
    /// Floats alone.
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
use sealed::Sealed;

fn halves(bytes: &[u8], out: &mut [f32]) {
    // In steps, so that the copy stays in the nearest cache.
    let mut step = [f16::ZERO; 1024];
    for (bytes, out) in bytes.chunks(2048).zip(out.chunks_mut(1024)) {
        let step = &mut step[..out.len()];
        for (half, bytes) in step.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *half = f16::from_ne_bytes(*bytes);
        }
        step.convert_to_f32_slice(out);
    }
}

impl Number for f32 {
    fn fill(bytes: &[u8], width: usize, out: &mut [Self]) {
        match width {
            2 => halves(bytes, out),
            _ => {
                let all = out.iter_mut().zip(bytes.as_chunks::<4>().0);
                all.for_each(|(out, bytes)| *out = Self::from_ne_bytes(*bytes));
            }
        }
    }
}

impl Number for f64 {
    fn fill(bytes: &[u8], _: usize, out: &mut [Self]) {
        let all = out.iter_mut().zip(bytes.as_chunks::<8>().0);
        all.for_each(|(out, bytes)| *out = Self::from_ne_bytes(*bytes));
    }
}

/// Numbers that a thread converts at a time.
const STEP: usize = 1 << 16;

/// What is done with a block: its first row, and its rows `[n, K]`.
pub type Each<'e, T, E> = dyn FnMut(usize, ArrayView2<'_, T>) -> Result<(), E> + Send + 'e;

/// A matrix `[N, K]` of floats in a file, row after row; `T` is `f64` for doubles, else `f32`.
#[derive(Debug, Clone)]
pub struct Blocks<T> {
    path: PathBuf,
    rows: usize,
    columns: usize,
    width: usize,
    start: u64,
    number: PhantomData<T>,
}

/// A file that can be read in blocks, by its precision.
#[derive(Debug, Clone)]
pub enum Open {
    /// Half or single precision.
    Single(Blocks<f32>),
    /// Double precision.
    Double(Blocks<f64>),
    /// Written otherwise (integers, column after column, another order of bytes), or no `.npy` file:
    /// to be read whole.
    Whole,
}

impl Blocks<f32> {
    /// Opens a `.npy` file and looks at its header.
    ///
    /// # Errors
    /// [`FeatureError`] with the path: unreadable, malformed, shorter or longer than promised, not
    /// `[N, K]`; `what` names the matrix.
    pub fn open(path: &Path, what: &str) -> Result<Open, FeatureError> {
        if ending(path) != "npy" {
            return Ok(Open::Whole);
        }
        let io = |e| FeatureError::io(path, e);
        let mut file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        // No header that NumPy writes for a matrix is longer.
        let mut head = Vec::new();
        (&mut file)
            .take(1 << 16)
            .read_to_end(&mut head)
            .map_err(io)?;
        let length = usize::try_from(length)
            .unwrap_or(usize::MAX)
            .max(head.len());
        let array = npy::parse_start(&head, length).map_err(|e| {
            FeatureError::malformed(path, format!("{what}: {}", e.what), e.expected, e.found)
        })?;
        let &[rows, columns] = array.shape() else {
            let found = format!("{:?}", array.shape());
            return Err(FeatureError::malformed(path, what, "shape [N, D]", found));
        };
        let start = (head.len() - array.data().len()) as u64;
        let path = path.to_owned();
        Ok(match array.plain_floats() {
            Some(8) => Open::Double(Blocks {
                path,
                rows,
                columns,
                width: 8,
                start,
                number: PhantomData,
            }),
            Some(width) => Open::Single(Self {
                path,
                rows,
                columns,
                width,
                start,
                number: PhantomData,
            }),
            None => Open::Whole,
        })
    }
}

impl<T: Number> Blocks<T> {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// Calls `each` with the first row and the numbers of consecutive blocks of `rows` rows (the last
    /// may have fewer), until it fails.
    ///
    /// # Errors
    /// What `each` says; an unreadable file as `unreadable` words it.
    pub fn read<E: Send>(
        &self,
        rows: usize,
        unreadable: impl Fn(std::io::Error) -> E + Sync,
        each: &mut Each<'_, T, E>,
    ) -> Result<(), E> {
        let rows = rows.max(1);
        let map = Mapped::map(&self.path).map_err(&unreadable)?;
        let row = self.columns * self.width;
        let data = usize::try_from(self.start).unwrap_or(usize::MAX);
        let end = data.saturating_add(self.rows * row);
        let cut = || unreadable(std::io::ErrorKind::UnexpectedEof.into());
        let data = map.bytes().get(data..end).ok_or_else(cut)?;
        let window = |first: usize| {
            let [from, to] = [first, first.saturating_add(rows)].map(|at| at.min(self.rows) * row);
            &data[from..to]
        };
        map.load(window(0)).map_err(&unreadable)?;
        let mut buffer = Vec::new();
        for first in (0..self.rows).step_by(rows) {
            let bytes = window(first);
            let direct = T::lying(bytes).filter(|_| self.width == size_of::<T>());
            let numbers = direct.unwrap_or_else(|| {
                buffer.resize(bytes.len() / self.width, T::default());
                let parts = buffer.par_chunks_mut(STEP);
                parts
                    .zip(bytes.par_chunks(STEP * self.width))
                    .for_each(|(out, bytes)| T::fill(bytes, self.width, out));
                &buffer
            });
            let count = rows.min(self.rows - first);
            let block = ArrayView2::from_shape((count, self.columns), numbers);
            let block = block.map_err(|e| unreadable(std::io::Error::other(e)))?;
            let next = window(first.saturating_add(rows));
            let (done, loaded) = rayon::join(|| each(first, block), || map.load(next));
            done?;
            loaded.map_err(&unreadable)?;
            map.release(bytes);
        }
        Ok(())
    }

    /// Single numbers by row and column.
    ///
    /// # Errors
    /// The operating system's.
    pub fn pick(&self, places: &[(usize, usize)]) -> std::io::Result<Vec<T>> {
        let mut file = File::open(&self.path)?;
        let (mut bytes, mut out) = ([0u8; 8], vec![T::default(); places.len()]);
        for (&(row, column), out) in places.iter().zip(&mut out) {
            let at = (row * self.columns + column) as u64 * self.width as u64;
            file.seek(SeekFrom::Start(self.start + at))?;
            file.read_exact(&mut bytes[..self.width])?;
            T::fill(&bytes[..self.width], self.width, std::slice::from_mut(out));
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::npy;

    #[test]
    fn blocks_are_the_matrix_in_every_precision() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("m.npy");
        let values: Vec<f64> = (0..21).map(|i| f64::from(i) / 8.0).collect();
        let bytes = |width: usize| -> Vec<u8> {
            let all = values.iter().map(|&v| match width {
                2 => f16::from_f64(v).to_le_bytes().to_vec(),
                4 => (v as f32).to_le_bytes().to_vec(),
                _ => v.to_le_bytes().to_vec(),
            });
            all.flatten().collect()
        };
        for width in [2, 4, 8] {
            let whole = [npy::header(&format!("<f{width}"), &[7, 3]), bytes(width)].concat();
            std::fs::write(&path, &whole).expect("written");
            let mut found: Vec<f64> = Vec::new();
            let picked: Vec<f64> = match Blocks::open(&path, "m").expect("opens") {
                Open::Single(blocks) => {
                    let each = &mut |first: usize, block: ArrayView2<'_, f32>| {
                        assert_eq!(found.len(), 3 * first);
                        found.extend(block.iter().map(|&v| f64::from(v)));
                        Ok(())
                    };
                    blocks.read(2, |e| e, each).expect("read");
                    let picked = blocks.pick(&[(6, 2), (1, 0)]).expect("picked");
                    picked.into_iter().map(f64::from).collect()
                }
                Open::Double(blocks) => {
                    let each = &mut |_: usize, block: ArrayView2<'_, f64>| {
                        found.extend(block);
                        Ok(())
                    };
                    blocks.read(3, |e| e, each).expect("read");
                    blocks.pick(&[(6, 2), (1, 0)]).expect("picked")
                }
                Open::Whole => panic!("floats in rows"),
            };
            assert_eq!(
                (found, picked),
                (values.clone(), vec![values[20], values[3]])
            );
            for end in 0..whole.len() {
                std::fs::write(&path, &whole[..end]).expect("written");
                assert!(Blocks::open(&path, "m").is_err(), "{width}: cut to {end}");
            }
        }
        let turned = [npy::header(">f4", &[7, 3]), bytes(4)].concat();
        std::fs::write(&path, turned).expect("written");
        assert!(matches!(Blocks::open(&path, "m"), Ok(Open::Whole)));
        std::fs::write(
            &path,
            [npy::header("<f4", &[7]), bytes(4)[..28].to_vec()].concat(),
        )
        .expect("written");
        assert!(Blocks::open(&path, "m").is_err(), "one side is no matrix");
    }

    #[test]
    fn a_file_cut_short_after_it_was_opened_is_an_error() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("m.npy");
        let whole = [npy::header("<f4", &[4, 2]), vec![0; 32]].concat();
        std::fs::write(&path, &whole).expect("written");
        let Ok(Open::Single(blocks)) = Blocks::open(&path, "m") else {
            panic!("single")
        };
        std::fs::write(&path, &whole[..whole.len() - 5]).expect("written");
        assert!(blocks.read(1, |e| e, &mut |_, _| Ok(())).is_err());
        assert!(blocks.pick(&[(3, 1)]).is_err());
    }
}

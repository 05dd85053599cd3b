//! Arrays that still lie in their bytes: shape, memory order and element type over a slice, decoded
//! as a whole or row by row. A row is everything at one position of the first axis, so a file of
//! gigabytes is read sample by sample from its memory map.

use std::sync::Arc;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};

use super::element::{Element, Kind};
use super::{Fault, fault};

/// How an array lies in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Type of the elements.
    pub element: Element,
    /// Column-major: the first axis runs fastest.
    pub fortran: bool,
    /// Length of every axis.
    pub shape: Vec<usize>,
}

impl Layout {
    /// Refuses a layout whose bytes are not `bytes`.
    ///
    /// # Errors
    /// A shape that promises more or less, or whose sides overflow.
    pub fn check(&self, bytes: usize) -> Result<(), Fault> {
        let width = self.element.width;
        let promised = self
            .shape
            .iter()
            .try_fold(width, |n: usize, &d| n.checked_mul(d));
        // A zero width or a zero side must not hide an absurd other side.
        let sides = self
            .shape
            .iter()
            .filter(|&&d| d > 0)
            .try_fold(1usize, |n, &d| n.checked_mul(d));
        match (promised, sides.filter(|&s| s <= isize::MAX as usize)) {
            (Some(n), Some(_)) if n == bytes && (width > 0 || self.shape.contains(&0)) => Ok(()),
            _ => fault(
                "array data",
                format!("{:?} × {width} bytes", self.shape),
                format!("{bytes} bytes"),
            ),
        }
    }

    /// Rows: positions of the first axis.
    pub fn rows(&self) -> usize {
        self.shape.first().copied().unwrap_or(1)
    }

    /// Elements of a row.
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// Refuses a shape other than `expected`, in which 0 stands for any length.
    ///
    /// # Errors
    /// Both shapes.
    pub fn expect_shape(&self, expected: &[usize]) -> Result<(), Fault> {
        let fits = |(&e, &d): (&usize, &usize)| e == 0 || e == d;
        if self.shape.len() == expected.len() && expected.iter().zip(&self.shape).all(fits) {
            return Ok(());
        }
        let names: Vec<String> = expected
            .iter()
            .map(|&d| if d == 0 { "N".into() } else { d.to_string() })
            .collect();
        fault(
            "shape",
            format!("[{}]", names.join(", ")),
            format!("{:?}", self.shape),
        )
    }

    /// Decodes row `row` of numbers into `out`, in row-major order.
    fn read_row(&self, data: &[u8], row: usize, out: &mut [f32]) -> Result<(), Fault> {
        if row >= self.rows() || out.len() != self.row_len() {
            let expected = format!("a row below {} of {}", self.rows(), self.row_len());
            return fault("row", expected, format!("row {row} of {}", out.len()));
        }
        if !self.element.is_number() {
            return fault("element type", "numbers", "text");
        }
        let width = self.element.width;
        if !self.fortran {
            let start = row * out.len() * width;
            self.element
                .singles(&data[start..start + out.len() * width], out);
            return Ok(());
        }
        self.scattered(data, row, out.len(), |i, value| out[i] = value as f32);
        Ok(())
    }

    /// The same in double precision.
    fn read_row_double(&self, data: &[u8], row: usize, out: &mut [f64]) -> Result<(), Fault> {
        if row >= self.rows() || out.len() != self.row_len() {
            let expected = format!("a row below {} of {}", self.rows(), self.row_len());
            return fault("row", expected, format!("row {row} of {}", out.len()));
        }
        if !self.element.is_number() {
            return fault("element type", "numbers", "text");
        }
        let (element, width) = (self.element, self.element.width);
        if self.fortran {
            self.scattered(data, row, out.len(), |i, value| out[i] = value);
            return Ok(());
        }
        let bytes = &data[row * out.len() * width..(row + 1) * out.len() * width];
        for (value, bytes) in out.iter_mut().zip(bytes.chunks_exact(width)) {
            *value = element.double(bytes);
        }
        Ok(())
    }

    /// Calls `put` with place and value of every number of a row whose axes run the other way.
    fn scattered(&self, data: &[u8], row: usize, count: usize, mut put: impl FnMut(usize, f64)) {
        let width = self.element.width;
        let mut position = vec![0; self.shape.len()];
        for i in 0..count {
            let linear = position[1..]
                .iter()
                .zip(&self.shape[1..])
                .rev()
                .fold(0, |at, (&p, &d)| at * d + p);
            let at = (linear * self.rows() + row) * width;
            put(i, self.element.double(&data[at..at + width]));
            for axis in (1..position.len()).rev() {
                position[axis] += 1;
                if position[axis] < self.shape[axis] {
                    break;
                }
                position[axis] = 0;
            }
        }
    }
}

/// Elements decoded before their bytes are said to be done with.
const BLOCK: usize = 1 << 24;

/// Who is told that bytes are done with.
pub type Done<'a> = &'a dyn Fn(&[u8]);

/// An array over borrowed bytes.
#[derive(Clone)]
pub struct Array<'a> {
    layout: Layout,
    data: &'a [u8],
    done: Option<Done<'a>>,
}

impl<'a> Array<'a> {
    /// Checks that the layout describes exactly these bytes.
    ///
    /// # Errors
    /// Those of [`Layout::check`].
    pub fn new(layout: Layout, data: &'a [u8]) -> Result<Self, Fault> {
        layout.check(data.len())?;
        Ok(Self::start_of(layout, data))
    }

    /// An array whose layout is checked already, and of whose data the beginning is there.
    pub(crate) fn start_of(layout: Layout, data: &'a [u8]) -> Self {
        Self {
            layout,
            data,
            done: None,
        }
    }

    /// Calls `done` with every part of the data once its elements are decoded, so that whoever
    /// mapped a file can give its pages back.
    pub fn releasing(mut self, done: Done<'a>) -> Self {
        self.done = Some(done);
        self
    }

    /// Bytes of a number if these are floats in rows and in the machine's own order of bytes, as
    /// nearly every file has them, so that blocks of rows can be read one by one.
    pub(crate) fn plain_floats(&self) -> Option<usize> {
        let element = self.layout.element;
        let native = element.big_endian == cfg!(target_endian = "big");
        let plain = element.kind == Kind::Float && native && !self.layout.fortran;
        plain.then_some(element.width)
    }

    /// The data that is there.
    pub(crate) fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The shape that the header states.
    pub fn shape(&self) -> &[usize] {
        &self.layout.shape
    }

    /// How it lies in its bytes.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Calls `each` with the numbers of block after block, in the order of the bytes, in double
    /// precision. Whoever is told that bytes are done with is told.
    pub(crate) fn doubles(&self, mut each: impl FnMut(&[f64])) {
        /// Numbers at a time: they stay in the cache.
        const STEP: usize = 1 << 14;
        let (element, width) = (self.layout.element, self.layout.element.width.max(1));
        let mut numbers = Vec::with_capacity(STEP);
        for block in self.data.chunks(BLOCK * width) {
            for bytes in block.chunks(STEP * width) {
                numbers.clear();
                numbers.extend(bytes.chunks_exact(width).map(|b| element.double(b)));
                each(&numbers);
            }
            if let Some(done) = self.done {
                done(block);
            }
        }
    }

    /// Decodes row `row` of numbers into `out`, in row-major order.
    ///
    /// # Errors
    /// A row beyond the first axis, a buffer of another length, text.
    pub fn read_row(&self, row: usize, out: &mut [f32]) -> Result<(), Fault> {
        self.layout.read_row(self.data, row, out)
    }

    fn elements<T>(&self, read: impl Fn(&[u8]) -> T) -> Result<ArrayD<T>, Fault> {
        let width = self.layout.element.width.max(1);
        self.shaped(|block, out| out.extend(block.chunks_exact(width).map(&read)))
    }

    /// The array of what `decode` makes of block after block.
    fn shaped<T>(&self, decode: impl Fn(&[u8], &mut Vec<T>)) -> Result<ArrayD<T>, Fault> {
        let width = self.layout.element.width;
        let mut values = Vec::with_capacity(self.data.len().checked_div(width).unwrap_or(0));
        for block in self.data.chunks(BLOCK * width.max(1)) {
            decode(block, &mut values);
            if let Some(done) = self.done {
                done(block);
            }
        }
        let shape = IxDyn(self.shape()).set_f(self.layout.fortran);
        ArrayD::from_shape_vec(shape, values).or_else(|e| fault("array shape", "consistent", e))
    }

    /// The array as floats; integers are converted.
    ///
    /// # Errors
    /// Text.
    pub fn to_f64(&self) -> Result<ArrayD<f64>, Fault> {
        let element = self.layout.element;
        if !element.is_number() {
            return fault("element type", "numbers", "text");
        }
        self.elements(|bytes| element.double(bytes))
    }

    /// The array as single-precision floats; doubles are rounded.
    ///
    /// # Errors
    /// Text.
    pub fn to_f32(&self) -> Result<ArrayD<f32>, Fault> {
        let element = self.layout.element;
        if (element.kind, element.width, element.big_endian) == (Kind::Float, 4, false) {
            return self.shaped(|block, out| {
                out.extend(block.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)));
            });
        }
        if element.is_float() {
            return self.elements(|bytes| element.double(bytes) as f32);
        }
        Ok(self.to_f64()?.mapv(|v| v as f32))
    }

    /// The array as integers; floats are refused. A `u64` above `i64::MAX` turns negative.
    ///
    /// # Errors
    /// Floats and text.
    pub fn to_i64(&self) -> Result<ArrayD<i64>, Fault> {
        let element = self.layout.element;
        match element.kind {
            Kind::Float | Kind::BFloat => fault("element type", "integers", "floats"),
            Kind::Text | Kind::Bytes => fault("element type", "integers", "text"),
            _ => self.elements(|bytes| element.integer(bytes)),
        }
    }

    /// A one-dimensional array of strings.
    ///
    /// # Errors
    /// Numbers, or another number of axes.
    pub fn to_strings(&self) -> Result<Vec<String>, Fault> {
        let element = self.layout.element;
        if element.is_number() || self.shape().len() != 1 || element.width == 0 {
            let kind = if element.is_number() {
                "numbers"
            } else {
                "text"
            };
            let found = format!("{kind} of shape {:?}", self.shape());
            return fault("element type", "a list of strings", found);
        }
        let items = self.data.chunks_exact(element.width);
        Ok(items.map(|item| element.text(item)).collect())
    }
}

/// Bytes with an owner: a memory map or a buffer.
pub type Owner = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// An array of numbers in bytes that it keeps alive, read row by row.
#[derive(Clone)]
pub struct Stored {
    owner: Owner,
    range: std::ops::Range<usize>,
    layout: Layout,
}

impl Stored {
    /// An array of numbers in `range` of the owner's bytes.
    ///
    /// # Errors
    /// A range beyond the bytes, those of [`Layout::check`], or text.
    pub fn new(owner: Owner, range: std::ops::Range<usize>, layout: Layout) -> Result<Self, Fault> {
        let bytes = (*owner).as_ref().get(range.clone()).map(<[u8]>::len);
        let Some(bytes) = bytes else {
            let found = format!(
                "bytes {} to {} of {}",
                range.start,
                range.end,
                (*owner).as_ref().len()
            );
            return fault("array data", "a range within the file", found);
        };
        layout.check(bytes)?;
        if !layout.element.is_number() {
            return fault("element type", "numbers", "text");
        }
        Ok(Self {
            owner,
            range,
            layout,
        })
    }

    /// How it lies in its bytes.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The array over the bytes.
    pub fn array(&self) -> Array<'_> {
        Array::start_of(self.layout.clone(), self.bytes())
    }

    fn bytes(&self) -> &[u8] {
        &(*self.owner).as_ref()[self.range.clone()]
    }

    /// Decodes row `row` into `out`, in row-major order.
    ///
    /// # Errors
    /// A row beyond the first axis or a buffer of another length.
    pub fn read_row(&self, row: usize, out: &mut [f32]) -> Result<(), Fault> {
        self.layout.read_row(self.bytes(), row, out)
    }

    /// The same in double precision.
    ///
    /// # Errors
    /// As [`Stored::read_row`].
    pub fn read_row_double(&self, row: usize, out: &mut [f64]) -> Result<(), Fault> {
        self.layout.read_row_double(self.bytes(), row, out)
    }

    /// Elements of the array.
    pub fn len(&self) -> usize {
        self.layout.shape.iter().product()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Decodes elements from place `start` on, in the order of the file.
    ///
    /// # Errors
    /// A stretch beyond the array.
    pub fn read_flat(&self, start: usize, out: &mut [f32]) -> Result<(), Fault> {
        let width = self.layout.element.width;
        let bytes = start.checked_mul(width).and_then(|at| {
            self.bytes()
                .get(at..at.checked_add(out.len().checked_mul(width)?)?)
        });
        let Some(bytes) = bytes else {
            let found = format!("{} from {start}", out.len());
            return fault("elements", format!("a stretch of {}", self.len()), found);
        };
        self.layout.element.singles(bytes, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_same_in_either_memory_order() {
        let values: Vec<f32> = (0..24).map(|v| v as f32).collect();
        let bytes = |order: &[usize]| -> Vec<u8> {
            let all = order.iter().flat_map(|&i| values[i].to_le_bytes());
            all.collect()
        };
        let c: Vec<usize> = (0..24).collect();
        // first axis fastest: position (i, j, k) of [2, 3, 4]
        let f: Vec<usize> = (0..24)
            .map(|n| (n % 2) * 12 + (n / 2 % 3) * 4 + n / 6)
            .collect();
        for (fortran, order) in [(false, c), (true, f)] {
            let layout = Layout {
                element: Element::parse("<f4").unwrap(),
                fortran,
                shape: vec![2, 3, 4],
            };
            let data = bytes(&order);
            let stored = Stored::new(Arc::new(data), 0..96, layout).unwrap();
            let mut out = [0.0; 12];
            stored.read_row(1, &mut out).unwrap();
            assert_eq!(out[..], values[12..], "fortran {fortran}");
            let whole = stored.array().to_f32().unwrap();
            assert_eq!(whole.iter().copied().collect::<Vec<_>>(), values);
            assert!(stored.read_row(2, &mut out).is_err());
            assert!(stored.read_flat(12, &mut out).is_ok() && stored.len() == 24);
            assert!(stored.read_flat(13, &mut out).is_err());
            assert!(stored.read_flat(usize::MAX, &mut out).is_err());
            assert!(stored.read_row(0, &mut out[1..]).is_err());
            assert!(stored.layout().expect_shape(&[0, 3, 4]).is_ok());
            let error = stored.layout().expect_shape(&[0, 4, 4]).unwrap_err();
            assert!(error.to_string().contains("[N, 4, 4]"), "{error}");
        }
    }

    #[test]
    fn ranges_and_promises_beyond_the_bytes_are_refused() {
        let layout = |shape: &[usize], descr: &str| Layout {
            element: Element::parse(descr).unwrap(),
            fortran: false,
            shape: shape.to_vec(),
        };
        let owner: Owner = Arc::new(vec![0u8; 16]);
        let stored = |range, shape: &[usize], descr: &str| {
            Stored::new(owner.clone(), range, layout(shape, descr)).is_ok()
        };
        assert!(stored(0..16, &[4], "<f4"));
        assert!(!stored(0..17, &[4], "<f4"));
        assert!(!stored(0..16, &[5], "<f4"));
        assert!(!stored(0..16, &[1 << 62, 1 << 62], "<f4"));
        assert!(!stored(0..0, &[0, usize::MAX, 2], "<f4"));
        assert!(!stored(0..16, &[4], "<U1"));
    }
}

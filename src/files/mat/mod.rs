//! MATLAB's MAT-files: one numeric variable by its name, as a stream.
//!
//! The variable of Darcy's files has 1.4 GB and is wanted at every fifth point, so values are given
//! out in file order (column-major) and never kept.
//!
//! Own code: the crates for this format hold whole files, and allocate what a header promises.

mod v4;
mod v5;

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::element::Element;
use super::{Fault, fault};

/// A numeric variable whose values are about to be read.
pub struct Variable {
    /// Length of every axis; the first runs fastest.
    pub shape: Vec<usize>,
    element: Element,
    remaining: usize,
    stream: Box<dyn Read>,
}

impl Variable {
    /// The next values in file order (column-major).
    ///
    /// # Errors
    /// More values than the variable has, or damage.
    pub fn read(&mut self, out: &mut [f32]) -> Result<(), Fault> {
        if out.len() > self.remaining {
            return fault("MAT-file values", self.remaining, out.len());
        }
        self.remaining -= out.len();
        let width = self.element.width;
        let mut buffer = [0; 8192];
        for part in out.chunks_mut(buffer.len() / width) {
            let bytes = &mut buffer[..part.len() * width];
            let read = self.stream.read_exact(bytes);
            read.map_err(|e| {
                Fault::new("MAT-file values", "intact data", crate::files::system(&e))
            })?;
            self.element.singles(bytes, part);
        }
        Ok(())
    }
}

/// Opens the variable `name` of a MAT-file of version 4 to 7.
///
/// # Errors
/// No such file, no such variable, one that is not a matrix of real numbers, damage.
pub fn open(path: &Path, name: &str) -> Result<Variable, Fault> {
    let mut first = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.map_err(|e| Fault::new("MAT-file", "at least four bytes", crate::files::system(&e)))?;
    // Version 5 begins with a text; version 4 with a small number.
    match first.contains(&0) {
        true => v4::open(path, name),
        false => v5::open(path, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn all(path: &Path, name: &str) -> Result<(Vec<usize>, Vec<f32>), Fault> {
        let mut variable = open(path, name)?;
        let count: usize = variable.shape.iter().product();
        if count > 1 << 20 {
            return fault("shape", "a small one", count);
        }
        let mut values = vec![0.0; count];
        variable.read(&mut values)?;
        assert!(variable.read(&mut [0.0]).is_err());
        Ok((variable.shape, values))
    }

    /// Written by `scipy.io.savemat`: `make_containers.py`.
    #[test]
    fn plain_deflated_and_narrowed_variables_are_read_in_file_order() {
        for file in ["plain.mat", "deflated.mat"] {
            let path = fixture::path(&format!("containers/{file}"));
            let (shape, values) = all(&path, "val").unwrap();
            assert_eq!(shape, [1, 40]);
            assert_eq!(values[..4], [-20.0, -13.0, -6.0, 1.0]);
            let (shape, values) = all(&path, "coeff").unwrap();
            assert_eq!(shape, [3, 4, 2]);
            // row-major 0.5, 1.5, … read down the first axis
            assert_eq!(values[..4], [0.5, 8.5, 16.5, 2.5]);
            assert_eq!(all(&path, "tiny").unwrap().1, [7.0, 9.0]);
            let said = open(&path, "vla").err().unwrap().to_string();
            assert!(said.contains("val, coeff"), "{said}");
            assert!(open(&path, "text").is_err());
        }
        let path = fixture::path("containers/version4.mat");
        let (shape, values) = all(&path, "val").unwrap();
        assert_eq!((shape, values[3]), (vec![1, 40], 1.0));
        assert_eq!(all(&path, "other").unwrap().1, [0.5, 2.5, 1.5, 3.5]);
        assert!(open(&path, "vla").is_err());
        let said = open(&fixture::path("containers/v73.mat"), "coeff").err();
        assert!(said.unwrap().to_string().contains("7.3"));
    }

    #[test]
    fn no_flip_makes_a_mat_file_panic() {
        for file in ["plain.mat", "deflated.mat", "version4.mat"] {
            let good = std::fs::read(fixture::path(&format!("containers/{file}"))).unwrap();
            crate::files::fuzz::rounds(&good, 300, |bytes, folder| {
                let path = folder.join("damaged.mat");
                std::fs::write(&path, bytes).unwrap();
                all(&path, "val")
            });
        }
    }
}

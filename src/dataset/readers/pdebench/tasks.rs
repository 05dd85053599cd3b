//! The nine tasks of PDEBench: which file, which points, which moment, and their descriptors.

use super::super::descriptor::{Asked, Data, Input, Reader};
use super::pairs::{Task, open};
use crate::dataset::files::Place;
use crate::dataset::{DatasetError, Display, Splits};
use crate::suite::task::TargetKind;

impl Task {
    pub const ADVECTION: Self = Self::of("pdebench-advection", 4, 5, 200);
    pub const BURGERS: Self = Self::of("pdebench-burgers", 1, 5, 200);
    pub const CFD_1D: Self = Self::of("pdebench-cfd-1d", 1, 5, 100);
    pub const DIFF_SORP: Self = Self::of("pdebench-diff-sorp", 1, 1, 101);
    pub const DIFF_REACT_1D: Self = Self::of("pdebench-diff-react-1d", 1, 1, 30);
    pub const DARCY: Self = Self::of("pdebench-darcy", 2, 1, 1);
    pub const SHALLOW_WATER: Self = Self::of("pdebench-shallow-water", 1, 1, 101);
    pub const DIFF_REACT_2D: Self = Self::of("pdebench-diff-react-2d", 1, 1, 101);
    pub const CFD_2D: Self = Self::of("pdebench-cfd-2d", 2, 1, 21);

    const fn of(set: &'static str, space: usize, time: usize, target: usize) -> Self {
        Self {
            place: Place::of(set),
            space,
            time,
            target,
        }
    }
}

/// A task's descriptor; its manifest has its name.
const fn reader(
    task: Task,
    title: &'static str,
    what: &'static str,
    display: Display,
    open: fn(&Asked<'_>) -> Result<Splits, DatasetError>,
) -> Reader {
    Reader {
        name: task.place.set,
        title,
        what,
        display: Some(display),
        input: Input::Resized,
        target: TargetKind::Dense,
        unit: None,
        data: Data::Published(task.place.set),
        open,
    }
}

/// The reader `pdebench-advection`.
pub const ADVECTION: Reader = reader(
    Task::ADVECTION,
    "PDEBench Advection, β 0.4",
    "First to late state of linear transport along a line, 1 × 1 × 256",
    Display::Signal,
    |asked| open(asked.root, &Task::ADVECTION),
);

/// The reader `pdebench-burgers`.
pub const BURGERS: Reader = reader(
    Task::BURGERS,
    "PDEBench Burgers, ν 1.0",
    "First to late state of Burgers' equation along a line, 1 × 1 × 1024",
    Display::Signal,
    |asked| open(asked.root, &Task::BURGERS),
);

/// The reader `pdebench-cfd-1d`.
pub const CFD_1D: Reader = reader(
    Task::CFD_1D,
    "PDEBench 1D CFD, η ζ 0.1",
    "First to late state of compressible flow along a line, 3 × 1 × 1024",
    Display::Signal,
    |asked| open(asked.root, &Task::CFD_1D),
);

/// The reader `pdebench-diff-sorp`.
pub const DIFF_SORP: Reader = reader(
    Task::DIFF_SORP,
    "PDEBench Diffusion-sorption",
    "First to late state of diffusion retarded by sorption along a line, 1 × 1 × 1024",
    Display::Signal,
    |asked| open(asked.root, &Task::DIFF_SORP),
);

/// The reader `pdebench-diff-react-1d`.
pub const DIFF_REACT_1D: Reader = reader(
    Task::DIFF_REACT_1D,
    "PDEBench Diffusion-reaction, ν 0.5 ρ 1",
    "First to late state of diffusion with a source along a line, 1 × 1 × 1024",
    Display::Signal,
    |asked| open(asked.root, &Task::DIFF_REACT_1D),
);

/// The reader `pdebench-darcy`.
pub const DARCY: Reader = reader(
    Task::DARCY,
    "PDEBench Darcy flow, β 0.1",
    "Permeability of a medium, 1 × 64 × 64, to the steady flow through it",
    Display::Map,
    |asked| open(asked.root, &Task::DARCY),
);

/// The reader `pdebench-shallow-water`.
pub const SHALLOW_WATER: Reader = reader(
    Task::SHALLOW_WATER,
    "PDEBench Shallow water",
    "First to late state of a radial dam break in the plane, 1 × 128 × 128",
    Display::Map,
    |asked| open(asked.root, &Task::SHALLOW_WATER),
);

/// The reader `pdebench-diff-react-2d`.
pub const DIFF_REACT_2D: Reader = reader(
    Task::DIFF_REACT_2D,
    "PDEBench 2D diffusion-reaction",
    "First to late state of an activator and an inhibitor in the plane, 2 × 128 × 128",
    Display::Map,
    |asked| open(asked.root, &Task::DIFF_REACT_2D),
);

/// The reader `pdebench-cfd-2d`.
pub const CFD_2D: Reader = reader(
    Task::CFD_2D,
    "PDEBench 2D CFD, M 1.0 η ζ 0.1",
    "First to late state of compressible flow in the plane, 4 × 64 × 64",
    Display::Map,
    |asked| open(asked.root, &Task::CFD_2D),
);

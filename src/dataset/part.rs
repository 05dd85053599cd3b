//! The parts of a set, as numbers of random streams ([`crate::random`]).

/// Which part of a dataset a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Train = 1,
    Valid = 2,
    Test = 3,
}

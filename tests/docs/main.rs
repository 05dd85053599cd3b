//! The documentation is true: its generated blocks are those of the code, its links lead somewhere, its
//! commands parse. `make docs` writes the blocks that are out of date.

mod benches;
mod commands;
mod declarations;
mod generated;
mod kinds;
mod links;
mod pages;
mod recipes;

//! Tests of a comparison from sides to tables.

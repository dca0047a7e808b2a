//! Scenarios of blocks, method by method.

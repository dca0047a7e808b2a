//! Programs that measure the store beside its rivals.

//! The data and the request streams every contender gets, drawn before any clock starts.
//!
//! A key is a pure function of its number ([`Case::write_key`]) and a value one of its key and a
//! sequence number ([`value`]). So nothing has to be remembered to know what a read must return,
//! and the memory rows can load a million entries without holding a copy of them.

mod keys;
mod stream;
pub mod value;
mod zipf;

pub use keys::{ABSENT, Case, FRESH, MAX_KEYS};
pub use stream::{Stream, Walk};
pub use value::{VALUE_LEN, Value};
pub use zipf::Zipf;

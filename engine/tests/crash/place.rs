//! How the store is opened, by the child and by who looks at what it has left.

use crate::liars::{Liar, Lie};
use engine::{Error, Parent, ParentError, Store};
use std::path::Path;
use std::str::FromStr;

/// A parent that lies in a directory.
pub trait DiskParent: Parent + Sized {
    const NAME: &str;

    fn open_at(path: &Path, options: Options) -> Result<Self, ParentError>;
}

/// The adapter's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Options {
    Usual,
    /// Those that differ most in what is on the disk, or in memory.
    Others,
}

#[cfg(feature = "redb")]
impl DiskParent for engine::RedbParent {
    const NAME: &str = "RedbParent";

    fn open_at(path: &Path, options: Options) -> Result<Self, ParentError> {
        match options {
            Options::Usual => Self::open(path),
            Options::Others => engine::RedbOptions::new().quick_repair().open(path),
        }
    }
}

#[cfg(feature = "fjall")]
impl DiskParent for engine::FjallParent {
    const NAME: &str = "FjallParent";

    fn open_at(path: &Path, options: Options) -> Result<Self, ParentError> {
        match options {
            Options::Usual => Self::open(path),
            Options::Others => engine::FjallOptions::new().cache_bytes(1 << 20).open(path),
        }
    }
}

/// Where the batches put what they write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spaces {
    One,
    Several,
}

/// What a child is told.
#[derive(Debug, Clone, Copy)]
pub struct Mode {
    pub spaces: Spaces,
    /// Bytes that may be in memory.
    pub budget: Option<u64>,
    pub options: Options,
    pub lie: Option<Lie>,
}

impl Mode {
    /// A store in this directory.
    pub fn open<P: DiskParent>(self, path: &Path) -> Result<Store, Error> {
        let parent = P::open_at(path, self.options)?;
        let builder = match self.lie {
            None => Store::builder().parent(parent),
            Some(lie) => Store::builder().parent(Liar::new(parent, lie)),
        };
        match self.budget {
            None => builder.open(),
            Some(bytes) => builder.memory_budget(bytes).open(),
        }
    }

    /// For the environment of the child.
    pub fn to_words(self) -> String {
        let spaces = if self.spaces == Spaces::One { "one" } else { "several" };
        let budget = self.budget.map_or("all".into(), |bytes| bytes.to_string());
        let options = if self.options == Options::Usual { "usual" } else { "others" };
        format!("{spaces} {budget} {options} {}", self.lie.map_or("honest", Lie::name))
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(words: &str) -> Result<Self, String> {
        let [spaces, budget, options, lie] = words.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("four words, not '{words}'"));
        };
        let spaces = if spaces == "one" { Spaces::One } else { Spaces::Several };
        let options = if options == "usual" { Options::Usual } else { Options::Others };
        Ok(Self { spaces, budget: budget.parse().ok(), options, lie: Lie::named(lie) })
    }
}

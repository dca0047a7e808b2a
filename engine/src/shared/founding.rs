//! A store that begins with what was kept somewhere else.

use super::{METADATA, METADATA_SPACE, OWN_SPACES, Options};
use crate::parent::{Parent, layout};
use crate::{Error, MAX_KEY_LEN, MAX_VALUE_LEN, Version};

/// What a store is to begin with, but for its entries.
pub struct Founding {
    pub version: Version,
    pub metadata: Option<Vec<u8>>,
}

/// Takes the entries before there is a store.
pub struct Filling {
    loader: epoch_store::Loader,
    max_key_spaces: usize,
    longest_key: usize,
    longest_value: usize,
}

impl Founding {
    /// A map with what `fill` puts into it, that `parent` can keep.
    pub fn map(
        self,
        options: &Options,
        parent: Option<&dyn Parent>,
        fill: impl FnOnce(&mut Filling) -> Result<(), Error>,
    ) -> Result<epoch_store::Map, Error> {
        let mut loader = options.map.clone().load_at(self.version);
        // First, since their numbers are the same in every store.
        OWN_SPACES.iter().try_for_each(|own| loader.enter(own))?;
        if let Some(metadata) = self.metadata {
            loader.enter(OWN_SPACES[METADATA_SPACE as usize - 1])?;
            loader.put(METADATA, metadata)?;
        }
        loader.enter_default();
        let mut filling = Filling {
            loader,
            max_key_spaces: options.max_key_spaces,
            longest_key: parent.map_or(MAX_KEY_LEN, layout::longest_key),
            longest_value: parent.map_or(MAX_VALUE_LEN, Parent::max_value_len),
        };
        fill(&mut filling)?;
        Ok(filling.loader.finish()?)
    }
}

impl Filling {
    /// What is put from now on goes into this key space; before, into the default one.
    pub fn enter(&mut self, space: &str) -> Result<(), Error> {
        let max = self.max_key_spaces;
        self.loader.enter(space).map_err(|error| match error {
            epoch_store::Error::TooManySpaces { .. } => {
                epoch_store::Error::TooManySpaces { max }.into()
            }
            error => error.into(),
        })
    }

    /// Puts an entry, whose key was not put before.
    pub fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), Error> {
        let (len, max) = (key.len(), self.longest_key);
        if len > max {
            return Err(epoch_store::Error::KeyTooLong { len, max }.into());
        }
        let (len, max) = (value.len(), self.longest_value);
        if len > max {
            return Err(epoch_store::Error::ValueTooLong { len, max }.into());
        }
        Ok(self.loader.put(key, value)?)
    }
}

//! Opening a store on what a parent has kept.

use crate::parent::layout;
use crate::parent::{Parent, ParentBatch, ParentError, ParentErrorKind, ParentSnapshot};
use crate::{Error, Version};
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

/// Entries between two reports.
const REPORT: u64 = 1 << 14;

/// How far opening a store has come: see [`Builder::on_resume`](crate::Builder::on_resume).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Resumed {
    /// The version that it is resumed at.
    pub version: Version,
    /// Entries read so far.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
}

/// Whom to tell how far it has come.
#[derive(Clone)]
pub struct Watcher(pub Arc<dyn Fn(Resumed) + Send + Sync>);

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

/// A parent, and what is known of it.
pub struct Kept {
    pub parent: Arc<dyn Parent>,
    pub version: Version,
    /// The greatest number of a space whose name it has.
    pub named: u32,
}

/// What of a parent is brought into memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    Everything,
    /// The space with this number.
    Space(u32),
}

/// How a store is opened.
#[derive(Clone, Copy)]
pub struct Resuming<'a> {
    /// The names of the engine's own spaces, which have the numbers from 1 on.
    pub own: &'a [&'a str],
    pub memory: Extent,
    pub watcher: Option<&'a Watcher>,
}

/// A map with what the parent has, at its version. A parent that was never used gets its format.
///
/// # Errors
/// Whatever is wrong with the parent; what the choices of `builder` do not allow.
pub fn resume(
    parent: Arc<dyn Parent>,
    builder: epoch_store::Builder,
    resuming: Resuming<'_>,
) -> Result<(epoch_store::Map, Kept), Error> {
    let snapshot = parent.snapshot()?;
    if !layout::is_in_use(&*snapshot)? {
        drop(snapshot);
        let map = builder.build();
        resuming.own.iter().try_for_each(|name| map.key_space(name).map(drop))?;
        let mut batch = ParentBatch::new(Version::ZERO);
        layout::note_format(&mut batch);
        parent.commit(&batch)?;
        return Ok((map, Kept { parent, version: Version::ZERO, named: 0 }));
    }
    let (version, names) = (snapshot.version(), layout::spaces(&*snapshot)?);
    let mut loader = builder.load_at(version);
    if version.get() > epoch_store::MAX_FIRST_VERSION {
        return Err(damaged("no store has come to its version"));
    }
    let are_own = resuming.own.iter().zip(&names).all(|(own, name)| own == name);
    if !are_own {
        return Err(damaged("the key spaces are not those of a store"));
    }
    resuming.own.iter().try_for_each(|name| loader.enter(name))?;
    names.iter().try_for_each(|name| loader.enter(name))?;
    load(&*snapshot, &names, &mut loader, resuming)?;
    drop(snapshot);
    let named = names.len() as u32;
    Ok((loader.finish()?, Kept { parent, version, named }))
}

/// Puts every entry into its space.
fn load(
    snapshot: &dyn ParentSnapshot,
    names: &[String],
    loader: &mut epoch_store::Loader,
    resuming: Resuming<'_>,
) -> Result<(), Error> {
    let mut so_far = Resumed { version: snapshot.version(), ..Resumed::default() };
    let tell = |so_far| resuming.watcher.map_or((), |watcher| (watcher.0)(so_far));
    let (from, to) = match resuming.memory {
        Extent::Everything => (Bound::Unbounded, Bound::Unbounded),
        Extent::Space(space) => layout::bounds(space, Bound::Unbounded, Bound::Unbounded),
    };
    let mut entered = 0;
    loader.enter_default();
    for entry in snapshot.range(layout::as_slice(&from), layout::as_slice(&to)) {
        let (key, value) = entry?;
        let Some((space, key)) = layout::split(&key) else { continue };
        if space != entered {
            let name = (space as usize).checked_sub(1).and_then(|at| names.get(at));
            loader.enter(name.ok_or_else(|| damaged("an entry of an unknown key space"))?)?;
            entered = space;
        }
        loader.put(key, &value)?;
        so_far.entries += 1;
        so_far.bytes += (key.len() + value.len()) as u64;
        if so_far.entries.is_multiple_of(REPORT) {
            tell(so_far);
        }
    }
    tell(so_far);
    Ok(())
}

fn damaged(what: &'static str) -> Error {
    ParentError::new(ParentErrorKind::Damaged, "open a store").because(what).into()
}

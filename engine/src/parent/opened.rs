//! An engine that is open, is opened anew after an error, and is closed once.
//!
//! Both engines refuse everything after an error of the disk, until they are opened again: what they have in memory may no
//! longer be what is on the disk. That is done here, by the first call after the error, so that a store goes on by itself when
//! the fault is gone. It cannot be done while a snapshot is held, which needs the files as they were opened.
//!
//! A panic inside an engine, which damaged files can cause, ends here too: it becomes an error, and the engine is opened anew.
//!
//! *Checked by* `tests/parents/full_disk.rs` and `tests/parents/damage.rs`.

use super::{ParentError, ParentErrorKind};
use epoch_store::atomics::{AtomicBool, Ordering};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

#[expect(clippy::disallowed_types, reason = "an adapter waits for the disk, and says so")]
type Guarded<T> = std::sync::Mutex<T>;

/// An engine with its files.
pub(super) trait Engine: Send + Sync + Sized + 'static {
    /// Closes it in good order. Dropping it does the same, and keeps what goes wrong to itself.
    fn shut(self) -> Result<(), ParentError>;
}

/// An engine that snapshots share with the parent: the last of them gives up the files.
pub(super) struct Live<E> {
    engine: E,
    path: PathBuf,
    /// Set once. Relaxed: whoever misses it meets the error itself.
    failed: AtomicBool,
}

pub(super) struct Opened<E> {
    path: PathBuf,
    /// `None`: closed. Held while the engine is opened anew, and otherwise for a moment.
    kept: Guarded<Option<Kept<E>>>,
}

struct Kept<E> {
    /// `None`: it has failed, and could not be opened since.
    live: Option<Arc<Live<E>>>,
    opening: Box<Opening<E>>,
}

/// Makes an engine out of the files that are there.
type Opening<E> = dyn Fn() -> Result<E, ParentError> + Send + Sync;

impl<E: Engine> Opened<E> {
    /// Opens an engine below `path` for the first time.
    pub(super) fn new(
        path: &Path,
        opening: impl Fn() -> Result<E, ParentError> + Send + Sync + 'static,
    ) -> Result<Self, ParentError> {
        let live = Live::open(path, &opening)?;
        let kept = Kept { live: Some(live), opening: Box::new(opening) };
        Ok(Self { path: path.into(), kept: Guarded::new(Some(kept)) })
    }

    /// The engine, which is opened anew if it has failed.
    ///
    /// # Errors
    /// [`ParentErrorKind::Closed`]; [`Io`](ParentErrorKind::Io), if a snapshot keeps it from being opened; those of opening.
    pub(super) fn live(&self, action: &'static str) -> Result<Arc<Live<E>>, ParentError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(kept) = kept.as_mut() else {
            return Err(ParentError::new(ParentErrorKind::Closed, action).at(&self.path));
        };
        match kept.live.take() {
            Some(live) if !live.has_failed() => Ok(kept.live.insert(live).clone()),
            Some(live) if Arc::strong_count(&live) > 1 => {
                kept.live = Some(live);
                let why = "it has failed, and cannot be opened anew while a snapshot is held";
                Err(ParentError::new(ParentErrorKind::Io, action).at(&self.path).because(why))
            }
            failed => {
                // Its files are given up before they are taken again.
                drop(failed);
                let live = Live::open(&self.path, &*kept.opening)?;
                Ok(kept.live.insert(live).clone())
            }
        }
    }

    /// Gives up the engine: its files too, unless a snapshot is held.
    pub(super) fn close(&self) -> Result<(), ParentError> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let live = kept.and_then(|kept| kept.live);
        match live.and_then(Arc::into_inner) {
            Some(live) => contained("close a parent", &self.path, || live.engine.shut()),
            None => Ok(()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For what is printed of a parent.
    pub(super) fn is_closed(&self) -> bool {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }
}

impl<E> Live<E> {
    fn open(path: &Path, opening: &Opening<E>) -> Result<Arc<Self>, ParentError> {
        let engine = contained("open a parent", path, opening)?;
        Ok(Arc::new(Self { engine, path: path.into(), failed: AtomicBool::new(false) }))
    }

    pub(super) fn engine(&self) -> &E {
        &self.engine
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Nobody begins anything with it any more.
    pub(super) fn fail(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }

    fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }
}

/// What `work` says; a panic in it is damage.
pub(super) fn contained<T>(
    action: &'static str,
    path: &Path,
    work: impl FnOnce() -> Result<T, ParentError>,
) -> Result<T, ParentError> {
    // Whatever was left halfway belongs to an engine that is not used again, or to an answer that nobody gets.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let why = format!("the engine below panicked: {}", words(&*panic));
        Err(ParentError::new(ParentErrorKind::Damaged, action).at(path).because(why))
    })
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without words")
}

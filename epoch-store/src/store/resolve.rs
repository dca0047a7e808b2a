//! What a commit asks for while it is installed: see [`Resolve`].

use super::Store;
use super::write::{Place, find_or_insert};
use crate::batch::WriteOp;
use crate::chain::{Record, RecordRef};
use crate::commit::{Resolve, Resolved};
use crate::gc::Written;
use crate::list::Within;
use crate::reclaim::Pinned;
use crate::session::Claim;
use crate::tally::Tally;
use std::ops::ControlFlow;
use std::ptr::NonNull;

/// The store, and the session of the thread that installs.
pub(super) struct Resolver<'a> {
    pub(super) store: &'a Store,
    pub(super) claim: &'a Claim<'a>,
}

impl Resolve for Resolver<'_> {
    fn resolve<'p, P: Pinned>(
        &'p self,
        id: u32,
        key: &[u8],
        pin: &'p P,
        tally: &Tally,
    ) -> Resolved<'p> {
        let space = self.store.space(id);
        let op = WriteOp { space: id, key, value: None };
        let place = &mut Place { id, space, near: None };
        let found = find_or_insert(place, op, space.front.hash(key), pin, tally);
        Resolved { record: found.record, made: found.made.is_some() }
    }

    fn discard<P: Pinned>(&self, space: u32, record: RecordRef<'_>, pin: &P, _tally: &Tally) {
        let field = self.store.field(pin, self.claim);
        self.claim.sweeper().discard(Written { record, space }, field);
    }

    fn for_each_leaf<P: Pinned>(
        &self,
        space: u32,
        within: Within<'_>,
        pin: &P,
        tally: &Tally,
        mut visit: impl FnMut(&[NonNull<Record>]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let list = &self.store.space(space).list;
        let (mut leaf, mut body) = list.locate(within.lowest(), pin, tally);
        let mut records = Vec::new();
        loop {
            records.clear();
            body.collect(leaf.low(), within, &mut records);
            visit(&records)?;
            let next = list.right_of(body).filter(|next| within.reaches(next.low()));
            let Some(next) = next else { return ControlFlow::Continue(()) };
            (leaf, body) = (next, next.get().body(pin));
        }
    }
}

//! Faults between a store and a parent.

use super::bed::{Bed, all, batch};
use engine::{Fault, Faults, FaultyParent, Parent, ParentErrorKind, Version};
use std::ops::Bound::Unbounded;
use std::time::{Duration, Instant};

fn faulty<B: Bed>(bed: &B) -> (FaultyParent<B::Parent>, Faults) {
    FaultyParent::new(bed.open())
}

pub fn without_faults_it_is_the_parent_below<B: Bed>() {
    let bed = B::new();
    let (parent, faults) = faulty(&bed);
    parent.commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    assert_eq!(all(&*parent.snapshot().unwrap()), all(&*parent.get_ref().snapshot().unwrap()));
    assert_eq!(parent.max_key_len(), parent.get_ref().max_key_len());
    assert_eq!(parent.max_value_len(), parent.get_ref().max_value_len());
    assert_eq!(parent.path(), parent.get_ref().path());
    assert_eq!(faults.commits(), 1);
    parent.close().unwrap();
    assert_eq!(parent.snapshot().err().unwrap().kind(), ParentErrorKind::Closed);
}

pub fn a_refused_commit_leaves_everything<B: Bed>() {
    let bed = B::new();
    let (parent, faults) = faulty(&bed);
    faults.at_commit(3, Fault::Refused(ParentErrorKind::Full));
    faults.at_commit(2, Fault::Refused(ParentErrorKind::Io));
    parent.commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    let next = batch(2, &[(b"a", Some(b"2"))]);
    for kind in [ParentErrorKind::Io, ParentErrorKind::Full] {
        assert_eq!(parent.commit(&next).unwrap_err().kind(), kind);
        let snapshot = parent.snapshot().unwrap();
        assert_eq!(snapshot.version(), Version::from(1));
        assert_eq!(snapshot.get(b"a").unwrap().unwrap(), b"1");
    }
    parent.commit(&next).unwrap();
    faults.every_commit(Fault::Refused(ParentErrorKind::Full));
    for _ in 0..3 {
        assert_eq!(parent.commit(&batch(3, &[])).unwrap_err().kind(), ParentErrorKind::Full);
    }
    faults.clone().heal();
    parent.commit(&batch(3, &[])).unwrap();
    assert_eq!((faults.commits(), parent.durable_version().unwrap()), (8, Version::from(3)));
}

pub fn an_unanswered_commit_is_made_and_can_be_made_again<B: Bed>() {
    let bed = B::new();
    let (parent, faults) = faulty(&bed);
    faults.at_commit(1, Fault::Unanswered);
    let first = batch(1, &[(b"a", Some(b"1"))]);
    assert_eq!(parent.commit(&first).unwrap_err().kind(), ParentErrorKind::Io);
    assert_eq!(parent.snapshot().unwrap().get(b"a").unwrap().unwrap(), b"1");
    parent.commit(&first).unwrap();
    drop(parent);
    assert_eq!(bed.open().durable_version().unwrap(), Version::from(1));
}

pub fn a_slow_commit_is_made<B: Bed>() {
    let bed = B::new();
    let (parent, faults) = faulty(&bed);
    let time = Duration::from_millis(30);
    faults.at_commit(1, Fault::Slow(time));
    let began = Instant::now();
    parent.commit(&batch(1, &[])).unwrap();
    assert!(began.elapsed() >= time);
    assert_eq!(parent.durable_version().unwrap(), Version::from(1));
}

pub fn snapshots_and_reads_fail_until_they_are_healed<B: Bed>() {
    let bed = B::new();
    let (parent, faults) = faulty(&bed);
    parent.commit(&batch(1, &[(b"a", Some(b"1")), (b"b", Some(b"2"))])).unwrap();
    let snapshot = parent.snapshot().unwrap();
    let mut begun = snapshot.range(Unbounded, Unbounded);
    assert_eq!(begun.next().unwrap().unwrap().0, b"a");
    faults.snapshots(ParentErrorKind::Io);
    faults.reads(ParentErrorKind::Damaged);
    assert_eq!(parent.snapshot().err().unwrap().kind(), ParentErrorKind::Io);
    assert_eq!(snapshot.get(b"a").unwrap_err().kind(), ParentErrorKind::Damaged);
    assert_eq!(begun.next_back().unwrap().unwrap_err().kind(), ParentErrorKind::Damaged);
    faults.heal();
    assert!(begun.next().is_none(), "there is nothing after an error");
    assert_eq!(snapshot.get(b"a").unwrap().unwrap(), b"1");
    assert_eq!(all(&*parent.snapshot().unwrap()).len(), 2);
}

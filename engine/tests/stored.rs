//! What a parent has kept is read as a store would show it, and what lies wrong is found.

use engine::{
    Error, MemoryParent, Parent, ParentBatch, ParentErrorKind, Store, Stored, Version, WriteBatch,
};

fn parent() -> MemoryParent {
    let parent = MemoryParent::new();
    let store = Store::builder().parent(parent.reopened()).open().unwrap();
    let accounts = store.key_space("accounts").unwrap();
    let mut batch = WriteBatch::new();
    for key in [&b"a"[..], b"a\xff", b"a\xff\xff", b"b", b"\xff\xff\xff\xff\xff"] {
        batch.put(key, key).put_in(&accounts, key, "");
    }
    store.commit_tagged(&batch, "tag").unwrap();
    store.close().unwrap();
    parent
}

#[test]
fn it_reads_as_the_store_does() {
    let parent = parent();
    let store = Store::builder().parent(parent.reopened()).open().unwrap();
    let (snapshot, stored) = (store.snapshot(), Stored::open(&parent).unwrap());
    assert_eq!(stored.version(), snapshot.version());
    assert_eq!(stored.metadata().unwrap().unwrap(), b"tag");
    let space = stored.default_space();
    let keys =
        |range: engine::StoredRange<'_>| range.map(|entry| entry.unwrap().0).collect::<Vec<_>>();
    let all: Vec<_> = snapshot.keys(..).map(|key| key.unwrap().to_vec()).collect();
    assert_eq!(keys(space.range(..)), all);
    assert_eq!(space.range(..).rev().last().unwrap().unwrap().0, all[0]);
    assert_eq!(keys(space.prefix("a")), all[..3]);
    assert_eq!(keys(space.prefix(b"\xff\xff")), all[4..]);
    assert_eq!(keys(space.range(&b"a\xff"[..]..=b"b")), all[1..4]);
    assert!(keys(space.range(&b"c"[..]..b"b")).is_empty());
    assert_eq!(space.get("b").unwrap().unwrap(), b"b");
    assert_eq!((space.get("c").unwrap(), space.get("").unwrap()), (None, None));
    let accounts = stored.find_key_space("accounts").unwrap();
    assert_eq!(keys(accounts.range(..)), all);
    assert_eq!(accounts.get("b").unwrap().unwrap(), b"");
    assert!(stored.find_key_space("\0engine").is_none() && stored.find_key_space("").is_none());
    assert_eq!(stored.key_spaces().count(), 1);

    let (mut ours, mut stores) = (Vec::new(), Vec::new());
    stored.export(&mut ours, |_| ()).unwrap();
    snapshot.export(&mut stores, |_| ()).unwrap();
    assert_eq!(ours, stores);
    let verified = stored.verify(|_| ()).unwrap();
    assert_eq!((verified.entries, verified.key_spaces, verified.bytes), (10, 1, 3 * 12));
}

#[test]
fn what_lies_wrong_is_found() {
    let wrong: [(&[u8], &[u8], &str); 6] = [
        (b"", b"", "too short"),
        (b"\0\0\0", b"", "too short"),
        (b"\0\0\0\0", b"an empty key", "no store holds"),
        (b"\0\0\0\x07k", b"", "no such key space"),
        (b"\xff\xff\xff\xffsecret", b"", "unknown kind"),
        (b"\xff\xff\xff\xffspace\0\0\0\x04", b"accounts", "cannot have the name"),
    ];
    for (key, value, words) in wrong {
        let parent = parent();
        let mut batch = ParentBatch::new(Version::from(1));
        batch.put(key, value);
        parent.commit(&batch).unwrap();
        match Stored::open(&parent).unwrap().verify(|_| ()).unwrap_err() {
            Error::Parent(error) => {
                assert_eq!(error.kind(), ParentErrorKind::Damaged);
                assert!(error.to_string().contains(words), "{error}, and not: {words}");
            }
            error => panic!("{error:?}"),
        }
    }
}

#[test]
fn nothing_is_written() {
    let parent = MemoryParent::new();
    let stored = Stored::open(&parent).unwrap();
    assert_eq!((stored.version(), stored.metadata().unwrap()), (Version::ZERO, None));
    assert_eq!(stored.verify(|_| ()).unwrap().entries, 0);
    let snapshot = parent.snapshot().unwrap();
    assert!(
        snapshot.range(std::ops::Bound::Unbounded, std::ops::Bound::Unbounded).next().is_none()
    );
}

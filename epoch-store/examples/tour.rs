//! The map in twenty lines.

use epoch_store::{Map, WriteBatch};

fn main() -> Result<(), epoch_store::Error> {
    let map = Map::new(); // clones are handles to the same map
    map.put(b"alice", b"10")?; // a commit of one key

    let before = map.snapshot(); // O(1), Send + Sync + Clone
    let mut batch = WriteBatch::new();
    batch.put(b"alice", b"7").put(b"bob", b"3").delete(b"carol");
    let version = map.commit(&batch)?; // atomic: seen whole or not at all

    assert!(before.get(b"bob").is_none()); // a snapshot never changes
    let now = map.snapshot();
    assert_eq!(now.version(), version);
    for (key, value) in now.range(b"a"..b"c").rev() {
        println!("{} = {}", key.escape_ascii(), value.escape_ascii());
    }
    let values = now.get_many(&[b"alice", b"carol"]); // overlaps the cache misses
    assert_eq!(values[0].unwrap(), b"7");
    Ok(())
}

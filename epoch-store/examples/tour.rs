//! The map in twenty-five lines.

use epoch_store::{Map, WriteBatch};

fn main() -> Result<(), epoch_store::Error> {
    let map = Map::new(); // clones are handles to the same map
    map.put("alice", "10")?; // a commit of one key; keys and values are bytes

    let before = map.snapshot(); // O(1), Send + Sync + Clone
    let mut batch = WriteBatch::new();
    batch.put("alice", "7").put("bob", "3").delete("carol");
    let version = map.commit(&batch)?; // atomic: seen whole or not at all

    assert!(before.get("bob").is_none()); // a snapshot never changes
    let now = map.snapshot();
    assert_eq!(now.version(), version);
    for (key, value) in now.range("a".."c").rev() {
        println!("{} = {}", key.escape_ascii(), value.escape_ascii());
    }
    let values = now.get_many(&["alice", "carol"]); // overlaps the cache misses
    assert_eq!(values[0].unwrap(), b"7");

    let accounts = map.key_space("accounts")?; // a map inside the map: same commits, same snapshots
    batch.clear(); // a commit leaves its batch as it is
    batch.put("bob", "4").put_in(&accounts, "bob", "3"); // seen together or not at all
    map.commit(&batch)?;
    assert_eq!(map.snapshot().space(&accounts)?.get("bob").unwrap(), b"3");
    Ok(())
}

//! Readers beside a writer: snapshots that do not move, old versions by number, what changed in between, a cursor that is
//! kept, a reader that is too slow.
//!
//! `cargo run -p engine --example snapshots`

use engine::{Cursor, Error, Store};
use std::sync::mpsc;

/// A page of a list, from where the last one ended: a cursor can be kept where an iterator would borrow.
fn page(cursor: &mut Cursor, rows: usize) -> Result<Vec<String>, Error> {
    let mut page = Vec::new();
    while page.len() < rows && cursor.next()? {
        page.extend(cursor.key().map(|key| key.escape_ascii().to_string()));
    }
    Ok(page)
}

fn main() -> Result<(), Error> {
    let (tell, told) = mpsc::channel();
    let store = Store::builder()
        .retain_versions(100)
        .on_slow_reader(50, move |reader| tell.send(reader).unwrap_or_default())
        .open()?;
    for item in ["apple", "fig", "pear", "plum"] {
        store.put(item, "1")?;
    }

    // A snapshot is one version, for as long as it is held, whatever is written.
    let morning = store.snapshot();
    let mut list = morning.cursor();
    let first = page(&mut list, 2)?;
    let writer = store.clone();
    let writer = std::thread::spawn(move || -> Result<(), Error> {
        writer.delete("pear")?;
        (0..60_u32).try_for_each(|round| writer.put("fig", round.to_string()).map(|_version| ()))
    });
    writer.join().expect("the writer does not panic")?;
    let second = page(&mut list, 2)?;
    println!("{first:?}, {second:?}");
    assert_eq!(
        (first, second),
        (vec!["apple".into(), "fig".into()], vec!["pear".into(), "plum".into()])
    );
    assert_eq!(morning.get("fig")?.expect("not deleted"), "1");
    assert_eq!(store.snapshot().get("fig")?.expect("not deleted"), "59");

    // What is retained can be opened by its number, and compared.
    let changes = store.changes_since(morning.version())?;
    for change in &changes {
        let change = change?;
        println!("{:?}: {:?} became {:?}", change.key, change.before, change.after);
    }
    assert_eq!(changes.iter().count(), 2);
    let old = store.snapshot_at(morning.version())?;
    assert_eq!(old.len()?, 4);

    // Whoever maintains the store is told who keeps old versions.
    store.maintain();
    let slow = told.try_recv().expect("sixty-one versions behind");
    println!("a reader of version {} is {} versions behind", slow.version, slow.behind);
    assert_eq!((slow.version, slow.behind), (morning.version(), 61));
    Ok(())
}

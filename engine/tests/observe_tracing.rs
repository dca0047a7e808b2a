//! With the feature `tracing`: spans and events of what is written and lost, and none of what is read.

use engine::{Error, Retry, Store};
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

/// A line for each event, and for each span when it ends, with all its fields.
#[derive(Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    spans: Mutex<Vec<Line>>,
    inside: Mutex<Vec<u64>>,
}

struct Line(String);

impl Line {
    fn of(metadata: &Metadata<'_>) -> Self {
        Self(format!("{} {}", metadata.level(), metadata.target()))
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            write!(self.0, " {value:?}").unwrap();
        } else {
            write!(self.0, " {}={value:?}", field.name()).unwrap();
        }
    }
}

impl Subscriber for Log {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes() // tests on other threads have other subscribers
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line::of(span.metadata());
        write!(line.0, " {}", span.metadata().name()).unwrap();
        span.record(&mut line);
        let mut spans = self.spans.lock().unwrap();
        spans.push(line);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(&mut self.spans.lock().unwrap()[span.into_u64() as usize - 1]);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::of(event.metadata());
        event.record(&mut line);
        self.lines.lock().unwrap().push(line.0);
    }

    fn enter(&self, span: &Id) {
        self.inside.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        assert_eq!(self.inside.lock().unwrap().pop(), Some(span.into_u64()));
    }

    fn try_close(&self, span: Id) -> bool {
        let line = self.spans.lock().unwrap()[span.into_u64() as usize - 1].0.clone();
        self.lines.lock().unwrap().push(line);
        true
    }
}

/// What `work` says.
fn said_by(work: impl FnOnce()) -> Vec<String> {
    let log = Arc::new(Log::default());
    tracing::subscriber::with_default(log.clone(), work);
    std::mem::take(&mut *log.lines.lock().unwrap())
}

#[test]
fn each_commit_is_a_span_with_its_writes_and_its_version() {
    let store = Store::in_memory();
    let accounts = store.key_space("accounts").unwrap();
    let mut batch = engine::WriteBatch::new();
    batch.put("a", "1").put("b", "2");
    let said = said_by(|| {
        store.put("a", "secret").unwrap();
        store.commit(&batch).unwrap();
        accounts.delete("a").unwrap();
        store.put("", "refused").unwrap_err();
        store.insert_if_absent("c", "").unwrap();
        store.transact(|transaction| transaction.put("d", "")).unwrap();
    });
    let expected = [
        "TRACE engine commit writes=1 version=1",
        "TRACE engine commit writes=2 version=2",
        "TRACE engine commit writes=1 version=3",
        "TRACE engine commit writes=1",
        "TRACE engine commit writes=1 version=4",
        "TRACE engine commit writes=1 version=5",
    ];
    assert_eq!(said, expected);
}

#[test]
fn reading_says_nothing() {
    let store = Store::in_memory();
    store.put("k", "v").unwrap();
    let overlay = store.overlay();
    overlay.put("l", "w").unwrap();
    let said = said_by(|| {
        let snapshot = store.snapshot();
        assert!(snapshot.contains("k").unwrap() && overlay.contains("l").unwrap());
        assert_eq!((snapshot.iter().count(), overlay.iter().count()), (1, 2));
        assert!(store.transaction().commit().is_ok(), "it has written nothing");
        store.stats();
    });
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn a_conflict_names_its_first_key_and_what_follows_is_told() {
    let store = Store::in_memory();
    let mut result = Ok(());
    let said = said_by(|| {
        result = store.transact_with(&Retry::new().attempts(2), |transaction| {
            transaction.get_for_update("ke\0y")?;
            transaction.put("other", "secret")?;
            store.put("ke\0y", "secret")?;
            Ok(())
        });
    });
    assert!(matches!(result, Err(Error::RetriesExhausted { attempts: 2 })));
    let expected = [
        "TRACE engine commit writes=1 version=1",
        "TRACE engine commit writes=1",
        "DEBUG engine conflict kind=ReadWrite since=0 key=ke\\x00y",
        "DEBUG engine retry attempts=1",
        "TRACE engine commit writes=1 version=2",
        "TRACE engine commit writes=1",
        "DEBUG engine conflict kind=ReadWrite since=1 key=ke\\x00y",
        "WARN engine gave up after a conflict in each attempt attempts=2",
    ];
    assert_eq!(said, expected);
}

#[test]
fn a_flush_is_a_span_unless_there_is_nothing_to_do() {
    let store = Store::in_memory();
    let block = store.overlay();
    let call = block.overlay();
    call.put("k", "v").unwrap();
    let said = said_by(|| {
        call.overlay().flush().unwrap();
        call.flush().unwrap();
        block.flush().unwrap();
        store.close().unwrap();
        block.put("k", "w").unwrap();
        assert!(matches!(block.flush(), Err(Error::Closed)));
    });
    let expected = [
        "DEBUG engine flush depth=1 version=0",
        "DEBUG engine flush depth=0 version=1",
        "DEBUG engine a flush was refused error=the store is closed",
        "DEBUG engine flush depth=0",
    ];
    assert_eq!(said, expected);
}

#[test]
fn collection_is_a_span_and_a_slow_reader_a_warning() {
    let store = Store::builder().on_slow_reader(1, |_| {}).open().unwrap();
    let slow = store.snapshot();
    (0..3).for_each(|n: u32| _ = store.put("k", n.to_string()).unwrap());
    let said = said_by(|| {
        store.maintain();
        store.maintain();
    });
    assert_eq!(said.len(), 3, "of one reader it is told once: {said:?}");
    assert!(said[0].starts_with("DEBUG engine maintain cut="), "{said:?}");
    assert_eq!(said[1], "WARN engine a slow reader keeps old versions version=0 behind=3");
    drop(slow);
    let said = said_by(|| _ = store.maintain());
    assert_eq!(said, ["DEBUG engine maintain cut=0"]);
}

//! A backup that is not what was written is refused, with the place, by whoever reads it; and nothing is left of it.

use super::material::{exported, frames, store};
use crate::parents::assert_untouched;
use engine::{BackupFault, Error, MAX_METADATA_LEN, MemoryParent, Store, verify_backup};
use std::io;

/// Where the fault is, and which.
fn fault(backup: &[u8]) -> (u64, BackupFault) {
    let refused = verify_backup(backup, |_| ()).expect_err("it is damaged");
    let Error::DamagedBackup { offset, fault } = refused else { panic!("{refused:?}") };
    (offset, fault)
}

/// The frame that a byte is in begins where this says; what comes before the first is a frame of its own.
fn frame_of(frames: &[usize], at: usize) -> usize {
    frames.iter().copied().rfind(|&begin| begin <= at).unwrap_or(0)
}

#[test]
fn a_bit_that_flips_is_found_in_its_frame() {
    let (backup, mut random) = (exported(&store().snapshot()), random());
    let frames = frames(&backup);
    // All of the heads, and many others.
    let heads = frames.iter().flat_map(|&begin| begin..(begin + 13).min(backup.len()));
    let places: Vec<_> =
        (0..12).chain(heads).chain((0..500).map(|_| random.usize(..backup.len()))).collect();
    for place in places {
        let mut damaged = backup.clone();
        damaged[place] ^= 1 << random.u8(..8);
        let (offset, fault) = fault(&damaged);
        if matches!(fault, BackupFault::Truncated) {
            // A length that was changed: what is read for the frame goes on behind the end.
            assert_eq!(offset, backup.len() as u64);
        } else if place >= 12 {
            assert_eq!(offset, frame_of(&frames, place) as u64, "{fault} for byte {place}");
        } else {
            assert!(offset <= 12, "{fault} at {offset} for byte {place}");
        }
    }
}

fn random() -> fastrand::Rng {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("to repeat this run: SEED={seed}");
    fastrand::Rng::with_seed(seed)
}

#[test]
fn an_end_that_is_missing_is_found_where_it_is_missing() {
    let backup = exported(&store().snapshot());
    let frames = frames(&backup);
    let mut random = random();
    let near = frames.iter().flat_map(|&begin| begin.saturating_sub(3)..begin + 16);
    let places = (0..40).chain(near).chain((0..300).map(|_| random.usize(..backup.len())));
    for length in places.filter(|&length| length < backup.len()) {
        assert_eq!(fault(&backup[..length]), (length as u64, BackupFault::Truncated));
    }
}

#[test]
fn frames_that_are_moved_are_found() {
    let backup = exported(&store().snapshot());
    let frames = frames(&backup);
    let pieces: Vec<_> = frames.windows(2).map(|ends| &backup[ends[0]..ends[1]]).collect();
    let joined = |pieces: &[&[u8]]| [&backup[..12], &pieces.concat()].concat();
    assert_eq!(joined(&pieces), backup);
    for at in 0..pieces.len() - 1 {
        let mut swapped = pieces.clone();
        swapped.swap(at, at + 1);
        let found = (at + 1) as u64;
        let expected = (frames[at] as u64, BackupFault::OutOfOrder { expected: at as u64, found });
        assert_eq!(fault(&joined(&swapped)), expected);

        let mut missing = pieces.clone();
        missing.remove(at);
        assert_eq!(fault(&joined(&missing)), expected);

        let mut repeated = pieces.clone();
        repeated.insert(at, pieces[at]);
        let (offset, fault) = fault(&joined(&repeated));
        assert_eq!(offset, frames[at + 1] as u64);
        let (expected, found) = (found, at as u64);
        assert_eq!(fault, BackupFault::OutOfOrder { expected, found });
    }
}

#[test]
fn frames_of_another_backup_are_found() {
    let store = store();
    let backup = exported(&store.snapshot());
    store.put([0], "").unwrap();
    let other = exported(&store.snapshot());
    let (frames, others) = (frames(&backup), frames(&other));
    assert_eq!(frames, others, "the same but for the version");
    for at in 1..frames.len() - 1 {
        let spliced = [&backup[..frames[at]], &other[frames[at]..]].concat();
        let expected = BackupFault::Checksum { frame: at as u64 };
        assert_eq!(fault(&spliced), (frames[at] as u64, expected));
    }
}

#[test]
fn what_is_none_is_told_from_what_is_newer() {
    assert_eq!(fault(b""), (0, BackupFault::Truncated));
    assert_eq!(fault(b"a text, say"), (0, BackupFault::Foreign));
    let mut backup = exported(&Store::in_memory().snapshot());
    backup[11] = 2;
    assert_eq!(fault(&backup), (8, BackupFault::NewerFormat { format: 2, known: 1 }));
    backup[11] = 0;
    assert!(matches!(fault(&backup), (8, BackupFault::Malformed(_))));
}

#[test]
fn bytes_behind_the_end_are_found() {
    let backup = exported(&store().snapshot());
    let twice = [&backup[..], &backup[..]].concat();
    assert_eq!(fault(&twice), (backup.len() as u64, BackupFault::Trailing));
}

#[test]
fn nothing_is_left_of_what_is_damaged() {
    let (backup, mut random) = (exported(&store().snapshot()), random());
    for _ in 0..40 {
        let mut damaged = backup.clone();
        match random.bool() {
            true => damaged.truncate(random.usize(..backup.len())),
            false => damaged[random.usize(..backup.len())] ^= 1 << random.u8(..8),
        }
        let parent = MemoryParent::new();
        let refused = Store::builder().parent(parent.reopened()).import(&damaged[..], |_| ());
        let expected = fault(&damaged);
        match refused.unwrap_err() {
            Error::DamagedBackup { offset, fault } => assert_eq!((offset, fault), expected),
            error => panic!("{error:?}"),
        }
        assert_untouched(&parent);
    }
}

/// A stream with checksums that match, whatever is in it.
struct Forged {
    bytes: Vec<u8>,
    hasher: crc32fast::Hasher,
    frames: u64,
}

impl Forged {
    fn new() -> Self {
        let bytes = exported(&Store::in_memory().snapshot())[..12].to_vec();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&bytes);
        Self { bytes, hasher, frames: 0 }
    }

    /// At a version, without metadata.
    fn begun() -> Self {
        Self::new().frame(1, &[0, 0, 0, 0, 0, 0, 0, 9, 0])
    }

    fn frame(mut self, kind: u8, content: &[u8]) -> Self {
        let mut frame = vec![kind];
        frame.extend(self.frames.to_be_bytes());
        frame.extend((content.len() as u32).to_be_bytes());
        frame.extend(content);
        self.hasher.update(&frame);
        self.bytes.extend(frame);
        self.bytes.extend(self.hasher.clone().finalize().to_be_bytes());
        self.frames += 1;
        self
    }

    fn entry(self, key: &[u8], value: &[u8]) -> Self {
        let lengths = [key.len() as u32, value.len() as u32].map(u32::to_be_bytes).concat();
        self.frame(3, &[&lengths, key, value].concat())
    }

    fn end(self, entries: u64, bytes: u64, spaces: u32) -> Self {
        let totals = [&entries.to_be_bytes()[..], &bytes.to_be_bytes(), &spaces.to_be_bytes()];
        self.frame(4, &totals.concat())
    }

    fn refused(self, words: &str) {
        let (_, fault) = fault(&self.bytes);
        assert!(matches!(fault, BackupFault::Malformed(what) if what.contains(words)), "{fault}");
    }
}

#[test]
fn what_no_export_writes_is_refused_though_its_checksums_match() {
    let whole = Forged::begun().entry(b"a", b"1").entry(b"b", b"").end(2, 3, 0);
    assert_eq!(verify_backup(&whole.bytes[..], |_| ()).unwrap().entries, 2);

    Forged::new().end(0, 0, 0).refused("no beginning");
    Forged::new().frame(1, &[0; 8]).refused("metadata");
    Forged::new().frame(1, &[0, 0, 0, 0, 0, 0, 0, 0, 1]).refused("metadata");
    Forged::new().frame(1, &[0, 0, 0, 0, 0, 0, 0, 9, 2]).refused("metadata");
    let long = [&[0, 0, 0, 0, 0, 0, 0, 9, 1][..], &[0; MAX_METADATA_LEN + 1]].concat();
    Forged::new().frame(1, &long).refused("metadata");
    Forged::new().frame(1, &[0xff; 9]).refused("version");
    Forged::new().frame(1, &[0; 9]).entry(b"a", b"").refused("nothing was committed");
    Forged::begun().frame(9, b"").refused("unknown kind");
    Forged::begun().frame(1, &[0; 9]).refused("second time");
    Forged::begun().entry(b"b", b"").entry(b"a", b"").refused("do not rise");
    Forged::begun().entry(b"a", b"").entry(b"a", b"").refused("do not rise");
    Forged::begun().entry(b"", b"").refused("too short or too long");
    Forged::begun().frame(3, &[0, 1, 0, 1, 0, 0, 0, 0]).refused("too short or too long");
    Forged::begun().frame(3, &[0, 0, 0, 1, 0xff, 0, 0, 0]).refused("value that is too long");
    for name in [&b""[..], b"\0engine", &[b'n'; 256]] {
        Forged::begun().frame(2, name).refused("no key space can have");
    }
    Forged::begun().frame(2, &[0xff]).refused("no text");
    Forged::begun().frame(2, b"a").frame(2, b"a").refused("second time");
    Forged::begun().frame(3, &[0, 0]).end(0, 0, 0).refused("missing its end");
    Forged::begun().frame(3, &[0, 0, 0, 1, 0, 0, 0, 0]).frame(2, b"a").refused("missing its end");
    for (entries, bytes, spaces) in [(1, 2, 0), (2, 2, 0), (1, 3, 0), (1, 2, 2)] {
        let forged = Forged::begun().frame(2, b"s").entry(b"a", b"1");
        forged.end(entries, bytes, spaces).refused("totals");
    }
    Forged::begun().frame(4, &[0; 3]).refused("totals");
    Forged::begun().frame(4, &[0; 30]).refused("totals");
}

#[test]
fn a_length_takes_no_memory_before_there_are_bytes() {
    // A value of nearly two GiB, it says, and a frame of four.
    let mut forged = Forged::begun().frame(3, &[0, 0, 0, 1, 0x7f, 0, 0, 0, b'k']).bytes;
    assert!(matches!(fault(&forged), (_, BackupFault::Truncated)));
    let begin = forged.len();
    forged.extend([3, 0, 0, 0, 0, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff]);
    let (offset, fault) = fault(&forged);
    assert_eq!((offset, matches!(fault, BackupFault::FrameTooLong { .. })), (begin as u64, true));
}

#[test]
fn what_the_reader_says_comes_through() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    let backup = exported(&store().snapshot());
    let reader = io::Read::chain(&backup[..70_000], Broken);
    match Store::builder().import(reader, |_| ()).unwrap_err() {
        Error::BackupIo { action: "read", offset: 70_000, error } => {
            assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        }
        error => panic!("{error:?}"),
    }
}

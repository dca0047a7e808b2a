//! What may lie where a parent is opened.

use super::bed::{Bed, batch};
use super::disk::{Disk, DiskParent};
use engine::{ParentError, ParentErrorKind, Version};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every file and directory below, with what is in it.
pub fn contents(path: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, None);
        } else {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, Some(bytes));
        }
    }
    found
}

/// A directory with a parent that has made one commit, and is closed.
fn made<P: DiskParent>() -> Disk<P> {
    let bed = Disk::<P>::new();
    bed.open().commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    bed
}

/// Opening fails, and changes nothing.
fn refused<P: DiskParent>(path: &Path) -> ParentError {
    let before = contents(path);
    let error = P::open_at(path).unwrap_err();
    assert!(contents(path) == before, "changed: {error}");
    error
}

pub fn directories_are_made<P: DiskParent>() {
    let bed = Disk::<P>::new();
    assert!(!bed.path().parent().unwrap().exists());
    let parent = bed.open();
    assert_eq!(parent.path().unwrap(), bed.path());
    assert!(bed.path().is_dir());
}

pub fn an_empty_directory_is_taken<P: DiskParent>() {
    let bed = Disk::<P>::new();
    fs::create_dir_all(bed.path()).unwrap();
    assert_eq!(bed.open().durable_version().unwrap(), Version::ZERO);
}

pub fn what_is_not_ours_is_left_untouched<P: DiskParent>() {
    let names = ["notes.txt", "PARENT", "data.redb", "version", "PARENT.backup"];
    for name in names {
        let bed = Disk::<P>::new();
        fs::create_dir_all(bed.path()).unwrap();
        fs::write(bed.path().join(name), "mine").unwrap();
        let error = refused::<P>(&bed.path());
        assert_eq!(error.kind(), ParentErrorKind::Foreign, "{error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    for name in ["fjall", "PARENT"] {
        let bed = Disk::<P>::new();
        fs::create_dir_all(bed.path().join(name)).unwrap();
        assert_eq!(refused::<P>(&bed.path()).kind(), ParentErrorKind::Foreign);
    }
}

pub fn another_adapters_directory_is_named<P: DiskParent>() {
    let bed = made::<P>();
    let marker = bed.path().join("PARENT");
    let ours = fs::read_to_string(&marker).unwrap();
    let (from, to, other) = match P::NAME {
        "RedbParent" => ("redb", "fjall", "FjallParent"),
        _ => ("fjall", "redb", "RedbParent"),
    };
    fs::write(&marker, ours.replace(from, to)).unwrap();
    let error = refused::<P>(&bed.path());
    assert_eq!(error.kind(), ParentErrorKind::Foreign);
    assert!(error.to_string().contains(other), "{error}");
    fs::write(&marker, ours).unwrap();
    assert_eq!(bed.open().durable_version().unwrap(), Version::from(1));

    #[cfg(all(feature = "redb", feature = "fjall"))]
    for kind in [
        engine::RedbParent::open(bed.path()).map(drop).map_err(|error| error.kind()),
        engine::FjallParent::open(bed.path()).map(drop).map_err(|error| error.kind()),
    ] {
        assert!(matches!(kind, Ok(()) | Err(ParentErrorKind::Foreign)), "{kind:?}");
    }
}

pub fn a_newer_format_is_left_untouched<P: DiskParent>() {
    let bed = made::<P>();
    let marker = bed.path().join("PARENT");
    let ours = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, ours.replace("format 1", "format 2")).unwrap();
    let error = refused::<P>(&bed.path());
    assert_eq!(error.kind(), ParentErrorKind::NewerFormat, "{error}");
    fs::write(&marker, ours).unwrap();

    // Of the engine below, where it says so.
    let version = bed.path().join("fjall").join("version");
    if version.exists() {
        fs::write(&version, b"FJL\x04").unwrap();
        let error = refused::<P>(&bed.path());
        assert_eq!(error.kind(), ParentErrorKind::NewerFormat, "{error}");
    }
}

pub fn one_at_a_time_has_it<P: DiskParent>() {
    let bed = Disk::<P>::new();
    let parent = bed.open();
    let in_use = || {
        let error = bed.try_open().unwrap_err();
        assert_eq!(error.kind(), ParentErrorKind::InUse, "{error}");
    };
    in_use();
    parent.commit(&batch(1, &[(b"a", Some(b"1"))])).unwrap();
    let snapshot = parent.snapshot().unwrap();
    parent.close().unwrap();
    in_use();
    assert_eq!(snapshot.get(b"a").unwrap().unwrap(), b"1");
    drop(snapshot);
    let next = bed.open();
    in_use();
    drop(next);
    assert_eq!(bed.open().durable_version().unwrap(), Version::from(1));
}

pub fn two_at_once_make_one<P: DiskParent>() {
    let bed = Disk::<P>::new();
    let open = || bed.try_open();
    let opened = std::thread::scope(|scope| {
        let both = [scope.spawn(open), scope.spawn(open)];
        both.map(|thread| thread.join().unwrap())
    });
    let parents: Vec<_> = opened
        .into_iter()
        .filter_map(|parent| match parent {
            Ok(parent) => Some(parent),
            Err(error) => {
                assert_eq!(error.kind(), ParentErrorKind::InUse, "{error}");
                None
            }
        })
        .collect();
    // Both, if one was dropped before the other came: they are kept until here, so it was not.
    assert_eq!(parents.len(), 1);
}

pub fn a_creation_that_was_cut_short_is_done_again<P: DiskParent>() {
    let bed = Disk::<P>::new();
    fs::create_dir_all(bed.path()).unwrap();
    fs::write(bed.path().join("PARENT.lock"), "").unwrap();
    fs::write(bed.path().join("PARENT.new"), "engine pa").unwrap();
    assert_eq!(bed.open().durable_version().unwrap(), Version::ZERO);

    let bed = made::<P>();
    let marker = bed.path().join("PARENT");
    let ready = fs::read_to_string(&marker).unwrap();
    for length in [0, 4, 100] {
        fs::write(&marker, ready.replace("ready", "creating")).unwrap();
        for (path, bytes) in contents(&bed.path()) {
            if let Some(bytes) = bytes.filter(|_| !path.ends_with("PARENT")) {
                fs::write(path, &bytes[..bytes.len().min(length)]).unwrap();
            }
        }
        assert_eq!(bed.open().durable_version().unwrap(), Version::ZERO);
        assert_eq!(fs::read_to_string(&marker).unwrap(), ready);
    }
}

pub fn files_that_are_gone_are_damage<P: DiskParent>() {
    let bed = made::<P>();
    let _ = fs::remove_file(bed.path().join("data.redb"));
    let _ = fs::remove_dir_all(bed.path().join("fjall"));
    for _ in 0..2 {
        let error = bed.try_open().unwrap_err();
        assert_eq!(error.kind(), ParentErrorKind::Damaged, "{error}");
    }
}

pub fn a_place_that_cannot_be<P: DiskParent>() {
    let bed = Disk::<P>::new();
    fs::create_dir_all(bed.path()).unwrap();
    let file = bed.path().join("file");
    fs::write(&file, "mine").unwrap();
    for path in [file.clone(), file.join("below"), file.join("below").join("below")] {
        let error = P::open_at(&path).unwrap_err();
        assert_eq!(error.kind(), ParentErrorKind::Foreign, "{error}");
        assert_eq!(error.path(), Some(&*path));
    }
    assert_eq!(fs::read(&file).unwrap(), b"mine");
}

pub fn what_may_not_be_written_is_denied<P: DiskParent>() {
    let bed = made::<P>();
    let allow = |write: bool| {
        let all = contents(&bed.path()).into_keys().chain([bed.path()]);
        for path in all {
            let mut permissions = fs::metadata(&path).unwrap().permissions();
            permissions.set_readonly(!write);
            #[cfg(unix)]
            if write {
                use std::os::unix::fs::PermissionsExt;
                permissions.set_mode(0o755);
            }
            fs::set_permissions(path, permissions).unwrap();
        }
    };
    allow(false);
    // The superuser is denied nothing.
    if fs::write(bed.path().join("PARENT.lock"), "").is_ok() {
        println!("not tested: this user may write everything");
    } else {
        let error = bed.try_open().unwrap_err();
        assert_eq!(error.kind(), ParentErrorKind::Denied, "{error}");
        let error = P::open_at(&bed.path().join("new")).unwrap_err();
        assert_eq!(error.kind(), ParentErrorKind::Denied, "{error}");
    }
    allow(true);
    assert_eq!(bed.open().durable_version().unwrap(), Version::from(1));
}

pub fn errors_say_where<P: DiskParent>() {
    let bed = Disk::<P>::new();
    let parent = bed.open();
    let path = bed.path();
    let named = |error: ParentError| {
        assert_eq!(error.path(), Some(&*path), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    };
    named(bed.try_open().unwrap_err());
    let long = vec![0; parent.max_key_len() + 1];
    named(parent.commit(&batch(1, &[(&long, None)])).unwrap_err());
    parent.close().unwrap();
    named(parent.commit(&batch(1, &[])).unwrap_err());
    named(parent.snapshot().err().unwrap());
}

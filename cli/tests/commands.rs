//! The program as its users call it: what it prints, how it ends, and what it leaves behind.

mod call;

use call::{Place, is_refused, run, run_with};
use std::fs;
use std::time::Duration;

#[test]
fn a_store_is_looked_into() {
    for adapter in ["redb", "fjall"] {
        let place = Place::with_store(adapter);
        let stat = run(&["stat", &place.dir()]);
        let expected = format!(
            "engine\t{adapter}\nversion\t3\nmetadata\tblock 7\\x00\ndefault space\t5 entries\t27 bytes\n\
             space accounts\t1 entries\t7 bytes\n"
        );
        assert_eq!((stat.status, stat.output), (0, expected));

        let get = |arguments: &[&str]| run(&[&["get", &place.dir()], arguments].concat());
        assert_eq!(get(&["b"]).output, "tab\\there\n");
        assert_eq!(get(&["b", "--hex"]).status, 2, "one digit");
        assert_eq!(get(&["62", "--hex"]).output, "7461620968657265\n");
        assert_eq!(get(&["\\xff\\x00"]).output, "binary\n");
        assert_eq!(get(&["empty"]).output, "\n");
        assert_eq!(get(&["alice", "--space", "accounts"]).output, "10\n");

        let absent = get(&["alice"]);
        assert_eq!((absent.status, absent.output.as_str()), (1, ""));
        assert!(
            absent.error.contains("there is no key \"alice\"")
                && absent.error.contains(&place.dir())
        );
        let absent = get(&["alice", "--space", "nobody"]);
        assert_eq!(absent.status, 1);
        assert!(absent.error.contains("no key space \"nobody\""), "{}", absent.error);
    }
}

#[test]
fn a_range_is_printed_in_either_order() {
    let place = Place::with_store("redb");
    let scan = |arguments: &[&str]| {
        let scan = run(&[&["scan", &place.dir()], arguments].concat());
        assert_eq!(scan.status, 0, "{}", scan.error);
        scan.output
    };
    assert_eq!(scan(&[]), "a\t1\naa\t2\nb\ttab\\there\nempty\t\n\\xff\\x00\tbinary\n");
    assert_eq!(scan(&["--prefix", "a"]), "a\t1\naa\t2\n");
    assert_eq!(scan(&["--from", "aa", "--to", "empty"]), "aa\t2\nb\ttab\\there\n");
    // Two digits are one byte, behind all letters.
    assert_eq!(scan(&["--to", "aa", "--hex"]).lines().count(), 4);
    assert_eq!(scan(&["--reverse", "--limit", "1"]), "\\xff\\x00\tbinary\n");
    assert_eq!(scan(&["--from", "b", "--to", "a"]), "");
    assert_eq!(scan(&["--limit", "0"]), "");
    assert_eq!(scan(&["--space", "accounts"]), "alice\t10\n");
    assert_eq!(run(&["scan", &place.dir(), "--prefix", "a", "--from", "b"]).status, 2);
    assert_eq!(run(&["scan", &place.dir(), "--prefix", "\\q"]).status, 2);
}

#[test]
fn a_backup_goes_from_one_engine_to_the_other_and_back() {
    let place = Place::with_store("redb");
    let (backup, again) = (place.path("backup"), place.path("again"));
    let export = run(&["export", &place.dir(), &backup]);
    assert_eq!((export.status, export.output.as_str()), (0, ""));
    assert!(export.error.contains("version 3"), "{}", export.error);
    assert!(!fs::exists(format!("{backup}.part")).unwrap());

    let other = place.path("other");
    let import = run(&["import", &other, &backup, "--engine", "fjall"]);
    assert_eq!(import.status, 0, "{}", import.error);
    assert!(run(&["stat", &other]).output.starts_with("engine\tfjall\nversion\t3\n"));
    assert_eq!(run(&["export", &other, &again]).status, 0);
    assert_eq!(fs::read(&again).unwrap(), fs::read(&backup).unwrap());
    assert_eq!(run(&["scan", &other]).output, run(&["scan", &place.dir()]).output);

    // It has something now.
    let refused = run(&["import", &other, &backup, "--engine", "fjall"]);
    is_refused(&refused, &["other", "at version 3"]);
    is_refused(&run(&["import", &other, &backup]), &["other", "FjallParent"]);
}

#[test]
fn a_large_backup_goes_in_parts() {
    let place = Place::with_large_store();
    let backup = run(&["export", &place.dir(), "-"]).bytes;
    for adapter in ["redb", "fjall"] {
        let copy = place.path(adapter);
        let import = run_with(&["import", &copy, "-", "--engine", adapter], &backup);
        assert_eq!(import.status, 0, "{}", import.error);
        assert!(run(&["export", &copy, "-"]).bytes == backup);
        assert_eq!(run(&["verify", &copy]).status, 0);
    }
}

#[test]
fn an_import_that_is_killed_leaves_all_nothing_or_what_is_refused() {
    let place = Place::with_large_store();
    let backup = place.path("backup");
    run(&["export", &place.dir(), &backup]);
    let whole = run(&["stat", &place.dir()]).output;
    for milliseconds in (0..10).map(|round| round * 40) {
        let copy = place.path(&format!("killed after {milliseconds}"));
        call::run_and_kill(&["import", &copy, &backup], Duration::from_millis(milliseconds));
        let stat = run(&["stat", &copy]);
        let is_nothing = stat.output.contains("version\t0\ndefault space\t0 entries");
        let is_refused = stat.output.is_empty() && stat.status > 0;
        let is_whole = stat.output == whole;
        assert!(is_nothing || is_refused || is_whole, "{}{}", stat.output, stat.error);
    }
}

#[test]
fn a_backup_goes_through_pipes() {
    let place = Place::with_store("fjall");
    let export = run(&["export", &place.dir(), "-"]);
    assert_eq!(export.status, 0, "{}", export.error);
    let copy = place.path("copy");
    assert_eq!(run_with(&["verify", "-"], &export.bytes).status, 0);
    let import = run_with(&["import", &copy, "-"], &export.bytes);
    assert_eq!(import.status, 0, "{}", import.error);
    assert_eq!(run(&["scan", &copy]).output, run(&["scan", &place.dir()]).output);
}

#[test]
fn what_is_whole_is_verified() {
    for adapter in ["redb", "fjall"] {
        let place = Place::with_store(adapter);
        let store = run(&["verify", &place.dir()]);
        let what = "version 3\t6 entries, 34 bytes, 1 key spaces";
        assert_eq!((store.status, store.output), (0, format!("store\t{what}\n")));
        let backup = place.path("backup");
        run(&["export", &place.dir(), &backup]);
        let verified = run(&["verify", &backup]);
        assert_eq!(verified.status, 0);
        assert!(verified.output.starts_with(&format!("backup\t{what}\tchecksum ")));
    }
}

#[test]
fn a_damaged_backup_is_told_of_and_makes_nothing() {
    let place = Place::with_store("redb");
    let backup = place.path("backup");
    run(&["export", &place.dir(), &backup]);
    let mut bytes = fs::read(&backup).unwrap();
    bytes[60] ^= 4;
    fs::write(&backup, &bytes).unwrap();
    let copy = place.path("copy");
    for arguments in [&["verify", &backup][..], &["import", &copy, &backup]] {
        let refused = run(arguments);
        assert_eq!((refused.status, refused.output.as_str()), (1, ""));
        assert!(refused.error.contains(&backup) && refused.error.contains("damaged at byte"));
    }
    assert!(!fs::exists(&copy).unwrap());

    // From a pipe it is known at the end only: what was made holds nothing.
    assert_eq!(run_with(&["import", &copy, "-"], &bytes).status, 1);
    assert!(run(&["stat", &copy]).output.contains("version\t0\ndefault space\t0 entries"));
    bytes[60] ^= 4;
    assert_eq!(run_with(&["import", &copy, "-"], &bytes).status, 0);
}

#[test]
fn a_damaged_store_is_told_of() {
    let place = Place::with_store("redb");
    let marker = format!("{}/PARENT", place.dir());
    let text = fs::read_to_string(&marker).unwrap();
    fs::write(&marker, text.replace("state", "stale")).unwrap();
    let refused = run(&["verify", &place.dir()]);
    assert_eq!(refused.status, 1);
    assert!(refused.error.contains(&place.dir()), "{}", refused.error);
}

#[test]
fn where_there_is_no_store_none_is_made() {
    let place = Place::new();
    let nowhere = place.path("nowhere");
    for arguments in [
        &["stat", &nowhere][..],
        &["get", &nowhere, "k"],
        &["scan", &nowhere],
        &["export", &nowhere, &place.path("backup")],
        &["verify", &nowhere],
        &["import", &place.path("store"), &nowhere],
    ] {
        is_refused(&run(arguments), &[&nowhere]);
    }
    fs::write(place.path("somebody's"), "text").unwrap();
    is_refused(&run(&["stat", &place.path("")]), &["there is no store"]);
    let halfway = place.path("halfway");
    fs::create_dir(&halfway).unwrap();
    let marker = "engine parent\nadapter redb\nformat 1\nstate creating\n";
    fs::write(format!("{halfway}/PARENT"), marker).unwrap();
    is_refused(&run(&["stat", &halfway]), &[&halfway, "did not come to its end"]);
    assert_eq!(fs::read_dir(&halfway).unwrap().count(), 1);
    fs::remove_dir_all(&halfway).unwrap();
    let left: Vec<_> = fs::read_dir(place.path("")).unwrap().collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn reading_adds_nothing() {
    for adapter in ["redb", "fjall"] {
        let place = Place::with_store(adapter);
        let export = || run(&["export", &place.dir(), "-"]).bytes;
        let names = || {
            let mut names: Vec<_> = fs::read_dir(place.dir())
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        let before = (names(), export());
        run(&["stat", &place.dir()]);
        run(&["get", &place.dir(), "nothing"]);
        run(&["scan", &place.dir()]);
        run(&["verify", &place.dir()]);
        assert!((names(), export()) == before, "{adapter}");
    }
}

#[test]
fn a_store_that_is_open_is_left_alone() {
    let place = Place::with_store("redb");
    let parent = engine::RedbParent::open(place.dir()).unwrap();
    is_refused(&run(&["stat", &place.dir()]), &[&place.dir(), "somebody else has it open"]);
    drop(parent);
}

#[test]
fn a_wrong_question_is_answered_with_two() {
    for arguments in
        [&[][..], &["dance"], &["get", "dir"], &["import", "dir", "file", "--engine", "tape"]]
    {
        assert_eq!(run(arguments).status, 2);
    }
    let help = run(&["--help"]);
    assert_eq!(help.status, 0);
    for command in ["stat", "get", "scan", "export", "import", "verify"] {
        assert!(help.output.contains(command));
    }
}

#[test]
#[cfg(unix)]
fn who_stops_reading_is_not_told_of_it() {
    let place = Place::with_large_store();
    for arguments in [&["scan", &place.dir()][..], &["export", &place.dir(), "-"]] {
        let ended = call::run_and_stop_reading(arguments);
        assert_eq!((ended.status, ended.error.as_str()), (0, ""));
    }
}

#[test]
#[cfg(unix)]
fn a_device_is_written_to_and_not_replaced() {
    use std::os::unix::fs::FileTypeExt;
    let place = Place::with_store("redb");
    assert_eq!(run(&["export", &place.dir(), "/dev/null"]).status, 0);
    assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
}

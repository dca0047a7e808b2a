//! The README lists the public interface: all of it, and nothing that does not exist. Every method has an example, which the
//! tests of the documentation run.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// By type the methods, and whether there is an example in what is said of each.
type Methods = BTreeMap<String, BTreeMap<String, bool>>;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// What `lib.rs` makes public, but for constants.
fn exported() -> BTreeSet<String> {
    let source = read("src/lib.rs").replace('\n', " ");
    let uses = source.split("pub use ").skip(1).filter_map(|rest| rest.split(';').next());
    let names = uses.flat_map(|list| {
        let names = list.split_once('{').map_or_else(
            || list.rsplit("::").next().unwrap_or_default(),
            |(_, names)| names.trim_end_matches('}'),
        );
        names.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
    });
    names.filter(|name| name.chars().any(char::is_lowercase)).collect()
}

/// The type that a line begins the methods of.
fn implemented(line: &str) -> Option<String> {
    let line = line.strip_prefix("pub trait ").or_else(|| {
        let rest = line.strip_prefix("impl")?;
        let rest = if rest.starts_with('<') { rest.split_once("> ")?.1 } else { rest.trim_start() };
        Some(rest.rsplit(" for ").next().unwrap_or(rest))
    })?;
    Some(line.chars().take_while(|c| c.is_alphanumeric()).collect())
}

/// The public methods in all sources below a folder, by type.
fn methods(folder: &Path, found: &mut Methods) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            methods(&path, found);
            continue;
        }
        let (mut of, mut is_trait, mut has_example) = (String::new(), false, false);
        for line in read(&path).lines() {
            if let Some(name) = implemented(line) {
                (of, is_trait) = (name, line.starts_with("pub trait"));
            }
            if line == "}" {
                of.clear();
            }
            let line = line.trim_start();
            if line.starts_with("///") {
                has_example |= line.ends_with("```");
                continue;
            }
            let method = line.strip_prefix(if is_trait { "fn " } else { "pub fn " });
            if let Some(method) = method {
                let name = method.chars().take_while(|&c| c.is_alphanumeric() || c == '_');
                found.entry(of.clone()).or_default().insert(name.collect(), has_example);
            }
            has_example &= line.starts_with("#[");
        }
    }
}

fn all_methods() -> Methods {
    let mut found = Methods::new();
    methods(&Path::new(ROOT).join("src"), &mut found);
    found
}

fn quoted(text: &str) -> impl Iterator<Item = String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned)
}

/// The rows of the list: its types, and everything that is quoted beside them.
fn rows() -> Vec<(BTreeSet<String>, BTreeSet<String>)> {
    let readme = read("../README.md");
    let list = readme.split("All of its public interface").nth(1).expect("the list is there");
    let rows = list.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let mut cells = row.trim_matches('|').splitn(2, '|');
        let mut cell = || quoted(cells.next().unwrap()).collect();
        (cell(), cell())
    })
    .collect()
}

#[test]
fn the_list_of_the_readme_has_every_type_and_method_and_no_others() {
    let exported = exported();
    assert!(exported.len() > 30, "{exported:?}");
    let methods_of = all_methods();
    let (mut listed, mut missing, mut invented) = (BTreeSet::new(), Vec::new(), Vec::new());
    for (types, named) in rows() {
        let of_types = types.iter().filter_map(|name| methods_of.get(name));
        let there: BTreeSet<_> = of_types.flat_map(BTreeMap::keys).cloned().collect();
        missing.extend(there.difference(&named).map(|name| format!("{types:?}: {name}")));
        let is_method = |name: &&String| name.chars().all(|c| c.is_lowercase() || c == '_');
        let extra = named.iter().filter(is_method).filter(|name| !there.contains(*name));
        invented.extend(extra.map(|name| format!("{types:?}: {name}")));
        listed.extend(types);
    }
    missing.extend(exported.difference(&listed).cloned());
    invented.extend(listed.difference(&exported).cloned());
    assert!(missing.is_empty(), "not in the README: {missing:#?}");
    assert!(invented.is_empty(), "in the README only: {invented:#?}");
}

#[test]
fn every_public_method_has_an_example() {
    let (exported, methods_of) = (exported(), all_methods());
    let of_users = methods_of.iter().filter(|(name, _)| exported.contains(*name));
    let methods = of_users.flat_map(|(of, methods)| methods.iter().map(move |method| (of, method)));
    let (shown, hidden): (Vec<_>, Vec<_>) =
        methods.partition(|(_, (_, has_example))| **has_example);
    assert!(shown.len() > 150, "found only {}", shown.len());
    assert!(hidden.is_empty(), "{hidden:?}");
}

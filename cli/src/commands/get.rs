//! `engine get`.

use super::{line, print, space};
use crate::arguments::Get;
use crate::failure::Failure;
use crate::place;

/// Prints the value of a key.
pub fn get(get: &Get) -> Result<(), Failure> {
    let dir = &get.dir;
    let key = get.writing.read(&get.key)?;
    let opened = place::open(dir)?;
    let space = space(&opened.stored, get.space.as_deref(), dir)?;
    match space.get(&key).map_err(|error| Failure::at(dir, error))? {
        Some(value) => print(|output| line(output, format_args!("{}", get.writing.show(&value)))),
        None => Err(Failure::NotFound(format!("{}: there is no key {:?}", dir.display(), get.key))),
    }
}

//! `pins`: users who always get the same version.
#![forbid(unsafe_code)]

use super::versions::Versions;
use crate::document::{Field, Object, quoted};
use crate::error::Result;
use crate::route::request::join;
use std::collections::BTreeMap;

const MAX_USER: usize = 1024;

/// A user key and its version.
#[derive(Debug)]
pub(in crate::route) struct Pin {
    /// The value itself, or the values of several headers joined.
    pub(in crate::route) key: Vec<u8>,
    pub(in crate::route) version: u32,
}

/// Reads `pins`, where a user is a string, or an array of `parts` strings if the key has several parts.
pub(super) fn read(root: &mut Object<'_>, versions: &Versions, parts: usize) -> Result<Vec<Pin>> {
    let Some(field) = root.optional("pins") else { return Ok(Vec::new()) };
    let mut pins = field.object()?;
    let mut users = Users { parts, pins: BTreeMap::new() };
    if let Some(denied) = pins.optional("deny") {
        users.read(&denied, 0)?;
    }
    if let Some(allowed) = pins.optional("allow") {
        for (version, field) in allowed.object()?.entries() {
            users.read(&field, versions.index_of(version, &field)?)?;
        }
    }
    pins.finish()?;
    Ok(users.pins.into_iter().map(|(key, (version, _))| Pin { key, version }).collect())
}

/// Who is pinned to which version, and where it says so.
struct Users {
    parts: usize,
    pins: BTreeMap<Vec<u8>, (u32, String)>,
}

impl Users {
    fn read(&mut self, field: &Field<'_>, version: u32) -> Result<()> {
        for user in field.array()? {
            let key = read_user(&user, self.parts)?;
            if let Some((_, path)) = self.pins.get(&key) {
                return Err(user.error(format!("the user is pinned already at {path}")));
            }
            self.pins.insert(key, (version, user.path().to_owned()));
        }
        Ok(())
    }
}

fn read_user(field: &Field<'_>, parts: usize) -> Result<Vec<u8>> {
    if parts <= 1 {
        return Ok(read_value(field)?.into());
    }
    let fields = field.array()?;
    if fields.len() != parts {
        let message =
            format!("expected {parts} values, one for each header of hash.by, found {}", fields.len());
        return Err(field.error(message));
    }
    let values: Vec<&str> = fields.iter().map(read_value).collect::<Result<_>>()?;
    Ok(join(values))
}

fn read_value<'a>(field: &Field<'a>) -> Result<&'a str> {
    let value = field.text(MAX_USER)?;
    if value.is_empty() {
        return Err(
            field.error(format!("expected a user key, found {}: an empty key is no key", quoted(value)))
        );
    }
    Ok(value)
}

//! `hash`: what identifies a user and how it is hashed.
#![forbid(unsafe_code)]

use super::header_name;
use crate::document::{Field, Object};
use crate::error::Result;
use crate::route::bucket::{BucketHasher, HASH_VERSION, PURPOSE_ROUTE};
use crate::route::request::{KeySource, MAX_KEY_HEADERS};

const MAX_SALT: usize = 256;

/// What becomes of a request without a user key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::route) enum OnMissingKey {
    /// It goes to the stable version: nobody tries a gray who would lose it at the next request.
    Stable,
    /// It goes to a bucket drawn anew for each request.
    Random,
}

pub(super) fn read(root: &mut Object<'_>, service: &str) -> Result<(KeySource, OnMissingKey)> {
    let mut by = Vec::new();
    let mut salt = service;
    let mut on_missing_key = OnMissingKey::Stable;
    if let Some(field) = root.optional("hash") {
        let mut hash = field.object()?;
        check_function(&mut hash)?;
        if let Some(field) = hash.optional("by") {
            by = read_by(&field)?;
        }
        if let Some(field) = hash.optional("salt") {
            salt = field.text(MAX_SALT)?;
            if salt.is_empty() {
                return Err(field.error("expected 1 to 256 bytes, found none"));
            }
        }
        if let Some(field) = hash.optional("on_missing_key") {
            let stable = field.one_of(&["stable", "random"])? == "stable";
            on_missing_key = if stable { OnMissingKey::Stable } else { OnMissingKey::Random };
        }
        hash.finish()?;
    }
    Ok((KeySource { by, hasher: BucketHasher::new(salt, PURPOSE_ROUTE) }, on_missing_key))
}

/// A silent change of the function would move every user, so the policy names the one it was written for.
fn check_function(hash: &mut Object<'_>) -> Result<()> {
    let version = hash.required("version")?;
    let number = version.unsigned()?;
    if number != HASH_VERSION {
        return Err(version.error(format!("expected {HASH_VERSION}, found {number}")));
    }
    hash.optional("alg").map_or(Ok(()), |alg| alg.one_of(&["siphash24"]).map(drop))
}

fn read_by(field: &Field<'_>) -> Result<Vec<String>> {
    let fields = field.array()?;
    if !(1..=MAX_KEY_HEADERS).contains(&fields.len()) {
        return Err(
            field.error(format!("expected 1 to {MAX_KEY_HEADERS} header names, found {}", fields.len()))
        );
    }
    let mut names: Vec<String> = Vec::new();
    for field in &fields {
        let name = header_name(field)?;
        if names.contains(&name) {
            return Err(field.error(format!("header {name:?} is listed twice")));
        }
        names.push(name);
    }
    Ok(names)
}

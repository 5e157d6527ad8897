//! The deny-list, `denylist.json`: what was trusted and is not any more.
//!
//! ```json
//! {"schema": 1, "number": 4, "issued": "2026-06-01T00:00:00Z",
//!  "artifacts": [{"digest": "sm3:…", "reason": "CVE-2026-1234"}],
//!  "keys": [{"id": "sm3:…", "reason": "lost laptop"}],
//!  "services": [{"name": "pay-*", "epoch_below": 7, "reason": "rounds wrong"}]}
//! ```
#![forbid(unsafe_code)]

use super::document::{Pattern, list, time};
use crate::crypto::key_id::{KeyId, parse_digest};
use crate::crypto::sm3::Digest;
use crate::document::{Document, Field, Object};
use crate::error::{Result, Status};
use crate::timestamp::UnixSeconds;
use std::collections::HashMap;

/// The most bytes of a deny-list.
pub(super) const MAX_LEN: usize = 4 << 20;
const MAX_ENTRIES: usize = 10_000;
const MAX_REASON: usize = 256;

/// A validated deny-list.
#[derive(Clone, Debug, Default)]
pub struct Denylist {
    /// Grows with each revision.
    pub number: u64,
    /// When it was made: the time is not before that.
    pub issued: Option<UnixSeconds>,
    /// After this a newer one is due, and nothing new is trusted.
    pub not_after: Option<UnixSeconds>,
    artifacts: HashMap<Digest, String>,
    keys: HashMap<KeyId, String>,
    services: Vec<(Pattern, u64, String)>,
}

impl Denylist {
    /// Reads and validates the list.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let document = Document::parse(bytes, MAX_LEN, Status::TrustInvalid)?;
        let mut root = document.object()?;
        let schema = root.required("schema")?;
        if schema.unsigned()? != 1 {
            return Err(schema.expected("1"));
        }
        let number = root.required("number")?;
        let number = Some(number.unsigned()?)
            .filter(|number| *number > 0)
            .ok_or_else(|| number.error("expected a number from 1"))?;
        let issued = root.optional("issued").map(|field| time(&field)).transpose()?;
        let not_after = root.optional("not_after").map(|field| time(&field)).transpose()?;
        let artifacts = entries(&mut root, "artifacts", |entry| {
            let digest = entry.required("digest")?;
            parse_digest(digest.text(128)?).ok_or_else(|| digest.expected("sm3: and 64 hex digits"))
        })?;
        let keys = entries(&mut root, "keys", |entry| {
            let id = entry.required("id")?;
            id.text(128)?.parse().map_err(|e: crate::error::Error| id.error(e.message()))
        })?;
        let services = entries(&mut root, "services", |entry| {
            let pattern = Pattern::parse(&entry.required("name")?)?;
            Ok((pattern, entry.required("epoch_below")?.unsigned()?))
        })?;
        root.finish()?;
        Ok(Self {
            number,
            issued,
            not_after,
            artifacts: artifacts.into_iter().collect(),
            keys: keys.into_iter().collect(),
            services: services
                .into_iter()
                .map(|((pattern, below), reason)| (pattern, below, reason))
                .collect(),
        })
    }

    /// Why the artifact is denied.
    pub fn artifact(&self, digest: &Digest) -> Option<&str> {
        self.artifacts.get(digest).map(String::as_str)
    }

    /// Why signatures of the key do not count.
    pub fn key(&self, id: &KeyId) -> Option<&str> {
        self.keys.get(id).map(String::as_str)
    }

    /// Why artifacts of this epoch are denied to the service, and the epoch below which they are.
    pub fn epoch(&self, service: &str, epoch: u64) -> Option<(u64, &str)> {
        let denies =
            |(pattern, below, _): &&(Pattern, u64, String)| epoch < *below && pattern.matches(service);
        self.services.iter().find(denies).map(|(_, below, reason)| (*below, reason.as_str()))
    }

    /// How many artifacts, keys and services it names.
    pub fn counts(&self) -> (usize, usize, usize) {
        (self.artifacts.len(), self.keys.len(), self.services.len())
    }
}

/// A list of what `parse` reads, each with its reason; none where the field is absent.
fn entries<T>(
    root: &mut Object<'_>,
    name: &'static str,
    parse: impl Fn(&mut Object<'_>) -> Result<T>,
) -> Result<Vec<(T, String)>> {
    let Some(field) = root.optional(name) else { return Ok(Vec::new()) };
    list(&field, MAX_ENTRIES, |field: &Field<'_>| {
        let mut entry = field.object()?;
        let named = parse(&mut entry)?;
        let reason = entry.required("reason")?.text(MAX_REASON)?.to_owned();
        entry.finish()?;
        Ok((named, reason))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_there_is_denied_and_nothing_else() {
        let digest = [7; 32];
        let text = format!(
            r#"{{"schema":1,"number":4,"artifacts":[{{"digest":"{}","reason":"a"}}],
                "services":[{{"name":"pay-*","epoch_below":7,"reason":"c"}}]}}"#,
            crate::crypto::sm3::text(&digest)
        );
        let list = Denylist::parse(text.as_bytes()).unwrap();
        assert_eq!((list.number, list.artifact(&digest), list.artifact(&[8; 32])), (4, Some("a"), None));
        assert_eq!(list.epoch("pay-eu", 6), Some((7, "c")));
        assert_eq!(list.epoch("pay-eu", 7), None);
        assert_eq!(list.epoch("fee", 0), None);
        assert_eq!(list.counts(), (1, 0, 1));
    }

    #[test]
    fn other_lists_are_refused() {
        for text in [
            "",
            "[]",
            r#"{"schema":1}"#,
            r#"{"schema":1,"number":0}"#,
            r#"{"schema":2,"number":1}"#,
            r#"{"schema":1,"number":1,"more":1}"#,
            r#"{"schema":1,"number":1,"artifacts":[{"digest":"sm3:12","reason":"a"}]}"#,
            r#"{"schema":1,"number":1,"services":[{"name":"fee","epoch_below":7}]}"#,
            r#"{"schema":1,"number":1,"services":[{"name":"*a*","epoch_below":7,"reason":"a"}]}"#,
        ] {
            let refusal = Denylist::parse(text.as_bytes()).unwrap_err();
            assert_eq!(refusal.status(), Status::TrustInvalid, "{text}: {refusal}");
        }
    }
}

//! The root keys, and how one set of them follows another.
//!
//! ```json
//! {"schema": 1, "number": 2, "threshold": 2, "issued": "2026-06-01T00:00:00Z", "keys": ["sm3:…", "sm3:…", "sm3:…"]}
//! ```
//!
//! The set that the engine's options name is one of a chain. Each later one stands in `roots/<number>.json` and is signed by
//! the thresholds of the one before it and of itself; only the keys of the last one sign the trust document.
#![forbid(unsafe_code)]

use super::document::time;
use crate::crypto::key_id::KeyId;
use crate::crypto::sm3::{self, Digest};
use crate::document::Document;
use crate::error::{Error, Result, Status};
use crate::timestamp::UnixSeconds;

/// The most bytes of a set's document.
pub(super) const MAX_LEN: usize = 64 << 10;
/// The most keys of a set.
pub(super) const MAX_KEYS: usize = 64;
/// The most sets in the directory.
pub(super) const MAX_SETS: usize = 1024;

/// The keys that must have signed the trust document, by id, and how many of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roots {
    /// Sorted, each once.
    ids: Vec<KeyId>,
    threshold: usize,
    number: u64,
}

impl Roots {
    /// Set 1: the document must carry a signature of at least one of `ids`; none at all is the development mode, in which
    /// it needs no signature.
    pub fn new(mut ids: Vec<KeyId>) -> Self {
        ids.sort_unstable();
        ids.dedup();
        Self { ids, threshold: 1, number: 1 }
    }

    /// The same, where `threshold` of them must have signed, and the set has this number; 0 stands for 1 in both.
    /// [`Status::InvalidArgument`] where there are not so many.
    pub fn with(self, threshold: usize, number: u64) -> Result<Self> {
        let (threshold, number) = (threshold.max(1), number.max(1));
        if threshold > self.ids.len().max(1) {
            return Err(Error::argument(format!(
                "root_threshold: expected at most {}, which is how many root keys there are, found {threshold}",
                self.ids.len()
            )));
        }
        Ok(Self { threshold, number, ..self })
    }

    /// Reads a set's document.
    pub fn parse(bytes: &[u8]) -> Result<(Self, Option<UnixSeconds>)> {
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
        let keys = root.required("keys")?;
        let entries = keys.array()?;
        if !(1..=MAX_KEYS).contains(&entries.len()) {
            return Err(keys.error(format!("expected 1 to {MAX_KEYS} key ids, found {}", entries.len())));
        }
        let mut ids = Vec::with_capacity(entries.len());
        for entry in entries {
            ids.push(entry.text(128)?.parse::<KeyId>().map_err(|e| entry.error(e.message()))?);
        }
        let count = ids.len();
        let set = Self::new(ids);
        if set.ids.len() != count {
            return Err(keys.error("expected each key once"));
        }
        let threshold = root.required("threshold")?;
        let threshold = usize::try_from(threshold.unsigned()?)
            .ok()
            .filter(|threshold| (1..=count).contains(threshold))
            .ok_or_else(|| threshold.error(format!("expected a number of keys from 1 to {count}")))?;
        let issued = root.optional("issued").map(|field| time(&field)).transpose()?;
        root.finish()?;
        Ok((Self { threshold, number, ..set }, issued))
    }

    /// Whether documents are taken without a signature.
    pub fn is_development(&self) -> bool {
        self.ids.is_empty()
    }

    /// The keys' identifiers.
    pub fn ids(&self) -> &[KeyId] {
        &self.ids
    }

    /// How many of them must have signed.
    pub fn threshold(&self) -> usize {
        self.threshold
    }

    /// The number of the set in its chain.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What tells this set from another one of the same number.
    pub fn digest(&self) -> Digest {
        let mut text = format!("sogov roots {} {}", self.number, self.threshold).into_bytes();
        self.ids.iter().for_each(|id| text.extend(id.as_bytes()));
        sm3::digest(&text)
    }
}

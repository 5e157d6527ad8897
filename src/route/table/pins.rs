//! Pinned users, found by the hash that the decision needs anyway.
#![forbid(unsafe_code)]

use crate::route::bucket::BucketHasher;
use crate::route::policy::Pin;
use crate::route::request::UserKey;

/// The pins in the order of their hashes.
#[derive(Clone, Debug)]
pub(super) struct PinIndex(Box<[Entry]>);

#[derive(Clone, Debug)]
struct Entry {
    hash: u64,
    key: Box<[u8]>,
    version: u32,
}

impl PinIndex {
    pub(super) fn new(pins: &[Pin], hasher: &BucketHasher) -> Self {
        let entry = |pin: &Pin| Entry {
            hash: hasher.hash(&pin.key),
            key: pin.key.as_slice().into(),
            version: pin.version,
        };
        let mut entries: Vec<Entry> = pins.iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.hash);
        Self(entries.into())
    }

    /// The version that `key`, whose hash is `hash`, is pinned to.
    #[inline]
    pub(super) fn version_of(&self, hash: u64, key: &UserKey<'_>) -> Option<u32> {
        if self.0.is_empty() {
            return None;
        }
        let start = self.0.partition_point(|entry| entry.hash < hash);
        let same = self.0.iter().skip(start).take_while(|entry| entry.hash == hash);
        same.into_iter().find(|entry| key.is(&entry.key)).map(|entry| entry.version)
    }
}

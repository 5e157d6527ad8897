//! The bucket function: which of 10,000 buckets a user key falls into, the same in every release and every
//! language (`tests/vectors/bucket.json`).
//!
//! ```text
//! key    = the first 16 bytes of SM3("sogov.bucket.v1" || le32(len) salt || le32(len) purpose)
//! h      = SipHash-2-4(key, user key)
//! bucket = ((h >> 32) * 10000) >> 32
//! ```
//!
//! The hash is keyed so that nobody can mine an id that lands where they like. The key depends on the purpose
//! so that routing and experiments are independent of each other. The high half is scaled, not reduced by a
//! remainder, so that the bucket does not depend on the weights in force.
#![forbid(unsafe_code)]

use super::siphash::SipHash;
use crate::crypto::sm3;
use std::fmt;

/// How many buckets there are.
pub const BUCKETS: u32 = 10_000;

/// The version of the bucket function that this file is, as `hash.version` of a route policy names it.
pub const HASH_VERSION: u64 = 1;

/// The purpose under which users are spread over versions.
pub const PURPOSE_ROUTE: &str = "route";

const DOMAIN: &[u8] = b"sogov.bucket.v1";

/// The bucket function for one salt and one purpose, its key derived once.
#[derive(Clone)]
pub struct BucketHasher(SipHash);

impl BucketHasher {
    /// The function for `salt` (by default the service's name) and `purpose` (such as [`PURPOSE_ROUTE`]).
    pub fn new(salt: &str, purpose: &str) -> Self {
        let mut kdf = sm3::Hasher::new();
        kdf.update(DOMAIN);
        for part in [salt, purpose] {
            kdf.update(&length_prefix(part.as_bytes()));
            kdf.update(part.as_bytes());
        }
        let digest = kdf.finish();
        let mut key = [0; 16];
        key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        Self(SipHash::new(key))
    }

    /// The hash of a single value.
    #[inline]
    pub fn hash(&self, value: &[u8]) -> u64 {
        self.0.hash(value)
    }

    /// The hash of several values, joined as `le32(len) || value` each.
    pub fn hash_joined(&self, values: &[&[u8]]) -> u64 {
        let mut hasher = self.0;
        for value in values {
            hasher.update(&length_prefix(value));
            hasher.update(value);
        }
        hasher.finish()
    }
}

impl fmt::Debug for BucketHasher {
    /// Without the key: who knows it can choose an id for the bucket they want.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BucketHasher")
    }
}

/// The bucket of a hash, in `0..BUCKETS`: the product is below `BUCKETS * 2^32`.
pub fn bucket_of(hash: u64) -> u32 {
    (((hash >> 32) * u64::from(BUCKETS)) >> 32) as u32
}

/// The prefix under which a value is joined: its length, little-endian. No caller holds 4 GiB in one value.
pub(super) fn length_prefix(value: &[u8]) -> [u8; 4] {
    u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_span_the_whole_range() {
        assert_eq!(bucket_of(0), 0);
        assert_eq!(bucket_of(u64::MAX), BUCKETS - 1);
        assert_eq!(bucket_of(u64::from(u32::MAX)), 0, "the low half does not count");
    }

    #[test]
    fn salt_and_purpose_do_not_run_into_each_other() {
        let hash = |salt, purpose| BucketHasher::new(salt, purpose).hash(b"u1");
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        assert_ne!(hash("pricing", "route"), hash("pricing", "sample"));
    }

    #[test]
    fn joined_values_are_hashed_as_their_concatenation() {
        let hasher = BucketHasher::new("pricing", PURPOSE_ROUTE);
        assert_eq!(hasher.hash_joined(&[b"acme", b""]), hasher.hash(b"\x04\0\0\0acme\0\0\0\0"));
        assert_ne!(hasher.hash_joined(&[b"ab", b"c"]), hasher.hash_joined(&[b"a", b"bc"]));
        assert_ne!(hasher.hash_joined(&[b"u1"]), hasher.hash(b"u1"), "one part is still joined");
    }

    #[test]
    fn the_key_is_not_shown() {
        assert_eq!(format!("{:?}", BucketHasher::new("s", "p")), "BucketHasher");
    }
}

//! Prepared keys: a key that verifies often gets a table, by which it verifies several times as fast.
//!
//! The tables take at most a given amount of memory. When it is used up, a table that was not used lately makes room:
//! a hand goes round and takes the first table that was not used since it came by (the "clock" or second-chance
//! approximation of least recently used). Keys are counted before they get a table, so that a stream of keys that are
//! seen once costs neither tables nor room.
#![forbid(unsafe_code)]

mod sightings;
#[cfg(test)]
mod tests;

use super::PublicKey;
use super::batch::{Claim, equations_hold};
use super::level;
use super::table::Table;
use super::user_id::{KnownZ, UserId};
use super::verify::KEY_WIDTH;
use crate::crypto::sm3::Digest;
use crate::sync::{Mutex, RwLock};
use sightings::Sightings;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The tables of keys. Any number of threads may use it at once.
#[derive(Debug)]
pub struct PreparedKeys {
    /// By x || y.
    keys: RwLock<BTreeMap<[u8; 64], Arc<PreparedKey>>>,
    sightings: Sightings,
    /// How many tables there may be.
    capacity: AtomicUsize,
    /// The keys with a table, in the order in which the hand comes by; held while tables come and go.
    clock: Mutex<VecDeque<[u8; 64]>>,
}

/// A key with its table.
#[derive(Debug)]
pub(super) struct PreparedKey {
    table: Table,
    z: KnownZ,
    /// Whether it was used since the hand came by.
    used: AtomicBool,
}

impl PreparedKeys {
    /// Bytes that the table of a key takes.
    pub const TABLE_BYTES: usize = Table::bytes(KEY_WIDTH);

    /// No key yet; the tables will take at most `limit` bytes.
    pub const fn new(limit: usize) -> Self {
        Self {
            keys: RwLock::new(BTreeMap::new()),
            sightings: Sightings::new(),
            capacity: AtomicUsize::new(limit / Self::TABLE_BYTES),
            clock: Mutex::new(VecDeque::new()),
        }
    }

    /// Changes the limit, and lets tables go until it holds.
    pub fn set_limit(&self, limit: usize) {
        let mut clock = self.clock.lock();
        self.capacity.store(limit / Self::TABLE_BYTES, Ordering::Relaxed);
        self.make_room(&mut clock, 0);
    }

    /// Makes the key's table now rather than after some verifications. Does nothing where the limit leaves no room for
    /// any table.
    pub fn prepare(&self, key: &PublicKey) {
        if self.capacity.load(Ordering::Relaxed) == 0 || self.find(key).is_some() {
            return;
        }
        // Made before anything is locked: it takes about a millisecond.
        let table = level::table(key.point(), KEY_WIDTH);
        let mut clock = self.clock.lock();
        if self.capacity.load(Ordering::Relaxed) == 0 || self.find(key).is_some() {
            return;
        }
        self.make_room(&mut clock, 1);
        let prepared = PreparedKey { table, z: KnownZ::default(), used: AtomicBool::new(true) };
        self.keys.write().insert(*key.coordinates(), Arc::new(prepared));
        clock.push_back(*key.coordinates());
    }

    /// Whether the claim is true.
    pub fn verify(&self, claim: &Claim<'_>) -> bool {
        self.verify_batch(std::slice::from_ref(claim)).first() == Some(&true)
    }

    /// Which of the claims are true, in their order.
    pub fn verify_batch(&self, claims: &[Claim<'_>]) -> Vec<bool> {
        let keys = self.find_all(claims);
        let verdicts = equations_hold(claims, &keys);
        self.count(claims.iter().zip(&keys).zip(&verdicts).filter_map(|((claim, key), verdict)| {
            // A wrong signature says nothing of what its alleged key is used for.
            (key.is_none() && *verdict).then_some(claim.key)
        }));
        verdicts
    }

    /// The prepared keys of the claims.
    fn find_all(&self, claims: &[Claim<'_>]) -> Vec<Option<Arc<PreparedKey>>> {
        let mut found: Vec<Option<Arc<PreparedKey>>> = Vec::with_capacity(claims.len());
        for (i, claim) in claims.iter().enumerate() {
            let former = i.checked_sub(1).and_then(|i| Some((claims.get(i)?, found.get(i)?)));
            let same = former.filter(|(former, _)| former.key == claim.key).and_then(|(_, key)| key.clone());
            found.push(same.or_else(|| self.find(claim.key)));
        }
        found
    }

    /// Counts keys that verified without a table, and prepares one that did so often: no more than one at a time, so that
    /// a batch does not take long for it.
    fn count<'a>(&self, mut keys: impl Iterator<Item = &'a PublicKey>) {
        if self.capacity.load(Ordering::Relaxed) > 0
            && let Some(key) = keys.find(|key| self.sightings.count(key.coordinates(), self.enough()))
        {
            self.prepare(key);
        }
    }

    /// After how many verifications a table pays: making one takes about as long as ten verifications without it. Where
    /// another table has to go for it, more of them speak for a key that is used more than that.
    fn enough(&self) -> u32 {
        let full = self.keys.read().len() >= self.capacity.load(Ordering::Relaxed);
        if full { 64 } else { 8 }
    }

    fn find(&self, key: &PublicKey) -> Option<Arc<PreparedKey>> {
        let keys = self.keys.read();
        let found = keys.get(key.coordinates())?;
        // Written only when it changes, so that the line stays shared between the processors.
        if !found.used.load(Ordering::Relaxed) {
            found.used.store(true, Ordering::Relaxed);
        }
        Some(found.clone())
    }

    /// Lets tables go until there is room for `more`.
    fn make_room(&self, clock: &mut VecDeque<[u8; 64]>, more: usize) {
        let capacity = self.capacity.load(Ordering::Relaxed);
        while clock.len() + more > capacity {
            let Some(next) = clock.pop_front() else { return };
            let used = self.keys.read().get(&next).is_some_and(|key| key.used.swap(false, Ordering::Relaxed));
            if used {
                clock.push_back(next);
            } else {
                self.keys.write().remove(&next);
            }
        }
    }
}

impl PreparedKey {
    pub(super) const fn table(&self) -> &Table {
        &self.table
    }

    /// Z_A of `key`, which is the one prepared here, under a user id.
    pub(super) fn z(&self, key: &PublicKey, user_id: &UserId) -> Digest {
        self.z.of(key, user_id)
    }
}

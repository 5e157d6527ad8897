//! How often keys without a table were seen: roughly, in a fixed amount of memory, without a lock.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU32, Ordering};

/// Counters that keys share by chance; a key that comes to the counter of another takes one off its count.
#[derive(Debug)]
pub(super) struct Sightings([AtomicU32; 1024]);

/// The bits of a counter that count; the others tell the key.
const COUNT_BITS: u32 = 0xff;

impl Sightings {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU32::new(0) }; 1024])
    }

    /// Counts the key x || y; answers whether it has now been seen `enough` times, at most 255, and then begins anew.
    pub(super) fn count(&self, key: &[u8; 64], enough: u32) -> bool {
        // The low bytes of x tell the place and the key.
        let [.., a, b, c, d, e] = *key.first_chunk::<32>().unwrap_or(&[0; 32]);
        let place = usize::from(u16::from_be_bytes([a, b])) % self.0.len();
        let name = u32::from_be_bytes([c, d, e, 0]);
        let Some(counter) = self.0.get(place) else { return false };
        let before = counter.load(Ordering::Relaxed);
        let (owner, seen) = (before & !COUNT_BITS, before & COUNT_BITS);
        let after = match seen {
            0 => name | 1,
            _ if owner != name => before - 1,
            _ if seen + 1 >= enough.min(COUNT_BITS) => 0,
            _ => before + 1,
        };
        // A count that is lost to another thread delays a table and harms nothing.
        counter.store(after, Ordering::Relaxed);
        after == 0 && owner == name
    }
}

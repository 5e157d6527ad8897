//! The digest of what a statement covers, on several cores where that is worth it. It stands here because `crypto` knows
//! no thread.
#![forbid(unsafe_code)]

use crate::artifact::statement::ContentHash;
use crate::crypto::sm3::tree::{self, LEAF_LEN, leaf_count};
use crate::crypto::sm3::{self, Digest};
use crate::sync::Mutex;
use crate::sys::thread::{processors, quietly};
use std::thread::{self, Builder};

/// The digest that `hash` names, with threads that are joined before this answers. The result does not depend on their number.
pub fn content_digest(hash: ContentHash, covered: &[u8]) -> Digest {
    match hash {
        ContentHash::Sm3 => sm3::digest(covered),
        ContentHash::Sm3Tree => tree_digest(covered, processors().min(MAX_THREADS)),
    }
}

/// More than these wait for memory.
const MAX_THREADS: usize = 8;
/// Leaves that a thread takes at a time, and which one thread hashes alone: 4 MiB. To wake a processor that sleeps costs
/// about as much as it saves on 1 MiB.
const SHARE: usize = 64;

/// The tree digest of `data`, with at most `threads` threads, the caller's among them. One that cannot be started costs
/// time only: the others take its share.
fn tree_digest(data: &[u8], threads: usize) -> Digest {
    let mut digests = vec![[0; 32]; leaf_count(data.len())];
    let helpers = threads.min(digests.len().div_ceil(SHARE)).saturating_sub(1);
    if helpers == 0 {
        return tree::root(data);
    }
    let shares = Mutex::new(digests.chunks_mut(SHARE).zip((0..).step_by(SHARE)));
    let next = || shares.lock().next();
    let work = || {
        while let Some((digests, first)) = next() {
            let data = data.get(first * LEAF_LEN..).unwrap_or_default();
            let data = data.get(..digests.len() * LEAF_LEN).unwrap_or(data);
            tree::leaves(data, first as u64, digests);
        }
    };
    thread::scope(|scope| {
        let start = |_| Builder::new().name("sogov-digest".to_owned()).spawn_scoped(scope, work).ok();
        let started: Vec<_> = quietly(|| (0..helpers).map_while(start).collect());
        work();
        // The end of the scope waits for their work alone.
        for helper in started {
            let _ = helper.join();
        }
    });
    tree::top(&mut digests, data.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let data: Vec<u8> = (0..251).cycle().take(130 * LEAF_LEN + 3).collect();
        for length in [0, 1, SHARE * LEAF_LEN, SHARE * LEAF_LEN + 1, data.len()] {
            let expected = tree::root(&data[..length]);
            for threads in [0, 1, 2, 100] {
                assert_eq!(
                    tree_digest(&data[..length], threads),
                    expected,
                    "{length} bytes, {threads} threads"
                );
            }
        }
    }
}

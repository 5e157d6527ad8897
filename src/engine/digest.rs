//! The tree digest on several cores. It stands here because `crypto` knows no thread.
#![forbid(unsafe_code)]

use crate::crypto::sm3::Digest;
use crate::crypto::sm3::tree::{self, LEAF_LEN, leaf_count};
use parking_lot::Mutex;
use std::thread::{self, Builder};

/// Leaves that a thread takes at a time: full lanes, and 4 MiB of data.
const SHARE: usize = 64;

/// The tree digest of `data`, with at most `threads` threads, the caller's among them.
///
/// The result does not depend on their number. A thread that cannot be started costs time only: the
/// others take its share.
pub fn digest_tree(data: &[u8], threads: usize) -> Digest {
    let mut digests = vec![[0; 32]; leaf_count(data.len())];
    let helpers = threads.min(digests.len().div_ceil(SHARE)).saturating_sub(1);
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
        for _ in 0..helpers {
            if Builder::new().name("sogov-digest".to_owned()).spawn_scoped(scope, work).is_err() {
                break;
            }
        }
        work();
    });
    tree::top(&mut digests, data.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let data: Vec<u8> = (0..251).cycle().take(200 * LEAF_LEN + 3).collect();
        for length in [0, 1, LEAF_LEN, 16 * LEAF_LEN, 17 * LEAF_LEN, data.len()] {
            let expected = tree::root(&data[..length]);
            for threads in [0, 1, 2, 3, 5, 100] {
                assert_eq!(
                    digest_tree(&data[..length], threads),
                    expected,
                    "{length} bytes, {threads} threads"
                );
            }
        }
    }
}

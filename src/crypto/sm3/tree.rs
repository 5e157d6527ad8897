//! The tree digest: one SM3 value over many leaves, so that lanes and cores can share the work.
//!
//! The format is frozen (`tests/vectors/sm3_tree.json`); a change needs a new name in the statement.
//!
//! ```text
//! leaf i = SM3(0x00 || le64(i) || chunk i)       chunks of 65536 bytes, the last one may be shorter
//! node   = SM3(0x01 || left || right)            a level's odd last node moves up unchanged
//! root   = SM3(0x02 || le32(65536) || le64(length of the data) || top)
//! ```
//!
//! `le32` and `le64` are unsigned little-endian integers; `left`, `right` and `top` are 32 bytes each.
//! Leaves count from 0. Empty data has one leaf with an empty chunk; with one leaf, `top` is that leaf.
//!
//! The first byte keeps the three levels apart, so no inner node can pass for a leaf or a root; the
//! length in the root tells trees apart whose odd nodes moved up.
//!
//! The leaves of a level go through [`digest_batch_into`] together. Who has several cores gives each a
//! range of [`leaves`] and puts the [`top`] on them.
#![forbid(unsafe_code)]

use super::{Digest, Hasher, Parts, digest_batch_into};
use std::array;

/// Bytes in every leaf but the last.
pub const LEAF_LEN: usize = 64 << 10;

const LEAF: u8 = 0;
const NODE: &[u8] = &[1];
const ROOT: &[u8] = &[2];

/// The tree digest of `data`.
pub fn root(data: &[u8]) -> Digest {
    let mut level = vec![[0; 32]; leaf_count(data.len())];
    leaves(data, 0, &mut level);
    top(&mut level, data.len() as u64)
}

/// The leaves of `length` bytes of data.
pub fn leaf_count(length: usize) -> usize {
    length.div_ceil(LEAF_LEN).max(1)
}

/// Writes the leaves of `data`, which stands in the whole at leaf `first`, to `digests`.
///
/// `digests` has [`leaf_count`] places for `data`. Only the last range of the whole may end with a
/// chunk that is shorter than [`LEAF_LEN`].
pub fn leaves(data: &[u8], first: u64, digests: &mut [Digest]) {
    debug_assert_eq!(digests.len(), leaf_count(data.len()));
    let group_len = LEAF_LEN * GROUP;
    for ((group, digests), number) in digests.chunks_mut(GROUP).enumerate().zip((first..).step_by(GROUP)) {
        let data = data.get(group * group_len..).unwrap_or_default();
        group_of_leaves(data, number, digests);
    }
}

/// The root over `leaves`, all of them, for `length` bytes of data. Takes the leaves' places for the nodes.
pub fn top(leaves: &mut [Digest], length: u64) -> Digest {
    let mut level = leaves;
    while level.len() > 1 {
        let parents = climb(level);
        level = level.get_mut(..parents).unwrap_or_default();
    }
    let mut hasher = Hasher::new();
    hasher.update(ROOT);
    hasher.update(&LEAF_LEN_LE);
    hasher.update(&length.to_le_bytes());
    hasher.update(level.as_flattened());
    hasher.finish()
}

/// Digests made at once: enough for the widest lanes, few enough for the stack.
const GROUP: usize = 64;

/// `le32(65536)`.
const LEAF_LEN_LE: [u8; 4] = [0, 0, 1, 0];

/// Leaves `first` and on, from the front of `data`: at most `GROUP`, one for each place of `digests`.
fn group_of_leaves(data: &[u8], first: u64, digests: &mut [Digest]) {
    let heads: [_; GROUP] = array::from_fn(|i| leaf_head(first.wrapping_add(i as u64)));
    let mut inputs = [Parts::default(); GROUP];
    let chunks = data.chunks(LEAF_LEN).chain([&[][..]]);
    for ((input, head), chunk) in inputs.iter_mut().zip(&heads).zip(chunks) {
        *input = Parts { head, tail: chunk };
    }
    digest_batch_into(inputs.get(..digests.len()).unwrap_or_default(), digests);
}

/// What stands before chunk `index`.
fn leaf_head(index: u64) -> [u8; 9] {
    let mut head = [LEAF; 9];
    super::put(head.split_at_mut(1).1, &index.to_le_bytes());
    head
}

/// Puts the next level in the place of the front of `level`; returns its length.
fn climb(level: &mut [Digest]) -> usize {
    let pairs = level.len() / 2;
    let mut parents = [[0; 32]; GROUP];
    for from in (0..pairs).step_by(GROUP) {
        let count = GROUP.min(pairs - from);
        let Some(parents) = parents.get_mut(..count) else { break };
        group_of_nodes(level.get(2 * from..).unwrap_or_default(), parents);
        // Below what is still to be read: the parents of the first pairs take half of their room.
        if let Some(place) = level.get_mut(from..from + count) {
            place.copy_from_slice(parents);
        }
    }
    if level.len() % 2 == 1 {
        level.copy_within(2 * pairs.., pairs);
    }
    level.len().div_ceil(2)
}

/// The parents of the pairs at the front of `children`: at most `GROUP`, one for each place of `digests`.
fn group_of_nodes(children: &[Digest], digests: &mut [Digest]) {
    let mut inputs = [Parts::default(); GROUP];
    for (input, pair) in inputs.iter_mut().zip(children.as_chunks::<2>().0) {
        *input = Parts { head: NODE, tail: pair.as_flattened() };
    }
    digest_batch_into(inputs.get(..digests.len()).unwrap_or_default(), digests);
}

#[cfg(test)]
mod tests {
    use super::super::digest;
    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..251).cycle().take(length).collect()
    }

    /// The formulas of the module's documentation, written out by hand for three leaves.
    #[test]
    fn three_leaves_as_documented() {
        let data = pattern(2 * LEAF_LEN + 1);
        let leaf = |i: u8, chunk: &[u8]| digest(&[&[0, i, 0, 0, 0, 0, 0, 0, 0], chunk].concat());
        let (a, b) = (leaf(0, &data[..65536]), leaf(1, &data[65536..131_072]));
        let node = digest(&[&[1], a.as_slice(), &b].concat());
        let top = digest(&[&[1], node.as_slice(), &leaf(2, &data[131_072..])].concat());
        let expected = digest(&[&[2, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0, 0, 0], top.as_slice()].concat());
        assert_eq!(root(&data), expected);
    }

    #[test]
    fn every_byte_place_and_length_counts() {
        let data = pattern(3 * LEAF_LEN);
        let original = root(&data);
        for place in [0, LEAF_LEN - 1, LEAF_LEN, 3 * LEAF_LEN - 1] {
            let mut changed = data.clone();
            changed[place] ^= 1;
            assert_ne!(root(&changed), original, "byte {place}");
        }
        let swapped = [&data[LEAF_LEN..2 * LEAF_LEN], &data[..LEAF_LEN], &data[2 * LEAF_LEN..]].concat();
        assert_ne!(root(&swapped), original);
        assert_ne!(root(&data[..data.len() - 1]), original);
        assert_ne!(root(&[]), root(&[0]));
    }
    /// The formulas one digest at a time, for trees of all shapes about the groups and lanes.
    #[test]
    fn every_number_of_leaves_as_documented() {
        let parent = |children: &[Digest]| match children {
            [lone] => *lone,
            pair => digest(&[&[1], pair.as_flattened()].concat()),
        };
        for count in (1..=70_u64).chain([127, 128, 129, 191, 1000]) {
            let mut leaves: Vec<_> = (0..count).map(|i| digest(&i.to_le_bytes())).collect();
            let mut level = leaves.clone();
            while level.len() > 1 {
                level = level.chunks(2).map(parent).collect();
            }
            let expected = digest(&[&[2, 0, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0], level[0].as_slice()].concat());
            assert_eq!(top(&mut leaves, 9), expected, "{count} leaves");
        }
    }

    #[test]
    fn ranges_of_leaves_make_the_whole() {
        let data = pattern(67 * LEAF_LEN + 5);
        let count = leaf_count(data.len());
        assert_eq!(count, 68);
        for cut in [1, 15, 16, 33, 64, 67] {
            let mut digests = vec![[0; 32]; count];
            let (front, back) = digests.split_at_mut(cut);
            leaves(&data[..cut * LEAF_LEN], 0, front);
            leaves(&data[cut * LEAF_LEN..], cut as u64, back);
            assert_eq!(top(&mut digests, data.len() as u64), root(&data), "cut at leaf {cut}");
        }
        assert_eq!([0, 1, LEAF_LEN, LEAF_LEN + 1].map(leaf_count), [1, 1, 1, 2]);
    }
}

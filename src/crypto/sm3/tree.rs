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
#![forbid(unsafe_code)]

use super::{Digest, Hasher};

/// Bytes in every leaf but the last.
pub const LEAF_LEN: usize = 64 << 10;

const LEAF: &[u8] = &[0];
const NODE: &[u8] = &[1];
const ROOT: &[u8] = &[2];

/// The tree digest of `data`.
pub fn root(data: &[u8]) -> Digest {
    let mut level = leaves(data);
    while level.len() > 1 {
        level = level.chunks(2).map(parent).collect();
    }
    let parts: [&[u8]; 3] = [ROOT, &LEAF_LEN_LE, &(data.len() as u64).to_le_bytes()];
    hash(parts.into_iter().chain(level.iter().map(Digest::as_slice)))
}

/// `le32(65536)`.
const LEAF_LEN_LE: [u8; 4] = [0, 0, 1, 0];

fn leaves(data: &[u8]) -> Vec<Digest> {
    if data.is_empty() {
        return vec![leaf(0, data)];
    }
    (0..).zip(data.chunks(LEAF_LEN)).map(|(index, chunk)| leaf(index, chunk)).collect()
}

fn leaf(index: u64, chunk: &[u8]) -> Digest {
    hash([LEAF, &index.to_le_bytes(), chunk])
}

/// The node above a pair; a lone node is its own parent.
fn parent(children: &[Digest]) -> Digest {
    match children {
        [lone] => *lone,
        pair => hash([NODE].into_iter().chain(pair.iter().map(Digest::as_slice))),
    }
}

fn hash<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut hasher = Hasher::new();
    parts.into_iter().for_each(|part| hasher.update(part));
    hasher.finish()
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
}

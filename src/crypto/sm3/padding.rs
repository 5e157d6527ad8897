//! The end of a message (GB/T 32905-2016, 5.2): a set bit, zeros, and the length in bits as 64 bits.
#![forbid(unsafe_code)]

use super::compress::Block;

/// Writes the one or two blocks that end a message of `length` bytes to `last`; returns how many they are.
///
/// `rest` is what stands behind the message's whole blocks, in two parts: together less than 64 bytes.
pub fn last_blocks(last: &mut [Block; 2], rest: [&[u8]; 2], length: u64) -> usize {
    *last = [[0; 64]; 2];
    let bytes = last.as_flattened_mut();
    let [first, second] = rest;
    let filled = first.len() + second.len();
    put(bytes, first);
    put(bytes.get_mut(first.len()..).unwrap_or_default(), second);
    put(bytes.get_mut(filled..).unwrap_or_default(), &[0x80]);
    // The bit and the length take 9 bytes.
    let count = if filled + 9 <= 64 { 1 } else { 2 };
    let bits = length.wrapping_mul(8).to_be_bytes();
    put(bytes.get_mut(count * 64 - bits.len()..).unwrap_or_default(), &bits);
    count
}

/// Writes `source` at the front of `target`, which has the room.
#[inline]
pub fn put(target: &mut [u8], source: &[u8]) {
    debug_assert!(source.len() <= target.len(), "{} bytes into {}", source.len(), target.len());
    if let Some(place) = target.get_mut(..source.len()) {
        place.copy_from_slice(source);
    }
}

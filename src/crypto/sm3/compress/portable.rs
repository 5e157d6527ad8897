//! The compression function for any processor.
#![forbid(unsafe_code)]
#![allow(
    clippy::many_single_char_names,
    clippy::inline_always,
    reason = "the standard's names of the words; hot code"
)]

use super::{Block, CONSTANTS, State, sixteen_times};

/// Takes `blocks` into the chaining value.
pub fn compress(state: &mut State, blocks: &[Block]) {
    for block in blocks {
        let words = rounds(*state, block);
        for (word, new) in state.iter_mut().zip(words) {
            *word ^= new;
        }
    }
}

/// The sixty-four rounds (5.3.3), with the message expanded (5.3.2) as they go.
#[inline]
fn rounds(mut v: State, block: &Block) -> State {
    // A ring of the last sixteen words: round j reads W(j) and W(j + 4).
    let mut w = words(block);
    sixteen_times!(|J| {
        if (12..).contains(&J) {
            w[(J + 4) % 16] = expanded(&w, J + 4);
        }
        v = round::<true>(v, CONSTANTS[J], w[J], w[(J + 4) % 16]);
    });
    for constants in CONSTANTS.as_chunks::<16>().0.iter().skip(1) {
        sixteen_times!(|J| {
            w[(J + 4) % 16] = expanded(&w, J + 4);
            v = round::<false>(v, constants[J], w[J], w[(J + 4) % 16]);
        });
    }
    v
}

/// W(j) from the ring of the sixteen words before it (5.3.2).
#[inline(always)]
fn expanded(w: &[u32; 16], j: usize) -> u32 {
    let x = w[j % 16] ^ w[(j + 7) % 16] ^ w[(j + 13) % 16].rotate_left(15);
    let p1 = x ^ x.rotate_left(15) ^ x.rotate_left(23);
    p1 ^ w[(j + 3) % 16].rotate_left(7) ^ w[(j + 10) % 16]
}

/// One round; the first sixteen are `EARLY` and take FF and GG as sums of bits. `word4` is W(j + 4).
#[inline(always)]
fn round<const EARLY: bool>(v: State, constant: u32, word: u32, word4: u32) -> State {
    let [a, b, c, d, e, f, g, h] = v;
    let a12 = a.rotate_left(12);
    let ss1 = a12.wrapping_add(constant).wrapping_add(e).rotate_left(7);
    let (ff, gg) = if EARLY {
        (a ^ b ^ c, e ^ f ^ g)
    } else {
        // No bit is set in both summands of the majority.
        ((a & b).wrapping_add((a ^ b) & c), ((f ^ g) & e) ^ g)
    };
    let tt1 = ff.wrapping_add(d).wrapping_add(word ^ word4).wrapping_add(ss1 ^ a12);
    let tt2 = gg.wrapping_add(h).wrapping_add(word).wrapping_add(ss1);
    let p0 = tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17);
    [tt1, a, b.rotate_left(9), c, p0, e, f.rotate_left(19), g]
}

fn words(block: &Block) -> [u32; 16] {
    let mut words = [0; 16];
    for (word, bytes) in words.iter_mut().zip(block.as_chunks().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    words
}

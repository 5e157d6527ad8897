//! The compression function over many chains at once: lane i of every vector belongs to chain i.
#![deny(unsafe_code)]
#![allow(clippy::many_single_char_names, reason = "the standard's names of the words")]
#![allow(
    clippy::inline_always,
    reason = "instructions are enabled in the function that this becomes part of"
)]

#[cfg(target_arch = "x86_64")]
pub mod x86_64;

use super::super::compress::{Block, CONSTANTS, sixteen_times};
use super::super::vector::{Vector, expanded};

/// The chaining values of all chains: row w holds word w of each.
pub type States<const LANES: usize> = [[u32; LANES]; 8];

/// A level of the processor that takes `LANES` chains forward together.
pub trait Kernel<const LANES: usize>: Copy {
    /// Takes the first `count` blocks of every run into its chain; a run is not shorter than that.
    fn compress(self, states: &mut States<LANES>, runs: &[&[Block]; LANES], count: usize);
}

/// How many blocks ahead data is asked for. Lanes often lie a power of two apart, so that their lines share
/// the cache's sets and the processor's own prefetches push each other out.
const PREFETCH: usize = 4;

/// The body of every kernel: to be inlined where the instructions of `V` are enabled.
#[inline(always)]
pub fn compress<const LANES: usize, V: Vector<LANES>>(
    states: &mut States<LANES>,
    runs: &[&[Block]; LANES],
    count: usize,
) {
    let mut chain: [V; 8] = [V::splat(0); 8];
    for (vector, words) in chain.iter_mut().zip(&*states) {
        *vector = V::load(words);
    }
    for index in 0..count {
        let mut blocks = [&[0; 64]; LANES];
        for (block, run) in blocks.iter_mut().zip(runs) {
            *block = run.get(index).unwrap_or(&[0; 64]);
            if let Some(soon) = run.get(index + PREFETCH) {
                V::prefetch(soon);
            }
        }
        let new = rounds(chain, V::transposed(blocks));
        for (vector, new) in chain.iter_mut().zip(new) {
            *vector = vector.xor(new);
        }
    }
    for (vector, words) in chain.iter().zip(states) {
        vector.store(words);
    }
}

/// The sixty-four rounds (5.3.3), with the message expanded (5.3.2) as they go.
#[inline(always)]
fn rounds<const LANES: usize, V: Vector<LANES>>(mut v: [V; 8], mut w: [V; 16]) -> [V; 8] {
    sixteen_times!(|J| {
        if (12..).contains(&J) {
            advance(&mut w, J + 4);
        }
        v = round::<LANES, V, true>(v, CONSTANTS[J], w[J], w[(J + 4) % 16]);
    });
    for constants in CONSTANTS.as_chunks::<16>().0.iter().skip(1) {
        sixteen_times!(|J| {
            advance(&mut w, J + 4);
            v = round::<LANES, V, false>(v, constants[J], w[J], w[(J + 4) % 16]);
        });
    }
    v
}

/// Puts W(j) into the ring, in the place of W(j - 16).
#[inline(always)]
fn advance<const LANES: usize, V: Vector<LANES>>(w: &mut [V; 16], j: usize) {
    w[j % 16] = expanded(|distance| w[(j + 16 - distance) % 16]);
}

/// One round; the first sixteen are `EARLY` and take FF and GG as sums of bits. `word4` is W(j + 4).
#[inline(always)]
fn round<const LANES: usize, V: Vector<LANES>, const EARLY: bool>(
    v: [V; 8],
    constant: u32,
    word: V,
    word4: V,
) -> [V; 8] {
    let [a, b, c, d, e, f, g, h] = v;
    let a12 = a.rotate(12);
    let ss1 = a12.add(V::splat(constant)).add(e).rotate(7);
    let (ff, gg) = if EARLY { (a.xor3(b, c), e.xor3(f, g)) } else { (a.majority(b, c), e.choose(f, g)) };
    let tt1 = d.add(word.xor(word4)).add(ff).add(ss1.xor(a12));
    let tt2 = h.add(word).add(gg).add(ss1);
    let tt2_9 = tt2.rotate(9);
    let p0 = tt2.xor3(tt2_9, tt2_9.rotate_8());
    [tt1, a, b.rotate(9), c, p0, e, f.rotate(19), g]
}

//! The compression function over one chain of blocks (GB/T 32905-2016, 5.3).
//!
//! A round waits for the one before it, so one chain cannot run faster than about six cycles a round
//! with rotations of one cycle. [`portable`] spends as much again on the message schedule; where AVX2
//! and BMI2 are there, [`avx2`] expands eight blocks at once in the vector unit meanwhile.
#![deny(unsafe_code)]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use super::Digest;
#[cfg(target_arch = "x86_64")]
use crate::crypto::cpu::Features;

/// 512 bits of message.
pub type Block = [u8; 64];

/// The chaining value V: the words A to H.
pub type State = [u32; 8];

/// The initial value (4.1).
pub const IV: State =
    [0x7380_166f, 0x4914_b2b9, 0x1724_42d7, 0xda8a_0600, 0xa96f_30bc, 0x1631_38aa, 0xe38d_ee4d, 0xb0fb_0e4e];

/// T(j) <<< j of every round (4.2 and 5.3.3).
pub const CONSTANTS: [u32; 64] = {
    let mut constants = [0; 64];
    let mut j = 0_u32;
    while j < 64 {
        let t: u32 = if j < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
        constants[j as usize] = t.rotate_left(j % 32);
        j += 1;
    }
    constants
};

/// Takes `blocks` into the chaining value.
pub fn compress(state: &mut State, blocks: &[Block]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(kernel) = avx2::Kernel::for_blocks(blocks.len(), Features::get()) {
        return kernel.compress(state, blocks);
    }
    portable::compress(state, blocks);
}

/// The digest that the last chaining value is.
pub fn digest_of(state: &State) -> Digest {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}

/// Repeats an expression for the constants 0 to 15: the period of the message words, and a multiple
/// of the four rounds after which every word of the state is back in its place.
macro_rules! sixteen_times {
    (|$j:ident| $body:expr) => {
        $crate::crypto::sm3::compress::sixteen_times!(@each $j $body;
            0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@each $j:ident $body:expr; $($value:literal)*) => {
        $({
            const $j: usize = $value;
            $body;
        })*
    };
}
pub(super) use sixteen_times;

#[cfg(test)]
mod tests;

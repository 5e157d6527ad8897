//! The compression function with the message schedule in the vector unit (AVX2) and the rounds in the
//! integer unit (BMI2).
//!
//! The expansion of a block does not wait for the block before it. So eight blocks of the chain are
//! expanded together, a lane each, and in between the rounds of the eight blocks before them: the
//! integer unit, which is the bottleneck, is left to the rounds.
#![allow(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "instructions are enabled in the function that this becomes part of"
)]

use super::super::vector::{Vector, avx2::Avx2, expanded};
use super::{Block, CONSTANTS, State, portable, sixteen_times};
use crate::crypto::cpu::Features;
use std::arch::{asm, is_x86_feature_detected as has};
use std::array;
use std::mem::{MaybeUninit, offset_of};

/// Proof that the processor has AVX2 and BMI2.
#[derive(Clone, Copy, Debug)]
pub struct Kernel(());

/// Blocks whose messages are expanded together.
const WIDTH: usize = 8;

/// The fewest blocks that are worth an expansion of eight.
const WORTHWHILE: usize = 3;

impl Kernel {
    /// The kernel, where it can run and gains something over `blocks` blocks.
    #[inline]
    pub fn for_blocks(blocks: usize, features: Features) -> Option<Self> {
        // The feature level that holds BMI2 is that of ADX.
        let there = blocks >= WORTHWHILE && features.avx2 && features.adx && has!("avx2") && has!("bmi2");
        there.then_some(Self(()))
    }

    /// Takes `blocks` into the chaining value.
    #[allow(clippy::unused_self, reason = "it is the proof")]
    pub fn compress(self, state: &mut State, blocks: &[Block]) {
        // SAFETY: `for_blocks` found AVX2 and BMI2.
        unsafe { compress(state, blocks) }
    }
}

#[target_feature(enable = "avx2,bmi2")]
fn compress(state: &mut State, blocks: &[Block]) {
    let (groups, rest) = blocks.as_chunks::<WIDTH>();
    if !groups.is_empty() {
        compress_groups(state, groups);
    }
    if rest.len() >= WORTHWHILE {
        compress_few(state, rest);
    } else {
        portable::compress(state, rest);
    }
}

/// Whole groups, each of them expanded while the one before it goes through its rounds.
#[target_feature(enable = "avx2,bmi2")]
fn compress_groups(state: &mut State, groups: &[[Block; WIDTH]]) {
    let mut schedules = [Schedule::empty(), Schedule::empty()];
    let [mut current, mut next] = schedules.each_mut();
    for (index, group) in groups.iter().enumerate() {
        if index == 0 {
            current.begin(group.each_ref());
            current.complete();
        }
        if let Some(group) = groups.get(index + 1) {
            next.begin(group.each_ref());
            rounds(state, current, WIDTH, next);
        } else {
            rounds(state, current, WIDTH, &mut ());
        }
        (current, next) = (next, current);
    }
}

/// Less than a group: the other lanes expand zeros.
#[inline(never)]
#[target_feature(enable = "avx2,bmi2")]
fn compress_few(state: &mut State, blocks: &[Block]) {
    let mut schedule = Schedule::empty();
    schedule.begin(array::from_fn(|block| blocks.get(block).unwrap_or(&[0; 64])));
    schedule.complete();
    rounds(state, &schedule, blocks.len().min(WIDTH), &mut ());
}

/// The message words of eight blocks; lane i belongs to block i.
///
/// `begin` and the steps that follow it write every row before the rounds read it, so the rows come
/// into being without a value: clearing them would take as long as half a block.
#[repr(C, align(64))]
struct Schedule {
    /// W(j), and four more that only make the steps come out even.
    words: [Row; WORDS],
    /// W'(j) = W(j) xor W(j + 4).
    mixed: [Row; WORDS - 4],
}

type Row = MaybeUninit<[u32; WIDTH]>;

/// Steps of the expansion that go with a block's rounds.
const STEPS: usize = 7;
/// The sixteen words of the message, and those of all steps.
const WORDS: usize = 16 + STEPS * WIDTH;

impl Schedule {
    fn empty() -> Self {
        Self { words: [Row::uninit(); WORDS], mixed: [Row::uninit(); WORDS - 4] }
    }

    /// Takes in what needs no expansion.
    #[target_feature(enable = "avx2")]
    fn begin(&mut self, blocks: [&Block; WIDTH]) {
        let words = Avx2::transposed(blocks);
        for (row, word) in self.words.iter_mut().zip(words) {
            word.store(row.write([0; WIDTH]));
        }
        for (row, (word, word4)) in self.mixed.iter_mut().zip(words.iter().zip(&words[4..])) {
            word.xor(*word4).store(row.write([0; WIDTH]));
        }
    }

    /// All steps at once, for a group with nothing before it.
    #[target_feature(enable = "avx2")]
    fn complete(&mut self) {
        for step in 0..STEPS * WIDTH {
            self.step(step);
        }
    }

    /// W(j) and W'(j - 4) for j = 16 + `step`, after `begin` and all steps before this one.
    #[inline(always)]
    fn step(&mut self, step: usize) {
        let (Some(before), Some(mixed)) =
            (self.words[step..].first_chunk_mut::<17>(), self.mixed.get_mut(step + 12))
        else {
            return;
        };
        // SAFETY: `begin` or an earlier step wrote the sixteen rows before this one.
        let word = |distance: usize| Avx2::load(unsafe { before[16 - distance].assume_init_ref() });
        let new = expanded(word);
        word(4).xor(new).store(mixed.write([0; WIDTH]));
        new.store(before[16].write([0; WIDTH]));
    }
}

/// What is done between the rounds, which leave the vector unit idle.
trait Meanwhile {
    /// Called behind every round. Becomes a part of the rounds: a call would put the chain into memory.
    fn behind(&mut self, block: usize, round: usize);
}

/// Nothing.
impl Meanwhile for () {
    #[inline(always)]
    fn behind(&mut self, _block: usize, _round: usize) {}
}

/// Its steps, spread over the rounds of eight blocks.
impl Meanwhile for Schedule {
    #[inline(always)]
    fn behind(&mut self, block: usize, round: usize) {
        if round % 9 == 8 {
            self.step(block * STEPS + round / 9);
        }
    }
}

/// The sixty-four rounds of the first `blocks` blocks.
#[inline(never)]
#[target_feature(enable = "avx2,bmi2")]
fn rounds(state: &mut State, schedule: &Schedule, blocks: usize, meanwhile: &mut impl Meanwhile) {
    // Stays in registers from block to block: the way through memory would add to the chain.
    let mut v = *state;
    for block in 0..blocks.min(WIDTH) {
        // Round j reads at a constant distance from here.
        let column = (&raw const *schedule).cast::<u32>().wrapping_add(block);
        sixteen_times!(|J| {
            // SAFETY: `column` stands in row 0 of a whole schedule.
            v = unsafe { early_round::<J>(v, column) };
            meanwhile.behind(block, J);
        });
        sixteen_times!(|J| {
            // SAFETY: as above.
            v = unsafe { late_round::<{ 16 + J }>(v, column) };
            meanwhile.behind(block, 16 + J);
        });
        sixteen_times!(|J| {
            // SAFETY: as above.
            v = unsafe { late_round::<{ 32 + J }>(v, column) };
            meanwhile.behind(block, 32 + J);
        });
        sixteen_times!(|J| {
            // SAFETY: as above.
            v = unsafe { late_round::<{ 48 + J }>(v, column) };
            meanwhile.behind(block, 48 + J);
        });
        for (new, word) in v.iter_mut().zip(state.iter_mut()) {
            // The compilers' own way is eight words at once, and to the vector unit and back is far.
            // SAFETY: changes one register only.
            unsafe {
                asm!("xor {new:e}, {word:e}", new = inout(reg) *new, word = in(reg) *word,
                    options(pure, nomem, nostack));
            }
            *word = *new;
        }
    }
}

/// Where W'(j) stands, from W(j).
const MIXED: usize = offset_of!(Schedule, mixed);
const ROW: usize = size_of::<[u32; WIDTH]>();

/// A round as instructions in the order given, a search's best: the compilers' own orders take a quarter
/// longer, for they put what the next round waits for behind what it does not.
macro_rules! round {
    ($v:ident, $column:ident, $round:ident; $($instruction:literal)*) => {{
        let [a, mut b, c, mut d, e, mut f, g, mut h] = $v;
        // SAFETY: reads two words of a schedule, as the caller promises, and changes registers only.
        unsafe {
            asm!(
                $($instruction,)*
                a = in(reg) a,
                b = inout(reg) b,
                c = in(reg) c,
                d = inout(reg) d,
                e = in(reg) e,
                f = inout(reg) f,
                g = in(reg) g,
                h = inout(reg) h,
                s = out(reg) _,
                ss1 = out(reg) _,
                y = out(reg) _,
                z = out(reg) _,
                column = in(reg) $column,
                word = const $round * ROW,
                mixed = const MIXED + $round * ROW,
                constant = const CONSTANTS[$round].cast_signed(),
                options(readonly, nostack),
            );
        }
        // d has become TT1, and h P0(TT2).
        [d, a, b, c, h, e, f, g]
    }};
}

/// One of the first sixteen rounds. `s` is A <<< 12 and then SS2.
///
/// # Safety
/// `column` points to a word of row 0 of a [`Schedule`].
#[inline]
#[target_feature(enable = "bmi2")]
unsafe fn early_round<const ROUND: usize>(v: State, column: *const u32) -> State {
    round!(v, column, ROUND;
        "mov {y:e}, {f:e}"
        "xor {y:e}, {g:e}"
        "rorx {s:e}, {a:e}, 20"
        "lea {ss1:e}, [{s:r} + {constant}]"
        "add {ss1:e}, {e:e}"
        "xor {y:e}, {e:e}"
        "add {h:e}, dword ptr [{column} + {word}]"
        "rorx {ss1:e}, {ss1:e}, 25"
        "add {h:e}, {y:e}"
        "add {h:e}, {ss1:e}"
        "xor {s:e}, {ss1:e}"
        "rorx {y:e}, {h:e}, 23"
        "rorx {z:e}, {h:e}, 15"
        "xor {h:e}, {y:e}"
        "mov {y:e}, {a:e}"
        "rorx {f:e}, {f:e}, 13"
        "xor {y:e}, {b:e}"
        "add {d:e}, dword ptr [{column} + {mixed}]"
        "xor {y:e}, {c:e}"
        "add {d:e}, {y:e}"
        "xor {h:e}, {z:e}"
        "add {d:e}, {s:e}"
        "rorx {b:e}, {b:e}, 23"
    )
}

/// One of the others. The majority is the sum of (a xor b) and c, and of a and b, which share no bit.
///
/// # Safety
/// `column` points to a word of row 0 of a [`Schedule`].
#[inline]
#[target_feature(enable = "bmi2")]
unsafe fn late_round<const ROUND: usize>(v: State, column: *const u32) -> State {
    round!(v, column, ROUND;
        "mov {y:e}, {f:e}"
        "xor {y:e}, {g:e}"
        "and {y:e}, {e:e}"
        "rorx {s:e}, {a:e}, 20"
        "lea {ss1:e}, [{s:r} + {constant}]"
        "add {ss1:e}, {e:e}"
        "rorx {ss1:e}, {ss1:e}, 25"
        "add {h:e}, dword ptr [{column} + {word}]"
        "xor {y:e}, {g:e}"
        "rorx {f:e}, {f:e}, 13"
        "add {h:e}, {y:e}"
        "add {h:e}, {ss1:e}"
        "rorx {z:e}, {h:e}, 15"
        "rorx {y:e}, {h:e}, 23"
        "xor {h:e}, {y:e}"
        "xor {h:e}, {z:e}"
        "add {d:e}, dword ptr [{column} + {mixed}]"
        "mov {y:e}, {a:e}"
        "xor {s:e}, {ss1:e}"
        "mov {z:e}, {a:e}"
        "xor {y:e}, {b:e}"
        "and {y:e}, {c:e}"
        "and {z:e}, {b:e}"
        "rorx {b:e}, {b:e}, 23"
        "add {d:e}, {z:e}"
        "add {d:e}, {y:e}"
        "add {d:e}, {s:e}"
    )
}

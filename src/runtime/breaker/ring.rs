//! The last outcomes of a version in one word.
#![forbid(unsafe_code)]

use crate::route::policy::MAX_WINDOW;
use crate::runtime::sync::{AtomicU64, Ordering};

/// Outcomes of one generation of a breaker: the newest in the lowest bit, their number above them, and on top as much of
/// the generation as there is room for. On lines of its own, since only bad news is written.
#[repr(align(128))]
#[derive(Debug, Default)]
pub(super) struct Ring(AtomicU64);

/// What a ring held at one moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcomes {
    bits: u64,
    count: u64,
}

const BITS: u64 = (1 << MAX_WINDOW) - 1;
const COUNT_BITS: u32 = 6;
const COUNT: u64 = (1 << COUNT_BITS) - 1;
const AGE: u32 = MAX_WINDOW + COUNT_BITS;

impl Ring {
    /// Whether `window` outcomes of this generation were counted and all were good: one more changes nothing.
    #[inline]
    pub(super) fn is_clean(&self, generation: u64, window: u64) -> bool {
        self.0.load(Ordering::Relaxed) == word(generation, Outcomes { bits: 0, count: window })
    }

    /// Adds an outcome, and answers what is there then.
    pub(super) fn push(&self, generation: u64, window: u64, bad: bool) -> Outcomes {
        let mut found = self.0.load(Ordering::Relaxed);
        loop {
            let outcomes = outcomes(found, generation).with(window, bad);
            match self.0.compare_exchange(
                found,
                word(generation, outcomes),
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return outcomes,
                Err(other) => found = other,
            }
        }
    }
}

impl Outcomes {
    fn with(self, window: u64, bad: bool) -> Self {
        let kept = (1 << window.min(MAX_WINDOW.into())) - 1;
        Self { bits: (self.bits << 1 | u64::from(bad)) & kept, count: (self.count + 1).min(window) }
    }

    /// Whether the window is full and at least so many thousandths of it are bad; 0 is never.
    pub(super) fn is_at_least(self, thousandths: u64, window: u64) -> bool {
        let bad = u64::from(self.bits.count_ones());
        thousandths > 0 && self.count >= window && bad * 1000 >= thousandths * window
    }

    /// Whether the newest `number` are bad; 0 is never.
    pub(super) fn newest_in_a_row(self, number: u64) -> bool {
        number > 0 && u64::from(self.bits.trailing_ones()) >= number
    }
}

fn word(generation: u64, outcomes: Outcomes) -> u64 {
    generation << AGE | outcomes.count << MAX_WINDOW | outcomes.bits
}

/// What the word holds of this generation: nothing, if it is of another.
fn outcomes(word: u64, generation: u64) -> Outcomes {
    if word >> AGE == generation << AGE >> AGE {
        Outcomes { bits: word & BITS, count: word >> MAX_WINDOW & COUNT }
    } else {
        Outcomes { bits: 0, count: 0 }
    }
}

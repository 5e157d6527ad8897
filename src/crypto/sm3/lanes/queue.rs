//! The order in which the messages of a batch enter the lanes: the longest first, as far as one looks ahead.
#![forbid(unsafe_code)]

use super::Parts;
use std::cmp::Reverse;

/// How many messages are looked at together; the indices stand on the stack.
const WINDOW: usize = 256;

/// Gives out every message once, with its place.
pub struct Queue<'a> {
    inputs: &'a [Parts<'a>],
    /// Where the window begins in `inputs`.
    start: usize,
    /// The window's messages, from the longest to the shortest, as distances from `start`.
    order: [u8; WINDOW],
    filled: usize,
    taken: usize,
}

impl<'a> Queue<'a> {
    pub fn new(inputs: &'a [Parts<'a>]) -> Self {
        Self { inputs, start: 0, order: [0; WINDOW], filled: 0, taken: 0 }
    }

    /// Sorts the messages behind the window into the next one.
    fn refill(&mut self) {
        self.start += self.filled;
        self.taken = 0;
        let window = self.inputs.get(self.start..).unwrap_or_default();
        self.filled = window.len().min(WINDOW);
        let order = self.order.get_mut(..self.filled).unwrap_or_default();
        for (place, distance) in order.iter_mut().zip(0..=u8::MAX) {
            *place = distance;
        }
        let blocks = |distance: &u8| window.get(usize::from(*distance)).map_or(0, blocks);
        order.sort_unstable_by_key(|distance| Reverse(blocks(distance)));
    }
}

impl<'a> Iterator for Queue<'a> {
    type Item = (usize, Parts<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.taken == self.filled {
            self.refill();
        }
        let distance = self.order.get(..self.filled)?.get(self.taken)?;
        self.taken += 1;
        let place = self.start + usize::from(*distance);
        Some((place, *self.inputs.get(place)?))
    }
}

/// About how many blocks a message takes.
fn blocks(input: &Parts<'_>) -> usize {
    (input.head.len().saturating_add(input.tail.len()) / 64).saturating_add(1)
}

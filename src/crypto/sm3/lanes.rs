//! Many messages at once, one in each lane of the widest vectors that the processor has.
//!
//! A lane whose message ends takes the next one at once, and the longest messages go first, so lanes
//! stand idle at the very end only; what is left then goes through the compression of one chain.
#![deny(unsafe_code)]

mod feed;
mod kernel;
mod queue;

use super::compress::{Block, IV, State, compress, digest_of};
use super::{Digest, Hasher};
use crate::crypto::cpu::Features;
use feed::Feed;
use kernel::{Kernel, States};
use queue::Queue;
use std::{array, slice};
use zeroize::Zeroize;

/// A message in two parts, `head` before `tail`, for instance Z_A and what is signed under it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    /// The front of the message.
    pub head: &'a [u8],
    /// The rest of it.
    pub tail: &'a [u8],
}

/// The digests of many messages, in their order.
pub fn digest_batch(messages: &[&[u8]]) -> Vec<Digest> {
    let inputs: Vec<_> = messages.iter().map(|message| Parts { head: &[], tail: message }).collect();
    let mut digests = vec![[0; 32]; inputs.len()];
    digest_batch_into(&inputs, &mut digests);
    digests
}

/// Writes the digest of every input to the same place of `digests`, which is as long. Allocates nothing.
pub fn digest_batch_into(inputs: &[Parts<'_>], digests: &mut [Digest]) {
    digest_batch_with(Features::get(), inputs, digests);
}

/// The same with no more than `features`.
fn digest_batch_with(features: Features, inputs: &[Parts<'_>], digests: &mut [Digest]) {
    debug_assert_eq!(inputs.len(), digests.len());
    #[cfg(target_arch = "x86_64")]
    if inputs.len() > 1 {
        use kernel::x86_64::{Avx2Kernel, Avx512Kernel};
        if let Some(kernel) = Avx512Kernel::new(features) {
            return in_lanes(kernel, inputs, digests);
        }
        if let Some(kernel) = Avx2Kernel::new(features) {
            return in_lanes(kernel, inputs, digests);
        }
    }
    let _ = features;
    for (input, digest) in inputs.iter().zip(digests) {
        *digest = alone(input);
    }
}

/// Takes one block into each chaining value: the one that `block` has for its place.
pub fn compress_each<'a>(states: &mut [State], block: impl Fn(usize) -> Option<&'a Block>) {
    #[cfg(target_arch = "x86_64")]
    if states.len() > 1 {
        use kernel::x86_64::{Avx2Kernel, Avx512Kernel};
        if let Some(kernel) = Avx512Kernel::new(Features::get()) {
            return compress_each_in_lanes(kernel, states, block);
        }
        if let Some(kernel) = Avx2Kernel::new(Features::get()) {
            return compress_each_in_lanes(kernel, states, block);
        }
    }
    for (i, state) in states.iter_mut().enumerate() {
        compress(state, block(i).map(slice::from_ref).unwrap_or_default());
    }
}

fn compress_each_in_lanes<'a, const LANES: usize>(
    kernel: impl Kernel<LANES>,
    states: &mut [State],
    block: impl Fn(usize) -> Option<&'a Block>,
) {
    let mut rows: States<LANES> = [[0; LANES]; 8];
    for (group, states) in states.chunks_mut(LANES).enumerate() {
        states.iter().enumerate().for_each(|(lane, state)| set_chain(&mut rows, lane, state));
        let first = group * LANES;
        // An idle lane does over again what the first one does.
        let runs = array::from_fn(|lane| {
            let block = block(first + lane).or_else(|| block(first));
            block.map(slice::from_ref).unwrap_or_default()
        });
        kernel.compress(&mut rows, &runs, 1);
        states.iter_mut().enumerate().for_each(|(lane, state)| *state = chain(&rows, lane));
    }
    rows.zeroize();
}

fn alone(input: &Parts<'_>) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(input.head);
    hasher.update(input.tail);
    hasher.finish()
}

/// A lane's message on its way.
struct Task<'a> {
    feed: Feed<'a>,
    /// The message's place in the batch; none while the lane stands idle.
    place: Option<usize>,
}

fn in_lanes<const LANES: usize>(kernel: impl Kernel<LANES>, inputs: &[Parts<'_>], digests: &mut [Digest]) {
    let mut queue = Queue::new(inputs);
    let mut tasks: [_; LANES] = array::from_fn(|_| Task { feed: Feed::empty(), place: None });
    let mut states: States<LANES> = [[0; LANES]; 8];
    loop {
        for (lane, task) in tasks.iter_mut().enumerate().filter(|(_, task)| task.place.is_none()) {
            let Some((place, input)) = queue.next() else { break };
            task.feed.start(input);
            task.place = Some(place);
            set_chain(&mut states, lane, &IV);
        }
        // One chain alone goes forward about twice as fast as eight lanes, or as sixteen of double width.
        if tasks.iter().filter(|task| task.place.is_some()).count() <= LANES / 8 {
            break;
        }
        advance(kernel, &mut states, &mut tasks);
        for (lane, task) in tasks.iter_mut().enumerate() {
            if task.feed.ahead().is_empty()
                && let Some(place) = task.place.take()
            {
                deliver(digests, place, &chain(&states, lane));
            }
        }
    }
    for (lane, Task { feed, place }) in tasks.into_iter().enumerate() {
        if let Some(place) = place {
            deliver(digests, place, &finished(chain(&states, lane), feed));
        }
    }
}

/// Takes every lane forward by as many blocks as all of them have in one piece.
fn advance<const LANES: usize>(
    kernel: impl Kernel<LANES>,
    states: &mut States<LANES>,
    tasks: &mut [Task<'_>; LANES],
) {
    // An idle lane does over again what another one does.
    let any = tasks.iter().map(|task| task.feed.ahead()).find(|run| !run.is_empty()).unwrap_or_default();
    let runs = tasks.each_ref().map(|task| if task.place.is_some() { task.feed.ahead() } else { any });
    let count = runs.iter().map(|run| run.len()).min().unwrap_or(0);
    kernel.compress(states, &runs, count);
    for task in tasks.iter_mut().filter(|task| task.place.is_some()) {
        task.feed.advance(count);
    }
}

/// The chaining value after all that is left of a message.
fn finished(mut state: State, mut feed: Feed<'_>) -> State {
    loop {
        let run = feed.ahead();
        let count = run.len();
        if count == 0 {
            return state;
        }
        compress(&mut state, run);
        feed.advance(count);
    }
}

fn deliver(digests: &mut [Digest], place: usize, state: &State) {
    if let Some(digest) = digests.get_mut(place) {
        *digest = digest_of(state);
    }
}

fn set_chain<const LANES: usize>(states: &mut States<LANES>, lane: usize, chain: &State) {
    for (row, word) in states.iter_mut().zip(chain) {
        if let Some(place) = row.get_mut(lane) {
            *place = *word;
        }
    }
}

fn chain<const LANES: usize>(states: &States<LANES>, lane: usize) -> State {
    states.each_ref().map(|row| row.get(lane).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;

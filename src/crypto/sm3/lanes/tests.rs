#![forbid(unsafe_code)]

use super::super::tests::{bytes, oracle};
use super::super::vector::emulated::Emulated;
use super::*;

/// The kernels' own code over arrays.
#[derive(Clone, Copy)]
struct EmulatedKernel;

impl<const LANES: usize> Kernel<LANES> for EmulatedKernel {
    fn compress(
        self,
        states: &mut States<LANES>,
        runs: &[&[super::super::compress::Block]; LANES],
        count: usize,
    ) {
        kernel::compress::<LANES, Emulated<LANES>>(states, runs, count);
    }
}

/// Each level that this machine has, and the emulation of both widths, against the oracle.
fn check(inputs: &[Parts<'_>]) {
    let expected: Vec<Digest> =
        inputs.iter().map(|input| oracle(&[input.head, input.tail].concat())).collect();
    let run = |level: &str, hash: &dyn Fn(&mut [Digest])| {
        let mut digests = vec![[0xEE; 32]; inputs.len()];
        hash(&mut digests);
        for (place, (digest, expected)) in digests.iter().zip(&expected).enumerate() {
            assert_eq!(digest, expected, "{level}: input {place} of {}", inputs.len());
        }
    };
    run("8 emulated lanes", &|digests| in_lanes::<8>(EmulatedKernel, inputs, digests));
    run("16 emulated lanes", &|digests| in_lanes::<16>(EmulatedKernel, inputs, digests));
    let found = Features::detected();
    for features in [Features::PORTABLE, Features { avx512: false, ..found }, found] {
        run(&format!("{features:?}"), &|digests| digest_batch_with(features, inputs, digests));
    }
}

fn check_lengths(lengths: impl IntoIterator<Item = (usize, usize)>) {
    let messages: Vec<_> = (0..)
        .zip(lengths)
        .map(|(seed, (head, tail))| (bytes(2 * seed, head), bytes(2 * seed + 1, tail)))
        .collect();
    let inputs: Vec<_> = messages.iter().map(|(head, tail)| Parts { head, tail }).collect();
    check(&inputs);
}

#[test]
fn batches_of_every_size() {
    for count in 0..=40 {
        check_lengths((0..count).map(|_| (32, 256)));
    }
}

#[test]
fn every_length_of_head_and_tail_about_the_blocks() {
    let edges = [0, 1, 31, 32, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 200];
    check_lengths(edges.iter().flat_map(|head| (0..=200).map(move |tail| (*head, tail))));
}

/// A long message among short ones, at the front, in the middle and at the end of a window and past it.
#[test]
fn one_long_among_many_short() {
    for place in [0, 7, 8, 100, 254, 255, 256, 257, 299] {
        check_lengths((0..300).map(|i| (9, if i == place { 20_000 } else { i % 70 })));
    }
}

#[test]
fn lengths_of_all_kinds() {
    let lengths = bytes(9, 2 * 600);
    check_lengths(lengths.as_chunks().0.iter().map(|[a, b]| (usize::from(*a) / 2, usize::from(*b) * 9)));
    check_lengths((0..50).map(|i| (0, 50 * i)));
    check_lengths((0..50).map(|i| (0, 50 * (50 - i))));
}

/// Two messages left of sixteen lanes, one of eight: the point at which one chain takes over.
#[test]
fn the_last_ones_go_alone() {
    for long in 0..20 {
        check_lengths((0..20).map(|i| (32, if i < long { 3000 } else { 10 })));
    }
}

#[test]
fn a_batch_keeps_the_order() {
    let data = bytes(4, 1000);
    let messages: Vec<_> = (0..100).map(|i| &data[..(i * 379) % 1000]).collect();
    let expected: Vec<_> = messages.iter().map(|message| oracle(message)).collect();
    assert_eq!(digest_batch(&messages), expected);
    assert_eq!(digest_batch(&[]), [[0; 32]; 0]);
}

/// Batches of random size and lengths; with `SOGOV_SOAK` set, ten million messages.
#[test]
fn random_batches() {
    let batches: u64 = if std::env::var_os("SOGOV_SOAK").is_some() { 10_000_000 / 50 } else { 100 };
    for batch in 0..batches {
        let random = bytes(batch, 4 * 100);
        let count = 1 + usize::from(random[0]) % 99;
        let lengths = random.as_chunks().0.iter().skip(1).take(count);
        // Mostly about one block and two, where messages of lanes end apart.
        check_lengths(lengths.map(|[a, b, c, d]| {
            let tail = if *d < 8 { usize::from(*b) * 64 + usize::from(*c) } else { usize::from(*b) % 140 };
            (if *a < 128 { 32 } else { usize::from(*a) }, tail)
        }));
    }
}

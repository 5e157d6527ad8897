#![forbid(unsafe_code)]

use super::*;
use ::sm3::{Digest as _, Sm3};

pub fn oracle(data: &[u8]) -> Digest {
    Sm3::digest(data).into()
}

/// Bytes that follow from their number alone and repeat after a long time only.
pub fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut x = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    (0..length)
        .map(|_| {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            x.to_be_bytes()[0]
        })
        .collect()
}

/// GB/T 32905-2016, appendix A.
#[test]
fn the_standards_examples() {
    assert_eq!(text(&digest(b"abc")), "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
    assert_eq!(
        text(&digest(&b"abcd".repeat(16))),
        "sm3:debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    );
}

#[test]
fn every_short_length_and_some_long_ones() {
    let data = bytes(1, 5000);
    for length in (0..=1200).chain([2047, 2048, 2049, 4096, 4999, 5000]) {
        assert_eq!(digest(&data[..length]), oracle(&data[..length]), "{length} bytes");
    }
}

#[test]
fn parts_of_any_length_make_the_same_digest() {
    let data = bytes(2, 3000);
    let expected = oracle(&data);
    for step in (1..=200).chain([511, 512, 513, 1000, 2999]) {
        let mut hasher = Hasher::new();
        data.chunks(step).for_each(|part| hasher.update(part));
        hasher.update(&[]);
        assert_eq!(hasher.finish(), expected, "parts of {step} bytes");
    }
}

#[test]
fn a_clone_goes_its_own_way() {
    let mut hasher = Hasher::new();
    hasher.update(b"common");
    let mut other = hasher.clone();
    hasher.update(b" a");
    other.update(b" b");
    assert_eq!((hasher.finish(), other.finish()), (oracle(b"common a"), oracle(b"common b")));
}

#[test]
fn text_names_the_function() {
    assert!(text(&digest(b"abc")).starts_with("sm3:66c7f0f4"));
    assert_eq!(text(&[0; 32]).len(), 4 + 64);
}

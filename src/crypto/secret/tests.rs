//! What the check of constant time stands on, and functions that it has to find wrong.
#![forbid(unsafe_code)]

use super::{classify, valgrind};
use std::hint::black_box;

/// Whether every byte of `value` is secret in at least one bit; fails where valgrind is not there to know it.
pub(crate) fn is_secret<T>(value: &T) -> bool {
    assert!(valgrind::is_running(), "run by `make test-constant-time`");
    valgrind::undefined_bits(value).iter().all(|bits| *bits != 0)
}

#[test]
fn constant_time_hints_are_heard() {
    let mut secret = [7_u8; 32];
    assert!(!is_secret(&secret));
    classify(&mut secret);
    assert!(is_secret(&secret));
    assert!(is_secret(&secret.map(|byte| byte ^ 1)));
    let public = super::declassify(secret);
    assert!(!is_secret(&public));
    assert_eq!(public, [7; 32]);
}

/// valgrind has to fail this.
#[test]
fn leaky_branch() {
    let mut secret = [black_box(1_u8)];
    classify(&mut secret);
    if secret[0] & 1 == 1 {
        black_box(&secret);
    }
}

/// valgrind has to fail this.
#[test]
fn leaky_index() {
    let mut secret = [black_box(3_u8)];
    classify(&mut secret);
    black_box(black_box(&[1, 2, 3, 4, 5, 6, 7, 8])[usize::from(secret[0] & 7)]);
}

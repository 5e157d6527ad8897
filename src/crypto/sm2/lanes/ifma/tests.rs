//! The instructions against arrays, and the lanes' arithmetic on them. They need AVX-512 IFMA: `make test-avx512`.
#![forbid(unsafe_code)]

use super::*;
use crate::crypto::sm2::field::tests::check_laws;
use crate::crypto::sm2::lanes::portable::Portable;
use crate::crypto::sm2::lanes::tests::{check_representations, vector};

/// Whether the instructions are there; where they have to be, `make test-avx512` sets the variable.
fn available() -> bool {
    let found = Features::detected().ifma;
    assert!(found || std::env::var_os("SOGOV_TEST_IFMA").is_none(), "no AVX-512 IFMA");
    found
}

#[test]
fn laws_on_registers() {
    if available() {
        check_laws::<Fp8<Ifma>>(400);
    }
}

#[test]
fn every_representation_on_registers() {
    if available() {
        check_representations::<Ifma>();
    }
}

/// All operations on vectors of either kind, by name.
fn operations<V: Vector>(operands: [[u64; 8]; 3]) -> Vec<(&'static str, [u64; 8])> {
    let [a, b, c] = operands.map(vector::<V>);
    let rows: [[u64; 4]; 8] =
        std::array::from_fn(|row| [operands[0][row], operands[1][row], operands[2][row], row as u64]);
    let [word_0, word_1, word_2, word_3] = V::transpose(rows.each_ref()).map(V::store);
    let zeros = |v: V| [u64::from(v.zero_lanes()); 8];
    let vectors = [
        ("splat", V::splat(operands[0][3])),
        ("add", a.add(b)),
        ("sub", a.sub(b)),
        ("and", a.and(b)),
        ("or", a.or(b)),
        ("xor", a.xor(b)),
        ("shift_left 4", a.shift_left::<4>()),
        ("shift_left 40", a.shift_left::<40>()),
        ("shift_right 12", a.shift_right::<12>()),
        ("shift_right 48", a.shift_right::<48>()),
        ("shift_right_signed 52", a.shift_right_signed::<52>()),
        ("multiply_add_low", c.multiply_add_low(a, b)),
        ("multiply_add_high", c.multiply_add_high(a, b)),
        ("select", V::select(0b0110_1001, a, b)),
        ("select none", V::select(0, a, b)),
    ];
    let mut results: Vec<_> = vectors.map(|(name, v)| (name, v.store())).into();
    results.extend([("word 0", word_0), ("word 1", word_1), ("word 2", word_2), ("word 3", word_3)]);
    results.extend([("zeros", zeros(a)), ("zeros of difference", zeros(a.sub(b)))]);
    results
}

#[test]
fn instructions_do_as_arrays_do() {
    if !available() {
        return;
    }
    let edges =
        [0, 1, (1 << 52) - 1, 1 << 52, 1 << 51, u64::MAX, 1 << 63, 0x0123_4567_89ab_cdef, 0, 0xfff, 1 << 32];
    let octets: Vec<[u64; 8]> =
        (0..edges.len()).map(|start| std::array::from_fn(|i| edges[(start + i) % edges.len()])).collect();
    for x in &octets {
        for y in &octets {
            for z in [x, y, &octets[5]] {
                let operands = [*x, *y, *z];
                assert_eq!(operations::<Ifma>(operands), operations::<Portable>(operands), "{operands:x?}");
            }
        }
    }
}

//! The lanes' arithmetic on every representation that its invariant permits, for every instance of [`Vector`].
#![forbid(unsafe_code)]

use super::field::Fp8;
use super::portable::Portable;
use super::vector::Vector;
use super::*;
use crate::crypto::sm2::field::tests::{check_laws, samples};
use crate::crypto::sm2::field::{Field, Fp, P};
use crate::crypto::sm2::level;

const LIMB: u64 = (1 << 52) - 1;
/// The first value of the highest limb that the invariant excludes.
const TOP: u64 = 5 << 46;
/// p in limbs of 52 bits.
const P52: [u64; 5] = [
    LIMB,
    P[0] >> 52 | P[1] << 12 & LIMB,
    P[1] >> 40 | P[2] << 24 & LIMB,
    P[2] >> 28 | P[3] << 36 & LIMB,
    P[3] >> 16,
];

/// One element's limbs.
type Limbs52 = [u64; 5];

/// The vector with these lanes.
pub(super) fn vector<V: Vector>(lanes: [u64; 8]) -> V {
    let rows = lanes.map(|lane| [lane, 0, 0, 0]);
    V::transpose(rows.each_ref())[0]
}

fn elements<V: Vector>(lanes: &[Limbs52; 8]) -> Fp8<V> {
    Fp8(std::array::from_fn(|limb| vector(lanes.map(|lane| lane[limb]))))
}

/// The limbs of a lane, after a check that they keep to the invariant.
fn limbs<V: Vector>(elements: &Fp8<V>, lane: usize) -> Limbs52 {
    let limbs = elements.0.map(|limb| limb.store()[lane]);
    assert!(limbs.iter().all(|limb| *limb <= LIMB) && limbs[4] < TOP, "{limbs:x?}");
    limbs
}

/// The element that limbs represent, by a way that shares nothing with the lanes.
fn meaning(limbs: &Limbs52, unit: &Fp) -> Fp {
    let radix = Fp::reduced(&[1 << 52, 0, 0, 0]);
    let digits = limbs.iter().rev().map(|limb| Fp::reduced(&[*limb, 0, 0, 0]));
    digits.fold(Fp::ZERO, |sum, digit| sum.mul(&radix).add(&digit)).mul(unit)
}

/// 0, p, their neighbours, the greatest values of each limb, both forms of small values, and pseudo-random ones.
fn representations() -> Vec<Limbs52> {
    let mut found = vec![
        [0; 5],
        P52,
        [LIMB, LIMB, LIMB, LIMB, TOP - 1],
        [0, 0, 0, 0, TOP - 1],
        [0, 0, 0, 0, 1 << 48],
        [LIMB, LIMB, LIMB, LIMB, (1 << 48) - 1],
        [LIMB, LIMB, LIMB, LIMB, 0],
        [LIMB - 1, P52[1], P52[2], P52[3], P52[4]],
        [0, P52[1] + 1, P52[2], P52[3], P52[4]],
    ];
    for limb in 0..5 {
        for value in [1, 1 << 16, 1 << 44, 1 << 51, LIMB] {
            let mut one = [0; 5];
            one[limb] = value % if limb == 4 { TOP } else { 1 << 52 };
            found.push(one);
        }
    }
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    while found.len() % 8 != 0 || found.len() < 56 {
        let limbs: Limbs52 = std::array::from_fn(|limb| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            if limb == 4 { state % TOP } else { state & LIMB }
        });
        found.push(limbs);
    }
    found
}

/// All operations on all pairs of representations.
pub(super) fn check_representations<V: Vector>() {
    let representations = representations();
    let unit = Fp::reduced(&[0, 0, 0, 1 << 32]).mul(&Fp::reduced(&[1 << 36, 0, 0, 0])).invert();
    let octets: Vec<[Limbs52; 8]> =
        representations.chunks(8).map(|octet| octet.try_into().unwrap()).collect();
    for left in &octets {
        let a = elements::<V>(left);
        let meant = left.map(|limbs| meaning(&limbs, &unit));
        let (square, inverse, zeros) = (a.square(), a.invert(), a.zero_lanes());
        for lane in 0..8 {
            let x = meant[lane];
            assert_eq!(a.lane(lane), x, "{:x?}", left[lane]);
            assert_eq!(meaning(&limbs(&square, lane), &unit), x.square(), "{:x?}", left[lane]);
            assert_eq!(meaning(&limbs(&inverse, lane), &unit), x.invert(), "{:x?}", left[lane]);
            assert_eq!(zeros >> lane & 1 == 1, x.is_zero(), "{:x?}", left[lane]);
        }
        // Every representation on the right meets every one on the left: each octet is turned through all lanes.
        for (mut right, turn) in octets.iter().flat_map(|octet| (0..8).map(|turn| (*octet, turn))) {
            right.rotate_left(turn);
            let b = elements::<V>(&right);
            let (sum, difference, product) = (a.add(&b), a.sub(&b), a.mul(&b));
            let fused = [
                a.mul_sub(&a, &b),
                a.square_sub([&b]),
                a.square_sub([&b, &b]),
                a.square_sub([&b, &b, &b]),
                Fp8::mul_sub_mul([&a, &a], [&b, &b]),
                Fp8::mul_sub_square([&a, &a], &b),
                Fp8::mul_sub_square([&b, &b], &a),
                a.triple(),
            ];
            for lane in 0..8 {
                let (x, y) = (meant[lane], meaning(&right[lane], &unit));
                let what = || format!("{:x?} and {:x?}", left[lane], right[lane]);
                assert_eq!(meaning(&limbs(&sum, lane), &unit), x.add(&y), "sum of {}", what());
                assert_eq!(meaning(&limbs(&difference, lane), &unit), x.sub(&y), "difference of {}", what());
                assert_eq!(meaning(&limbs(&product, lane), &unit), x.mul(&y), "product of {}", what());
                let square = x.square();
                let expected = [
                    square.sub(&y),
                    square.sub(&y),
                    square.sub(&y).sub(&y),
                    square.sub(&y).sub(&y).sub(&y),
                    square.sub(&y.square()),
                    square.sub(&y.square()),
                    y.square().sub(&square),
                    x.add(&x).add(&x),
                ];
                let found = fused.map(|result| meaning(&limbs(&result, lane), &unit));
                assert_eq!(found, expected, "fused operations of {}", what());
            }
        }
    }
}

#[test]
fn laws_on_arrays() {
    check_laws::<Fp8<Portable>>(2000);
}

#[test]
fn every_representation_on_arrays() {
    check_representations::<Portable>();
}

/// A chain in which each result is the next operand, long enough for limbs and values to drift if they could.
struct Chain<'a>(&'a [Fp]);

impl Work for Chain<'_> {
    type Output = Vec<Fp>;

    #[inline(always)]
    fn run<F: Field>(self) -> Vec<Fp> {
        let mut x = F::gather(|lane| &self.0[lane]);
        let mut y = F::gather(|lane| &self.0[8 + lane]);
        let one = F::splat(&Fp::ONE);
        for _ in 0..200 {
            let square = x.square();
            let difference = square.sub(&y).sub(&x).sub(&x).sub(&y);
            y = x.sub(&difference).mul(&y).add(&one).add(&x).add(&x);
            x = F::select(0b1010_1011 | difference.zero_lanes(), &difference, &y);
        }
        (0..F::LANES).map(|lane| x.lane(lane)).collect()
    }
}

/// With the instructions where the machine has them.
#[test]
fn a_long_chain() {
    for window in samples(64).windows(16) {
        let expected = Chain(window).run::<Fp8<Portable>>();
        assert_eq!(expected[0], level::one(Chain(window))[0]);
        if let Ok(found) = run(Chain(window)) {
            assert_eq!(found, expected);
        }
    }
}

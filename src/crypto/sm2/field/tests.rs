//! For every implementation of [`Field`] that the machine runs: the laws of a field, and equality with the formally
//! verified arithmetic of `fiat-crypto`, on random and edge-biased elements. The reduction, whose source serves limbs of
//! any width, is tried on every input of four 8-bit limbs.
#![forbid(unsafe_code)]

use std::iter;

use fiat_crypto::sm2_64 as fiat;
use fiat_crypto::sm2_64::fiat_sm2_montgomery_domain_field_element as Montgomery;
use fiat_crypto::sm2_64::fiat_sm2_non_montgomery_domain_field_element as Integer;

use super::*;

/// Elements at the edges of limbs and of the modulus, and pseudo-random ones; the Montgomery forms are what is biased.
pub(in crate::crypto::sm2) fn samples(count: usize) -> Vec<Fp> {
    elements().take(count).collect()
}

fn elements() -> impl Iterator<Item = Fp> {
    let limbs = [0, 1, 2, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX];
    let edges = [limbs.as_slice(), &P, &R, &R2].concat();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut limb = move || {
        let random = next();
        if random & 1 == 0 { edges[usize::try_from(random >> 1).unwrap() % edges.len()] } else { next() }
    };
    let biased = iter::repeat_with(move || match limb() & 15 {
        0 => [P[0] - 1 - (limb() >> 56), P[1], P[2], P[3]],
        1 => [limb(), limb(), P[2], P[3]],
        2 => [limb(), 0, 0, 0],
        _ => [limb(), limb(), limb(), limb()],
    });
    let first = [[0; 4], R, [P[0] - 1, P[1], P[2], P[3]]];
    first.into_iter().chain(biased).filter(|limbs| limbs::sub(limbs, &P).1).map(Fp::from_montgomery)
}

fn soak() -> bool {
    std::env::var_os("SOGOV_SOAK").is_some()
}

/// Checks the implementation `F` against integers modulo p as `Fp` computes them and against the laws of a field.
pub(in crate::crypto::sm2) fn check_laws<F: Field>(count: usize) {
    let samples = samples(count);
    for (i, window) in samples.windows(F::LANES + 2).enumerate() {
        let lane = |shift: usize| move |lane: usize| &window[lane + shift];
        let (a, b, c) = (F::gather(lane(0)), F::gather(lane(1)), F::gather(lane(2)));
        for (l, element) in window.iter().enumerate().take(F::LANES) {
            assert_eq!(a.lane(l), *element, "lane {l} of sample {i}");
            assert_eq!(a.add(&b).lane(l), window[l].add(&window[l + 1]), "{i}");
            assert_eq!(a.sub(&b).lane(l), window[l].sub(&window[l + 1]), "{i}");
            assert_eq!(a.mul(&b).lane(l), window[l].mul(&window[l + 1]), "{i}");
            assert_eq!(a.square().lane(l), window[l].square(), "{i}");
            assert_eq!(a.mul_sub(&b, &c).lane(l), a.mul(&b).sub(&c).lane(l), "{i}");
            assert_eq!(a.square_sub([&b]).lane(l), a.square().sub(&b).lane(l), "{i}");
            assert_eq!(a.square_sub([&b, &c, &c]).lane(l), a.square().sub(&b).sub(&c).sub(&c).lane(l), "{i}");
            assert_eq!(F::mul_sub_mul([&a, &b], [&b, &c]).lane(l), a.sub(&c).mul(&b).lane(l), "{i}");
            assert_eq!(a.add(&b).mul(&c).lane(l), a.mul(&c).add(&b.mul(&c)).lane(l), "{i}");
            assert_eq!(a.sub(&b).sub(&a).add(&b).lane(l), Fp::ZERO, "{i}");
            assert_eq!(a.sub(&a).zero_lanes() >> l & 1, 1, "{i}");
            assert_eq!(a.zero_lanes() >> l & 1 == 1, window[l].is_zero(), "{i}");
            let chosen = F::select(0b0101_0101, &a, &b).lane(l);
            assert_eq!(chosen, if l % 2 == 0 { window[l] } else { window[l + 1] }, "{i}");
        }
        if i % 64 == 0 {
            let product = a.mul(&a.invert());
            for (l, element) in window.iter().enumerate().take(F::LANES) {
                let expected = if element.is_zero() { Fp::ZERO } else { Fp::ONE };
                assert_eq!(product.lane(l), expected, "{i}");
            }
        }
    }
}

/// Checks the implementation `F` against `fiat-crypto`, in each of its lanes.
pub(in crate::crypto::sm2) fn check_against_verified<F: Field>() {
    let verified = |function: fn(&mut Montgomery, &Montgomery, &Montgomery), a: &Fp, b: &Fp| {
        let mut result = Montgomery([0; 4]);
        function(&mut result, &Montgomery(a.0), &Montgomery(b.0));
        Fp(result.0)
    };
    let cases = if soak() { 10_000_000 } else { 200_000 };
    let mut elements = elements();
    for _ in 0..cases / F::LANES {
        let mut lanes = || -> Vec<Fp> { elements.by_ref().take(F::LANES).collect() };
        let (a, b) = (lanes(), lanes());
        let (fa, fb) = (F::gather(|l| &a[l]), F::gather(|l| &b[l]));
        let (product, square, sum, difference) = (fa.mul(&fb), fa.square(), fa.add(&fb), fa.sub(&fb));
        for (l, (a, b)) in a.iter().zip(&b).enumerate() {
            assert_eq!(product.lane(l), verified(fiat::fiat_sm2_mul, a, b), "{a:x?} * {b:x?}");
            let squared = verified(|result, a, _| fiat::fiat_sm2_square(result, a), a, a);
            assert_eq!(square.lane(l), squared, "{a:x?} squared");
            assert_eq!(sum.lane(l), verified(fiat::fiat_sm2_add, a, b), "{a:x?} + {b:x?}");
            assert_eq!(difference.lane(l), verified(fiat::fiat_sm2_sub, a, b), "{a:x?} - {b:x?}");
        }
    }
}

#[test]
fn one_element() {
    check_laws::<Fp>(2000);
    check_against_verified::<Fp>();
}

#[cfg(target_arch = "x86_64")]
#[test]
fn one_element_with_adx() {
    if crate::crypto::cpu::Features::detected().adx {
        check_laws::<adx::Adx>(2000);
        check_against_verified::<adx::Adx>();
    }
}

#[test]
fn montgomery_forms_and_opposites_are_the_verified_ones() {
    for a in elements().take(if soak() { 10_000_000 } else { 200_000 }) {
        let mut integer = Integer([0; 4]);
        fiat::fiat_sm2_from_montgomery(&mut integer, &Montgomery(a.0));
        assert_eq!(a.to_integer(), integer.0, "{a:x?}");
        let (mut form, mut opposite) = (Montgomery([0; 4]), Montgomery([0; 4]));
        fiat::fiat_sm2_to_montgomery(&mut form, &Integer(a.0));
        assert_eq!(Fp::reduced(&a.0).0, form.0, "{a:x?}");
        fiat::fiat_sm2_opp(&mut opposite, &Montgomery(a.0));
        assert_eq!(a.negate().0, opposite.0, "{a:x?}");
    }
}

/// The same source with w = 2^8 and h = 2^4. All 2^32 inputs take half a minute; without the soak, the highest limb,
/// which enters one subtraction alone, takes only the values about which that borrows.
#[test]
fn the_reduction_is_exact_for_every_input_of_8_bit_limbs() {
    reduction!(u8, 4);
    const P: u64 = (1 << 32) - (1 << 28) - (1 << 12) + (1 << 8) - 1;
    // -1/p modulo w².
    const INVERSE: u64 = (1 << 16) - (1 << 12) + (1 << 8) + 1;
    const { assert!(P.wrapping_mul(INVERSE) & 0xffff == 0xffff) };
    let check = |low: u32, highest: u8| {
        let t = low | u32::from(highest) << 24;
        let m = u64::from(t).wrapping_mul(INVERSE) & 0xffff;
        let expected = (u64::from(t) + m * P) >> 16;
        let result = u32::from_le_bytes(clear_two_limbs(&t.to_le_bytes()));
        assert_eq!(u64::from(result), expected, "{t:#x}");
        result
    };
    for low in 0..1 << 24 {
        if soak() {
            for highest in 0..=u8::MAX {
                check(low, highest);
            }
        } else {
            // With 0 there, the limb of the result is the subtrahend's opposite.
            let subtrahend = check(low, 0).to_le_bytes()[1].wrapping_neg();
            for highest in [subtrahend, subtrahend.wrapping_sub(1), u8::MAX] {
                check(low, highest);
            }
        }
    }
}

#[test]
fn integers_and_bytes() {
    let mut p = limbs::to_be_bytes(&P);
    assert!(Fp::from_be_bytes(&p).is_none());
    p[31] -= 1;
    assert_eq!(Fp::from_be_bytes(&p).unwrap().to_be_bytes(), p);
    assert!(Fp::from_be_bytes(&[0xff; 32]).is_none());
    assert_eq!(Fp::from_integer(&[1, 0, 0, 0]).unwrap(), Fp::ONE);
    for a in samples(200) {
        assert_eq!(Fp::from_be_bytes(&a.to_be_bytes()), Some(a));
        assert!(a.add(&a.negate()).is_zero());
    }
}

#[test]
fn roots_of_squares_and_of_nothing_else() {
    let minus_one = Fp::ONE.negate();
    assert_eq!(minus_one.sqrt(), None);
    for a in samples(200) {
        let root = a.square().sqrt().unwrap();
        assert!(root == a || root == a.negate());
        assert!(a.is_zero() || a.square().mul(&minus_one).sqrt().is_none());
    }
}

//! Arithmetic modulo p on eight elements at once.
//!
//! An element a is held as a·2^260 modulo p (Montgomery form) in five limbs of 52 bits, the width that the
//! multiplications of AVX-512 IFMA take. What the modulus gives: with C = 2^44 - 2^12,
//!
//! > p = -1 - C·2^52 + 16·C·2^208.
//!
//! So the multiple of p that clears a limb m is m·p itself, and m·p needs the one product m·C.
#![forbid(unsafe_code)]

use super::vector::Vector;
use crate::crypto::sm2::field::{Field, Fp, P, Row};
use crate::crypto::sm2::limbs;

/// Eight elements; limb k of lane l is lane l of vector k.
///
/// In every lane the limbs are below 2^52 (the multiplications ignore higher bits) and the value is below
/// 5/4·2^256, which is less than 2p. Every operation takes such values and returns such values.
#[derive(Clone, Copy)]
pub(super) struct Fp8<V>(pub(super) [V; 5]);

const LIMB: u64 = (1 << 52) - 1;
const C: u64 = (1 << 44) - (1 << 12);
/// The limbs of p.
const P52: [u64; 5] = [LIMB, LIMB - C, LIMB, LIMB, 16 * C - 1];

/// 1/16 in the form of [`Fp`]: the factor from 2^260 to 2^256.
const SIXTEENTH: Fp = Fp::from_montgomery([0, 0, 0, 1 << 60]);

impl<V: Vector> Field for Fp8<V> {
    const LANES: usize = 8;

    #[inline(always)]
    fn gather<'a>(source: impl Fn(usize) -> &'a Fp) -> Self {
        let rows = [source(0), source(1), source(2), source(3), source(4), source(5), source(6), source(7)];
        Self::of_words(&V::transpose(rows.map(Fp::as_montgomery)))
    }

    #[inline(always)]
    fn splat(element: &Fp) -> Self {
        Self::gather(|_| element)
    }

    #[inline(always)]
    fn lane(&self, lane: usize) -> Fp {
        one_element(&self.stored(), lane)
    }

    #[inline(always)]
    fn choose<const N: usize>([one, other]: [&Row<N>; 2], columns: &[u64; 8]) -> [Self; 2] {
        let columns = V::load(columns);
        let [a, b, c, d] = one.limbs();
        let one = [columns.choose(a), columns.choose(b), columns.choose(c), columns.choose(d)];
        let [a, b, c, d] = other.limbs();
        let other = [columns.choose(a), columns.choose(b), columns.choose(c), columns.choose(d)];
        [Self::of_words(&one), Self::of_words(&other)]
    }

    /// The sum is below 5/2·2^256, so the fold leaves less than 2^256 + 2^210 + 2·2^224.
    #[inline(always)]
    fn add(&self, other: &Self) -> Self {
        let (a, b) = (&self.0, &other.0);
        carry(fold([a[0].add(b[0]), a[1].add(b[1]), a[2].add(b[2]), a[3].add(b[3]), a[4].add(b[4])]))
    }

    #[inline(always)]
    fn sub(&self, other: &Self) -> Self {
        less_each(self.0, [other])
    }

    #[inline(always)]
    fn mul(&self, other: &Self) -> Self {
        carry(montgomery_reduce(product(&self.0, &other.0)))
    }

    #[inline(always)]
    fn square(&self) -> Self {
        carry(montgomery_reduce(square(&self.0)))
    }

    #[inline(always)]
    fn mul_sub(&self, other: &Self, less: &Self) -> Self {
        less_each(montgomery_reduce(product(&self.0, &other.0)), [less])
    }

    #[inline(always)]
    fn square_sub<const N: usize>(&self, less: [&Self; N]) -> Self {
        less_each(montgomery_reduce(square(&self.0)), less)
    }

    /// The difference of the products is reduced at once; p makes up for its sign.
    #[inline(always)]
    fn mul_sub_mul([a, b]: [&Self; 2], [c, d]: [&Self; 2]) -> Self {
        less_each(montgomery_reduce(difference(product(&a.0, &b.0), &product(&c.0, &d.0))), [])
    }

    #[inline(always)]
    fn mul_sub_square([a, b]: [&Self; 2], c: &Self) -> Self {
        less_each(montgomery_reduce(difference(product(&a.0, &b.0), &square(&c.0))), [])
    }

    /// Three times is below 15/4·2^256, so the fold leaves less than 2^256 + 2^210 + 3·2^224.
    #[inline(always)]
    fn triple(&self) -> Self {
        let a = &self.0;
        carry(fold([
            a[0].add(a[0]).add(a[0]),
            a[1].add(a[1]).add(a[1]),
            a[2].add(a[2]).add(a[2]),
            a[3].add(a[3]).add(a[3]),
            a[4].add(a[4]).add(a[4]),
        ]))
    }

    /// One inversion for all lanes (Montgomery 1987): that of their product, unfolded lane by lane.
    #[inline(always)]
    fn invert(&self) -> Self {
        let limbs = self.stored();
        let inverses = inverses(&std::array::from_fn(|lane| one_element(&limbs, lane)));
        Self::gather(|lane| &inverses[lane & 7])
    }

    /// Values below 2p that are 0 modulo p: 0 and p.
    #[inline(always)]
    fn zero_lanes(&self) -> u8 {
        let a = &self.0;
        let zero = a[0].or(a[1]).or(a[2]).or(a[3]).or(a[4]);
        let p = [V::splat(P52[0]), V::splat(P52[1]), V::splat(P52[2]), V::splat(P52[3]), V::splat(P52[4])];
        let off_p =
            a[0].xor(p[0]).or(a[1].xor(p[1])).or(a[2].xor(p[2])).or(a[3].xor(p[3])).or(a[4].xor(p[4]));
        zero.zero_lanes() | off_p.zero_lanes()
    }

    #[inline(always)]
    fn select(lanes: u8, yes: &Self, no: &Self) -> Self {
        let (yes, no) = (&yes.0, &no.0);
        Self([
            V::select(lanes, yes[0], no[0]),
            V::select(lanes, yes[1], no[1]),
            V::select(lanes, yes[2], no[2]),
            V::select(lanes, yes[3], no[3]),
            V::select(lanes, yes[4], no[4]),
        ])
    }
}

impl<V: Vector> Fp8<V> {
    /// The elements with these Montgomery forms, by words of 64 bits.
    ///
    /// a·2^260 is sixteen times a·2^256: another way to cut it into limbs, and less of its multiples of p. It is below
    /// 2^260, so the fold leaves less than 2^256 + 15·2^224.
    #[inline(always)]
    fn of_words(words: &[V; 4]) -> Self {
        carry(fold(sliced_times_16(words)))
    }

    /// The limbs in memory: lane l of limb k.
    #[inline(always)]
    fn stored(&self) -> [[u64; 8]; 5] {
        let a = &self.0;
        [a[0].store(), a[1].store(), a[2].store(), a[3].store(), a[4].store()]
    }
}

/// a·b in limbs of up to 9·2^52.
#[inline(always)]
fn product<V: Vector>(a: &[V; 5], b: &[V; 5]) -> [V; 10] {
    let mut t = [V::splat(0); 10];
    for i in 0..5 {
        for j in 0..5 {
            t[i + j] = t[i + j].multiply_add_low(a[i], b[j]);
            t[i + j + 1] = t[i + j + 1].multiply_add_high(a[i], b[j]);
        }
    }
    t
}

/// a² in limbs of up to 9·2^52: the products of different limbs once, doubled.
#[inline(always)]
fn square<V: Vector>(a: &[V; 5]) -> [V; 10] {
    let mut t = [V::splat(0); 10];
    for i in 0..5 {
        for j in i + 1..5 {
            t[i + j] = t[i + j].multiply_add_low(a[i], a[j]);
            t[i + j + 1] = t[i + j + 1].multiply_add_high(a[i], a[j]);
        }
    }
    for limb in &mut t[1..9] {
        *limb = limb.add(*limb);
    }
    for i in 0..5 {
        t[2 * i] = t[2 * i].multiply_add_low(a[i], a[i]);
        t[2 * i + 1] = t[2 * i + 1].multiply_add_high(a[i], a[i]);
    }
    t
}

/// t - less, limb by limb.
#[inline(always)]
fn difference<V: Vector>(mut t: [V; 10], less: &[V; 10]) -> [V; 10] {
    for i in 0..10 {
        t[i] = t[i].sub(less[i]);
    }
    t
}

/// t/2^260 modulo p, by adding a multiple of p that is below 2^260·p; for limbs t of up to 2^56 in size, and t at most
/// (5/4·2^256)² in size. So the result is less than p + 1/8·2^256 and, for t not negative, not negative; for any t it
/// is more than -1/8·2^256. Its limbs are below 2^58 in size.
///
/// Limb by limb from the lowest: m·p for a limb m takes it away and m·C from the next one, and adds 16·m·C to the
/// fourth one up. The high half of m·C belongs one limb higher, where the low half of the next m·C joins it: `s`.
/// Limbs may become negative on the way, so what they carry is rounded down.
#[inline(always)]
fn montgomery_reduce<V: Vector>(mut t: [V; 10]) -> [V; 5] {
    let c = V::splat(C);
    let mut high = V::splat(0);
    for i in 0..5 {
        let m = t[i].and(V::splat(LIMB));
        let s = high.multiply_add_low(m, c);
        high = V::splat(0).multiply_add_high(m, c);
        t[i + 1] = t[i + 1].add(t[i].shift_right_signed::<52>()).sub(s);
        t[i + 4] = t[i + 4].add(s.shift_left::<4>());
    }
    t[6] = t[6].sub(high);
    t[9] = t[9].add(high.shift_left::<4>());
    [t[5], t[6], t[7], t[8], t[9]]
}

/// `limbs`, those of an element or of a result of [`montgomery_reduce`], less the elements of `less`, at most three.
///
/// Each is below 5/4·2^256; (N + 1)·p = -(N + 1) - (N + 1)·C·2^52 + 16·(N + 1)·C·2^208 keeps the value above
/// 2^253 and, with at most 4p + 5/4·2^256, below 6·2^256. The lower limbs come to less than 2^215 in size, so that the
/// highest one is positive and the fold, which takes nothing or adds 2^224 and more, leaves nothing negative and less
/// than 2^256 + 6·2^224.
#[inline(always)]
fn less_each<V: Vector, const N: usize>(mut limbs: [V; 5], less: [&Fp8<V>; N]) -> Fp8<V> {
    const { assert!(N <= 3) };
    for element in less {
        for (limb, subtrahend) in limbs.iter_mut().zip(element.0) {
            *limb = limb.sub(subtrahend);
        }
    }
    let [a0, a1, a2, a3, a4] = limbs;
    let multiple = N as u64 + 1;
    let (a0, a1) = (a0.sub(V::splat(multiple)), a1.sub(V::splat(multiple * C)));
    carry(fold([a0, a1, a2, a3, a4.add(V::splat(multiple * 16 * C))]))
}

/// Takes q·p away, where q is what the highest limb holds from 2^256 on: q·2^256 there, and
/// q·(2^256 - p) = q + q·C·2^52 + q·2^16·2^208 is added. For a highest limb that is not negative and below 2^52.
#[inline(always)]
fn fold<V: Vector>(limbs: [V; 5]) -> [V; 5] {
    let [a0, a1, a2, a3, a4] = limbs;
    let q = a4.shift_right::<48>();
    let below = a4.and(V::splat((1 << 48) - 1));
    [a0.add(q), a1.multiply_add_low(q, V::splat(C)), a2, a3, below.add(q.shift_left::<16>())]
}

/// Brings the limbs, which may be negative, into 52 bits; the value must not be negative.
#[inline(always)]
fn carry<V: Vector>(limbs: [V; 5]) -> Fp8<V> {
    let [a0, a1, a2, a3, a4] = limbs;
    let mask = V::splat(LIMB);
    let a1 = a1.add(a0.shift_right_signed::<52>());
    let a2 = a2.add(a1.shift_right_signed::<52>());
    let a3 = a3.add(a2.shift_right_signed::<52>());
    let a4 = a4.add(a3.shift_right_signed::<52>());
    Fp8([a0.and(mask), a1.and(mask), a2.and(mask), a3.and(mask), a4])
}

/// 16 times the integers of four words of 64 bits as five limbs.
#[inline(always)]
fn sliced_times_16<V: Vector>(words: &[V; 4]) -> [V; 5] {
    let mask = V::splat(LIMB);
    [
        words[0].shift_left::<4>().and(mask),
        words[0].shift_right::<48>().or(words[1].shift_left::<16>()).and(mask),
        words[1].shift_right::<36>().or(words[2].shift_left::<28>()).and(mask),
        words[2].shift_right::<24>().or(words[3].shift_left::<40>()).and(mask),
        words[3].shift_right::<12>(),
    ]
}

/// The element in a lane of these limbs.
#[inline(always)]
fn one_element(limbs: &[[u64; 8]; 5], lane: usize) -> Fp {
    let [a0, a1, a2, a3, a4] = limbs.map(|limb| limb[lane & 7]);
    let words = [a0 | a1 << 52, a1 >> 12 | a2 << 40, a2 >> 24 | a3 << 28, a3 >> 36 | a4 << 16];
    let (less, borrow) = limbs::sub(&words, &P);
    // Below p if the subtraction borrowed and there was no bit of 2^256 to borrow from.
    let keep = std::hint::black_box(0u64.wrapping_sub(u64::from(borrow) & !(a4 >> 48)));
    Fp::from_montgomery(limbs::select(keep, &words, &less)).mul(&SIXTEENTH)
}

/// 1/a of each element, 0 of 0.
fn inverses(elements: &[Fp; 8]) -> [Fp; 8] {
    let factors = elements.map(|element| Fp::select(element.zero_lanes(), &Fp::ONE, &element));
    let mut below = [Fp::ONE; 8];
    for lane in 1..8 {
        below[lane] = below[lane - 1].mul(&factors[lane - 1]);
    }
    let mut inverse = below[7].mul(&factors[7]).invert();
    let mut found = [Fp::ZERO; 8];
    for lane in (0..8).rev() {
        found[lane] = Fp::select(elements[lane].zero_lanes(), &Fp::ZERO, &inverse.mul(&below[lane]));
        inverse = inverse.mul(&factors[lane]);
    }
    found
}

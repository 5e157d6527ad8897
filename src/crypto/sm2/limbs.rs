//! Integers below 2^256 as four limbs of 64 bits, the least significant one first.
//!
//! Everything here takes the same time for all values.
#![forbid(unsafe_code)]

/// Four limbs, the least significant one first.
pub(super) type Limbs = [u64; 4];

/// The integer with these big-endian bytes.
#[inline]
pub(super) const fn from_be_bytes(bytes: &[u8; 32]) -> Limbs {
    let mut limbs = [0; 4];
    let mut i = 0;
    while i < 32 {
        limbs[3 - i / 8] = limbs[3 - i / 8] << 8 | bytes[i] as u64;
        i += 1;
    }
    limbs
}

/// The integer's big-endian bytes.
#[inline]
pub(super) fn to_be_bytes(limbs: &Limbs) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (chunk, limb) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(limbs.iter().rev()) {
        *chunk = limb.to_be_bytes();
    }
    bytes
}

/// a + b and the carry.
#[inline(always)]
pub(super) fn add(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let (r0, c) = a[0].carrying_add(b[0], false);
    let (r1, c) = a[1].carrying_add(b[1], c);
    let (r2, c) = a[2].carrying_add(b[2], c);
    let (r3, c) = a[3].carrying_add(b[3], c);
    ([r0, r1, r2, r3], c)
}

/// a - b and the borrow.
#[inline(always)]
pub(super) fn sub(a: &Limbs, b: &Limbs) -> (Limbs, bool) {
    let (r0, c) = a[0].borrowing_sub(b[0], false);
    let (r1, c) = a[1].borrowing_sub(b[1], c);
    let (r2, c) = a[2].borrowing_sub(b[2], c);
    let (r3, c) = a[3].borrowing_sub(b[3], c);
    ([r0, r1, r2, r3], c)
}

/// `a` where `mask` is all ones, `b` where it is zero.
#[inline(always)]
pub(super) fn select(mask: u64, a: &Limbs, b: &Limbs) -> Limbs {
    [
        b[0] ^ (mask & (a[0] ^ b[0])),
        b[1] ^ (mask & (a[1] ^ b[1])),
        b[2] ^ (mask & (a[2] ^ b[2])),
        b[3] ^ (mask & (a[3] ^ b[3])),
    ]
}

/// `limbs` AND `mask`.
#[inline(always)]
pub(super) fn and(limbs: &Limbs, mask: u64) -> Limbs {
    [limbs[0] & mask, limbs[1] & mask, limbs[2] & mask, limbs[3] & mask]
}

/// All ones for true, zero for false.
///
/// The barrier keeps the compiler from turning what is selected by the mask into a branch.
#[inline(always)]
pub(super) fn mask(condition: bool) -> u64 {
    std::hint::black_box(0u64.wrapping_sub(u64::from(condition)))
}

/// Whether all limbs are zero.
#[inline(always)]
pub(super) fn is_zero(limbs: &Limbs) -> bool {
    limbs[0] | limbs[1] | limbs[2] | limbs[3] == 0
}

/// a·b as eight limbs.
#[inline(always)]
pub(super) fn widening_mul(a: &Limbs, b: &Limbs) -> [u64; 8] {
    let [r0, t1, t2, t3, t4] = row(a[0], b);
    let [s0, s1, s2, s3, s4] = row(a[1], b);
    let ([r1, t2, t3, t4], c) = add(&[t1, t2, t3, t4], &[s0, s1, s2, s3]);
    let t5 = s4 + u64::from(c);
    let [s0, s1, s2, s3, s4] = row(a[2], b);
    let ([r2, t3, t4, t5], c) = add(&[t2, t3, t4, t5], &[s0, s1, s2, s3]);
    let t6 = s4 + u64::from(c);
    let [s0, s1, s2, s3, s4] = row(a[3], b);
    let ([r3, r4, r5, r6], c) = add(&[t3, t4, t5, t6], &[s0, s1, s2, s3]);
    [r0, r1, r2, r3, r4, r5, r6, s4 + u64::from(c)]
}

/// a·b as five limbs. The products come first, then one chain of carries: compilers make the most of that.
#[inline(always)]
fn row(a: u64, b: &Limbs) -> [u64; 5] {
    let (l0, h0) = a.carrying_mul(b[0], 0);
    let (l1, h1) = a.carrying_mul(b[1], 0);
    let (l2, h2) = a.carrying_mul(b[2], 0);
    let (l3, h3) = a.carrying_mul(b[3], 0);
    let (r1, c) = l1.carrying_add(h0, false);
    let (r2, c) = l2.carrying_add(h1, c);
    let (r3, c) = l3.carrying_add(h2, c);
    [l0, r1, r2, r3, h3 + u64::from(c)]
}

/// a² as eight limbs: the products of different limbs once, doubled.
#[inline(always)]
pub(super) fn widening_square(a: &Limbs) -> [u64; 8] {
    let (r1, c) = a[0].carrying_mul(a[1], 0);
    let (r2, c) = a[0].carrying_mul(a[2], c);
    let (r3, r4) = a[0].carrying_mul(a[3], c);
    let (r3, c) = a[1].carrying_mul_add(a[2], r3, 0);
    let (r4, r5) = a[1].carrying_mul_add(a[3], r4, c);
    let (r5, r6) = a[2].carrying_mul_add(a[3], r5, 0);
    let r7 = r6 >> 63;
    let r6 = r6 << 1 | r5 >> 63;
    let r5 = r5 << 1 | r4 >> 63;
    let r4 = r4 << 1 | r3 >> 63;
    let r3 = r3 << 1 | r2 >> 63;
    let r2 = r2 << 1 | r1 >> 63;
    let r1 = r1 << 1;
    let (r0, h0) = a[0].carrying_mul(a[0], 0);
    let (l1, h1) = a[1].carrying_mul(a[1], 0);
    let (l2, h2) = a[2].carrying_mul(a[2], 0);
    let (l3, h3) = a[3].carrying_mul(a[3], 0);
    let (r1, c) = r1.carrying_add(h0, false);
    let (r2, c) = r2.carrying_add(l1, c);
    let (r3, c) = r3.carrying_add(h1, c);
    let (r4, c) = r4.carrying_add(l2, c);
    let (r5, c) = r5.carrying_add(h2, c);
    let (r6, c) = r6.carrying_add(l3, c);
    // The square is below 2^512, so nothing is carried out of the last limb.
    let (r7, _) = r7.carrying_add(h3, c);
    [r0, r1, r2, r3, r4, r5, r6, r7]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_limbs() {
        let bytes = std::array::from_fn(|i| u8::try_from(i).unwrap());
        let limbs = from_be_bytes(&bytes);
        assert_eq!(limbs[3], 0x0001_0203_0405_0607);
        assert_eq!(to_be_bytes(&limbs), bytes);
    }

    #[test]
    fn squares_are_products() {
        for a in [[0; 4], [u64::MAX; 4], [1, 2, 3, 4], [u64::MAX, 0, u64::MAX, 1 << 63], [0, 0, 0, u64::MAX]]
        {
            assert_eq!(widening_square(&a), widening_mul(&a, &a), "{a:x?}");
        }
    }
}

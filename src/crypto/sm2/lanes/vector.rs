//! What the lanes' arithmetic needs of vectors.
#![forbid(unsafe_code)]

/// Eight lanes of 64 bits; each operation works on every lane by itself and modulo 2^64.
pub(super) trait Vector: Copy {
    fn splat(value: u64) -> Self;
    /// Words 0 to 3 of eight rows: the lane l of vector w is word w of row l.
    fn transpose(rows: [&[u64; 4]; 8]) -> [Self; 4];
    fn load(lanes: &[u64; 8]) -> Self;
    fn store(self) -> [u64; 8];

    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    /// The lanes shifted towards the higher bits.
    fn shift_left<const BITS: u32>(self) -> Self;
    /// The lanes as unsigned integers shifted towards the lower bits.
    fn shift_right<const BITS: u32>(self) -> Self;
    /// The lanes as signed integers shifted towards the lower bits, rounding down.
    fn shift_right_signed<const BITS: u32>(self) -> Self;

    /// self + the low 52 bits of the product of the low 52 bits of `a` and `b`.
    fn multiply_add_low(self, a: Self, b: Self) -> Self;
    /// self + the high 52 bits of the product of the low 52 bits of `a` and `b`.
    fn multiply_add_high(self, a: Self, b: Self) -> Self;

    /// The lanes that are zero, one bit each, lane 0 in the lowest.
    fn zero_lanes(self) -> u8;
    /// For each lane the word of `table` at the index that the lane is, below N, a multiple of 16; in constant time.
    fn choose<const N: usize>(self, table: &[u64; N]) -> Self;
    /// `yes` in the lanes of `lanes`, `no` in the others.
    fn select(lanes: u8, yes: Self, no: Self) -> Self;
}

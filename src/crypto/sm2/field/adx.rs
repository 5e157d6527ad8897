//! [`Fp`] with the instructions of BMI2 and ADX: a multiplication that leaves the flags alone (`mulx`), and two chains of
//! carries side by side (`adcx` in the carry flag, `adox` in the overflow flag). For why see Ozturk et al., "New
//! Instructions Supporting Large Integer Arithmetic on Intel Architecture Processors" (Intel, 2012).
//!
//! The compiler emits neither chains of carries through a product nor sums that go on where a carry ended, so these are
//! written out. No kernel has a branch or an address that depends on an element.
#![allow(unsafe_code)]

use std::arch::asm;

use super::super::limbs::Limbs;
use super::{Field, Fp, P, Row};
use crate::crypto::cpu::Features;

/// [`Fp`] on a processor with BMI2 and ADX: whoever chooses this type has seen `Features::adx`. Elsewhere the first
/// multiplication ends the process with an illegal instruction; memory is safe all the same.
#[derive(Clone, Copy, Debug)]
#[repr(transparent)]
pub(in crate::crypto::sm2) struct Adx(Fp);

impl Field for Adx {
    const LANES: usize = 1;

    #[inline(always)]
    fn gather<'a>(source: impl Fn(usize) -> &'a Fp) -> Self {
        Self(*source(0))
    }

    #[inline(always)]
    fn splat(element: &Fp) -> Self {
        Self(*element)
    }

    #[inline(always)]
    fn lane(&self, _lane: usize) -> Fp {
        self.0
    }

    #[inline(always)]
    fn choose<const N: usize>(rows: [&Row<N>; 2], columns: &[u64; 8]) -> [Self; 2] {
        if Features::get().avx2 {
            // SAFETY: the processor has AVX2.
            return unsafe { choose_with_avx2(rows, columns) }.map(Self);
        }
        Fp::choose(rows, columns).map(Self)
    }

    #[inline(always)]
    fn add(&self, other: &Self) -> Self {
        Self(Fp(add(&self.0.0, &other.0.0)))
    }

    #[inline(always)]
    fn sub(&self, other: &Self) -> Self {
        Self(Fp(sub(&self.0.0, &other.0.0)))
    }

    #[inline(always)]
    fn mul(&self, other: &Self) -> Self {
        Self(Fp(mul(&self.0.0, &other.0.0)))
    }

    #[inline(always)]
    fn square(&self) -> Self {
        Self(Fp(square(&self.0.0)))
    }

    fn invert(&self) -> Self {
        Self(self.0.invert())
    }

    #[inline(always)]
    fn zero_lanes(&self) -> u8 {
        self.0.zero_lanes()
    }

    #[inline(always)]
    fn select(lanes: u8, yes: &Self, no: &Self) -> Self {
        Self(Fp::select(lanes, &yes.0, &no.0))
    }
}

/// Compiled for vectors twice as wide.
#[target_feature(enable = "avx2")]
fn choose_with_avx2<const N: usize>(rows: [&Row<N>; 2], columns: &[u64; 8]) -> [Fp; 2] {
    Fp::choose(rows, columns)
}

/// Adds a times the limb at `$offset` of b to the limbs `$t0` to `$t3`, of which it is the first that it reaches; `$t4` is
/// new. The lower halves of the products go by the carry flag, the upper ones by the overflow flag.
#[rustfmt::skip]
macro_rules! add_row {
    ($offset:literal, $t0:literal, $t1:literal, $t2:literal, $t3:literal, $t4:literal) => {
        concat!(
            "mov rdx, [{b} + ", $offset, "]\n",
            "xor {lo:e}, {lo:e}\n", // clears both flags
            "mulx {hi}, {lo}, [{a}]\n",
            "adcx {", $t0, "}, {lo}\n",
            "adox {", $t1, "}, {hi}\n",
            "mulx {hi}, {lo}, [{a} + 8]\n",
            "adcx {", $t1, "}, {lo}\n",
            "adox {", $t2, "}, {hi}\n",
            "mulx {hi}, {lo}, [{a} + 16]\n",
            "adcx {", $t2, "}, {lo}\n",
            "adox {", $t3, "}, {hi}\n",
            "mulx {", $t4, "}, {lo}, [{a} + 24]\n",
            "adcx {", $t3, "}, {lo}\n",
            "mov {lo:e}, 0\n",
            "adox {", $t4, "}, {lo}\n",
            "adc {", $t4, "}, 0\n",
        )
    };
}

/// Montgomery's reduction of the eight limbs `$t0` to `$t7` to the limbs `$t0` to `$t3`, as in `montgomery_reduce`.
#[rustfmt::skip]
macro_rules! reduce {
    ($x:literal, $y:literal) => {
        reduce!("t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", $x, $y)
    };
    ($t0:literal, $t1:literal, $t2:literal, $t3:literal, $t4:literal, $t5:literal, $t6:literal, $t7:literal,
     $x:literal, $y:literal) => {
        concat!(
            clear_two_limbs!($t0, $t1, $t2, $t3, $x, $y),
            clear_two_limbs!($t2, $t3, $t0, $t1, $x, $y),
            // The upper half plus 2^256 - p = (1, 2^32 - 1, 0, 2^32). This does not wait for the lower half.
            "mov {hi}, {", $t4, "}\n",
            "mov rdx, {", $t5, "}\n",
            "mov {", $x, "}, {", $t6, "}\n",
            "mov {", $y, "}, {", $t7, "}\n",
            "mov {lo:e}, 0xffffffff\n",
            "add {hi}, 1\n",
            "adc rdx, {lo}\n",
            "lea {lo}, [{lo} + 1]\n",
            "adc {", $x, "}, 0\n",
            "adc {", $y, "}, {lo}\n",
            // Both sums with the lower half. The second carries if the first is not below p.
            "add {", $t4, "}, {", $t0, "}\n",
            "adc {", $t5, "}, {", $t1, "}\n",
            "adc {", $t6, "}, {", $t2, "}\n",
            "adc {", $t7, "}, {", $t3, "}\n",
            "add {", $t0, "}, {hi}\n",
            "adc {", $t1, "}, rdx\n",
            "adc {", $t2, "}, {", $x, "}\n",
            "adc {", $t3, "}, {", $y, "}\n",
            "cmovnc {", $t0, "}, {", $t4, "}\n",
            "cmovnc {", $t1, "}, {", $t5, "}\n",
            "cmovnc {", $t2, "}, {", $t6, "}\n",
            "cmovnc {", $t3, "}, {", $t7, "}\n",
        )
    };
}

/// The function `clear_two_limbs`, instruction by instruction: the limbs 4 and 5 take the place of `$m0` and `$m1`.
#[rustfmt::skip]
macro_rules! clear_two_limbs {
    ($m0:literal, $m1:literal, $t2:literal, $t3:literal, $low1:literal, $high1:literal) => {
        concat!(
            // {lo} = low0, {hi} = high0; m1, and in rdx high0 with what it borrows.
            "mov {lo}, {", $m0, "}\n",
            "mov {hi}, {", $m0, "}\n",
            "shl {lo}, 32\n",
            "shr {hi}, 32\n",
            "add {", $m1, "}, {", $m0, "}\n",
            "mov rdx, {hi}\n",
            "sbb rdx, 0\n",
            "sub {", $m1, "}, {lo}\n",
            "adc rdx, 0\n",
            // r2, and in rdx low0 with high1 and what r2 borrows.
            "mov {", $low1, "}, {", $m1, "}\n",
            "mov {", $high1, "}, {", $m1, "}\n",
            "shl {", $low1, "}, 32\n",
            "shr {", $high1, "}, 32\n",
            "add {hi}, {", $low1, "}\n",
            "add {", $low1, "}, rdx\n",
            "add {", $t2, "}, {", $m1, "}\n",
            "mov rdx, {", $high1, "}\n",
            "sbb rdx, 0\n",
            "sub {", $t2, "}, {", $low1, "}\n",
            "adc rdx, {lo}\n",
            // r3, r4, r5.
            "sub {", $t3, "}, rdx\n",
            "sbb {", $m0, "}, {hi}\n",
            "sbb {", $m1, "}, {", $high1, "}\n",
        )
    };
}

/// a·b/2^256 mod p for a, b < p: the product, row by row, then its reduction.
#[inline(always)]
fn mul(a: &Limbs, b: &Limbs) -> Limbs {
    let (r0, r1, r2, r3);
    // SAFETY: it reads the four limbs of a and of b, and writes nothing but the registers that it names.
    unsafe {
        asm!(
            // t = a·b[0].
            "mov rdx, [{b}]",
            "mulx {t1}, {t0}, [{a}]",
            "mulx {t2}, {lo}, [{a} + 8]",
            "add {t1}, {lo}",
            "mulx {t3}, {lo}, [{a} + 16]",
            "adc {t2}, {lo}",
            "mulx {t4}, {lo}, [{a} + 24]",
            "adc {t3}, {lo}",
            "adc {t4}, 0",
            add_row!("8", "t1", "t2", "t3", "t4", "t5"),
            add_row!("16", "t2", "t3", "t4", "t5", "t6"),
            add_row!("24", "t3", "t4", "t5", "t6", "t7"),
            // From here the registers of the addresses serve for intermediate values.
            reduce!("a", "b"),
            a = inout(reg) a => _,
            b = inout(reg) b => _,
            t0 = out(reg) r0,
            t1 = out(reg) r1,
            t2 = out(reg) r2,
            t3 = out(reg) r3,
            t4 = out(reg) _,
            t5 = out(reg) _,
            t6 = out(reg) _,
            t7 = out(reg) _,
            lo = out(reg) _,
            hi = out(reg) _,
            out("rdx") _,
            options(pure, readonly, nostack),
        );
    }
    [r0, r1, r2, r3]
}

/// a²/2^256 mod p for a < p: the six products of different limbs, then twice these and the four squares in two chains.
/// The limbs come in registers, since squarings follow one another and a way through memory costs seven cycles.
#[inline(always)]
fn square(a: &Limbs) -> Limbs {
    let (r0, r1, r2, r3);
    // SAFETY: it computes in the registers that it names.
    unsafe {
        asm!(
            // a[0]·(a[1], a[2], a[3]) in the limbs 1 to 4.
            "mov rdx, {a0}",
            "mulx {t2}, {t1}, {a1}",
            "mulx {t3}, {lo}, {a2}",
            "add {t2}, {lo}",
            "mulx {t4}, {lo}, {a3}",
            "adc {t3}, {lo}",
            "adc {t4}, 0",
            // a[2]·a[3] in the limbs 5 and 6, a[1]·a[2] added in 3 and 4, a[1]·a[3] in 4 and 5.
            "mov rdx, {a2}",
            "mulx {t6}, {t5}, {a3}",
            "xor {lo:e}, {lo:e}", // clears both flags
            "mulx {hi}, {lo}, {a1}",
            "mov rdx, {a3}",
            "adcx {t3}, {lo}",
            "adox {t4}, {hi}",
            "mulx {hi}, {lo}, {a1}",
            "adcx {t4}, {lo}",
            "adox {t5}, {hi}",
            "mov {lo:e}, 0",
            "adox {t6}, {lo}",
            "adcx {t5}, {lo}",
            "adc {t6}, 0",
            // Doubled in the carry flag's chain, with the squares added in the overflow flag's. a[0] gives way to limb
            // 0, a[3] to limb 7.
            "mov rdx, {a0}",
            "xor {lo:e}, {lo:e}",
            "mulx {hi}, {a0}, rdx",
            "adcx {t1}, {t1}",
            "adox {t1}, {hi}",
            "mov rdx, {a1}",
            "mulx {hi}, {lo}, rdx",
            "adcx {t2}, {t2}",
            "adox {t2}, {lo}",
            "adcx {t3}, {t3}",
            "adox {t3}, {hi}",
            "mov rdx, {a2}",
            "mulx {hi}, {lo}, rdx",
            "adcx {t4}, {t4}",
            "adox {t4}, {lo}",
            "adcx {t5}, {t5}",
            "adox {t5}, {hi}",
            "mov rdx, {a3}",
            "mulx {a3}, {lo}, rdx",
            "adcx {t6}, {t6}",
            "adox {t6}, {lo}",
            "mov {lo:e}, 0",
            "adox {a3}, {lo}",
            "adc {a3}, 0",
            reduce!("a0", "t1", "t2", "t3", "t4", "t5", "t6", "a3", "a1", "a2"),
            a0 = inout(reg) a[0] => r0,
            a1 = inout(reg) a[1] => _,
            a2 = inout(reg) a[2] => _,
            a3 = inout(reg) a[3] => _,
            t1 = out(reg) r1,
            t2 = out(reg) r2,
            t3 = out(reg) r3,
            t4 = out(reg) _,
            t5 = out(reg) _,
            t6 = out(reg) _,
            lo = out(reg) _,
            hi = out(reg) _,
            out("rdx") _,
            options(pure, nomem, nostack),
        );
    }
    [r0, r1, r2, r3]
}

/// a + b mod p for a, b < p.
#[inline(always)]
fn add(a: &Limbs, b: &Limbs) -> Limbs {
    let [mut r0, mut r1, mut r2, mut r3] = *a;
    // SAFETY: it computes in the registers that it names.
    unsafe {
        asm!(
            // The sum, of five limbs.
            "xor {c:e}, {c:e}",
            "add {r0}, {b0}",
            "adc {r1}, {b1}",
            "adc {r2}, {b2}",
            "adc {r3}, {b3}",
            "adc {c}, 0",
            // Less p; the sum itself, where that is below 0.
            "mov {b0}, {r0}",
            "mov {b1}, {r1}",
            "mov {b2}, {r2}",
            "mov {b3}, {r3}",
            "sub {r0}, -1",
            "sbb {r1}, {p1}",
            "sbb {r2}, -1",
            "sbb {r3}, {p3}",
            "sbb {c}, 0",
            "cmovc {r0}, {b0}",
            "cmovc {r1}, {b1}",
            "cmovc {r2}, {b2}",
            "cmovc {r3}, {b3}",
            r0 = inout(reg) r0,
            r1 = inout(reg) r1,
            r2 = inout(reg) r2,
            r3 = inout(reg) r3,
            b0 = inout(reg) b[0] => _,
            b1 = inout(reg) b[1] => _,
            b2 = inout(reg) b[2] => _,
            b3 = inout(reg) b[3] => _,
            p1 = in(reg) P[1],
            p3 = in(reg) P[3],
            c = out(reg) _,
            options(pure, nomem, nostack),
        );
    }
    [r0, r1, r2, r3]
}

/// a - b mod p for a, b < p.
#[inline(always)]
fn sub(a: &Limbs, b: &Limbs) -> Limbs {
    let [mut r0, mut r1, mut r2, mut r3] = *a;
    // SAFETY: it computes in the registers that it names.
    unsafe {
        asm!(
            "sub {r0}, {b0}",
            "sbb {r1}, {b1}",
            "sbb {r2}, {b2}",
            "sbb {r3}, {b3}",
            // p = (m, m·2^32, m, m·2^32 + m) with m = -1; 0 with m = 0.
            "sbb {m}, {m}",
            "mov {m1}, {m}",
            "shl {m1}, 32",
            "lea {m3}, [{m} + {m1}]",
            "add {r0}, {m}",
            "adc {r1}, {m1}",
            "adc {r2}, {m}",
            "adc {r3}, {m3}",
            r0 = inout(reg) r0,
            r1 = inout(reg) r1,
            r2 = inout(reg) r2,
            r3 = inout(reg) r3,
            b0 = in(reg) b[0],
            b1 = in(reg) b[1],
            b2 = in(reg) b[2],
            b3 = in(reg) b[3],
            m = out(reg) _,
            m1 = out(reg) _,
            m3 = out(reg) _,
            options(pure, nomem, nostack),
        );
    }
    [r0, r1, r2, r3]
}

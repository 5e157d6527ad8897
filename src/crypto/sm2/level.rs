//! Which implementation of [`Field`] does a piece of work: the fastest that the processor has.
#![forbid(unsafe_code)]

#[cfg(target_arch = "x86_64")]
use super::field::adx::Adx;
use super::field::{Field, Fp};
use super::lanes;
use super::point::Affine;
use super::table::Table;
use crate::crypto::cpu::Features;

/// Work that any implementation of [`Field`] can do.
pub(super) trait Work {
    type Output;

    /// Does it by `F`. Implementations are marked `#[inline(always)]`, as is all that they call and that computes: code
    /// is compiled for the instructions of the level only where it is inlined into it.
    fn run<F: Field>(self) -> Self::Output;
}

/// Does work on one element at a time.
pub(super) fn one<W: Work>(work: W) -> W::Output {
    #[cfg(target_arch = "x86_64")]
    if Features::get().adx {
        return work.run::<Adx>();
    }
    work.run::<Fp>()
}

/// Does work on many elements side by side.
pub(super) fn many<W: Work>(work: W) -> W::Output {
    lanes::run(work).unwrap_or_else(one)
}

/// The table of a point with windows of `width` bits.
pub(super) fn table(point: &Affine, width: u32) -> Table {
    struct Make<'a>(&'a Affine, u32);
    impl Work for Make<'_> {
        type Output = Table;

        #[inline(always)]
        fn run<F: Field>(self) -> Table {
            Table::new::<F>(self.0, self.1)
        }
    }
    many(Make(point, width))
}

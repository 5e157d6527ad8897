//! Eight field elements side by side, one in each 64-bit lane of 512-bit registers, multiplied by AVX-512 IFMA.
//!
//! The arithmetic ([`field`]) is written once over [`vector::Vector`]; [`ifma`] runs it on the processor's registers
//! and [`portable`] on arrays, so that the same source is tested on every machine.
#![deny(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "operations are to become instructions of the function that does the work"
)]

#[cfg(test)]
mod emulated;
mod field;
#[cfg(target_arch = "x86_64")]
mod ifma;
#[cfg(test)]
mod portable;
mod vector;

#[cfg(test)]
pub(super) use emulated::Emulated;

use super::level::Work;
use crate::crypto::cpu::Features;

/// Does `work` in eight lanes; gives it back if AVX-512 IFMA is not there or not to be used.
pub(super) fn run<W: Work>(work: W) -> Result<W::Output, W> {
    #[cfg(target_arch = "x86_64")]
    if Features::get().ifma {
        return ifma::run(work);
    }
    Err(work)
}

#[cfg(test)]
mod tests;

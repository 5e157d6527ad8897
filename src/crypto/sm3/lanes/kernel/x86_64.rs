//! The kernels of x86-64: each is proof that its instructions are there.
#![allow(unsafe_code)]

use super::super::super::compress::Block;
use super::super::super::vector::{avx2::Avx2, avx512::Avx512};
use super::{Kernel, States, compress};
use crate::crypto::cpu::Features;
use std::arch::is_x86_feature_detected as has;

/// Eight chains with AVX2.
#[derive(Clone, Copy, Debug)]
pub struct Avx2Kernel(());

impl Avx2Kernel {
    /// The kernel, where the processor has what it needs and `features` permit it.
    pub fn new(features: Features) -> Option<Self> {
        (features.avx2 && has!("avx2")).then_some(Self(()))
    }
}

impl Kernel<8> for Avx2Kernel {
    fn compress(self, states: &mut States<8>, runs: &[&[Block]; 8], count: usize) {
        // SAFETY: `new` found AVX2.
        unsafe { compress_avx2(states, runs, count) }
    }
}

#[target_feature(enable = "avx2")]
fn compress_avx2(states: &mut States<8>, runs: &[&[Block]; 8], count: usize) {
    compress::<8, Avx2>(states, runs, count);
}

/// Sixteen chains with AVX-512.
#[derive(Clone, Copy, Debug)]
pub struct Avx512Kernel(());

impl Avx512Kernel {
    /// The kernel, where the processor has what it needs and `features` permit it.
    pub fn new(features: Features) -> Option<Self> {
        (features.avx512 && has!("avx512f") && has!("avx512bw")).then_some(Self(()))
    }
}

impl Kernel<16> for Avx512Kernel {
    fn compress(self, states: &mut States<16>, runs: &[&[Block]; 16], count: usize) {
        // SAFETY: `new` found AVX-512 F and BW.
        unsafe { compress_avx512(states, runs, count) }
    }
}

#[target_feature(enable = "avx512f,avx512bw")]
fn compress_avx512(states: &mut States<16>, runs: &[&[Block]; 16], count: usize) {
    compress::<16, Avx512>(states, runs, count);
}

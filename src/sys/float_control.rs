//! The floating-point control word of a thread.
//!
//! A plugin linked with `-ffast-math` sets flush-to-zero in the thread that loads it, and the host's arithmetic there
//! changes for good.

/// Runs `body` and puts this thread's control word (rounding, flush-to-zero, masked exceptions) back afterwards.
pub fn preserved<R>(body: impl FnOnce() -> R) -> R {
    let before = control_word::read();
    let result = body();
    control_word::write(before);
    result
}

#[cfg(target_arch = "x86_64")]
mod control_word {
    use std::arch::asm;

    pub(super) fn read() -> u32 {
        let mut mxcsr = 0_u32;
        // SAFETY: stores four bytes into `mxcsr`; every x86-64 processor has the instruction.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
        mxcsr
    }

    pub(super) fn write(mxcsr: u32) {
        // SAFETY: loads a value that `read` took from the same register on the same thread.
        unsafe {
            asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags, readonly));
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod control_word {
    use std::arch::asm;

    pub(super) fn read() -> u64 {
        let fpcr: u64;
        // SAFETY: reads a register that user code may read.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack, preserves_flags)) };
        fpcr
    }

    pub(super) fn write(fpcr: u64) {
        // SAFETY: writes a value that `read` took from the same register on the same thread.
        unsafe { asm!("msr fpcr, {}", in(reg) fpcr, options(nomem, nostack, preserves_flags)) };
    }
}

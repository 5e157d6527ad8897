//! Random numbers: from the operating system, and a cheap stream per thread for draws that guard nothing.

use crate::error::{Error, Result};
use std::cell::Cell;

/// 64 bits from the operating system's generator.
pub fn system_u64() -> Result<u64> {
    let mut bytes = [0_u8; 8];
    // SAFETY: the pointer and the length are those of `bytes`.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // A request of at most 256 bytes is never cut short once the pool is ready (getrandom(2)).
    if usize::try_from(got) == Ok(bytes.len()) {
        Ok(u64::from_ne_bytes(bytes))
    } else {
        Err(Error::io("getrandom", &std::io::Error::last_os_error()))
    }
}

/// The next number of this thread's stream (xorshift64*, seeded by the system). For weighted draws, never for keys.
pub fn draw() -> u64 {
    thread_local! { static STATE: Cell<u64> = const { Cell::new(0) } }
    STATE.with(|state| {
        let mut x = state.get();
        if x == 0 {
            // Without a system generator the address of the cell still tells threads apart.
            x = system_u64().unwrap_or(std::ptr::from_ref(state).addr() as u64) | 1;
        }
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        state.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

//! Counts messages that are signed and verified: one of them takes some microseconds, so its record must be next to
//! nothing. Each thread counts in a line of memory that it mostly has for itself; nobody waits for anybody.
#![forbid(unsafe_code)]

use crate::journal::Detail;
use crate::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const STRIPES: usize = 64;

/// Counters on cache lines of their own.
#[repr(align(128))]
struct Stripe {
    signed: AtomicU64,
    verified: AtomicU64,
    refused: AtomicU64,
}

static COUNTS: [Stripe; STRIPES] =
    [const { Stripe { signed: AtomicU64::new(0), verified: AtomicU64::new(0), refused: AtomicU64::new(0) } };
        STRIPES];

/// What the records of this process have told already.
static TOLD: Mutex<Counts> = Mutex::new(Counts { signed: 0, verified: 0, refused: 0 });

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    signed: u64,
    verified: u64,
    refused: u64,
}

/// Counts messages that were signed.
#[inline]
pub fn count_signed(count: usize) {
    if let Some(stripe) = stripe() {
        stripe.signed.fetch_add(count as u64, Ordering::Relaxed);
    }
}

/// Counts signatures that were verified, the right ones and the others.
#[inline]
pub fn count_verified(right: usize, wrong: usize) {
    if let Some(stripe) = stripe() {
        if right > 0 {
            stripe.verified.fetch_add(right as u64, Ordering::Relaxed);
        }
        if wrong > 0 {
            stripe.refused.fetch_add(wrong as u64, Ordering::Relaxed);
        }
    }
}

/// Hands what was counted since the last time to `record`; where that fails it is told the next time.
pub(super) fn tell<E>(record: impl FnOnce(Detail) -> Result<(), E>) -> Result<(), E> {
    let mut told = TOLD.lock();
    let now = sum();
    if now == *told {
        return Ok(());
    }
    record(Detail::Counts {
        signed: now.signed.wrapping_sub(told.signed),
        verified: now.verified.wrapping_sub(told.verified),
        refused: now.refused.wrapping_sub(told.refused),
    })?;
    *told = now;
    Ok(())
}

fn stripe() -> Option<&'static Stripe> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % STRIPES;
    }
    // A thread that is ending has no place of its own any more.
    COUNTS.get(OWN.try_with(|own| *own).unwrap_or_default())
}

fn sum() -> Counts {
    COUNTS.iter().fold(Counts::default(), |sum, stripe| Counts {
        signed: sum.signed.wrapping_add(stripe.signed.load(Ordering::Relaxed)),
        verified: sum.verified.wrapping_add(stripe.verified.load(Ordering::Relaxed)),
        refused: sum.refused.wrapping_add(stripe.refused.load(Ordering::Relaxed)),
    })
}

//! How often a version was called and how often it failed.
#![forbid(unsafe_code)]

use super::lease::{Outcome, SLOTS_OF_A_THREAD};
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts are striped so that threads do not share a line.
const STRIPES: usize = 16;

/// The counts of one version.
#[derive(Debug, Default)]
pub(super) struct Counts([Stripe; STRIPES]);

#[repr(align(128))]
#[derive(Debug, Default)]
struct Stripe {
    calls: AtomicU64,
    failures: AtomicU64,
}

impl Counts {
    /// Counts how the calls under a lease went, on the stripe that its ticket falls to.
    #[inline]
    pub(super) fn add(&self, ticket: u64, outcome: Outcome) {
        // A thread takes its leases from neighbouring slots, whose numbers are in the tickets' lower bits.
        let place = ticket / SLOTS_OF_A_THREAD as u64 % STRIPES as u64;
        let Some(stripe) = usize::try_from(place).ok().and_then(|place| self.0.get(place)) else {
            return;
        };
        if outcome != Outcome::Neutral {
            stripe.calls.fetch_add(1, Ordering::Relaxed);
        }
        if outcome == Outcome::Failure {
            stripe.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Calls and failures.
    pub(super) fn totals(&self) -> (u64, u64) {
        (self.calls(), self.failures())
    }

    /// Leases released with success or failure.
    pub(super) fn calls(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.calls.load(Ordering::Relaxed)).sum()
    }

    /// Leases released with failure.
    pub(super) fn failures(&self) -> u64 {
        self.0.iter().map(|stripe| stripe.failures.load(Ordering::Relaxed)).sum()
    }

    /// Begins again at zero, for the next version of the same number.
    pub(super) fn reset(&self) {
        for stripe in &self.0 {
            stripe.calls.store(0, Ordering::Relaxed);
            stripe.failures.store(0, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_a_call_and_neutral_outcomes_are_none() {
        let counts = Counts::default();
        for ticket in 0..40 {
            counts.add(ticket, Outcome::Success);
            counts.add(u64::MAX - ticket, Outcome::Failure);
            counts.add(ticket, Outcome::Neutral);
        }
        assert_eq!((counts.calls(), counts.failures()), (80, 40));
        counts.reset();
        assert_eq!((counts.calls(), counts.failures()), (0, 0));
    }
}

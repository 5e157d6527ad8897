//! The breaker of a version: outcomes in, and the decision whether requests may reach the version.
//!
//! ```text
//! closed ──too many failures──▶ open ──after its time, one request──▶ probing ──success──▶ closed
//!                                 ▲───────────────failure──────────────┘  └─ lost: the next request probes
//! ```
//!
//! Each change of phase is one compare-and-swap of a word with a generation in it. A lease carries the word that it was
//! admitted under; what it says at its release counts only if the generation is still the same, so late results of an
//! older one are dropped. In a healthy version neither admission nor outcome writes anything that threads share: the
//! ring of outcomes is full of successes, and one more changes nothing.
//!
//! The idea is Nygard's ("Release It!", 2007); that permits must expire and results carry a generation was learned by
//! others the hard way (resilience4j, issues 903 and 935).
#![forbid(unsafe_code)]

mod interval;
mod ring;

use super::lease::{Note, Outcome};
use super::sync::{AtomicU64, Ordering};
use crate::route::BreakerRules;
use interval::Interval;
use ring::Ring;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The breaker of one version number. All zero is a closed one that counts nothing.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// Read by every request; written when the phase changes.
    word: AtomicU64,
    /// When the phase ends, in milliseconds of [`now`]: an open one by letting a probe through, a probing one by giving
    /// the probe up.
    until: AtomicU64,
    opened: AtomicU64,
    rules: Rules,
    failures: Ring,
    slow: Ring,
    interval: Interval,
}

/// Where a breaker stands.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Requests reach the version.
    Closed = 0,
    /// They do not.
    Open = 1,
    /// One of them does, to see whether the version has recovered.
    Probing = 2,
    /// The version crashed and serves no more in this process.
    Quarantined = 3,
}

/// What is known of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerReport {
    /// Where it stands.
    pub phase: Phase,
    /// How often it opened.
    pub opened: u64,
    /// How long it stays open; zero when it is not.
    pub remaining: Duration,
}

/// Whether a request may reach the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It may; the note goes into its lease.
    Admitted(Note),
    /// It may, as a probe.
    Probe(Note),
    /// It may not.
    Refused,
}

/// A change of phase that an outcome has brought about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Too many failures: requests do not reach the version from now on.
    Opened,
    /// The probes succeeded: they do again.
    Closed,
    /// A probe failed: they do not, for the whole time again.
    Reopened,
    /// Its time is over: a request was let through as a probe.
    Probing,
}

/// The word: the phase below, then marks, the probes that succeeded, and the generation on top.
const PHASE: u64 = 0b11;
const CLOSED: u64 = 0;
const OPEN: u64 = 1;
/// A probe is out.
const PROBING: u64 = 2;
/// The next request is a probe: the one before succeeded and is not enough, or was given back without an outcome.
const PROBE_NEXT: u64 = 3;
/// Outcomes count.
const COUNTING: u64 = 1 << 2;
/// The time that calls take counts, so it is looked at when they begin.
const TIMED: u64 = 1 << 3;
const QUARANTINED: u64 = 1 << 4;
const SUCCEEDED: u32 = 8;
const SUCCEEDED_MASK: u64 = 0xff << SUCCEEDED;
const GENERATION: u32 = 32;

impl Breaker {
    /// Whether a request may reach the version now.
    #[inline]
    pub(super) fn admit(&self) -> Admission {
        let word = self.word.load(Ordering::Acquire);
        if word & (PHASE | TIMED | QUARANTINED) == CLOSED {
            return Admission::Admitted(Note([word, 0]));
        }
        self.admit_at(word, now())
    }

    /// The note for a request that is let through because all is well; `None` otherwise, also where a probe would be due.
    pub(super) fn admit_healthy(&self) -> Option<Note> {
        let word = self.word.load(Ordering::Acquire);
        (word & (PHASE | QUARANTINED) == CLOSED).then(|| note(word, now()))
    }

    #[cold]
    fn admit_at(&self, word: u64, now: Duration) -> Admission {
        if word & QUARANTINED != 0 {
            return Admission::Refused;
        }
        if word & PHASE == CLOSED {
            return Admission::Admitted(note(word, now));
        }
        if word & PHASE != PROBE_NEXT && millis(now) < self.until.load(Ordering::Acquire) {
            return Admission::Refused;
        }
        let permit = (next(word) & !PHASE) | PROBING;
        // Before the word, so that whoever sees the probe sees its deadline.
        let deadline = millis(now).saturating_add(self.rules.probe_lease_ms.load(Ordering::Relaxed));
        let until = self.until.swap(deadline, Ordering::AcqRel);
        if self.word.compare_exchange(word, permit, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            return Admission::Probe(note(permit, now));
        }
        // Another request took the permit, or the breaker changed: its time counts. Where the two crossed, the worst is a
        // probe too early or too late by a lease.
        let _ =
            self.until.compare_exchange(deadline, until.max(deadline), Ordering::AcqRel, Ordering::Relaxed);
        Admission::Refused
    }

    /// Takes the outcome of a call that was admitted with `note`. `totals` are the calls and failures of the version so
    /// far, with this one.
    #[inline]
    pub(super) fn record(
        &self,
        note: Note,
        outcome: Outcome,
        totals: impl FnOnce() -> (u64, u64),
    ) -> Option<Change> {
        let Note([admitted, began]) = note;
        if admitted & COUNTING == 0 {
            return None;
        }
        let window = self.rules.window.load(Ordering::Relaxed);
        let healthy = admitted & (PHASE | TIMED) == CLOSED && outcome == Outcome::Success;
        if healthy && self.failures.is_clean(generation(admitted), window) {
            return None;
        }
        self.record_slowly(admitted, began, outcome, totals)
    }

    #[cold]
    fn record_slowly(
        &self,
        admitted: u64,
        began: u64,
        outcome: Outcome,
        totals: impl FnOnce() -> (u64, u64),
    ) -> Option<Change> {
        if generation(self.word.load(Ordering::Acquire)) != generation(admitted) {
            return None;
        }
        match (admitted & PHASE, outcome) {
            (PROBING, Outcome::Success) => self.probe_succeeded(admitted),
            (PROBING, Outcome::Failure) => self.open(admitted).then_some(Change::Reopened),
            (PROBING, Outcome::Neutral) => {
                self.step(admitted, (next(admitted) & !PHASE) | PROBE_NEXT);
                None
            }
            (CLOSED, Outcome::Success | Outcome::Failure) => {
                let failed = outcome == Outcome::Failure;
                let broken = self.has_failed_too_often(admitted, began, failed, totals);
                (broken && self.open(admitted)).then_some(Change::Opened)
            }
            _ => None,
        }
    }

    fn has_failed_too_often(
        &self,
        admitted: u64,
        began: u64,
        failed: bool,
        totals: impl FnOnce() -> (u64, u64),
    ) -> bool {
        let rules = &self.rules;
        let window = rules.window.load(Ordering::Relaxed);
        let outcomes = self.failures.push(generation(admitted), window, failed);
        let mut broken = outcomes.is_at_least(rules.failures.load(Ordering::Relaxed), window)
            || outcomes.newest_in_a_row(rules.consecutive.load(Ordering::Relaxed));
        if admitted & TIMED != 0 {
            let slow = millis(now()).saturating_sub(began) >= rules.slow_ms.load(Ordering::Relaxed);
            let times = self.slow.push(generation(admitted), window, slow);
            broken |= times.is_at_least(rules.slow.load(Ordering::Relaxed), window);
        }
        let interval = rules.interval_ms.load(Ordering::Relaxed);
        if failed && interval > 0 {
            let least = rules.min_calls.load(Ordering::Relaxed);
            let share = self.interval.failures_of(totals(), millis(now()), interval, least);
            broken |= share.is_some_and(|share| share >= rules.interval_failures.load(Ordering::Relaxed));
        }
        broken
    }

    fn probe_succeeded(&self, admitted: u64) -> Option<Change> {
        let succeeded = ((admitted & SUCCEEDED_MASK) >> SUCCEEDED) + 1;
        if succeeded < self.rules.probes.load(Ordering::Relaxed) {
            let again = (next(admitted) & !(PHASE | SUCCEEDED_MASK)) | PROBE_NEXT | succeeded << SUCCEEDED;
            self.step(admitted, again);
            return None;
        }
        let closed = next(admitted) & !(PHASE | SUCCEEDED_MASK);
        self.step(admitted, closed).then_some(Change::Closed)
    }

    /// Opens it, unless somebody changed it meanwhile.
    fn open(&self, from: u64) -> bool {
        let open_ms = self.rules.open_ms.load(Ordering::Relaxed);
        self.until.store(millis(now()).saturating_add(open_ms), Ordering::Release);
        let opened = self.step(from, (next(from) & !(PHASE | SUCCEEDED_MASK)) | OPEN);
        if opened {
            self.opened.fetch_add(1, Ordering::Relaxed);
        }
        opened
    }

    fn step(&self, from: u64, to: u64) -> bool {
        self.word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Goes by these rules from now on. The phase stays, what was counted does not.
    pub(super) fn set_rules(&self, rules: &BreakerRules) {
        self.rules.set(rules);
        let marks = if rules.enabled { COUNTING } else { 0 } | if rules.slow_ms > 0 { TIMED } else { 0 };
        self.change(|word| {
            let phase = if rules.enabled { word & PHASE } else { CLOSED };
            (next(word) & !(PHASE | COUNTING | TIMED)) | phase | marks
        });
    }

    /// Opens it for so long, as it was when an earlier process ended.
    pub(super) fn restore(&self, remaining: Duration) {
        self.until.store(millis(now()).saturating_add(millis(remaining)), Ordering::Release);
        self.change(|word| (next(word) & !(PHASE | SUCCEEDED_MASK)) | OPEN);
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// Closes it, as for a version that an operator puts into service.
    pub(super) fn close(&self) {
        self.change(|word| next(word) & !(PHASE | SUCCEEDED_MASK));
    }

    /// Lets no request through any more.
    pub(super) fn quarantine(&self) {
        self.change(|word| next(word) | QUARANTINED);
    }

    /// Begins anew, for another version of the same number.
    pub(super) fn reset(&self) {
        self.opened.store(0, Ordering::Relaxed);
        self.interval.reset();
        self.change(|word| next(word) & !((1 << GENERATION) - 1));
    }

    pub(super) fn report(&self) -> BreakerReport {
        let word = self.word.load(Ordering::Acquire);
        let phase = match word & PHASE {
            _ if word & QUARANTINED != 0 => Phase::Quarantined,
            CLOSED => Phase::Closed,
            OPEN => Phase::Open,
            _ => Phase::Probing,
        };
        let until = if phase == Phase::Open { self.until.load(Ordering::Acquire) } else { 0 };
        let remaining = Duration::from_millis(until.saturating_sub(millis(now())));
        BreakerReport { phase, opened: self.opened.load(Ordering::Relaxed), remaining }
    }

    fn change(&self, to: impl Fn(u64) -> u64) {
        let mut word = self.word.load(Ordering::Acquire);
        while let Err(found) = self.word.compare_exchange(word, to(word), Ordering::AcqRel, Ordering::Acquire)
        {
            word = found;
        }
    }
}

/// [`BreakerRules`] as numbers that can be replaced while they are read: an outcome that falls between two sets of
/// rules is judged by some of either.
#[derive(Debug, Default)]
struct Rules {
    window: AtomicU64,
    failures: AtomicU64,
    consecutive: AtomicU64,
    open_ms: AtomicU64,
    probes: AtomicU64,
    probe_lease_ms: AtomicU64,
    slow_ms: AtomicU64,
    slow: AtomicU64,
    interval_ms: AtomicU64,
    min_calls: AtomicU64,
    interval_failures: AtomicU64,
}

impl Rules {
    fn set(&self, rules: &BreakerRules) {
        for (place, number) in [
            (&self.window, rules.window.into()),
            (&self.failures, rules.failures.into()),
            (&self.consecutive, rules.consecutive.into()),
            (&self.open_ms, rules.open_ms),
            (&self.probes, rules.probes.into()),
            (&self.probe_lease_ms, rules.probe_lease_ms),
            (&self.slow_ms, rules.slow_ms),
            (&self.slow, rules.slow.into()),
            (&self.interval_ms, rules.interval_ms),
            (&self.min_calls, rules.min_calls),
            (&self.interval_failures, rules.interval_failures.into()),
        ] {
            place.store(number, Ordering::Relaxed);
        }
    }
}

/// The monotonic clock, from the first time that this process asked.
fn now() -> Duration {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    BEGIN.get_or_init(Instant::now).elapsed()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn note(word: u64, now: Duration) -> Note {
    Note([word, millis(now)])
}

/// The word of the next generation.
fn next(word: u64) -> u64 {
    word.wrapping_add(1 << GENERATION)
}

fn generation(word: u64) -> u64 {
    word >> GENERATION
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod loom_models;

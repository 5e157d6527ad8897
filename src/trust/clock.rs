//! What time it is, as far as it can be believed.
//!
//! The machine's clock is somebody's to set. A clock that was set back is behind a time that was seen before, or behind one
//! that the root keys have signed: then that time counts. One that jumped ahead by more than a day is believed only where it
//! makes no difference, until an operator confirms it: one wrong date must not end everything for good.
#![forbid(unsafe_code)]

use crate::error::{Error, Result, Status};
use crate::sys::boot::SinceBoot;
use crate::timestamp::{self, UnixSeconds};
use std::fmt;
use std::sync::Arc;

/// How far ahead of what was seen last the clock is believed.
const LEAP: UnixSeconds = 86_400;
/// How far it may be behind before that is worth telling: daemons that keep a clock right set it back a little.
const SLACK: UnixSeconds = 60;

/// Where the time comes from; tests have one of their own.
pub trait Clock: Send + Sync {
    /// The machine's clock.
    fn now(&self) -> UnixSeconds;
    /// Time since the machine was started.
    fn since_boot(&self) -> SinceBoot;
}

/// The clock of an engine: the machine's unless another one is given.
#[derive(Clone)]
pub struct SharedClock(Arc<dyn Clock>);

impl SharedClock {
    /// An engine that goes by `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(clock)
    }

    pub(super) fn reading(&self) -> Reading {
        Reading { clock: self.0.now(), since_boot: self.0.since_boot() }
    }
}

impl Default for SharedClock {
    fn default() -> Self {
        Self(Arc::new(Machine))
    }
}

impl fmt::Debug for SharedClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedClock")
    }
}

struct Machine;

impl Clock for Machine {
    fn now(&self) -> UnixSeconds {
        timestamp::now()
    }

    fn since_boot(&self) -> SinceBoot {
        SinceBoot::now()
    }
}

/// What the clocks show at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    pub(super) clock: UnixSeconds,
    pub(super) since_boot: SinceBoot,
}

/// The latest time that was believed, and when that was since the machine's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The time.
    pub time: UnixSeconds,
    pub(super) since_boot: SinceBoot,
}

/// The time of a decision. Where the clock is believed, `earliest` and `latest` are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrustTime {
    /// It is at least this.
    pub earliest: UnixSeconds,
    /// It is at most this.
    pub latest: UnixSeconds,
}

/// What is to be said of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockVerdict {
    /// It is believed.
    Believed,
    /// It is behind a time that was seen, or signed, which counts instead.
    SetBack,
    /// It is more than a day ahead of what was seen last, and nobody confirmed it.
    JumpedAhead,
}

impl TrustTime {
    /// A time that is known.
    pub fn at(time: UnixSeconds) -> Self {
        Self { earliest: time, latest: time }
    }

    /// [`Status::NotYetValid`] before `begin`, [`Status::Expired`] after `end`, and [`Status::ClockRefused`] where that
    /// depends on a clock that is not believed.
    pub fn check_period(
        self,
        what: &str,
        begin: Option<UnixSeconds>,
        end: Option<UnixSeconds>,
    ) -> Result<()> {
        let refuse = |status, verb: &str, bound| {
            let (bound, now) = (timestamp::format(bound), timestamp::format(self.latest));
            let mut message = format!("{what}: valid {verb} {bound}, now is {now}");
            if status == Status::ClockRefused {
                message = format!(
                    "{what}: valid {verb} {bound}; expected a clock within a day of {}, found {now}: set it right, or \
                     confirm it (sogov trust confirm-time)",
                    timestamp::format(self.earliest)
                );
            }
            Err(Error::new(status, message))
        };
        match (begin, end) {
            (Some(begin), _) if self.latest < begin => refuse(Status::NotYetValid, "from", begin),
            (_, Some(end)) if self.earliest > end => refuse(Status::Expired, "until", end),
            (Some(begin), _) if self.earliest < begin => refuse(Status::ClockRefused, "from", begin),
            (_, Some(end)) if self.latest > end => refuse(Status::ClockRefused, "until", end),
            _ => Ok(()),
        }
    }
}

/// The time, what is to be said of the clock, and what was seen now: `None` where nothing later was.
pub(super) fn judge(
    reading: &Reading,
    seen: Option<&Seen>,
    signed: UnixSeconds,
) -> (TrustTime, ClockVerdict, Option<Seen>) {
    let clock = reading.clock;
    let see = |time| Seen { time, since_boot: reading.since_boot.clone() };
    let least = seen.map_or(0, |seen| seen.time).max(signed);
    if clock < least {
        let verdict =
            if clock.saturating_add(SLACK) < least { ClockVerdict::SetBack } else { ClockVerdict::Believed };
        return (TrustTime::at(least), verdict, None);
    }
    let Some(seen) = seen else { return (TrustTime::at(clock), ClockVerdict::Believed, Some(see(clock))) };
    // What passed since is known where the machine has run all the time: then it is no leap.
    let passed = reading.since_boot.seconds_since(&seen.since_boot).unwrap_or(0);
    let expected = seen.time.saturating_add(passed).max(signed);
    if clock > expected.saturating_add(LEAP) {
        let time = TrustTime { earliest: expected, latest: clock };
        let time_passed = (passed > 0).then(|| see(seen.time.saturating_add(passed)));
        return (time, ClockVerdict::JumpedAhead, time_passed);
    }
    (TrustTime::at(clock), ClockVerdict::Believed, (clock > seen.time).then(|| see(clock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixSeconds = 1_800_000_000;

    fn moment(clock: UnixSeconds, seconds: u64) -> Reading {
        Reading { clock, since_boot: SinceBoot { boot: "one".into(), seconds } }
    }

    fn seen(time: UnixSeconds, seconds: u64) -> Seen {
        Seen { time, since_boot: moment(time, seconds).since_boot }
    }

    #[test]
    fn a_first_reading_is_believed_unless_it_is_behind_what_was_signed() {
        let (time, verdict, saw) = judge(&moment(NOON, 5), None, 0);
        assert_eq!((time, verdict, saw), (TrustTime::at(NOON), ClockVerdict::Believed, Some(seen(NOON, 5))));
        let (time, verdict, saw) = judge(&moment(5, 5), None, NOON);
        assert_eq!((time, verdict, saw), (TrustTime::at(NOON), ClockVerdict::SetBack, None));
    }

    #[test]
    fn a_clock_that_was_set_back_changes_nothing() {
        let (time, verdict, saw) = judge(&moment(NOON - LEAP, 5), Some(&seen(NOON, 4)), 0);
        assert_eq!((time, verdict, saw), (TrustTime::at(NOON), ClockVerdict::SetBack, None));
        let (time, verdict, _) = judge(&moment(NOON - SLACK, 5), Some(&seen(NOON, 4)), 0);
        assert_eq!((time, verdict), (TrustTime::at(NOON), ClockVerdict::Believed));
    }

    #[test]
    fn a_leap_is_believed_only_as_far_as_the_machine_has_run() {
        let ahead = NOON + 3 * LEAP;
        let (time, verdict, saw) = judge(&moment(ahead, 5), Some(&seen(NOON, 5)), 0);
        let span = TrustTime { earliest: NOON, latest: ahead };
        assert_eq!((time, verdict, saw), (span, ClockVerdict::JumpedAhead, None));
        let (time, verdict, saw) = judge(&moment(ahead, 5 + 3 * LEAP), Some(&seen(NOON, 5)), 0);
        assert_eq!((time, verdict), (TrustTime::at(ahead), ClockVerdict::Believed));
        assert_eq!(saw, Some(seen(ahead, 5 + 3 * LEAP)));
        // After a restart of the machine nobody knows how long it was off.
        let restarted = Reading { clock: ahead, since_boot: SinceBoot { boot: "two".into(), seconds: 9 } };
        assert_eq!(judge(&restarted, Some(&seen(NOON, 5)), 0).1, ClockVerdict::JumpedAhead);
        assert_eq!(judge(&restarted, Some(&seen(NOON, 5)), ahead - 1).1, ClockVerdict::Believed);
    }

    #[test]
    fn what_an_unbelieved_clock_would_decide_is_not_decided() {
        let span = TrustTime { earliest: 100, latest: 200 };
        let check = |begin, end| span.check_period("key", begin, end).map_err(|e| e.status());
        assert_eq!(check(Some(100), Some(200)), Ok(()));
        assert_eq!(check(Some(150), None), Err(Status::ClockRefused));
        assert_eq!(check(None, Some(150)), Err(Status::ClockRefused));
        assert_eq!(check(None, Some(99)), Err(Status::Expired));
        assert_eq!(check(Some(201), None), Err(Status::NotYetValid));
    }
}

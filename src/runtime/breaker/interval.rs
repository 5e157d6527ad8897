//! The share of failures over the last seconds or minutes.
#![forbid(unsafe_code)]

use crate::sync::Mutex;
use std::collections::VecDeque;

/// How many points in time are remembered within an interval.
const POINTS: u64 = 16;

/// What the version's counts were at some points of the past. Looked at by failures alone, so successes take no lock.
#[derive(Debug, Default)]
pub(super) struct Interval(Mutex<VecDeque<Point>>);

#[derive(Clone, Copy, Debug)]
struct Point {
    at_ms: u64,
    calls: u64,
    failures: u64,
}

impl Interval {
    /// The thousandths of failures among the calls of the last `interval` milliseconds, one failure being counted just
    /// now; `None` when there were fewer than `least` calls. `totals` are calls and failures of all time.
    ///
    /// After a time without failures that is longer than the interval, counting begins with this failure: how many calls
    /// succeeded when is not remembered.
    pub(super) fn failures_of(
        &self,
        totals: (u64, u64),
        now_ms: u64,
        interval: u64,
        least: u64,
    ) -> Option<u64> {
        let (calls, failures) = totals;
        // Taken: another failure is being judged at this moment, and the next one will see both. Nobody waits here, least of
        // all the child of a fork for a thread of its parent.
        let mut points = self.0.try_lock()?;
        let begin = now_ms.saturating_sub(interval);
        while points.front().is_some_and(|point| point.at_ms < begin) {
            points.pop_front();
        }
        let due = points.back().is_none_or(|last| now_ms.saturating_sub(last.at_ms) >= interval / POINTS);
        if due {
            points.push_back(Point {
                at_ms: now_ms,
                calls: calls.saturating_sub(1),
                failures: failures.saturating_sub(1),
            });
        }
        let first = points.front().copied()?;
        let (calls, failures) =
            (calls.saturating_sub(first.calls), failures.saturating_sub(first.failures).min(calls));
        if calls < least.max(1) {
            return None;
        }
        failures.saturating_mul(1000).checked_div(calls)
    }

    pub(super) fn reset(&self) {
        if let Some(mut points) = self.0.try_lock() {
            points.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_is_of_the_interval_and_of_enough_calls() {
        let interval = Interval::default();
        assert_eq!(interval.failures_of((1000, 1), 10_000, 1000, 10), None, "one call since counting began");
        assert_eq!(interval.failures_of((1008, 2), 10_100, 1000, 10), None);
        assert_eq!(interval.failures_of((1009, 3), 10_200, 1000, 10), Some(300));
        assert_eq!(interval.failures_of((1019, 4), 10_300, 1000, 10), Some(200));
        // The first point is beyond the interval: of ten calls since the one at 10,300 two failed.
        assert_eq!(interval.failures_of((1028, 5), 11_250, 1000, 10), Some(200));
    }

    #[test]
    fn after_a_long_quiet_time_counting_begins_anew() {
        let interval = Interval::default();
        assert_eq!(interval.failures_of((10, 10), 0, 100, 1), Some(1000));
        assert_eq!(interval.failures_of((1_000_000, 11), 60_000, 100, 2), None);
        assert_eq!(interval.failures_of((1_000_001, 12), 60_001, 100, 2), Some(1000));
    }
}

//! `breaker`: when a version is taken out of service because its calls fail.
#![forbid(unsafe_code)]

use crate::document::Object;
use crate::error::Result;

/// The most outcomes that a ring holds.
pub const MAX_WINDOW: u32 = 48;

/// When a version's breaker opens, and how it closes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerRules {
    /// Whether outcomes count at all.
    pub enabled: bool,
    /// How many of the last outcomes are looked at; at most [`MAX_WINDOW`].
    pub window: u8,
    /// Of a full window, the thousandths of failures at which it opens; 0: never by this rule.
    pub failures: u16,
    /// The failures in a row at which it opens; 0: never by this rule.
    pub consecutive: u8,
    /// For how many milliseconds it stays open before it lets a probe through.
    pub open_ms: u64,
    /// How many probes, one at a time, must succeed before it closes.
    pub probes: u8,
    /// After how many milliseconds a probe that was not heard of again makes room for the next.
    pub probe_lease_ms: u64,
    /// A call of at least so many milliseconds is slow; 0: time is not looked at.
    pub slow_ms: u64,
    /// Of a full window, the thousandths of slow calls at which it opens.
    pub slow: u16,
    /// Over so many milliseconds the ratio of `interval_failures` counts; 0: never by this rule.
    pub interval_ms: u64,
    /// The fewest calls within the interval that say anything.
    pub min_calls: u64,
    /// The thousandths of failures within the interval at which it opens.
    pub interval_failures: u16,
}

/// The rule where a policy has none: of ten outcomes six failures, or three failures in a row, for five minutes.
impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            enabled: true,
            window: 10,
            failures: 600,
            consecutive: 3,
            open_ms: 300_000,
            probes: 1,
            probe_lease_ms: 2000,
            slow_ms: 0,
            slow: 500,
            interval_ms: 0,
            min_calls: 100,
            interval_failures: 500,
        }
    }
}

const DAY_S: u64 = 86_400;
const MINUTE_MS: u64 = 60_000;

pub(super) fn read(root: &mut Object<'_>) -> Result<Option<BreakerRules>> {
    let Some(field) = root.optional("breaker") else { return Ok(None) };
    let mut object = field.object()?;
    let mut rules = BreakerRules::default();
    if let Some(field) = object.optional("enabled") {
        rules.enabled = field.boolean()?;
    }
    let mut number = |name, range: std::ops::RangeInclusive<u64>, to: &mut dyn FnMut(u64)| -> Result<()> {
        let Some(field) = object.optional(name) else { return Ok(()) };
        let found = field.unsigned()?;
        if !range.contains(&found) {
            return Err(field.error(format!("expected {} to {}, found {found}", range.start(), range.end())));
        }
        to(found);
        Ok(())
    };
    let small = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    number("window", 1..=MAX_WINDOW.into(), &mut |n| rules.window = small(n))?;
    number("consecutive", 0..=MAX_WINDOW.into(), &mut |n| rules.consecutive = small(n))?;
    number("open_s", 1..=DAY_S, &mut |n| rules.open_ms = n.saturating_mul(1000))?;
    number("probes", 1..=100, &mut |n| rules.probes = small(n))?;
    number("probe_lease_ms", 1..=MINUTE_MS, &mut |n| rules.probe_lease_ms = n)?;
    number("slow_ms", 1..=MINUTE_MS, &mut |n| rules.slow_ms = n)?;
    number("interval_s", 1..=DAY_S, &mut |n| rules.interval_ms = n.saturating_mul(1000))?;
    number("min_calls", 1..=u64::from(u32::MAX), &mut |n| rules.min_calls = n)?;
    for (name, to) in [
        ("failure_ratio", &mut rules.failures),
        ("slow_ratio", &mut rules.slow),
        ("interval_failure_ratio", &mut rules.interval_failures),
    ] {
        if let Some(field) = object.optional(name) {
            *to = field.thousandths()?;
        }
    }
    object.finish()?;
    Ok(Some(rules))
}

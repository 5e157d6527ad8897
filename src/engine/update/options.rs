//! What an update is to do, and how much is asked of the new version.

use crate::engine::LoadOptions;
use crate::error::{Error, Result};
use crate::route::bucket::BUCKETS;
use std::time::Duration;

/// The most gray steps.
const MAX_GRAY_STEPS: usize = 64;
/// The longest that requests may be told to wait.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// How a version is to take over from the stable one. The default loads, tests and promotes it at once.
#[derive(Clone, Debug)]
pub struct UpdateOptions {
    /// Where the signature is, who updates, and why.
    pub load: LoadOptions,
    /// What becomes of the state.
    pub state: StateMode,
    /// For how long requests may wait during a handover; then the old version goes on serving. At most a minute.
    pub handover_patience: Duration,
    /// Copies of requests that are sent to the new version beforehand.
    pub shadow: Option<Shadowing>,
    /// Growing shares of the requests, one after the other. None with [`StateMode::Handover`]: a state has one owner.
    pub gray: Vec<GrayStep>,
    /// For how long, and for how many calls, the new version serves everybody before it is promoted; both 0: not at
    /// all. Until then the old version is still the stable one.
    pub probation: GrayStep,
    /// How many of 10,000 calls of the new version may fail in a gray step or in the probation.
    pub tolerated_failures: u32,
    /// What a step comes to that ends with fewer calls than it asks for.
    pub on_no_data: OnNoData,
    /// Whether a version that failed stays loaded, to be looked at.
    pub keep_failed: bool,
    /// How long unloading a version that failed waits for its calls to end.
    pub drain: Duration,
}

impl Default for UpdateOptions {
    fn default() -> Self {
        Self {
            load: LoadOptions::default(),
            state: StateMode::None,
            handover_patience: Duration::from_secs(1),
            shadow: None,
            gray: Vec::new(),
            probation: GrayStep::default(),
            tolerated_failures: 100,
            on_no_data: OnNoData::Fail,
            keep_failed: false,
            drain: Duration::from_secs(5),
        }
    }
}

/// What becomes of the state of the old version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StateMode {
    /// Nothing: there is none, or the new version begins with its own.
    #[default]
    None,
    /// It is exported while the old version serves. What changes afterwards is not in the new version: for caches.
    Copy,
    /// The same as a rehearsal; then requests wait, calls in flight end, and the state is moved. Nothing is lost.
    Handover,
}

/// Copies of requests for the new version, whose answers are compared and never returned.
#[derive(Clone, Copy, Debug)]
pub struct Shadowing {
    /// How many requests.
    pub requests: u64,
    /// How many of them may be answered otherwise than by the old version.
    pub tolerated_mismatches: u64,
    /// How long to wait for so many requests.
    pub patience: Duration,
}

/// A time of observation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrayStep {
    /// The new version's share in 10,000. Of no meaning for the probation, where it gets everything.
    pub share: u32,
    /// For how long at least.
    pub hold: Duration,
    /// For how many of the new version's calls at least; with fewer nothing is said about failures.
    pub calls: u64,
}

/// What a step comes to that lacks data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNoData {
    /// The update fails.
    #[default]
    Fail,
    /// The next step follows.
    Pass,
    /// The step goes on until there is enough, or the update is cancelled.
    Hold,
}

impl UpdateOptions {
    /// Refuses what contradicts itself.
    pub(super) fn check(&self) -> Result<()> {
        if self.state == StateMode::Handover && !self.gray.is_empty() {
            return Err(Error::argument(
                "gray: expected no steps with a handover, since a state has one owner",
            ));
        }
        if self.gray.len() > MAX_GRAY_STEPS {
            let found = self.gray.len();
            return Err(Error::argument(format!(
                "gray: expected at most {MAX_GRAY_STEPS} steps, found {found}"
            )));
        }
        let mut former = 0;
        for step in &self.gray {
            if !(former + 1..=BUCKETS).contains(&step.share) {
                return Err(Error::argument(format!(
                    "gray: expected shares that grow from 1 to {BUCKETS}, found {} after {former}",
                    step.share
                )));
            }
            former = step.share;
        }
        if self.tolerated_failures > BUCKETS {
            let found = self.tolerated_failures;
            return Err(Error::argument(format!(
                "tolerated_failures: expected at most 10000, found {found}"
            )));
        }
        if self.handover_patience > MAX_PAUSE {
            return Err(Error::argument(format!(
                "handover_patience: expected at most {} ms, found {}",
                MAX_PAUSE.as_millis(),
                self.handover_patience.as_millis()
            )));
        }
        Ok(())
    }
}

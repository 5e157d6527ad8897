//! The steps that watch the new version at work: shadow calls, gray shares, the probation.

use super::{GrayStep, Mismatch, OnNoData, StateMode, Update};
use crate::crypto::sm3;
use crate::error::{Error, Result, Status};
use crate::loader::{Instance, Invocation};
use crate::route::bucket::BUCKETS;
use crate::runtime::{Phase, RequestCopy, Version};
use crate::sys::faults::fault;

/// How many mismatches are told one by one.
const TOLD_MISMATCHES: u64 = 8;

impl Update<'_> {
    /// Sends copies of requests to the new version and compares what it answers.
    pub(super) fn shadow(&mut self) -> Result<()> {
        let Some(wanted) = self.options.shadow else { return Ok(()) };
        let Some(held) = &self.held else { return Err(super::out_of_order()) };
        let instance = held.instance()?;
        if !instance.is_idempotent() {
            return Err(Error::new(
                Status::UpdateFailed,
                "expected a plugin that declares SOGOV_PLUGIN_IDEMPOTENT, found one that does not",
            ));
        }
        fault!("update.shadow");
        let copies = self.staging.copy_requests(wanted.requests);
        while self.watch.now.compared < wanted.requests {
            let copy = copies.next();
            self.watch.now.dropped = copies.dropped();
            let Some(copy) = copy else {
                self.staging.check()?;
                if self.watch.elapsed() >= wanted.patience {
                    match self.options.on_no_data {
                        OnNoData::Pass => return Ok(()),
                        OnNoData::Fail => return Err(too_few(wanted.requests, self.watch.now.compared)),
                        OnNoData::Hold => {}
                    }
                }
                self.watch.nap()?;
                continue;
            };
            let mismatch = compare(instance, &copy).inspect_err(|e| held.note_crash(e))?;
            self.watch.now.compared += 1;
            if let Some(mismatch) = mismatch {
                self.watch.now.mismatched += 1;
                if self.watch.now.mismatched <= TOLD_MISMATCHES {
                    self.watch.tell_mismatch(mismatch)?;
                }
            }
            if self.watch.now.mismatched > wanted.tolerated_mismatches {
                return Err(Error::new(
                    Status::UpdateFailed,
                    format!(
                        "expected at most {} other answers than the stable version's, found {} in {} requests",
                        wanted.tolerated_mismatches, self.watch.now.mismatched, self.watch.now.compared
                    ),
                ));
            }
            self.watch.beat()?;
        }
        Ok(())
    }

    /// Gives the new version a share of the requests and looks at how it does.
    pub(super) fn try_share(&mut self, step: GrayStep) -> Result<()> {
        let version = self.version()?;
        let before = version.outcomes();
        self.staging.expose(&version, step.share)?;
        fault!("update.exposed");
        self.observe(step, before)
    }

    /// Gives the new version every request and looks at how it does.
    pub(super) fn prove(&mut self, step: GrayStep) -> Result<()> {
        if self.options.state == StateMode::Handover {
            // It has them since the handover.
            let before = self.version()?.outcomes();
            return self.observe(step, before);
        }
        self.try_share(GrayStep { share: BUCKETS, ..step })
    }

    /// Watches until the step's time is over and its calls were counted, from the counts `before`.
    fn observe(&mut self, step: GrayStep, before: (u64, u64)) -> Result<()> {
        fault!("update.observe");
        let version = self.version()?;
        loop {
            let (calls, failures) = version.outcomes();
            let (calls, failures) = (calls.saturating_sub(before.0), failures.saturating_sub(before.1));
            (self.watch.now.calls, self.watch.now.failures) = (calls, failures);
            let enough = calls >= step.calls;
            let tolerated = u128::from(calls) * u128::from(self.options.tolerated_failures);
            if enough && u128::from(failures) * u128::from(BUCKETS) > tolerated {
                return Err(Error::new(
                    Status::UpdateFailed,
                    format!(
                        "expected at most {} of 10000 calls to fail, found {failures} of {calls}",
                        self.options.tolerated_failures
                    ),
                ));
            }
            let unchanged = self.staging.check();
            // First, since a crash takes the version out of service, which is a change too.
            check_breaker(&version)?;
            unchanged?;
            if self.watch.elapsed() >= step.hold {
                match self.options.on_no_data {
                    _ if enough => return Ok(()),
                    OnNoData::Pass => return Ok(()),
                    OnNoData::Fail => return Err(too_few(step.calls, calls)),
                    OnNoData::Hold => {}
                }
            }
            self.watch.nap()?;
        }
    }
}

/// Refuses a version that requests do not reach any more.
fn check_breaker(version: &Version) -> Result<()> {
    let what = match version.breaker_phase() {
        Phase::Closed => return Ok(()),
        Phase::Open | Phase::Probing => "expected its breaker to stay closed, found it open",
        Phase::Quarantined => "its code crashed, and it is never used again",
    };
    Err(Error::new(Status::UpdateFailed, what))
}

/// Serves the copy by `instance`; answers what differs.
fn compare(instance: &Instance, copy: &RequestCopy) -> Result<Option<Mismatch>> {
    fault!("update.compare");
    let mut answer = Vec::new();
    let mut shadow = Invocation { request: &copy.request, answer: &mut answer, limit: copy.limit, code: 0 };
    match instance.invoke(&mut shadow) {
        Err(e) if e.status() != Status::PluginFailed => return Err(e),
        _ => {}
    }
    let code = shadow.code;
    if code == copy.code && answer == copy.answer {
        return Ok(None);
    }
    let facts = |bytes: &[u8]| (bytes.len() as u64, sm3::digest(bytes));
    let of = |code: i32, bytes: &[u8]| (code, bytes.len() as u64, sm3::digest(bytes));
    Ok(Some(Mismatch {
        request: facts(&copy.request),
        expected: of(copy.code, &copy.answer),
        found: of(code, &answer),
    }))
}

fn too_few(wanted: u64, found: u64) -> Error {
    Error::new(Status::UpdateFailed, format!("expected at least {wanted} calls in its time, found {found}"))
}

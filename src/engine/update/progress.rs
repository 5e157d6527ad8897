//! How far an update has come, told to whoever asked for it.

use crate::crypto::sm3::Digest;
use crate::error::{Error, Result, Status};
use std::fmt;
use std::time::{Duration, Instant};

/// How long a waiting update is silent at most.
const SILENCE: Duration = Duration::from_millis(25);
/// How long a waiting update sleeps at a time.
const NAP: Duration = Duration::from_millis(1);

/// The steps of an update, in their order. Some are left out, as the options say.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Signatures and statement.
    Verify = 0,
    /// What can be found out about the image before it runs in this process.
    Preflight = 1,
    /// Mapping, constructors, `start` and `health`.
    Load = 2,
    /// The old version's state as it stands, into the new one.
    ImportState = 3,
    /// The request that the plugin declares for it.
    SelfTest = 4,
    /// Copies of requests.
    Shadow = 5,
    /// A share of the requests.
    Gray = 6,
    /// Requests wait while the state moves.
    Handover = 7,
    /// All requests, while the old version is still the stable one.
    Probation = 8,
    /// The new version becomes the stable one.
    Promote = 9,
    /// The update is complete.
    Done = 10,
    /// The update failed: what served before serves.
    RolledBack = 11,
}

impl Step {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Preflight => "preflight",
            Self::Load => "load",
            Self::ImportState => "import state",
            Self::SelfTest => "self test",
            Self::Shadow => "shadow",
            Self::Gray => "gray",
            Self::Handover => "handover",
            Self::Probation => "probation",
            Self::Promote => "promote",
            Self::Done => "done",
            Self::RolledBack => "rolled back",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where in a step a report comes from.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepPhase {
    /// The step begins.
    Begins = 0,
    /// The step is under way; at least every 50 ms where it waits.
    Waits = 1,
    /// The step ended well.
    Ends = 2,
}

/// How far an update has come.
#[derive(Clone, Debug)]
pub struct UpdateProgress {
    /// The step.
    pub step: Step,
    /// Where in it.
    pub phase: StepPhase,
    /// The new version's share of the requests, in 10,000.
    pub share: u32,
    /// Since the step began.
    pub elapsed: Duration,
    /// Calls of the new version since the step began.
    pub calls: u64,
    /// Those that failed.
    pub failures: u64,
    /// Copies of requests whose answers were compared.
    pub compared: u64,
    /// Those that were answered otherwise.
    pub mismatched: u64,
    /// Copies for which there was no room.
    pub dropped: u64,
    /// A copy that was answered otherwise, one of the first few.
    pub mismatch: Option<Mismatch>,
    /// Why the update was rolled back.
    pub message: Option<String>,
}

/// A request that two versions answered differently. No content: that may be anybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Bytes of the request, and their SM3.
    pub request: (u64, Digest),
    /// What `invoke` of the stable version returned, the bytes of its answer, and their SM3.
    pub expected: (i32, u64, Digest),
    /// The same of the new version.
    pub found: (i32, u64, Digest),
}

/// What whoever follows the progress wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The update goes on.
    Continue,
    /// The update is rolled back.
    Cancel,
}

/// Tells the progress to a callback.
pub(super) struct Watch<'a> {
    callback: &'a mut dyn FnMut(&UpdateProgress) -> Verdict,
    pub(super) now: UpdateProgress,
    began: Instant,
    told: Instant,
}

impl<'a> Watch<'a> {
    pub(super) fn new(callback: &'a mut dyn FnMut(&UpdateProgress) -> Verdict) -> Self {
        let now = Instant::now();
        Self { callback, now: UpdateProgress::at(Step::Verify, 0), began: now, told: now }
    }

    /// A step begins.
    pub(super) fn begin(&mut self, step: Step, share: u32) -> Result<()> {
        self.began = Instant::now();
        let (compared, mismatched, dropped) = (self.now.compared, self.now.mismatched, self.now.dropped);
        self.now = UpdateProgress { compared, mismatched, dropped, ..UpdateProgress::at(step, share) };
        self.tell(StepPhase::Begins)
    }

    /// The step ended well.
    pub(super) fn end(&mut self) -> Result<()> {
        self.tell(StepPhase::Ends)
    }

    /// Since the step began.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Tells about a request that was answered otherwise.
    pub(super) fn tell_mismatch(&mut self, mismatch: Mismatch) -> Result<()> {
        self.now.mismatch = Some(mismatch);
        let told = self.tell(StepPhase::Waits);
        self.now.mismatch = None;
        told
    }

    /// Tells how far it is, if that was not told for a while.
    pub(super) fn beat(&mut self) -> Result<()> {
        if self.told.elapsed() >= SILENCE { self.tell(StepPhase::Waits) } else { Ok(()) }
    }

    /// Waits a little.
    pub(super) fn nap(&mut self) -> Result<()> {
        std::thread::sleep(NAP);
        self.beat()
    }

    /// Tells the end, which nobody cancels.
    pub(super) fn finish(&mut self, step: Step, message: Option<&str>) {
        self.now.step = step;
        self.now.message = message.map(ToOwned::to_owned);
        // Nothing is left to be cancelled.
        let _ = self.tell(StepPhase::Ends);
    }

    fn tell(&mut self, phase: StepPhase) -> Result<()> {
        self.now.phase = phase;
        self.now.elapsed = self.began.elapsed();
        let verdict = (self.callback)(&self.now);
        self.told = Instant::now();
        match verdict {
            Verdict::Continue => Ok(()),
            Verdict::Cancel => Err(Error::new(Status::Cancelled, "was cancelled by its callback")),
        }
    }
}

impl UpdateProgress {
    fn at(step: Step, share: u32) -> Self {
        Self {
            step,
            phase: StepPhase::Begins,
            share,
            elapsed: Duration::ZERO,
            calls: 0,
            failures: 0,
            compared: 0,
            mismatched: 0,
            dropped: 0,
            mismatch: None,
            message: None,
        }
    }
}

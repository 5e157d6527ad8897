//! Hot update: a version is loaded beside the stable one, tested, tried and promoted. Any step can fail, and leaves what
//! served before in service.
//!
//! It runs on the caller's thread. An update is a list of [`Step`]s, made from the options; each of them is a function
//! here that either does its part or says why not. What was done to the traffic is undone in one place.
#![forbid(unsafe_code)]

mod observe;
mod options;
mod progress;
mod state;

pub use options::{GrayStep, OnNoData, Shadowing, StateMode, UpdateOptions};
pub use progress::{Mismatch, Step, StepPhase, UpdateProgress, Verdict};

use super::Engine;
use super::audit::{Deed, Outcome};
use crate::error::{Error, Result, Status};
use crate::journal::{Entry, Kind};
use crate::label::Label;
use crate::loader::Instance;
use crate::route::bucket::BUCKETS;
use crate::runtime::{Held, Staging, Standing, Version, VersionReport};
use crate::sys::faults::fault;
use crate::trust::VerifiedImage;
use progress::Watch;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What an update came to.
#[derive(Clone, Debug)]
pub struct UpdateReport {
    /// The new stable version.
    pub version: VersionReport,
    /// The one that it took over from.
    pub former: Label,
    /// Bytes of the state that was moved.
    pub state_len: u64,
    /// For how long requests waited.
    pub pause: Duration,
    /// Copies of requests that were compared, and those that were answered otherwise.
    pub compared: u64,
    /// Copies that were answered otherwise.
    pub mismatched: u64,
}

impl Engine {
    /// Replaces the service's stable version by the plugin file at `path`, step by step, as the options say. An empty
    /// `label` takes the statement's. Returns when the new version is the stable one, or when the old one serves as
    /// before: with the status of trust or loading, [`Status::UpdateFailed`], or [`Status::Cancelled`]; the message
    /// names the step. [`Status::Busy`] when there is another update, gray versions serve, or somebody else changed
    /// meanwhile what serves, which is left so then; [`Status::Deadlock`] from inside a call of the service.
    pub fn update(
        &self,
        service: &str,
        label: &str,
        path: &Path,
        options: &UpdateOptions,
        progress: &mut dyn FnMut(&UpdateProgress) -> Verdict,
    ) -> Result<UpdateReport> {
        options.check()?;
        let service = self.existing(service)?;
        let change = &options.load.change;
        let deed = Deed { kind: Kind::Update, change, service: Some(service.name()), version: label };
        let update = || {
            let staging = service.stage()?;
            let label = super::load::label_of(label, path, &options.load)?;
            service.check_free(label)?;
            Update::new(self, staging, label, path, options, Watch::new(progress)).run()
        };
        let outcome = |report: &UpdateReport| Outcome::of(report.version.label, Some(report.version.digest));
        let report = self.govern(&deed, update, outcome)?;
        self.settle(&service, change).map(|()| report)
    }
}

/// An update on its way.
struct Update<'a> {
    engine: &'a Engine,
    staging: Staging,
    label: Label,
    path: &'a Path,
    options: &'a UpdateOptions,
    watch: Watch<'a>,
    image: Option<VerifiedImage>,
    /// The new version, from when it stands beside the others.
    loaded: Option<Arc<Version>>,
    /// A lease by which it stays there.
    held: Option<Held>,
    /// The old version's state is with the new one.
    handed_over: bool,
    state_len: u64,
    pause: Duration,
}

impl<'a> Update<'a> {
    fn new(
        engine: &'a Engine,
        staging: Staging,
        label: Label,
        path: &'a Path,
        options: &'a UpdateOptions,
        watch: Watch<'a>,
    ) -> Self {
        Self {
            engine,
            staging,
            label,
            path,
            options,
            watch,
            image: None,
            loaded: None,
            held: None,
            handed_over: false,
            state_len: 0,
            pause: Duration::ZERO,
        }
    }

    fn run(mut self) -> Result<UpdateReport> {
        for (step, observed) in plan(self.options) {
            let performed = self.perform(step, observed);
            self.record(step, performed.as_ref().err());
            if let Err(e) = performed {
                return Err(self.take_back(step, &e));
            }
        }
        let version = self.version()?;
        self.watch.finish(Step::Done, None);
        Ok(UpdateReport {
            version: version.report(Standing::Stable, None),
            former: self.staging.stable().label(),
            state_len: self.state_len,
            pause: self.pause,
            compared: self.watch.now.compared,
            mismatched: self.watch.now.mismatched,
        })
    }

    fn perform(&mut self, step: Step, observed: GrayStep) -> Result<()> {
        self.watch.begin(step, observed.share)?;
        self.staging.check()?;
        match step {
            Step::Verify => self.verify(),
            Step::Preflight => self.try_out(),
            Step::Load => self.load(),
            Step::ImportState => self.rehearse(),
            Step::SelfTest => self.self_test(),
            Step::Shadow => self.shadow(),
            Step::Gray => self.try_share(observed),
            Step::Handover => self.hand_over(),
            Step::Probation => self.prove(observed),
            Step::Promote => return self.promote(),
            Step::Done | Step::RolledBack => Ok(()),
        }?;
        self.watch.end()
    }

    /// Requests may wait for a step: its record is written by the housekeeping.
    fn record(&self, step: Step, refusal: Option<&Error>) {
        let mut entry = Entry::new(Kind::UpdateStep);
        entry.service = self.staging.service().name().to_string();
        entry.version = self.label.to_string();
        entry.message = refusal.map_or_else(|| step.to_string(), |e| format!("{step}: {}", e.message()));
        if let Some(e) = refusal {
            e.status().name().clone_into(&mut entry.status);
        }
        self.engine.record_later(entry);
    }

    fn verify(&mut self) -> Result<()> {
        fault!("update.verify");
        let service = self.staging.service().name();
        let label = Some(self.label.as_str());
        self.image = Some(self.engine.admit_file(service.as_str(), label, self.path, &self.options.load)?);
        Ok(())
    }

    /// The only trial of the update. What the bytes alone refuse is refused here also where there is no preflight.
    fn try_out(&self) -> Result<()> {
        fault!("update.preflight");
        let image = self.image()?;
        let isolation = self.options.load.isolation;
        let tried = Instance::check_bytes(image, isolation)
            .and_then(|()| self.engine.try_out(self.staging.service(), self.label, image, isolation));
        tried.map_err(|e| e.of(self.path.display()))
    }

    fn load(&mut self) -> Result<()> {
        let service = Arc::clone(self.staging.service());
        let image = self.image()?;
        let of = |e: Error| e.of(self.path.display());
        let isolation = self.options.load.isolation;
        // Its self test is a step of its own.
        let version = self.engine.start(&service, self.label, image, isolation, |_| Ok(())).map_err(of)?;
        self.engine.enter(&service, image, &version).map_err(of)?;
        // From here on it is to be taken away again, whatever fails.
        self.loaded = Some(version);
        fault!("update.hold");
        self.held = Some(self.staging.hold(self.label)?);
        // Its file and its memory are not needed any more.
        self.image = None;
        Ok(())
    }

    fn self_test(&self) -> Result<()> {
        fault!("update.self_test");
        let held = self.held()?;
        held.instance()?.self_test().inspect_err(|e| held.note_crash(e))
    }

    fn promote(&mut self) -> Result<()> {
        fault!("update.promote");
        let version = self.version()?;
        self.staging.promote(&version)
    }

    /// Puts back in force what served before, takes the new version away, and says why.
    fn take_back(&mut self, step: Step, cause: &Error) -> Error {
        let state = self.return_state();
        // Refused when somebody else changed what serves: the cause says that already.
        let _ = self.staging.withdraw();
        drop(self.held.take());
        let rest = self.loaded.take().map(|version| self.dispose(&version));
        let parts = [format!("update to {}: {step}: {}", self.label, cause.message())];
        let message = parts.into_iter().chain(state).chain(rest.flatten()).collect::<Vec<_>>().join("; ");
        let error = Error::new(status_of(step, cause), message);
        self.watch.finish(Step::RolledBack, Some(error.message()));
        error
    }

    /// Gives a state that was handed over back to the old version; answers what there is to say of it.
    fn return_state(&mut self) -> Option<String> {
        if !self.handed_over {
            return None;
        }
        if self.staging.check().is_err() {
            return Some(format!("the state was with {}", self.label));
        }
        let lost = self.hand_back().err()?;
        Some(format!("what was written since the handover is lost: {}", lost.message()))
    }

    /// Unloads the version that failed, unless it is to stay; answers what there is to say of it.
    fn dispose(&self, version: &Version) -> Option<String> {
        let label = version.label();
        if self.options.keep_failed {
            return Some(format!("{label} stays loaded"));
        }
        let service = self.staging.service();
        let unloaded = service.unload(label.as_str(), self.options.drain, false);
        super::reap(service, &self.engine.keeper, &self.engine.log);
        unloaded.err().map(|e| e.message().to_owned())
    }

    fn image(&self) -> Result<&VerifiedImage> {
        self.image.as_ref().ok_or_else(out_of_order)
    }

    fn version(&self) -> Result<Arc<Version>> {
        self.loaded.clone().ok_or_else(out_of_order)
    }

    fn held(&self) -> Result<&Held> {
        self.held.as_ref().ok_or_else(out_of_order)
    }
}

/// The steps that the options ask for, each with what it observes.
fn plan(options: &UpdateOptions) -> Vec<(Step, GrayStep)> {
    let none = GrayStep::default();
    let all = GrayStep { share: BUCKETS, ..options.probation };
    let mut steps = vec![(Step::Verify, none), (Step::Preflight, none), (Step::Load, none)];
    if options.state != StateMode::None {
        steps.push((Step::ImportState, none));
    }
    steps.push((Step::SelfTest, none));
    if options.shadow.is_some() {
        steps.push((Step::Shadow, none));
    }
    steps.extend(options.gray.iter().map(|gray| (Step::Gray, *gray)));
    if options.state == StateMode::Handover {
        steps.push((Step::Handover, none));
    }
    if options.probation.hold > Duration::ZERO || options.probation.calls > 0 {
        steps.push((Step::Probation, all));
    }
    steps.push((Step::Promote, all));
    steps
}

/// Trust and loading have statuses of their own; what the new version does afterwards has one.
fn status_of(step: Step, cause: &Error) -> Status {
    match (step, cause.status()) {
        (Step::Verify | Step::Preflight | Step::Load, status) => status,
        (_, Status::PluginFailed | Status::PluginCrashed | Status::Unsupported) => Status::UpdateFailed,
        (_, status) => status,
    }
}

fn out_of_order() -> Error {
    Error::new(Status::Internal, "a step of the update came before those that it needs")
}

//! Breakers in a whole engine: when a version is taken out of service, what serves instead, and how it comes back.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use parking_lot::Mutex;
use sogov::engine::{Change, Engine, EngineOptions};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::route::{Reason, Request};
use sogov::runtime::{self, Outcome, Phase, Service};
use sogov::telemetry::{Event, EventKind, Events};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::{TempDir, Trust, load, zoo};

const SERVICE: &str = "moody";

/// Engines, their services and what they told.
struct Host {
    engine: Arc<Engine>,
    service: Arc<Service>,
    events: Arc<Mutex<Vec<(EventKind, String)>>>,
}

impl Host {
    /// With these versions of the plugin `moody`, which fails when the request says so; each was stable once, the last
    /// one is.
    fn new(trust: &Trust, versions: &[&str]) -> Self {
        let host = Self::open(trust, EngineOptions::default());
        for version in versions {
            host.put_in_force(trust, version);
        }
        host
    }

    fn open(trust: &Trust, options: EngineOptions) -> Self {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let options = EngineOptions {
            events: Events::new(move |event: &Event<'_>| {
                assert_eq!(event.service, SERVICE);
                seen.lock().push((event.kind, event.version.to_owned()));
            }),
            state_directory: options.state_directory,
            ..trust.options()
        };
        let engine = Engine::open(options).unwrap();
        let service = engine.service(SERVICE).unwrap();
        Self { engine, service, events }
    }

    fn put_in_force(&self, trust: &Trust, version: &str) {
        load(&self.engine, trust, &zoo("moody"), SERVICE, version);
        self.engine.promote(SERVICE, version, &Change::default()).unwrap();
    }

    fn apply(&self, policy: &str) {
        self.engine.apply_route_policy(SERVICE, policy.as_bytes(), &Change::default()).unwrap();
    }

    /// The version that answered, and why it was this one.
    fn call(&self, input: &[u8]) -> Result<(String, Reason), Error> {
        let mut answer = Vec::new();
        let mut called = None;
        let mut invocation = Invocation { request: input, answer: &mut answer, limit: 64, code: 0 };
        let outcome = self.service.call(&Request::default(), &mut invocation, &mut called);
        outcome.map(|()| called.map(|c| (c.version.to_string(), c.reason)).unwrap())
    }

    /// The same for a request that the plugin answers with a failure.
    fn fail(&self) {
        assert_eq!(self.call(b"fail").unwrap_err().status(), Status::PluginFailed);
    }

    fn phase(&self, version: &str) -> Phase {
        let reports = self.engine.report(Some(SERVICE)).unwrap();
        reports.iter().find(|report| report.label.as_str() == version).unwrap().breaker.phase
    }

    fn events(&self) -> Vec<(EventKind, String)> {
        self.events.lock().clone()
    }
}

/// A policy by which `stable` serves, with breakers that let a probe through at once.
fn impatient(stable: &str) -> String {
    format!(
        r#"{{"version":"p","stable":"{stable}","weight":{{"{stable}":1}},"breaker":{{"open_s":1,"consecutive":3}}}}"#
    )
}

/// What a call comes to that this version answers.
#[allow(clippy::unnecessary_wraps, reason = "it is compared with what a call answers")]
fn answered(version: &str, reason: Reason) -> Result<(String, Reason), Status> {
    Ok((version.to_owned(), reason))
}

#[test]
fn the_very_next_call_goes_to_the_last_stable_version() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2", "v3"]);
    for _ in 0..3 {
        host.fail();
    }
    let call = || host.call(b"ok").map_err(|e| e.status());
    assert_eq!(call(), answered("v2", Reason::Breaker));
    assert_eq!((host.phase("v3"), host.phase("v2")), (Phase::Open, Phase::Closed));
    for _ in 0..3 {
        host.fail();
    }
    assert_eq!(call(), answered("v1", Reason::Breaker), "v2 is broken as well");
    for _ in 0..3 {
        host.fail();
    }
    assert_eq!(call(), Err(Status::BreakerOpen), "nothing is left: it fails closed");
    let opened = |version: &str| (EventKind::BreakerOpened, version.to_owned());
    assert_eq!(host.events(), [opened("v3"), opened("v2"), opened("v1")]);
}

#[test]
fn a_gray_version_that_breaks_gives_its_users_to_the_stable_one() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1"]);
    load(&host.engine, &trust, &zoo("moody"), SERVICE, "v2-gray");
    host.apply(
        r#"{"version":"p","weight":{"v1":0,"v2-gray":1},"hash":{"version":1,"on_missing_key":"random"}}"#,
    );
    for _ in 0..3 {
        host.fail();
    }
    assert_eq!(host.call(b"ok").map_err(|e| e.status()), answered("v1", Reason::Breaker));
}

#[test]
fn one_probe_brings_a_version_back() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2"]);
    host.apply(&impatient("v2"));
    for _ in 0..3 {
        host.fail();
    }
    assert_eq!(host.call(b"ok").unwrap().0, "v1");
    let probed = loop {
        match host.call(b"ok").unwrap() {
            (version, Reason::Breaker) => assert_eq!(version, "v1"),
            other => break other,
        }
    };
    assert_eq!(probed, ("v2".into(), Reason::Probe));
    assert_eq!(host.call(b"ok").unwrap(), ("v2".into(), Reason::Stable));
    let kinds: Vec<EventKind> = host.events().iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [EventKind::BreakerOpened, EventKind::BreakerProbing, EventKind::BreakerClosed]);
}

#[test]
fn a_lease_from_before_does_not_break_what_has_recovered() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2"]);
    host.apply(&impatient("v2"));
    let late: Vec<_> = (0..5).map(|_| host.service.route(&Request::default()).unwrap().lease).collect();
    for _ in 0..3 {
        host.fail();
    }
    while host.call(b"ok").unwrap() != ("v2".into(), Reason::Stable) {}
    for lease in late {
        runtime::release(lease, Outcome::Failure).unwrap();
    }
    assert_eq!(host.call(b"ok").unwrap(), ("v2".into(), Reason::Stable));
}

#[test]
fn promotion_is_a_decision_that_a_version_shall_serve() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2"]);
    for _ in 0..3 {
        host.fail();
    }
    host.engine.promote(SERVICE, "v2", &Change::default()).unwrap();
    assert_eq!(host.call(b"ok").unwrap(), ("v2".into(), Reason::Stable));
}

#[test]
fn a_rollback_does_not_end_at_a_broken_version() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2"]);
    for _ in 0..3 {
        host.fail();
    }
    host.put_in_force(&trust, "v3");
    assert_eq!(host.engine.rollback(SERVICE, &Change::default()).unwrap().label().as_str(), "v1");
}

/// v1, v2 and v1 again were stable, and v2 is broken: what is before v1 is v0, not v1 itself.
#[test]
fn a_rollback_does_not_end_where_it_began() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v0", "v1", "v2"]);
    for _ in 0..3 {
        host.fail();
    }
    host.engine.promote(SERVICE, "v1", &Change::default()).unwrap();
    let restored = host.engine.rollback(SERVICE, &Change::default()).unwrap();
    assert_eq!(restored.label().as_str(), "v0");
    assert_eq!(host.call(b"ok").unwrap(), ("v0".into(), Reason::Stable));
}

#[test]
fn a_broken_version_can_be_unloaded_and_so_can_its_substitute() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2"]);
    for _ in 0..3 {
        host.fail();
    }
    assert_eq!(host.call(b"ok").unwrap().0, "v1");
    host.engine.unload(SERVICE, "v1", Duration::from_secs(5), &Change::default()).unwrap();
    assert_eq!(host.call(b"ok").unwrap_err().status(), Status::BreakerOpen);
    assert_eq!(host.events().last(), Some(&(EventKind::Unmapped, "v1".into())));
}

#[test]
fn breakers_outlive_the_process() {
    let trust = Trust::new();
    let state = TempDir::new();
    let options =
        || EngineOptions { state_directory: Some(state.path().to_owned()), ..EngineOptions::default() };
    let before = Host::open(&trust, options());
    before.put_in_force(&trust, "v1");
    before.put_in_force(&trust, "v2");
    for _ in 0..3 {
        before.fail();
    }
    before.engine.close();
    let after = Host::open(&trust, options());
    assert_eq!(after.call(b"ok").map_err(|e| e.status()), answered("v1", Reason::Breaker));
    assert_eq!(after.phase("v2"), Phase::Open);
}

/// Eight threads call while the stable version fails by itself: not one call of those that begin after the deciding
/// outcome reaches it.
#[test]
fn under_load_no_later_call_reaches_a_broken_version() {
    let trust = Trust::new();
    let host = Host::new(&trust, &["v1", "v2"]);
    let opened = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2000 {
                    let was_open = host.phase("v2") == Phase::Open;
                    match host.call(b"v2 fails").map_err(|e| e.status()) {
                        Ok((version, reason)) => {
                            assert_eq!((version.as_str(), reason), ("v1", Reason::Breaker));
                        }
                        Err(status) => {
                            assert_eq!(status, Status::PluginFailed);
                            assert!(!was_open, "a call that began afterwards reached v2");
                            opened.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    assert!(opened.into_inner() >= 3);
    assert_eq!(host.events(), [(EventKind::BreakerOpened, "v2".into())]);
}

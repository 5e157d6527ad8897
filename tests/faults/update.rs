//! The steps of a hot update: one that fails anywhere leaves every caller with the version of before, and nothing behind.

use crate::leftovers::{Leftovers, assert_no_temporary_file};
use crate::support::{TempDir, Trust, load, zoo};
use sogov::engine::{
    Change, Engine, EngineOptions, GrayStep, LoadOptions, OnNoData, Shadowing, StateMode, UpdateOptions,
    UpdateReport, Verdict,
};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::route::Request;
use sogov::runtime::Standing;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The steps of its own, in their order.
pub const STEPS: &[&str] = &[
    "update.verify",
    "update.preflight",
    "update.hold",
    "update.export",
    "update.import",
    "update.self_test",
    "update.shadow",
    "update.compare",
    "update.exposed",
    "update.observe",
    "update.freeze",
    "update.drain",
    "update.switch",
    "update.promote",
];

/// Those that it shares with other changes, one of each part.
const SHARED: &[&str] = &[
    "trust.read",
    "memfd.seal",
    "preflight.pipe",
    "supervised.process",
    "preflight.report",
    "version.reserve",
    "load.examine",
    "load.needed",
    "load.libraries",
    "load.open",
    "load.start",
    "store.keep",
    "service.add",
    "service.install",
];

/// Whether an update of this kind comes by.
fn is_passed(step: &str, state: StateMode) -> bool {
    match step {
        "update.exposed" => state == StateMode::Copy,
        "update.freeze" | "update.drain" | "update.switch" => state == StateMode::Handover,
        _ => true,
    }
}

#[test]
fn an_update_that_fails_or_panics_leaves_every_caller_with_the_version_of_before() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    for (state, action) in [
        (StateMode::Copy, "return"),
        (StateMode::Copy, "panic"),
        (StateMode::Handover, "return"),
        (StateMode::Handover, "panic"),
    ] {
        // Those that it shares panic in the other changes.
        let shared = if action == "return" { SHARED } else { &[] };
        for step in STEPS.iter().chain(shared).filter(|step| is_passed(step, state)) {
            let case = format!("{state:?} with {action} at {step}");
            let before = Leftovers::now();
            let host = Host::before(&trust);
            host.under_load(|| {
                fail::cfg(*step, action).unwrap();
                let ended = catch_unwind(AssertUnwindSafe(|| host.update("v2", state)));
                fail::remove(*step);
                match ended {
                    Ok(Err(failed)) if action == "return" => {
                        let expected = format!("injected at {step}");
                        assert!(failed.message().contains(&expected), "{case}: {failed}");
                    }
                    Err(_) if action == "panic" => {}
                    other => panic!("{case}: {other:?}"),
                }
                for _ in 0..100 {
                    assert_eq!(host.call(), "v1", "{case}");
                }
                host.assert_untouched(action == "panic", &case);
                host.update("v2", state).unwrap_or_else(|e| panic!("{case}, again: {e}"));
                assert_eq!(host.call(), "v2", "{case}");
            });
            assert_no_temporary_file(&host.state.path().join("state"), &case);
            host.engine.close();
            drop(host);
            // A panic leaves mapped what was mapped: whether its code runs is not known.
            before.assert_same(action == "return", &case);
        }
    }
}

/// The promotion fails when the state was handed over already, and then each step of giving it back.
#[test]
fn a_way_back_that_fails_leaves_every_caller_with_the_version_of_before() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    // How often each of them is passed on the way there: in the rehearsal, and in the handover.
    for (step, passed) in
        [("update.freeze", 1), ("update.drain", 1), ("update.export", 2), ("update.import", 2)]
    {
        let case = format!("the way back by {step}");
        let before = Leftovers::now();
        let host = Host::before(&trust);
        host.under_load(|| {
            fail::cfg("update.promote", "return").unwrap();
            fail::cfg(step, &format!("{passed}*off->return")).unwrap();
            let failed = host.update("v2", StateMode::Handover).unwrap_err();
            fail::remove("update.promote");
            fail::remove(step);
            let expected = format!("what was written since the handover is lost: injected at {step}");
            assert!(failed.message().contains("promote: injected at update.promote"), "{case}: {failed}");
            assert!(failed.message().contains(&expected), "{case}: {failed}");
            assert_eq!(host.call(), "v1", "{case}");
            host.assert_untouched(false, &case);
            host.update("v2", StateMode::Handover).unwrap_or_else(|e| panic!("{case}, again: {e}"));
        });
        host.engine.close();
        drop(host);
        before.assert_same(true, &case);
    }
}

/// What serves has changed, its record could not be written, and the next change writes it.
#[test]
fn an_update_that_could_not_be_recorded_is_in_force() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let host = Host::before(&trust);
    fail::cfg("store.write", "return").unwrap();
    let failed = host.update("v2", StateMode::Copy).unwrap_err();
    fail::remove("store.write");
    assert_eq!(failed.status(), Status::Io, "{failed}");
    assert_eq!(host.call(), "v2");
    assert_eq!(host.standings(), [("v1".to_owned(), Standing::Retired), ("v2".to_owned(), Standing::Stable)]);
    host.update("v3", StateMode::Copy).unwrap();
    let record =
        std::fs::read_to_string(host.state.path().join("state/machine/stable/counter.json")).unwrap();
    assert!(record.contains(r#""stable":{"version":"v3""#), "{record}");
}

/// An engine with a state directory, whose service "counter" has the stable version "v1".
struct Host<'a> {
    engine: Arc<Engine>,
    trust: &'a Trust,
    state: TempDir,
}

impl<'a> Host<'a> {
    fn before(trust: &'a Trust) -> Self {
        let state = TempDir::new();
        let options = EngineOptions { state_directory: Some(state.path().join("state")), ..trust.options() };
        let host = Self { engine: Engine::open(options).unwrap(), trust, state };
        load(&host.engine, trust, &zoo("counter_v1"), "counter", "v1");
        host.engine.promote("counter", "v1", &durable()).unwrap();
        host
    }

    /// By all the steps that there are with this handling of the state.
    fn update(&self, label: &str, state: StateMode) -> Result<UpdateReport, Error> {
        let gray = GrayStep { share: 5000, hold: Duration::ZERO, calls: 0 };
        let options = UpdateOptions {
            load: LoadOptions { change: durable(), ..LoadOptions::default() },
            state,
            // The shadow's count is its own, so its answers differ.
            shadow: Some(Shadowing {
                requests: 3,
                tolerated_mismatches: 3,
                patience: Duration::from_mins(1),
            }),
            gray: if state == StateMode::Copy { vec![gray] } else { Vec::new() },
            probation: GrayStep { share: 0, hold: Duration::from_millis(1), calls: 0 },
            on_no_data: OnNoData::Pass,
            handover_patience: Duration::from_secs(30),
            drain: Duration::from_mins(1),
            ..UpdateOptions::default()
        };
        let signed = self.trust.signed(&zoo("counter_v2"), "counter", label);
        self.engine.update("counter", label, &signed, &options, &mut |_| Verdict::Continue)
    }

    /// Which version has answered.
    fn call(&self) -> String {
        let mut answer = Vec::new();
        let mut invocation = Invocation { request: b"add", answer: &mut answer, limit: 100, code: 0 };
        let service = self.engine.service("counter").unwrap();
        service.call(&Request::default(), &mut invocation, &mut None).unwrap();
        String::from_utf8(answer).unwrap().split(' ').next().unwrap().to_owned()
    }

    /// Runs `body` while two threads call, each of whose calls is answered.
    fn under_load(&self, body: impl FnOnce()) {
        struct Over<'b>(&'b AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // Also when the body panics: otherwise the scope would wait for ever.
            let _over = Over(&over);
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        self.call();
                    }
                });
            }
            body();
        });
    }

    fn standings(&self) -> Vec<(String, Standing)> {
        let report = self.engine.report(Some("counter")).unwrap();
        report.into_iter().map(|version| (version.label.to_string(), version.standing)).collect()
    }

    /// The old version stands alone; after a panic the new one may stand beside it, out of service, and can be unloaded.
    fn assert_untouched(&self, panicked: bool, case: &str) {
        if panicked && self.standings().len() > 1 {
            let unloaded = self.engine.unload("counter", "v2", Duration::from_mins(1), &durable());
            unloaded.unwrap_or_else(|e| panic!("{case}, unload: {e}"));
        }
        assert_eq!(self.standings(), [("v1".to_owned(), Standing::Stable)], "{case}");
    }
}

fn durable() -> Change {
    Change { wait_durable: true, ..Change::default() }
}

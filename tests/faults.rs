//! Every step at which the runtime can fail, walked: a change that fails, panics or pauses there leaves every caller
//! served by the version that served before; afterwards everything works, and nothing is left behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "faults/gate.rs"]
mod gate;
#[path = "faults/leftovers.rs"]
mod leftovers;
#[path = "faults/loading.rs"]
mod loading;
#[path = "faults/packages.rs"]
mod packages;
mod support;
#[path = "faults/update.rs"]
mod update;

use Verb::{Load, Policy, Promote, Rollback, Unload};
use gate::Gate;
use leftovers::{Leftovers, assert_no_temporary_file};
use sogov::engine::{Change, Engine, EngineOptions, LoadOptions};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::route::Request;
use sogov::runtime::Standing;
use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use support::{ROOT, TempDir, Trust, fee};

/// What is asked for while a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Load,
    Promote,
    Policy,
    Rollback,
    Unload,
}

/// What a failure at a step leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    /// Everything as before.
    Nothing,
    /// The change is in force, and not on the disk yet.
    InForce,
    /// The version out of service for good, and mapped.
    Pinned,
    /// Nothing: the change is made all the same.
    Done,
}

/// The steps, with the changes that come by.
const STEPS: &[(&str, &[Verb], Leaves)] = &[
    ("preflight.null", &[Load], Leaves::Nothing),
    ("preflight.pipe", &[Load], Leaves::Nothing),
    ("preflight.nonce", &[Load], Leaves::Nothing),
    ("preflight.job", &[Load], Leaves::Nothing),
    ("supervised.pipe", &[Load], Leaves::Nothing),
    ("supervised.stacks", &[Load], Leaves::Nothing),
    ("supervised.process", &[Load], Leaves::Nothing),
    ("supervised.record", &[Load], Leaves::Nothing),
    ("preflight.report", &[Load], Leaves::Nothing),
    ("version.reserve", &[Load], Leaves::Nothing),
    ("trust.read", &[Load], Leaves::Nothing),
    ("memfd.create", &[Load], Leaves::Nothing),
    ("memfd.copy", &[Load], Leaves::Nothing),
    ("memfd.seal", &[Load], Leaves::Nothing),
    ("memfd.map", &[Load], Leaves::Nothing),
    ("trust.decided", &[Load], Leaves::Nothing),
    ("load.examine", &[Load], Leaves::Nothing),
    ("load.needed", &[Load], Leaves::Nothing),
    ("load.libraries", &[Load], Leaves::Nothing),
    ("load.open", &[Load], Leaves::Nothing),
    ("load.start", &[Load], Leaves::Nothing),
    ("store.keep", &[Load], Leaves::Nothing),
    ("service.add", &[Load], Leaves::Nothing),
    ("service.install", &[Promote, Policy, Rollback], Leaves::Nothing),
    ("store.write", &[Promote, Policy, Rollback], Leaves::InForce),
    ("write.create", &[Promote], Leaves::InForce),
    ("write.content", &[Promote], Leaves::InForce),
    ("write.sync", &[Promote], Leaves::InForce),
    ("write.rename", &[Promote], Leaves::InForce),
    ("write.sync_directory", &[Promote], Leaves::InForce),
    ("write.create", &[Load], Leaves::Nothing),
    ("write.content", &[Load], Leaves::Nothing),
    ("write.sync", &[Load], Leaves::Nothing),
    ("write.rename", &[Load], Leaves::Nothing),
    ("write.sync_directory", &[Load], Leaves::Nothing),
    ("unload.stop", &[Unload], Leaves::Pinned),
    // What cannot be looked at is no evidence: the file alone decides.
    ("audit.threads", &[Unload], Leaves::Done),
    ("audit.handlers", &[Unload], Leaves::Done),
    ("audit.environment", &[Unload], Leaves::Done),
    ("audit.buffers", &[Unload], Leaves::Done),
    ("audit.bindings", &[Unload], Leaves::Done),
    ("unload.close", &[Unload], Leaves::Pinned),
];

/// Steps that have tests of their own.
const ELSEWHERE: &[&str] =
    &["keeper.start", "keeper.job", "service.leaving", "preflight.helper", "audit.library"];

#[test]
fn every_step_of_the_code_is_walked() {
    let mut marked = BTreeSet::new();
    let mut directories = vec![Path::new(ROOT).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if !path.ends_with("sys/faults.rs") {
                let text = fs::read_to_string(&path).unwrap();
                for name in text.split("fault!(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
                    assert!(marked.insert(name.to_owned()), "{name} marks two steps");
                }
            }
        }
    }
    let walked =
        STEPS.iter().map(|(step, ..)| step).chain(update::STEPS).chain(packages::STEPS).chain(ELSEWHERE);
    assert_eq!(marked, walked.map(|step| (*step).to_owned()).collect());
}

#[test]
fn a_change_that_fails_or_panics_leaves_every_caller_with_the_version_of_before() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    for (step, verbs, leaves) in STEPS {
        for verb in *verbs {
            for action in ["return", "panic"] {
                let before = Leftovers::now();
                let host = Host::before(&trust, *verb);
                let case = format!("{verb:?} with {action} at {step}");
                host.with_callers(*verb, *leaves == Leaves::InForce, |_| {
                    fail::cfg(*step, action).unwrap();
                    let ended = catch_unwind(AssertUnwindSafe(|| host.make(*verb)));
                    fail::remove(*step);
                    match ended {
                        Ok(Err(refused)) if action == "return" => {
                            assert!(
                                refused.message().contains(&format!("injected at {step}")),
                                "{case}: {refused}"
                            );
                        }
                        Ok(Ok(())) if action == "return" && *leaves == Leaves::Done => {}
                        Err(_) if action == "panic" => {}
                        other => panic!("{case}: {other:?}"),
                    }
                });
                host.assert_works_after(*verb, *leaves, action, &case);
                drop(host);
                // A panic leaves mapped what was mapped: whether its code runs is not known.
                before.assert_same(*leaves != Leaves::Pinned && action == "return", &case);
            }
        }
    }
}

#[test]
fn callers_go_on_while_a_change_takes_its_time() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    for (step, verbs, leaves) in STEPS {
        for verb in *verbs {
            let host = Host::before(&trust, *verb);
            let gate = Gate::at(step);
            // Until the step is over nobody sees the change; after it, both versions may answer for a moment.
            host.with_callers(*verb, true, |calls| {
                std::thread::scope(|scope| {
                    let change = scope.spawn(|| host.make(*verb));
                    gate.wait_for(1);
                    let begin = calls.load(Ordering::SeqCst);
                    while calls.load(Ordering::SeqCst) < begin + 200 {
                        std::thread::yield_now();
                    }
                    if *leaves != Leaves::InForce {
                        assert_eq!(host.tariff(), verb.before(), "{verb:?} at {step}");
                    }
                    gate.open(usize::MAX);
                    change.join().unwrap().unwrap_or_else(|e| panic!("{verb:?} at {step}: {e}"));
                });
            });
            fail::remove(*step);
        }
    }
}

/// Two unloads around a promotion: the first one finds that its departure is over, and lets the second one be.
#[test]
fn an_unload_that_was_overtaken_leaves_the_next_one_alone() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let host = Host::before(&trust, Unload);
    let gate = Gate::at("service.leaving");
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| host.make(Unload));
        gate.wait_for(1);
        let promoted = host.promote("v2").and_then(|()| host.promote("v1"));
        let second = scope.spawn(|| host.make(Unload));
        gate.wait_for(2);
        gate.open(1);
        let first = first.join();
        // Before anything is asserted: a thread that waits here for ever would hang the test.
        gate.open(usize::MAX);
        promoted.unwrap();
        (first.unwrap(), second.join().unwrap())
    });
    let overtaken = first.unwrap_err();
    assert_eq!(overtaken.status(), Status::Busy, "{overtaken}");
    assert!(overtaken.message().contains("put back into service"), "{overtaken}");
    second.unwrap();
    assert_eq!(host.standing("v2"), None);
}

/// A child that was forked while the state directory was locked shares the lock's open file.
#[test]
fn a_forked_child_does_not_keep_the_state_directory_locked() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let host = Host::before(&trust, Promote);
    let gate = Gate::at("store.write");
    let (reader, writer) = std::io::pipe().unwrap();
    let child = std::thread::scope(|scope| {
        let change = scope.spawn(|| host.make(Promote));
        gate.wait_for(1);
        // SAFETY: the child waits for the end of the pipe and leaves, which takes no lock and allocates nothing.
        let child = unsafe { libc::fork() };
        if child == 0 {
            use std::os::fd::AsRawFd;
            let mut byte = 0_u8;
            // SAFETY: descriptors and a place of this program; leaves without the exit handlers of the test harness.
            unsafe {
                libc::close(writer.as_raw_fd());
                libc::read(reader.as_raw_fd(), (&raw mut byte).cast(), 1);
                libc::_exit(0);
            }
        }
        gate.open(usize::MAX);
        change.join().unwrap().unwrap();
        child
    });
    let (done, finished) = channel();
    std::thread::scope(|scope| {
        let host = &host;
        scope.spawn(move || done.send(host.promote("v1")).unwrap());
        let promoted = finished.recv_timeout(Duration::from_mins(1));
        drop(writer);
        let mut status = 0;
        // SAFETY: waits for the child made above.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        promoted.expect("the lock was free while the child lived").unwrap();
    });
}

/// A job of the housekeeping that panics is over; the next one writes what it had to write.
#[test]
fn a_job_that_panics_does_not_end_the_housekeeping() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let host = Host::before(&trust, Promote);
    let reached = Gate::at("keeper.job");
    reached.open(usize::MAX);
    fail::cfg("keeper.job", "1*panic->off").unwrap();
    let promote = |label| host.engine.promote("fee", label, &Change::default()).map(drop);
    promote("v2").unwrap();
    // The record that was not written is written by the next change.
    let record = host.state.path().join("state/machine/stable/fee.json");
    let stable =
        || fs::read_to_string(&record).is_ok_and(|text| text.contains(r#""stable":{"version":"v1""#));
    promote("v1").unwrap();
    let mut left = 6000;
    while !stable() && left > 0 {
        std::thread::sleep(Duration::from_millis(10));
        left -= 1;
    }
    assert!(stable());
}

impl Verb {
    /// The version that serves before the change.
    fn before(self) -> &'static str {
        if self == Rollback { "v2" } else { "v1" }
    }
}

/// An engine with a state directory, as it stands before a change.
struct Host<'a> {
    engine: Arc<Engine>,
    trust: &'a Trust,
    state: TempDir,
}

impl<'a> Host<'a> {
    fn before(trust: &'a Trust, verb: Verb) -> Self {
        let state = TempDir::new();
        let options = EngineOptions { state_directory: Some(state.path().join("state")), ..trust.options() };
        let host = Self { engine: Engine::open(options).unwrap(), trust, state };
        host.load("v1").unwrap();
        host.promote("v1").unwrap();
        if verb != Load {
            host.load("v2").unwrap();
        }
        if verb == Rollback {
            host.promote("v2").unwrap();
        }
        host
    }

    fn make(&self, verb: Verb) -> Result<(), Error> {
        match verb {
            Load => self.load("v2"),
            Promote => self.promote("v2"),
            Policy => {
                let policy = br#"{"version":"p","stable":"v2"}"#;
                self.engine.apply_route_policy("fee", policy, &durable())
            }
            Rollback => self.engine.rollback("fee", &durable()).map(drop),
            Unload => self.engine.unload("fee", "v2", Duration::from_mins(1), &durable()),
        }
    }

    fn load(&self, label: &str) -> Result<(), Error> {
        let signed = self.trust.signed(&fee(label), "fee", label);
        self.engine.load_versioned("fee", label, &signed, &LoadOptions::default()).map(drop)
    }

    fn promote(&self, label: &str) -> Result<(), Error> {
        self.engine.promote("fee", label, &durable()).map(drop)
    }

    /// Calls, and answers which version has computed the answer.
    fn tariff(&self) -> &'static str {
        let mut answer = Vec::new();
        let request = b"amount=1234.56 currency=CNY";
        let mut invocation = Invocation { request, answer: &mut answer, limit: 4096, code: 0 };
        self.engine.service("fee").unwrap().call(&Request::default(), &mut invocation, &mut None).unwrap();
        match answer.as_slice() {
            b"fee=6.17 currency=CNY tariff=v1" => "v1",
            b"fee=5.56 currency=CNY tariff=v2" => "v2",
            other => panic!("{}", String::from_utf8_lossy(other)),
        }
    }

    /// Runs `body` while two threads call and look at each answer; it gets the number of calls so far.
    fn with_callers(&self, verb: Verb, may_change: bool, body: impl FnOnce(&AtomicU64)) {
        struct Over<'b>(&'b AtomicBool);
        impl Drop for Over<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        let (over, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            // Also when the body panics: otherwise the scope would wait for ever.
            let _over = Over(&over);
            for _ in 0..2 {
                scope.spawn(|| {
                    while !over.load(Ordering::SeqCst) {
                        let tariff = self.tariff();
                        assert!(may_change || tariff == verb.before(), "{verb:?}: {tariff}");
                        calls.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
            while calls.load(Ordering::SeqCst) < 10 {
                std::thread::yield_now();
            }
            body(&calls);
        });
    }

    fn standing(&self, label: &str) -> Option<Standing> {
        let report = self.engine.report(Some("fee")).unwrap();
        report.iter().find(|version| version.label.as_str() == label).map(|version| version.standing)
    }

    /// The same change again, and then every other.
    fn assert_works_after(&self, verb: Verb, leaves: Leaves, action: &str, case: &str) {
        match leaves {
            Leaves::Nothing => {
                assert_eq!(self.tariff(), verb.before(), "{case}");
                self.make(verb).unwrap_or_else(|e| panic!("{case}, again: {e}"));
            }
            Leaves::InForce => assert_ne!(self.tariff(), verb.before(), "{case}"),
            Leaves::Done => assert_eq!(self.standing("v2"), None, "{case}"),
            Leaves::Pinned => {
                let expected = (action == "return").then_some(Standing::Pinned);
                assert_eq!(self.standing("v2"), expected, "{case}");
            }
        }
        self.load("v3").unwrap_or_else(|e| panic!("{case}, load: {e}"));
        for label in ["v3", "v1"] {
            self.promote(label).unwrap_or_else(|e| panic!("{case}, promote: {e}"));
        }
        self.engine.rollback("fee", &durable()).unwrap_or_else(|e| panic!("{case}, rollback: {e}"));
        self.promote("v1").unwrap_or_else(|e| panic!("{case}, promote: {e}"));
        let record = fs::read_to_string(self.state.path().join("state/machine/stable/fee.json")).unwrap();
        assert!(record.contains(r#""stable":{"version":"v1""#), "{case}: {record}");
        assert_no_temporary_file(&self.state.path().join("state"), case);
        for label in ["v3", "v2"] {
            match self.standing(label) {
                None | Some(Standing::Pinned) => {}
                Some(_) => {
                    let unloaded = self.engine.unload("fee", label, Duration::from_mins(1), &durable());
                    unloaded.unwrap_or_else(|e| panic!("{case}, unload: {e}"));
                }
            }
        }
        self.engine.close();
    }
}

fn durable() -> Change {
    Change { wait_durable: true, ..Change::default() }
}

//! Hot update: every step can fail, and leaves every caller served by the old version; state is moved without a loss.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::engine::{
    Change, Engine, EngineOptions, GrayStep, OnNoData, Shadowing, StateMode, Step, StepPhase, UpdateOptions,
    UpdateProgress, UpdateReport, Verdict,
};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::loader::preflight::PreflightPolicy;
use sogov::route::Request;
use sogov::runtime::{Service, Standing};
use std::ffi::c_void;
use std::io::{Read, Write, pipe};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::{Lines, Trust, load, zoo};

/// Far more than anything here takes.
const LONG: Duration = Duration::from_mins(1);

/// An engine whose service "counter" has the stable version "v1".
struct Host {
    engine: Arc<Engine>,
    service: Arc<Service>,
    trust: Trust,
    lines: Lines,
}

impl Host {
    fn with(plugin: &str) -> Self {
        Self::opened(plugin, PreflightPolicy::Required)
    }

    /// In an engine without preflight: what a version does wrong it does here.
    fn without_preflight(plugin: &str) -> Self {
        Self::opened(plugin, PreflightPolicy::Off)
    }

    fn opened(plugin: &str, policy: PreflightPolicy) -> Self {
        let (trust, lines) = (Trust::new(), Lines::default());
        let mut options = EngineOptions { log: lines.log(), ..trust.options() };
        options.preflight.policy = policy;
        let engine = Engine::open(options).unwrap();
        load(&engine, &trust, &zoo(plugin), "counter", "v1");
        engine.promote("counter", "v1", &Change::default()).unwrap();
        let service = engine.service("counter").unwrap();
        Self { engine, service, trust, lines }
    }

    fn update(&self, plugin: &str, label: &str, options: &UpdateOptions) -> Result<UpdateReport, Error> {
        self.update_watched(plugin, label, options, |_| Verdict::Continue)
    }

    fn update_watched(
        &self,
        plugin: &str,
        label: &str,
        options: &UpdateOptions,
        mut watch: impl FnMut(&UpdateProgress) -> Verdict,
    ) -> Result<UpdateReport, Error> {
        let signed = self.trust.signed(&zoo(plugin), "counter", label);
        self.engine.update("counter", label, &signed, options, &mut watch)
    }

    fn standings(&self) -> Vec<(String, Standing)> {
        let report = self.engine.report(Some("counter")).unwrap();
        report.into_iter().map(|r| (r.label.to_string(), r.standing)).collect()
    }

    /// Breaks the new version when it has served everybody for a while; for [`Self::update_watched`].
    fn break_in_probation(&self, now: &UpdateProgress) -> Verdict {
        if now.step == Step::Probation && now.phase == StepPhase::Waits {
            call(&self.service, b"break").unwrap_err();
        }
        Verdict::Continue
    }

    /// That everything is as before the update: the old version serves, alone.
    fn assert_untouched(&self) {
        assert_eq!(self.standings(), [("v1".to_owned(), Standing::Stable)]);
        let before = count(&call(&self.service, b"get").unwrap());
        assert_eq!(call(&self.service, b"add").unwrap(), ("v1".into(), format!("v1 {}", before + 1)));
    }

    /// Runs `change` while four threads add to the counter, and answers what they were answered.
    fn under_load<T>(&self, change: impl FnOnce(&AtomicU64) -> T) -> (T, Vec<Called>) {
        let (done, calls) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let add = || {
                let mut answers = Vec::new();
                while !done.load(Ordering::Relaxed) {
                    answers.push(call(&self.service, b"add"));
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                answers
            };
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(add)).collect();
            let ending = AtTheEnd(&done);
            more_calls(&calls, 100);
            let changed = change(&calls);
            more_calls(&calls, 100);
            drop(ending);
            (changed, callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect())
        })
    }
}

/// The version's label and its answer; for a failure of the plugin the message has the label in front.
type Called = Result<(String, String), Error>;

/// Ends the threads that look at it, also where a test fails.
struct AtTheEnd<'a>(&'a AtomicBool);

impl Drop for AtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until there were so many more calls.
fn more_calls(calls: &AtomicU64, more: u64) {
    let from = calls.load(Ordering::Relaxed);
    while calls.load(Ordering::Relaxed) < from + more {
        std::thread::yield_now();
    }
}

fn call(service: &Service, input: &[u8]) -> Called {
    let mut answer = Vec::new();
    let mut called = None;
    let mut invocation = Invocation { request: input, answer: &mut answer, limit: 4096, code: 0 };
    let outcome = service.call(&Request::default(), &mut invocation, &mut called);
    let version = called.map(|called| called.version.to_string()).unwrap_or_default();
    outcome.map_err(|e| e.of(&version))?;
    Ok((version, String::from_utf8(answer).unwrap()))
}

/// The number in an answer, which has to be that of the version which the call reports.
fn count((version, answer): &(String, String)) -> u64 {
    let (label, number) = answer.split_once(' ').unwrap();
    assert_eq!(label, version);
    number.parse().unwrap()
}

fn share(share: u32, calls: u64) -> GrayStep {
    GrayStep { share, hold: Duration::ZERO, calls }
}

/// A probation that ends by a failure.
fn long() -> GrayStep {
    GrayStep { share: 0, hold: LONG, calls: 20 }
}

fn patient() -> UpdateOptions {
    UpdateOptions {
        on_no_data: OnNoData::Hold,
        handover_patience: Duration::from_secs(30),
        ..Default::default()
    }
}

#[test]
fn the_steps_come_in_their_order_and_the_new_version_is_stable() {
    let host = Host::with("counter_v1");
    for _ in 0..3 {
        call(&host.service, b"add").unwrap();
    }
    let options = UpdateOptions {
        state: StateMode::Copy,
        gray: vec![share(1000, 20), share(5000, 20)],
        probation: share(0, 20),
        ..patient()
    };
    let mut steps = Vec::new();
    let (report, answers) = host.under_load(|_| {
        host.update_watched("counter_v2", "v2", &options, |now| {
            if now.phase != StepPhase::Waits {
                steps.push((now.step, now.phase, now.share));
            }
            if now.phase == StepPhase::Ends && now.step == Step::Gray {
                assert!(now.calls >= 20 && now.failures == 0, "{now:?}");
            }
            Verdict::Continue
        })
    });
    let report = report.unwrap();
    assert_eq!((report.former.to_string(), report.version.label.to_string()), ("v1".into(), "v2".into()));
    assert_eq!((report.version.standing, report.state_len), (Standing::Stable, 8));
    let expected = [
        (Step::Verify, 0),
        (Step::Preflight, 0),
        (Step::Load, 0),
        (Step::ImportState, 0),
        (Step::SelfTest, 0),
        (Step::Gray, 1000),
        (Step::Gray, 5000),
        (Step::Probation, 10_000),
        (Step::Promote, 10_000),
    ];
    let mut told: Vec<_> =
        expected.iter().flat_map(|(s, n)| [(*s, StepPhase::Begins, *n), (*s, StepPhase::Ends, *n)]).collect();
    // Once promoted there is nothing to cancel: the end of the step is the end of all.
    told.last_mut().unwrap().0 = Step::Done;
    assert_eq!(steps, told);
    assert_eq!(host.standings(), [("v1".into(), Standing::Retired), ("v2".into(), Standing::Stable)]);
    let version = |answer: &Called| answer.as_ref().unwrap().0.clone();
    assert!(answers.iter().any(|answer| version(answer) == "v1"));
    assert!(answers.iter().all(|answer| ["v1", "v2"].contains(&version(answer).as_str())));
    assert!(host.lines.contain("update counter: v2"));
    assert_eq!(host.engine.rollback("counter", &Change::default()).unwrap().label().to_string(), "v1");
}

/// The trial says what it thinks of a plugin whose stop answers 9: as often as there was one.
#[test]
fn an_update_has_one_preflight() {
    let host = Host::with("counter_v1");
    host.update("stop_fails", "v2", &UpdateOptions::default()).unwrap();
    let lines = host.lines.all();
    let notes = lines.iter().filter(|line| line.contains("counter@v2: preflight: "));
    assert_eq!(notes.count(), 1, "{lines:?}");
}

/// The promise of a handover: under four callers every number is answered once, by whichever version.
#[test]
fn a_counter_survives_handovers_without_a_lost_or_doubled_count() {
    let host = Host::with("counter_v1");
    let options = UpdateOptions { state: StateMode::Handover, probation: share(0, 50), ..patient() };
    let ((), answers) = host.under_load(|calls| {
        for round in 0..20 {
            let plugin = if round % 2 == 0 { "counter_v2" } else { "counter_v1" };
            let report = host.update(plugin, &format!("r{round}"), &options).unwrap();
            assert!(report.pause < options.handover_patience);
            more_calls(calls, 200);
        }
    });
    let mut counts: Vec<u64> = answers.iter().map(|answer| count(answer.as_ref().unwrap())).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=counts.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_step_that_fails_leaves_every_caller_served_by_the_old_version() {
    let copy = || UpdateOptions { state: StateMode::Copy, ..patient() };
    let handover = || UpdateOptions { state: StateMode::Handover, ..patient() };
    let gray = || UpdateOptions { gray: vec![share(500, 20), share(5000, 20)], ..patient() };
    let cases = [
        ("counter_v1", "start_fails", copy(), Status::PreflightFailed, "preflight: "),
        ("counter_v1", "rpath", copy(), Status::ImageRejected, "preflight: "),
        ("counter_v1", "counter_v3", copy(), Status::UpdateFailed, "import state: schema 1"),
        ("counter_v1", "counter_v3", handover(), Status::UpdateFailed, "import state: schema 1"),
        ("counter_v1", "plain_level1", copy(), Status::UpdateFailed, "import state: plugin plain_level1"),
        (
            "counter_export_fails",
            "counter_v2",
            copy(),
            Status::UpdateFailed,
            "import state: plugin state_export: expected 0, found 17",
        ),
        (
            "counter_v1",
            "counter_self_test_fails",
            gray(),
            Status::PreflightFailed,
            "preflight: self-test: plugin self test",
        ),
        (
            "counter_v1",
            "counter_fails",
            gray(),
            Status::UpdateFailed,
            "gray: expected its breaker to stay closed",
        ),
        (
            "counter_v1",
            "counter_breaks",
            UpdateOptions { probation: long(), ..gray() },
            Status::UpdateFailed,
            "probation: expected its breaker to stay closed",
        ),
        (
            "counter_v1",
            "counter_v2",
            UpdateOptions { on_no_data: OnNoData::Fail, gray: vec![share(1, u64::MAX)], ..patient() },
            Status::UpdateFailed,
            "gray: expected at least 18446744073709551615 calls in its time, found ",
        ),
    ];
    for (old, new, options, status, part) in cases {
        assert_taken_back(&Host::with(old), new, &options, status, part);
    }
}

#[test]
fn what_no_preflight_found_fails_in_the_host() {
    let options = patient();
    for (new, status, part) in [
        ("rpath", Status::ImageRejected, "preflight: "),
        ("start_fails", Status::PluginFailed, "load: "),
        ("counter_self_test_fails", Status::UpdateFailed, "self test: plugin self test"),
    ] {
        assert_taken_back(&Host::without_preflight("counter_v1"), new, &options, status, part);
    }
}

#[test]
fn failures_are_judged_without_a_breaker_too() {
    let gray = vec![share(500, 20), share(5000, 20)];
    let no_breaker = br#"{"version":"p","weight":{"v1":1},"hash":{"version":1,"on_missing_key":"random"},"breaker":{"enabled":false}}"#;
    for (new, options, part) in [
        (
            "counter_fails",
            UpdateOptions { gray: gray.clone(), ..patient() },
            "gray: expected at most 100 of 10000",
        ),
        (
            "counter_breaks",
            UpdateOptions { gray, probation: long(), ..patient() },
            "probation: expected at most 100",
        ),
    ] {
        let host = Host::with("counter_v1");
        host.engine.apply_route_policy("counter", no_breaker, &Change::default()).unwrap();
        assert_taken_back(&host, new, &options, Status::UpdateFailed, part);
    }
}

/// That updating `host` to `new` fails so, and nobody but callers of `new` notices.
fn assert_taken_back(host: &Host, new: &str, options: &UpdateOptions, status: Status, part: &str) {
    let (failed, answers) = host.under_load(|_| {
        let mut last = None;
        let failed = host.update_watched(new, "v2", options, |now| {
            last = Some((now.step, now.message.clone()));
            host.break_in_probation(now)
        });
        let failed = failed.unwrap_err();
        assert_eq!(last, Some((Step::RolledBack, Some(failed.message().to_owned()))));
        failed
    });
    assert_eq!(failed.status(), status, "{new}: {failed}");
    assert!(
        failed.message().contains(&format!("update to v2: {}", part.split(':').next().unwrap())),
        "{failed}"
    );
    assert!(failed.message().contains(part), "{new}: expected {part:?} in: {failed}");
    host.assert_untouched();
    let mut served_by_v1 = 0;
    for answer in answers {
        match answer {
            Ok(answer) if answer.0 == "v1" => served_by_v1 += 1,
            Ok(answer) => assert_eq!(answer.0, "v2", "{new}"),
            Err(e) => {
                assert_eq!(e.status(), Status::PluginFailed, "{new}: {e}");
                assert!(e.message().starts_with("v2: "), "only the new version failed calls: {e}");
                assert!(["counter_fails", "counter_breaks"].contains(&new), "{new}: {e}");
            }
        }
    }
    let counted = count(&call(&host.service, b"get").unwrap());
    assert_eq!(counted, served_by_v1 + 1, "{new}: the old version kept every count");
}

#[test]
fn an_update_can_be_cancelled_before_and_after_each_step() {
    let host = Host::with("counter_v1");
    let options = UpdateOptions { state: StateMode::Handover, probation: share(0, 10), ..patient() };
    let steps = [
        Step::Verify,
        Step::Preflight,
        Step::Load,
        Step::ImportState,
        Step::SelfTest,
        Step::Handover,
        Step::Probation,
    ];
    let cancel = |host: &Host, step: Step, phase: StepPhase| {
        host.update_watched("counter_v2", "v2", &options, |now| {
            if (now.step, now.phase) == (step, phase) { Verdict::Cancel } else { Verdict::Continue }
        })
    };
    let (count_of_cancelled, answers) = host.under_load(|_| {
        let mut cancelled = 0;
        for step in steps {
            for phase in [StepPhase::Begins, StepPhase::Ends] {
                let refused = cancel(&host, step, phase).unwrap_err();
                assert_eq!(refused.status(), Status::Cancelled, "{step}: {refused}");
                assert!(
                    refused.message().contains(&format!("update to v2: {step}: was cancelled")),
                    "{refused}"
                );
                assert_eq!(host.standings(), [("v1".to_owned(), Standing::Stable)]);
                cancelled += 1;
            }
        }
        let refused = cancel(&host, Step::Promote, StepPhase::Begins).unwrap_err();
        assert_eq!(refused.status(), Status::Cancelled);
        cancelled + 1
    });
    assert_eq!(count_of_cancelled, 15);
    // Those that were cancelled after the handover gave the state back.
    let mut counts: Vec<u64> = answers.iter().map(|answer| count(answer.as_ref().unwrap())).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=counts.len() as u64).collect::<Vec<_>>());
    host.assert_untouched();
    let unwatched = UpdateOptions { probation: GrayStep::default(), ..options };
    let too_late = host.update_watched("counter_v2", "v2", &unwatched, |now| {
        if now.step == Step::Done { Verdict::Cancel } else { Verdict::Continue }
    });
    too_late.unwrap();
}

#[test]
fn state_comes_back_from_a_version_that_fails_its_probation() {
    let options = UpdateOptions { state: StateMode::Handover, probation: long(), ..patient() };
    let host = Host::with("counter_v1");
    let (failed, answers) = host.under_load(|_| {
        host.update_watched("counter_breaks", "v2", &options, |now| host.break_in_probation(now)).unwrap_err()
    });
    assert!(failed.message().contains("probation: "), "{failed}");
    assert!(!failed.message().contains("lost"), "{failed}");
    let mut counts: Vec<u64> = answers.iter().flatten().map(count).collect();
    assert!(answers.iter().flatten().any(|(version, _)| version == "v2"));
    counts.sort_unstable();
    assert_eq!(counts, (1..=counts.len() as u64).collect::<Vec<_>>(), "what v2 counted is with v1");
    host.assert_untouched();

    // An old version that cannot read the new schema serves with what it had, and the message says so.
    let host = Host::with("counter_v1_reads_1");
    let (failed, answers) = host.under_load(|_| {
        host.update_watched("counter_breaks", "v2", &options, |now| host.break_in_probation(now)).unwrap_err()
    });
    assert!(
        failed
            .message()
            .contains("what was written since the handover is lost: schema 2: plugin state_import"),
        "{failed}"
    );
    host.assert_untouched();
    let by_v1 = answers.iter().flatten().filter(|(version, _)| version == "v1").count() as u64;
    assert_eq!(count(&call(&host.service, b"get").unwrap()), by_v1 + 1);
}

#[test]
fn a_call_that_does_not_end_holds_up_a_handover_only_for_its_time() {
    let host = Host::with("counter_v1");
    let (mut inside, tell_inside) = pipe().unwrap();
    let (wait, mut go_on) = pipe().unwrap();
    let request = format!("wait {} {}", wait.as_raw_fd(), tell_inside.as_raw_fd());
    std::thread::scope(|scope| {
        let stuck = scope.spawn(|| call(&host.service, request.as_bytes()));
        inside.read_exact(&mut [0]).unwrap();
        let options = UpdateOptions {
            state: StateMode::Handover,
            handover_patience: Duration::from_millis(50),
            ..patient()
        };
        let (failed, answers) = host.under_load(|_| host.update("counter_v2", "v2", &options).unwrap_err());
        assert_eq!(failed.status(), Status::UpdateFailed);
        assert!(failed.message().contains("handover: v1: expected its calls to end in time"), "{failed}");
        assert!(answers.iter().all(|answer| answer.as_ref().unwrap().0 == "v1"));
        go_on.write_all(&[0]).unwrap();
        assert_eq!(stuck.join().unwrap().unwrap().0, "v1");
    });
    host.assert_untouched();
}

/// Nothing can interrupt a plugin's export, but requests do not wait for it longer than they may.
#[test]
fn requests_go_on_while_an_export_hangs() {
    let (wait, mut go_on) = pipe().unwrap();
    let host = Host::with("counter_export_waits");
    call(&host.service, format!("arm {}", wait.as_raw_fd()).as_bytes()).unwrap();
    let options = UpdateOptions {
        state: StateMode::Handover,
        handover_patience: Duration::from_millis(50),
        ..patient()
    };
    // For the rehearsal.
    go_on.write_all(&[0]).unwrap();
    let in_handover = AtomicBool::new(false);
    let (failed, answers) = host.under_load(|calls| {
        std::thread::scope(|scope| {
            let update = scope.spawn(|| {
                host.update_watched("counter_v2", "v2", &options, |now| {
                    in_handover.fetch_or(now.step == Step::Handover, Ordering::SeqCst);
                    Verdict::Continue
                })
            });
            while !in_handover.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            // The export waits for a byte that comes after these.
            more_calls(calls, 1000);
            go_on.write_all(&[0]).unwrap();
            update.join().unwrap().unwrap_err()
        })
    });
    assert_eq!(failed.status(), Status::UpdateFailed);
    assert!(failed.message().contains("handover: took longer than requests may wait"), "{failed}");
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().0 == "v1"));
    host.assert_untouched();
}

/// What a plugin calls back.
struct Nested<'a> {
    service: &'a Service,
    inside: &'a AtomicBool,
    in_handover: &'a AtomicBool,
}

/// A handover waits for a call that itself makes calls; those must not wait for the handover.
#[test]
fn calls_from_inside_a_call_go_on_during_a_handover() {
    extern "C" fn nested(context: *mut c_void) -> i32 {
        // SAFETY: the request below holds a pointer to a Nested that outlives the call.
        let nested = unsafe { &*context.cast::<Nested<'_>>() };
        nested.inside.store(true, Ordering::SeqCst);
        while !nested.in_handover.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        (0..20_000).map(|_| i32::from(call(nested.service, b"get").unwrap().0 != "v1")).sum()
    }
    let host = Host::with("counter_v1");
    let (inside, in_handover) = (AtomicBool::new(false), AtomicBool::new(false));
    let context = Nested { service: &host.service, inside: &inside, in_handover: &in_handover };
    let mut request = b"back ".to_vec();
    request.extend((nested as *const () as usize).to_ne_bytes());
    request.extend((&raw const context as usize).to_ne_bytes());
    let options = UpdateOptions { state: StateMode::Handover, handover_patience: LONG, ..patient() };
    std::thread::scope(|scope| {
        let (request, service) = (request.as_slice(), &host.service);
        let outer = scope.spawn(move || call(service, request));
        while !inside.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        host.update_watched("counter_v2", "v2", &options, |now| {
            in_handover.fetch_or(now.step == Step::Handover, Ordering::SeqCst);
            Verdict::Continue
        })
        .unwrap();
        assert_eq!(outer.join().unwrap().unwrap().0, "v1");
    });
    assert_eq!(call(&host.service, b"get").unwrap().0, "v2");
}

#[test]
fn shadow_calls_find_other_answers_and_change_none() {
    let shadow = |tolerated_mismatches| UpdateOptions {
        shadow: Some(Shadowing { requests: 50, tolerated_mismatches, patience: LONG }),
        ..UpdateOptions::default()
    };
    let host = Host::with("counter_v1");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let answer = call(&host.service, b"echo same").unwrap();
                    assert!(answer.1 == "same" || answer.0 == "v3", "{answer:?}");
                }
            });
        }
        let ending = AtTheEnd(&done);
        let mut mismatches = Vec::new();
        let failed = host.update_watched("counter_echo_differs", "v2", &shadow(2), |now| {
            mismatches.extend(now.mismatch);
            Verdict::Continue
        });
        let failed = failed.unwrap_err();
        assert_eq!(failed.status(), Status::UpdateFailed);
        assert!(
            failed.message().contains(
                "shadow: expected at most 2 other answers than the stable version's, found 3 in 3 requests"
            ),
            "{failed}"
        );
        assert_eq!(mismatches.len(), 3);
        assert_eq!((mismatches[0].request.0, mismatches[0].expected.1, mismatches[0].found.1), (9, 4, 9));
        assert_ne!(mismatches[0].expected.2, mismatches[0].found.2);
        assert_eq!(host.standings(), [("v1".to_owned(), Standing::Stable)]);

        let undeclared = host.update("counter_v1", "v2", &shadow(0)).unwrap_err();
        assert!(undeclared.message().contains("SOGOV_PLUGIN_IDEMPOTENT"), "{undeclared}");
        assert_eq!(host.standings(), [("v1".to_owned(), Standing::Stable)]);

        let report = host.update("counter_v2", "v2", &shadow(0)).unwrap();
        assert_eq!((report.compared, report.mismatched), (50, 0));
        let report = host.update("counter_echo_differs", "v3", &shadow(50)).unwrap();
        assert_eq!((report.compared, report.mismatched), (50, 50));
        drop(ending);
    });
}

#[test]
fn shadow_calls_without_requests_end_as_the_options_say() {
    let host = Host::with("counter_v1");
    let shadow = |on_no_data| UpdateOptions {
        shadow: Some(Shadowing { requests: 5, tolerated_mismatches: 0, patience: Duration::ZERO }),
        on_no_data,
        ..UpdateOptions::default()
    };
    let failed = host.update("counter_v2", "v2", &shadow(OnNoData::Fail)).unwrap_err();
    assert!(failed.message().contains("shadow: expected at least 5 calls in its time, found 0"), "{failed}");
    host.assert_untouched();
    let mut waits = 0;
    let cancelled = host.update_watched("counter_v2", "v2", &shadow(OnNoData::Hold), |now| {
        waits += u32::from(now.phase == StepPhase::Waits);
        if waits == 3 { Verdict::Cancel } else { Verdict::Continue }
    });
    assert_eq!(cancelled.unwrap_err().status(), Status::Cancelled);
    host.assert_untouched();
    assert_eq!(host.update("counter_v2", "v2", &shadow(OnNoData::Pass)).unwrap().compared, 0);
}

#[test]
fn one_update_at_a_time() {
    let host = Host::with("counter_v1");
    let mut second = None;
    host.update_watched("counter_v2", "v2", &UpdateOptions::default(), |now| {
        if now.step == Step::SelfTest {
            let signed = host.trust.signed(&zoo("counter_v1"), "counter", "v3");
            let refused =
                host.engine
                    .update("counter", "v3", &signed, &UpdateOptions::default(), &mut |_| Verdict::Continue);
            second = Some(refused.unwrap_err());
        }
        Verdict::Continue
    })
    .unwrap();
    let second = second.unwrap();
    assert_eq!(second.status(), Status::Busy);
    assert!(second.message().contains("is being updated already"), "{second}");
    host.update("counter_v1", "v3", &UpdateOptions::default()).unwrap();
}

#[test]
fn a_change_by_somebody_else_stops_the_update_and_stays() {
    let host = Host::with("counter_v1");
    load(&host.engine, &host.trust, &zoo("counter_v1"), "counter", "other");
    let options = UpdateOptions { gray: vec![share(5000, u64::MAX)], ..patient() };
    let other_policy = br#"{"version":"p","stable":"v1","weight":{"v1":1,"other":1}}"#;
    let mut policy_after = 3;
    let stopped = host.update_watched("counter_v2", "v2", &options, |now| {
        if now.step == Step::Gray && now.phase == StepPhase::Waits {
            policy_after -= 1;
        }
        if policy_after == 0 {
            host.engine.apply_route_policy("counter", other_policy, &Change::default()).unwrap();
        }
        Verdict::Continue
    });
    let stopped = stopped.unwrap_err();
    assert_eq!(stopped.status(), Status::Busy);
    assert!(
        stopped.message().contains("gray: service counter: what serves was changed by somebody else"),
        "{stopped}"
    );
    assert_eq!(host.standings(), [("v1".to_owned(), Standing::Stable), ("other".to_owned(), Standing::Gray)]);

    let gray_serves = host.update("counter_v2", "v2", &options).unwrap_err();
    assert_eq!(gray_serves.status(), Status::Busy);
    assert!(gray_serves.message().contains("gray versions serve"), "{gray_serves}");
    host.engine.rollback("counter", &Change::default()).unwrap();

    // A rollback takes effect at once, and the update does not undo it.
    let stopped = host.update_watched("counter_v2", "v2", &options, |now| {
        if now.step == Step::Gray && now.phase == StepPhase::Waits {
            host.engine.rollback("counter", &Change::default()).unwrap();
        }
        Verdict::Continue
    });
    assert_eq!(stopped.unwrap_err().status(), Status::Busy);
    host.engine.unload("counter", "other", LONG, &Change::default()).unwrap();
    host.assert_untouched();
}

#[test]
fn the_policy_in_force_outlives_an_update_that_failed() {
    let host = Host::with("counter_v1");
    let change = Change::default();
    let policy = br#"{"version":"p","epoch":7,"stable":"v1","pins":{"deny":["ada"]}}"#;
    host.engine.apply_route_policy("counter", policy, &change).unwrap();
    let of = |user: &[u8]| {
        let mut called = None;
        let mut invocation = Invocation { request: b"get", answer: &mut Vec::new(), limit: 64, code: 0 };
        let request = Request { user_key: Some(user), headers: &[] };
        host.service.call(&request, &mut invocation, &mut called).unwrap();
        called.unwrap().version.to_string()
    };
    let options = UpdateOptions { gray: vec![share(10_000, u64::MAX)], ..patient() };
    let mut seen = Vec::new();
    host.update_watched("counter_v2", "v2", &options, |now| {
        if now.step == Step::Gray && now.phase == StepPhase::Waits {
            seen = vec![of(b"ada"), of(b"bob")];
            return Verdict::Cancel;
        }
        Verdict::Continue
    })
    .unwrap_err();
    assert_eq!(seen, ["v1", "v2"], "the pins of the policy count beside the share");
    assert_eq!(of(b"bob"), "v1");
    host.assert_untouched();
    // Its epoch is as before: no rollback raised it.
    host.engine.apply_route_policy("counter", policy, &change).unwrap();
    let killed = br#"{"version":"k","epoch":8,"stable":"v1","kill_switch":true}"#;
    host.engine.apply_route_policy("counter", killed, &change).unwrap();
    let refused = host.update("counter_v2", "v2", &options).unwrap_err();
    assert_eq!(refused.status(), Status::Busy);
    assert!(refused.message().contains("kill switch"), "{refused}");
}

#[test]
fn an_update_from_inside_a_call_would_wait_for_itself() {
    extern "C" fn update(context: *mut c_void) -> i32 {
        // SAFETY: the request below holds a pointer to a Host that outlives the call.
        let host = unsafe { &*context.cast::<Host>() };
        let refused = host.update("counter_v2", "v2", &UpdateOptions::default()).unwrap_err();
        i32::from(refused.status() != Status::Deadlock)
    }
    let host = Host::with("counter_v1");
    let mut request = b"back ".to_vec();
    request.extend((update as *const () as usize).to_ne_bytes());
    request.extend((&raw const host as usize).to_ne_bytes());
    call(&host.service, &request).unwrap();
    host.assert_untouched();
}

#[test]
fn a_failed_version_can_stay_to_be_looked_at() {
    let host = Host::without_preflight("counter_v1");
    let options = UpdateOptions { keep_failed: true, ..UpdateOptions::default() };
    let failed = host.update("counter_self_test_fails", "v2", &options).unwrap_err();
    assert!(failed.message().ends_with("; v2 stays loaded"), "{failed}");
    assert_eq!(host.standings(), [("v1".to_owned(), Standing::Stable), ("v2".to_owned(), Standing::Loaded)]);
}

#[test]
fn what_cannot_be_updated_is_refused_at_once() {
    let host = Host::with("counter_v1");
    let never = |_: &UpdateProgress| panic!("a step of an update that was refused");
    for (options, part) in [
        (
            UpdateOptions { state: StateMode::Handover, gray: vec![share(1, 0)], ..patient() },
            "no steps with a handover",
        ),
        (UpdateOptions { gray: vec![share(500, 0), share(500, 0)], ..patient() }, "shares that grow"),
        (UpdateOptions { gray: vec![share(10_001, 0)], ..patient() }, "shares that grow"),
        (UpdateOptions { tolerated_failures: 10_001, ..patient() }, "tolerated_failures"),
        (UpdateOptions { handover_patience: Duration::from_secs(61), ..patient() }, "handover_patience"),
    ] {
        let refused = host.update_watched("counter_v2", "v2", &options, never).unwrap_err();
        assert_eq!(refused.status(), Status::InvalidArgument);
        assert!(refused.message().contains(part), "{refused}");
    }
    let taken = host.update_watched("counter_v2", "v1", &patient(), never).unwrap_err();
    assert_eq!(taken.status(), Status::Busy);
    host.engine.service("empty").unwrap();
    let signed = host.trust.signed(&zoo("counter_v2"), "empty", "v1");
    let mut watch = never;
    let empty = host.engine.update("empty", "v1", &signed, &patient(), &mut watch).unwrap_err();
    assert_eq!(empty.status(), Status::NoVersion);
}

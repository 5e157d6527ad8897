//! The life of versions: load, route, call, promote, rollback, unload, restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::engine::{Change, Engine, EngineOptions, LoadOptions};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::route::{Header, Request};
use sogov::runtime::{self, Outcome, Service, Standing};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::{Lines, TempDir, Trust, fee, fee_engine, load, zoo};

const NO_PATIENCE: Duration = Duration::from_millis(1);

fn change() -> Change {
    Change { actor: "test".into(), ..Change::default() }
}

/// Sends one request through a level-1 plugin and answers the version's label and what it said.
fn call(service: &Service, request: &Request<'_>, input: &str) -> Result<(String, String), Error> {
    let mut answer = Vec::new();
    let mut called = None;
    let mut invocation = Invocation { request: input.as_bytes(), answer: &mut answer, limit: 4096, code: 0 };
    service.call(request, &mut invocation, &mut called)?;
    Ok((called.unwrap().version.to_string(), String::from_utf8(answer).unwrap()))
}

fn standings(engine: &Engine, service: &str) -> Vec<(String, Standing)> {
    engine.report(Some(service)).unwrap().into_iter().map(|r| (r.label.to_string(), r.standing)).collect()
}

#[test]
fn two_versions_of_one_plugin_answer_each_for_themselves() {
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    let service = engine.service("fee").unwrap();
    let nobody = Request::default();
    let (version, v1) = call(&service, &nobody, "amount=1234.56 currency=CNY").unwrap();
    assert_eq!((version.as_str(), v1.as_str()), ("v1", "fee=6.17 currency=CNY tariff=v1"));
    engine.promote("fee", "v2", &change()).unwrap();
    let (version, v2) = call(&service, &nobody, "amount=1234.56 currency=CNY").unwrap();
    assert_eq!((version.as_str(), v2.as_str()), ("v2", "fee=5.56 currency=CNY tariff=v2"));
    assert_eq!(
        standings(&engine, "fee"),
        [("v1".into(), Standing::Retired), ("v2".into(), Standing::Stable)]
    );
    assert_eq!(engine.rollback("fee", &change()).unwrap().label().to_string(), "v1");
    assert_eq!(call(&service, &nobody, "amount=1234.56 currency=CNY").unwrap().1, v1);
    assert_eq!(engine.rollback("fee", &change()).unwrap_err().status(), Status::NotFound);
}

#[test]
fn statics_of_two_versions_do_not_touch_each_other() {
    let trust = Trust::new();
    let engine = Engine::open(trust.options()).unwrap();
    let service = engine.service("plain").unwrap();
    let mut counts = Vec::new();
    for version in ["v1", "v2"] {
        load(&engine, &trust, &zoo(&format!("plain_{version}")), "plain", version);
        engine.promote("plain", version, &change()).unwrap();
        let lease = service.route(&Request::default()).unwrap().lease;
        let leased = runtime::hold(lease).unwrap();
        let count = runtime::symbol(&leased, "count", None).unwrap();
        // SAFETY: `int count(void)` of tests/zoo/plain.c, called under its lease.
        let count: extern "C" fn() -> i32 = unsafe { std::mem::transmute(count) };
        counts.push((count(), count()));
        runtime::release(lease, Outcome::Success).unwrap();
    }
    assert_eq!(counts[0], counts[1], "each version counts from its own beginning");
}

#[test]
fn a_route_policy_splits_the_users_and_a_rollback_withdraws_the_gray_version() {
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    let service = engine.service("fee").unwrap();
    let policy = br#"{"version":"p1","epoch":7,"stable":"v1","weight":{"v1":80,"v2":20},
        "rules":[{"id":"env","priority":1,"when":{"header":"x-env","eq":"gray"},"to":"v2"}]}"#;
    engine.apply_route_policy("fee", policy, &change()).unwrap();
    let version_for = |request: &Request<'_>| call(&service, request, "amount=1 currency=CNY").unwrap().0;
    let mut gray = 0;
    for user in 0..1000 {
        let key = format!("user-{user}");
        let request = Request { user_key: Some(key.as_bytes()), headers: &[] };
        let version = version_for(&request);
        assert_eq!(version, version_for(&request), "{key} stays where it is");
        gray += u32::from(version == "v2");
    }
    assert!((150..250).contains(&gray), "20% of 1000 users, found {gray}");
    let headers = [Header { name: b"X-Env", value: b"gray" }];
    assert_eq!(version_for(&Request { user_key: None, headers: &headers }), "v2");

    assert_eq!(engine.rollback("fee", &change()).unwrap().label().to_string(), "v1");
    assert_eq!(version_for(&Request { user_key: None, headers: &headers }), "v1");
    let late = engine.apply_route_policy("fee", policy, &change()).unwrap_err();
    assert_eq!(late.status(), Status::RoutePolicyInvalid);
    assert!(
        late.message().contains("epoch: expected at least 8, as the policy in force had 7, found 7"),
        "{late}"
    );
}

#[test]
fn a_bad_policy_changes_nothing() {
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    for (policy, part) in [
        (&b"{"[..], "line"),
        (br#"{"version":"p","stable":"v1","weight":{"v1":1,"v9":1}}"#, "v9"),
        (br#"{"version":"p","stable":"v1","weight":{"v1":"80"}}"#, r#"weight["v1"]"#),
        (br#"{"version":"p","stable":"v1","weight":{"v1":1,"v2":1},"grays":[{"version":"v2","seq":1,"digest":"sm3:0000000000000000000000000000000000000000000000000000000000000000"}]}"#, "digest"),
    ] {
        let refused = engine.apply_route_policy("fee", policy, &change()).unwrap_err();
        assert_eq!(refused.status(), Status::RoutePolicyInvalid);
        assert!(refused.message().contains(part), "{refused}");
        assert_eq!(standings(&engine, "fee"), [("v1".into(), Standing::Stable), ("v2".into(), Standing::Loaded)]);
    }
}

#[test]
fn a_lease_keeps_its_version_and_is_released_once() {
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    let service = engine.service("fee").unwrap();
    let lease = service.route(&Request::default()).unwrap().lease;
    engine.promote("fee", "v2", &change()).unwrap();
    let busy = engine.unload("fee", "v1", NO_PATIENCE, &change()).unwrap_err();
    assert_eq!(busy.status(), Status::Busy);
    assert!(busy.message().contains("found 1 in flight"), "{busy}");
    assert_eq!(engine.report(Some("fee")).unwrap()[0].in_flight, 1);
    std::thread::spawn(move || runtime::release(lease, Outcome::Failure)).join().unwrap().unwrap();
    assert_eq!(runtime::release(lease, Outcome::Success).unwrap_err().status(), Status::LeaseGone);
    let report = &engine.report(Some("fee")).unwrap()[0];
    assert_eq!((report.calls, report.failures), (1, 1));
    engine.unload("fee", "v1", NO_PATIENCE, &change()).unwrap();
    assert_eq!(standings(&engine, "fee"), [("v2".into(), Standing::Stable)]);
    for number in [0, 1, u64::MAX, lease.ticket() + (1 << 16)] {
        let gone = runtime::release(runtime::Lease::from_ticket(number), Outcome::Success).unwrap_err();
        assert_eq!(gone.status(), Status::LeaseGone, "{number}");
    }
}

#[test]
fn what_serves_cannot_be_unloaded() {
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    assert_eq!(engine.unload("fee", "v1", NO_PATIENCE, &change()).unwrap_err().status(), Status::Busy);
    engine.unload("fee", "v2", NO_PATIENCE, &change()).unwrap();
    assert_eq!(engine.unload("fee", "v2", NO_PATIENCE, &change()).unwrap_err().status(), Status::NotFound);
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    assert!(maps.contains("memfd:fee@v1"), "what is loaded can be told in the maps");
}

#[test]
fn retired_versions_beyond_the_parked_ones_are_unloaded() {
    let trust = Trust::new();
    let engine = Engine::open(EngineOptions { parked_versions: 1, ..trust.options() }).unwrap();
    for version in ["r1", "r2", "r3", "r4"] {
        load(&engine, &trust, &fee("v1"), "parked", version);
        engine.promote("parked", version, &change()).unwrap();
    }
    let expected = [("r3".to_owned(), Standing::Retired), ("r4".to_owned(), Standing::Stable)];
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while standings(&engine, "parked") != expected && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(standings(&engine, "parked"), expected);
}

#[test]
fn a_closed_engine_serves_nobody_and_leases_stay_good() {
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    let service = engine.service("fee").unwrap();
    let lease = service.route(&Request::default()).unwrap().lease;
    let closing = Arc::clone(&engine);
    let closed = std::thread::spawn(move || closing.close());
    while service
        .route(&Request::default())
        .is_ok_and(|routed| runtime::release(routed.lease, Outcome::Neutral).is_ok())
    {}
    assert_eq!(service.route(&Request::default()).unwrap_err().status(), Status::Closed);
    assert_eq!(engine.service("fee").unwrap_err().status(), Status::Closed);
    assert!(runtime::descriptor(&runtime::hold(lease).unwrap()).is_ok());
    runtime::release(lease, Outcome::Success).unwrap();
    closed.join().unwrap();
}

#[test]
fn a_restart_brings_the_stable_version_back_from_the_store() {
    let trust = Trust::new();
    let state = TempDir::new();
    let options = || EngineOptions { state_directory: Some(state.path().join("state")), ..trust.options() };
    {
        let engine = Engine::open(options()).unwrap();
        for version in ["v1", "v2"] {
            let signed = trust.signed(&fee(version), "restarted", version);
            engine.load_versioned("restarted", version, &signed, &LoadOptions::default()).unwrap();
            engine.promote("restarted", version, &Change { wait_durable: true, ..change() }).unwrap();
            std::fs::remove_file(signed).unwrap();
        }
        engine.close();
    }
    let engine = Engine::open(options()).unwrap();
    assert_eq!(standings(&engine, "restarted"), [("v2".into(), Standing::Stable)]);
    let service = engine.service("restarted").unwrap();
    assert_eq!(call(&service, &Request::default(), "amount=100 currency=CNY").unwrap().0, "v2");
    // v1 is not mapped any more: the rollback loads it from the store.
    assert_eq!(engine.rollback("restarted", &change()).unwrap().label().to_string(), "v1");
    assert_eq!(call(&service, &Request::default(), "amount=100 currency=CNY").unwrap().0, "v1");
    engine.close();

    // An artifact of the store that was changed is not loaded, and the service has no stable version then.
    let artifacts = state.path().join("state/machine/artifacts");
    for artifact in std::fs::read_dir(artifacts).unwrap() {
        let path = artifact.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[0x300] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    let lines = Lines::default();
    let engine = Engine::open(EngineOptions { log: lines.log(), ..options() }).unwrap();
    assert!(lines.contain("restore restarted: no stable version"), "{:?}", lines.all());
    let service = engine.service("restarted").unwrap();
    assert_eq!(call(&service, &Request::default(), "x").unwrap_err().status(), Status::NoVersion);
}

/// The promise of the whole: calls that are in flight while versions are promoted and rolled back all succeed, and
/// every answer is that of the version that the call reports.
#[test]
fn no_call_is_lost_across_promotions_and_rollbacks() {
    let soak = if std::env::var_os("SOGOV_SOAK").is_some() { 100 } else { 1 };
    let (least_cycles, least_calls) = (10_000 * soak, 200_000 * soak);
    let trust = Trust::new();
    let engine = fee_engine(&trust);
    let service = engine.service("fee").unwrap();
    let done = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let (version, answer) =
                        call(&service, &Request::default(), "amount=100 currency=CNY").unwrap();
                    assert!(answer.ends_with(&format!("tariff={version}")), "{version}: {answer}");
                    calls.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut cycles = 0;
        while cycles < least_cycles || calls.load(Ordering::Relaxed) < least_calls {
            engine.promote("fee", "v2", &change()).unwrap();
            engine.rollback("fee", &change()).unwrap();
            cycles += 1;
        }
        done.store(true, Ordering::Relaxed);
    });
    let counted: u64 = engine.report(Some("fee")).unwrap().iter().map(|report| report.calls).sum();
    assert_eq!(counted, calls.load(Ordering::Relaxed), "every call was counted for one of the versions");
    assert!(
        engine
            .report(Some("fee"))
            .unwrap()
            .iter()
            .all(|report| report.in_flight == 0 && report.failures == 0)
    );
}

#[test]
fn retired_versions_beyond_the_parked_bytes_are_unloaded() {
    let trust = Trust::new();
    let options = EngineOptions { parked_versions: 9, parked_bytes: 1, ..trust.options() };
    let engine = Engine::open(options).unwrap();
    for version in ["r1", "r2"] {
        load(&engine, &trust, &fee("v1"), "weighed", version);
        engine.promote("weighed", version, &change()).unwrap();
    }
    let expected = [("r2".to_owned(), Standing::Stable)];
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while standings(&engine, "weighed") != expected && std::time::Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(standings(&engine, "weighed"), expected);
}

//! What outlives the process: the state directory, shared by engines and processes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use sogov::engine::{Change, Engine, EngineOptions, LoadOptions};
use sogov::error::Status;
use sogov::route::Request;
use sogov::runtime::{self, Outcome, Standing};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{TempDir, Trust, fee, load};

/// A state directory and a trust directory, for one engine after another.
struct Machine {
    state: TempDir,
    trust: Trust,
}

impl Machine {
    fn new() -> Self {
        Self { state: TempDir::new(), trust: Trust::new() }
    }

    fn engine(&self) -> Arc<Engine> {
        let state_directory = Some(self.state.path().join("state"));
        Engine::open(EngineOptions { state_directory, parked_versions: 1, ..self.trust.options() }).unwrap()
    }

    fn load(&self, engine: &Engine, service: &str, version: &str) {
        load(engine, &self.trust, &fee("v1"), service, version);
    }

    fn load_and_promote(&self, engine: &Engine, service: &str, version: &str) {
        self.load(engine, service, version);
        promote(engine, service, version);
    }
}

fn durable() -> Change {
    Change { wait_durable: true, ..Change::default() }
}

fn promote(engine: &Engine, service: &str, version: &str) {
    engine.promote(service, version, &durable()).unwrap();
}

fn stable(engine: &Engine, service: &str) -> Option<String> {
    let versions = engine.report(Some(service)).ok()?;
    versions.iter().find(|v| v.standing == Standing::Stable).map(|v| v.label.to_string())
}

#[test]
fn an_engine_that_changed_nothing_writes_nothing() {
    let machine = Machine::new();
    let engine = machine.engine();
    machine.load_and_promote(&engine, "fee", "s1");
    let idle = machine.engine();
    machine.load_and_promote(&engine, "fee", "s2");
    idle.close();
    engine.close();
    assert_eq!(stable(&machine.engine(), "fee").as_deref(), Some("s2"));
}

#[test]
fn a_version_that_is_refused_at_a_restart_is_not_forgotten() {
    let machine = Machine::new();
    let engine = machine.engine();
    machine.load_and_promote(&engine, "fee", "s1");
    engine.close();
    let keys = Trust::key_entry(&machine.trust.key, "");
    machine.trust.write(&Trust::document(&keys, r#"{"name":"fee","epoch_floor":9}"#));
    let refusing = machine.engine();
    assert_eq!(stable(&refusing, "fee"), None);
    refusing.close();
    machine.trust.write(&Trust::document(&keys, r#"{"name":"fee","epoch_floor":1}"#));
    assert_eq!(stable(&machine.engine(), "fee").as_deref(), Some("s1"));
}

#[test]
fn the_same_bytes_serve_two_services() {
    let machine = Machine::new();
    let engine = machine.engine();
    for service in ["fee", "pay"] {
        machine.load_and_promote(&engine, service, "s1");
    }
    engine.close();
    let engine = machine.engine();
    for service in ["fee", "pay"] {
        assert_eq!(stable(&engine, service).as_deref(), Some("s1"), "{service}");
    }
}

#[test]
fn an_unloaded_version_can_be_rolled_back_to() {
    let machine = Machine::new();
    let engine = machine.engine();
    for version in ["s1", "s2"] {
        machine.load(&engine, "fee", version);
        // The record is written later: nothing may depend on it.
        engine.promote("fee", version, &Change::default()).unwrap();
    }
    engine.unload("fee", "s1", Duration::from_secs(30), &Change::default()).unwrap();
    assert_eq!(engine.rollback("fee", &Change::default()).unwrap().label().to_string(), "s1");
}

#[test]
fn a_refused_load_takes_nothing_from_others() {
    let machine = Machine::new();
    let engine = machine.engine();
    machine.load(&engine, "fee", "s1");
    let other = machine.engine();
    let refused = other.load_versioned("fee", "s1", &fee("v1"), &LoadOptions::default()).unwrap_err();
    assert_eq!(refused.status(), Status::Unsigned);
    promote(&engine, "fee", "s1");
    engine.close();
    assert_eq!(stable(&machine.engine(), "fee").as_deref(), Some("s1"));
}

#[test]
fn of_changes_at_one_time_the_last_is_on_the_disk() {
    for _ in 0..20 {
        let machine = Machine::new();
        let engine = machine.engine();
        let versions = ["s1", "s2", "s3", "s4"];
        for version in versions {
            machine.load(&engine, "fee", version);
        }
        std::thread::scope(|scope| {
            for version in versions {
                let engine = &engine;
                scope.spawn(move || promote(engine, "fee", version));
            }
        });
        let serving = stable(&engine, "fee");
        // A second engine reads what is on the disk while the first one is still there.
        assert_eq!(stable(&machine.engine(), "fee"), serving);
    }
}

/// A version that waits for its last lease is unloaded by the housekeeping; a new one that got its label is not.
#[test]
fn the_housekeeping_unloads_the_version_it_was_given() {
    let machine = Machine::new();
    let engine = machine.engine();
    machine.load_and_promote(&engine, "fee", "s1");
    let lease = engine.service("fee").unwrap().route(&Request::default()).unwrap().lease;
    for version in ["s2", "s3"] {
        machine.load_and_promote(&engine, "fee", version);
    }
    runtime::release(lease, Outcome::Success).unwrap();
    let deadline = Instant::now() + Duration::from_mins(1);
    let labels = || -> Vec<String> {
        engine.report(Some("fee")).unwrap().iter().map(|v| v.label.to_string()).collect()
    };
    while labels().contains(&"s1".to_owned()) && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(labels(), ["s2", "s3"]);
    machine.load(&engine, "fee", "s1");
    // Two more turns of the housekeeping, which another service's job passes through.
    machine.load_and_promote(&engine, "other", "s1");
    machine.load_and_promote(&engine, "other", "s2");
    machine.load_and_promote(&engine, "other", "s3");
    let others = || engine.report(Some("other")).unwrap().len();
    while others() > 2 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(labels(), ["s2", "s3", "s1"]);
}

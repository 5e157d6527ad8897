//! Loads that fail when the image has run already, and what a preflight and an audit do without what they look for.

use crate::gate::wait_until;
use crate::support::{TempDir, Trust, fee, load, zoo};
use sogov::engine::{Change, Engine, EngineOptions, LoadOptions};
use sogov::error::{Error, Status};
use sogov::runtime::Standing;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::channel;
use std::time::Duration;

fn try_load(engine: &Engine, trust: &Trust, plugin: &str, label: &str) -> Result<(), Error> {
    let signed = trust.signed(&zoo(plugin), "zoo", label);
    engine.load_versioned("zoo", label, &signed, &LoadOptions::default()).map(drop)
}

/// The standing of each version, with why it is pinned.
fn listed(engine: &Engine) -> Vec<(Standing, String)> {
    let report = engine.report(Some("zoo")).unwrap();
    report.into_iter().map(|version| (version.standing, version.pin_reason.unwrap_or_default())).collect()
}

fn is_mapped() -> bool {
    fs::read_to_string("/proc/self/maps").unwrap().contains("memfd:zoo@v1")
}

/// The thread that loads gets a destructor from the image's constructor, so the image outlives its `dlclose`.
#[test]
fn what_a_failed_load_leaves_mapped_goes_when_it_can() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let state = TempDir::new();
    let options = EngineOptions { state_directory: Some(state.path().join("state")), ..trust.options() };
    let engine = Engine::open(options).unwrap();
    for step in ["load.start", "store.keep", "service.add"] {
        let (loaded, was_loaded) = channel();
        let (leave, left) = channel::<()>();
        std::thread::scope(|scope| {
            let (engine, trust) = (&engine, &trust);
            scope.spawn(move || {
                fail::cfg(step, "return").unwrap();
                let refused = try_load(engine, trust, "tls_touched", "v1").unwrap_err();
                fail::remove(step);
                loaded.send(refused).unwrap();
                // The destructor is due until here.
                let _ = left.recv();
            });
            let refused = was_loaded.recv().unwrap();
            assert!(
                refused.message().contains(&format!("injected at {step}; the image stays mapped: tls: "))
            );
            let versions = listed(engine);
            assert!(is_mapped());
            assert_eq!(versions.len(), 1, "{step}: {versions:?}");
            assert!(versions[0].0 == Standing::Pinned && versions[0].1.starts_with("tls: "), "{versions:?}");
            drop(leave);
        });
        wait_until(|| listed(&engine).is_empty());
        assert!(!is_mapped(), "{step}");
        load(&engine, &trust, &zoo("plain_v1"), "zoo", "v1");
        engine.unload("zoo", "v1", Duration::from_mins(1), &Change::default()).unwrap();
    }
}

/// The housekeeping takes over what could not be left to it before.
#[test]
fn what_stays_mapped_is_not_lost_where_no_thread_can_be_started() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let engine = Engine::open(trust.options()).unwrap();
    fail::cfg("keeper.start", "return").unwrap();
    fail::cfg("service.add", "return").unwrap();
    // The destructor is due until this thread has ended.
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| try_load(&engine, &trust, "tls_touched", "v1").unwrap_err()).join().unwrap()
    });
    fail::remove("keeper.start");
    assert!(refused.message().contains("the image stays mapped: tls: "), "{refused}");
    assert_eq!(listed(&engine).len(), 1);
    assert!(is_mapped());
    let next = try_load(&engine, &trust, "plain_v1", "v2").unwrap_err();
    fail::remove("service.add");
    assert!(next.message().ends_with("injected at service.add"), "{next}");
    wait_until(|| listed(&engine).is_empty());
    assert!(!is_mapped());
}

/// What the child is to run is looked for when the engine is opened, and refuses loads where it was not found.
#[test]
fn an_engine_without_a_helper_loads_nothing() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let signed = trust.signed(&fee("v1"), "fee", "v1");
    let load =
        |engine: &Engine| engine.load_versioned("fee", "v1", &signed, &LoadOptions::default()).map(drop);
    fail::cfg("preflight.helper", "return").unwrap();
    let without = Engine::open(trust.options()).unwrap();
    fail::cfg("preflight.helper", "panic").unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| Engine::open(trust.options()).map(drop))).is_err());
    fail::remove("preflight.helper");
    let refused = load(&without).unwrap_err();
    assert!(refused.message().contains("injected at preflight.helper"), "{refused}");
    load(&Engine::open(trust.options()).unwrap()).unwrap();
}

/// A library that came with an image is only closed with it where its file was looked at.
#[test]
fn a_library_that_was_not_looked_at_forbids_closing() {
    let _scenario = fail::FailScenario::setup();
    let trust = Trust::new();
    let allowed = r#"{"name":"zoo","allow":{"run_path":true}}"#;
    trust.write(&Trust::document(&Trust::key_entry(&trust.key, ""), allowed));
    let engine = Engine::open(trust.options()).unwrap();
    let load_and_unload = |label: &str| {
        try_load(&engine, &trust, "needs_helper_v1", label).unwrap();
        engine.unload("zoo", label, Duration::from_mins(1), &Change::default())
    };
    load_and_unload("v1").unwrap();
    fail::cfg("audit.library", "return").unwrap();
    let pinned = load_and_unload("v2").unwrap_err();
    fail::remove("audit.library");
    assert_eq!(pinned.status(), Status::Pinned, "{pinned}");
    let expected = "dependency: needs libhelper.so, whose file could not be looked at: ";
    assert!(pinned.message().contains(expected), "{pinned}");
}

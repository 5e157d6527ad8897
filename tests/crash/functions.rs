//! Crashes in the other functions of a plugin: what is refused, what is taken out of service, and who serves on.

use crate::support::{Trust, load, zoo};
use crate::survives;
use sogov::engine::{
    Change, Engine, EngineOptions, GrayStep, LoadOptions, OnNoData, StateMode, UpdateOptions, Verdict,
};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::loader::preflight::PreflightPolicy;
use sogov::route::Request;
use sogov::runtime::{self, Standing};
use std::sync::Arc;
use std::time::Duration;

/// An engine that contains crashes and tries nothing beforehand, with `stable` as the stable version "v1".
struct Host {
    engine: Arc<Engine>,
    trust: Trust,
}

impl Host {
    fn with(stable: &str) -> Self {
        let trust = Trust::new();
        let mut options = EngineOptions { contain_crashes: true, ..trust.options() };
        options.preflight.policy = PreflightPolicy::Off;
        let host = Self { engine: Engine::open(options).unwrap(), trust };
        load(&host.engine, &host.trust, &zoo(stable), "zoo", "v1");
        host.promote("v1");
        host
    }

    fn load(&self, plugin: &str, label: &str) -> Result<(), Error> {
        let signed = self.trust.signed(&zoo(plugin), "zoo", label);
        self.engine.load_versioned("zoo", label, &signed, &LoadOptions::default()).map(drop)
    }

    fn promote(&self, label: &str) {
        self.engine.promote("zoo", label, &Change::default()).unwrap();
    }

    fn update(&self, plugin: &str, options: &UpdateOptions) -> Error {
        let signed = self.trust.signed(&zoo(plugin), "zoo", "v2");
        let updated = self.engine.update("zoo", "v2", &signed, options, &mut |_| Verdict::Continue);
        updated.map(drop).unwrap_err()
    }

    fn call(&self, request: &str) -> Result<String, Error> {
        let mut answer = Vec::new();
        let mut invocation =
            Invocation { request: request.as_bytes(), answer: &mut answer, limit: 100, code: 0 };
        self.engine.service("zoo").unwrap().call(&Request::default(), &mut invocation, &mut None)?;
        Ok(String::from_utf8(answer).unwrap())
    }

    /// `label` was taken out for `reason`, which begins so; its bytes are never loaded again, and its label is free.
    fn assert_crashed(&self, label: &str, plugin: &str, reason: &str) {
        let report = self.engine.report(Some("zoo")).unwrap();
        let version = report.iter().find(|version| version.label.as_str() == label).unwrap();
        assert_eq!(version.standing, Standing::Pinned);
        let found = version.pin_reason.clone().unwrap();
        assert!(found.starts_with(reason), "{found}");
        let process = runtime::process_report();
        assert!(process.tainted.is_some_and(|tainted| tainted.contains(reason)));
        let again = self.load(plugin, "other").unwrap_err();
        assert_eq!(again.status(), Status::Pinned, "{again}");
        self.load("reentrant", label).unwrap();
        self.engine.unload("zoo", label, Duration::from_mins(1), &Change::default()).unwrap();
    }
}

#[test]
fn a_crash_on_the_way_in_refuses_the_load_alone() {
    for (plugin, reason) in [
        ("start_traps", "plugin start: SIGILL"),
        ("health_traps", "plugin health: SIGILL"),
        ("counter_self_test_traps", "SIGILL"),
    ] {
        survives("functions::a_crash_on_the_way_in_refuses_the_load_alone", plugin, || {
            let host = Host::with("plain_level1");
            let refused = host.load(plugin, "v2").unwrap_err();
            assert_eq!(refused.status(), Status::PluginCrashed, "{refused}");
            assert!(refused.message().contains(reason), "{refused}");
            assert!(refused.message().contains("the image stays mapped: crash: "), "{refused}");
            assert_eq!(host.call("echo").unwrap(), "echo");
            host.assert_crashed("v2", plugin, &format!("crash: {reason}"));
            assert_eq!(host.call("echo").unwrap(), "echo");
        });
    }
}

#[test]
fn a_crash_in_stop_pins_the_version_alone() {
    survives("functions::a_crash_in_stop_pins_the_version_alone", "", || {
        let host = Host::with("plain_level1");
        host.load("stop_traps", "v2").unwrap();
        host.promote("v2");
        host.promote("v1");
        let unloaded = host.engine.unload("zoo", "v2", Duration::from_mins(1), &Change::default());
        let refused = unloaded.unwrap_err();
        assert_eq!(refused.status(), Status::Pinned, "{refused}");
        host.assert_crashed("v2", "stop_traps", "crash: plugin stop: SIGILL");
        let rolled_back = host.engine.rollback("zoo", &Change::default()).map(drop).unwrap_err();
        assert_eq!(rolled_back.status(), Status::NotFound, "no way leads back there: {rolled_back}");
        assert_eq!(host.call("echo").unwrap(), "echo");
    });
}

#[test]
fn a_crash_in_an_import_leaves_the_old_version_serving() {
    for state in [StateMode::Copy, StateMode::Handover] {
        survives(
            "functions::a_crash_in_an_import_leaves_the_old_version_serving",
            &format!("{state:?}"),
            || {
                let host = Host::with("counter_v1");
                assert_eq!(host.call("add").unwrap(), "v1 1");
                let options = UpdateOptions { state, ..UpdateOptions::default() };
                let failed = host.update("counter_import_traps", &options);
                assert_eq!(failed.status(), Status::UpdateFailed, "{failed}");
                let expected = "import state: schema 1: plugin state_import: SIGILL";
                assert!(failed.message().contains(expected), "{failed}");
                assert_eq!(host.call("add").unwrap(), "v1 2");
                host.assert_crashed("v2", "counter_import_traps", "crash: ");
            },
        );
    }
}

/// The old version's own code crashed: it is quarantined as after a crash in a call, and the one before it serves.
#[test]
fn a_crash_in_an_export_takes_the_exporting_version_out() {
    survives("functions::a_crash_in_an_export_takes_the_exporting_version_out", "", || {
        let host = Host::with("counter_v1");
        host.load("counter_export_traps", "v1-b").unwrap();
        host.promote("v1-b");
        let options = UpdateOptions { state: StateMode::Copy, ..UpdateOptions::default() };
        let failed = host.update("counter_v2", &options);
        assert_eq!(failed.status(), Status::UpdateFailed, "{failed}");
        let expected = "import state: plugin state_export: SIGILL";
        assert!(failed.message().contains(expected), "{failed}");
        assert_eq!(host.call("add").unwrap(), "v1 1");
        host.assert_crashed("v1-b", "counter_export_traps", "crash: plugin state_export: SIGILL");
        let report = host.engine.report(Some("zoo")).unwrap();
        assert!(report.iter().all(|version| version.label.as_str() != "v2"), "{report:?}");
    });
}

/// The state cannot come back, and the old version serves with its own.
#[test]
fn a_crash_on_the_way_back_leaves_the_old_version_serving() {
    survives("functions::a_crash_on_the_way_back_leaves_the_old_version_serving", "", || {
        let host = Host::with("counter_v1");
        assert_eq!(host.call("add").unwrap(), "v1 1");
        let options = UpdateOptions {
            state: StateMode::Handover,
            probation: GrayStep { hold: Duration::from_millis(1), calls: 1, ..GrayStep::default() },
            on_no_data: OnNoData::Fail,
            handover_patience: Duration::from_secs(30),
            ..UpdateOptions::default()
        };
        let failed = host.update("counter_export_traps", &options);
        assert_eq!(failed.status(), Status::UpdateFailed, "{failed}");
        assert!(failed.message().contains("is lost: plugin state_export: SIGILL"), "{failed}");
        assert_eq!(host.call("add").unwrap(), "v1 2");
        host.assert_crashed("v2", "counter_export_traps", "crash: plugin state_export: SIGILL");
    });
}

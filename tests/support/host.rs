//! An engine with plugins of the zoo.

#![allow(dead_code, reason = "each test target uses its own part")]

use crate::support::{Lines, Trust, load, zoo};
use sogov::engine::{Change, Engine, EngineOptions, FileFacts, LoadOptions};
use sogov::error::{Error, Status};
use sogov::loader::preflight::PreflightPolicy;
use sogov::loader::{Invocation, Isolation};
use sogov::route::Request;
use sogov::runtime::{self, Lease, Outcome, Standing, VersionReport};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A fresh engine with one plugin of the zoo, loaded and stable.
pub struct Host {
    pub engine: Arc<Engine>,
    pub trust: Trust,
    pub lines: Lines,
}

impl Host {
    pub fn new() -> Self {
        Self::opened(|_| ())
    }

    pub fn opened(adjust: impl FnOnce(&mut EngineOptions)) -> Self {
        let (trust, lines) = (Trust::new(), Lines::default());
        let mut options = EngineOptions { log: lines.log(), ..trust.options() };
        adjust(&mut options);
        Self { engine: Engine::open(options).unwrap(), trust, lines }
    }

    /// What the preflight would refuse reaches the loader.
    pub fn without_preflight() -> Self {
        Self::opened(|options| options.preflight.policy = PreflightPolicy::Off)
    }

    /// A plugin that is loaded and stable.
    pub fn with(plugin: &str) -> Self {
        Self::with_options(plugin, |_| ())
    }

    /// The same in an engine with other options.
    pub fn with_options(plugin: &str, adjust: impl FnOnce(&mut EngineOptions)) -> Self {
        let host = Self::opened(adjust);
        load(&host.engine, &host.trust, &zoo(plugin), "zoo", "v1");
        host.promote("v1");
        host
    }

    pub fn try_load(&self, plugin: &str) -> Result<(), Error> {
        let facts =
            FileFacts { service: "zoo".into(), version: "v1".into(), epoch: 1, ..FileFacts::default() };
        let signed = self.trust.path().join("zoo-v1.so");
        self.trust.signer().sign(&zoo(plugin), &signed, &facts)?;
        self.engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default()).map(drop)
    }

    /// Loads a plugin with a namespace of its own.
    pub fn load_isolated(&self, plugin: &str, label: &str) -> Result<VersionReport, Error> {
        let signed = self.trust.signed(&zoo(plugin), "zoo", label);
        let options = LoadOptions { isolation: Isolation::Own, ..LoadOptions::default() };
        self.engine.load_versioned("zoo", label, &signed, &options)
    }

    /// The same, and everybody gets it.
    pub fn promote_isolated(&self, plugin: &str, label: &str) {
        self.load_isolated(plugin, label).unwrap();
        self.promote(label);
    }

    pub fn promote(&self, label: &str) {
        self.engine.promote("zoo", label, &Change::default()).unwrap();
    }

    pub fn lease(&self) -> Lease {
        self.engine.service("zoo").unwrap().route(&Request::default()).unwrap().lease
    }

    /// Calls `int name(void)` under a lease.
    pub fn answer(&self, name: &str, version: Option<&str>) -> i32 {
        let lease = self.lease();
        let address = symbol(lease, name, version).unwrap();
        // SAFETY: the zoo's level-0 functions have this type.
        let function: extern "C" fn() -> i32 = unsafe { std::mem::transmute(address) };
        let answer = function();
        runtime::release(lease, Outcome::Success).unwrap();
        answer
    }

    pub fn call(&self, request: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
        let mut answer = Vec::new();
        let mut invocation = Invocation { request, answer: &mut answer, limit, code: 0 };
        self.engine.service("zoo").unwrap().call(&Request::default(), &mut invocation, &mut None)?;
        Ok(answer)
    }

    /// Takes the version out of service and unloads it.
    pub fn unload(&self) -> Result<(), Error> {
        load(&self.engine, &self.trust, &zoo("plain_v2"), "zoo", "next");
        self.engine.promote("zoo", "next", &Change::default()).unwrap();
        self.engine.unload("zoo", "v1", Duration::from_secs(30), &Change::default())
    }

    /// Unloads the version, which must stay mapped; answers the reason.
    pub fn pinned(&self) -> String {
        let pinned = self.unload().unwrap_err();
        assert_eq!(pinned.status(), Status::Pinned, "{pinned}");
        let report = &self.engine.report(Some("zoo")).unwrap()[1];
        assert_eq!(report.standing, Standing::Pinned);
        let promoted = self.engine.promote("zoo", "v1", &Change::default()).unwrap_err();
        assert_eq!(promoted.status(), Status::Pinned, "what was stopped serves no more");
        report.pin_reason.clone().unwrap()
    }

    /// Waits until the reaper has taken the version off the list, and answers whether it did within a minute.
    pub fn is_reaped(&self) -> bool {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.engine.report(Some("zoo")).unwrap().iter().any(|report| report.label.as_str() == "v1") {
            if Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        true
    }
}

/// Whether something of that name is mapped.
pub fn is_mapped(name: &str) -> bool {
    std::fs::read_to_string("/proc/self/maps").unwrap().contains(name)
}

/// The address of a symbol under a lease.
pub fn symbol(lease: Lease, name: &str, version: Option<&str>) -> Result<*mut c_void, Error> {
    runtime::symbol(&runtime::hold(lease).unwrap(), name, version)
}

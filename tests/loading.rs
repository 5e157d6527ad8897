//! Verified bytes to running code and back, with the plugins of the zoo (`tests/zoo/README.md` has the table).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/host.rs"]
mod host;
mod support;

use host::{Host, symbol};
use sogov::engine::{Change, LoadOptions};
use sogov::error::Status;
use sogov::route::Request;
use sogov::runtime::{self, Outcome};
use std::ffi::c_void;
use std::fs;
use std::os::fd::AsRawFd;
use std::time::Duration;
use support::{Trust, fee, load, zoo};

#[test]
fn verifying_says_what_loading_says() {
    for plugin in ["rpath", "execstack", "soname_system", "bad_abi"] {
        let host = Host::new();
        let refused = host.try_load(plugin).unwrap_err();
        let signed = host.trust.signed(&zoo(plugin), "zoo", "v1");
        let verified = host.engine.verify_file("zoo", Some("v1"), &signed, &LoadOptions::default());
        assert_eq!(verified.map(drop), Err(refused), "{plugin}");
    }
    let stack = fs::read_to_string("/proc/self/maps").unwrap();
    let stack = stack.lines().find(|line| line.ends_with("[stack]")).unwrap().to_owned();
    assert!(stack.contains("rw-p"), "the stack did not become executable: {stack}");
}

#[test]
fn the_trust_document_can_allow_what_is_refused_by_default() {
    let host = Host::new();
    let services = r#"{"name":"zoo","allow":{"run_path":true,"sonames":["libcrypto.so.3"]}}"#;
    host.trust.write(&Trust::document(&Trust::key_entry(&host.trust.key, ""), services));
    load(&host.engine, &host.trust, &zoo("rpath"), "zoo", "r1");
    load(&host.engine, &host.trust, &zoo("soname_system"), "zoo", "s1");
    let signed = host.trust.signed(&zoo("execstack"), "zoo", "e1");
    assert!(host.engine.load_versioned("zoo", "e1", &signed, &LoadOptions::default()).is_err());
}

#[test]
fn a_plugin_that_is_unwell_is_stopped() {
    let host = Host::without_preflight();
    host.try_load("health_fails").unwrap_err();
    assert!(host.lines.contain("zoo@v1: stopped"), "what was started is stopped: {:?}", host.lines.all());
    assert!(host.engine.report(None).unwrap().is_empty());
}

#[test]
fn a_descriptor_of_the_first_size_goes_on_working() {
    let host = Host::with("old_descriptor");
    assert_eq!(host.call(b"hello", 100).unwrap(), b"hello");
    host.unload().unwrap();
}

#[test]
fn a_truncated_plugin_is_refused() {
    let host = Host::new();
    let signed = host.trust.signed(&fee("v1"), "zoo", "v1");
    let unsigned = fs::read(fee("v1")).unwrap();
    let whole = fs::read(&signed).unwrap();
    let refuse = |bytes: &[u8]| {
        fs::write(&signed, bytes).unwrap();
        host.engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default()).unwrap_err()
    };
    for len in (0..whole.len()).step_by(64) {
        refuse(&whole[..len]);
    }
    // A signer cannot be talked into signing a truncated image either.
    for len in (0..unsigned.len()).step_by(64) {
        fs::write(&signed, &unsigned[..len]).unwrap();
        let target = host.trust.path().join("truncated.so");
        let facts =
            sogov::engine::FileFacts { service: "zoo".into(), version: "v1".into(), ..Default::default() };
        let refused = host.trust.signer().sign(&signed, &target, &facts).unwrap_err();
        assert_eq!(refused.status(), Status::ImageRejected, "{len}: {refused}");
    }
}

#[test]
fn symbol_versions_can_be_told_apart() {
    let host = Host::with("versioned_symbol");
    assert_eq!(host.answer("answer", None), 2);
    assert_eq!(host.answer("answer", Some("V1")), 1);
    assert_eq!(host.answer("answer", Some("V2")), 2);
    let lease = host.lease();
    for (name, version) in [("answer", Some("V3")), ("nothing", None), ("", None)] {
        assert_eq!(
            symbol(lease, name, version).unwrap_err().status(),
            Status::NotFound,
            "{name}@{version:?}"
        );
    }
    runtime::release(lease, Outcome::Success).unwrap();
}

#[test]
fn an_atexit_handler_runs_once_at_unload() {
    let host = Host::new();
    let file = host.trust.path().join("ran");
    // SAFETY: no other test of this program reads or writes the environment.
    #[allow(clippy::disallowed_methods, reason = "the plugin is told by the environment where to write")]
    unsafe {
        std::env::set_var("ZOO_ATEXIT_FILE", &file);
    }
    host.try_load("atexit").unwrap();
    host.engine.promote("zoo", "v1", &Change::default()).unwrap();
    let lease = host.lease();
    runtime::release(lease, Outcome::Success).unwrap();
    host.unload().unwrap();
    assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 1);
}

#[test]
fn the_floating_point_control_word_is_as_before() {
    let denormal = || std::hint::black_box(f64::MIN_POSITIVE) / std::hint::black_box(4.0);
    assert!(denormal() > 0.0);
    let _host = Host::with("fast_math");
    assert!(denormal() > 0.0, "a plugin built with -ffast-math does not change the host's arithmetic");
}

#[test]
fn an_answer_stays_within_its_limit() {
    let host = Host::with("big_answer");
    assert_eq!(host.call(b"3", 4 << 20).unwrap().len(), 3 << 20);
    assert_eq!(host.call(b"3", 2 << 20).unwrap_err().status(), Status::PluginFailed);
}

#[test]
fn a_level_0_plugin_has_no_calls() {
    let host = Host::with("plain_v1");
    assert_eq!(host.call(b"", 10).unwrap_err().status(), Status::Unsupported);
    assert_eq!(host.engine.report(Some("zoo")).unwrap()[0].failures, 0, "that is not the version's failure");
}

#[test]
fn a_slow_call_holds_up_its_own_version_only() {
    let host = Host::with("slow");
    let (release_end, wait_end) = std::io::pipe().map(|(reader, writer)| (writer, reader)).unwrap();
    let (mut entered, enter_end) = std::io::pipe().unwrap();
    let request = format!("{} {}", wait_end.as_raw_fd(), enter_end.as_raw_fd());
    std::thread::scope(|scope| {
        let call = scope.spawn(|| host.call(request.as_bytes(), 100));
        std::io::Read::read_exact(&mut entered, &mut [0]).unwrap();
        load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "other");
        host.engine.promote("zoo", "other", &Change::default()).unwrap();
        assert_eq!(host.answer("answer", None), 1, "the others go on");
        let unload = |label| host.engine.unload("zoo", label, Duration::from_millis(1), &Change::default());
        let busy = unload("v1").unwrap_err();
        assert_eq!(busy.status(), Status::Busy, "{busy}");
        load(&host.engine, &host.trust, &zoo("plain_v2"), "zoo", "third");
        unload("third").unwrap();
        std::io::Write::write_all(&mut &release_end, b"!").unwrap();
        assert_eq!(call.join().unwrap().unwrap(), b"done");
        unload("v1").unwrap();
    });
}

#[test]
fn unloading_from_inside_a_call_would_wait_for_itself() {
    extern "C" fn unload_myself(host: *mut c_void) -> i32 {
        // SAFETY: the address of the host below, which outlives the call.
        let host = unsafe { &*host.cast::<Host>() };
        let unload = |label| host.engine.unload("zoo", label, Duration::from_mins(1), &Change::default());
        load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "next");
        host.engine.promote("zoo", "next", &Change::default()).unwrap();
        unload("v1").unwrap_err().status() as i32
    }
    let host = Host::with("reentrant");
    let function: extern "C" fn(*mut c_void) -> i32 = unload_myself;
    let mut request = (function as usize).to_le_bytes().to_vec();
    request.extend((&raw const host as usize).to_le_bytes());
    let refused = host.call(&request, 0).unwrap_err();
    assert!(
        refused.message().ends_with(&format!("invoke answered {}", Status::Deadlock as i32)),
        "{refused}"
    );
    host.engine.unload("zoo", "v1", Duration::from_secs(30), &Change::default()).unwrap();
}

#[test]
fn a_forked_child_routes_on_with_the_inherited_leases_void() {
    let host = Host::with("plain_v1");
    let inherited = host.lease();
    // SAFETY: the child only routes, releases and leaves, which takes no lock and allocates nothing but an error text.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let service = host.engine.service("zoo").ok();
        let routed = service.and_then(|service| service.route(&Request::default()).ok());
        let released = routed.map(|routed| runtime::release(routed.lease, Outcome::Success).is_ok());
        let void = runtime::release(inherited, Outcome::Success).is_err();
        // SAFETY: leaves the child without running the test harness's exit handlers.
        unsafe { libc::_exit(i32::from(!(released == Some(true) && void))) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "child status {status:#x}");
    runtime::release(inherited, Outcome::Success).unwrap();
}

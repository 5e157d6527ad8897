//! Versions with a namespace of their own.

use crate::host::{Host, is_mapped, symbol};
use crate::support::{TempDir, Trust, load, zoo};
use sogov::engine::{Change, Engine, EngineOptions, LoadOptions, UpdateOptions, Verdict};
use sogov::error::Status;
use sogov::loader::Isolation;
use sogov::loader::preflight::PreflightPolicy;
use sogov::route::Request;
use sogov::runtime::{self, Outcome, Standing};
use std::ffi::CString;
use std::time::Duration;

/// How many namespaces a process has room for.
const ROOM: usize = 8;

/// Two libraries of one SONAME side by side, and one of them twice.
pub fn libraries_and_statics() {
    let host = roomy();
    host.trust.write(&run_paths_allowed(&host.trust));
    load(&host.engine, &host.trust, &zoo("needs_helper_v1"), "zoo", "plain");
    host.promote("plain");
    assert_eq!((host.answer("answer", None), host.answer("count", None)), (1, 1));
    host.promote_isolated("needs_helper_v2", "v2");
    assert_eq!(host.answer("answer", None), 2, "its own helper");
    host.promote_isolated("needs_helper_v1", "v1");
    assert_eq!((host.answer("answer", None), host.answer("count", None)), (1, 1), "its own copy of that");
    host.promote_isolated("needs_helper_v1", "again");
    assert_eq!((host.answer("count", None), host.answer("count", None)), (1, 2));
    for (label, expected) in [("plain", 2), ("v1", 2), ("v2", 1), ("again", 3)] {
        host.promote(label);
        assert_eq!(host.answer("count", None), expected, "{label}");
    }
    for label in ["v1", "v2", "plain"] {
        unload(&host, label).unwrap();
        assert!(!is_mapped(&format!("memfd:zoo@{label} ")), "{label}");
    }
    assert!(!is_mapped("helper_v2/libhelper.so"), "the libraries went with their versions");
}

/// What is refused for its names elsewhere, and what the names of the isolated plugin do to the host.
pub fn names() {
    let other = CString::new(zoo("host_symbol_other").into_os_string().into_encoded_bytes()).unwrap();
    // SAFETY: a plain library without constructors; it stays loaded.
    assert!(!unsafe { libc::dlopen(other.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) }.is_null());
    let host = Host::new();
    assert_eq!(host.try_load("host_symbol").unwrap_err().status(), Status::ImageRejected);
    host.promote_isolated("host_symbol", "v1");
    assert_eq!(host.answer("answer", None), 42, "the host's symbol of that name is not seen");
    host.promote_isolated("soname_system", "v2");
    assert_eq!(host.answer("answer", None), 42);
    // SAFETY: opens nothing.
    let found = unsafe { libc::dlopen(c"libcrypto.so.3".as_ptr(), libc::RTLD_NOW | libc::RTLD_NOLOAD) };
    assert!(found.is_null(), "the host that asks for the SONAME does not get the plugin");
}

/// Threads that the namespace's C library has not made, each with tables of its own.
pub fn threads() {
    let host = Host::new();
    host.promote_isolated("formats", "v1");
    let ask = || assert_eq!(host.call(b"Ab1 2.25", 100).unwrap(), b"2 letters, 2.25");
    ask();
    for _ in 0..20 {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(ask);
            }
        });
    }
    let lease = host.lease();
    let refused = runtime::descriptor(&runtime::hold(lease).unwrap()).unwrap_err();
    assert_eq!(refused.status(), Status::Unsupported, "whoever gets the descriptor calls it on any thread");
    runtime::release(lease, Outcome::Success).unwrap();
    load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "next");
    host.promote("next");
    std::thread::scope(|scope| scope.spawn(|| unload(&host, "v1")).join().unwrap()).unwrap();
    assert!(!is_mapped("memfd:zoo@v1"));
}

pub fn crash() {
    let host = Host::with_options("plain_v1", |options| options.contain_crashes = true);
    host.promote_isolated("formats", "v2");
    assert_eq!(host.call(b"Ab1 2.25", 100).unwrap(), b"2 letters, 2.25");
    let crashed = host.call(b"crash", 100).unwrap_err();
    assert_eq!(crashed.status(), Status::PluginCrashed, "{crashed}");
    assert_eq!(host.answer("answer", None), 1, "the former version serves");
}

/// Each limit has a message of its own, and nothing runs before it.
pub fn refusals() {
    let host = Host::without_preflight();
    host.trust.write(&run_paths_allowed(&host.trust));
    for (plugin, text) in [
        ("cxx_statics_v1", "C++ runtime"),
        ("thread", "imports pthread_create"),
        ("tsd_key", "imports pthread_key_create"),
        ("tls_destructor", "libstdc++"),
        ("signal_handler", "imports sigaction"),
        ("on_exit", "imports on_exit"),
        ("static_tls_small", "initial-exec"),
        ("go_v1", "cgo"),
        ("prints", "found p"),
        ("formats_level0", "__ctype_b_loc: expected a level-1 plugin"),
        ("needs_helper", "needed library libhelper.so"),
    ] {
        let refused = host.load_isolated(plugin, "v1").unwrap_err();
        assert_eq!(refused.status(), Status::Unsupported, "{plugin}: {refused}");
        assert!(refused.message().contains(text), "{plugin}: expected {text:?}, found {refused}");
    }
    let replaced = host.load_isolated("c_library_symbol", "v1").unwrap_err();
    assert_eq!(replaced.status(), Status::ImageRejected, "{replaced}");
    assert!(replaced.message().contains("rand_r"), "{replaced}");
    let undefined = host.load_isolated("missing_symbol", "v1").unwrap_err();
    assert_eq!(undefined.status(), Status::LoadFailed, "{undefined}");
    let accident = Host::new().load_isolated("start_fails", "v1").unwrap_err();
    assert_eq!(accident.status(), Status::PreflightFailed, "{accident}");
    // None of them used up a namespace.
    for index in 0..ROOM {
        host.load_isolated("plain_v1", &format!("p{index}")).unwrap();
    }
}

pub fn exhaustion() {
    let host = roomy();
    host.try_load("plain_v1").unwrap();
    host.promote("v1");
    for index in 0..ROOM {
        let report = host.load_isolated("plain_v2", &format!("p{index}")).unwrap();
        assert_eq!((report.standing, report.isolation), (Standing::Loaded, Isolation::Own));
    }
    let refused = host.load_isolated("plain_v2", "more").unwrap_err();
    assert_eq!(refused.status(), Status::LimitExceeded, "{refused}");
    assert!(refused.message().contains("at most 8 versions"), "{refused}");
    assert_eq!(host.answer("answer", None), 1, "what serves goes on");
    for index in 0..ROOM {
        host.promote(&format!("p{index}"));
        assert_eq!((host.answer("answer", None), host.answer("count", None)), (2, 1));
    }
    load(&host.engine, &host.trust, &zoo("static_tls_small"), "zoo", "static");
    host.promote("static");
    assert_eq!(host.answer("answer", None), 42, "there is static storage left for the host");
    unload(&host, "p3").unwrap();
    host.promote_isolated("plain_v1", "more");
    assert_eq!((host.answer("answer", None), host.answer("count", None)), (1, 1));
}

/// As updates load and unload, and far more often than glibc has room for C libraries.
pub fn cycles() {
    let host = without_trials();
    for index in 0..100 {
        let label = format!("v{index}");
        host.promote_isolated(["plain_v1", "plain_v2"][index % 2], &label);
        assert_eq!(host.answer("answer", None), 1 + i32::from(index % 2 == 1));
        assert_eq!(host.answer("count", None), 1, "nothing of the last one is left");
        if let Some(former) = index.checked_sub(1) {
            unload(&host, &format!("v{former}")).unwrap();
            assert!(!is_mapped(&format!("memfd:zoo@v{former} ")));
        }
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let copies = maps.lines().filter(|line| line.contains("libc.so.6") && line.contains("r-xp")).count();
    assert_eq!(copies, 3, "the process's, and one for each of two versions side by side");
}

/// A version that stays takes its namespace with it.
pub fn pinned() {
    let host = without_trials();
    load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "plain");
    host.promote("plain");
    for index in 0..ROOM {
        let label = format!("p{index}");
        host.load_isolated("nodelete", &label).unwrap();
        let stays = unload(&host, &label).unwrap_err();
        assert_eq!(stays.status(), Status::Pinned, "{stays}");
        assert!(stays.message().contains("nodelete: DF_1_NODELETE"), "{stays}");
        assert!(is_mapped(&format!("memfd:zoo@{label}")));
    }
    assert_eq!(host.load_isolated("plain_v2", "more").unwrap_err().status(), Status::LimitExceeded);
    assert_eq!(host.answer("answer", None), 1);
}

pub fn rollback() {
    let host = Host::with("plain_v1");
    host.promote_isolated("plain_v2", "v2");
    assert_eq!(host.answer("answer", None), 2);
    let back = || host.engine.rollback("zoo", &Change::default()).unwrap().label().to_string();
    assert_eq!((back(), host.answer("answer", None)), ("v1".into(), 1));
    host.promote("v2");
    load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "v3");
    host.promote("v3");
    assert_eq!((back(), host.answer("answer", None)), ("v2".into(), 2));
}

/// The store remembers how a version was loaded.
pub fn restart() {
    let (trust, state) = (Trust::new(), TempDir::new());
    let options = || EngineOptions { state_directory: Some(state.path().join("state")), ..trust.options() };
    let change = Change { wait_durable: true, ..Change::default() };
    let isolated = LoadOptions { isolation: Isolation::Own, ..LoadOptions::default() };
    let engine = Engine::open(options()).unwrap();
    for (plugin, label) in [("plain_v1", "v1"), ("plain_v2", "v2")] {
        let signed = trust.signed(&zoo(plugin), "zoo", label);
        engine.load_versioned("zoo", label, &signed, &isolated).unwrap();
        engine.promote("zoo", label, &change).unwrap();
    }
    engine.close();
    let host =
        Host { engine: Engine::open(options()).unwrap(), trust, lines: crate::support::Lines::default() };
    let is_isolated =
        || host.engine.report(None).unwrap().iter().all(|report| report.isolation == Isolation::Own);
    assert!(is_isolated());
    assert_eq!(host.answer("answer", None), 2);
    host.engine.rollback("zoo", &change).unwrap();
    assert!(is_isolated());
    assert_eq!(host.answer("answer", None), 1);
}

pub fn update() {
    let host = Host::with("counter_v1");
    let signed = host.trust.signed(&zoo("plain_level1"), "zoo", "v2");
    let load = LoadOptions { isolation: Isolation::Own, ..LoadOptions::default() };
    let options = UpdateOptions { load, ..UpdateOptions::default() };
    let updated = host.engine.update("zoo", "v2", &signed, &options, &mut |_| Verdict::Continue).unwrap();
    assert_eq!(updated.version.isolation, Isolation::Own);
    assert_eq!(host.call(b"hello", 100).unwrap(), b"hello");
    // What cannot be isolated leaves the old version serving.
    let signed = host.trust.signed(&zoo("prints"), "zoo", "v3");
    let refused = host.engine.update("zoo", "v3", &signed, &options, &mut |_| Verdict::Continue).unwrap_err();
    assert_eq!(refused.status(), Status::Unsupported, "{refused}");
    assert_eq!(host.call(b"hello", 100).unwrap(), b"hello");
}

/// The child may have inherited the locks of that C library's allocator in whatever state.
pub fn forked_child() {
    let host = Host::new();
    host.promote_isolated("plain_level1", "v1");
    // SAFETY: the child routes, calls and leaves, which takes no lock and allocates nothing but texts.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = host.call(b"hello", 100).err().map(|e| e.status());
        let routed = host.engine.service("zoo").ok().and_then(|zoo| zoo.route(&Request::default()).ok());
        let found = routed.map(|routed| symbol(routed.lease, "sogov_plugin_descriptor", None).is_err());
        let right = refused == Some(Status::Unsupported) && found == Some(true);
        // SAFETY: leaves the child without running the test harness's exit handlers.
        unsafe { libc::_exit(i32::from(!right)) };
    }
    let mut status = 0;
    // SAFETY: waits for the child made above.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "child status {status:#x}");
    assert_eq!(host.call(b"hello", 100).unwrap(), b"hello", "the parent goes on");
}

/// Nothing is unloaded unless it is asked for.
fn roomy() -> Host {
    Host::opened(|options| options.parked_versions = 2 * ROOM)
}

fn without_trials() -> Host {
    Host::opened(|options| {
        options.preflight.policy = PreflightPolicy::Off;
        options.parked_versions = 2 * ROOM;
    })
}

fn unload(host: &Host, label: &str) -> Result<(), sogov::error::Error> {
    host.engine.unload("zoo", label, Duration::from_secs(30), &Change::default())
}

fn run_paths_allowed(trust: &Trust) -> String {
    Trust::document(&Trust::key_entry(&trust.key, ""), r#"{"name":"zoo","allow":{"run_path":true}}"#)
}

//! The table: animal, what is done with it, what must become of it. `README.md` says what each animal is.

use crate::host::{Host, is_mapped, symbol};
use crate::isolation;
use crate::support::{Trust, load, zoo};
use sogov::engine::{Change, LoadOptions};
use sogov::error::Status;
use sogov::loader::{Collisions, PinKind};
use sogov::runtime::{self, Outcome, Standing};
use std::ffi::CString;
use std::sync::mpsc::channel;
use std::time::Duration;

/// One row.
pub struct Row {
    /// The row's own name, by which a failure is told.
    pub name: &'static str,
    /// What `build.sh` builds.
    pub plugin: &'static str,
    /// Done while it serves, before the unload.
    pub used: fn(&Host),
    /// What must become of it.
    pub expected: Expected,
    /// Done when it stays mapped.
    pub afterwards: fn(&Host),
}

/// What must become of an animal.
pub enum Expected {
    /// It loads, and the unload proves it gone.
    Unmapped,
    /// The unload pins it, with a reason of this kind whose evidence contains the text.
    Pinned(PinKind, &'static str),
    /// It is not signed or not loaded, with this status and a message that contains the text.
    Refused(Status, &'static str),
    /// It takes more than a line to tell.
    Story(fn()),
}

use Expected::{Pinned, Refused, Story, Unmapped};
use Status::{ImageRejected, LoadFailed, PreflightFailed};

/// Every animal.
pub const TABLE: &[Row] = &[
    // Nothing wrong with them.
    row("plain_v1", Unmapped),
    row("plain_level1", Unmapped),
    row("cxx_statics_v1", Unmapped),
    row("versioned_symbol", Unmapped),
    row("thread_clean", Unmapped),
    row("reentrant", Unmapped),
    story("the_same_bytes_twice", the_same_bytes_twice),
    story("a_descriptor_number_used_again", a_descriptor_number_used_again),
    // What stays behind, as the file shows it.
    row("tsd_key", Pinned(PinKind::Tsd, "imports pthread_key_create")).used(touch_on_a_thread),
    row("thread", Pinned(PinKind::Thread, "imports pthread_create")),
    row("cxx_thread", Pinned(PinKind::Thread, "imports _ZNSt6thread")).used(ask),
    row("on_exit", Pinned(PinKind::ExitHandler, "imports on_exit")),
    row("signal_handler", Pinned(PinKind::Signal, "imports sigaction")).afterwards(raise_a_signal),
    row("unique_v1", Pinned(PinKind::Unique, "STB_GNU_UNIQUE")),
    row("nodelete", Pinned(PinKind::NoDelete, "DF_1_NODELETE")),
    row("stop_fails", Pinned(PinKind::Stop, "found 9")),
    row("static_tls_small", Pinned(PinKind::Tls, "initial-exec")),
    row("leaves_putenv", Pinned(PinKind::ExitHandler, "imports putenv")),
    row("leaves_setvbuf", Pinned(PinKind::ExitHandler, "imports setvbuf")),
    row("leaves_timer", Pinned(PinKind::ExitHandler, "imports timer_create")),
    row("leaves_sigaltstack", Pinned(PinKind::Signal, "imports sigaltstack")),
    row("leaves_thread", Pinned(PinKind::Thread, "imports pthread_create")),
    row("leaves_signal", Pinned(PinKind::Signal, "imports signal")).afterwards(raise_a_signal),
    // What stays behind in spite of a promise, as the process shows it.
    row("lies_putenv", Pinned(PinKind::ExitHandler, "the environment holds a text at image+")),
    row("lies_setvbuf", Pinned(PinKind::ExitHandler, "a stream has its buffer at image+")),
    row("lies_thread", Pinned(PinKind::Thread, "the record of thread")),
    row("lies_signal", Pinned(PinKind::Signal, "signal 12 is handled at image+")).afterwards(raise_a_signal),
    // Others that hold it.
    row("cxx_exports", Pinned(PinKind::Dependency, "libstdc++")).used(ask),
    row("patched_table", Pinned(PinKind::Dependency, "the program is bound to __")).used(patch),
    // Destructors of thread-local storage: the linker keeps the image for them, and the reaper takes it out.
    row("tls_destructor", Unmapped),
    story("a_thread_that_ended_before_the_unload", a_thread_that_ended_before_the_unload),
    story("a_thread_that_ends_after_the_unload", a_thread_that_ends_after_the_unload),
    story("threads_that_end_during_the_unload", threads_that_end_during_the_unload),
    // Go.
    row("go_v1", Pinned(PinKind::Go, "")).used(ask),
    story("a_second_go_runtime", a_second_go_runtime),
    // Refused.
    row("rpath", Refused(ImageRejected, "RPATH")),
    row("runpath", Refused(ImageRejected, "RUNPATH")),
    row("execstack", Refused(ImageRejected, "stack")),
    row("no_gnu_stack", Refused(ImageRejected, "stack")),
    row("textrel", Refused(ImageRejected, "TEXTREL")),
    row("ifunc", Refused(ImageRejected, "IFUNC")),
    row("ifunc_exits", Refused(ImageRejected, "IFUNC")),
    row("soname_system", Refused(ImageRejected, "libcrypto.so.3")),
    row("soname_slash", Refused(ImageRejected, "SONAME")),
    row("bad_abi", Refused(ImageRejected, "expected the plugin interface 1, found 99")),
    row("short_descriptor", Refused(ImageRejected, "size")),
    row("other_machine", Refused(ImageRejected, "machine")),
    row("elf32", Refused(ImageRejected, "class")),
    // Refused by the preflight; tests/preflight.rs has more accidents, and what the host notices of them: nothing.
    row("missing_symbol", Refused(PreflightFailed, "undefined symbol")),
    row("start_fails", Refused(PreflightFailed, "start: expected 0, found 7")),
    row("health_fails", Refused(PreflightFailed, "health: expected 0, found 1")),
    row("static_tls_large", Refused(PreflightFailed, "TLS")),
    row("constructor_faults", Refused(PreflightFailed, "ended by SIGSEGV")),
    row("constructor_exits", Refused(PreflightFailed, "exited with status 0")),
    row("constructor_throws", Refused(PreflightFailed, "ended by SIGABRT")),
    row("constructor_hangs", Refused(PreflightFailed, "did not end within 5000 ms")),
    row("constructor_stops", Refused(PreflightFailed, "stopped by a signal")),
    // Isolation.
    story("symbols_that_the_host_defines_too", symbols_that_the_host_defines_too),
    story("one_library_in_two_versions", one_library_in_two_versions),
    story("isolated_versions_have_libraries_and_statics_of_their_own", isolation::libraries_and_statics),
    story("isolated_versions_do_not_meet_the_hosts_names", isolation::names),
    story("isolated_versions_are_called_on_any_thread", isolation::threads),
    story("isolated_versions_crash_alone", isolation::crash),
    story("what_cannot_be_isolated_is_refused", isolation::refusals),
    story("namespaces_run_out", isolation::exhaustion),
    story("namespaces_serve_again", isolation::cycles),
    story("isolated_versions_that_stay", isolation::pinned),
    story("rollback_between_isolated_and_plain_versions", isolation::rollback),
    story("isolated_versions_after_a_restart", isolation::restart),
    story("an_update_to_an_isolated_version", isolation::update),
    story("isolated_versions_in_a_forked_child", isolation::forked_child),
    // Given up.
    story("a_lease_that_does_not_end", a_lease_that_does_not_end),
    story("the_static_block_is_used_up", the_static_block_is_used_up),
];

const fn row(plugin: &'static str, expected: Expected) -> Row {
    Row { name: plugin, plugin, used: nothing, expected, afterwards: nothing }
}

const fn story(name: &'static str, tell: fn()) -> Row {
    Row { name, plugin: "", used: nothing, expected: Story(tell), afterwards: nothing }
}

impl Row {
    const fn used(self, used: fn(&Host)) -> Self {
        Self { used, ..self }
    }

    const fn afterwards(self, afterwards: fn(&Host)) -> Self {
        Self { afterwards, ..self }
    }
}

fn nothing(_: &Host) {}

fn ask(host: &Host) {
    assert_eq!(host.answer("answer", None), 42);
}

fn patch(host: &Host) {
    assert_eq!(host.answer("answer", None), 1, "the program has a slot to patch");
}

/// A thread touches the animal and ends.
fn touch_on_a_thread(host: &Host) {
    let mut destroyed = 0;
    std::thread::scope(|scope| scope.spawn(|| touch(host, &raw mut destroyed as usize)).join().unwrap());
    assert_eq!(destroyed, 1);
}

/// Calls `int touch(int *)`.
fn touch(host: &Host, destroyed: usize) {
    let lease = host.lease();
    // SAFETY: the zoo's `touch` has this type.
    let touch: extern "C" fn(usize) -> i32 =
        unsafe { std::mem::transmute(symbol(lease, "touch", None).unwrap()) };
    assert_eq!(touch(destroyed), 0);
    runtime::release(lease, Outcome::Success).unwrap();
}

fn raise_a_signal(_: &Host) {
    // SAFETY: the handler that the animal left installed.
    assert_eq!(unsafe { libc::raise(libc::SIGUSR2) }, 0);
}

fn the_same_bytes_twice() {
    let host = Host::with("plain_v1");
    assert_eq!((host.answer("count", None), host.answer("count", None)), (1, 2));
    load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "again");
    host.engine.promote("zoo", "again", &Change::default()).unwrap();
    assert_eq!(host.answer("count", None), 1);
}

/// The memfd of the next load has the number that the last one had, so its path in `/proc/self/fd` is the same.
fn a_descriptor_number_used_again() {
    let host = Host::with("plain_v1");
    assert_eq!(host.answer("answer", None), 1);
    load(&host.engine, &host.trust, &zoo("plain_v2"), "zoo", "v2");
    host.engine.promote("zoo", "v2", &Change::default()).unwrap();
    assert_eq!(host.answer("answer", None), 2, "the linker did not hand out the first one again");
}

fn a_thread_that_ended_before_the_unload() {
    let host = Host::with("tls_destructor");
    touch_on_a_thread(&host);
    host.unload().unwrap();
    assert!(!is_mapped("memfd:zoo@v1"));
}

fn a_thread_that_ends_after_the_unload() {
    let host = Host::with("tls_destructor");
    let mut destroyed = 0;
    let address = &raw mut destroyed as usize;
    std::thread::scope(|scope| {
        let ((end, ended), (touched, was_touched)) = (channel::<()>(), channel());
        let host = &host;
        let thread = scope.spawn(move || {
            touch(host, address);
            touched.send(()).unwrap();
            ended.recv().unwrap_err();
        });
        was_touched.recv().unwrap();
        let reason = host.pinned();
        assert!(reason.starts_with("tls: imports __cxa_thread_atexit"), "{reason}");
        assert!(is_mapped("memfd:zoo@v1"), "the destructor is due");
        drop(end);
        thread.join().unwrap();
    });
    assert_eq!(destroyed, 1, "the destructor ran in an image that was still there");
    assert!(host.is_reaped());
    assert!(!is_mapped("memfd:zoo@v1"));
    host.try_load("plain_v1").unwrap();
}

fn threads_that_end_during_the_unload() {
    for _ in 0..20 {
        let host = Host::with("tls_destructor");
        let mut destroyed = [0; 4];
        let places: Vec<usize> = destroyed.iter_mut().map(|one| std::ptr::from_mut(one) as usize).collect();
        let barrier = &std::sync::Barrier::new(places.len() + 1);
        std::thread::scope(|scope| {
            let host = &host;
            for place in places {
                scope.spawn(move || {
                    touch(host, place);
                    barrier.wait();
                });
            }
            barrier.wait();
            // Pinned or gone at once: both are right.
            let _ = host.unload();
        });
        assert_eq!(destroyed, [1; 4]);
        assert!(host.is_reaped());
    }
}

fn a_second_go_runtime() {
    let host = Host::with("go_v1");
    let load_second = || {
        let signed = host.trust.signed(&zoo("go_v2"), "zoo", "v2");
        host.engine
            .load_versioned("zoo", "v2", &signed, &LoadOptions::default())
            .map(|report| report.standing)
    };
    let refused = load_second().unwrap_err();
    assert_eq!(refused.status(), ImageRejected, "{refused}");
    assert!(refused.message().contains("Go runtime"), "{refused}");
    let allowed = r#"{"name":"zoo","allow":{"go_runtime":true}}"#;
    host.trust.write(&Trust::document(&Trust::key_entry(&host.trust.key, ""), allowed));
    assert_eq!(load_second().unwrap(), Standing::Loaded);
    assert_eq!(host.answer("answer", None), 42, "the first one serves on");
}

fn the_static_block_is_used_up() {
    let host = Host::new();
    let load_one = |index: usize| {
        let label = format!("v{index}");
        let signed = host.trust.signed(&zoo("static_tls_small"), "zoo", &label);
        host.engine.load_versioned("zoo", &label, &signed, &LoadOptions::default())
    };
    let refused = (0..100).find_map(|index| load_one(index).err()).unwrap();
    assert_eq!(refused.status(), LoadFailed, "{refused}");
    assert!(refused.message().contains("TLS"), "{refused}");
    // Whatever the order of unloading, what was there stays, and others load.
    let unload = |label| host.engine.unload("zoo", label, Duration::from_secs(30), &Change::default());
    assert_eq!(unload("v0").unwrap_err().status(), Status::Pinned);
    load(&host.engine, &host.trust, &zoo("plain_v1"), "zoo", "plain");
    host.engine.promote("zoo", "plain", &Change::default()).unwrap();
    assert_eq!(host.answer("answer", None), 1);
}

fn symbols_that_the_host_defines_too() {
    let host = Host::with("host_symbol");
    assert_eq!(host.answer("answer", None), 42, "nobody else defines `helper`");
    let other = CString::new(zoo("host_symbol_other").into_os_string().into_encoded_bytes()).unwrap();
    // SAFETY: a plain library without constructors; it stays loaded.
    assert!(!unsafe { libc::dlopen(other.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) }.is_null());

    let refused = Host::new().try_load("host_symbol").unwrap_err();
    assert_eq!(refused.status(), ImageRejected, "{refused}");
    assert!(refused.message().contains("helper"), "{refused}");
    let bound = Host::with("host_symbol_bound");
    assert_eq!(bound.answer("answer", None), 42, "linked with -Bsymbolic it keeps its own");
    let warned = Host::with_options("host_symbol", |options| options.collisions = Collisions::Warn);
    assert_eq!(warned.answer("answer", None), 7, "the host's replaced it");
    assert!(
        warned.lines.contain("zoo@v1: 1 of its own symbols, helper among them"),
        "{:?}",
        warned.lines.all()
    );
    let own = Host::with_options("host_symbol", |options| options.collisions = Collisions::OwnFirst);
    assert_eq!(own.answer("answer", None), 42, "its own came first");
    own.unload().unwrap();
}

fn one_library_in_two_versions() {
    let host = Host::new();
    let allowed = r#"{"name":"zoo","allow":{"run_path":true}}"#;
    host.trust.write(&Trust::document(&Trust::key_entry(&host.trust.key, ""), allowed));
    load(&host.engine, &host.trust, &zoo("needs_helper_v1"), "zoo", "v1");
    host.engine.promote("zoo", "v1", &Change::default()).unwrap();
    assert_eq!(host.answer("answer", None), 1);
    let signed = host.trust.signed(&zoo("needs_helper_v2"), "zoo", "v2");
    let refused = host.engine.load_versioned("zoo", "v2", &signed, &LoadOptions::default()).unwrap_err();
    assert_eq!(refused.status(), ImageRejected, "{refused}");
    assert!(refused.message().contains("libhelper.so"), "{refused}");
    load(&host.engine, &host.trust, &zoo("needs_helper_v1"), "zoo", "again");
    host.unload().unwrap();
}

/// A forced unload gives up on a version that somebody is in: it is never closed.
fn a_lease_that_does_not_end() {
    let host = Host::with("plain_v1");
    let lease = host.lease();
    load(&host.engine, &host.trust, &zoo("plain_v2"), "zoo", "v2");
    host.engine.promote("zoo", "v2", &Change::default()).unwrap();
    assert_eq!(runtime::process_report().restart_wanted, None);
    let unload = |force| {
        let change = Change { force, ..Change::default() };
        host.engine.unload("zoo", "v1", Duration::from_millis(1), &change).unwrap_err().status()
    };
    assert_eq!(unload(false), Status::Busy);
    assert_eq!(unload(true), Status::Pinned);
    let report = host.engine.report(Some("zoo")).unwrap().pop().unwrap();
    assert_eq!((report.label.as_str(), report.standing), ("v1", Standing::Pinned));
    assert!(report.pin_reason.unwrap().starts_with("lease: forced"));
    assert!(symbol(lease, "answer", None).is_ok(), "who is inside goes on");
    runtime::release(lease, Outcome::Success).unwrap();
    assert!(is_mapped("memfd:zoo@v1"));
    host.try_load("plain_v1").unwrap();

    let process = runtime::process_report();
    assert_eq!((process.mapped, process.pinned, process.parked), (3, 1, 0));
    assert!(process.bytes >= 3 * 4096);
    assert!(process.restart_wanted.unwrap().starts_with("zoo@v1: stays mapped: lease:"));
    assert_eq!(process.tainted, None);
}

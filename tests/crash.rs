//! Crashes of plugins that end a call instead of the process, and those that do not. Each test runs in a process of its
//! own: this program, started again for one test.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "crash/functions.rs"]
mod functions;
mod support;

use sogov::engine::{Change, Engine, EngineOptions, LoadOptions};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::route::Request;
use sogov::runtime::{self, Outcome, Standing};
use std::arch::asm;
use std::ffi::{c_int, c_void};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;
use support::{Lines, TempDir, Trust, load, zoo};

/// An engine that contains crashes, with the plugin "crash" as `v1` (stable) and `v2` (loaded).
struct Host {
    engine: Arc<Engine>,
    trust: Trust,
    lines: Lines,
}

impl Host {
    fn new() -> Self {
        Self::with(EngineOptions::default())
    }

    fn with(options: EngineOptions) -> Self {
        let (trust, lines) = (Trust::new(), Lines::default());
        let options = EngineOptions {
            log: lines.log(),
            contain_crashes: true,
            trust_directory: trust.options().trust_directory,
            root_key_ids: trust.options().root_key_ids,
            preflight: trust.options().preflight,
            ..options
        };
        let host = Self { engine: Engine::open(options).unwrap(), trust, lines };
        load(&host.engine, &host.trust, &zoo("plain_level1"), "zoo", "v1");
        load(&host.engine, &host.trust, &zoo("crash"), "zoo", "v2");
        host.promote("v1").unwrap();
        host
    }

    /// With the plugin "crash" serving.
    fn crashing() -> Self {
        let host = Self::new();
        host.promote("v2").unwrap();
        host
    }

    fn promote(&self, label: &str) -> Result<(), Error> {
        self.engine.promote("zoo", label, &Change::default()).map(drop)
    }

    fn call(&self, request: &str) -> Result<String, Error> {
        let mut answer = Vec::new();
        let mut invocation =
            Invocation { request: request.as_bytes(), answer: &mut answer, limit: 100, code: 0 };
        self.engine.service("zoo").unwrap().call(&Request::default(), &mut invocation, &mut None)?;
        Ok(String::from_utf8(answer).unwrap())
    }

    /// Where the version stands, and why it is pinned.
    fn standing(&self, label: &str) -> (Standing, String) {
        let report = self.engine.report(Some("zoo")).unwrap();
        let version = report.iter().find(|version| version.label.as_str() == label).unwrap();
        (version.standing, version.pin_reason.clone().unwrap_or_default())
    }

    /// The fault ends the call alone, and what crashed is never used again.
    fn assert_contained(&self, fault: &str, signal: &str) {
        assert!(!runtime::is_tainted());
        let crashed = self.call(fault).unwrap_err();
        assert_eq!(crashed.status(), Status::PluginCrashed, "{fault}: {crashed}");
        assert!(crashed.message().starts_with(signal), "{fault}: {crashed}");
        self.assert_quarantined();
    }

    fn assert_quarantined(&self) {
        assert_eq!(self.call("echo").unwrap(), "echo", "v1 serves");
        let (standing, reason) = self.standing("v2");
        assert_eq!(standing, Standing::Pinned);
        assert!(reason.starts_with("crash: SIG"), "{reason}");
        let promoted = self.promote("v2").unwrap_err();
        assert_eq!(promoted.status(), Status::Pinned, "{promoted}");
        let policy = br#"{"version":"p","stable":"v1","weight":{"v1":50,"v2":50}}"#;
        let applied = self.engine.apply_route_policy("zoo", policy, &Change::default()).unwrap_err();
        assert_eq!(applied.status(), Status::RoutePolicyInvalid, "{applied}");
        assert!(applied.message().contains("crash: SIG"), "{applied}");
        let unloaded =
            self.engine.unload("zoo", "v2", Duration::from_secs(30), &Change::default()).unwrap_err();
        assert_eq!(unloaded.status(), Status::Pinned, "{unloaded}");
        let signed = self.trust.signed(&zoo("crash"), "zoo", "v3");
        let again = self.engine.load_versioned("zoo", "v3", &signed, &LoadOptions::default());
        let again = again.map(drop).unwrap_err();
        assert_eq!(again.status(), Status::Pinned, "the same bytes under another label: {again}");
        assert!(runtime::is_tainted());
        assert!(self.lines.contain("zoo@v2: crash: SIG"), "{:?}", self.lines.all());
    }
}

#[test]
fn a_fault_of_the_plugins_code_ends_the_call_alone() {
    for (fault, signal) in [
        ("write_null", "SIGSEGV (address 0x0) at offset "),
        ("read_far", "SIGSEGV (address 0x10000000000) at offset "),
        ("call_null", "SIGSEGV (address 0x0) calling 0x0, which is not code"),
        ("call_data", "SIGSEGV (address 0x"),
        ("divide", "SIGFPE (address 0x"),
        ("illegal", "SIGILL (address 0x"),
        ("overflow", "SIGSEGV (address 0x"),
        ("truncated", "SIGBUS (address 0x"),
        ("untidy", "SIGSEGV (address 0x0)"),
    ] {
        survives("a_fault_of_the_plugins_code_ends_the_call_alone", fault, || {
            Host::crashing().assert_contained(fault, signal);
        });
    }
}

#[test]
fn the_control_words_are_those_of_the_call() {
    survives("the_control_words_are_those_of_the_call", "", || {
        let host = Host::crashing();
        let before = control_words();
        host.call("untidy").unwrap_err();
        assert_eq!(control_words(), before);
        let third = std::hint::black_box(1.0_f64) / std::hint::black_box(3.0);
        assert!((third - 0.333_333_333_333_333_3).abs() < 1e-15);
    });
}

#[test]
fn a_fault_that_is_not_the_plugins_code_ends_the_process() {
    for (fault, signal) in [
        ("copy_nowhere", libc::SIGSEGV),
        ("abort", libc::SIGABRT),
        ("send_signal", libc::SIGSEGV),
        ("smash", libc::SIGSEGV),
    ] {
        dies("a_fault_that_is_not_the_plugins_code_ends_the_process", fault, signal, || {
            install(libc::SIGSEGV, libc::SIG_DFL, 0);
            let host = Host::crashing();
            let _ = host.call(fault);
        });
    }
}

#[test]
fn without_the_option_nothing_is_contained() {
    dies("without_the_option_nothing_is_contained", "", libc::SIGILL, || {
        let trust = Trust::new();
        let engine = Engine::open(trust.options()).unwrap();
        assert_eq!(action_of(libc::SIGFPE).sa_sigaction, libc::SIG_DFL, "no handler is installed");
        load(&engine, &trust, &zoo("crash"), "zoo", "v2");
        engine.promote("zoo", "v2", &Change::default()).unwrap();
        let mut answer = Vec::new();
        let mut invocation = Invocation { request: b"illegal", answer: &mut answer, limit: 100, code: 0 };
        let _ = engine.service("zoo").unwrap().call(&Request::default(), &mut invocation, &mut None);
    });
}

/// A thread of a C program has no alternate stack; this one gets one, for as long as it lives.
#[test]
fn a_stack_overflow_is_contained_on_a_thread_without_an_alternate_stack() {
    extern "C" fn crash(host: *mut c_void) -> *mut c_void {
        // SAFETY: the host below, which outlives the thread.
        let host = unsafe { &*host.cast::<Host>() };
        assert_ne!(alternate_stack().ss_flags & libc::SS_DISABLE, 0);
        host.assert_contained("overflow", "SIGSEGV");
        assert_eq!(alternate_stack().ss_flags, 0);
        null_mut()
    }
    survives("a_stack_overflow_is_contained_on_a_thread_without_an_alternate_stack", "", || {
        let host = Host::crashing();
        let touch = || {
            extern "C" fn call(host: *mut c_void) -> *mut c_void {
                // SAFETY: as above.
                unsafe { &*host.cast::<Host>() }.call("fine").unwrap();
                null_mut()
            }
            c_thread(call, &host);
        };
        touch();
        let before = mappings();
        for _ in 0..8 {
            touch();
        }
        assert_eq!(mappings(), before, "what a thread gets goes with it");
        c_thread(crash, &host);
    });
}

#[test]
fn a_fault_of_the_host_goes_to_the_handler_of_the_host() {
    survives("a_fault_of_the_host_goes_to_the_handler_of_the_host", "", || {
        install(libc::SIGSEGV, skip as *const () as usize, libc::SA_SIGINFO | libc::SA_ONSTACK);
        let host = Host::crashing();
        for address in [8, 4096] {
            fault_at(address);
            assert_eq!(SEEN.load(Ordering::SeqCst), address, "si_addr");
        }
        assert_eq!(host.call("copy_nowhere").unwrap(), "fine");
        assert_eq!(SEEN.load(Ordering::SeqCst), 0, "what libc does for the plugin is the host's");
        host.assert_contained("write_null", "SIGSEGV");
        fault_at(16);
        assert_eq!((SEEN.load(Ordering::SeqCst), HANDLED.load(Ordering::SeqCst)), (16, 4));
    });
}

#[test]
fn a_fault_on_another_thread_is_not_taken_for_that_of_a_call() {
    survives("a_fault_on_another_thread_is_not_taken_for_that_of_a_call", "", || {
        install(libc::SIGSEGV, skip as *const () as usize, libc::SA_SIGINFO | libc::SA_ONSTACK);
        let host = Host::crashing();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    assert_eq!(host.call("fine").unwrap(), "fine");
                }
            });
            for _ in 0..1000 {
                fault_at(8);
            }
            done.store(true, Ordering::SeqCst);
        });
        assert_eq!(HANDLED.load(Ordering::SeqCst), 1000);
        assert_eq!(host.standing("v2").0, Standing::Stable);
    });
}

/// The handler gets the signals blocked that the kernel would have blocked for it, and no other.
#[test]
fn a_handler_runs_with_its_own_mask_and_flags() {
    survives("a_handler_runs_with_its_own_mask_and_flags", "", || {
        let mut action = action_of(libc::SIGFPE);
        action.sa_sigaction = note_mask as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO;
        // SAFETY: initialises the set, then adds to it.
        unsafe {
            libc::sigemptyset(&raw mut action.sa_mask);
            libc::sigaddset(&raw mut action.sa_mask, libc::SIGUSR1);
        }
        set_action(libc::SIGFPE, &action);
        action.sa_flags |= libc::SA_NODEFER;
        set_action(libc::SIGILL, &action);
        let _host = Host::new();
        for (signal, defers) in [(libc::SIGFPE, true), (libc::SIGILL, false)] {
            let before = mask();
            // SAFETY: its handler is the one above.
            unsafe { libc::raise(signal) };
            let seen = SEEN.load(Ordering::SeqCst);
            assert_eq!(seen & bit(libc::SIGUSR1), bit(libc::SIGUSR1));
            assert_eq!(seen & bit(signal) != 0, defers, "{signal}");
            assert_eq!(seen & bit(libc::SIGUSR2), 0);
            assert_eq!(mask(), before, "afterwards the mask is as before");
        }
    });
}

#[test]
fn a_handler_that_wants_to_run_once_runs_once() {
    dies("a_handler_that_wants_to_run_once_runs_once", "", libc::SIGSEGV, || {
        install(libc::SIGSEGV, skip as *const () as usize, libc::SA_SIGINFO | libc::SA_RESETHAND);
        let _host = Host::new();
        fault_at(8);
        assert_eq!(HANDLED.load(Ordering::SeqCst), 1);
        fault_at(8);
    });
}

#[test]
fn the_default_action_ends_the_process_by_the_same_signal() {
    for (case, signal) in
        [("SEGV", libc::SIGSEGV), ("BUS", libc::SIGBUS), ("FPE", libc::SIGFPE), ("ILL", libc::SIGILL)]
    {
        for sent in [true, false] {
            let name = "the_default_action_ends_the_process_by_the_same_signal";
            dies(name, &format!("{case} {sent}"), signal, || {
                for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL] {
                    install(signal, libc::SIG_DFL, 0);
                }
                let _host = Host::new();
                match (case, sent) {
                    // SAFETY: ends the process.
                    (_, true) => assert_eq!(unsafe { libc::raise(signal) }, 0),
                    ("SEGV", _) => fault_at(8),
                    ("BUS", _) => fault_at(truncated_page()),
                    // SAFETY: raises the exception; ends the process.
                    ("FPE", _) => unsafe { asm!("div {0:e}", inout(reg) 0 => _, out("eax") _, out("edx") _) },
                    // SAFETY: raises the exception; ends the process.
                    _ => unsafe { asm!("ud2") },
                }
            });
        }
    }
}

#[test]
fn a_signal_that_is_ignored_stays_ignored_and_a_fault_cannot_be() {
    dies("a_signal_that_is_ignored_stays_ignored_and_a_fault_cannot_be", "", libc::SIGSEGV, || {
        install(libc::SIGSEGV, libc::SIG_IGN, 0);
        install(libc::SIGBUS, libc::SIG_IGN, 0);
        let _host = Host::new();
        // SAFETY: ignored.
        unsafe { libc::raise(libc::SIGBUS) };
        // SAFETY: ignored.
        unsafe { libc::raise(libc::SIGSEGV) };
        fault_at(8);
    });
}

/// Eight threads call; one of them meets the fault. The others get the answer of the version that they were sent to.
#[test]
fn every_other_call_is_answered() {
    survives("every_other_call_is_answered", "", || {
        let host = Host::crashing();
        let (begun, crashed) = (AtomicU32::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..7 {
                scope.spawn(|| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    let mut after = 0;
                    while after < 200 {
                        let was_crashed = crashed.load(Ordering::SeqCst);
                        let answer = host.call("echo").unwrap();
                        assert!(
                            answer == "echo" || answer == "fine" && !was_crashed,
                            "{answer}, {was_crashed}"
                        );
                        after += u32::from(was_crashed);
                    }
                });
            }
            while begun.load(Ordering::SeqCst) < 7 {
                std::thread::yield_now();
            }
            assert_eq!(host.call("write_null").unwrap_err().status(), Status::PluginCrashed);
            crashed.store(true, Ordering::SeqCst);
        });
        host.assert_quarantined();
        let report = host.engine.report(Some("zoo")).unwrap();
        assert_eq!((report[1].failures, report[1].in_flight), (1, 0), "the lease was released as a failure");
    });
}

#[test]
fn a_gray_version_that_crashes_leaves_the_stable_one_alone() {
    survives("a_gray_version_that_crashes_leaves_the_stable_one_alone", "", || {
        let host = Host::new();
        let policy = br#"{"version":"p","stable":"v1","weight":{"v1":0,"v2":1},"hash":{"version":1,"on_missing_key":"random"}}"#;
        host.engine.apply_route_policy("zoo", policy, &Change::default()).unwrap();
        assert_eq!(host.standing("v2").0, Standing::Gray);
        host.assert_contained("divide", "SIGFPE");
        assert_eq!(host.standing("v1").0, Standing::Stable);
    });
}

#[test]
fn without_a_former_stable_version_nobody_is_served() {
    survives("without_a_former_stable_version_nobody_is_served", "", || {
        let host = Host::crashing();
        host.engine.unload("zoo", "v1", Duration::from_secs(30), &Change::default()).unwrap();
        assert_eq!(host.call("illegal").unwrap_err().status(), Status::PluginCrashed);
        assert_eq!(host.call("fine").unwrap_err().status(), Status::NoVersion);
        let rolled_back = host.engine.rollback("zoo", &Change::default()).map(drop).unwrap_err();
        assert_eq!(rolled_back.status(), Status::NotFound, "{rolled_back}");
    });
}

/// The state directory forgets what crashed: neither a restart nor a rollback brings it back.
#[test]
fn a_restart_does_not_bring_back_what_crashed() {
    survives("a_restart_does_not_bring_back_what_crashed", "", || {
        let state = TempDir::new();
        let directory = || Some(state.path().join("state"));
        let host = Host::with(EngineOptions { state_directory: directory(), ..EngineOptions::default() });
        host.promote("v2").unwrap();
        host.assert_contained("write_null", "SIGSEGV");
        let refused = host.engine.rollback("zoo", &Change::default()).map(drop).unwrap_err();
        assert_eq!(refused.status(), Status::NotFound, "{refused}");
        host.engine.close();
        let options = EngineOptions { state_directory: directory(), ..host.trust.options() };
        let next = Engine::open(options).unwrap();
        let report = next.report(Some("zoo")).unwrap();
        assert_eq!((report.len(), report[0].label.as_str()), (1, "v1"));
    });
}

/// The inner call crashes, the outer one gets its error and goes on.
#[test]
fn the_innermost_call_is_the_one_that_ends() {
    extern "C" fn call_inside(host: *mut c_void) -> i32 {
        // SAFETY: the address of the host below, which outlives the call.
        let host = unsafe { &*host.cast::<Host>() };
        i32::from(host.call("write_null").unwrap_err().status() == Status::PluginCrashed) + 40
    }
    survives("the_innermost_call_is_the_one_that_ends", "", || {
        let host = Host::crashing();
        load(&host.engine, &host.trust, &zoo("reentrant"), "outer", "v1");
        host.engine.promote("outer", "v1", &Change::default()).unwrap();
        let function: extern "C" fn(*mut c_void) -> i32 = call_inside;
        let mut request = (function as usize).to_le_bytes().to_vec();
        request.extend((&raw const host as usize).to_le_bytes());
        let mut answer = Vec::new();
        let mut invocation = Invocation { request: &request, answer: &mut answer, limit: 0, code: 0 };
        let outer = host.engine.service("outer").unwrap();
        let refused = outer.call(&Request::default(), &mut invocation, &mut None).unwrap_err();
        assert_eq!((refused.status(), invocation.code), (Status::PluginFailed, 41), "{refused}");
        host.assert_quarantined();
    });
}

/// A version that crashes while an unload waits for it stays mapped.
#[test]
fn an_unload_that_waits_does_not_unmap_what_crashed() {
    survives("an_unload_that_waits_does_not_unmap_what_crashed", "", || {
        let host = Host::crashing();
        let service = host.engine.service("zoo").unwrap();
        let lease = service.route(&Request::default()).unwrap().lease;
        host.promote("v1").unwrap();
        std::thread::scope(|scope| {
            let refused =
                |patience| host.engine.unload("zoo", "v2", patience, &Change::default()).unwrap_err();
            let is_turned_away = |e: &Error| e.message().contains("being unloaded already");
            // Whoever looks whether it has begun may be the one who turns it away.
            let unload = scope.spawn(move || {
                loop {
                    let refused = refused(Duration::from_mins(1));
                    if !is_turned_away(&refused) {
                        return refused;
                    }
                }
            });
            let held = runtime::hold(lease).unwrap();
            while !is_turned_away(&refused(Duration::ZERO)) {
                std::thread::yield_now();
            }
            assert!(!service.quarantine(&held, &Error::new(Status::PluginCrashed, "SIGTEST")));
            drop(held);
            runtime::release(lease, Outcome::Failure).unwrap();
            let refused = unload.join().unwrap();
            assert_eq!(refused.status(), Status::Pinned, "{refused}");
        });
        assert_eq!(host.standing("v2"), (Standing::Pinned, "crash: SIGTEST".into()));
    });
}

#[test]
fn a_handler_that_is_installed_later_is_told_of() {
    survives("a_handler_that_is_installed_later_is_told_of", "", || {
        let host = Host::new();
        assert!(!host.lines.contain("another handler"), "{:?}", host.lines.all());
        install(libc::SIGFPE, skip as *const () as usize, libc::SA_SIGINFO);
        load(&host.engine, &host.trust, &zoo("reentrant"), "other", "v1");
        assert!(host.lines.contain("another handler for SIGFPE"), "{:?}", host.lines.all());
        assert!(!host.lines.contain("another handler for SIGSEGV"), "{:?}", host.lines.all());
    });
}

const CHILD: &str = "SOGOV_TEST_CHILD";
const DONE: &str = "the child came to its end";

fn survives(test: &str, case: &str, body: impl FnOnce()) {
    if let Some((status, printed)) = child(test, case, body) {
        assert!(status.success() && printed.contains(DONE), "{test} {case}: {status}\n{printed}");
    }
}

fn dies(test: &str, case: &str, signal: c_int, body: impl FnOnce()) {
    if let Some((status, printed)) = child(test, case, body) {
        assert_eq!(status.signal(), Some(signal), "{test} {case}: {status}\n{printed}");
    }
}

/// In the child, runs the body of its case; in the parent, runs the child and answers how it ended.
fn child(test: &str, case: &str, body: impl FnOnce()) -> Option<(ExitStatus, String)> {
    if let Ok(this) = std::env::var(CHILD) {
        if this == case {
            body();
            std::io::Write::write_all(&mut std::io::stdout(), DONE.as_bytes()).unwrap();
        }
        return None;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CHILD, case);
    let ended = command.output().unwrap();
    let printed = [ended.stdout, ended.stderr].concat();
    Some((ended.status, String::from_utf8_lossy(&printed).into_owned()))
}

/// What `skip` and `note_mask` have seen.
static SEEN: AtomicUsize = AtomicUsize::new(0);
static HANDLED: AtomicU32 = AtomicU32::new(0);

/// A handler of the host's own that recovers: it goes on behind the instruction that faulted.
extern "C" fn skip(_: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: what the kernel gives to a handler.
    let (info, context) = unsafe { (&*info, &mut *context.cast::<libc::ucontext_t>()) };
    let registers = &mut context.uc_mcontext.gregs;
    let instruction: *const u8 =
        std::ptr::with_exposed_provenance(usize::try_from(registers[libc::REG_RIP as usize]).unwrap());
    // SAFETY: the processor has read it.
    if unsafe { *instruction.cast::<[u8; 3]>() } == FAULT {
        registers[libc::REG_RIP as usize] += 3;
    } else {
        // A fault in memcpy: goes on as if it had been called with a good pointer.
        let good = i64::try_from((&raw const SCRATCH).addr()).unwrap();
        (registers[libc::REG_RDI as usize], registers[libc::REG_RAX as usize]) = (good, good);
    }
    // SAFETY: a signal of a fault has an address.
    SEEN.store(unsafe { info.si_addr() }.addr(), Ordering::SeqCst);
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

static SCRATCH: AtomicUsize = AtomicUsize::new(0);

/// `mov byte ptr [rax], 0`.
const FAULT: [u8; 3] = [0xc6, 0x00, 0x00];

fn fault_at(address: usize) {
    // SAFETY: the instruction writes nowhere.
    unsafe { asm!("mov byte ptr [rax], 0", in("rax") address) };
}

extern "C" fn note_mask(_: c_int, _: *mut libc::siginfo_t, _: *mut c_void) {
    SEEN.store(mask(), Ordering::SeqCst);
}

/// The signals that are blocked on this thread, a bit each.
fn mask() -> usize {
    let mut mask = std::mem::MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: only asks.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
        (1..32).filter(|signal| libc::sigismember(mask.as_ptr(), *signal) == 1).map(bit).sum()
    }
}

fn bit(signal: c_int) -> usize {
    1 << signal
}

fn install(signal: c_int, handler: usize, flags: c_int) {
    let mut action = action_of(signal);
    (action.sa_sigaction, action.sa_flags) = (handler, flags);
    set_action(signal, &action);
}

fn action_of(signal: c_int) -> libc::sigaction {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks.
    unsafe {
        assert_eq!(libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()), 0);
        action.assume_init()
    }
}

fn set_action(signal: c_int, action: &libc::sigaction) {
    // SAFETY: a whole action, with a handler of this program.
    assert_eq!(unsafe { libc::sigaction(signal, action, null_mut()) }, 0);
}

fn alternate_stack() -> libc::stack_t {
    let mut stack = libc::stack_t { ss_sp: null_mut(), ss_flags: 0, ss_size: 0 };
    // SAFETY: only asks.
    assert_eq!(unsafe { libc::sigaltstack(std::ptr::null(), &raw mut stack) }, 0);
    stack
}

/// Runs `body` with the host on a thread that Rust's library knows nothing of.
fn c_thread(body: extern "C" fn(*mut c_void) -> *mut c_void, host: &Host) {
    let mut thread = 0;
    // SAFETY: the host outlives the thread, which is joined.
    unsafe {
        let argument = std::ptr::from_ref(host).cast_mut().cast();
        assert_eq!(libc::pthread_create(&raw mut thread, std::ptr::null(), body, argument), 0);
        assert_eq!(libc::pthread_join(thread, null_mut()), 0);
    }
}

/// How many mappings the process has.
fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps").unwrap().lines().count()
}

/// The address of a page whose file is shorter than it was.
fn truncated_page() -> usize {
    let directory = TempDir::new();
    let file = std::fs::File::create_new(directory.path().join("page")).unwrap();
    // SAFETY: a fresh mapping.
    let page = unsafe {
        use std::os::fd::AsRawFd;
        libc::mmap(
            null_mut(),
            4096,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    assert_ne!(page, libc::MAP_FAILED);
    page.addr()
}

fn control_words() -> (u32, u16) {
    let (mut mxcsr, mut x87) = (0_u32, 0_u16);
    // SAFETY: stores into both.
    unsafe {
        asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr);
        asm!("fnstcw [{}]", in(reg) &raw mut x87);
    }
    // The sticky bits say what was computed, not how.
    (mxcsr & !0x3f, x87)
}

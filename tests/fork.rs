//! What a forked child may do while a thread of its parent was in the middle of something: route, call and end what it
//! inherited, and open an engine of its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod support;

use parking_lot::Mutex;
use sogov::crypto::sm2::{PreparedKeys, PrivateKey, UserId};
use sogov::engine::{Change, Engine, EngineOptions};
use sogov::error::{Error, Status};
use sogov::loader::Invocation;
use sogov::route::{Reason, Request};
use sogov::runtime::Service;
use sogov::telemetry::Log;
use sogov::verifier::{Submission, Verifier, VerifierOptions};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;
use support::{TempDir, Trust, load, zoo};

/// A child copies whatever the threads of other tests are in the middle of, the dynamic linker included.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static KEYS: PreparedKeys = PreparedKeys::new(1 << 20);
/// In seconds; a child that takes longer hangs.
const DEADLINE: u32 = 60;

#[test]
fn a_child_ends_the_engine_while_a_thread_of_its_parent_was_in_the_log() {
    let _alone = ONE_AT_A_TIME.lock();
    let (trust, state) = (Trust::new(), TempDir::new());
    let (inside, is_inside) = channel();
    let (leave, may_leave) = channel::<()>();
    let may_leave = Mutex::new(may_leave);
    let blocks = Arc::new(AtomicBool::new(false));
    let log = Log::new({
        let blocks = Arc::clone(&blocks);
        move |_, _| {
            if blocks.swap(false, Ordering::SeqCst) {
                inside.send(()).unwrap();
                // Also when the test has failed and gone.
                let _ = may_leave.lock().recv();
            }
        }
    });
    let engine = engine(&trust, &state, log);
    let service = engine.service("moody").unwrap();
    blocks.store(true, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let change = scope.spawn(|| promote(&engine, "v1"));
        is_inside.recv().unwrap();
        let child = fork(|| {
            assert_eq!(call(&service, "ok").unwrap().0, "v1");
            Arc::clone(&engine).end();
            assert_eq!(call(&service, "ok").unwrap_err().status(), Status::Closed);
            assert_eq!(engine.service("moody").unwrap_err().status(), Status::Closed);
        });
        leave.send(()).unwrap();
        change.join().unwrap();
        child.succeeded();
    });
    assert_eq!(call(&service, "ok").unwrap().0, "v1", "the parent's engine serves on");
}

#[test]
fn a_breaker_that_opens_in_a_child_is_the_child_s_own_affair() {
    let _alone = ONE_AT_A_TIME.lock();
    let (trust, state) = (Trust::new(), TempDir::new());
    let engine = engine(&trust, &state, Log::default());
    let service = engine.service("moody").unwrap();
    let record = state.path().join("machine/stable/moody.json");
    let before = fs::read_to_string(&record).unwrap();
    let child = fork(|| {
        for _ in 0..3 {
            assert_eq!(call(&service, "fail").unwrap_err().status(), Status::PluginFailed);
        }
        assert_eq!(call(&service, "ok").unwrap(), ("v1".to_owned(), Reason::Breaker));
        assert_eq!(fs::read_dir("/proc/self/task").unwrap().count(), 1, "nothing is left to do for a thread");
        Arc::clone(&engine).end();
    });
    child.succeeded();
    assert_eq!(fs::read_to_string(&record).unwrap(), before);
    assert_eq!(call(&service, "ok").unwrap(), ("v2".to_owned(), Reason::Stable));
}

#[test]
fn a_child_opens_an_engine_of_its_own() {
    let _alone = ONE_AT_A_TIME.lock();
    let (trust, state, own_state) = (Trust::new(), TempDir::new(), TempDir::new());
    let inherited = engine(&trust, &state, Log::default());
    load(&inherited, &trust, &zoo("plain_v1"), "plain", "v1");
    let child = fork(|| {
        let own = engine(&trust, &own_state, Log::default());
        // Its SONAME is that of an inherited image.
        load(&own, &trust, &zoo("plain_v2"), "plain", "v2");
        promote(&own, "v1");
        own.unload("moody", "v2", Duration::from_secs(30), &Change::default()).unwrap();
        assert_eq!(call(&own.service("moody").unwrap(), "ok").unwrap().0, "v1");
        own.end();
        assert_eq!(call(&inherited.service("moody").unwrap(), "ok").unwrap().0, "v2");
    });
    child.succeeded();
    let record = fs::read_to_string(own_state.path().join("machine/stable/moody.json")).unwrap();
    assert!(record.contains(r#""stable":{"#) && record.contains(r#""version":"v1""#), "{record}");
    let again = Engine::open(options(&trust, &own_state, Log::default())).unwrap();
    assert_eq!(call(&again.service("moody").unwrap(), "ok").unwrap().0, "v1");
}

/// A table of waiting threads that all locks of a process share is copied as a thread of the parent has it locked: with
/// such locks, one of the first children waited for ever.
#[test]
fn a_child_waits_for_its_own_threads_whatever_those_of_its_parent_waited_for() {
    const CHILDREN: u32 = 100;
    let _alone = ONE_AT_A_TIME.lock();
    let key = PrivateKey::generate().unwrap();
    let signature = key.sign(&UserId::DEFAULT, b"payment").unwrap();
    let ask = |verifier: &Verifier| {
        let (user_id, message) = (&UserId::DEFAULT, b"payment".as_slice());
        let key = key.public_key();
        let submission = Submission { ticket: 1, key, user_id, message, signature: Some(&signature) };
        verifier.submit(&submission).unwrap();
        verifier.poll(1, None, |answer| assert_eq!(answer.status, Status::Ok)).unwrap()
    };
    let open =
        |threads| Verifier::open(VerifierOptions { threads, ..VerifierOptions::default() }, &KEYS).unwrap();
    let parents = open(2);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ask_on = || {
            while !is_over.load(Ordering::SeqCst) {
                assert_eq!(ask(&parents), 1);
            }
        };
        let _threads = [(); 8].map(|()| scope.spawn(ask_on));
        let failed = (0..CHILDREN).find_map(|_| {
            let child = fork(|| {
                let own = open(16);
                (0..3).for_each(|_| assert_eq!(ask(&own), 1));
            });
            Some(child.status()).filter(|status| *status != 0)
        });
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(failed, None, "the first status that is not a success");
    });
}

fn options(trust: &Trust, state: &TempDir, log: Log) -> EngineOptions {
    EngineOptions { state_directory: Some(state.path().to_owned()), log, ..trust.options() }
}

/// With the plugin `moody`, which fails when the request says so, as `v2` (stable) and `v1` (stable before).
fn engine(trust: &Trust, state: &TempDir, log: Log) -> Arc<Engine> {
    let engine = Engine::open(options(trust, state, log)).unwrap();
    for version in ["v1", "v2"] {
        load(&engine, trust, &zoo("moody"), "moody", version);
        promote(&engine, version);
    }
    engine
}

fn promote(engine: &Engine, version: &str) {
    engine.promote("moody", version, &Change { wait_durable: true, ..Change::default() }).unwrap();
}

/// The version that answered, and why it was this one.
fn call(service: &Service, input: &str) -> Result<(String, Reason), Error> {
    let mut answer = Vec::new();
    let mut called = None;
    let mut invocation = Invocation { request: input.as_bytes(), answer: &mut answer, limit: 64, code: 0 };
    service.call(&Request::default(), &mut invocation, &mut called)?;
    Ok(called.map(|called| (called.version.to_string(), called.reason)).unwrap())
}

/// A forked child that has not been waited for.
#[must_use]
struct Child(libc::pid_t);

/// Runs `body` in a forked child, which succeeds unless that panics or does not end.
fn fork(body: impl FnOnce()) -> Child {
    // SAFETY: the child has a copy of this thread alone, and leaves without the exit handlers of the test harness.
    let child = unsafe { libc::fork() };
    if child == 0 {
        // SAFETY: the signal ends a child that hangs.
        unsafe { libc::alarm(DEADLINE) };
        let ended = catch_unwind(AssertUnwindSafe(body));
        // SAFETY: as above.
        unsafe { libc::_exit(i32::from(ended.is_err())) };
    }
    assert!(child > 0);
    Child(child)
}

impl Child {
    fn succeeded(self) {
        let status = self.status();
        assert!(status == 0, "child status {status:#x}");
    }

    /// As the system has it: 0 is success.
    fn status(self) -> libc::c_int {
        let mut status = 0;
        // SAFETY: waits for the child made above.
        assert_eq!(unsafe { libc::waitpid(self.0, &raw mut status, 0) }, self.0);
        status
    }
}

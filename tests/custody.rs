//! Where private keys are, as an attacker with a debugger, a core dump or a forked child would look for them.
//!
//! What is looked for is in a process of its own, which this program runs itself as (`worker`): it gets a key file and
//! shows nothing else of the key, and the tests look into its memory from outside.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "custody/memory.rs"]
mod memory;
mod support;
#[path = "custody/worker.rs"]
mod worker;

use memory::{Found, Needle};
use sogov::crypto::key::PrivateKey;
use sogov::crypto::scheme::Scheme;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::Command;
use support::TempDir;
use worker::{PASSWORD, Worker};

/// The scheme, and whether the pages are hidden ones.
const CASES: [(Scheme, bool); 4] =
    [(Scheme::Sm2Sm3, false), (Scheme::Sm2Sm3, true), (Scheme::EcdsaP256, false), (Scheme::EcdsaP256, true)];

#[test]
fn after_use_a_key_is_in_its_locked_page_alone_and_after_its_end_nowhere() {
    for (scheme, hidden) in CASES {
        let (directory, needles) = key_file(scheme);
        let mut worker = Worker::start("use", &directory, hidden, |_| {});
        let custody = worker.wait_for("in use: ");
        let found = memory::search(worker.id(), &needles);
        assert!(found.iter().all(Found::is_locked_and_left_out_of_dumps), "{scheme} {custody}: {found:#?}");
        // What the kernel hides, it does not show to the tests either.
        assert_eq!(found.is_empty(), custody == "Secret", "{scheme} {custody}: {found:#?}");
        worker.go_on();
        worker.wait_for("ended");
        assert_eq!(memory::search(worker.id(), &needles), [], "{scheme} {custody}");
        worker.go_on();
        worker.succeeded();
    }
}

#[test]
fn a_core_dump_has_no_key() {
    for (scheme, hidden) in CASES {
        let (directory, mut needles) = key_file(scheme);
        let mut worker = Worker::start("use", &directory, hidden, |command| {
            // SAFETY: a system call alone, between fork and exec.
            unsafe {
                command.pre_exec(|| {
                    let limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
                    libc::setrlimit(libc::RLIMIT_CORE, &raw const limit);
                    Ok(())
                })
            };
        });
        worker.wait_for("in use: ");
        let core = worker.core(directory.path());
        // That the dump is one, and that it is searched, is shown by what it has to have.
        needles.push(Needle::new("marker", &worker::marker()));
        let found = memory::search_file(&core, &needles);
        assert_eq!(found, ["marker"], "{scheme}");
    }
}

#[test]
fn a_forked_child_has_no_key_and_says_so() {
    for (scheme, hidden) in CASES {
        let (directory, _) = key_file(scheme);
        let mut worker = Worker::start("fork", &directory, hidden, |_| {});
        worker.wait_for("forked");
        worker.go_on();
        worker.succeeded();
    }
}

#[test]
fn without_memory_to_lock_a_key_is_refused_or_says_that_it_is_not_locked() {
    let (directory, _) = key_file(Scheme::Sm2Sm3);
    let mut worker = Worker::start("limit", &directory, true, |command| {
        // SAFETY: system calls alone, between fork and exec.
        unsafe {
            command.pre_exec(|| {
                const CAP_IPC_LOCK: libc::c_ulong = 14;
                let limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
                libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit);
                // Who may lock without limit gives that up; who may not has nothing to give up.
                libc::prctl(libc::PR_CAPBSET_DROP, CAP_IPC_LOCK, 0, 0, 0);
                Ok(())
            })
        };
    });
    worker.wait_for("limited");
    worker.go_on();
    worker.succeeded();
}

/// An encrypted key file with its password beside it, and what the key looks like in memory.
fn key_file(scheme: Scheme) -> (TempDir, Vec<Needle>) {
    let directory = TempDir::new();
    let key = PrivateKey::generate(scheme).unwrap();
    fs::write(directory.path().join("password"), PASSWORD).unwrap();
    let plain = directory.path().join("plain.pem");
    fs::write(&plain, key.to_pkcs8_pem().unwrap().as_bytes()).unwrap();
    // Few iterations: they are not what is tested.
    let options = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1000", "-passout", "file:password"];
    support::run(
        Command::new("openssl")
            .args(options)
            .args(["-in", "plain.pem", "-out", "key.pem"])
            .current_dir(directory.path()),
    );
    fs::remove_file(plain).unwrap();
    (directory, memory::forms(&key))
}

/// The process that is looked at, when this program runs itself; nothing when it is run as a test.
#[test]
fn worker() {
    worker::run();
}

fn itself() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "worker", "--nocapture"]);
    command
}

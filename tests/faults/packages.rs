//! An installation that is killed at any step: nothing half is seen, and the same package can be installed then.

use crate::support::packages::{HOST, Host, facts};
use sogov::crypto::envelope::RecipientKey;
use sogov::crypto::hmac::SecretKey;
use sogov::engine::{Change, Engine, EngineOptions, FileStanding};
use sogov::error::Status;
use std::env;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The steps of its own, in their order.
pub const STEPS: &[&str] = &[
    "package.clean",
    "package.stage",
    "package.file",
    "package.staged",
    "package.receipt",
    "package.publish",
    "package.published",
    "package.record",
];

/// Those that it shares with other changes.
const SHARED: &[&str] = &[
    "write.create",
    "write.content",
    "write.sync",
    "write.rename",
    "write.sync_directory",
    "trust.read",
    "memfd.seal",
    "trust.decided",
];

/// Where the child finds its orders: the directory, and "step,number of times".
const ORDERS: &str = "SOGOV_TEST_INSTALL";

/// What is handed to the child, in files.
struct Orders {
    host: Host,
    package: PathBuf,
}

impl Orders {
    fn new() -> Self {
        let key = sogov::crypto::sm2::PrivateKey::generate().unwrap();
        let pem = key.public_key().to_spki_pem();
        let recipient = sogov::crypto::envelope::Recipient::from_encoded(pem.as_bytes()).unwrap();
        let host = Host::with(
            RecipientKey::from_encoded(&key.to_pkcs8_der().unwrap(), None, None).unwrap(),
            recipient,
        );
        let package = host.pack("good.sogpkg", "v1", &facts(1));
        let work = host.work.path();
        fs::write(work.join("key.der"), &*key.to_pkcs8_der().unwrap()).unwrap();
        fs::write(work.join("receipt.key"), host.receipt_key.as_bytes().unwrap()).unwrap();
        fs::write(work.join("trust"), host.trust.path().to_str().unwrap()).unwrap();
        Self { host, package }
    }

    /// Installs in another process, which kills itself when it comes by `step` for the `nth` time.
    fn child(&self, state: &Path, step: &str, nth: usize) -> ExitStatus {
        let orders = format!("{}\n{}\n{step}\n{nth}", self.host.work.path().display(), state.display());
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "packages::the_child_that_installs", "--nocapture"])
            .env(ORDERS, orders)
            .output()
            .unwrap()
            .status
    }
}

/// Does nothing unless it is the child of the test below.
#[test]
fn the_child_that_installs() {
    let Ok(orders) = env::var(ORDERS) else { return };
    let [work, state, step, nth] = orders.lines().collect::<Vec<_>>()[..] else { panic!("four lines") };
    let (work, nth) = (Path::new(work), nth.parse::<usize>().unwrap());
    let read = |name| fs::read(work.join(name)).unwrap();
    let engine = Engine::open_idle(EngineOptions {
        trust_directory: Some(String::from_utf8(read("trust")).unwrap().into()),
        state_directory: Some(state.into()),
        receipt_key: Some(Arc::new(SecretKey::from_bytes(&read("receipt.key")).unwrap())),
        ..EngineOptions::default()
    })
    .unwrap();
    let count = AtomicUsize::new(0);
    let _scenario = fail::FailScenario::setup();
    fail::cfg_callback(step, move || {
        if count.fetch_add(1, Ordering::SeqCst) + 1 == nth {
            // SAFETY: it takes a number and ends this process.
            unsafe { libc::raise(libc::SIGKILL) };
        }
    })
    .unwrap();
    let key = RecipientKey::from_encoded(&read("key.der"), None, None).unwrap();
    engine.install(&work.join("good.sogpkg"), &key, HOST, &Change::default()).unwrap();
}

#[test]
fn an_installation_that_is_killed_leaves_nothing_half_and_can_be_made_again() {
    // Keeps the tests out that make steps of this process fail.
    let _scenario = fail::FailScenario::setup();
    let orders = Orders::new();
    for step in STEPS.iter().chain(SHARED) {
        let mut nth = 1;
        loop {
            let state = crate::support::TempDir::new();
            let ended = orders.child(state.path(), step, nth);
            if ended.success() {
                break;
            }
            assert_eq!(ended.signal(), Some(libc::SIGKILL), "{step}, time {nth}");
            check(&orders, state.path(), &format!("killed at {step}, time {nth}"));
            nth += 1;
        }
        assert!(nth > 1, "{step}: an installation does not come by");
    }
}

fn check(orders: &Orders, state: &Path, case: &str) {
    let installed = state.join("machine/packages/installed");
    let visible = || {
        let names = fs::read_dir(&installed).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        names.filter(|name| !name.starts_with('.')).collect::<Vec<_>>()
    };
    let plugin = |directory: &str| installed.join(directory).join("fee-v1.so");
    let engine = orders.host.engine_of(state);
    let content = fs::read(orders.host.trust.path().join("fee-v1.so")).unwrap();
    for directory in visible() {
        assert_eq!(fs::read(plugin(&directory)).unwrap(), content, "{case}: what is seen is whole");
        assert_eq!(engine.check_installed(&plugin(&directory)), Ok(FileStanding::Untouched), "{case}");
    }
    let again = || engine.install(&orders.package, &orders.host.key, HOST, &Change::default());
    match again() {
        Ok(_) => {}
        // The record was there already, and so is the package.
        Err(e) => {
            assert_eq!(e.status(), Status::Replayed, "{case}: {e}");
            assert!(case.contains("write.sync_directory"), "{case}");
        }
    }
    assert_eq!(fs::read_dir(&installed).unwrap().count(), 1, "{case}: nothing is left behind");
    let [directory] = &visible()[..] else { panic!("{case}: one package") };
    assert_eq!(engine.check_installed(&plugin(directory)), Ok(FileStanding::Untouched), "{case}");
    assert_eq!(again().unwrap_err().status(), Status::Replayed, "{case}");
}

#[test]
fn an_installation_that_fails_leaves_nothing_half_and_can_be_made_again() {
    let orders = Orders::new();
    for step in STEPS.iter().chain(SHARED) {
        let _scenario = fail::FailScenario::setup();
        let state = crate::support::TempDir::new();
        let engine = orders.host.engine_of(state.path());
        fail::cfg(*step, "return").unwrap();
        let failed = engine.install(&orders.package, &orders.host.key, HOST, &Change::default());
        fail::remove(*step);
        assert_eq!(failed.unwrap_err().status(), Status::Io, "{step}");
        let staging = fs::read_dir(state.path().join("machine/packages/installed")).unwrap();
        let staging =
            staging.filter(|entry| entry.as_ref().unwrap().file_name().as_encoded_bytes()[0] == b'.');
        assert_eq!(staging.count(), 0, "{step}: what was staged is gone");
        check(&orders, state.path(), &format!("failed at {step}"));
    }
}

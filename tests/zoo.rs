//! Every animal of the zoo, and what must become of it: `tests/zoo/table.rs` is the table.
//!
//! Each row runs in a process of its own, so that a crash is the failure of a row with a name, and not the end of the
//! test run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/host.rs"]
mod host;
#[path = "zoo/isolation.rs"]
mod isolation;
mod support;
#[path = "zoo/table.rs"]
mod table;

use host::{Host, is_mapped};
use std::fs::{self, File};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use support::{TempDir, zoo};
use table::{Expected, Row, TABLE};

/// Names the row that a child process runs.
const ROW: &str = "SOGOV_ZOO_ROW";
/// After this a row counts as hanging.
const PATIENCE: Duration = Duration::from_mins(2);

#[test]
fn every_animal_behaves_as_the_table_says() {
    // Built once, before the children ask for it.
    zoo("plain_v1");
    let directory = TempDir::new();
    let next = AtomicUsize::new(0);
    let failures = parking_lot::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(row) = TABLE.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let log = directory.path().join(format!("{}.log", row.name));
                    let status = run_in_child(row, &log);
                    if !status.is_some_and(|status| status.success()) {
                        let ending = status.map_or("no end in time".to_owned(), |status| status.to_string());
                        let said = fs::read_to_string(log).unwrap();
                        failures.lock().push(format!("{}: {ending}\n{said}", row.name));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner();
    assert!(failures.is_empty(), "{} rows:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn rows_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
}

/// What a child of [`every_animal_behaves_as_the_table_says`] runs; without a row there is nothing to do.
#[test]
fn one_row() {
    let Some(name) = std::env::var_os(ROW) else { return };
    let row = TABLE.iter().find(|row| *row.name == *name).unwrap();
    match row.expected {
        Expected::Unmapped => {
            row.host().unload().unwrap();
            assert!(!is_mapped("memfd:zoo@v1"));
        }
        Expected::Pinned(kind, evidence) => {
            let host = row.host();
            let reason = host.pinned();
            assert!(reason.starts_with(&format!("{}: ", kind.name())), "expected {kind:?}, found {reason}");
            assert!(reason.contains(evidence), "expected {evidence:?}, found {reason}");
            assert!(is_mapped("memfd:zoo@v1"));
            (row.afterwards)(&host);
        }
        Expected::Refused(status, text) => {
            let refused = Host::new().try_load(row.plugin).unwrap_err();
            assert_eq!(refused.status(), status, "{refused}");
            assert!(refused.message().contains(text), "expected {text:?}, found {refused}");
            assert!(!is_mapped("memfd:zoo@v1"));
        }
        Expected::Story(story) => story(),
    }
    // The process ends here by way of the C library's exit handlers, which are part of the experiment.
}

impl Row {
    /// A host that has loaded and used the animal.
    fn host(&self) -> Host {
        let host = Host::with(self.plugin);
        (self.used)(&host);
        host
    }
}

/// How the child that runs the row ended; `None` where it had to be killed.
fn run_in_child(row: &Row, log: &std::path::Path) -> Option<ExitStatus> {
    let log = File::create(log).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "one_row", "--nocapture", "--test-threads=1"])
        .env(ROW, row.name)
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        if Instant::now() > deadline {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

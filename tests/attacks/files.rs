//! The plugin's file under the hands of somebody who may write to its directory: swapped, written in place, linked, cut, or no
//! file at all.

use crate::host::{Host, is_mapped};
use crate::support::{Trust, fee, load, run, zoo};
use sogov::engine::{Engine, LoadOptions};
use sogov::error::Status;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A signed plugin and an engine that trusts its signer.
struct Attack {
    trust: Trust,
    engine: Arc<Engine>,
    signed: PathBuf,
}

impl Attack {
    fn new() -> Self {
        let trust = Trust::new();
        let signed = trust.signed(&fee("v1"), "fee", "v1");
        Self { engine: Engine::open(trust.options()).unwrap(), signed, trust }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.trust.path().join(name)
    }

    /// What was verified of the file: its bytes, which nobody can change any more.
    fn verified(&self, path: &Path) -> Result<Vec<u8>, Status> {
        let image = self.engine.admit_file("fee", Some("v1"), path, &LoadOptions::default());
        image.map(|image| image.bytes().to_vec()).map_err(|e| e.status())
    }

    /// Loads the file; after a refusal nothing is loaded.
    fn loaded(&self, path: &Path) -> Result<(), Status> {
        let loaded = self.engine.load_versioned("fee", "v1", path, &LoadOptions::default());
        assert_eq!(self.engine.report(None).unwrap().is_empty(), loaded.is_err());
        loaded.map(drop).map_err(|e| e.status())
    }
}

/// Changes one byte of the code where the file stands; the inode stays.
fn write_in_place(path: &Path) {
    let file = File::options().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, 0x800).unwrap();
    file.write_all_at(&[byte[0] ^ 1], 0x800).unwrap();
}

#[test]
fn written_in_place_between_verify_and_load() {
    let attack = Attack::new();
    let before = fs::read(&attack.signed).unwrap();
    let image =
        attack.engine.verify_file("fee", Some("v1"), &attack.signed, &LoadOptions::default()).unwrap();
    write_in_place(&attack.signed);
    assert_eq!(image.bytes(), before, "what was verified is a sealed copy");
    assert_eq!(attack.loaded(&attack.signed), Err(Status::Modified));
}

#[test]
fn renamed_over_between_verify_and_load() {
    let attack = Attack::new();
    let before = fs::read(&attack.signed).unwrap();
    let image =
        attack.engine.verify_file("fee", Some("v1"), &attack.signed, &LoadOptions::default()).unwrap();
    fs::copy(fee("v2"), attack.beside("evil.so")).unwrap();
    fs::rename(attack.beside("evil.so"), &attack.signed).unwrap();
    assert_eq!(image.bytes(), before);
    assert_eq!(attack.loaded(&attack.signed), Err(Status::Unsigned));
}

/// The copy that was verified can be written to by nobody, this process included.
#[test]
fn the_verified_copy_written_to() {
    let attack = Attack::new();
    let image =
        attack.engine.verify_file("fee", Some("v1"), &attack.signed, &LoadOptions::default()).unwrap();
    let path = format!("/proc/self/fd/{}", image.descriptor());
    let copy = File::options().write(true).open(path).unwrap();
    let refused = |result: std::io::Result<()>| result.unwrap_err().raw_os_error();
    assert_eq!(refused(copy.write_all_at(b"evil", 0)), Some(libc::EPERM));
    assert_eq!(refused(copy.set_len(0)), Some(libc::EPERM));
    assert_eq!(refused(copy.set_len(1 << 20)), Some(libc::EPERM));
}

/// The code that runs is not the file's any more: neither writing it in place nor cutting it reaches a loaded version.
#[test]
fn written_in_place_after_the_load() {
    let host = Host::new();
    let signed = host.trust.signed(&zoo("plain_v1"), "zoo", "v1");
    host.engine.load_versioned("zoo", "v1", &signed, &LoadOptions::default()).unwrap();
    host.promote("v1");
    assert!(!is_mapped(signed.to_str().unwrap()), "the file itself is mapped nowhere");
    let file = File::options().write(true).open(&signed).unwrap();
    file.write_all_at(&fs::read(zoo("plain_v2")).unwrap(), 0).unwrap();
    assert_eq!(host.answer("answer", None), 1);
    file.set_len(0).unwrap();
    assert_eq!(host.answer("answer", None), 1);
}

/// Two files change places all the time under one name: what is admitted is the good one, whole, or nothing.
#[test]
fn swapped_while_it_is_verified() {
    let attack = Attack::new();
    let good = fs::read(&attack.signed).unwrap();
    fs::copy(fee("v2"), attack.beside("evil.so")).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for from in ["evil.so", "good.so"] {
                    if from == "good.so" {
                        fs::write(attack.beside("good.so"), &good).unwrap();
                    } else {
                        fs::copy(fee("v2"), attack.beside("evil.so")).unwrap();
                    }
                    fs::rename(attack.beside(from), &attack.signed).unwrap();
                }
            }
        });
        let verdicts: Vec<_> = (0..500).map(|_| attack.verified(&attack.signed)).collect();
        stop.store(true, Ordering::Relaxed);
        for verdict in verdicts {
            match verdict {
                Ok(bytes) => assert!(bytes == good, "other bytes than the signed ones were admitted"),
                Err(status) => assert_eq!(status, Status::Unsigned),
            }
        }
    });
}

/// One byte of the code changes all the time: a torn copy is never admitted.
#[test]
fn written_in_place_while_it_is_verified() {
    let attack = Attack::new();
    let good = fs::read(&attack.signed).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                write_in_place(&attack.signed);
            }
        });
        let verdicts: Vec<_> = (0..500).map(|_| attack.verified(&attack.signed)).collect();
        stop.store(true, Ordering::Relaxed);
        for verdict in verdicts {
            match verdict {
                Ok(bytes) => assert!(bytes == good, "other bytes than the signed ones were admitted"),
                Err(status) => assert_eq!(status, Status::Modified),
            }
        }
    });
}

/// A link is followed once for each decision: turned round, it leads to what is judged, not to what was.
#[test]
fn a_symbolic_link_that_is_turned_round() {
    let attack = Attack::new();
    let link = attack.beside("link.so");
    symlink(&attack.signed, &link).unwrap();
    let before = attack.verified(&link).unwrap();
    assert_eq!(before, fs::read(&attack.signed).unwrap());
    fs::remove_file(&link).unwrap();
    symlink(fee("v2"), &link).unwrap();
    assert_eq!(attack.loaded(&link), Err(Status::Unsigned));
    fs::remove_file(&link).unwrap();
    symlink("link.so", &link).unwrap();
    assert_eq!(attack.loaded(&link), Err(Status::Io), "a link to itself");
}

#[test]
fn a_hard_link_that_is_written_through() {
    let attack = Attack::new();
    let link = attack.beside("second-name.so");
    fs::hard_link(&attack.signed, &link).unwrap();
    load(&attack.engine, &attack.trust, &fee("v2"), "fee", "v2");
    write_in_place(&link);
    let loaded = attack.engine.load_versioned("fee", "v1", &attack.signed, &LoadOptions::default());
    assert_eq!(loaded.unwrap_err().status(), Status::Modified);
}

/// A FIFO would hold up a reader for ever, a device would never end.
#[test]
fn no_regular_file() {
    let attack = Attack::new();
    let (fifo, socket) = (attack.beside("fifo.so"), attack.beside("socket.so"));
    run(Command::new("mkfifo").arg(&fifo));
    let _listener = UnixListener::bind(&socket).unwrap();
    for path in [&fifo, attack.trust.path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
        assert_eq!(attack.loaded(path), Err(Status::InvalidArgument), "{}", path.display());
    }
    assert_eq!(attack.loaded(&socket), Err(Status::Io));
}

#[test]
fn a_signature_file_that_is_no_regular_file() {
    let attack = Attack::new();
    let plugin = attack.beside("detached.so");
    fs::copy(fee("v1"), &plugin).unwrap();
    run(Command::new("mkfifo").arg(attack.beside("detached.so.sogsig")));
    assert_eq!(attack.loaded(&plugin), Err(Status::InvalidArgument));
}

#[test]
fn an_empty_file() {
    let attack = Attack::new();
    File::create(&attack.signed).unwrap();
    assert_eq!(attack.loaded(&attack.signed), Err(Status::ImageRejected));
}

/// Cut in the container, in the covered bytes, in the magic number.
#[test]
fn cut_off() {
    let attack = Attack::new();
    let whole = fs::read(&attack.signed).unwrap();
    for (len, status) in [
        (whole.len() - 1, Status::Modified),
        (whole.len() / 4, Status::ImageRejected),
        (63, Status::ImageRejected),
        (3, Status::Unsigned),
    ] {
        fs::write(&attack.signed, &whole[..len]).unwrap();
        assert_eq!(attack.loaded(&attack.signed), Err(status), "{len} of {} bytes", whole.len());
    }
}

/// Sparse files cost their author nothing; they are refused by their length.
#[test]
fn huge_files() {
    let attack = Attack::new();
    File::options().write(true).open(&attack.signed).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(attack.loaded(&attack.signed), Err(Status::LimitExceeded));
    let plugin = attack.beside("detached.so");
    fs::copy(fee("v1"), &plugin).unwrap();
    File::create(attack.beside("detached.so.sogsig")).unwrap().set_len(1 << 40).unwrap();
    assert_eq!(attack.loaded(&plugin), Err(Status::LimitExceeded));
}

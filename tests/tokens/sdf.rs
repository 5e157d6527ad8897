//! Keys in an SDF device. There is none here: `sdf_mock.c` is a library of our own with the interface of GM/T 0018, whose
//! arithmetic is OpenSSL's. What it shows is that the interface is called as the standard has it, not that a device works.

use super::support::{ROOT, TempDir, run};
use super::{governs_plugins, in_child, sign_much};
use parking_lot::{Mutex, MutexGuard};
use sogov::crypto::key::Key;
use sogov::crypto::room::Custody;
use sogov::crypto::scheme::{Scheme, Schemes};
use sogov::crypto::sm2::UserId;
use sogov::custody;
use sogov::error::Status;
use std::ffi::c_int;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const PIN: &str = "11223344";

#[test]
fn a_device_signs_as_the_standard_has_it() {
    let device = Device::get();
    let key = custody::open(&device.uri()).unwrap();
    assert_eq!((key.scheme(), key.custody()), (Scheme::Sm2Sm3, Custody::Device));
    sign_much(&key, &UserId::default());
    sign_much(&key, &UserId::new(b"another").unwrap());
    key.with_signer(&Schemes::new(), |signer| {
        governs_plugins(signer);
        Ok(())
    })
    .unwrap();
    let authorisations = device.ask("mock_authorisations");
    key.sign(&Schemes::new(), &UserId::default(), b"m").unwrap();
    assert_eq!(device.ask("mock_authorisations"), authorisations, "a session keeps its right");
    drop(key);
    assert_eq!(device.ask("mock_open_sessions"), 0, "every session was closed");
}

#[test]
fn a_device_that_was_pulled_is_opened_anew() {
    let device = Device::get();
    let key = custody::open(&device.uri()).unwrap();
    sign_much(&key, &UserId::default());
    device.ask("mock_unplug");
    sign_much(&key, &UserId::default());
}

#[test]
fn a_forked_child_opens_the_device_by_itself() {
    let device = Device::get();
    let key = custody::open(&device.uri()).unwrap();
    sign_much(&key, &UserId::default());
    in_child(|| sign_much(&key, &UserId::default()));
    sign_much(&key, &UserId::default());
}

#[test]
fn a_signature_that_is_none_is_not_handed_out() {
    let device = Device::get();
    let key = custody::open(&device.uri()).unwrap();
    for (how, found) in [(1, "does not verify under its public key"), (2, "none of SM2")] {
        device.garble(how);
        let error = key.sign(&Schemes::new(), &UserId::default(), b"m").unwrap_err();
        device.garble(0);
        assert_eq!(error.status(), Status::CustodyFailed);
        assert!(error.message().contains(found), "{error}");
    }
    sign_much(&key, &UserId::default());
}

#[test]
fn refusals_say_what_the_device_said() {
    let device = Device::get();
    let refused = |uri: &str, found: &str| {
        let error = custody::open(uri).unwrap_err();
        assert_eq!(error.status(), Status::CustodyFailed);
        assert!(error.message().contains(found) && !error.message().contains("99887766"), "{error}");
    };
    let good = device.uri();
    refused(&good.replace("index=1", "index=2"), "SDR_KEYNOTEXIST");
    fs::write(device.directory.path().join("wrong"), "99887766").unwrap();
    refused(&good.replace("/pin", "/wrong"), "SDR_PARDENY");
    let plugin = super::support::fee("v1");
    refused(&format!("sdf:library={};index=1", plugin.display()), "found no SDF_");
    let without_pin = good.split(";pin").next().unwrap();
    let key = custody::open(without_pin).unwrap();
    let error = sign(&key).unwrap_err();
    assert!(error.message().contains("SDR_PARDENY"), "{error}");
    drop(key);
    assert_eq!(device.ask("mock_open_sessions"), 0, "failures close their sessions");
}

fn sign(key: &Key) -> sogov::error::Result<Vec<u8>> {
    key.sign(&Schemes::new(), &UserId::default(), b"m")
}

/// The mock, for one test at a time.
struct Device {
    directory: TempDir,
    library: PathBuf,
}

impl Device {
    fn get() -> MutexGuard<'static, Self> {
        static DEVICE: OnceLock<Mutex<Device>> = OnceLock::new();
        DEVICE.get_or_init(|| Mutex::new(Self::new())).lock()
    }

    fn new() -> Self {
        let directory = TempDir::new();
        let library = directory.path().join("libsdf_mock.so");
        fs::write(directory.path().join("pin"), PIN).unwrap();
        run(Command::new("gcc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"])
            .arg(&library)
            .arg(format!("{ROOT}/tests/tokens/sdf_mock.c"))
            .arg("-lcrypto"));
        Self { directory, library }
    }

    fn uri(&self) -> String {
        let (library, pin) = (self.library.display(), self.directory.path().join("pin"));
        format!("sdf:library={library};index=1;pin-source=file:{}", pin.display())
    }

    /// Calls a function of the mock without arguments.
    fn ask(&self, name: &str) -> c_int {
        // SAFETY: those functions take nothing and answer an int, or what is not looked at.
        unsafe {
            let library = libloading::Library::new(&self.library).unwrap();
            let function = library.get::<unsafe extern "C" fn() -> c_int>(name.as_bytes()).unwrap();
            function()
        }
    }

    fn garble(&self, how: c_int) {
        // SAFETY: the function takes an int.
        unsafe {
            let library = libloading::Library::new(&self.library).unwrap();
            let function = library.get::<unsafe extern "C" fn(c_int)>(b"mock_garble").unwrap();
            function(how);
        }
    }
}

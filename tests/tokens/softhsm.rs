//! Keys in a PKCS#11 token: made by the token, which does not let them out.

use super::support::{TempDir, run};
use super::{governs_plugins, in_child, sign_much};
use parking_lot::{Mutex, MutexGuard};
use sogov::crypto::room::Custody;
use sogov::crypto::scheme::{Scheme, Schemes};
use sogov::crypto::sm2::UserId;
use sogov::custody;
use sogov::error::Status;
use std::ffi::{c_ulong, c_void};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

const PIN: &str = "271828";

#[test]
fn keys_sign_that_cannot_be_read_out() {
    let token = Token::get();
    for (label, scheme) in [("ec", Scheme::EcdsaP256), ("rsa", Scheme::RsaPssSha512)] {
        let key = custody::open(&token.uri(label)).unwrap();
        assert_eq!((key.scheme(), key.custody()), (scheme, Custody::Token));
        sign_much(&key, &UserId::default());
        let listed = token.tool(&["--list-objects", "--type", "privkey", "--label", label]).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.contains("always sensitive, never extractable"), "{listed}");
    }
}

#[test]
fn openssl_verifies_what_they_sign() {
    let token = Token::get();
    let directory = TempDir::new();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("message"), b"message").unwrap();
    for label in ["ec", "rsa"] {
        let key = custody::open(&token.uri(label)).unwrap();
        let mut signature = key.sign(&Schemes::new(), &UserId::default(), b"message").unwrap();
        fs::write(path("key.pem"), key.public_key().unwrap().to_pem()).unwrap();
        let mut openssl = Command::new("openssl");
        if label == "ec" {
            signature = key.scheme().signature_to_der(&signature).unwrap();
            openssl.args(["dgst", "-sha256"]);
        } else {
            openssl.args(["dgst", "-sha512", "-sigopt", "rsa_padding_mode:pss"]);
            openssl.args(["-sigopt", "rsa_pss_saltlen:64", "-sigopt", "rsa_mgf1_md:sha512"]);
        }
        fs::write(path("signature"), signature).unwrap();
        run(openssl.args(["-verify", &path("key.pem"), "-signature", &path("signature"), &path("message")]));
    }
}

#[test]
fn they_sign_plugins_and_trust_documents() {
    let token = Token::get();
    for label in ["ec", "rsa"] {
        let key = custody::open(&token.uri(label)).unwrap();
        key.with_signer(&Schemes::new(), |signer| {
            governs_plugins(signer);
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn sessions_that_are_gone_are_opened_anew() {
    let token = Token::get();
    let key = custody::open(&token.uri("ec")).unwrap();
    sign_much(&key, &UserId::default());
    // As when the token was pulled and came back: no session, no login.
    token.close_all_sessions();
    sign_much(&key, &UserId::default());
}

#[test]
fn a_forked_child_connects_by_itself() {
    let token = Token::get();
    let key = custody::open(&token.uri("ec")).unwrap();
    sign_much(&key, &UserId::default());
    in_child(|| {
        sign_much(&key, &UserId::default());
        drop(key);
        sign_much(&custody::open(&token.uri("rsa")).unwrap(), &UserId::default());
    });
    let key = custody::open(&token.uri("ec")).unwrap();
    sign_much(&key, &UserId::default());
}

#[test]
fn refusals_say_what_the_token_said() {
    let token = Token::get();
    token.close_all_sessions();
    let wrong = token.directory.path().join("wrong");
    fs::write(&wrong, "314159\n").unwrap();
    let refused = |uri: &str, found: &str| {
        let error = custody::open(uri).unwrap_err();
        assert_eq!(error.status(), Status::CustodyFailed, "{error}");
        assert!(error.message().contains(found), "{error}");
        assert!(!error.message().contains(PIN) && !error.message().contains("314159"), "{error}");
    };
    let good = token.uri("ec");
    refused(&good.replace("/pin", "/wrong"), "C_Login answered CKR_PIN_INCORRECT");
    refused(
        &good.replace("object=ec", "object=other"),
        "expected one private key that the URI names, found none",
    );
    refused(&good.replace("token=sogov", "token=other"), "expected one token that the URI names, found none");
    refused(&good.replace("object=ec", "id=%ff"), "found none");
    let without_pin = good.split('&').next().unwrap();
    token.close_all_sessions();
    refused(without_pin, "found none");
    assert_eq!(custody::open(&good.replace("/pin", "/none")).unwrap_err().status(), Status::NotFound);
}

#[test]
fn a_pin_that_was_refused_is_not_tried_again() {
    let token = Token::get();
    let pin = token.directory.path().join("changing");
    fs::write(&pin, PIN).unwrap();
    let key = custody::open(&token.uri("ec").replace("/pin", "/changing")).unwrap();
    sign_much(&key, &UserId::default());
    fs::write(&pin, "314159").unwrap();
    token.close_all_sessions();
    let sign = || key.sign(&Schemes::new(), &UserId::default(), b"m").unwrap_err();
    assert!(sign().message().contains("CKR_PIN_INCORRECT"));
    fs::write(&pin, PIN).unwrap();
    let error = sign();
    assert_eq!(error.status(), Status::CustodyFailed);
    assert!(error.message().contains("it is not tried again"), "{error}");
}

#[test]
fn modules_have_to_be_safe_files() {
    let token = Token::get();
    let uri = |path: &str| format!("pkcs11:object=k?module-path={path}");
    let status = |path: &str| custody::open(&uri(path)).unwrap_err().status();
    assert_eq!(status("/no/such/module.so"), Status::NotFound);
    assert_eq!(status("module.so"), Status::InvalidArgument);
    let copy = token.directory.path().join("module.so");
    fs::copy(&token.module, &copy).unwrap();
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(status(copy.to_str().unwrap()), Status::CustodyFailed, "others could write it");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(&copy, "no library").unwrap();
    assert_eq!(status(copy.to_str().unwrap()), Status::CustodyFailed);
    let error = custody::open(&uri(super::support::fee("v1").to_str().unwrap())).unwrap_err();
    assert!(error.message().contains("found no C_GetFunctionList"), "{error}");
}

/// A token with a key of P-256 and one of RSA.
struct Token {
    directory: TempDir,
    module: PathBuf,
}

impl Token {
    /// The token, for one test at a time: sessions and logins are the process's.
    fn get() -> MutexGuard<'static, Self> {
        static TOKEN: OnceLock<Mutex<Token>> = OnceLock::new();
        TOKEN.get_or_init(|| Mutex::new(Self::new())).lock()
    }

    fn new() -> Self {
        let directory = TempDir::new();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("tokens")).unwrap();
        let configuration =
            format!("directories.tokendir = {}\nlog.level = ERROR\n", path("tokens").display());
        fs::write(path("softhsm2.conf"), configuration).unwrap();
        fs::write(path("pin"), format!("{PIN}\n")).unwrap();
        #[allow(
            clippy::disallowed_methods,
            reason = "SoftHSM reads nothing else, and this process is the test's"
        )]
        // SAFETY: the other tests wait for this one, and the harness reads no environment meanwhile.
        unsafe {
            std::env::set_var("SOFTHSM2_CONF", path("softhsm2.conf"));
        };
        let places = ["/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib64/pkcs11"];
        let module = places.iter().map(|place| PathBuf::from(place).join("libsofthsm2.so"));
        let module = module.into_iter().find(|module| module.exists());
        let module = module.unwrap_or_else(|| panic!("no SoftHSM2; `make setup` installs what is missing"));
        let token = Self { directory, module };
        run(Command::new("softhsm2-util").args([
            "--init-token",
            "--free",
            "--label",
            "sogov",
            "--pin",
            PIN,
            "--so-pin",
            "1234567",
        ]));
        for (kind, label, id) in [("EC:prime256v1", "ec", "01"), ("rsa:3072", "rsa", "02")] {
            let options = ["--keypairgen", "--key-type", kind, "--label", label, "--id", id];
            run(&mut token.tool(&options));
        }
        token
    }

    fn uri(&self, label: &str) -> String {
        let (module, pin) = (self.module.display(), self.directory.path().join("pin"));
        let pin = pin.display();
        format!("pkcs11:token=sogov;object={label};type=private?module-path={module}&pin-source=file:{pin}")
    }

    fn tool(&self, options: &[&str]) -> Command {
        let mut tool = Command::new("pkcs11-tool");
        tool.arg("--module").arg(&self.module).args(["--token-label", "sogov", "--login", "--pin", PIN]);
        tool.args(options);
        tool
    }

    /// Ends all sessions of this process behind the back of its keys.
    fn close_all_sessions(&self) {
        type Function = unsafe extern "C" fn(c_ulong) -> c_ulong;
        type Slots = unsafe extern "C" fn(u8, *mut c_ulong, *mut c_ulong) -> c_ulong;
        // SAFETY: places and types are those of CK_FUNCTION_LIST, whose first member is the version.
        unsafe {
            let library = libloading::Library::new(&self.module).unwrap();
            let get = library
                .get::<unsafe extern "C" fn(*mut *const *const c_void) -> c_ulong>(b"C_GetFunctionList\0");
            let mut list = std::ptr::null();
            assert_eq!((get.unwrap())(&raw mut list), 0);
            let slots = std::mem::transmute::<*const c_void, Slots>(*list.add(5));
            let close_all = std::mem::transmute::<*const c_void, Function>(*list.add(15));
            let (mut numbers, mut count) = ([0; 16], 16);
            let answered = slots(1, numbers.as_mut_ptr(), &raw mut count);
            // Not initialised yet: there is no session either.
            if answered != 0x190 {
                assert_eq!(answered, 0);
                for slot in &numbers[..usize::try_from(count).unwrap()] {
                    close_all(*slot);
                }
            }
        }
    }
}

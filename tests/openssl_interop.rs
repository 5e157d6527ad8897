//! Keys and signatures exchanged with the `openssl` program, in both directions.
#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "the helpers belong to the tests")]

use sogov::crypto::sm2::{PrivateKey, PublicKey, Signature, UserId};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

const DEFAULT_ID: &str = "1234567812345678";
const CUSTOM_ID: &str = "alice@example.org";

#[test]
fn keys_that_openssl_writes_are_read() {
    let dir = Dir::new();
    dir.openssl("genpkey -algorithm SM2 -out key.pem");
    dir.openssl("ecparam -name SM2 -genkey -out ecparam.pem");
    PrivateKey::from_encoded(&dir.read("ecparam.pem"), None).unwrap();
    let expected = PrivateKey::from_encoded(&dir.read("key.pem"), None).unwrap();

    dir.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out pkcs8.der");
    dir.openssl("pkey -in key.pem -outform DER -out sec1.der");
    dir.openssl("ec -in key.pem -out sec1.pem");
    dir.openssl("ec -in key.pem -no_public -out no_public.pem");
    dir.openssl("pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -passout pass:secret -out aes256.pem");
    dir.openssl(
        "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1 -in key.pem -passout pass:secret -out aes128.pem",
    );
    dir.openssl("pkcs8 -topk8 -v2 sm4-cbc -iter 10000 -in key.pem -passout pass:secret -out sm4.pem");
    dir.openssl("pkcs8 -topk8 -v2 aes-256-cbc -in key.pem -passout pass:secret -outform DER -out aes256.der");
    for name in [
        "pkcs8.der",
        "sec1.der",
        "sec1.pem",
        "no_public.pem",
        "aes256.pem",
        "aes128.pem",
        "sm4.pem",
        "aes256.der",
    ] {
        let key = PrivateKey::from_encoded(&dir.read(name), Some(b"secret"));
        assert_eq!(
            key.unwrap_or_else(|error| panic!("{name}: {error}")).to_bytes().unwrap(),
            expected.to_bytes().unwrap()
        );
    }

    dir.openssl("pkey -in key.pem -pubout -out spki.pem");
    dir.openssl("pkey -in key.pem -pubout -outform DER -out spki.der");
    dir.openssl("ec -in key.pem -pubout -conv_form compressed -out compressed.pem");
    for name in ["spki.pem", "spki.der", "compressed.pem"] {
        let key = PublicKey::from_encoded(&dir.read(name));
        assert_eq!(key.unwrap_or_else(|error| panic!("{name}: {error}")), *expected.public_key());
    }
}

#[test]
fn keys_that_are_written_are_read_by_openssl() {
    let (dir, key) = (Dir::new(), PrivateKey::generate().unwrap());
    dir.write("key.der", &key.to_pkcs8_der().unwrap());
    dir.write("key.pem", key.to_pkcs8_pem().unwrap().as_bytes());
    dir.write("encrypted.pem", key.to_pkcs8_encrypted_pem(b"secret").unwrap().as_bytes());
    dir.write("spki.der", &key.public_key().to_spki_der());
    dir.write("spki.pem", key.public_key().to_spki_pem().as_bytes());
    for read in [
        "-in key.der -inform DER",
        "-in key.pem",
        "-in encrypted.pem -passin pass:secret",
        "-in spki.der -inform DER -pubin",
        "-in spki.pem -pubin",
    ] {
        dir.openssl(&format!("pkey {read} -pubout -outform DER -out out.der"));
        assert_eq!(dir.read("out.der"), key.public_key().to_spki_der(), "{read}");
    }
    dir.openssl("pkey -in key.pem -check -noout");
    dir.openssl("pkey -in spki.pem -pubin -pubcheck -noout");
    assert!(!dir.run("pkey -in encrypted.pem -passin pass:wrong -noout").status.success());
}

#[test]
fn signatures_by_openssl_verify() {
    let dir = Dir::new();
    dir.openssl("genpkey -algorithm SM2 -out key.pem");
    let key = PrivateKey::from_encoded(&dir.read("key.pem"), None).unwrap();
    for (message, id) in [("message", DEFAULT_ID), ("message", CUSTOM_ID), ("", DEFAULT_ID)] {
        dir.write("message", message.as_bytes());
        dir.openssl(&format!("dgst -sm3 -sign key.pem -sigopt distid:{id} -out signature message"));
        let signature = Signature::from_der(&dir.read("signature")).unwrap();
        let user_id = UserId::new(id.as_bytes()).unwrap();
        assert_eq!(key.public_key().verify(&user_id, message.as_bytes(), &signature), Ok(()), "{id}");
        assert!(key.public_key().verify(&UserId::new(b"").unwrap(), message.as_bytes(), &signature).is_err());
    }
    // Without an identifier this OpenSSL signs under the empty one.
    dir.write("message", b"message");
    dir.openssl("dgst -sm3 -sign key.pem -out signature message");
    let signature = Signature::from_der(&dir.read("signature")).unwrap();
    assert_eq!(key.public_key().verify(&UserId::new(b"").unwrap(), b"message", &signature), Ok(()));
}

#[test]
fn signatures_verify_in_openssl() {
    let (dir, key) = (Dir::new(), PrivateKey::generate().unwrap());
    dir.write("public.pem", key.public_key().to_spki_pem().as_bytes());
    dir.write("message", b"message");
    dir.write("another", b"another");
    for id in [DEFAULT_ID, CUSTOM_ID] {
        let signature = key.sign(&UserId::new(id.as_bytes()).unwrap(), b"message").unwrap();
        dir.write("signature", &signature.to_der());
        let dgst = "dgst -sm3 -verify public.pem -signature signature";
        dir.openssl(&format!("{dgst} -sigopt distid:{id} message"));
        dir.openssl(&format!(
            "pkeyutl -verify -rawin -digest sm3 -pubin -inkey public.pem -sigfile signature -in message -pkeyopt distid:{id}"
        ));
        for refused in
            [format!("{dgst} -sigopt distid:{id} another"), format!("{dgst} -sigopt distid:other message")]
        {
            assert!(!dir.run(&refused).status.success(), "{refused}");
        }
    }
}

/// A temporary directory in which `openssl` runs; it goes with the value.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("openssl-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// Runs `openssl` with the blank-separated `arguments`, which has to succeed.
    #[track_caller]
    fn openssl(&self, arguments: &str) {
        let output = self.run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "openssl {arguments}: {stderr}");
    }

    fn run(&self, arguments: &str) -> Output {
        let output = Command::new("openssl").args(arguments.split(' ')).current_dir(&self.0).output();
        output.expect("these tests need the program `openssl` (3.0 or newer); `make setup` installs it")
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

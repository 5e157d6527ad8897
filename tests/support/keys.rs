//! Keys of every scheme for the whole-engine tests, one of them in the hands of the `openssl` program.

use super::{TempDir, Trust, run};
use sogov::crypto::key::{PrivateKey, PublicKey, Signer};
use sogov::crypto::scheme::Scheme;
use sogov::crypto::sm2::UserId;
use sogov::error::Result;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A new private key.
pub fn generate(scheme: Scheme) -> PrivateKey {
    PrivateKey::generate(scheme).unwrap()
}

/// Puts a public key into a trust directory.
pub fn put(directory: &Path, key: &PublicKey) {
    let id = key.key_id().to_string();
    fs::write(directory.join(format!("keys/{}.pem", id.trim_start_matches("sm3:"))), key.to_pem()).unwrap();
}

/// The key's record in a trust document, for every service, with further fields.
pub fn record(key: &PublicKey, more: &str) -> String {
    record_as(key, key.scheme().name(), more)
}

/// The same, whatever scheme the record shall say.
pub fn record_as(key: &PublicKey, scheme: &str, more: &str) -> String {
    format!(r#"{{"id":"{}","scheme":"{scheme}","services":["*"]{more}}}"#, key.key_id())
}

/// A trust directory whose document has these keys, and this rule for every service.
pub fn trust(keys: &[&PublicKey], rule: &str) -> Trust {
    let trust = Trust::new();
    for key in keys {
        put(trust.path(), key);
    }
    let records: Vec<String> = keys.iter().map(|key| record(key, "")).collect();
    trust.write(&Trust::document(&records.join(","), &format!(r#"{{"name":"*"{rule}}}"#)));
    trust
}

/// An RSA key that signs by `openssl`, as one in a token would.
#[derive(Debug)]
pub struct OpensslRsa {
    directory: TempDir,
    public: PublicKey,
}

impl OpensslRsa {
    /// A new key of so many bits.
    pub fn generate(bits: u32) -> Self {
        let directory = TempDir::new();
        openssl(&directory, &format!("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:{bits} -out key.pem"));
        openssl(&directory, "pkey -in key.pem -pubout -out public.pem");
        let public =
            PublicKey::from_encoded(&fs::read(directory.path().join("public.pem")).unwrap()).unwrap();
        Self { directory, public }
    }
}

impl Signer for OpensslRsa {
    fn public_key(&self) -> PublicKey {
        self.public.clone()
    }

    fn sign(&self, _: &UserId, message: &[u8]) -> Result<Vec<u8>> {
        fs::write(self.directory.path().join("message"), message).unwrap();
        openssl(
            &self.directory,
            "dgst -sha512 -sign key.pem -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:64 \
             -sigopt rsa_mgf1_md:sha512 -out signature message",
        );
        Ok(fs::read(self.directory.path().join("signature")).unwrap())
    }
}

/// Runs `openssl` with the blank-separated `arguments` in a directory; it has to succeed.
pub fn openssl(directory: &TempDir, arguments: &str) {
    run(Command::new("openssl").args(arguments.split_ascii_whitespace()).current_dir(directory.path()));
}

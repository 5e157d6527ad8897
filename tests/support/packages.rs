//! Packages for the whole-engine tests: recipients, an engine that installs, and envelopes built by hand.

use super::clock::TestClock;
use super::keys::openssl;
use super::{TempDir, Trust, fee, preflight_library};
use sogov::crypto::envelope::{Recipient, RecipientKey};
use sogov::crypto::hmac::SecretKey;
use sogov::crypto::sm2;
use sogov::engine::{
    Change, Engine, EngineOptions, FileFacts, InstalledPackage, PackageFacts, PackedPlugin, SharedClock, pack,
};
use sogov::error::Result;
use sogov::loader::preflight;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The name of the host.
pub const HOST: &str = "host-1";

/// A host that packages are made for.
pub struct Host {
    pub trust: Trust,
    pub state: TempDir,
    pub work: TempDir,
    pub receipt_key: Arc<SecretKey>,
    pub key: RecipientKey,
    pub recipient: Recipient,
}

impl Host {
    /// One with a key of SM2.
    pub fn new() -> Self {
        let key = sm2::PrivateKey::generate().unwrap();
        let recipient = Recipient::from_encoded(key.public_key().to_spki_pem().as_bytes()).unwrap();
        Self::with(RecipientKey::from_encoded(&key.to_pkcs8_der().unwrap(), None, None).unwrap(), recipient)
    }

    /// One with a key of RSA, the same in all tests of a process: to make one takes long.
    pub fn rsa() -> Self {
        let (key, public) = rsa();
        let key = RecipientKey::from_encoded(key, None, None).unwrap();
        Self::with(key, Recipient::from_encoded(public).unwrap())
    }

    pub fn with(key: RecipientKey, recipient: Recipient) -> Self {
        Self {
            trust: Trust::new(),
            state: TempDir::new(),
            work: TempDir::new(),
            receipt_key: Arc::new(SecretKey::generate().unwrap()),
            key,
            recipient,
        }
    }

    /// An engine over its directories.
    pub fn engine(&self) -> Arc<Engine> {
        self.engine_of(self.state.path())
    }

    pub fn engine_of(&self, state: &Path) -> Arc<Engine> {
        self.open(state, SharedClock::default())
    }

    /// The same by another clock than the machine's.
    pub fn engine_by(&self, clock: &Arc<TestClock>) -> Arc<Engine> {
        self.open(self.state.path(), clock.shared())
    }

    fn open(&self, state: &Path, clock: SharedClock) -> Arc<Engine> {
        Engine::open_idle(EngineOptions {
            clock,
            state_directory: Some(state.to_owned()),
            receipt_key: Some(Arc::clone(&self.receipt_key)),
            preflight: preflight::Options { library: Some(preflight_library()), ..Default::default() },
            ..self.trust.options()
        })
        .unwrap()
    }

    /// Installs the package at `path`.
    pub fn install(&self, path: &Path) -> Result<InstalledPackage> {
        self.engine().install(path, &self.key, HOST, &Change::default())
    }

    /// A signed plugin.
    pub fn plugin(&self, version: &str) -> PackedPlugin {
        let facts =
            FileFacts { service: "fee".into(), version: version.into(), epoch: 1, ..FileFacts::default() };
        PackedPlugin { path: self.trust.signed_with(&fee(version), &facts), signature_path: None }
    }

    /// A package with the plugin of `version`, as these facts have it.
    pub fn pack(&self, name: &str, version: &str, facts: &PackageFacts) -> PathBuf {
        self.pack_for(name, version, facts, std::slice::from_ref(&self.recipient))
    }

    pub fn pack_for(&self, name: &str, version: &str, facts: &PackageFacts, to: &[Recipient]) -> PathBuf {
        let target = self.work.path().join(name);
        pack(&[self.plugin(version)], &[], facts, &[self.trust.signer()], to, &target).unwrap();
        target
    }

    /// What lies among the installed packages, hidden names as well.
    pub fn installed(&self) -> Vec<String> {
        let directory = self.state.path().join("machine/packages/installed");
        let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort_unstable();
        names
    }
}

/// Facts for this host.
pub fn facts(epoch: u64) -> PackageFacts {
    PackageFacts { epoch, audiences: vec![HOST.into()], ..PackageFacts::default() }
}

/// A key of RSA with 3072 bits by `openssl`: the private and the public half in PEM.
pub fn rsa() -> (&'static [u8], &'static [u8]) {
    static KEY: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    let (key, public) = KEY.get_or_init(|| {
        let directory = TempDir::new();
        openssl(&directory, "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem");
        openssl(&directory, "pkey -in key.pem -pubout -out public.pem");
        let read = |name| fs::read(directory.path().join(name)).unwrap();
        (read("key.pem"), read("public.pem"))
    });
    (key, public)
}

/// A value in DER.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    let bytes = len.to_be_bytes();
    let digits = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    match digits {
        [] => out.push(0),
        [short @ 0..0x80] => out.push(*short),
        long => {
            out.push(0x80 | u8::try_from(long.len()).unwrap());
            out.extend(long);
        }
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// The first element of `der`: its tag, its contents, and what follows.
pub fn split(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let (head, len) = match der[1] {
        short @ 0..0x80 => (2, usize::from(short)),
        long => {
            let count = usize::from(long & 0x7f);
            (2 + count, der[2..2 + count].iter().fold(0, |len, byte| len << 8 | usize::from(*byte)))
        }
    };
    (der[0], &der[head..head + len], &der[head + len..])
}

/// The elements inside of a constructed one, each whole.
pub fn elements(mut contents: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while !contents.is_empty() {
        let (.., rest) = split(contents);
        found.push(contents[..contents.len() - rest.len()].to_vec());
        contents = rest;
    }
    found
}

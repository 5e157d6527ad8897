//! What the whole-engine tests share: plugins built once, a trust directory, signed copies.

#![allow(dead_code, reason = "each test target uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

pub mod clock;
pub mod elf_image;
pub mod keys;
pub mod packages;
pub mod sbom;

use parking_lot::Mutex;
use sogov::crypto::key_id::KeyId;
use sogov::crypto::sm2::{PrivateKey, UserId};
use sogov::engine::{Engine, EngineOptions, FileFacts, FileSigner, LoadOptions, sign_trust_document};
use sogov::loader::preflight;
use sogov::runtime::VersionReport;
use sogov::telemetry::Log;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, OnceLock};

/// The repository's root.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A directory of the test's own, removed when dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// A fresh directory that nobody else can write to.
    pub fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // A test that ended by a crash has left its directory, and its process number comes again.
        let path = loop {
            let name = format!("sogov-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let path = std::env::temp_dir().join(name);
            match fs::create_dir(&path) {
                Ok(()) => break path,
                Err(e) => assert_eq!(e.kind(), ErrorKind::AlreadyExists, "{}: {e}", path.display()),
            }
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory that cannot be removed is no failure of what was tested.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The path of a fee plugin: `v1`, `v2` or `v3`.
pub fn fee(version: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
        run(Command::new("make")
            .args(["-s", "-C"])
            .arg(format!("{ROOT}/c_examples/plugins"))
            .arg(format!("OUT={}", out.display())));
        out
    });
    directory.join(format!("libfee_{version}.so"))
}

/// The path of a plugin of the zoo.
pub fn zoo(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("zoo");
        run(Command::new("sh").arg(format!("{ROOT}/tests/zoo/build.sh")).arg(&out));
        out
    });
    directory.join(format!("{name}.so"))
}

/// The program that preflights run: `libsogov.so`, which Cargo puts beside the test programs.
pub fn preflight_library() -> PathBuf {
    std::env::current_exe().unwrap().with_file_name("libsogov.so")
}

/// Runs a command that has to succeed.
pub fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; `make setup` installs what is missing"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A trust directory with one release key and one root key.
pub struct Trust {
    /// Everything below it.
    pub directory: TempDir,
    /// Signs plugins; trusted for every service.
    pub key: PrivateKey,
    /// Signs the trust document.
    pub root: PrivateKey,
}

impl Trust {
    /// A trust directory whose document names the release key for every service, signed by the root key.
    pub fn new() -> Self {
        let trust = Self {
            directory: TempDir::new(),
            key: PrivateKey::generate().unwrap(),
            root: PrivateKey::generate().unwrap(),
        };
        fs::create_dir(trust.path().join("keys")).unwrap();
        trust.add_key("release", &trust.key);
        trust.add_key("root", &trust.root);
        trust.write(&Self::document(&Self::key_entry(&trust.key, ""), r#"{"name":"*"}"#));
        trust
    }

    /// The trust directory.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Puts a public key into the directory.
    pub fn add_key(&self, name: &str, key: &PrivateKey) {
        fs::write(self.path().join(format!("keys/{name}.pem")), key.public_key().to_spki_pem()).unwrap();
    }

    /// An entry of `keys`, for every service, with further fields.
    pub fn key_entry(key: &PrivateKey, more: &str) -> String {
        let id = key.public_key().key_id();
        format!(r#"{{"id":"{id}","scheme":"sm2-sm3","services":["*"]{more}}}"#)
    }

    /// A trust document with these entries.
    pub fn document(keys: &str, services: &str) -> String {
        format!(r#"{{"schema":1,"epoch":1,"keys":[{keys}],"services":[{services}]}}"#)
    }

    /// Writes the document and signs it with the root key.
    pub fn write(&self, document: &str) {
        fs::write(self.path().join("trust.json"), document).unwrap();
        sign_trust_document(&self.root, self.path()).unwrap();
    }

    /// Options of an engine that trusts this directory.
    pub fn options(&self) -> EngineOptions {
        EngineOptions {
            trust_directory: Some(self.path().to_owned()),
            root_key_ids: vec![self.root_id()],
            // The library of this test run: the tests are linked with the Rust library.
            preflight: preflight::Options { library: Some(preflight_library()), ..Default::default() },
            ..EngineOptions::default()
        }
    }

    /// The root key's identifier.
    pub fn root_id(&self) -> KeyId {
        self.root.public_key().key_id()
    }

    /// A signed copy of `plugin` for `service` and `version`.
    pub fn signed(&self, plugin: &Path, service: &str, version: &str) -> PathBuf {
        let facts =
            FileFacts { service: service.into(), version: version.into(), epoch: 1, ..FileFacts::default() };
        self.signed_with(plugin, &facts)
    }

    /// A signed copy of `plugin` with these facts.
    pub fn signed_with(&self, plugin: &Path, facts: &FileFacts) -> PathBuf {
        let target = self.path().join(format!("{}-{}.so", facts.service, facts.version));
        self.signer().sign(plugin, &target, facts).unwrap();
        target
    }

    /// The release key, ready to sign.
    pub fn signer(&self) -> FileSigner<'_> {
        static USER_ID: OnceLock<UserId> = OnceLock::new();
        FileSigner { key: &self.key, user_id: USER_ID.get_or_init(UserId::default) }
    }
}

/// Signs and loads one version.
pub fn load(engine: &Engine, trust: &Trust, plugin: &Path, service: &str, version: &str) -> VersionReport {
    let signed = trust.signed(plugin, service, version);
    engine.load_versioned(service, version, &signed, &LoadOptions::default()).unwrap()
}

/// An engine with the fee plugin's `v1` (stable) and `v2` (loaded).
pub fn fee_engine(trust: &Trust) -> Arc<Engine> {
    let engine = Engine::open(trust.options()).unwrap();
    load(&engine, trust, &fee("v1"), "fee", "v1");
    load(&engine, trust, &fee("v2"), "fee", "v2");
    engine.promote("fee", "v1", &sogov::engine::Change::default()).unwrap();
    engine
}

/// A log that keeps its lines.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    /// The log to give to an engine.
    pub fn log(&self) -> Log {
        let lines = Arc::clone(&self.0);
        Log::new(move |level, line| lines.lock().push(format!("{level:?} {line}")))
    }

    /// What was logged so far.
    pub fn all(&self) -> Vec<String> {
        self.0.lock().clone()
    }

    /// Whether some line contains `text`.
    pub fn contain(&self, text: &str) -> bool {
        self.all().iter().any(|line| line.contains(text))
    }
}

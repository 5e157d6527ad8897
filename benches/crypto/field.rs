//! Who takes part: this library at each feature level of the processor, and the peers.

use crate::child::Driver;
use sogov::crypto::cpu::{Features, VARIABLE};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// This library at the level that it takes by itself; a lower one is called `sogov:LEVEL`.
pub const SOGOV: &str = "sogov";
/// This library through its C interface.
pub const SOGOV_C: &str = "sogov_c";

/// The peers by the names of their drivers (`tools/setup-bench.sh` builds them), with the titles of those that are
/// missing.
const PEERS: [(&str, &str); 10] = [
    (SOGOV_C, "sogov, C interface"),
    ("crypto_mb", "Intel crypto_mb"),
    ("openssl", "OpenSSL"),
    ("botan", "Botan"),
    ("rustcrypto", "RustCrypto sm2"),
    ("efficient-sm2", "efficient-sm2"),
    ("gmssl", "GmSSL"),
    ("emmansun", "emmansun/gmsm"),
    ("tjfoc", "tjfoc/gmsm"),
    ("bouncycastle", "Bouncy Castle"),
];

/// Those that take part, and those that cannot be had here.
pub struct Field {
    pub entrants: Vec<Entrant>,
    pub missing: Vec<Missing>,
}

/// A driver that starts.
pub struct Entrant {
    pub name: String,
    pub title: String,
    pub version: String,
    program: PathBuf,
    is_own: bool,
    level: Option<&'static str>,
}

pub struct Missing {
    pub name: &'static str,
    pub title: &'static str,
    pub reason: String,
}

impl Field {
    pub fn find() -> Self {
        let mut field = Self { entrants: Vec::new(), missing: Vec::new() };
        let (highest, lower) = levels();
        for level in lower {
            field.entrants.push(own(format!("{SOGOV}:{level}"), level, Some(level)));
        }
        field.entrants.push(own(SOGOV.into(), highest, None));
        for (name, title) in PEERS {
            match peer(name) {
                Ok(entrant) => field.entrants.push(entrant),
                Err(reason) => field.missing.push(Missing { name, title, reason }),
            }
        }
        field
    }

    pub fn entrant(&self, name: &str) -> Option<&Entrant> {
        self.entrants.iter().find(|entrant| entrant.name == name)
    }

    /// Why a peer is missing.
    pub fn why_missing(&self, name: &str) -> Option<&Missing> {
        self.missing.iter().find(|missing| missing.name == name)
    }
}

impl Entrant {
    /// A new process, which has no case yet.
    pub fn start(&self) -> Driver {
        let mut command = Command::new(&self.program);
        if self.is_own {
            command.arg("--driver").env_remove(VARIABLE).envs(self.level.map(|level| (VARIABLE, level)));
        }
        Driver::start(command).unwrap_or_else(|e| panic!("{}: {e}", self.name))
    }
}

/// This program as a driver.
fn own(name: String, title: &str, level: Option<&'static str>) -> Entrant {
    let (program, version) = (std::env::current_exe().unwrap(), env!("CARGO_PKG_VERSION").into());
    Entrant { name, title: format!("sogov, {title}"), version, program, is_own: true, level }
}

/// A peer's driver as `tools/setup-bench.sh` left it, or why there is none.
fn peer(name: &str) -> Result<Entrant, String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench/peers/bin");
    if let Ok(reason) = fs::read_to_string(directory.join(format!("{name}.missing"))) {
        return Err(reason.trim().into());
    }
    let program = directory.join(name);
    if !program.exists() {
        return Err("it is not built; `make bench-crypto` does that".into());
    }
    let driver = Driver::start(Command::new(&program))?;
    let (title, version) = (driver.title.clone(), driver.version.clone());
    Ok(Entrant { name: name.into(), title, version, program, is_own: false, level: None })
}

/// The highest feature level of this processor, and the others.
fn levels() -> (&'static str, Vec<&'static str>) {
    let has = Features::detected();
    let known = [("portable", true), ("adx", has.adx), ("avx2", has.avx2), ("avx512", has.ifma)];
    let mut levels: Vec<_> = known.into_iter().filter(|(_, has)| *has).map(|(level, _)| level).collect();
    (levels.pop().unwrap(), levels)
}

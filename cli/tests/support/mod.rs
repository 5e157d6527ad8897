//! A directory in which the program is run, with plugins, keys and trust as its own commands make them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The program under test.
pub const SOGOV: &str = env!("CARGO_BIN_EXE_sogov");

/// A fresh directory of the test's own; `root.pem`, `release.pem` and so on in it.
pub struct Story {
    path: PathBuf,
}

/// What a run of the program left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Story {
    /// An empty one.
    pub fn empty() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("sogov-cli-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Self { path }
    }

    /// One with keys, a trust directory for `fee` and `zlib`, and the plugins of `fee` as they were built.
    pub fn new() -> Self {
        let story = Self::empty();
        for key in ["root", "release", "audit", "stranger"] {
            story.ok(&format!("keygen --out {key}.pem --public {key}.pub.pem"));
        }
        story.ok(
            "trust init --dir trust --root root.pem --key release.pub.pem:fee,zlib --key audit.pub.pem:fee",
        );
        story.copy_plugins();
        story
    }

    /// Puts `libfee_v1.so` to `libfee_v3.so` here.
    pub fn copy_plugins(&self) {
        for version in ["v1", "v2", "v3"] {
            let name = format!("libfee_{version}.so");
            fs::copy(plugins().join(&name), self.at(&name)).unwrap();
        }
    }

    /// The path of a file of the story.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.at(name), content).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap()
    }

    /// The permission bits of a file.
    pub fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.at(name)).unwrap().permissions().mode() & 0o777
    }

    /// Changes one byte.
    pub fn damage(&self, name: &str, place: usize) {
        let mut bytes = self.read(name);
        bytes[place] ^= 1;
        self.write(name, bytes);
    }

    /// Runs the program with the words of `line`.
    pub fn run(&self, line: &str) -> Ran {
        self.run_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    pub fn run_words(&self, words: &[&str]) -> Ran {
        Command::new(SOGOV).args(words).current_dir(&self.path).stdin(Stdio::null()).output().unwrap().into()
    }

    /// Runs a line of a shell in which `sogov` is the program.
    pub fn shell(&self, line: &str) -> Ran {
        let bin = Path::new(SOGOV).parent().unwrap().display();
        let path = format!("{bin}:{}", std::env::var("PATH").unwrap());
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).env("PATH", path).current_dir(&self.path).stdin(Stdio::null());
        shell.output().unwrap().into()
    }

    /// Runs the program, which has to succeed, and answers what it printed.
    pub fn ok(&self, line: &str) -> String {
        let ran = self.run(line);
        assert_eq!(ran.code, 0, "sogov {line}: {ran:?}");
        String::from_utf8(ran.stdout).unwrap()
    }

    /// Runs the program with `--json`, which has to succeed, and answers the one object.
    pub fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.ok(&format!("{line} --json"))).unwrap()
    }

    /// Runs the program with `--json`; it has to end with `code`, name `status` in both places, and give a reason
    /// that contains `reason`.
    pub fn refused(&self, line: &str, code: i32, status: &str, reason: &str) {
        let ran = self.run(&format!("{line} --json"));
        assert_eq!(ran.code, code, "sogov {line}: {ran:?}");
        assert!(
            ran.stderr.contains(&format!("({status})")) && ran.stderr.contains(reason),
            "{line}: {ran:?}"
        );
        let result: Value = serde_json::from_slice(&ran.stdout).unwrap();
        assert_eq!(result["error"]["status"], status, "{line}");
        assert!(result["error"]["message"].as_str().unwrap().contains(reason), "{line}: {result}");
    }

    /// The arguments that name the trust directory and its root.
    pub fn trust(&self) -> String {
        format!("--trust trust --root-id {}", self.id("root"))
    }

    /// The id of a key.
    pub fn id(&self, key: &str) -> String {
        self.ok(&format!("key-id {key}.pub.pem")).trim().to_owned()
    }

    /// Signs `libfee_<version>.so` into `<version>.so`.
    pub fn sign_fee(&self, version: &str) {
        self.ok(&format!(
            "sign --key release.pem --service fee --version {version} --out {version}.so libfee_{version}.so"
        ));
    }

    /// Changes the trust document and signs it again.
    pub fn edit_trust(&self, edit: impl FnOnce(&mut Value)) {
        let mut document: Value = serde_json::from_slice(&self.read("trust/trust.json")).unwrap();
        edit(&mut document);
        self.write("trust/trust.json", document.to_string());
        self.ok("trust sign --dir trust --key root.pem");
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        // A directory that cannot be removed is no failure of what was tested.
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Where the plugins of `c_examples/` are, built once.
fn plugins() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/../c_examples/plugins");
        let made =
            Command::new("make").args(["-s", "-C", source]).arg(format!("OUT={}", out.display())).status();
        assert!(made.unwrap().success(), "make -C {source}; `make setup` installs what is missing");
        out
    })
}

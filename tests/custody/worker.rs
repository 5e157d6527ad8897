//! The process that has a key.

use super::itself;
use sogov::crypto::key::PrivateKey;
use sogov::crypto::room::{Custody, Rooms};
use sogov::crypto::sm2::{Order, UserId, sign_batch};
use sogov::custody::{MemoryPolicy, Pages, read_secret_file, set_memory_policy};
use sogov::error::{Error, Status};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

pub const PASSWORD: &[u8] = b"correct horse battery staple";

const JOB: &str = "SOGOV_TEST_JOB";
const HIDDEN: &str = "SOGOV_TEST_HIDDEN";

/// What a dump of the worker has to have: it stands nowhere in this form before the worker makes it.
pub fn marker() -> Vec<u8> {
    (0..32_u8).map(|i| i.wrapping_mul(37) ^ 0x5a).collect()
}

/// A worker from outside.
pub struct Worker {
    child: Child,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    pub fn start(
        job: &str,
        directory: &super::TempDir,
        hidden: bool,
        prepare: impl Fn(&mut Command),
    ) -> Self {
        let mut command = itself();
        command
            .env(JOB, job)
            .env(HIDDEN, if hidden { "1" } else { "0" })
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        prepare(&mut command);
        let mut child = command.spawn().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Self { child, answers }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What follows `word` in the line that begins with it.
    pub fn wait_for(&mut self, word: &str) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the worker ended: {seen}");
            seen.push_str(&line);
            if let Some((_, rest)) = line.trim_end().split_once(word) {
                return rest.to_owned();
            }
        }
    }

    pub fn go_on(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    pub fn succeeded(mut self) {
        let mut rest = String::new();
        self.answers.read_to_string(&mut rest).unwrap();
        assert!(self.child.wait().unwrap().success(), "{rest}");
    }

    /// Has the kernel dump the worker; where dumps go to a program, a debugger writes one.
    pub fn core(mut self, directory: &Path) -> PathBuf {
        let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
        if pattern.starts_with(['|', '/']) {
            let core = directory.join("core");
            let gcore = Command::new("gcore").arg("-o").arg(&core).arg(self.id().to_string()).output();
            let gcore = gcore.unwrap_or_else(|e| panic!("gcore: {e}; `make setup` installs what is missing"));
            assert!(gcore.status.success(), "{gcore:?}");
            self.child.kill().unwrap();
        } else {
            // SAFETY: our own child, which was not waited for.
            unsafe { libc::kill(self.id().cast_signed(), libc::SIGABRT) };
        }
        // Waiting closes what the worker reads from, and then it would go on while it is dumped.
        let input = self.child.stdin.take();
        self.child.wait().unwrap();
        drop(input);
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut cores =
            entries.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("core"));
        cores.next().unwrap_or_else(|| panic!("no core dump by the pattern {pattern}"))
    }
}

/// The worker from inside: nothing where there is no job.
pub fn run() {
    let Ok(job) = std::env::var(JOB) else { return };
    let rooms = Pages { policy: None, hidden: std::env::var(HIDDEN).unwrap() == "1" };
    match job.as_str() {
        "use" => use_key(&rooms),
        "fork" => fork_with_key(&rooms),
        "limit" => limited(&rooms),
        other => panic!("{other}"),
    }
}

fn use_key(rooms: &dyn Rooms) {
    let mark = std::hint::black_box(marker());
    let key = read(rooms).unwrap();
    sign_much(&key);
    say(&format!("in use: {:?}", key.custody()));
    drop(key);
    say("ended");
    drop(mark);
}

fn fork_with_key(rooms: &dyn Rooms) {
    let key = read(rooms).unwrap();
    sign_much(&key);
    for raw in [false, true] {
        let child = || {
            let lost = key.sign(&UserId::default(), b"m").map_err(|e| e.status());
            assert_eq!(lost, Err(Status::KeyLostAfterFork));
            assert_eq!(key.to_pkcs8_der().map_err(|e| e.status()).unwrap_err(), Status::KeyLostAfterFork);
            let own = read(rooms).unwrap();
            sign_much(&own);
            assert_eq!(own.public_key(), key.public_key());
        };
        // SAFETY: the test's harness waits for this thread, so the child may allocate.
        let id = unsafe {
            if raw { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) } else { libc::fork().into() }
        };
        if id == 0 {
            let good = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                child();
                // Freeing what it does not have harms nobody.
                // SAFETY: the child ends without looking at the key again.
                drop(unsafe { std::ptr::read(&raw const key) });
            }));
            // SAFETY: ends the child without the harness's ends.
            unsafe { libc::_exit(i32::from(good.is_err())) };
        }
        let mut status = -1;
        // SAFETY: our own child.
        unsafe { libc::waitpid(id.try_into().unwrap(), &raw mut status, 0) };
        assert_eq!(status, 0, "raw: {raw}");
        sign_much(&key);
    }
    say("forked");
}

fn limited(rooms: &dyn Rooms) {
    set_memory_policy(MemoryPolicy::Require);
    let refused = read(rooms).unwrap_err();
    assert_eq!(refused.status(), Status::LimitExceeded);
    assert!(refused.message().contains("RLIMIT_MEMLOCK at 0 bytes"), "{refused}");
    set_memory_policy(MemoryPolicy::Degrade);
    let key = read(rooms).unwrap();
    assert_eq!(key.custody(), Custody::Unlocked);
    sign_much(&key);
    say("limited");
}

fn read(rooms: &dyn Rooms) -> Result<PrivateKey, Error> {
    let file = read_secret_file(Path::new("key.pem"), 64 << 10)?;
    let password = read_secret_file(Path::new("password"), 4 << 10)?;
    PrivateKey::from_encoded_in(rooms, &file, Some(&password))
}

/// One signature and a batch, on this thread and on another.
fn sign_much(key: &PrivateKey) {
    let user_id = UserId::default();
    let sign = || {
        key.sign(&user_id, b"message").unwrap();
        if let PrivateKey::Sm2(key) = key {
            let messages: Vec<_> = (0..70).map(|i| vec![7; i]).collect();
            let orders = messages.iter().map(|message| Order { key, user_id: &user_id, message });
            sign_batch(&orders.collect::<Vec<_>>()).unwrap();
        }
    };
    sign();
    std::thread::scope(|scope| scope.spawn(sign).join().unwrap());
}

/// Says a line, and waits for one.
fn say(line: &str) {
    let mut output = std::io::stdout();
    writeln!(output, "{line}").and_then(|()| output.flush()).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

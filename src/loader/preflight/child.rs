//! The child's life: sandbox, load, start, health, self-test, stop, and a report on the way.

use super::job::Job;
use super::report::{Frame, MAX_LEN};
use super::{Stage, place};
use crate::error::{Error, Result, Status};
use crate::loader::Isolation;
use crate::loader::collisions::Scope;
use crate::loader::place::Place;
use crate::loader::plugin::{self, HostContext, Plugin, PluginLog};
use crate::loader::{link_map, load_name};
use crate::sys::hidden_page::HiddenPage;
use crate::sys::sandbox::{self, Gap};
use std::ffi::{CStr, CString, OsStr, c_void};
use std::fs::File;
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The argument that makes a program a preflight child.
pub(super) const MARK: &CStr = c"--sogov-preflight-child";

static REGISTERED: AtomicBool = AtomicBool::new(false);

/// For Rust programs: call it first in `main`, before anything else is done. It lets the engine run this program again
/// for its preflights, and never returns in such a child. A program with a `libsogov.so` does not need it.
pub fn run_if_child() {
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().as_deref().is_some_and(is_mark) && arguments.next().is_none() {
        main();
    }
    REGISTERED.store(true, Ordering::Relaxed);
}

/// Whether [`run_if_child`] was called in this process.
pub(super) fn is_registered() -> bool {
    REGISTERED.load(Ordering::Relaxed)
}

pub(super) fn is_mark(argument: &OsStr) -> bool {
    argument.as_bytes() == MARK.to_bytes()
}

/// Does the job in descriptor `place::JOB` and ends the process. The status says nothing that counts.
pub(super) fn main() -> ! {
    sandbox::reset_signals();
    if let Ok(job) = read_job() {
        let reported = match Reporter::install(&job) {
            Some(reporter) => reporter.run(&job),
            None => false,
        };
        leave(i32::from(!reported));
    }
    leave(2)
}

fn read_job() -> std::io::Result<Job> {
    // SAFETY: no pointers. The library is mapped, and its descriptor is the child's own.
    let given = unsafe {
        libc::close(place::LIBRARY);
        libc::fcntl(place::JOB, libc::F_GETFD) >= 0
    };
    if !given {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    // SAFETY: the child's own descriptor, open, which nobody else uses.
    let job = unsafe { File::from_raw_fd(place::JOB) };
    let mut bytes = Vec::new();
    (&job).read_to_end(&mut bytes)?;
    let decoded = Job::decode(&bytes);
    bytes.fill(0);
    std::hint::black_box(&mut bytes);
    decoded.map_err(|_| std::io::ErrorKind::InvalidData.into())
}

/// Writes the report. There is one, in a static, since the handler of SIGSYS needs it.
struct Reporter {
    nonce: HiddenPage,
    log_room: AtomicUsize,
}

static REPORTER: OnceLock<Reporter> = OnceLock::new();

impl Reporter {
    fn install(job: &Job) -> Option<&'static Self> {
        let bytes = job.nonce.map(u64::to_ne_bytes);
        let nonce = HiddenPage::new(bytes.as_flattened()).ok()?;
        Some(REPORTER.get_or_init(|| Self { nonce, log_room: AtomicUsize::new(job.log_room) }))
    }

    /// All stages; whether they were passed.
    fn run(&'static self, job: &Job) -> bool {
        for gap in sandbox::enter(job.quota, denied) {
            let index = Gap::all().iter().position(|known| *known == gap);
            self.send(&Frame::Gap(index.and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX)));
        }
        let passed = self.stages(job).and_then(|()| check_memory(job.quota.memory));
        match passed {
            Ok(()) => self.send(&Frame::Passed),
            Err(reason) => {
                self.send(&Frame::Refused(reason.into()));
                false
            }
        }
    }

    fn stages(&'static self, job: &Job) -> std::result::Result<(), String> {
        self.send(&Frame::Stage(Stage::Load));
        let said = |e: crate::error::Error| e.message().to_owned();
        for library in &job.libraries {
            // Where it fails, so does the image that needs it, and says more.
            // SAFETY: a NUL-terminated path; constructors of a library run that the host has loaded.
            unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        }
        load_sealed(job.sealed_libraries).map_err(said)?;
        let descriptor = load(job.isolation).map_err(said)?;
        let Some(descriptor) = descriptor else { return Ok(()) };
        self.send(&Frame::Stage(Stage::Start));
        let log: PluginLog = Box::new(|level, line| self.log(level, line));
        let context = HostContext { service: job.service.clone(), version: job.version.clone(), log };
        // SAFETY: the image stays mapped until the process ends, and the host has checked the descriptor's head.
        let plugin =
            unsafe { Plugin::start(descriptor, context, plugin::HOST_PREFLIGHT, None) }.map_err(said)?;
        self.send(&Frame::Stage(Stage::Health));
        plugin.health().map_err(said)?;
        self.send(&Frame::Stage(Stage::SelfTest));
        plugin.self_test().map_err(said)?;
        self.send(&Frame::Stage(Stage::Stop));
        // By the plugin interface such an answer pins a version, and refuses none.
        if let Err(e) = plugin.stop() {
            self.send(&Frame::Note(format!("{e}: the version will stay mapped").into()));
        }
        Ok(())
    }

    /// A line of the plugin, as long as there is room.
    fn log(&self, level: i32, line: &str) {
        let taken = self.log_room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| {
            room.checked_sub(line.len().min(MAX_LEN) + MAX_LEN - super::report::MAX_TEXT)
        });
        if taken.is_ok() {
            self.send(&Frame::Log(u8::try_from(level).unwrap_or(0), line.into()));
        }
    }

    /// Writes a frame in one piece. Allocates nothing.
    fn send(&self, frame: &Frame<'_>) -> bool {
        let sent = self.nonce.show(|nonce| {
            let mut buffer = [0; MAX_LEN];
            let len = frame.encode(nonce, &mut buffer);
            // SAFETY: a buffer with at most its length.
            let written = unsafe { libc::write(place::REPORT, buffer.as_ptr().cast(), len) };
            buffer.fill(0);
            std::hint::black_box(&mut buffer);
            usize::try_from(written) == Ok(len)
        });
        sent.unwrap_or(false)
    }
}

/// Opens the libraries in sealed memory, which the image finds by their SONAMEs.
fn load_sealed(count: usize) -> Result<()> {
    for descriptor in (place::LIBRARIES..).take(count) {
        let name = load_name::fresh(descriptor)?;
        // SAFETY: constructors run of a library whose digest was signed. Nobody uses the descriptor afterwards.
        let handle = unsafe {
            let handle = libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL);
            libc::close(descriptor);
            handle
        };
        if handle.is_null() {
            return Err(Error::new(Status::LoadFailed, link_map::last_message()));
        }
    }
    Ok(())
}

/// Maps the image and runs its constructors; the address of the descriptor, if it has one.
fn load(isolation: Isolation) -> Result<Option<*mut c_void>> {
    let name = load_name::fresh(place::IMAGE)?;
    let its_place = Place::take(isolation)?;
    // It stays open until the process ends. There is no host here whose names could be others.
    let handle = its_place.open(&name, Scope::HostFirst)?;
    let symbol = CString::new(plugin::SYMBOL).unwrap_or_default();
    // SAFETY: the handle is open and the text NUL-terminated; only the address is taken.
    let address = unsafe { libc::dlsym(handle, symbol.as_ptr()) };
    // SAFETY: the child's own descriptor, which nobody uses any more.
    drop(unsafe { OwnedFd::from_raw_fd(place::IMAGE) });
    // dlsym goes on to the libraries that the image needs: what it finds there is not the image's.
    let own = its_place.extent(&name).is_some_and(|extent| extent.contains(&address.addr()));
    Ok(own.then_some(address))
}

fn check_memory(limit: u64) -> std::result::Result<(), String> {
    let peak = sandbox::peak_memory().map_err(|e| format!("read /proc/self/status: {e}"))?;
    if peak <= limit {
        return Ok(());
    }
    Err(format!("expected at most {} MiB of memory, found {} MiB in use", limit >> 20, peak >> 20))
}

/// The handler of SIGSYS: on the thread that made the call.
fn denied(call: i64) -> ! {
    if let Some(reporter) = REPORTER.get() {
        let mut text = FixedText::default();
        text.push("called ");
        text.push(sandbox::denied_call(call));
        text.push(", which a preflight forbids");
        reporter.send(&Frame::Refused(text.as_str().into()));
    }
    leave(3)
}

/// A short text without an allocator, for the handler.
struct FixedText {
    bytes: [u8; 128],
    len: usize,
}

impl Default for FixedText {
    fn default() -> Self {
        Self { bytes: [0; 128], len: 0 }
    }
}

impl FixedText {
    fn push(&mut self, text: &str) {
        for (place, byte) in self.bytes.iter_mut().skip(self.len).zip(text.bytes()) {
            *place = byte;
            self.len += 1;
        }
    }

    fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

/// Ends the process with all its threads; no exit handler runs.
fn leave(status: i32) -> ! {
    // SAFETY: does not return.
    unsafe { libc::_exit(status) }
}

//! A trial run of a version in a child process, before it enters the host.
//!
//! The child maps the same sealed memory, resolves every symbol, runs the constructors and, for a level-1 plugin,
//! `start`, `health`, the self-test and `stop`. What crashes, hangs, exits, stops itself, eats memory or answers wrong
//! does so there, in time, and the host never notices: no signal, no child that its `wait` would find, no descriptor.
//!
//! It guards against accidents. Signed code is trusted code: one that means harm can tell the trial from the host.
//!
//! The parts: `helper` finds the program that the child runs, which is this library itself; `sys::supervised` runs it
//! under the deadline; `job` is what the child is told, `report` what it answers; `child` is its life.

mod child;
mod entry;
mod helper;
mod job;
mod report;

use super::needed::Needed;
use super::{HostContext, Instance, Isolation, link_map, load_name};
use crate::artifact::elf::Elf;
use crate::error::{Error, Result, Status};
use crate::sys::faults::fault;
use crate::sys::sandbox::Quota;
use crate::sys::supervised;
use crate::sys::{memfd, random};
use crate::trust::VerifiedImage;
use helper::Helper;
use job::Job;
use std::ffi::CString;
use std::fmt;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub use child::run_if_child;

/// How versions are tried before they enter the process.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether there is a preflight.
    pub policy: PreflightPolicy,
    /// What a trial may use.
    pub limits: Limits,
    /// For Rust programs: the `libsogov.so`, of this release, that is to run the child. `None`: the library that this
    /// code is part of, or the program itself where it calls [`run_if_child`].
    pub library: Option<PathBuf>,
}

/// Whether versions are tried in a child process before they enter this one.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PreflightPolicy {
    /// Without a passed preflight nothing is loaded.
    #[default]
    Required = 0,
    /// Versions are loaded without one.
    Off = 1,
}

/// What a trial may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the child's making to its end, by the clock.
    pub deadline: Duration,
    /// Private memory, in bytes.
    pub memory: u64,
    /// Processor time of all its threads, rounded up to seconds.
    pub processor: Duration,
}

impl Default for Limits {
    /// 5 s, 512 MiB, 6 s.
    fn default() -> Self {
        let deadline = Duration::from_secs(5);
        Self { deadline, memory: 512 << 20, processor: Self::processor_for(deadline) }
    }
}

impl Limits {
    /// A second more than the deadline, so that what ends one thread that spins is the deadline, however late the parent
    /// wakes up for it.
    pub fn processor_for(deadline: Duration) -> Duration {
        deadline.saturating_add(Duration::from_secs(1))
    }
}

/// A trial that was passed.
#[derive(Clone, Debug)]
pub struct Report {
    /// How long it took.
    pub took: Duration,
    /// What was not as it should be and no reason to refuse: parts of the sandbox that this kernel lacks, an answer of
    /// `stop`.
    pub notes: Vec<String>,
}

/// Tries versions as an engine's options say. May be used by any number of threads at once.
#[derive(Debug)]
pub struct Preflight {
    limits: Limits,
    /// `None` where the preflight is off. What could not be found refuses the load that needs it.
    helper: Option<Result<Helper>>,
}

impl Preflight {
    /// Finds the program that the child will run, and keeps it open: replacing the file of the library later does not
    /// matter.
    pub fn new(options: &Options) -> Self {
        let helper = match options.policy {
            PreflightPolicy::Required => Some(Helper::find(options.library.as_deref())),
            PreflightPolicy::Off => None,
        };
        Self { limits: options.limits, helper }
    }

    /// None at all.
    pub fn off() -> Self {
        Self { limits: Limits::default(), helper: None }
    }

    /// Tries `image` as `context` says it is to be loaded; `None` where the preflight is off. A refusal is
    /// [`Status::PreflightFailed`], and its message says in which stage the image ended, and how. What the plugin logged
    /// until then goes to the context's log.
    ///
    /// Blocks for about the time that the plugin takes to load and to start, at most the deadline.
    pub fn check(
        &self,
        image: &VerifiedImage,
        context: &HostContext,
        isolation: Isolation,
    ) -> Result<Option<Report>> {
        let Some(helper) = &self.helper else { return Ok(None) };
        // What the bytes alone refuse has its own status and its own message, and costs no process.
        let needed = Instance::needed(image, isolation)?;
        let begun = Instant::now();
        let helper = helper.as_ref().map_err(Clone::clone)?;
        let notes = self.trial(helper, image, &needed, context, isolation)?;
        Ok(Some(Report { took: begun.elapsed(), notes }))
    }

    /// What the child noted.
    fn trial(
        &self,
        helper: &Helper,
        image: &VerifiedImage,
        needed: &Needed,
        context: &HostContext,
        isolation: Isolation,
    ) -> Result<Vec<String>> {
        let failed =
            |what: &'static str| move |e: std::io::Error| Error::io(format_args!("preflight: {what}"), &e);
        fault!("preflight.null");
        let null = OwnedFd::from(
            File::options().read(true).write(true).open("/dev/null").map_err(failed("open /dev/null"))?,
        );
        fault!("preflight.pipe");
        let (report, report_end) = std::io::pipe().map_err(failed("make a pipe"))?;
        let report_end = OwnedFd::from(report_end);
        fault!("preflight.nonce");
        let nonce = [random::system_u64()?, random::system_u64()?];
        let job = Job {
            release: job::RELEASE.to_owned(),
            nonce,
            service: context.service.clone(),
            version: context.version.clone(),
            quota: Quota { memory: self.limits.memory, processor: self.limits.processor },
            log_room: supervised::pipe_capacity(&report) / 2,
            isolation,
            libraries: match isolation {
                Isolation::Shared => libraries_of(image)?,
                Isolation::Own => Vec::new(),
            },
            sealed_libraries: needed.descriptors().count(),
        };
        fault!("preflight.job");
        let job = memfd::scratch("sogov-preflight", &job.encode())?;
        // SAFETY: the image owns its descriptor and outlives the borrow.
        let image = unsafe { BorrowedFd::borrow_raw(image.descriptor()) };
        let mut descriptors = vec![
            null.as_fd(),
            null.as_fd(),
            null.as_fd(),
            helper.library().unwrap_or(null.as_fd()),
            image,
            job.as_fd(),
            report_end.as_fd(),
        ];
        descriptors.extend(needed.descriptors());
        let ending = helper.run(&descriptors, self.limits.deadline);
        drop(report_end);
        let ending = ending.map_err(|e| e.of("preflight"))?;
        fault!("preflight.report");
        let bytes = supervised::take_all(report).map_err(failed("read the report"))?;
        report::verdict(&bytes, nonce, ending, &self.limits, &context.log)
    }
}

/// Where the descriptors of the child are, in the order given above.
mod place {
    pub(super) const LIBRARY: i32 = 3;
    pub(super) const IMAGE: i32 = 4;
    pub(super) const JOB: i32 = 5;
    pub(super) const REPORT: i32 = 6;
    /// The first of the libraries in sealed memory.
    pub(super) const LIBRARIES: i32 = 7;
}

/// The files of the libraries that `image` needs and this process has loaded already: it would bind to them, wherever
/// they came from, so the child loads them first.
fn libraries_of(image: &VerifiedImage) -> Result<Vec<CString>> {
    let elf = Elf::parse(image.bytes())?;
    let sonames = elf.needed().iter().filter_map(|soname| CString::new(*soname).ok());
    let paths = sonames.filter_map(|soname| link_map::path_of(&soname));
    Ok(paths.filter(|path| !load_name::is_descriptor(path)).collect())
}

/// The stages of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    Prepare,
    Load,
    Start,
    Health,
    SelfTest,
    Stop,
}

impl Stage {
    const ALL: [Self; 6] = [Self::Prepare, Self::Load, Self::Start, Self::Health, Self::SelfTest, Self::Stop];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Prepare => "before the image was loaded",
            Self::Load => "dlopen and constructors",
            Self::Start => "start",
            Self::Health => "health",
            Self::SelfTest => "self-test",
            Self::Stop => "stop",
        })
    }
}

fn refusal(message: impl fmt::Display) -> Error {
    Error::new(Status::PreflightFailed, format!("preflight: {message}"))
}

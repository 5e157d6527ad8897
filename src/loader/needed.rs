//! The libraries that an image needs, and which files they will be.
//!
//! The dynamic linker looks for a name that it does not know yet where `LD_LIBRARY_PATH` says first, and so where whoever
//! starts the process says. What it finds runs beside signed code, and nobody has signed it. Therefore:
//! - A library of which the statement demands a digest is looked for by that digest, copied into sealed memory and opened
//!   before the image, which then finds it by its SONAME. It stays as long as the process: the name is taken for good.
//! - Any other one, and what it needs in turn, has to be loaded already or must not be found where the environment says.

mod search;

use super::{link_map, load_name};
use crate::artifact::elf::Elf;
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::faults::fault;
use crate::sys::fork::PerProcess;
use crate::sys::{float_control, maps};
use crate::trust::{Demanded, VerifiedImage, VerifiedLibrary};
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

/// The most libraries of which one statement may demand the digest: the process of a preflight is handed each of them.
const MAX_DEMANDED: usize = 8;
/// The most libraries that are looked at for what they need in turn.
const MAX_LOOKED_AT: usize = 256;

/// What this process has opened from sealed memory. The lock is held while constructors run, and a `fork` may fall on that: a
/// child begins anew, and refuses the names that it inherited.
static OPENED: PerProcess<Mutex<Vec<Arc<VerifiedLibrary>>>> = PerProcess::new();

/// The libraries that are to be opened before an image, in this order.
#[derive(Debug, Default)]
pub(super) struct Needed(Vec<Arc<VerifiedLibrary>>);

impl Needed {
    /// Looks at all that `image` needs. [`Status::Modified`] for a library that has another digest than is demanded,
    /// [`Status::LoadFailed`] where there is none, [`Status::ImageRejected`] for one that the environment would choose.
    pub(super) fn find(image: &VerifiedImage, elf: &Elf<'_>) -> Result<Self> {
        fault!("load.needed");
        let demanded: Vec<_> = image.demanded().collect();
        if demanded.len() > MAX_DEMANDED {
            let found = demanded.len();
            return Err(Error::new(
                Status::LimitExceeded,
                format!("needed libraries: expected at most {MAX_DEMANDED} with a digest, found {found}"),
            ));
        }
        let mut libraries = Vec::new();
        for demanded in &demanded {
            libraries.extend(find(demanded).map_err(|e| of(demanded.soname(), &e))?);
        }
        let libraries = in_order(libraries)?;
        if !image.allowances().library_path {
            let demanded = demanded.iter().map(|demanded| demanded.soname().to_owned()).collect();
            check_environment(elf, &libraries, demanded)?;
        }
        Ok(Self(libraries))
    }

    /// Opens those that are not open yet. Their constructors run.
    pub(super) fn open(&self) -> Result<()> {
        fault!("load.libraries");
        self.0.iter().try_for_each(|library| open(library).map_err(|e| of(library.soname(), &e)))
    }

    /// The sealed memory of each.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0.iter().map(|library| library.memory().as_fd())
    }
}

/// Refuses a statement that demands digests of libraries: an image in a namespace of its own brings its libraries along from
/// their files.
pub(super) fn refuse_demands(image: &VerifiedImage) -> Result<()> {
    image.demanded().next().map_or(Ok(()), |demanded| {
        let message = format!("isolated: the statement demands {demanded}, which is for shared plugins");
        Err(Error::new(Status::Unsupported, message))
    })
}

/// The library that is demanded; `None` where the host has loaded it itself.
fn find(demanded: &Demanded<'_>) -> Result<Option<Arc<VerifiedLibrary>>> {
    let soname = demanded.soname();
    if let Some(opened) = opened(soname) {
        demanded.check_verified(&opened).map_err(|e| e.of("the one in this process"))?;
        return Ok(Some(opened));
    }
    let name = CString::new(soname).map_err(|_| Error::argument("expected a name without NUL bytes"))?;
    if link_map::is_known(&name) {
        return check_resident(&name, demanded).map(|()| None);
    }
    let mut other = None;
    for path in search::files(soname) {
        let Ok(mut file) = File::open(&path) else { continue };
        match demanded.copy_of(&mut file).map_err(|e| e.of(path.display())) {
            Err(e) if e.status() == Status::Modified => _ = other.get_or_insert(e),
            copied => return copied.map(|library| Some(Arc::new(library))),
        }
    }
    Err(other.unwrap_or_else(|| {
        let message = format!("expected {demanded}, found no such file where the dynamic linker looks");
        Error::new(Status::LoadFailed, message)
    }))
}

/// What this process has opened under that name.
fn opened(soname: &str) -> Option<Arc<VerifiedLibrary>> {
    OPENED.get().lock().iter().find(|library| library.soname() == soname).cloned()
}

/// A library that the host has loaded is as good, if its file is still the one that was mapped.
fn check_resident(soname: &CStr, demanded: &Demanded<'_>) -> Result<()> {
    let unknown = |why: &dyn fmt::Display| {
        let message = format!("the process has one of that name, whose digest is unknown: {why}");
        Error::new(Status::Modified, message)
    };
    let path = link_map::path_of(soname).filter(|path| !load_name::is_descriptor(path));
    let path = path.ok_or_else(|| unknown(&"it was not loaded by an absolute path"))?;
    let path = Path::new(OsStr::from_bytes(path.to_bytes()));
    let failed = |e| unknown(&format_args!("{}: {e}", path.display()));
    let mut file = File::open(path).map_err(failed)?;
    if link_map::file_of(soname) != Some(maps::as_mapped(&file)?) {
        return Err(unknown(&format_args!("{} was replaced since", path.display())));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    demanded.check(&bytes).map_err(|e| e.of(format_args!("{}, which the process has loaded", path.display())))
}

fn open(library: &Arc<VerifiedLibrary>) -> Result<()> {
    let mut opened = OPENED.get().lock();
    if opened.iter().any(|present| present.is(library)) {
        return Ok(());
    }
    let name = load_name::fresh(library.memory().descriptor())?;
    // SAFETY: constructors run of a library whose digest was signed; signed code is trusted code. It is never closed.
    let handle = float_control::preserved(|| unsafe {
        libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_NODELETE)
    });
    if handle.is_null() {
        return Err(Error::new(Status::LoadFailed, link_map::last_message()));
    }
    // What answers to the name is what the image will get, and somebody may have been faster.
    let soname = CString::new(library.soname()).unwrap_or_default();
    if link_map::file_of(&soname) != Some(library.memory().identity()?) {
        let message = "expected the verified file under that name, found another";
        return Err(Error::new(Status::LoadFailed, message));
    }
    opened.push(Arc::clone(library));
    Ok(())
}

fn needs(library: &VerifiedLibrary, other: &VerifiedLibrary) -> bool {
    Elf::parse(library.memory().bytes()).is_ok_and(|elf| elf.needed().contains(&other.soname()))
}

/// What others of them need comes first.
fn in_order(mut waiting: Vec<Arc<VerifiedLibrary>>) -> Result<Vec<Arc<VerifiedLibrary>>> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let is_ready = |library: &Arc<VerifiedLibrary>| !waiting.iter().any(|other| needs(library, other));
        let ready = waiting.iter().position(is_ready).ok_or_else(|| {
            let names: Vec<_> = waiting.iter().map(|library| library.soname()).collect();
            let message = format!(
                "needed libraries: expected an order to load them in, found that {} need each other",
                names.join(", ")
            );
            Error::new(Status::Unsupported, message)
        })?;
        ordered.push(waiting.swap_remove(ready));
    }
    Ok(ordered)
}

/// Refuses a library that the environment would choose: one that is to be loaded for `image`, or for one of its libraries,
/// and is found in a directory of `LD_LIBRARY_PATH`.
fn check_environment(
    image: &Elf<'_>,
    libraries: &[Arc<VerifiedLibrary>],
    demanded: BTreeSet<String>,
) -> Result<()> {
    let directories = search::directories_of_the_environment();
    if directories.is_empty() {
        return Ok(());
    }
    let mut seen = demanded;
    let names = |elf: &Elf<'_>| elf.needed().iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut wanted = names(image);
    for library in libraries {
        wanted.extend(names(&Elf::parse(library.memory().bytes())?));
    }
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) || CString::new(&*name).is_ok_and(|name| link_map::is_known(&name)) {
            continue;
        }
        if seen.len() > MAX_LOOKED_AT {
            let message = format!("needed libraries: expected at most {MAX_LOOKED_AT} of them");
            return Err(Error::new(Status::LimitExceeded, message));
        }
        if let Some(path) = directories.iter().find_map(|directory| search::within(directory, &name)) {
            return Err(Error::new(
                Status::ImageRejected,
                format!(
                    "needed library {name}: expected one that the process has loaded, that the system has, or whose digest \
                     the statement demands, found {}, where LD_LIBRARY_PATH leads",
                    path.display()
                ),
            ));
        }
        // What the system has is the administrator's; what it needs is looked for in the same way.
        if let Some(bytes) = search::files(&name).find_map(|path| fs::read(path).ok())
            && let Ok(elf) = Elf::parse(&bytes)
        {
            wanted.extend(names(&elf));
        }
    }
    Ok(())
}

fn of(soname: impl fmt::Display, error: &Error) -> Error {
    error.clone().of(format_args!("needed library {soname}"))
}

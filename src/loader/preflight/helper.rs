//! The program that the child runs: this very library, or this very program. Nothing is looked up by name, so there is
//! nothing to package, to find or to put in its place.
//!
//! | this code is part of | the child runs |
//! |---|---|
//! | `libsogov.so`, whose entry point is ours | the dynamic loader of this process, with that library |
//! | a Rust program that named a `libsogov.so` | the dynamic loader of this process, with that library |
//! | a Rust program that calls `run_if_child` first | `/proc/self/exe` |
//! | anything else | – |
//!
//! Of mapped files the path says where to look, and the mapping which file it was: a file at that path that is another
//! one by now is not run.

use super::{child, entry};
use crate::error::{Error, Result, Status};
use crate::sys::faults::fault;
use crate::sys::maps;
use crate::sys::supervised::{self, Ending, Program};
use std::ffi::{CStr, CString, c_void};
use std::fs::{self, File};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

/// An open helper.
#[derive(Debug)]
pub(super) struct Helper {
    /// The dynamic loader, or this program.
    program: File,
    /// What the dynamic loader is to run.
    library: Option<File>,
}

impl Helper {
    /// What there is; otherwise an error that says what was looked for.
    pub(super) fn find(given: Option<&Path>) -> Result<Self> {
        fault!("preflight.helper");
        if let Some(path) = given {
            let library =
                File::open(path).map_err(|e| Error::io(format_args!("open {}", path.display()), &e))?;
            return Ok(Self { program: dynamic_loader()?, library: Some(library) });
        }
        if is_entry_point(entry::address()) {
            let library = mapped_file(entry::address())?;
            return Ok(Self { program: dynamic_loader()?, library: Some(library) });
        }
        if child::is_registered() {
            let program = File::open("/proc/self/exe").map_err(|e| Error::io("open /proc/self/exe", &e))?;
            return Ok(Self { program, library: None });
        }
        Err(Error::new(
            Status::Unsupported,
            "preflight: found no program for the child: expected this code to be in libsogov.so, or \
             `loader::preflight::run_if_child` to have been called, or the library to be named by the options",
        ))
    }

    pub(super) fn library(&self) -> Option<BorrowedFd<'_>> {
        self.library.as_ref().map(AsFd::as_fd)
    }

    /// Runs it with these descriptors.
    pub(super) fn run(&self, descriptors: &[BorrowedFd<'_>], deadline: Duration) -> Result<Ending> {
        let arguments: &[&CStr] = match self.library {
            Some(_) => &[c"sogov-preflight", LIBRARY, child::MARK],
            None => &[c"sogov-preflight", child::MARK],
        };
        let environment = environment();
        let environment: Vec<&CStr> = environment.iter().map(CString::as_c_str).collect();
        let program =
            Program { file: self.program.as_fd(), arguments, environment: &environment, descriptors };
        supervised::run(&program, deadline)
    }
}

/// The library as the child's dynamic loader is told to find it: `place::LIBRARY`.
const LIBRARY: &CStr = c"/proc/self/fd/3";

/// Variables that make the dynamic loader or the C library load other code, or read other tables, than they would.
/// `LD_LIBRARY_PATH` is not among them: the plugin's libraries are to be those that this process would take.
const UNWANTED: [&str; 10] = [
    "GLIBC_TUNABLES",
    "GCONV_PATH",
    "GETCONF_DIR",
    "HOSTALIASES",
    "LOCALDOMAIN",
    "LOCPATH",
    "MALLOC_TRACE",
    "NLSPATH",
    "RES_OPTIONS",
    "RESOLV_HOST_CONF",
];

/// The environment that this process was started with, but for [`UNWANTED`] ones. What the host changed since is not
/// in it: reading `environ` would race with `setenv` on other threads.
fn environment() -> Vec<CString> {
    // Without it the child has none, as under a host that has none.
    let bytes = fs::read("/proc/self/environ").unwrap_or_default();
    let variables = bytes.split(|byte| *byte == 0).filter(|variable| is_wanted(variable));
    variables.filter_map(|variable| CString::new(variable).ok()).collect()
}

fn is_wanted(variable: &[u8]) -> bool {
    // Programs that change their title write over this memory, so not everything need be a variable.
    let Some(len) = variable.iter().position(|byte| *byte == b'=').filter(|len| *len > 0) else {
        return false;
    };
    let name = variable.get(..len).and_then(|name| std::str::from_utf8(name).ok());
    name.is_some_and(|name| {
        name == "LD_LIBRARY_PATH" || !name.starts_with("LD_") && !UNWANTED.contains(&name)
    })
}

/// The dynamic loader that this process was started with.
fn dynamic_loader() -> Result<File> {
    // SAFETY: reads the auxiliary vector.
    let base = usize::try_from(unsafe { libc::getauxval(libc::AT_BASE) }).unwrap_or(0);
    if base == 0 {
        return Err(Error::new(
            Status::Unsupported,
            "preflight: expected a program that the kernel started with a dynamic loader (AT_BASE), found none",
        ));
    }
    mapped_file(base)
}

/// The file that is mapped at `address`, opened.
fn mapped_file(address: usize) -> Result<File> {
    let path = maps::path_at(address)?;
    let file = File::open(&path).map_err(|e| {
        Error::new(
            Status::NotFound,
            format!("preflight: open {}: {e}; it is needed as it was when it was loaded", path.display()),
        )
    })?;
    // A file system may show another device in stat(2) than in the maps, so a mapping is compared with a mapping.
    let (opened, mapped) = (maps::as_mapped(&file)?, maps::file_at(address)?);
    if opened != mapped {
        return Err(Error::new(
            Status::Unsupported,
            format!(
                "preflight: {}: expected the file that was loaded {mapped:?}, found another {opened:?}: it was \
                 replaced since",
                path.display()
            ),
        ));
    }
    Ok(file)
}

/// Whether the object that contains `address` begins to run there when it is run as a program.
fn is_entry_point(address: usize) -> bool {
    let mut found = std::mem::MaybeUninit::<libc::Dl_info>::zeroed();
    let pointer: *const c_void = std::ptr::with_exposed_provenance(address);
    // SAFETY: room for the answer.
    if unsafe { libc::dladdr(pointer, found.as_mut_ptr()) } == 0 {
        return false;
    }
    // SAFETY: dladdr filled it; an object's first mapping begins with its ELF header.
    let (base, header) = unsafe {
        let base = found.assume_init().dli_fbase;
        (base.addr(), base.cast::<libc::Elf64_Ehdr>().read_unaligned())
    };
    header.e_ident.starts_with(b"\x7fELF")
        && usize::try_from(header.e_entry).is_ok_and(|entry| base.wrapping_add(entry) == address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_keeps_what_does_not_change_what_is_loaded() {
        for wanted in ["PATH=/bin", "TZ=", "LD_LIBRARY_PATH=/opt/lib", "a=b=c"] {
            assert!(is_wanted(wanted.as_bytes()), "{wanted}");
        }
        for unwanted in ["", "title of a program", "=x", "LD_PRELOAD=/x.so", "LD_AUDIT=x", "GLIBC_TUNABLES=x"]
        {
            assert!(!is_wanted(unwanted.as_bytes()), "{unwanted}");
        }
    }

    #[test]
    fn a_test_program_has_an_entry_point_of_its_own_and_knows_its_loader() {
        assert!(!is_entry_point(entry::address()));
        assert!(mapped_file(entry::address()).is_ok());
        assert!(dynamic_loader().is_ok());
        let missing = Helper::find(None).unwrap_err();
        assert_eq!(missing.status(), Status::Unsupported);
        assert!(missing.message().contains("run_if_child"), "{missing}");
    }
}

//! Link-map namespaces (`dlmopen`): lists of objects whose names do not meet those of the process, each with a C library
//! of its own.
//!
//! Every C library takes from the block of static thread-local storage, and glibc gets that back only when they are closed
//! in the reverse order of their opening: versions that replace each other, each in a fresh namespace, would use the block
//! up after eleven loads, for the host's own libraries as well. So a namespace is never closed. It is made with the C
//! library alone, which stays; it has room for one version at a time, and serves the next one when nothing of the last is
//! left in it.

use super::link_map;
use super::objects::{self, LinkMap, Object};
use crate::error::{Error, Result, Status};
use crate::sync::Mutex;
use crate::sys::float_control;
use crate::sys::fork::{self, PerProcess};
use crate::sys::maps;
use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_void};
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The most namespaces that are made. glibc has room for 11 C libraries besides the first; three are left to the host, and
/// some hundred bytes of the static block with them.
pub(super) const LIMIT: usize = 8;

/// A namespace that holds nothing but its C library, or the one version that took it. Dropped, it is used up: only
/// [`give_back`](Self::give_back) makes it serve again.
#[derive(Debug)]
pub(super) struct Namespace {
    id: libc::Lmid_t,
    /// The entry of its C library, which is never closed.
    c_library: *const LinkMap,
    /// The load addresses of what was there at first.
    residents: BTreeSet<usize>,
    use_locale: UseLocale,
    /// The process that it was made in; see `sys::fork`.
    generation: u64,
}

type UseLocale = unsafe extern "C" fn(libc::locale_t) -> libc::locale_t;

// SAFETY: the entry is never freed, and who has the value is the only one to open and close in its namespace.
unsafe impl Send for Namespace {}
// SAFETY: what takes `&self` reads the list, which changes in `open` alone and in closing, both before the image is used
// or after.
unsafe impl Sync for Namespace {}

/// What this process has made. A forked child begins anew, and finds less room in glibc than this says.
static POOL: PerProcess<Mutex<Pool>> = PerProcess::new();

#[derive(Debug, Default)]
struct Pool {
    made: usize,
    free: Vec<Namespace>,
}

impl Namespace {
    /// One that holds nothing but its C library. [`Status::LimitExceeded`] where all are taken;
    /// [`Status::Unsupported`] where the C library cannot be loaded a second time.
    pub(super) fn take() -> Result<Self> {
        let mut pool = POOL.get().lock();
        if let Some(free) = pool.free.pop() {
            return Ok(free);
        }
        if pool.made >= LIMIT {
            return Err(Error::new(
                Status::LimitExceeded,
                format!(
                    "isolated: expected at most {LIMIT} versions with a namespace of their own in one process, \
                     pinned ones included, found {}",
                    pool.made
                ),
            ));
        }
        let path = c_library()?;
        // SAFETY: the C library's initialisation runs, made for this; its name is NUL-terminated.
        let handle = unsafe { libc::dlmopen(libc::LM_ID_NEWLM, path.as_ptr(), MODE) };
        if handle.is_null() {
            let (made, said) = (pool.made, last_error());
            return Err(Error::new(
                Status::LimitExceeded,
                format!("isolated: expected room for another namespace beside {made}, found none: {said}"),
            ));
        }
        pool.made += 1;
        Self::around(handle)
    }

    /// Maps an image and what it needs, and runs the constructors. The answer is for `dlsym` and `dlclose`.
    pub(super) fn open(&self, load_name: &CStr) -> Result<*mut c_void> {
        self.enter()?;
        // SAFETY: constructors of a signed image run here; its name is NUL-terminated.
        let handle = float_control::preserved(|| unsafe { libc::dlmopen(self.id, load_name.as_ptr(), MODE) });
        if handle.is_null() {
            return Err(Error::new(Status::LoadFailed, link_map::without_load_name(&last_error())));
        }
        Ok(handle)
    }

    /// Shows its objects to `visit` until it answers something.
    pub(super) fn find<T>(&self, visit: impl FnMut(Object<'_>) -> Option<T>) -> Option<T> {
        // SAFETY: the C library stays open, and who has the namespace neither opens nor closes meanwhile.
        unsafe { objects::find_beside(self.c_library, visit) }
    }

    /// Whether an object was there before any version.
    pub(super) fn is_resident(&self, base: usize) -> bool {
        self.residents.contains(&base)
    }

    /// To be called on each thread before it runs code of the namespace. That C library has made neither the thread nor
    /// its tables of character classes, without which `isalpha` and `printf("%f")` fault; setting the locale makes them.
    ///
    /// Refused in a forked child: `fork` takes the locks of the process's own C library alone, so the allocator of this
    /// one may have been inherited locked.
    #[inline]
    pub(super) fn enter(&self) -> Result<()> {
        if fork::generation() != self.generation {
            return Err(inherited());
        }
        // SAFETY: the function of that C library, with the value that stands for the locale of the process.
        unsafe { (self.use_locale)(GLOBAL_LOCALE) };
        Ok(())
    }

    /// Lets it serve again where nothing of the version is left. Called after `dlclose`.
    pub(super) fn give_back(self) {
        let left = self.find(|object| (!self.is_resident(object.base)).then_some(()));
        if left.is_none() && fork::generation() == self.generation {
            POOL.get().lock().free.push(self);
        }
    }

    /// The namespace that was made by opening a C library in it.
    fn around(handle: *mut c_void) -> Result<Self> {
        let (mut id, mut c_library) = (0, std::ptr::null_mut::<LinkMap>());
        // SAFETY: the handle is open; each request writes one value of its type, and the name is NUL-terminated.
        let (told, use_locale) = unsafe {
            let told = libc::dlinfo(handle, libc::RTLD_DI_LMID, (&raw mut id).cast()) == 0
                && libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut c_library).cast()) == 0;
            (told, libc::dlsym(handle, c"uselocale".as_ptr()))
        };
        if !told || c_library.is_null() || use_locale.is_null() {
            return Err(unsupported("expected to find the C library of a new namespace, found nothing"));
        }
        // SAFETY: that is the type of `uselocale`.
        let use_locale = unsafe { std::mem::transmute::<*mut c_void, UseLocale>(use_locale) };
        let generation = fork::generation();
        let mut made = Self { id, c_library, residents: BTreeSet::new(), use_locale, generation };
        let mut residents = BTreeSet::new();
        let _: Option<()> = made.find(|object| {
            residents.insert(object.base);
            None
        });
        made.residents = residents;
        Ok(made)
    }
}

/// `LC_GLOBAL_LOCALE` of locale.h.
const GLOBAL_LOCALE: libc::locale_t = std::ptr::without_provenance_mut(usize::MAX);

const MODE: i32 = libc::RTLD_NOW | libc::RTLD_LOCAL;

/// The path of this process's C library. The dynamic linker works with that one release of it: where the file was
/// replaced since, as by an upgrade of the system, a second copy would be another one.
fn c_library() -> Result<CString> {
    const NAME: &CStr = c"libc.so.6";
    let path = link_map::path_of(NAME)
        .ok_or_else(|| unsupported("expected a process with libc.so.6, found none by that name"))?;
    let shown = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let file = File::open(shown).map_err(|e| Error::io(format_args!("open {}", shown.display()), &e))?;
    if link_map::file_of(NAME) != Some(maps::as_mapped(&file)?) {
        return Err(unsupported(&format!(
            "{}: expected the file that this process has loaded, found that it was replaced since",
            shown.display()
        )));
    }
    Ok(path)
}

/// What the linker said of its last failure on this thread.
fn last_error() -> String {
    // SAFETY: no preconditions; the text is this thread's until its next call.
    let said = unsafe { libc::dlerror() };
    if said.is_null() {
        return "the dynamic linker gave no reason".to_owned();
    }
    // SAFETY: a NUL-terminated text.
    unsafe { CStr::from_ptr(said) }.to_string_lossy().into_owned()
}

#[cold]
fn inherited() -> Error {
    unsupported("expected the process that loaded the version, found a child of its fork")
}

fn unsupported(what: &str) -> Error {
    Error::new(Status::Unsupported, format!("isolated: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_has_objects_of_its_own_and_serves_again() {
        let one = Namespace::take().unwrap();
        let c_library = |namespace: &Namespace| {
            namespace.find(|object| (object.shown() == "libc.so.6").then(|| object.extent())).unwrap()
        };
        let its_own = c_library(&one);
        let host = objects::find(|object| (object.shown() == "libc.so.6").then(|| object.extent()));
        assert!(its_own.len() > 4096);
        assert_eq!(Some(its_own.len()), host.clone().map(|host| host.len()));
        assert_ne!(Some(its_own.start), host.map(|host| host.start));
        assert_eq!(maps::file_at(its_own.start).ok(), link_map::file_of(c"libc.so.6"));
        one.enter().unwrap();
        let id = one.id;
        one.give_back();
        let again = Namespace::take().unwrap();
        assert_eq!((again.id, c_library(&again)), (id, its_own));
        again.give_back();
    }
}
